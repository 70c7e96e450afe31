//! Data made by hand for the tests of the screens: a small estate with everything that can look unusual.

use super::headless::Headless;
use super::message::{Answer, Query};
use super::model::{
    Anatomy, At, Change, Difference, Edge, EventDetail, EventRow, FlakeRow, Fleet, FleetFlake, Input, Machine, Node,
    Page, Parked, Problem, Summary, Sync,
};
use super::moment::DAY;
use super::theme::Look;

/// 2026-11-24 00:45:09 UTC.
pub(crate) const NOW: i64 = 1_795_481_109_000_000;
/// How many events there are.
const EVENTS: i64 = 5_000;
/// How many events are on a page.
const PAGE: usize = 200;

/// Colours and Unicode.
pub(crate) const FULL: Look = Look { colors: true, unicode: true };

/// The interface on the sample.
pub(crate) fn headless(look: Look, size: (u16, u16)) -> Headless {
    Headless::with(look, NOW, size, Box::new(|query| Ok(answer(query))))
}

/// The interface on a ledger without anything.
pub(crate) fn empty(size: (u16, u16)) -> Headless {
    let nothing = |query: &Query| match query {
        Query::Summary(_) => Ok(Answer::Summary(Summary::default())),
        Query::Flakes(_) => Ok(Answer::Flakes(Vec::new())),
        Query::Fleet => Ok(Answer::Fleet(Box::default())),
        Query::Events { page, .. } => Ok(Answer::Events { page: *page, rows: Vec::new(), end: true }),
        _ => Err("nothing is there".to_owned()),
    };
    Headless::with(FULL, NOW, size, Box::new(nothing))
}

fn answer(query: &Query) -> Answer {
    match query {
        Query::Summary(At::Position(position)) => {
            Answer::Summary(Summary { events: *position, flakes: 3, problems: 1, ..summary(None) })
        }
        Query::Summary(_) => Answer::Summary(summary(None)),
        Query::Fleet => Answer::Fleet(Box::new(fleet())),
        Query::Flakes(At::Position(..100)) => Answer::Flakes(Vec::new()),
        Query::Flakes(_) => Answer::Flakes(flakes()),
        Query::Anatomy { flake, .. } => Answer::Anatomy(Box::new(Anatomy { flake: flake.clone(), ..anatomy() })),
        Query::Events { filter, page, at } => {
            let newest = if let At::Position(position) = at { *position } else { EVENTS };
            let fits = |row: &EventRow| {
                filter.kind.as_ref().is_none_or(|kind| row.kind == *kind)
                    && filter.stream.as_ref().is_none_or(|stream| row.stream == *stream)
                    && filter.flake.as_ref().is_none_or(|flake| row.stream.ends_with(flake.as_str()))
                    && filter.text.as_ref().is_none_or(|text| row.summary.contains(text.as_str()))
            };
            let fitting = (1..=newest).rev().map(event).filter(fits);
            let mut rows: Vec<EventRow> = match *page {
                Page::Newest => fitting.take(PAGE).collect(),
                Page::OlderThan(place) => fitting.filter(|row| row.place() < place).take(PAGE).collect(),
                Page::Again(place, rows) => fitting.filter(|row| row.place() <= place).take(rows.max(PAGE)).collect(),
                Page::NewerThan(place) => fitting.filter(|row| row.place() > place).collect(),
                Page::Oldest => fitting.collect(),
            };
            let limit = if let Page::Again(_, rows) = page { PAGE.max(*rows) } else { PAGE };
            let end = rows.len() < limit;
            rows.drain(..rows.len().saturating_sub(limit));
            Answer::Events { page: *page, rows, end }
        }
        Query::Event(position) => Answer::Event(Some(Box::new(detail(*position)))),
        Query::Difference(..) => Answer::Difference(vec![
            Difference {
                path: "/home/ada/src/infra/laptop".to_owned(),
                what: "nixpkgs".to_owned(),
                from: Some("github:NixOS/nixpkgs/a1b2c3d".to_owned()),
                to: Some("github:NixOS/nixpkgs/d4e5f60".to_owned()),
            },
            Difference { path: "/home/ada/src/web".to_owned(), what: "discovered".to_owned(), ..Difference::default() },
        ]),
        Query::Day { from, by } => Answer::Step(At::Seen(event(*from).occurred_at + by)),
        Query::Step { from, forward } => {
            let position = if let At::Position(position) = from { *position } else { EVENTS };
            let to = if *forward { position + 1 } else { position - 1 };
            Answer::Step(if to >= EVENTS { At::Now } else { At::Position(to) })
        }
    }
}

/// The sample in a few numbers, with synchronisation as it is said to stand.
pub(crate) fn summary(sync: Option<Sync>) -> Summary {
    Summary { head: EVENTS, events: EVENTS, flakes: flakes().len(), problems: 4, sync }
}

/// Three machines, one of them held up; a project that two of them have.
pub(crate) fn fleet() -> Fleet {
    let machine = |key: &str, host: &str, own, flakes, hours: i64| Machine {
        origin: format!("U{key}").repeat(14),
        host: host.to_owned(),
        user: "ada".to_owned(),
        own,
        state: "active".to_owned(),
        flakes,
        sequence: 120,
        recorded_at: Some(NOW - hours * DAY / 24),
        ..Machine::default()
    };
    let flake = |id: u32, lineage: Option<&str>, machine: &Machine, path: &str, rev: &str, days: i64| FleetFlake {
        id: format!("0190a1b2-0000-7000-8000-{id:012}"),
        lineage: lineage.map(str::to_owned),
        origin: machine.origin.clone(),
        host: machine.host.clone(),
        path: path.to_owned(),
        rev: Some(rev.to_owned()),
        nixpkgs_modified: Some(NOW - days * DAY),
        recorded_at: machine.recorded_at,
    };
    let own = machine("ABC", "desk", true, 6, 0);
    let server = machine("DEF", "server", false, 2, 5);
    let why = "event 44 is not signed by its origin";
    let lost = Machine {
        state: "quarantined".to_owned(),
        reason: Some(why.to_owned()),
        behind: 7,
        ..machine("GHI", "\u{1b}[31mcellar", false, 0, 900)
    };
    let infra = Some("github.com/ada/infra");
    Fleet {
        flakes: vec![
            flake(1, infra, &own, "/home/ada/src/infra/laptop", "d4e5f60718293a4b", 12),
            flake(11, infra, &server, "/srv/infra", "0011223344556677", 96),
            flake(12, None, &server, "/etc/nixos", "0011223344556677", 400),
        ],
        parked: vec![Parked { id: 4, origin: Some(lost.origin.clone()), reason: why.to_owned(), since: NOW - 3 * DAY }],
        machines: vec![own, server, lost],
        sync: Some(Sync {
            state: "live".to_owned(),
            server: Some("hub (nats-server 2.11.4)".to_owned()),
            connected_since: Some(NOW - DAY / 8),
            ..Sync::default()
        }),
    }
}

fn flakes() -> Vec<FlakeRow> {
    let flake = |id: u32, path: &str, description: Option<&str>, days: Option<i64>, problems| FlakeRow {
        id: format!("0190a1b2-0000-7000-8000-{id:012}"),
        path: path.to_owned(),
        description: description.map(str::to_owned),
        lineage: Some("github.com/ada/infra".to_owned()),
        inputs: 4,
        nodes: 6,
        nixpkgs_modified: days.map(|days| NOW - days * DAY),
        problems,
    };
    vec![
        flake(1, "/home/ada/src/infra/laptop", Some("The machine on the desk"), Some(12), 2),
        flake(2, "/home/ada/src/infra/server", Some("Mail, web and backups"), Some(96), 0),
        flake(3, "/home/ada/src/web", None, Some(400), 1),
        flake(4, "/home/ada/src/日本語のフレーク", Some("幅の広い文字"), Some(3), 0),
        flake(5, "/home/ada/src/e\u{301}tude", Some("combining, and مرحبا from the right"), None, 0),
        flake(6, "/srv/evil", Some("\u{1b}]0;owned\u{7}\u{1b}[31mred\u{202e}"), Some(61), 1),
    ]
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn node(source: &str, rev: &str, days: i64, inputs: Vec<(String, Edge)>) -> Node {
    Node {
        inputs,
        locked: pairs(&[
            ("type", "github"),
            ("rev", rev),
            ("narHash", "sha256-kd1Ww2eBcWmmQv2vxYk4kYx6UMX7fLHzQJyGxV9P3mM="),
        ]),
        original: pairs(&[("type", "github"), ("ref", "nixos-unstable")]),
        source: Some(source.to_owned()),
        flake: true,
        modified: Some(NOW - days * DAY),
        since: Some(NOW - (days - 1) * DAY),
    }
}

/// A flake with a follower, a duplicate, an input that is not locked, and one that is not declared any more.
pub(crate) fn anatomy() -> Anatomy {
    let follows = |path: &str| Edge::Follows(vec![path.to_owned()]);
    let edge = |name: &str, to: Edge| (name.to_owned(), to);
    let declared = |name: &str, source: &str| Input {
        name: name.to_owned(),
        source: Some(source.to_owned()),
        flake: true,
        declared: true,
        ..Input::default()
    };
    let to = |key: &str| Edge::Node(key.to_owned());
    let root = Node {
        inputs: vec![
            edge("home-manager", to("home-manager")),
            edge("nixpkgs", to("nixpkgs")),
            edge("agenix", to("agenix")),
            edge("old", to("old")),
        ],
        ..Node::default()
    };
    let nixpkgs = "github:NixOS/nixpkgs/nixos-unstable";
    let nodes = [
        ("root", root),
        ("nixpkgs", node(nixpkgs, "d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f607", 12, Vec::new())),
        ("nixpkgs_2", node(nixpkgs, "0011223344556677889900aabbccddeeff001122", 214, Vec::new())),
        (
            "home-manager",
            node("github:nix-community/home-manager", "feed", 5, vec![edge("nixpkgs", follows("nixpkgs"))]),
        ),
        ("agenix", node("github:ryantm/agenix", "beef", 80, vec![edge("nixpkgs", to("nixpkgs_2"))])),
        ("old", node("github:ada/old", "dead", 700, Vec::new())),
    ];
    Anatomy {
        flake: "0190a1b2-0000-7000-8000-000000000001".to_owned(),
        inputs: vec![
            Input {
                overrides: pairs(&[("nixpkgs", "follows nixpkgs")]),
                ..declared("home-manager", "github:nix-community/home-manager")
            },
            declared("nixpkgs", nixpkgs),
            declared("agenix", "github:ryantm/agenix"),
            declared("utils", "github:numtide/flake-utils"),
        ],
        root: Some("root".to_owned()),
        nodes: nodes.into_iter().map(|(key, node)| (key.to_owned(), node)).collect(),
        duplicates: vec![vec!["nixpkgs".to_owned(), "nixpkgs_2".to_owned()]],
        problems: problems(),
        changes: vec![
            Change {
                occurred_at: NOW - 12 * DAY,
                input: "nixpkgs".to_owned(),
                from: Some("a1b2c3d".to_owned()),
                to: Some("d4e5f60".to_owned()),
                commit: Some("0c0ffee0c0ffee".to_owned()),
                author: Some("Ada".to_owned()),
                summary: Some("flake.lock: update nixpkgs".to_owned()),
            },
            Change {
                occurred_at: NOW - 80 * DAY,
                input: "agenix".to_owned(),
                to: Some("beef".to_owned()),
                ..Change::default()
            },
        ],
    }
}

fn problems() -> Vec<Problem> {
    vec![
        Problem {
            file: "/home/ada/src/infra/laptop/flake.nix".to_owned(),
            line: Some(7),
            severity: "warning".to_owned(),
            code: "not-locked".to_owned(),
            message: "the input `utils` is not in flake.lock; run `nix flake lock`".to_owned(),
        },
        Problem {
            file: "/home/ada/src/infra/laptop/flake.nix".to_owned(),
            line: None,
            severity: "error".to_owned(),
            code: "not-in-git".to_owned(),
            message: "flake.nix is not added to git, so Nix does not see it; run `git add flake.nix`".to_owned(),
        },
    ]
}

fn event(position: i64) -> EventRow {
    let kinds = ["flake.updated", "finding.raised", "flake.input_added", "lock_history.recorded", "flake.removed"];
    let index = usize::try_from(position.unsigned_abs()).unwrap_or(0);
    EventRow {
        position,
        occurred_at: NOW - (EVENTS - position) * DAY / 40,
        kind: kinds.get(index % kinds.len()).copied().unwrap_or_default().to_owned(),
        stream: format!("flake/0190a1b2-0000-7000-8000-{:012}", index % 6 + 1),
        subject: flakes().get(index % 6).map(|flake| flake.path.clone()),
        summary: format!("nixpkgs a1b2c3d to d4e5f60, change {position}"),
        correlation_id: "0190a1b2-0000-7000-8000-00000000c0de".to_owned(),
    }
}

fn detail(position: i64) -> EventDetail {
    let row = event(position);
    let changes =
        r#"{"changes":[{"from":{"rev":"a1b2c3d"},"input":"nixpkgs","node":"nixpkgs","to":{"rev":"d4e5f60"}}]}"#;
    let finding = format!(
        r#"{{"file":"{}/flake.lock","findings":[{{"code":"dirty-lock","line":12}}]}}"#,
        row.subject.as_deref().unwrap_or_default()
    );
    EventDetail {
        event_id: format!("0190a1b2-0000-7000-8000-{position:012}"),
        version: 3,
        schema_version: 1,
        recorded_at: row.occurred_at + 1_000_000,
        causation_id: "0190a1b2-0000-7000-8000-00000000cafe".to_owned(),
        actor: "ada@desk".to_owned(),
        origin: "UABC".to_owned(),
        payload: if row.kind == "finding.raised" { finding } else { changes.to_owned() },
        flake_path: row.subject.clone(),
        command: Some("scan".to_owned()),
        related: vec![event(position - 1), row.clone()],
        row,
    }
}
