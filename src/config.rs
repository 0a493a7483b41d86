//! Settings: flags over environment over the user's file over the embedded default.

mod origin;
pub mod save;

pub use origin::origins;

use quarterdeck_core::keymap::Keymap;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

/// The embedded default, which documents every key.
pub const DEFAULT: &str = include_str!("../config/default.toml");

/// All settings, complete.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// `auto`, or a provider of the models table.
    pub provider: String,
    /// The model's id; empty for the provider's first.
    pub model: String,
    /// How hard the model is asked to think; empty for its default.
    pub effort: String,
    /// Where the Anthropic API is.
    pub anthropic_base_url: String,
    /// The AWS profile; empty for the default chain.
    pub profile: String,
    /// Regions; empty for the chain's.
    pub regions: Vec<String>,
    /// 1 to 50.
    pub iterations: u32,
    /// Tokens one answer may take.
    pub max_tokens: u32,
    /// Tokens a turn may take without a question; 0 for no ceiling.
    pub turn_tokens: u64,
    /// US dollars a turn may cost without a question; 0 for no ceiling.
    pub turn_dollars: f64,
    /// GB a Logs Insights query may scan without a question.
    pub insights_budget_gb: u32,
    /// A theme's name.
    pub theme: String,
    /// Plain borders.
    pub ascii: bool,
    /// Mouse reporting.
    pub mouse: bool,
    /// Where downloads go; `~` is the home.
    pub downloads: String,
    /// Where uploads come from.
    pub uploads: String,
    /// MiB an upload from a URL may have.
    pub url_limit_mib: u64,
    /// Account names and their profiles.
    pub accounts: BTreeMap<String, String>,
}

/// What a flag may set.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// `--provider`.
    pub provider: Option<String>,
    /// `--model`.
    pub model: Option<String>,
    /// `--effort`.
    pub effort: Option<String>,
    /// `--profile`.
    pub profile: Option<String>,
    /// `--region`, repeated.
    pub regions: Vec<String>,
    /// `--iterations`.
    pub iterations: Option<u32>,
    /// `--theme`.
    pub theme: Option<String>,
    /// `--ascii`.
    pub ascii: bool,
}

/// What is wrong with the settings. Says where and what to write instead.
#[derive(Debug, thiserror::Error)]
#[error("{place}: {why}")]
pub struct ConfigError {
    place: String,
    why: String,
}

impl ConfigError {
    /// `place` is a file or a setting; `why` says what to write instead.
    #[must_use]
    pub fn new(place: &str, why: String) -> Self {
        Self { place: place.to_owned(), why }
    }
}

/// Reads the environment; tests pass their own.
pub type Env<'a> = &'a dyn Fn(&str) -> Option<String>;

impl Config {
    /// The settings in force.
    ///
    /// # Errors
    /// The user's file cannot be read, has an unknown key or a value of the wrong type; a value is out of range.
    pub fn load(env: Env<'_>, flags: &Overrides) -> Result<Self, ConfigError> {
        let mut table: toml::Table =
            toml::from_str(DEFAULT).map_err(|e| ConfigError::new("the embedded default", e.to_string()))?;
        let place = match user_file(env) {
            Some(path) if path.exists() => {
                let text = std::fs::read_to_string(&path)
                    .map_err(|e| ConfigError::new(&path.display().to_string(), e.to_string()))?;
                let user: toml::Table = toml::from_str(&text)
                    .map_err(|e| ConfigError::new(&path.display().to_string(), e.to_string()))?;
                overlay(&mut table, user)
                    .map_err(|why| ConfigError::new(&path.display().to_string(), why))?;
                path.display().to_string()
            }
            Some(_) | None => "the settings".to_owned(),
        };
        let mut config: Self = table
            .try_into()
            .map_err(|e: toml::de::Error| ConfigError::new(&place, e.to_string().trim().to_owned()))?;
        config.take_environment(env);
        config.take_flags(flags);
        config.check().map_err(|why| ConfigError::new(&place, why))?;
        Ok(config)
    }

    fn take_environment(&mut self, env: Env<'_>) {
        let set = |name: &str| env(name).filter(|v| !v.is_empty());
        if let Some(v) = set("QUARTERDECK_PROVIDER") {
            self.provider = v;
        }
        if let Some(v) = set("QUARTERDECK_MODEL") {
            self.model = v;
        }
        if let Some(v) = set("QUARTERDECK_THEME") {
            self.theme = v;
        }
        if let Some(v) = set("ANTHROPIC_BASE_URL") {
            self.anthropic_base_url = v;
        }
        // AWS_PROFILE and AWS_REGION are left to the AWS chain unless the file says otherwise.
        if let Some(v) = set("AWS_PROFILE") {
            self.profile = v;
        }
        if let Some(v) = set("AWS_REGION").or_else(|| set("AWS_DEFAULT_REGION")) {
            self.regions = vec![v];
        }
    }

    fn take_flags(&mut self, flags: &Overrides) {
        if let Some(v) = &flags.provider {
            self.provider.clone_from(v);
        }
        if let Some(v) = &flags.model {
            self.model.clone_from(v);
        }
        if let Some(v) = &flags.effort {
            self.effort.clone_from(v);
        }
        if let Some(v) = &flags.profile {
            self.profile.clone_from(v);
        }
        if !flags.regions.is_empty() {
            self.regions.clone_from(&flags.regions);
        }
        if let Some(v) = flags.iterations {
            self.iterations = v;
        }
        if let Some(v) = &flags.theme {
            self.theme.clone_from(v);
        }
        self.ascii |= flags.ascii;
    }

    fn check(&self) -> Result<(), String> {
        one_of("theme", &self.theme, &["dark", "light", "high-contrast", "terminal"])?;
        if !(1..=50).contains(&self.iterations) {
            return Err(format!("iterations is {}: it takes 1 to 50", self.iterations));
        }
        if !(256..=200_000).contains(&self.max_tokens) {
            return Err(format!("max_tokens is {}: it takes 256 to 200000", self.max_tokens));
        }
        if !(1..=102_400).contains(&self.url_limit_mib) {
            return Err(format!("url_limit_mib is {}: it takes 1 to 102400", self.url_limit_mib));
        }
        for (key, folder) in [("downloads", &self.downloads), ("uploads", &self.uploads)] {
            let anchored = folder == "~" || folder.starts_with("~/") || folder.starts_with('/');
            if !anchored || folder.split('/').any(|part| part == "..") {
                return Err(format!(
                    "{key} is {folder:?}: it takes an absolute path, or one that begins with ~/"
                ));
            }
        }
        if !(0.0..=1_000.0).contains(&self.turn_dollars) {
            return Err(format!("turn_dollars is {}: it takes 0.0 to 1000.0", self.turn_dollars));
        }
        if self.insights_budget_gb > 100_000 {
            return Err(format!("insights_budget_gb is {}: it takes 0 to 100000", self.insights_budget_gb));
        }
        Ok(())
    }
}

fn one_of(key: &str, value: &str, known: &[&str]) -> Result<(), String> {
    if known.contains(&value) {
        return Ok(());
    }
    Err(format!("{key} is {value:?}: it takes {}", known.join(", ")))
}

/// Lays the user's keys over the defaults; the default says which keys there are.
fn overlay(table: &mut toml::Table, user: toml::Table) -> Result<(), String> {
    for (key, value) in user {
        if !table.contains_key(&key) {
            let near =
                quarterdeck_core::text::nearest(&key, table.keys().map(String::as_str), 2).join(" or ");
            return Err(format!("unknown key {key:?}: did you mean {near}?"));
        }
        table.insert(key, value);
    }
    Ok(())
}

/// The key map in force: the embedded one, changed by `keymap.toml` beside the user's settings.
///
/// # Errors
/// The file cannot be read, or names a place, action or key there is not: with the line.
pub fn keymap(env: Env<'_>) -> Result<Arc<Keymap>, ConfigError> {
    let Some(path) = user_file(env).map(|file| file.with_file_name("keymap.toml")).filter(|p| p.exists())
    else {
        return Ok(Keymap::standard());
    };
    let place = path.display().to_string();
    let text = std::fs::read_to_string(&path).map_err(|e| ConfigError::new(&place, e.to_string()))?;
    Keymap::standard().overridden(&text).map(Arc::new).map_err(|e| ConfigError::new(&place, e.to_string()))
}

/// Where the user's own settings are: the folder when it is the console's, else the files.
#[must_use]
pub fn user_places(env: Env<'_>) -> Vec<PathBuf> {
    let Some(file) = user_file(env) else { return Vec::new() };
    match file.parent().filter(|folder| folder.ends_with("quarterdeck")) {
        Some(folder) => vec![folder.to_owned()],
        None => vec![file.with_file_name("keymap.toml"), file.with_file_name("runbooks"), file],
    }
}

/// `$QUARTERDECK_CONFIG`, else `config.toml` in the XDG configuration folder.
pub(crate) fn user_file(env: Env<'_>) -> Option<PathBuf> {
    let set = |name: &str| env(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    set("QUARTERDECK_CONFIG").or_else(|| {
        set("XDG_CONFIG_HOME")
            .or_else(|| set("HOME").map(|h| h.join(".config")))
            .map(|folder| folder.join("quarterdeck/config.toml"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(file: Option<&str>, env: &[(&str, &str)], flags: &Overrides) -> Result<Config, ConfigError> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.toml");
        if let Some(text) = file {
            std::fs::write(&path, text).unwrap();
        }
        let env: BTreeMap<String, String> = env
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .chain([("QUARTERDECK_CONFIG".to_owned(), path.display().to_string())])
            .collect();
        Config::load(&|name| env.get(name).cloned(), flags)
    }

    #[test]
    fn flags_over_environment_over_file_over_default() {
        let none = Overrides::default();
        assert_eq!(load(None, &[], &none).unwrap().provider, "auto");
        let file = Some("provider = \"offline\"\nregions = [\"eu-west-1\"]");
        assert_eq!(load(file, &[], &none).unwrap().provider, "offline");
        let env = [("QUARTERDECK_PROVIDER", "anthropic"), ("AWS_REGION", "us-east-1")];
        let config = load(file, &env, &none).unwrap();
        assert_eq!((config.provider.as_str(), config.regions), ("anthropic", vec!["us-east-1".to_owned()]));
        let flags = Overrides { provider: Some("offline".into()), ..Overrides::default() };
        assert_eq!(load(file, &env, &flags).unwrap().provider, "offline");
    }

    #[test]
    fn mistakes_are_named() {
        let none = Overrides::default();
        for (file, says) in [
            ("iteration = 3", "did you mean iterations"),
            ("iterations = 51", "1 to 50"),
            ("iterations = \"many\"", "iterations"),
            ("theme = 3", "theme"),
            ("downloads = \"here\"", "absolute path"),
            ("uploads = \"/home/../etc\"", "absolute path"),
            ("url_limit_mib = 0", "1 to 102400"),
            ("insights_budget_gb = 100001", "0 to 100000"),
            ("turn_dollars = -1.0", "0.0 to 1000.0"),
            ("turn_dollars = nan", "0.0 to 1000.0"),
            ("not toml", "config.toml"),
        ] {
            let error = load(Some(file), &[], &none).unwrap_err().to_string();
            assert!(error.contains(says), "{file}: {error}");
        }
    }

    #[test]
    fn keys_can_be_changed_and_mistakes_are_named() {
        let dir = tempfile::tempdir().unwrap();
        let config = dir.path().join("config.toml").display().to_string();
        let env = |name: &str| (name == "QUARTERDECK_CONFIG").then(|| config.clone());
        assert!(Arc::ptr_eq(&keymap(&env).unwrap(), &Keymap::standard()));
        let file = dir.path().join("keymap.toml");
        std::fs::write(&file, "[composer]\nsend = [\"Ctrl-x\"]\n").unwrap();
        let help = keymap(&env).unwrap().help(quarterdeck_core::keymap::Place::Composer);
        assert!(help.iter().any(|(keys, doc)| keys == "Ctrl-x" && *doc == "send the question"), "{help:?}");
        std::fs::write(&file, "[composer]\nsned = [\"Ctrl-x\"]\n").unwrap();
        let wrong = keymap(&env).unwrap_err().to_string();
        assert!(
            wrong.contains("keymap.toml") && wrong.contains("line 2") && wrong.contains("send"),
            "{wrong}"
        );
    }
}
