use super::*;
use crate::press::Key;
use crate::screen::palette_actions;

fn ctrl(c: char) -> Press {
    Press::new(Key::Char(c), true, false)
}

fn plain(key: Key) -> Press {
    Press::new(key, false, false)
}

#[test]
fn every_line_of_the_reference_says_what_its_action_does() {
    Keymap::default().overridden(STANDARD).unwrap();
    let mut lines = 0;
    for line in STANDARD.lines().filter(|l| l.contains(" = [")) {
        let (name, rest) = line.split_once(" = ").unwrap();
        let action = Action::named(name).unwrap();
        let comment = rest.split_once("# ").unwrap().1;
        assert!(comment.starts_with(action.doc()), "{line}");
        lines += 1;
    }
    assert_eq!(lines, Keymap::standard().bindings().count());
}

#[test]
fn every_action_is_bound_or_in_the_palette() {
    let map = Keymap::standard();
    let palette = palette_actions();
    for action in Action::ALL {
        assert!(map.first(*action).is_some() || palette.contains(action), "{action:?} cannot be reached");
        assert_eq!(Action::named(action.name()), Some(*action));
    }
}

#[test]
fn keys_that_terminals_and_tmux_take_are_bound_to_nothing() {
    for (place, action, chords) in Keymap::standard().bindings() {
        for chord in chords {
            let taken = chord.ctrl() && matches!(chord.base(), Key::Char('s' | 'q'));
            let tmux = chord.ctrl() && chord.base() == Key::Char('b') && place != Place::Composer;
            assert!(!taken && !tmux && chord.base() != Key::Other, "{place:?} {action:?} {chord}");
        }
    }
    for place in Place::ALL {
        assert_eq!(Keymap::standard().action(*place, plain(Key::Other)), None);
    }
}

#[test]
fn no_key_is_bound_twice_in_one_place() {
    let map = Keymap::standard();
    for (place, action, chords) in map.bindings() {
        for chord in chords {
            assert_eq!(map.actions.get(&(place, *chord)), Some(&action), "{place:?} {chord}");
        }
    }
}

#[test]
fn a_nearer_place_wins() {
    let map = Keymap::standard();
    assert_eq!(map.action(Place::Timeline, plain(Key::Enter)), Some(Action::Expand));
    assert_eq!(map.action(Place::Chat, plain(Key::Enter)), Some(Action::OpenLink));
    assert_eq!(map.action(Place::Composer, plain(Key::Enter)), Some(Action::Send));
    assert_eq!(map.action(Place::Composer, ctrl('b')), Some(Action::CursorLeft));
    assert_eq!(map.action(Place::Timeline, ctrl('b')), None);
    for place in Place::ALL {
        assert_eq!(map.action(*place, ctrl('l')), Some(Action::Redraw), "{place:?}");
    }
}

#[test]
fn a_file_says_only_what_differs() {
    let map = Keymap::standard()
        .overridden("[timeline]\nexpand = [\"o\"]\n[pane]\ntop = [\"f\"]\nfollow = []\n")
        .unwrap();
    assert_eq!(map.action(Place::Timeline, plain(Key::Char('o'))), Some(Action::Expand));
    assert_eq!(map.action(Place::Timeline, plain(Key::Enter)), None);
    assert_eq!(map.action(Place::Pane, plain(Key::Char('f'))), Some(Action::Top));
    assert_eq!(map.action(Place::Pane, plain(Key::Char('g'))), None);
    assert_eq!(map.first(Action::Follow), None);
    assert_eq!(map.action(Place::Pane, plain(Key::Char('j'))), Some(Action::Down));
    // Taking a key from another action leaves that one its other keys.
    let map = Keymap::standard().overridden("[pane]\nzoom = [\"j\"]").unwrap();
    assert_eq!(map.action(Place::Pane, plain(Key::Down)), Some(Action::Down));
    assert!(map.help(Place::Pane).contains(&("Down".to_owned(), Action::Down.doc())));
}

#[test]
fn what_is_wrong_is_said_with_its_line() {
    for (file, line, parts) in [
        ("[pane]\nzom = [\"z\"]", 2, &["[pane] zom", "no such action"][..]),
        ("\n[pain]\n", 2, &["[pain]"]),
        ("[pane]\n\nzoom = [\"F1\"]", 3, &["[pane] zoom", "F1"]),
        ("[pane]\nzoom = \"z\"", 2, &["[pane] zoom", "list"]),
        ("[pane]\nzoom = [1]", 2, &["a key is a text"]),
        ("[pane]\nzoom = [\"Ctrl-Z\"]", 2, &["small letters"]),
        ("[pane]\nzoom = [\"o\"]\nup = [\"o\"]", 3, &["[pane]", "o is given to"]),
        ("[dialog]\nevidence = [\"A\"]", 2, &["[dialog] evidence", "approves or refuses"]),
        ("[dialog]\nevidence = [\"Esc\"]", 2, &["approves or refuses"]),
        ("pane = 1", 1, &["[pane]"]),
        ("[pane]\nzoom = [", 2, &[]),
    ] {
        let error = Keymap::standard().overridden(file).unwrap_err();
        // Which of two lines with the same key is named first depends on the names' order.
        assert!(error.line == line || file.contains("up = "), "{file}: {error}");
        for part in parts {
            assert!(error.to_string().contains(part), "{file}: {error}");
        }
    }
}

#[test]
fn help_lists_what_works_and_nothing_that_is_shadowed() {
    let map = Keymap::standard();
    let help = map.help(Place::Composer);
    assert!(help.contains(&("Enter".to_owned(), Action::Send.doc())));
    assert!(help.contains(&("Left Ctrl-b".to_owned(), Action::CursorLeft.doc())));
    assert!(!help.contains(&("Left".to_owned(), Action::CursorLeft.doc())), "shadowed by the composer");
    assert!(help.iter().any(|(keys, _)| keys == "Ctrl-l"));
    let dialog = map.help(Place::Dialog);
    assert_eq!(dialog.first().unwrap().0, "A");
    assert!(!dialog.iter().any(|(keys, doc)| keys == "Ctrl-c" && *doc == Action::Cancel.doc()));
}
