//! Where a model's key comes from: the environment, a command, the operating system's keyring.
//!
//! The keyring is reached through the system's own program (`secret-tool`, `security`), which every desktop has: a library
//! for it would bring a message bus into the console.

use crate::config::Env;
use crate::providers::no_such;
use anyhow::{Context as _, anyhow, bail};
use quarterdeck_core::models::{Api, Models, ProviderDefaults};
use quarterdeck_model::{Key, key_variable};
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

/// What keys are filed under.
const SERVICE: &str = "quarterdeck";
/// For a command or the keyring, which may ask the operator to unlock it.
const LIMIT: Duration = Duration::from_secs(60);

/// Where the key of `provider` comes from. Nothing is run yet.
#[must_use]
pub fn of(provider: &str, defaults: &ProviderDefaults, env: Env<'_>) -> Key {
    if !takes_key(defaults) {
        return Key::None;
    }
    if let Some(key) = env(&key_variable(provider, &defaults.key_env)).filter(|key| !key.trim().is_empty()) {
        return Key::Known(key.trim().to_owned());
    }
    if !defaults.api_key_command.is_empty() {
        let words = defaults.api_key_command.clone();
        return Key::Sought(Arc::new(move || {
            let words = words.clone();
            Box::pin(async move { printed(&words).await.map(Some).map_err(|e| format!("no key: {e:#}")) })
        }));
    }
    let Some(keyring) = Keyring::here(env) else { return Key::None };
    let provider = provider.to_owned();
    Key::Sought(Arc::new(move || {
        let (keyring, provider) = (keyring.clone(), provider.clone());
        // A keyring that is locked or has nothing is as good as none: the sentence about the missing key follows.
        Box::pin(async move { Ok(keyring.look_up(&provider).await.ok().filter(|key| !key.is_empty())) })
    }))
}

/// Whether there is such a thing as a key for it: AWS credentials and runbooks are none.
fn takes_key(defaults: &ProviderDefaults) -> bool {
    match defaults.api {
        Api::Messages | Api::Responses | Api::Chat => true,
        Api::Converse | Api::Runbooks => false,
    }
}

/// The key that a command of the models file prints: one line, not blank.
async fn printed(words: &[String]) -> anyhow::Result<String> {
    let program = words.first().map_or("", String::as_str);
    let text = output(words, None).await.context("api_key_command of the models file")?;
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    match (lines.next(), lines.count()) {
        (Some(key), 0) => Ok(key.to_owned()),
        (Some(_), more) => bail!(
            "api_key_command of the models file: {program} printed {} lines, a key is one (pipe it through head -1)",
            more + 1
        ),
        (None, _) => bail!("api_key_command of the models file: {program} printed nothing"),
    }
}

/// The operating system's keyring.
#[derive(Clone, Debug)]
pub struct Keyring {
    program: PathBuf,
    apple: bool,
}

impl Keyring {
    /// The keyring of this system; `None` where its program is not installed.
    #[must_use]
    pub fn here(env: Env<'_>) -> Option<Self> {
        let apple = cfg!(target_os = "macos");
        let name = if apple { "security" } else { "secret-tool" };
        let path = env("PATH")?;
        let program = std::env::split_paths(&path).map(|folder| folder.join(name)).find(|p| p.is_file())?;
        Some(Self { program, apple })
    }

    async fn look_up(&self, provider: &str) -> anyhow::Result<String> {
        let words: &[&str] = if self.apple {
            &["find-generic-password", "-s", SERVICE, "-a", provider, "-w"]
        } else {
            &["lookup", "service", SERVICE, "provider", provider]
        };
        Ok(output(&self.words(words), None).await?.lines().next().unwrap_or_default().trim().to_owned())
    }

    /// Files the key of `provider`.
    ///
    /// # Errors
    /// The keyring refuses, or is locked.
    pub async fn store(&self, provider: &str, key: &str) -> anyhow::Result<()> {
        let label = format!("Quarterdeck: {provider}");
        // Never as an argument: those are for everybody to see.
        let (words, input) = if self.apple {
            if key.contains(['"', '\\']) {
                bail!("the key has characters that no key has");
            }
            let line = format!(
                "add-generic-password -U -s {SERVICE} -a \"{provider}\" -l \"{label}\" -w \"{key}\"\n"
            );
            (self.words(&["-i"]), line)
        } else {
            let words = ["store", "--label", &label, "service", SERVICE, "provider", provider];
            (self.words(&words), key.to_owned())
        };
        output(&words, Some(input)).await.map(drop)
    }

    /// Forgets the key of `provider`.
    ///
    /// # Errors
    /// There is none, or the keyring is locked.
    pub async fn forget(&self, provider: &str) -> anyhow::Result<()> {
        let words: &[&str] = if self.apple {
            &["delete-generic-password", "-s", SERVICE, "-a", provider]
        } else {
            &["clear", "service", SERVICE, "provider", provider]
        };
        output(&self.words(words), None).await.map(drop)
    }

    fn words(&self, words: &[&str]) -> Vec<String> {
        let program = self.program.display().to_string();
        std::iter::once(program).chain(words.iter().map(|w| (*w).to_owned())).collect()
    }
}

/// What a command prints.
async fn output(words: &[String], input: Option<String>) -> anyhow::Result<String> {
    let (program, args) = words.split_first().ok_or_else(|| anyhow!("the key command is empty"))?;
    let mut command = Command::new(program);
    command.args(args).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command.stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() });
    let run = async {
        let mut child = command.spawn()?;
        if let (Some(text), Some(mut stdin)) = (input, child.stdin.take()) {
            // One that does not read it says why by how it ends.
            let _ = stdin.write_all(text.as_bytes()).await;
        }
        child.wait_with_output().await
    };
    let done = tokio::time::timeout(LIMIT, run)
        .await
        .map_err(|_| anyhow!("{program} did not end within {} s", LIMIT.as_secs()))?
        .with_context(|| format!("{program} cannot be run"))?;
    if !done.status.success() {
        let said = String::from_utf8_lossy(&done.stderr);
        let said = said.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("it said nothing");
        let said: String = said.chars().take(200).collect();
        bail!("{program} failed: {}", quarterdeck_core::text::visible(&said));
    }
    String::from_utf8(done.stdout).map_err(|_| anyhow!("{program} printed something that is no text"))
}

/// `quarterdeck login PROVIDER`: reads the key without showing it and files it.
///
/// # Errors
/// There is no such provider or no keyring here, or nothing was entered.
pub async fn login(provider: &str, models: &Models, forget: bool, env: Env<'_>) -> anyhow::Result<String> {
    let defaults = models.provider(provider).ok_or_else(|| anyhow!(no_such(provider, models)))?;
    if !takes_key(defaults) {
        bail!(
            "{provider} takes no key: {}",
            match defaults.api {
                Api::Converse => "it uses the AWS credentials, or AWS_BEARER_TOKEN_BEDROCK where that is set",
                Api::Messages | Api::Responses | Api::Chat | Api::Runbooks =>
                    "nothing is asked over the network",
            }
        );
    }
    let variable = key_variable(provider, &defaults.key_env);
    let keyring = Keyring::here(env).ok_or_else(|| {
        anyhow!(
            "no keyring here (secret-tool on Linux, security on macOS): set {variable}, or api_key_command of [providers.{provider}] in models.toml"
        )
    })?;
    if forget {
        let none = || format!("there is no key of {provider} in the keyring, or it is locked");
        keyring.forget(provider).await.with_context(none)?;
        return Ok(format!("the key of {provider} is forgotten"));
    }
    let prompt = format!("key for {provider} (not shown): ");
    let key = tokio::task::spawn_blocking(move || read_key(&prompt)).await??;
    if key.is_empty() {
        bail!("nothing was entered, nothing is stored");
    }
    if key.contains(|c: char| c.is_whitespace() || c.is_control()) {
        bail!("a key has no spaces or control characters: nothing is stored, copy it again");
    }
    keyring.store(provider, &key).await?;
    let wins = if env(&variable).is_some_and(|key| !key.trim().is_empty()) {
        format!("; {variable} is set and wins over it")
    } else if !defaults.api_key_command.is_empty() {
        "; api_key_command is set and wins over it".to_owned()
    } else {
        String::new()
    };
    Ok(format!(
        "the key of {provider} is in the keyring{wins}\nstart with --provider {provider}, or write :model {provider} NAME in the console"
    ))
}

/// One line: typed unseen at a terminal, or piped in.
fn read_key(prompt: &str) -> anyhow::Result<String> {
    use std::io::IsTerminal as _;
    let line = if std::io::stdin().is_terminal() {
        rpassword::prompt_password(prompt)?
    } else {
        let mut line = String::new();
        std::io::stdin().read_line(&mut line)?;
        line
    };
    Ok(line.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::{login, of};
    use quarterdeck_core::models::{Api, Models, ProviderDefaults};
    use quarterdeck_model::Key;

    fn chat(command: &[&str]) -> ProviderDefaults {
        let api_key_command = command.iter().map(|word| (*word).to_owned()).collect();
        ProviderDefaults { api: Api::Chat, api_key_command, ..ProviderDefaults::default() }
    }

    /// What the command gives, or says.
    async fn sought(command: &[&str]) -> Result<Option<String>, String> {
        match of("mine", &chat(command), &|_| None) {
            Key::Sought(source) => source().await,
            Key::Known(_) | Key::None => panic!("a command is looked up with"),
        }
    }

    #[tokio::test]
    async fn a_command_says_what_is_wrong_with_it_and_never_the_key() {
        assert_eq!(sought(&["printf", " sk-1 \\n"]).await, Ok(Some("sk-1".to_owned())));
        assert_eq!(sought(&["printf", "\\n\\nsk-1\\n\\n"]).await, Ok(Some("sk-1".to_owned())));
        for (command, says) in [
            (&["printf", "sk-1\\nsk-2\\n"][..], "printed 2 lines"),
            (&["true"], "printed nothing"),
            (&["sh", "-c", "echo sk-1; echo gone >&2; exit 3"], "sh failed: gone"),
            (&["false"], "it said nothing"),
            (&["/nonexistent/program"], "cannot be run"),
            (&["printf", "\\377sk-1"], "no text"),
        ] {
            let error = sought(command).await.unwrap_err();
            assert!(error.contains(says) && error.contains("api_key_command"), "{command:?}: {error}");
            assert!(!error.contains("sk-1"), "{error}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_command_that_hangs_is_given_up() {
        let error = sought(&["sleep", "1000"]).await.unwrap_err();
        assert!(error.contains("did not end within 60 s"), "{error}");
    }

    #[test]
    fn the_environment_comes_first_under_the_providers_own_name() {
        let env = |name: &str| (name == "MINE_API_KEY").then(|| " sk-env \n".to_owned());
        assert!(matches!(of("mine", &chat(&["echo", "x"]), &env), Key::Known(key) if key == "sk-env"));
        let named = ProviderDefaults { key_env: "OTHER".to_owned(), ..chat(&[]) };
        assert!(matches!(of("mine", &named, &env), Key::None));
        assert!(matches!(of("mine", &chat(&[]), &|_| Some("  ".to_owned())), Key::None), "blank is none");
        let bedrock = Models::embedded().provider("bedrock").unwrap();
        assert!(matches!(of("bedrock", bedrock, &|_| Some("x".to_owned())), Key::None));
    }

    #[tokio::test]
    async fn a_provider_without_a_key_has_no_login() {
        let error = login("bedrock", Models::embedded(), false, &|_| None).await.unwrap_err().to_string();
        assert!(error.contains("AWS_BEARER_TOKEN_BEDROCK"), "{error}");
    }
}
