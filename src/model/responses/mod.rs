//! OpenAI Responses, streaming.
//!
//! `encode` builds the body and `decode` turns the answer's events into ours.

mod decode;
mod encode;

use crate::provider::{EventStream, Provider, streamed};
use crate::wire::client::{Auth, Endpoint, Http, Key, join};
use crate::wire::failure::Names;
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

/// The provider's name.
pub const NAME: &str = "openai";

/// The provider.
#[derive(Debug)]
pub struct Responses {
    models: Arc<Models>,
    http: Arc<Http>,
}

impl Responses {
    /// At `base_url`, with this key. Nothing is sent yet.
    #[must_use]
    pub fn new(base_url: &str, key: impl Into<Key>, models: Arc<Models>) -> Self {
        let headers = models.provider(NAME).map(|p| p.headers.clone()).unwrap_or_default();
        let endpoint = Endpoint {
            url: join(base_url, "/v1/responses"),
            key: key.into(),
            auth: Auth::Bearer,
            headers: headers.into_iter().collect(),
            names: names(),
        };
        Self { models, http: Arc::new(Http::new(endpoint)) }
    }
}

impl Provider for Responses {
    fn name(&self) -> &str {
        NAME
    }

    fn encode(&self, request: &Request) -> Result<Value, ModelError> {
        Ok(encode::body(request, &self.models.lookup(NAME, &request.model)))
    }

    fn reach(&self) -> BoxFuture<'_, Result<String, ModelError>> {
        self.http.reach().map_err(|failure| failure.error).boxed()
    }

    fn count_tokens(&self, request: Request) -> BoxFuture<'_, Result<Tokens, ModelError>> {
        let body = encode::counted(&request, &self.models.lookup(NAME, &request.model)).to_string();
        Box::pin(async move {
            let counted = self.http.count("/input_tokens", body).await;
            counted.map(Tokens::Exact).map_err(|failure| failure.error)
        })
    }

    fn stream(&self, request: Request, cancel: CancellationToken) -> EventStream {
        let body = self.encode(&request);
        let http = Arc::clone(&self.http);
        let model = request.model;
        streamed(cancel, move |output| {
            Box::pin(async move {
                let decoder = || Decoder::new(&model, names());
                retry::over_http(&*http, decoder, body?.to_string(), &output).await
            })
        })
    }
}

fn names() -> Names {
    Names::new("OPENAI_API_KEY", "OPENAI_BASE_URL")
}

#[cfg(test)]
mod tests;
