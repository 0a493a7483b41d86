//! What stands between the console and AWS: credentials, regions, clocks.

use crate::clients::{Aws, ReadClients};
use crate::place::Place;
use crate::regions;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::BeforeDeserializationInterceptorContextRef;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use quarterdeck_core::Timestamp;
use quarterdeck_core::tool::{Fault, FaultKind};
use std::sync::{Arc, Mutex, PoisonError};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

/// The credentials in use. Never the secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// Where they come from, in words.
    pub source: String,
    /// The access key id's last four characters.
    pub tail: String,
    /// When they end.
    pub expires: Option<Timestamp>,
    /// The AWS profile, when one is named.
    pub profile: Option<String>,
}

/// The session's regions, as AWS sees them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Regions {
    /// The ones the session looks at.
    pub session: Vec<String>,
    /// Those of them that are not enabled in the account; `None`: AWS does not say.
    pub disabled: Option<Vec<String>>,
    /// Why AWS does not say.
    pub unknown: Option<Fault>,
}

impl Aws {
    /// The credentials the chain gives out, of the session or of a configured account. Nothing is sent to AWS unless the
    /// chain itself does.
    ///
    /// # Errors
    /// `expired`: it gives none, or they have ended.
    pub async fn credentials(&self, account: Option<&str>) -> Result<Credentials, Fault> {
        let account = self.account(account).await?;
        account.have_credentials().await?;
        let key =
            account.key().ok_or_else(|| Fault::new(FaultKind::Expired, "the chain gave no credentials"))?;
        let found = Credentials {
            source: source(&key.source),
            tail: key.tail,
            expires: key.expires,
            profile: account.profile.clone(),
        };
        match found.expires {
            Some(end) if end <= self.now() => {
                Err(Fault::new(FaultKind::Expired, format!("the credentials ended at {end}"))
                    .hint(crate::account::renew(account.profile.as_deref())))
            }
            Some(_) | None => Ok(found),
        }
    }

    /// The session's regions. Source: EC2 DescribeRegions.
    ///
    /// # Errors
    /// `invalid`: none is configured.
    pub async fn session_regions(&self) -> Result<Regions, Fault> {
        let account = self.account(None).await?;
        let mut session = self.settings().regions.clone();
        if session.is_empty() {
            session.push(regions::own_region(self, &account)?);
        }
        Ok(match regions::enabled(self, &account).await {
            Ok(enabled) => {
                let off = session.iter().filter(|r| *r != "all" && !enabled.contains(r)).cloned().collect();
                Regions { session, disabled: Some(off), unknown: None }
            }
            Err(fault) => Regions { session, disabled: None, unknown: Some(fault) },
        })
    }

    /// The time by AWS's clock and by ours, from one answer of STS, whatever it says; `None`: there was no answer, or it
    /// had no date.
    pub async fn clocks(&self) -> Option<(Timestamp, Timestamp)> {
        let account = self.account(None).await.ok()?;
        let region = regions::own_region(self, &account).unwrap_or_else(|_| "us-east-1".to_owned());
        let place = Place { account: None, region };
        let dated = Dated { aws: self.clone(), seen: Arc::default() };
        let request =
            ReadClients::own(self).sts(&place).get_caller_identity().customize().interceptor(dated.clone());
        // A refusal is dated as well.
        let _ = request.send().await;
        *dated.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads the Date header of an answer as it arrives.
#[derive(Clone, Debug)]
struct Dated {
    aws: Aws,
    seen: Arc<Mutex<Option<(Timestamp, Timestamp)>>>,
}

impl Intercept for Dated {
    fn name(&self) -> &'static str {
        "QuarterdeckDated"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _cfg: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(theirs) = context.response().headers().get("date").and_then(date) {
            let ours = self.aws.now();
            *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some((theirs, ours));
        }
        Ok(())
    }
}

/// `Fri, 20 Nov 2026 03:04:05 GMT`.
fn date(header: &str) -> Option<Timestamp> {
    let at = OffsetDateTime::parse(header, &Rfc2822).ok()?;
    Some(Timestamp::from_millis(at.unix_timestamp().checked_mul(1_000)?))
}

/// What the SDK calls a provider, in words.
fn source(provider: &str) -> String {
    match provider {
        "EnvironmentVariable" => "environment variables",
        "ProfileFile" => "the profile's keys",
        "SSO" => "single sign-on",
        "Login" => "aws login",
        "AssumeRoleProvider" => "an assumed role",
        "WebIdentityToken" => "a web identity token",
        "IMDSv2" => "the instance's role",
        "EcsContainer" => "the container's role",
        "CredentialProcess" => "credential_process",
        "embedded" => "the embedded account",
        other => other,
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Canned, NOW};

    #[test]
    fn dates_of_http() {
        assert_eq!(date("Fri, 20 Nov 2026 03:04:05 GMT"), Some(NOW));
        assert_eq!(date("yesterday"), None);
    }

    #[tokio::test]
    async fn credentials_say_where_they_come_from() {
        let found = Canned::new().aws(&["eu-west-1"]).credentials(None).await.unwrap();
        assert_eq!(
            (found.source.as_str(), found.tail.as_str(), found.expires),
            ("the embedded account", "MPLE", None)
        );
    }

    #[tokio::test]
    async fn regions_that_are_not_enabled() {
        const REGIONS: &str = "<DescribeRegionsResponse><regionInfo><item><regionName>eu-west-1</regionName></item></regionInfo></DescribeRegionsResponse>";
        let canned = Canned::new().on("ec2", "DescribeRegions", REGIONS);
        let found = canned.aws(&["eu-west-1", "me-south-1"]).session_regions().await.unwrap();
        assert_eq!(found.disabled, Some(vec!["me-south-1".to_owned()]));
        let denied = "<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>no</Message></Error></Errors></Response>";
        let canned = Canned::new().failing("ec2", "DescribeRegions", 403, denied);
        let found = canned.aws(&["eu-west-1"]).session_regions().await.unwrap();
        assert_eq!((found.disabled, found.unknown.unwrap().kind), (None, FaultKind::Denied));
    }
}
