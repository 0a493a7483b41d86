//! Who the console is: STS GetCallerIdentity and IAM ListAccountAliases.

use crate::account::{Account, Key};
use crate::clients::{Aws, ReadClients};
use crate::fault;
use crate::place::Place;
use crate::regions;
use quarterdeck_core::scope::Identity;
use quarterdeck_core::tool::{Fault, Op};

/// The console's own operations, guarded like a tool's.
pub const OWN_OPERATIONS: &[Op] = &[
    Op::new("STS", "GetCallerIdentity", &["sts:GetCallerIdentity"]),
    Op::new("IAM", "ListAccountAliases", &["iam:ListAccountAliases"]),
    Op::new("EC2", "DescribeRegions", &["ec2:DescribeRegions"]),
];

impl Aws {
    /// Who the session is. Asked once per access key; the expiry is always that of the credentials last used.
    ///
    /// # Errors
    /// The credentials are missing, expired or refused.
    pub async fn identity(&self) -> Result<Identity, Fault> {
        let account = self.account(None).await?;
        self.identity_of(&account).await
    }

    /// The session's own region: the first one given, else the profile's or the environment's.
    pub async fn home_region(&self) -> Option<String> {
        let account = self.account(None).await.ok()?;
        regions::own_region(self, &account).ok()
    }

    /// Who the console is in `account`.
    pub(crate) async fn identity_of(&self, account: &Account) -> Result<Identity, Fault> {
        let mut known = account.identity.lock().await;
        if let (Some((told_for, identity)), Some(key)) = (known.as_ref(), account.key())
            && *told_for == key
        {
            return Ok(identity.clone());
        }
        let identity = self.ask(account).await?;
        let key = account.key().unwrap_or(Key {
            id: String::new(),
            tail: String::new(),
            expires: None,
            source: String::new(),
        });
        let identity = Identity { key_tail: Some(key.tail.clone()), expires: key.expires, ..identity };
        *known = Some((key, identity.clone()));
        Ok(identity)
    }

    async fn ask(&self, account: &Account) -> Result<Identity, Fault> {
        let region = regions::own_region(self, account).unwrap_or_else(|_| "us-east-1".to_owned());
        let place = Place { account: account.name.clone(), region };
        let clients = ReadClients::own(self);
        let (sts, iam) = (clients.sts(&place), clients.iam(&place));
        let (caller, aliases) =
            futures::join!(sts.get_caller_identity().send(), iam.list_account_aliases().send());
        let caller = caller.map_err(|e| fault::expired_with(fault::of(&e), account.profile.as_deref()))?;
        let arn = caller.arn().unwrap_or_default().to_owned();
        Ok(Identity {
            account: caller.account().unwrap_or_default().to_owned(),
            // The alias is a courtesy: without it the account number stands alone.
            alias: aliases.ok().and_then(|a| a.account_aliases().first().cloned()),
            role: role(&arn),
            arn,
            key_tail: None,
            expires: None,
        })
    }
}

/// `OnCall` out of `arn:aws:sts::123456789012:assumed-role/OnCall/jo`, `jo` out of `arn:aws:iam::123456789012:user/ops/jo`.
fn role(arn: &str) -> String {
    let resource = arn.splitn(6, ':').nth(5).unwrap_or(arn);
    let mut parts = resource.split('/');
    match parts.next() {
        Some("assumed-role") => parts.next().unwrap_or(resource).to_owned(),
        Some("federated-user") => parts.next().unwrap_or(resource).to_owned(),
        _ => resource.rsplit('/').next().unwrap_or(resource).to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_role_is_what_an_operator_calls_it() {
        for (arn, want) in [
            ("arn:aws:sts::123456789012:assumed-role/OnCall/jo", "OnCall"),
            (
                "arn:aws:sts::123456789012:assumed-role/AWSReservedSSO_ReadOnly_0123456789abcdef/jo@example.com",
                "AWSReservedSSO_ReadOnly_0123456789abcdef",
            ),
            ("arn:aws:iam::123456789012:user/ops/jo", "jo"),
            ("arn:aws:iam::123456789012:root", "root"),
            ("arn:aws-us-gov:sts::123456789012:federated-user/jo", "jo"),
        ] {
            assert_eq!(role(arn), want, "{arn}");
        }
    }
}
