//! Reading a URL piece by piece. The address that is connected to is the address that was judged: the client resolves
//! names with a resolver that refuses, so that a name that changes its mind between two questions gains nothing.

use super::Link;
use bytes::Bytes;
use quarterdeck_core::tool::{Fault, FaultKind};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{ACCEPT_ENCODING, CONTENT_TYPE, LOCATION};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, StatusCode};
use std::error::Error;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

/// To connect.
const CONNECT: Duration = Duration::from_secs(5);
/// Between two pieces.
const STALLED: Duration = Duration::from_secs(30);
/// Redirects followed.
const REDIRECTS: usize = 5;

/// A URL being read.
#[derive(Debug)]
pub struct Remote {
    response: Response,
    place: String,
    read: u64,
    limit: u64,
}

impl Remote {
    /// Begins to read `link`: at most `limit` bytes, over addresses that `reachable` allows.
    ///
    /// # Errors
    /// `refused`: it leads to an address that is not public, or is too large. `missing`, `unavailable`, `timeout`: the
    /// server's answer.
    pub async fn open(link: &Link, limit: u64, reachable: fn(IpAddr) -> bool) -> Result<Self, Fault> {
        let client = client(reachable)?;
        let mut link = link.clone();
        for _ in 0..=REDIRECTS {
            let request = client.get(link.url().clone()).header(ACCEPT_ENCODING, "identity");
            let response = request.send().await.map_err(|e| failed(&link, &e))?;
            let status = response.status();
            if status.is_redirection() {
                let to = response.headers().get(LOCATION).and_then(|v| v.to_str().ok());
                let to = to.ok_or_else(|| said(&link, status))?;
                link = link.redirected(to, reachable)?;
                continue;
            }
            if status != StatusCode::OK {
                return Err(said(&link, status));
            }
            let remote = Self { response, place: link.place(), read: 0, limit };
            return match remote.length() {
                Some(length) if length > limit => Err(remote.too_large()),
                _ => Ok(remote),
            };
        }
        Err(Fault::new(
            FaultKind::Unavailable,
            format!("{} redirects more than {REDIRECTS} times", link.place()),
        )
        .hint("send the URL where the file is"))
    }

    /// Bytes there are, when the server says.
    #[must_use]
    pub fn length(&self) -> Option<u64> {
        self.response.content_length()
    }

    /// What the server says it is.
    #[must_use]
    pub fn content_type(&self) -> Option<&str> {
        self.response.headers().get(CONTENT_TYPE)?.to_str().ok().filter(|t| !t.is_empty())
    }

    /// The next piece; `None` at the end. Dropping the future loses nothing.
    ///
    /// # Errors
    /// `refused`: larger than allowed. `unavailable`, `timeout`: the line broke.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, Fault> {
        let chunk = self.response.chunk().await.map_err(|e| broken(&self.place, &e))?;
        if let Some(chunk) = &chunk {
            self.read = self.read.saturating_add(chunk.len() as u64);
            if self.read > self.limit {
                return Err(self.too_large());
            }
        }
        Ok(chunk)
    }

    fn too_large(&self) -> Fault {
        let limit = self.limit / (1024 * 1024);
        Fault::new(FaultKind::Refused, format!("the file at {} has more than {limit} MiB", self.place))
            .hint("`url_limit_mib` in the settings says how much may be read from a URL")
    }
}

/// A client for one upload. No proxy: it would look the name up by itself, and lead where nobody judged.
fn client(reachable: fn(IpAddr) -> bool) -> Result<Client, Fault> {
    // Err means that a provider is already installed, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder()
        .user_agent(concat!("quarterdeck/", env!("CARGO_PKG_VERSION")))
        .redirect(Policy::none())
        .no_proxy()
        .dns_resolver(Arc::new(Checked { reachable }))
        .connect_timeout(CONNECT)
        .read_timeout(STALLED)
        .build()
        .map_err(|e| Fault::new(FaultKind::Unavailable, format!("no HTTP client: {}", causes(&e))))
}

/// Resolves names and refuses those that lead to any address that is not allowed.
#[derive(Clone, Copy, Debug)]
struct Checked {
    reachable: fn(IpAddr) -> bool,
}

/// A name that leads where nothing is read.
#[derive(Debug, thiserror::Error)]
#[error("it leads to {0}")]
struct NotPublic(IpAddr);

impl Resolve for Checked {
    fn resolve(&self, name: Name) -> Resolving {
        let reachable = self.reachable;
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            match found.iter().find(|a| !reachable(a.ip())) {
                Some(bad) => Err(NotPublic(bad.ip()).into()),
                None => Ok(Box::new(found.into_iter()) as Addrs),
            }
        })
    }
}

fn failed(link: &Link, error: &reqwest::Error) -> Fault {
    let mut next: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(e) = next {
        if let Some(NotPublic(address)) = e.downcast_ref::<NotPublic>() {
            return link.unreachable(&address.to_string());
        }
        next = e.source();
    }
    broken(&link.place(), error)
}

fn broken(place: &str, error: &reqwest::Error) -> Fault {
    if error.is_timeout() {
        return Fault::new(FaultKind::Timeout, format!("{place} did not answer in time"));
    }
    Fault::new(FaultKind::Unavailable, format!("{place} could not be read: {}", causes(error)))
        .hint("nothing was uploaded; check that the URL can be opened from here without a proxy")
}

fn said(link: &Link, status: StatusCode) -> Fault {
    let kind = match status.as_u16() {
        401 | 403 => FaultKind::Denied,
        404 | 410 => FaultKind::Missing,
        429 => FaultKind::Throttled,
        _ => FaultKind::Unavailable,
    };
    Fault::new(kind, format!("{} answers {status}", link.place())).hint("nothing was uploaded; check the URL")
}

/// The causes without the URL, whose query may hold a secret.
fn causes(error: &reqwest::Error) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut next = error.source();
    while let Some(e) = next {
        parts.push(e.to_string());
        next = e.source();
    }
    if parts.is_empty() { "no reason given".to_owned() } else { parts.join(": ") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fetch::is_public;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    const LOCAL: fn(IpAddr) -> bool = |ip| ip.is_loopback();

    /// A server that answers every connection with these bytes; its port, and how many came.
    async fn server(answer: &'static str) -> (u16, impl Future<Output = ()>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let serve = async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut head = [0; 4096];
                let _ = stream.read(&mut head).await;
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        };
        (port, serve)
    }

    async fn beside<T>(serve: impl Future<Output = ()>, work: impl Future<Output = T>) -> T {
        tokio::select! { done = work => done, () = serve => unreachable!() }
    }

    async fn all(url: String, limit: u64) -> Result<(Option<u64>, Vec<u8>), Fault> {
        let link = Link::parse(&url, LOCAL)?;
        let mut remote = Remote::open(&link, limit, LOCAL).await?;
        let (length, mut bytes) = (remote.length(), Vec::new());
        while let Some(chunk) = remote.chunk().await? {
            bytes.extend_from_slice(&chunk);
        }
        Ok((length, bytes))
    }

    #[tokio::test]
    async fn a_file_is_read_with_and_without_its_length() {
        let (port, serve) =
            server("HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello").await;
        let read = beside(serve, all(format!("http://127.0.0.1:{port}/a"), 10)).await;
        assert_eq!(read.unwrap(), (Some(5), b"hello".to_vec()));
        let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n";
        let (port, serve) = server(chunked).await;
        let read = beside(serve, all(format!("http://127.0.0.1:{port}/a"), 10)).await;
        assert_eq!(read.unwrap(), (None, b"hello".to_vec()));
    }

    #[tokio::test]
    async fn too_much_is_refused_before_and_while_reading() {
        for answer in [
            "HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        ] {
            let (port, serve) = server(answer).await;
            let fault = beside(serve, all(format!("http://127.0.0.1:{port}/a"), 4)).await.unwrap_err();
            assert_eq!(fault.kind, FaultKind::Refused, "{fault}");
        }
    }

    #[tokio::test]
    async fn half_a_file_is_an_error() {
        let (port, serve) =
            server("HTTP/1.1 200 OK\r\ncontent-length: 50\r\nconnection: close\r\n\r\nhello").await;
        let fault =
            beside(serve, all(format!("http://127.0.0.1:{port}/a?token=secret"), 100)).await.unwrap_err();
        assert_eq!(fault.kind, FaultKind::Unavailable);
        assert!(!fault.to_string().contains("secret"), "{fault}");
    }

    #[tokio::test]
    async fn redirects_are_followed_only_where_they_may_lead() {
        for to in ["http://169.254.169.254/latest/", "http://10.0.0.1/", "file:///etc/passwd"] {
            let answer = format!(
                "HTTP/1.1 302 Found\r\nlocation: {to}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
            );
            let (port, serve) = server(Box::leak(answer.into_boxed_str())).await;
            let fault = beside(serve, all(format!("http://127.0.0.1:{port}/a"), 10)).await.unwrap_err();
            assert_eq!(fault.kind, FaultKind::Refused, "{to}");
        }
        let (inner, serve_inner) =
            server("HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok").await;
        let answer = format!(
            "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:{inner}/b\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
        );
        let (port, serve) = server(Box::leak(answer.into_boxed_str())).await;
        let both = async { futures::join!(serve, serve_inner).0 };
        let read = beside(both, all(format!("http://127.0.0.1:{port}/a"), 10)).await;
        assert_eq!(read.unwrap().1, b"ok");
        // In a circle.
        let (port, serve) =
            server("HTTP/1.1 302 Found\r\nlocation: /a\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
                .await;
        let fault = beside(serve, all(format!("http://127.0.0.1:{port}/a"), 10)).await.unwrap_err();
        assert!(fault.message.contains("redirects more than"), "{fault}");
    }

    #[tokio::test]
    async fn by_default_this_machine_is_not_reached_by_any_name() {
        let (port, serve) =
            server("HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nno").await;
        let named = format!("http://localhost:{port}/");
        assert_eq!(Link::parse(&named, is_public).unwrap_err().kind, FaultKind::Refused);
        // A name that only turns out to lead here when it is looked up: what a rebinding name server does.
        let link = Link::parse("http://example.com/", is_public).unwrap();
        let mut rebound = link.url().clone();
        rebound.set_host(Some("localhost")).unwrap();
        rebound.set_port(Some(port)).unwrap();
        let rebound = Link::unchecked(rebound);
        let fault = beside(serve, Remote::open(&rebound, 10, is_public)).await.unwrap_err();
        assert_eq!(fault.kind, FaultKind::Refused, "{fault}");
    }
}
