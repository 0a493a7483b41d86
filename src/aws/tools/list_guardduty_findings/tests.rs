use super::*;
use crate::registry;
use crate::testing::{Canned, NOW};
use quarterdeck_core::tool::FaultKind;
use serde_json::{Value, json};
use std::sync::Arc;

async fn run(canned: &Canned, regions: &[&str], args: Value) -> Result<Projection, Fault> {
    let aws = canned.aws(regions);
    registry::read(&aws, "list_guardduty_findings", &args, Arc::new(|_| ())).await.map(|(p, _)| p)
}

fn column(p: &Projection, name: &str) -> Vec<String> {
    p.rows.iter().map(|r| p.cell(r, name).unwrap().plain()).collect()
}

fn finding(id: &str, kind: &str, severity: f64, resource: &Value, action: &Value) -> Value {
    json!({
        "accountId": "123456789012", "arn": "arn:aws:guardduty", "id": id, "type": kind, "severity": severity, "region": "eu-west-1",
        "title": format!("about {id}"), "createdAt": "2026-11-19T00:00:00Z", "updatedAt": "2026-11-20T00:00:00Z", "schemaVersion": "2.0",
        "resource": resource,
        "service": { "action": action, "archived": false, "count": 7, "eventFirstSeen": "2026-11-19T01:00:00Z",
            "eventLastSeen": "2026-11-20T02:00:00Z", "additionalInfo": { "type": "default", "value": "{}" } },
    })
}

fn all() -> Vec<Value> {
    let instance = json!({ "resourceType": "Instance", "instanceDetails": { "instanceId": "i-0123456789abcdef0",
        "tags": [{ "key": "Name", "value": "web" }] } });
    let key = json!({ "resourceType": "AccessKey", "accessKeyDetails": { "accessKeyId": "AKIAIOSFODNN7EXAMPLE", "userName": "jo", "userType": "IAMUser" } });
    let bucket =
        json!({ "resourceType": "S3Bucket", "s3BucketDetails": [{ "name": "media" }, { "name": "logs" }] });
    let cluster = json!({ "resourceType": "EKSCluster", "eksClusterDetails": { "name": "shop" },
        "kubernetesDetails": { "kubernetesWorkloadDetails": { "name": "api", "namespace": "prod" } } });
    let remote = |ip: &str| json!({ "ipAddressV4": ip });
    let probes = json!([{ "remoteIpDetails": remote("192.0.2.1") }, { "remoteIpDetails": remote("192.0.2.2") },
        { "remoteIpDetails": remote("192.0.2.1") }, { "remoteIpDetails": remote("192.0.2.3") }, { "remoteIpDetails": remote("192.0.2.4") }]);
    let mut sample = finding("s", "Trojan:EC2/DropPoint", 8.0, &instance, &json!({}));
    sample["service"]["additionalInfo"]["value"] = json!("{\"sample\":true}");
    let mut six = finding(
        "e",
        "Recon:EC2/Portscan",
        4.0,
        &json!({ "resourceType": "Container" }),
        &json!({ "actionType": "NETWORK_CONNECTION",
        "networkConnectionAction": { "remoteIpDetails": { "ipAddressV6": "2001:db8::1" } } }),
    );
    six["accountId"] = json!("111122223333");
    vec![
        sample,
        finding(
            "a",
            "Recon:EC2/PortProbe",
            3.9,
            &instance,
            &json!({ "actionType": "PORT_PROBE", "portProbeAction": { "portProbeDetails": probes } }),
        ),
        finding(
            "b",
            "UnauthorizedAccess:IAMUser/X",
            7.0,
            &key,
            &json!({ "actionType": "AWS_API_CALL", "awsApiCallAction": { "remoteIpDetails": remote("192.0.2.7") } }),
        ),
        finding("c", "AttackSequence:S3/CompromisedData", 9.0, &bucket, &json!({})),
        finding(
            "d",
            "Execution:Kubernetes/X",
            6.9,
            &cluster,
            &json!({ "actionType": "KUBERNETES_API_CALL", "kubernetesApiCallAction": { "remoteIpDetails": remote("192.0.2.8") } }),
        ),
        six,
    ]
}

fn account(status: &str) -> Canned {
    let found = all();
    let ids: Vec<Value> = found.iter().map(|f| f["id"].clone()).collect();
    Canned::new()
        .on("guardduty", "GET /detector", &json!({ "detectorIds": ["d1"] }).to_string())
        .on("guardduty", "GET /detector/d1", &json!({ "status": status, "serviceRole": "arn" }).to_string())
        .on(
            "guardduty",
            "POST /detector/d1/findings",
            &json!({ "findingIds": ids, "nextToken": "" }).to_string(),
        )
        .on("guardduty", "POST /detector/d1/findings/get", &json!({ "findings": found }).to_string())
}

const DENIED: &str = "{\"__type\":\"AccessDeniedException\",\"message\":\"User: arn:aws:sts::123456789012:assumed-role/OnCall/jo is not authorized to perform: guardduty:ListDetectors on resource: *\"}";

#[tokio::test]
async fn the_most_severe_first_and_samples_last() {
    let canned = account("ENABLED");
    let p = run(&canned, &["eu-west-1"], json!({})).await.unwrap();
    assert_eq!(column(&p, "severity"), ["CRITICAL", "HIGH", "MEDIUM", "MEDIUM", "LOW", "HIGH"]);
    assert_eq!(column(&p, "type")[5], "Trojan:EC2/DropPoint [SAMPLE]");
    assert_eq!(
        column(&p, "resource"),
        [
            "bucket media, logs",
            "IAMUser jo, key AKIAIOSFODNN7EXAMPLE",
            "EKS cluster shop, workload prod/api",
            "Container",
            "instance i-0123456789abcdef0 (web)",
            "instance i-0123456789abcdef0 (web)",
        ]
    );
    assert_eq!(
        column(&p, "actor_ip"),
        ["", "192.0.2.7", "192.0.2.8", "2001:db8::1", "192.0.2.1, 192.0.2.2, 192.0.2.3 and 1 more", ""]
    );
    assert_eq!(column(&p, "account")[3], "111122223333");
    assert_eq!(column(&p, "count")[0], "7");
    assert_eq!(
        (column(&p, "first")[0].as_str(), column(&p, "last")[0].as_str()),
        ("2026-11-19T01:00:00Z", "2026-11-20T02:00:00Z")
    );
    assert_eq!(p.rows.iter().map(|r| r.urgency).collect::<Vec<_>>(), [3, 2, 1, 1, 0, 0]);
    assert_eq!(
        p.summary,
        "5 GuardDuty findings in eu-west-1: 1 CRITICAL, 1 HIGH, 2 MEDIUM, 1 LOW; worst: AttackSequence:S3/CompromisedData on bucket media, \
         logs; UnauthorizedAccess:IAMUser/X on IAMUser jo, key AKIAIOSFODNN7EXAMPLE; and 1 sample finding made up by GuardDuty itself."
    );
    let listed =
        &canned.sent().into_iter().find(|s| s.operation == "POST /detector/d1/findings").unwrap().body;
    let listed: Value = serde_json::from_str(listed).unwrap();
    assert_eq!(
        listed["findingCriteria"]["criterion"],
        json!({ "service.archived": { "equals": ["false"] } })
    );
    assert_eq!(listed["sortCriteria"], json!({ "attributeName": "severity", "orderBy": "DESC" }));
}

#[tokio::test]
async fn severities_at_their_edges() {
    for (number, label) in [
        (1.0, "LOW"),
        (3.9, "LOW"),
        (4.0, "MEDIUM"),
        (6.9, "MEDIUM"),
        (7.0, "HIGH"),
        (8.9, "HIGH"),
        (9.0, "CRITICAL"),
        (10.0, "CRITICAL"),
    ] {
        assert_eq!(finding::Severity::of(number).label(), label, "{number}");
    }
}

#[tokio::test]
async fn what_is_asked_for_is_asked_of_aws() {
    let canned = account("ENABLED");
    let p = run(&canned, &["eu-west-1"], json!({ "min_severity": "HIGH", "since": "3d" })).await.unwrap();
    assert!(p.summary.contains("of severity HIGH and above updated since 3d in eu-west-1"), "{}", p.summary);
    let sent = canned.sent().into_iter().find(|s| s.operation == "POST /detector/d1/findings").unwrap().body;
    let criterion = serde_json::from_str::<Value>(&sent).unwrap()["findingCriteria"]["criterion"].clone();
    assert_eq!(criterion["severity"], json!({ "greaterThanOrEqual": 7 }));
    let since = NOW.minus(Duration::from_secs(3 * 86_400)).millis();
    assert_eq!(criterion["updatedAt"], json!({ "greaterThanOrEqual": since }));
    for bad in
        [json!({ "min_severity": "SEVERE" }), json!({ "min_severity": 7 }), json!({ "since": "yesterday" })]
    {
        assert_eq!(run(&canned, &["eu-west-1"], bad).await.unwrap_err().kind, FaultKind::Invalid);
    }
}

#[tokio::test]
async fn nobody_watching_is_a_finding() {
    let never = Canned::new().on("guardduty", "GET /detector", "{\"detectorIds\":[]}");
    let p = run(&never, &["eu-west-1"], json!({ "min_severity": "CRITICAL" })).await.unwrap();
    assert_eq!(
        (column(&p, "type"), column(&p, "severity")),
        (vec!["GuardDuty is not enabled".into()], vec!["HIGH".into()])
    );
    assert!(
        p.summary
            .starts_with("GuardDuty is not enabled in eu-west-1; no GuardDuty findings of severity CRITICAL"),
        "{}",
        p.summary
    );
    assert_eq!(never.operations(), ["GET /detector"]);
    let p = run(&account("DISABLED"), &["eu-west-1"], json!({})).await.unwrap();
    assert_eq!(
        column(&p, "type")[..2],
        ["AttackSequence:S3/CompromisedData", "GuardDuty is suspended"],
        "what it found before is told"
    );
    let none = account("ENABLED").on(
        "guardduty",
        "POST /detector/d1/findings",
        "{\"findingIds\":[],\"nextToken\":\"\"}",
    );
    let p = run(&none, &["eu-west-1"], json!({})).await.unwrap();
    assert!(p.rows.is_empty() && p.summary == "No GuardDuty findings in eu-west-1.", "{}", p.summary);
    assert!(!none.operations().contains(&"POST /detector/d1/findings/get".to_owned()));
}

#[tokio::test]
async fn fifty_at_a_time_and_every_page() {
    let canned = account("ENABLED")
        .with("guardduty", "POST /detector/d1/findings", |sent| {
            let asked: Value = serde_json::from_str(&sent.body).unwrap();
            let page: usize = asked["nextToken"].as_str().map_or(0, |t| t.parse().unwrap());
            let ids: Vec<String> = (0..50).map(|n| format!("{page}-{n}")).collect();
            let next = if page < 3 { (page + 1).to_string() } else { String::new() };
            (200, json!({ "findingIds": ids, "nextToken": next }).to_string().into_bytes())
        })
        .with("guardduty", "POST /detector/d1/findings/get", |sent| {
            let asked: Value = serde_json::from_str(&sent.body).unwrap();
            let ids = asked["findingIds"].as_array().unwrap();
            assert!(ids.len() <= 50);
            let found: Vec<Value> = ids
                .iter()
                .map(|id| finding(id.as_str().unwrap(), "T", 5.0, &json!({}), &json!({})))
                .collect();
            (200, json!({ "findings": found }).to_string().into_bytes())
        });
    let p = run(&canned, &["eu-west-1"], json!({})).await.unwrap();
    assert_eq!((p.rows.len(), p.total), (200, 200));
    let count = |name: &str| canned.operations().iter().filter(|o| *o == name).count();
    assert_eq!((count("POST /detector/d1/findings"), count("POST /detector/d1/findings/get")), (4, 4));
}

#[tokio::test]
async fn half_an_answer_says_what_is_missing() {
    let no = |action: &str| DENIED.replace("ListDetectors", action);
    let canned = account("ENABLED").failing("guardduty", "GET /detector/d1", 403, &no("GetDetector"));
    let p = run(&canned, &["eu-west-1"], json!({})).await.unwrap();
    assert_eq!((p.rows.len(), p.errors[0].fault.action.as_deref()), (6, Some("guardduty:GetDetector")));
    assert!(
        p.notes.iter().any(|n| n.contains("whether GuardDuty runs at present is not known in eu-west-1"))
    );
    let canned =
        account("ENABLED").failing("guardduty", "POST /detector/d1/findings", 403, &no("ListFindings"));
    let fault = run(&canned, &["eu-west-1"], json!({})).await.unwrap_err();
    assert_eq!((fault.kind, fault.action.as_deref()), (FaultKind::Denied, Some("guardduty:ListFindings")));
    let canned =
        account("DISABLED").failing("guardduty", "POST /detector/d1/findings", 403, &no("ListFindings"));
    let p = run(&canned, &["eu-west-1"], json!({})).await.unwrap();
    assert_eq!((column(&p, "type"), p.errors.len()), (vec!["GuardDuty is suspended".to_owned()], 1));
    let canned = Canned::new().with("guardduty", "GET /detector", |sent| match sent.region.as_str() {
        "eu-west-1" => (200, b"{\"detectorIds\":[]}".to_vec()),
        _ => (403, DENIED.as_bytes().to_vec()),
    });
    let p = run(&canned, &["eu-west-1", "eu-west-2"], json!({})).await.unwrap();
    assert_eq!(
        (column(&p, "region"), p.errors[0].place.as_str()),
        (vec!["eu-west-1".to_owned()], "eu-west-2")
    );
    assert_eq!(p.errors[0].fault.action.as_deref(), Some("guardduty:ListDetectors"));
}
