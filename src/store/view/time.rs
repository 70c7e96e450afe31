//! Times as text, the same in the views and in typed rows.

use chrono::{DateTime, SecondsFormat};

/// RFC 3339 in UTC: six digits of a second, or none when there is no fraction. Beyond chrono's years, the number.
pub fn rfc3339(microseconds: i64) -> String {
    let form = if microseconds % 1_000_000 == 0 { SecondsFormat::Secs } else { SecondsFormat::Micros };
    DateTime::from_timestamp_micros(microseconds)
        .map_or_else(|| microseconds.to_string(), |time| time.to_rfc3339_opts(form, true))
}
