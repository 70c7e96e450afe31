//! Times as text, the same in the views and in typed rows.

use chrono::{DateTime, SecondsFormat};

/// The times that RFC 3339 has, from the year 0 to 9999. What a clock says beyond is the first or last of them.
pub(in crate::store) const FIRST: i64 = -62_167_219_200_000_000;
pub(in crate::store) const LAST: i64 = 253_402_300_799_999_999;

/// RFC 3339 in UTC: six digits of a second, or none when there is no fraction.
pub fn rfc3339(microseconds: i64) -> String {
    let microseconds = microseconds.clamp(FIRST, LAST);
    let form = if microseconds % 1_000_000 == 0 { SecondsFormat::Secs } else { SecondsFormat::Micros };
    DateTime::from_timestamp_micros(microseconds)
        .map_or_else(|| microseconds.to_string(), |time| time.to_rfc3339_opts(form, true))
}
