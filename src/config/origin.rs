//! Where each setting came from.

use super::{Env, Overrides, user_file};
use quarterdeck_core::settings::Origin;
use std::collections::BTreeMap;

/// Settings that the environment gives, as [`super::Config::load`] takes them.
const ENVIRONMENT: [(&str, &str); 3] =
    [("provider", "QUARTERDECK_PROVIDER"), ("model", "QUARTERDECK_MODEL"), ("theme", "QUARTERDECK_THEME")];

/// Where the settings in force came from, by key; a key that is not there has its default.
#[must_use]
pub fn origins(env: Env<'_>, flags: &Overrides) -> BTreeMap<&'static str, Origin> {
    let file = user_file(env).and_then(|path| std::fs::read_to_string(path).ok());
    let file: toml::Table = file.and_then(|text| toml::from_str(&text).ok()).unwrap_or_default();
    let keys = ["provider", "model", "effort", "iterations", "max_tokens", "turn_tokens", "turn_dollars"];
    let keys = keys.into_iter().chain(["insights_budget_gb", "theme"]);
    let mut origins: BTreeMap<&'static str, Origin> =
        keys.filter(|key| file.contains_key(*key)).map(|key| (key, Origin::File)).collect();
    for (key, name) in ENVIRONMENT {
        if env(name).is_some_and(|value| !value.is_empty()) {
            origins.insert(key, Origin::Environment(name));
        }
    }
    let given = [
        (flags.provider.is_some(), "provider", "--provider"),
        (flags.model.is_some(), "model", "--model"),
        (flags.effort.is_some(), "effort", "--effort"),
        (flags.iterations.is_some(), "iterations", "--iterations"),
        (flags.theme.is_some(), "theme", "--theme"),
    ];
    for (_, key, flag) in given.into_iter().filter(|(given, _, _)| *given) {
        origins.insert(key, Origin::Flag(flag));
    }
    origins
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[test]
    fn what_wins_is_what_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        std::fs::write(&path, "model = \"file\"\ntheme = \"light\"\neffort = \"file\"\n").unwrap();
        let place = path.display().to_string();
        let env = |name: &str| match name {
            "QUARTERDECK_CONFIG" => Some(place.clone()),
            "QUARTERDECK_MODEL" => Some("environment".to_owned()),
            "QUARTERDECK_THEME" => Some(String::new()),
            _ => None,
        };
        let flags = Overrides { effort: Some("flag".into()), ..Overrides::default() };
        let config = Config::load(&env, &flags).unwrap();
        let origins = origins(&env, &flags);
        for (key, value, origin) in [
            ("model", config.model.as_str(), Origin::Environment("QUARTERDECK_MODEL")),
            ("theme", config.theme.as_str(), Origin::File),
            ("effort", config.effort.as_str(), Origin::Flag("--effort")),
        ] {
            let from = match origin {
                Origin::Environment(_) => "environment",
                Origin::Flag(_) => "flag",
                Origin::File | Origin::Default => "light",
            };
            assert_eq!((value, origins.get(key)), (from, Some(&origin)), "{key}");
        }
        assert_eq!(origins.get("iterations"), None);
    }

    /// What is listed above is what the configuration takes.
    #[test]
    fn every_variable_has_its_key() {
        for (key, name) in ENVIRONMENT {
            let value = if key == "theme" { "light" } else { "offline" };
            let env = |n: &str| (n == name).then(|| value.to_owned());
            let config = Config::load(&env, &Overrides::default()).unwrap();
            let taken = [("provider", &config.provider), ("model", &config.model), ("theme", &config.theme)];
            assert!(taken.contains(&(key, &value.to_owned())), "{name}");
            assert_eq!(origins(&env, &Overrides::default()).get(key), Some(&Origin::Environment(name)));
        }
    }
}
