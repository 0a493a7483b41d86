//! An object store in tests: what the transfers ask of S3, in its wire format, with trouble on demand.

use crate::clients::Aws;
use crate::files::Files;
use crate::settings::Settings;
use crate::testing::{Canned, NOW};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use futures::StreamExt as _;
use quarterdeck_core::journal::hex;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

pub const BUCKET: &str = "shop-exports";
pub const HOME: &str = "eu-west-1";
pub const OURS: &str = "123456789012";
const CHUNK: usize = 64 * 1024;

/// One object.
#[derive(Clone, Debug, Default)]
pub struct Held {
    pub bytes: Option<Bytes>,
    /// Bytes made up as they are read, instead.
    pub generated: u64,
    pub headers: Vec<(&'static str, String)>,
    pub version: u32,
}

impl Held {
    pub fn size(&self) -> u64 {
        self.bytes.as_ref().map_or(self.generated, |b| b.len() as u64)
    }

    pub fn etag(&self) -> String {
        let digest = self.bytes.as_ref().map_or_else(|| "generated".into(), |b| hex(&Sha256::digest(b)));
        format!("\"{}-{}\"", digest.get(..8).unwrap(), self.version)
    }
}

/// What goes wrong, once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// This status and code.
    Status(u16, &'static str),
    /// The connection breaks before an answer; nothing is done.
    Break,
    /// It is done, and the answer is lost.
    Lose,
    /// The answer's body breaks after so many bytes.
    BreakAfter(u64),
    /// Other bytes than the object has.
    Garble,
    /// No answer ever comes.
    Hang,
}

#[derive(Debug, Default)]
struct Inner {
    objects: BTreeMap<String, Held>,
    uploads: BTreeMap<String, BTreeMap<u32, Bytes>>,
    troubles: Vec<(&'static str, Trouble)>,
    log: Vec<String>,
    requests: Vec<(String, BTreeMap<String, String>)>,
    home: Option<&'static str>,
    owner: Option<String>,
    versioning: &'static str,
    tags: Vec<(&'static str, &'static str)>,
    unlistable: bool,
    in_flight: u64,
    most_in_flight: u64,
    /// Whether contents are dropped once they were looked at: for objects larger than a test may keep.
    forgetful: bool,
}

/// The store. Clones share it.
#[derive(Clone, Default)]
pub struct Store {
    inner: Arc<Mutex<Inner>>,
    canned: Canned,
    /// Chunks of generated bodies that somebody still holds, now and at most.
    pub alive: Arc<AtomicUsize>,
    pub most_alive: Arc<AtomicUsize>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Store")
    }
}

/// A chunk that says when it is gone.
struct Chunk(Vec<u8>, Arc<AtomicUsize>);

impl AsRef<[u8]> for Chunk {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Chunk {
    fn drop(&mut self) {
        self.1.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Store {
    pub fn new() -> Self {
        Self { canned: Canned::new(), ..Self::default() }
    }

    pub fn with(self, key: &str, bytes: &[u8]) -> Self {
        let held = Held { bytes: Some(Bytes::copy_from_slice(bytes)), version: 1, ..Held::default() };
        self.inner.lock().unwrap().objects.insert(key.to_owned(), held);
        self
    }

    pub fn generated(self, key: &str, size: u64) -> Self {
        let held = Held { generated: size, version: 1, ..Held::default() };
        self.inner.lock().unwrap().objects.insert(key.to_owned(), held);
        self
    }

    pub fn header(self, key: &str, name: &'static str, value: &str) -> Self {
        self.inner.lock().unwrap().objects.get_mut(key).unwrap().headers.push((name, value.to_owned()));
        self
    }

    /// The bucket is in this region. What throttles one region slows every test in it down.
    pub fn home(self, region: &'static str) -> Self {
        self.inner.lock().unwrap().home = Some(region);
        self
    }

    pub fn owned_by(self, account: &str) -> Self {
        self.inner.lock().unwrap().owner = Some(account.to_owned());
        self
    }

    pub fn unlistable(self) -> Self {
        self.inner.lock().unwrap().unlistable = true;
        self
    }

    pub fn versioning(self, status: &'static str) -> Self {
        self.inner.lock().unwrap().versioning = status;
        self
    }

    pub fn tagged(self, key: &'static str, value: &'static str) -> Self {
        self.inner.lock().unwrap().tags.push((key, value));
        self
    }

    pub fn forgetful(self) -> Self {
        self.inner.lock().unwrap().forgetful = true;
        self
    }

    /// The next request of `operation` has this trouble.
    pub fn trouble(&self, operation: &'static str, trouble: Trouble) {
        self.inner.lock().unwrap().troubles.push((operation, trouble));
    }

    pub fn held(&self, key: &str) -> Option<Held> {
        self.inner.lock().unwrap().objects.get(key).cloned()
    }

    pub fn replace(&self, key: &str, bytes: &[u8]) {
        let held = Held { bytes: Some(Bytes::copy_from_slice(bytes)), version: 2, ..Held::default() };
        self.inner.lock().unwrap().objects.insert(key.to_owned(), held);
    }

    /// Uploads in parts that S3 still keeps.
    pub fn pending(&self) -> usize {
        self.inner.lock().unwrap().uploads.len()
    }

    /// S3's operations, in order.
    pub fn log(&self) -> Vec<String> {
        self.inner.lock().unwrap().log.clone()
    }

    pub fn count(&self, operation: &str) -> usize {
        self.log().iter().filter(|o| *o == operation).count()
    }

    /// The headers of the requests of `operation`.
    pub fn headers(&self, operation: &str) -> Vec<BTreeMap<String, String>> {
        let inner = self.inner.lock().unwrap();
        inner.requests.iter().filter(|(o, _)| o == operation).map(|(_, h)| h.clone()).collect()
    }

    /// Most bytes of request bodies open at the same time.
    pub fn most_in_flight(&self) -> u64 {
        self.inner.lock().unwrap().most_in_flight
    }

    pub fn aws(&self, files: Files) -> Aws {
        Aws::new(Settings {
            regions: vec![self.inner.lock().unwrap().home.unwrap_or(HOME).to_owned()],
            http: Some(SharedHttpClient::new(self.clone())),
            credentials: Some(("AKIDEXAMPLE".into(), "secret".into())),
            files,
            clock: Arc::new(|| NOW),
            ..Settings::default()
        })
    }

    async fn exchange(&self, mut request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let body = std::mem::replace(request.body_mut(), SdkBody::taken());
        let asked = Asked::of(&request);
        let length = body.content_length().unwrap_or_default();
        {
            let mut inner = self.inner.lock().unwrap();
            inner.in_flight += length;
            inner.most_in_flight = inner.most_in_flight.max(inner.in_flight);
            inner.log.push(asked.operation.to_owned());
            inner.requests.push((asked.operation.to_owned(), asked.headers.clone()));
        }
        let leaves = Leaves(self.inner.clone(), length);
        let body =
            ByteStream::new(body).collect().await.map_err(|e| ConnectorError::io(e.into()))?.into_bytes();
        // Others get their turn while it is under way.
        tokio::task::yield_now().await;
        let trouble = {
            let mut inner = self.inner.lock().unwrap();
            let at = inner.troubles.iter().position(|(operation, _)| *operation == asked.operation);
            at.map(|at| inner.troubles.remove(at).1)
        };
        drop(leaves);
        let broken = || ConnectorError::io("connection reset by peer".into());
        match trouble {
            Some(Trouble::Status(status, code)) => return Ok(error(status, code)),
            Some(Trouble::Break) => return Err(broken()),
            Some(Trouble::Hang) => std::future::pending::<()>().await,
            Some(Trouble::Lose | Trouble::BreakAfter(_) | Trouble::Garble) | None => {}
        }
        let answer = self.answer(&asked, &body, trouble);
        if trouble == Some(Trouble::Lose) { Err(broken()) } else { Ok(answer) }
    }

    fn answer(&self, asked: &Asked, body: &Bytes, trouble: Option<Trouble>) -> HttpResponse {
        let mut inner = self.inner.lock().unwrap();
        let home = inner.home.unwrap_or(HOME);
        let region = [("x-amz-bucket-region", home)];
        if asked.region != home {
            return with_headers(error(301, "PermanentRedirect"), &region);
        }
        if asked.operation == "ListBuckets" {
            let bucket = format!("<Bucket><Name>{BUCKET}</Name></Bucket>");
            return ok(&format!(
                "<ListAllMyBucketsResult><Buckets>{bucket}</Buckets></ListAllMyBucketsResult>"
            ));
        }
        if asked.bucket != BUCKET {
            return error(404, "NoSuchBucket");
        }
        let owner = inner.owner.as_deref().unwrap_or(OURS);
        if asked.header("x-amz-expected-bucket-owner").is_some_and(|wanted| wanted != owner) {
            return with_headers(error(403, "AccessDenied"), &region);
        }
        let held = inner.objects.get(&asked.key).cloned();
        let etag = held.as_ref().map(Held::etag);
        let matches = match (asked.header("if-match"), asked.header("if-none-match"), &etag) {
            (Some(wanted), _, etag) => etag.as_deref() == Some(wanted),
            (None, Some("*"), etag) => etag.is_none(),
            (None, Some(_) | None, _) => true,
        };
        match asked.operation {
            "HeadBucket" if inner.unlistable => with_headers(error(403, "AccessDenied"), &region),
            "HeadBucket" => with_headers(ok(""), &region),
            "GetBucketVersioning" => {
                let status = match inner.versioning {
                    "" => String::new(),
                    status => format!("<Status>{status}</Status>"),
                };
                ok(&format!("<VersioningConfiguration>{status}</VersioningConfiguration>"))
            }
            "GetBucketTagging" if inner.tags.is_empty() => error(404, "NoSuchTagSet"),
            "GetBucketTagging" => {
                let tag = |(k, v): &(&str, &str)| format!("<Tag><Key>{k}</Key><Value>{v}</Value></Tag>");
                let tags: String = inner.tags.iter().map(tag).collect();
                ok(&format!("<Tagging><TagSet>{tags}</TagSet></Tagging>"))
            }
            "HeadObject" => held.map_or_else(|| error(404, ""), |held| self.body(&held, None, true, None)),
            "GetObject" if held.is_none() => error(404, "NoSuchKey"),
            "GetObject" if !matches => error(412, "PreconditionFailed"),
            "GetObject" => self.body(&held.unwrap(), asked.header("range"), false, trouble),
            "PutObject" if !matches => error(412, "PreconditionFailed"),
            "PutObject" => {
                let sum = BASE64.encode(Sha256::digest(body));
                if asked.header("x-amz-checksum-sha256") != Some(&sum) {
                    return error(400, "BadDigest");
                }
                let etag = inner.keep(&asked.key, body.clone());
                with_headers(ok(""), &[("etag", &etag), ("x-amz-checksum-sha256", &sum)])
            }
            "CreateMultipartUpload" => {
                let id = format!("upload-{}", inner.log.len());
                inner.uploads.insert(id.clone(), BTreeMap::new());
                ok(&format!(
                    "<InitiateMultipartUploadResult><UploadId>{id}</UploadId></InitiateMultipartUploadResult>"
                ))
            }
            "UploadPart" => {
                let sum = if inner.forgetful { String::new() } else { BASE64.encode(Sha256::digest(body)) };
                if !inner.forgetful && asked.header("x-amz-checksum-sha256") != Some(&sum) {
                    return error(400, "BadDigest");
                }
                let kept = if inner.forgetful { Bytes::from(vec![0; 1]) } else { body.clone() };
                let number = asked.query("partNumber").parse().unwrap();
                match inner.uploads.get_mut(&asked.query("uploadId")) {
                    Some(parts) => drop(parts.insert(number, kept)),
                    None => return error(404, "NoSuchUpload"),
                }
                with_headers(
                    ok(""),
                    &[("etag", &format!("\"part-{number}\"")), ("x-amz-checksum-sha256", &sum)],
                )
            }
            "CompleteMultipartUpload" if !matches => error(412, "PreconditionFailed"),
            "CompleteMultipartUpload" => {
                let Some(parts) = inner.uploads.remove(&asked.query("uploadId")) else {
                    return error(404, "NoSuchUpload");
                };
                let named = String::from_utf8_lossy(body).matches("<PartNumber>").count();
                assert_eq!(named, parts.len(), "every part is named");
                let digests: Vec<u8> = parts.values().flat_map(|p| Sha256::digest(p).to_vec()).collect();
                let sum = format!("{}-{}", BASE64.encode(Sha256::digest(&digests)), parts.len());
                let whole: Vec<u8> = parts.values().flat_map(|p| p.to_vec()).collect();
                let etag = inner.keep(&asked.key, whole.into());
                ok(&format!(
                    "<CompleteMultipartUploadResult><ETag>{etag}</ETag><ChecksumSHA256>{sum}</ChecksumSHA256></CompleteMultipartUploadResult>"
                ))
            }
            "AbortMultipartUpload" => match inner.uploads.remove(&asked.query("uploadId")) {
                Some(_) => with_status(ok(""), 204),
                None => error(404, "NoSuchUpload"),
            },
            other => unreachable!("{other}"),
        }
    }

    fn body(&self, held: &Held, range: Option<&str>, head: bool, trouble: Option<Trouble>) -> HttpResponse {
        let from: u64 =
            range.map_or(0, |r| r.trim_start_matches("bytes=").trim_end_matches('-').parse().unwrap());
        let left = held.size() - from;
        let mut answer = with_status(ok(""), if range.is_some() { 206 } else { 200 });
        let headers = answer.headers_mut();
        headers.insert("etag", held.etag());
        headers.insert("content-length", left.to_string());
        headers.insert("last-modified", "Thu, 19 Nov 2026 08:00:00 GMT");
        for (name, value) in &held.headers {
            headers.insert(*name, value.clone());
        }
        if head {
            return answer;
        }
        let breaks = if let Some(Trouble::BreakAfter(n)) = trouble { Some(n) } else { None };
        let garbled = trouble == Some(Trouble::Garble);
        let (held, store) = (held.clone(), self.clone());
        let chunks = futures::stream::unfold(from, move |at| {
            let (held, store) = (held.clone(), store.clone());
            async move {
                if breaks.is_some_and(|n| at - from >= n) {
                    return Some((Err(std::io::Error::other("the line broke")), u64::MAX));
                }
                if at >= held.size() {
                    return None;
                }
                let end = held.size().min(at + CHUNK as u64).min(breaks.map_or(u64::MAX, |n| from + n));
                let bytes = match &held.bytes {
                    Some(bytes) => {
                        bytes[usize::try_from(at).unwrap()..usize::try_from(end).unwrap()].to_vec()
                    }
                    None => (at..end).map(pattern).collect(),
                };
                let bytes = if garbled { bytes.iter().map(|b| !b).collect() } else { bytes };
                Some((Ok(store.counted(bytes)), end))
            }
        });
        let body = reqwest::Body::wrap_stream(chunks.fuse());
        *answer.body_mut() = SdkBody::from_body_1_x(body);
        answer
    }

    fn counted(&self, bytes: Vec<u8>) -> Bytes {
        let now = self.alive.fetch_add(1, Ordering::SeqCst) + 1;
        self.most_alive.fetch_max(now, Ordering::SeqCst);
        Bytes::from_owner(Chunk(bytes, self.alive.clone()))
    }
}

/// The byte of a generated object at `at`.
pub fn pattern(at: u64) -> u8 {
    (at.wrapping_mul(2_654_435_761) >> 13) as u8
}

impl Inner {
    fn keep(&mut self, key: &str, bytes: Bytes) -> String {
        let version = self.objects.get(key).map_or(1, |o| o.version + 1);
        let held = Held { bytes: Some(bytes), version, ..Held::default() };
        let etag = held.etag();
        self.objects.insert(key.to_owned(), held);
        etag
    }
}

/// A request that is no longer under way when this is dropped.
struct Leaves(Arc<Mutex<Inner>>, u64);

impl Drop for Leaves {
    fn drop(&mut self) {
        self.0.lock().unwrap().in_flight -= self.1;
    }
}

struct Asked {
    operation: &'static str,
    bucket: String,
    key: String,
    region: String,
    query: Vec<(String, String)>,
    headers: BTreeMap<String, String>,
}

impl Asked {
    fn of(request: &HttpRequest) -> Self {
        let headers: BTreeMap<String, String> =
            request.headers().iter().map(|(k, v)| (k.to_lowercase(), v.to_owned())).collect();
        let scope = headers.get("authorization").map_or("", String::as_str);
        let region = scope.split("Credential=").nth(1).and_then(|c| c.split('/').nth(2)).unwrap_or_default();
        let url = reqwest::Url::parse(request.uri()).unwrap();
        let query: Vec<(String, String)> =
            url.query_pairs().map(|(k, v)| (k.into_owned(), v.into_owned())).collect();
        let has = |name: &str| query.iter().any(|(k, _)| k == name);
        let host = url.host_str().unwrap_or_default();
        let bucket = host.split(".s3.").next().unwrap_or_default().to_owned();
        let key = url.path().trim_start_matches('/').replace("%20", " ");
        let operation = match (request.method(), key.is_empty()) {
            ("HEAD", true) => "HeadBucket",
            ("GET", true) if bucket.starts_with("s3") => "ListBuckets",
            ("GET", true) if has("versioning") => "GetBucketVersioning",
            ("GET", true) if has("tagging") => "GetBucketTagging",
            ("HEAD", false) => "HeadObject",
            ("GET", false) => "GetObject",
            ("PUT", false) if has("uploadId") => "UploadPart",
            ("PUT", false) => "PutObject",
            ("POST", false) if has("uploads") => "CreateMultipartUpload",
            ("POST", false) if has("uploadId") => "CompleteMultipartUpload",
            ("DELETE", false) if has("uploadId") => "AbortMultipartUpload",
            other => unreachable!("{other:?} {url}"),
        };
        Self { operation, bucket, key, region: region.to_owned(), query, headers }
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    fn query(&self, name: &str) -> String {
        self.query.iter().find(|(k, _)| k == name).map(|(_, v)| v.clone()).unwrap_or_default()
    }
}

fn ok(body: &str) -> HttpResponse {
    HttpResponse::new(200_u16.try_into().unwrap(), SdkBody::from(body))
}

fn error(status: u16, code: &str) -> HttpResponse {
    let body = if code.is_empty() {
        String::new()
    } else {
        format!("<Error><Code>{code}</Code><Message>{code} said the store</Message></Error>")
    };
    with_status(ok(&body), status)
}

fn with_status(answer: HttpResponse, status: u16) -> HttpResponse {
    HttpResponse::new(status.try_into().unwrap(), answer.into_body())
}

fn with_headers(mut answer: HttpResponse, headers: &[(&'static str, &str)]) -> HttpResponse {
    for (name, value) in headers {
        answer.headers_mut().insert(*name, (*value).to_owned());
    }
    answer
}

impl HttpClient for Store {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Store {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let scope = request.headers().get("authorization").unwrap_or_default();
        if !scope.contains("/s3/aws4_request") {
            return self.canned.call(request);
        }
        let store = self.clone();
        HttpConnectorFuture::new(async move { store.exchange(request).await })
    }
}
