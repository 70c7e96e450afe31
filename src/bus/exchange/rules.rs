//! How the two streams must be: what differs, what an upgrade changes, and what nothing changes.

use std::time::Duration;

use async_nats::jetstream::stream::Config;
use serde_json::{Value, json};

use super::super::connect::LARGEST_MESSAGE;
use super::super::error::BusError;
use super::super::subject;
use super::{DUPLICATE_WINDOW, failed};

/// The consumers of a stream that is followed at all: whoever follows anew has two for a while.
const FEWEST_CONSUMERS: i64 = 3;
/// How long a consumer of ours may say nothing: a server that bounds it below refuses to make it.
const IDLE: Duration = Duration::from_secs(30);

/// What no upgrade changes.
pub(in crate::bus) const SEALED: &str = "it is sealed, which cannot be undone: it has to be deleted and made anew";
/// How that ends, whatever it is.
const ANEW: &str = "it has to be deleted and made anew";

/// What the rules of the exchange are about, and those of the public log.
const RULED: &[&str] =
    &["subjects", "storage", "retention", "discard", "deny_delete", "deny_purge", "allow_direct", "republish"];
const RULED_EVENTS: &[&str] = &["subjects", "sources"];

/// Whether something differs that no upgrade changes.
pub(super) fn is_lasting(differences: &[String]) -> bool {
    differences.iter().any(|difference| difference.ends_with(ANEW))
}

/// The configuration as it was found, with what the rules want of it: everything else that an administrator chose stays.
pub(super) fn upgraded(wanted: &Config, found: &Value) -> Result<Value, BusError> {
    let mut config = found.clone();
    let wanted = serde_json::to_value(wanted).map_err(|error| failed("changing a stream", &error))?;
    let is_ledger = wanted["sources"].is_null();
    for key in if is_ledger { RULED } else { RULED_EVENTS } {
        config[*key] = wanted[*key].clone();
    }
    if is_ledger {
        config["max_age"] = json!(0);
        config["max_msgs"] = json!(-1);
        config["max_msgs_per_subject"] = json!(-1);
        config["no_ack"] = json!(false);
        // The server refuses these beside what is wanted.
        config["allow_rollup_hdrs"] = json!(false);
        config["discard_new_per_subject"] = json!(false);
        if let Some(config) = config.as_object_mut() {
            config.remove("subject_transform");
        }
        if !are_idle_consumers_kept(&config) {
            config["consumer_limits"]["inactive_threshold"] = json!(0);
        }
        if config["duplicate_window"].as_u64().is_none_or(|window| u128::from(window) < DUPLICATE_WINDOW.as_nanos()) {
            config["duplicate_window"] = wanted["duplicate_window"].clone();
        }
        let needed = i64::try_from(LARGEST_MESSAGE).unwrap_or(i64::MAX);
        if config["max_msg_size"].as_i64().is_some_and(|size| (0..needed).contains(&size)) {
            config["max_msg_size"] = json!(needed);
        }
    }
    Ok(config)
}

/// What of the exchange is not as it must be.
pub(super) fn differences(config: &Value) -> Vec<String> {
    let largest = config["max_msg_size"].as_i64().unwrap_or(-1);
    let window = config["duplicate_window"].as_u64().unwrap_or_default();
    let rules = [
        (config["subjects"] == json!([subject::LEDGER]), format!("its subjects must be {}", subject::LEDGER)),
        (config["subject_transform"].is_null(), "it must not transform subjects".to_owned()),
        (config["no_ack"] != true, "it must acknowledge what is sent to it".to_owned()),
        (config["retention"] != "interest", "its retention must be by limits".to_owned()),
        (config["discard"] == "new", "it must refuse what is new when it is full".to_owned()),
        (config["max_age"].as_u64().unwrap_or_default() == 0, "it must keep messages of any age".to_owned()),
        (config["max_msgs"].as_i64().unwrap_or(-1) <= 0, "it must not count its messages".to_owned()),
        (config["max_msgs_per_subject"].as_i64().unwrap_or(-1) <= 0, "it must keep all of a subject".to_owned()),
        (config["deny_delete"] == true && config["deny_purge"] == true, "it must deny deleting and purging".to_owned()),
        (config["allow_direct"] == true, "it must allow direct reading".to_owned()),
        (u128::from(window) >= DUPLICATE_WINDOW.as_nanos(), "its duplicate window must be 120 s or more".to_owned()),
        (largest < 0 || largest >= i64::try_from(LARGEST_MESSAGE).unwrap_or(i64::MAX), {
            format!("it must take messages of {LARGEST_MESSAGE} bytes")
        }),
        (are_idle_consumers_kept(config), "it must keep consumers that are idle for 30 s".to_owned()),
        (
            config["republish"]["src"] == subject::LEDGER && config["republish"]["dest"] == subject::EVENTS_OF_LEDGER,
            "it must republish to nix.event".to_owned(),
        ),
    ];
    lasting(config).into_iter().chain(rules).filter(|(fits, _)| !fits).map(|(_, must)| must).collect()
}

/// What of the exchange no server lets anybody change.
fn lasting(config: &Value) -> [(bool, String); 7] {
    let consumers = config["max_consumers"].as_i64().unwrap_or(-1);
    let anew = |must: &str| format!("{must}, which cannot be changed: {ANEW}");
    [
        (config["sealed"] != true, SEALED.to_owned()),
        // What others send to it would be lost.
        (is_of_ours(config), format!("it has subjects of others: name another stream in `sync.ledger`, or {ANEW}")),
        (config["mirror"].is_null(), anew("it must be no mirror")),
        (config["storage"] == "file", anew("it must be stored in files")),
        (config["retention"] != "workqueue", anew("it must be no work queue")),
        (config["persist_mode"] != "async", anew("it must be written before it is acknowledged")),
        (
            consumers <= 0 || consumers >= FEWEST_CONSUMERS,
            anew(&format!("it must allow {FEWEST_CONSUMERS} consumers or more, better two for every machine")),
        ),
    ]
}

/// Whether no subject of it is anything but the exchange's.
fn is_of_ours(config: &Value) -> bool {
    let prefix = subject::LEDGER.trim_end_matches(['*', '>', '.']);
    let is_ours = |subject: &Value| subject.as_str().is_some_and(|subject| subject.starts_with(prefix));
    config["subjects"].as_array().is_none_or(|subjects| subjects.iter().all(is_ours))
}

/// No limit is none, and so is 0.
fn are_idle_consumers_kept(config: &Value) -> bool {
    let longest = config["consumer_limits"]["inactive_threshold"].as_u64().unwrap_or_default();
    longest == 0 || u128::from(longest) >= IDLE.as_nanos()
}

/// What of the public log is not as it must be.
pub(super) fn events_differences(config: &Value, ledger: &str) -> Vec<String> {
    let transforms = &config["sources"][0]["subject_transforms"][0];
    let rules = [
        (config["sealed"] != true, SEALED.to_owned()),
        (config["mirror"].is_null(), format!("it must be no mirror, which cannot be changed: {ANEW}")),
        (config["sources"][0]["name"] == ledger, format!("it must be made from {ledger}")),
        (
            transforms["src"] == subject::LEDGER && transforms["dest"] == subject::EVENTS_OF_LEDGER,
            "its subjects must be made from those of the exchange".to_owned(),
        ),
        (config["subjects"].as_array().is_none_or(Vec::is_empty), "nobody else may publish to it".to_owned()),
    ];
    rules.into_iter().filter(|(fits, _)| !fits).map(|(_, must)| must).collect()
}
