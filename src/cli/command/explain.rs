//! `explain`: what a rule is about.

use std::process::ExitCode;

use serde::Serialize;

use super::Run;
use crate::app::check;
use crate::cli::answer::{Answer, Page};
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::lint::rules::RULES;
use crate::lint::{Example, Rule, Selection};

/// Tell what a rule of `check` is about, or list all rules
#[derive(Debug, clap::Args)]
pub(crate) struct Explain {
    /// The rule; every one when it is left out
    #[arg(value_name = "RULE")]
    rule: Option<String>,
}

impl Run for Explain {
    fn run(self, context: &mut Context<'_>) -> Result<ExitCode, Failure> {
        let rules = match &self.rule {
            None => RULES.iter().map(|rule| Explained::of(rule)).collect(),
            Some(name) => {
                check::known(&Selection { only: vec![name.clone()], ..Selection::default() })?;
                check::rule(name).into_iter().map(Explained::of).collect()
            }
        };
        context.printer.answer(&Explanations { rules, whole: self.rule.is_some() })?;
        Ok(ExitCode::SUCCESS)
    }
}

/// `cim-nix/explain/1`, in the order of the documentation.
#[derive(Debug, Serialize)]
struct Explanations {
    rules: Vec<Explained>,
    #[serde(skip)]
    whole: bool,
}

#[derive(Debug, Serialize)]
struct Explained {
    rule: &'static str,
    severity: &'static str,
    fix: &'static str,
    on: bool,
    summary: &'static str,
    why: &'static str,
    bad: String,
    good: String,
    alike: Vec<String>,
}

impl Explained {
    fn of(rule: &'static Rule) -> Self {
        Self {
            rule: rule.name,
            severity: rule.severity.name(),
            fix: rule.fix.name(),
            on: rule.on,
            summary: rule.summary,
            why: rule.why,
            bad: shown(rule.bad),
            good: shown(rule.good),
            alike: rule.alike.iter().map(|(tool, name)| format!("{tool}: {name}")).collect(),
        }
    }
}

/// The text of an example; a flake with its lock one after the other.
pub(crate) fn shown(example: Example) -> String {
    match example {
        Example::Nix(text) | Example::Words(text) => text.to_owned(),
        Example::Beside(text, (name, other)) => format!("{text}\n\n# {name}\n{other}"),
        Example::Flake { nix, lock } => format!("{nix}\n\n# flake.lock\n{lock}"),
    }
}

impl Answer for Explanations {
    const NAME: &'static str = "explain";
    type Record = Explained;

    fn records(&self) -> &[Explained] {
        &self.rules
    }

    fn cells(rule: &Explained) -> Vec<String> {
        [rule.rule, rule.severity, rule.fix, if rule.on { "on" } else { "off" }, rule.summary].map(str::to_owned).into()
    }

    fn page(&self, page: &mut Page) {
        if !self.whole {
            let width = self.rules.iter().map(|rule| rule.rule.len()).max().unwrap_or_default();
            for rule in &self.rules {
                let off = if rule.on { "" } else { " (off unless asked for)" };
                page.line(format!("{:<width$}  {:<7}  {}{off}", rule.rule, rule.severity, rule.summary));
            }
            return;
        }
        for rule in &self.rules {
            page.title(format!("{}: {}", rule.rule, rule.summary));
            page.gap();
            page.line(rule.why);
            page.gap();
            page.field("severity", rule.severity);
            page.field("fix", rule.fix);
            page.field("wanted", if rule.on { "always" } else { "only with `--enable` or in the settings" });
            if !rule.alike.is_empty() {
                page.field("elsewhere", rule.alike.join(", "));
            }
            for (title, text) in [("bad", &rule.bad), ("good", &rule.good)] {
                page.gap();
                page.title(title);
                text.lines().for_each(|line| page.line(format!("    {line}")));
            }
        }
    }
}
