//! Where a model's key comes from: the environment, a command, the operating system's keyring.
//!
//! The keyring is reached through the system's own program (`secret-tool`, `security`), which every desktop has: a library
//! for it would bring a message bus into the console.

use crate::config::Env;
use anyhow::{Context as _, anyhow, bail};
use crate::providers::no_such;
use quarterdeck_core::models::{Api, Models, ProviderDefaults};
use quarterdeck_model::Key;
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
    let given = Some(&defaults.key_env).filter(|name| !name.is_empty()).and_then(|name| env(name));
    if let Some(key) = given.filter(|key| !key.trim().is_empty()) {
        return Key::Known(key.trim().to_owned());
    }
    if !defaults.api_key_command.is_empty() {
        let words = defaults.api_key_command.clone();
        return Key::Sought(Arc::new(move || {
            let words = words.clone();
            Box::pin(async move { output(&words, None).await.map(Some).map_err(|e| format!("{e:#}")) })
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
        output(&self.words(words), None).await
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

/// What a command prints, without the line's end.
async fn output(words: &[String], input: Option<String>) -> anyhow::Result<String> {
    let (program, args) = words.split_first().ok_or_else(|| anyhow!("the key command is empty"))?;
    let mut command = Command::new(program);
    command.args(args).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command.stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() });
    let run = async {
        let mut child = command.spawn()?;
        if let (Some(text), Some(mut stdin)) = (input, child.stdin.take()) {
            stdin.write_all(text.as_bytes()).await?;
        }
        child.wait_with_output().await
    };
    let done = tokio::time::timeout(LIMIT, run)
        .await
        .map_err(|_| anyhow!("{program} did not end within {} s", LIMIT.as_secs()))?
        .with_context(|| format!("{program} cannot be run"))?;
    if !done.status.success() {
        let said = String::from_utf8_lossy(&done.stderr);
        let said = said.lines().next().unwrap_or("it said nothing").to_owned();
        bail!("{program} failed: {}", quarterdeck_core::text::visible(&said));
    }
    let printed =
        String::from_utf8(done.stdout).map_err(|_| anyhow!("{program} printed something that is no key"))?;
    Ok(printed.lines().next().unwrap_or_default().trim().to_owned())
}

/// `quarterdeck login PROVIDER`: reads the key without showing it and files it.
///
/// # Errors
/// There is no such provider or no keyring here, or nothing was entered.
pub async fn login(
    provider: &str,
    models: &Models,
    forget: bool,
    env: Env<'_>,
) -> anyhow::Result<String> {
    let defaults = models.provider(provider).ok_or_else(|| anyhow!(no_such(provider, models)))?;
    match defaults.api {
        Api::Runbooks => bail!("{provider} takes no key: it answers from runbooks"),
        Api::Converse => bail!("{provider} takes no key: it uses the AWS credentials of the session"),
        Api::Messages | Api::Responses | Api::Chat => {}
    }
    let variable = Some(&defaults.key_env).filter(|name| !name.is_empty());
    let keyring = Keyring::here(env).ok_or_else(|| {
        let set = variable.map(|name| format!("set {name}, or ")).unwrap_or_default();
        anyhow!(
            "no keyring here (secret-tool on Linux, security on macOS): {set}set api_key_command of [providers.{provider}] in models.toml"
        )
    })?;
    if forget {
        keyring.forget(provider).await?;
        return Ok(format!("the key of {provider} is forgotten"));
    }
    let prompt = format!("key for {provider} (not shown): ");
    let key = tokio::task::spawn_blocking(move || read_key(&prompt)).await??;
    if key.is_empty() {
        bail!("nothing was entered, nothing is stored");
    }
    keyring.store(provider, &key).await?;
    let wins = if variable.is_some_and(|name| env(name).is_some_and(|key| !key.trim().is_empty())) {
        format!("; {} is set and wins over it", defaults.key_env)
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
