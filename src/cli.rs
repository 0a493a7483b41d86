//! The command line.

use crate::config::Overrides;
use clap::builder::RangedU64ValueParser;
use clap::{Args, Parser, Subcommand};
use quarterdeck_core::eval;
use std::ops::RangeInclusive;
use std::path::PathBuf;

/// A console for engineers on call for AWS: ask, watch every step, approve every change.
#[derive(Debug, Parser)]
#[command(name = "quarterdeck", version, max_term_width = 100, args_conflicts_with_subcommands = false)]
pub struct Cli {
    /// Settings that may stand before or after a command.
    #[command(flatten)]
    pub common: Common,
    /// Continue the latest session, or the one named.
    #[arg(long, value_name = "SESSION", num_args = 0..=1, default_missing_value = "")]
    pub resume: Option<String>,
    /// What to do; without one the console opens.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// Settings that any command takes.
#[derive(Clone, Debug, Default, Args)]
pub struct Common {
    /// Use the embedded account instead of AWS, playing a drill: no credentials, no network.
    #[arg(long, global = true, value_name = "DRILL", num_args = 0..=1, default_missing_value = "checkout-outage", require_equals = true)]
    pub demo: Option<String>,
    /// AWS profile.
    #[arg(long, global = true, value_name = "NAME")]
    pub profile: Option<String>,
    /// AWS region; repeat it for more.
    #[arg(long = "region", global = true, value_name = "REGION")]
    pub regions: Vec<String>,
    /// Who answers: anthropic, bedrock, bedrock-messages, openai, openai-compatible, offline, one of your own, or auto.
    #[arg(long, global = true, value_name = "NAME")]
    pub provider: Option<String>,
    /// The model's id.
    #[arg(long, global = true, value_name = "ID")]
    pub model: Option<String>,
    /// How hard the model is asked to think, in the provider's own word: low, medium, high.
    #[arg(long, global = true, value_name = "WORD")]
    pub effort: Option<String>,
    /// Rounds a question may take, 1 to 50.
    #[arg(long, global = true, value_name = "N")]
    pub iterations: Option<u32>,
    /// Write tools do not exist.
    #[arg(long, global = true, conflicts_with = "track")]
    pub read_only: bool,
    /// The model's calls are recorded and not executed.
    #[arg(long, global = true)]
    pub track: bool,
    /// Colours: dark, light, high-contrast, terminal.
    #[arg(long, global = true, value_name = "NAME")]
    pub theme: Option<String>,
    /// Plain ASCII borders.
    #[arg(long, global = true)]
    pub ascii: bool,
}

/// What to do instead of opening the console.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Ask one question without the screen; the answer goes to stdout, progress to stderr. Changes nothing.
    Ask {
        /// The question.
        #[arg(required = true, num_args = 1..)]
        question: Vec<String>,
        /// One JSON object per journal entry.
        #[arg(long, conflicts_with = "markdown")]
        json: bool,
        /// The question, every step and the answer as Markdown.
        #[arg(long)]
        markdown: bool,
    },
    /// Run one tool. A tool that would change something prints its proposal and exits with 3.
    #[command(disable_help_flag = true)]
    Tool {
        /// The tool's name; `quarterdeck tools` lists them.
        name: String,
        /// Its arguments as `--field value`, and `--json` or `--table`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "--FIELD VALUE")]
        flags: Vec<String>,
    },
    /// List the tools: name, description, risk, IAM actions, arguments.
    Tools {
        /// As JSON, with the schema of the arguments.
        #[arg(long)]
        json: bool,
    },
    /// Print the keys.
    Keys,
    /// Store a provider's key in the operating system's keyring; it is typed unseen or piped in.
    Login {
        /// The provider, as in the models table.
        provider: String,
        /// Forget it instead.
        #[arg(long)]
        forget: bool,
    },
    /// Print the IAM policy the read tools and the console need; with --write what changes need on top.
    IamPolicy {
        /// The actions of changes, dry runs and downloads, to be attached beside the read policy.
        #[arg(long)]
        write: bool,
    },
    /// Say what works here and what does not: settings, terminal, journal, model, credentials, regions, clock, services,
    /// and which tools lack which IAM action. Changes nothing, asks nothing that is billed. Exits with 1 when anything
    /// fails, else 0.
    Doctor {
        /// As one JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Runbooks: what answers when no model does. Your own are `*.toml` in the folder `runbooks` beside your settings.
    Runbook {
        /// What to do with them.
        #[command(subcommand)]
        what: RunbookCommand,
    },
    /// List saved sessions.
    Sessions,
    /// Evaluate the model on this account's tools. Nothing is executed.
    Eval {
        /// What to evaluate.
        #[command(subcommand)]
        what: Eval,
    },
}

/// What can be evaluated.
#[derive(Debug, Subcommand)]
pub enum Eval {
    /// Ask the same question again and again in tracking mode, where calls are recorded and not executed, and tell how
    /// alike the plans and answers are. Spends tokens for every run. Exits with 5 when some runs failed, 1 when all did.
    Determinism {
        /// The question.
        #[arg(required = true, num_args = 1..)]
        question: Vec<String>,
        /// How often it is asked, 1 to 100.
        #[arg(long, value_name = "N", default_value_t = eval::STANDARD_RUNS, value_parser = within(eval::RUNS))]
        runs: u32,
        /// How many runs are under way at a time, 1 to 8.
        #[arg(long, value_name = "N", default_value_t = eval::STANDARD_CONCURRENCY, value_parser = within(eval::CONCURRENCY))]
        concurrency: u32,
        /// One JSON object.
        #[arg(long)]
        json: bool,
    },
}

fn within(range: RangeInclusive<u32>) -> RangedU64ValueParser<u32> {
    let (least, most) = range.into_inner();
    RangedU64ValueParser::new().range(u64::from(least)..=u64::from(most))
}

/// What to do with runbooks.
#[derive(Debug, Subcommand)]
pub enum RunbookCommand {
    /// Check runbook files: what each matches and calls, or every mistake with its line. Exits with 1 when there is one.
    Check {
        /// The files.
        #[arg(required = true, num_args = 1.., value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// List all runbooks: name, words, and where it is from.
    List,
    /// Print a runbook's file: a start for your own.
    Show {
        /// Its name.
        name: String,
    },
}

impl Common {
    /// The settings among the flags.
    #[must_use]
    pub fn overrides(&self) -> Overrides {
        Overrides {
            provider: self.provider.clone(),
            model: self.model.clone(),
            profile: self.profile.clone(),
            regions: self.regions.clone(),
            effort: self.effort.clone(),
            iterations: self.iterations,
            theme: self.theme.clone(),
            ascii: self.ascii,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_definition_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn demo_takes_an_optional_drill() {
        let demo = |args: &[&str]| Cli::try_parse_from(args).map(|c| c.common.demo);
        assert_eq!(demo(&["quarterdeck", "--demo"]).unwrap().as_deref(), Some("checkout-outage"));
        assert_eq!(demo(&["quarterdeck", "--demo=other"]).unwrap().as_deref(), Some("other"));
        assert_eq!(
            demo(&["quarterdeck", "ask", "--demo", "why?"]).unwrap().as_deref(),
            Some("checkout-outage")
        );
        assert_eq!(demo(&["quarterdeck"]).unwrap(), None);
    }

    #[test]
    fn a_tool_keeps_its_own_flags() {
        let args = [
            "quarterdeck",
            "tool",
            "--demo",
            "list_ecs_services",
            "--only-unhealthy",
            "--regions",
            "all",
            "--json",
        ];
        let cli = Cli::try_parse_from(args).unwrap();
        let Some(Command::Tool { name, flags }) = cli.command else { panic!("not a tool") };
        assert_eq!(name, "list_ecs_services");
        assert_eq!(flags, ["--only-unhealthy", "--regions", "all", "--json"]);
    }
}
