//! Findings for people: the line of the text with what is wrong underlined.

use std::borrow::Cow;
use std::ops::Range;
use std::path::Path;

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

use crate::cli::table::clean;
use crate::domain::finding::Severity;
use crate::lint::{Finding, Safety};
use crate::syntax::secret;

/// How many lines of a long finding are shown.
const MAX_LINES: usize = 8;
/// Longer lines are not shown: nobody reads them, and drawing them takes long.
const MAX_WIDTH: usize = 400;

/// One block for each finding of a file, which lies at `path` and is called `name`.
pub(super) fn blocks(path: &Path, name: &Path, findings: &[Finding]) -> Vec<String> {
    let text = std::fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    // What is printed ends up in logs and in the answers of services.
    let text = secret::masked(&text);
    let name = clean(&name.to_string_lossy()).into_owned();
    findings.iter().map(|finding| block(&text, &name, finding)).collect()
}

fn block(text: &str, name: &str, finding: &Finding) -> String {
    let level = match finding.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Info => Level::INFO.with_name("hint"),
    };
    let message = clean(&finding.message).into_owned();
    let title = level.primary_title(message).id(finding.rule.name);
    let Some((source, line, span)) = excerpt(text, finding) else {
        let place = match finding.place.line {
            0 => name.to_owned(),
            line => format!("{name}:{line}:{}", finding.place.column),
        };
        let group = title.element(annotate_snippets::Origin::path(place));
        return Renderer::styled().render(&[group]);
    };
    let snippet =
        Snippet::source(source.as_ref()).line_start(line).path(name).annotation(AnnotationKind::Primary.span(span));
    let mut group = title.element(snippet);
    if let Some(help) = help(finding) {
        group = group.element(Level::HELP.message(help));
    }
    Renderer::styled().render(&[group])
}

fn help(finding: &Finding) -> Option<&'static str> {
    Some(match finding.fix.as_ref()?.safety {
        Safety::Safe => "`cim-nix fix` mends this",
        Safety::Review => "`cim-nix fix --review` mends this; look at the difference first",
        Safety::None => return None,
    })
}

/// The lines of a finding, the number of the first, and where in them it is. Lines end as on Unix: what else ends them would
/// be drawn.
fn excerpt<'t>(text: &'t str, finding: &Finding) -> Option<(Cow<'t, str>, usize, Range<usize>)> {
    if finding.place.line == 0 {
        return None;
    }
    let begin = text.get(..finding.start)?.rfind('\n').map_or(0, |newline| newline + 1);
    let rest = text.get(finding.start..)?;
    let wanted = finding.end.saturating_sub(finding.start);
    let ends = rest.match_indices('\n').map(|(at, _)| at).chain([rest.len()]);
    let end = finding.start + first_behind(ends.take(MAX_LINES), wanted)?;
    let source = text.get(begin..end)?;
    if source.lines().any(|line| line.len() > MAX_WIDTH) {
        return None;
    }
    let (from, to) = (finding.start - begin, finding.end.min(end) - begin);
    let line = usize::try_from(finding.place.line).ok()?;
    if !source.contains('\r') {
        return Some((Cow::Borrowed(source), line, from..to.max(from)));
    }
    let without = |end: usize| source.get(..end).map(|text| end - text.matches('\r').count());
    let (from, to) = (without(from)?, without(to)?);
    Some((Cow::Owned(source.replace('\r', "")), line, from..to.max(from)))
}

/// The first line end at or behind what is wanted, else the last there is.
fn first_behind(ends: impl Iterator<Item = usize>, wanted: usize) -> Option<usize> {
    let mut last = None;
    for end in ends {
        last = Some(end);
        if end >= wanted {
            break;
        }
    }
    last
}
