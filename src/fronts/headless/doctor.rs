//! What `quarterdeck doctor` prints: 80 columns, or one JSON object.

use super::Exit;
use crate::doctor::{Check, Report, Status};
use quarterdeck_aws::probe::{Probed, Verdict};
use quarterdeck_core::text::{visible, width};
use quarterdeck_core::tool::Risk;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Columns of a line.
const COLUMNS: usize = 80;
/// Where what was found begins.
const INDENT: usize = 19;
/// Where a tool's line begins.
const TOOL: usize = 6;

/// Prints the report.
///
/// # Errors
/// stdout cannot be written.
pub fn print(report: &Report, as_json: bool) -> anyhow::Result<()> {
    if as_json { super::json_line(&json(report).to_string()) } else { super::line(&render(report)) }
}

/// One when anything failed.
#[must_use]
pub fn exit(report: &Report) -> Exit {
    let tool = report.tools.iter().any(|tool| status(tool) == Status::Fail);
    let check = report.checks.iter().any(|check| check.status == Status::Fail);
    if tool || check { Exit::Failed } else { Exit::Answered }
}

/// The report as JSON.
#[must_use]
pub fn json(report: &Report) -> Value {
    let tools: Vec<Value> = report
        .tools
        .iter()
        .map(|t| {
            json!({ "tool": t.tool, "risk": t.risk, "status": status(t), "reason": reason(t), "missing": t.missing })
        })
        .collect();
    json!({ "ok": exit(report) == Exit::Answered, "checks": report.checks, "tools": tools })
}

/// The report as lines.
#[must_use]
pub fn render(report: &Report) -> String {
    let mut lines: Vec<String> = report.checks.iter().flat_map(check).collect();
    lines.push(String::new());
    lines.extend(tools(&report.tools));
    lines.push(String::new());
    lines.push(match exit(report) {
        Exit::Answered => "Nothing stands in the way.".to_owned(),
        _ => "Something does not work: see FAIL above.".to_owned(),
    });
    lines.join("\n")
}

fn check(check: &Check) -> Vec<String> {
    let head = format!("{:<4}  {:<13}", mark(check.status), check.name);
    let mut lines = wrapped(&head, &check.found, INDENT);
    if let Some(hint) = &check.hint {
        lines.extend(wrapped("", &format!("-> {hint}"), INDENT));
    }
    lines
}

/// Tools that came out alike share a line.
fn tools(tools: &[Probed]) -> Vec<String> {
    if tools.is_empty() {
        return vec!["No tool could be tried.".to_owned()];
    }
    let mut by: BTreeMap<(u8, String), (Status, Vec<&str>)> = BTreeMap::new();
    for tool in tools {
        let status = status(tool);
        let order = match status {
            Status::Fail => 0,
            Status::Warn => 1,
            Status::Ok => 2,
            Status::Skipped => 3,
        };
        by.entry((order, reason(tool))).or_insert((status, Vec::new())).1.push(tool.tool);
    }
    let count = |wanted: Status| tools.iter().filter(|t| status(t) == wanted).count();
    let mut lines = vec![format!(
        "{} tools: {} work, {} in part, {} do not, {} not tried",
        tools.len(),
        count(Status::Ok),
        count(Status::Warn),
        count(Status::Fail),
        count(Status::Skipped)
    )];
    for ((_, reason), (status, names)) in by {
        let names = names.join(", ");
        let text = if reason.is_empty() { names } else { format!("{names}: {reason}") };
        lines.extend(wrapped(&format!("{:<4}  ", mark(status)), &text, TOOL));
    }
    lines
}

/// A change that is not permitted is no failure: reading is what an identity on call often may.
fn status(tool: &Probed) -> Status {
    match (&tool.verdict, tool.risk) {
        (Verdict::Works, _) => Status::Ok,
        (Verdict::Partly(_), _) | (Verdict::Denied, Risk::Write | Risk::Local) => Status::Warn,
        (Verdict::Denied, Risk::Read) | (Verdict::Fails(_), _) => Status::Fail,
        (Verdict::NotProbed(_), _) => Status::Skipped,
    }
}

fn reason(tool: &Probed) -> String {
    let needs = if tool.missing.is_empty() {
        "denied".to_owned()
    } else {
        format!("needs {}", tool.missing.join(", "))
    };
    match &tool.verdict {
        Verdict::Works if !tool.billed.is_empty() => {
            let billed: Vec<&str> = tool.billed.iter().copied().collect();
            format!("but {} was not probed: billed", billed.join(", "))
        }
        Verdict::Works => String::new(),
        Verdict::Partly(None) | Verdict::Denied => needs,
        Verdict::Partly(Some(fault)) | Verdict::Fails(fault) => {
            format!("{}: {}", fault.kind.label(), fault.message)
        }
        Verdict::NotProbed(why) => format!("not probed: {why}"),
    }
}

const fn mark(status: Status) -> &'static str {
    match status {
        Status::Ok => "ok",
        Status::Warn => "warn",
        Status::Fail => "FAIL",
        Status::Skipped => "--",
    }
}

/// `text` behind `head`, broken between words, later lines indented. A word longer than a line stays whole.
fn wrapped(head: &str, text: &str, indent: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = format!("{head:<indent$}");
    let mut begun = false;
    for word in visible(text).split_whitespace() {
        if begun && width(&line) + 1 + width(word) > COLUMNS {
            lines.push(std::mem::replace(&mut line, " ".repeat(indent)));
            begun = false;
        }
        if begun {
            line.push(' ');
        }
        line.push_str(word);
        begun = true;
    }
    lines.push(line.trim_end().to_owned());
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use quarterdeck_core::tool::{Fault, FaultKind};
    use std::collections::BTreeSet;

    fn probed(tool: &'static str, risk: Risk, verdict: Verdict, missing: &[&str]) -> Probed {
        let missing = missing.iter().map(|m| (*m).to_owned()).collect();
        Probed { tool, risk, verdict, missing, billed: BTreeSet::new(), services: BTreeMap::new() }
    }

    fn report() -> Report {
        let check = |name: &str, status, found: &str, hint: Option<&str>| Check {
            name: name.to_owned(),
            status,
            found: found.to_owned(),
            hint: hint.map(str::to_owned),
        };
        let slow = Fault::new(FaultKind::Timeout, "no answer within 10 s");
        Report {
            checks: vec![
                check("settings", Status::Ok, "no file of your own: the defaults hold", None),
                check("identity", Status::Warn, &"word\u{202e} ".repeat(30), Some("do this")),
            ],
            tools: vec![
                probed("list_a", Risk::Read, Verdict::Works, &[]),
                probed("list_b", Risk::Read, Verdict::Partly(None), &["a:B", "c:D"]),
                probed("list_c", Risk::Read, Verdict::Partly(Some(slow)), &[]),
                probed("stop_d", Risk::Write, Verdict::Denied, &["d:Stop"]),
                probed("get_e", Risk::Read, Verdict::NotProbed("billed".into()), &[]),
                probed("get_f", Risk::Read, Verdict::NotProbed("billed".into()), &[]),
            ],
        }
    }

    #[test]
    fn lines_fit_and_say_what_is_missing() {
        let text = render(&report());
        assert!(text.lines().all(|l| width(l) <= COLUMNS), "{text}");
        for line in [
            "ok    settings     no file of your own: the defaults hold",
            "                   -> do this",
            "6 tools: 1 work, 3 in part, 0 do not, 2 not tried",
            "warn  list_b: needs a:B, c:D",
            "warn  list_c: timeout: no answer within 10 s",
            "warn  stop_d: needs d:Stop",
            "ok    list_a",
            "--    get_e, get_f: not probed: billed",
            "Nothing stands in the way.",
        ] {
            assert!(text.lines().any(|l| l == line), "{line}\n{text}");
        }
        assert!(!text.contains('\u{202e}'), "{text}");
        assert_eq!(exit(&report()), Exit::Answered);
    }

    #[test]
    fn what_fails_is_the_exit_code() {
        let mut denied = report();
        denied.tools.push(probed("list_g", Risk::Read, Verdict::Denied, &["g:List"]));
        let mut broken = report();
        broken.checks[0].status = Status::Fail;
        for bad in [denied, broken] {
            assert_eq!((exit(&bad), &json(&bad)["ok"]), (Exit::Failed, &json!(false)));
            assert!(render(&bad).ends_with("see FAIL above."));
        }
        assert_eq!(json(&report())["tools"][1]["missing"], json!(["a:B", "c:D"]));
    }
}
