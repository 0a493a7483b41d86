use super::*;
use crate::registry;
use crate::testing::{Canned, NOW, cbor};
use crate::tools::rds::database::{engine_name, grade};
use quarterdeck_core::tool::Cell;
use serde_json::{Value, json};
use std::sync::Arc;

const NS: &str = "xmlns=\"http://rds.amazonaws.com/doc/2014-10-31/\"";

fn wrapped(operation: &str, inside: &str) -> String {
    format!("<{operation}Response {NS}><{operation}Result>{inside}</{operation}Result></{operation}Response>")
}

/// What differs from a healthy PostgreSQL on db.m6g.large with 100 GiB.
#[derive(Clone, Copy)]
struct Db<'a> {
    id: &'a str,
    engine: &'a str,
    class: &'a str,
    status: &'a str,
    extra: &'a str,
}

const HEALTHY: Db<'static> =
    Db { id: "orders-db", engine: "postgres", class: "db.m6g.large", status: "available", extra: "" };

fn instance(db: Db<'_>) -> String {
    let Db { id, engine, class, status, extra } = db;
    format!(
        "<DBInstance><DBInstanceIdentifier>{id}</DBInstanceIdentifier><DBInstanceClass>{class}</DBInstanceClass>\
         <Engine>{engine}</Engine><EngineVersion>15.4</EngineVersion><DBInstanceStatus>{status}</DBInstanceStatus>\
         <Endpoint><Address>{id}.abc.eu-west-1.rds.amazonaws.com</Address><Port>5432</Port></Endpoint>\
         <AllocatedStorage>100</AllocatedStorage><MultiAZ>true</MultiAZ>\
         <PubliclyAccessible>false</PubliclyAccessible>\
         <DBInstanceArn>arn:aws:rds:eu-west-1:123456789012:db:{id}</DBInstanceArn>{extra}</DBInstance>"
    )
}

fn instances(all: &[Db<'_>], marker: &str) -> String {
    let all: String = all.iter().map(|db| instance(*db)).collect();
    wrapped("DescribeDBInstances", &format!("<DBInstances>{all}</DBInstances>{marker}"))
}

/// Connections, CPU and free bytes of one instance after the other.
fn figures(of: &[[Option<f64>; 3]]) -> Vec<u8> {
    let at = NOW.millis() / 1_000 - 60;
    let results: Vec<Value> = of
        .iter()
        .flatten()
        .enumerate()
        .map(|(n, value)| {
            let (times, values) = value.map_or((json!([]), json!([])), |v| (json!([{ "$time": at }]), json!([v])));
            json!({ "Id": format!("m{n}"), "Label": "x", "StatusCode": "Complete", "Timestamps": times, "Values": values })
        })
        .collect();
    cbor(&json!({ "MetricDataResults": results }))
}

/// An account with these instances and nothing around them.
fn canned(all: &[Db<'_>], of: &[[Option<f64>; 3]]) -> Canned {
    let figures = figures(of);
    Canned::new()
        .on("rds", "DescribeDBInstances", &instances(all, ""))
        .on("rds", "DescribeDBClusters", &wrapped("DescribeDBClusters", "<DBClusters/>"))
        .on("rds", "DescribeEvents", &wrapped("DescribeEvents", "<Events/>"))
        .on(
            "rds",
            "DescribePendingMaintenanceActions",
            &wrapped("DescribePendingMaintenanceActions", "<PendingMaintenanceActions/>"),
        )
        .with("monitoring", "GetMetricData", move |_| (200, figures.clone()))
}

async fn read(canned: &Canned, args: Value) -> Result<Projection, Fault> {
    registry::read(&canned.aws(&["eu-west-1"]), "list_rds_instances", &args, Arc::new(|_| ()))
        .await
        .map(|(p, _)| p)
}

fn cell(p: &Projection, row: usize, name: &str) -> String {
    p.cell(&p.rows[row], name).unwrap_or_else(|| panic!("no column {name}")).plain()
}

const GIB: f64 = 1_073_741_824.0;

#[tokio::test]
async fn a_healthy_database() {
    let canned = canned(&[HEALTHY], &[[Some(120.0), Some(23.45), Some(60.0 * GIB)]]);
    let p = read(&canned, json!({})).await.unwrap();
    for (column, value) in [
        ("id", "orders-db"),
        ("status", "available"),
        ("engine", "PostgreSQL 15.4"),
        ("class", "db.m6g.large"),
        ("connections", "120"),
        ("max_connections_about", "901"),
        ("cpu", "23.5"),
        ("free_storage_gb", "60"),
        ("multi_az", "true"),
        ("public", "false"),
        ("endpoint", "orders-db.abc.eu-west-1.rds.amazonaws.com:5432"),
        ("attention", ""),
        ("pending", ""),
        ("events", ""),
    ] {
        assert_eq!(cell(&p, 0, column), value, "{column}");
    }
    assert_eq!(p.summary, "1 database instance in eu-west-1: 1 available; none needs attention now");
    let mut operations = canned.operations();
    operations.sort();
    assert_eq!(
        operations,
        [
            "DescribeDBClusters",
            "DescribeDBInstances",
            "DescribeEvents",
            "DescribePendingMaintenanceActions",
            "GetMetricData"
        ],
        "one of each, whatever the number of instances"
    );
}

/// What needs attention, and how much.
#[tokio::test]
async fn judgements() {
    let m = |connections: f64, cpu: f64, free_gib: f64| [Some(connections), Some(cpu), Some(free_gib * GIB)];
    let fine = m(100.0, 20.0, 50.0);
    let grows = "<MaxAllocatedStorage>500</MaxAllocatedStorage>";
    let public = "<PubliclyAccessible>true</PubliclyAccessible>";
    for (db, figures, urgency, word) in [
        (HEALTHY, fine, 0, ""),
        (Db { status: "storage-full", ..HEALTHY }, fine, 3, "status storage-full"),
        (Db { status: "incompatible-parameters", ..HEALTHY }, fine, 3, "status incompatible-parameters"),
        (Db { status: "inaccessible-encryption-credentials", ..HEALTHY }, fine, 3, "status inaccessible"),
        (Db { status: "rebooting", ..HEALTHY }, fine, 2, "status rebooting"),
        (Db { status: "stopped", ..HEALTHY }, fine, 1, "status stopped"),
        (HEALTHY, m(100.0, 20.0, 4.9), 3, "storage 5 % free (4.9 GiB of 100)"),
        (HEALTHY, m(100.0, 20.0, 9.9), 2, "storage 10 % free"),
        (HEALTHY, m(100.0, 20.0, 10.1), 0, ""),
        (Db { extra: grows, ..HEALTHY }, m(100.0, 20.0, 1.0), 2, "grows by itself up to 500"),
        (HEALTHY, m(800.0, 20.0, 50.0), 3, "connections 800 of about 901"),
        (HEALTHY, m(700.0, 20.0, 50.0), 2, "connections 700 of about 901"),
        (HEALTHY, m(600.0, 20.0, 50.0), 0, ""),
        (HEALTHY, m(100.0, 95.0, 50.0), 2, "CPU 95 %"),
        (Db { extra: public, ..HEALTHY }, fine, 1, "publicly accessible"),
        // Nothing is known: nothing is claimed.
        (Db { engine: "neptune", ..HEALTHY }, [None, None, None], 0, ""),
    ] {
        // The answer's own flag comes first; the later one wins in the SDK.
        let body = instances(&[db], "").replace(
            "<PubliclyAccessible>false</PubliclyAccessible>",
            if db.extra == public { "" } else { "<PubliclyAccessible>false</PubliclyAccessible>" },
        );
        let canned = canned(&[db], &[figures]).on("rds", "DescribeDBInstances", &body);
        let p = read(&canned, json!({})).await.unwrap();
        let why = cell(&p, 0, "attention");
        assert_eq!(p.rows[0].urgency, urgency, "{} {figures:?}: {why}", db.status);
        assert!(why.contains(word) && why.is_empty() == word.is_empty(), "{why} / {word}");
        assert_eq!(urgency >= 2, p.summary.contains(&format!("{}: ", db.id)), "{}", p.summary);
    }
    assert_eq!([grade("available"), grade("backing-up"), grade("modifying"), grade("failed")], [0, 1, 2, 3]);
}

#[tokio::test]
async fn the_most_urgent_comes_first() {
    let all = ["a-db", "b-db", "c-db"].map(|id| Db { id, ..HEALTHY });
    let f = |connections: f64| [Some(connections), Some(1.0), Some(50.0 * GIB)];
    let p = read(&canned(&all, &[f(1.0), f(890.0), f(700.0)]), json!({})).await.unwrap();
    assert_eq!([cell(&p, 0, "id"), cell(&p, 1, "id"), cell(&p, 2, "id")], ["b-db", "c-db", "a-db"]);
    assert!(p.summary.contains("b-db: connections 890 of about 901"), "{}", p.summary);
}

#[tokio::test]
async fn clusters_events_and_maintenance_find_their_instance() {
    let cluster = "<DBClusterIdentifier>shop</DBClusterIdentifier>";
    let all = ["shop-1", "shop-2"].map(|id| Db {
        id,
        engine: "aurora-postgresql",
        class: "db.r6g.large",
        extra: cluster,
        ..HEALTHY
    });
    let member = |id: &str, writer: bool| {
        format!(
            "<DBClusterMember><DBInstanceIdentifier>{id}</DBInstanceIdentifier><IsClusterWriter>{writer}</IsClusterWriter></DBClusterMember>"
        )
    };
    let clusters = format!(
        "<DBClusters><DBCluster><DBClusterIdentifier>shop</DBClusterIdentifier><Engine>aurora-postgresql</Engine>\
         <DBClusterArn>arn:aws:rds:eu-west-1:123456789012:cluster:shop</DBClusterArn>\
         <DBClusterMembers>{}{}</DBClusterMembers></DBCluster>\
         <DBCluster><DBClusterIdentifier>lonely</DBClusterIdentifier></DBCluster></DBClusters>",
        member("shop-1", false),
        member("shop-2", true)
    );
    let event = |kind: &str, id: &str, category: &str, message: &str, at: &str| {
        format!(
            "<Event><SourceIdentifier>{id}</SourceIdentifier><SourceType>{kind}</SourceType><Message>{message}</Message>\
                 <EventCategories><EventCategory>{category}</EventCategory></EventCategories><Date>{at}</Date></Event>"
        )
    };
    let events = format!(
        "<Events>{}{}{}{}</Events>",
        event("db-instance", "shop-2", "backup", "Backing up DB instance", "2026-11-20T02:59:00Z"),
        event(
            "db-cluster",
            "shop",
            "failover",
            "Completed failover to DB instance: shop-2",
            "2026-11-20T02:34:05Z"
        ),
        event("db-snapshot", "shop-1", "creation", "not of an instance", "2026-11-20T02:40:00Z"),
        event("db-instance", "other", "failure", "another's", "2026-11-20T02:41:00Z"),
    );
    let pending = "<PendingMaintenanceActions><ResourcePendingMaintenanceActions>\
        <ResourceIdentifier>arn:aws:rds:eu-west-1:123456789012:cluster:shop</ResourceIdentifier>\
        <PendingMaintenanceActionDetails><PendingMaintenanceAction><Action>db-upgrade</Action>\
        <ForcedApplyDate>2026-12-01T03:00:00Z</ForcedApplyDate></PendingMaintenanceAction></PendingMaintenanceActionDetails>\
        </ResourcePendingMaintenanceActions></PendingMaintenanceActions>";
    let none = [None, None, None];
    let canned = canned(&all, &[[Some(5.0), Some(5.0), None], none])
        .on("rds", "DescribeDBClusters", &wrapped("DescribeDBClusters", &clusters))
        .on("rds", "DescribeEvents", &wrapped("DescribeEvents", &events))
        .on(
            "rds",
            "DescribePendingMaintenanceActions",
            &wrapped("DescribePendingMaintenanceActions", pending),
        );
    let p = read(&canned, json!({ "since": "3d" })).await.unwrap();
    assert_eq!([cell(&p, 0, "role"), cell(&p, 1, "role")], ["reader", "writer"]);
    assert_eq!(cell(&p, 0, "cluster"), "shop");
    assert_eq!(cell(&p, 0, "engine"), "Aurora PostgreSQL 15.4");
    assert_eq!(cell(&p, 0, "pending"), "db-upgrade forced 2026-12-01T03:00:00Z");
    assert!(cell(&p, 0, "attention").contains("failover 30 m ago"), "{}", cell(&p, 0, "attention"));
    let told = cell(&p, 1, "events");
    assert!(
        told.starts_with("2026-11-20T02:34:05Z Completed failover") && told.contains("Backing up"),
        "{told}"
    );
    assert!(!told.contains("another's") && !told.contains("not of an instance"), "{told}");
    assert_eq!(p.cell(&p.rows[0], "storage_gb"), Some(&Cell::Absent), "Aurora's storage grows by itself");
    assert!(p.notes.iter().any(|n| n.contains("cluster lonely has no instances")), "{:?}", p.notes);
    let sent = canned.sent();
    let events = sent.iter().find(|s| s.operation == "DescribeEvents").unwrap();
    assert!(events.body.contains("StartTime=2026-11-17T03%3A04%3A05Z"), "{}", events.body);
    let metrics = sent.iter().filter(|s| s.operation == "GetMetricData").count();
    assert_eq!(metrics, 1, "both instances in one request");
}

#[tokio::test]
async fn every_page_and_half_an_answer() {
    let page = std::sync::Mutex::new(0);
    let pages = [
        instances(&[Db { id: "one-db", ..HEALTHY }], "<Marker>m1</Marker>"),
        instances(&[Db { id: "two-db", ..HEALTHY }], ""),
    ];
    let figure = [Some(1.0), Some(1.0), Some(50.0 * GIB)];
    let canned = canned(&[], &[figure, figure]).with("rds", "DescribeDBInstances", move |sent| {
        let mut page = page.lock().unwrap();
        *page += 1;
        assert_eq!(*page == 2, sent.body.contains("Marker=m1"), "{}", sent.body);
        (200, pages[*page - 1].clone().into_bytes())
    });
    let p = read(&canned, json!({})).await.unwrap();
    assert_eq!((p.rows.len(), p.errors.len()), (2, 0));

    let denied = |action: &str| {
        format!(
            "<ErrorResponse {NS}><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>User: arn:aws:iam::123456789012:user/sam is not authorized to perform: {action}</Message></Error></ErrorResponse>"
        )
    };
    let canned = canned_ok()
        .failing("rds", "DescribeEvents", 403, &denied("rds:DescribeEvents"))
        .failing(
            "rds",
            "DescribePendingMaintenanceActions",
            403,
            &denied("rds:DescribePendingMaintenanceActions"),
        )
        .failing("rds", "DescribeDBClusters", 403, &denied("rds:DescribeDBClusters"))
        .with("monitoring", "GetMetricData", |_| {
            (403, cbor(&json!({ "__type": "AccessDenied", "message": "no" })))
        });
    let p = read(&canned, json!({})).await.unwrap();
    assert_eq!((p.rows.len(), p.errors.len()), (1, 4), "{:?}", p.errors);
    assert!(p.summary.ends_with("not everything answered"), "{}", p.summary);
    assert_eq!(cell(&p, 0, "connections"), "");
    let events = p.errors.iter().find(|e| e.place.contains("events")).unwrap();
    assert_eq!(events.fault.action.as_deref(), Some("rds:DescribeEvents"));

    let canned = canned_ok().failing("rds", "DescribeDBInstances", 403, &denied("rds:DescribeDBInstances"));
    let fault = read(&canned, json!({})).await.unwrap_err();
    assert_eq!((fault.kind, fault.action.as_deref()), (FaultKind::Denied, Some("rds:DescribeDBInstances")));
}

fn canned_ok() -> Canned {
    canned(&[HEALTHY], &[[Some(1.0), Some(1.0), Some(50.0 * GIB)]])
}

#[tokio::test]
async fn one_instance_a_cluster_or_near_names() {
    let missing = format!(
        "<ErrorResponse {NS}><Error><Type>Sender</Type><Code>DBInstanceNotFound</Code><Message>DBInstance x not found.</Message></Error></ErrorResponse>"
    );
    let cluster = "<DBClusterIdentifier>shop</DBClusterIdentifier>";
    let all = instances(&[HEALTHY, Db { id: "shop-1", extra: cluster, ..HEALTHY }], "");
    let canned = || {
        let (missing, all) = (missing.clone(), all.clone());
        canned_ok().with("rds", "DescribeDBInstances", move |sent| {
            if sent.body.contains("DBInstanceIdentifier=") {
                (404, missing.clone().into_bytes())
            } else {
                (200, all.clone().into_bytes())
            }
        })
    };
    let p = read(&canned(), json!({ "id": "shop" })).await.unwrap();
    assert_eq!((p.rows.len(), cell(&p, 0, "id")), (1, "shop-1".to_owned()));
    let fault = read(&canned(), json!({ "id": "order-db" })).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Missing);
    assert!(fault.message.contains("eu-west-1") && fault.hint.unwrap().contains("orders-db"));
    let one = canned_ok();
    read(&one, json!({ "id": "orders-db" })).await.unwrap();
    let events = one.sent().into_iter().find(|s| s.operation == "DescribeEvents").unwrap();
    assert!(
        events.body.contains("SourceIdentifier=orders-db&SourceType=db-instance")
            || events.body.contains("SourceType=db-instance"),
        "{}",
        events.body
    );
}

#[tokio::test]
async fn nothing_found_says_what_was_searched() {
    let p = read(&canned(&[], &[]), json!({})).await.unwrap();
    assert_eq!(p.summary, "No database instances in eu-west-1");
    assert!(p.notes[0].contains("Neptune and DocumentDB instances in eu-west-1"), "{:?}", p.notes);
}

#[tokio::test]
async fn what_cannot_be_meant_is_refused_before_anything_is_sent() {
    let canned = Canned::new();
    for (args, word) in [
        (json!({ "id": "arn:aws:rds:eu-west-1:123456789012:db:orders-db" }), "\"orders-db\""),
        (json!({ "id": "orders-*" }), "no identifier"),
        (json!({ "id": "1db" }), "no identifier"),
        (json!({ "id": "i 1" }), "no identifier"),
        (json!({ "since": "15d" }), "14 days"),
        (json!({ "since": "soon" }), "since"),
    ] {
        let fault = read(&canned, args.clone()).await.unwrap_err();
        assert!(fault.kind == FaultKind::Invalid && fault.to_string().contains(word), "{args}: {fault}");
    }
    assert!(canned.operations().is_empty());
}

#[test]
fn engines_by_the_names_people_know() {
    for (engine, name) in [
        ("aurora-mysql", "Aurora MySQL"),
        ("neptune", "Neptune"),
        ("docdb", "DocumentDB"),
        ("sqlserver-se", "SQL Server (sqlserver-se)"),
        ("something-new", "something-new"),
    ] {
        assert_eq!(engine_name(engine), name);
    }
}
