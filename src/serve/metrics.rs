//! Metrics as Prometheus reads them; the same table as on the bus.

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use crate::app::requests::Desk;
use crate::app::requests::measure::Measure;

/// Everything in the text format.
pub(super) fn text(desk: &Desk) -> Result<String, String> {
    let measures = desk.measure().map_err(|error| error.to_string())?;
    let mut text = String::new();
    encode(&mut text, &registry(measures)).map_err(|error| error.to_string())?;
    Ok(text)
}

/// What grows has no labels.
fn registry(measures: Vec<Measure>) -> Registry {
    let mut registry = Registry::with_prefix("cim_nix");
    for Measure { name, help, grows, values } in measures {
        let signed = |value| i64::try_from(value).unwrap_or(i64::MAX);
        match (values.as_slice(), grows) {
            ([(labels, value)], true) if labels.is_empty() => {
                let counter = Counter::<u64>::default();
                counter.inc_by(*value);
                registry.register(name, help, counter);
            }
            ([(labels, value)], false) if labels.is_empty() => {
                let gauge = Gauge::<i64>::default();
                gauge.set(signed(*value));
                registry.register(name, help, gauge);
            }
            (values, _) => {
                let family = Family::<Vec<(&'static str, String)>, Gauge>::default();
                for (labels, value) in values {
                    family.get_or_create(labels).set(signed(*value));
                }
                registry.register(name, help, family);
            }
        }
    }
    registry
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_written_as_prometheus_reads_it() {
        let of = |name, grows, values| Measure { name, help: "What it is", grows, values };
        let state = vec![(vec![("state", "open".to_owned())], 1), (vec![("state", "closed".to_owned())], 0)];
        let measures = vec![
            of("events", false, vec![(Vec::new(), 3)]),
            of("scans", true, vec![(Vec::new(), 2)]),
            of("sync_breaker", false, state),
        ];
        let mut text = String::new();
        encode(&mut text, &registry(measures)).unwrap();
        for line in [
            "# TYPE cim_nix_events gauge",
            "cim_nix_events 3",
            "# TYPE cim_nix_scans counter",
            "cim_nix_scans_total 2",
            "cim_nix_sync_breaker{state=\"open\"} 1",
            "cim_nix_sync_breaker{state=\"closed\"} 0",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}:\n{text}");
        }
    }
}
