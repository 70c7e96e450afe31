//! Addresses that are secrets themselves: whoever knows a web hook or a bot's token writes in its owner's name. The host
//! stays, so that it is seen what was taken out.

use super::Found;
use super::shape::{begins_word, dashed, run};

/// What stands before the path of a Slack hook.
const SLACK: [&str; 3] = ["hooks.slack.com/services/", "hooks.slack.com/workflows/", "hooks.slack.com/triggers/"];
/// What stands before the number of a Discord hook, but for a version.
const DISCORD: [&str; 2] = ["discord.com/api", "discordapp.com/api"];

/// Finds the paths of web hooks. No path goes on over a host, so that every byte is looked at once.
pub(super) fn webhooks(text: &str, found: &mut Vec<Found>) {
    const LEAST: usize = 20;
    for before in SLACK {
        for (at, _) in text.match_indices(before) {
            let start = at + before.len();
            let rest = text.as_bytes().get(start..).unwrap_or_default();
            let length = run(rest, |byte| dashed(byte) || byte == b'/');
            if length >= LEAST && rest.starts_with(b"T") {
                found.push(Found { start, end: start + length, kind: "slack-webhook" });
            }
        }
    }
    for (at, slashes) in text.match_indices("/webhooks/") {
        let before = text.get(..at).unwrap_or_default();
        let before = without_version(before);
        if !DISCORD.iter().any(|host| before.ends_with(host)) {
            continue;
        }
        let start = at + slashes.len();
        if let Some(length) = discord(text.as_bytes().get(start..).unwrap_or_default()) {
            found.push(Found { start, end: start + length, kind: "discord-webhook" });
        }
    }
}

/// Finds the tokens of Telegram bots: a number, and `AA` with 33 more letters, alone or behind `bot` as in a URL.
pub(super) fn telegram(text: &str, found: &mut Vec<Found>) {
    const BODY: usize = 35;
    let bytes = text.as_bytes();
    for (colon, _) in text.match_indices(':') {
        let body = bytes.get(colon + 1..).unwrap_or_default();
        if !body.starts_with(b"AA") || run(body.get(..BODY + 1).unwrap_or(body), dashed) != BODY {
            continue;
        }
        let before = bytes.get(..colon).unwrap_or_default();
        let is_start = |start: usize| {
            let behind = before.get(..start).unwrap_or_default();
            let bot = behind.len().checked_sub(3).filter(|at| behind.ends_with(b"bot") && begins_word(bytes, *at));
            begins_word(bytes, start) || bot.is_some()
        };
        let digits = run_back(before, 10);
        let start = (8..=digits).rev().filter_map(|length| colon.checked_sub(length)).find(|start| is_start(*start));
        if let Some(start) = start {
            found.push(Found { start, end: colon + 1 + BODY, kind: "telegram-token" });
        }
    }
}

/// A number, a slash and a token.
fn discord(rest: &[u8]) -> Option<usize> {
    let number = run(rest, |byte| byte.is_ascii_digit());
    let token = rest.get(number..)?.strip_prefix(b"/").map(|token| run(token, dashed))?;
    ((15..=24).contains(&number) && token >= 40).then_some(number + 1 + token)
}

/// `…/api/v10` as `…/api`.
fn without_version(before: &str) -> &str {
    let digits = run_back(before.as_bytes(), 3);
    before
        .get(..before.len() - digits)
        .and_then(|rest| rest.strip_suffix("/v"))
        .filter(|_| digits > 0)
        .unwrap_or(before)
}

/// How many digits a text ends with, as far as they are counted.
fn run_back(bytes: &[u8], most: usize) -> usize {
    bytes.iter().rev().take(most).take_while(|byte| byte.is_ascii_digit()).count()
}
