//! One database instance, with what is known around it, and what of it needs attention.

use super::connections;
use super::read::{Figures, RegionDatabases};
use crate::instant;
use crate::tools::reading::words::span;
use aws_sdk_rds::types::{DbInstance, Event};
use quarterdeck_core::Timestamp;

const GIB: f64 = 1_073_741_824.0;
/// Parts of the storage that are free: critical below, bad below.
const STORAGE: (f64, f64) = (0.05, 0.10);
/// Parts of the connections that are taken: critical from, bad from. Lower than they look: what RDS leaves of the memory is
/// about a tenth less than the class has, and so are the connections.
const CONNECTIONS: (f64, f64) = (0.85, 0.75);
/// Percent of the CPU that is bad.
const CPU: f64 = 90.0;
/// Events told in a row.
const TOLD: usize = 3;

/// One instance as a row.
#[derive(Debug)]
pub struct Database<'a> {
    pub instance: &'a DbInstance,
    pub figures: Figures,
    /// `writer`, `reader`, or a replica's source.
    pub role: Option<String>,
    pub max_connections: Option<u64>,
    pub pending: Vec<String>,
    /// Newest first.
    pub events: Vec<&'a Event>,
}

/// What needs attention, and how much: 0 nothing, 1 worth a look, 2 bad, 3 critical.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attention {
    pub urgency: u8,
    pub why: Vec<String>,
}

impl Attention {
    fn add(&mut self, urgency: u8, why: impl Into<String>) {
        self.urgency = self.urgency.max(urgency);
        self.why.push(why.into());
    }
}

impl<'a> Database<'a> {
    /// `instance` with what `region` knows of it.
    pub fn of(instance: &'a DbInstance, region: &'a RegionDatabases) -> Self {
        let id = instance.db_instance_identifier().unwrap_or_default();
        let mut events: Vec<&Event> = region
            .events
            .iter()
            .filter(|e| {
                let source = e.source_identifier().unwrap_or_default();
                let kind = e.source_type().map(aws_sdk_rds::types::SourceType::as_str);
                match kind {
                    Some("db-cluster") => instance.db_cluster_identifier() == Some(source),
                    Some("db-instance") => source == id,
                    Some(_) | None => false,
                }
            })
            .collect();
        events.sort_by_key(|e| std::cmp::Reverse(instant::of(e.date())));
        let class = instance.db_instance_class().unwrap_or_default();
        Self {
            instance,
            figures: region.figures.get(id).copied().unwrap_or_default(),
            role: role(instance, region),
            max_connections: connections::about(instance.engine().unwrap_or_default(), class),
            pending: pending(instance, region),
            events,
        }
    }

    /// Its identifier.
    pub fn id(&self) -> &str {
        self.instance.db_instance_identifier().unwrap_or_default()
    }

    /// Its status.
    pub fn status(&self) -> &str {
        self.instance.db_instance_status().unwrap_or("unknown")
    }

    /// `PostgreSQL 15.4`, `Aurora MySQL 8.0.mysql_aurora.3.05.2`, `DocumentDB 5.0.0`.
    pub fn engine(&self) -> String {
        let name = engine_name(self.instance.engine().unwrap_or_default());
        match self.instance.engine_version() {
            Some(version) => format!("{name} {version}"),
            None => name,
        }
    }

    /// `orders-db.abc.eu-west-1.rds.amazonaws.com:5432`.
    pub fn endpoint(&self) -> Option<String> {
        let endpoint = self.instance.endpoint()?;
        let address = endpoint.address()?;
        Some(endpoint.port().map_or_else(|| address.to_owned(), |port| format!("{address}:{port}")))
    }

    /// GiB that are free; Aurora, Neptune and DocumentDB grow by themselves and have none.
    pub fn free_gib(&self) -> Option<f64> {
        Some((self.figures.free_bytes? / GIB * 10.0).round() / 10.0)
    }

    /// The newest events, the telling ones first.
    pub fn events_told(&self) -> Option<String> {
        let mut events = self.events.clone();
        events.sort_by_key(|e| !telling(e));
        let words = |e: &&Event| {
            let at = instant::of(e.date()).map(Timestamp::rfc3339).unwrap_or_default();
            format!("{at} {}", e.message().unwrap_or_default())
        };
        let mut told: Vec<String> = events.iter().take(TOLD).map(words).collect();
        if events.len() > told.len() {
            told.push(format!("and {} more", events.len() - told.len()));
        }
        (!told.is_empty()).then(|| told.join("; "))
    }

    /// What needs attention.
    pub fn attention(&self, now: Timestamp) -> Attention {
        let mut all = Attention::default();
        let status = self.status();
        match grade(status) {
            0 => {}
            urgency => all.add(urgency, format!("status {status}")),
        }
        self.storage(&mut all);
        if let (Some(taken), Some(most)) = (self.figures.connections, self.max_connections) {
            let part = taken / most as f64;
            let said = format!("connections {taken:.0} of about {most}");
            if part >= CONNECTIONS.0 {
                all.add(3, said);
            } else if part >= CONNECTIONS.1 {
                all.add(2, said);
            }
        }
        if let Some(cpu) = self.figures.cpu.filter(|cpu| *cpu >= CPU) {
            all.add(2, format!("CPU {cpu:.0} %"));
        }
        for event in self.events.iter().filter(|e| telling(e)).take(1) {
            let ago = instant::of(event.date()).map(|at| format!(" {} ago", span(now.since(at))));
            let what = event.event_categories().first().map_or("event", String::as_str);
            all.add(2, format!("{what}{}", ago.unwrap_or_default()));
        }
        if self.instance.publicly_accessible() == Some(true) {
            all.add(1, "publicly accessible");
        }
        if !self.pending.is_empty() {
            all.add(1, "maintenance pending");
        }
        all
    }

    fn storage(&self, all: &mut Attention) {
        let (Some(free), Some(gib)) = (self.figures.free_bytes, self.instance.allocated_storage()) else {
            return;
        };
        if gib <= 0 {
            return;
        }
        let part = free / (f64::from(gib) * GIB);
        if part >= STORAGE.1 {
            return;
        }
        let said = format!("storage {:.0} % free ({:.1} GiB of {gib})", part * 100.0, free / GIB);
        // Storage that grows by itself is not full yet.
        let grows = self.instance.max_allocated_storage().filter(|most| *most > gib);
        match grows {
            Some(most) => all.add(2, format!("{said}, grows by itself up to {most}")),
            None if part < STORAGE.0 => all.add(3, said),
            None => all.add(2, said),
        }
    }
}

/// How bad a status is.
pub fn grade(status: &str) -> u8 {
    match status {
        "available" => 0,
        // As somebody wanted it, or passing.
        "stopped" | "stopping" | "starting" | "backing-up" | "storage-optimization" | "maintenance" => 1,
        "storage-full" | "failed" | "restore-error" | "insufficient-capacity" => 3,
        broken if broken.starts_with("incompatible-") || broken.starts_with("inaccessible-") => 3,
        // Modifying, rebooting, upgrading, renaming ...: not reachable, or not for long.
        _ => 2,
    }
}

/// Events that a person on call wants to see.
fn telling(event: &Event) -> bool {
    const CATEGORIES: [&str; 5] = ["failover", "failure", "low storage", "availability", "recovery"];
    event.event_categories().iter().any(|c| CATEGORIES.contains(&c.as_str()))
}

/// An engine by the name people know.
pub fn engine_name(engine: &str) -> String {
    match engine {
        "postgres" => "PostgreSQL".to_owned(),
        "mysql" => "MySQL".to_owned(),
        "mariadb" => "MariaDB".to_owned(),
        "aurora" | "aurora-mysql" => "Aurora MySQL".to_owned(),
        "aurora-postgresql" => "Aurora PostgreSQL".to_owned(),
        "neptune" => "Neptune".to_owned(),
        "docdb" => "DocumentDB".to_owned(),
        other if other.starts_with("oracle") => format!("Oracle ({other})"),
        other if other.starts_with("sqlserver") => format!("SQL Server ({other})"),
        other if other.starts_with("db2") => format!("Db2 ({other})"),
        other if other.starts_with("custom-") => format!("RDS Custom ({other})"),
        other => other.to_owned(),
    }
}

fn role(instance: &DbInstance, region: &RegionDatabases) -> Option<String> {
    if let Some(source) = instance.read_replica_source_db_instance_identifier() {
        return Some(format!("replica of {source}"));
    }
    let id = instance.db_instance_identifier()?;
    let cluster = instance.db_cluster_identifier()?;
    let cluster = region.clusters.iter().find(|c| c.db_cluster_identifier() == Some(cluster))?;
    let member = cluster.db_cluster_members().iter().find(|m| m.db_instance_identifier() == Some(id))?;
    Some(if member.is_cluster_writer() == Some(true) { "writer" } else { "reader" }.to_owned())
}

/// Maintenance and changes that wait.
fn pending(instance: &DbInstance, region: &RegionDatabases) -> Vec<String> {
    let cluster = region
        .clusters
        .iter()
        .find(|c| c.db_cluster_identifier() == instance.db_cluster_identifier())
        .filter(|_| instance.db_cluster_identifier().is_some());
    let arns = [instance.db_instance_arn(), cluster.and_then(|c| c.db_cluster_arn())];
    let mut out = Vec::new();
    for resource in region
        .maintenance
        .iter()
        .filter(|r| r.resource_identifier().is_some_and(|arn| arns.contains(&Some(arn))))
    {
        for action in resource.pending_maintenance_action_details() {
            let when = instant::of(action.forced_apply_date())
                .map(|at| format!(" forced {}", at.rfc3339()))
                .or_else(|| instant::of(action.current_apply_date()).map(|at| format!(" {}", at.rfc3339())));
            out.push(format!("{}{}", action.action().unwrap_or("maintenance"), when.unwrap_or_default()));
        }
    }
    if let Some(change) = instance.pending_modified_values() {
        let mut add = |what: &str, to: Option<String>| out.extend(to.map(|to| format!("{what} to {to}")));
        add("class", change.db_instance_class().map(str::to_owned));
        add("storage", change.allocated_storage().map(|gib| format!("{gib} GiB")));
        add("engine", change.engine_version().map(str::to_owned));
        add("multi-az", change.multi_az().map(|on| on.to_string()));
        add("port", change.port().map(|port| port.to_string()));
        // Never the password itself; the SDK has it masked, too.
        add("password", change.master_user_password().map(|_| "another".to_owned()));
    }
    out
}
