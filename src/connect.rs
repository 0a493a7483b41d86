//! Builds what a session stands on: the account, the model, the journal.

use crate::cli::Common;
use crate::config::Config;
use crate::engine::store::{Database, StoreError, Writer, default_folder};
use crate::engine::{Clock, Engine, Parts};
use crate::providers;
use anyhow::{Context as _, anyhow};
use quarterdeck_aws::clients::Aws;
use quarterdeck_aws::files::Files;
use quarterdeck_aws::registry;
use quarterdeck_aws::settings::GB;
use quarterdeck_core::Timestamp;
use quarterdeck_core::keymap::Keymap;
use quarterdeck_core::models::Models;
use quarterdeck_core::scope::{Mode, Scope};
use quarterdeck_core::session::{Input, Session, Setup, Trial};
use quarterdeck_core::settings::{Ceiling, Origin, Settings};
use quarterdeck_core::tool::{Catalogue, FaultKind};
use quarterdeck_demo::Demo;
use quarterdeck_model::{Load, Provider, Several};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Between two looks at credentials that are missing or ended.
const AGAIN: Duration = Duration::from_secs(30);

/// Reads the environment.
pub type Env = fn(&str) -> Option<String>;

/// A sentence that says what is missing, and the exit code that goes with it.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct MissingCredentials(pub String);

/// Everything up to the engine's start.
pub struct Deck {
    /// The settings in force.
    pub config: Config,
    /// The keys in force.
    pub keymap: Arc<Keymap>,
    /// The tools.
    pub catalogue: Arc<Catalogue>,
    /// Where the session looks.
    pub scope: Scope,
    /// Model, effort and limits.
    pub settings: Settings,
    /// What to tell the operator once the screen is up.
    pub remarks: Vec<String>,
    /// What is carried out.
    pub mode: Mode,
    /// The time.
    pub clock: Clock,
    /// The table of models in force.
    pub models: Arc<Models>,
    /// Where the settings came from, by key.
    pub origins: BTreeMap<&'static str, Origin>,
    aws: Aws,
    provider: Arc<Several>,
    env: Env,
}

impl Deck {
    /// Decides account, model and mode. Touches neither network nor disk beyond the settings file.
    ///
    /// # Errors
    /// Settings that cannot be right, an unknown drill, a provider without its key.
    pub fn build(common: &Common, asks_a_model: bool, clock: Clock, env: Env) -> anyhow::Result<Self> {
        let config = Config::load(&env, &common.overrides())?;
        let mut remarks = Vec::new();
        let models = Arc::new(providers::table(&env)?);
        let may_do_without = common.demo.is_some() || !asks_a_model;
        let provider = provider(&config, &models, may_do_without, &clock, env)?;
        let first = provider.name().to_owned();
        if first == "offline" && config.provider == "auto" && common.demo.is_none() {
            remarks.push(
                "no model key: runbooks answer, no model is behind them; every tool works from :".into(),
            );
        }
        let model = if config.model.is_empty() || first == "offline" {
            models.default_model(&first).unwrap_or_default().to_owned()
        } else {
            config.model.clone()
        };
        remarks.extend(crate::runbooks::remarks(&crate::runbooks::own(&env)));
        let settings = Settings {
            provider: first,
            model,
            iterations: config.iterations,
            max_tokens: config.max_tokens,
            effort: Some(config.effort.clone()).filter(|word| !word.is_empty()),
            ceiling: Ceiling {
                tokens: Some(config.turn_tokens).filter(|tokens| *tokens > 0),
                dollars: Some(config.turn_dollars).filter(|dollars| *dollars > 0.0),
            },
        };
        let (aws, scope) = account(&config, common, &clock, files(&config, env))?;
        let mode = match (common.read_only, common.track) {
            (true, _) => Mode::ReadOnly,
            (false, true) => Mode::Track,
            (false, false) => Mode::Execute,
        };
        Ok(Self {
            keymap: crate::config::keymap(&env)?,
            origins: crate::config::origins(&env, &common.overrides()),
            config,
            catalogue: Arc::new(registry::catalogue()),
            scope,
            settings,
            models,
            remarks,
            mode,
            aws,
            provider,
            clock,
            env,
        })
    }

    /// The user's own settings file, whether it is there yet or not.
    #[must_use]
    pub fn settings_file(&self) -> Option<PathBuf> {
        crate::config::user_file(&self.env)
    }

    /// The providers without their key, and what to do. Asks no keyring.
    #[must_use]
    pub fn lacking(&self) -> BTreeMap<String, String> {
        providers::lacking(&self.models, &self.env)
    }

    /// Starts a session: a new one, or `resume`d (empty: the latest).
    ///
    /// # Errors
    /// There is nothing to resume, or it is open elsewhere.
    pub fn start(&self, resume: Option<&str>) -> anyhow::Result<Engine> {
        let folder = default_folder(&self.env);
        let now = (self.clock)();
        let demo = self.scope.demo.is_some();
        let Some(wanted) = resume else {
            let session = new_id(now)?;
            let name = session.clone();
            let store = Writer::start(session.clone(), move || {
                let mut database = Database::open(&folder)?;
                database.begin(&name, now, demo)?;
                Ok(database)
            })?;
            let begun = Session::new(self.setup(session)?, now);
            return Ok(self.engine(begun, store, 0));
        };
        let mut database = Database::open(&folder)?;
        let session = if wanted.is_empty() {
            let latest = database.sessions(demo)?.into_iter().next();
            latest.map(|row| row.id).ok_or_else(|| {
                StoreError::NoSession(format!("there is no saved session in {}", folder.display()))
            })?
        } else {
            wanted.to_owned()
        };
        database.take_lock(&session)?;
        let (entries, last) = database.load(&session)?;
        let durable = entries.len() as u64;
        let entries = entries.into_iter().map(Arc::new).collect();
        let resumed = Session::resume(self.setup(session.clone())?, entries, last, now);
        let store = Writer::start(session, move || Ok(database))?;
        Ok(self.engine(resumed, store, durable))
    }

    fn engine(
        &self,
        session: (Session, Vec<quarterdeck_core::session::Effect>),
        store: Writer,
        durable: u64,
    ) -> Engine {
        Engine::start(Parts {
            session,
            store,
            durable,
            aws: self.aws.clone(),
            provider: self.provider.clone(),
            clock: self.clock.clone(),
        })
    }

    /// `question`, to be asked `runs` times, `concurrency` of them at a time, in tracking mode. Touches no account.
    ///
    /// # Errors
    /// The machine has no randomness.
    pub fn trial(&self, question: &str, runs: u32, concurrency: u32) -> anyhow::Result<Trial> {
        let setup = self.setup("evaluation".to_owned())?;
        Ok(Trial::new(setup, question, runs, concurrency, (self.clock)()))
    }

    /// Who answers.
    #[must_use]
    pub fn provider(&self) -> Arc<dyn Provider> {
        self.provider.clone()
    }

    fn setup(&self, session: String) -> anyhow::Result<Setup> {
        let mut redact_key = [0u8; 16];
        getrandom::fill(&mut redact_key).map_err(|e| anyhow!("no randomness: {e}"))?;
        Ok(Setup {
            session,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            operator: operator(self.env),
            catalogue: self.catalogue.clone(),
            scope: self.scope.clone(),
            mode: self.mode,
            settings: self.settings.clone(),
            models: Arc::clone(&self.models),
            system: quarterdeck_model::system_prompt().into(),
            redact_key,
        })
    }

    /// Asks AWS who the console is, and tells the session. Failing is told as a notice, not an end.
    ///
    /// # Errors
    /// Credentials are missing or refused: the sentence says what to do.
    pub async fn identify(
        &self,
        inputs: &tokio::sync::mpsc::Sender<Input>,
    ) -> Result<Option<Timestamp>, MissingCredentials> {
        let mut scope = self.scope.clone();
        let identity = self.aws.identity().await;
        if scope.regions.is_empty()
            && let Some(region) = self.aws.home_region().await
        {
            scope.regions = vec![region];
        }
        let result = match identity {
            Ok(identity) => {
                let expires = identity.expires;
                scope.identity = Some(identity);
                Ok(expires)
            }
            Err(fault) if fault.kind == FaultKind::Expired => Err(MissingCredentials(fault.to_string())),
            // Unreachable STS is not a reason to stop: each tool says for itself what it could not read.
            Err(_) => Ok(None),
        };
        if scope != self.scope {
            // The engine has ended: nobody is interested any more.
            let _ = inputs.send(Input::Scope(scope)).await;
        }
        result
    }
}

impl Deck {
    /// Tells the session who it is, and again whenever the credentials have ended. Missing credentials are told by
    /// each tool that needs them; the screen says so at once.
    pub async fn watch_identity(&self, inputs: &tokio::sync::mpsc::Sender<Input>) {
        loop {
            let known = self.identify(inputs).await;
            let now = (self.clock)();
            let next = match known {
                Ok(Some(expires)) => expires.since(now).max(AGAIN),
                Ok(None) => return,
                Err(missing) => {
                    let _ = inputs.send(Input::Notice(missing.0)).await;
                    AGAIN
                }
            };
            tokio::time::sleep(next).await;
            if inputs.is_closed() {
                return;
            }
        }
    }
}

/// Every provider behind one that begins with what the settings name. Nothing is sent, no keyring is asked.
///
/// # Errors
/// The settings name an unknown provider, or one without its key where there `may_do_without` is false.
pub(crate) fn provider(
    config: &Config,
    models: &Arc<Models>,
    may_do_without: bool,
    clock: &Clock,
    env: Env,
) -> anyhow::Result<Arc<Several>> {
    let first = providers::first(config, models, &env, may_do_without)?;
    Ok(Arc::new(providers::several(&first, config, models, env, own_account(config, clock))))
}

/// The operator's own AWS configuration, for models on Bedrock: also when the account looked at is the embedded one.
fn own_account(config: &Config, clock: &Clock) -> Load {
    let aws = Aws::new(real(config, clock, Files::default()));
    Arc::new(move || {
        let aws = aws.clone();
        Box::pin(async move { aws.account(None).await.map(|a| a.config.clone()).map_err(|f| f.to_string()) })
    })
}

/// The account the settings name.
fn real(config: &Config, clock: &Clock, files: Files) -> quarterdeck_aws::Settings {
    quarterdeck_aws::Settings {
        profile: Some(config.profile.clone()).filter(|p| !p.is_empty()),
        regions: config.regions.clone(),
        http: None,
        endpoint: None,
        credentials: None,
        accounts: config.accounts.clone(),
        files,
        insights_budget: u64::from(config.insights_budget_gb) * GB,
        clock: clock.clone(),
    }
}

/// Which files tools may touch: the folders of the settings, and never the console's own.
pub(crate) fn files(config: &Config, env: Env) -> Files {
    let set = |name: &str| env(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    let home = set("HOME").filter(|home| home.is_absolute());
    let folder = |given: &str| match (given.strip_prefix('~'), &home) {
        (Some(rest), Some(home)) => home.join(rest.trim_start_matches('/')),
        // Without a home there is no such folder: every file is named in full.
        (Some(_), None) => PathBuf::new(),
        (None, _) => PathBuf::from(given),
    };
    let named = ["AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE", "AWS_WEB_IDENTITY_TOKEN_FILE"];
    let own = [default_folder(&env)].into_iter().chain(crate::config::user_places(&env));
    let never = named.into_iter().filter_map(set).chain(own);
    Files {
        downloads: folder(&config.downloads),
        uploads: folder(&config.uploads),
        never: never.filter_map(|place| std::path::absolute(place).ok()).collect(),
        url_limit: config.url_limit_mib.saturating_mul(1024 * 1024),
        home,
        ..Files::default()
    }
}

pub(crate) fn account(
    config: &Config,
    common: &Common,
    clock: &Clock,
    files: Files,
) -> anyhow::Result<(Aws, Scope)> {
    if let Some(drill) = &common.demo {
        let demo = Demo::start(drill, clock.clone()).context("--demo")?;
        let regions =
            if common.regions.is_empty() { vec![demo.region().to_owned()] } else { common.regions.clone() };
        let (key, secret) = demo.credentials();
        let aws = Aws::new(quarterdeck_aws::Settings {
            profile: None,
            regions: regions.clone(),
            http: Some(demo.http_client()),
            endpoint: None,
            credentials: Some((key.to_owned(), secret.to_owned())),
            accounts: std::collections::BTreeMap::new(),
            files,
            insights_budget: u64::from(config.insights_budget_gb) * GB,
            clock: clock.clone(),
        });
        return Ok((aws, Scope { regions, demo: Some(drill.clone()), ..Scope::default() }));
    }
    let settings = real(config, clock, files);
    let profile = settings.profile.clone();
    Ok((Aws::new(settings), Scope { profile, regions: config.regions.clone(), ..Scope::default() }))
}

/// Time and randomness: `20261120-031500-4f9a`.
fn new_id(now: Timestamp) -> anyhow::Result<String> {
    let mut bytes = [0u8; 2];
    getrandom::fill(&mut bytes).map_err(|e| anyhow!("no randomness: {e}"))?;
    let digits: String = now.rfc3339().chars().filter(char::is_ascii_digit).take(14).collect();
    let (day, time) = digits.split_at_checked(8).unwrap_or((digits.as_str(), ""));
    let [a, b] = bytes;
    Ok(format!("{day}-{time}-{a:02x}{b:02x}"))
}

/// Who sits here, as the operating system says.
fn operator(env: Env) -> String {
    ["USER", "LOGNAME", "USERNAME"]
        .into_iter()
        .find_map(|name| env(name).filter(|v| !v.is_empty()))
        .unwrap_or_else(|| "unknown".to_owned())
}
