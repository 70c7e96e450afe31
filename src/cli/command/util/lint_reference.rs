//! `util lint-reference`: every rule of `check`, and which rules of other tools find the same.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use crate::cli::command::explain::shown;
use crate::lint::rules::RULES;
use crate::lint::{Example, Rule};

const HEAD: &str = "\
# Rules

What `cim-nix check` looks for, made from the rules themselves by `cim-nix util lint-reference`. `cim-nix explain RULE` tells the same in a
terminal.

A rule is left out with `--disable RULE` or `rules.disabled` in the settings, and in a file by a comment:

```nix
# cim-nix: allow(unused-let) read by a generator until 2027-01-01
```

Alone on a line it covers the whole construct that follows, at the top of a file the file; behind code it covers that line. The reason
is asked for; the day may be left out. `# deadnix: skip` is honoured for unused names.

A *safe* fix never changes what a file evaluates to; one to *review* likely means what was meant. `cim-nix fix` makes the safe ones.
";

/// The page, in Markdown.
pub(super) fn page() -> String {
    let mut page = HEAD.to_owned();
    let safe = RULES.iter().filter(|rule| rule.fix == crate::lint::Safety::Safe).count();
    let _ = writeln!(page, "\n{} rules, {safe} with a safe fix.\n", RULES.len());
    page.push_str("| rule | severity | fix | |\n|---|---|---|---|\n");
    for rule in RULES {
        let off = if rule.on { "" } else { " (off unless asked for)" };
        let (name, severity, fix) = (rule.name, rule.severity.name(), rule.fix.name());
        let _ = writeln!(page, "| [`{name}`](#{name}) | {severity} | {fix} | {}{off} |", rule.summary);
    }
    page.push_str("\n## The same elsewhere\n");
    parity(&mut page);
    page.push_str("\n## Each rule\n");
    for rule in RULES {
        section(rule, &mut page);
    }
    page
}

fn parity(page: &mut String) {
    let tools: BTreeSet<&str> = RULES.iter().flat_map(|rule| rule.alike).map(|(tool, _)| *tool).collect();
    let _ = writeln!(page, "\n| rule | {} |", tools.iter().copied().collect::<Vec<_>>().join(" | "));
    let _ = writeln!(page, "|---|{}", "---|".repeat(tools.len()));
    for rule in RULES.iter().filter(|rule| !rule.alike.is_empty()) {
        let mut names: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for (tool, name) in rule.alike {
            names.entry(tool).or_default().push(format!("`{name}`"));
        }
        let cells: Vec<String> = tools.iter().map(|tool| names.remove(tool).unwrap_or_default().join(", ")).collect();
        let _ = writeln!(page, "| `{}` | {} |", rule.name, cells.join(" | "));
    }
}

fn section(rule: &Rule, page: &mut String) {
    let off = if rule.on { "" } else { "; off unless asked for" };
    let _ = writeln!(page, "\n### {}\n\n{}: {}{off}.", rule.name, capital(rule.severity.name()), rule.summary);
    let _ = writeln!(page, "{}\n", rule.why);
    for (title, example) in [("Found:", rule.bad), ("Not found:", rule.good)] {
        match example {
            Example::Words(words) => {
                let _ = writeln!(page, "{title} {words}\n");
            }
            Example::Nix(_) | Example::Beside(..) | Example::Flake { .. } => {
                let _ = writeln!(page, "{title}\n\n````nix\n{}\n````\n", shown(example).trim_end());
            }
        }
    }
    while page.ends_with("\n\n") {
        page.pop();
    }
}

fn capital(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}
