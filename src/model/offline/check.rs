//! What is wrong with a runbook that has the right shape: its names, its expressions, its tools and their arguments.

use super::expression;
use super::matcher;
use super::runbook::{Line, Pattern, Runbook, Step};
use super::template::expressions;
use quarterdeck_core::text::nearest;
use quarterdeck_core::tool::{Catalogue, fits, lacking};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// Where (`step.0.when`), what is wrong and what to write instead.
pub(super) type Mistake = (String, String);

const STEPS: usize = 24;
const ROUNDS: u32 = 8;
const TAKE: usize = 20;
const SECTIONS: usize = 24;
const WORDS: usize = 200;
const LETTERS: usize = 80;

/// Names that are no step's.
const OURS: [&str; 4] = ["question", "session", "item", "found"];

/// Everything but what the tools take; `reads` says which tools only read.
pub(super) fn mistakes(runbook: &Runbook, reads: &dyn Fn(&str) -> bool) -> Vec<Mistake> {
    let mut out = Vec::new();
    let mut say = |path: &str, message: String| out.push((path.to_owned(), message));
    ask(runbook, reads, &mut say);
    if out.is_empty() {
        examples(runbook, &mut |path, message| out.push((path.to_owned(), message)));
    }
    let mut say = |path: &str, message: String| out.push((path.to_owned(), message));
    name(runbook, &mut say);
    steps(runbook, &mut say);
    answer(runbook, &mut say);
    out
}

type Say<'a> = &'a mut dyn FnMut(&str, String);

fn name(runbook: &Runbook, say: Say<'_>) {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if runbook.name.len() > 40 || !runbook.name.chars().all(fits) {
        say("name", "a name has at most 40 small letters, digits and -".to_owned());
    }
}

/// Each example must be a question for this runbook.
fn examples(runbook: &Runbook, say: Say<'_>) {
    if runbook.examples.is_empty() {
        say("examples", "write at least one question that it answers".to_owned());
    }
    for example in &runbook.examples {
        if matcher::best([runbook], example).is_none() {
            let message =
                format!("the example {example:?} is not matched by [ask]: add one of its words to words");
            say("examples", message);
        }
    }
}

fn ask(runbook: &Runbook, reads: &dyn Fn(&str) -> bool, say: Say<'_>) {
    let ask = &runbook.ask;
    let groups = |p: &Pattern| p.0.capture_names().flatten().map(str::to_owned).collect::<BTreeSet<_>>();
    let all: BTreeSet<String> = ask.patterns.iter().flat_map(groups).collect();
    if ask.patterns.is_empty() && ask.phrases.is_empty() && ask.words.is_empty() {
        say("ask", "nothing matches it: write words = [\"queue\"], phrases or patterns".to_owned());
    }
    for (name, list) in
        [("patterns", ask.patterns.len()), ("phrases", ask.phrases.len()), ("words", ask.words.len())]
    {
        if list > WORDS {
            say(&format!("ask.{name}"), format!("at most {WORDS} {name}"));
        }
    }
    for (name, texts) in [("phrases", &ask.phrases), ("words", &ask.words)] {
        for text in texts.iter().filter(|t| t.chars().count() > LETTERS) {
            say(&format!("ask.{name}"), format!("{text:.20}… is longer than {LETTERS} letters"));
        }
    }
    for required in &ask.required {
        let lacks = ask.patterns.is_empty() || ask.patterns.iter().any(|p| !groups(p).contains(required));
        if lacks {
            let message =
                format!("a pattern has no group (?P<{required}>…), which is required: name a part of it so");
            say("ask.required", message);
        }
    }
    for (name, list) in
        [("lists", ask.lists.iter().collect::<Vec<_>>()), ("meanings", ask.meanings.keys().collect())]
    {
        for group in list.into_iter().filter(|g| !all.contains(*g)) {
            let path =
                if name == "meanings" { format!("ask.meanings.{group}") } else { "ask.lists".to_owned() };
            say(&path, format!("no pattern has a group (?P<{group}>…): name a part of one so"));
        }
    }
    if let Some((nth, step)) = runbook.steps.iter().enumerate().find(|(_, s)| !reads(&s.tool))
        && (ask.required.len() < 2 || !ask.required.iter().any(|r| r == "action"))
    {
        let message = format!(
            "{} may change something, so the question must say what to do to what: [ask] required must hold \"action\" and \
             the group that names the target",
            step.tool
        );
        say(&format!("step.{nth}.tool"), message);
    }
}

fn steps(runbook: &Runbook, say: Say<'_>) {
    if runbook.steps.len() > STEPS {
        say(
            "step",
            format!("at most {STEPS} steps, and these are {}: make two runbooks of it", runbook.steps.len()),
        );
    }
    for (nth, step) in runbook.steps.iter().enumerate() {
        let at = |key: &str| format!("step.{nth}.{key}");
        let id = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if !step.id.chars().all(id) || step.id.starts_with(|c: char| c.is_ascii_digit()) {
            say(&at("id"), "an id has small letters, digits and _, and begins with a letter".to_owned());
        }
        if runbook.steps.iter().take(nth).any(|s| s.id == step.id) || OURS.contains(&step.id.as_str()) {
            say(&at("id"), format!("the id {:?} is taken: choose another", step.id));
        }
        let gap = step.round > 1 && !runbook.steps.iter().any(|s| s.round == step.round - 1);
        if step.round == 0 || step.round > ROUNDS || gap {
            let message =
                format!("round {}: rounds count from 1 without gaps, at most to {ROUNDS}", step.round);
            say(&at("round"), message);
        }
        if step.take.is_some_and(|take| take == 0 || take > TAKE) {
            say(&at("take"), format!("take is a number from 1 to {TAKE}"));
        }
        if let Some(unknown) = step.nearest.as_ref().filter(|n| !step.args.contains_key(*n)) {
            say(&at("nearest"), format!("nearest = {unknown:?} is none of its args: name one that is"));
        }
        if step
            .for_each
            .as_deref()
            .is_some_and(|list| expression::check(list).is_ok() && expression::names(list).is_empty())
        {
            let message = "for_each looks at nothing: name rows of an earlier step, such as for_each = \"services.rows\"";
            say(&at("for_each"), message.to_owned());
        }
        let sight = Sight { runbook, before: Some(step.round), item: false, found: false };
        let each = Sight { item: step.for_each.is_some(), ..sight };
        for (key, text) in [("when", &step.when), ("for_each", &step.for_each), ("prefer", &step.prefer)] {
            sight.expression(&at(key), text.as_deref(), say);
        }
        sight.template(&at("because"), Some(&step.because), say);
        sight.template(&at("rule"), step.rule.as_deref(), say);
        each.template(&at("say"), step.say.as_deref(), say);
        for (name, value) in &step.args {
            strings(value)
                .into_iter()
                .for_each(|text| each.template(&at(&format!("args.{name}")), Some(text), say));
        }
        for (column, text) in &step.keep {
            each.template(&at(&format!("keep.{column}")), Some(text), say);
        }
    }
}

fn answer(runbook: &Runbook, say: Say<'_>) {
    if runbook.sections.len() > SECTIONS {
        say("answer", format!("at most {SECTIONS} sections"));
    }
    let sight = Sight { runbook, before: None, item: false, found: false };
    for (nth, section) in runbook.sections.iter().enumerate() {
        sight.template(&format!("answer.{nth}.otherwise"), section.otherwise.as_deref(), say);
        for (k, line) in section.lines.iter().enumerate() {
            sight.line(&format!("answer.{nth}.line.{k}"), line, say);
        }
    }
}

/// What an expression can look at where it stands.
#[derive(Clone, Copy)]
struct Sight<'a> {
    runbook: &'a Runbook,
    /// Only steps of earlier rounds; `None` for all of them.
    before: Option<u32>,
    item: bool,
    found: bool,
}

impl Sight<'_> {
    fn line(self, path: &str, line: &Line, say: Say<'_>) {
        let at = |key: &str| format!("{path}.{key}");
        for (key, text) in [("when", &line.when), ("for_each", &line.for_each), ("prefer", &line.prefer)] {
            self.expression(&at(key), text.as_deref(), say);
        }
        let each = Sight { item: line.for_each.is_some(), ..self };
        if let Some(find) = &line.find {
            each.expression(&at("find.in"), Some(&find.r#in), say);
            each.expression(&at("find.mentions"), Some(&find.mentions), say);
        }
        Sight { found: line.find.is_some(), ..each }.template(&at("text"), Some(&line.text), say);
    }

    fn expression(self, path: &str, text: Option<&str>, say: Say<'_>) {
        let Some(text) = text else { return };
        match expression::check(text) {
            Err(wrong) => say(path, wrong),
            Ok(()) => self.names(path, text, say),
        }
    }

    fn template(self, path: &str, text: Option<&str>, say: Say<'_>) {
        match text.map(expressions) {
            None => {}
            Some(Err(wrong)) => say(path, wrong),
            Some(Ok(found)) => found.into_iter().for_each(|e| self.names(path, e, say)),
        }
    }

    /// Every name in it must be there.
    fn names(self, path: &str, expression: &str, say: Say<'_>) {
        let seen = |step: &&Step| self.before.is_none_or(|round| step.round < round);
        for name in expression::names(expression) {
            let step = self.runbook.steps.iter().find(|s| s.id == name);
            let there = match name.as_str() {
                "question" | "session" => true,
                "item" => self.item,
                "found" => self.found,
                _ => step.as_ref().is_some_and(seen),
            };
            if there {
                continue;
            }
            let message = match (name.as_str(), step) {
                ("item", _) => "`item` is only there with for_each: add one".to_owned(),
                ("found", _) => "`found` is only there with find: add one".to_owned(),
                (_, Some(step)) => {
                    format!(
                        "`{name}` is a step of round {}: it can be used from round {} on",
                        step.round,
                        step.round + 1
                    )
                }
                (_, None) => {
                    let steps = self.runbook.steps.iter().filter(seen).map(|s| s.id.as_str());
                    let known: Vec<&str> = steps.chain(["question", "session"]).collect();
                    let near = nearest(&name, known.iter().copied(), 1).join("");
                    format!(
                        "there is no `{name}` to look at: did you mean `{near}`? There is {}",
                        known.join(", ")
                    )
                }
            };
            say(path, message);
        }
    }
}

/// What is wrong with the calls: tools that there are not, arguments that they do not take.
pub(super) fn calls(runbook: &Runbook, tools: &Catalogue) -> Vec<Mistake> {
    let mut out = Vec::new();
    for (nth, step) in runbook.steps.iter().enumerate() {
        let tool = match tools.get(&step.tool) {
            Ok(tool) => tool,
            Err(fault) => {
                let hint = fault.hint.map(|hint| format!(": {hint}")).unwrap_or_default();
                out.push((format!("step.{nth}.tool"), format!("{}{hint}", fault.message)));
                continue;
            }
        };
        let before = out.len();
        let mut constant = Map::new();
        for (name, value) in &step.args {
            let fixed = fixed(value);
            if fixed == *value {
                constant.insert(name.clone(), value.clone());
            }
            if let Err(wrong) = fits(&tool.schema, name, &fixed) {
                out.push((format!("step.{nth}.args.{name}"), wrong.to_string()));
            }
        }
        for field in lacking(&tool.schema, &step.args) {
            out.push((
                format!("step.{nth}.args"),
                format!("{} needs the argument {field}: add it to args", step.tool),
            ));
        }
        // What the schema cannot say, the tool does, when it can be asked.
        if out.len() == before
            && constant.len() == step.args.len()
            && let Err(fault) = (tool.validate)(&Value::Object(constant))
        {
            out.push((format!("step.{nth}.args"), fault.to_string()));
        }
    }
    out
}

/// A value without what is only known when it runs: null stands for it.
fn fixed(value: &Value) -> Value {
    match value {
        Value::String(text) if text.contains('{') || text.contains("[?") => Value::Null,
        Value::Array(items) => Value::Array(items.iter().map(fixed).collect()),
        Value::Object(map) => Value::Object(map.iter().map(|(k, v)| (k.clone(), fixed(v))).collect()),
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}

/// Every string in a value.
fn strings(value: &Value) -> Vec<&String> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(items) => items.iter().flat_map(strings).collect(),
        Value::Object(map) => map.values().flat_map(strings).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => Vec::new(),
    }
}
