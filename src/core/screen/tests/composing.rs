//! Before, keys, after: `|` is the cursor.

use crate::command::Command;
use crate::journal::TurnEnd;
use crate::keymap::Place;
use crate::screen::fixture::Rig;
use crate::screen::{Focus, Msg};

fn rig(before: &str) -> Rig {
    let mut rig = Rig::new();
    let at = before.find('|').unwrap();
    rig.screen.composer.text = before.replacen('|', "", 1);
    rig.screen.composer.cursor = at;
    rig
}

fn shown(rig: &Rig) -> String {
    let mut text = rig.screen.composer.text.clone();
    text.insert(rig.screen.composer.cursor, '|');
    text
}

#[test]
fn editing() {
    for (before, keys, after) in [
        ("|", "hello", "hello|"),
        ("|", "a:b?c", "a:b?c|"),
        ("hello|", "<Ctrl-a>x", "x|hello"),
        ("he|llo", "<Ctrl-e>!", "hello!|"),
        ("ab|c", "<Ctrl-b><Ctrl-b><Ctrl-b>x", "x|abc"),
        ("|abc", "<Ctrl-f><Right><Ctrl-f><Ctrl-f>x", "abcx|"),
        ("a|bc", "<Ctrl-d>", "a|c"),
        ("abc|", "<Ctrl-d><Delete>", "abc|"),
        ("|abc", "<Backspace><Ctrl-h>", "|abc"),
        ("one two|", "<Ctrl-w>", "one |"),
        ("one two  |", "<Ctrl-w><Ctrl-y><Ctrl-y>", "one two  two  |"),
        ("one| two", "<Alt-Backspace>", "| two"),
        ("|one two", "<Alt-d>", "| two"),
        ("one two|", "<Alt-b><Alt-b>x", "x|one two"),
        ("|one two", "<Alt-f>x<Alt-f>y", "onex twoy|"),
        ("one two|", "<Ctrl-u>", "|"),
        ("one| two", "<Ctrl-k><Ctrl-a><Ctrl-y>", " two|one"),
        ("ab|\ncd", "<Ctrl-k>", "ab|cd"),
        ("ab\nc|d", "<Ctrl-u>", "ab\n|d"),
        ("ab\ncd|", "<Ctrl-a>x", "ab\nx|cd"),
        ("ab|", "<Ctrl-t>", "ba|"),
        ("a|bc", "<Ctrl-t>", "ba|c"),
        ("|ab", "<Ctrl-t>", "|ab"),
        ("a|", "<Alt-Enter>b<Ctrl-j>c", "a\nb\nc|"),
        ("ab\nc|d\nef", "<Up>x", "ax|b\ncd\nef"),
        ("ab\nc|d\nef", "<Down>x", "ab\ncd\nex|f"),
        ("abcd\ne\nfghi|", "<Up>x", "abcd\nex|\nfghi"),
        // Graphemes, not code points and not bytes.
        ("a👩‍👩‍👧|", "<Backspace>", "a|"),
        ("|e\u{301}x", "<Right>y", "e\u{301}y|x"),
        ("|🇩🇪🇫🇷", "<Ctrl-d>", "|🇫🇷"),
        ("日本|", "<Left>x", "日x|本"),
        ("e|", "\u{301}x", "e\u{301}x|"),
        // Keys that are bound to nothing do nothing.
        ("a|b", "<Ctrl-s><Ctrl-q><Ctrl-x><Alt-x>", "a|b"),
    ] {
        let mut rig = rig(before);
        assert!(rig.keys(keys).is_empty());
        assert_eq!(shown(&rig), after, "{before:?} {keys}");
        assert_eq!(rig.screen.focus, Focus::Composer);
    }
}

#[test]
fn sending() {
    let mut rig = Rig::new();
    assert!(rig.keys("  <Alt-Enter> <Enter>").is_empty(), "blank is not sent");
    let sent = rig.keys("why?<Enter>");
    assert!(matches!(sent.as_slice(), [Command::Ask(text)] if text == "why?"), "{sent:?}");
    assert_eq!(shown(&rig), "|");
    rig.question(1, "why?");
    assert!(rig.keys("and now?<Enter>").is_empty());
    assert_eq!(shown(&rig), "and now?|");
    assert!(rig.screen.notices.back().unwrap().text.contains("a turn is running"));
    rig.end(1, TurnEnd::Answered);
    assert!(matches!(rig.keys("<Enter>").as_slice(), [Command::Ask(text)] if text == "and now?"));
    assert_eq!(rig.screen.composer.history, ["why?", "and now?"]);
}

#[test]
fn history() {
    for (keys, after) in [
        ("<Up>", "three|"),
        ("<Up><Up>", "two|"),
        ("<Up><Up><Up><Up><Up>", "one|"),
        ("dr<Up><Up><Down><Down>", "dr|"),
        ("dr<Down>", "dr|"),
        ("<Ctrl-p><Ctrl-p><Ctrl-n>", "three|"),
        ("<Up>!<Enter>", "|"),
        // Searching.
        ("dr<Ctrl-r>o", "two|"),
        ("dr<Ctrl-r>o<Ctrl-r>", "one|"),
        ("dr<Ctrl-r>o<Ctrl-r><Ctrl-r>", "one|"),
        ("dr<Ctrl-r>on<Backspace>", "two|"),
        ("dr<Ctrl-r>THR<Enter>", "three|"),
        ("dr<Ctrl-r>o<Esc>", "dr|"),
        ("dr<Ctrl-r>zzz", "dr|"),
        ("dr<Ctrl-r>o<Left>x", "twx|o"),
    ] {
        let mut rig = Rig::new();
        rig.screen.composer.history = ["one", "two", "three"].map(str::to_owned).to_vec();
        rig.keys(keys);
        assert_eq!(shown(&rig), after, "{keys}");
    }
}

#[test]
fn a_search_is_a_place_of_its_own() {
    let mut rig = Rig::new();
    rig.keys("<Ctrl-r>");
    assert_eq!(rig.screen.place(), Place::History);
    assert!(rig.keys("x<Enter>").is_empty(), "Enter takes what was found and does not send it");
    assert_eq!(rig.screen.place(), Place::Composer);
}

#[test]
fn pasting() {
    let mut rig = rig("a|b");
    assert!(rig.msg(Msg::Paste("x\r\ny\rz\u{1b}[31m\n".to_owned())).is_empty());
    let text = &rig.screen.composer.text;
    assert!(text.starts_with("ax\ny\nz") && text.ends_with("\nb"), "{text:?}");
    assert!(!text.contains('\u{1b}'));
    // From a pane it goes to the composer; it never acts as keys.
    let mut rig = Rig::with_calls(3);
    rig.keys("<Esc>");
    assert!(rig.msg(Msg::Paste("q:quit\n".to_owned())).is_empty());
    assert_eq!(rig.screen.focus, Focus::Composer);
    assert_eq!(rig.screen.composer.text, "q:quit\n");
}

#[test]
fn a_paste_is_bounded() {
    let mut rig = rig("ab|");
    rig.msg(Msg::Paste("ä".repeat(100_000)));
    assert_eq!(rig.screen.composer.text.chars().count(), 100_000);
    assert!(rig.screen.notices.back().unwrap().text.contains("100000"));
    rig.keys("x");
    assert_eq!(rig.screen.composer.text.chars().count(), 100_000);
    rig.keys("<Backspace>x");
    assert!(rig.screen.composer.text.ends_with('x'));
}

#[test]
fn only_an_empty_line_opens_palette_and_help() {
    let mut rig = Rig::new();
    rig.keys(":");
    assert!(rig.screen.palette.is_some());
    rig.keys("<Esc>?");
    assert_eq!((rig.screen.help, rig.screen.help_for), (Some(0), Place::Composer));
    rig.keys("q");
    assert_eq!(rig.screen.help, None);
    rig.keys("a:?");
    assert!(rig.screen.palette.is_none() && rig.screen.help.is_none());
}
