//! OpenAI-compatible Chat Completions, streaming: Ollama, vLLM, llama.cpp, LM Studio, LiteLLM, OpenRouter and gateways.
//!
//! What differs between them is configuration (`[providers.NAME]` in the models file): the address, where the key comes
//! from, and [`Quirks`](quarterdeck_core::models::Quirks).

mod decode;
mod encode;

use crate::provider::{EventStream, Provider, streamed};
use crate::wire::client::{Auth, Endpoint, Http, Key, join};
use crate::wire::failure::Names;
use crate::wire::naming::{base_url_variable, key_variable};
use crate::wire::retry;
use decode::Decoder;
use futures::future::BoxFuture;
use futures::{FutureExt as _, TryFutureExt as _};
use quarterdeck_core::message::{ModelError, Request};
use quarterdeck_core::models::{Models, ProviderDefaults};
use serde_json::Value;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// The provider.
#[derive(Debug)]
pub struct Chat {
    provider: String,
    defaults: ProviderDefaults,
    models: Arc<Models>,
    names: Names,
    http: Arc<Http>,
}

impl Chat {
    /// The endpoint configured as `provider`, at `base_url`, with this key. Nothing is sent yet.
    #[must_use]
    pub fn new(provider: &str, base_url: &str, key: impl Into<Key>, models: Arc<Models>) -> Self {
        let defaults = models.provider(provider).cloned().unwrap_or_default();
        let names = Names::new(&key_variable(provider, &defaults.key_env), &base_url_variable(provider));
        let endpoint = Endpoint {
            url: join(base_url, "/v1/chat/completions"),
            key: key.into(),
            auth: if defaults.key_required { Auth::Bearer } else { Auth::BearerIfAny },
            headers: defaults.headers.clone().into_iter().collect(),
            names: names.clone(),
        };
        Self { provider: provider.to_owned(), defaults, models, names, http: Arc::new(Http::new(endpoint)) }
    }
}

impl Provider for Chat {
    fn name(&self) -> &str {
        &self.provider
    }

    fn encode(&self, request: &Request) -> Result<Value, ModelError> {
        let caps = self.models.lookup(&self.provider, &request.model);
        Ok(encode::body(request, &caps, &self.defaults.quirks))
    }

    fn reach(&self) -> BoxFuture<'_, Result<String, ModelError>> {
        self.http.reach().map_err(|failure| failure.error).boxed()
    }

    fn stream(&self, request: Request, cancel: CancellationToken) -> EventStream {
        let body = self.encode(&request);
        let http = Arc::clone(&self.http);
        let names = self.names.clone();
        let idle = retry::silence(&self.models, &self.provider);
        streamed(cancel, move |output| {
            Box::pin(async move {
                let decoder = || Decoder::new(names.clone());
                retry::over_http(&*http, decoder, body?.to_string(), idle, &output).await
            })
        })
    }
}

#[cfg(test)]
mod tests;
