//! Groups and their scaling activities: every page of the groups, the newest of the activities.

use crate::instant;
use crate::tool::CEILING;
use crate::tools::list_auto_scaling_groups::Args;
use crate::tools::reading::patience::Patience;
use crate::tools::reading::wildcard::fits;
use aws_sdk_autoscaling::Client;
use aws_sdk_autoscaling::types::{Activity, AutoScalingGroup, Filter, ScalingActivityStatusCode};
use quarterdeck_core::Timestamp;
use quarterdeck_core::tool::{Fault, FaultKind};
use std::collections::BTreeMap;

/// What AWS gives in one answer.
const AT_ONCE: i32 = 100;
/// Pages of activities read of a whole region; of one group a single page is.
const PAGES: usize = 5;

/// One region's groups.
#[derive(Debug, Default)]
pub struct Region {
    pub groups: Vec<AutoScalingGroup>,
    /// What became of each group's activities, by the group's name.
    pub activities: BTreeMap<String, Latest>,
    /// The oldest activity read, where there are older ones.
    pub reach: Option<Timestamp>,
    /// Whether activities are known at all.
    pub blind: bool,
    /// Whether there are more groups than the ceiling.
    pub more: bool,
    /// Names there are, where the one named is not.
    pub others: Vec<String>,
    pub errors: Vec<(String, Fault)>,
}

/// A group's newest activities.
#[derive(Clone, Debug, Default)]
pub struct Latest {
    pub failed: Option<Failed>,
    /// When one last succeeded.
    pub succeeded: Option<Timestamp>,
}

/// An activity that failed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Failed {
    pub at: Option<Timestamp>,
    pub why: Option<String>,
    pub cause: Option<String>,
}

/// The groups that `args` asks for.
pub async fn region(client: Client, args: &Args, patience: Patience) -> Result<Region, Fault> {
    let mut region = Region::default();
    if let Some(name) = args.exact() {
        groups(&client, args, patience, &mut region).await?;
        region.groups.retain(|g| g.auto_scaling_group_name() == Some(name));
        if region.groups.is_empty() {
            region.others = names(&client).await;
        } else {
            activities(&client, args.exact(), 1, patience).await.into_region(&mut region);
        }
        return Ok(region);
    }
    let (read, activities) = futures::join!(
        groups(&client, args, patience, &mut region),
        activities(&client, None, PAGES, patience)
    );
    read?;
    if let Some(pattern) = &args.name {
        region.groups.retain(|g| fits(pattern, g.auto_scaling_group_name().unwrap_or_default()));
    }
    activities.into_region(&mut region);
    Ok(region)
}

fn filters(args: &Args) -> Option<Vec<Filter>> {
    let (key, value) = args.tag()?;
    let filter = match value {
        Some(value) => Filter::builder().name(format!("tag:{key}")).values(value),
        None => Filter::builder().name("tag-key").values(key),
    };
    Some(vec![filter.build()])
}

/// Every page. Source: Auto Scaling DescribeAutoScalingGroups.
async fn groups(client: &Client, args: &Args, patience: Patience, region: &mut Region) -> Result<(), Fault> {
    // Names and filters are not documented to work together.
    let named = args.exact().filter(|_| args.tag.is_none());
    let mut token = None;
    loop {
        let asked = client
            .describe_auto_scaling_groups()
            .set_auto_scaling_group_names(named.map(|n| vec![n.to_owned()]))
            .set_filters(filters(args))
            .max_records(AT_ONCE)
            .set_next_token(token);
        let answer = match patience.page(asked.send()).await {
            Ok(answer) => answer,
            Err(e) if region.groups.is_empty() => return Err(e.fault()),
            Err(e) => {
                region.errors.push((format!("groups after the first {}", region.groups.len()), e.fault()));
                return Ok(());
            }
        };
        token = answer.next_token.filter(|t| !t.is_empty());
        region.groups.extend(answer.auto_scaling_groups.unwrap_or_default());
        if region.groups.len() >= CEILING {
            region.more = token.is_some() || region.groups.len() > CEILING;
            region.groups.truncate(CEILING);
            return Ok(());
        }
        if token.is_none() {
            return Ok(());
        }
        if patience.is_over() {
            let late = Fault::new(FaultKind::Timeout, "there was no time to read more").hint("name a group");
            region.errors.push((format!("groups after the first {}", region.groups.len()), late));
            return Ok(());
        }
    }
}

/// Names of groups there are; none when that cannot be told.
async fn names(client: &Client) -> Vec<String> {
    let asked = client.describe_auto_scaling_groups().include_instances(false).max_records(AT_ONCE);
    let groups = asked.send().await.ok().and_then(|a| a.auto_scaling_groups).unwrap_or_default();
    groups.into_iter().filter_map(|g| g.auto_scaling_group_name).collect()
}

#[derive(Default)]
struct Activities {
    by_group: BTreeMap<String, Latest>,
    read: usize,
    oldest: Option<Timestamp>,
    older: bool,
    fault: Option<Fault>,
}

impl Activities {
    fn add(&mut self, activity: Activity) {
        let at = instant::of(activity.start_time());
        self.read += 1;
        if at.is_some() && (self.oldest.is_none() || at < self.oldest) {
            self.oldest = at;
        }
        let latest = self.by_group.entry(activity.auto_scaling_group_name.unwrap_or_default()).or_default();
        match activity.status_code {
            Some(ScalingActivityStatusCode::Failed) => {
                if latest.failed.as_ref().is_none_or(|f| f.at < at) {
                    let why = activity.status_message.or(activity.description);
                    latest.failed = Some(Failed { at, why, cause: activity.cause });
                }
            }
            Some(ScalingActivityStatusCode::Successful) => latest.succeeded = latest.succeeded.max(at),
            Some(_) | None => {}
        }
    }

    fn into_region(self, region: &mut Region) {
        region.activities = self.by_group;
        region.reach = self.oldest.filter(|_| self.older);
        region.blind = self.read == 0 && self.fault.is_some();
        region.errors.extend(self.fault.map(|fault| ("scaling activities".to_owned(), fault)));
    }
}

/// The newest activities: of one group, or of the whole region, which spares a request for each group. Source: Auto
/// Scaling DescribeScalingActivities.
async fn activities(client: &Client, group: Option<&str>, pages: usize, patience: Patience) -> Activities {
    let mut all = Activities::default();
    let mut token = None;
    for _ in 0..pages {
        let asked = client
            .describe_scaling_activities()
            .set_auto_scaling_group_name(group.map(str::to_owned))
            .max_records(AT_ONCE)
            .set_next_token(token);
        match patience.page(asked.send()).await {
            Ok(answer) => {
                answer.activities.unwrap_or_default().into_iter().for_each(|a| all.add(a));
                token = answer.next_token.filter(|t| !t.is_empty());
            }
            Err(e) => {
                all.older = all.read > 0;
                all.fault = Some(e.fault());
                return all;
            }
        }
        if token.is_none() || patience.is_over() {
            break;
        }
    }
    all.older = token.is_some();
    all
}
