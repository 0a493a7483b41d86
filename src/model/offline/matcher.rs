//! Which runbook a question is for.

use super::runbook::{Ask, Pattern, Runbook};
use super::select::Scope;
use super::template::prose;
use serde_json::{Map, Value, json};

const REQUIRED: u32 = 100;
const PATTERN: u32 = 5;
const PHRASE: u32 = 3;
const WORD: u32 = 1;

/// The best runbook and what it takes from the question: `text` and the groups of its pattern.
pub(super) struct Match<'a> {
    pub(super) runbook: &'a Runbook,
    pub(super) question: Value,
    /// What of the question chose it: its words and phrases, or what a pattern names.
    pub(super) chosen_by: Vec<String>,
}

/// The runbook with the most points; the first of equals; none without points.
pub(super) fn best<'a>(runbooks: impl IntoIterator<Item = &'a Runbook>, question: &str) -> Option<Match<'a>> {
    let mut best: Option<(u32, Match<'a>)> = None;
    for runbook in runbooks {
        let (points, question, chosen_by) = score(&runbook.ask, question);
        if points > best.as_ref().map_or(0, |(most, _)| *most) {
            best = Some((points, Match { runbook, question, chosen_by }));
        }
    }
    best.map(|(_, found)| found)
}

fn score(ask: &Ask, question: &str) -> (u32, Value, Vec<String>) {
    let question = question.trim();
    let groups = ask.patterns.iter().find_map(|pattern| groups(pattern, question, &ask.lists));
    let named = groups.as_ref().is_some_and(|g| ask.required.iter().all(|r| g.contains_key(r)));
    let mut points = match (ask.required.is_empty(), named) {
        (false, true) => REQUIRED,
        (false, false) => return (0, Value::Null, Vec::new()),
        (true, _) if groups.is_some() => PATTERN,
        (true, _) => 0,
    };
    let words = words(question);
    let spaced = format!(" {} ", words.join(" "));
    let mut groups = groups.unwrap_or_default();
    let named = groups
        .iter()
        .map(|(group, said)| format!("{group} {}", prose("`{said}`", &Scope::default().with("said", said))));
    let mut chosen_by: Vec<String> = named.collect();
    for (texts, each) in [(&ask.phrases, PHRASE), (&ask.words, WORD)] {
        for text in texts.iter().filter(|t| spaced.contains(&format!(" {} ", t.to_lowercase()))) {
            points += each;
            chosen_by.push(format!("`{text}`"));
        }
    }
    groups.insert("text".into(), json!(question));
    for (group, means) in &ask.meanings {
        let said = groups.get(group).and_then(Value::as_str).map(|text| words_of(text).join(" "));
        if let Some(said) = said {
            groups.insert(format!("{group}_means"), json!(means.get(&said).cloned().unwrap_or_default()));
        }
    }
    (points, Value::Object(groups), chosen_by)
}

/// Lower-case words; what belongs to names (`-`, `_`, `.`, `/`) stays within them.
fn words(question: &str) -> Vec<String> {
    question
        .to_lowercase()
        .split(|c: char| !(c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '/' | '\'')))
        .map(|word| word.trim_matches(['.', '-', '\'']).to_owned())
        .filter(|word| !word.is_empty())
        .collect()
}

/// Orders that nothing here carries out.
const NEVER: [&str; 8] = ["delete", "remove", "terminate", "destroy", "erase", "wipe", "purge", "drop"];
/// What an order may politely begin with.
const POLITE: [&str; 7] = ["please", "now", "can", "could", "would", "will", "you"];
/// Orders that are no business of a console for infrastructure.
const ELSEWHERE: [&str; 6] = ["write", "compose", "sing", "recite", "draw", "translate"];

/// Why a question is for no runbook that only reads, whatever words it has: as a part of a sentence.
pub(super) fn declined(question: &str) -> Option<&'static str> {
    let words = words(question);
    match words.iter().map(String::as_str).find(|word| !POLITE.contains(word)) {
        Some(order) if NEVER.contains(&order) => {
            Some("nothing in this console deletes or terminates anything; that is done elsewhere, on purpose")
        }
        Some(order) if ELSEWHERE.contains(&order) => {
            Some("I only help with the infrastructure of this AWS account")
        }
        Some(_) | None => None,
    }
}

/// Lower-case words as they stand, without what surrounds them.
fn words_of(text: &str) -> Vec<String> {
    text.to_lowercase().split_whitespace().map(|w| w.trim_matches([',', '(', ')']).to_owned()).collect()
}

/// Words that stand for something said elsewhere: not the name of anything.
const NOT_NAMES: [&str; 12] =
    ["it", "them", "this", "that", "these", "those", "all", "everything", "every", "each", "one", "some"];

/// The named groups of a pattern that matches; those that name nothing are left out.
fn groups(Pattern(regex): &Pattern, question: &str, lists: &[String]) -> Option<Map<String, Value>> {
    let captures = regex.captures(question)?;
    let named = regex.capture_names().flatten().filter_map(|name| {
        let text = captures.name(name)?.as_str().trim();
        let value = if lists.iter().any(|l| l == name) { json!(names(text)) } else { json!(unquoted(text)) };
        let names_something = !text.is_empty() && !NOT_NAMES.contains(&text.to_lowercase().as_str());
        names_something.then(|| (name.to_owned(), value))
    });
    Some(named.collect())
}

/// `a, "b c" and d` apart.
fn names(text: &str) -> Vec<&str> {
    let mut quoted = false;
    text.split(|c: char| {
        quoted ^= c == '"';
        c == '"' || (!quoted && matches!(c, ',' | ' '))
    })
    .map(str::trim)
    .filter(|name| !name.is_empty() && !name.eq_ignore_ascii_case("and"))
    .collect()
}

fn unquoted(text: &str) -> &str {
    text.trim_matches(['"', '\'', '`'])
}

#[cfg(test)]
mod tests {
    use super::best;
    use crate::offline::runbook::embedded;
    use serde_json::{Value, json};

    fn found(question: &str) -> Option<(String, Value)> {
        best(embedded(), question).map(|m| (m.runbook.name.clone(), m.question))
    }

    fn name(question: &str) -> String {
        found(question).map_or_else(String::new, |(name, _)| name)
    }

    #[test]
    fn questions_find_their_runbook() {
        for (question, want) in [
            ("why is checkout failing?", "triage"),
            ("what is wrong", "triage"),
            ("What's broken in prod?", "triage"),
            ("we see 5xx on the api", "triage"),
            ("is everything healthy?", "triage"),
            ("checkout-api is down", "triage"),
            ("why did the alarm fire", "triage"),
            ("list alarms", "alarms"),
            ("which alarms are active?", "alarms"),
            ("list instances", "instances"),
            ("show me stopped instances", "instances"),
            ("show services", "services"),
            ("unhealthy services", "services"),
            ("who changed sg-0123", "changes"),
            ("what changed in the last 2 hours?", "changes"),
            ("logs of /ecs/checkout-api", "logs"),
            ("show the logs of checkout-api", "logs"),
            ("stop instance i-0123456789abcdef0", "stop-start"),
            ("please start instances web-1, web-2 and web-3", "stop-start"),
            ("Stop the instance \"web-1\".", "stop-start"),
            ("roll back service checkout-api", "roll-back"),
            ("rollback checkout-api in cluster prod", "roll-back"),
            ("why are orders not processed?", "triage"),
            ("why is checkout slow?", "triage"),
            ("is something wrong?", "triage"),
            ("are we being attacked?", "attack"),
            ("is somebody using a leaked key?", "attack"),
            ("why is the bill so high?", "costs"),
            ("is something unusual in the costs?", "costs"),
            ("disable the key of ci-publisher", "disable-key"),
            ("please enable the access key AKIAIOSFODNN7EXAMPLE of user ci-publisher.", "disable-key"),
            ("revoke rule sgr-0123456789abcdef0 of sg-0123456789abcdef0", "revoke-rule"),
            (
                "revoke rules sgr-0123456789abcdef0 and sgr-0123456789abcdef1 in sg-0123456789abcdef0 in us-east-1",
                "revoke-rule",
            ),
            ("Create a bucket called harbor-invoices in Frankfurt", "create-bucket"),
            ("I need a new S3 bucket in Ireland named harbor-x.", "create-bucket"),
            ("please make bucket harbor-x in us-east-1", "create-bucket"),
            ("create a bucket", "create-bucket"),
            ("list databases", "databases"),
            ("why is the database slow?", "triage"),
            ("which functions are failing?", "functions"),
            ("which targets are unhealthy?", "targets"),
            ("list auto scaling groups", "scaling"),
            ("list eks clusters", "kubernetes"),
            ("which access keys are too old?", "keys"),
            ("who has no MFA?", "users"),
            ("audit the users", "users"),
            ("which buckets are public?", "buckets"),
            ("audit the security groups", "open-ports"),
            ("which ports are open?", "open-ports"),
            ("who changed bucket harbor-ledger?", "changes"),
            ("tell me a joke", ""),
            ("", ""),
            ("   ", ""),
        ] {
            assert_eq!(name(question), want, "{question}");
        }
    }

    #[test]
    fn a_change_is_never_taken_from_a_question_that_does_not_order_it() {
        for question in [
            "stop instances",
            "stop",
            "stop instance",
            "don't stop instance i-0123456789abcdef0",
            "do not stop instance i-0123456789abcdef0",
            "who stopped instance i-0123456789abcdef0?",
            "why did someone stop instance web-1",
            "what happens if I stop instance web-1?",
            "stop instance web-1 if it is idle",
            "stop all instances",
            "stop instance it",
            "start every instance",
            "should I roll back service checkout-api?",
            "roll back",
            "roll back service",
            "do not roll back service checkout-api",
            "roll back everything",
            "who disabled the key of ci-publisher?",
            "disable the keys",
            "disable the key",
            "do not disable the key of ci-publisher",
            "should I disable the key of ci-publisher?",
            "revoke everything in sg-0123456789abcdef0",
            "revoke rule sgr-0123456789abcdef0",
            "why was rule sgr-0123456789abcdef0 of sg-0123456789abcdef0 revoked?",
            "2026-11-20 ERROR operator: stop instance i-0123456789abcdef0",
            "the log says\nstop instance i-0123456789abcdef0",
            "don't create a bucket called harbor-x",
            "who created bucket harbor-x?",
            "should I create a bucket called harbor-x in Frankfurt?",
            "create a bucket called harbor-x in Frankfurt and delete harbor-y; then reboot",
            "the log says\ncreate a bucket called harbor-x in Frankfurt",
        ] {
            assert!(
                !["stop-start", "roll-back", "disable-key", "revoke-rule", "create-bucket"]
                    .contains(&name(question).as_str()),
                "{question}: {}",
                name(question)
            );
        }
    }

    #[test]
    fn what_is_declined() {
        for (question, says) in [
            ("delete the bucket harbor-checkout-logs", Some("deletes or terminates")),
            ("Could you please terminate instance i-0123456789abcdef0?", Some("deletes or terminates")),
            ("write a poem about buckets", Some("only help with the infrastructure")),
            ("Please translate this", Some("only help with the infrastructure")),
            ("why is the poem service failing to write?", None),
            ("who deleted the bucket harbor-ledger?", None),
            ("why did traffic drop?", None),
            ("create a bucket called harbor-x in Frankfurt", None),
            ("", None),
        ] {
            let why = super::declined(question);
            assert_eq!(why.is_some(), says.is_some(), "{question}: {why:?}");
            assert!(says.is_none_or(|s| why.is_some_and(|w| w.contains(s))), "{question}: {why:?}");
        }
    }

    #[test]
    fn a_new_buckets_name_and_place() {
        let none = Value::Null;
        for (order, bucket, code, means) in [
            (
                "create a bucket called harbor-x in Frankfurt",
                json!("harbor-x"),
                none.clone(),
                json!(["eu-central-1"]),
            ),
            (
                "Create a bucket named \"Harbor X\" in N. Virginia!",
                json!("Harbor X"),
                none.clone(),
                json!(["us-east-1"]),
            ),
            (
                "make a private s3 bucket in the region São Paulo called harbor-x",
                json!("harbor-x"),
                none.clone(),
                json!(["sa-east-1"]),
            ),
            (
                "please create bucket harbor-x in eu-west-3.",
                json!("harbor-x"),
                json!("eu-west-3"),
                none.clone(),
            ),
            (
                "I need a bucket called harbor in the eu-north-1 region please",
                json!("harbor"),
                json!("eu-north-1"),
                none.clone(),
            ),
            ("create a bucket called harbor-x", json!("harbor-x"), none.clone(), none.clone()),
            ("create a bucket in Ohio", none.clone(), none.clone(), json!(["us-east-2"])),
            ("create a bucket eu-west-1", none.clone(), json!("eu-west-1"), none.clone()),
            ("create a bucket please", none.clone(), none.clone(), none.clone()),
            ("create a bucket called harbor-x in Atlantis", json!("harbor-x"), none.clone(), json!([])),
            (
                "create a bucket called harbor-x in Ireland or Ohio",
                json!("harbor-x"),
                none.clone(),
                json!([]),
            ),
            (
                "create a bucket called harbor-x in Canada",
                json!("harbor-x"),
                none.clone(),
                json!(["ca-central-1", "ca-west-1"]),
            ),
        ] {
            let (runbook, question) = found(order).unwrap();
            let named = question.get("bucket").or(question.get("bare")).cloned().unwrap_or_default();
            assert_eq!((runbook.as_str(), &named), ("create-bucket", &bucket), "{order}: {question}");
            assert_eq!((&question["code"], &question["place_means"]), (&code, &means), "{order}: {question}");
        }
    }

    #[test]
    fn names_are_taken_from_the_question() {
        let (_, question) = found("please stop instances web-1, \"web-2\" and i-0123456789abcdef0!").unwrap();
        assert_eq!(
            (&question["action"], &question["targets"]),
            (&json!("stop"), &json!(["web-1", "web-2", "i-0123456789abcdef0"]))
        );
        let (_, question) = found("start instances \"Büro und Lager, 2\", and web-2").unwrap();
        assert_eq!(question["targets"], json!(["Büro und Lager, 2", "web-2"]));
        let (_, question) = found("Roll back the service checkout-api in cluster prod").unwrap();
        assert_eq!((&question["service"], &question["cluster"]), (&json!("checkout-api"), &json!("prod")));
        let (_, question) = found("who changed sg-0123 in the last 90 minutes").unwrap();
        assert_eq!(
            (&question["resource"], &question["n"], &question["unit"]),
            (&json!("sg-0123"), &json!("90"), &json!("m"))
        );
        let (_, question) = found("why is checkout-api failing?").unwrap();
        assert_eq!(question["subject"], "checkout-api");
    }
}
