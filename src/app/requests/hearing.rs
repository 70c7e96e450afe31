//! Whether requests from the bus reach this machine, in words.

use std::fmt;

/// Whether requests reach the desk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hearing {
    /// All of them.
    All,
    /// Not those to these subjects: the server does not let this account listen.
    Not(Vec<String>),
    /// None of them, and why.
    Nothing(String),
}

impl Hearing {
    /// What is said of it when it was otherwise before: nothing again and again, as an account may be meant to have no requests.
    pub fn news(&self, before: Option<&Self>) -> Option<String> {
        match (self, before) {
            (now, Some(before)) if now == before => None,
            (Self::All, None) => None,
            (Self::All, Some(_)) => Some(format!("{self} again")),
            _ => Some(self.to_string()),
        }
    }
}

impl fmt::Display for Hearing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => write!(f, "requests are answered"),
            Self::Not(subjects) => write!(
                f,
                "requests to `{}` are not answered: the server does not let this account subscribe to that; ask its administrator to \
                 allow it: `docs/sync.md` lists what a workstation needs",
                subjects.join("`, `")
            ),
            Self::Nothing(why) => write!(f, "requests are not answered: {why}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_said_when_it_changes_and_not_that_all_is_well_from_the_first() {
        let not = || Hearing::Not(vec!["a".to_owned(), "b".to_owned()]);
        assert_eq!(Hearing::All.news(None), None);
        assert_eq!(not().news(Some(&not())), None);
        assert!(not().news(None).unwrap().starts_with("requests to `a`, `b` are not answered: "));
        assert_eq!(Hearing::All.news(Some(&not())).as_deref(), Some("requests are answered again"));
        let nothing = Hearing::Nothing("x".to_owned());
        assert_eq!(nothing.news(Some(&Hearing::All)).as_deref(), Some("requests are not answered: x"));
    }
}
