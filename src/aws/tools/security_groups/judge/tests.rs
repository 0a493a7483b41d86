use super::*;

const EVERYBODY: &str = "0.0.0.0/0";

/// protocol, from, to, source, attached, risk, words of the reason.
type Case = (&'static str, Option<i32>, Option<i32>, &'static str, Attached, &'static str, &'static str);

#[test]
fn every_rule_has_its_risk() {
    use Attached::{NotKnown, Nothing, Yes};
    let ports = |from, to| (Some(from), Some(to));
    let one = |port| ports(port, port);
    let case =
        |p, (f, t): (Option<i32>, Option<i32>), s, a, risk, why| -> Case { (p, f, t, s, a, risk, why) };
    for (protocol, from, to, source, attached, risk, why) in [
        // Everything.
        case("-1", (None, None), EVERYBODY, Yes, "CRITICAL", "every port of every protocol"),
        case("-1", ports(-1, -1), "::/0", Yes, "CRITICAL", "open to the world (::/0)"),
        case("-1", one(22), EVERYBODY, Yes, "CRITICAL", "every port"),
        case("tcp", ports(0, 65_535), EVERYBODY, Yes, "CRITICAL", "every TCP port"),
        case("tcp", ports(1, 65_535), EVERYBODY, Yes, "CRITICAL", "every TCP port"),
        case("tcp", (None, None), EVERYBODY, Yes, "CRITICAL", "every TCP port"),
        case("6", ports(0, 65_535), "::/0", Yes, "CRITICAL", "every TCP port"),
        case("udp", ports(0, 65_535), EVERYBODY, Yes, "CRITICAL", "every UDP port"),
        case("udp", ports(-1, -1), EVERYBODY, Yes, "CRITICAL", "every UDP port"),
        // Sensitive, alone and in ranges.
        case("tcp", one(22), EVERYBODY, Yes, "HIGH", "SSH 22 open to the world (0.0.0.0/0)"),
        case("tcp", one(22), "::/0", Yes, "HIGH", "SSH 22"),
        case("tcp", ports(20, 25), EVERYBODY, Yes, "HIGH", "tcp 20-25 covers FTP 21, SSH 22, Telnet 23"),
        case("tcp", ports(22, 443), EVERYBODY, Yes, "HIGH", "and"),
        case("tcp", ports(80, 443), EVERYBODY, Yes, "HIGH", "LDAP 389"),
        case("tcp", ports(1024, 65_535), EVERYBODY, Yes, "HIGH", "more"),
        case("tcp", ports(2, 65_535), EVERYBODY, Yes, "HIGH", "more"),
        case("tcp", one(3389), EVERYBODY, Yes, "HIGH", "RDP 3389"),
        case("tcp", one(3306), EVERYBODY, Yes, "HIGH", "MySQL 3306"),
        case("tcp", one(5432), EVERYBODY, Yes, "HIGH", "PostgreSQL 5432"),
        case("tcp", one(1433), EVERYBODY, Yes, "HIGH", "SQL Server 1433"),
        case("tcp", one(1521), EVERYBODY, Yes, "HIGH", "Oracle 1521"),
        case("tcp", one(27_017), EVERYBODY, Yes, "HIGH", "MongoDB 27017"),
        case("tcp", one(6379), EVERYBODY, Yes, "HIGH", "Redis 6379"),
        case("tcp", one(9200), EVERYBODY, Yes, "HIGH", "Elasticsearch 9200"),
        case("tcp", one(11_211), EVERYBODY, Yes, "HIGH", "memcached 11211"),
        case("tcp", one(2375), EVERYBODY, Yes, "HIGH", "Docker 2375"),
        case("tcp", one(5984), EVERYBODY, Yes, "HIGH", "CouchDB 5984"),
        // UDP has its own.
        case("udp", one(11_211), EVERYBODY, Yes, "HIGH", "memcached 11211 over UDP"),
        case("17", one(161), EVERYBODY, Yes, "HIGH", "SNMP 161"),
        case("udp", one(22), EVERYBODY, Yes, "MEDIUM", "udp 22"),
        case("udp", ports(100, 200), EVERYBODY, Yes, "HIGH", "covers rpcbind 111, NetBIOS 137, SNMP 161"),
        // The web.
        case("tcp", one(80), EVERYBODY, Yes, "LOW", "HTTP 80"),
        case("tcp", one(443), "::/0", Yes, "LOW", "HTTPS 443"),
        case("udp", one(443), EVERYBODY, Yes, "LOW", "HTTP/3"),
        case("udp", one(80), EVERYBODY, Yes, "MEDIUM", "udp 80"),
        // The rest.
        case("tcp", one(8080), EVERYBODY, Yes, "MEDIUM", "tcp 8080"),
        case("tcp", ports(80, 81), EVERYBODY, Yes, "MEDIUM", "tcp 80-81"),
        case("tcp", ports(443, 444), EVERYBODY, Yes, "MEDIUM", "tcp 443-444"),
        // ICMP has types, not ports: 22 is no SSH, -1 is not every port.
        case("icmp", ports(-1, -1), EVERYBODY, Yes, "MEDIUM", "icmp all types"),
        case("icmp", ports(8, -1), EVERYBODY, Yes, "MEDIUM", "icmp type 8"),
        case("icmp", ports(22, 22), EVERYBODY, Yes, "MEDIUM", "icmp type 22 code 22"),
        case("1", ports(0, 65_535), EVERYBODY, Yes, "MEDIUM", "icmp type 0"),
        case("icmpv6", ports(-1, -1), "::/0", Yes, "MEDIUM", "icmpv6 all types"),
        case("58", ports(128, 0), "::/0", Yes, "MEDIUM", "icmpv6 type 128 code 0"),
        case("50", (None, None), EVERYBODY, Yes, "MEDIUM", "protocol 50"),
        case("47", ports(-1, -1), EVERYBODY, Yes, "MEDIUM", "protocol 47"),
        // Not the world.
        case("-1", (None, None), "10.0.0.0/8", Yes, "NONE", ""),
        case("tcp", one(22), "203.0.113.7/32", Yes, "NONE", ""),
        case("tcp", one(22), "fd00::/8", Yes, "NONE", ""),
        case("tcp", one(22), "2001:db8::/32", Yes, "NONE", ""),
        case("tcp", one(22), "52.0.0.0/8", Yes, "NONE", ""),
        case("tcp", one(22), "240.0.0.0/4", Yes, "NONE", ""),
        case("tcp", one(22), "224.0.0.0/4", Yes, "NONE", ""),
        case("tcp", one(22), "2400::/16", Yes, "NONE", ""),
        // The world in disguise.
        case("tcp", one(22), "0.0.0.0/1", Yes, "HIGH", "so wide that it counts as the world"),
        case("tcp", one(22), "128.0.0.0/1", Yes, "HIGH", "so wide"),
        case("tcp", one(22), "52.0.0.0/7", Yes, "HIGH", "so wide"),
        case("tcp", one(22), "10.0.0.0/7", Yes, "HIGH", "so wide"),
        case("tcp", one(22), "2000::/3", Yes, "HIGH", "so wide"),
        case("tcp", one(22), "::/1", Yes, "HIGH", "so wide"),
        case("tcp", one(22), "2400::/12", Yes, "HIGH", "so wide"),
        case("tcp", one(22), "1.2.3.4/0", Yes, "HIGH", "open to the world"),
        // Attached to nothing: one step down, and it says so.
        case(
            "-1",
            (None, None),
            EVERYBODY,
            Nothing,
            "HIGH",
            "attached to nothing, so one step below CRITICAL",
        ),
        case("tcp", one(22), EVERYBODY, Nothing, "MEDIUM", "one step below HIGH"),
        case("tcp", one(8080), EVERYBODY, Nothing, "LOW", "one step below MEDIUM"),
        case("tcp", one(443), EVERYBODY, Nothing, "LOW", "attached to nothing"),
        case("tcp", one(22), "10.0.0.0/8", Nothing, "NONE", ""),
        // Not known is never lowered.
        case("tcp", one(22), EVERYBODY, NotKnown, "HIGH", "what it is attached to is not known"),
        case("-1", (None, None), EVERYBODY, NotKnown, "CRITICAL", "not known"),
        case("tcp", one(22), "nonsense", Nothing, "UNKNOWN", "at worst HIGH: SSH 22"),
    ] {
        let traffic = Traffic::of(protocol, from, to);
        let said = judge(&traffic, &Reach::of([source]), attached);
        let what = format!("{protocol} {from:?}-{to:?} from {source}, {attached:?}: {said:?}");
        assert_eq!(said.label(), risk, "{what}");
        assert!(said.why.contains(why) && said.why.is_empty() == why.is_empty(), "{what}");
    }
}

#[test]
fn what_cannot_be_read_is_not_lowered() {
    let unreadable = Reach::NotKnown("prefix list pl-1 could not be read".into());
    for attached in [Attached::Yes, Attached::Nothing, Attached::NotKnown] {
        let said = judge(&Traffic::of("tcp", Some(22), Some(22)), &unreadable, attached);
        assert_eq!((said.label(), said.level), ("UNKNOWN", Level::High));
        assert!(said.why.contains("prefix list pl-1 could not be read"), "{}", said.why);
    }
}

#[test]
fn several_ranges_as_one() {
    let eighths: Vec<String> = (1..112).map(|n| format!("{n}.0.0.0/8")).collect();
    let half: Vec<String> = (1..113).map(|n| format!("{n}.0.0.0/8")).collect();
    let texts = |all: &[String]| Reach::of(all.iter().map(String::as_str));
    assert_eq!(texts(&eighths), Reach::Limited);
    assert!(matches!(texts(&half), Reach::World(by) if by.contains("112 ranges")));
    // The same addresses over and over are not more addresses.
    let same: Vec<String> = (0..200).map(|_| "52.0.0.0/8".to_owned()).collect();
    assert_eq!(texts(&same), Reach::Limited);
    let six: Vec<String> = (0..0x1000).map(|n| format!("2{n:03x}::/16")).collect();
    assert!(matches!(texts(&six), Reach::World(_)));
    assert_eq!(Reach::of([]), Reach::Limited);
    assert_eq!(Reach::of(["10.0.0.0/8", "0.0.0.0/0"]), Reach::World("0.0.0.0/0".into()));
    assert!(matches!(Reach::of(["10.0.0.0/8", "x"]), Reach::NotKnown(_)));
}

#[test]
fn sensitive_ports_are_in_order_and_none_twice() {
    assert!(SENSITIVE.windows(2).all(|w| w[0].0 < w[1].0));
}

#[test]
fn traffic_within_traffic() {
    let tcp = |from, to| Traffic::of("tcp", Some(from), Some(to));
    let icmp = |kind, code| Traffic::of("icmp", Some(kind), Some(code));
    let all = Traffic::of("-1", None, None);
    for (a, b, within, meets) in [
        (tcp(22, 22), tcp(20, 25), true, true),
        (tcp(20, 25), tcp(22, 22), false, true),
        (tcp(20, 25), tcp(25, 30), false, true),
        (tcp(20, 25), tcp(26, 30), false, false),
        (tcp(22, 22), all.clone(), true, true),
        (all.clone(), tcp(22, 22), false, true),
        (tcp(22, 22), Traffic::of("6", None, None), true, true),
        (tcp(22, 22), Traffic::of("udp", Some(22), Some(22)), false, false),
        (icmp(8, -1), icmp(-1, -1), true, true),
        (icmp(8, 0), icmp(8, -1), true, true),
        (icmp(8, -1), icmp(8, 0), false, true),
        (icmp(8, 0), icmp(3, 0), false, false),
        (icmp(8, 0), tcp(0, 65_535), false, false),
        (icmp(3, 9), icmp(4, 9), false, false),
    ] {
        assert_eq!((a.within(&b), a.meets(&b)), (within, meets), "{a} and {b}");
    }
    assert!(tcp(400, 500).has_tcp(443) && all.has_tcp(443) && !tcp(80, 80).has_tcp(443));
}
