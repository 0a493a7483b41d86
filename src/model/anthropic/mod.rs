//! Anthropic Messages, streaming.
//!
//! `encode` builds the body and `decode` turns the answer's events into ours.

mod decode;
mod encode;

use crate::provider::{EventStream, Provider, streamed};
use crate::wire::client::{Auth, Endpoint, Http, Key, join};
use crate::wire::failure::Names;
use crate::wire::retry;
use crate::wire::sign::{Load, Signer};
use decode::Decoder;
use futures::future::BoxFuture;
use futures::{FutureExt as _, TryFutureExt as _};
use quarterdeck_core::message::{ModelError, Request};
use quarterdeck_core::models::Models;
use quarterdeck_core::tokens::Tokens;
use serde_json::Value;
use std::fmt;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// The provider's name.
pub const NAME: &str = "anthropic";
/// The name of the same API on Bedrock.
pub const ON_BEDROCK: &str = "bedrock-messages";
/// What Bedrock's Messages endpoint is signed as.
const MANTLE: &str = "bedrock-mantle";

/// Where and as whom requests are sent.
#[derive(Clone)]
pub struct Settings {
    /// `https://host[:port][/path]`; `/v1/messages` is appended.
    pub base_url: String,
    /// The key; without one every request fails with a sentence that says so.
    pub api_key: Key,
    /// The anthropic-version header; the configured one for `base_url` when `None`.
    pub api_version: Option<String>,
    /// The table of models.
    pub models: Arc<Models>,
}

impl Settings {
    /// From `ANTHROPIC_BASE_URL` and `ANTHROPIC_API_KEY` as `variable` gives them, else the configured defaults. Blank
    /// values count as unset.
    #[must_use]
    pub fn from_env(models: Arc<Models>, variable: impl Fn(&str) -> Option<String>) -> Self {
        let set = |name| variable(name).map(|v| v.trim().to_owned()).filter(|v| !v.is_empty());
        let configured = models.provider(NAME).map(|p| p.base_url.clone()).unwrap_or_default();
        Self {
            base_url: set("ANTHROPIC_BASE_URL").unwrap_or(configured),
            api_key: set("ANTHROPIC_API_KEY").into(),
            api_version: None,
            models,
        }
    }

    /// The version header for this base URL.
    fn version(&self) -> String {
        let configured = self.models.provider(NAME).cloned().unwrap_or_default();
        let official = self.base_url.trim_end_matches('/') == configured.base_url.trim_end_matches('/');
        let by_url = if official { configured.api_version } else { configured.gateway_api_version };
        self.api_version.clone().unwrap_or(by_url)
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("base_url", &self.base_url)
            .field("api_key", &!matches!(self.api_key, Key::None))
            .field("api_version", &self.api_version)
            .finish_non_exhaustive()
    }
}

/// The provider.
#[derive(Debug)]
pub struct Anthropic {
    name: &'static str,
    names: Names,
    models: Arc<Models>,
    http: Arc<Http>,
}

impl Anthropic {
    /// A provider that has sent nothing and built no HTTP client yet.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        let version = settings.version();
        let endpoint = Endpoint {
            url: join(&settings.base_url, "/v1/messages"),
            key: settings.api_key.clone(),
            auth: Auth::Header("x-api-key"),
            headers: vec![("anthropic-version".to_owned(), version)],
            names: names(),
        };
        Self { name: NAME, names: names(), models: settings.models, http: Arc::new(Http::new(endpoint)) }
    }

    /// Claude's own Messages API on Bedrock in `region`: with `token` (AWS_BEARER_TOKEN_BEDROCK) as a bearer, else signed
    /// with the AWS credentials that `load` gives.
    #[must_use]
    pub fn on_bedrock(models: Arc<Models>, region: &str, token: impl Into<Key>, load: Load) -> Self {
        let configured = models.provider(ON_BEDROCK).cloned().unwrap_or_default();
        let names = Names::new(
            "the AWS credentials",
            &format!("base_url of [providers.{ON_BEDROCK}] and the region"),
        );
        let endpoint = Endpoint {
            url: join(&configured.base_url.replace("{region}", region), "/v1/messages"),
            key: token.into(),
            auth: Auth::Signed(Signer::new(load, region.to_owned(), MANTLE)),
            headers: vec![("anthropic-version".to_owned(), configured.api_version)],
            names: names.clone(),
        };
        Self { name: ON_BEDROCK, names, models, http: Arc::new(Http::new(endpoint)) }
    }
}

impl Provider for Anthropic {
    fn name(&self) -> &str {
        self.name
    }

    fn encode(&self, request: &Request) -> Result<Value, ModelError> {
        Ok(encode::body(request, &self.models.lookup(self.name, &request.model)))
    }

    fn reach(&self) -> BoxFuture<'_, Result<String, ModelError>> {
        self.http.reach().map_err(|failure| failure.error).boxed()
    }

    fn count_tokens(&self, request: Request) -> BoxFuture<'_, Result<Tokens, ModelError>> {
        let body = encode::counted(&request, &self.models.lookup(self.name, &request.model)).to_string();
        Box::pin(async move {
            let counted = self.http.count("/count_tokens", body).await;
            counted.map(Tokens::Exact).map_err(|failure| failure.error)
        })
    }

    fn stream(&self, request: Request, cancel: CancellationToken) -> EventStream {
        let body = self.encode(&request);
        let http = Arc::clone(&self.http);
        let (name, names, model) = (self.name, self.names.clone(), request.model);
        streamed(cancel, move |output| {
            Box::pin(async move {
                let decoder = || Decoder::new(name, &model, names.clone());
                retry::over_http(&*http, decoder, body?.to_string(), &output).await
            })
        })
    }
}

fn names() -> Names {
    Names::new("ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL")
}

#[cfg(test)]
mod tests;
