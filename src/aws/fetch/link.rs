//! A URL as an argument.

use crate::given;
use quarterdeck_core::tool::{Fault, FaultKind};
use reqwest::Url;
use std::fmt;
use std::net::IpAddr;

/// A URL that may be read, as far as it says itself. Where its name leads is judged when it is connected to: asking
/// for a name's address already tells somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link(Url);

impl Link {
    /// `given` as one.
    ///
    /// # Errors
    /// `invalid`: no http(s) URL, or one with a user or password. `refused`: an address that `reachable` excludes.
    pub fn parse(given: &str, reachable: fn(IpAddr) -> bool) -> Result<Self, Fault> {
        let shown = given::shown(given);
        let invalid = |why: &str| {
            Fault::new(FaultKind::Invalid, format!("{shown} {why}"))
                .hint("send a URL such as https://example.com/data/file.csv")
        };
        let url = Url::parse(given).map_err(|e| invalid(&format!("is no URL: {e}")))?;
        Self::of(&url, reachable, &invalid)
    }

    /// Where `location` leads from here.
    ///
    /// # Errors
    /// As [`Link::parse`]; from https to http.
    pub(super) fn redirected(&self, location: &str, reachable: fn(IpAddr) -> bool) -> Result<Self, Fault> {
        let shown = given::shown(location);
        let refused = |why: &str| {
            Fault::new(FaultKind::Refused, format!("{} redirects to {shown}, which {why}", self.place()))
                .hint("nothing was uploaded; send the URL where the file is")
        };
        let url = self.0.join(location).map_err(|e| refused(&format!("is no URL: {e}")))?;
        let next = Self::of(&url, reachable, &refused)?;
        if self.is_encrypted() && !next.is_encrypted() {
            return Err(refused("is not encrypted"));
        }
        Ok(next)
    }

    fn of(url: &Url, reachable: fn(IpAddr) -> bool, wrong: &dyn Fn(&str) -> Fault) -> Result<Self, Fault> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(wrong("is neither http nor https"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(wrong("holds a user or password"));
        }
        let Some(host) = url.host_str().filter(|h| !h.is_empty()) else { return Err(wrong("names no host")) };
        let link = Self(url.clone());
        if let Some(address) = literal(host)
            && !reachable(address)
        {
            return Err(link.unreachable(&address.to_string()));
        }
        let name = host.trim_end_matches('.').to_ascii_lowercase();
        if name == "localhost" || name.ends_with(".localhost") {
            return Err(link.unreachable("this machine"));
        }
        Ok(link)
    }

    /// One that nobody judged, for tests of what is judged later.
    #[cfg(test)]
    pub(super) fn unchecked(url: Url) -> Self {
        Self(url)
    }

    /// It leads to an address that is not public.
    pub(super) fn unreachable(&self, address: &str) -> Fault {
        let message = format!("{} leads to {address}, which is not on the public internet", self.place());
        Fault::new(FaultKind::Refused, message).hint(
            "private, loopback, link-local and metadata addresses are never read; nobody can approve this",
        )
    }

    /// The host, for messages: neither path nor query, which may hold a secret.
    #[must_use]
    pub fn place(&self) -> String {
        let host = self.0.host_str().unwrap_or_default();
        self.0.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
    }

    /// Whether it is https.
    #[must_use]
    pub fn is_encrypted(&self) -> bool {
        self.0.scheme() == "https"
    }

    /// All of it.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.0
    }
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The address that a host is, in any of its spellings: the URL parser has brought them into one.
pub(super) fn literal(host: &str) -> Option<IpAddr> {
    host.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fetch::is_public;

    fn kind(given: &str) -> Option<FaultKind> {
        Link::parse(given, is_public).err().map(|fault| fault.kind)
    }

    #[test]
    fn what_may_be_named() {
        for good in [
            "https://example.com/a.csv",
            "http://example.com:8080/a?b=c#d",
            "https://8.8.8.8/a",
            "https://[2606:4700::1]/a",
            "https://metadata.example.com/",
        ] {
            assert_eq!(kind(good), None, "{good}");
        }
        for bad in [
            "example.com/a.csv",
            "/etc/passwd",
            "file:///etc/passwd",
            "ftp://example.com/a",
            "gopher://example.com/",
            "data:text/plain,x",
            "https://user@example.com/a",
            "https://user:secret@example.com/a",
            "https://",
            "https:///a",
            "s3://bucket/key",
        ] {
            let kind = kind(bad);
            assert!(
                kind == Some(FaultKind::Invalid) || bad == "https:///a" && kind.is_none(),
                "{bad}: {kind:?}"
            );
        }
    }

    #[test]
    fn every_spelling_of_a_private_address_is_refused() {
        for bad in [
            "http://169.254.169.254/latest/meta-data/iam/security-credentials/",
            "http://0xa9fea9fe/",
            "http://2852039166/",
            "http://0251.0376.0251.0376/",
            "http://169.254.43518/",
            "http://127.1/",
            "http://0/",
            "http://[::1]/",
            "http://[::ffff:169.254.169.254]/",
            "http://[::ffff:a9fe:a9fe]/",
            "http://[64:ff9b::169.254.169.254]/",
            "http://[fd00:ec2::254]/",
            "http://[fe80::1]/",
            "https://localhost/",
            "https://localhost./",
            "https://a.localhost/",
            "https://LOCALHOST:8443/",
            "http://１６９.254.169.254/",
        ] {
            assert_eq!(kind(bad), Some(FaultKind::Refused), "{bad}");
        }
    }

    #[test]
    fn redirects_are_judged_like_any_other() {
        let from = Link::parse("https://example.com/a/b", is_public).unwrap();
        assert_eq!(from.redirected("../c", is_public).unwrap().to_string(), "https://example.com/c");
        assert!(from.redirected("https://cdn.example.com/x", is_public).is_ok());
        for bad in [
            "http://169.254.169.254/",
            "http://example.com/",
            "file:///etc/passwd",
            "https://u:p@example.com/",
            "//127.0.0.1/",
        ] {
            assert_eq!(from.redirected(bad, is_public).unwrap_err().kind, FaultKind::Refused, "{bad}");
        }
        let message = Link::parse("https://example.com/?token=secret", is_public).unwrap();
        assert!(!message.redirected("http://10.0.0.1/", is_public).unwrap_err().message.contains("secret"));
    }
}
