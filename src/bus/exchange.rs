//! The two streams: `NIX_LEDGER`, the exchange between machines, and `NIX_EVENTS`, the public log made from it.
//!
//! Both are looked at before they are trusted and never altered unasked.

use std::time::Duration;

use async_nats::jetstream::stream::{
    Config, DiscardPolicy, Republish, RetentionPolicy, Source, StorageType, SubjectTransform,
};
use chrono::DateTime;
use serde_json::{Value, json};

mod rules;

pub(super) use rules::SEALED;
use rules::{differences, events_differences, is_lasting, upgraded};

use super::connect::{Bus, chain};
use super::error::BusError;
use super::subject;

/// Below this the server forgets too soon what it saw.
const DUPLICATE_WINDOW: Duration = Duration::from_mins(2);
/// A name that is taken: somebody else made the stream meanwhile, and the next look tells how.
const TAKEN: u64 = 10058;
/// Clocks further apart than this would write a wrong history.
const CLOCK_TOLERANCE_S: i64 = 15 * 60;

/// Where the names come from.
const LEDGER_SETTING: &str = "`sync.ledger` (`CIM_NIX_SYNC_LEDGER`)";
const EVENTS_SETTING: &str = "`sync.events` (`CIM_NIX_SYNC_EVENTS`)";

/// How the streams are named and bounded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// The exchange's name.
    pub ledger: String,
    /// The public log's name.
    pub events: String,
    /// The most bytes of each; none for no limit.
    pub max_bytes: Option<i64>,
    /// How long the public log keeps an event; none for ever.
    pub events_max_age: Option<Duration>,
    /// How many servers of a cluster keep each.
    pub replicas: usize,
}

impl Default for Layout {
    fn default() -> Self {
        Self {
            ledger: "NIX_LEDGER".to_owned(),
            events: "NIX_EVENTS".to_owned(),
            max_bytes: None,
            events_max_age: None,
            replicas: 1,
        }
    }
}

impl Layout {
    /// Refuses names that no stream can have, before the server is asked: it says nothing to some of them.
    ///
    /// # Errors
    /// [`BusError::Setting`] names the setting.
    pub fn refuse_unfit_names(&self) -> Result<(), BusError> {
        for (setting, name) in [(LEDGER_SETTING, &self.ledger), (EVENTS_SETTING, &self.events)] {
            let unfit = |why: &str| BusError::Setting { what: setting.to_owned(), why: format!("`{name}` {why}") };
            if name.is_empty() {
                return Err(unfit("is no name of a stream"));
            }
            if let Some(found) = name.chars().find(|c| c.is_whitespace() || c.is_control() || ".*>/\\".contains(*c)) {
                return Err(unfit(&format!("is no name of a stream: it may not hold {found:?}")));
            }
        }
        if self.ledger == self.events {
            let why = format!("`{}` is the name of the exchange already, in {LEDGER_SETTING}", self.events);
            return Err(BusError::Setting { what: EVENTS_SETTING.to_owned(), why });
        }
        Ok(())
    }
}

/// The exchange as it was found fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    /// The stream's name.
    pub stream: String,
    /// Which creation of the stream this is; another one is another stream.
    pub epoch: String,
    /// Whether batches are atomic here; otherwise every message is fenced alone.
    pub atomic: bool,
    /// The number of its last message.
    pub last: u64,
    /// Whether no message is left, whatever the number of the last one was.
    pub empty: bool,
    /// What it has lost, as it denies deleting: no other value says the same. None when nothing is lost.
    pub lost: Option<String>,
    /// Events of this origin up to this one may be there already and be sent again all the same.
    pub repeated: i64,
}

/// What setting a stream up came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SetUp {
    /// It was made.
    Made,
    /// It was there and fits.
    Fits,
    /// It was changed so that it fits.
    Upgraded,
}

impl Bus {
    /// Looks whether server and exchange are fit.
    ///
    /// # Errors
    /// What is wrong with them, each by its name.
    pub fn exchange(&self, layout: &Layout, now_us: i64) -> Result<Exchange, BusError> {
        layout.refuse_unfit_names()?;
        self.refuse_unfit_server()?;
        let info = self.stream_info(&layout.ledger)?;
        refuse_clock(&info, now_us)?;
        let differences = differences(&info["config"]);
        if !differences.is_empty() {
            return Err(BusError::StreamDiffers { stream: layout.ledger.clone(), differences });
        }
        let atomic = self.has_atomic_batches() && info["config"]["allow_atomic"] == json!(true);
        let state = |name: &str| info["state"][name].as_u64().unwrap_or_default();
        let epoch = info["created"].as_str().unwrap_or_default().to_owned();
        let (first, deleted) = (state("first_seq"), state("num_deleted"));
        let lost = (first > 1 || deleted > 0).then(|| format!("{epoch} {first} {deleted}"));
        let empty = state("messages") == 0;
        Ok(Exchange { stream: layout.ledger.clone(), epoch, atomic, last: state("last_seq"), empty, lost, repeated: 0 })
    }

    /// Makes the exchange, when it is not there; changes one that does not fit only when asked to.
    ///
    /// # Errors
    /// [`BusError::StreamDiffers`] names what would be changed.
    pub fn set_up_ledger(&self, layout: &Layout, upgrade: bool) -> Result<SetUp, BusError> {
        layout.refuse_unfit_names()?;
        self.refuse_unfit_server()?;
        self.set_up(&self.ledger_config(layout), &differences, upgrade)
    }

    /// Makes the public log, as [`Self::set_up_ledger`] does.
    ///
    /// # Errors
    /// As there.
    pub fn set_up_events(&self, layout: &Layout, upgrade: bool) -> Result<SetUp, BusError> {
        layout.refuse_unfit_names()?;
        self.refuse_unfit_server()?;
        let ledger = layout.ledger.clone();
        self.set_up(&events_config(layout), &|config| events_differences(config, &ledger), upgrade)
    }

    fn set_up(
        &self,
        wanted: &Config,
        differences: &dyn Fn(&Value) -> Vec<String>,
        upgrade: bool,
    ) -> Result<SetUp, BusError> {
        let stream = wanted.name.clone();
        match self.stream_info(&stream) {
            Err(BusError::StreamMissing { .. }) => {
                let config = serde_json::to_value(wanted).map_err(|error| failed("making a stream", &error))?;
                self.have(("making a stream", "CREATE"), &stream, &config).map(|()| SetUp::Made)
            }
            Err(error) => Err(error),
            Ok(info) => match differences(&info["config"]) {
                found if found.is_empty() => Ok(SetUp::Fits),
                found if !upgrade || is_lasting(&found) => Err(BusError::StreamDiffers { stream, differences: found }),
                _ => {
                    let config = upgraded(wanted, &info["config"])?;
                    self.have(("changing a stream", "UPDATE"), &stream, &config).map(|()| SetUp::Upgraded)
                }
            },
        }
    }

    /// Has the server make or change a stream, in its own words: what this release does not know of stays as it is.
    fn have(&self, (doing, verb): (&'static str, &str), stream: &str, config: &Value) -> Result<(), BusError> {
        let asked = self.context.request::<_, _, Value>(format!("STREAM.{verb}.{stream}"), config);
        let answer = self.wait(doing, asked)?.map_err(|error| failed(doing, &error))?;
        let Some(error) = answer.get("error") else { return Ok(()) };
        let why = error["description"].as_str().unwrap_or("no reason given").to_owned();
        // What is only unavailable now may be had by the next attempt.
        if error["code"] == 503 || error["err_code"] == TAKEN {
            return Err(BusError::Failed { doing, why });
        }
        Err(BusError::StreamRefused { stream: stream.to_owned(), doing, why })
    }

    /// What the server says of a stream.
    fn stream_info(&self, stream: &str) -> Result<Value, BusError> {
        let nothing = json!({});
        let asked = self.context.request::<_, _, Value>(format!("STREAM.INFO.{stream}"), &nothing);
        let info = self.wait("asking for a stream", asked)?;
        let info = info.map_err(|error| match error.kind() {
            async_nats::jetstream::context::RequestErrorKind::NoResponders => {
                BusError::NoJetStream { why: chain(&error) }
            }
            _ => failed("asking for a stream", &error),
        })?;
        let Some(error) = info.get("error") else { return Ok(info) };
        let why = error["description"].as_str().unwrap_or_default().to_owned();
        Err(match error["err_code"].as_u64() {
            Some(10059) => BusError::StreamMissing { stream: stream.to_owned() },
            Some(10039 | 10076) => BusError::NoJetStream { why },
            _ => BusError::Failed { doing: "asking for a stream", why },
        })
    }

    fn ledger_config(&self, layout: &Layout) -> Config {
        Config {
            name: layout.ledger.clone(),
            description: Some("Exchange of cim-nix ledgers: what each machine has shared".to_owned()),
            subjects: vec![subject::LEDGER.to_owned()],
            storage: StorageType::File,
            retention: RetentionPolicy::Limits,
            discard: DiscardPolicy::New,
            max_bytes: layout.max_bytes.unwrap_or(-1),
            deny_delete: true,
            deny_purge: true,
            allow_direct: true,
            allow_atomic_publish: self.has_atomic_batches(),
            duplicate_window: DUPLICATE_WINDOW,
            num_replicas: layout.replicas,
            republish: Some(Republish {
                source: subject::LEDGER.to_owned(),
                destination: subject::EVENTS_OF_LEDGER.to_owned(),
                headers_only: false,
            }),
            ..Config::default()
        }
    }
}

fn events_config(layout: &Layout) -> Config {
    Config {
        name: layout.events.clone(),
        description: Some("What happened on Nix estates, for other CIM services".to_owned()),
        storage: StorageType::File,
        retention: RetentionPolicy::Limits,
        discard: DiscardPolicy::Old,
        max_bytes: layout.max_bytes.unwrap_or(-1),
        max_age: layout.events_max_age.unwrap_or_default(),
        allow_direct: true,
        num_replicas: layout.replicas,
        sources: Some(vec![Source {
            name: layout.ledger.clone(),
            subject_transforms: vec![SubjectTransform {
                source: subject::LEDGER.to_owned(),
                destination: subject::EVENTS_OF_LEDGER.to_owned(),
            }],
            ..Source::default()
        }]),
        ..Config::default()
    }
}

fn refuse_clock(info: &Value, now_us: i64) -> Result<(), BusError> {
    let Some(server) = info["ts"].as_str().and_then(|text| DateTime::parse_from_rfc3339(text).ok()) else {
        return Ok(());
    };
    let seconds = server.timestamp() - now_us.div_euclid(1_000_000);
    if seconds.abs() > CLOCK_TOLERANCE_S { Err(BusError::Clock { seconds }) } else { Ok(()) }
}

fn failed(doing: &'static str, error: &dyn std::error::Error) -> BusError {
    BusError::Failed { doing, why: chain(error) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_no_stream_can_have_is_refused_by_the_name_of_its_setting() {
        let of = |ledger: &str, events: &str| {
            let layout = Layout { ledger: ledger.to_owned(), events: events.to_owned(), ..Layout::default() };
            layout.refuse_unfit_names().map_err(|error| error.to_string())
        };
        assert_eq!(of("NIX_LEDGER", "NIX-EVENTS"), Ok(()));
        for (name, held) in
            [("A.B", "'.'"), ("A*", "'*'"), (">", "'>'"), ("A B", "' '"), ("A\tB", "'\\t'"), ("A/B", "'/'")]
        {
            let why = format!("cannot be used: `{name}` is no name of a stream: it may not hold {held}");
            assert_eq!(of(name, "E"), Err(format!("{LEDGER_SETTING} {why}")));
            assert_eq!(of("L", name), Err(format!("{EVENTS_SETTING} {why}")));
        }
        assert_eq!(of("", "E"), Err(format!("{LEDGER_SETTING} cannot be used: `` is no name of a stream")));
        let same =
            format!("{EVENTS_SETTING} cannot be used: `S` is the name of the exchange already, in {LEDGER_SETTING}");
        assert_eq!(of("S", "S"), Err(same));
    }
}
