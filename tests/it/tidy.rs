//! The rules of the house, checked on the text of the sources; `ARCHITECTURE.md` gives the reasons.

mod declared;
mod golden;
mod imports;
mod security;
mod size;
mod source;
mod transcripts;
mod words;

/// Fails with every breach, one a line.
fn report(breaches: impl IntoIterator<Item = source::Breach>) {
    let lines: Vec<String> = breaches.into_iter().map(|breach| breach.to_string()).collect();
    assert!(lines.is_empty(), "\n{}\n", lines.join("\n"));
}
