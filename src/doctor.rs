//! `quarterdeck doctor`: what works here, what does not, and what to do about it.
//!
//! Every check is bounded in time; those that need no other run side by side. Nothing is changed, nothing billed is
//! sent, no token is spent.

use crate::cli::Common;
use crate::config::{self, Config};
use crate::connect::{self, Env};
use crate::engine::Clock;
use crate::engine::store::{Database, default_folder};
use crate::fronts::screen::Depth;
use crate::fronts::screen::view::format::span;
use crate::providers;
use quarterdeck_aws::clients::Aws;
use quarterdeck_aws::probe::{self, Probed};
use quarterdeck_core::scope::Scope;
use quarterdeck_core::tool::{Fault, FaultKind};
use quarterdeck_model::Provider as _;
use serde::Serialize;
use std::future::Future;
use std::io::IsTerminal as _;
use std::sync::Arc;
use std::time::Duration;

/// Longest a check may take.
const LIMIT: Duration = Duration::from_secs(10);
/// AWS refuses signatures that are further off.
const SKEW: Duration = Duration::from_secs(300);
/// Off by more is worth a word.
const DRIFT: Duration = Duration::from_secs(30);
/// Credentials that end sooner are worth a word.
const SOON: Duration = Duration::from_secs(900);

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It is as it should be.
    Ok,
    /// It works, with less than there could be.
    Warn,
    /// It does not work.
    Fail,
    /// It could not be looked at.
    Skipped,
}

/// One check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What was looked at.
    pub name: String,
    /// How it came out.
    pub status: Status,
    /// What was found.
    pub found: String,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// Everything that was found.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The checks, in the order to mend them.
    pub checks: Vec<Check>,
    /// Every tool; empty when none could be tried.
    pub tools: Vec<Probed>,
}

impl Check {
    fn new(name: &str, status: Status, found: impl Into<String>) -> Self {
        Self { name: name.to_owned(), status, found: found.into(), hint: None }
    }

    fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// A check that ended in a fault.
    fn fault(name: &str, fault: &Fault) -> Self {
        let action = fault.action.as_ref().map_or_else(String::new, |a| format!(" (needs {a})"));
        let check =
            Self::new(name, Status::Fail, format!("{}: {}{action}", fault.kind.label(), fault.message));
        Self { hint: fault.hint.clone(), ..check }
    }
}

/// Looks at everything.
///
/// # Errors
/// The drill that `--demo` names does not exist.
pub async fn examine(common: &Common, clock: Clock, env: Env) -> anyhow::Result<Report> {
    let (config, settings) = settings(common, env)?;
    let (aws, scope) = connect::account(&config, common, &clock, connect::files(&config, env))?;
    let mut checks = vec![settings, keymap(env), terminal(env), journal(env)];
    let (model, account) = futures::join!(model(&config, common, &clock, env), account(&aws, &scope));
    checks.push(model);
    let (found, tools) = account;
    checks.extend(found);
    Ok(Report { checks, tools })
}

/// The settings in force; with a broken file, those without it.
fn settings(common: &Common, env: Env) -> anyhow::Result<(Config, Check)> {
    let told = |path: Option<std::path::PathBuf>| match path.filter(|p| p.exists()) {
        Some(path) => format!("{} is valid", path.display()),
        None => "no file of your own: the defaults hold".to_owned(),
    };
    let error = match Config::load(&env, &common.overrides()) {
        Ok(config) => return Ok((config, Check::new("settings", Status::Ok, told(config::user_file(&env))))),
        Err(error) => error,
    };
    let check = Check::new("settings", Status::Fail, error.to_string())
        .hint("config/default.toml documents every setting; what follows leaves your file out");
    let without = |name: &str| {
        (!matches!(name, "QUARTERDECK_CONFIG" | "XDG_CONFIG_HOME" | "HOME")).then(|| env(name)).flatten()
    };
    let config = Config::load(&without, &common.overrides());
    Ok((config.or_else(|_| Config::load(&|_| None, &config::Overrides::default()))?, check))
}

fn keymap(env: Env) -> Check {
    match config::keymap(&env) {
        Ok(_) => Check::new("keys", Status::Ok, "the key map is valid"),
        Err(error) => Check::new("keys", Status::Fail, error.to_string())
            .hint("config/keymap.toml documents every action"),
    }
}

fn terminal(env: Env) -> Check {
    let term = env("TERM").filter(|t| !t.is_empty());
    let colours = match Depth::of(env("NO_COLOR").as_deref(), env("COLORTERM").as_deref(), term.as_deref()) {
        Depth::None => "no colour",
        Depth::Indexed => "256 colours",
        Depth::True => "true colour",
    };
    let name = term.as_deref().unwrap_or("TERM is not set");
    if !std::io::stdin().is_terminal() || !std::io::stdout().is_terminal() {
        return Check::new("terminal", Status::Skipped, format!("not a terminal here ({name}, {colours})"));
    }
    let size = crossterm::terminal::size().ok();
    let (columns, rows) = size.unwrap_or((0, 0));
    let found = format!("{name}, {columns}x{rows}, {colours}; copying goes through the terminal (OSC 52)");
    let set = |name: &str| env(name).is_some_and(|v| !v.is_empty());
    match (columns, rows) {
        _ if term.as_deref() == Some("dumb") => Check::new("terminal", Status::Fail, found)
            .hint("a dumb terminal cannot show the console: use ask and tool"),
        _ if columns < 60 || rows < 15 => Check::new("terminal", Status::Warn, found)
            .hint("enlarge it: below 60x15 changes can only be refused, below 40x10 nothing is shown"),
        _ if set("TMUX") => Check::new("terminal", Status::Ok, found).hint(
            "in tmux copying needs `set -g set-clipboard on`, and `allow-passthrough on` in nested ones",
        ),
        _ if set("STY") => Check::new("terminal", Status::Warn, found)
            .hint("GNU screen drops OSC 52: copying may not arrive"),
        _ => Check::new("terminal", Status::Ok, found),
    }
}

fn journal(env: Env) -> Check {
    let folder = default_folder(&env);
    match Database::check(&folder) {
        Ok(()) => Check::new("journal", Status::Ok, format!("{} can be written", folder.display())),
        Err(error) => Check::new("journal", Status::Fail, error.to_string())
            .hint("changes to the account need a journal: set QUARTERDECK_STATE to a folder of yours"),
    }
}

/// Provider, model, and whether it can be reached with the key there is.
async fn model(config: &Config, common: &Common, clock: &Clock, env: Env) -> Check {
    let failed = |what: String| Check::new("model", Status::Fail, what);
    let models = match providers::table(&env) {
        Ok(models) => Arc::new(models),
        Err(error) => return failed(format!("{error:#}")),
    };
    let provider = match connect::provider(config, &models, true, clock, env) {
        Ok(provider) => provider,
        Err(error) => return failed(format!("{error:#}")),
    };
    let name = provider.name().to_owned();
    if name == "offline" {
        let found = "offline: runbooks answer, no model is behind them";
        let asked = config.provider == "offline" || common.demo.is_some();
        return match asked {
            true => Check::new("model", Status::Ok, found),
            false => Check::new("model", Status::Warn, found).hint(
                "set ANTHROPIC_API_KEY or OPENAI_API_KEY for a model, or start with --provider bedrock",
            ),
        };
    }
    let model = if config.model.is_empty() {
        models.default_model(&name).unwrap_or_default()
    } else {
        config.model.as_str()
    };
    let key = providers::key(&name, &models, &env);
    let told = format!("{name}, {model}, {key}");
    match tokio::time::timeout(LIMIT, provider.reach()).await {
        Ok(Ok(found)) => Check::new("model", Status::Ok, format!("{told}: {found}")),
        Ok(Err(error)) => failed(format!("{told}: {}", error.message)),
        Err(_) => failed(format!("{told}: no answer within {} s", LIMIT.as_secs())),
    }
}

/// Everything about AWS. Without credentials the rest cannot be asked.
async fn account(aws: &Aws, scope: &Scope) -> (Vec<Check>, Vec<Probed>) {
    let (credentials, others) = futures::join!(credentials(aws, None), accounts(aws));
    let mut checks = vec![credentials];
    if checks.iter().any(|c| c.status == Status::Fail) {
        checks.extend(others);
        let without = ["identity", "regions", "clock", "services"];
        checks.extend(without.map(|name| Check::new(name, Status::Skipped, "needs credentials")));
        return (checks, Vec::new());
    }
    let (identity, regions, clock, tools) =
        futures::join!(identity(aws), regions(aws), clocks(aws, scope), probe::tools(aws, LIMIT));
    checks.extend(others);
    checks.extend([identity, regions, clock, services(&tools)]);
    (checks, tools)
}

async fn bounded<T>(running: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
    let late = || Fault::new(FaultKind::Timeout, format!("no answer within {} s", LIMIT.as_secs()));
    tokio::time::timeout(LIMIT, running).await.unwrap_or_else(|_| Err(late()))
}

async fn credentials(aws: &Aws, account: Option<&str>) -> Check {
    let name = account.map_or_else(|| "credentials".to_owned(), |a| format!("account {a}"));
    match bounded(aws.credentials(account)).await {
        Ok(found) => {
            let profile = found.profile.as_ref().map_or_else(String::new, |p| format!(", profile {p}"));
            let left = found.expires.map(|end| end.since(aws.now()));
            let ends =
                left.map_or_else(|| "they do not expire".to_owned(), |left| format!("{} left", span(left)));
            let told = format!("{} (key ...{}){profile}; {ends}", found.source, found.tail);
            match left {
                Some(left) if left < SOON => Check::new(&name, Status::Warn, told)
                    .hint(quarterdeck_aws::account::renew(found.profile.as_deref())),
                Some(_) | None => Check::new(&name, Status::Ok, told),
            }
        }
        Err(fault) => Check::fault(&name, &fault),
    }
}

/// The accounts of the configuration.
async fn accounts(aws: &Aws) -> Vec<Check> {
    let names = aws.settings().accounts.keys();
    futures::future::join_all(names.map(|name| credentials(aws, Some(name)))).await
}

async fn identity(aws: &Aws) -> Check {
    match bounded(aws.identity()).await {
        Ok(identity) => {
            let alias = identity.alias.as_ref().map_or_else(|| "no alias known".to_owned(), Clone::clone);
            Check::new("identity", Status::Ok, format!("{} ({alias}), {}", identity.account, identity.arn))
        }
        Err(fault) => Check::fault("identity", &fault),
    }
}

async fn regions(aws: &Aws) -> Check {
    let found = match bounded(aws.session_regions()).await {
        Ok(found) => found,
        Err(fault) => return Check::fault("regions", &fault),
    };
    let session = found.session.join(", ");
    match (found.disabled, found.unknown) {
        (Some(off), _) if off.is_empty() => Check::new("regions", Status::Ok, format!("{session}: enabled")),
        (Some(off), _) => {
            Check::new("regions", Status::Fail, format!("not enabled in this account: {}", off.join(", ")))
                .hint("enable it under Account, AWS Regions, or start with --region NAME")
        }
        (None, Some(fault)) if fault.kind == FaultKind::Denied => {
            Check::new("regions", Status::Warn, format!("{session}; whether enabled is not known"))
                .hint("needs ec2:DescribeRegions")
        }
        (None, Some(fault)) => Check::fault("regions", &fault),
        (None, None) => Check::new("regions", Status::Skipped, session),
    }
}

async fn clocks(aws: &Aws, scope: &Scope) -> Check {
    let found = tokio::time::timeout(LIMIT, aws.clocks()).await.ok().flatten();
    let Some((theirs, ours)) = found else {
        let why = if scope.demo.is_some() {
            "the embedded account has no clock of its own"
        } else {
            "no answer to compare with"
        };
        return Check::new("clock", Status::Skipped, why);
    };
    let (off, way) =
        if ours > theirs { (ours.since(theirs), "ahead of") } else { (theirs.since(ours), "behind") };
    let found = format!("{} {way} AWS", span(off));
    match off {
        _ if off > SKEW => Check::new("clock", Status::Fail, found)
            .hint("AWS refuses signatures more than 5 minutes off: set the clock (NTP)"),
        _ if off > DRIFT => Check::new("clock", Status::Warn, found).hint("set the clock (NTP)"),
        _ => Check::new("clock", Status::Ok, found),
    }
}

/// Which services answered at all, whatever they said.
fn services(tools: &[Probed]) -> Check {
    let mut by: std::collections::BTreeMap<&str, bool> = std::collections::BTreeMap::new();
    for (service, answered) in tools.iter().flat_map(|t| &t.services) {
        *by.entry(service).or_default() |= answered;
    }
    let names = |wanted: bool| {
        by.iter().filter(|(_, a)| **a == wanted).map(|(s, _)| *s).collect::<Vec<_>>().join(", ")
    };
    let (reached, silent) = (names(true), names(false));
    match (reached.is_empty(), silent.is_empty()) {
        (true, true) => Check::new("services", Status::Skipped, "none was asked"),
        (false, true) => Check::new("services", Status::Ok, format!("reached: {reached}")),
        (true, false) => Check::new("services", Status::Fail, format!("none answers: {silent}"))
            .hint("check the network, the proxy and AWS_ENDPOINT_URL"),
        (false, false) => {
            Check::new("services", Status::Fail, format!("no answer from {silent}; reached: {reached}"))
                .hint("a VPC endpoint or proxy rule may be missing for them")
        }
    }
}
