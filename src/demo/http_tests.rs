//! The wire, byte by byte: requests made by hand, one for each protocol, and what comes back.

use crate::client::Client;
use crate::{Demo, Drill, DrillError, Fault, Trouble};
use aws_smithy_runtime_api::client::http::HttpConnector;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use http_body_util::BodyExt;
use quarterdeck_core::Timestamp;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

const NOW: i64 = 1_795_143_845_000;

fn demo() -> Demo {
    Demo::start("checkout-outage", Arc::new(|| Timestamp::from_millis(NOW))).unwrap()
}

struct Answer {
    status: u16,
    kind: String,
    body: Vec<u8>,
}

impl Answer {
    fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    fn cbor(&self) -> ciborium::Value {
        ciborium::from_reader(self.body.as_slice()).unwrap()
    }
}

fn scope(key: &str, region: &str, service: &str) -> String {
    format!(
        "AWS4-HMAC-SHA256 Credential={key}/20261120/{region}/{service}/aws4_request, SignedHeaders=host, Signature=00"
    )
}

async fn send(demo: &Demo, auth: &str, path: &str, target: Option<&str>, body: impl Into<SdkBody>) -> Answer {
    let mut request = HttpRequest::new(body.into());
    request.set_method("POST").unwrap();
    request.set_uri(format!("https://service.eu-west-1.amazonaws.com{path}")).unwrap();
    request.headers_mut().insert("authorization", auth.to_owned());
    if let Some(target) = target {
        request.headers_mut().insert("x-amz-target", target.to_owned());
    }
    let response: HttpResponse = Client(demo.clone()).call(request).await.unwrap();
    let status = response.status().as_u16();
    let kind = response.headers().get("content-type").unwrap().to_owned();
    let body = response.into_body().collect().await.unwrap().to_bytes().to_vec();
    Answer { status, kind, body }
}

fn ours(demo: &Demo, region: &str, service: &str) -> String {
    scope(demo.credentials().0, region, service)
}

#[tokio::test]
async fn ec2_query() {
    let demo = demo();
    let auth = ours(&demo, "eu-west-1", "ec2");
    let body =
        "Action=DescribeInstances&Version=2016-11-15&Filter.1.Name=tag%3AName&Filter.1.Value.1=bastion";
    let answer = send(&demo, &auth, "/", None, body).await;
    assert_eq!((answer.status, answer.kind.as_str()), (200, "text/xml;charset=UTF-8"));
    let xml = answer.text();
    assert!(xml.contains(
        "<DescribeInstancesResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><requestId>"
    ));
    assert!(xml.contains("<reservationSet><item><reservationId>r-0"));
    assert!(xml.contains("<instanceState><code>16</code><name>running</name></instanceState>"));
    assert_eq!(xml.matches("<instanceId>").count(), 1);
    let answer =
        send(&demo, &auth, "/", None, "Action=StopInstances&InstanceId.1=i-0aa10000000000001&DryRun=true")
            .await;
    assert_eq!(answer.status, 412);
    assert!(answer.text().contains(
        "<Response><Errors><Error><Code>DryRunOperation</Code><Message>Request would have succeeded"
    ));
}

#[tokio::test]
async fn a_name_with_control_characters_is_escaped_in_xml() {
    let demo = demo();
    let auth = ours(&demo, "eu-west-1", "ec2");
    let answer =
        send(&demo, &auth, "/", None, "Action=DescribeInstances&InstanceId.1=i-0ee50000000000004").await;
    assert!(answer.text().contains("\u{202E}") && answer.text().contains("&#x1B;[31m"));
    assert!(!answer.body.contains(&0x1b));
}

#[tokio::test]
async fn query() {
    let demo = demo();
    let auth = ours(&demo, "us-east-1", "sts");
    let answer = send(&demo, &auth, "/", None, "Action=GetCallerIdentity&Version=2011-06-15").await;
    assert_eq!((answer.status, answer.kind.as_str()), (200, "text/xml"));
    assert!(
        answer.text().contains(
            "<GetCallerIdentityResult><Arn>arn:aws:sts::123456789012:assumed-role/oncall/dana</Arn>"
        )
    );
    let auth = ours(&demo, "eu-west-1", "elasticloadbalancing");
    let answer = send(&demo, &auth, "/", None, "Action=DescribeTargetGroups&Names.member.1=nope").await;
    assert_eq!(answer.status, 400);
    assert!(answer.text().contains("<Error><Type>Sender</Type><Code>TargetGroupNotFound</Code>"));
}

#[tokio::test]
async fn json() {
    let demo = demo();
    let auth = ours(&demo, "eu-west-1", "ecs");
    let target = |o: &str| format!("AmazonEC2ContainerServiceV20141113.{o}");
    let answer =
        send(&demo, &auth, "/", Some(&target("ListTasks")), r#"{"cluster":"shop","maxResults":3}"#).await;
    assert_eq!((answer.status, answer.kind.as_str()), (200, "application/x-amz-json-1.1"));
    assert_eq!(answer.json()["taskArns"].as_array().unwrap().len(), 3);
    let token = answer.json()["nextToken"].as_str().unwrap().to_owned();
    let next = format!(r#"{{"cluster":"shop","maxResults":3,"nextToken":"{token}"}}"#);
    let second = send(&demo, &auth, "/", Some(&target("ListTasks")), next).await;
    assert_ne!(second.json()["taskArns"], answer.json()["taskArns"]);
    for (body, code) in [
        (r#"{"cluster":"nope"}"#, "ClusterNotFoundException"),
        (r#"{"cluster":"shop","nextToken":"made up"}"#, "InvalidParameterException"),
        ("{", "SerializationException"),
    ] {
        let answer = send(&demo, &auth, "/", Some(&target("ListTasks")), body).await;
        assert_eq!((answer.status, answer.json()["__type"].as_str().unwrap()), (400, code));
    }
    let answer = send(&demo, &auth, "/", Some(&target("DeleteService")), "{}").await;
    assert_eq!(answer.status, 501);
    assert!(answer.json()["message"].as_str().unwrap().contains("ecs:DeleteService"));
}

#[tokio::test]
async fn cbor() {
    let demo = demo();
    let auth = ours(&demo, "eu-west-1", "monitoring");
    let path = |o: &str| format!("/service/GraniteServiceVersion20100801/operation/{o}");
    let input = BTreeMap::from([("AlarmNames", ["checkout-5xx"])]);
    let mut body = Vec::new();
    ciborium::into_writer(&input, &mut body).unwrap();
    let answer = send(&demo, &auth, &path("DescribeAlarms"), None, body).await;
    assert_eq!((answer.status, answer.kind.as_str()), (200, "application/cbor"));
    let text = format!("{:?}", answer.cbor());
    assert!(text.contains("Text(\"checkout-5xx\")") && text.contains("Text(\"ALARM\")"), "{text}");
    assert!(text.contains("Tag(1, Float("), "times are tagged");
    let answer = send(&demo, &auth, &path("PutMetricAlarm"), None, Vec::new()).await;
    assert_eq!(answer.status, 501);
    assert!(format!("{:?}", answer.cbor()).contains("monitoring:PutMetricAlarm"));
}

#[tokio::test]
async fn only_its_own_key_and_only_what_is_signed() {
    let demo = demo();
    let other = scope("AKIAIOSFODNN7EXAMPLE", "eu-west-1", "ec2");
    let answer = send(&demo, &other, "/", None, "Action=DescribeInstances").await;
    assert_eq!(answer.status, 401);
    assert!(answer.text().contains("AuthFailure"));
    let answer = send(&demo, "", "/", None, "Action=DescribeInstances").await;
    assert_eq!(answer.status, 403);
    let sqs = ours(&demo, "eu-west-1", "sqs");
    let answer = send(&demo, &sqs, "/", None, "Action=ListQueues").await;
    assert_eq!(answer.status, 501);
    assert!(answer.text().contains("sqs"));
}

#[tokio::test(start_paused = true)]
async fn a_delay_is_a_delay() {
    let demo = demo();
    demo.faults().inject(Fault::new(Trouble::Delay(Duration::from_secs(20))).service("sts").times(1));
    let auth = ours(&demo, "eu-west-1", "sts");
    for want in [20, 0] {
        let before = tokio::time::Instant::now();
        send(&demo, &auth, "/", None, "Action=GetCallerIdentity").await;
        assert_eq!(before.elapsed().as_secs(), want);
    }
}

#[tokio::test]
async fn the_same_moment_has_the_same_answer() {
    for (service, body) in
        [("ec2", "Action=DescribeInstances"), ("elasticloadbalancing", "Action=DescribeTargetGroups")]
    {
        let (one, two) = (demo(), demo());
        let first = send(&one, &ours(&one, "eu-west-1", service), "/", None, body).await;
        let second = send(&two, &ours(&two, "eu-west-1", service), "/", None, body).await;
        assert_eq!(first.text(), second.text());
    }
}

#[test]
fn drills_are_listed_and_found() {
    let listed: Vec<_> = Drill::list().into_iter().map(|(n, _)| n).collect();
    assert!(listed.len() >= 5 && listed.iter().copied().eq(Drill::names()), "{listed:?}");
    let error = Demo::start("chekout", Arc::new(|| Timestamp::from_millis(NOW))).unwrap_err();
    assert!(
        matches!(&error, DrillError::Unknown { nearest: Some(n), .. } if n == "checkout-outage"),
        "{error}"
    );
}

/// A new drill is a file: here one whose circuit breaker trips, written in a few lines.
#[tokio::test]
async fn another_drill_is_mostly_data() {
    let text = r#"
        name = "catalog-crash"
        summary = "The catalog is slow."
        cause = "Revision 204 cannot read its configuration."
        ask = ["why is the catalog slow?"]
        evidence = ["catalog"]
        [fix]
        says = "Roll back."
        [[fix.tool]]
        name = "update_ecs_service"
        arguments = { cluster = "shop", service = "catalog", roll_back = true }
        [[deploy]]
        at = "-5m"
        cluster = "shop"
        service = "catalog"
        revision = 204
        role = "deployer"
        session = "ci-1"
        ip = "198.51.100.24"
        agent = "aws-cli"
        [deploy.broken]
        first = "20s"
        every = "15s"
        life = "10s"
        [[deploy.broken.failure]]
        stop_code = "EssentialContainerExited"
        reason = "Essential container in task exited"
        exit_code = 2
    "#;
    let demo = Demo::play(Drill::parse(text).unwrap(), Arc::new(|| Timestamp::from_millis(NOW))).unwrap();
    let auth = ours(&demo, "eu-west-1", "ecs");
    let target = "AmazonEC2ContainerServiceV20141113.DescribeServices";
    let answer =
        send(&demo, &auth, "/", Some(target), r#"{"cluster":"shop","services":["catalog","checkout-api"]}"#)
            .await;
    let services = &answer.json()["services"];
    assert_eq!(services[0]["deployments"][0]["rolloutState"], "FAILED");
    assert_eq!(services[0]["deployments"][0]["failedTasks"], 3);
    assert_eq!(services[0]["runningCount"], 4, "a minimum of 100 % keeps the old tasks");
    assert_eq!(services[1]["runningCount"], 8, "checkout is well in this one");
}
