//! Who did it: a CloudTrail `userIdentity` in a few words.

use serde_json::Value;

/// A caller.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Actor {
    /// `jo`, `Deployer/ci-42`, `root`, `AWSServiceRoleForECS/ECSDeployment (service-linked)`.
    pub name: String,
    /// Whether AWS acted by itself: a service, or a service through its own role.
    pub service: bool,
    /// Whether it was the account's root user.
    pub root: bool,
}

impl Actor {
    /// Out of an event's `userIdentity`; `fallback` is the user name CloudTrail's index has.
    pub fn of(identity: &Value, fallback: Option<&str>) -> Self {
        let text = |path: &str| identity.pointer(path).and_then(Value::as_str).filter(|v| !v.is_empty());
        let arn = text("/arn").unwrap_or_default();
        let issuer = text("/sessionContext/sessionIssuer/userName");
        let linked = arn.contains("/aws-service-role/")
            || text("/sessionContext/sessionIssuer/arn").is_some_and(|a| a.contains("/aws-service-role/"))
            || issuer.is_some_and(|name| name.starts_with("AWSServiceRoleFor"));
        let invoked = text("/invokedBy");
        let name = || text("/userName").or(fallback).or(text("/principalId"));
        let kind = text("/type").unwrap_or_default();
        let (mut name, service, root) = match kind {
            "Root" => ("root".to_owned(), false, true),
            "AssumedRole" => {
                let session = arn.rsplit('/').next().filter(|_| arn.contains("assumed-role/")).or(fallback);
                let role = issuer.or_else(|| arn.split("assumed-role/").nth(1)?.split('/').next());
                (joined(role, session.or(text("/principalId"))), linked, false)
            }
            "AWSService" => (invoked.or(fallback).unwrap_or("an AWS service").to_owned(), true, false),
            "FederatedUser" => {
                let user = arn.rsplit('/').next().filter(|u| !u.is_empty()).or(name()).unwrap_or("somebody");
                let of = issuer.map_or_else(String::new, |i| format!(" of {i}"));
                (format!("{user} (federated{of})"), false, false)
            }
            "SAMLUser" | "WebIdentityUser" => {
                let provider =
                    text("/identityProvider").map_or_else(String::new, |p| format!(" through {p}"));
                (format!("{} (federated{provider})", name().unwrap_or("somebody")), false, false)
            }
            "IdentityCenterUser" => {
                let user = text("/onBehalfOf/userId").or(name()).unwrap_or("somebody");
                (format!("{user} (Identity Center)"), false, false)
            }
            "AWSAccount" => {
                let account = text("/accountId").unwrap_or("?");
                (format!("{} (account {account})", name().unwrap_or("somebody")), false, false)
            }
            _ => (name().or(invoked).unwrap_or("unknown").to_owned(), linked, false),
        };
        if linked {
            name.push_str(" (service-linked)");
        }
        if let Some(through) = invoked.filter(|i| kind != "AWSService" && !name.contains(i)) {
            name.push_str(&format!(" through {}", through.trim_end_matches(".amazonaws.com")));
        }
        if let Some(source) = text("/sessionContext/sourceIdentity").filter(|s| !name.contains(s)) {
            name.push_str(&format!(" (source identity {source})"));
        }
        Self { name, service, root }
    }
}

fn joined(role: Option<&str>, session: Option<&str>) -> String {
    match (role, session) {
        (Some(role), Some(session)) => format!("{role}/{session}"),
        (Some(one), None) | (None, Some(one)) => one.to_owned(),
        (None, None) => "unknown role".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_kind_of_caller() {
        let role = |arn: &str, user: &str, session: &str| {
            json!({ "type": "AssumedRole", "arn": format!("arn:aws:sts::123456789012:assumed-role/{user}/{session}"),
                "sessionContext": { "sessionIssuer": { "type": "Role", "arn": arn, "userName": user } } })
        };
        let mut through = role("arn:aws:iam::123456789012:role/Deployer", "Deployer", "ci-42");
        through["invokedBy"] = "cloudformation.amazonaws.com".into();
        let mut source = role("arn:aws:iam::123456789012:role/Deployer", "Deployer", "ci-42");
        source["sessionContext"]["sourceIdentity"] = "jo".into();
        for (identity, name, service, root) in [
            (role("arn:aws:iam::123456789012:role/OnCall", "OnCall", "jo"), "OnCall/jo", false, false),
            (
                role(
                    "arn:aws:iam::123456789012:role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS",
                    "AWSServiceRoleForECS",
                    "ECSDeployment",
                ),
                "AWSServiceRoleForECS/ECSDeployment (service-linked)",
                true,
                false,
            ),
            (through, "Deployer/ci-42 through cloudformation", false, false),
            (source, "Deployer/ci-42 (source identity jo)", false, false),
            (json!({ "type": "AssumedRole" }), "fallback", false, false),
            (json!({ "type": "Root", "arn": "arn:aws:iam::123456789012:root" }), "root", false, true),
            (json!({ "type": "IAMUser", "userName": "al" }), "al", false, false),
            (
                json!({ "type": "AWSService", "invokedBy": "autoscaling.amazonaws.com" }),
                "autoscaling.amazonaws.com",
                true,
                false,
            ),
            (
                json!({ "type": "FederatedUser", "arn": "arn:aws:sts::123456789012:federated-user/kim",
                    "sessionContext": { "sessionIssuer": { "userName": "broker" } } }),
                "kim (federated of broker)",
                false,
                false,
            ),
            (
                json!({ "type": "WebIdentityUser", "userName": "pod", "identityProvider": "oidc.example.com" }),
                "pod (federated through oidc.example.com)",
                false,
                false,
            ),
            (
                json!({ "type": "AWSAccount", "accountId": "111122223333", "principalId": "AIDAEXAMPLE" }),
                "fallback (account 111122223333)",
                false,
                false,
            ),
            (json!({ "type": "Unheard" }), "fallback", false, false),
            (json!(null), "fallback", false, false),
            (json!("garbage"), "fallback", false, false),
        ] {
            let actor = Actor::of(&identity, Some("fallback"));
            assert_eq!(actor, Actor { name: name.into(), service, root }, "{identity}");
        }
        assert_eq!(Actor::of(&json!(null), None).name, "unknown");
    }
}
