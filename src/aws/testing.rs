//! A stand-in for AWS in tests: canned answers per service and operation, every request recorded.

pub mod approval;

use crate::clients::{Aws, ReadClients};
use crate::settings::Settings;
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use quarterdeck_core::Timestamp;
use quarterdeck_core::tool::Spec;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

/// 2026-11-20T03:04:05Z.
pub const NOW: Timestamp = Timestamp::from_millis(1_795_143_845_000);

/// One recorded request.
#[derive(Clone, Debug)]
pub struct Sent {
    /// The signing name of the service: `ec2`, `ecs`, `monitoring`, `logs`, `cloudtrail`, `elasticloadbalancing`, `sts`.
    pub service: String,
    /// The region it was signed for.
    pub region: String,
    /// The operation; for a REST service its method and path, `GET /clusters/shop`.
    pub operation: String,
    /// What follows the `?`.
    pub query: String,
    /// The body, as text (lossy for CBOR).
    pub body: String,
}

type Answer = Box<dyn Fn(&Sent) -> (u16, Vec<u8>) + Send + Sync>;

/// Canned answers. An operation without one gets HTTP 500.
#[derive(Clone, Default)]
pub struct Canned {
    answers: Arc<Mutex<HashMap<(String, String), Answer>>>,
    sent: Arc<Mutex<Vec<Sent>>>,
}

impl std::fmt::Debug for Canned {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Canned")
    }
}

impl Canned {
    /// Nothing is answered yet. The caller is `assumed-role/OnCall/jo` of 123456789012, alias `example`.
    pub fn new() -> Self {
        Self::default()
            .on("sts", "GetCallerIdentity", "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetCallerIdentityResult><Arn>arn:aws:sts::123456789012:assumed-role/OnCall/jo</Arn><UserId>AROAEXAMPLE:jo</UserId><Account>123456789012</Account></GetCallerIdentityResult></GetCallerIdentityResponse>")
            .on("iam", "ListAccountAliases", "<ListAccountAliasesResponse><ListAccountAliasesResult><AccountAliases><member>example</member></AccountAliases><IsTruncated>false</IsTruncated></ListAccountAliasesResult></ListAccountAliasesResponse>")
    }

    /// Answers `operation` of `service` (its signing name) with HTTP 200 and `body`.
    pub fn on(self, service: &str, operation: &str, body: &str) -> Self {
        let body = body.as_bytes().to_vec();
        self.with(service, operation, move |_| (200, body.clone()))
    }

    /// Answers `operation` of `service` with `status` and `body`.
    pub fn failing(self, service: &str, operation: &str, status: u16, body: &str) -> Self {
        let body = body.as_bytes().to_vec();
        self.with(service, operation, move |_| (status, body.clone()))
    }

    /// Answers `operation` of `service` by looking at the request.
    pub fn with<F>(self, service: &str, operation: &str, answer: F) -> Self
    where
        F: Fn(&Sent) -> (u16, Vec<u8>) + Send + Sync + 'static,
    {
        self.answers.lock().unwrap().insert((service.to_owned(), operation.to_owned()), Box::new(answer));
        self
    }

    /// What was sent so far.
    pub fn sent(&self) -> Vec<Sent> {
        self.sent.lock().unwrap().clone()
    }

    /// The operations sent so far.
    pub fn operations(&self) -> Vec<String> {
        self.sent().into_iter().map(|s| s.operation).collect()
    }

    /// It as the SDK's HTTP client.
    pub fn http(&self) -> SharedHttpClient {
        let connector = SharedHttpConnector::new(self.clone());
        http_client_fn(move |_, _| connector.clone())
    }

    /// A connection to it, in these regions.
    pub fn aws(&self, regions: &[&str]) -> Aws {
        Aws::new(Settings {
            regions: regions.iter().map(|r| (*r).to_owned()).collect(),
            http: Some(self.http()),
            credentials: Some(("AKIDEXAMPLE".into(), "secret".into())),
            clock: Arc::new(|| NOW),
            ..Settings::default()
        })
    }

    /// Clients guarded by `spec`, in eu-west-1.
    pub async fn reads(&self, spec: &'static Spec) -> ReadClients {
        self.aws(&["eu-west-1"]).reads(spec, Arc::new(|_| ())).await.unwrap()
    }
}

impl HttpConnector for Canned {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let sent = read(&request);
        self.sent.lock().unwrap().push(sent.clone());
        let answers = self.answers.lock().unwrap();
        let (status, body) = match answers.get(&(sent.service.clone(), sent.operation.clone())) {
            Some(answer) => answer(&sent),
            None => (500, format!("nothing canned for {} {}", sent.service, sent.operation).into_bytes()),
        };
        HttpConnectorFuture::ready(Ok(response(status, body)))
    }
}

fn response(status: u16, body: Vec<u8>) -> HttpResponse {
    let mut response = HttpResponse::new(status.try_into().unwrap(), SdkBody::from(body));
    response.headers_mut().insert("smithy-protocol", "rpc-v2-cbor");
    response
}

fn read(request: &HttpRequest) -> Sent {
    let header = |name: &str| request.headers().get(name).unwrap_or_default().to_owned();
    let authorization = header("authorization");
    let mut scope = authorization
        .split("Credential=")
        .nth(1)
        .unwrap_or_default()
        .split(',')
        .next()
        .unwrap()
        .split('/')
        .skip(2);
    let (region, service) =
        (scope.next().unwrap_or_default().to_owned(), scope.next().unwrap_or_default().to_owned());
    let body = String::from_utf8_lossy(request.body().bytes().unwrap_or_default()).into_owned();
    let target = header("x-amz-target");
    let path = request.uri().split('?').next().unwrap_or_default().to_owned();
    let action = body.split('&').find_map(|p| p.strip_prefix("Action=")).unwrap_or_default();
    let operation = match (target.rsplit('.').next(), path.split("/operation/").nth(1)) {
        (Some(name), _) if !name.is_empty() => name.to_owned(),
        (_, Some(name)) => name.to_owned(),
        _ if action.is_empty() => format!("{} {}", request.method(), path_of(&path)),
        _ => action.to_owned(),
    };
    let query = request.uri().split_once('?').map(|(_, q)| q.to_owned()).unwrap_or_default();
    Sent { service, region, operation, query, body }
}

/// Without scheme and host.
fn path_of(uri: &str) -> &str {
    let rest = uri.split_once("://").map_or(uri, |(_, rest)| rest);
    rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/")
}

/// `value` as the CBOR that CloudWatch speaks: every number a double but for whole numbers under a key in `INTEGERS`,
/// and `{"$time": seconds}` a point in time.
pub fn cbor(value: &serde_json::Value) -> Vec<u8> {
    let mut out = Vec::new();
    encode(&mut out, value, false);
    out
}

const INTEGERS: [&str; 3] = ["Period", "EvaluationPeriods", "DatapointsToAlarm"];

fn encode(out: &mut Vec<u8>, value: &serde_json::Value, integer: bool) {
    use serde_json::Value;
    let head = |out: &mut Vec<u8>, major: u8, n: usize| {
        out.push((major << 5) | 26);
        out.extend_from_slice(&u32::try_from(n).unwrap().to_be_bytes());
    };
    match value {
        Value::Null => out.push(0xf6),
        Value::Bool(v) => out.push(if *v { 0xf5 } else { 0xf4 }),
        Value::Number(n) if integer => head(out, 0, usize::try_from(n.as_u64().unwrap()).unwrap()),
        Value::Number(n) => {
            out.push(0xfb);
            out.extend_from_slice(&n.as_f64().unwrap().to_be_bytes());
        }
        Value::String(text) => {
            head(out, 3, text.len());
            out.extend_from_slice(text.as_bytes());
        }
        Value::Array(items) => {
            head(out, 4, items.len());
            items.iter().for_each(|item| encode(out, item, false));
        }
        Value::Object(map) => match map.get("$time") {
            Some(seconds) => {
                head(out, 6, 1);
                encode(out, seconds, false);
            }
            None => {
                head(out, 5, map.len());
                for (key, value) in map {
                    encode(out, &Value::from(key.as_str()), false);
                    encode(out, value, INTEGERS.contains(&key.as_str()));
                }
            }
        },
    }
}
