//! Anthropic Messages, streaming.
//!
//! `encode` builds the body and `decode` turns the answer's events into ours.

mod decode;
mod encode;

use crate::provider::{EventStream, Provider, streamed};
use crate::wire::client::{Auth, Endpoint, Http, Key, join};
use crate::wire::failure::Names;
use crate::wire::naming::{base_url_variable, key_variable};
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
/// The version that every gateway knows, for a section that names none.
const OLDEST: &str = "2023-06-01";
/// The name of the same API on Bedrock.
pub const ON_BEDROCK: &str = "bedrock-messages";

/// Where and as whom requests are sent.
#[derive(Clone)]
pub struct Settings {
    /// The provider's name in the table of models.
    pub provider: String,
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
            provider: NAME.to_owned(),
            base_url: set("ANTHROPIC_BASE_URL").unwrap_or(configured),
            api_key: set("ANTHROPIC_API_KEY").into(),
            api_version: None,
            models,
        }
    }

    /// The version header for this base URL.
    fn version(&self) -> String {
        let configured = self.models.provider(&self.provider).cloned().unwrap_or_default();
        let official = self.base_url.trim_end_matches('/') == configured.base_url.trim_end_matches('/');
        let by_url = [configured.gateway_api_version, configured.api_version];
        let by_url = by_url.into_iter().skip(usize::from(official)).find(|version| !version.is_empty());
        self.api_version.clone().or(by_url).unwrap_or_else(|| OLDEST.to_owned())
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("provider", &self.provider)
            .field("base_url", &self.base_url)
            .field("api_key", &!matches!(self.api_key, Key::None))
            .field("api_version", &self.api_version)
            .finish_non_exhaustive()
    }
}

/// The provider.
#[derive(Debug)]
pub struct Anthropic {
    name: String,
    names: Names,
    models: Arc<Models>,
    http: Arc<Http>,
}

impl Anthropic {
    /// A provider that has sent nothing and built no HTTP client yet.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self::at(settings, Auth::Header("x-api-key"))
    }

    /// Claude's own Messages API on Bedrock, at `settings.base_url` with `{region}` replaced by `region` or the one of the
    /// AWS configuration: with the key as a bearer, else signed with the AWS credentials that `load` gives.
    #[must_use]
    pub fn on_bedrock(settings: Settings, region: Option<String>, load: Load) -> Self {
        let service =
            settings.models.provider(&settings.provider).map(|p| p.sign.clone()).unwrap_or_default();
        let signer = Signer::new(load, region, &service);
        Self::at(settings, Auth::Signed(signer))
    }

    fn at(settings: Settings, auth: Auth) -> Self {
        let configured = settings.models.provider(&settings.provider).cloned().unwrap_or_default();
        let names = names(&settings.provider, &configured.key_env, &auth);
        let version = ("anthropic-version".to_owned(), settings.version());
        let endpoint = Endpoint {
            url: join(&settings.base_url, "/v1/messages"),
            key: settings.api_key.clone(),
            auth,
            headers: std::iter::once(version).chain(configured.headers).collect(),
            names: names.clone(),
        };
        Self { name: settings.provider, names, models: settings.models, http: Arc::new(Http::new(endpoint)) }
    }
}

impl Anthropic {
    fn counted(&self, request: &Request) -> Value {
        let quirks = self.models.provider(&self.name).map(|p| p.quirks.clone()).unwrap_or_default();
        encode::counted(request, &self.models.lookup(&self.name, &request.model), &quirks)
    }
}

impl Provider for Anthropic {
    fn name(&self) -> &str {
        &self.name
    }

    fn encode(&self, request: &Request) -> Result<Value, ModelError> {
        let quirks = self.models.provider(&self.name).map(|p| p.quirks.clone()).unwrap_or_default();
        Ok(encode::body(request, &self.models.lookup(&self.name, &request.model), &quirks))
    }

    fn reach(&self) -> BoxFuture<'_, Result<String, ModelError>> {
        self.http.reach().map_err(|failure| failure.error).boxed()
    }

    fn count_tokens(&self, request: Request) -> BoxFuture<'_, Result<Tokens, ModelError>> {
        let body = self.counted(&request).to_string();
        Box::pin(async move {
            let counted = self.http.count("/count_tokens", body).await;
            counted.map(Tokens::Exact).map_err(|failure| failure.error)
        })
    }

    fn stream(&self, request: Request, cancel: CancellationToken) -> EventStream {
        let body = self.encode(&request);
        let http = Arc::clone(&self.http);
        let (name, names, model) = (self.name.clone(), self.names.clone(), request.model);
        let idle = retry::silence(&self.models, &self.name);
        streamed(cancel, move |output| {
            Box::pin(async move {
                let decoder = || Decoder::new(&name, &model, names.clone());
                retry::over_http(&*http, decoder, body?.to_string(), idle, &output).await
            })
        })
    }
}

/// What its settings are called.
fn names(provider: &str, key_env: &str, auth: &Auth) -> Names {
    let address = base_url_variable(provider);
    match auth {
        Auth::Signed(_) => Names::new("the AWS credentials", &format!("{address} and the region")),
        Auth::Header(_) | Auth::Bearer | Auth::BearerIfAny => {
            Names::new(&key_variable(provider, key_env), &address)
        }
    }
}

#[cfg(test)]
mod tests;
