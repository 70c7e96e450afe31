//! What a machine tells whoever asks it: what is shared, and of the rest not even whether it is there.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use cim_domain_nix::app::origin;
use cim_domain_nix::app::requests::query::QUERIES;
use cim_domain_nix::app::roots;
use cim_domain_nix::app::scan::{ScanReport, ScanRequest, scan};
use cim_domain_nix::app::sync::consent::{self, Which};
use cim_domain_nix::app::sync::engine::{self, Until};
use cim_domain_nix::bus::Link;
use cim_domain_nix::store::Reader;
use cim_domain_nix::store::view::{self, At, Whose};
use serde_json::{Value, json};
use uuid::Uuid;

use super::estates::generation;
use super::machine::Machine;
use super::requests::World;
use crate::nats::Server;

/// The private flake, whose every name begins so, and what asks for it by name.
const PRIVATE: &str = "{ description = \"hidden-flake\"; inputs.hidden-input.url = \"github:hidden/hidden\"; \
                       outputs = { self, hidden-input }: { packages.x86_64-linux.hidden-package = 1; \
                       nixosModules.hidden-module = 1; overlays.hidden-overlay = 1; nixosConfigurations.hidden-host = 1; \
                       homeConfigurations.hidden-home = 1; }; }";

/// A machine with the shared flake `shared/one`, a private root beside it, and one inside the shared root.
struct Told {
    world: World,
    beside: tempfile::TempDir,
    system: tempfile::TempDir,
}

impl Told {
    fn new(allowed: &[&str]) -> Self {
        let folder = || tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let told = Self { world: World::new(allowed), beside: folder(), system: folder() };
        for place in [told.beside.path().join("hidden-one"), told.shared().join("hidden-inside/hidden-two")] {
            fs::create_dir_all(&place).unwrap();
            fs::write(place.join("flake.nix"), PRIVATE).unwrap();
            fs::write(place.join("hidden.nix"), "{ config, lib, ... }: { services.hidden.enable = true; }").unwrap();
            fs::write(place.join("over.nix"), "final: prev: { hidden = prev.hidden.overrideAttrs (_: { }); }").unwrap();
        }
        told.make_root(&told.shared().join("hidden-inside"));
        told.make_root(told.beside.path());
        told
    }

    fn shared(&self) -> PathBuf {
        self.world.flakes.path().to_owned()
    }

    fn machine(&self) -> &Machine {
        &self.world.machine
    }

    fn make_root(&self, place: &Path) {
        roots::add(&self.machine().session, place).unwrap();
    }

    /// Looks at everything, and shares what is to be shared.
    fn scanned(&self) -> ScanReport {
        let paths = vec![self.shared(), self.beside.path().to_owned()];
        let system = Some(self.system.path().to_owned());
        let request = ScanRequest { paths, modules: true, system, ..ScanRequest::default() };
        let report = scan(&self.machine().session, &request, &|_| {}, &AtomicBool::new(false)).unwrap();
        consent::follow(&self.machine().session).unwrap();
        report
    }

    fn result(&self, query: &str, body: &Value) -> Value {
        let reply = self.world.ask(&format!("nix.query.{query}"), body);
        assert_eq!(reply["ok"], true, "{query}: {reply:#}");
        reply["result"].clone()
    }

    fn id_of(&self, path: &Path) -> String {
        let sql = format!("SELECT id FROM v1_flakes WHERE path = '{}'", path.display());
        self.machine().session.store.reader().unwrap().query_row(&sql, [], |row| row.get(0)).unwrap()
    }
}

#[test]
fn queries_tell_what_is_shared_and_of_the_rest_not_that_it_is_there() {
    let told = Told::new(&[]);
    assert_eq!(told.scanned().seen, 3);
    let list = told.result("flake.list", &json!({}));
    assert_eq!((&list["total"], &list["items"][0]["path"]), (&json!(1), &json!(told.world.path())), "{list:#}");
    assert_eq!(told.result("flake.list", &json!({ "limit": 1 }))["next"], Value::Null, "there is no other page");
    // Whatever is asked for: no answer holds a word of it.
    for query in QUERIES {
        for name in ["hidden-package", "hidden-module", "hidden-overlay", "hidden-host", "hidden-home", "hidden.nix"] {
            let mut reply = told.world.ask(&format!("nix.query.{}", query.name), &json!({ "name": name }));
            // Nothing is said but what was asked for.
            let message = reply["message"].as_str().unwrap().replace(name, "");
            reply["message"] = message.into();
            assert!(!reply.to_string().contains("hidden"), "{}: {reply:#}", query.name);
        }
    }
    // A private flake is as unknown as one that there is not: by its path, its id, and the beginning of its id.
    for place in [told.beside.path().join("hidden-one"), told.shared().join("hidden-inside/hidden-two")] {
        let id = told.id_of(&place);
        let there = [place.to_str().unwrap(), &id, &id[..8]];
        for query in QUERIES.iter().filter(|query| query.fields.iter().any(|field| field.name == "flake")) {
            let ask = |flake: &str| {
                let body = json!({ "flake": flake, "name": "hidden-host" });
                let mut reply = told.world.ask(&format!("nix.query.{}", query.name), &body);
                let message = reply["message"].as_str().unwrap().replace(flake, "");
                (message, reply["code"].take(), reply["result"].take(), reply["as_of"].take())
            };
            let unknown = [ask("/nowhere"), ask(&Uuid::now_v7().to_string()), ask("ffffffff")];
            assert_eq!(there.map(ask), unknown, "{}", query.name);
            assert_eq!(unknown[0].1, "not_found", "{}", query.name);
        }
    }
    // How fresh an answer is tells nothing of what is recorded below private roots.
    let as_of = || told.world.ask("nix.query.flake.list", &json!({}))["as_of"].clone();
    let before = as_of();
    fs::write(told.beside.path().join("hidden-one/flake.nix"), PRIVATE.replace("hidden-flake", "other")).unwrap();
    assert!(told.scanned().events > 0);
    assert_eq!(as_of(), before);
    // What is shared is told from then on, and no longer when it is not.
    let which = || Which::Named(vec![told.beside.path().to_owned()]);
    consent::share(&told.machine().session, &which()).unwrap();
    assert_eq!(told.result("flake.list", &json!({}))["total"], 2);
    assert_eq!(told.result("package.get", &json!({ "name": "hidden-package" }))["items"].as_array().unwrap().len(), 1);
    assert_eq!(told.result("module.get", &json!({ "name": "hidden.nix" }))["items"].as_array().unwrap().len(), 1);
    assert_eq!(told.result("overlay.get", &json!({ "name": "over.nix" }))["items"].as_array().unwrap().len(), 1);
    consent::unshare(&told.machine().session, &which()).unwrap();
    assert_eq!(told.result("flake.list", &json!({}))["total"], 1);
}

#[test]
fn a_flake_of_another_machine_is_told_where_a_private_one_has_its_path() {
    let told = Told::new(&["flake.forget"]);
    told.scanned();
    let place = told.beside.path().join("hidden-one");
    let bob = Machine::at("bob", &told.machine().place);
    let beside = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let elsewhere = beside.path().join("away");
    // The same path on another machine.
    fs::rename(&place, &elsewhere).unwrap();
    fs::create_dir(&place).unwrap();
    fs::write(place.join("flake.nix"), "{ description = \"of bob\"; outputs = _: { }; }").unwrap();
    let request = ScanRequest { paths: vec![told.beside.path().to_owned()], ..ScanRequest::default() };
    scan(&bob.session, &request, &|_| {}, &AtomicBool::new(false)).unwrap();
    consent::share(&bob.session, &Which::All).unwrap();
    fs::remove_dir_all(&place).unwrap();
    fs::rename(&elsewhere, &place).unwrap();
    let sent = engine::run(&bob.session, &bob.place, &Link::default(), Until::Synced, &AtomicBool::new(false));
    assert!(sent.unwrap().synced);
    told.machine()
        .until("bob's flake", |_| told.machine().count("SELECT count(*) FROM v1_fleet WHERE is_self = 0") == 1);
    let flake = told.result("flake.get", &json!({ "flake": place }));
    assert_eq!(flake["description"], "of bob", "{flake:#}");
    let reply = told.world.ask("nix.cmd.flake.forget", &json!({ "flake": place }));
    assert_eq!((&reply["code"], &reply["origin"]), (&json!("owned_by"), &flake["origin"]), "{reply:#}");
}

#[test]
fn of_a_configuration_that_takes_in_a_private_file_no_more_is_told_than_its_name() {
    let told = Told::new(&[]);
    let put = |file: &str, text: &str| fs::write(told.shared().join("one").join(file), text).unwrap();
    let hosts = "nixosConfigurations.desk = nixpkgs.lib.nixosSystem { modules = [ ./web.nix ./hidden/users.nix ]; };";
    put("flake.nix", &format!("{{ outputs = {{ self, nixpkgs }}: {{ {hosts} }}; }}"));
    put("web.nix", "{ services.nginx.enable = true; }");
    fs::create_dir(told.shared().join("one/hidden")).unwrap();
    put("hidden/users.nix", "{ users.users.mallory.isNormalUser = true; }");
    told.make_root(&told.shared().join("one/hidden"));
    told.scanned();
    let list = told.result("config.list", &json!({}));
    assert_eq!((&list["items"][0]["name"], &list["total"]), (&json!("desk"), &json!(1)));
    assert_eq!(list["items"][0]["seen"], Value::Null, "{list:#}");
    let modules = told.result("module.list", &json!({}));
    let paths: Vec<&Value> = modules["items"].as_array().unwrap().iter().map(|item| &item["path"]).collect();
    assert_eq!((paths, &modules["total"]), (vec![&json!("web.nix")], &json!(1)));
    consent::share(&told.machine().session, &Which::Named(vec![told.shared().join("one/hidden")])).unwrap();
    let seen = told.result("config.get", &json!({ "name": "desk" }))["items"][0]["seen"].clone();
    assert_eq!(seen["users"], json!(["mallory"]), "{seen:#}");
    assert_eq!(told.result("module.list", &json!({}))["total"], 2);
}

#[test]
fn problems_and_generations_are_told_when_they_are_shared() {
    let told = Told::new(&[]);
    fs::write(told.shared().join("one/flake.lock"), "{").unwrap();
    let hosts = "nixosConfigurations.desk = 1;";
    fs::write(told.shared().join("one/flake.nix"), format!("{{ outputs = _: {{ {hosts} }}; }}")).unwrap();
    generation(told.system.path(), 1);
    told.scanned();
    let session = &told.machine().session;
    let problems = || {
        let one = told.result("flake.get", &json!({ "flake": told.world.path() }))["problems"].clone();
        (one, told.result("flake.list", &json!({}))["items"][0]["problems"].clone())
    };
    let generations = || {
        let of = |query| told.result(query, &json!({ "name": "desk" }))["generations"].clone();
        (of("config.get_current"), of("config.get_history"))
    };
    let unknown = || (json!("unknown"), json!("unknown"));
    assert!(told.machine().count("SELECT count(*) FROM v1_problems WHERE flake IS NOT NULL") > 0);
    assert_eq!((problems(), generations()), ((Value::Null, Value::Null), unknown()));
    consent::share_findings(session).unwrap();
    assert!(problems().0.as_u64().unwrap() > 0 && problems().0 == problems().1);
    assert_eq!(generations(), unknown());
    consent::unshare_findings(session).unwrap();
    consent::share_system(session).unwrap();
    assert_eq!((problems(), &generations().0[0]["generation"]), ((Value::Null, Value::Null), &json!(1)));
    assert_eq!(generations().1.as_array().unwrap().len(), 1);
    consent::unshare_system(session).unwrap();
    assert_eq!(generations(), unknown());
}

#[test]
fn commands_reach_what_is_shared_and_say_nothing_of_the_rest() {
    let told = Told::new(&["flake.scan", "flake.forget"]);
    let scan = |path: &Path| told.world.ask("nix.cmd.flake.scan", &json!({ "path": path }));
    // A private place is as outside as one that there is not, and no way leads through one.
    let nowhere = scan(Path::new("/nowhere"));
    assert_eq!(nowhere["code"], "outside_roots", "{nowhere:#}");
    let inside = told.shared().join("hidden-inside");
    for path in [
        told.beside.path().to_owned(),
        told.beside.path().join("hidden-one"),
        inside.join("hidden-two"),
        told.beside.path().join("../").join(told.shared().file_name().unwrap()),
        inside.clone(),
    ] {
        let reply = scan(&path);
        assert_eq!((&reply["code"], &reply["message"]), (&nowhere["code"], &nowhere["message"]), "{}", path.display());
    }
    // What lies in a private root inside is looked at with the rest, and not told.
    let reply = scan(&told.shared());
    assert_eq!(reply["code"], "done", "{reply:#}");
    assert!(reply["message"].as_str().unwrap().starts_with("1 flake seen"), "{reply:#}");
    let events = reply["events"].as_array().unwrap();
    assert!(!events.is_empty());
    for event in events {
        let sql = format!(
            "SELECT count(*) FROM v1_events e JOIN streams s ON s.stream = e.stream WHERE s.shared = 1 AND e.event_id = '{}'",
            event.as_str().unwrap()
        );
        assert_eq!(told.machine().count(&sql), 1, "{event} is shared");
    }
    // Who asks again is told no more.
    let again = told.world.ask("nix.cmd.flake.scan", &json!({ "command_id": reply["command_id"] }));
    assert_eq!((&again["code"], &again["events"]), (&json!("repeated"), &reply["events"]), "{again:#}");
    // Of a private flake nobody else says that it is not to be watched, nor learns that it is there.
    told.scanned();
    let forget = |flake: &str| told.world.ask("nix.cmd.flake.forget", &json!({ "flake": flake }));
    let (unknown, id) = (forget("/nowhere"), told.id_of(&told.beside.path().join("hidden-one")));
    assert_eq!(unknown["code"], "not_found");
    for flake in [told.beside.path().join("hidden-one").to_str().unwrap(), &id, &id[..8]] {
        let reply = forget(flake);
        let message = reply["message"].as_str().unwrap().replace(flake, "/nowhere");
        assert_eq!((&reply["code"], json!(message)), (&unknown["code"], unknown["message"].clone()), "{reply:#}");
    }
    assert_eq!(told.machine().count("SELECT count(*) FROM v1_flakes"), 3, "all are watched");
}

#[test]
fn every_table_is_seen_whole_by_others_when_all_is_shared_and_empty_when_nothing_is() {
    let told = Told::new(&[]);
    let (one, session) = (told.shared().join("one"), &told.machine().session);
    let text = fs::read_to_string(one.join("flake.nix")).unwrap();
    fs::write(one.join("flake.nix"), text.replace("outputs = {", "a = 1; outputs = {")).unwrap();
    let locked =
        r#"{ "rev": "647b2b7cc2b4e0e8b0ccb64c4a7d0e7f1f3a2b1c", "type": "git", "url": "https://example.org/x" }"#;
    let lock = format!(
        r#"{{ "nodes": {{ "nixpkgs": {{ "locked": {locked}, "original": {locked} }}, "root": {{ "inputs": {{ "nixpkgs": "nixpkgs" }} }} }}, "root": "root", "version": 7 }}"#
    );
    fs::write(one.join("flake.lock"), lock).unwrap();
    fs::create_dir(told.shared().join("npins")).unwrap();
    let pin = r#"{ "pins": { "x": { "type": "Tarball", "url": "https://example.org/x.tar.gz" } }, "version": 5 }"#;
    fs::write(told.shared().join("npins/sources.json"), pin).unwrap();
    generation(told.system.path(), 1);
    let hosts =
        "{ outputs = { self, nixpkgs }: { nixosConfigurations.desk = nixpkgs.lib.nixosSystem { modules = [ ]; }; }; }";
    fs::write(told.beside.path().join("hidden-one/flake.nix"), hosts).unwrap();
    told.scanned();
    // What is no more is in the past.
    for place in ["flake.nix", "hidden.nix", "over.nix"] {
        fs::remove_file(told.beside.path().join("hidden-one").join(place)).unwrap();
    }
    told.scanned();
    told.machine().discover(1);
    told.machine().commit(1, "c1", 5);
    told.machine().lose(1, "c1", 6);
    let names: Vec<String> = {
        let reader = session.store.reader().unwrap();
        let mut statement =
            reader.prepare("SELECT name FROM sqlite_schema WHERE name GLOB 'p_*' AND type = 'view'").unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    };
    let count = |reader: &Reader, name: &str| -> i64 {
        reader.query_row(&format!("SELECT count(*) FROM {name}"), [], |row| row.get(0)).unwrap()
    };
    let seen = || {
        let (own, others) = (session.store.reader().unwrap(), session.store.reader_of_shared().unwrap());
        names.iter().map(|name| (name.clone(), count(&own, name), count(&others, name))).collect::<Vec<_>>()
    };
    consent::share(session, &Which::All).unwrap();
    consent::share_findings(session).unwrap();
    consent::share_system(session).unwrap();
    let all = seen();

    assert!(all.iter().all(|(_, own, others)| own == others), "{all:#?}");
    assert!(all.iter().all(|(name, own, _)| *own > 0 || name.ends_with("_past")), "{all:#?}");
    consent::unshare(session, &Which::All).unwrap();
    consent::unshare_system(session).unwrap();
    let none = seen();
    assert!(none.iter().all(|(_, _, others)| *others == 0), "{none:#?}");
}

#[test]
fn what_was_private_before_a_fork_is_so_after_it() {
    let server = Server::start();
    let mut ada = Machine::private("ada", &server);
    ada.discover(1);
    ada.transform(|session| drop(origin::fork(session).unwrap()));
    assert_eq!(ada.count("SELECT count(*) FROM v1_flakes"), 1, "of what is another origin's now");
    let others = ada.session.store.reader_of_shared().unwrap();
    assert_eq!(view::flakes(&others, Whose::All, At::Now).unwrap(), []);
}
