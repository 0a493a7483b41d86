//! What can be typed after `:`.

use super::{Field, Filter, Screen};
use crate::command::Command;
use crate::id::StepNo;
use crate::keymap::Action;
use crate::scope::Mode;
use crate::tool::{from_flags, split_line};

/// A command of the palette.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) name: &'static str,
    /// What follows it, for people: `1 to 50`.
    pub(super) argument: &'static str,
    pub(super) doc: &'static str,
    pub(super) does: Does,
}

/// What a command does.
#[derive(Clone, Copy, Debug)]
pub(super) enum Does {
    /// The same as a key.
    Act(Action),
    /// Changes the mode.
    Mode(Mode),
    /// Sets something; without an argument it opens the settings there.
    Set(Field),
    /// Switches mouse reporting.
    Mouse,
    /// Goes to a step.
    Step,
    /// Filters the timeline.
    Filter,
    /// Evaluates determinism.
    Evaluate,
    /// A short name of a tool; a first word without dashes is this field.
    Tool { tool: &'static str, field: &'static str },
}

const fn act(name: &'static str, action: Action) -> Entry {
    Entry { name, argument: "", doc: action.doc(), does: Does::Act(action) }
}

const fn set(name: &'static str, field: Field, argument: &'static str, doc: &'static str) -> Entry {
    Entry { name, argument, doc, does: Does::Set(field) }
}

const fn tool(
    name: &'static str,
    tool: &'static str,
    field: &'static str,
    argument: &'static str,
    doc: &'static str,
) -> Entry {
    Entry { name, argument, doc, does: Does::Tool { tool, field } }
}

/// Every command, in the order the empty palette lists them.
pub(super) const COMMANDS: &[Entry] = &[
    tool("ecs", "list_ecs_services", "service", "[SERVICE]", "ECS services"),
    tool("tasks", "get_ecs_stopped_tasks", "service", "[SERVICE]", "stopped ECS tasks and why they stopped"),
    tool("ec2", "list_ec2_instances", "name", "[NAME]", "EC2 instances"),
    tool("sg", "audit_security_groups", "group", "[GROUP]", "what security groups let in"),
    tool("alarms", "get_active_alarms", "name", "[PREFIX]", "alarms that are not OK"),
    tool("logs", "get_cloudwatch_logs", "log_group", "NAME", "log events of a log group, newest first"),
    tool("iam", "audit_iam_users", "user", "[USER]", "IAM users, their MFA, who is an administrator"),
    tool("lambda", "list_lambda_functions", "name", "[NAME]", "Lambda functions"),
    tool("rds", "list_rds_instances", "id", "[ID]", "databases: status, connections, storage, failovers"),
    tool("changes", "get_recent_changes", "resource", "[RESOURCE]", "who changed what lately"),
    tool(
        "cost",
        "get_cost_by_service",
        "group_by",
        "[GROUP]",
        "what AWS cost, by service unless a group is named",
    ),
    tool("s3", "list_s3_buckets", "name", "[NAME]", "S3 buckets"),
    Entry {
        name: "track",
        argument: "",
        doc: "write the model's calls down instead of carrying them out",
        does: Does::Mode(Mode::Track),
    },
    Entry {
        name: "execute",
        argument: "",
        doc: "carry the model's calls out again; asks first",
        does: Does::Mode(Mode::Execute),
    },
    Entry {
        name: "eval",
        argument: "[RUNS] [QUESTION]",
        doc: "how alike the answers are when it is asked 10 times, executing nothing",
        does: Does::Evaluate,
    },
    set("model", Field::Model, "[[PROVIDER] NAME]", "who answers, from the next round on"),
    set("provider", Field::Provider, "[NAME]", "who answers, with the provider's default model"),
    set(
        "effort",
        Field::Effort,
        "[WORD]",
        "how hard the model is asked to think: low, medium, high, default",
    ),
    set("iterations", Field::Iterations, "1 to 50", "how often the model may be asked in one turn"),
    set("theme", Field::Theme, "[NAME]", "colours"),
    act("settings", Action::Settings),
    act("save-settings", Action::SaveSettings),
    Entry { name: "step", argument: "NUMBER", doc: "go to a step; :#12 does the same", does: Does::Step },
    Entry {
        name: "filter",
        argument: "[TEXT]",
        doc: "only steps with this text, or all",
        does: Does::Filter,
    },
    act("errors", Action::ErrorsOnly),
    act("calls", Action::CallsOnly),
    act("follow", Action::Follow),
    act("copy", Action::CopyStep),
    act("copy-call", Action::CopyCall),
    act("again", Action::Again),
    act("undo", Action::Undo),
    act("withdraw", Action::Withdraw),
    act("cancel", Action::Cancel),
    act("zoom", Action::Zoom),
    Entry {
        name: "mouse",
        argument: "on or off",
        doc: "whether the mouse belongs to the console",
        does: Does::Mouse,
    },
    act("redraw", Action::Redraw),
    act("help", Action::Help),
    act("quit", Action::Quit),
];

impl Entry {
    /// Whether it does nothing without an argument.
    pub(super) fn needs_argument(&self) -> bool {
        !self.argument.is_empty() && !self.argument.starts_with('[')
    }
}

/// The command of this name.
pub(super) fn entry_of(name: &str) -> Option<&'static Entry> {
    COMMANDS.iter().find(|entry| entry.name == name)
}

/// Actions the palette offers.
#[must_use]
pub fn palette_actions() -> Vec<Action> {
    let action = |entry: &Entry| if let Does::Act(action) = entry.does { Some(action) } else { None };
    COMMANDS.iter().filter_map(action).collect()
}

/// Short names that stand for a tool, and the field a bare word is taken for: they must exist in the registry.
#[must_use]
pub fn palette_tools() -> Vec<(&'static str, &'static str)> {
    let tool =
        |entry: &Entry| if let Does::Tool { tool, field } = entry.does { Some((tool, field)) } else { None };
    COMMANDS.iter().filter_map(tool).collect()
}

impl Screen {
    /// Runs a line of the palette.
    pub(super) fn run_line(&mut self, line: &str) -> Result<Vec<Command>, String> {
        let line = line.trim().trim_start_matches(':');
        if let Some(number) = line.strip_prefix('#') {
            return self.run_step(number);
        }
        let (head, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let rest = rest.trim();
        let Some(entry) = entry_of(head).filter(|entry| self.offers(entry)) else {
            return self.call(head, None, rest);
        };
        let bare = |commands: Vec<Command>| {
            if rest.is_empty() { Ok(commands) } else { Err(format!("{head} takes no argument")) }
        };
        match entry.does {
            Does::Act(action) => {
                bare(Vec::new())?;
                Ok(self.act(action))
            }
            Does::Mode(mode) => {
                bare(Vec::new())?;
                Ok(self.switch_mode(mode))
            }
            Does::Set(field) if rest.is_empty() && !entry.needs_argument() => {
                self.open_settings(field);
                Ok(Vec::new())
            }
            Does::Set(field) => self.set_field(field, rest),
            Does::Mouse => {
                let words = [("on", true), ("off", false)];
                let on = words.iter().find(|(word, _)| *word == rest).ok_or("mouse takes on or off")?.1;
                self.mouse = on;
                self.say(if on {
                    "the mouse belongs to the console"
                } else {
                    "the mouse belongs to the terminal"
                });
                Ok(Vec::new())
            }
            Does::Step => self.run_step(rest),
            Does::Filter => {
                self.filter(|filter| {
                    *filter = if rest.is_empty() {
                        Filter::default()
                    } else {
                        Filter { text: rest.to_owned(), ..filter.clone() }
                    };
                });
                Ok(Vec::new())
            }
            Does::Evaluate => self.evaluate(rest),
            Does::Tool { tool, field } => self.call(tool, Some(field), rest),
        }
    }

    fn run_step(&mut self, number: &str) -> Result<Vec<Command>, String> {
        let no: u32 =
            number.trim().trim_start_matches('#').parse().map_err(|_| "step takes a step's number")?;
        if self.ledger.timeline.get(StepNo(no)).is_none() {
            return Err(format!("there is no step #{no}"));
        }
        self.jump(StepNo(no));
        Ok(Vec::new())
    }

    /// A call of one's own: the same path as the model's.
    fn call(&mut self, name: &str, first: Option<&str>, rest: &str) -> Result<Vec<Command>, String> {
        let Some(tool) = self.tools().find(|tool| tool.spec.name == name) else {
            let names = COMMANDS.iter().filter(|entry| self.offers(entry)).map(|entry| entry.name);
            let near =
                crate::text::nearest(name, names.chain(self.tools().map(|t| t.spec.name)), 3).join(", ");
            let shown: String = name.chars().take(64).collect();
            return Err(format!("there is no command {shown:?}; did you mean: {near}"));
        };
        let mut flags = split_line(rest).map_err(|e| e.to_string())?;
        if let Some(field) = first
            && flags.first().is_some_and(|word| !word.starts_with('-'))
        {
            flags.insert(0, format!("--{}", field.replace('_', "-")));
        }
        let args = from_flags(&tool.schema, &flags).map_err(|e| e.to_string())?;
        // What cannot be right is said here, where the line can still be changed.
        let args = (tool.validate)(&args).map_err(|fault| fault.to_string())?;
        Ok(vec![Command::Call { tool: name.to_owned(), args, fresh: false }])
    }
}
