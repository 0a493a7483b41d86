//! The dialog's rules as scripts of keys and times.

use super::super::fixture::{calm, target};
use super::*;
use proptest::prelude::*;

const CODE: &str = "BDEF";

fn gate(proposal: Proposal) -> Gate {
    let challenge = Challenge { code: CODE.into() };
    Gate::new(CallId(1), ApprovalId(2), Arc::new(proposal), None, Vec::new(), challenge)
}

fn high(targets: usize) -> Proposal {
    let mut p = calm();
    p.targets = (0..targets).map(|n| target(&format!("i-{n}"))).collect();
    p.unknown = vec!["target health: denied".into()];
    p
}

fn press(name: &str) -> Press {
    let (ctrl, alt, rest) = match (name.strip_prefix("C-"), name.strip_prefix("M-")) {
        (Some(rest), _) => (true, false, rest),
        (_, Some(rest)) => (false, true, rest),
        (None, None) => (false, false, name),
    };
    let key = match rest {
        "Enter" => Key::Enter,
        "Esc" => Key::Esc,
        "Space" => Key::Char(' '),
        "Down" => Key::Down,
        "BS" => Key::Backspace,
        other => Key::Char(other.chars().next().unwrap()),
    };
    Press::new(key, ctrl, alt)
}

/// Runs `900 A  +10 B  draw:0,1  small  aside`: a number is a time in ms, `+n` moves it, the rest happens then.
fn run(proposal: Proposal, script: &str) -> &'static str {
    let mut gate = gate(proposal);
    let mut now = 0;
    for word in script.split_whitespace() {
        let at = |ms| Timestamp::from_millis(ms);
        if let Some(by) = word.strip_prefix('+').and_then(|n| n.parse::<i64>().ok()) {
            now += by;
        } else if let Some(ms) = word.strip_prefix('@') {
            now = ms.parse().unwrap();
        } else if let Some(targets) = word.strip_prefix("draw:") {
            let targets = targets.split(',').filter_map(|t| t.parse().ok()).collect();
            gate.drawn(&Seen { targets, room: true }, at(now));
        } else if word == "small" {
            gate.drawn(&Seen { targets: vec![0], room: false }, at(now));
        } else if word == "aside" {
            gate.touched(at(now));
        } else {
            gate = match gate.key(press(word), at(now)) {
                Decision::Waiting(gate) => gate,
                Decision::Refused(refusal) => {
                    assert_eq!(refusal, Refusal { approval: ApprovalId(2), note: None, rest: false });
                    return "refused";
                }
                Decision::Approved(authorized) => {
                    assert_eq!(authorized.at(), at(now));
                    return if authorized.typed_code() { "approved by code" } else { "approved" };
                }
            };
        }
    }
    "waiting"
}

#[test]
fn scripts_of_normal_impact() {
    for (what, script, outcome) in [
        ("quiet, then A", "draw:0 @700 A", "approved"),
        ("one millisecond early", "draw:0 @699 A", "waiting"),
        ("an early A restarts the wait", "draw:0 @300 A @900 A", "waiting"),
        ("and counts again after it", "draw:0 @300 A @1000 A", "approved"),
        ("typed ahead of the drawing", "A A A draw:0 @100 A", "waiting"),
        ("held down", "draw:0 @500 A +30 A +30 A +30 A +30 A +30 A +30 A +30 A +30 A +600 A", "waiting"),
        ("pasted in one moment", "draw:0 @2000 y e s A", "waiting"),
        ("never drawn", "@5000 A", "waiting"),
        ("another key restarts the wait", "draw:0 @800 Down @1400 A", "waiting"),
        ("and then it counts", "draw:0 @800 Down @1500 A", "approved"),
        ("a code key is nothing here", "draw:0 @800 B +10 A", "waiting"),
        ("Enter", "draw:0 @800 Enter", "waiting"),
        ("y", "draw:0 @800 y", "waiting"),
        ("Space", "draw:0 @800 Space", "waiting"),
        ("lower-case a", "draw:0 @800 a", "waiting"),
        ("Alt-A", "draw:0 @800 M-A", "waiting"),
        ("Ctrl-A", "draw:0 @800 C-A", "waiting"),
        ("plain c", "draw:0 @800 c", "waiting"),
        ("Esc at once", "Esc", "refused"),
        ("Esc armed", "draw:0 @800 Esc", "refused"),
        ("Alt-Esc", "draw:0 M-Esc", "refused"),
        ("Ctrl-C at once", "C-c", "refused"),
        ("Ctrl-C with Caps Lock", "draw:0 C-C", "refused"),
        ("drawn again does not restart", "draw:0 @600 draw:0 @700 A", "approved"),
        ("a small window", "small @900 A", "waiting"),
        ("a small window after a good one", "draw:0 @600 small @800 A", "waiting"),
        ("enlarged: the wait starts there", "small @900 draw:0 @1500 A", "waiting"),
        ("enlarged, and waited", "small @900 draw:0 @1600 A", "approved"),
        ("what a small window shows is not seen", "small @100 draw: @900 A", "waiting"),
        ("set aside", "draw:0 @800 aside @1600 A", "waiting"),
        ("set aside and back", "draw:0 @800 aside @900 draw:0 @1600 A", "approved"),
        ("set aside and back, early", "draw:0 @800 aside @900 draw:0 @1599 A", "waiting"),
        ("the clock runs backwards", "@9000 draw:0 @800 A", "waiting"),
        ("targets beyond the list", "draw:7 @900 A", "waiting"),
    ] {
        assert_eq!(run(calm(), script), outcome, "{what}: {script}");
    }
}

#[test]
fn scripts_of_high_impact() {
    for (what, targets, script, outcome) in [
        ("code, number, A at typing speed", 1, "draw:0 @700 B +9 D +9 E +9 F +9 1 +9 A", "approved by code"),
        ("number of targets", 2, "draw:0,1 @700 B D E F 2 A", "approved by code"),
        ("wrong number", 2, "draw:0,1 @700 B D E F 1 A", "waiting"),
        ("no number", 1, "draw:0 @700 B D E F A", "waiting"),
        ("no code", 1, "draw:0 @700 A", "waiting"),
        ("wrong code", 1, "draw:0 @700 B D E H 1 A", "waiting"),
        ("lower case", 1, "draw:0 @700 b d e f 1 A", "waiting"),
        ("corrected", 1, "draw:0 @700 B D H BS E F 1 A", "approved by code"),
        ("typed before it counts", 1, "draw:0 @600 B D E F 1 @1400 A", "waiting"),
        ("begun before it counts", 1, "draw:0 @650 B @1400 D E F 1 A", "waiting"),
        ("an early A in between", 1, "draw:0 @700 B D A E F 1 A", "waiting"),
        ("and then quiet", 1, "draw:0 @700 B D A @1400 E F 1 A", "approved by code"),
        ("another key in between", 1, "draw:0 @700 B D E F 1 Down A", "waiting"),
        ("a fifth letter restarts the wait", 1, "draw:0 @700 B D E F F 1 A", "waiting"),
        ("unseen targets", 2, "draw:0 @900 B D E F 2 A", "waiting"),
        ("seen one after the other", 2, "draw:0 @300 Down draw:1 @1000 B D E F 2 A", "approved by code"),
        ("the wait starts with the last target", 2, "draw:0 @690 draw:1 @800 B D E F 2 A", "waiting"),
        (
            "set aside: the code stays, the wait does not",
            1,
            "draw:0 @700 B D E F 1 aside draw:0 A",
            "waiting",
        ),
        ("set aside and waited", 1, "draw:0 @700 B D E F 1 aside draw:0 @1400 A", "approved by code"),
        ("made small at the end", 1, "draw:0 @700 B D E F 1 small A", "waiting"),
        ("Esc within the code", 1, "draw:0 @700 B D Esc", "refused"),
    ] {
        assert_eq!(run(high(targets), script), outcome, "{what}: {script}");
    }
}

#[test]
fn readiness_says_the_first_thing_in_the_way() {
    let at = Timestamp::from_millis;
    let mut g = gate(high(2));
    assert_eq!(g.ready(at(0)), Readiness::Waiting(700));
    g.drawn(&Seen { targets: vec![], room: false }, at(0));
    assert_eq!(g.ready(at(0)), Readiness::NoRoom);
    g.drawn(&Seen { targets: vec![0], room: true }, at(0));
    assert_eq!((g.ready(at(0)), g.unseen()), (Readiness::Unseen(1), 1));
    g.drawn(&Seen { targets: vec![1], room: true }, at(100));
    assert_eq!(g.ready(at(300)), Readiness::Waiting(500));
    assert_eq!(g.ready(at(800)), Readiness::Code);
    assert_eq!(g.code(), Some(CODE));
    for key in ["B", "D", "E", "F", "2"] {
        let Decision::Waiting(next) = g.key(press(key), at(800)) else { panic!("decided by {key}") };
        g = next;
    }
    assert_eq!((g.ready(at(800)), g.typed()), (Readiness::Armed, (CODE, "2")));
    let calm = gate(calm());
    assert_eq!((calm.code(), calm.impact(), calm.typed()), (None, Impact::Normal, ("", "")));
}

fn any_press() -> impl Strategy<Value = Press> {
    let key = prop_oneof![
        4 => Just(Key::Char('A')),
        4 => proptest::sample::select("BDEF12aycC 9".chars().collect::<Vec<_>>()).prop_map(Key::Char),
        1 => proptest::sample::select(vec![Key::Enter, Key::Backspace, Key::Down, Key::Tab, Key::Other]),
    ];
    (key, prop::bool::weighted(0.05), prop::bool::weighted(0.05))
        .prop_map(|(key, ctrl, alt)| Press::new(key, ctrl, alt))
}

/// Feeds keys with gaps, drawing after each as the loop does; whether it was approved.
fn approves(proposal: Proposal, keys: &[(Press, i64)]) -> bool {
    let seen = Seen { targets: (0..proposal.targets.len()).collect(), room: true };
    let (mut gate, mut now) = (gate(proposal), 0);
    gate.drawn(&seen, Timestamp::from_millis(0));
    for (press, gap) in keys {
        now += gap;
        match gate.key(*press, Timestamp::from_millis(now)) {
            Decision::Waiting(next) => gate = next,
            Decision::Refused(_) => return false,
            Decision::Approved(_) => return true,
        }
        gate.drawn(&seen, Timestamp::from_millis(now));
    }
    false
}

proptest! {
    #[test]
    fn keys_without_a_pause_never_approve(
        keys in prop::collection::vec((any_press(), 0..700i64), 0..60),
        targets in 1..4usize,
    ) {
        prop_assert!(!approves(calm(), &keys));
        prop_assert!(!approves(high(targets), &keys));
    }

    #[test]
    fn nothing_approves_without_a_capital_a(
        keys in prop::collection::vec((any_press(), 0..2000i64), 0..60),
    ) {
        let keys: Vec<_> = keys.into_iter().filter(|(p, _)| p.plain() != Some(Key::Char('A'))).collect();
        prop_assert!(!approves(calm(), &keys));
        prop_assert!(!approves(high(1), &keys));
    }

    #[test]
    fn high_impact_never_approves_without_every_letter_of_the_code(
        keys in prop::collection::vec((any_press(), 0..2000i64), 0..60),
        missing in 0..4usize,
    ) {
        let letter = CODE.chars().nth(missing).map(Key::Char);
        let keys: Vec<_> = keys.into_iter().filter(|(p, _)| p.plain() != letter).collect();
        prop_assert!(!approves(high(1), &keys));
    }
}
