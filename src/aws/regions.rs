//! Which regions and accounts a call goes to.

use crate::account::Account;
use crate::clients::{Aws, ReadClients};
use crate::fault;
use crate::place::Place;
use aws_sdk_ec2::types::Filter;
use quarterdeck_core::text;
use quarterdeck_core::tool::{Fault, FaultKind};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Every combination of the accounts and regions asked for, in that order, each once.
pub(crate) async fn places(
    aws: &Aws,
    regions: Option<&[String]>,
    accounts: Option<&[String]>,
) -> Result<Vec<Place>, Fault> {
    let named = accounts.unwrap_or_default();
    let accounts: Vec<Option<&str>> =
        if named.is_empty() { vec![None] } else { named.iter().map(|a| Some(a.as_str())).collect() };
    let mut places = Vec::new();
    for name in accounts {
        let account = aws.account(name).await?;
        for region in regions_of(aws, &account, regions.unwrap_or_default()).await? {
            let place = Place { account: name.map(str::to_owned), region };
            if !places.contains(&place) {
                places.push(place);
            }
        }
    }
    Ok(places)
}

/// The one place a change goes to.
pub(crate) async fn place(aws: &Aws, region: Option<&str>, account: Option<&str>) -> Result<Place, Fault> {
    let loaded = aws.account(account).await?;
    let region = match region {
        Some("all") => {
            return Err(Fault::new(FaultKind::Invalid, "a change goes to exactly one region")
                .hint("send `region` with one name, such as eu-west-1"));
        }
        Some(region) => {
            let asked = [region.to_owned()];
            regions_of(aws, &loaded, &asked).await?.pop().unwrap_or_default()
        }
        None => home_region(aws, &loaded).await?,
    };
    Ok(Place { account: account.map(str::to_owned), region })
}

/// One place per account for a service that has one endpoint for the whole account (IAM, S3's list of buckets, Cost
/// Explorer): the region that endpoint's requests are signed for.
pub(crate) async fn global_places(aws: &Aws, accounts: Option<&[String]>) -> Result<Vec<Place>, Fault> {
    let named = accounts.unwrap_or_default();
    if named.is_empty() {
        return Ok(vec![global_place(aws, None).await?]);
    }
    let mut places = Vec::new();
    for name in named {
        let place = global_place(aws, Some(name)).await?;
        if !places.contains(&place) {
            places.push(place);
        }
    }
    Ok(places)
}

/// The one such place of one account. Needs no region to be configured.
pub(crate) async fn global_place(aws: &Aws, account: Option<&str>) -> Result<Place, Fault> {
    let loaded = aws.account(account).await?;
    let home = own_region(aws, &loaded).unwrap_or_default();
    Ok(Place { account: account.map(str::to_owned), region: global_region(&home).to_owned() })
}

/// The region the global services of `home`'s partition sign for. The SDK would find it by itself on AWS, but not
/// behind an endpoint that stands in for AWS.
fn global_region(home: &str) -> &'static str {
    const PARTITIONS: [(&str, &str); 5] = [
        ("cn-", "cn-north-1"),
        ("us-gov-", "us-gov-west-1"),
        ("us-isob-", "us-isob-east-1"),
        ("us-iso-", "us-iso-east-1"),
        ("eusc-", "eusc-de-east-1"),
    ];
    PARTITIONS.iter().find(|(prefix, _)| home.starts_with(prefix)).map_or("us-east-1", |(_, region)| region)
}

/// As [`own_region`]. Where nothing is configured at all, missing credentials are told first: a region alone would not
/// help.
async fn home_region(aws: &Aws, account: &Account) -> Result<String, Fault> {
    match own_region(aws, account) {
        Ok(region) => Ok(region),
        Err(fault) => account.have_credentials().await.and(Err(fault)),
    }
}

/// The session's own region.
///
/// # Errors
/// None is configured anywhere.
pub(crate) fn own_region(aws: &Aws, account: &Account) -> Result<String, Fault> {
    let first = aws.settings().regions.iter().find(|r| *r != "all").cloned();
    first.or_else(|| account.region.clone()).ok_or_else(|| {
        Fault::new(FaultKind::Invalid, "no region is configured").hint(
            "export AWS_REGION=eu-west-1, set region in ~/.aws/config, or start with --region eu-west-1",
        )
    })
}

async fn regions_of(aws: &Aws, account: &Account, asked: &[String]) -> Result<Vec<String>, Fault> {
    let session = &aws.settings().regions;
    let asked = if asked.is_empty() { session.as_slice() } else { asked };
    if asked.is_empty() {
        return Ok(vec![home_region(aws, account).await?]);
    }
    if asked.iter().any(|r| r == "all") {
        return Ok(enabled(aws, account).await?.to_vec());
    }
    let mut regions = Vec::new();
    for region in asked {
        let known = session.contains(region) || account.region.as_ref() == Some(region);
        if !known {
            check(aws, account, region).await?;
        }
        regions.push(region.clone());
    }
    Ok(regions)
}

/// A region outside the session's own must exist and be enabled; where AWS does not tell, it must look like one.
async fn check(aws: &Aws, account: &Account, region: &str) -> Result<(), Fault> {
    if !looks_like_a_region(region) {
        return Err(unknown(region, KNOWN.iter().copied()));
    }
    match enabled(aws, account).await {
        Ok(enabled) if enabled.iter().any(|r| r == region) => Ok(()),
        Ok(enabled) => Err(unknown(region, enabled.iter().map(String::as_str))),
        Err(fault) => match fault.kind {
            FaultKind::Denied | FaultKind::Throttled | FaultKind::Unavailable | FaultKind::Timeout => Ok(()),
            FaultKind::Expired
            | FaultKind::Missing
            | FaultKind::Invalid
            | FaultKind::Conflict
            | FaultKind::Guard
            | FaultKind::Refused
            | FaultKind::Cancelled => Err(fault),
        },
    }
}

fn unknown<'a>(region: &str, names: impl Iterator<Item = &'a str>) -> Fault {
    let shown: String = region.chars().take(40).collect();
    Fault::new(FaultKind::Invalid, format!("{shown:?} is not an enabled region of this account"))
        .hint(format!("did you mean: {}", text::nearest(region, names, 3).join(", ")))
}

/// Every enabled region, by name; asked once per account. Source: EC2 DescribeRegions.
pub(crate) async fn enabled(aws: &Aws, account: &Account) -> Result<Arc<[String]>, Fault> {
    let name = account.name.as_deref();
    if let Some(known) = aws.enabled_known(name) {
        return Ok(known);
    }
    let region = own_region(aws, account).unwrap_or_else(|_| "us-east-1".to_owned());
    let place = Place { account: account.name.clone(), region };
    let usable =
        Filter::builder().name("opt-in-status").values("opt-in-not-required").values("opted-in").build();
    let answer = ReadClients::own(aws)
        .ec2(&place)
        .describe_regions()
        .filters(usable)
        .send()
        .await
        .map_err(|e| fault::of(&e))?;
    let names: BTreeSet<&str> = answer.regions().iter().filter_map(|r| r.region_name()).collect();
    let names: Arc<[String]> = names.into_iter().map(str::to_owned).collect();
    aws.enabled_learned(name, Arc::clone(&names));
    Ok(names)
}

/// `eu-west-1`, `us-gov-east-1`: lower-case words and a number.
fn looks_like_a_region(name: &str) -> bool {
    let mut parts: Vec<&str> = name.split('-').collect();
    let number = parts.pop().is_some_and(|n| n.len() == 1 && n.chars().all(|c| c.is_ascii_digit()));
    let area = parts.first().is_some_and(|a| a.len() >= 2);
    number
        && area
        && parts.len() >= 2
        && parts.iter().all(|p| !p.is_empty() && p.chars().all(|c| c.is_ascii_lowercase()))
}

/// Names to suggest before AWS was asked.
const KNOWN: &[&str] = &[
    "af-south-1",
    "ap-east-1",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-south-2",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-southeast-3",
    "ap-southeast-4",
    "ca-central-1",
    "ca-west-1",
    "eu-central-1",
    "eu-central-2",
    "eu-north-1",
    "eu-south-1",
    "eu-south-2",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "il-central-1",
    "me-central-1",
    "me-south-1",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Canned;

    const REGIONS: &str = "<DescribeRegionsResponse><regionInfo>\
        <item><regionName>us-east-1</regionName></item><item><regionName>eu-west-1</regionName></item>\
        </regionInfo></DescribeRegionsResponse>";
    const DENIED: &str = "<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>no</Message></Error></Errors></Response>";

    fn names(regions: &[&str]) -> Vec<String> {
        regions.iter().map(|r| (*r).to_owned()).collect()
    }

    async fn asked(canned: &Canned, session: &[&str], regions: &[&str]) -> Result<Vec<String>, Fault> {
        let places = places(&canned.aws(session), Some(&names(regions)), None).await?;
        Ok(places.into_iter().map(|p| p.region).collect())
    }

    #[tokio::test]
    async fn the_sessions_regions_unless_others_are_asked_for() {
        let canned = Canned::new().on("ec2", "DescribeRegions", REGIONS);
        assert_eq!(
            asked(&canned, &["eu-west-1", "eu-west-2"], &[]).await.unwrap(),
            ["eu-west-1", "eu-west-2"]
        );
        assert_eq!(asked(&canned, &["eu-west-1"], &["eu-west-1", "eu-west-1"]).await.unwrap(), ["eu-west-1"]);
        assert_eq!(canned.operations(), Vec::<String>::new(), "known regions are not looked up");
        assert_eq!(asked(&canned, &["eu-west-1"], &["all"]).await.unwrap(), ["eu-west-1", "us-east-1"]);
        assert_eq!(asked(&canned, &["all"], &[]).await.unwrap(), ["eu-west-1", "us-east-1"]);
        assert_eq!(asked(&canned, &["eu-west-1"], &["us-east-1"]).await.unwrap(), ["us-east-1"]);
    }

    #[tokio::test]
    async fn enabled_regions_are_asked_for_once() {
        let canned = Canned::new().on("ec2", "DescribeRegions", REGIONS);
        let aws = canned.aws(&["eu-west-1"]);
        for _ in 0..3 {
            places(&aws, Some(&names(&["all"])), None).await.unwrap();
        }
        assert_eq!(canned.operations(), ["DescribeRegions"]);
    }

    #[tokio::test]
    async fn an_unknown_region_is_refused_unless_aws_will_not_say() {
        let canned = Canned::new().on("ec2", "DescribeRegions", REGIONS);
        for bad in ["eu-west-9", "mars", "eu-west-1; rm -rf /", ""] {
            let fault = asked(&canned, &["eu-west-1"], &[bad]).await.unwrap_err();
            assert_eq!(fault.kind, FaultKind::Invalid, "{bad}");
            assert!(fault.hint.unwrap().contains("did you mean"));
        }
        let denied = Canned::new().failing("ec2", "DescribeRegions", 403, DENIED);
        assert_eq!(asked(&denied, &["eu-west-1"], &["eu-west-9"]).await.unwrap(), ["eu-west-9"]);
        assert!(asked(&denied, &["eu-west-1"], &["mars"]).await.is_err());
        assert_eq!(asked(&denied, &["eu-west-1"], &["all"]).await.unwrap_err().kind, FaultKind::Denied);
    }

    #[tokio::test]
    async fn a_change_goes_to_exactly_one_region() {
        let canned = Canned::new();
        let aws = canned.aws(&["eu-west-1", "eu-west-2"]);
        assert_eq!(place(&aws, None, None).await.unwrap().region, "eu-west-1");
        assert_eq!(place(&aws, Some("eu-west-2"), None).await.unwrap().region, "eu-west-2");
        assert_eq!(place(&aws, Some("all"), None).await.unwrap_err().kind, FaultKind::Invalid);
        let fault = place(&aws, None, Some("staging")).await.unwrap_err();
        assert_eq!(fault.kind, FaultKind::Invalid);
        assert!(fault.message.contains("staging"));
    }

    #[tokio::test]
    async fn a_global_service_has_one_place_per_account() {
        let canned = Canned::new();
        for (session, want) in [
            (["eu-west-1"].as_slice(), "us-east-1"),
            (&["all"], "us-east-1"),
            (&[], "us-east-1"),
            (&["cn-northwest-1", "cn-north-1"], "cn-north-1"),
            (&["us-gov-east-1"], "us-gov-west-1"),
            (&["us-iso-west-1"], "us-iso-east-1"),
        ] {
            let places = global_places(&canned.aws(session), None).await.unwrap();
            assert_eq!(places, [Place { account: None, region: want.into() }], "{session:?}");
        }
        let fault = global_places(&canned.aws(&[]), Some(&names(&["staging"]))).await.unwrap_err();
        assert_eq!(fault.kind, FaultKind::Invalid);
        assert_eq!(canned.operations(), Vec::<String>::new());
    }
}
