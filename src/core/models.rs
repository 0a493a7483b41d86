//! What models can do and cost: `config/models.toml`.

use crate::message::{Request, Usage};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::sync::LazyLock;

static EMBEDDED: LazyLock<Models> =
    LazyLock::new(|| Models::parse(include_str!("../../config/models.toml")).unwrap_or_default());

/// How a model is asked to think.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Thinking {
    /// The field is not sent: the model's own default.
    #[default]
    Unset,
    /// The model decides when and how much.
    Adaptive,
    /// Only between tool calls.
    BetweenTools,
    /// None.
    Disabled,
    /// A fixed budget in tokens; models before 4.6.
    #[serde(untagged)]
    Budget {
        /// At least 1,024 and below the answer's limit.
        budget_tokens: u32,
    },
}

/// US dollars per million tokens.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// Uncached input.
    pub input: f64,
    /// Output.
    pub output: f64,
    /// Input read from the cache.
    pub cache_read: f64,
    /// Input written to the cache.
    pub cache_write: f64,
}

/// Prices of a request with a long prompt; they apply to every token of it.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LongPrompt {
    /// Prompts with more tokens than this, cached ones among them, are long.
    pub above: u64,
    /// Uncached input.
    pub input: f64,
    /// Output.
    pub output: f64,
    /// Input read from the cache.
    pub cache_read: f64,
    /// Input written to the cache.
    pub cache_write: f64,
}

impl LongPrompt {
    /// What it costs.
    const fn price(self) -> Price {
        let Self { above: _, input, output, cache_read, cache_write } = self;
        Price { input, output, cache_read, cache_write }
    }
}

/// One model: limits, price, quirks.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Caps {
    /// The id at the provider.
    pub id: String,
    /// The provider's name.
    pub provider: String,
    /// As shown to people.
    pub name: String,
    /// Context window in tokens.
    pub window: u64,
    /// Largest answer in tokens, thinking among it.
    pub max_output: u32,
    /// How it is asked to think.
    #[serde(default)]
    pub thinking: Thinking,
    /// What it costs; `None` when that is not known.
    #[serde(default)]
    pub price: Option<Price>,
    /// What a long prompt costs, where that differs.
    #[serde(default)]
    pub long_prompt: Option<LongPrompt>,
    /// How hard it is asked to think, in the provider's own word; not sent when absent.
    #[serde(default)]
    pub effort: Option<String>,
    /// Whether prompts may mark what to cache (Bedrock; not every model takes the marks).
    #[serde(default)]
    pub cache_points: bool,
    /// The model's own request fields (Bedrock's `additionalModelRequestFields`).
    #[serde(default)]
    pub additional: Map<String, Value>,
    /// Where among these the effort goes, in steps with dots between them (Bedrock); without it none is sent there.
    #[serde(default)]
    pub effort_at: Option<String>,
}

/// What the models of one family share. Of a model that is listed only `additional` and `effort_at` are taken, where its
/// own entry has none.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Family {
    /// The provider's name.
    pub provider: String,
    /// A model belongs to it whose id has one of these in it.
    pub contains: Vec<String>,
    /// Context window in tokens; the provider's when absent, as with what follows.
    #[serde(default)]
    pub window: Option<u64>,
    /// Largest answer in tokens.
    #[serde(default)]
    pub max_output: Option<u32>,
    /// How they are asked to think.
    #[serde(default)]
    pub thinking: Option<Thinking>,
    /// As [`Caps::cache_points`].
    #[serde(default)]
    pub cache_points: bool,
    /// As [`Caps::additional`].
    #[serde(default)]
    pub additional: Map<String, Value>,
    /// As [`Caps::effort_at`].
    #[serde(default)]
    pub effort_at: Option<String>,
}

impl Caps {
    /// How hard `request` has it think, in the provider's own word; `None` leaves it to the model.
    #[must_use]
    pub fn effort_for<'a>(&'a self, request: &'a Request) -> Option<&'a str> {
        request.effort.as_deref().or(self.effort.as_deref())
    }

    /// US dollars for one request; `None` when the price is not known.
    #[must_use]
    pub fn cost(&self, usage: Usage) -> Option<f64> {
        let prompt = usage.input + usage.cache_read + usage.cache_write;
        let price = match self.long_prompt {
            Some(long) if prompt > long.above => long.price(),
            Some(_) | None => self.price?,
        };
        #[allow(clippy::cast_precision_loss)] // token counts are far below 2^52
        let dollars = |tokens: u64, per_million: f64| tokens as f64 * per_million / 1e6;
        Some(
            dollars(usage.input, price.input)
                + dollars(usage.output, price.output)
                + dollars(usage.cache_read, price.cache_read)
                + dollars(usage.cache_write, price.cache_write),
        )
    }
}

/// What is spoken at an endpoint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Api {
    /// Anthropic Messages.
    #[default]
    Messages,
    /// Bedrock Converse.
    Converse,
    /// OpenAI Responses.
    Responses,
    /// OpenAI Chat Completions, which most servers speak.
    Chat,
    /// No network at all.
    Runbooks,
}

/// How an endpoint differs from the others that speak the same.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Quirks {
    /// The field that bounds the answer: `max_tokens` or `max_completion_tokens`.
    pub max_tokens_field: String,
    /// Whether it takes `stream_options` and sends usage.
    pub stream_usage: bool,
    /// The system prompt's role: `system` or `developer`.
    pub system_role: String,
    /// Further fields of every request, laid over what is sent.
    pub extra: Map<String, Value>,
    /// Longest silence before an answer is given up, in seconds; the provider's own when absent. A model on a slow machine
    /// may read a long prompt for minutes without a word.
    pub silence: Option<u64>,
}

impl Default for Quirks {
    fn default() -> Self {
        Self {
            max_tokens_field: "max_tokens".to_owned(),
            stream_usage: true,
            system_role: "system".to_owned(),
            extra: Map::new(),
            silence: None,
        }
    }
}

/// A guardrail that watches every answer.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Guardrail {
    /// Its id or ARN.
    pub id: String,
    /// Its version, or `DRAFT`.
    pub version: String,
}

/// One provider: where it is and what an unlisted model of it gets.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProviderDefaults {
    /// What it speaks.
    pub api: Api,
    /// Where requests go.
    #[serde(default)]
    pub base_url: String,
    /// The API version at `base_url`.
    #[serde(default)]
    pub api_version: String,
    /// The API version anywhere else.
    #[serde(default)]
    pub gateway_api_version: String,
    /// The environment variable that holds its key.
    #[serde(default)]
    pub key_env: String,
    /// Whether it answers nothing without a key.
    #[serde(default)]
    pub key_required: bool,
    /// The service name requests are signed for with the AWS credentials, where there is no key; empty where that is no
    /// way in.
    #[serde(default)]
    pub sign: String,
    /// A command whose output is the key.
    #[serde(default)]
    pub api_key_command: Vec<String>,
    /// Further headers of every request.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The guardrail of every request (Bedrock).
    #[serde(default)]
    pub guardrail: Option<Guardrail>,
    /// How it differs from the others that speak the same.
    #[serde(default)]
    pub quirks: Quirks,
    /// The model used when none is named.
    #[serde(default)]
    pub default_model: String,
    /// Context window of an unlisted model, in tokens.
    pub window: u64,
    /// Largest answer of an unlisted model, in tokens.
    pub max_output: u32,
    /// How an unlisted model is asked to think.
    #[serde(default)]
    pub thinking: Thinking,
}

/// The table of models.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Models {
    #[serde(default)]
    providers: BTreeMap<String, ProviderDefaults>,
    #[serde(default, rename = "model")]
    models: Vec<Caps>,
    #[serde(default, rename = "family")]
    families: Vec<Family>,
}

impl Models {
    /// The embedded `config/models.toml`.
    #[must_use]
    pub fn embedded() -> &'static Self {
        &EMBEDDED
    }

    /// Parses a models file.
    ///
    /// # Errors
    /// Line, column and what is wrong.
    pub fn parse(text: &str) -> Result<Self, toml::de::Error> {
        toml::from_str(text)
    }

    /// This table with those of `text` added: a provider or model of the same name is replaced, whole; its families come
    /// before those that are there.
    ///
    /// # Errors
    /// Line, column and what is wrong; a model or family of a provider that neither has.
    pub fn extended(mut self, text: &str) -> Result<Self, String> {
        let more: Self = toml::from_str(text).map_err(|e| e.to_string().trim().to_owned())?;
        self.providers.extend(more.providers);
        let owners = more.models.iter().map(|m| (&m.id, &m.provider));
        let families = more.families.iter().map(|f| (f.contains.first().unwrap_or(&f.provider), &f.provider));
        for (id, provider) in owners.chain(families) {
            if !self.providers.contains_key(provider) {
                let known: Vec<&str> = self.providers().collect();
                return Err(format!(
                    "model {id:?}: there is no provider {provider:?}, only {}",
                    known.join(", ")
                ));
            }
        }
        for model in more.models {
            self.models.retain(|m| (&m.provider, &m.id) != (&model.provider, &model.id));
            self.models.push(model);
        }
        self.families.splice(0..0, more.families);
        Ok(self)
    }

    /// The names of all providers.
    pub fn providers(&self) -> impl Iterator<Item = &str> {
        self.providers.keys().map(String::as_str)
    }

    /// Every listed model, in the file's order.
    pub fn iter(&self) -> impl Iterator<Item = &Caps> {
        self.models.iter()
    }

    /// What is known of `model` at `provider`; for one that is not listed its family's, else the provider's defaults.
    #[must_use]
    pub fn lookup(&self, provider: &str, model: &str) -> Caps {
        let belongs =
            |f: &&Family| f.provider == provider && f.contains.iter().any(|part| model.contains(part));
        let family = self.families.iter().find(belongs);
        if let Some(caps) = self.models.iter().find(|m| m.provider == provider && m.id == model) {
            let mut caps = caps.clone();
            if let Some(family) = family {
                caps.effort_at = caps.effort_at.or_else(|| family.effort_at.clone());
                if caps.additional.is_empty() {
                    caps.additional.clone_from(&family.additional);
                }
            }
            return caps;
        }
        let defaults = self.provider(provider);
        Caps {
            id: model.to_owned(),
            provider: provider.to_owned(),
            name: model.to_owned(),
            window: family.and_then(|f| f.window).or(defaults.map(|d| d.window)).unwrap_or(200_000),
            max_output: family.and_then(|f| f.max_output).or(defaults.map(|d| d.max_output)).unwrap_or(8_192),
            thinking: family
                .and_then(|f| f.thinking)
                .or(defaults.map(|d| d.thinking))
                .unwrap_or(Thinking::Unset),
            price: None,
            long_prompt: None,
            effort: None,
            cache_points: family.is_some_and(|f| f.cache_points),
            additional: family.map(|f| f.additional.clone()).unwrap_or_default(),
            effort_at: family.and_then(|f| f.effort_at.clone()),
        }
    }

    /// What is known of a provider.
    #[must_use]
    pub fn provider(&self, name: &str) -> Option<&ProviderDefaults> {
        self.providers.get(name)
    }

    /// The model a provider uses when none is named.
    #[must_use]
    pub fn default_model(&self, provider: &str) -> Option<&str> {
        self.provider(provider).map(|d| d.default_model.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::{Models, Thinking};
    use crate::message::Usage;

    fn models() -> Models {
        Models::parse(include_str!("../../config/models.toml")).unwrap()
    }

    #[test]
    fn embedded_table_parses_and_names_its_defaults() {
        let models = models();
        assert_eq!(&models, Models::embedded());
        // Which model runs on one's own machine is not ours to know.
        for provider in models.providers().filter(|name| *name != "openai-compatible") {
            let id = models.default_model(provider).unwrap();
            assert!(models.iter().any(|m| m.provider == provider && m.id == id), "{id} is not listed");
        }
        for caps in models.iter() {
            assert!(models.provider(&caps.provider).is_some(), "{}", caps.provider);
            assert!(u64::from(caps.max_output) < caps.window, "{}", caps.id);
        }
    }

    #[test]
    fn unlisted_model_gets_its_providers_defaults_and_no_price() {
        let caps = models().lookup("anthropic", "claude-next");
        assert_eq!((caps.window, caps.max_output, caps.thinking), (200_000, 32_000, Thinking::Unset));
        assert_eq!(caps.cost(Usage { input: 1, ..Usage::default() }), None);
        assert_eq!(models().lookup("nobody", "x").max_output, 8_192);
    }

    #[test]
    fn thinking_reads_words_and_budgets() {
        let models = models();
        assert_eq!(models.lookup("anthropic", "claude-sonnet-5-5").thinking, Thinking::Adaptive);
        assert_eq!(
            models.lookup("anthropic", "claude-haiku-4-5").thinking,
            Thinking::Budget { budget_tokens: 4_096 }
        );
    }

    #[test]
    fn long_prompt_changes_every_price() {
        let haiku = models().lookup("anthropic", "claude-haiku-5-5");
        let short = Usage { input: 50_000, output: 1_000_000, cache_read: 50_000, cache_write: 0 };
        let long = Usage { input: 50_001, ..short };
        assert!((haiku.cost(short).unwrap() - (0.005 + 0.50 + 0.0005)).abs() < 1e-9);
        assert!(haiku.cost(long).unwrap() > 2.5);
    }

    #[test]
    fn a_family_speaks_for_models_that_are_not_listed() {
        for id in ["apac.anthropic.claude-opus-5-5", "us.anthropic.claude-opus-5-5"] {
            let caps = models().lookup("bedrock", id);
            assert_eq!(caps.effort_at.as_deref(), Some("output_config.effort"), "{id}");
            assert!(caps.cache_points && caps.additional.contains_key("thinking"), "{id}");
        }
        let other = models().lookup("bedrock", "meta.llama4-maverick-17b-instruct-v1:0");
        assert!(other.effort_at.is_none() && !other.cache_points && other.additional.is_empty());
        // The first family that fits counts, and the user's come first.
        let own = models()
            .extended("[[family]]\nprovider = \"bedrock\"\ncontains = [\"opus\"]\nmax_output = 99\n")
            .unwrap();
        let caps = own.lookup("bedrock", "apac.anthropic.claude-opus-5-5");
        assert_eq!((caps.max_output, caps.cache_points), (99, false));
    }

    #[test]
    fn a_users_file_adds_providers_models_and_families() {
        let text = "[providers.mine]\napi = \"chat\"\nwindow = 9\nmax_output = 3\n\n[[model]]\nid = \"m\"\nprovider = \"mine\"\nname = \"M\"\nwindow = 7\nmax_output = 2\n";
        let own = models().extended(text).unwrap();
        assert_eq!((own.lookup("mine", "m").window, own.lookup("mine", "other").window), (7, 9));
        assert_eq!(own.lookup("anthropic", "claude-sonnet-5-5").max_output, 128_000, "the others stay");
        for text in [
            "[[model]]\nid = \"m\"\nprovider = \"nobody\"\nname = \"M\"\nwindow = 7\nmax_output = 2\n",
            "[[family]]\nprovider = \"nobody\"\ncontains = [\"m\"]\n",
        ] {
            let error = models().extended(text).unwrap_err();
            assert!(error.contains("\"nobody\"") && error.contains("anthropic"), "{error}");
        }
    }

    #[test]
    fn unknown_field_is_refused_with_its_line() {
        let text = "[providers.x]\napi = \"chat\"\nwindow = 1\nmax_output = 1\nwindoww = 2\n";
        let error = Models::parse(text).unwrap_err().to_string();
        assert!(error.contains("line 5") && error.contains("windoww"), "{error}");
        for wrong in [
            "price = { input = 1.0, output = 1.0, cache_read = 1.0, cache_write = 1.0, inptu = 2.0 }",
            "long_prompt = { above = 1, input = 1.0, output = 1.0, cache_read = 1.0, cache_write = 1.0, inptu = 2.0 }",
        ] {
            let text = format!(
                "[[model]]\nid = \"m\"\nprovider = \"x\"\nname = \"m\"\nwindow = 1\nmax_output = 1\n{wrong}\n"
            );
            let error = Models::parse(&text).unwrap_err().to_string();
            assert!(error.contains("line 7") && error.contains("inptu"), "{error}");
        }
    }
}
