//! The interface as a whole, on data made by hand: what keys do, and what every screen looks like in every size.

use ratatui::style::Color;

use std::path::PathBuf;

use super::*;
use crate::tui::headless::Headless;
use crate::tui::model::{FlakeRow, Fleet, Sync};
use crate::tui::sample::{self, FULL};
use crate::tui::spot::Spot;
use crate::tui::theme::Look;

const SIZES: [(u16, u16); 3] = [(80, 24), (120, 40), (40, 10)];
const PLAIN: Look = Look { colors: false, unicode: true };
const ASCII: Look = Look { colors: false, unicode: false };

fn open() -> Headless {
    sample::headless(FULL, (120, 40))
}

fn says(headless: &mut Headless, text: &str) {
    let frame = headless.frame();
    assert!(frame.contains(text), "`{text}` is not in\n{frame}");
}

#[test]
fn every_screen_looks_right_in_every_size() {
    for (key, screen) in [("1", "flakes"), ("2", "history"), ("3", "fleet")] {
        for (width, height) in SIZES {
            let mut headless = sample::headless(FULL, (width, height));
            headless.press(key);
            insta::assert_snapshot!(format!("{screen}_{width}x{height}"), headless.frame());
        }
        let mut headless = sample::headless(PLAIN, (80, 24));
        headless.press(key);
        insta::assert_snapshot!(format!("{screen}_monochrome"), headless.frame());
    }
}

#[test]
fn details_and_overlays_look_right() {
    let pictures = [
        ("input", "tab l j j j"),
        ("help", "?"),
        ("palette", ": c o p y"),
        ("types", "2 t"),
        ("moment", "@ 3 x enter"),
        ("difference", "m [ d"),
        ("past", "["),
    ];
    for (name, keys) in pictures {
        let mut headless = sample::headless(FULL, (100, 30));
        headless.press(keys);
        insta::assert_snapshot!(name, headless.frame());
    }
    insta::assert_snapshot!("empty", sample::empty((80, 24)).frame());
}

#[test]
fn without_colours_nothing_is_coloured_and_the_choice_still_shows() {
    let mut headless = sample::headless(PLAIN, (120, 40));
    headless.draw();
    for cell in headless.cells() {
        assert_eq!((cell.fg, cell.bg), (Color::Reset, Color::Reset), "{}", cell.symbol());
    }
    says(&mut headless, "❯ laptop");
}

#[test]
fn without_unicode_the_frame_is_ascii() {
    let mut headless = sample::headless(ASCII, (120, 40));
    headless.press("tab l");
    let frame = headless.frame();
    let others: String = frame.chars().filter(|c| !c.is_ascii()).collect();
    assert!(others.chars().all(|c| "日本語のフレークe\u{301}".contains(c)), "{others}");
}

#[test]
fn what_files_say_never_reaches_the_terminal_as_a_command() {
    let mut headless = open();
    headless.press("G");
    let frame = headless.frame();
    assert!(frame.chars().all(|c| c == '\n' || !c.is_control()) && !frame.contains('\u{202e}'));
    says(&mut headless, "<1b>]0;owned<07>");
}

#[test]
fn no_size_breaks_anything() {
    for keys in ["", "tab", "tab tab", "2", "2 tab", "3", "3 tab", "?", ":", "@"] {
        let mut headless = open();
        headless.press(keys);
        for (width, height) in (1..80).step_by(3).flat_map(|width| (1..14).map(move |height| (width, height))) {
            headless.resize(width, height);
            headless.draw();
        }
    }
    let mut headless = sample::headless(FULL, (19, 5));
    assert_eq!(headless.frame().trim(), "terminal too small");
}

#[test]
fn panes_fold_around_the_one_with_the_keys() {
    let mut headless = sample::headless(FULL, (40, 10));
    says(&mut headless, "Flakes");
    headless.press("tab");
    says(&mut headless, "Inputs");
    headless.press("tab");
    says(&mut headless, "github:nix-community/home-manager");
}

#[test]
fn finding_narrows_the_list_and_esc_shows_all_again() {
    let mut headless = open();
    headless.press("/ s r v");
    says(&mut headless, "2 of 6");
    headless.press("enter");
    says(&mut headless, "/ srv");
    headless.press("esc");
    says(&mut headless, "Flakes 6");
}

#[test]
fn a_letter_of_a_search_is_no_action() {
    let mut headless = open();
    headless.press("/ q");
    assert_eq!(headless.effects, []);
    headless.press("esc q");
    assert_eq!(headless.effects, [Effect::Quit]);
}

#[test]
fn an_input_unfolds_and_says_whom_it_follows() {
    let mut headless = open();
    headless.press("l l j");
    says(&mut headless, "follows nixpkgs");
    headless.press("h");
    says(&mut headless, "same as: cim-nix flake inputs /home/ada/src/infra/laptop");
    headless.press("h h");
    says(&mut headless, "same as: cim-nix flake list");
}

#[test]
fn a_ledger_that_was_named_is_named_in_the_command_lines_as_well() {
    let mut headless = open();
    headless.app.shared.named = Some("l.db".to_owned());
    headless.press("=");
    assert_eq!(headless.effects, [Effect::Copy("cim-nix --db l.db flake list".to_owned())]);
    headless.app.shared.named = Some("/my ledgers/l.db".to_owned());
    headless.press("2");
    says(&mut headless, "same as: cim-nix --db '/my ledgers/l.db' log");
}

#[test]
fn what_a_directory_is_called_or_sought_by_stays_one_word_of_a_command_line() {
    for (path, word) in [
        ("/e/$(touch PWNED)", "'/e/$(touch PWNED)'"),
        ("/e/a b", "'/e/a b'"),
        ("/e/it's", "\"/e/it's\""),
        ("/e/a\u{3}\nb", "$'/e/a\\003\\012b'"),
        ("/e/\u{fffd}", "0190a1b2"),
    ] {
        let flake = FlakeRow { id: "0190a1b2".to_owned(), path: path.to_owned(), ..FlakeRow::default() };
        let mut headless = Headless::with(
            sample::FULL,
            sample::NOW,
            (100, 30),
            Box::new(move |query| match query {
                Query::Flakes(_) => Ok(Answer::Flakes(vec![flake.clone()])),
                _ => Err("nothing is there".to_owned()),
            }),
        );
        headless.press("l = h shift-tab =");
        let lines = ["inputs", "show"].map(|command| Effect::Copy(format!("cim-nix flake {command} {word}")));
        assert_eq!(headless.effects, lines, "{path}");
    }
    let mut headless = open();
    headless.press("2 / - - $ ( x ) enter =");
    assert_eq!(headless.effects, [Effect::Copy("cim-nix log --find='--$(x)'".to_owned())]);
}

#[test]
fn the_file_of_the_chosen_problem_opens_at_its_line() {
    let mut headless = open();
    headless.press("e tab G k e");
    let file = PathBuf::from("/home/ada/src/infra/laptop/flake.nix");
    assert_eq!(headless.effects, [Effect::Edit(file.clone(), Spot::Line(7)), Effect::Edit(file, Spot::Line(7))]);
}

#[test]
fn an_input_opens_where_it_is_declared_or_locked() {
    let mut headless = open();
    headless.press("tab e l j e j j l j e G e");
    let file = |name: &str| PathBuf::from("/home/ada/src/infra/laptop").join(name);
    let declared = || Effect::Edit(file("flake.nix"), Spot::Declared("home-manager".to_owned()));
    let locked = |input: &str| Effect::Edit(file("flake.lock"), Spot::Locked(input.to_owned()));
    assert_eq!(headless.effects, [declared(), declared(), locked("agenix/nixpkgs"), locked("old")]);
}

#[test]
fn an_event_opens_the_file_that_it_is_about() {
    let mut headless = open();
    headless.press("2 e j j j j e");
    let lock = |flake: &str| PathBuf::from("/home/ada/src").join(flake).join("flake.lock");
    let update = Effect::Edit(lock("web"), Spot::Locked("nixpkgs".to_owned()));
    assert_eq!(headless.effects, [update, Effect::Edit(lock("e\u{301}tude"), Spot::Line(12))]);
}

#[test]
fn copies_are_what_is_chosen() {
    let mut headless = open();
    headless.press("y tab u = Y");
    let copied: Vec<&str> = headless
        .effects
        .iter()
        .filter_map(|effect| if let Effect::Copy(text) = effect { Some(text.as_str()) } else { None })
        .collect();
    assert_eq!(
        copied,
        [
            "0190a1b2-0000-7000-8000-000000000001",
            "github:nix-community/home-manager",
            "cim-nix flake inputs /home/ada/src/infra/laptop",
            "/home/ada/src/infra/laptop/flake.nix",
        ]
    );
}

#[test]
fn an_action_that_is_not_possible_says_why() {
    let mut headless = open();
    headless.press("d");
    says(&mut headless, "no moment is marked");
    headless.press(": p r e s e n t");
    says(&mut headless, "the present is shown already");
    headless.press("enter");
    assert!(headless.app.overlay.is_some());
}

#[test]
fn the_palette_finds_an_action_by_its_key() {
    let mut headless = open();
    headless.press(": G enter");
    says(&mut headless, "❯ evil");
}

#[test]
fn every_action_of_a_screen_is_in_its_help() {
    for (key, screen) in [("1", "flakes"), ("2", "history"), ("3", "fleet")] {
        let mut headless = sample::headless(FULL, (120, 120));
        headless.press(key);
        headless.press("?");
        let frame = headless.frame();
        for action in ACTIONS.iter().filter(|action| action.is_on(screen)) {
            let beginning: String = action.doc.chars().take(30).collect();
            assert!(frame.contains(&beginning), "{}", action.id);
        }
    }
}

#[test]
fn time_travels_and_comes_back() {
    let mut headless = open();
    headless.press("[ [");
    says(&mut headless, "as of #4998");
    says(&mut headless, "--at '#4998'");
    headless.press("]");
    says(&mut headless, "as of #4999");
    headless.press("n");
    says(&mut headless, "live");
    headless.press("@ 3 d enter");
    says(&mut headless, "as of 2026-11-21 00:45");
    headless.press("} } }");
    says(&mut headless, "live");
    headless.press("@ # 7 enter");
    says(&mut headless, "No flakes at this moment");
}

#[test]
fn the_status_line_counts_what_there_was_at_the_moment() {
    let mut headless = open();
    says(&mut headless, "#5,000  6 flakes  ! 4");
    headless.press("[");
    says(&mut headless, "#4,999  3 flakes  ! 1");
    headless.tell(Message::Changed);
    says(&mut headless, "#4,999  3 flakes  ! 1");
    headless.press("n");
    says(&mut headless, "#5,000  6 flakes  ! 4");
    headless.press("@ 3 d enter");
    says(&mut headless, "5,000 events  6 flakes");
}

#[test]
fn what_others_write_meanwhile_does_not_move_the_chosen_event() {
    let mut headless = open();
    headless.press("2 j j j");
    headless.tell(Message::Changed);
    headless.draw();
    assert_eq!(headless.app.target().event, Some(4_997));
    for _ in 0..70 {
        headless.press("pgdn");
        headless.draw();
    }
    let row = headless.app.target().event;
    headless.tell(Message::Changed);
    headless.draw();
    assert_eq!(headless.app.target().event, row);
}

#[test]
fn a_day_goes_from_the_time_of_a_position() {
    let mut headless = open();
    headless.press("[ {");
    says(&mut headless, "as of seen 2026-11-23 00:09");
    headless.press("@ # 4 9 9 9 enter }");
    says(&mut headless, "live");
}

#[test]
fn all_roots_are_scanned_unless_another_is_named() {
    let mut headless = open();
    headless.app.shared.has_roots = true;
    headless.press("r");
    says(&mut headless, "a directory becomes a root");
    headless.press("enter");
    headless.tell(Message::Scan(ScanNews::Done(Ok("done".to_owned()))));
    headless.press("r w e b enter");
    assert_eq!(headless.effects, [Effect::Scan(Vec::new()), Effect::Scan(vec![PathBuf::from("/home/ada/src/web")])]);
}

#[test]
fn a_field_is_bounded() {
    let mut headless = open();
    headless.press("@");
    headless.tell(Message::Paste("x".repeat(200_000)));
    headless.press("y enter");
    let Some(Overlay::Prompt(prompt)) = &headless.app.overlay else { panic!("the question is gone") };
    assert_eq!(prompt.text(), "x".repeat(1_000));
}

#[test]
fn without_a_shell_the_interface_says_that_it_stays() {
    let mut headless = open();
    headless.tell(Message::NoShell);
    says(&mut headless, "there is no shell to go to");
}

#[test]
fn a_moment_that_makes_no_sense_is_asked_again() {
    let mut headless = open();
    headless.press("@ # 5 0 0 1 enter");
    says(&mut headless, "there is no #5001 yet; the last is #5000");
    headless.press("esc @ x enter");
    says(&mut headless, "`x` is no moment");
    says(&mut headless, "2026-11-24, 2026-11-24 13:00, yesterday");
    headless.press("esc");
    assert!(headless.app.overlay.is_none());
}

#[test]
fn history_pages_through_everything_without_losing_the_place() {
    let mut headless = sample::headless(FULL, (120, 40));
    headless.press("2");
    for _ in 0..70 {
        headless.press("pgdn");
        headless.draw();
    }
    let row = headless.app.target().event.unwrap_or_default();
    assert!((1..4_000).contains(&row), "{row}");
    for _ in 0..200 {
        headless.press("pgup");
        headless.draw();
    }
    assert_eq!(headless.app.target().event, Some(5_000));
    headless.press("G");
    headless.draw();
    assert_eq!(headless.app.target().event, Some(1));
    headless.press("g");
    assert_eq!(headless.app.target().event, Some(5_000));
}

#[test]
fn history_is_filtered_by_type_flake_and_text() {
    let mut headless = open();
    headless.press("2 t r a i s e d enter");
    says(&mut headless, "type finding.raised");
    says(&mut headless, "same as: cim-nix log --type finding.raised");
    headless.press("x / 4 9 9 9 enter");
    assert_eq!(headless.app.target().event, Some(4_999));
    says(&mut headless, "close to: cim-nix log --find 4999");
    headless.press("enter");
    says(&mut headless, "same as: cim-nix event show 4999");
    headless.press("h");
    headless.press("x 1 H");
    says(&mut headless, "log --flake 0190a1b2-0000-7000-8000-000000000001");
}

#[test]
fn a_comparison_names_the_command_that_compares_too() {
    let mut headless = open();
    headless.press("m [ d");
    says(&mut headless, "same as: cim-nix diff '#5000' '#4999'");
    headless.press("esc");
    says(&mut headless, "flake list --at '#4999'");
}

#[test]
fn the_tab_of_the_screen_is_seen_where_there_is_room_for_few() {
    let mut headless = sample::headless(FULL, (40, 10));
    for (key, title) in [("1", "1 Flakes"), ("2", "2 History"), ("3", "3 Fleet")] {
        headless.press(key);
        says(&mut headless, title);
    }
}

#[test]
fn looking_as_of_an_event_moves_the_moment() {
    let mut headless = open();
    headless.press("2 j j a");
    says(&mut headless, "as of #4998");
    assert_eq!(headless.app.target().event, Some(4_998));
}

#[test]
fn an_old_answer_is_passed_over() {
    let mut headless = open();
    headless.press("ctrl-l");
    headless.tell(Message::Answer(1, Answer::Flakes(Vec::new())));
    says(&mut headless, "❯ laptop");
    headless.tell(Message::Refused(1, "too late".to_owned()));
    assert!(!headless.frame().contains("too late"));
}

#[test]
fn an_empty_ledger_offers_to_scan_and_shows_how_it_goes() {
    let mut headless = sample::empty((80, 24));
    says(&mut headless, "No flakes yet");
    headless.press("r");
    says(&mut headless, "~/src");
    headless.press("enter");
    assert_eq!(headless.effects, [Effect::Scan(vec![PathBuf::from("/home/ada/src")])]);
    headless.tell(Message::Scan(ScanNews::Progress("12 of 40 flakes".to_owned())));
    says(&mut headless, "scanning: 12 of 40 flakes");
    headless.press("r");
    says(&mut headless, "a scan is running");
    headless.press("ctrl-x");
    assert_eq!(headless.effects.last(), Some(&Effect::StopScan));
    says(&mut headless, "stopping: what is begun is finished");
    headless.tell(Message::Scan(ScanNews::Progress("13 of 40 flakes".to_owned())));
    says(&mut headless, "stopping: what is begun is finished  (13 of 40 flakes)");
    assert!(!headless.frame().contains("scanning"));
    headless.tell(Message::Scan(ScanNews::Done(Ok("40 flakes, 40 new".to_owned()))));
    says(&mut headless, "40 flakes, 40 new");
    // The next scan is not told to stop.
    headless.press("r enter");
    says(&mut headless, "scanning: starting");
}

#[test]
fn a_place_is_remembered() {
    let mut headless = open();
    headless.press("j j tab 2 t r a i s e d enter");
    let saved = headless.app.save();
    let mut again = App::new(Shared::new(
        crate::tui::theme::Theme::new(FULL),
        At::Now,
        sample::NOW,
        String::new(),
        None,
        PathBuf::new(),
    ));
    again.restore(&saved);
    assert_eq!(again.save(), saved);
    assert_eq!(again.name(), "history");
    again.restore(&json!({"screen": 7, "screens": {"flakes": []}}));
    assert_eq!(again.name(), "flakes");
}

#[test]
fn a_click_chooses_and_a_tab_switches() {
    use crossterm::event::{KeyModifiers, MouseButton, MouseEventKind};
    let mut headless = open();
    headless.draw();
    let click = |headless: &mut Headless, column, row| {
        let kind = MouseEventKind::Down(MouseButton::Left);
        headless.tell(Message::Mouse(MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE }));
    };
    click(&mut headless, 5, 4);
    says(&mut headless, "❯ web");
    click(&mut headless, 24, 0);
    assert_eq!(headless.app.name(), "history");
}

#[test]
fn the_status_line_says_where_synchronisation_stands() {
    let mut headless = open();
    assert!(!headless.frame().contains("sync "));
    let tell = |headless: &mut Headless, state: &str, reason: Option<&str>, backlog, parked| {
        let (state, reason) = (state.to_owned(), reason.map(str::to_owned));
        let sync = Sync { state, reason, backlog, parked, ..Sync::default() };
        headless.app.shared.summary = Some(sample::summary(Some(sync)));
    };
    for (state, reason, backlog, parked, text) in [
        ("live", None, 0, 0, "sync live"),
        ("backoff", None, 1_200, 0, "sync backoff 1,200 behind"),
        ("blocked", Some("stream_full"), 3, 1, "sync blocked: stream_full 3 behind 1 parked"),
    ] {
        tell(&mut headless, state, reason, backlog, parked);
        says(&mut headless, text);
    }
}

#[test]
fn this_machine_shows_where_synchronisation_stands_and_what_to_do() {
    let with = |sync: Option<Sync>, size| {
        let answer = move |query: &Query| match query {
            Query::Fleet => Ok(Answer::Fleet(Box::new(Fleet { sync: sync.clone(), ..sample::fleet() }))),
            _ => Err("nothing is there".to_owned()),
        };
        let mut headless = Headless::with(FULL, sample::NOW, size, Box::new(answer));
        headless.press("3 enter");
        headless
    };
    let blocked = Sync {
        state: "blocked".to_owned(),
        reason: Some("stream_full".to_owned()),
        backlog: 1_200,
        server: Some("hub (nats-server 2.11.4)".to_owned()),
        last_error: Some("the stream NIX_LEDGER is full: maximum bytes exceeded".to_owned()),
        ..Sync::default()
    };
    for (width, height) in SIZES {
        let mut headless = with(Some(blocked.clone()), (width, height));
        if height == 10 {
            // How far it scrolls is known once it is drawn.
            headless.frame();
            headless.press("j j j j j j j");
        }
        insta::assert_snapshot!(format!("fleet_blocked_{width}x{height}"), headless.frame());
    }
    let next_attempt_at = Some(sample::NOW + 40_000_000);
    let again = Sync { state: "backoff".to_owned(), next_attempt_at, ..Sync::default() };
    says(&mut with(Some(again), (120, 40)), "it is tried again at 2026-11-24 00:45:49");
    says(&mut with(Some(Sync { state: "offline".to_owned(), ..Sync::default() }), (120, 40)), "cim-nix serve");
    says(&mut with(None, (120, 40)), "cim-nix sync enable");
}

#[test]
fn machines_of_one_name_are_told_apart_by_their_keys() {
    let twins = |query: &Query| match query {
        Query::Fleet => {
            let mut fleet = sample::fleet();
            let twin = "UABD".repeat(14);
            for flake in fleet.flakes.iter_mut().filter(|flake| flake.host == "server") {
                (flake.origin, flake.host) = (twin.clone(), "desk".to_owned());
            }
            (fleet.machines[1].origin, fleet.machines[1].host) = (twin, "desk".to_owned());
            Ok(Answer::Fleet(Box::new(fleet)))
        }
        _ => Err("nothing is there".to_owned()),
    };
    for size in [(120, 40), (68, 20), (40, 20)] {
        let mut headless = Headless::with(FULL, sample::NOW, size, Box::new(twins));
        headless.press("3");
        says(&mut headless, " UABCUA ");
        says(&mut headless, " UABDUA ");
        assert!(!headless.frame().contains("UGHIUG "), "nobody is called like that one");
        headless.press("j enter");
        says(&mut headless, "ada@desk UABDUA");
    }
    let mut headless = Headless::with(FULL, sample::NOW, (120, 40), Box::new(twins));
    headless.press("3 j");
    says(&mut headless, "newer on desk UABCUA: ");
    headless.press("/ U A B D enter");
    says(&mut headless, "1 of 3");
}

#[test]
fn the_fleet_shows_the_flakes_and_the_troubles_of_each_machine() {
    let mut headless = open();
    headless.press("3");
    says(&mut headless, "ada@desk");
    says(&mut headless, "same as: cim-nix fleet");
    headless.press("j");
    says(&mut headless, "/srv/infra");
    says(&mut headless, "newer on desk");
    headless.press("j");
    says(&mut headless, "quarantined");
    says(&mut headless, "sync parked show 4");
    headless.press("g j tab y");
    assert_eq!(headless.effects, [Effect::Copy("UDEF".repeat(14))]);
    headless.press("/ c e l l enter");
    says(&mut headless, "1 of 3");
}
