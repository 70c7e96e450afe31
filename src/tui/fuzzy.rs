//! Fuzzy matching: the one place that knows the matching library.

use std::collections::BTreeSet;

use frizbee::{CaseMatching, Config, Matcher};

/// Indices of the texts that match, best first; all of them, in order, for an empty query.
pub(crate) fn rank<S: AsRef<str>>(query: &str, texts: &[S]) -> Vec<usize> {
    let Some(mut matcher) = matcher(query) else { return (0..texts.len()).collect() };
    matcher.match_list(texts).into_iter().filter_map(|hit| usize::try_from(hit.index).ok()).collect()
}

/// Whether one text matches.
pub(crate) fn matches(query: &str, text: &str) -> bool {
    matcher(query).is_none_or(|mut matcher| matcher.match_one(text, 0).is_some())
}

/// Which characters of the text the query found, as character indices in order.
pub(crate) fn found(query: &str, text: &str) -> Vec<usize> {
    let Some(mut matcher) = matcher(query) else { return Vec::new() };
    let Some(hit) = matcher.match_one_indices(text, 0) else { return Vec::new() };
    // The library tells bytes; an accent or a letter of several bytes is marked as a whole.
    let bytes: BTreeSet<usize> = hit.indices.into_iter().filter_map(|index| usize::try_from(index).ok()).collect();
    let chars = text.char_indices().enumerate();
    chars.filter(|(_, (at, c))| bytes.range(*at..*at + c.len_utf8()).next().is_some()).map(|(index, _)| index).collect()
}

fn matcher(query: &str) -> Option<Matcher> {
    let query = query.trim();
    (!query.is_empty()).then(|| Matcher::from_query(query, &Config::default().casing(CaseMatching::Ignore)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_query_keeps_the_order() {
        assert_eq!(rank("  ", &["b", "a"]), [0, 1]);
        assert!(matches("", "anything"));
    }

    #[test]
    fn the_best_comes_first_and_words_may_be_anywhere() {
        assert_eq!(rank("nixpkgs", &["home-manager", "n-i-x-p-k-g-s", "nixpkgs"]), [2, 1]);
        assert!(matches("lap infra", "~/src/infra/laptop"));
        assert!(!matches("zzz", "~/src/infra/laptop"));
    }

    #[test]
    fn what_was_found_is_told_in_order() {
        assert_eq!(found("bar", "foobar"), [3, 4, 5]);
        assert_eq!(found("nix", "日本nix"), [2, 3, 4]);
        assert_eq!(found("本", "日本nix"), [1]);
        assert_eq!(found("x", "foobar"), Vec::<usize>::new());
    }
}
