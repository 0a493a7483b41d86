//! The HTTP side: one client, built on first use, that sends to one endpoint.

use super::denial;
use super::failure::{Again, Failure, Names, short};
use super::retry::{Body, Transport};
use super::sign::Signer;
use futures::future::BoxFuture;
use futures::{StreamExt as _, TryStreamExt as _};
use quarterdeck_core::message::ModelErrorKind;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Response, StatusCode, Url};
use serde_json::Value;
use std::error::Error as _;
use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, SystemTime};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;
use tokio::sync::OnceCell;

/// Longest wait for a connection.
const CONNECT: Duration = Duration::from_secs(10);
/// Bytes of an error's body that are read.
const ERROR_CAP: usize = 64 * 1024;
/// What questions are sent to; the list of models is beside it.
const ASKED: [&str; 3] = ["/messages", "/chat/completions", "/responses"];

/// Stands in an address for the region.
const REGION: &str = "{region}";

/// How a key is presented.
#[derive(Clone, Debug)]
pub(crate) enum Auth {
    /// In a header of this name.
    Header(&'static str),
    /// As a bearer token.
    Bearer,
    /// As a bearer token where there is one: servers on one's own machine need none.
    BearerIfAny,
    /// As a bearer token where there is one, else the AWS credentials sign.
    Signed(Signer),
}

/// Looks a key up where that takes a while (a command, the keyring), at the first question.
pub type KeySource = Arc<dyn Fn() -> BoxFuture<'static, Result<Option<String>, String>> + Send + Sync>;

/// A key, or where it is found.
#[derive(Clone)]
pub enum Key {
    /// There is none.
    None,
    /// This one.
    Known(String),
    /// Looked up once, and again after it was refused.
    Sought(KeySource),
}

impl From<Option<String>> for Key {
    fn from(key: Option<String>) -> Self {
        key.map_or(Self::None, Self::Known)
    }
}

/// Where requests go and how they are signed.
pub(crate) struct Endpoint {
    /// The whole address; `{region}` in it is the signer's.
    pub(crate) url: String,
    /// The key.
    pub(crate) key: Key,
    /// How it is presented.
    pub(crate) auth: Auth,
    /// Further headers: name and value.
    pub(crate) headers: Vec<(String, String)>,
    /// What the settings are called.
    pub(crate) names: Names,
}

/// `base` with `path`, whose end may already be there (servers have other paths before it), or its beginning (`/v1`).
pub(crate) fn join(base: &str, path: &str) -> String {
    let base = base.trim().trim_end_matches('/');
    if base.ends_with(path.strip_prefix("/v1").unwrap_or(path)) {
        return base.to_owned();
    }
    let base = match path.split_once("/v1/") {
        Some(("", _)) => base.strip_suffix("/v1").unwrap_or(base),
        Some(_) | None => base,
    };
    format!("{base}{path}")
}

/// Sends requests to one address with one key.
pub(crate) struct Http {
    endpoint: Endpoint,
    /// The key once it is known. A refused one that was looked up is looked up again: such keys are often short-lived.
    key: Mutex<Arc<OnceCell<Option<String>>>>,
    client: OnceLock<Client>,
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Http").field("host", &self.host()).finish_non_exhaustive()
    }
}

impl Http {
    pub(crate) fn new(endpoint: Endpoint) -> Self {
        Self { endpoint, key: Mutex::default(), client: OnceLock::new() }
    }

    /// The address, with its region.
    async fn url(&self) -> Result<String, Failure> {
        match &self.endpoint.auth {
            Auth::Signed(signer) if self.endpoint.url.contains(REGION) => {
                Ok(self.endpoint.url.replace(REGION, signer.region().await?))
            }
            Auth::Header(_) | Auth::Bearer | Auth::BearerIfAny | Auth::Signed(_) => {
                Ok(self.endpoint.url.clone())
            }
        }
    }

    fn known(&self) -> Arc<OnceCell<Option<String>>> {
        Arc::clone(&self.key.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn forget(&self) {
        *self.key.lock().unwrap_or_else(PoisonError::into_inner) = Arc::default();
    }

    /// Host and port for messages: never the user or password a URL may hold.
    fn host(&self) -> String {
        let address = self.endpoint.url.replace(REGION, "region");
        let Ok(url) = Url::parse(&address) else { return "the configured address".to_owned() };
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
        if is_loopback(&self.endpoint.url) {
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

    async fn headers(&self) -> Result<HeaderMap, Failure> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        for (name, value) in &self.endpoint.headers {
            let name = HeaderName::from_bytes(name.as_bytes());
            let (Ok(name), Ok(value)) = (name, HeaderValue::from_str(value)) else {
                let message = "a configured header cannot be sent: check the models file".to_owned();
                return Err(Failure::new(ModelErrorKind::Invalid, message, "a bad header", Again::Never));
            };
            headers.insert(name, value);
        }
        let name = match &self.endpoint.auth {
            Auth::Header(name) => HeaderName::from_static(name),
            Auth::Bearer | Auth::BearerIfAny | Auth::Signed(_) => AUTHORIZATION,
        };
        if let Some(value) = self.key().await? {
            headers.insert(name, value);
        }
        Ok(headers)
    }

    /// The key as its header's value; `None` where none is needed.
    async fn key(&self) -> Result<Option<HeaderValue>, Failure> {
        let from = &self.endpoint.names.key;
        let credentials = |message: String| {
            Failure::new(ModelErrorKind::Credentials, message, "no usable key", Again::Never)
        };
        let known = self.known();
        let found = known.get_or_try_init(|| async {
            match &self.endpoint.key {
                Key::None => Ok(None),
                Key::Known(key) => Ok(Some(key.clone())),
                Key::Sought(source) => source().await.map_err(credentials),
            }
        });
        let key = found.await?.as_deref().map(str::trim).filter(|key| !key.is_empty());
        let Some(key) = key else {
            return match &self.endpoint.auth {
                Auth::BearerIfAny | Auth::Signed(_) => Ok(None),
                Auth::Header(_) | Auth::Bearer => Err(credentials(format!(
                    "there is no key: set {from}, or use the provider `offline`, which needs none"
                ))),
            };
        };
        let value = match &self.endpoint.auth {
            Auth::Header(_) => key.to_owned(),
            Auth::Bearer | Auth::BearerIfAny | Auth::Signed(_) => format!("Bearer {key}"),
        };
        let mut value = HeaderValue::from_str(&value).map_err(|_| {
            credentials(format!(
                "the key has characters that no key has: check {from} for a stray line or space"
            ))
        })?;
        value.set_sensitive(true);
        Ok(Some(value))
    }

    /// Removes the key from somebody else's words, should they repeat it.
    fn scrub(&self, text: &str) -> String {
        match self.known().get().and_then(Option::as_deref).map(str::trim) {
            Some(key) if !key.is_empty() => text.replace(key, "…"),
            Some(_) | None => text.to_owned(),
        }
    }

    async fn post(&self, body: String) -> Result<Body, Failure> {
        let (url, mut headers) = (self.url().await?, self.headers().await?);
        self.sign(&mut headers, "POST", &url, &body).await?;
        let sent = self.client()?.post(&url).headers(headers).body(body).send().await;
        let response = sent.map_err(|error| self.unsent(&error))?;
        if response.status() == StatusCode::OK {
            return Ok(response.bytes_stream().map_err(|error| cause(&error)).boxed());
        }
        Err(self.refusal(response).await)
    }

    /// Has `body` counted at `path` beside what questions are sent to; the number stands in `input_tokens`. Costs nothing
    /// and is not repeated.
    pub(crate) async fn count(&self, path: &str, body: String) -> Result<u64, Failure> {
        let url = format!("{}{path}", self.url().await?);
        let mut headers = self.headers().await?;
        self.sign(&mut headers, "POST", &url, &body).await?;
        let sent = self.client()?.post(url).headers(headers).body(body).send().await;
        let response = sent.map_err(|error| self.unsent(&error))?;
        if response.status() != StatusCode::OK {
            return Err(self.refusal(response).await);
        }
        let said = response.text().await.map_err(|error| self.unsent(&error))?;
        let counted = serde_json::from_str::<Value>(&said).ok();
        let counted = counted.as_ref().and_then(|v| v.get("input_tokens")?.as_u64());
        counted.ok_or_else(|| Failure::garbled(&said, &self.endpoint.names))
    }

    /// Asks for the list of models, which costs nothing.
    pub(crate) async fn reach(&self) -> Result<String, Failure> {
        let url = self.url().await?;
        let base = ASKED.iter().find_map(|end| url.strip_suffix(end)).unwrap_or(&url);
        let url = format!("{base}/models");
        let mut headers = self.headers().await?;
        self.sign(&mut headers, "GET", &url, "").await?;
        let sent = self.client()?.get(url).headers(headers).send().await;
        let response = sent.map_err(|error| self.unsent(&error))?;
        match response.status() {
            StatusCode::OK if self.known().get().is_none_or(Option::is_none) => {
                Ok(format!("{} answers, without a key", self.host()))
            }
            StatusCode::OK => Ok(format!("{} answers and takes the key", self.host())),
            StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED | StatusCode::NOT_IMPLEMENTED => {
                Ok(format!("{} answers; it lists no models, so the key was not tried", self.host()))
            }
            _ => Err(self.refusal(response).await),
        }
    }

    /// No answer came.
    fn unsent(&self, error: &reqwest::Error) -> Failure {
        let names = &self.endpoint.names;
        if error.is_builder() {
            let message = format!("{} is not a usable address: check {}", self.host(), names.address);
            return Failure::new(ModelErrorKind::Invalid, message, "a bad address", Again::Never);
        }
        Failure::unreachable(&self.host(), &self.scrub(&cause(error)), names)
    }

    /// Signs, where that is how the endpoint is entered and no bearer token is.
    async fn sign(
        &self,
        headers: &mut HeaderMap,
        method: &str,
        url: &str,
        body: &str,
    ) -> Result<(), Failure> {
        let Auth::Signed(signer) = &self.endpoint.auth else { return Ok(()) };
        if headers.contains_key(AUTHORIZATION) {
            return Ok(());
        }
        let given: Vec<(&str, &str)> =
            headers.iter().filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?))).collect();
        for (name, value) in signer.headers(method, url, &given, body.as_bytes()).await? {
            if let (Ok(name), Ok(value)) =
                (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(&value))
            {
                headers.insert(name, value);
            }
        }
        Ok(())
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
        let mut failure = Failure::status(status, &said, again, &self.endpoint.names);
        if status == 401 && matches!(self.endpoint.key, Key::Sought(_)) {
            self.forget();
        }
        if status == 403 && matches!(self.endpoint.auth, Auth::Signed(_)) {
            failure.error.message = denial::explained(
                &said,
                "the Bedrock action",
                &format!("check {}", self.endpoint.names.address),
            );
        }
        if (300..400).contains(&status) {
            failure.error.message = format!(
                "{} redirects elsewhere, which is not followed: check {}",
                self.host(),
                self.endpoint.names.address
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
    let said = ["/error/message", "/message", "/Message", "/detail", "/error"];
    let message = parsed.as_ref().and_then(|v| said.iter().find_map(|at| v.pointer(at)?.as_str()));
    message.unwrap_or(body).to_owned()
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

#[cfg(test)]
mod tests {
    use super::{join, message_of, seconds_until};

    #[test]
    fn addresses_are_taken_as_people_write_them() {
        for (base, path, want) in [
            ("https://h", "/v1/messages", "https://h/v1/messages"),
            ("https://h/v1/", "/v1/messages", "https://h/v1/messages"),
            ("https://h/v1/messages", "/v1/messages", "https://h/v1/messages"),
            ("https://h/api", "/v1/chat/completions", "https://h/api/v1/chat/completions"),
            (
                "https://h/v1beta/openai/chat/completions",
                "/v1/chat/completions",
                "https://h/v1beta/openai/chat/completions",
            ),
        ] {
            assert_eq!(join(base, path), want);
        }
    }

    #[test]
    fn a_services_words_are_found_where_it_puts_them() {
        for (body, want) in [
            (r#"{"error":{"message":"a"}}"#, "a"),
            (r#"{"message":"b"}"#, "b"),
            (r#"{"Message":"c"}"#, "c"),
            (r#"{"detail":"d"}"#, "d"),
            (r#"{"error":"e"}"#, "e"),
            ("<html>", "<html>"),
        ] {
            assert_eq!(message_of(body), want);
        }
    }

    #[test]
    fn a_date_to_wait_for_is_read() {
        assert!(seconds_until("Wed, 21 Oct 2015 07:28:00 GMT").is_some_and(|s| s.abs() < f64::EPSILON));
        assert!(seconds_until("Sat, 21 Oct 2090 07:28:00 GMT").is_some_and(|s| s > 1e9));
        assert_eq!(seconds_until("soon"), None);
    }
}
