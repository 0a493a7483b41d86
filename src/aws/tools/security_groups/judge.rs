//! How dangerous an inbound rule is. Pure: what a rule lets through, from where, and to whom, in; a judgement out.
//!
//! A source is the world when it is `0.0.0.0/0` or `::/0`, and also when it is so wide that only a few such rules
//! make up the world: public IPv4 wider than /8 (`0.0.0.0/1` with `128.0.0.0/1` is the known way around an audit),
//! public IPv6 wider than /16. A prefix list is the world when one of its entries is, or when its entries together
//! cover at least half of the public space. Rules are judged one by one: without a wide source it would take more
//! than a hundred of them to cover as much.

use super::net::{Net, covers_half};
use std::fmt;

/// How dangerous, in the steps AWS audits use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Not open to the world.
    None,
    /// Meant to be open: the web's ports.
    Low,
    /// Open, and nothing says that it should be.
    Medium,
    /// Administration or data open to the world.
    High,
    /// Everything open to the world.
    Critical,
}

impl Level {
    /// As the risk column says it.
    pub const fn label(self) -> &'static str {
        match self {
            Self::None => "NONE",
            Self::Low => "LOW",
            Self::Medium => "MEDIUM",
            Self::High => "HIGH",
            Self::Critical => "CRITICAL",
        }
    }

    /// One step down; what is open stays told.
    const fn lowered(self) -> Self {
        match self {
            Self::Critical => Self::High,
            Self::High => Self::Medium,
            Self::Medium | Self::Low => Self::Low,
            Self::None => Self::None,
        }
    }
}

/// An IP protocol as far as it matters here.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Protocol {
    Any,
    Tcp,
    Udp,
    Icmp,
    Icmpv6,
    Other(String),
}

/// What a rule lets through. ICMP has a type and a code where TCP and UDP have ports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Traffic {
    protocol: Protocol,
    /// First and last port, or ICMP type and code; `None` is every one.
    range: Option<(i32, i32)>,
}

impl Traffic {
    /// As EC2 writes it: a name or a number, `-1` for all; absent or `-1` ports are every port.
    pub fn of(protocol: &str, from: Option<i32>, to: Option<i32>) -> Self {
        let protocol = match protocol.to_ascii_lowercase().as_str() {
            "-1" | "all" => Protocol::Any,
            "tcp" | "6" => Protocol::Tcp,
            "udp" | "17" => Protocol::Udp,
            "icmp" | "1" => Protocol::Icmp,
            "icmpv6" | "58" => Protocol::Icmpv6,
            other => Protocol::Other(other.to_owned()),
        };
        let range = match protocol {
            Protocol::Any | Protocol::Other(_) => None,
            Protocol::Icmp | Protocol::Icmpv6 => {
                from.filter(|kind| *kind >= 0).map(|kind| (kind, to.unwrap_or(-1)))
            }
            Protocol::Tcp | Protocol::Udp => match (from, to) {
                (Some(from), Some(to)) if from >= 0 && to >= 0 => Some((from.min(to), from.max(to))),
                (Some(one), None | Some(..0)) | (None | Some(..0), Some(one)) if one >= 0 => Some((one, one)),
                _ => None,
            },
        };
        // Port 0 is not used: from 1 on it is every port all the same.
        let every = matches!(protocol, Protocol::Tcp | Protocol::Udp)
            && range.is_some_and(|(from, to)| from <= 1 && to >= 65_535);
        Self { protocol, range: range.filter(|_| !every) }
    }

    /// `all`, `tcp`, `icmp`, `50`.
    pub fn protocol(&self) -> &str {
        match &self.protocol {
            Protocol::Any => "all",
            Protocol::Tcp => "tcp",
            Protocol::Udp => "udp",
            Protocol::Icmp => "icmp",
            Protocol::Icmpv6 => "icmpv6",
            Protocol::Other(number) => number,
        }
    }

    /// `all`, `22`, `20-25`, `type 8`; `None` for a protocol without ports.
    pub fn ports(&self) -> Option<String> {
        match (&self.protocol, self.range) {
            (Protocol::Other(_), _) => None,
            (Protocol::Any | Protocol::Tcp | Protocol::Udp, None) => Some("all".to_owned()),
            (Protocol::Icmp | Protocol::Icmpv6, None) => Some("all types".to_owned()),
            (Protocol::Icmp | Protocol::Icmpv6, Some((kind, code))) if code < 0 => {
                Some(format!("type {kind}"))
            }
            (Protocol::Icmp | Protocol::Icmpv6, Some((kind, code))) => {
                Some(format!("type {kind} code {code}"))
            }
            (Protocol::Any | Protocol::Tcp | Protocol::Udp, Some((from, to))) if from == to => {
                Some(from.to_string())
            }
            (Protocol::Any | Protocol::Tcp | Protocol::Udp, Some((from, to))) => Some(format!("{from}-{to}")),
        }
    }

    /// Whether it lets TCP to `port` through.
    pub fn has_tcp(&self, port: i32) -> bool {
        Self::of("tcp", Some(port), Some(port)).within(self)
    }

    /// Whether all of it is let through by `other` as well.
    pub fn within(&self, other: &Self) -> bool {
        if other.protocol == Protocol::Any {
            return true;
        }
        self.protocol == other.protocol
            && match (self.range, other.range) {
                (_, None) => true,
                (None, Some(_)) => false,
                (Some((kind, code)), Some((k, c))) if self.is_icmp() => kind == k && (c < 0 || code == c),
                (Some((from, to)), Some((f, t))) => f <= from && to <= t,
            }
    }

    /// Whether some of it is let through by `other` as well.
    pub fn meets(&self, other: &Self) -> bool {
        if self.within(other) || other.within(self) {
            return true;
        }
        match (self.range, other.range) {
            (Some((from, to)), Some((f, t))) => {
                self.protocol == other.protocol && !self.is_icmp() && from <= t && f <= to
            }
            (None, _) | (_, None) => false,
        }
    }

    const fn is_icmp(&self) -> bool {
        matches!(self.protocol, Protocol::Icmp | Protocol::Icmpv6)
    }
}

impl fmt::Display for Traffic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.protocol, self.ports()) {
            (Protocol::Any, _) => f.write_str("all traffic"),
            (Protocol::Other(number), _) => write!(f, "protocol {number}"),
            (Protocol::Tcp | Protocol::Udp | Protocol::Icmp | Protocol::Icmpv6, ports) => {
                write!(f, "{} {}", self.protocol(), ports.unwrap_or_default())
            }
        }
    }
}

/// Ports whose service must not face the world, with the name people know: over TCP, over UDP.
const SENSITIVE: [(i32, &str, bool, bool); 47] = [
    (21, "FTP", true, false),
    (22, "SSH", true, false),
    (23, "Telnet", true, false),
    (69, "TFTP", false, true),
    (111, "rpcbind", true, true),
    (135, "Windows RPC", true, false),
    (137, "NetBIOS", false, true),
    (139, "NetBIOS", true, false),
    (161, "SNMP", false, true),
    (389, "LDAP", true, true),
    (445, "SMB", true, false),
    (512, "rexec", true, false),
    (513, "rlogin", true, false),
    (514, "rsh", true, false),
    (623, "IPMI", false, true),
    (873, "rsync", true, false),
    (1433, "SQL Server", true, false),
    (1434, "SQL Server browser", false, true),
    (1521, "Oracle", true, false),
    (1900, "SSDP", false, true),
    (2049, "NFS", true, true),
    (2181, "ZooKeeper", true, false),
    (2375, "Docker", true, false),
    (2376, "Docker", true, false),
    (2379, "etcd", true, false),
    (2380, "etcd", true, false),
    (3306, "MySQL", true, false),
    (3389, "RDP", true, true),
    (5432, "PostgreSQL", true, false),
    (5439, "Redshift", true, false),
    (5601, "Kibana", true, false),
    (5900, "VNC", true, false),
    (5984, "CouchDB", true, false),
    (5985, "WinRM", true, false),
    (5986, "WinRM", true, false),
    (6379, "Redis", true, false),
    (6443, "Kubernetes API", true, false),
    (7000, "Cassandra", true, false),
    (8086, "InfluxDB", true, false),
    (8500, "Consul", true, false),
    (9042, "Cassandra", true, false),
    (9092, "Kafka", true, false),
    (9200, "Elasticsearch", true, false),
    (9300, "Elasticsearch", true, false),
    (10250, "kubelet", true, false),
    (11211, "memcached", true, true),
    (27017, "MongoDB", true, false),
];
/// Services named in one sentence.
const NAMED: usize = 4;

/// What it means that the world may send this, and in words.
pub fn exposure(traffic: &Traffic) -> (Level, String) {
    match (&traffic.protocol, traffic.range) {
        (Protocol::Any, _) => (Level::Critical, "every port of every protocol".to_owned()),
        (Protocol::Tcp | Protocol::Udp, None) => {
            (Level::Critical, format!("every {} port", traffic.protocol().to_uppercase()))
        }
        (Protocol::Tcp | Protocol::Udp, Some(range)) => ports(traffic, range),
        (Protocol::Icmp | Protocol::Icmpv6 | Protocol::Other(_), _) => (Level::Medium, traffic.to_string()),
    }
}

fn ports(traffic: &Traffic, (from, to): (i32, i32)) -> (Level, String) {
    let udp = traffic.protocol == Protocol::Udp;
    let mut found: Vec<String> = SENSITIVE
        .iter()
        .filter(|(port, _, over_tcp, over_udp)| {
            (from..=to).contains(port) && if udp { *over_udp } else { *over_tcp }
        })
        .map(|(port, name, ..)| format!("{name} {port}"))
        .collect();
    if !found.is_empty() {
        let more = found.len().saturating_sub(NAMED);
        found.truncate(NAMED);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let range = if from == to { String::new() } else { format!("{traffic} covers ") };
        let over = if udp && from == to { " over UDP" } else { "" };
        return (Level::High, format!("{range}{}{more}{over}", found.join(", ")));
    }
    match (from, to, udp) {
        (80, 80, false) => (Level::Low, "HTTP 80".to_owned()),
        (443, 443, false) => (Level::Low, "HTTPS 443".to_owned()),
        (443, 443, true) => (Level::Low, "HTTP/3 443 over UDP".to_owned()),
        _ => (Level::Medium, traffic.to_string()),
    }
}

/// Who may use a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Everybody; by which source.
    World(String),
    /// Some.
    Limited,
    /// It cannot be told; why.
    NotKnown(String),
}

impl Reach {
    /// Of a CIDR, or of several that are used as one.
    pub fn of<'a>(cidrs: impl IntoIterator<Item = &'a str>) -> Self {
        let mut nets = Vec::new();
        let mut odd = None;
        for cidr in cidrs {
            match Net::parse(cidr) {
                Some(net) if net.is_everything() => return Self::World(cidr.to_owned()),
                Some(net) if net.is_wide() => {
                    return Self::World(format!("{cidr}, so wide that it counts as the world"));
                }
                Some(net) => nets.push(net),
                None => odd = Some(cidr),
            }
        }
        if covers_half(&nets) {
            return Self::World(format!("{} ranges that together cover half of the internet", nets.len()));
        }
        match odd {
            Some(odd) => Self::NotKnown(format!("{odd:?} is not a range that can be read")),
            None => Self::Limited,
        }
    }
}

/// Whether anything is behind a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attached {
    /// At least one network interface.
    Yes,
    /// None at all.
    Nothing,
    /// The interfaces could not be read, or not all of them.
    NotKnown,
}

/// What is said of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// How dangerous; the worst it can be where that is not known.
    pub level: Level,
    /// Whether who may use it is known.
    pub known: bool,
    /// Why; empty for what is not open to the world.
    pub why: String,
}

impl Judgement {
    /// As the risk column says it.
    pub const fn label(&self) -> &'static str {
        if self.known { self.level.label() } else { "UNKNOWN" }
    }
}

/// Judges one rule.
pub fn judge(traffic: &Traffic, reach: &Reach, attached: Attached) -> Judgement {
    let (level, what) = exposure(traffic);
    match reach {
        Reach::Limited => Judgement { level: Level::None, known: true, why: String::new() },
        Reach::NotKnown(why) => {
            let why = format!("at worst {}: {what}; who may connect is not known: {why}", level.label());
            Judgement { level, known: false, why }
        }
        Reach::World(by) => {
            let open = format!("{what} open to the world ({by})");
            match attached {
                Attached::Yes => Judgement { level, known: true, why: open },
                Attached::Nothing => {
                    let why = format!("{open}; attached to nothing, so one step below {}", level.label());
                    Judgement { level: level.lowered(), known: true, why }
                }
                Attached::NotKnown => Judgement {
                    level,
                    known: true,
                    why: format!("{open}; what it is attached to is not known"),
                },
            }
        }
    }
}

#[cfg(test)]
mod tests;
