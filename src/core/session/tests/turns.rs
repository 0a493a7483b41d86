//! The turn: asking, answering, limits.

use super::*;
use crate::thought::Thought;

#[test]
fn a_session_begins_with_who_and_where() {
    let rig = Rig::new();
    assert_eq!(rig.story(), ["session_started", "scope_changed", "settings_changed"]);
    assert_eq!(rig.session.timeline().steps().len(), 1, "the beginning is one quiet step");
    let tracking = Rig::with(Setup { mode: Mode::Track, ..setup() });
    assert_eq!(tracking.story().last().unwrap(), "mode_changed");
    rig.check();
}

#[test]
fn ask_read_answer() {
    let mut rig = Rig::new();
    rig.ask("why?");
    assert_eq!(rig.requests[0].turns.len(), 1);
    assert!(rig.results().last().unwrap() == "why?", "the question is the last part");
    rig.calls([
        text("Looking."),
        call("a", "list_ec2_instances", json!({})),
        call("b", "get_cloudwatch_logs", json!({"name": "x"})),
    ]);
    assert_eq!(rig.reads.len(), 2, "both run at once");
    // The second answers first: the transcript keeps the order of the calls.
    let second = rig.reads.remove(1);
    rig.feed(Input::Read(second.call, Ok((result("the logs"), CallStats::default()))));
    assert_eq!(rig.requests.len(), 1, "the round is not complete");
    rig.read("the list");
    let results = rig.results();
    assert!(results[0].starts_with("[#5] {") && results[0].contains("the list"), "{results:?}");
    assert!(results[1].starts_with("[#6] {") && results[1].contains("the logs"), "{results:?}");
    rig.say([text("Because [#5].")], Stop::EndTurn);
    assert_eq!(rig.end(), Some(TurnEnd::Answered));
    assert!(rig.session.idle());
    rig.check();
}

#[test]
fn one_turn_at_a_time_and_no_blank_question() {
    let mut rig = Rig::new();
    rig.ask("  ");
    rig.ask("one");
    rig.ask("two");
    assert_eq!(rig.requests.len(), 1);
    assert_eq!(rig.told.len(), 2);
    assert!(rig.told[1].1.contains("Esc cancels it"));
}

#[test]
fn deltas_are_shown_and_never_double_what_the_block_says() {
    let mut rig = Rig::new();
    rig.ask("q");
    rig.model(ModelEvent::TextDelta("Hel".into()));
    rig.model(ModelEvent::TextDelta("lo".into()));
    rig.say([text("Hello")], Stop::EndTurn);
    assert_eq!(rig.shown, "Hello");
    let blocks = rig.facts().into_iter().find_map(|f| match f {
        Fact::ModelResponded { blocks, .. } => Some(blocks.clone()),
        _ => None,
    });
    assert_eq!(blocks, Some(vec![text("Hello")]));
}

#[test]
fn a_failed_answer_keeps_what_came() {
    let mut rig = Rig::new();
    rig.ask("q");
    rig.model(ModelEvent::BlockDone(text("First.")));
    rig.model(ModelEvent::TextDelta("And th".into()));
    let error = ModelError { kind: ModelErrorKind::Truncated, message: "cut".into() };
    rig.feed(Input::Model(TurnId(1), 1, Err(error)));
    assert!(rig.facts().iter().any(
        |f| matches!(f, Fact::ModelFailed { partial, .. } if *partial == [text("First."), text("And th")])
    ));
    assert_eq!(rig.end(), Some(TurnEnd::ModelFailed));
    // What comes late belongs to nothing.
    let before = rig.story().len();
    rig.feed(Input::Model(TurnId(1), 1, Ok(ModelEvent::Done(Stop::EndTurn))));
    assert_eq!(rig.story().len(), before);
    rig.ask("again");
    rig.check();
}

#[test]
fn thinking_without_a_block_of_its_own_is_kept_and_is_nobodys() {
    let unsigned = |text| Thought::unsigned(text, "");
    let blocks = |rig: &Rig| {
        let of = |f: &Fact| match f {
            Fact::ModelResponded { blocks, .. } | Fact::ModelFailed { partial: blocks, .. } => {
                Some(blocks.clone())
            }
            _ => None,
        };
        rig.facts().into_iter().find_map(of).unwrap()
    };
    let think = |rig: &mut Rig| {
        rig.ask("q");
        rig.model(ModelEvent::ReasoningDelta("password=hunter2".into()));
        rig.model(ModelEvent::ReasoningDelta("-hunter2, I see".into()));
    };
    // A stream that makes no block of it (Chat).
    let mut rig = Rig::new();
    think(&mut rig);
    rig.say([text("Hello")], Stop::EndTurn);
    let kept = blocks(&rig);
    let Thought { text: thought, .. } = Thought::of_blocks(&kept).unwrap();
    assert!(thought.starts_with("password=⟪secret:") && thought.ends_with("⟫, I see"), "{thought}");
    assert_eq!(kept[1..], [text("Hello")]);
    rig.ask("again");
    let sent = serde_json::to_string(&rig.requests.last().unwrap().turns).unwrap();
    assert!(sent.contains("Hello") && !sent.contains("I see"), "{sent}");
    rig.check();
    // One that was cut off, one that was cancelled.
    for cancel in [true, false] {
        let mut rig = Rig::new();
        think(&mut rig);
        if cancel {
            rig.command(Command::Cancel);
        } else {
            let error = ModelError { kind: ModelErrorKind::Truncated, message: "cut".into() };
            rig.feed(Input::Model(TurnId(1), 1, Err(error)));
        }
        assert!(Thought::of_blocks(&blocks(&rig)).unwrap().text.ends_with("I see"));
    }
    // A block of its own counts; one that says it was none leaves nothing.
    for (block, want) in [
        (
            Block::Reasoning { provider: "p".into(), model: "m".into(), raw: json!({"thinking": "signed"}) },
            Some("signed"),
        ),
        (unsigned(""), None),
    ] {
        let mut rig = Rig::new();
        think(&mut rig);
        rig.say([block, text("Hello")], Stop::EndTurn);
        let thought = Thought::of_blocks(&blocks(&rig)).map(|t| t.text);
        assert_eq!(thought.as_deref(), want);
    }
}

#[test]
fn how_turns_end() {
    for (stop, blocks, end) in [
        (Stop::EndTurn, vec![text("yes")], "answered"),
        (Stop::StopSequence, vec![text("yes")], "answered"),
        (Stop::EndTurn, vec![], "the model said nothing"),
        (Stop::EndTurn, vec![text(" \n")], "the model said nothing"),
        (Stop::MaxTokens, vec![text("ye")], "output limit"),
        (Stop::Refusal, vec![], "declined"),
        (Stop::ContextExceeded, vec![], "new session"),
        // A call of an answer that was cut off is not run.
        (Stop::MaxTokens, vec![call("a", "list_ec2_instances", json!({}))], "output limit"),
    ] {
        let mut rig = Rig::new();
        rig.ask("q");
        rig.say(blocks, stop.clone());
        let told = serde_json::to_string(&rig.end().unwrap()).unwrap();
        assert!(told.contains(end), "{stop:?}: {told}");
        assert!(rig.reads.is_empty());
        assert!(rig.session.idle());
        rig.ask("next");
        rig.check();
    }
}

#[test]
fn a_paused_turn_is_continued_as_it_is() {
    let mut rig = Rig::new();
    rig.ask("q");
    rig.say([text("thinking")], Stop::PauseTurn);
    assert_eq!(rig.requests.len(), 2);
    assert!(matches!(rig.requests[1].turns.last(), Some(message::Turn::Assistant { .. })));
    rig.say([text("done")], Stop::EndTurn);
    assert_eq!(rig.end(), Some(TurnEnd::Answered));
    rig.ask("next");
    assert_eq!(rig.requests[2].turns.len(), 3, "the continued answer is one turn");
    rig.check();
}

#[test]
fn what_cannot_be_run_says_what_to_send() {
    let mut rig = Rig::new();
    rig.ask("q");
    rig.calls([
        call("same", "list_instances", json!({})),
        call("same", "list_ec2_instances", json!({"odd": 1})),
        call("", "list_ec2_instances", json!([1])),
        Block::ToolCall {
            id: "g".into(),
            name: "list_ec2_instances".into(),
            input: message::Input::Garbage("{\"ids\": [".into()),
        },
    ]);
    assert!(rig.reads.is_empty());
    assert_eq!(rig.requests.len(), 2, "the model is told at once");
    let results = rig.results();
    assert!(results[0].contains("no tool named"), "{results:?}");
    assert!(results[1].contains("unknown field odd") && results[1].contains("fields: ids"), "{results:?}");
    assert!(results[2].contains("not an object"), "{results:?}");
    assert!(results[3].contains("not JSON") && results[3].contains("ids, name, state"), "{results:?}");
    rig.check();
}

#[test]
fn a_thousand_calls_are_answers_not_a_crash() {
    let mut rig = Rig::new();
    rig.ask("q");
    rig.calls((0..1000).map(|n| call("x", "list_ec2_instances", json!({"name": n.to_string()}))));
    assert_eq!(rig.reads.len(), 16, "sixteen at a time");
    for left in (0..64).rev() {
        rig.read("r");
        assert_eq!(rig.reads.len(), left.min(16));
    }
    assert_eq!(rig.requests.len(), 2);
    assert!(rig.results()[64].contains("only the first 64"));
    rig.check();
    // More than any model means to send is cut off.
    rig.calls((0..1).map(|_| text("x")));
    rig.ask("again");
    for n in 0..1025 {
        rig.model(ModelEvent::BlockDone(call("", "list_ec2_instances", json!({"name": n.to_string()}))));
    }
    assert_eq!(rig.end(), Some(TurnEnd::ModelFailed));
    assert_eq!(rig.cancelled_models, [TurnId(2)]);
    rig.check();
}

#[test]
fn a_flood_of_text_is_cut_off() {
    let mut rig = Rig::new();
    rig.ask("q");
    for _ in 0..9 {
        if rig.session.idle() {
            break;
        }
        rig.model(ModelEvent::ToolInputDelta("x".repeat(1 << 20)));
    }
    assert_eq!(rig.end(), Some(TurnEnd::ModelFailed));
    assert_eq!(rig.cancelled_models, [TurnId(1)]);
    rig.check();
}

#[test]
fn the_iteration_limit() {
    for (asked, allowed) in [(0, 1), (3, 3), (99, 50)] {
        let mut rig = Rig::new();
        let settings = Settings { iterations: asked, ..rig.session.settings().clone() };
        rig.command(Command::Set(settings));
        rig.ask("q");
        let mut n = 0;
        while !rig.session.idle() {
            n += 1;
            rig.calls([call("a", "list_ec2_instances", json!({"name": n.to_string()}))]);
            rig.read(&format!("r{n}"));
        }
        assert_eq!(rig.end(), Some(TurnEnd::Iterations(allowed)));
        assert_eq!(rig.requests.len(), allowed as usize);
        rig.check();
    }
}

#[test]
fn three_times_the_same_is_a_loop() {
    let mut rig = Rig::new();
    rig.ask("q");
    for n in 0..3 {
        assert_eq!(rig.end(), None, "round {n}");
        rig.now = rig.now.plus(Duration::from_secs(60));
        rig.calls([call("a", "list_ec2_instances", json!({"ids": []}))]);
        let read = rig.reads.remove(0);
        let fresh = Projection { as_of: rig.now, ..result("same") };
        rig.feed(Input::Read(read.call, Ok((fresh, CallStats::default()))));
    }
    assert!(matches!(rig.end(), Some(TurnEnd::Loop(why)) if why.contains("list_ec2_instances")));
    rig.check();
}

#[test]
fn different_results_are_no_loop() {
    let mut rig = Rig::new();
    rig.ask("q");
    for n in 0..6 {
        rig.now = rig.now.plus(Duration::from_secs(60));
        rig.calls([call("a", "list_ec2_instances", json!({}))]);
        rig.read(if n % 2 == 0 { "even" } else { "odd" });
    }
    assert_eq!(rig.end(), None);
}

#[test]
fn tracking_writes_down_what_the_model_wants() {
    let mut rig = Rig::with(Setup { mode: Mode::Track, ..setup() });
    rig.ask("q");
    rig.calls([
        call("a", "list_ec2_instances", json!({})),
        stop("b", "i-1"),
        call("c", "list_ec2_instances", json!({"odd": 1})),
    ]);
    assert!(rig.reads.is_empty() && rig.plans.is_empty());
    assert_eq!(rig.outcome(CallId(1)), Some(Outcome::Recorded));
    assert_eq!(rig.outcome(CallId(2)), Some(Outcome::Recorded));
    assert_eq!(rig.fault(CallId(3)).kind, FaultKind::Invalid, "arguments are checked even so");
    rig.run("list_ec2_instances", json!({}));
    assert_eq!(rig.reads.len(), 1, "a person's calls run");
    rig.check();
}

#[test]
fn read_only_has_no_write_tools() {
    let mut rig = Rig::with(Setup { mode: Mode::ReadOnly, ..setup() });
    rig.ask("q");
    let names: Vec<&str> = rig.requests[0].tools.iter().map(|t| t.name.as_str()).collect();
    assert_eq!(names, ["get_cloudwatch_logs", "list_ec2_instances"]);
    rig.calls([stop("a", "i-1")]);
    assert!(rig.plans.is_empty());
    assert_eq!(rig.fault(CallId(1)).kind, FaultKind::Refused);
    rig.run("stop_instances", json!({"ids": ["i-1"]}));
    assert!(rig.plans.is_empty());
    rig.command(Command::SetMode(Mode::Execute));
    rig.calls([stop("b", "i-1")]);
    assert_eq!(rig.plans.len(), 1, "the mode takes effect at once");
    rig.command(Command::Cancel);
    rig.ask("again");
    assert_eq!(rig.requests.last().unwrap().tools.len(), 4);
    rig.check();
}

#[test]
fn no_secret_is_written_down_shown_or_sent() {
    let secret = "AKIAIOSFODNN7ABCDEFG";
    let mut rig = Rig::new();
    rig.ask(&format!("what is {secret} for?"));
    for piece in ["it is AKIAIOSF", "ODNN7ABCDEFG", " of sam"] {
        rig.model(ModelEvent::TextDelta(piece.into()));
    }
    rig.calls([
        text(&format!("it is {secret} of sam")),
        call("a", "list_ec2_instances", json!({"name": secret})),
        call("b", "get_cloudwatch_logs", json!({})),
    ]);
    assert_eq!(rig.reads[0].args["name"], secret, "the call itself is made with what was asked for");
    let read = rig.reads.remove(0);
    let mut leak = result(secret);
    leak.rows[0].cells[0] = format!("key={secret}").into();
    leak.notes.push(secret.into());
    rig.feed(Input::Read(read.call, Ok((leak, CallStats::default()))));
    rig.read_fails(Fault::new(FaultKind::Invalid, secret).hint(secret));
    rig.run("list_ec2_instances", json!({"odd": secret}));
    assert!(!rig.stored.concat().contains(secret));
    assert!(!format!("{:?}", rig.requests).contains(secret));
    assert!(!rig.shown.contains(secret), "{}", rig.shown);
    rig.check();
}
