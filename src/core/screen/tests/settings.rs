//! The settings: moving, choosing, typing, what is wrong, what is in front, and what is saved.

use crate::approval::fixture::calm;
use crate::command::Command;
use crate::journal::Fact;
use crate::models::Models;
use crate::scope::Mode;
use crate::screen::fixture::Rig;
use crate::screen::{Edit, Field, Hit, HitTarget, Mouse, MouseKind, Msg, Save, Saved, Shown};
use crate::settings::{Ceiling, Origin, Settings, Value};
use std::sync::Arc;

/// A console on Sonnet, out of the composer.
fn rig() -> Rig {
    let mut rig = Rig::new();
    let settings =
        Settings { provider: "anthropic".into(), model: "claude-sonnet-5-5".into(), ..Settings::default() };
    rig.screen.ledger.settings = settings.clone();
    rig.screen.given.settings = settings;
    rig.screen.given.themes = vec!["dark", "light"];
    (rig.screen.theme, rig.screen.given.theme) = ("dark".into(), "dark".into());
    rig.keys("<Esc>");
    rig
}

/// The same with the settings open on `field`.
fn on(field: Field) -> Rig {
    let mut rig = rig();
    rig.keys(&format!(",{}", "j".repeat(field.at())));
    assert_eq!(rig.screen.panel.as_ref().unwrap().selected, field);
    rig
}

fn edit(rig: &Rig) -> Option<&Edit> {
    rig.screen.panel.as_ref()?.edit.as_ref()
}

fn said(rig: &Rig) -> String {
    rig.screen.panel.as_ref().map_or_else(String::new, |panel| panel.said.join(" | "))
}

fn notices(rig: &Rig) -> String {
    rig.screen.notices.iter().map(|notice| notice.text.as_str()).collect::<Vec<_>>().join(" | ")
}

fn set(commands: &[Command]) -> Settings {
    let [Command::Set(settings)] = commands else { panic!("{commands:?}") };
    settings.clone()
}

fn whose(commands: &[Command]) -> (String, String) {
    let settings = set(commands);
    (settings.provider, settings.model)
}

/// What a line of the palette did, and what is wrong with it.
fn line(rig: &mut Rig, line: &str) -> Result<Vec<Command>, String> {
    let commands = rig.keys(&format!(":{line}<Enter>"));
    match rig.screen.palette.take() {
        Some(palette) => {
            assert!(commands.is_empty(), "{line}");
            assert_eq!(palette.text, line, "what was typed stays");
            Err(palette.error.unwrap_or_default())
        }
        None => Ok(commands),
    }
}

/// The same models, and these.
fn with_models(rig: &mut Rig, text: &str) {
    rig.screen.models = Arc::new(Models::embedded().clone().extended(text).unwrap());
}

#[test]
fn opens_moves_and_closes_the_innermost() {
    let mut composing = Rig::new();
    composing.keys("a, b");
    assert_eq!((composing.screen.composer.text.as_str(), composing.screen.panel.is_none()), ("a, b", true));

    let mut rig = rig();
    assert!(rig.keys(",").is_empty());
    let at = |rig: &Rig| rig.screen.panel.as_ref().unwrap().selected;
    assert_eq!(at(&rig), Field::Provider);
    for (keys, field) in [
        ("k", Field::Provider),
        ("j<Down>", Field::Effort),
        ("<Up>", Field::Model),
        ("G", Field::Theme),
        ("j", Field::Theme),
        ("g", Field::Provider),
    ] {
        rig.keys(keys);
        assert_eq!(at(&rig), field, "{keys}");
    }
    rig.keys("?");
    assert!(rig.screen.help.is_some());
    rig.keys("<Esc>");
    assert!(rig.screen.help.is_none() && rig.screen.panel.is_some());
    rig.keys("<Enter>");
    assert!(edit(&rig).is_some());
    rig.keys("<Esc>");
    assert!(edit(&rig).is_none() && rig.screen.panel.is_some(), "Esc leaves the value, then the settings");
    rig.keys("<Esc>");
    assert!(rig.screen.panel.is_none());
    assert_eq!(notices(&rig), "", "nothing was changed: nothing to remind of");

    for (command, field) in [
        ("settings", Field::Provider),
        ("model", Field::Model),
        ("provider", Field::Provider),
        ("effort", Field::Effort),
        ("theme", Field::Theme),
    ] {
        assert!(line(&mut rig, command).unwrap().is_empty(), "{command}");
        assert_eq!(at(&rig), field, "{command}");
        rig.keys("<Esc>");
    }
}

#[test]
fn every_field_takes_its_values() {
    let now = rig().screen.ledger.settings.clone();
    let with = |change: fn(&mut Settings)| {
        let mut settings = now.clone();
        change(&mut settings);
        settings
    };
    for (field, keys, wanted) in [
        (Field::Iterations, "<Enter><Ctrl-u>50<Enter>", with(|s| s.iterations = 50)),
        (Field::Iterations, "<Enter><Backspace><Enter>", with(|s| s.iterations = 2)),
        (Field::Iterations, "<Right>", with(|s| s.iterations = 21)),
        (Field::Iterations, "h", with(|s| s.iterations = 19)),
        (Field::MaxTokens, "<Enter><Ctrl-u>8k<Enter>", with(|s| s.max_tokens = 8_000)),
        (Field::MaxTokens, "l", with(|s| s.max_tokens = 17_000)),
        (Field::Effort, "<Enter>hi<Enter>", with(|s| s.effort = Some("high".into()))),
        (Field::Effort, "<Enter><Down><Enter>", with(|s| s.effort = Some("low".into()))),
        (Field::Effort, "<Enter>xhigh<Down><Down><Enter>", with(|s| s.effort = Some("xhigh".into()))),
        (Field::Effort, "<Left>", with(|s| s.effort = Some("high".into()))),
        (Field::TurnTokens, "<Enter><Ctrl-u>1.5M<Enter>", with(|s| s.ceiling.tokens = Some(1_500_000))),
        (Field::TurnTokens, "<Right>", with(|s| s.ceiling.tokens = Some(100_000))),
        (Field::TurnDollars, "<Enter><Ctrl-u>$2.50<Enter>", with(|s| s.ceiling.dollars = Some(2.5))),
        (Field::TurnDollars, "<Right>", with(|s| s.ceiling.dollars = Some(0.5))),
        (Field::Model, "<Enter>opus<Enter>", with(|s| s.model = "claude-opus-5-5".into())),
        (Field::Model, "<Enter><Up><Enter>", with(|s| s.model = "claude-opus-5-5".into())),
        (Field::Model, "<Right>", with(|s| s.model = "claude-haiku-5-5".into())),
        (
            Field::Provider,
            "<Enter>offl<Enter>",
            with(|s| (s.provider, s.model) = ("offline".into(), "runbooks".into())),
        ),
    ] {
        let mut rig = on(field);
        let settings = set(&rig.keys(keys));
        assert_eq!(settings, wanted, "{field:?} {keys}");
        assert!(edit(&rig).is_none() && !said(&rig).is_empty(), "{field:?} {keys}: it is told");
        assert_eq!(rig.screen.in_force(), &wanted, "shown at once");
        assert_eq!(rig.screen.ledger.settings, now, "and true once the engine says so");
        rig.append(Fact::SettingsChanged { settings: wanted.clone() });
        assert_eq!((rig.screen.in_force(), &rig.screen.ledger.settings), (&wanted, &wanted));
    }
    let mut limited = on(Field::TurnTokens);
    limited.screen.ledger.settings.ceiling = Ceiling { tokens: Some(100_000), dollars: Some(2.7) };
    assert_eq!(set(&limited.keys("<Left>")).ceiling.tokens, None, "below the first step there is no ceiling");
    assert!(said(&limited).contains("$2.70"), "{}", said(&limited));
    assert_eq!(set(&limited.keys("j<Left>")).ceiling.dollars, Some(2.2), "in cents");
    assert_eq!(set(&limited.keys("<Enter><Ctrl-u>none<Enter>")).ceiling, Ceiling::default());
    assert!(said(&limited).contains("no ceiling"));
}

#[test]
fn a_wrong_value_stays_to_be_put_right() {
    for (field, typed, part) in [
        (Field::Iterations, "51", "1 to 50"),
        (Field::Iterations, "0", "1 to 50"),
        (Field::Iterations, "many", "1 to 50"),
        (Field::Iterations, "", "1 to 50"),
        (Field::MaxTokens, "255", "256 to 200000"),
        (Field::MaxTokens, "1M", "256 to 200000"),
        (Field::TurnTokens, "-1", "2M or 500k, or none"),
        (Field::TurnTokens, "2G", "2M or 500k, or none"),
        (Field::TurnDollars, "1001", "0.01 to 1000"),
        (Field::Provider, "zzz", "no provider \"zzz\""),
        (Field::Theme, "pink", "dark, light"),
        (Field::Mode, "zzz", "EXECUTE or TRACK"),
        (Field::Effort, "very high", "one word"),
        (Field::Model, "two words", "one word"),
    ] {
        let mut rig = on(field);
        assert!(rig.keys(&format!("<Enter><Ctrl-u>{typed}<Enter>")).is_empty(), "{field:?} {typed}");
        let open = edit(&rig).unwrap_or_else(|| panic!("{field:?} {typed}: it is open still"));
        assert!(open.error.as_ref().unwrap().contains(part), "{field:?} {typed}: {:?}", open.error);
        assert_eq!((open.text.as_str(), open.cursor), (typed, typed.len()), "{field:?}");
        rig.keys("<Left>");
        assert!(edit(&rig).unwrap().error.is_some(), "a moved cursor corrects nothing");
        rig.keys("1");
        assert_eq!(edit(&rig).unwrap().error, None, "typing on takes the error away");
        rig.keys("<Esc>");
        assert!(edit(&rig).is_none() && rig.screen.unsaved().is_empty());
    }
    let mut rig = on(Field::Iterations);
    rig.keys("<Enter><Ctrl-u>99<Enter><Backspace>");
    assert_eq!(set(&rig.keys("<Enter>")).iterations, 9, "put right and taken");
}

#[test]
fn ends_of_the_ranges() {
    let mut rig = on(Field::Iterations);
    rig.screen.ledger.settings.iterations = 50;
    assert!(rig.keys("<Right>").is_empty());
    assert_eq!(said(&rig), "it is so already");
    rig.screen.ledger.settings.iterations = 1;
    assert!(rig.keys("<Left>").is_empty());
    rig.keys("j");
    rig.screen.ledger.settings.max_tokens = 1_000;
    assert_eq!(set(&rig.keys("<Left>")).max_tokens, 256);
    rig.keys("G");
    assert!(rig.keys("<Right>").is_empty(), "the theme is the screen's own");
    assert_eq!((rig.screen.theme.as_str(), said(&rig).as_str()), ("light", "the theme is light"));
    let unsaved = rig.screen.unsaved();
    assert!(unsaved.contains(&("max_tokens", Value::Whole(256))), "{unsaved:?}");
    assert!(unsaved.contains(&("theme", Value::Text("light".into()))), "{unsaved:?}");
}

#[test]
fn which_model_is_meant() {
    for (command, provider, model) in [
        ("model claude-opus-5-5", "anthropic", "claude-opus-5-5"),
        ("model gpt-6-astra", "openai", "gpt-6-astra"),
        ("model openai gpt-6-astra", "openai", "gpt-6-astra"),
        ("model openai/gpt-6-astra", "openai", "gpt-6-astra"),
        ("model bedrock arn:aws:bedrock:eu-west-1:1:x/y", "bedrock", "arn:aws:bedrock:eu-west-1:1:x/y"),
        ("model something-nobody-lists", "anthropic", "something-nobody-lists"),
        ("provider openai", "openai", "gpt-6.1-sol"),
    ] {
        let mut rig = rig();
        let commands = line(&mut rig, command).unwrap_or_else(|why| panic!("{command}: {why}"));
        assert_eq!(whose(&commands), (provider.to_owned(), model.to_owned()), "{command}");
        let told = notices(&rig);
        let listed = !model.starts_with("arn") && !model.starts_with("some");
        assert_eq!(told.contains("not in the models table"), !listed, "{command}: {told}");
        assert!(told.contains("from the next round on"), "{command}: {told}");
    }
    for (command, part) in [
        ("model sonnet", "did you mean `:model anthropic claude-sonnet-5-5`?"),
        ("model gpt-6", "did you mean `:model openai gpt-6-astra`?"),
        ("model opneai x", "did you mean openai?"),
        ("provider bedrok", "did you mean bedrock?"),
        ("model openai", "`:provider openai` takes its default model"),
        ("model a b c", "a name, or a provider and a name"),
        ("model offline gpt-6-astra", "has no model \"gpt-6-astra\""),
        ("theme pink", "dark, light"),
        ("effort very high", "one word"),
    ] {
        let mut rig = rig();
        let why = line(&mut rig, command).unwrap_err();
        assert!(why.contains(part), "{command}: {why}");
    }
    let long = "m".repeat(2_049);
    let mut rig = rig();
    assert!(rig.screen.set_field(Field::Model, &format!("anthropic {long}")).unwrap_err().contains("2048"));
    // The unlisted id in the settings themselves: what is typed means the provider in force.
    let mut rig = on(Field::Model);
    assert_eq!(whose(&rig.keys("<Enter>claude-x-1<Enter>")).1, "claude-x-1");
    assert!(said(&rig).contains("not in the models table"), "{}", said(&rig));
}

#[test]
fn a_name_that_several_have() {
    let mut rig = rig();
    let both = |provider: &str| {
        format!(
            "[[model]]\nid = \"twin\"\nprovider = \"{provider}\"\nname = \"t\"\nwindow = 1000\nmax_output = 100\n"
        )
    };
    with_models(&mut rig, &(both("openai") + &both("bedrock")));
    let why = line(&mut rig, "model twin").unwrap_err();
    assert_eq!(why, "bedrock and openai have twin; say whose: `:model bedrock twin`");
    assert_eq!(whose(&line(&mut rig, "model openai twin").unwrap()), ("openai".into(), "twin".into()));
    // On one that has it, it is that one's.
    assert!(line(&mut rig, "model twin").unwrap().is_empty());
    assert!(notices(&rig).contains("it is so already"));

    // One endpoint may stand for many, and its ids have slashes.
    let mut chat = self::rig();
    set(&line(&mut chat, "provider openai-compatible").unwrap());
    let why = line(&mut chat, "model openai/gpt-6-astra").unwrap_err();
    assert!(
        why.contains("`:model openai gpt-6-astra`, or `:model openai-compatible openai/gpt-6-astra`"),
        "{why}"
    );
    assert_eq!(whose(&line(&mut chat, "model qwen/qwen3").unwrap()).1, "qwen/qwen3");
}

#[test]
fn what_may_follow_is_listed() {
    let names = |rig: &Rig| -> Vec<String> {
        rig.screen.palette.as_ref().unwrap().matches.iter().map(|m| m.name.clone()).collect()
    };
    let mut rig = rig();
    rig.keys(":model ");
    assert!(names(&rig).first().unwrap().starts_with("anthropic "), "those in force first");
    rig.keys("astra");
    assert_eq!(names(&rig).first().unwrap(), "openai gpt-6-astra");
    assert_eq!(whose(&rig.keys("<Tab><Enter>")), ("openai".into(), "gpt-6-astra".into()));
    rig.keys(":effort ");
    assert_eq!(names(&rig), ["default", "low", "medium", "high"]);
}

#[test]
fn effort_and_provider() {
    let mut rig = on(Field::Effort);
    rig.screen.ledger.settings.effort = Some("high".into());
    assert_eq!(set(&rig.keys("<Enter>default<Enter>")).effort, None);
    assert_eq!(rig.screen.value(Field::Effort).0, "default");
    assert_eq!(set(&line(&mut rig_of_effort(None), "effort HIGH").unwrap()).effort.as_deref(), Some("high"));
    // One's own word does not go along to another provider; those that all know do.
    let mut own = rig_of_effort(Some("ultra"));
    assert_eq!(set(&line(&mut own, "provider openai").unwrap()).effort, None);
    assert!(notices(&own).contains("effort ultra was anthropic's word"), "{}", notices(&own));
    let mut known = rig_of_effort(Some("low"));
    assert_eq!(set(&line(&mut known, "provider openai").unwrap()).effort.as_deref(), Some("low"));

    // A key that is missing is said, and it is taken all the same.
    let mut rig = on(Field::Provider);
    rig.screen.given.lacking.insert("openai".into(), "openai has no key: set OPENAI_API_KEY".into());
    assert_eq!(whose(&rig.keys("<Enter>openai<Enter>")).0, "openai");
    assert!(said(&rig).contains("set OPENAI_API_KEY"), "{}", said(&rig));
    assert_eq!(rig.screen.value(Field::Provider), ("openai".into(), "no key".into()));

    // Looked at and left: the model that was chosen of it stays.
    let mut rig = on(Field::Provider);
    rig.screen.ledger.settings.model = "claude-opus-5-5".into();
    assert!(rig.keys("<Enter><Enter>").is_empty());
    assert_eq!(rig.screen.in_force().model, "claude-opus-5-5");
}

fn rig_of_effort(word: Option<&str>) -> Rig {
    let mut rig = rig();
    rig.screen.ledger.settings.effort = word.map(str::to_owned);
    rig
}

#[test]
fn the_mode() {
    let mut rig = on(Field::Mode);
    let track = rig.keys("<Right>");
    assert!(matches!(track.as_slice(), [Command::SetMode(Mode::Track)]), "{track:?}");
    rig.append(Fact::ModeChanged { mode: Mode::Track });
    assert!(rig.keys("<Enter>exec<Enter>").is_empty());
    assert!(rig.screen.question.is_some(), "back to executing asks");
    rig.keys("<Esc>");
    assert!(rig.screen.question.is_none() && rig.screen.panel.is_some());
    assert!(rig.keys("<Left>").is_empty());
    let execute = rig.keys("<Enter>");
    assert!(matches!(execute.as_slice(), [Command::SetMode(Mode::Execute)]), "{execute:?}");
    assert!(rig.screen.unsaved().is_empty(), "the mode is never kept");

    rig.append(Fact::ModeChanged { mode: Mode::ReadOnly });
    for keys in ["<Enter>", "<Left>", "<Right>"] {
        assert!(rig.keys(keys).is_empty() && edit(&rig).is_none());
        assert!(said(&rig).contains("read-only"), "{keys}: {}", said(&rig));
    }
    assert_eq!(rig.screen.value(Field::Mode).1, "for the whole session");
}

#[test]
fn what_is_fixed_says_where_it_is_set() {
    let mut rig = on(Field::Insights);
    for keys in ["<Enter>", "<Left>", "<Right>"] {
        assert!(rig.keys(keys).is_empty() && edit(&rig).is_none());
        assert!(said(&rig).contains("insights_budget_gb"), "{keys}");
    }
}

#[test]
fn a_gate_goes_in_front_and_the_value_stays() {
    let mut rig = on(Field::Iterations);
    rig.keys("<Enter><Ctrl-u>4");
    assert!(rig.ask(1, calm(), "BDEF").is_empty());
    // Neither what was on its way nor a paste reaches the settings, and nothing of it approves.
    assert!(rig.keys("2s").is_empty());
    rig.msg(Msg::Paste("7".into()));
    assert_eq!(edit(&rig).unwrap().text, "4");
    rig.keys("<Esc>");
    let refused = rig.screen.dialog.is_none();
    if !refused {
        rig.msg(Msg::Suspend);
    }
    assert!(rig.screen.dialog.is_none());
    assert_eq!(set(&rig.keys("<Enter>")).iterations, 4, "it is as it was left");
}

#[test]
fn pasted() {
    let mut rig = on(Field::Model);
    rig.msg(Msg::Paste("s".into()));
    assert!(
        rig.screen.composer.is_empty() && edit(&rig).is_none(),
        "nothing is typed here: nothing is pasted"
    );
    assert!(rig.screen.take_save().is_none());
    rig.keys("<Enter>");
    assert!(rig.msg(Msg::Paste("my-\u{1b}[31mmodel\n".into())).is_empty(), "a line end accepts nothing");
    let text = edit(&rig).unwrap().text.clone();
    assert!(text.starts_with("my-") && !text.contains(['\u{1b}', '\n']), "{text:?}");
    assert!(rig.screen.composer.is_empty());
}

#[test]
fn the_mouse_selects_and_changes_nothing() {
    let mut rig = on(Field::Provider);
    let rows = |n: usize| Shown {
        targets: (0..n)
            .map(|at| HitTarget { area: (5, u16::try_from(at).unwrap(), 50, 1), hit: Hit::Setting(at) })
            .collect(),
        ..Shown::default()
    };
    rig.msg(Msg::Drawn(rows(Field::ALL.len())));
    let at = |rig: &Rig| rig.screen.panel.as_ref().unwrap().selected;
    for (place, kind, field) in [
        ((10, 3), MouseKind::Click, Field::Iterations),
        ((0, 6), MouseKind::Click, Field::Iterations),
        ((10, 3), MouseKind::Down, Field::MaxTokens),
        ((10, 3), MouseKind::Up, Field::Iterations),
        ((10, 2), MouseKind::Click, Field::Effort),
    ] {
        assert!(rig.msg(Msg::Mouse(Mouse { at: place, kind })).is_empty());
        assert_eq!(at(&rig), field, "{place:?} {kind:?}");
    }
    rig.keys("<Enter>");
    rig.msg(Msg::Drawn(rows(4)));
    rig.msg(Msg::Mouse(Mouse { at: (10, 3), kind: MouseKind::Click }));
    assert_eq!(edit(&rig).unwrap().chosen, 3);
    assert_eq!(set(&rig.keys("<Enter>")).effort.as_deref(), Some("high"));
}

/// What was changed and is not saved, by its mark and by where it came from.
#[test]
fn marks_of_what_is_not_saved() {
    let mut rig = on(Field::Iterations);
    rig.screen.given.origins.insert("model", Origin::Flag("--model"));
    rig.screen.given.origins.insert("theme", Origin::File);
    for (field, origin) in [
        (Field::Model, "--model"),
        (Field::Theme, "your file"),
        (Field::Effort, "default"),
        (Field::Mode, "this session"),
    ] {
        assert_eq!(rig.screen.origin(field), origin);
    }
    rig.keys("<Right>");
    assert_eq!(rig.screen.unsaved(), [("iterations", Value::Whole(21))]);
    assert_eq!(rig.screen.origin(Field::Iterations), "this session");
    rig.keys("<Left>");
    assert!(rig.screen.unsaved().is_empty(), "changed back is not changed");
    assert_eq!(rig.screen.origin(Field::Iterations), "default");
    rig.keys("<Right><Esc>");
    assert!(notices(&rig).contains(":save-settings keeps it"), "{}", notices(&rig));
}

fn written(save: Save, written: Result<&str, &str>) -> Msg {
    Msg::Saved(Saved { save, written: written.map(str::to_owned).map_err(str::to_owned) })
}

#[test]
fn saved_once_and_told() {
    let mut rig = on(Field::Iterations);
    rig.screen.given.origins.insert("model", Origin::Flag("--model"));
    rig.keys("s");
    assert!(rig.screen.take_save().is_none());
    assert_eq!(said(&rig), "nothing to save: nothing was changed");

    rig.keys("<Right>s");
    let save = rig.screen.take_save().expect("it is to be written");
    assert_eq!(save.changes, [("iterations", Value::Whole(21))], "and nothing that was not touched");
    assert!(rig.screen.take_save().is_none(), "once");
    rig.msg(written(save.clone(), Err("not saved: it is read-only")));
    assert_eq!(said(&rig), "not saved: it is read-only");
    assert_eq!(rig.screen.unsaved(), save.changes, "still to be saved");
    rig.msg(written(save, Ok("/home/sam/config.toml")));
    assert!(said(&rig).ends_with("saved iterations to /home/sam/config.toml"), "{}", said(&rig));
    assert!(rig.screen.unsaved().is_empty());
    assert_eq!(rig.screen.origin(Field::Iterations), "your file");

    // What was changed while it was written is not saved.
    rig.keys("<Right>s");
    let save = rig.screen.take_save().unwrap();
    rig.keys("<Right>");
    rig.msg(written(save, Ok("f")));
    assert_eq!(rig.screen.unsaved(), [("iterations", Value::Whole(23))]);

    // Without the settings open, a notice tells it; a flag that was given says that it wins.
    rig.keys("<Esc>");
    set(&line(&mut rig, "model claude-opus-5-5").unwrap());
    assert!(line(&mut rig, "save-settings").unwrap().is_empty());
    let save = rig.screen.take_save().unwrap();
    let keys: Vec<_> = save.changes.iter().map(|(key, _)| *key).collect();
    assert_eq!(keys, ["provider", "model", "iterations"], "a model goes with its provider");
    rig.msg(written(save, Ok("f")));
    let told = notices(&rig);
    assert!(
        told.contains("saved provider, model, iterations to f | --model wins while it is given"),
        "{told}"
    );
}

/// What the engine says last holds, whatever was sent before.
#[test]
fn changes_that_cross() {
    let mut rig = on(Field::Iterations);
    let first = set(&rig.keys("<Right>"));
    let second = set(&rig.keys("<Right>"));
    rig.append(Fact::SettingsChanged { settings: first });
    assert_eq!(rig.screen.in_force().iterations, 22, "the newer one is under way");
    rig.append(Fact::SettingsChanged { settings: second.clone() });
    assert_eq!(rig.screen.ledger.settings, second);
    let elsewhere = Settings { iterations: 3, ..second };
    rig.append(Fact::SettingsChanged { settings: elsewhere.clone() });
    assert_eq!(rig.screen.in_force(), &elsewhere, "another front changed it");
}
