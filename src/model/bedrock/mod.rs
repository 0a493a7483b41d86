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
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use decode::Decoder;
use failure::Asked;
use futures::future::BoxFuture;
use futures::{FutureExt as _, StreamExt as _, TryFutureExt as _, stream};
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

const CONNECT: Duration = Duration::from_secs(10);

/// The provider.
#[derive(Clone)]
pub struct Bedrock {
    name: String,
    models: Arc<Models>,
    region: Option<String>,
    load: Load,
    client: Arc<OnceCell<Client>>,
}

impl fmt::Debug for Bedrock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bedrock")
            .field("name", &self.name)
            .field("region", &self.region)
            .finish_non_exhaustive()
    }
}

impl Bedrock {
    /// The provider configured as `name`, in `region`, or where the configuration that `load` gives says. Nothing is loaded
    /// yet.
    #[must_use]
    pub fn new(name: &str, models: Arc<Models>, region: Option<String>, load: Load) -> Self {
        Self { name: name.to_owned(), models, region, load, client: Arc::default() }
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
                    .timeout_config(timeouts());
                let region = self.region.clone().or_else(|| config.region().map(ToString::to_string));
                let address = self.models.provider(&self.name).map(|p| p.base_url.as_str());
                if let Some(address) = address.filter(|address| !address.is_empty()) {
                    let region = region.as_deref().unwrap_or_default();
                    builder = builder.endpoint_url(address.replace("{region}", region));
                }
                builder = builder.region(region.map(Region::new));
                Ok(Client::from_conf(builder.build()))
            })
            .await
    }

    fn asked<'a>(&'a self, client: &'a Client, model: &'a str) -> Asked<'a> {
        Asked { model, region: client.config().region().map(AsRef::as_ref) }
    }

    /// Whether it can be reached and takes the credentials: a question without words is refused before any model sees it.
    async fn probe(&self) -> Result<String, Failure> {
        let client = self.client().await?;
        let model = self.models.default_model(&self.name).unwrap_or_default();
        let place = client.config().region().map_or_else(|| "no region".to_owned(), ToString::to_string);
        match client.converse().model_id(model).send().await {
            Ok(_) => Ok(format!("Bedrock in {place} answers")),
            Err(error) => {
                let code = error.as_service_error().and_then(ProvideErrorMetadata::code);
                if matches!(code, Some("ValidationException" | "ResourceNotFoundException")) {
                    return Ok(format!(
                        "Bedrock in {place} answers and takes the credentials; whether they may use the model was not tried"
                    ));
                }
                Err(failure::of(&error, &self.asked(client, model)))
            }
        }
    }

    async fn attempt(&self, model: &str, body: &str) -> Result<Reads, Failure> {
        let client = self.client().await?;
        let request = client.converse_stream().model_id(model).customize().mutate_request(sends(body));
        let output = request.send().await.map_err(|error| failure::of(&error, &self.asked(client, model)))?;
        Ok(decoding(output, Decoder::new(&self.name, model)))
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

/// A connection is not waited for long; an answer takes as long as it takes (its silence is timed by `retry`).
fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(CONNECT)
        .disable_operation_timeout()
        .disable_operation_attempt_timeout()
        .disable_read_timeout()
        .build()
}

/// The events of an answer, one read each. Usage comes after the stop reason; with both, or at the stream's end, it is
/// complete.
fn decoding(output: ConverseStreamOutput, decoder: Decoder) -> Reads {
    stream::unfold((output, decoder), |(mut output, mut decoder)| async move {
        let mut decoded = Decoded::default();
        match output.stream.recv().await {
            Ok(Some(event)) => {
                decoder.event(event, &mut decoded.events);
                decoded.events.extend(decoder.complete().map(ModelEvent::Done));
            }
            Ok(None) => match decoder.ended() {
                Some(stop) => decoded.events.push(ModelEvent::Done(stop)),
                None => decoded.failure = Some(Failure::truncated("the connection was closed")),
            },
            Err(error) => decoded.failure = Some(failure::within(&error)),
        }
        Some((decoded, (output, decoder)))
    })
    .boxed()
}

impl Provider for Bedrock {
    fn name(&self) -> &str {
        &self.name
    }

    fn encode(&self, request: &Request) -> Result<Value, ModelError> {
        let configured = self.models.provider(&self.name).cloned().unwrap_or_default();
        Ok(encode::body(request, &self.models.lookup(&self.name, &request.model), &configured))
    }

    fn reach(&self) -> BoxFuture<'_, Result<String, ModelError>> {
        self.probe().map_err(|failure| failure.error).boxed()
    }

    fn count_tokens(&self, request: Request) -> BoxFuture<'_, Result<Tokens, ModelError>> {
        let body = encode::counted(&request, &self.models.lookup(&self.name, &request.model)).to_string();
        Box::pin(async move {
            let client = self.client().await.map_err(|failure| failure.error)?;
            let asked =
                client.count_tokens().model_id(&request.model).customize().mutate_request(sends(&body));
            let told = self.asked(client, &request.model);
            let counted = asked.send().await.map_err(|error| failure::of(&error, &told).error)?;
            Ok(Tokens::Exact(u64::try_from(counted.input_tokens()).unwrap_or_default()))
        })
    }

    fn stream(&self, request: Request, cancel: CancellationToken) -> EventStream {
        let body = self.encode(&request);
        let (bedrock, model) = (self.clone(), request.model);
        let idle = retry::silence(&self.models, &self.name);
        streamed(cancel, move |output| {
            Box::pin(async move {
                let body = body?.to_string();
                retry::run(|| bedrock.attempt(&model, &body), &hash(&body), idle, &output).await
            })
        })
    }
}

#[cfg(test)]
mod tests;
