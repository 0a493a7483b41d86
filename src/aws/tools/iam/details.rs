//! Users, groups and policies: who has which. Source: IAM GetAccountAuthorizationDetails.

use super::admin::{self, Admin, Policy, Subject};
use super::policy;
use crate::tool::CEILING;
use crate::tools::reading::patience::Patience;
use aws_sdk_iam::Client;
use aws_sdk_iam::types::{
    AttachedPolicy, EntityType, GroupDetail, ManagedPolicyDetail, PolicyDetail, UserDetail,
};
use quarterdeck_core::tool::Fault;
use std::collections::BTreeMap;

/// Items of one page.
const PAGE: i32 = 1_000;
/// What is asked for: not roles, of which there may be thousands.
const FILTER: [EntityType; 4] =
    [EntityType::User, EntityType::Group, EntityType::LocalManagedPolicy, EntityType::AwsManagedPolicy];
/// The policy that is everything: known by its name even where its text was not sent.
const EVERYTHING: &str = ":aws:policy/AdministratorAccess";

/// What an account's users may do.
#[derive(Clone, Debug, Default)]
pub struct Details {
    /// Users.
    pub users: Vec<UserDetail>,
    groups: BTreeMap<String, GroupDetail>,
    policies: BTreeMap<String, ManagedPolicyDetail>,
    /// Why the rest is missing.
    pub lost: Option<Fault>,
    /// There are more users than were read.
    pub more: bool,
}

/// Reads every page.
///
/// # Errors
/// AWS's, when not even the first page came.
pub async fn read(iam: &Client, patience: Patience) -> Result<Details, Fault> {
    let mut details = Details::default();
    let (mut marker, mut pages) = (None, 0);
    loop {
        let asked = iam.get_account_authorization_details().set_filter(Some(FILTER.to_vec()));
        let page = match patience.page(asked.max_items(PAGE).set_marker(marker).send()).await {
            Ok(page) => page,
            Err(failure) if pages == 0 => return Err(failure.fault()),
            Err(failure) => {
                details.lost = Some(failure.fault());
                return Ok(details);
            }
        };
        pages += 1;
        details.users.extend(page.user_detail_list().iter().cloned());
        let groups = page.group_detail_list().iter().cloned();
        details.groups.extend(groups.filter_map(|g| Some((g.group_name()?.to_owned(), g))));
        details
            .policies
            .extend(page.policies().iter().cloned().filter_map(|p| Some((p.arn()?.to_owned(), p))));
        marker = page.marker().filter(|_| page.is_truncated()).map(str::to_owned);
        if marker.is_none() {
            return Ok(details);
        }
        if details.users.len() >= CEILING {
            details.users.truncate(CEILING);
            details.more = true;
            return Ok(details);
        }
    }
}

impl Details {
    /// Whether each user is an administrator, by name.
    pub fn admins(&self) -> BTreeMap<&str, Admin> {
        let mut users: Vec<&str> = self.users.iter().filter_map(UserDetail::arn).collect();
        users.sort_unstable();
        let admin = |user: &UserDetail| {
            let boundary = user.permissions_boundary();
            admin::judge(Subject {
                arn: user.arn().unwrap_or_default(),
                user: user.user_name().unwrap_or_default(),
                policies: &self.policies_of(user),
                boundary: boundary.map(|b| b.permissions_boundary_arn().unwrap_or("of no name")),
                users: &users,
            })
        };
        self.users.iter().filter_map(|user| Some((user.user_name()?, admin(user)))).collect()
    }

    fn policies_of(&self, user: &UserDetail) -> Vec<Policy> {
        let mut all: Vec<Policy> = user.user_policy_list().iter().map(|p| inline(p, "")).collect();
        all.extend(user.attached_managed_policies().iter().map(|p| self.attached(p, "")));
        for name in user.group_list() {
            let of = format!(" of group {name}");
            match self.groups.get(name) {
                Some(group) => {
                    all.extend(group.group_policy_list().iter().map(|p| inline(p, &of)));
                    all.extend(group.attached_managed_policies().iter().map(|p| self.attached(p, &of)));
                }
                None => all.push(Policy { name: format!("of group {name}"), statements: None }),
            }
        }
        all
    }

    fn attached(&self, attached: &AttachedPolicy, of: &str) -> Policy {
        let arn = attached.policy_arn().unwrap_or_default();
        let name = attached.policy_name().unwrap_or(arn);
        let text = self.policies.get(arn).and_then(|policy| {
            let versions = policy.policy_version_list();
            let default = versions.iter().find(|v| v.is_default_version()).or_else(|| {
                versions
                    .iter()
                    .find(|v| v.version_id().is_some() && v.version_id() == policy.default_version_id())
            })?;
            default.document()
        });
        let everything = r#"{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#;
        let text = text.or_else(|| arn.ends_with(EVERYTHING).then_some(everything));
        Policy { name: format!("{name}{of}"), statements: text.and_then(|text| policy::parse(text).ok()) }
    }
}

fn inline(found: &PolicyDetail, of: &str) -> Policy {
    let name = found.policy_name().unwrap_or("inline");
    let statements = found.policy_document().and_then(|text| policy::parse(text).ok());
    Policy { name: format!("{name}{of}"), statements }
}
