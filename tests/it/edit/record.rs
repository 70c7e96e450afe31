//! What the ledger knows of edits: whose doing a change was, whoever saw it first, and what takes it back.
#![expect(clippy::expect_used, clippy::unwrap_used, clippy::disallowed_methods, reason = "a test makes its own world")]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use cim_domain_nix::app::check::CheckRequest;
use cim_domain_nix::app::edit::{
    self, Done, Draft, EditFailure, LockState, Locking, Operation, Taking, Unrecorded, Wanted, WriteError, Writing,
};
use cim_domain_nix::app::scan::{self, ScanRequest};
use cim_domain_nix::app::{Session, fix, forget, origin};
use cim_domain_nix::domain::message::MessageIdentity;
use cim_domain_nix::lint::{Safety, Selection};
use cim_domain_nix::store::{Append, Command, EditRow, LocalNote, Recorded, Undo, view};
use uuid::Uuid;

use crate::scan::{Estate, FLAKE, lock, open};

const DAY: i64 = 24 * 60 * 60 * 1_000_000;

fn add(name: &str) -> [Operation; 1] {
    [Operation::AddInput { name: name.to_owned(), url: format!("github:o/{name}"), flake: true }]
}

/// An estate with one flake that was scanned.
fn estate() -> Estate {
    let estate = Estate::new();
    estate.write("a/flake.nix", FLAKE);
    estate.write("a/flake.lock", &lock('a'));
    estate.scan();
    estate
}

fn draft(estate: &Estate, name: &str) -> Draft {
    draft_in(estate, "a", name)
}

fn draft_in(estate: &Estate, flake: &str, name: &str) -> Draft {
    edit::draft(&estate.root().join(flake), "add_input", &add(name)).expect("a plan")
}

fn write(estate: &Estate, draft: &Draft) -> Result<Done, EditFailure> {
    let scan = ScanRequest::default();
    let writing = Writing { session: Some(&estate.session), scan: &scan, locking: Locking::Never, search: None };
    edit::write(draft, &writing)
}

/// Plans to take back the edit of a command, or the last one of all.
fn plan_back(session: &Session, command: Option<Uuid>) -> Result<Taking, EditFailure> {
    edit::undo(session, command.map_or(Wanted::Last(Path::new("/")), Wanted::Command))
}

/// The one edit that would be taken back.
fn taking_back(estate: &Estate, command: Option<Uuid>) -> Draft {
    let Taking { mut drafts, .. } = plan_back(&estate.session, command).expect("a plan");
    assert_eq!(drafts.len(), 1);
    drafts.remove(0)
}

fn events(estate: &Estate) -> Vec<Recorded> {
    estate.session.store.reader().expect("a reader").recorded(0, 1_000).expect("events")
}

fn text(estate: &Estate) -> String {
    fs::read_to_string(estate.root().join("a/flake.nix")).expect("the flake is there")
}

#[test]
fn an_edit_is_observed_and_belongs_to_its_command() {
    let estate = estate();
    let before = events(&estate).len();
    let done = write(&estate, &draft(&estate, "x")).unwrap();
    let command = done.command.unwrap();
    assert_eq!(done.unrecorded, None);
    assert!(matches!(done.lock, LockState::Stale { .. }), "{:?}", done.lock);
    let new = events(&estate).split_off(before);
    assert_eq!(u64::try_from(new.len()).unwrap(), done.events);
    assert_eq!(new[0].kind, "flake.input_added");
    for event in &new {
        assert_eq!((event.causation_id.uuid(), event.correlation_id.uuid()), (command, command), "{}", event.kind);
        assert_eq!(event.undoes, None);
    }
    let causes = view::event_causes(&estate.session.store.reader().unwrap(), &new[0].event_id.to_string()).unwrap();
    assert_eq!(causes.command.as_deref(), Some("add_input"));
    assert_eq!(estate.scan().events, 0, "seeing it again records nothing");
}

/// As a process that watches sees it before the one that edited has looked, or after that was killed.
#[test]
fn whoever_sees_the_text_first_attributes_it_to_the_edit() {
    let estate = estate();
    let planned = draft(&estate, "x");
    let command = estate.session.clock.new_id();
    let note = note(&estate, &planned, command);
    leave(&estate, &note);
    let before = events(&estate).len();
    assert_eq!(estate.scan().events, 0, "the note alone changes nothing");
    assert!(matches!(plan_back(&estate.session, None), Err(EditFailure::NothingToUndo)), "it was never written");
    fs::write(&planned.path, &planned.new).unwrap();
    estate.scan();
    let new = events(&estate).split_off(before);
    assert_eq!(new[0].kind, "flake.input_added");
    assert!(new.iter().all(|event| event.causation_id.uuid() == command), "{new:?}");
    fs::write(&planned.path, FLAKE).unwrap();
    estate.scan();
    fs::write(&planned.path, &planned.new).unwrap();
    let before = events(&estate).len();
    estate.scan();
    let again = events(&estate).split_off(before);
    assert!(again.iter().all(|event| event.causation_id.uuid() != command), "the same text by hand is not the edit's");
    assert_eq!(taking_back(&estate, None).new, FLAKE, "its text is what can be taken back all the same");
}

/// As a process that watches sees what another one writes for somebody on the bus.
#[test]
fn whoever_sees_the_text_of_somebody_else_first_names_them() {
    let estate = estate();
    let planned = draft(&estate, "x");
    let command = estate.session.clock.new_id();
    let note = note(&estate, &planned, command);
    let identity = note.identity().cause(estate.session.clock.new_id());
    let result = serde_json::json!({ "edit": command });
    leave_as(&estate, &note, identity, "bus:ada", result);
    fs::write(&planned.path, &planned.new).unwrap();
    let before = events(&estate).len();
    estate.scan();
    let new = events(&estate).split_off(before);
    assert!(!new.is_empty() && new.iter().all(|event| event.actor == "bus:ada"), "{new:?}");
}

/// What is noted of an edit before it is written.
fn note(estate: &Estate, planned: &Draft, command: Uuid) -> EditRow {
    let hash = |text: &str| *blake3::hash(text.as_bytes()).as_bytes();
    EditRow {
        command,
        name: "add_input".to_owned(),
        correlation: command,
        path: planned.path.clone(),
        before: hash(&planned.old),
        after: hash(&planned.new),
        undo: Undo::Text(planned.old.clone()),
        at: estate.session.clock.now(),
        undoes: None,
        seen: false,
    }
}

fn leave(estate: &Estate, note: &EditRow) {
    let identity = MessageIdentity::root(estate.session.clock.new_id());
    leave_as(estate, note, identity, "me", serde_json::Value::Null);
}

fn leave_as(estate: &Estate, note: &EditRow, identity: MessageIdentity, actor: &str, result: serde_json::Value) {
    let (id, actor) = (identity.message_id.uuid(), actor.to_owned());
    let command = Command { id, name: "note_edit", identity, actor, result };
    let notes = vec![LocalNote::EditLeft(Box::new(note.clone()))];
    estate.session.store.append(Append { command, received_at: note.at, writes: Vec::new(), notes }).unwrap();
}

#[test]
fn edits_are_taken_back_one_after_the_other_and_the_events_say_so() {
    let estate = estate();
    let first = write(&estate, &draft(&estate, "x")).unwrap().command.unwrap();
    let between = text(&estate);
    let second = write(&estate, &draft(&estate, "y")).unwrap().command.unwrap();
    let before = events(&estate).len();
    let back = taking_back(&estate, None);
    assert_eq!((back.undoes, back.new.as_str()), (Some(second), between.as_str()));
    let undo = write(&estate, &back).unwrap().command.unwrap();
    assert_eq!(text(&estate), between);
    let new = events(&estate).split_off(before);
    assert_eq!(new[0].kind, "flake.input_removed");
    for event in &new {
        assert_eq!((event.causation_id.uuid(), event.undoes), (undo, Some(second)));
    }
    let again = taking_back(&estate, Some(undo));
    assert_eq!(again.undoes, Some(undo), "what was taken back can be made again");
    write(&estate, &taking_back(&estate, None)).unwrap();
    assert_eq!(text(&estate), FLAKE);
    assert!(matches!(plan_back(&estate.session, None), Err(EditFailure::NothingToUndo)));
    assert!(matches!(plan_back(&estate.session, Some(first)), Err(EditFailure::AlreadyBack { .. })));
    let unknown = plan_back(&estate.session, Some(Uuid::from_u128(7)));
    assert!(matches!(unknown, Err(EditFailure::NoSuchEdit { .. })));
    assert_eq!(estate.scan().events, 0);
}

#[test]
fn what_was_made_again_is_an_edit_like_any_other() {
    for is_alone in [true, false] {
        let estate = estate();
        estate.write("b/flake.nix", FLAKE);
        estate.scan();
        let other = (!is_alone).then(|| write(&estate, &draft_in(&estate, "b", "z")).unwrap().command.unwrap());
        let first = write(&estate, &draft(&estate, "x")).unwrap().command.unwrap();
        let edited = text(&estate);
        let undo = write(&estate, &taking_back(&estate, None)).unwrap().command.unwrap();
        let redo = write(&estate, &taking_back(&estate, Some(undo))).unwrap().command.unwrap();
        assert_eq!(text(&estate), edited);
        assert_eq!(taking_back(&estate, Some(first)).undoes, Some(redo), "it stands for what it made again");
        assert_eq!(taking_back(&estate, None).undoes, Some(redo));
        let again = write(&estate, &taking_back(&estate, None)).unwrap().command.unwrap();
        assert_eq!(text(&estate), FLAKE);
        assert_eq!(taking_back(&estate, Some(undo)).undoes, Some(again));
        assert!(matches!(plan_back(&estate.session, Some(first)), Err(EditFailure::AlreadyBack { .. })));
        match other {
            Some(other) => assert_eq!(taking_back(&estate, None).undoes, Some(other)),
            None => assert!(matches!(plan_back(&estate.session, None), Err(EditFailure::NothingToUndo))),
        }
    }
}

#[test]
fn what_replaces_a_secret_is_made_and_cannot_be_taken_back() {
    let estate = Estate::new();
    let secret = "https://me:hunter2canary@example.org/a.tar.gz";
    estate.write("a/flake.nix", &format!("{{\n  inputs.a.url = \"{secret}\";\n  outputs = _: {{ }};\n}}\n"));
    estate.scan();
    let beside = write(&estate, &draft(&estate, "x")).unwrap();
    assert!(!beside.for_good, "what stands beside it can be taken back");
    let edited = text(&estate);
    let url = Operation::SetUrl { name: "a".to_owned(), url: "github:o/a".to_owned() };
    let planned = edit::draft(&estate.root().join("a"), "set_url", &[url]).unwrap();
    let done = write(&estate, &planned).unwrap();
    assert!(done.for_good && done.unrecorded.is_none() && done.events > 0, "{done:?}");
    let refused = plan_back(&estate.session, None).unwrap_err();
    assert!(matches!(&refused, EditFailure::NotKept { .. }) && refused.to_string().contains("secret"), "{refused}");
    fs::write(&planned.path, edited).unwrap();
    write(&estate, &taking_back(&estate, beside.command)).unwrap();
    assert!(text(&estate).contains(secret), "byte for byte");
    for suffix in ["", "-wal"] {
        let bytes = fs::read(format!("{}{suffix}", estate.database().display())).unwrap();
        assert!(!bytes.windows(13).any(|window| window == b"hunter2canary"), "ledger.db{suffix}");
    }
}

#[test]
fn whole_texts_of_an_earlier_release_can_be_taken_back_unless_they_hold_a_secret() {
    let estate = estate();
    let planned = draft(&estate, "x");
    let clean = write(&estate, &planned).unwrap().command.unwrap();
    let database = estate.database();
    let (first, second) = (Uuid::from_u128(1), Uuid::from_u128(2));
    let raw = rusqlite::Connection::open(&database).unwrap();
    raw.execute("UPDATE edits SET undo = ?1 WHERE command_id = ?2", (&planned.old, clean.as_bytes())).unwrap();
    let insert = "INSERT INTO edits SELECT ?1, command, correlation_id, path, before, after, ?2, edited_at - ?3, undoes, 1 \
                  FROM edits WHERE command_id = ?4";
    let secret = format!("{FLAKE}# https://me:hunter2canary@example.org/{}\n", "x".repeat(10_000));
    for (id, days) in [(first, 1), (second, 91)] {
        raw.execute(insert, (id.as_bytes(), &secret, days * DAY, clean.as_bytes())).unwrap();
    }
    let before = "PRAGMA user_version = 4; DELETE FROM refinery_schema_history WHERE version > 4; DROP TABLE configs_due; DROP TABLE erasures; DROP TABLE heard; DROP TABLE root_directories";
    raw.execute_batch(before).unwrap();
    raw.execute("DELETE FROM edits WHERE command_id = ?1", [second.as_bytes()]).unwrap();
    let holds = || {
        let found = ["", "-wal"].map(|suffix| fs::read(format!("{}{suffix}", database.display())).unwrap_or_default());
        found.iter().any(|bytes| bytes.windows(13).any(|window| window == b"hunter2canary"))
    };
    drop(raw);
    assert!(holds());
    let Estate { session, .. } = &estate;
    let reopened = open(session.store.path());
    assert!(!holds(), "neither in a row nor in what was deleted");
    let kept = |id| reopened.store.reader().unwrap().edit(id).unwrap().unwrap().undo;
    assert_eq!((kept(first), kept(clean)), (Undo::Secret, Undo::Text(planned.old.clone())));
    assert_eq!(plan_back(&reopened, Some(clean)).unwrap().drafts[0].new, FLAKE);
}

#[test]
fn what_changed_since_is_not_taken_back() {
    let estate = estate();
    let command = write(&estate, &draft(&estate, "x")).unwrap().command.unwrap();
    estate.write("a/flake.nix", FLAKE);
    assert!(matches!(plan_back(&estate.session, None), Err(EditFailure::NothingToUndo)));
    let refused = plan_back(&estate.session, Some(command)).unwrap_err();
    assert!(matches!(refused, EditFailure::AlreadyBack { .. }), "{refused}");
    let mine = format!("# mine\n{}", text(&estate));
    estate.write("a/flake.nix", &mine);
    let refused = plan_back(&estate.session, None).unwrap_err();
    assert!(matches!(&refused, EditFailure::ChangedSince { command: of, .. } if *of == command), "{refused}");
    assert_eq!(text(&estate), mine);
}

#[test]
fn in_a_flake_its_own_last_edit_is_taken_back_and_elsewhere_the_last_of_all() {
    let estate = estate();
    for flake in ["b", "c"] {
        estate.write(&format!("{flake}/flake.nix"), FLAKE);
    }
    estate.write("a/deep/default.nix", "1");
    estate.scan();
    let [a, b] = ["a", "b"].map(|flake| write(&estate, &draft_in(&estate, flake, "x")).unwrap().command.unwrap());
    let last = |below: &str| edit::undo(&estate.session, Wanted::Last(&estate.root().join(below)));
    for (below, command) in [("", b), ("a", a), ("a/deep", a), ("b", b)] {
        assert_eq!(last(below).unwrap().drafts[0].undoes, Some(command), "{below}");
    }
    let refused = last("c").unwrap_err();
    assert!(matches!(&refused, EditFailure::NothingHere { command: of, .. } if *of == b), "{refused}");
    estate.write("b/flake.nix", FLAKE);
    assert_eq!(last("").unwrap().drafts[0].undoes, Some(a), "git took the last one back");
    fs::remove_dir_all(estate.root().join("a")).unwrap();
    assert!(matches!(last(""), Err(EditFailure::Gone { command, .. }) if command == a), "what is gone is named");
}

#[test]
fn an_edit_made_before_forks_is_taken_back_where_its_flake_lies_by_now() {
    let estate = estate();
    let command = write(&estate, &draft(&estate, "x")).unwrap().command.unwrap();
    let place = |place: &str| estate.root().join(place);
    let request = ScanRequest { paths: vec![estate.root()], ..ScanRequest::default() };
    // Each move is recorded by what the ledger is then.
    for (from, to) in [("a", "b"), ("b", "c"), ("c", "d")] {
        let session = open(&estate.database());
        scan::scan(&session, &request, &|_| {}, &AtomicBool::new(false)).unwrap();
        fs::rename(place(from), place(to)).unwrap();
        scan::scan(&session, &request, &|_| {}, &AtomicBool::new(false)).unwrap();
        origin::fork(session).unwrap();
    }
    let session = open(&estate.database());
    for taking in [edit::undo(&session, Wanted::Last(&place("d"))), plan_back(&session, Some(command))] {
        let draft = taking.unwrap().drafts.remove(0);
        assert_eq!((&draft.path, &*draft.new, draft.undoes), (&place("d/flake.nix"), FLAKE, Some(command)));
    }
}

/// By the last edit in the flake and by name; also where another flake took the old place, and one inside stayed there.
#[test]
fn an_edit_goes_along_with_its_flake_and_is_taken_back_where_that_lies_by_now() {
    for other_there in [false, true] {
        let estate = estate();
        estate.write("a/sub/flake.nix", &FLAKE.replace("A test", "Below"));
        estate.scan();
        let command = write(&estate, &draft(&estate, "x")).unwrap().command.unwrap();
        let inner = write(&estate, &draft_in(&estate, "a/sub", "y")).unwrap().command.unwrap();
        let place = |place: &str| estate.root().join(place);
        fs::create_dir(place("b")).unwrap();
        for file in ["flake.nix", "flake.lock"] {
            fs::rename(place("a").join(file), place("b").join(file)).unwrap();
        }
        let last = || edit::undo(&estate.session, Wanted::Last(&place("b")));
        let unseen = plan_back(&estate.session, Some(command)).unwrap_err();
        assert!(matches!(&unseen, EditFailure::Gone { path, .. } if *path == place("a/flake.nix")), "{unseen}");
        let refused = last().unwrap_err();
        assert!(matches!(&refused, EditFailure::NothingHere { command, .. } if *command == inner), "{refused}");
        estate.scan();
        assert_eq!(estate.flakes(), [place("a/sub"), place("b")]);
        if other_there {
            estate.write("a/flake.nix", &FLAKE.replace("A test", "Another"));
            estate.scan();
        }
        for taking in [last(), plan_back(&estate.session, Some(command))] {
            let draft = taking.unwrap().drafts.remove(0);
            assert_eq!((&draft.path, &*draft.new, draft.undoes), (&place("b/flake.nix"), FLAKE, Some(command)));
        }
        assert_eq!(taking_back(&estate, Some(inner)).path, place("a/sub/flake.nix"));
        write(&estate, &last().unwrap().drafts.remove(0)).unwrap();
        assert_eq!(fs::read_to_string(place("b/flake.nix")).unwrap(), FLAKE);
        let refused = plan_back(&estate.session, Some(command)).unwrap_err();
        assert!(
            matches!(&refused, EditFailure::AlreadyBack { path, .. } if *path == place("b/flake.nix")),
            "{refused}"
        );
    }
}

#[test]
fn an_edit_belongs_to_the_innermost_flake_around_its_file() {
    let estate = estate();
    estate.write("a/sub/flake.nix", FLAKE);
    estate.write("a/sub/lib/default.nix", "1");
    estate.scan();
    let outer = write(&estate, &draft(&estate, "x")).unwrap().command.unwrap();
    let last = |below: &str| edit::undo(&estate.session, Wanted::Last(&estate.root().join(below)));
    assert_eq!(last("a").unwrap().drafts[0].undoes, Some(outer));
    let refused = last("a/sub").unwrap_err();
    assert!(matches!(&refused, EditFailure::NothingHere { command, .. } if *command == outer), "{refused}");
    let inner = write(&estate, &draft_in(&estate, "a/sub", "y")).unwrap().command.unwrap();
    for (below, command) in [("a", outer), ("a/sub", inner), ("a/sub/lib", inner), ("", inner)] {
        assert_eq!(last(below).unwrap().drafts[0].undoes, Some(command), "{below}");
    }
}

#[test]
fn what_is_in_the_way_of_the_last_edit_names_the_one_before() {
    let estate = estate();
    estate.write("b/flake.nix", FLAKE);
    estate.scan();
    let [a, _] = ["a", "b"].map(|flake| write(&estate, &draft_in(&estate, flake, "x")).unwrap().command.unwrap());
    let edited = fs::read_to_string(estate.root().join("b/flake.nix")).unwrap();
    estate.write("b/flake.nix", &format!("# mine\n{edited}"));
    let refused = plan_back(&estate.session, None).unwrap_err();
    assert!(matches!(&refused, EditFailure::ChangedSince { before, .. } if *before == Some(a)), "{refused}");
}

#[test]
fn a_file_that_somebody_changed_meanwhile_is_left_and_nothing_is_noted() {
    let estate = estate();
    let planned = draft(&estate, "x");
    let theirs = format!("# theirs\n{FLAKE}");
    estate.write("a/flake.nix", &theirs);
    let refused = write(&estate, &planned).unwrap_err();
    assert!(matches!(refused, EditFailure::Write(WriteError::Changed { .. })), "{refused}");
    assert_eq!(text(&estate), theirs);
    assert!(matches!(plan_back(&estate.session, None), Err(EditFailure::NothingToUndo)));
    assert_eq!(fs::read_dir(estate.root().join("a")).unwrap().count(), 2, "no draft is left");
}

#[test]
fn a_flake_that_is_a_link_is_edited_where_it_leads_and_recorded_where_it_is_seen() {
    let estate = Estate::new();
    let real = estate.write("b/real.nix", FLAKE);
    fs::create_dir(estate.root().join("a")).unwrap();
    symlink(&real, estate.root().join("a/flake.nix")).unwrap();
    estate.scan();
    let before = events(&estate).len();
    let done = write(&estate, &draft(&estate, "x")).unwrap();
    assert!(estate.root().join("a/flake.nix").symlink_metadata().unwrap().is_symlink());
    assert!(fs::read_to_string(real).unwrap().contains("github:o/x"));
    let new = events(&estate).split_off(before);
    assert!(!new.is_empty() && new.iter().all(|event| Some(event.causation_id.uuid()) == done.command), "{new:?}");
}

#[test]
fn what_no_scan_comes_by_is_edited_and_not_recorded() {
    let estate = estate();
    let before = events(&estate).len();
    let elsewhere = tempfile::tempdir().unwrap();
    let path = elsewhere.path().join("flake.nix");
    fs::write(&path, FLAKE).unwrap();
    let planned = |path: &Path| edit::draft(path, "add_input", &add("x")).unwrap();
    let done = write(&estate, &planned(&path)).unwrap();
    assert_eq!((done.command, done.unrecorded), (None, Some(Unrecorded::NotScanned)));
    assert!(fs::read_to_string(&path).unwrap().contains("github:o/x"));
    estate.write("node_modules/c/flake.nix", FLAKE);
    let done = write(&estate, &planned(&estate.root().join("node_modules/c"))).unwrap();
    assert_eq!(done.unrecorded, Some(Unrecorded::NotScanned));
    let known = view::known_flakes(&estate.session.store.reader().unwrap()).unwrap();
    forget::forget(&estate.session, known[0].id).unwrap();
    let done = write(&estate, &draft(&estate, "x")).unwrap();
    assert_eq!(done.unrecorded, Some(Unrecorded::Forgotten));
    assert_eq!(events(&estate).len(), before + 1, "only that it was forgotten");
    assert!(matches!(plan_back(&estate.session, None), Err(EditFailure::NothingToUndo)));
}

#[test]
fn an_edit_that_the_inputs_do_not_show_is_noted_as_seen_once() {
    let estate = estate();
    let mut planned = draft(&estate, "x");
    planned.new = format!("# only a comment\n{FLAKE}");
    let done = write(&estate, &planned).unwrap();
    assert_eq!((done.events, done.lock), (0, LockState::Fresh), "the lock says what the inputs ask for");
    let reader = estate.session.store.reader().unwrap();
    let hash = *blake3::hash(planned.new.as_bytes()).as_bytes();
    assert_eq!(reader.pending_edit(&planned.path, &hash).unwrap(), None);
    assert_eq!(taking_back(&estate, None).new, FLAKE);
}

#[test]
fn mending_files_at_a_root_brings_back_no_flake_that_was_forgotten_there() {
    let estate = Estate::new();
    estate.write("a/flake.nix", FLAKE);
    let file = estate.write("a/b.nix", "let a = 1; in 2\n");
    let root = estate.root().join("a");
    let request = ScanRequest { paths: vec![root.clone()], ..ScanRequest::default() };
    estate.scan_with(&request);
    let id = view::known_flakes(&estate.session.store.reader().unwrap()).unwrap()[0].id;
    forget::forget(&estate.session, id).unwrap();
    let done = mend(&estate, root);
    assert!(done.written.contains(&file) && done.unrecorded.is_none(), "{done:?}");
    assert_eq!(estate.flakes(), Vec::<PathBuf>::new());
}

/// Mends every file below a directory.
fn mend(estate: &Estate, directory: PathBuf) -> fix::Done {
    let check = CheckRequest {
        paths: vec![directory],
        excludes: Vec::new(),
        selection: Selection::default(),
        threads: 1,
        now: estate.session.clock.now(),
        cache: None,
    };
    let plan = fix::plan(&check, Safety::Review).unwrap();
    fix::write(Some(&estate.session), &plan, &ScanRequest::default()).unwrap()
}

#[test]
fn a_file_whose_secret_is_not_kept_does_not_keep_the_others_that_were_mended_with_it() {
    let estate = estate();
    let plain = "let a = 1; in 2\n";
    let [first, _, third] = ["a.nix", "b.nix", "c.nix"].map(|name| {
        let secret = "let token = \"ghp_0123456789abcdefghijABCDEFGHIJ012345\"; in 2\n";
        estate.write(&format!("a/{name}"), if name == "b.nix" { secret } else { plain })
    });
    let done = mend(&estate, estate.root());
    assert_eq!((done.written.len(), done.for_good.len()), (3, 1), "{done:?}");
    let taking = plan_back(&estate.session, None).unwrap();
    let paths: Vec<_> = taking.drafts.iter().map(|draft| (draft.path.clone(), draft.new.as_str())).collect();
    assert_eq!(paths, [(third, plain), (first, plain)]);
    assert!(matches!(&taking.left[..], [EditFailure::NotKept { path, .. }] if path.ends_with("b.nix")), "{taking:?}");
}

#[test]
fn texts_are_let_go_after_ninety_days() {
    let estate = estate();
    let now = estate.session.clock.now();
    let note = |number: u128, at| EditRow {
        command: Uuid::from_u128(number),
        name: "follow".to_owned(),
        correlation: Uuid::from_u128(number),
        path: estate.root().join("a/flake.nix"),
        before: [1; 32],
        after: [2; 32],
        undo: Undo::Text("old".to_owned()),
        at,
        undoes: None,
        seen: false,
    };
    let long = Undo::Text("gone ".repeat(3_000));
    leave(&estate, &EditRow { undo: long, ..note(1, now - 91 * DAY) });
    leave(&estate, &note(2, now - 89 * DAY));
    let database = estate.database();
    let kept = |number| open(&database).store.reader().unwrap().edit(Uuid::from_u128(number)).unwrap();
    assert_eq!(kept(1), None, "it was swept when the ledger was opened");
    assert_eq!(kept(2).map(|edit| edit.undo), Some(Undo::Text("old".to_owned())));
    let raw = rusqlite::Connection::open(&database).unwrap();
    raw.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    let bytes = fs::read(&database).unwrap();
    assert!(!bytes.windows(10).any(|window| window == b"gone gone "), "nor does it lie in pages that were given free");
    leave(&estate, &note(3, now + 2 * DAY));
    assert_eq!(estate.session.store.reader().unwrap().edit(Uuid::from_u128(2)).unwrap(), None, "or with the next edit");
}
