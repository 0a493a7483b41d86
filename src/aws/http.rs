//! One HTTP client for all services, with a bound on how many requests are under way.
//!
//! 32 requests in all and 8 per credentials, service and region. Service and region come from the SigV4
//! credential scope, so the bound holds whoever built the client. Unsigned requests (single sign-on, instance
//! metadata) pass: they are made while another request waits for credentials.
//!
//! HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY hold, except for what is never behind a proxy: this machine and the
//! addresses where it is told its own credentials.

use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::{Builder, Connector, tls};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Semaphore;

/// Requests under way at a time, all together.
pub const IN_ALL: usize = 32;
/// Requests under way at a time per credentials, service and region.
pub const PER_SCOPE: usize = 8;

/// HTTPS with rustls on ring and the system's certificates, through the proxy the environment names; plain HTTP for
/// emulators. Builds nothing until the first request.
#[must_use]
pub fn https() -> SharedHttpClient {
    through(ProxyConfig::from_env())
}

fn through(proxy: ProxyConfig) -> SharedHttpClient {
    let client = |proxy: ProxyConfig| {
        Builder::new().build_with_connector_fn(move |settings, components| {
            let mut builder = Connector::builder()
                .tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring))
                .proxy_config(proxy.clone());
            builder.set_connector_settings(settings.cloned());
            if let Some(components) = components {
                builder.set_sleep_impl(components.sleep_impl());
            }
            builder.build()
        })
    };
    SharedHttpClient::new(Routed { direct: client(ProxyConfig::disabled()), proxied: client(proxy) })
}

/// Requests to this machine go straight there, all others the way the environment says.
#[derive(Clone, Debug)]
struct Routed {
    direct: SharedHttpClient,
    proxied: SharedHttpClient,
}

impl HttpClient for Routed {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(RoutedConnector {
            ways: self.clone(),
            settings: settings.clone(),
            components: components.clone(),
        })
    }
}

/// Takes the way when there is a request: a connector that is never used loads no certificates.
#[derive(Debug)]
struct RoutedConnector {
    ways: Routed,
    settings: HttpConnectorSettings,
    components: RuntimeComponents,
}

impl HttpConnector for RoutedConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let way = if is_near(request.uri()) { &self.ways.direct } else { &self.ways.proxied };
        way.http_connector(&self.settings, &self.components).call(request)
    }
}

/// Whether an address is this machine's own, or one of those that tell it its credentials (link-local).
fn is_near(uri: &str) -> bool {
    let Some((_, rest)) = uri.split_once("://") else { return false };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    let name = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, _)) => address,
        None => host.split(':').next().unwrap_or_default(),
    };
    match name.parse::<IpAddr>() {
        Ok(IpAddr::V4(ip)) => ip.is_loopback() || ip.is_link_local(),
        // fd00:ec2::/32 are the instance's and the pod's own endpoints.
        Ok(IpAddr::V6(ip)) => ip.is_loopback() || ip.segments().starts_with(&[0xfd00, 0x0ec2]),
        Err(_) => name.eq_ignore_ascii_case("localhost") || name.to_ascii_lowercase().ends_with(".localhost"),
    }
}

/// `inner` with at most [`IN_ALL`] and [`PER_SCOPE`] signed requests under way.
#[must_use]
pub fn bounded(inner: SharedHttpClient) -> SharedHttpClient {
    SharedHttpClient::new(Bounded { inner, limits: Arc::new(Limits::new()) })
}

#[derive(Debug)]
struct Limits {
    all: Arc<Semaphore>,
    scopes: Mutex<HashMap<String, Arc<Semaphore>>>,
}

impl Limits {
    fn new() -> Self {
        Self { all: Arc::new(Semaphore::new(IN_ALL)), scopes: Mutex::default() }
    }

    fn scope(&self, scope: &str) -> Arc<Semaphore> {
        let mut scopes = self.scopes.lock().unwrap_or_else(PoisonError::into_inner);
        // Rotated credentials leave idle entries behind.
        scopes.retain(|_, s| Arc::strong_count(s) > 1 || s.available_permits() < PER_SCOPE);
        scopes.entry(scope.to_owned()).or_insert_with(|| Arc::new(Semaphore::new(PER_SCOPE))).clone()
    }
}

#[derive(Debug)]
struct Bounded {
    inner: SharedHttpClient,
    limits: Arc<Limits>,
}

// `validate_base_client_config` is left out on purpose: the inner client's loads the system's certificates once for
// every service client that is built.
impl HttpClient for Bounded {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(BoundedConnector {
            inner: self.inner.http_connector(settings, components),
            limits: Arc::clone(&self.limits),
        })
    }
}

#[derive(Debug)]
struct BoundedConnector {
    inner: SharedHttpConnector,
    limits: Arc<Limits>,
}

impl HttpConnector for BoundedConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let scope =
            request.headers().get("authorization").and_then(credential_scope).map(|s| self.limits.scope(s));
        let Some(scope) = scope else { return self.inner.call(request) };
        let (inner, all) = (self.inner.clone(), Arc::clone(&self.limits.all));
        HttpConnectorFuture::new(async move {
            // The scope's turn first: waiting for a busy region must not hold a place other regions could use.
            let closed = |e: tokio::sync::AcquireError| ConnectorError::other(e.into(), None);
            let _one = scope.acquire().await.map_err(closed)?;
            let _any = all.acquire().await.map_err(closed)?;
            inner.call(request).await
        })
    }
}

/// `AKID/20260101/eu-west-1/ec2/aws4_request` out of an Authorization header.
fn credential_scope(authorization: &str) -> Option<&str> {
    let (_, rest) = authorization.split_once("Credential=")?;
    rest.split([',', ' ']).next().filter(|s| s.ends_with("/aws4_request"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scope_is_read_from_the_signature() {
        let header = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261120/eu-west-1/ec2/aws4_request, SignedHeaders=host, Signature=00";
        assert_eq!(credential_scope(header), Some("AKIDEXAMPLE/20261120/eu-west-1/ec2/aws4_request"));
        assert_eq!(credential_scope("Bearer abc"), None);
    }

    #[test]
    fn this_machine_is_never_behind_a_proxy() {
        for uri in [
            "http://127.0.0.1:4566/",
            "http://localhost:4566/x?y=//z",
            "http://s3.localhost:4566",
            "http://169.254.169.254/latest/meta-data/iam/security-credentials/",
            "http://169.254.170.2/v2/credentials",
            "http://[fd00:ec2::254]/latest",
            "http://[::1]:80/",
            "http://user@127.1.2.3/",
        ] {
            assert!(is_near(uri), "{uri}");
        }
        for uri in [
            "https://sts.eu-west-1.amazonaws.com/",
            "http://10.0.0.1/",
            "https://localhost.example.com/",
            "https://127.0.0.1.example.com/",
            "https://[2001:db8::1]/",
            "https://h/?http://127.0.0.1/",
            "",
        ] {
            assert!(!is_near(uri), "{uri}");
        }
    }

    #[derive(Debug)]
    struct Slow {
        running: std::sync::atomic::AtomicUsize,
        most: std::sync::atomic::AtomicUsize,
    }

    #[derive(Clone, Debug)]
    struct SlowConnector(Arc<Slow>);

    impl HttpConnector for SlowConnector {
        fn call(&self, _request: HttpRequest) -> HttpConnectorFuture {
            use std::sync::atomic::Ordering::SeqCst;
            let slow = Arc::clone(&self.0);
            HttpConnectorFuture::new(async move {
                slow.most.fetch_max(slow.running.fetch_add(1, SeqCst) + 1, SeqCst);
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
                slow.running.fetch_sub(1, SeqCst);
                Err(ConnectorError::io("done".into()))
            })
        }
    }

    async fn most_at_once(regions: usize, each: usize) -> usize {
        let slow = Arc::new(Slow { running: 0.into(), most: 0.into() });
        let inner = SharedHttpConnector::new(SlowConnector(Arc::clone(&slow)));
        let connector = BoundedConnector { inner, limits: Arc::new(Limits::new()) };
        let calls = (0..regions * each).map(|n| {
            let mut request = HttpRequest::empty();
            let scope =
                format!("X Credential=AKIDEXAMPLE/20261120/r{}/ec2/aws4_request, Signature=00", n % regions);
            request.headers_mut().insert("authorization", scope);
            connector.call(request)
        });
        futures::future::join_all(calls).await;
        slow.most.load(std::sync::atomic::Ordering::SeqCst)
    }

    #[tokio::test]
    async fn requests_are_bounded_per_scope_and_in_all() {
        assert_eq!(most_at_once(1, 40).await, PER_SCOPE);
        assert_eq!(most_at_once(10, 10).await, IN_ALL);
    }
}
