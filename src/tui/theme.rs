//! How things look: sixteen colours that read well on light and dark, and a sign beside every colour, so that
//! nothing is lost without colour or without Unicode. Knows no data.

use ratatui::style::{Color, Modifier, Style};
use ratatui::symbols::border;

/// What the terminal can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// Whether colours may be used; without them bold, reverse and signs say the same.
    pub colors: bool,
    /// Whether the terminal shows Unicode; without it lines and signs are ASCII.
    pub unicode: bool,
}

/// The signs of one character set.
#[derive(Debug)]
pub(crate) struct Glyphs {
    pub(crate) cut: &'static str,
    pub(crate) open: &'static str,
    pub(crate) closed: &'static str,
    pub(crate) leaf: &'static str,
    pub(crate) follows: &'static str,
    pub(crate) duplicate: &'static str,
    pub(crate) arrow: &'static str,
    pub(crate) live: &'static str,
    pub(crate) past: &'static str,
    pub(crate) thumb: &'static str,
    pub(crate) pointer: &'static str,
    border: border::Set<'static>,
    focused_border: border::Set<'static>,
}

const UNICODE: Glyphs = Glyphs {
    cut: "…",
    open: "▾ ",
    closed: "▸ ",
    leaf: "· ",
    follows: "→ ",
    duplicate: "≡",
    arrow: "→",
    live: "●",
    past: "◷",
    thumb: "┃",
    pointer: "❯ ",
    border: border::ROUNDED,
    focused_border: border::ROUNDED,
};

const ASCII_BORDER: border::Set<'static> = border::Set {
    top_left: "+",
    top_right: "+",
    bottom_left: "+",
    bottom_right: "+",
    vertical_left: "|",
    vertical_right: "|",
    horizontal_top: "-",
    horizontal_bottom: "-",
};

const ASCII: Glyphs = Glyphs {
    cut: "~",
    open: "v ",
    closed: "> ",
    leaf: "- ",
    follows: "-> ",
    duplicate: "=",
    arrow: "->",
    live: "*",
    past: "@",
    thumb: "#",
    pointer: "> ",
    border: ASCII_BORDER,
    focused_border: border::Set { horizontal_top: "=", horizontal_bottom: "=", ..ASCII_BORDER },
};

/// Colours and signs, chosen once.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Theme {
    colors: bool,
    pub(crate) glyphs: &'static Glyphs,
}

impl Theme {
    pub(crate) const fn new(look: Look) -> Self {
        Self { colors: look.colors, glyphs: if look.unicode { &UNICODE } else { &ASCII } }
    }

    /// Names, keys and values that matter.
    pub(crate) fn strong(self) -> Style {
        self.paint(Color::Reset).add_modifier(Modifier::BOLD)
    }

    /// Labels and everything that may be read second.
    pub(crate) fn quiet(self) -> Style {
        if self.colors { Style::new().fg(Color::DarkGray) } else { Style::new().add_modifier(Modifier::DIM) }
    }

    /// What the eye should find first.
    pub(crate) fn accent(self) -> Style {
        self.paint(Color::Cyan)
    }

    /// Headings inside a pane.
    pub(crate) fn heading(self) -> Style {
        self.paint(Color::Blue).add_modifier(Modifier::BOLD)
    }

    /// Sources and links.
    pub(crate) fn source(self) -> Style {
        self.paint(Color::Green)
    }

    /// What leads elsewhere: follows.
    pub(crate) fn link(self) -> Style {
        self.paint(Color::Magenta)
    }

    /// Likely a mistake.
    pub(crate) fn warning(self) -> Style {
        self.paint(Color::Yellow)
    }

    /// An error, or something taken away.
    pub(crate) fn error(self) -> Style {
        self.paint(Color::Red).add_modifier(Modifier::BOLD)
    }

    /// Something that came.
    pub(crate) fn good(self) -> Style {
        self.paint(Color::Green)
    }

    /// The letters that a search found.
    pub(crate) fn found(self) -> Style {
        self.paint(Color::Cyan).add_modifier(Modifier::BOLD | Modifier::UNDERLINED)
    }

    /// The chosen row: reversed where the keys go, bold elsewhere.
    pub(crate) fn chosen(self, focused: bool) -> Style {
        if focused { Style::new().add_modifier(Modifier::REVERSED) } else { self.strong() }
    }

    /// The line around a pane.
    pub(crate) fn border(self, focused: bool) -> Style {
        if focused { self.accent() } else { self.quiet() }
    }

    /// The signs of the line around a pane; without colours a thick line says where the keys go.
    pub(crate) fn border_set(self, focused: bool) -> border::Set<'static> {
        match (focused, self.colors, std::ptr::eq(self.glyphs, &UNICODE)) {
            (true, false, true) => border::THICK,
            (true, ..) => self.glyphs.focused_border,
            (false, ..) => self.glyphs.border,
        }
    }

    /// A tab, a mode or a key cap.
    pub(crate) fn badge(self, on: bool) -> Style {
        if on { self.accent().add_modifier(Modifier::BOLD | Modifier::REVERSED) } else { self.quiet() }
    }

    fn paint(self, color: Color) -> Style {
        if self.colors { Style::new().fg(color) } else { Style::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_colours_no_style_has_one() {
        let theme = Theme::new(Look { colors: false, unicode: true });
        for style in [
            theme.strong(),
            theme.quiet(),
            theme.accent(),
            theme.heading(),
            theme.source(),
            theme.link(),
            theme.warning(),
            theme.error(),
            theme.good(),
            theme.found(),
            theme.chosen(true),
            theme.chosen(false),
            theme.border(true),
            theme.border(false),
            theme.badge(true),
            theme.badge(false),
        ] {
            assert_eq!((style.fg, style.bg), (None, None));
        }
        assert_ne!(theme.chosen(true), theme.chosen(false));
        assert_ne!(theme.border_set(true), theme.border_set(false));
    }

    #[test]
    fn ascii_signs_are_ascii() {
        let g = Theme::new(Look { colors: true, unicode: false }).glyphs;
        for sign in [
            g.cut,
            g.open,
            g.closed,
            g.leaf,
            g.follows,
            g.duplicate,
            g.arrow,
            g.live,
            g.past,
            g.thumb,
            g.pointer,
            g.border.top_left,
            g.focused_border.horizontal_top,
        ] {
            assert!(sign.is_ascii(), "{sign}");
        }
    }
}
