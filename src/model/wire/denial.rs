//! Why AWS denied a request to a model: which policy said no, and who can change that.

use super::failure::short;

/// AWS's words for a denial, with what they mean here. `needs` is the action where they name none; `endpoint` says how a
/// private endpoint is set.
pub(crate) fn explained(said: &str, needs: &str, endpoint: &str) -> String {
    let lower = said.to_lowercase();
    let has = |words: &str| lower.contains(words);
    let words = short(said);
    let action = action(said).unwrap_or(needs);
    if has("vpc endpoint policy") {
        return format!(
            "denied by the policy of the VPC endpoint the request went through: ask its owner to allow {action} on the model ({words})"
        );
    }
    if has("explicit deny") {
        let by =
            ["service control policy", "resource control policy", "permissions boundary", "session policy"]
                .into_iter()
                .chain(["resource-based policy", "identity-based policy"])
                .find(|policy| has(policy))
                .unwrap_or("policy");
        return format!(
            "denied by an explicit deny in the {by}: often a condition on aws:SourceVpc, aws:SourceVpce or aws:SourceIp, which only a request through the private endpoint meets: {endpoint}; else ask whoever owns that policy to allow {action} ({words})"
        );
    }
    if has("marketplace") {
        return format!(
            "this account has not subscribed to the model: somebody with aws-marketplace:Subscribe must use it once in the Bedrock console, then wait a few minutes ({words})"
        );
    }
    if has("access to the model") || has("model access") {
        return format!(
            "this account has no access to the model: request it in the Bedrock console (Model access), or use another with --model ({words})"
        );
    }
    if has("security token") || has("expired") || has("signature") {
        return format!("the credentials were refused: renew them with `aws sso login` ({words})");
    }
    format!("denied: the identity needs {action} on the model ({words})")
}

/// `service:Action` out of "is not authorized to perform: service:Action on resource".
fn action(said: &str) -> Option<&str> {
    let (_, rest) = said.split_once("to perform: ")?;
    let action = rest.split_whitespace().next()?;
    (action.contains(':') && action.len() < 100).then_some(action)
}

#[cfg(test)]
mod tests {
    use super::explained;

    const WHO: &str = "User: arn:aws:sts::123456789012:assumed-role/oncall/sam is not authorized to perform: bedrock:InvokeModelWithResponseStream on resource: arn:aws:bedrock:eu-west-1:123456789012:inference-profile/eu.anthropic.claude-sonnet-5-5";

    #[test]
    fn every_policy_that_can_deny_is_told_apart() {
        for (how, words) in [
            ("with an explicit deny in an identity-based policy", ["identity-based policy", "aws:SourceVpc"]),
            ("with an explicit deny in a resource-based policy", ["resource-based policy", "SET-IT"]),
            (
                "with an explicit deny in a service control policy",
                ["service control policy", "aws:SourceVpce"],
            ),
            ("with an explicit deny in a permissions boundary", ["permissions boundary", "SET-IT"]),
            ("with an explicit deny in a VPC endpoint policy", ["policy of the VPC endpoint", "its owner"]),
            (
                "because no VPC endpoint policy allows the bedrock:InvokeModelWithResponseStream action",
                ["policy of the VPC endpoint", "bedrock:InvokeModelWithResponseStream"],
            ),
            (
                "because no identity-based policy allows the bedrock:InvokeModelWithResponseStream action",
                ["the identity needs", "bedrock:InvokeModelWithResponseStream on the model"],
            ),
        ] {
            let told = explained(&format!("{WHO} {how}"), "x:Y", "SET-IT");
            for words in words {
                assert!(told.contains(words), "{how}: {told}");
            }
            assert!(!told.contains("x:Y"), "the action AWS names is the one to allow: {told}");
        }
        for (said, words) in [
            ("You don't have access to the model with the specified model ID.", "Model access"),
            (
                "Model access is denied due to IAM user or service role is not authorized to perform the required AWS Marketplace actions (aws-marketplace:ViewSubscriptions, aws-marketplace:Subscribe)",
                "aws-marketplace:Subscribe",
            ),
            ("The security token included in the request is invalid", "aws sso login"),
            ("no", "x:Y"),
        ] {
            let told = explained(said, "x:Y", "SET-IT");
            assert!(told.contains(words), "{told}");
        }
    }
}
