use super::*;
use crate::registry;
use crate::testing::Canned;
use quarterdeck_core::tool::{Cell, FaultKind};
use serde_json::{Value, json};
use std::sync::Arc;

const ELB: &str = "elasticloadbalancing";
const BASE: &str = "arn:aws:elasticloadbalancing:eu-west-1:123456789012";

async fn run(canned: &Canned, regions: &[&str], args: Value) -> Result<Projection, Fault> {
    let aws = canned.aws(regions);
    registry::read(&aws, "get_target_health", &args, Arc::new(|_| ())).await.map(|(p, _)| p)
}

fn answer(operation: &str, inside: &str) -> String {
    format!("<{operation}Response><{operation}Result>{inside}</{operation}Result></{operation}Response>")
}

fn group(name: &str, lb: &str, kind: &str) -> String {
    let lb = if lb.is_empty() {
        String::new()
    } else {
        format!("<member>{BASE}:loadbalancer/app/{lb}/50dc6c495c0c9188</member>")
    };
    format!(
        "<member><TargetGroupArn>{BASE}:targetgroup/{name}/73e2d6bc24d8a067</TargetGroupArn><TargetGroupName>{name}</TargetGroupName>\
         <Protocol>HTTP</Protocol><Port>8080</Port><HealthCheckProtocol>HTTP</HealthCheckProtocol><HealthCheckPort>traffic-port</HealthCheckPort>\
         <HealthCheckPath>/healthz</HealthCheckPath><HealthCheckTimeoutSeconds>5</HealthCheckTimeoutSeconds>\
         <Matcher><HttpCode>200</HttpCode></Matcher><TargetType>{kind}</TargetType><LoadBalancerArns>{lb}</LoadBalancerArns></member>"
    )
}

fn groups(members: &str, next: &str) -> String {
    let next = if next.is_empty() { String::new() } else { format!("<NextMarker>{next}</NextMarker>") };
    answer("DescribeTargetGroups", &format!("<TargetGroups>{members}</TargetGroups>{next}"))
}

fn target(id: &str, state: &str, reason: &str, description: &str) -> String {
    let why = if reason.is_empty() {
        String::new()
    } else {
        format!("<Reason>{reason}</Reason><Description>{description}</Description>")
    };
    format!(
        "<member><Target><Id>{id}</Id><Port>8080</Port></Target><HealthCheckPort>8080</HealthCheckPort>\
         <TargetHealth><State>{state}</State>{why}</TargetHealth></member>"
    )
}

fn health(members: &str) -> String {
    answer("DescribeTargetHealth", &format!("<TargetHealthDescriptions>{members}</TargetHealthDescriptions>"))
}

fn fault(code: &str) -> String {
    format!(
        "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>One or more not found</Message></Error></ErrorResponse>"
    )
}

/// Which group a request asks about.
fn asked(body: &str) -> &str {
    body.split_once("targetgroup%2F").and_then(|(_, rest)| rest.split('%').next()).unwrap_or_default()
}

/// Two pages of groups: `cart` half down, `search` down, `orders` well, `hook` a function, `new` empty, `green` unused.
fn shop() -> Canned {
    let first =
        [group("orders", "shop", "ip"), group("cart", "shop", "ip"), group("search", "shop", "instance")]
            .concat();
    let second =
        [group("hook", "shop", "lambda"), group("new", "shop", "ip"), group("green", "", "ip")].concat();
    Canned::new()
        .with(ELB, "DescribeTargetGroups", move |sent| {
            let page =
                if sent.body.contains("Marker=two") { groups(&second, "") } else { groups(&first, "two") };
            (200, page.into_bytes())
        })
        .with(ELB, "DescribeTargetHealth", |sent| {
            let members = match asked(&sent.body) {
                "orders" => target("10.0.1.1", "healthy", "", ""),
                "cart" => [
                    target("10.0.2.1", "healthy", "", ""),
                    target(
                        "10.0.2.2",
                        "unhealthy",
                        "Target.ResponseCodeMismatch",
                        "Health checks failed with these codes: [502]",
                    ),
                    target(
                        "10.0.2.3",
                        "draining",
                        "Target.DeregistrationInProgress",
                        "Target deregistration is in progress",
                    ),
                ]
                .concat(),
                "search" => target("i-0dd40000000000002", "unhealthy", "Target.Timeout", "Request timed out"),
                "hook" => target(
                    "arn:aws:lambda:eu-west-1:123456789012:function:hook",
                    "unavailable",
                    "Target.HealthCheckDisabled",
                    "Health checks are not enabled for this target",
                ),
                _ => String::new(),
            };
            (200, health(&members).into_bytes())
        })
}

#[tokio::test]
async fn every_target_the_unhealthy_first() {
    let canned = shop();
    let p = run(&canned, &["eu-west-1"], json!({})).await.unwrap();
    assert_eq!(
        p.summary,
        "6 targets in 6 target groups in eu-west-1: 2 healthy, 2 unhealthy, 1 draining, 1 empty, 1 no load balancer, \
         1 unavailable; worst: search (1 of 1 unhealthy), new (empty), cart (1 of 3 unhealthy)."
    );
    let cell = |row: usize, column: &str| p.cell(&p.rows[row], column).unwrap().plain();
    let first: Vec<(String, String)> = (0..3).map(|n| (cell(n, "target_group"), cell(n, "state"))).collect();
    let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
    assert_eq!(first, [pair("search", "unhealthy"), pair("cart", "unhealthy"), pair("new", "empty")]);
    assert_eq!((cell(0, "target"), cell(0, "reason")), pair("i-0dd40000000000002", "Target.Timeout"));
    assert!(
        cell(0, "description")
            .starts_with("Request timed out; no answer to HTTP /healthz on port 8080 within 5 s")
    );
    assert!(
        cell(1, "description")
            .contains("[502]; HTTP /healthz on port 8080 answered with another code than 200")
    );
    assert_eq!((cell(1, "lb"), cell(1, "port")), pair("shop", "8080"));
    assert!(cell(2, "description").contains("503"));
    assert_eq!(p.cell(&p.rows[2], "target"), Some(&Cell::Absent));
    let idle = p.rows.iter().find(|r| p.cell(r, "target_group").unwrap().plain() == "green").unwrap();
    assert_eq!(
        (p.cell(idle, "lb"), p.cell(idle, "state").unwrap().plain().as_str()),
        (Some(&Cell::Absent), "no load balancer")
    );
    let said = |word: &str| assert!(p.notes.iter().any(|n| n.contains(word)), "{word}: {:?}", p.notes);
    said("Classic load balancers are not seen");
    said("every target is unhealthy in search");
    said("1 target group no load balancer uses");
    let requests = canned.operations().into_iter().filter(|o| o == "DescribeTargetHealth").count();
    assert_eq!(requests, 5, "not the one nobody uses");
}

#[tokio::test]
async fn only_the_unhealthy_ones_and_counts_of_all() {
    let p = run(&shop(), &["eu-west-1"], json!({ "only_unhealthy": true })).await.unwrap();
    assert_eq!((p.rows.len(), p.counts.of.iter().map(|(_, n)| n).sum::<u64>()), (3, 8));
}

#[tokio::test]
async fn a_group_by_name_or_arn() {
    let canned = shop().on(ELB, "DescribeTargetGroups", &groups(&group("green", "", "ip"), ""));
    let p = run(&canned, &["eu-west-1"], json!({ "target_group": "green" })).await.unwrap();
    assert!(canned.sent()[0].body.contains("Names.member.1=green"));
    assert_eq!(
        canned.operations(),
        ["DescribeTargetGroups", "DescribeTargetHealth"],
        "one that is named is asked"
    );
    assert_eq!(p.cell(&p.rows[0], "state").unwrap().plain(), "empty");
    let arn = format!("{BASE}:targetgroup/cart/73e2d6bc24d8a067");
    let canned = shop().on(ELB, "DescribeTargetGroups", &groups(&group("cart", "shop", "ip"), ""));
    let p = run(&canned, &["us-east-1"], json!({ "target_group": arn })).await.unwrap();
    assert!(
        canned.sent().iter().filter(|s| s.service == ELB).all(|s| s.region == "eu-west-1"),
        "where the ARN says"
    );
    assert!(canned.sent().iter().any(|s| s.body.contains("TargetGroupArns.member.1=arn")));
    assert_eq!(p.rows.len(), 3);
}

#[tokio::test]
async fn behind_a_load_balancer() {
    let lb = format!(
        "<LoadBalancers><member><LoadBalancerArn>{BASE}:loadbalancer/app/shop/50dc6c495c0c9188</LoadBalancerArn>\
         <LoadBalancerName>shop</LoadBalancerName></member></LoadBalancers>"
    );
    let canned = shop().on(ELB, "DescribeLoadBalancers", &answer("DescribeLoadBalancers", &lb));
    run(&canned, &["eu-west-1"], json!({ "load_balancer": "shop" })).await.unwrap();
    let sent = canned.sent();
    assert!(sent[0].body.contains("Names.member.1=shop"));
    assert!(
        sent.iter()
            .filter(|s| s.operation == "DescribeTargetGroups")
            .all(|s| s.body.contains("LoadBalancerArn=arn"))
    );
    let both = shop().on(ELB, "DescribeTargetGroups", &groups(&group("cart", "shop", "ip"), ""));
    let p =
        run(&both, &["eu-west-1"], json!({ "load_balancer": "shop", "target_group": "cart" })).await.unwrap();
    assert_eq!(p.rows.len(), 3);
    let error = run(&both, &["eu-west-1"], json!({ "load_balancer": "blog", "target_group": "cart" }))
        .await
        .unwrap_err();
    assert!(error.message.contains("it is behind shop"), "{error:?}");
}

#[tokio::test]
async fn unknown_names_have_near_ones() {
    let there = groups(&[group("cart", "shop", "ip"), group("orders", "shop", "ip")].concat(), "");
    let missing = fault("TargetGroupNotFound");
    let canned = Canned::new().with(ELB, "DescribeTargetGroups", move |sent| {
        let named = sent.body.contains("Names.member");
        if named { (400, missing.clone().into_bytes()) } else { (200, there.clone().into_bytes()) }
    });
    let error = run(&canned, &["eu-west-1"], json!({ "target_group": "kart" })).await.unwrap_err();
    assert_eq!(error.kind, FaultKind::Missing);
    assert!(error.hint.as_deref().is_some_and(|h| h.starts_with("did you mean: cart")), "{error:?}");
    let missing = fault("LoadBalancerNotFound");
    let there = answer(
        "DescribeLoadBalancers",
        "<LoadBalancers><member><LoadBalancerName>shop-public</LoadBalancerName></member></LoadBalancers>",
    );
    let canned = Canned::new().with(ELB, "DescribeLoadBalancers", move |sent| {
        let named = sent.body.contains("Names.member");
        if named { (400, missing.clone().into_bytes()) } else { (200, there.clone().into_bytes()) }
    });
    let error = run(&canned, &["eu-west-1"], json!({ "load_balancer": "shop-publik" })).await.unwrap_err();
    assert!(error.message.contains("Classic ones are not seen"), "{error:?}");
    assert!(error.hint.as_deref().is_some_and(|h| h.contains("shop-public")), "{error:?}");
}

#[tokio::test]
async fn a_large_account_stays_within_the_limits() {
    let members: String = (0..400).map(|n| group(&format!("g-{n:03}"), "shop", "ip")).collect();
    let (first, second) = (groups(&members, "two"), groups(&members.replace("g-", "h-"), ""));
    let canned = Canned::new()
        .with(ELB, "DescribeTargetGroups", move |sent| {
            let page = if sent.body.contains("Marker=two") { &second } else { &first };
            (200, page.clone().into_bytes())
        })
        .on(ELB, "DescribeTargetHealth", &health(&target("10.0.1.1", "healthy", "", "")));
    let p = run(&canned, &["eu-west-1"], json!({})).await.unwrap();
    assert_eq!(canned.operations().iter().filter(|o| *o == "DescribeTargetHealth").count(), 500);
    assert_eq!(p.rows.len(), 500);
    assert!(
        p.truncated.as_deref().is_some_and(|t| t.contains("300 target groups in eu-west-1 were not asked")),
        "{p:?}"
    );
    assert!(p.summary.contains("there are more"), "{}", p.summary);
}

#[tokio::test]
async fn half_an_answer_says_which_half() {
    let denied = fault("AccessDenied");
    let canned = shop().with(ELB, "DescribeTargetHealth", move |sent| {
        if asked(&sent.body) == "cart" {
            (403, denied.clone().into_bytes())
        } else {
            (200, health(&target("10.0.1.1", "healthy", "", "")).into_bytes())
        }
    });
    let p = run(&canned, &["eu-west-1"], json!({})).await.unwrap();
    assert_eq!((p.errors.len(), p.errors[0].place.as_str()), (1, "eu-west-1 health of target groups cart"));
    assert_eq!(p.errors[0].fault.action.as_deref(), Some("elasticloadbalancing:DescribeTargetHealth"));
    let none = shop().failing(ELB, "DescribeTargetHealth", 403, &fault("AccessDenied"));
    assert_eq!(run(&none, &["eu-west-1"], json!({})).await.unwrap_err().kind, FaultKind::Denied);
}

#[tokio::test]
async fn nothing_found_says_what_was_searched() {
    let canned = Canned::new().on(ELB, "DescribeTargetGroups", &groups("", ""));
    let p = run(&canned, &["eu-west-1", "eu-west-2"], json!({})).await.unwrap();
    assert_eq!(p.summary, "No target groups in eu-west-1, eu-west-2.");
}
