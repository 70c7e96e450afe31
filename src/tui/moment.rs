//! Times for people: the moment that is looked at, how old something is, and what a person may type for a moment.
//! Knows no clock: the present comes in as an argument. Microseconds since 1970 UTC, as everywhere.

use chrono::{DateTime, Datelike as _, Utc};

use super::model::At;
use crate::app::moment::{Moment, TimeError, here};

/// One day.
pub(crate) const DAY: i64 = 86_400_000_000;

/// `2026-11-24 00:41`, for lists.
pub(crate) fn short(time: i64) -> String {
    here(time).map_or_else(|| time.to_string(), |time| time.format("%Y-%m-%d %H:%M").to_string())
}

/// `11-24 00:41` in the year of `now`, `2025-11-24` before: for narrow lists, always eleven columns or less.
pub(crate) fn brief(now: i64, time: i64) -> String {
    let (Some(now), Some(time)) = (here(now), here(time)) else { return short(time) };
    let form = if now.year() == time.year() { "%m-%d %H:%M" } else { "%Y-%m-%d" };
    time.format(form).to_string()
}

/// `2026-11-24 00:41:49 +01:00`, for details.
pub(crate) fn long(time: i64) -> String {
    here(time).map_or_else(|| time.to_string(), |time| time.format("%Y-%m-%d %H:%M:%S %Z").to_string())
}

/// `2026-11-24T00:41:49.000001Z`, as the command line reads it.
pub(crate) fn exact(time: i64) -> String {
    utc(time).map_or_else(|| time.to_string(), |time| time.format("%Y-%m-%dT%H:%M:%S%.fZ").to_string())
}

/// How long ago: `now`, `5 min`, `3 h`, `12 d`, `7 w`, `2.5 y`.
pub(crate) fn age(now: i64, time: i64) -> String {
    let seconds = now.saturating_sub(time).max(0) / 1_000_000;
    match seconds {
        0..60 => "now".to_owned(),
        60..3_600 => format!("{} min", seconds / 60),
        3_600..86_400 => format!("{} h", seconds / 3_600),
        _ => days(seconds / 86_400),
    }
}

/// How long ago, in a sentence: `just now`, `5 min ago`.
pub(crate) fn ago(now: i64, time: i64) -> String {
    match age(now, time).as_str() {
        "now" => "just now".to_owned(),
        age => format!("{age} ago"),
    }
}

/// A number of days in the unit that a person would use: `12 d`, `7 w`, `2.5 y`.
pub(crate) fn days(days: i64) -> String {
    match days {
        ..=34 => format!("{days} d"),
        35..=364 => format!("{} w", days / 7),
        _ => format!("{}.{} y", days / 365, days % 365 * 10 / 365),
    }
}

/// The moment in words, for the status line.
pub(crate) fn name(at: At) -> String {
    match at {
        At::Now => "now".to_owned(),
        At::Occurred(time) => short(time),
        At::Seen(time) => format!("seen {}", short(time)),
        At::Position(position) => format!("#{position}"),
    }
}

/// The moment as `--at` takes it; none for the present.
pub(crate) fn flag(at: At) -> Option<String> {
    match at {
        At::Now => None,
        At::Occurred(time) => Some(exact(time)),
        At::Seen(time) => Some(format!("@seen:{}", exact(time))),
        At::Position(position) => Some(format!("#{position}")),
    }
}

/// Reads what a person typed as the command line reads it; nothing is the present.
pub(crate) fn parse(text: &str, now: i64) -> Result<At, TimeError> {
    let text = text.trim();
    if text.is_empty() || text == "now" {
        return Ok(At::Now);
    }
    Ok(match text.parse()? {
        Moment::Occurred(written) => At::Occurred(written.reached(now)?),
        Moment::Seen(written) => At::Seen(written.reached(now)?),
        Moment::Position(position) => At::Position(position),
    })
}

fn utc(time: i64) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp_micros(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_795_481_109_000_000; // 2026-11-24 00:45:09 UTC

    #[test]
    fn what_a_person_types_is_understood() {
        let parse = |text: &str| parse(text, NOW).ok();
        assert_eq!((parse("now"), parse("")), (Some(At::Now), Some(At::Now)));
        assert_eq!(parse(" #42 "), Some(At::Position(42)));
        assert_eq!(parse("3d"), Some(At::Occurred(NOW - 3 * DAY)));
        assert_eq!(parse("5m"), Some(At::Occurred(NOW - 300_000_000)));
        assert_eq!(parse("yesterday"), parse("2026-11-23"));
        assert_eq!(parse("monday"), parse("2026-11-23"));
        assert_eq!(parse("2026-11-24 00:45:09"), Some(At::Occurred(NOW)));
        assert_eq!(parse("2026-11-24T00:45:09Z"), Some(At::Occurred(NOW)));
        assert_eq!(parse("@seen:2026-11-24T00:45:09Z"), Some(At::Seen(NOW)));
        for nonsense in ["#", "#-1", "tomorrow", "d", "-3d", "3é", "2026-13-01", "2026-11-25", "99999999999999w"] {
            assert_eq!(parse(nonsense), None, "{nonsense}");
        }
    }

    #[test]
    fn a_moment_reads_back_from_its_flag() {
        for at in [At::Occurred(NOW + 1), At::Seen(NOW), At::Position(7)] {
            assert_eq!(flag(at).and_then(|text| parse(&text, NOW).ok()), Some(at));
        }
        assert_eq!(flag(At::Now), None);
    }

    #[test]
    fn ages_are_in_the_unit_that_a_person_would_use() {
        let ages = [0, 300, 7_200, 3 * 86_400, 50 * 86_400, 900 * 86_400];
        let words: Vec<String> = ages.iter().map(|seconds| age(NOW, NOW - seconds * 1_000_000)).collect();
        assert_eq!(words, ["now", "5 min", "2 h", "3 d", "7 w", "2.4 y"]);
        assert_eq!(age(NOW, NOW + DAY), "now");
        assert_eq!((ago(NOW, NOW).as_str(), ago(NOW, NOW - DAY).as_str()), ("just now", "1 d ago"));
        assert_eq!((brief(NOW, NOW).as_str(), brief(NOW, NOW - 400 * DAY).as_str()), ("11-24 00:45", "2025-10-20"));
    }
}
