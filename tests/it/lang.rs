//! Which texts Nix takes: a real Nix and ours agree, on texts of our own and, on request, on the suite of Nix itself.

use std::path::{Path, PathBuf};

use cim_domain_nix::syntax::names::{Meaning, Names};
use cim_domain_nix::syntax::{semantics, tree};

use crate::parts::{NIX_INSTANTIATE, NixStore, repository};

/// How a folder of texts was judged.
#[derive(Debug, Default)]
pub(crate) struct Judged {
    /// How many both take.
    pub(crate) taken: usize,
    /// How many both refuse.
    pub(crate) refused: usize,
    /// Not UTF-8, so we do not read them.
    pub(crate) unreadable: usize,
    /// What only one of the two takes, with why the other does not.
    pub(crate) differ: Vec<String>,
}

/// Judges every Nix text of a folder, without those below it.
pub(crate) fn judge(folder: &Path) -> Result<Judged, String> {
    let nix = NixStore::new()?;
    let mut judged = Judged::default();
    for path in texts(folder)? {
        let Ok(text) = std::fs::read_to_string(&path) else {
            judged.unreadable += 1;
            continue;
        };
        let show = |who: &str, why: &str| format!("{}: only {who} takes it: {why}", path.display());
        match (nix_refuses(&nix, &path)?, we_refuse(&text)) {
            (None, None) => judged.taken += 1,
            (Some(_), Some(_)) => judged.refused += 1,
            (None, Some(why)) => judged.differ.push(show("Nix", &why)),
            (Some(why), None) => judged.differ.push(show("cim-nix", &why)),
        }
    }
    Ok(judged)
}

fn texts(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let entries = std::fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let mut texts: Vec<_> = paths.filter(|path| path.extension().is_some_and(|end| end == "nix")).collect();
    texts.sort();
    Ok(texts)
}

fn nix_refuses(nix: &NixStore, path: &Path) -> Result<Option<String>, String> {
    let mut command = nix.command(NIX_INSTANTIATE)?;
    command.args(["--extra-experimental-features", "pipe-operators", "--parse"]).arg(path);
    let output = command.output().map_err(|error| error.to_string())?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    Ok((!output.status.success()).then_some(said))
}

fn we_refuse(text: &str) -> Option<String> {
    let tree = tree::parse(text);
    if let Some(problem) = tree.problems.first() {
        return Some(problem.message.clone());
    }
    if let Some(problem) = semantics::problems(&tree, text).first() {
        return Some(problem.message.clone());
    }
    let names = Names::of(&tree, text);
    let undefined = names.uses.iter().find(|name| name.meaning == Meaning::Undefined)?;
    Some(format!("`{}` is not defined", undefined.name))
}

#[test]
fn what_nix_takes_is_taken_and_what_it_refuses_is_refused() {
    let folder = repository().join("tests/fixtures/lang");
    let (taken, refused) = (judge(&folder.join("accept")).unwrap(), judge(&folder.join("reject")).unwrap());
    assert!(taken.differ.is_empty() && refused.differ.is_empty(), "{:#?} {:#?}", taken.differ, refused.differ);
    assert!(taken.taken >= 50 && taken.refused == 0 && taken.unreadable == 0, "{taken:?}");
    assert!(refused.refused >= 100 && refused.taken == 0 && refused.unreadable == 0, "{refused:?}");
}
