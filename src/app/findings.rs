//! From a problem with a text to a finding of the ledger: severity, a fingerprint that outlives line numbers.

use std::collections::BTreeMap;

use crate::domain::finding::{Finding, Severity};
use crate::lint::Rule;

/// Collects the findings of one file and numbers those that are alike.
#[derive(Debug, Default)]
pub struct Findings {
    list: Vec<Finding>,
    alike: BTreeMap<String, u32>,
}

impl Findings {
    /// Adds one; `about` is what it is about, in words that stay when lines move.
    pub fn add(&mut self, code: &str, line: Option<u32>, about: &str, message: String) {
        let seed = format!("{code}\0{about}");
        let occurrence = self.alike.entry(seed.clone()).or_insert(0);
        let hash = blake3::hash(format!("{seed}\0{occurrence}").as_bytes()).to_hex();
        *occurrence += 1;
        self.list.push(Finding {
            fingerprint: format!("{code}:{}", &hash[..16]),
            code: code.to_owned(),
            severity: severity(code),
            line,
            message,
        });
    }

    /// What was collected, in the order of the file.
    pub fn into_list(mut self) -> Vec<Finding> {
        self.list.sort_by_key(|finding| (finding.line, finding.fingerprint.clone()));
        self.list
    }
}

/// How bad a kind of problem is, by the rule of that name; what has none is a warning.
pub fn severity(code: &str) -> Severity {
    Rule::named(code).map_or(Severity::Warning, |rule| rule.severity)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_keeps_its_fingerprint_when_its_line_moves_and_twins_differ() {
        let mut one = Findings::default();
        one.add("c", Some(3), "x", "m".into());
        one.add("c", Some(9), "x", "m".into());
        let mut two = Findings::default();
        two.add("c", Some(4), "x", "m".into());
        let (one, two) = (one.into_list(), two.into_list());
        assert_eq!(one[0].fingerprint, two[0].fingerprint);
        assert_ne!(one[0].fingerprint, one[1].fingerprint);
    }
}
