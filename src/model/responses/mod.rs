//! OpenAI Responses, streaming.
//!
//! `encode` builds the body and `decode` turns the answer's events into ours.

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
use quarterdeck_core::models::Models;
use quarterdeck_core::tokens::Tokens;
use serde_json::Value;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// The provider.
#[derive(Debug)]
pub struct Responses {
    name: String,
    names: Names,
    models: Arc<Models>,
    http: Arc<Http>,
}

impl Responses {
    /// The endpoint configured as `provider`, at `base_url`, with this key. Nothing is sent yet.
    #[must_use]
    pub fn new(provider: &str, base_url: &str, key: impl Into<Key>, models: Arc<Models>) -> Self {
        let configured = models.provider(provider).cloned().unwrap_or_default();
        let names = Names::new(&key_variable(provider, &configured.key_env), &base_url_variable(provider));
        let endpoint = Endpoint {
            url: join(base_url, "/v1/responses"),
            key: key.into(),
            auth: if configured.key_required { Auth::Bearer } else { Auth::BearerIfAny },
            headers: configured.headers.into_iter().collect(),
            names: names.clone(),
        };
        Self { name: provider.to_owned(), names, models, http: Arc::new(Http::new(endpoint)) }
    }
}

impl Responses {
    fn counted(&self, request: &Request) -> Value {
        let quirks = self.models.provider(&self.name).map(|p| p.quirks.clone()).unwrap_or_default();
        encode::counted(request, &self.models.lookup(&self.name, &request.model), &quirks)
    }
}

impl Provider for Responses {
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
            let counted = self.http.count("/input_tokens", body).await;
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

#[cfg(test)]
mod tests;
