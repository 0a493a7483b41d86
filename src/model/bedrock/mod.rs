//! Bedrock's Converse API, streaming.
//!
//! `encode` builds the body. The SDK signs and sends exactly that, frames the answer, and `decode` turns its events into
//! ours: what is judged offline is what goes out.

mod decode;
mod encode;
mod failure;

use crate::provider::{EventStream, Provider, streamed};
use crate::wire::Decoded;
use crate::wire::failure::{Again, Failure};
use crate::wire::retry::{self, Reads};
pub use crate::wire::sign::Load;
use aws_sdk_bedrockruntime::Client;
use aws_sdk_bedrockruntime::config::{Region, StalledStreamProtectionConfig};
use aws_sdk_bedrockruntime::operation::converse_stream::ConverseStreamOutput;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use decode::Decoder;
use futures::future::BoxFuture;
use futures::{StreamExt as _, stream};
use quarterdeck_core::journal::hash;
use quarterdeck_core::message::{ModelError, ModelErrorKind, ModelEvent, Request};
use quarterdeck_core::models::Models;
use quarterdeck_core::tokens::Tokens;
use serde_json::Value;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::OnceCell;
use tokio_util::sync::CancellationToken;

/// The provider's name.
pub const NAME: &str = "bedrock";

/// Longest silence: models behind Bedrock may think long without a word, and there are no pings.
const IDLE: Duration = Duration::from_secs(300);
const CONNECT: Duration = Duration::from_secs(10);

/// The provider.
#[derive(Clone)]
pub struct Bedrock {
    models: Arc<Models>,
    region: Option<String>,
    load: Load,
    client: Arc<OnceCell<Client>>,
}

impl fmt::Debug for Bedrock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bedrock").field("region", &self.region).finish_non_exhaustive()
    }
}

impl Bedrock {
    /// In `region`, or where the configuration that `load` gives says. Nothing is loaded yet.
    #[must_use]
    pub fn new(models: Arc<Models>, region: Option<String>, load: Load) -> Self {
        Self { models, region, load, client: Arc::default() }
    }

    async fn client(&self) -> Result<&Client, Failure> {
        self.client
            .get_or_try_init(|| async {
                let config = (self.load)().await.map_err(|why| {
                    Failure::new(ModelErrorKind::Credentials, why, "no AWS credentials", Again::Never)
                })?;
                let mut builder = aws_sdk_bedrockruntime::config::Builder::from(&config)
                    .retry_config(RetryConfig::disabled())
                    .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
                    .timeout_config(TimeoutConfig::builder().connect_timeout(CONNECT).build());
                if let Some(region) = &self.region {
                    builder = builder.region(Region::new(region.clone()));
                }
                Ok(Client::from_conf(builder.build()))
            })
            .await
    }

    async fn attempt(&self, model: &str, body: &str) -> Result<Reads, Failure> {
        let client = self.client().await?;
        let request = client.converse_stream().model_id(model).customize().mutate_request(sends(body));
        let output = request.send().await.map_err(|error| failure::of(&error))?;
        Ok(decoding(output, Decoder::new(model)))
    }
}

/// Puts `body` in the place of what the SDK wrote.
fn sends(body: &str) -> impl Fn(&mut HttpRequest) + Send + Sync + 'static {
    let bytes = body.to_owned();
    move |request| {
        let length = bytes.len().to_string();
        *request.body_mut() = SdkBody::from(bytes.clone());
        request.headers_mut().insert("content-length", length);
        request.headers_mut().insert("content-type", "application/json");
    }
}

/// The events of an answer, one read each. Usage comes after the stop reason, so the end is the stream's.
fn decoding(output: ConverseStreamOutput, decoder: Decoder) -> Reads {
    stream::unfold((output, decoder), |(mut output, mut decoder)| async move {
        let mut decoded = Decoded::default();
        match output.stream.recv().await {
            Ok(Some(event)) => decoder.event(event, &mut decoded.events),
            Ok(None) => match decoder.ended() {
                Some(stop) => decoded.events.push(ModelEvent::Done(stop)),
                None => decoded.failure = Some(Failure::truncated("the connection was closed")),
            },
            Err(error) => decoded.failure = Some(failure::of(&error)),
        }
        Some((decoded, (output, decoder)))
    })
    .boxed()
}

impl Provider for Bedrock {
    fn name(&self) -> &str {
        NAME
    }

    fn encode(&self, request: &Request) -> Result<Value, ModelError> {
        let guardrail = self.models.provider(NAME).and_then(|p| p.guardrail.as_ref());
        Ok(encode::body(request, &self.models.lookup(NAME, &request.model), guardrail))
    }

    fn count_tokens(&self, request: Request) -> BoxFuture<'_, Result<Tokens, ModelError>> {
        let body = encode::counted(&request, &self.models.lookup(NAME, &request.model)).to_string();
        Box::pin(async move {
            let client = self.client().await.map_err(|failure| failure.error)?;
            let asked =
                client.count_tokens().model_id(request.model).customize().mutate_request(sends(&body));
            let counted = asked.send().await.map_err(|error| failure::of(&error).error)?;
            Ok(Tokens::Exact(u64::try_from(counted.input_tokens()).unwrap_or_default()))
        })
    }

    fn stream(&self, request: Request, cancel: CancellationToken) -> EventStream {
        let body = self.encode(&request);
        let (bedrock, model) = (self.clone(), request.model);
        streamed(cancel, move |output| {
            Box::pin(async move {
                let body = body?.to_string();
                retry::run(|| bedrock.attempt(&model, &body), &hash(&body), IDLE, &output).await
            })
        })
    }
}

#[cfg(test)]
mod tests;
