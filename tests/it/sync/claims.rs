//! Somebody who may share in their own name, and takes names of others, or says something of what is others'.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use cim_domain_nix::app::scan::{ScanRequest, scan};
use cim_domain_nix::app::sync::{consent, parked};
use cim_domain_nix::domain::id::FlakeId;
use cim_domain_nix::domain::naming::Namespace;
use cim_domain_nix::store::view::{self, At, Whose};
use uuid::Uuid;

use super::machine::Machine;
use super::stranger::Stranger;
use crate::nats::Server;

/// Two machines that know a flake of the first, and somebody who is about to lie.
struct World {
    server: Server,
    ada: Machine,
    bob: Machine,
    mallory: Stranger,
}

impl World {
    fn new() -> Self {
        let server = Server::start();
        let (ada, bob) = (Machine::new("ada", &server), Machine::new("bob", &server));
        ada.discover(1);
        ada.synced();
        bob.synced();
        let mallory = Stranger::new(&server);
        Self { server, ada, bob, mallory }
    }

    /// Shares an event as the first of its stream.
    fn say(&mut self, stream: &str, kind: &str, payload: &str) {
        let (event, signature) = self.mallory.next_in(stream, 1, kind, payload);
        self.mallory.publish(&event, Some(&signature));
    }

    /// A directory of the first machine's.
    fn place(&self) -> PathBuf {
        let place = self.ada.folder().canonicalize().unwrap().join("place");
        std::fs::create_dir_all(&place).unwrap();
        place
    }

    /// The first machine scans, shares, and everybody has what it has; nobody of them is refused.
    fn scanned(&self, place: &Path) {
        self.scan(place);
        let carol = Machine::new("carol", &self.server);
        for machine in [&self.bob, &carol] {
            machine.synced();
            assert_eq!(machine.state_hash(), self.ada.state_hash());
            machine.assert_sound();
        }
    }

    /// The first machine scans and shares.
    fn scan(&self, place: &Path) {
        let request = ScanRequest { paths: vec![place.to_owned()], modules: true, ..ScanRequest::default() };
        scan(&self.ada.session, &request, &|_| {}, &AtomicBool::new(false)).unwrap();
        consent::share(&self.ada.session, &consent::Which::All).unwrap();
        consent::share_findings(&self.ada.session).unwrap();
        self.ada.synced();
        self.ada.assert_sound();
    }

    /// What is said of the one who lied on both machines, which have nothing of it.
    fn refused(&self) -> String {
        let mut why = Vec::new();
        for machine in [&self.ada, &self.bob] {
            machine.synced();
            let parked = parked::list(&machine.session.store.reader().unwrap()).unwrap();
            assert_eq!(parked.len(), 1, "{parked:#?}");
            assert_eq!(parked[0].origin.as_deref(), Some(self.mallory.key.public_key().as_str()));
            assert_eq!(machine.shared().len(), 1, "nothing was taken in");
            assert_eq!(flakes(machine), ["/home/ada/flake-1"]);
            machine.assert_sound();
            why.push(parked[0].reason.clone());
        }
        assert_eq!(why[0], why[1]);
        // The others go on.
        self.ada.discover(2);
        self.ada.synced();
        self.bob.synced();
        assert_eq!(self.bob.state_hash(), self.ada.state_hash());
        why.remove(0)
    }
}

fn flakes(machine: &Machine) -> Vec<String> {
    let known = view::known_flakes(&machine.session.store.reader().unwrap()).unwrap();
    let mut directories: Vec<String> = known.into_iter().map(|flake| flake.directory.to_string()).collect();
    directories.sort();
    directories
}

fn moved(from: &str, to: &str) -> String {
    format!(r#"{{"from":"{from}","to":"{to}"}}"#)
}

fn found(directory: &str) -> String {
    format!(r#"{{"directory":"{directory}","extractor":1,"facts":{{"description":"x"}}}}"#)
}

#[test]
fn nobody_moves_the_flake_of_somebody_else() {
    for aggregate in ["flake", "zz"] {
        let mut world = World::new();
        let id = world.ada.flake(1);
        world.say(&format!("{aggregate}/{id}"), "flake.moved", &moved("/home/ada/flake-1", "/home/ada/other"));
        let why = world.refused();
        let expected = if aggregate == "flake" {
            "is not the name of a stream of this origin's"
        } else {
            "is of another kind than its stream"
        };
        assert!(why.contains(expected), "{why}");
    }
}

#[test]
fn nobody_finds_the_flake_of_somebody_else() {
    let mut world = World::new();
    world.say(&format!("flake/{}", world.ada.flake(1)), "flake.discovered", &found("/home/ada/flake-1"));
    let why = world.refused();
    assert!(why.contains("is not the name of a stream of this origin's"), "{why}");
}

#[test]
fn nobody_says_what_is_wrong_with_the_flake_of_somebody_else() {
    let findings = r#"[{"code":"secret","fingerprint":"f","line":3,"message":"do this","severity":"error"}]"#;
    let raised =
        |flake: FlakeId| format!(r#"{{"file":"/home/ada/flake-1/flake.nix","findings":{findings},"flake":"{flake}"}}"#);
    let mut world = World::new();
    let flake = world.ada.flake(1);
    let key = Namespace::of("").file(Some(flake), Path::new("flake.nix"));
    world.say(&format!("finding/{key}"), "finding.raised", &raised(flake));
    let why = world.refused();
    assert!(why.contains("is about a flake that is not this origin's"), "{why}");
    let mut world = World::new();
    let flake = world.ada.flake(1);
    world.say(&format!("finding/{}", Uuid::from_u128(5)), "finding.raised", &raised(flake));
    let why = world.refused();
    assert!(why.contains("is not the name of a stream of this origin's"), "{why}");
    let mut world = World::new();
    world.say(&format!("lock_history/{}", world.ada.flake(1)), "lock_history.tickled", "{}");
    let why = world.refused();
    assert!(why.contains("is about a flake that is not this origin's"), "{why}");
}

#[test]
fn a_name_that_no_release_gives_is_refused() {
    for (stream, kind, payload) in [
        ("flake/not-a-uuid", "flake.discovered", found("/home/x")),
        ("flake/not-a-uuid", "flake.tickled", "{}".to_owned()),
        ("displaced/1/flake/x", "displaced.x", "{}".to_owned()),
    ] {
        let mut world = World::new();
        world.say(stream, kind, &payload);
        world.refused();
    }
    let mut world = World::new();
    let stream = format!("ledger/{}.shared", world.ada.session.store.origin().public_key);
    world.say(&stream, "ledger.tickled", "{}");
    world.refused();
}

#[test]
fn a_shape_without_a_version_is_refused_and_stops_nobody() {
    let mut world = World::new();
    world.mallory.schema = 0;
    let stream = world.mallory.stream();
    world.say(&stream, "flake.removed", "{}");
    let why = world.refused();
    assert!(why.contains("has no version of its shape"), "{why}");
}

#[test]
fn an_id_belongs_to_the_event_that_had_it_first_wherever_both_arrive_at_once() {
    let mut world = World::new();
    let ada = world.ada.session.store.origin().public_key.clone();
    // Whoever comes first by name must not come first.
    while world.mallory.key.public_key() > ada {
        world.mallory = Stranger::new(&world.server);
    }
    let reader = world.ada.session.store.reader().unwrap();
    let id: [u8; 16] = reader.query_row("SELECT event_id FROM events", [], |row| row.get(0)).unwrap();
    drop(reader);
    world.mallory.id = Some(Uuid::from_bytes(id));
    let stream = world.mallory.stream();
    world.say(&stream, "flake.tickled", "{}");
    world.refused();
    let carol = Machine::new("carol", &world.server);
    carol.synced();
    assert_eq!(carol.state_hash(), world.ada.state_hash());
    assert_eq!(carol.status().parked, 1);
}

#[test]
fn a_name_that_somebody_took_before_is_given_back() {
    let mut world = World::new();
    let flake = world.ada.flake(2);
    let names = [format!("flake/{flake}"), format!("module/{}", Uuid::from_u128(9))];
    world.say(&names[0], "flake.tickled", "{}");
    world.say(&names[1], "module.tickled", "{}");
    // Of what is told there, some can be read.
    let (event, signature) = world.mallory.next_in(&names[0], 2, "flake.moved", &moved("/a", "/b"));
    world.mallory.publish(&event, Some(&signature));
    world.say(&format!("lock_history/{flake}"), "lock_history.tickled", "{}");
    for machine in [&world.ada, &world.bob] {
        machine.synced();
        assert_eq!((machine.status().parked, machine.shared().len()), (0, 5), "it is nobody's yet");
    }
    world.ada.discover(2);
    world.ada.commit(2, "c0ffee", 5);
    world.ada.synced();
    world.bob.synced();
    let carol = Machine::new("carol", &world.server);
    carol.synced();
    let key = world.mallory.key.public_key();
    for machine in [&world.ada, &world.bob, &carol] {
        assert_eq!(flakes(machine), ["/home/ada/flake-1", "/home/ada/flake-2"], "{}", machine.root().display());
        let state: String = machine
            .session
            .store
            .reader()
            .unwrap()
            .query_row("SELECT state FROM origins WHERE public_key = ?1", [&key], |row| row.get(0))
            .unwrap();
        assert_eq!(state, "quarantined");
        let aside = "SELECT count(*) FROM events WHERE stream LIKE 'displaced/%' AND origin IN (SELECT id FROM origins WHERE is_self = 0)";
        assert_eq!(machine.count(aside), 4, "all that nothing proves to be theirs");
        assert_eq!(machine.count("SELECT count(*) FROM v1_input_history"), 1);
        machine.assert_sound();
    }
    // They go on.
    world.ada.change(2, 2);
    world.ada.synced();
    world.bob.synced();
    carol.synced();
    assert_eq!(carol.shared(), world.bob.shared());
}

/// What the names of streams of a machine are derived from, as a flake of its.
fn root_of(machine: &Machine) -> Uuid {
    Uuid::new_v5(&Uuid::NAMESPACE_OID, machine.session.store.origin().public_key.as_bytes())
}

const MODULE: &str = "{ lib, ... }: { options.services.x.enable = lib.mkEnableOption \"x\"; config = { }; }\n";
const FLAKE: &str = "{ description = \"x\"; outputs = _: { }; }\n";

#[test]
fn a_scan_takes_the_name_of_a_flake_back() {
    let mut world = World::new();
    let place = world.place();
    std::fs::write(place.join("flake.nix"), FLAKE).unwrap();
    std::fs::write(place.join("module.nix"), MODULE).unwrap();
    let flake = world.ada.named().flake(&place, |_| false);
    let module = world.ada.named().file(Some(flake), Path::new("module.nix"));
    world.say(&format!("flake/{flake}"), "flake.tickled", "{}");
    world.say(&format!("module/{module}"), "module.tickled", "{}");
    for machine in [&world.ada, &world.bob] {
        machine.synced();
        assert_eq!((machine.status().parked, machine.shared().len()), (0, 3), "they are nobody's yet");
    }
    world.scanned(&place);
    assert_eq!(world.ada.count("SELECT count(*) FROM v1_flakes WHERE path LIKE '%/place'"), 1);
    assert_eq!(world.ada.count("SELECT count(*) FROM v1_modules WHERE path LIKE '%module.nix'"), 1);
}

#[test]
fn what_the_names_of_files_are_derived_from_is_no_flake() {
    let mut world = World::new();
    let (place, root) = (world.place(), root_of(&world.ada));
    for (name, text) in [("module.nix", MODULE), ("flake.lock", "{ broken")] {
        let file = place.join(name);
        std::fs::write(&file, text).unwrap();
        let key = world.ada.named().file(None, &file);
        let path = file.display();
        if world.mallory.seq == 0 {
            world.say(&format!("flake/{root}"), "flake.tickled", "{}");
        }
        let named = format!(r#"{{"file":"{path}","flake":"{root}"}}"#);
        world.say(&format!("module/{key}"), "module.deleted", &named);
        let named = format!(r#"{{"file":"{path}","findings":[],"flake":"{root}"}}"#);
        world.say(&format!("finding/{key}"), "finding.raised", &named);
    }
    for machine in [&world.ada, &world.bob] {
        machine.synced();
        assert_eq!((machine.status().parked, machine.shared().len()), (0, 6), "they are nobody's yet");
    }
    world.scanned(&place);
    let key = world.mallory.key.public_key();
    for machine in [&world.ada, &world.bob] {
        let parked = parked::list(&machine.session.store.reader().unwrap()).unwrap();
        assert!(parked.iter().all(|parked| parked.origin.as_ref() == Some(&key)), "{parked:#?}");
        assert_eq!(machine.count("SELECT count(*) FROM streams WHERE stream LIKE 'displaced/%'"), 5, "all at once");
    }
    assert_eq!(world.bob.count("SELECT count(*) FROM v1_modules WHERE path LIKE '%/module.nix'"), 1);
}

#[test]
fn who_takes_the_same_name_again_moves_aside_again() {
    let mut world = World::new();
    let place = world.place();
    std::fs::write(place.join("flake.nix"), FLAKE).unwrap();
    let flake = world.ada.named().flake(&place, |_| false);
    let module = format!("module/{}", world.ada.named().file(Some(flake), Path::new("module.nix")));
    world.say(&format!("flake/{flake}"), "flake.tickled", "{}");
    world.say(&module, "module.tickled", "{}");
    world.ada.synced();
    world.scanned(&place);
    world.ada.session.store.readmit(&world.mallory.key.public_key()).unwrap();
    world.say(&module, "module.tickled", "{}");
    world.ada.synced();
    assert_eq!(world.ada.count("SELECT count(*) FROM streams WHERE stream LIKE 'displaced/%'"), 2);
    std::fs::write(place.join("module.nix"), MODULE).unwrap();
    world.scan(&place);
    assert_eq!(world.ada.count("SELECT count(*) FROM streams WHERE stream LIKE 'displaced/%'"), 3);
    assert_eq!(world.ada.count("SELECT count(*) FROM v1_modules WHERE path LIKE '%module.nix'"), 1);
}

#[test]
fn an_event_that_does_not_fit_moves_nothing_aside() {
    let mut world = World::new();
    // It proves that the name is its own, and has the id of another event.
    let mut other = Stranger::new(&world.server);
    let (place, mine) = ("/home/other", Namespace::of(&other.key.public_key()));
    let flake = mine.flake(Path::new(place), |_| false);
    world.say(&format!("flake/{flake}"), "flake.tickled", "{}");
    world.bob.synced();
    let reader = world.bob.session.store.reader().unwrap();
    let id: [u8; 16] = reader.query_row("SELECT max(event_id) FROM events", [], |row| row.get(0)).unwrap();
    drop(reader);
    other.id = Some(Uuid::from_bytes(id));
    let (event, signature) = other.next_in(&format!("flake/{flake}"), 1, "flake.discovered", &found(place));
    other.publish(&event, Some(&signature));
    world.bob.synced();
    let parked = parked::list(&world.bob.session.store.reader().unwrap()).unwrap();
    assert_eq!(parked.len(), 1, "{parked:#?}");
    assert!(parked[0].reason.contains("has the id of another event"), "{}", parked[0].reason);
    assert_eq!(world.bob.count("SELECT count(*) FROM streams WHERE stream LIKE 'displaced/%'"), 0);
}

/// The id of the one event of a stream.
fn event_of(machine: &Machine, stream: &str) -> String {
    let sql = "SELECT lower(hex(event_id)) FROM events WHERE stream = ?1";
    machine.session.store.reader().unwrap().query_row(sql, [stream], |row| row.get(0)).unwrap()
}

fn state_of(machine: &Machine, key: &str) -> String {
    let sql = "SELECT state FROM origins WHERE public_key = ?1";
    machine.session.store.reader().unwrap().query_row(sql, [key], |row| row.get(0)).unwrap()
}

#[test]
fn what_tells_nothing_any_more_does_not_give_way_to_the_root_of_its_own_name() {
    let mut world = World::new();
    let (place, root) = (world.place(), root_of(&world.ada));
    let file = place.join("module.nix");
    std::fs::write(&file, MODULE).unwrap();
    world.scanned(&place);
    let stream = format!("module/{}", world.ada.named().file(None, &file));
    super::erased::erase_id(&world.ada, &event_of(&world.ada, &stream));
    world.ada.synced();
    world.bob.synced();
    world.say(&format!("flake/{root}"), "flake.tickled", "{}");
    world.say(&stream, "module.deleted", &format!(r#"{{"file":"{}","flake":"{root}"}}"#, file.display()));
    // Of a newer release, of which nothing is known but its name.
    let mut nora = Stranger::new(&world.server);
    nora.schema = 9;
    let (key, path) = (nora.key.public_key(), "/home/nora/flake.nix");
    let found = format!("finding/{}", Namespace::of(&key).file(None, Path::new(path)));
    let (event, signature) =
        nora.next_in(&found, 1, "finding.raised", &format!(r#"{{"file":"{path}","findings":[]}}"#));
    nora.publish(&event, Some(&signature));
    let mut other = Stranger::new(&world.server);
    let root = Uuid::new_v5(&Uuid::NAMESPACE_OID, key.as_bytes());
    let (event, signature) = other.next_in(&format!("flake/{root}"), 1, "flake.tickled", "{}");
    other.publish(&event, Some(&signature));
    let taken = format!(r#"{{"file":"{path}","findings":[],"flake":"{root}"}}"#);
    let (event, signature) = other.next_in(&found, 1, "finding.raised", &taken);
    other.publish(&event, Some(&signature));
    std::fs::write(&file, MODULE.replace("services.x", "services.y")).unwrap();
    for machine in [&world.ada, &world.bob] {
        machine.synced();
    }
    world.scanned(&place);
    let ada = world.ada.session.store.origin().public_key.clone();
    for machine in [&world.ada, &world.bob] {
        assert_eq!(state_of(machine, &ada), "active");
        assert_eq!(state_of(machine, &key), "active");
        assert_eq!(state_of(machine, &world.mallory.key.public_key()), "quarantined");
        assert_eq!(state_of(machine, &other.key.public_key()), "quarantined");
        assert_eq!(machine.count("SELECT count(*) FROM streams WHERE stream LIKE 'displaced/%'"), 0);
    }
}

#[test]
fn a_name_that_no_table_can_hold_as_text_is_refused() {
    for name in ["zz/a\0b", "zz/a\nb"] {
        let mut world = World::new();
        let (event, signature) = world.mallory.next_in(name, 1, "zz.tickled", "{}");
        let mut headers = async_nats::HeaderMap::new();
        headers.insert("X-Origin-Signature", data_encoding::BASE64.encode(&signature).as_str());
        let subject = format!("nix.ledger.{}.zz.tickled", event.origin);
        world.mallory.send(&subject, headers, event.body().unwrap());
        let why = world.refused();
        assert!(why.contains("names no stream"), "{why}");
    }
}

#[test]
fn who_was_caught_says_nothing_more_in_what_arrives_together() {
    let mut world = World::new();
    let flake = world.ada.flake(2);
    world.say(&format!("flake/{flake}"), "flake.tickled", "{}");
    world.ada.discover(2);
    world.ada.synced();
    for number in 3..6 {
        world.say(&format!("flake/{}", world.ada.flake(number)), "flake.tickled", "{}");
        world.ada.discover(number);
        world.ada.synced();
    }
    // All of that arrives at once.
    world.bob.synced();
    let carol = Machine::new("carol", &world.server);
    carol.synced();
    for machine in [&world.bob, &carol] {
        assert_eq!(machine.count("SELECT count(*) FROM streams WHERE stream LIKE 'displaced/%'"), 1);
        assert_eq!(state_of(machine, &world.mallory.key.public_key()), "quarantined");
        assert_eq!(flakes(machine).len(), 5);
        machine.assert_sound();
    }
}

#[test]
fn many_that_nothing_proves_move_aside_a_few_at_a_time() {
    let mut world = World::new();
    let flake = world.ada.flake(2);
    world.say(&format!("flake/{flake}"), "flake.tickled", "{}");
    for number in 0..250 {
        world.say(&format!("zz/{number:03}"), "zz.tickled", "{}");
    }
    world.ada.synced();
    world.ada.discover(2);
    assert_eq!(
        world.ada.count("SELECT count(*) FROM streams WHERE stream LIKE 'displaced/%'"),
        1,
        "the rest has its turn"
    );
    world.ada.synced();
    assert_eq!(world.ada.count("SELECT count(*) FROM streams WHERE stream LIKE 'displaced/%'"), 251);
    world.ada.assert_sound();
}

#[test]
fn a_file_of_another_machine_is_never_taken_for_one_of_this() {
    let mut world = World::new();
    let file = "/home/ada/flake-1/flake.nix";
    let key = world.mallory.key.public_key();
    let stream = format!("finding/{}", Namespace::of(&key).file(None, Path::new(file)));
    let finding = r#"{"code":"secret","fingerprint":"secret:1","line":3,"message":"there is one","severity":"error"}"#;
    world.say(&stream, "finding.raised", &format!(r#"{{"file":"{file}","findings":[{finding}]}}"#));
    for machine in [&world.ada, &world.bob] {
        machine.synced();
        let reader = machine.session.store.reader().unwrap();
        assert!(view::problems(&reader, Whose::Own, At::Now).unwrap().is_empty());
        let all = view::problems(&reader, Whose::All, At::Now).unwrap();
        assert_eq!(all.iter().map(|row| &row.origin).collect::<Vec<_>>(), [&key]);
        let origin: String = reader.query_row("SELECT origin FROM v1_problems", [], |row| row.get(0)).unwrap();
        assert_eq!(origin, key);
    }
}

#[test]
fn a_clone_that_tells_a_commit_otherwise_hides_nothing() {
    let mut world = World::new();
    let flake = Namespace::of(&world.mallory.key.public_key()).flake(Path::new("/x"), |_| false);
    let lineage = "github.com/ada/x";
    let told = format!(r#"{{"directory":"/x","extractor":1,"facts":{{"description":"x"}},"lineage":"{lineage}"}}"#);
    world.say(&format!("flake/{flake}"), "flake.discovered", &told);
    let commit = r#"{"author":"Ann","authored_at":5,"committed_at":5,"id":"c0ffee","summary":"x"}"#;
    let change = r#"{"input":"nixpkgs","node":"nixpkgs","to":{"rev":"other"}}"#;
    let told = format!(r#"{{"changes":[{change}],"commit":{commit},"flake":"{flake}","part":1,"parts":1}}"#);
    world.say(&format!("lock_history/{flake}"), "lock_history.recorded", &told);
    world.bob.synced();
    world.ada.commit(1, "c0ffee", 5);
    world.ada.belongs(1, lineage);
    world.ada.synced();
    world.bob.synced();
    let told = format!("SELECT count(*) FROM v1_input_history WHERE flake = '{}'", world.ada.flake(1));
    for machine in [&world.ada, &world.bob] {
        assert_eq!(machine.count(&told), 1);
    }
}
