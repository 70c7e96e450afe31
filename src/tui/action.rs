//! The one table of everything that can be done: keys, palette, help and `docs/reference/keys.md` derive from it.
//! Knows no state; whether an action is possible now is asked by its needs.

use std::fmt::Write as _;

use super::editor;
use super::keymap::Key;
use super::widget::stride::Stride;

/// What can be done. Each has one entry in [`ACTIONS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Do {
    Up,
    Down,
    PageUp,
    PageDown,
    First,
    Last,
    NextPane,
    PreviousPane,
    Open,
    Close,
    Toggle,
    Find,
    Back,
    Flakes,
    History,
    Fleet,
    Palette,
    Help,
    Earlier,
    Later,
    DayEarlier,
    DayLater,
    GoTo,
    Present,
    Mark,
    Diff,
    Edit,
    CopyId,
    CopyPath,
    CopySource,
    CopyCommand,
    HistoryOfFlake,
    FilterType,
    FilterStream,
    FilterCause,
    FilterSince,
    ClearFilters,
    AsOf,
    OpenAll,
    CloseAll,
    Scan,
    StopScan,
    Suspend,
    Redraw,
    Quit,
}

impl Do {
    /// The move it is, if it is one.
    pub(crate) const fn stride(self) -> Option<Stride> {
        match self {
            Self::Up => Some(Stride::By(-1)),
            Self::Down => Some(Stride::By(1)),
            Self::PageUp => Some(Stride::Page(-1)),
            Self::PageDown => Some(Stride::Page(1)),
            Self::First => Some(Stride::First),
            Self::Last => Some(Stride::Last),
            _ => None,
        }
    }
}

/// What must be there for an action to make sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// Something is chosen.
    Choice,
    /// What is chosen has a file.
    File,
    /// What is chosen has a source.
    Source,
    /// What is chosen is an event.
    Event,
    /// A flake is chosen.
    Flake,
    /// The past is looked at.
    Past,
    /// A moment was marked.
    Mark,
    /// A filter is set.
    Filter,
    /// No scan runs.
    NoScan,
    /// A scan runs.
    Scan,
}

impl Need {
    /// Why an action that needs this is not possible now.
    pub(crate) const fn missing(self) -> &'static str {
        match self {
            Self::Choice => "nothing is chosen",
            Self::File => "what is chosen has no file",
            Self::Source => "what is chosen has no source",
            Self::Event => "no event is chosen",
            Self::Flake => "no flake is chosen",
            Self::Past => "the present is shown already",
            Self::Mark => "no moment is marked; mark one with `m`",
            Self::Filter => "no filter is set",
            Self::NoScan => "a scan is running",
            Self::Scan => "no scan is running",
        }
    }
}

/// One entry of the table.
#[derive(Debug)]
pub(crate) struct Action {
    /// What it does.
    pub(crate) what: Do,
    /// Its stable name.
    pub(crate) id: &'static str,
    /// Its keys; the first is the one shown.
    pub(crate) keys: &'static [&'static str],
    /// What it is called in palette and help.
    pub(crate) title: &'static str,
    /// What it does, in one sentence.
    pub(crate) doc: &'static str,
    /// The screens that have it; empty for all.
    pub(crate) screens: &'static [&'static str],
    /// What it needs.
    pub(crate) needs: &'static [Need],
}

impl Action {
    /// Whether a screen has the action.
    pub(crate) fn is_on(&self, screen: &str) -> bool {
        self.screens.is_empty() || self.screens.contains(&screen)
    }
}

macro_rules! actions {
    ($($what:ident $id:literal [$($key:literal),*] $title:literal, $doc:literal $(, on [$($screen:literal),+])? $(, needs [$($need:ident),+])?;)+) => {
        /// Every action, in the order of help.
        pub(crate) const ACTIONS: &[Action] = &[$(Action {
            what: Do::$what, id: $id, keys: &[$($key),*], title: $title, doc: $doc,
            screens: &[$($($screen),+)?], needs: &[$($(Need::$need),+)?],
        }),+];
    };
}

actions! {
    Up "up" ["k", "up"] "Up", "One row up.";
    Down "down" ["j", "down"] "Down", "One row down.";
    PageUp "page-up" ["pgup", "ctrl-b"] "Page up", "One page up.";
    PageDown "page-down" ["pgdn", "ctrl-f"] "Page down", "One page down.";
    First "first" ["g", "home"] "First", "To the first row; in the history, to the newest event.";
    Last "last" ["G", "end"] "Last", "To the last row; in the history, to the oldest event.";
    NextPane "next-pane" ["tab"] "Next pane", "Give the keys to the next pane.";
    PreviousPane "previous-pane" ["shift-tab"] "Previous pane", "Give the keys to the pane before.";
    Open "open" ["l", "right", "enter"] "Open", "Unfold the input, or go on to the next pane.";
    Close "close" ["h", "left"] "Close", "Fold the input, or go back to the pane before.";
    Toggle "toggle" ["space"] "Fold or unfold", "Fold or unfold the chosen input.", on ["flakes"], needs [Choice];
    OpenAll "open-all" ["O"] "Unfold all", "Unfold every input of the flake.", on ["flakes"], needs [Flake];
    CloseAll "close-all" ["C"] "Fold all", "Fold every input of the flake.", on ["flakes"], needs [Flake];
    Find "find" ["/"] "Find", "Find as you type; `enter` keeps what was found, `esc` shows everything again.";
    Back "back" ["esc"] "Back", "Leave what is open: the search, the filters, the pane.";
    Flakes "flakes" ["1"] "Flakes", "The flakes of this estate, their inputs and their locks.";
    History "history" ["2"] "History", "Every recorded event, newest first.";
    Fleet "fleet" ["3"] "Fleet", "Every machine whose events are here, and the flakes of each.";
    HistoryOfFlake "history-of-flake" ["H"] "History of this flake", "What is recorded about the chosen flake, its lock and its problems.", on ["flakes"], needs [Flake];
    FilterType "filter-type" ["t"] "Only one type", "Show only events of one type.", on ["history"];
    FilterStream "filter-stream" ["s"] "Only this stream", "Show only events of the chosen event's stream.", on ["history"], needs [Event];
    FilterCause "filter-cause" ["c"] "Only what belongs together", "Show only events with the same correlation: one scan, one command.", on ["history"], needs [Event];
    FilterSince "filter-since" ["S"] "Only since", "Show only events that occurred since a moment.", on ["history"];
    ClearFilters "clear-filters" ["x"] "Clear filters", "Show every event again.", on ["history"], needs [Filter];
    AsOf "as-of" ["a"] "As of this event", "Look at everything as it was at the chosen event.", on ["history"], needs [Event];
    Earlier "earlier" ["["] "One event back", "Move the moment that is looked at one event into the past.";
    Later "later" ["]"] "One event on", "Move the moment that is looked at one event towards the present.", needs [Past];
    DayEarlier "day-earlier" ["{"] "One day back", "Move the moment that is looked at one day into the past.";
    DayLater "day-later" ["}"] "One day on", "Move the moment that is looked at one day towards the present.", needs [Past];
    GoTo "go-to" ["@"] "Go to a moment", "Type a time, an age (`3d`) or a position (`#120`) to look at.";
    Present "present" ["n"] "Back to now", "Look at the present again.", needs [Past];
    Mark "mark" ["m"] "Mark this moment", "Remember the moment that is looked at, to compare another with it.";
    Diff "diff" ["d"] "Compare with the mark", "Show what changed between the marked moment and this one.", needs [Mark];
    Edit "edit" ["e"] "Edit", "Open the file in `$VISUAL` or `$EDITOR`, at its line if that takes one.", needs [File];
    CopyId "copy-id" ["y"] "Copy id", "Copy the id of what is chosen.", needs [Choice];
    CopyPath "copy-path" ["Y"] "Copy path", "Copy the path of the file.", needs [File];
    CopySource "copy-source" ["u"] "Copy source", "Copy the URL of the chosen input.", on ["flakes"], needs [Source];
    CopyCommand "copy-command" ["="] "Copy command", "Copy the command line that prints what is shown.";
    Scan "scan" ["r"] "Scan", "Read a directory of flakes into the ledger.", needs [NoScan];
    StopScan "stop-scan" ["ctrl-x"] "Stop the scan", "Stop the running scan; what it has recorded stays.", needs [Scan];
    Palette "palette" [":", "ctrl-p"] "Palette", "Find any action by its name or key.";
    Help "help" ["?", "f1"] "Help", "The keys of this screen.";
    Redraw "redraw" ["ctrl-l", "f5"] "Draw again", "Read and draw everything again.";
    Suspend "suspend" ["ctrl-z"] "Suspend", "Go to the shell; `fg` comes back.";
    Quit "quit" ["q", "ctrl-c"] "Quit", "Leave; place, filters and folds are remembered.";
}

/// The entry of an action.
pub(crate) fn entry(what: Do) -> Option<&'static Action> {
    ACTIONS.iter().find(|action| action.what == what)
}

/// `docs/reference/keys.md`: the table as a page.
pub fn reference() -> String {
    let mut page = String::from(
        "# Keys of the terminal interface\n\nGenerated from the table of actions. `?` shows the keys of a screen, `:` finds any action by name.\n\n\
         | key | action | what it does | where |\n|---|---|---|---|\n",
    );
    for action in ACTIONS {
        let keys: Vec<String> =
            action.keys.iter().filter_map(|key| Key::parse(key)).map(|key| format!("`{key}`")).collect();
        let screens = if action.screens.is_empty() { "everywhere".to_owned() } else { action.screens.join(", ") };
        // Writing to a string cannot fail.
        let _ = writeln!(page, "| {} | {} | {} | {screens} |", keys.join(" "), action.title, action.doc);
    }
    let editors: Vec<String> = editor::known().map(|name| format!("`{name}`")).collect();
    let _ = writeln!(
        page,
        "\n`e` opens an input where its first problem is, else where `flake.nix` declares it, else its node in `flake.lock`; \
         a flake at its first problem; and an event's \
         own file. The line is told to {}; every other editor is given the file alone.\n\n\
         `/` is fuzzy: a name is found by letters of it, in their order. The history has too many events to match each, so there it finds those \
         that hold the text as it is typed, and, from three letters on, those of the flakes, the types and the inputs whose names are like it.",
        editors.join(", ")
    );
    page
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_action_is_one_entry_with_a_name_a_key_and_a_sentence() {
        let ids: BTreeSet<&str> = ACTIONS.iter().map(|action| action.id).collect();
        assert_eq!(ids.len(), ACTIONS.len());
        for action in ACTIONS {
            assert!(!action.keys.is_empty() && action.doc.ends_with('.'), "{}", action.id);
            assert_eq!(entry(action.what).map(|found| found.id), Some(action.id));
        }
    }
}
