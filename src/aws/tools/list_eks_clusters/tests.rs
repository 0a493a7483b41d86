use super::*;
use crate::registry;
use crate::testing::Canned;
use quarterdeck_core::tool::Cell;
use serde_json::{Value, json};
use std::sync::Arc;

async fn run(canned: &Canned, regions: &[&str], args: Value) -> Result<Projection, Fault> {
    let aws = canned.aws(regions);
    registry::read(&aws, "list_eks_clusters", &args, Arc::new(|_| ())).await.map(|(p, _)| p)
}

fn cluster(name: &str, version: &str, cidrs: &Value) -> String {
    json!({ "cluster": { "name": name, "version": version, "status": "ACTIVE", "createdAt": 1_700_000_000.5,
        "resourcesVpcConfig": { "endpointPublicAccess": !cidrs.is_null(), "endpointPrivateAccess": true,
            "publicAccessCidrs": if cidrs.is_null() { json!([]) } else { cidrs.clone() } },
        "health": { "issues": [] } } })
    .to_string()
}

fn nodes(name: &str, version: &str, status: &str, issues: &Value) -> String {
    json!({ "nodegroup": { "nodegroupName": name, "clusterName": "x", "version": version, "status": status,
        "scalingConfig": { "minSize": 0, "maxSize": 6, "desiredSize": 3 }, "health": { "issues": issues } } })
    .to_string()
}

/// `prod` is well, `lab` is open and its nodes do not start, `bare` has no node groups. Two pages of clusters.
fn three() -> Canned {
    let issue = json!([{ "code": "AsgInstanceLaunchFailures", "message": "Could not launch Spot Instances.",
        "resourceIds": ["eks-gpu"] }]);
    Canned::new()
        .with("eks", "GET /clusters", |sent| {
            let second = sent.query.contains("nextToken=two");
            let page = if second {
                json!({ "clusters": ["bare"], "nextToken": null })
            } else {
                json!({ "clusters": ["prod", "lab"], "nextToken": "two" })
            };
            (200, page.to_string().into_bytes())
        })
        .on("eks", "GET /clusters/prod", &cluster("prod", "1.34", &json!(["192.0.2.0/24"])))
        .on("eks", "GET /clusters/lab", &cluster("lab", "1.31", &json!(["0.0.0.0/0"])))
        .on("eks", "GET /clusters/bare", &cluster("bare", "1.34", &Value::Null))
        .on("eks", "GET /clusters/prod/node-groups", r#"{"nodegroups":["blue"]}"#)
        .on("eks", "GET /clusters/lab/node-groups", r#"{"nodegroups":["gpu"]}"#)
        .on("eks", "GET /clusters/bare/node-groups", r#"{"nodegroups":[]}"#)
        .on("eks", "GET /clusters/prod/node-groups/blue", &nodes("blue", "1.33", "ACTIVE", &json!([])))
        .on("eks", "GET /clusters/lab/node-groups/gpu", &nodes("gpu", "1.31", "DEGRADED", &issue))
}

const MISSING: &str = r#"{"__type":"ResourceNotFoundException","message":"No cluster found for name: x."}"#;

#[tokio::test]
async fn every_cluster_and_node_group() {
    let p = run(&three(), &["eu-west-1"], json!({})).await.unwrap();
    assert_eq!(
        p.summary,
        "3 EKS clusters in eu-west-1: 3 ACTIVE; endpoint open to the world: lab; node groups in trouble: lab/gpu."
    );
    let cell = |row: usize, column: &str| p.cell(&p.rows[row], column).unwrap().plain();
    assert_eq!([cell(0, "name"), cell(1, "name"), cell(2, "name")], ["lab", "bare", "prod"]);
    assert_eq!(cell(0, "endpoint"), "public: 0.0.0.0/0 (open to the world)");
    assert_eq!(cell(0, "issues"), "AsgInstanceLaunchFailures: Could not launch Spot Instances. (eks-gpu)");
    assert_eq!((cell(0, "desired"), cell(0, "max")), ("3".into(), "6".into()));
    assert_eq!(
        (cell(1, "endpoint"), p.cell(&p.rows[1], "nodegroup")),
        ("private".into(), Some(&Cell::Absent))
    );
    assert_eq!(
        (cell(2, "endpoint"), cell(2, "nodes_version")),
        ("public: 192.0.2.0/24".into(), "1.33".into())
    );
    assert_eq!(p.rows.iter().map(|r| r.urgency).collect::<Vec<_>>(), [3, 0, 0]);
    let said = |word: &str| assert!(p.notes.iter().any(|n| n.contains(word)), "{word}: {:?}", p.notes);
    said("pods, Fargate profiles and self-managed nodes are not seen");
    said("without managed node groups: bare");
    said("another version than their cluster: prod");
}

#[tokio::test]
async fn a_named_cluster_is_asked_for_by_name() {
    let canned = three();
    let p = run(&canned, &["eu-west-1"], json!({ "name": "prod" })).await.unwrap();
    assert_eq!((p.rows.len(), p.counts.of.len()), (1, 1));
    assert!(!canned.operations().contains(&"GET /clusters".to_owned()), "{:?}", canned.operations());
    let canned = three();
    let p = run(&canned, &["eu-west-1"], json!({ "name": "*a*" })).await.unwrap();
    assert_eq!(p.rows.len(), 2, "lab and bare");
    assert!(!canned.operations().contains(&"GET /clusters/prod".to_owned()));
}

#[tokio::test]
async fn an_unknown_cluster_has_near_ones() {
    let canned = three().failing("eks", "GET /clusters/prd", 404, MISSING);
    let error = run(&canned, &["eu-west-1"], json!({ "name": "prd" })).await.unwrap_err();
    assert_eq!(error.kind, FaultKind::Missing);
    assert!(error.hint.as_deref().is_some_and(|h| h.contains("prod")), "{error:?}");
}

#[tokio::test]
async fn half_an_answer_says_which_half() {
    let denied = r#"{"__type":"AccessDeniedException","message":"not authorized to perform: eks:DescribeNodegroup on resource: x"}"#;
    let canned = three().failing("eks", "GET /clusters/lab/node-groups/gpu", 403, denied).failing(
        "eks",
        "GET /clusters/bare",
        403,
        denied,
    );
    let p = run(&canned, &["eu-west-1"], json!({})).await.unwrap();
    assert_eq!(p.rows.len(), 2, "prod with its nodes, lab without");
    let places: Vec<&str> = p.errors.iter().map(|e| e.place.as_str()).collect();
    assert_eq!(places, ["eu-west-1 node groups of lab: gpu", "eu-west-1 cluster bare"]);
    assert_eq!(p.errors[0].fault.action.as_deref(), Some("eks:DescribeNodegroup"));
    assert!(!p.notes.iter().any(|n| n.contains("without managed")), "not read is not none: {:?}", p.notes);
    let none = Canned::new().on("eks", "GET /clusters", r#"{"clusters":["a"]}"#).failing(
        "eks",
        "GET /clusters/a",
        403,
        denied,
    );
    assert_eq!(run(&none, &["eu-west-1"], json!({})).await.unwrap_err().kind, FaultKind::Denied);
}

#[tokio::test]
async fn nothing_found_says_what_was_searched() {
    let canned = Canned::new().on("eks", "GET /clusters", r#"{"clusters":[]}"#);
    let p = run(&canned, &["eu-west-1", "eu-west-2"], json!({ "name": "prod-*" })).await.unwrap();
    assert_eq!(p.summary, "No EKS clusters with name prod-* in eu-west-1, eu-west-2.");
}

#[test]
fn arguments_that_cannot_be_right() {
    for (name, says) in [
        ("arn:aws:eks:eu-west-1:123456789012:cluster/prod", "perhaps \"prod\""),
        ("prod/blue", "letters, digits"),
        ("prod 1", "letters, digits"),
        (&"x".repeat(101), "at most 100"),
    ] {
        let fault =
            ListEksClusters::check(&Args { name: Some(name.to_owned()), ..Args::default() }).unwrap_err();
        assert!(fault.hint.as_deref().unwrap().contains(says), "{fault:?}");
    }
    ListEksClusters::check(&Args { name: Some("prod-?_*".into()), ..Args::default() }).unwrap();
}
