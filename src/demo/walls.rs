//! Security groups as they are now: their rules after what the operator did, and the interfaces that have them.

use crate::account::security::Group;
use crate::machine::{State, machines};
use crate::seed;
use crate::services::elb;
use crate::world::{What, World};

/// A rule of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rule {
    pub id: String,
    pub group: String,
    pub egress: bool,
    pub protocol: String,
    pub from: i32,
    pub to: i32,
    /// A range, a prefix list or a group.
    pub source: String,
    pub description: Option<String>,
}

impl Rule {
    /// Whether both let the same in.
    pub(crate) fn same_as(&self, other: &Self) -> bool {
        let says = |r: &Self| (r.group.clone(), r.egress, r.protocol.clone(), r.from, r.to, r.source.clone());
        says(self) == says(other)
    }
}

/// A network interface.
#[derive(Clone, Debug)]
pub(crate) struct Interface {
    pub id: String,
    pub description: String,
    pub kind: String,
    pub instance: Option<String>,
    pub private_ip: String,
    pub public_ip: Option<String>,
    pub groups: Vec<String>,
}

/// The groups of the region.
pub(crate) fn groups<'a>(world: &World<'a>) -> Vec<&'a Group> {
    world.account.holds.security.group.iter().filter(|g| g.region == world.region).collect()
}

/// Their rules, outbound ones included.
pub(crate) fn rules(world: &World<'_>) -> Vec<Rule> {
    let mut all: Vec<Rule> = groups(world).into_iter().flat_map(before).collect();
    for action in world.actions.iter().filter(|a| a.region == world.region && a.at <= world.now) {
        match &action.what {
            What::RevokeRules { ids, .. } => all.retain(|r| !ids.contains(&r.id)),
            What::AddRules { rules } => all.extend(rules.iter().cloned()),
            What::Stop { .. }
            | What::Start { .. }
            | What::UpdateService { .. }
            | What::S3(_)
            | What::Other(_) => {}
        }
    }
    all
}

/// The rules of a group when the drill started.
fn before(group: &Group) -> Vec<Rule> {
    let inbound = (0..).zip(&group.inbound).map(|(n, rule)| Rule {
        id: format!("sgr-0{}", seed::hex(&group.id, n, 16)),
        group: group.id.clone(),
        egress: false,
        protocol: rule.protocol.clone(),
        from: rule.from,
        to: rule.to.unwrap_or(rule.from),
        source: rule.source.clone(),
        description: rule.description.clone(),
    });
    let outbound = Rule {
        id: format!("sgr-0{}", seed::hex(&group.id, 1 << 20, 16)),
        group: group.id.clone(),
        egress: true,
        protocol: "-1".to_owned(),
        from: -1,
        to: -1,
        source: "0.0.0.0/0".to_owned(),
        description: None,
    };
    inbound.chain([outbound]).collect()
}

/// The groups `name` (an instance's id, a load balancer's name) has.
pub(crate) fn groups_on<'a>(world: &World<'a>, name: &str) -> Vec<&'a Group> {
    let all = groups(world);
    let named: Vec<&Group> = all.iter().copied().filter(|g| g.on.iter().any(|o| o == name)).collect();
    if named.is_empty() { all.into_iter().filter(|g| g.on_the_rest).collect() } else { named }
}

/// Every interface of the region.
pub(crate) fn interfaces(world: &World<'_>) -> Vec<Interface> {
    let ids = |name: &str| groups_on(world, name).into_iter().map(|g| g.id.clone()).collect();
    let there = |s: State| s != State::Terminated;
    let of_machines = machines(world).into_iter().filter(|m| there(m.state)).map(|m| Interface {
        id: format!("eni-0{}", seed::hex(&m.id, 5, 16)),
        description: String::new(),
        kind: "interface".to_owned(),
        private_ip: m.private_ip.clone(),
        public_ip: m.public_ip.clone(),
        groups: ids(&m.instance.id),
        instance: Some(m.id),
    });
    let balancers = world.account.holds.load_balancer.iter().filter(|l| l.region == world.region);
    let of_balancers = balancers.flat_map(|l| {
        (0..2_u64).map(move |n| Interface {
            id: format!("eni-0{}", seed::hex(&l.name, 10 + n, 16)),
            description: format!("ELB {}", elb::lb_suffix(l)),
            kind: if l.kind == "network" { "network_load_balancer" } else { "interface" }.to_owned(),
            instance: None,
            private_ip: format!("10.0.{n}.{}", 200 + seed::mix(&l.name, n) % 50),
            public_ip: (l.scheme == "internet-facing")
                .then(|| format!("203.0.113.{}", 100 + seed::mix(&l.name, n) % 100)),
            groups: ids(&l.name),
        })
    });
    let others = world.account.holds.security.interface.iter().filter(|i| i.region == world.region);
    let of_others = others.map(|i| Interface {
        id: format!("eni-0{}", seed::hex(&i.private_ip, 3, 16)),
        description: i.description.clone(),
        kind: i.kind.clone(),
        instance: None,
        private_ip: i.private_ip.clone(),
        public_ip: i.public_ip.clone(),
        groups: i.groups.clone(),
    });
    of_machines.chain(of_balancers).chain(of_others).collect()
}
