//! Parse, build, run, exit code.

use anyhow::bail;
use clap::Parser as _;
use quarterdeck::cli::{Cli, Command, Common, Eval, RunbookCommand};
use quarterdeck::config::ConfigError;
use quarterdeck::connect::Deck;
use quarterdeck::engine::clock;
use quarterdeck::fronts::headless::{self, Exit, Format, ToolFlags};
use quarterdeck_aws::iam_policy;
use quarterdeck_core::keymap::{Keymap, Place};
use std::ffi::OsString;
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = match Cli::try_parse_from(with_drill(std::env::args_os())) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are not errors; clap knows which goes to which stream.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { Exit::Usage.code() } else { 0 });
        }
    };
    let exit = run(cli).unwrap_or_else(|error| {
        headless::progress(&format!("quarterdeck: {error:#}"));
        headless::exit_of(&error)
    });
    ExitCode::from(exit.code())
}

/// `--demo DRILL` is taken as `--demo=DRILL` when DRILL is one: `--demo` alone may stand before a command.
fn with_drill(args: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let mut out: Vec<OsString> = Vec::new();
    for arg in args {
        let is_drill = quarterdeck_demo::Drill::names().any(|name| arg == name);
        match out.last_mut() {
            Some(last) if is_drill && last == "--demo" => {
                last.push("=");
                last.push(&arg);
            }
            Some(_) | None => out.push(arg),
        }
    }
    out
}

fn env(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn run(cli: Cli) -> anyhow::Result<Exit> {
    let Cli { mut common, resume, command } = cli;
    match command {
        Some(Command::Tools { json }) => {
            headless::line(&headless::tools(&quarterdeck_aws::registry::catalogue(), json))?;
            Ok(Exit::Answered)
        }
        Some(Command::Keys) => {
            headless::line(&keys(&*quarterdeck::config::keymap(&env)?))?;
            Ok(Exit::Answered)
        }
        Some(Command::Login { provider, forget }) => {
            let models = quarterdeck::providers::table(&env)?;
            let login = quarterdeck::keys::login(&provider, &models, forget, &env);
            headless::line(&runtime()?.block_on(login)?)?;
            Ok(Exit::Answered)
        }
        Some(Command::IamPolicy { write }) => {
            let kind = if write { iam_policy::Kind::Write } else { iam_policy::Kind::Read };
            for policy in iam_policy::policies(&quarterdeck_aws::registry::catalogue(), kind) {
                headless::line(policy.pretty().trim_end())?;
            }
            Ok(Exit::Answered)
        }
        Some(Command::Doctor { json }) => {
            let report = runtime()?.block_on(quarterdeck::doctor::examine(&common, clock::system(), env))?;
            headless::doctor::print(&report, json)?;
            Ok(headless::doctor::exit(&report))
        }
        Some(Command::Runbook { what }) => match what {
            RunbookCommand::Check { files } => {
                headless::runbook::check(&files, &quarterdeck_aws::registry::catalogue())
            }
            RunbookCommand::List => headless::runbook::list(&env),
            RunbookCommand::Show { name } => headless::runbook::show(&name, &env),
        },
        Some(Command::Sessions) => sessions(&common),
        Some(Command::Ask { question, json, markdown }) => {
            let format = match (json, markdown) {
                (true, _) => Format::Json,
                (false, true) => Format::Markdown,
                (false, false) => Format::Answer,
            };
            let deck = Deck::build(&common, true, clock::system(), env)?;
            runtime()?.block_on(headless::ask(&deck, question.join(" "), format, resume.as_deref()))
        }
        Some(Command::Eval { what: Eval::Determinism { question, runs, concurrency, json } }) => {
            if common.read_only {
                bail!(ConfigError::new(
                    "--read-only",
                    "an evaluation is always made in tracking mode".to_owned()
                ));
            }
            let deck = Deck::build(&common, true, clock::system(), env)?;
            let trial = deck.trial(&question.join(" "), runs, concurrency)?;
            runtime()?.block_on(headless::determinism(&deck, trial, json))
        }
        Some(Command::Tool { name, flags }) => {
            let flags = ToolFlags::split(&flags, &name, &quarterdeck_aws::registry::catalogue(), &mut common);
            let deck = Deck::build(&common, false, clock::system(), env)?;
            runtime()?.block_on(headless::tool(&deck, &name, &flags))
        }
        None => {
            let deck = Deck::build(&common, false, clock::system(), env)?;
            quarterdeck::fronts::screen::open(deck, resume.as_deref())
        }
    }
}

/// The key map, place by place.
fn keys(map: &Keymap) -> String {
    let mut lines = Vec::new();
    for place in Place::ALL {
        lines.push(format!("{place:?}"));
        lines.extend(map.help(*place).into_iter().map(|(keys, doc)| format!("  {keys:<24} {doc}")));
    }
    lines.join("\n")
}

fn sessions(common: &Common) -> anyhow::Result<Exit> {
    use quarterdeck::engine::store::{Database, default_folder};
    let database = Database::open(&default_folder(&env))?;
    for row in database.sessions(common.demo.is_some())? {
        headless::line(&format!(
            "{}  {}  {}",
            row.id,
            row.started,
            quarterdeck_core::text::visible(&row.title)
        ))?;
    }
    Ok(Exit::Answered)
}

fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?)
}
