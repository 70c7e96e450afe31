//! After a fork: the flakes that are found again go on from the old ones, on every machine, and nobody else can say so.

use std::fs;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use cim_domain_nix::app::clock::Clock;
use cim_domain_nix::app::forget;
use cim_domain_nix::app::ledger::{self, Who};
use cim_domain_nix::app::origin;
use cim_domain_nix::app::scan::{ScanRequest, scan};
use cim_domain_nix::app::sync::consent;
use cim_domain_nix::domain::path::RecordedPath;
use cim_domain_nix::store::Reader;
use cim_domain_nix::store::backup::BackupOptions;
use cim_domain_nix::store::view::{self, At, Whose};

use super::erased::erase_id;
use super::machine::Machine;
use super::processes::assert_clean;
use super::stranger::Stranger;
use crate::nats::Server;
use crate::store::restore::make_older;

/// A root with two flakes, as a real directory.
fn root() -> tempfile::TempDir {
    let root = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    for name in ["one", "two"] {
        fs::create_dir(root.path().join(name)).unwrap();
        fs::write(root.path().join(name).join("flake.nix"), "{ description = \"x\"; outputs = _: { }; }").unwrap();
    }
    root
}

fn look(machine: &Machine, root: &tempfile::TempDir) -> u64 {
    let request = ScanRequest { paths: vec![root.path().to_owned()], threads: 1, ..ScanRequest::default() };
    let events = scan(&machine.session, &request, &|_| {}, &AtomicBool::new(false)).unwrap().events;
    consent::share(&machine.session, &consent::Which::All).unwrap();
    events
}

/// Origin and path of every flake of the fleet, as the fleet, the list of flakes and the counts of machines tell it.
fn fleet(machine: &Machine) -> Vec<(String, String)> {
    let reader = machine.session.store.reader().unwrap();
    let mut rows: Vec<_> =
        view::fleet(&reader).unwrap().into_iter().map(|row| (row.origin, row.path.to_string())).collect();
    rows.sort();
    let listed = view::flakes(&reader, Whose::All, At::Now).unwrap();
    let mut listed: Vec<_> = listed.into_iter().map(|row| (row.origin, row.path.to_string())).collect();
    listed.sort();
    assert_eq!(rows, listed);
    let counted: u64 = view::freshness(&reader).unwrap().iter().map(|origin| origin.flakes).sum();
    assert_eq!(counted, rows.len() as u64);
    rows
}

/// The origins of the flakes that are listed at a moment, of every machine.
fn listed(reader: &Reader, at: At) -> Vec<String> {
    view::flakes(reader, Whose::All, at).unwrap().into_iter().map(|row| row.origin).collect()
}

fn key(machine: &Machine) -> String {
    machine.session.store.origin().public_key.clone()
}

/// Makes a backup of a ledger, with its key.
fn back_up(from: &Machine, to: &Path) {
    let (ledger, options) = (from.session.store.path(), BackupOptions::default());
    from.session.store.backup(to, options, &mut |_, _| {}).unwrap();
    fs::copy(format!("{}.key", ledger.display()), format!("{}.key", to.display())).unwrap();
}

/// Puts a backup in the place of a ledger.
fn put_back(machine: &mut Machine, backup: &Path) {
    machine.replace(|path| {
        for end in ["-wal", "-shm"] {
            fs::remove_file(format!("{}{end}", path.display())).unwrap_or_default();
        }
        for end in ["", ".key"] {
            fs::copy(format!("{}{end}", backup.display()), format!("{}{end}", path.display())).unwrap();
        }
    });
}

/// Makes a machine's ledger a copy of another's.
fn copy(of: &Machine, to: &mut Machine) {
    let backup = to.folder().join("copy.db");
    back_up(of, &backup);
    put_back(to, &backup);
}

/// Changes what the flake `one` says of itself.
fn describe(root: &tempfile::TempDir, text: &str) {
    let flake = format!("{{ description = \"{text}\"; outputs = _: {{ }}; }}");
    fs::write(root.path().join("one").join("flake.nix"), flake).unwrap();
}

/// What came from elsewhere: of whom, and when the newest of it was recorded there.
fn heard(reader: &Reader) -> Vec<String> {
    let sql = "SELECT o.public_key || ' ' || h.recorded_at FROM heard h JOIN origins o ON o.id = h.origin ORDER BY 1";
    let mut statement = reader.prepare(sql).unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

#[test]
fn flakes_of_a_fork_go_on_from_the_old_ones_on_every_machine() {
    let server = Server::start();
    let (root, mut ada) = (root(), Machine::new("ada", &server));
    look(&ada, &root);
    // One of them has a past that was never shared to its end.
    ada.synced();
    let bob = Machine::new("bob", &server);
    bob.synced();
    let before = fleet(&bob);
    assert_eq!(before.len(), 2);
    let old = key(&ada);
    let head = ada.session.store.reader().unwrap().head().unwrap();
    ada.transform(|session| drop(origin::fork(session).unwrap()));
    let new = key(&ada);
    assert!(look(&ada, &root) >= 4);
    let first = "SELECT count(*) FROM v1_events WHERE type = 'flake.succeeded' AND version = 1";
    assert_eq!((ada.count(first), look(&ada, &root)), (2, 0), "the first event of each, and nothing again");
    ada.synced();
    bob.synced();
    let carol = Machine::new("carol", &server);
    carol.synced();
    for machine in [&ada, &bob, &carol] {
        let rows = fleet(machine);
        assert_eq!(rows.len(), 2, "the heirs and not both: {rows:?}");
        assert!(rows.iter().all(|(origin, _)| *origin == new));
        let reader = machine.session.store.reader().unwrap();
        for flake in view::flakes(&reader, Whose::All, At::Now).unwrap() {
            let succeeds = view::succeeds(&reader, flake.id).unwrap().expect("what it goes on from");
            assert_eq!((&succeeds.origin, succeeds.version), (&old, 1));
            let link = format!(
                "SELECT count(*) FROM outbox b JOIN events e ON e.position = b.position \
                 WHERE e.stream = '{}' AND e.version = 1 AND lower(hex(b.chain)) = '{}'",
                succeeds.stream, succeeds.chain
            );
            assert_eq!(machine.count(&link), 1, "its link is the one that the old origin shared");
        }
        let origins = view::freshness(&reader).unwrap();
        let heir = origins.iter().find(|origin| origin.origin == new).unwrap();
        assert_eq!(heir.succeeds.as_deref(), Some(old.as_str()));
        assert_clean(machine);
    }
    // An export holds it too: what is imported from it comes to the same.
    let (export, copy) = (ada.folder().join("export"), ada.folder().join("imported.db"));
    let mut file = fs::File::create(&export).unwrap();
    ada.session.store.export(&mut file, &export).unwrap();
    let again = || {
        let who = Who { host: "ada".to_owned(), user: "ada".to_owned() };
        ledger::open(&copy, who, Clock::system()).unwrap()
    };
    again().store.import(&export).unwrap();
    let imported = again();
    let told = |reader: &Reader| -> Vec<String> {
        let mut statement =
            reader.prepare("SELECT stream || succeeds FROM streams WHERE succeeds IS NOT NULL").unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    };
    let (here, there) = (imported.store.reader().unwrap(), ada.session.store.reader().unwrap());
    assert_eq!((told(&here).len(), told(&here)), (2, told(&there)));
    assert_eq!(heard(&there), Vec::<String>::new(), "what it was itself before came from nowhere else");
    assert_eq!(heard(&here), heard(&there));
    // As it was then, the old ones are there.
    let reader = ada.session.store.reader().unwrap();
    assert_eq!(listed(&reader, At::Position(head)), [old.clone(), old]);
    assert_eq!(ada.state_hash(), bob.state_hash());
}

#[test]
fn what_was_succeeded_stays_so_when_its_heir_is_gone_and_the_discovery_of_that_erased() {
    let server = Server::start();
    let (root, mut ada) = (root(), Machine::new("ada", &server));
    look(&ada, &root);
    ada.synced();
    let bob = Machine::new("bob", &server);
    bob.synced();
    let head = |machine: &Machine| machine.session.store.reader().unwrap().head().unwrap();
    let (old, before, begun) = (key(&ada), ada.session.clock.now(), [head(&ada), head(&bob)]);
    ada.transform(|session| drop(origin::fork(session).unwrap()));
    look(&ada, &root);
    let exchange = || {
        ada.synced();
        bob.synced();
        [(&ada, begun[0]), (&bob, begun[1])]
    };
    for (machine, begun) in exchange() {
        let reader = machine.session.store.reader().unwrap();
        assert!(
            (begun..=head(machine)).all(|at| listed(&reader, At::Position(at)).len() == 2),
            "never both or neither"
        );
    }
    let succeeded = ada.session.clock.now();
    fs::remove_dir_all(root.path().join("one")).unwrap();
    look(&ada, &root);
    let two = view::flake(&ada.session.store.reader().unwrap(), root.path().join("two").to_str().unwrap(), At::Now);
    assert!(forget::forget(&ada.session, two.unwrap().id).unwrap().is_some());
    for (machine, _) in exchange() {
        assert_eq!(fleet(machine), [], "removed and forgotten");
    }
    let discovered: Vec<String> = {
        let reader = ada.session.store.reader().unwrap();
        let sql = "SELECT lower(hex(event_id)) FROM events JOIN origins o ON o.id = origin \
                   WHERE type = 'flake.discovered' AND o.is_self = 1";
        let mut statement = reader.prepare(sql).unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    };
    assert_eq!(discovered.len(), 2);
    for id in &discovered {
        erase_id(&ada, id);
    }
    for (machine, begun) in exchange() {
        assert_eq!(fleet(machine), [], "{}: erasing brings nothing back", machine.folder().display());
        let reader = machine.session.store.reader().unwrap();
        assert_eq!(listed(&reader, At::Occurred(succeeded)), [""; 0]);
        for at in [At::Position(begun), At::Occurred(before)] {
            assert_eq!(listed(&reader, at), [old.clone(), old.clone()], "{at:?}");
        }
        machine.assert_sound();
    }
}

#[test]
fn others_are_told_of_what_was_shared_before_a_fork_until_its_heir_is() {
    let server = Server::start();
    let (root, mut ada) = (root(), Machine::new("ada", &server));
    look(&ada, &root);
    let old = key(&ada);
    ada.transform(|session| drop(origin::fork(session).unwrap()));
    let new = key(&ada);
    consent::unshare(&ada.session, &consent::Which::All).unwrap();
    let request = ScanRequest { paths: vec![root.path().to_owned()], threads: 1, ..ScanRequest::default() };
    scan(&ada.session, &request, &|_| {}, &AtomicBool::new(false)).unwrap();
    let told = || {
        let (own, others) = (ada.session.store.reader().unwrap(), ada.session.store.reader_of_shared().unwrap());
        (listed(&own, At::Now), listed(&others, At::Now))
    };
    assert_eq!(told(), (vec![new.clone(), new.clone()], vec![old.clone(), old]));
    consent::share(&ada.session, &consent::Which::All).unwrap();
    assert_eq!(told(), (vec![new.clone(), new.clone()], vec![new.clone(), new]));
}

#[test]
fn a_fork_on_another_machine_stands_beside_the_original() {
    let server = Server::start();
    let (root, ada) = (root(), Machine::new("ada", &server));
    look(&ada, &root);
    ada.synced();
    let mut twin = Machine::at("twin", &ada.place);
    copy(&ada, &mut twin);
    assert_eq!(key(&twin), key(&ada));
    twin.transform(|session| drop(origin::fork(session).unwrap()));
    look(&twin, &root);
    twin.synced();
    let bob = Machine::new("bob", &server);
    bob.synced();
    assert_eq!(fleet(&bob).len(), 4, "the original goes on elsewhere");
    assert_eq!(fleet(&twin).len(), 2, "a fork does not listen to it any more");
    ada.synced();
    assert_eq!(fleet(&ada).len(), 4);
}

#[test]
fn a_ledger_that_goes_on_stands_beside_its_fork_on_a_machine_of_the_same_name() {
    let server = Server::start();
    let (root, ada) = (root(), Machine::new("nixos", &server));
    look(&ada, &root);
    ada.synced();
    let mut twin = Machine::at("nixos", &ada.place);
    copy(&ada, &mut twin);
    twin.transform(|session| drop(origin::fork(session).unwrap()));
    look(&twin, &root);
    twin.synced();
    let mut bob = Machine::new("bob", &server);
    bob.synced();
    let (old, new) = (key(&ada), key(&twin));
    let origins = |rows: Vec<(String, String)>| rows.into_iter().map(|(origin, _)| origin).collect::<Vec<_>>();
    assert_eq!(origins(fleet(&bob)), [new.clone(), new.clone()], "nothing tells that the old one goes on");
    let head = bob.session.store.reader().unwrap().head().unwrap();
    ada.synced();
    assert_eq!(fleet(&ada).len(), 4, "a ledger knows of itself that it goes on");
    describe(&root, "live");
    look(&ada, &root);
    ada.synced();
    bob.synced();
    let carol = Machine::new("carol", &server);
    carol.synced();
    let live = "SELECT count(*) FROM v1_flakes f JOIN v1_origins o ON o.public_key = f.origin \
                WHERE f.description = 'live' AND f.path LIKE '%/one' AND o.host = 'nixos'";
    for machine in [&ada, &bob, &carol] {
        let mut both = vec![old.clone(), old.clone(), new.clone(), new.clone()];
        both.sort();
        assert_eq!(origins(fleet(machine)), both, "{}", machine.folder().display());
        assert_eq!(machine.count(live), 1);
    }
    assert_eq!(fleet(&twin).len(), 2, "a fork does not listen to it any more");
    let reader = bob.session.store.reader().unwrap();
    assert_eq!(listed(&reader, At::Position(head)), [new.clone(), new]);
    assert_eq!(listed(&reader, At::Position(reader.head().unwrap())).len(), 4);
    assert_eq!(ada.state_hash(), bob.state_hash());
    // What is imported from an export comes to the same.
    let (export, path) = (bob.folder().join("export"), bob.folder().join("imported.db"));
    bob.session.store.export(&mut fs::File::create(&export).unwrap(), &export).unwrap();
    let again = || {
        let who = Who { host: "bob".to_owned(), user: "bob".to_owned() };
        ledger::open(&path, who, Clock::system()).unwrap()
    };
    again().store.import(&export).unwrap();
    let imported = again().store.reader().unwrap();
    assert_eq!(listed(&imported, At::Now).len(), 4);
    assert_eq!((heard(&imported).len(), heard(&imported)), (2, heard(&reader)));
    drop(imported);
    // So does what an older release took in.
    drop(reader);
    bob.replace(make_older);
    assert_eq!(fleet(&bob).len(), 4);
}

#[test]
fn a_fork_that_was_undone_by_a_backup_hides_nothing_of_the_ledger_that_goes_on() {
    let server = Server::start();
    let (root, mut ada) = (root(), Machine::new("ada", &server));
    look(&ada, &root);
    ada.synced();
    let (old, backup) = (key(&ada), ada.folder().join("backup.db"));
    back_up(&ada, &backup);
    ada.transform(|session| drop(origin::fork(session).unwrap()));
    look(&ada, &root);
    ada.synced();
    put_back(&mut ada, &backup);
    assert_eq!(key(&ada), old);
    ada.synced();
    assert_eq!(
        ada.count("SELECT count(*) FROM v1_flakes f JOIN v1_origins o ON o.public_key = f.origin AND o.is_self"),
        2
    );
    describe(&root, "live");
    look(&ada, &root);
    ada.synced();
    let bob = Machine::new("bob", &server);
    bob.synced();
    for machine in [&ada, &bob] {
        assert_eq!(fleet(machine).iter().filter(|(origin, _)| *origin == old).count(), 2);
    }
}

#[test]
fn another_name_of_the_machine_changes_nothing_about_who_went_on() {
    let server = Server::start();
    let (root, mut ada) = (root(), Machine::new("ada", &server));
    look(&ada, &root);
    ada.synced();
    ada.transform(|session| drop(origin::fork(session).unwrap()));
    look(&ada, &root);
    ada.synced();
    ada.rename("desk");
    describe(&root, "renamed");
    look(&ada, &root);
    ada.synced();
    let bob = Machine::new("bob", &server);
    bob.synced();
    let hosts = "SELECT count(*) FROM v1_origins WHERE host IN ('ada', 'desk')";
    assert_eq!(bob.count(hosts), 2);
    let new = key(&ada);
    assert!(fleet(&bob).len() == 2 && fleet(&bob).iter().all(|(origin, _)| *origin == new), "{:?}", fleet(&bob));
}

#[test]
fn nobody_takes_the_place_of_a_flake_without_its_origins_word() {
    let server = Server::start();
    let (root, ada) = (root(), Machine::new("ada", &server));
    look(&ada, &root);
    ada.synced();
    let victim = fleet(&ada)[0].0.clone();
    let stream = ada.shared();
    assert_eq!(stream.len(), 2);
    let streams: Vec<String> = {
        let reader = ada.session.store.reader().unwrap();
        view::flakes(&reader, Whose::Own, At::Now).unwrap().iter().map(|row| format!("flake/{}", row.id)).collect()
    };
    let mut stranger = Stranger::new(&server);
    let own =
        stranger.key.sign(&cim_domain_nix::store::chain::succession(&victim, &stranger.key.public_key())).unwrap();
    let other = nkeys::KeyPair::new_user();
    let others = other.sign(&cim_domain_nix::store::chain::succession(&other.public_key(), &stranger.key.public_key()));
    let (zero, base64) = ("0".repeat(64), data_encoding::BASE64);
    // No word at all, its own word, and the word of an origin that the flake is not of.
    let claims = [
        (&victim, String::new()),
        (&victim, format!(",\"signature\":\"{}\"", base64.encode(&own))),
        (&other.public_key(), format!(",\"signature\":\"{}\"", base64.encode(&others.unwrap()))),
    ];
    for (number, (origin, signature)) in (1..).zip(claims) {
        let payload = format!(
            "{{\"chain\":\"{zero}\",\"origin\":\"{origin}\"{signature},\"stream\":\"{}\",\"version\":1}}",
            streams[0]
        );
        let (event, signature) =
            stranger.next_in(&format!("flake/{}", uuid::Uuid::from_u128(number)), 1, "flake.succeeded", &payload);
        stranger.publish(&event, Some(&signature));
    }
    let bob = Machine::new("bob", &server);
    bob.synced();
    assert_eq!(bob.shared().len(), 5, "what was claimed is in the log");
    for machine in [&ada, &bob] {
        machine.synced();
        assert_eq!(fleet(machine).len(), 2, "and nothing is hidden by it");
    }
}

#[test]
fn what_was_recorded_before_a_fork_is_erased_by_whoever_goes_on() {
    let server = Server::start();
    let (root, mut ada) = (root(), Machine::new("ada", &server));
    look(&ada, &root);
    ada.synced();
    // What never leaves, and what others have.
    ada.discover(7);
    consent::unshare(&ada.session, &consent::Which::All).unwrap();
    ada.discover(8);
    let ids = |sql: &str| -> Vec<String> {
        let reader = ada.session.store.reader().unwrap();
        let mut statement = reader.prepare(sql).unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    };
    let shared = ids("SELECT lower(hex(event_id)) FROM events e WHERE type = 'flake.discovered' \
                      AND EXISTS (SELECT 1 FROM outbox o WHERE o.position = e.position) ORDER BY position LIMIT 1");
    let private = ids(
        "SELECT lower(hex(event_id)) FROM events e WHERE type = 'flake.discovered' AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.position = e.position)",
    );
    assert_eq!((shared.len(), private.len()), (1, 2));
    let bob = Machine::new("bob", &server);
    bob.synced();
    ada.transform(|session| drop(origin::fork(session).unwrap()));
    erase_id(&ada, &private[0]);
    ada.assert_sound();
    look(&ada, &root);
    ada.synced();
    bob.synced();
    erase_id(&ada, &shared[0]);
    ada.synced();
    bob.synced();
    let carol = Machine::new("carol", &server);
    carol.synced();
    for (machine, blank) in [(&ada, 2), (&bob, 1), (&carol, 1)] {
        assert_eq!(machine.count("SELECT count(*) FROM events WHERE payload = 'null'"), blank);
        machine.assert_sound();
    }
    // An export proves it, and says what it was before.
    let export = ada.folder().join("export.jsonl");
    ada.session.store.export(&mut fs::File::create(&export).unwrap(), &export).unwrap();
    let copy = Machine::private("copy", &server);
    copy.beside().store.import(&export).unwrap();
    let sql = "SELECT count(*) FROM origins WHERE state = 'retired' AND is_self = 0";
    assert_eq!((ada.count(sql), copy.count(sql)), (1, 1));
}

#[test]
fn an_import_of_what_forked_before_it_found_anything_knows_what_it_was() {
    let server = Server::start();
    let (root, mut ada) = (root(), Machine::new("ada", &server));
    look(&ada, &root);
    let reader = ada.session.store.reader().unwrap();
    let first: String = reader
        .query_row("SELECT lower(hex(event_id)) FROM events ORDER BY position LIMIT 1", [], |row| row.get(0))
        .unwrap();
    drop(reader);
    ada.transform(|session| drop(origin::fork(session).unwrap()));
    erase_id(&ada, &first);
    let export = ada.folder().join("export.jsonl");
    ada.session.store.export(&mut fs::File::create(&export).unwrap(), &export).unwrap();
    let copy = Machine::private("copy", &server);
    copy.beside().store.import(&export).unwrap();
    let (before, now) = (ada.session.store.reader().unwrap(), copy.session.store.reader().unwrap());
    assert_eq!(before.identities().unwrap(), now.identities().unwrap());
    assert_eq!(now.identities().unwrap().len(), 2);
    let key = |machine: &Machine| format!("{}.key", machine.session.store.path().display());
    fs::copy(key(&ada), key(&copy)).unwrap();
    copy.assert_sound();
}

#[test]
fn a_path_names_the_flake_that_goes_on_there() {
    let server = Server::start();
    let (root, mut ada) = (root(), Machine::new("ada", &server));
    look(&ada, &root);
    ada.synced();
    let bob = Machine::new("bob", &server);
    bob.synced();
    ada.transform(|session| drop(origin::fork(session).unwrap()));
    look(&ada, &root);
    ada.synced();
    bob.synced();
    let path = RecordedPath::new(&root.path().canonicalize().unwrap().join("one"));
    for machine in [&ada, &bob] {
        let reader = machine.session.store.reader().unwrap();
        for found in [view::flake_at(&reader, &path, At::Now), view::flake(&reader, path.text(), At::Now)] {
            assert_eq!(found.unwrap().origin, key(&ada));
        }
    }
}

#[test]
fn what_an_heir_erased_before_it_said_that_it_goes_on_is_blank_elsewhere() {
    let server = Server::start();
    for bob_knows_the_event in [true, false] {
        let (root, mut ada, bob) = (root(), Machine::new("ada", &server), Machine::new("bob", &server));
        look(&ada, &root);
        ada.synced();
        let first = "SELECT lower(hex(event_id)) FROM events WHERE type = 'flake.discovered' ORDER BY position LIMIT 1";
        let first: String = ada.session.store.reader().unwrap().query_row(first, [], |row| row.get(0)).unwrap();
        if bob_knows_the_event {
            bob.synced();
        }
        ada.transform(|session| drop(origin::fork(session).unwrap()));
        // It comes first in the chain of the heir.
        erase_id(&ada, &first);
        look(&ada, &root);
        for machine in [&ada, &bob, &ada, &bob] {
            machine.synced();
        }
        let named = format!("SELECT count(*) FROM events WHERE payload = 'null' AND lower(hex(event_id)) = '{first}'");
        assert_eq!([ada.count(&named), bob.count(&named)], [1, 1], "{bob_knows_the_event}");
        ada.assert_sound();
        bob.assert_sound();
    }
}
