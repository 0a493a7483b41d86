//! The built binary asks models and AWS where the environment says: private endpoints, proxies, bearer tokens.

use super::answers;
use super::common::python::Program;
use super::scripted::{Received, Reply, Say, Scripted, answer_bytes};
use serde_json::json;
use std::process::{Command, Stdio};

/// Signed by an authority that only these tests trust.
const CERTIFICATE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/peers/tls/server.pem");
const AUTHORITY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/peers/tls/ca.pem");

/// A folder of its own: nothing of the machine is seen.
pub struct Place(pub tempfile::TempDir);

/// What came of a run.
pub struct Ran {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Ran {
    /// Everything that was said.
    pub fn said(&self) -> String {
        format!("{}\n{}", self.out, self.err)
    }
}

impl Place {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// The binary with these arguments and this environment, and `input` piped in.
    pub async fn run(&self, args: &[&str], env: &[(&str, &str)], input: &str) -> Ran {
        let mut command = Command::new(env!("CARGO_BIN_EXE_quarterdeck"));
        command
            .args(args)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("HOME", self.0.path())
            .env("QUARTERDECK_STATE", self.0.path().join("state"))
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .envs(env.iter().copied())
            .current_dir(self.0.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let input = input.to_owned();
        let output = tokio::task::spawn_blocking(move || {
            use std::io::Write as _;
            let mut child = command.spawn().unwrap();
            // One that asks for nothing may be gone already.
            let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
            child.wait_with_output().unwrap()
        });
        let output = output.await.unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        let ran = Ran {
            code: output.status.code().unwrap_or(-1),
            out: text(output.stdout),
            err: text(output.stderr),
        };
        assert!(!ran.err.contains("panicked"), "{args:?}: {}", ran.err);
        ran
    }
}

const KEYS: [(&str, &str); 3] =
    [("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"), ("AWS_SECRET_ACCESS_KEY", "secret"), ("AWS_REGION", "eu-west-1")];
const ASK: [&str; 4] = ["ask", "--demo", "--provider", "bedrock"];

async fn bedrock() -> Scripted {
    Scripted::answering(|_, _| Reply::Bytes(answers::converse(&[Say::Text("All is well.")]))).await
}

fn asked(place: &str) -> Vec<&str> {
    let mut words = ASK.to_vec();
    words.push(place);
    words
}

fn with<'a>(more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    KEYS.iter().chain(more).copied().collect()
}

fn only(server: &Scripted) -> Received {
    let mut received = server.received();
    assert_eq!(received.len(), 1, "{received:?}");
    received.remove(0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn bedrock_is_asked_at_a_private_endpoint_signed_or_with_the_token() {
    let place = Place::new();
    let server = bedrock().await;
    let url = server.url();
    let ran = place.run(&asked("why?"), &with(&[("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", &url)]), "").await;
    assert!(ran.code == 0 && ran.out.contains("All is well."), "{}", ran.said());
    let request = only(&server);
    assert_eq!(request.path, "/model/eu.anthropic.claude-sonnet-5-5/converse-stream");
    let authorization = request.header("authorization").unwrap();
    assert!(
        authorization.contains("AKIDEXAMPLE/") && authorization.contains("/eu-west-1/bedrock/aws4_request"),
        "{authorization}"
    );

    let server = bedrock().await;
    let url = server.url();
    let env = [
        ("AWS_REGION", "eu-west-1"),
        ("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", url.as_str()),
        ("AWS_BEARER_TOKEN_BEDROCK", "a-token"),
    ];
    let ran = place.run(&asked("why?"), &env, "").await;
    assert!(ran.code == 0 && ran.out.contains("All is well."), "{}", ran.said());
    assert_eq!(only(&server).header("authorization"), Some("Bearer a-token"), "without AWS credentials");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn bedrock_and_the_tools_go_through_the_proxy_and_this_machine_does_not() {
    let place = Place::new();
    let proxy = bedrock().await;
    let through = proxy.url();
    let ran = place
        .run(
            &asked("why?"),
            &with(&[
                ("HTTP_PROXY", &through),
                ("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", "http://bedrock.private.test"),
            ]),
            "",
        )
        .await;
    assert!(ran.code == 0 && ran.out.contains("All is well."), "{}", ran.said());
    let request = only(&proxy);
    assert_eq!(
        request.path,
        "http://bedrock.private.test/model/eu.anthropic.claude-sonnet-5-5/converse-stream"
    );

    // By TLS: the proxy is asked for a tunnel, and for nothing else.
    let refusing = || Scripted::answering(|_, _| Reply::Status(403, Vec::new(), String::new()));
    let proxy = refusing().await;
    let through = proxy.url();
    let ran = place.run(&asked("why?"), &with(&[("HTTPS_PROXY", &through)]), "").await;
    assert_ne!(ran.code, 0, "{}", ran.said());
    assert!(ran.said().contains("the proxy"), "{}", ran.said());
    for request in proxy.received() {
        assert_eq!(
            (request.method.as_str(), request.path.as_str()),
            ("CONNECT", "bedrock-runtime.eu-west-1.amazonaws.com:443")
        );
        assert!(request.header("authorization").is_none(), "the signature is inside the tunnel");
    }
    assert!(!proxy.received().is_empty());

    let proxy = refusing().await;
    let through = proxy.url();
    let _ = place.run(&["tool", "list_ec2_instances"], &with(&[("HTTPS_PROXY", &through)]), "").await;
    let received = proxy.received();
    let hosts: Vec<&str> = received.iter().map(|r| r.path.as_str()).collect();
    assert!(hosts.contains(&"ec2.eu-west-1.amazonaws.com:443"), "{hosts:?}");

    // Exceptions hold, and this machine needs none.
    let (proxy, direct) = (refusing().await, bedrock().await);
    let (through, url) = (proxy.url(), direct.url());
    let ran = place
        .run(
            &asked("why?"),
            &with(&[("HTTP_PROXY", &through), ("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", &url)]),
            "",
        )
        .await;
    assert!(ran.code == 0 && proxy.received().is_empty(), "{}", ran.said());
    let proxy = refusing().await;
    let through = proxy.url();
    let _ = place
        .run(
            &["tool", "list_ec2_instances"],
            &with(&[
                ("HTTP_PROXY", &through),
                ("NO_PROXY", ".private.test"),
                ("AWS_ENDPOINT_URL", "http://aws.private.test"),
            ]),
            "",
        )
        .await;
    assert!(proxy.received().is_empty(), "{:?}", proxy.received());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn other_providers_go_through_the_proxy_too() {
    let place = Place::new();
    let answer = || Scripted::answering(|_, _| Reply::Bytes(answer_bytes(&[Say::Text("All is well.")])));
    let ask = ["ask", "--demo", "--provider", "anthropic", "why?"];
    let proxy = answer().await;
    let through = proxy.url();
    let key = ("ANTHROPIC_API_KEY", "sk-test");
    let env = [key, ("HTTP_PROXY", through.as_str()), ("ANTHROPIC_BASE_URL", "http://claude.private.test")];
    let ran = place.run(&ask, &env, "").await;
    assert!(ran.code == 0 && ran.out.contains("All is well."), "{}", ran.said());
    assert_eq!(only(&proxy).path, "http://claude.private.test/v1/messages");

    let proxy = Scripted::answering(|_, _| Reply::Status(403, Vec::new(), String::new())).await;
    let through = proxy.url();
    let ran = place.run(&ask, &[key, ("HTTPS_PROXY", through.as_str())], "").await;
    assert_ne!(ran.code, 0);
    let received = proxy.received();
    assert!(
        received.iter().all(|r| r.method == "CONNECT" && r.path == "api.anthropic.com:443"),
        "{received:?}"
    );
    assert!(!received.is_empty() && ran.said().contains("the proxy"), "{}", ran.said());

    let (proxy, direct) = (answer().await, answer().await);
    let (through, url) = (proxy.url(), direct.url());
    let env = [key, ("HTTP_PROXY", through.as_str()), ("ANTHROPIC_BASE_URL", url.as_str())];
    let ran = place.run(&ask, &env, "").await;
    assert!(ran.code == 0 && proxy.received().is_empty() && !direct.received().is_empty(), "{}", ran.said());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_doctor_tries_bedrock_without_asking_a_model() {
    let place = Place::new();
    let doctor = ["doctor", "--demo", "--provider", "bedrock"];
    for (status, kind, said, says) in [
        (
            400,
            "ValidationException",
            "A conversation must start with a user message.",
            "use the model was not tried",
        ),
        (
            403,
            "UnrecognizedClientException",
            "The security token included in the request is invalid.",
            "aws sso login",
        ),
    ] {
        let headers = vec![("x-amzn-errortype", kind.to_owned())];
        let server =
            Scripted::start(vec![Reply::Status(status, headers, format!("{{\"message\":\"{said}\"}}"))])
                .await;
        let url = server.url();
        let ran = place.run(&doctor, &with(&[("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", &url)]), "").await;
        let words = ran.out.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words.contains(says), "{says}: {}", ran.said());
        assert!(
            words.contains("bedrock, eu.anthropic.claude-sonnet-5-5, with the AWS credentials"),
            "{words}"
        );
        assert_eq!(only(&server).body, serde_json::json!({}), "nothing that costs is sent");
    }
}

/// A proxy that only tunnels, with `behind` at the other end of every tunnel.
async fn tunnel(behind: &Scripted) -> Program {
    let target = behind.url().trim_start_matches("http://").to_owned();
    let start = move || Program::start_with("tunnel.py", "", &[CERTIFICATE, &target]);
    tokio::task::spawn_blocking(start).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_tunnel_through_the_proxy_carries_the_whole_conversation() {
    let place = Place::new();
    let asks = |provider| ["ask", "--demo", "--provider", provider, "why?"];
    let key = ("ANTHROPIC_API_KEY", "sk-test");

    let behind = bedrock().await;
    let mut proxy = tunnel(&behind).await;
    let through = proxy.endpoint.clone();
    let tls = [("HTTPS_PROXY", through.as_str()), ("SSL_CERT_FILE", AUTHORITY)];
    let ran = place.run(&asks("bedrock"), &with(&tls), "").await;
    assert!(ran.code == 0 && ran.out.contains("All is well."), "{}", ran.said());
    let request = only(&behind);
    assert_eq!(request.header("host"), Some("bedrock-runtime.eu-west-1.amazonaws.com"));
    assert_eq!(request.path, "/model/eu.anthropic.claude-sonnet-5-5/converse-stream");
    assert!(request.header("authorization").unwrap().contains("/eu-west-1/bedrock/aws4_request"));
    assert_eq!(
        proxy.control(&json!(["tunnels"])),
        json!(["CONNECT bedrock-runtime.eu-west-1.amazonaws.com:443 HTTP/1.1"])
    );

    let behind = Scripted::answering(|_, _| Reply::Bytes(answer_bytes(&[Say::Text("All is well.")]))).await;
    let mut proxy = tunnel(&behind).await;
    let through = proxy.endpoint.clone();
    let env = [key, ("HTTPS_PROXY", through.as_str()), ("SSL_CERT_FILE", AUTHORITY)];
    let ran = place.run(&asks("anthropic"), &env, "").await;
    assert!(ran.code == 0 && ran.out.contains("All is well."), "{}", ran.said());
    assert_eq!(only(&behind).header("x-api-key"), Some("sk-test"), "inside the tunnel");
    assert_eq!(proxy.control(&json!(["tunnels"])), json!(["CONNECT api.anthropic.com:443 HTTP/1.1"]));

    let empty = r#"<DescribeInstancesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><reservationSet/></DescribeInstancesResponse>"#;
    let behind = Scripted::answering(move |_, _| Reply::Status(200, Vec::new(), empty.to_owned())).await;
    let mut proxy = tunnel(&behind).await;
    let through = proxy.endpoint.clone();
    let tls = [("HTTPS_PROXY", through.as_str()), ("SSL_CERT_FILE", AUTHORITY)];
    let ran = place.run(&["tool", "list_ec2_instances"], &with(&tls), "").await;
    let received = behind.received();
    let asked = |r: &Received| {
        r.header("host") == Some("ec2.eu-west-1.amazonaws.com") && r.raw.contains("Action=DescribeInstances")
    };
    assert!(received.iter().any(asked), "{received:?}\n{}", ran.said());
    let tunnels = proxy.control(&json!(["tunnels"])).to_string();
    assert!(tunnels.contains("CONNECT ec2.eu-west-1.amazonaws.com:443"), "{tunnels}");
}
