//! The one escape function: what cannot be seen, or would change how its neighbours are seen, is named.

use regex::Regex;
use std::borrow::Cow;
use std::fmt::Write as _;
use std::sync::LazyLock;

/// Combining marks that may stack on one base character.
const MARKS: usize = 2;

/// Everything that is hidden (controls, formats, private use, unassigned, line and paragraph separators,
/// default-ignorables with variation selectors, tags and fillers), and every mark that stacks.
static SUSPECT: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\p{Mn}\p{Me}]").ok());
static HIDDEN: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]").ok());

/// One line of untrusted text, safe to show: every control, format, bidi, zero-width and ignorable character
/// (line feeds and tabs too) is replaced by its name, `⟨U+202E⟩`; combining marks are capped.
#[must_use]
pub fn visible(text: &str) -> Cow<'_, str> {
    escape(text, |_| None)
}

/// Several lines of untrusted text: as [`visible`], but line feeds stay and tabs become four spaces.
#[must_use]
pub fn visible_lines(text: &str) -> Cow<'_, str> {
    escape(text, |c| match c {
        '\n' => Some("\n"),
        '\t' => Some("    "),
        _ => None,
    })
}

/// Serialized JSON with every hidden character inside it written `\uXXXX`: the same value, safe to print. Compact JSON
/// has such characters only inside its strings.
#[must_use]
pub fn json_visible(json: &str) -> Cow<'_, str> {
    if json.bytes().all(|b| matches!(b, b' '..=b'~')) {
        return Cow::Borrowed(json);
    }
    let mut out = String::with_capacity(json.len() + 64);
    for c in json.chars() {
        let mut one = [0; 4];
        if c.is_ascii_graphic() || c == ' ' || !is_hidden(c.encode_utf8(&mut one)) {
            out.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            let _ = write!(out, "\\u{unit:04x}");
        }
    }
    Cow::Owned(out)
}

/// Names what is hidden, except what `keep` has a replacement for.
fn escape(text: &str, keep: impl Fn(char) -> Option<&'static str>) -> Cow<'_, str> {
    if text.bytes().all(|b| matches!(b, b' '..=b'~') || (b == b'\n' && keep('\n').is_some())) {
        return Cow::Borrowed(text);
    }
    // A pattern that did not compile would be found by the tests; without it, everything is named.
    let Some(suspect) = SUSPECT.as_ref() else { return Cow::Owned(text.chars().map(name).collect()) };
    let mut out = String::new();
    let (mut copied, mut marks) = (0, Run { end: 0, length: 0 });
    for found in suspect.find_iter(text) {
        let Some(c) = found.as_str().chars().next() else { continue };
        let replaced = match keep(c) {
            Some("\n") => continue,
            Some(other) => Cow::Borrowed(other),
            None if is_hidden(found.as_str()) => Cow::Owned(name(c)),
            None if marks.extend(found.start(), found.end()) <= MARKS => continue,
            None => Cow::Owned(name(c)),
        };
        out.push_str(text.get(copied..found.start()).unwrap_or_default());
        out.push_str(&replaced);
        copied = found.end();
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    out.push_str(text.get(copied..).unwrap_or_default());
    Cow::Owned(out)
}

/// Adjacent marks on one base.
struct Run {
    end: usize,
    length: usize,
}

impl Run {
    /// How long the run is with the mark at `start..end`.
    fn extend(&mut self, start: usize, end: usize) -> usize {
        self.length = if self.length > 0 && self.end == start { self.length + 1 } else { 1 };
        self.end = end;
        self.length
    }
}

fn is_hidden(one: &str) -> bool {
    HIDDEN.as_ref().is_none_or(|hidden| hidden.is_match(one))
}

fn name(c: char) -> String {
    let mut out = String::with_capacity(12);
    let _ = write!(out, "⟨U+{:04X}⟩", u32::from(c));
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_what_cannot_be_seen() {
        for (raw, shown) in [
            ("plain ~ASCII~", "plain ~ASCII~"),
            ("Grüße, 日本語, עברית, 🚀, façade", "Grüße, 日本語, עברית, 🚀, façade"),
            ("\u{202e}evil", "⟨U+202E⟩evil"),
            ("a\u{200b}b\u{200d}c\u{feff}", "a⟨U+200B⟩b⟨U+200D⟩c⟨U+FEFF⟩"),
            ("\u{1b}[31m\u{7}\u{7f}\u{9b}", "⟨U+001B⟩[31m⟨U+0007⟩⟨U+007F⟩⟨U+009B⟩"),
            ("a\tb\r\nc\0", "a⟨U+0009⟩b⟨U+000D⟩⟨U+000A⟩c⟨U+0000⟩"),
            ("\u{2028}\u{2029}\u{85}", "⟨U+2028⟩⟨U+2029⟩⟨U+0085⟩"),
            ("⚠\u{fe0f}\u{e0041}\u{e0100}", "⚠⟨U+FE0F⟩⟨U+E0041⟩⟨U+E0100⟩"),
            ("\u{e000}\u{f0000}\u{fdd0}\u{378}", "⟨U+E000⟩⟨U+F0000⟩⟨U+FDD0⟩⟨U+0378⟩"),
            (
                "\u{ad}\u{34f}\u{115f}\u{3164}\u{180e}\u{2066}",
                "⟨U+00AD⟩⟨U+034F⟩⟨U+115F⟩⟨U+3164⟩⟨U+180E⟩⟨U+2066⟩",
            ),
            ("e\u{301}\u{302}x\u{301}", "e\u{301}\u{302}x\u{301}"),
            ("e\u{301}\u{302}\u{303}\u{304}x", "e\u{301}\u{302}⟨U+0303⟩⟨U+0304⟩x"),
        ] {
            assert_eq!(visible(raw), shown, "{raw:?}");
        }
        assert_eq!(visible_lines("a\tb\nc\r\n"), "a    b\nc⟨U+000D⟩\n");
    }

    #[test]
    fn clean_text_is_borrowed() {
        for text in ["", "ascii", "Grüße e\u{301}"] {
            assert!(matches!(visible(text), Cow::Borrowed(_)), "{text}");
        }
        assert!(matches!(visible_lines("two\nlines ä\n"), Cow::Borrowed(_)));
        assert!(SUSPECT.is_some() && HIDDEN.is_some());
    }

    #[test]
    fn json_stays_json_and_shows_what_is_hidden() {
        let text = "é\u{1b}[31m\u{202e}x\u{7f}\u{e0041}\u{feff}日\n\"\\";
        let json = serde_json::to_string(text).unwrap();
        let shown = json_visible(&json).into_owned();
        assert_eq!(shown, r#""é\u001b[31m\u202ex\u007f\udb40\udc41\ufeff日\n\"\\""#);
        assert_eq!(serde_json::from_str::<String>(&shown).unwrap(), text);
        assert!(matches!(json_visible("{\"a\":1}"), Cow::Borrowed(_)));
    }

    /// Text that is often hidden characters and marks, and often ordinary.
    fn nasty() -> impl Strategy<Value = String> {
        let special = proptest::sample::select(
            "a b\n\t\r\u{0}\u{1b}\u{9f}\u{301}\u{302}\u{303}\u{20dd}\u{200b}\u{202e}\u{fe0f}\u{e0001}⟨⟩é日"
                .chars()
                .collect::<Vec<_>>(),
        );
        prop::collection::vec(prop_oneof![special, any::<char>()], 0..40)
            .prop_map(|c| c.into_iter().collect())
    }

    proptest! {
        #[test]
        fn idempotent_and_without_controls(text in nasty()) {
            let once = visible(&text).into_owned();
            prop_assert_eq!(visible(&once), once.as_str());
            prop_assert!(!once.chars().any(|c| c.is_control() || is_hidden(c.encode_utf8(&mut [0; 4]))));
            let lines = visible_lines(&text).into_owned();
            prop_assert_eq!(visible_lines(&lines), lines.as_str());
            prop_assert!(!lines.chars().any(|c| c.is_control() && c != '\n'));
            let json = serde_json::to_string(&text).unwrap();
            let shown = json_visible(&json).into_owned();
            prop_assert!(!shown.chars().any(|c| is_hidden(c.encode_utf8(&mut [0; 4]))));
            prop_assert_eq!(serde_json::from_str::<String>(&shown).unwrap(), text);
        }
    }
}
