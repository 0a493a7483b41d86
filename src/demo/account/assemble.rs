//! The account of a drill: the base with what the drill says otherwise.

use super::{Contents, Header, Metric, Service};

/// The account a drill plays in: the base with the drill's overrides.
#[derive(Clone, Debug)]
pub(crate) struct Account {
    pub header: Header,
    pub holds: Contents,
}

impl Account {
    /// The base with overrides, every region filled in. `None` when the base has no `[account]`.
    pub(crate) fn assemble(base: Contents, over: &Contents) -> Option<Self> {
        let (mut holds, mut over) = (base, over.clone());
        let header = over.account.take().or_else(|| holds.account.take())?;
        let home = header.regions.first().cloned().unwrap_or_default();
        over.scale.fill(&mut over);
        // Before they are merged: what is the same must have the same region.
        for region in regions_of(&mut holds).into_iter().chain(regions_of(&mut over)) {
            if region.is_empty() {
                region.clone_from(&home);
            }
        }
        merge(&mut holds.instance, &over.instance, |i| i.id.clone());
        merge(&mut holds.service, &over.service, Service::key);
        merge(&mut holds.load_balancer, &over.load_balancer, |l| l.name.clone());
        merge(&mut holds.target_group, &over.target_group, |t| t.name.clone());
        merge(&mut holds.metric, &over.metric, Metric::key);
        merge(&mut holds.alarm, &over.alarm, |a| a.name.clone());
        holds.compute.merge(&over.compute);
        holds.costs.merge(&over.costs);
        holds.security.merge(&over.security);
        holds.identity.merge(&over.identity);
        holds.databases.merge(&over.databases);
        holds.log.extend(over.log.iter().cloned());
        holds.change.extend(over.change.iter().cloned());
        holds.background.extend(over.background.iter().cloned());
        merge(&mut holds.storage.bucket, &over.storage.bucket, |b| b.name.clone());
        for metric in holds.compute.metrics() {
            if !holds.metric.iter().any(|m| m.key() == metric.key()) {
                holds.metric.push(metric);
            }
        }
        Some(Self { header, holds })
    }

    /// The service `cluster/name` in `region`.
    pub(crate) fn service(&self, region: &str, key: &str) -> Option<&Service> {
        self.holds.service.iter().find(|s| s.region == region && s.key() == key)
    }
}

impl Contents {
    /// The conditions that something in the account depends on.
    pub(crate) fn conditions(&self) -> impl Iterator<Item = &String> {
        let metrics = self.metric.iter().map(|m| &m.during);
        let lines = self.log.iter().map(|l| &l.during);
        let changes = self.change.iter().map(|c| &c.during);
        let background = self.background.iter().map(|b| &b.during);
        let costs = self.costs.line.iter().map(|l| &l.during);
        let findings = self.security.finding.iter().map(|f| &f.during);
        let all = metrics.chain(lines).chain(changes).chain(background).chain(costs).chain(findings);
        let all = all.chain(self.databases.during());
        all.flat_map(|d| &d.0).chain(self.identity.conditions())
    }
}

/// What has the same key is replaced, what is new is added.
pub(super) fn merge<T: Clone>(base: &mut Vec<T>, over: &[T], key: impl Fn(&T) -> String) {
    for item in over {
        match base.iter_mut().find(|b| key(b) == key(item)) {
            Some(old) => *old = item.clone(),
            None => base.push(item.clone()),
        }
    }
}

fn regions_of(holds: &mut Contents) -> Vec<&mut String> {
    let mut all: Vec<&mut String> = Vec::new();
    all.extend(holds.instance.iter_mut().map(|x| &mut x.region));
    all.extend(holds.service.iter_mut().map(|x| &mut x.region));
    all.extend(holds.load_balancer.iter_mut().map(|x| &mut x.region));
    all.extend(holds.target_group.iter_mut().map(|x| &mut x.region));
    all.extend(holds.metric.iter_mut().map(|x| &mut x.region));
    all.extend(holds.alarm.iter_mut().map(|x| &mut x.region));
    all.extend(holds.log.iter_mut().map(|x| &mut x.region));
    all.extend(holds.change.iter_mut().map(|x| &mut x.event.region));
    all.extend(holds.background.iter_mut().map(|x| &mut x.event.region));
    all.extend(holds.storage.bucket.iter_mut().map(|x| &mut x.region));
    all.extend(holds.compute.regions());
    all.extend(holds.security.regions());
    all.extend(holds.databases.regions());
    all
}
