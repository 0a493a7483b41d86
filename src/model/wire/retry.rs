//! Attempts: send, decode, and repeat only while nothing has been shown yet.

use super::failure::{Again, Failure};
use super::{Decode, Decoded};
use crate::provider::Output;
use bytes::Bytes;
use futures::StreamExt as _;
use futures::future::BoxFuture;
use futures::stream::{self, BoxStream};
use quarterdeck_core::journal::hash;
use quarterdeck_core::message::{ModelError, ModelEvent};
use quarterdeck_core::models::Models;
use std::future::Future;
use std::time::Duration;

/// Attempts in all.
pub(crate) const ATTEMPTS: u32 = 4;
/// Longest silence between two reads, and before the first, where the configuration says nothing else.
const IDLE: Duration = Duration::from_secs(120);
/// The longest pause a service may ask for; beyond it the operator is told instead.
const LONGEST_PAUSE: Duration = Duration::from_secs(120);
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LARGEST_PAUSE: Duration = Duration::from_secs(8);

/// The bytes of an answer.
pub(crate) type Body = BoxStream<'static, Result<Bytes, String>>;

/// Sends a body and returns the bytes of a successful answer.
pub(crate) trait Transport: Send + Sync {
    /// One attempt. Anything but success is a failure that says whether to repeat it.
    fn send(&self, body: String) -> BoxFuture<'_, Result<Body, Failure>>;
}

/// The longest silence a provider's configuration allows.
pub(crate) fn silence(models: &Models, provider: &str) -> Duration {
    models.provider(provider).and_then(|p| p.quirks.silence).map_or(IDLE, Duration::from_secs)
}

/// What an attempt that was accepted gives, read by read; it ends after the answer's end or a failure.
pub(crate) type Reads = BoxStream<'static, Decoded>;

/// Runs one request over HTTP to its end; `idle` as for [`run`].
pub(crate) async fn over_http<D: Decode + Send + 'static>(
    transport: &impl Transport,
    decoder: impl Fn() -> D,
    body: String,
    idle: Duration,
    output: &Output,
) -> Result<(), ModelError> {
    let seed = hash(&body);
    let attempt = || async {
        let bytes = transport.send(body.clone()).await?;
        Ok(decoding(bytes, decoder()))
    };
    run(attempt, &seed, idle, output).await
}

/// The bytes of an answer, decoded.
fn decoding(bytes: Body, decoder: impl Decode + Send + 'static) -> Reads {
    stream::unfold((bytes, decoder), |(mut bytes, mut decoder)| async move {
        let decoded = match bytes.next().await {
            None => decoder.closed(),
            Some(Err(detail)) => Decoded { events: Vec::new(), failure: Some(Failure::truncated(&detail)) },
            Some(Ok(chunk)) => decoder.push(&chunk),
        };
        Some((decoded, (bytes, decoder)))
    })
    .boxed()
}

/// Runs `attempt` until it succeeds, fails for good or has failed often enough. `seed` spreads the pauses; after `idle`
/// without a read an attempt is given up.
pub(crate) async fn run<F, Fut>(
    attempt: F,
    seed: &str,
    idle: Duration,
    output: &Output,
) -> Result<(), ModelError>
where
    F: Fn() -> Fut,
    Fut: Future<Output = Result<Reads, Failure>>,
{
    let mut n = 1;
    loop {
        let failure = match once(attempt(), idle, output).await {
            Ok(()) => return Ok(()),
            Err(failure) => failure,
        };
        let Some(wait) = pause(&failure, seed, n) else { return Err(last(failure)) };
        let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        output.event(ModelEvent::Retrying { attempt: n, wait_ms, why: failure.why }).await;
        tokio::time::sleep(wait).await;
        n += 1;
    }
}

/// One attempt; once it has shown something its failure is final.
async fn once(
    attempt: impl Future<Output = Result<Reads, Failure>>,
    idle: Duration,
    output: &Output,
) -> Result<(), Failure> {
    let silent = |_| Failure::silent(idle);
    let mut reads = tokio::time::timeout(idle, attempt).await.map_err(silent)??;
    let mut shown = false;
    loop {
        let (events, failure) = match tokio::time::timeout(idle, reads.next()).await {
            Err(elapsed) => (Vec::new(), Some(silent(elapsed))),
            Ok(None) => (Vec::new(), Some(Failure::truncated("the connection was closed"))),
            Ok(Some(read)) => (read.events, read.failure),
        };
        for event in events {
            shown |= is_output(&event);
            let done = matches!(event, ModelEvent::Done(_));
            output.event(event).await;
            if done {
                return Ok(());
            }
        }
        if let Some(failure) = failure {
            return Err(if shown { failure.for_good() } else { failure });
        }
    }
}

/// Whether an event is part of the answer; what only announces it may come again.
fn is_output(event: &ModelEvent) -> bool {
    match event {
        ModelEvent::Started | ModelEvent::Usage(_) | ModelEvent::Retrying { .. } => false,
        ModelEvent::TextDelta(_)
        | ModelEvent::ReasoningDelta(_)
        | ModelEvent::ToolCallStart { .. }
        | ModelEvent::ToolInputDelta(_)
        | ModelEvent::BlockDone(_)
        | ModelEvent::Done(_) => true,
    }
}

/// The pause before the next attempt; `None` when there is none.
fn pause(failure: &Failure, seed: &str, attempt: u32) -> Option<Duration> {
    if attempt >= ATTEMPTS {
        return None;
    }
    match failure.again {
        Again::Never => None,
        Again::After(asked) => (asked <= LONGEST_PAUSE).then_some(asked),
        Again::Backoff => {
            let doubled = FIRST_PAUSE.saturating_mul(1 << (attempt - 1).min(16)).min(LARGEST_PAUSE);
            let spread = doubled.mul_f64(1.0 - 0.25 * fraction(seed, attempt));
            // Whole milliseconds: the pause that is told is the pause that is kept.
            Some(Duration::from_millis(u64::try_from(spread.as_millis()).unwrap_or(u64::MAX)))
        }
    }
}

/// The error that ends the request; a pause too long to sit out is told.
fn last(failure: Failure) -> ModelError {
    let mut error = failure.error;
    if let Again::After(asked) = failure.again
        && asked > LONGEST_PAUSE
    {
        error.message = format!("{} (the service asks to wait {} s)", error.message, asked.as_secs());
    }
    error
}

/// From 0 to 1, the same for the same request and attempt: consoles spread out, tests stay exact.
fn fraction(seed: &str, attempt: u32) -> f64 {
    let digest = hash(&format!("{seed}/{attempt}"));
    let head: String = digest.chars().take(8).collect();
    u32::from_str_radix(&head, 16).map_or(0.5, |n| f64::from(n) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::{ATTEMPTS, pause, silence};
    use crate::wire::failure::{Again, Failure};
    use quarterdeck_core::models::Models;
    use std::time::Duration;

    #[test]
    fn a_provider_may_be_silent_as_long_as_its_configuration_says() {
        for (provider, seconds) in [("anthropic", 120), ("bedrock", 300), ("openai-compatible", 300)] {
            assert_eq!(silence(Models::embedded(), provider), Duration::from_secs(seconds), "{provider}");
        }
    }

    fn failure(again: Again) -> Failure {
        Failure { again, ..Failure::silent(Duration::from_secs(1)) }
    }

    #[test]
    fn pauses_double_within_their_jitter_and_end() {
        for (attempt, full) in [(1, 500), (2, 1_000), (3, 2_000)] {
            let wait = pause(&failure(Again::Backoff), "seed", attempt).unwrap();
            assert!(wait.as_millis() <= full && wait.as_millis() >= full * 3 / 4, "{attempt}: {wait:?}");
            assert_eq!(pause(&failure(Again::Backoff), "seed", attempt), Some(wait));
        }
        assert_ne!(pause(&failure(Again::Backoff), "a", 1), pause(&failure(Again::Backoff), "b", 1));
        assert_eq!(pause(&failure(Again::Backoff), "seed", ATTEMPTS), None);
        assert_eq!(pause(&failure(Again::Never), "seed", 1), None);
    }

    #[test]
    fn a_pause_asked_for_is_kept_unless_it_is_absurd() {
        let asked = |s| pause(&failure(Again::After(Duration::from_secs(s))), "seed", 1);
        assert_eq!(asked(7), Some(Duration::from_secs(7)));
        assert_eq!(asked(3_600), None);
    }
}
