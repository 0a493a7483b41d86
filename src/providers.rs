//! Which model answers: the settings, the table of models, and the keys there are.

use crate::config::{Config, ConfigError, Env, user_file};
use crate::connect::MissingCredentials;
use crate::keys;
use anyhow::Context as _;
use quarterdeck_core::message::{ModelError, ModelErrorKind};
use quarterdeck_core::models::{Api, Models, ProviderDefaults};
use quarterdeck_model::{
    Key, Load, Provider, Several, anthropic, base_url_variable, bedrock, chat, key_variable, offline,
    responses,
};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Asked in this order when the settings say `auto` and a key is at hand.
const PREFERRED: [&str; 2] = ["anthropic", "openai"];

/// The table of models: the embedded one, extended by `models.toml` beside the user's settings.
///
/// # Errors
/// The user's file cannot be read: with the line.
pub fn table(env: Env<'_>) -> anyhow::Result<Models> {
    let embedded = Models::embedded().clone();
    let file = user_file(env).map(|file| file.with_file_name("models.toml"));
    let Some(path) = file.filter(|path| path.exists()) else { return Ok(embedded) };
    let place = path.display().to_string();
    let text = std::fs::read_to_string(&path).with_context(|| place.clone())?;
    embedded.extended(&text).map_err(|e| ConfigError::new(&place, e).into())
}

/// The provider a session begins with.
///
/// # Errors
/// The settings name one that is not in the table, or one without its key.
pub fn first(config: &Config, models: &Models, env: Env<'_>, may_do_without: bool) -> anyhow::Result<String> {
    if config.provider == "auto" {
        let has_key = |name: &&str| {
            models.provider(name).is_some_and(|d| {
                // Without a PATH there is no keyring, which is not asked before somebody wants the model.
                !matches!(keys::of(name, d, &|n| env(n).filter(|_| n != "PATH")), Key::None)
            })
        };
        if let Some(name) = PREFERRED.iter().find(|name| has_key(name)) {
            return Ok((*name).to_owned());
        }
        if may_do_without {
            return Ok("offline".to_owned());
        }
        return Err(MissingCredentials(
            "no model key: set ANTHROPIC_API_KEY or OPENAI_API_KEY, choose --provider bedrock, or use --provider offline for the built-in runbooks".into(),
        )
        .into());
    }
    let name = config.provider.as_str();
    let defaults = models.provider(name).ok_or_else(|| unknown(name, models))?;
    if defaults.key_required && matches!(keys::of(name, defaults, env), Key::None) {
        return Err(MissingCredentials(format!(
            "no model key: {}, or use --provider offline for the built-in runbooks",
            how(name, defaults, env)
        ))
        .into());
    }
    Ok(name.to_owned())
}

/// Where the key of a provider comes from, in words; the key is not looked up.
pub(crate) fn key(name: &str, models: &Models, env: Env<'_>) -> String {
    let Some(defaults) = models.provider(name) else { return "unknown".to_owned() };
    let variable = key_variable(name, &defaults.key_env);
    match (defaults.api, keys::of(name, defaults, env)) {
        (Api::Runbooks, _) => "no key needed".to_owned(),
        (Api::Converse, _) if env("AWS_BEARER_TOKEN_BEDROCK").is_some_and(|token| !token.is_empty()) => {
            "token from AWS_BEARER_TOKEN_BEDROCK".to_owned()
        }
        (Api::Converse, _) => "with the AWS credentials".to_owned(),
        (_, Key::Known(_)) => format!("key from {variable}"),
        (_, Key::Sought(_)) if !defaults.api_key_command.is_empty() => "key from api_key_command".to_owned(),
        (_, _) if !defaults.sign.is_empty() => "with the AWS credentials".to_owned(),
        (_, Key::Sought(_)) => "key from the keyring, if it is there".to_owned(),
        (_, Key::None) => format!("no key ({variable} is not set)"),
    }
}

/// A provider that the table does not have.
fn unknown(name: &str, models: &Models) -> ConfigError {
    ConfigError::new("provider", format!("{}, or auto", no_such(name, models)))
}

/// `there is no provider "opnai"; did you mean openai? There are ...`
pub(crate) fn no_such(name: &str, models: &Models) -> String {
    let known: Vec<&str> = models.providers().collect();
    let near = quarterdeck_core::text::nearest(name, known.iter().copied(), 1).join("");
    format!("there is no provider {name:?}; did you mean {near}? There are {}", known.join(", "))
}

/// How to come by the key of a provider, in one sentence. Ends without a full stop.
fn how(name: &str, defaults: &ProviderDefaults, env: Env<'_>) -> String {
    let mut ways = vec![format!("set {}", key_variable(name, &defaults.key_env))];
    if keys::Keyring::here(env).is_some() {
        ways.push(format!("store one with `quarterdeck login {name}`"));
    }
    ways.push(format!("set api_key_command of [providers.{name}] in models.toml"));
    ways.join(", or ")
}

/// The providers that answer nothing without a key and have none here, and what to do. No keyring is asked.
#[must_use]
pub fn lacking(models: &Models, env: Env<'_>) -> BTreeMap<String, String> {
    let without = |(name, defaults): &(&str, &ProviderDefaults)| {
        defaults.key_required && matches!(keys::of(name, defaults, env), Key::None)
    };
    let all = models.providers().filter_map(|name| Some((name, models.provider(name)?)));
    all.filter(without)
        .map(|(name, defaults)| {
            let how = how(name, defaults, env);
            (name.to_owned(), format!("{name} has no key: {how}, and start again"))
        })
        .collect()
}

/// All of them behind one, each made when it is first asked.
#[must_use]
pub fn several(
    first: &str,
    config: &Config,
    models: &Arc<Models>,
    env: fn(&str) -> Option<String>,
    load: Load,
) -> Several {
    let (models, config) = (Arc::clone(models), config.clone());
    Several::new(
        first,
        Box::new(move |name| {
            let defaults = models.provider(name).ok_or_else(|| ModelError {
                kind: ModelErrorKind::Invalid,
                message: unknown(name, &models).to_string(),
            })?;
            Ok(make(name, defaults, &config, &models, env, &load))
        }),
    )
}

fn make(
    name: &str,
    defaults: &ProviderDefaults,
    config: &Config,
    models: &Arc<Models>,
    env: fn(&str) -> Option<String>,
    load: &Load,
) -> Arc<dyn Provider> {
    let models = Arc::clone(models);
    let region = config.regions.iter().find(|r| *r != "all").cloned();
    let address = base_url(name, defaults, &env);
    match defaults.api {
        Api::Runbooks => Arc::new(offline::Offline::with_runbooks(crate::runbooks::own(&env).good)),
        Api::Converse => Arc::new(bedrock::Bedrock::new(name, models, region, Arc::clone(load))),
        Api::Messages => {
            let mut settings = anthropic::Settings::from_env(models, |_| None);
            name.clone_into(&mut settings.provider);
            settings.api_key = keys::of(name, defaults, &env);
            settings.base_url = address;
            // The settings file has a name for this one.
            if name == anthropic::NAME && !config.anthropic_base_url.is_empty() {
                settings.base_url.clone_from(&config.anthropic_base_url);
            }
            if defaults.sign.is_empty() {
                return Arc::new(anthropic::Anthropic::new(settings));
            }
            Arc::new(anthropic::Anthropic::on_bedrock(settings, region, Arc::clone(load)))
        }
        Api::Responses => {
            Arc::new(responses::Responses::new(name, &address, keys::of(name, defaults, &env), models))
        }
        Api::Chat => Arc::new(chat::Chat::new(name, &address, keys::of(name, defaults, &env), models)),
    }
}

/// `NAME_BASE_URL` of the environment, else the table's.
fn base_url(name: &str, defaults: &ProviderDefaults, env: Env<'_>) -> String {
    let given = env(&base_url_variable(name)).map(|url| url.trim().to_owned());
    given.filter(|url| !url.is_empty()).unwrap_or_else(|| defaults.base_url.clone())
}
