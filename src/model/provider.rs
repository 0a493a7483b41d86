//! The one trait every provider implements, and the stream they all return.

use futures::stream::{self, BoxStream, StreamExt as _};
use futures::{FutureExt as _, future::BoxFuture};
use quarterdeck_core::message::{ModelError, ModelErrorKind, ModelEvent, Request};
use quarterdeck_core::tokens::{self, Tokens};
use serde_json::Value;
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Events of one answer. An error is the last item; so is [`ModelEvent::Done`], which comes exactly once and only on
/// success.
pub type EventStream = BoxStream<'static, Result<ModelEvent, ModelError>>;

/// Somebody who answers.
pub trait Provider: Send + Sync {
    /// The name in `config/models.toml` and in the journal.
    fn name(&self) -> &str;

    /// The request as it would be sent. Pure: no clock, no key, no network.
    ///
    /// # Errors
    /// `Invalid` when the request cannot be expressed.
    fn encode(&self, request: &Request) -> Result<Value, ModelError>;

    /// Whether it can be reached and takes the key, in words. Spends no tokens.
    ///
    /// # Errors
    /// It cannot, and what to do.
    fn reach(&self) -> BoxFuture<'_, Result<String, ModelError>> {
        Box::pin(async { Ok("answers by itself".to_owned()) })
    }

    /// What the request takes of the model's window. Estimated, where the provider cannot count or does not want to.
    ///
    /// # Errors
    /// The provider could count and failed to: the estimate of `quarterdeck_core::tokens` is what is left.
    fn count_tokens(&self, request: Request) -> BoxFuture<'_, Result<Tokens, ModelError>> {
        Box::pin(async move { Ok(tokens::estimate(&request)) })
    }

    /// Asks. Nothing happens until the stream is polled; dropping it ends the request. After `cancel`, the next item
    /// beyond those already received is the error `Cancelled`.
    fn stream(&self, request: Request, cancel: CancellationToken) -> EventStream;
}

impl<P: Provider + ?Sized> Provider for Arc<P> {
    fn name(&self) -> &str {
        (**self).name()
    }

    fn encode(&self, request: &Request) -> Result<Value, ModelError> {
        (**self).encode(request)
    }

    fn reach(&self) -> BoxFuture<'_, Result<String, ModelError>> {
        (**self).reach()
    }

    fn count_tokens(&self, request: Request) -> BoxFuture<'_, Result<Tokens, ModelError>> {
        (**self).count_tokens(request)
    }

    fn stream(&self, request: Request, cancel: CancellationToken) -> EventStream {
        (**self).stream(request, cancel)
    }
}

/// Where a request in progress puts its events. Bounded: a slow reader slows the request, not the memory.
pub(crate) struct Output(mpsc::Sender<Result<ModelEvent, ModelError>>);

impl Output {
    /// Sends one event. The reader cannot be gone: it polls the request.
    pub(crate) async fn event(&self, event: ModelEvent) {
        let _ = self.0.send(Ok(event)).await;
    }
}

/// A stream of what `work` outputs, then of its error if it failed. `work` runs while the stream is polled, so nothing
/// is spawned and dropping the stream drops the request with it.
pub(crate) fn streamed(
    cancel: CancellationToken,
    work: impl FnOnce(Arc<Output>) -> BoxFuture<'static, Result<(), ModelError>>,
) -> EventStream {
    let (sender, mut events) = mpsc::channel(64);
    let work = work(Arc::new(Output(sender.clone())));
    let driver = async move {
        let ended = tokio::select! {
            biased;
            () = cancel.cancelled() => Err(cancelled()),
            ended = work => ended,
        };
        if let Err(error) = ended {
            let _ = sender.send(Err(error)).await;
        }
    };
    let events = stream::poll_fn(move |cx| events.poll_recv(cx));
    let driver = driver.into_stream().filter_map(|()| async { None });
    stream::select(events, driver).boxed()
}

/// The error of a request that was cancelled.
pub(crate) fn cancelled() -> ModelError {
    ModelError { kind: ModelErrorKind::Cancelled, message: "the request was cancelled".to_owned() }
}
