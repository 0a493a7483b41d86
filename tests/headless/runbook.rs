//! `quarterdeck runbook`, and runbooks of one's own.

use super::scripted_anthropic::{Reply, Say, Scripted};
use super::{Place, Ran, printable, runtime};
use std::fs;
use std::path::PathBuf;

/// The runbook that the README shows.
fn readme() -> String {
    let text = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    let (_, section) = text.split_once("### Your own runbooks").unwrap();
    section.split_once("```toml\n").unwrap().1.split_once("```").unwrap().0.to_owned()
}

impl Place {
    /// Writes a runbook where the console looks for them.
    fn runbook(&self, file: &str, text: &str) -> PathBuf {
        let folder = self.0.path().join(".config/quarterdeck/runbooks");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(file), text).unwrap();
        folder.join(file)
    }

    fn check(&self, file: &str, text: &str) -> Ran {
        let path = self.0.path().join(file);
        fs::write(&path, text).unwrap();
        self.run(&["runbook", "check", file])
    }
}

#[test]
fn the_readmes_runbook_is_checked_and_answers() {
    let place = Place::new();
    let ran = place.check("queues.toml", &readme());
    ran.is(0, "");
    printable(&ran.out);
    for line in [
        "queues.toml: fine\n",
        "  phrases   the queue, queue grow, queue grows\n",
        "  round 1   list_lambda_functions only_failing=true: A function that fails",
        "  round 2   get_recent_changes resource={item.name} since=7d, for each of functions that fail or are throttled, 3 at most: ",
        "  changes   nothing",
    ] {
        assert!(ran.out.contains(line), "{line}: {}", ran.out);
    }
    assert!(!ran.out.contains("note"), "its example is its own: {}", ran.out);

    place.runbook("queues.toml", &readme());
    let ran =
        place.run(&["ask", "--demo=lambda-throttled", "--provider", "offline", "why does the queue grow?"]);
    assert!(matches!(ran.code, 0 | 5), "{}", ran.err);
    for words in [
        "was throttled",
        "PutFunctionConcurrency",
        "Because [#5] reports functions that fail or are throttled (3), `get_recent_changes` [#8] [#9] [#10]: Somebody may have",
        "the queues themselves, which no tool reads",
        "it follows your runbook `queues`",
    ] {
        assert!(ran.out.contains(words), "{words}: {}", ran.out);
    }
}

#[test]
fn mistakes_are_explained_all_at_once_and_the_others_work() {
    let place = Place::new();
    let wrong = readme()
        .replace("list_lambda_functions", "list_lamda_functions")
        .replace("since = \"7d\"", "sinse = \"7d\"")
        .replace("functions.rows\"\ndistinct", "function.rows\"\ndistinct");
    let ran = place.check("wrong.toml", &wrong);
    ran.is(
        1,
        "wrong.toml:13: there is no tool named \"list_lamda_functions\": did you mean: list_lambda_functions",
    );
    for line in [
        "wrong.toml:21: there is no `function` to look at: did you mean `functions`?",
        "wrong.toml:24: there is no argument \"sinse\": did you mean since?",
    ] {
        assert!(ran.err.contains(line), "{line}: {}", ran.err);
    }
    assert_eq!((ran.err.lines().count(), ran.out.as_str()), (3, ""), "{}", ran.err);
    for (from, to, says) in [
        (
            "only_failing = true",
            "only_failing = \"yes\"",
            "x.toml:14: only_failing takes true or false, not \"yes\"",
        ),
        ("since = \"7d\"", "since = 7", "x.toml:24: since takes text"),
        (
            "only_failing = true",
            "regions = \"{question.text}\", only = 1",
            "x.toml:14: there is no argument \"only\"",
        ),
        (
            "because = \"A function",
            "becuase = \"A function",
            "x.toml:15: there is no key `becuase` here: did you mean `because`?",
        ),
        (
            "\"list_lambda_functions\"",
            "\"stop_instances\"",
            "x.toml:13: stop_instances may change something, so the question must say what to do to what",
        ),
        (
            "\"get_recent_changes\"",
            "\"get_cloudwatch_logs\"",
            "x.toml:24: get_cloudwatch_logs needs the argument log_group: add it to args",
        ),
        ("name = \"queues\"", "name = [", "x.toml:2: this is not TOML: "),
    ] {
        let ran = place.check("x.toml", &readme().replacen(from, to, 1));
        ran.is(1, says);
    }
    place.run(&["runbook", "check", "nowhere.toml"]).is(1, "nowhere.toml:1: it cannot be read");
    place.run(&["runbook", "check"]).is(2, "<FILE>...");

    // One of them wrong, the other works; two with one name are told.
    place.runbook("a-queues.toml", &readme());
    place.runbook("b-again.toml", &readme());
    place.runbook("c-wrong.toml", &wrong);
    let list = place.run(&["runbook", "list"]);
    list.is(5, "b-again.toml:1: the name \"queues\" is that of");
    assert!(list.err.contains("c-wrong.toml:13: "), "{}", list.err);
    let mine = list.out.lines().find(|l| l.starts_with("queues ")).unwrap();
    assert!(mine.contains("the queue, queue grow") && mine.ends_with("runbooks/a-queues.toml"), "{mine}");
    assert!(list.out.lines().any(|l| l.starts_with("triage ") && l.ends_with("embedded")), "{}", list.out);
    let ran = place.run(&["ask", "--demo=lambda-throttled", "why does the queue grow?"]);
    assert!(ran.out.contains("your runbook `queues`"), "{}", ran.out);
}

#[test]
fn a_shipped_runbook_is_a_start_and_can_be_replaced() {
    let place = Place::new();
    let shown = place.run(&["runbook", "show", "services"]);
    shown.is(0, "");
    assert!(
        shown.out.contains("name = \"services\"") && shown.out.contains("[[answer.line]]"),
        "{}",
        shown.out
    );
    let mine = shown.out.replace("title = \"Services\"", "title = \"Our services\"");
    let checked = place.check("mine.toml", &mine);
    checked.is(0, "");
    assert!(checked.out.contains("in place of the shipped runbook of this name"), "{}", checked.out);
    place.runbook("mine.toml", &mine);
    let answer = place.run(&["ask", "--demo", "list services"]).out;
    assert!(answer.contains("**Our services**") && answer.contains("your runbook `services`"), "{answer}");
    let list = place.run(&["runbook", "list"]).out;
    assert!(list.contains("embedded, replaced by yours"), "{list}");
    assert!(place.run(&["runbook", "show", "services"]).out.contains("Our services"));
    place.run(&["runbook", "show", "servces"]).is(2, "did you mean services");
    // Every shipped one passes the check that one's own have to pass.
    for name in list.lines().filter_map(|l| l.split_whitespace().next()) {
        let text = Place::new().run(&["runbook", "show", name]).out;
        let ran = Place::new().check("copy.toml", &text);
        assert_eq!(ran.code, 0, "{name}: {}", ran.err);
    }
}

#[test]
fn only_the_answer_is_printed_and_the_thinking_is_in_the_record() {
    let runtime = runtime();
    let said = || vec![Say::Thinking("The deploy, I suppose."), Say::Text("It was the deploy.")];
    let server = runtime.block_on(Scripted::answering(move |_, _| Reply::Answer(said())));
    let env = [("ANTHROPIC_API_KEY", "sk-test"), ("ANTHROPIC_BASE_URL", &*server.url())];
    let plain = Place::new().run_with(&["ask", "--demo", "why?"], &env);
    assert_eq!(plain.out, "It was the deploy.\n", "{}", plain.err);
    assert!(!plain.err.contains("I suppose"), "{}", plain.err);
    let json = Place::new().run_with(&["ask", "--demo", "--json", "why?"], &env);
    assert!(json.out.contains("The deploy, I suppose."), "{}", json.out);
    let markdown = Place::new().run_with(&["ask", "--demo", "--markdown", "why?"], &env);
    assert!(
        markdown.out.contains("> **Thinking**\n>\n> The deploy, I suppose.\n\nIt was the deploy."),
        "{}",
        markdown.out
    );
}
