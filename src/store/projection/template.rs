//! SQL with names in braces: tables at a moment.

use super::{Keeps, PROJECTIONS};
use crate::store::remote::LONGEST_LEASE_US;
use crate::store::view::At;
use crate::store::view::time::{FIRST, LAST};

/// Whether a flake `f` has been succeeded by another at the moment that is looked at: by one of an origin that this ledger,
/// or another on the same machine, became by a fork. The heir is there from its second event on, its discovery after the one that
/// names the old stream, and whatever becomes of it or is erased: what it took the place of stays gone. A name of a machine may be
/// that of many: this ledger itself, and an origin that recorded anything after the heir's word, goes on, and both are there.
const SUCCEEDED: &str = "('flake/' || f.id IN (
  SELECT old.stream FROM streams s JOIN events word ON word.stream = s.stream AND word.version = 1
  JOIN streams old ON old.stream = s.succeeds ->> '$.stream' JOIN origins o ON o.id = old.origin
  WHERE s.succeeds IS NOT NULL AND o.public_key = s.succeeds ->> '$.origin' AND o.is_self = 0
    AND (o.state = 'retired' OR substr(rtrim(word.actor, ')'), -1 - length(o.host)) = '@' || o.host)
    AND NOT {went_on}
    AND EXISTS (SELECT 1 FROM events WHERE stream = s.stream AND version = 2 AND {happened})))";

/// Whether an origin `o` recorded anything after an event `word`, as far as is known.
const WENT_ON: &str = "EXISTS (SELECT 1 FROM heard WHERE origin = o.id AND recorded_at > word.recorded_at)";

/// What is read at a moment: `{flakes}` becomes the rows of that moment, `{live_flakes}` the flakes that are there
/// then, `{input_history}` what had happened by then, `{inputs flake = ?1}` only what meets a condition,
/// `{succeeded}` whether the flake `f` has an heir, `{went_on}` whether the origin `o` was not at its end with `word`, `{tells_problems}` whether
/// it is known how many problems the flakes of the origin `o` have, `{happened}` whether an event had, `{longest_lease}` how many
/// microseconds a lease may last, `{time x}` and `{id x}` text of a time and of an id.
pub(in crate::store) fn expand(sql: &str, at: At) -> String {
    replace(sql, |name, argument| match name {
        "time" => time(argument),
        "id" => id(argument),
        "succeeded" => expand(SUCCEEDED, at),
        "went_on" => went_on(at),
        "tells_problems" => tells_problems(at),
        "happened" => at.happened().unwrap_or_else(|| "1".to_owned()),
        "longest_lease" => LONGEST_LEASE_US.to_string(),
        "live_flakes" => format!("(SELECT * FROM {} WHERE state = 'present')", at_moment("flakes", "", at)),
        table => at_moment(table, argument, at),
    })
}

/// Whether it is known which problems are open in the flakes of an origin `o`. Problems are private unless they are shared, and who
/// keeps them does not say that there are none.
fn tells_problems(at: At) -> String {
    let by_then = at.happened().map_or_else(String::new, |happened| {
        format!(" AND EXISTS (SELECT 1 FROM events WHERE stream = s.stream AND version = 1 AND {happened})")
    });
    format!(
        "(o.is_self = 1 OR o.id IN (SELECT s.origin FROM streams s \
         WHERE s.stream >= 'finding/' AND s.stream < 'finding0'{by_then}))"
    )
}

/// What was true at a time is asked of all that is known now; what the ledger held at a position, of the events up to there.
fn went_on(at: At) -> String {
    let At::Position(position) = at else { return WENT_ON.to_owned() };
    format!(
        "({WENT_ON} AND (SELECT 1 FROM outbox b JOIN events e ON e.position = b.position WHERE b.origin = o.id \
         AND b.position <= {position} AND e.recorded_at > word.recorded_at ORDER BY b.seq DESC LIMIT 1) IS NOT NULL)"
    )
}

/// The rows of a table at a moment, as something to select from. Now that is a table, whose rows an index finds; then it is
/// two of them, and a condition of the query around has to be repeated inside.
fn at_moment(name: &str, condition: &str, at: At) -> String {
    let table = PROJECTIONS.iter().flat_map(|projection| projection.tables()).find(|table| table.name == name);
    let condition = if condition.is_empty() { "1" } else { condition };
    match (table, at.begun(), at.unended()) {
        (Some(table), Some(begun), Some(unended)) if table.keeps == Keeps::Intervals => {
            let columns = table.columns();
            format!(
                "(SELECT {columns} FROM p_{name} WHERE {condition} AND {begun} \
                 UNION ALL SELECT {columns} FROM p_{name}_past WHERE {condition} AND {begun} AND {unended})"
            )
        }
        _ => at.happened().map_or_else(
            || format!("p_{name}"),
            |happened| format!("(SELECT * FROM p_{name} WHERE {condition} AND {happened})"),
        ),
    }
}

/// RFC 3339 in UTC out of microseconds: six digits of a second, or none when there is no fraction.
fn time(column: &str) -> String {
    let column = format!("max(min({column}, {LAST}), {FIRST})");
    let fraction = format!("(({column} % 1000000 + 1000000) % 1000000)");
    format!(
        "strftime('%Y-%m-%dT%H:%M:%S', ({column} - {fraction}) / 1000000, 'unixepoch') \
         || CASE {fraction} WHEN 0 THEN 'Z' ELSE printf('.%06dZ', {fraction}) END"
    )
}

/// Lower-case hyphenated text out of the sixteen bytes of a UUID.
fn id(column: &str) -> String {
    let part = |from: u8, length: u8| format!("substr(hex({column}), {from}, {length})");
    let parts = [part(1, 8), part(9, 4), part(13, 4), part(17, 4), part(21, 12)];
    format!("lower({})", parts.join(" || '-' || "))
}

fn replace(sql: &str, mut with: impl FnMut(&str, &str) -> String) -> String {
    let mut text = String::with_capacity(sql.len() * 2);
    let mut rest = sql;
    while let Some((before, after)) = rest.split_once('{') {
        text.push_str(before);
        let Some((inside, left)) = after.split_once('}') else {
            text.push('{');
            rest = after;
            continue;
        };
        let (name, argument) = inside.split_once(' ').unwrap_or((inside, ""));
        text.push_str(&with(name, argument));
        rest = left;
    }
    text.push_str(rest);
    text
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::*;
    use crate::store::view::rfc3339;

    #[test]
    fn tables_get_their_names_and_other_text_stays() {
        let sql = expand("INSERT INTO {a} SELECT '}' FROM {b} {", At::Now);
        assert_eq!(sql, "INSERT INTO p_a SELECT '}' FROM p_b {");
    }

    #[test]
    fn times_read_the_same_in_sql_and_in_rows() {
        let connection = Connection::open_in_memory().unwrap();
        for time in [0, 1, -1, 1_700_000_000_000_000, 1_700_000_000_123_400, FIRST, FIRST - 1, LAST, LAST + 1, i64::MAX]
        {
            let sql = expand("SELECT {time ?1}", At::Now);
            let text: String = connection.query_row(&sql, [time], |row| row.get(0)).unwrap();
            assert_eq!((text.len() < 28, &text), (true, &rfc3339(time)));
        }
    }

    #[test]
    fn ids_are_lower_case_and_hyphenated() {
        let connection = Connection::open_in_memory().unwrap();
        let uuid = uuid::Uuid::from_u128(0x0123_4567_89AB_CDEF_0123_4567_89AB_CDEF);
        let sql = expand("SELECT {id ?1}", At::Now);
        let text: String = connection.query_row(&sql, [uuid.as_bytes()], |row| row.get(0)).unwrap();
        assert_eq!(text, uuid.hyphenated().to_string());
    }
}
