//! The HTTP side: one client, built on first use.

use super::failure::{Again, Failure, short};
use super::retry::{Body, Transport};
use futures::future::BoxFuture;
use futures::{StreamExt as _, TryStreamExt as _};
use quarterdeck_core::message::ModelErrorKind;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Client, Response, StatusCode, Url};
use serde_json::Value;
use std::error::Error as _;
use std::fmt;
use std::sync::OnceLock;
use std::time::{Duration, SystemTime};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

/// Longest wait for a connection.
const CONNECT: Duration = Duration::from_secs(10);
/// Bytes of an error's body that are read.
const ERROR_CAP: usize = 64 * 1024;

/// Sends requests to one base URL with one key.
pub(super) struct Http {
    url: String,
    key: Option<String>,
    version: String,
    client: OnceLock<Client>,
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Http")
            .field("host", &self.host())
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

impl Http {
    pub(super) fn new(base_url: &str, key: Option<String>, version: String) -> Self {
        let base = base_url.trim().trim_end_matches('/');
        let base = base.strip_suffix("/v1").unwrap_or(base);
        Self { url: format!("{base}/v1/messages"), key, version, client: OnceLock::new() }
    }

    /// Host and port for messages: never the user or password a URL may hold.
    fn host(&self) -> String {
        let Ok(url) = Url::parse(&self.url) else { return "the configured address".to_owned() };
        let host = url.host_str().unwrap_or("the configured address");
        url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
    }

    /// The client. Redirects are not followed: the key would go along.
    fn client(&self) -> Result<Client, Failure> {
        if let Some(client) = self.client.get() {
            return Ok(client.clone());
        }
        // Err means that a provider is already installed, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = Client::builder()
            .user_agent(concat!("quarterdeck/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT)
            .tcp_nodelay(true)
            .redirect(reqwest::redirect::Policy::none());
        if is_loopback(&self.url) {
            builder = builder.no_proxy();
        }
        let client = builder.build().map_err(|error| {
            Failure::new(
                ModelErrorKind::Unavailable,
                format!(
                    "the HTTP client could not be built ({}): check TLS certificates and proxies",
                    cause(&error)
                ),
                "no HTTP client",
                Again::Never,
            )
        })?;
        Ok(self.client.get_or_init(|| client).clone())
    }

    fn headers(&self) -> Result<HeaderMap, Failure> {
        let credentials =
            |message: &str| Failure::new(ModelErrorKind::Credentials, message, "no usable key", Again::Never);
        let key = self.key.as_deref().ok_or_else(|| {
            credentials(
                "there is no key: set ANTHROPIC_API_KEY, or use the provider `offline`, which needs none",
            )
        })?;
        let mut key = HeaderValue::from_str(key.trim()).map_err(|_| {
            credentials(
                "the key has characters that no key has: check ANTHROPIC_API_KEY for a stray line or space",
            )
        })?;
        key.set_sensitive(true);
        let version = HeaderValue::from_str(&self.version)
            .map_err(|_| credentials("the configured api_version is not a version: check models.toml"))?;
        let mut headers = HeaderMap::new();
        headers.insert("x-api-key", key);
        headers.insert("anthropic-version", version);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        Ok(headers)
    }

    /// Removes the key from somebody else's words, should they repeat it.
    fn scrub(&self, text: &str) -> String {
        match self.key.as_deref().map(str::trim) {
            Some(key) if !key.is_empty() => text.replace(key, "…"),
            Some(_) | None => text.to_owned(),
        }
    }

    async fn post(&self, body: String) -> Result<Body, Failure> {
        let headers = self.headers()?;
        let sent = self.client()?.post(&self.url).headers(headers).body(body).send().await;
        let response = sent.map_err(|error| self.unsent(&error))?;
        if response.status() == StatusCode::OK {
            return Ok(response.bytes_stream().map_err(|error| cause(&error)).boxed());
        }
        Err(self.refusal(response).await)
    }

    /// Asks for the list of models, which costs nothing.
    pub(super) async fn reach(&self) -> Result<String, Failure> {
        let url = format!("{}/models?limit=1", self.url.trim_end_matches("/messages"));
        let sent = self.client()?.get(url).headers(self.headers()?).send().await;
        let response = sent.map_err(|error| self.unsent(&error))?;
        match response.status() {
            StatusCode::OK => Ok(format!("{} answers and takes the key", self.host())),
            StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED | StatusCode::NOT_IMPLEMENTED => {
                Ok(format!("{} answers; it lists no models, so the key was not tried", self.host()))
            }
            _ => Err(self.refusal(response).await),
        }
    }

    /// No answer came.
    fn unsent(&self, error: &reqwest::Error) -> Failure {
        if error.is_builder() {
            let message = format!("{} is not a usable address: check ANTHROPIC_BASE_URL", self.host());
            return Failure::new(ModelErrorKind::Invalid, message, "a bad address", Again::Never);
        }
        Failure::unreachable(&self.host(), &self.scrub(&cause(error)))
    }

    async fn refusal(&self, response: Response) -> Failure {
        let status = response.status().as_u16();
        let again = again(response.headers(), status);
        let mut body = response.bytes_stream();
        let mut said = Vec::new();
        while let Some(Ok(chunk)) = body.next().await {
            said.extend_from_slice(&chunk);
            if said.len() > ERROR_CAP {
                break;
            }
        }
        let said = self.scrub(&message_of(&String::from_utf8_lossy(&said)));
        let mut failure = Failure::status(status, &said, again);
        if (300..400).contains(&status) {
            failure.error.message = format!(
                "{} redirects elsewhere, which is not followed: check ANTHROPIC_BASE_URL",
                self.host()
            );
        }
        failure
    }
}

impl Transport for Http {
    fn send(&self, body: String) -> BoxFuture<'_, Result<Body, Failure>> {
        Box::pin(self.post(body))
    }
}

/// What the headers say about repeating, for the statuses that may be; `None` leaves it to the status.
fn again(headers: &HeaderMap, status: u16) -> Option<Again> {
    let header = |name: &str| headers.get(name).and_then(|v| v.to_str().ok()).map(str::trim);
    let should = header("x-should-retry");
    if should == Some("false") {
        return Some(Again::Never);
    }
    if should != Some("true") && !matches!(status, 408 | 409 | 429 | 500..=599) {
        return None;
    }
    let millis = header("retry-after-ms").and_then(|v| v.parse::<f64>().ok()).map(|ms| ms / 1000.0);
    let seconds = || header("retry-after").and_then(|v| v.parse::<f64>().ok().or_else(|| seconds_until(v)));
    let asked = millis.or_else(seconds).and_then(|s| Duration::try_from_secs_f64(s).ok());
    Some(asked.map_or(Again::Backoff, Again::After))
}

/// Seconds until an HTTP date.
fn seconds_until(date: &str) -> Option<f64> {
    let at = OffsetDateTime::parse(date, &Rfc2822).ok()?;
    Some((at - OffsetDateTime::from(SystemTime::now())).as_seconds_f64().max(0.0))
}

/// The service's own message in an error body, or the body's beginning (a proxy answers HTML).
fn message_of(body: &str) -> String {
    let parsed: Option<Value> = serde_json::from_str(body).ok();
    let message = parsed.as_ref().and_then(|v| v.pointer("/error/message")).and_then(Value::as_str);
    short(message.unwrap_or(body))
}

/// The innermost cause: reqwest's own words stop at "error sending request". Without the URL, which may hold a secret.
fn cause(error: &reqwest::Error) -> String {
    let mut source = error.source();
    let mut innermost = None;
    while let Some(inner) = source {
        innermost = Some(inner.to_string());
        source = inner.source();
    }
    short(
        &innermost.unwrap_or_else(|| {
            if error.is_timeout() { "no answer in time" } else { "no connection" }.to_owned()
        }),
    )
}

fn is_loopback(url: &str) -> bool {
    Url::parse(url).is_ok_and(|url| match url.host_str() {
        Some("localhost" | "[::1]") => true,
        Some(host) => host.parse::<std::net::Ipv4Addr>().is_ok_and(|ip| ip.is_loopback()),
        None => false,
    })
}
