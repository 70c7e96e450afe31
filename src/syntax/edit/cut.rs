//! Taking bindings away: with their line where they have one of their own, and the comment behind them on it.

use std::collections::BTreeSet;
use std::ops::Range;

use super::Edit;
use super::layout::Layout;
use super::written::{has_comment, is_first, is_last, line_start, line_stop, stop_before, with_comment};

/// Takes bindings away, and the sets below an input that they leave empty.
pub(super) fn sites(text: &str, layout: &Layout, chosen: impl IntoIterator<Item = usize>) -> Vec<Edit> {
    let mut chosen: BTreeSet<usize> = chosen.into_iter().collect();
    while let Some((owner, inside)) = emptied(text, layout, &chosen) {
        chosen.retain(|site| !inside.contains(site));
        chosen.insert(owner);
    }
    let mut ranges: Vec<Range<usize>> =
        chosen.iter().filter_map(|site| layout.sites.get(*site)).map(|site| site.range.clone()).collect();
    ranges.sort_by_key(|range| range.start);
    runs(text, ranges).into_iter().map(|run| cut(text, run)).collect()
}

/// A set inside an input that would hold nothing any more: the binding that makes it, and those that it held.
fn emptied(text: &str, layout: &Layout, chosen: &BTreeSet<usize>) -> Option<(usize, Vec<usize>)> {
    layout.bodies.iter().find_map(|body| {
        let owner = body.owner.filter(|owner| body.path.len() > 2 && !chosen.contains(owner))?;
        let empty = !body.sites.is_empty() && body.sites.iter().all(|site| chosen.contains(site));
        (empty && !comments_left(text, layout, owner)).then(|| (owner, body.sites.clone()))
    })
}

/// Whether a comment stands in a set besides those behind its bindings.
fn comments_left(text: &str, layout: &Layout, owner: usize) -> bool {
    let Some(body) = layout.sites.get(owner).and_then(|site| layout.bodies.get(site.defines?)) else { return true };
    let mut done = body.open;
    let sites = body.sites.iter().filter_map(|site| layout.sites.get(*site));
    let mut between: Vec<&str> = Vec::new();
    for site in sites {
        between.push(text.get(done..site.range.start).unwrap_or_default());
        done = with_comment(text, site.range.end);
    }
    between.push(text.get(done..body.close).unwrap_or_default());
    between.into_iter().any(has_comment)
}

/// Bindings with nothing between them are one.
fn runs(text: &str, ranges: Vec<Range<usize>>) -> Vec<Range<usize>> {
    let mut runs: Vec<Range<usize>> = Vec::new();
    for range in ranges {
        let blank = |end: usize| text.get(end..range.start).is_some_and(|between| between.trim().is_empty());
        match runs.last_mut() {
            Some(run) if run.start == range.start || blank(with_comment(text, run.end)) => {
                run.end = run.end.max(range.end);
            }
            _ => runs.push(range),
        }
    }
    runs
}

/// Takes a run of whole things away.
pub(super) fn cut(text: &str, run: Range<usize>) -> Edit {
    let end = with_comment(text, run.end);
    if is_first(text, run.start) && is_last(text, end) {
        return lines(text, run.start, end);
    }
    let before = text.get(..run.start).unwrap_or_default();
    let blanks_before = before.trim_end_matches([' ', '\t']).len();
    if is_first(text, run.start) || blanks_before == run.start {
        let rest = text.get(end..).unwrap_or_default();
        let blanks_behind = rest.len() - rest.trim_start_matches([' ', '\t']).len();
        return Edit::remove(run.start, end + blanks_behind);
    }
    Edit::remove(blanks_before, end)
}

/// Takes whole lines away; a paragraph of its own goes with one of the gaps around it.
fn lines(text: &str, start: usize, end: usize) -> Edit {
    let (first, stop) = (line_start(text, start), line_stop(text, end));
    let Some(mut from) = stop_before(text, first) else {
        let rest = text.get(stop..).unwrap_or_default();
        let newline = rest.len() - rest.strip_prefix("\r\n").or_else(|| rest.strip_prefix('\n')).unwrap_or(rest).len();
        return Edit::remove(0, stop + newline);
    };
    if is_blank_below(text, stop) {
        while is_blank(text, line_start(text, from), from)
            && let Some(above) = stop_before(text, line_start(text, from))
        {
            from = above;
        }
    }
    Edit::remove(from, stop)
}

fn is_blank(text: &str, start: usize, stop: usize) -> bool {
    text.get(start..stop).is_some_and(|line| line.trim().is_empty())
}

/// Whether the line below the one that stops here is there and blank.
fn is_blank_below(text: &str, stop: usize) -> bool {
    let rest = text.get(stop..).unwrap_or_default();
    let below = rest.strip_prefix("\r\n").or_else(|| rest.strip_prefix('\n'));
    below.is_some_and(|below| {
        below.split('\n').next().is_some_and(|line| line.trim().is_empty()) && below.contains('\n')
    })
}
