//! Every colour and every glyph of the screen, in one place. The themes are `config/themes/*.toml`.

use ratatui::style::{Color, Modifier, Style};
use serde::{Deserialize, Deserializer};

/// A style as a theme file writes it: `bold #e06c75 on black`.
#[derive(Clone, Copy, Debug, Default)]
struct Paint(Style);

impl<'de> Deserialize<'de> for Paint {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = String::deserialize(d)?;
        parse(&text).map(Self).map_err(serde::de::Error::custom)
    }
}

fn parse(text: &str) -> Result<Style, String> {
    let mut style = Style::new();
    let mut background = false;
    for word in text.split_whitespace() {
        match word {
            "on" => background = true,
            "bold" => style = style.add_modifier(Modifier::BOLD),
            "dim" => style = style.add_modifier(Modifier::DIM),
            "italic" => style = style.add_modifier(Modifier::ITALIC),
            "underline" => style = style.add_modifier(Modifier::UNDERLINED),
            "reverse" => style = style.add_modifier(Modifier::REVERSED),
            "plain" => {}
            colour => {
                let parsed: Color =
                    colour.parse().map_err(|_| format!("{colour:?} is neither a colour nor a style"))?;
                style = if background { style.bg(parsed) } else { style.fg(parsed) };
            }
        }
    }
    Ok(style)
}

macro_rules! roles {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {
        #[derive(Debug, Deserialize)]
        #[serde(deny_unknown_fields)]
        struct File {
            accounts: Vec<Paint>,
            $($name: Paint,)*
        }

        /// What everything looks like.
        #[derive(Clone, Debug)]
        pub struct Theme {
            /// Borders and marks from ASCII only.
            pub ascii: bool,
            /// One per account, chosen by its id.
            pub accounts: Vec<Style>,
            $($(#[$doc])* pub $name: Style,)*
        }

        impl Theme {
            fn from_file(file: File) -> Self {
                Self {
                    ascii: false,
                    accounts: file.accounts.into_iter().map(|p| p.0).collect(),
                    $($name: file.$name.0,)*
                }
            }

            fn map(mut self, f: impl Fn(Style) -> Style) -> Self {
                for style in &mut self.accounts {
                    *style = f(*style);
                }
                $(self.$name = f(self.$name);)*
                self
            }
        }
    };
}

roles! {
    /// Everything that has no role of its own.
    text,
    /// What matters less: remarks, durations, labels.
    dim,
    /// Borders and rules.
    border,
    /// The title of the pane that has the keys.
    focus,
    /// Titles of the other panes.
    title,
    /// Well.
    good,
    /// Worth a look; credentials under 15 minutes.
    warn,
    /// Wrong; credentials under 5 minutes.
    bad,
    /// Under way.
    busy,
    /// The selected row.
    select,
    /// A search match.
    found,
    /// An evidence link.
    link,
    /// The selected evidence link.
    link_selected,
    /// Code.
    code,
    /// A heading.
    heading,
    /// What the operator asked.
    user,
    /// A key in a hint.
    key,
    /// The account chip of production and of what is not known to be otherwise.
    production,
    /// The mode in which writes may be approved.
    execute,
    /// The mode in which nothing runs.
    track,
    /// The mode without writes.
    read_only,
    /// The embedded account.
    demo,
    /// The border of an approval.
    ask,
    /// The border of a high-impact approval.
    ask_high,
    /// A CRITICAL badge.
    critical,
    /// A CAUTION badge.
    caution,
    /// The model's unverified words.
    said,
}

/// How many colours the terminal can show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// None: `NO_COLOR`.
    None,
    /// 256 colours.
    Indexed,
    /// 24 bits.
    True,
}

impl Depth {
    /// From the environment: `NO_COLOR`, `COLORTERM` and `TERM`.
    #[must_use]
    pub fn of(no_color: Option<&str>, colorterm: Option<&str>, term: Option<&str>) -> Self {
        if no_color.is_some_and(|v| !v.is_empty()) || term == Some("dumb") {
            Self::None
        } else if colorterm.is_some_and(|v| v == "truecolor" || v == "24bit") {
            Self::True
        } else {
            Self::Indexed
        }
    }
}

/// A theme that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ThemeError {
    /// There is none of that name.
    #[error("there is no theme named {0:?}: use dark, light, high-contrast or terminal")]
    Unknown(String),
    /// Its file is wrong.
    #[error("theme: {0}")]
    Wrong(#[from] toml::de::Error),
}

impl Theme {
    /// The embedded themes, by name.
    pub const EMBEDDED: [(&str, &str); 4] = [
        ("dark", include_str!("../../../config/themes/dark.toml")),
        ("light", include_str!("../../../config/themes/light.toml")),
        ("high-contrast", include_str!("../../../config/themes/high-contrast.toml")),
        ("terminal", include_str!("../../../config/themes/terminal.toml")),
    ];

    /// The embedded theme named `name`, fitted to what the terminal can show.
    ///
    /// # Errors
    /// There is no theme of that name.
    pub fn named(name: &str, depth: Depth, ascii: bool) -> Result<Self, ThemeError> {
        let (_, text) = Self::EMBEDDED
            .iter()
            .find(|(n, _)| *n == name)
            .ok_or_else(|| ThemeError::Unknown(name.to_owned()))?;
        Ok(Self { ascii, ..Self::read(text)?.fitted(depth) })
    }

    /// A theme from the text of its file.
    ///
    /// # Errors
    /// The file has an unknown or missing role or a colour that does not exist; the message names the line.
    pub fn read(text: &str) -> Result<Self, ThemeError> {
        Ok(Self::from_file(toml::from_str(text)?))
    }

    fn fitted(self, depth: Depth) -> Self {
        match depth {
            Depth::True => self,
            Depth::Indexed => self.map(|s| Style { fg: s.fg.map(indexed), bg: s.bg.map(indexed), ..s }),
            Depth::None => self.map(|s| {
                let chip = s.bg.is_some();
                let bare = Style { fg: None, bg: None, ..s };
                if chip { bare.add_modifier(Modifier::REVERSED) } else { bare }
            }),
        }
    }

    /// `unicode`, or `ascii` when only that may be drawn.
    #[must_use]
    pub const fn glyph(&self, unicode: &'static str, ascii: &'static str) -> &'static str {
        if self.ascii { ascii } else { unicode }
    }
}

/// The nearest of the 6x6x6 cube and the 24 greys.
fn indexed(colour: Color) -> Color {
    let Color::Rgb(r, g, b) = colour else { return colour };
    let level = |v: u8| match v {
        0..=47 => 0u8,
        48..=114 => 1,
        115..=154 => 2,
        155..=194 => 3,
        195..=234 => 4,
        235..=255 => 5,
    };
    let value = |l: u8| if l == 0 { 0u8 } else { 55 + 40 * l };
    let away = |x: u8, y: u8, z: u8| {
        let d = |a: u8, b: u8| u32::from(a.abs_diff(b)).pow(2);
        d(x, r) + d(y, g) + d(z, b)
    };
    let (lr, lg, lb) = (level(r), level(g), level(b));
    let mean = u8::try_from((u16::from(r) + u16::from(g) + u16::from(b)) / 3).unwrap_or(u8::MAX);
    let step = (mean.saturating_sub(3) / 10).min(23);
    let grey = 8 + 10 * step;
    if away(grey, grey, grey) < away(value(lr), value(lg), value(lb)) {
        Color::Indexed(232 + step)
    } else {
        Color::Indexed(16 + 36 * lr + 6 * lg + lb)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_embedded_theme_reads() {
        for (name, text) in Theme::EMBEDDED {
            Theme::read(text).unwrap_or_else(|e| panic!("{name}: {e}"));
        }
    }

    #[test]
    fn the_terminal_theme_keeps_to_sixteen_colours() {
        let theme = Theme::named("terminal", Depth::True, false).unwrap();
        theme.map(|s| {
            for c in [s.fg, s.bg].into_iter().flatten() {
                assert!(!matches!(c, Color::Rgb(..) | Color::Indexed(16..)), "{c:?}");
            }
            s
        });
    }

    #[test]
    fn without_colour_a_chip_is_reversed() {
        let theme = Theme::named("dark", Depth::None, false).unwrap();
        theme.map(|s| {
            assert_eq!((s.fg, s.bg), (None, None));
            s
        });
        let theme = Theme::named("dark", Depth::None, false).unwrap();
        assert!(theme.production.add_modifier.contains(Modifier::REVERSED));
        assert!(theme.select.add_modifier.contains(Modifier::REVERSED));
    }

    #[test]
    fn a_wrong_theme_says_where() {
        let text = Theme::EMBEDDED[0].1.replace("bad =", "bda =");
        assert!(Theme::read(&text).unwrap_err().to_string().contains("bda"));
        assert!(Theme::named("drak", Depth::True, false).unwrap_err().to_string().contains("drak"));
        assert!(parse("bold mauvish").unwrap_err().contains("mauvish"));
    }

    #[test]
    fn depth_follows_the_environment() {
        assert_eq!(Depth::of(Some("1"), Some("truecolor"), None), Depth::None);
        assert_eq!(Depth::of(Some(""), Some("truecolor"), None), Depth::True);
        assert_eq!(Depth::of(None, None, Some("xterm-256color")), Depth::Indexed);
        assert_eq!(indexed(Color::Rgb(255, 0, 0)), Color::Indexed(196));
        assert_eq!(indexed(Color::Rgb(128, 128, 128)), Color::Indexed(244));
    }
}
