//! The account at one moment: a function of the story, the operator's actions and the time.

use crate::account::{Account, Service};
use crate::condition::{Course, During};
use crate::fleet::Fleet;
use crate::services::s3::Change;
use crate::story::Drill;
use crate::told::Told;
use crate::walls::Rule;
use quarterdeck_core::Timestamp;

/// Something the operator did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Action {
    pub at: Timestamp,
    pub region: String,
    pub what: What,
}

/// What was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// ECS UpdateService on `cluster/service`.
    UpdateService { key: String, desired: Option<u32>, revision: Option<u32>, force: bool },
    /// EC2 StopInstances.
    Stop { ids: Vec<String> },
    /// EC2 StartInstances.
    Start { ids: Vec<String> },
    /// EC2 RevokeSecurityGroupIngress.
    RevokeRules { group: String, ids: Vec<String> },
    /// EC2 AuthorizeSecurityGroupIngress.
    AddRules { rules: Vec<Rule> },
    /// A change of buckets and objects.
    S3(Change),
    /// Any other change: what it moves is said by the drill's conditions alone.
    Other(Told),
}

/// All that an answer may depend on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct World<'a> {
    pub account: &'a Account,
    pub drill: &'a Drill,
    pub actions: &'a [Action],
    /// When the drill started.
    pub start: Timestamp,
    pub now: Timestamp,
    /// The region the request was signed for.
    pub region: &'a str,
}

impl<'a> World<'a> {
    /// The services of this region.
    pub(crate) fn services(&self) -> impl Iterator<Item = &'a Service> {
        let region = self.region;
        self.account.holds.service.iter().filter(move |s| s.region == region)
    }

    /// How `service` is doing.
    pub(crate) fn fleet(&self, service: &'a Service) -> Fleet<'a> {
        Fleet::play(*self, service)
    }

    /// How the service `cluster/name` is doing.
    pub(crate) fn fleet_of(&self, key: &str) -> Option<Fleet<'a>> {
        self.account.service(self.region, key).map(|s| self.fleet(s))
    }

    /// How the service `cluster/name` is doing, whatever region it is in.
    pub(crate) fn anywhere(&self, key: &str) -> Option<Fleet<'a>> {
        self.account.holds.service.iter().find(|s| s.key() == key).map(|s| self.fleet(s))
    }

    /// How what `during` names has gone.
    pub(crate) fn course(&self, during: &During) -> Course<'a> {
        Course::of(self, during)
    }

    /// An ARN in this account and region.
    pub(crate) fn arn(&self, service: &str, resource: &str) -> String {
        format!("arn:aws:{service}:{}:{}:{resource}", self.region, self.account.header.id)
    }

    /// The console's own ARN.
    pub(crate) fn caller(&self) -> String {
        let header = &self.account.header;
        format!("arn:aws:sts::{}:assumed-role/{}/{}", header.id, header.role, header.session)
    }
}
