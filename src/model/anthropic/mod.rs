//! Anthropic Messages, streaming.
//!
//! `encode` builds the body, `client` sends it, `retry` decides about repeating it, `sse` frames the answer's bytes and
//! `decode` turns its events into ours.

mod client;
mod decode;
mod encode;
mod failure;
mod retry;
mod sse;

use crate::caps::Models;
use crate::provider::{EventStream, Provider, streamed};
use client::Http;
use futures::future::BoxFuture;
use futures::{FutureExt as _, TryFutureExt as _};
use quarterdeck_core::message::{ModelError, Request};
use serde_json::Value;
use std::fmt;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// The provider's name.
pub const NAME: &str = "anthropic";

/// Where and as whom requests are sent.
#[derive(Clone)]
pub struct Settings {
    /// `https://host[:port][/path]`; `/v1/messages` is appended.
    pub base_url: String,
    /// The key; without one every request fails with a sentence that says so.
    pub api_key: Option<String>,
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
            api_key: set("ANTHROPIC_API_KEY"),
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
            .field("api_key", &self.api_key.as_ref().map(|_| "…"))
            .field("api_version", &self.api_version)
            .finish_non_exhaustive()
    }
}

/// The provider.
#[derive(Debug)]
pub struct Anthropic {
    models: Arc<Models>,
    http: Arc<Http>,
}

impl Anthropic {
    /// A provider that has sent nothing and built no HTTP client yet.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        let version = settings.version();
        let models = settings.models;
        Self { models, http: Arc::new(Http::new(&settings.base_url, settings.api_key, version)) }
    }
}

impl Provider for Anthropic {
    fn name(&self) -> &str {
        NAME
    }

    fn encode(&self, request: &Request) -> Result<Value, ModelError> {
        Ok(encode::body(request, &self.models.lookup(NAME, &request.model)))
    }

    fn reach(&self) -> BoxFuture<'_, Result<String, ModelError>> {
        self.http.reach().map_err(|failure| failure.error).boxed()
    }

    fn stream(&self, request: Request, cancel: CancellationToken) -> EventStream {
        let body = self.encode(&request);
        let http = Arc::clone(&self.http);
        let model = request.model;
        streamed(cancel, move |output| {
            Box::pin(async move { retry::run(&*http, &model, body?.to_string(), &output).await })
        })
    }
}

#[cfg(test)]
mod tests;
