//! REST as it stands on the wire: S3 puts its input in method, host, path, query, headers and bytes, and answers alike.

use super::form::percent;
use aws_smithy_runtime_api::http::Headers;
use bytes::{Bytes, BytesMut};
use quarterdeck_core::Timestamp;
use std::borrow::Cow;

/// A REST request.
#[derive(Clone, Debug, Default)]
pub(crate) struct RawRequest {
    pub method: String,
    pub host: String,
    /// As sent, percent-encoded, with the leading slash.
    pub path: String,
    /// Decoded.
    query: Vec<(String, String)>,
    /// Names in lower case; trailers of an aws-chunked body included.
    headers: Vec<(String, String)>,
    /// Whole, and no longer chunked.
    pub body: Bytes,
}

impl RawRequest {
    /// Takes a request apart.
    ///
    /// # Errors
    /// Its body says it is aws-chunked and is not.
    pub(crate) fn read(method: &str, uri: &str, headers: &Headers, body: &Bytes) -> Result<Self, String> {
        let rest = uri.split_once("://").map_or(uri, |(_, rest)| rest);
        let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (host, path) = place.split_once('/').unwrap_or((place, ""));
        let pairs = query.split('&').filter(|p| !p.is_empty()).map(|p| p.split_once('=').unwrap_or((p, "")));
        let mut request = Self {
            method: method.to_owned(),
            host: host.split(':').next().unwrap_or_default().to_owned(),
            path: format!("/{path}"),
            query: pairs.map(|(key, value)| (percent(key), percent(value))).collect(),
            headers: headers.iter().map(|(k, v)| (k.to_ascii_lowercase(), v.to_owned())).collect(),
            body: body.clone(),
        };
        let encoding = request.header("content-encoding").unwrap_or_default();
        let hash = request.header("x-amz-content-sha256").unwrap_or_default();
        if encoding.contains("aws-chunked") || hash.starts_with("STREAMING-") {
            let (whole, trailers) = unchunked(body)?;
            request.body = whole;
            request.headers.extend(trailers);
        }
        Ok(request)
    }

    /// A header, by its name in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Every header whose name begins with `prefix`, the prefix taken off: `x-amz-meta-`.
    pub(crate) fn headers_under<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.headers.iter().filter_map(move |(key, value)| Some((key.strip_prefix(prefix)?, value.as_str())))
    }

    /// A query parameter; `?acl` is there and empty.
    pub(crate) fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// A REST answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RawReply {
    pub status: u16,
    pub headers: Vec<(Cow<'static, str>, String)>,
    pub body: Bytes,
}

impl RawReply {
    /// An answer without a body.
    pub(crate) fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Bytes::new() }
    }

    /// XML with status 200.
    pub(crate) fn xml(body: String) -> Self {
        Self::empty(200).with("content-type", "application/xml").bytes(body)
    }

    /// With one more header.
    pub(crate) fn with(mut self, name: impl Into<Cow<'static, str>>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// With this body.
    pub(crate) fn bytes(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }
}

/// A time as HTTP headers write it: `Fri, 20 Nov 2026 03:04:05 GMT`.
pub(crate) fn http_date(at: Timestamp) -> String {
    let Ok(at) = time::OffsetDateTime::from_unix_timestamp(at.millis().div_euclid(1000)) else {
        return String::new();
    };
    let (day, month) = (at.weekday().to_string(), at.month().to_string());
    let short = |name: &str| name.chars().take(3).collect::<String>();
    format!(
        "{}, {:02} {} {} {:02}:{:02}:{:02} GMT",
        short(&day),
        at.day(),
        short(&month),
        at.year(),
        at.hour(),
        at.minute(),
        at.second()
    )
}

type Trailers = Vec<(String, String)>;

/// The bytes of an aws-chunked body, and its trailers: `SIZE[;chunk-signature=..]\r\n BYTES \r\n ... 0\r\n name:value\r\n\r\n`.
fn unchunked(body: &Bytes) -> Result<(Bytes, Trailers), String> {
    let mut whole = BytesMut::with_capacity(body.len());
    let mut rest: &[u8] = body;
    loop {
        let (head, after) = line(rest).ok_or("a chunk without its size")?;
        let size = head.split(';').next().unwrap_or_default().trim();
        let size = usize::from_str_radix(size, 16).map_err(|_| format!("{size:?} is not a chunk's size"))?;
        if size == 0 {
            rest = after;
            break;
        }
        whole.extend_from_slice(after.get(..size).ok_or("a chunk that ends early")?);
        let end = after.get(size..).unwrap_or_default();
        rest = end.strip_prefix(b"\r\n").ok_or("a chunk longer than its size")?;
    }
    let mut trailers = Vec::new();
    while let Some((trailer, after)) = line(rest) {
        if let Some((name, value)) = trailer.split_once(':') {
            trailers.push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
        }
        rest = after;
    }
    Ok((whole.freeze(), trailers))
}

/// Up to the next line break, and what follows it.
fn line(bytes: &[u8]) -> Option<(String, &[u8])> {
    let at = bytes.windows(2).position(|pair| pair == b"\r\n")?;
    let head = String::from_utf8_lossy(bytes.get(..at)?).into_owned();
    Some((head, bytes.get(at + 2..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(
        uri: &str,
        headers: &[(&'static str, &'static str)],
        body: &'static str,
    ) -> Result<RawRequest, String> {
        let mut all = Headers::new();
        for (name, value) in headers {
            all.insert(*name, *value);
        }
        RawRequest::read("PUT", uri, &all, &Bytes::from_static(body.as_bytes()))
    }

    #[test]
    fn a_request_is_taken_apart() {
        let uri = "https://shop.s3.eu-west-1.amazonaws.com/a%20b/c%2Bd+e?x-id=PutObject&acl&prefix=a%2Fb+c";
        let r = read(uri, &[("X-Amz-Meta-Team", "shop")], "x").unwrap();
        assert_eq!((r.host.as_str(), r.path.as_str()), ("shop.s3.eu-west-1.amazonaws.com", "/a%20b/c%2Bd+e"));
        assert_eq!((r.query("acl"), r.query("prefix"), r.query("no")), (Some(""), Some("a/b+c"), None));
        assert_eq!(r.headers_under("x-amz-meta-").collect::<Vec<_>>(), [("team", "shop")]);
        assert_eq!(percent("/a%20b/c%2Bd+e"), "/a b/c+d+e");
        assert_eq!(read("http://127.0.0.1:5000", &[], "").unwrap().path, "/");
    }

    #[test]
    fn chunks_are_joined_and_trailers_become_headers() {
        let chunked = [("content-encoding", "aws-chunked")];
        let body = "4;chunk-signature=ab\r\nwiki\r\n5\r\npedia\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n";
        let r = read("http://h/k", &chunked, body).unwrap();
        assert_eq!((&r.body[..], r.header("x-amz-checksum-crc32")), (&b"wikipedia"[..], Some("AAAAAA==")));
        for bad in ["wiki", "zz\r\nwiki\r\n0\r\n\r\n", "9\r\nwiki\r\n0\r\n\r\n", "2\r\nwiki\r\n0\r\n\r\n"] {
            assert!(read("http://h/k", &chunked, bad).is_err(), "{bad:?}");
        }
        assert_eq!(&read("http://h/k", &[], "4\r\nwiki").unwrap().body[..], b"4\r\nwiki");
    }

    #[test]
    fn dates_of_headers() {
        assert_eq!(http_date(Timestamp::from_millis(1_795_143_845_000)), "Fri, 20 Nov 2026 03:04:05 GMT");
    }
}
