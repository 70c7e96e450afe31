//! Times as people write them and read them, the same in every face: in the zone of the machine. Scripts get RFC 3339 in
//! UTC.

use std::str::FromStr;

use chrono::{
    DateTime, Datelike, Days, LocalResult, Months, NaiveDate, NaiveDateTime, NaiveTime, TimeZone, Utc, Weekday,
};

/// The zone that people live in.
#[cfg(not(test))]
type Zone = chrono::Local;

/// Pictures of screens must not depend on where they are compared.
#[cfg(test)]
type Zone = Utc;

#[cfg(not(test))]
const ZONE: Zone = chrono::Local;

#[cfg(test)]
const ZONE: Zone = Utc;

/// So far ahead, in microseconds, may be what another clock calls now.
const SLACK: i64 = 60_000_000;

/// A moment to look at, as written: it becomes a point in time once it is known what time it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Moment {
    /// What was true at a time.
    Occurred(Written),
    /// What the ledger knew at a time.
    Seen(Written),
    /// What the ledger knew once it held this many events.
    Position(i64),
}

/// A time as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Written {
    text: String,
    when: When,
}

/// What a time as written says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum When {
    /// A point in time, in microseconds since 1970 UTC.
    Exactly(i64),
    /// Midnight of today, so many days ago.
    Midnight(u64),
    /// Midnight of the last such day before today.
    Last(Weekday),
    /// So long before now.
    Ago(Span),
}

/// A length of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Span {
    /// Seconds, whatever they were written as.
    Seconds(i64),
    /// Months of the calendar.
    Months(u32),
}

/// A text that is no time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TimeError {
    /// It is none of the forms.
    #[error(
        "`{0}` is not a time: write `2026-11-24`, `2026-11-24 10:00`, `3d`, `yesterday`, `tuesday`, RFC 3339 or seconds since 1970"
    )]
    Unknown(String),
    /// It looks like a date, and there is no such day or hour.
    #[error("`{0}` does not exist in the calendar")]
    NoSuchDay(String),
    /// It lies further away than times can be written.
    #[error("`{0}` is too far away")]
    TooFar(String),
    /// Nobody knows yet what will be true then.
    #[error("`{0}` is still to come, so nothing is known of it; name a time that is over")]
    ToCome(String),
    /// `#` is followed by something that is not a number.
    #[error("`{0}` is not a position: write `#` and a number, as in `#1200`")]
    Position(String),
}

impl FromStr for Moment {
    type Err = TimeError;

    fn from_str(text: &str) -> Result<Self, TimeError> {
        if let Some(number) = text.strip_prefix('#') {
            let position = number.parse().ok().filter(|position: &i64| *position >= 0);
            return position.map(Self::Position).ok_or_else(|| TimeError::Position(text.into()));
        }
        match text.strip_prefix("@seen:") {
            Some(time) => time.parse().map(Self::Seen),
            None => text.parse().map(Self::Occurred),
        }
    }
}

impl FromStr for Written {
    type Err = TimeError;

    fn from_str(text: &str) -> Result<Self, TimeError> {
        Ok(Self { text: text.to_owned(), when: text.parse()? })
    }
}

impl FromStr for When {
    type Err = TimeError;

    fn from_str(text: &str) -> Result<Self, TimeError> {
        let trimmed = text.trim();
        match trimmed {
            "now" => return Ok(Self::Ago(Span::Seconds(0))),
            "today" => return Ok(Self::Midnight(0)),
            "yesterday" => return Ok(Self::Midnight(1)),
            _ => {}
        }
        if let Ok(day) = trimmed.strip_prefix("last ").unwrap_or(trimmed).parse() {
            return Ok(Self::Last(day));
        }
        if trimmed.len() >= 9 && trimmed.bytes().all(|byte| byte.is_ascii_digit()) {
            let seconds = trimmed.parse::<i64>().ok().and_then(|seconds| seconds.checked_mul(1_000_000));
            return seconds
                .filter(|micros| in_range(*micros))
                .map(Self::Exactly)
                .ok_or_else(|| TimeError::TooFar(text.into()));
        }
        if let Ok(time) = DateTime::parse_from_rfc3339(trimmed) {
            return Ok(Self::Exactly(time.timestamp_micros()));
        }
        match calendar(trimmed) {
            Some(Ok(micros)) => Ok(Self::Exactly(micros)),
            Some(Err(())) => Err(TimeError::NoSuchDay(text.into())),
            None => age(trimmed),
        }
    }
}

impl Written {
    /// The point in time, in microseconds since 1970 UTC.
    pub(crate) fn at(&self, now: i64) -> Result<i64, TimeError> {
        self.when.at(now).ok_or_else(|| TimeError::TooFar(self.text.clone()))
    }

    /// The same, when it is not to come; clocks differ a little.
    pub(crate) fn reached(&self, now: i64) -> Result<i64, TimeError> {
        let at = self.at(now)?;
        if at > now.saturating_add(SLACK) { Err(TimeError::ToCome(self.text.clone())) } else { Ok(at) }
    }

    /// The point in time, when it is one whatever time it is now.
    pub(crate) const fn exactly(&self) -> Option<i64> {
        match self.when {
            When::Exactly(micros) => Some(micros),
            When::Midnight(_) | When::Last(_) | When::Ago(_) => None,
        }
    }
}

impl When {
    fn at(self, now: i64) -> Option<i64> {
        match self {
            Self::Exactly(micros) => Some(micros),
            Self::Ago(Span::Seconds(seconds)) => {
                seconds.checked_mul(1_000_000).and_then(|span| now.checked_sub(span)).filter(|micros| in_range(*micros))
            }
            Self::Ago(Span::Months(months)) => DateTime::from_timestamp_micros(now)
                .and_then(|now| now.checked_sub_months(Months::new(months)))
                .map(|then| then.timestamp_micros()),
            Self::Midnight(days) => midnight(now, |_| days),
            Self::Last(day) => {
                let back = |today: Weekday| u64::from(today.days_since(day));
                midnight(now, |today| if back(today) == 0 { 7 } else { back(today) })
            }
        }
    }
}

/// A time of the ledger for people: local, to the minute.
pub(crate) fn for_people(micros: i64) -> String {
    here(micros).map_or_else(|| format!("{micros} µs"), |time| time.format("%Y-%m-%d %H:%M").to_string())
}

/// A time of the ledger where people live; none outside of the calendar.
pub(crate) fn here(micros: i64) -> Option<DateTime<Zone>> {
    DateTime::from_timestamp_micros(micros).map(|time| time.with_timezone(&ZONE))
}

/// How long ago something was, for people: `12 d`.
pub(crate) fn ago(micros: i64, now: i64) -> String {
    span(now.saturating_sub(micros) / 1_000_000)
}

/// A length of time for people, in its largest unit.
pub(crate) fn span(seconds: i64) -> String {
    let seconds = seconds.max(0);
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds / 60),
        3600..86_400 => format!("{} h", seconds / 3600),
        86_400..63_072_000 => format!("{} d", seconds / 86_400),
        _ => format!("{} y", seconds / 31_536_000),
    }
}

/// The beginning of a day so many days before today, which is this day of the week.
fn midnight(now: i64, days: impl FnOnce(Weekday) -> u64) -> Option<i64> {
    let today = here(now)?.date_naive();
    let day = today.checked_sub_days(Days::new(days(today.weekday())))?;
    local(day.and_time(NaiveTime::MIN))
}

/// A date with or without a time of day, in local time; an error when it has the form and does not exist.
fn calendar(text: &str) -> Option<Result<i64, ()>> {
    let (date, time) = text.split_once([' ', 'T']).map_or((text, None), |(date, time)| (date, Some(time.trim())));
    if date.split('-').count() != 3 || !date.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-') {
        return None;
    }
    let day = NaiveDate::parse_from_str(date, "%Y-%m-%d");
    let hour = match time {
        None => Ok(NaiveTime::MIN),
        Some(time) => {
            NaiveTime::parse_from_str(time, "%H:%M:%S%.f").or_else(|_| NaiveTime::parse_from_str(time, "%H:%M"))
        }
    };
    let moment = day.ok().zip(hour.ok()).and_then(|(day, hour)| local(day.and_time(hour)));
    Some(moment.ok_or(()))
}

/// `3d`, `3 days`, `3 days ago`.
fn age(whole: &str) -> Result<When, TimeError> {
    let unknown = || TimeError::Unknown(whole.into());
    let text = whole.strip_suffix("ago").map_or(whole, str::trim_end);
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits).filter(|(number, _)| !number.is_empty()).ok_or_else(unknown)?;
    let seconds = |each: i64| Some(Span::Seconds(number.parse::<i64>().ok()?.checked_mul(each)?));
    let months = |each: u32| Some(Span::Months(number.parse::<u32>().ok()?.checked_mul(each)?));
    let span = match unit.trim() {
        "s" | "sec" | "second" | "seconds" => seconds(1),
        "m" | "min" | "minute" | "minutes" => seconds(60),
        "h" | "hour" | "hours" => seconds(3600),
        "d" | "day" | "days" => seconds(86_400),
        "w" | "week" | "weeks" => seconds(604_800),
        "mo" | "month" | "months" => months(1),
        "y" | "year" | "years" => months(12),
        _ => return Err(unknown()),
    };
    span.map(When::Ago).ok_or_else(|| TimeError::TooFar(whole.into()))
}

/// A local time as a point in time: the earlier one where clocks are set back, none where they skip it; the first that they
/// skip is when they do, so that a day without a midnight has a beginning as well.
fn local(time: NaiveDateTime) -> Option<i64> {
    match ZONE.from_local_datetime(&time) {
        LocalResult::Single(time) | LocalResult::Ambiguous(time, _) => Some(time.timestamp_micros()),
        LocalResult::None => None,
    }
}

/// Times that can be written as RFC 3339: the years 0 to 9999.
fn in_range(micros: i64) -> bool {
    DateTime::<Utc>::from_timestamp_micros(micros).is_some_and(|time| (0..=9999).contains(&time.year()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// 2026-11-24T12:00:00Z.
    const NOW: i64 = 1_795_521_600_000_000;

    fn at(text: &str) -> i64 {
        text.parse::<Written>().unwrap().at(NOW).unwrap()
    }

    fn local_time(text: &str) -> i64 {
        local(NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S").unwrap()).unwrap()
    }

    #[test]
    fn points_in_time_are_read_in_every_form() {
        assert_eq!(at("2026-11-24T12:00:00Z"), NOW);
        assert_eq!(at("2026-11-24T14:00:00.5+02:00"), NOW + 500_000);
        assert_eq!(at("1795521600"), NOW);
        assert_eq!(at("2026-11-24"), local_time("2026-11-24 00:00:00"));
        assert_eq!(at("2026-11-24 10:00"), local_time("2026-11-24 10:00:00"));
        assert_eq!(at("2026-11-24T10:00:30"), local_time("2026-11-24 10:00:30"));
        assert_eq!(at("now"), NOW);
    }

    #[test]
    fn ages_count_back_from_now() {
        for (text, seconds) in
            [("90s", 90), ("5 min", 300), ("2h", 7200), ("3d", 259_200), ("3 days ago", 259_200), ("1 week", 604_800)]
        {
            assert_eq!(at(text), NOW - seconds * 1_000_000, "{text}");
        }
        assert_eq!(at("1y"), at("2025-11-24T12:00:00Z"));
        assert_eq!(at("9 months ago"), at("2026-02-24T12:00:00Z"));
        assert!(at("yesterday") < at("today") && at("today") <= NOW);
    }

    #[test]
    fn a_day_of_the_week_is_the_last_one_before_today() {
        let days = [("monday", 23), ("Sun", 22), ("last friday", 20), ("wed", 18), ("tuesday", 17)];
        for (text, day) in days {
            assert_eq!(at(text), at(&format!("2026-11-{day}")), "{text}: the 24th is a Tuesday");
        }
    }

    #[test]
    fn moments_name_positions_and_what_was_seen() {
        assert_eq!("#12".parse(), Ok(Moment::Position(12)));
        let written = Written { text: "3d".into(), when: When::Ago(Span::Seconds(259_200)) };
        assert_eq!("@seen:3d".parse(), Ok(Moment::Seen(written)));
        assert_eq!("#x".parse::<Moment>(), Err(TimeError::Position("#x".into())));
        assert_eq!("#-1".parse::<Moment>(), Err(TimeError::Position("#-1".into())));
    }

    #[test]
    fn what_is_no_time_is_refused_by_its_kind() {
        for text in ["", "soon", "3", "3 parsecs", "2026", "d", "ago", "12345678", "#"] {
            let error = text.parse::<Moment>().unwrap_err();
            assert!(matches!(error, TimeError::Unknown(_) | TimeError::Position(_)), "{text}: {error:?}");
        }
        for text in ["2026-02-30", "2026-13-01", "2026-11-24 25:00", "2026-11-24 x"] {
            assert_eq!(text.parse::<Written>(), Err(TimeError::NoSuchDay(text.into())));
        }
        for text in ["99999999999999999999", "9999999999999999", "99999999999999999999 d"] {
            assert_eq!(text.parse::<Written>(), Err(TimeError::TooFar(text.into())));
        }
        for text in ["9000000000 h", "300000y"] {
            // Whether it is too far away depends on what time it is now; the words are the user's all the same.
            assert_eq!(text.parse::<Written>().unwrap().at(NOW), Err(TimeError::TooFar(text.into())));
        }
    }

    #[test]
    fn a_moment_to_come_is_none_but_for_what_clocks_differ() {
        let reached = |text: &str| text.parse::<Written>().unwrap().reached(NOW);
        assert_eq!((reached("now"), reached("1d")), (Ok(NOW), Ok(at("1d"))));
        assert_eq!(reached("2026-11-24T12:01:00Z"), Ok(NOW + SLACK));
        for text in ["2026-11-24T12:01:01Z", "2027-01-01"] {
            assert_eq!(reached(text), Err(TimeError::ToCome(text.into())));
        }
    }

    #[test]
    fn spans_are_short() {
        let texts: Vec<String> = [0, 59, 60, 7200, 90_000, 70_000_000].map(span).into();
        assert_eq!(texts, ["0 s", "59 s", "1 min", "2 h", "1 d", "2 y"]);
        assert_eq!(ago(NOW + 5, NOW), "0 s");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]
        #[test]
        fn any_text_is_a_time_or_an_error(text in "\\PC{0,24}") {
            if let Ok(written) = text.parse::<Written>() {
                let _ = written.at(NOW);
            }
        }
    }
}
