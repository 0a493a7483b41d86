//! The palette: what is found, what runs, what is wrong with a line.

use crate::command::Command;
use crate::id::StepNo;
use crate::journal::Fact;
use crate::scope::Mode;
use crate::screen::Focus;
use crate::screen::fixture::Rig;

fn found(rig: &Rig) -> Vec<&str> {
    rig.screen.palette.as_ref().unwrap().matches.iter().map(|m| m.name.as_str()).collect()
}

#[test]
fn a_few_letters_find_it() {
    for (letters, first) in [
        ("track", "track"),
        ("trk", "track"),
        ("ecs", "ecs"),
        ("listecs", "list_ecs_services"),
        ("logs", "logs"),
        ("cwlogs", "get_cloudwatch_logs"),
        ("STOP", "stop_instances"),
        ("qu", "quit"),
        // Nothing is called that, but something does that.
        ("mouse belongs", "mouse"),
    ] {
        let mut rig = Rig::new();
        rig.keys(":");
        rig.keys(&letters.replace(' ', ""));
        assert_eq!(found(&rig).first(), Some(&first), "{letters}");
    }
    let mut rig = Rig::new();
    rig.keys(":");
    assert!(found(&rig).contains(&"ecs") && found(&rig).contains(&"stop_instances"));
    assert!(!found(&rig).contains(&"ec2"), "there is no such tool in this catalogue");
    assert_eq!(
        rig.screen.palette.as_ref().unwrap().matches.iter().find(|m| m.name == "zoom").unwrap().key,
        Some("z".into())
    );
    rig.keys("zzzzz");
    assert!(found(&rig).is_empty());
    assert!(rig.keys("<Enter>").is_empty());
    assert!(rig.screen.palette.as_ref().unwrap().error.as_ref().unwrap().contains("no command \"zzzzz\""));
    rig.keys("<Backspace>");
    assert_eq!(rig.screen.palette.as_ref().unwrap().error, None, "typing on takes the error away");
}

#[test]
fn read_only_offers_no_change() {
    let mut rig = Rig::new();
    rig.append(Fact::ModeChanged { mode: Mode::ReadOnly });
    rig.keys(":");
    assert!(!found(&rig).contains(&"stop_instances"));
    assert!(rig.keys("stop_instances --ids i-1<Enter>").is_empty());
    assert!(rig.screen.palette.is_some());
}

#[test]
fn lines_that_run() {
    for (line, expected) in [
        ("list_ecs_services", "list_ecs_services {}"),
        ("listecs", "list_ecs_services {}"),
        ("ecs ", "list_ecs_services {}"),
        ("tasks<Backspace><Backspace><Backspace><Backspace><Backspace>ecs", "list_ecs_services {}"),
        ("ecs", "list_ecs_services {}"),
        ("ecs checkout", r#"list_ecs_services {"service":"checkout"}"#),
        ("ecs --only-unhealthy", r#"list_ecs_services {"only_unhealthy":true}"#),
        ("ecs checkout --cluster=prod", r#"list_ecs_services {"cluster":"prod","service":"checkout"}"#),
        ("logs /aws/lambda/x --limit 5", r#"get_cloudwatch_logs {"limit":5,"log_group":"/aws/lambda/x"}"#),
        ("logs '/with space'", r#"get_cloudwatch_logs {"log_group":"/with space"}"#),
        ("stop_instances --ids i-1 --ids i-2", r#"stop_instances {"ids":["i-1","i-2"]}"#),
    ] {
        let mut rig = Rig::new();
        rig.keys(":");
        let commands = rig.keys(&format!("{line}<Enter>"));
        let [Command::Call { tool, args, fresh: false }] = commands.as_slice() else {
            panic!("{line}: {commands:?} {:?}", rig.screen.palette)
        };
        assert_eq!(format!("{tool} {args}"), expected, "{line}");
        assert!(rig.screen.palette.is_none());
    }
}

#[test]
fn lines_with_an_error_stay() {
    for (line, part) in [
        ("ecs --colour red", "colour"),
        ("ecs --cluster wrong", "cluster cannot be wrong"),
        ("ecs --cluster", "cluster"),
        ("logs x --limit many", "limit"),
        ("logs 'x", ""),
        ("iterations 51", "1 to 50"),
        ("iterations 0", "1 to 50"),
        ("iterations x", "1 to 50"),
        ("mouse maybe", "on or off"),
        ("step 99", "no step #99"),
        ("#99", "no step #99"),
        ("step x", "number"),
        ("quit now", "no argument"),
        ("nonsense here", "no command"),
    ] {
        let mut rig = Rig::with_calls(1);
        rig.keys(":");
        assert!(rig.keys(&format!("{line}<Enter>")).is_empty(), "{line}");
        let palette = rig.screen.palette.as_ref().expect(line);
        assert!(palette.error.as_ref().unwrap().contains(part), "{line}: {:?}", palette.error);
        assert_eq!(palette.text, line);
    }
}

#[test]
fn commands_without_the_engine() {
    let mut rig = Rig::with_calls(4);
    let set = rig.keys(":iterations 7<Enter>");
    assert!(matches!(set.as_slice(), [Command::Set(settings)] if settings.iterations == 7));
    rig.keys(":mouse off<Enter>");
    assert!(!rig.screen.mouse);
    rig.keys(":step 2<Enter>");
    assert_eq!((rig.screen.timeline.selected, rig.screen.focus), (Some(StepNo(2)), Focus::Timeline));
    rig.keys(":#3<Enter>");
    assert_eq!(rig.screen.timeline.selected, Some(StepNo(3)));
    rig.keys(":filter logs<Enter>");
    assert_eq!(rig.screen.timeline.filter.text, "logs");
    rig.keys(":filter<Enter>");
    assert!(rig.screen.timeline.filter.is_empty());
    rig.keys(":errors<Enter>:calls<Enter>:follow<Enter>");
    assert!(rig.screen.timeline.filter.errors && rig.screen.timeline.filter.calls);
    rig.keys(":redraw<Enter>");
    assert!(rig.screen.redraw);
    rig.keys(":help<Enter>");
    assert!(rig.screen.help.is_some());
}

#[test]
fn completing() {
    for (keys, text) in [
        ("tr<Tab>", "track "),
        ("<Down><Tab>", "logs "),
        ("iter<Enter>", "iterations "),
        ("<Down><Enter>", "logs "),
        ("step<Enter>", "step "),
        ("listecs<Tab>", "list_ecs_services "),
        ("ecs <Tab>", "ecs --cluster "),
        ("ecs <Down><Down><Tab>", "ecs --service "),
        ("ecs --un<Tab>", "ecs --only-unhealthy "),
        ("ecs --cluster x <Tab>", "ecs --cluster x --only-unhealthy "),
        ("ecs <Down><Ctrl-p><Up><Tab>", "ecs --cluster "),
    ] {
        let mut rig = Rig::new();
        rig.keys(":");
        rig.keys(keys);
        let palette = rig.screen.palette.as_ref().unwrap();
        assert_eq!((palette.text.as_str(), palette.cursor), (text, text.len()), "{keys}");
    }
}

#[test]
fn fields_are_listed_while_flags_are_typed() {
    let mut rig = Rig::new();
    rig.keys(":ecs ");
    assert_eq!(found(&rig), ["--cluster", "--only-unhealthy", "--service"]);
    assert_eq!(rig.screen.palette.as_ref().unwrap().matches[0].doc, "The cluster's name.");
    rig.keys("--cluster=prod --ser");
    assert_eq!(found(&rig), ["--service"]);
    rig.keys("vice x ");
    assert_eq!(found(&rig), ["--only-unhealthy"]);
}

#[test]
fn closing_gives_back_what_was_before() {
    let mut rig = Rig::new();
    rig.keys(":abc<Esc>");
    assert!(rig.screen.palette.is_none());
    assert_eq!((rig.screen.focus, rig.screen.composer.text.as_str()), (Focus::Composer, ""));
    rig.keys("<Esc>:<Esc>");
    assert_eq!(rig.screen.focus, Focus::Timeline);
}
