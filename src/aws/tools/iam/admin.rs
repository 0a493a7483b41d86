//! Who is an administrator: whoever can give itself every permission. Pure.
//!
//! `yes`: some policy of the user lets it write its own policies (`iam:PutUserPolicy` or `iam:AttachUserPolicy` on itself), and
//! nothing limits that. `*` on `*`, AdministratorAccess, `iam:*` and every `NotAction` that leaves these open are such.
//!
//! `unknown`: that, but under a condition, or beside any Deny, a permissions boundary, or a policy that could not be read,
//! all of which may take it away; or a known way to more: passing or assuming a role, the keys and passwords of
//! other users, the policies of groups and roles, new versions of policies, code that runs as a role.
//!
//! `no`: every policy was read and none of this is in them.

use super::policy::{Cover, Statement};

/// Whether a user is an administrator, and what decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Admin {
    /// Yes; the statement.
    Yes(String),
    /// No.
    No,
    /// It cannot be told; why.
    Unknown(String),
}

impl Admin {
    /// As a cell shows it.
    pub const fn label(&self) -> &'static str {
        match self {
            Self::Yes(_) => "yes",
            Self::No => "no",
            Self::Unknown(_) => "unknown",
        }
    }
}

/// A policy that applies to a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Its name and where it comes from: `AdministratorAccess of group ops`.
    pub name: String,
    /// Its statements; `None` where it could not be read.
    pub statements: Option<Vec<Statement>>,
}

/// All that decides.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The user's ARN.
    pub arn: &'a str,
    /// Its name.
    pub user: &'a str,
    /// Every policy that applies to it.
    pub policies: &'a [Policy],
    /// The ARN of its permissions boundary.
    pub boundary: Option<&'a str>,
    /// The ARNs of all users of the account, sorted.
    pub users: &'a [&'a str],
}

/// With one of these on itself a user can give itself anything.
const OWN: [&str; 2] = ["iam:PutUserPolicy", "iam:AttachUserPolicy"];
/// With one of these on another user it can become that user.
const OF_OTHERS: [&str; 5] = [
    "iam:CreateAccessKey",
    "iam:CreateLoginProfile",
    "iam:UpdateLoginProfile",
    "iam:PutUserPolicy",
    "iam:AttachUserPolicy",
];
/// With one of these it may come to more, by a group, a role or a policy that is not examined: action, service of the
/// resource, in words.
const WAYS: [(&str, &[&str], &str); 16] = [
    ("iam:AddUserToGroup", &["iam"], "it may join a group"),
    ("iam:PutGroupPolicy", &["iam"], "it may change what a group may do"),
    ("iam:AttachGroupPolicy", &["iam"], "it may change what a group may do"),
    ("iam:CreatePolicyVersion", &["iam"], "it may change a policy"),
    ("iam:SetDefaultPolicyVersion", &["iam"], "it may change a policy"),
    ("iam:PutRolePolicy", &["iam"], "it may change what a role may do"),
    ("iam:AttachRolePolicy", &["iam"], "it may change what a role may do"),
    ("iam:UpdateAssumeRolePolicy", &["iam"], "it may let itself assume a role"),
    ("iam:PassRole", &["iam"], "it may pass a role to a service"),
    ("sts:AssumeRole", &["iam"], "it may assume a role"),
    ("lambda:UpdateFunctionCode", &["lambda"], "it may run code as a function's role"),
    ("ssm:SendCommand", &["ssm", "ec2"], "it may run code as an instance's role"),
    ("ssm:StartSession", &["ssm", "ec2"], "it may run code as an instance's role"),
    ("cloudformation:UpdateStack", &["cloudformation"], "it may act as a stack's role"),
    ("codebuild:StartBuild", &["codebuild"], "it may run code as a build's role"),
    ("glue:UpdateDevEndpoint", &["glue"], "it may run code as an endpoint's role"),
];

/// Whether the user is an administrator.
pub fn judge(of: Subject<'_>) -> Admin {
    let statements = |allows: bool| {
        of.policies
            .iter()
            .flat_map(|p| p.statements.iter().flatten().map(move |s| (p.name.as_str(), s)))
            .filter(move |(_, s)| s.allows == allows)
    };
    let own = |statement: &Statement| {
        OWN.iter().map(|action| statement.covers(action, of.arn, of.user)).max().unwrap_or(Cover::No)
    };
    let best = statements(true).map(|(policy, s)| (own(s), policy, s)).max_by_key(|(cover, ..)| *cover);
    let unread = of.policies.iter().find(|p| p.statements.is_none());
    let unreadable = |p: &Policy| format!("the policy {} could not be read", p.name);
    if let Some((cover @ (Cover::Yes | Cover::Perhaps), policy, statement)) = best {
        let said = said(policy, statement);
        let denied = statements(false).next();
        return if cover == Cover::Perhaps {
            Admin::Unknown(format!("{said}: whether that holds is not decided here"))
        } else if let Some(boundary) = of.boundary {
            let name = boundary.rsplit('/').next().unwrap_or(boundary);
            Admin::Unknown(format!("{said}, within the permissions boundary {name}"))
        } else if let Some((policy, _)) = denied {
            Admin::Unknown(format!("{said}, but {policy} denies something"))
        } else if let Some(policy) = unread {
            Admin::Unknown(format!("{said}, but {}", unreadable(policy)))
        } else {
            Admin::Yes(said)
        };
    }
    let account = of.arn.split(':').nth(4).unwrap_or_default();
    for (policy, statement) in statements(true) {
        let of_others =
            OF_OTHERS.iter().find(|action| statement.covers_another(action, of.arn, of.user, of.users));
        if let Some(action) = of_others {
            return Admin::Unknown(format!(
                "{action} in {policy} ({}): it may become another user",
                statement.id
            ));
        }
        let way = WAYS
            .iter()
            .find(|(action, services, _)| statement.names(action) && statement.reaches(services, account));
        if let Some((action, _, way)) = way {
            return Admin::Unknown(format!("{action} in {policy} ({}): {way}", statement.id));
        }
    }
    unread.map_or(Admin::No, |policy| Admin::Unknown(unreadable(policy)))
}

/// The statement that decided, and nothing else of its policy.
fn said(policy: &str, statement: &Statement) -> String {
    format!("{policy} ({}): {}", statement.id, statement.words())
}

#[cfg(test)]
mod tests {
    use super::super::policy;
    use super::*;

    const ME: &str = "arn:aws:iam::123456789012:user/ops/dana";
    const BOB: &str = "arn:aws:iam::123456789012:user/bob";
    const ALL: &str = r#"{"Effect":"Allow","Action":"*","Resource":"*"}"#;

    fn policies(statements: &[&str]) -> Vec<Policy> {
        let document = format!(r#"{{"Version":"2012-10-17","Statement":[{}]}}"#, statements.join(","));
        vec![Policy { name: "p".into(), statements: policy::parse(&document).ok() }]
    }

    fn judged(policies: &[Policy], boundary: Option<&str>) -> Admin {
        judge(Subject { arn: ME, user: "dana", policies, boundary, users: &[BOB, ME] })
    }

    #[test]
    fn judgements() {
        for (statements, want, says) in [
            // Everything, in each way it can be said.
            (vec![ALL], "yes", "Allow Action * on Resource *"),
            (vec![r#"{"Effect":"Allow","Action":["s3:Get*","*"],"Resource":["x","*"]}"#], "yes", "p (#1)"),
            (vec![r#"{"Effect":"Allow","Action":"*:*","Resource":"*"}"#], "yes", ""),
            (
                vec![r#"{"Sid":"Iam","Effect":"Allow","Action":"iam:*","Resource":"*"}"#],
                "yes",
                "p (Iam): Allow Action iam:*",
            ),
            (vec![r#"{"Effect":"Allow","Action":"IAM:putuserpolicy","Resource":"*"}"#], "yes", ""),
            (
                vec![
                    r#"{"Effect":"Allow","Action":"iam:Attach*","Resource":"arn:aws:iam::*:user/ops/${aws:username}"}"#,
                ],
                "yes",
                "",
            ),
            (
                vec![r#"{"Effect":"Allow","NotAction":"aws-portal:*","Resource":"*"}"#],
                "yes",
                "NotAction aws-portal:*",
            ),
            (
                vec![r#"{"Effect":"Allow","Action":"*","NotResource":"arn:aws:s3:::logs/*"}"#],
                "yes",
                "NotResource",
            ),
            (vec![r#"{"Effect":"Allow","Action":"s3:*","Resource":"*"}"#, ALL], "yes", "(#2)"),
            // What limits it makes it undecidable, never no.
            (
                vec![
                    r#"{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}}}"#,
                ],
                "unknown",
                "under a condition",
            ),
            (
                vec![ALL, r#"{"Effect":"Deny","Action":"s3:DeleteBucket","Resource":"*"}"#],
                "unknown",
                "denies something",
            ),
            (
                vec![
                    ALL,
                    r#"{"Effect":"Deny","NotAction":"iam:*","Resource":"*","Condition":{"Bool":{"x":"false"}}}"#,
                ],
                "unknown",
                "denies",
            ),
            (
                vec![
                    r#"{"Effect":"Allow","Action":"iam:PutUserPolicy","Resource":"arn:aws:iam::123456789012:user/${aws:PrincipalTag/a}/*"}"#,
                ],
                "unknown",
                "not decided",
            ),
            // Known ways to more.
            (
                vec![
                    r#"{"Effect":"Allow","NotAction":["iam:*","organizations:*","account:*"],"Resource":"*"}"#,
                ],
                "unknown",
                "sts:AssumeRole",
            ),
            (
                vec![
                    r#"{"Effect":"Allow","Action":"iam:PassRole","Resource":"arn:aws:iam::123456789012:role/app"}"#,
                ],
                "unknown",
                "pass a role",
            ),
            (
                vec![r#"{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"*"}"#],
                "unknown",
                "assume a role",
            ),
            (
                vec![r#"{"Effect":"Allow","Action":"iam:CreatePolicyVersion","Resource":"*"}"#],
                "unknown",
                "change a policy",
            ),
            (
                vec![r#"{"Effect":"Allow","Action":"iam:AddUserToGroup","Resource":"*"}"#],
                "unknown",
                "join a group",
            ),
            (
                vec![r#"{"Effect":"Allow","Action":"iam:CreateAccessKey","Resource":"*"}"#],
                "unknown",
                "become another user",
            ),
            (vec![r#"{"Effect":"Allow","Action":"lambda:*","Resource":"*"}"#], "unknown", "run code"),
            (
                vec![
                    r#"{"Effect":"Allow","Action":"iam:UpdateAssumeRolePolicy","Resource":"*","Condition":{"a":{"b":"c"}}}"#,
                ],
                "unknown",
                "assume",
            ),
            // Provably not.
            (vec![r#"{"Effect":"Allow","Action":["s3:*","ec2:Describe*"],"Resource":"*"}"#], "no", ""),
            (
                vec![
                    r#"{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::orders/*"}"#,
                    r#"{"Effect":"Deny","Action":"*","Resource":"*"}"#,
                ],
                "no",
                "",
            ),
            (
                vec![
                    r#"{"Effect":"Allow","Action":"s3:*","Resource":"*"}"#,
                    r#"{"Effect":"Deny","Action":"s3:DeleteBucket","Resource":"*"}"#,
                ],
                "no",
                "",
            ),
            (
                vec![
                    r#"{"Effect":"Allow","Action":["iam:CreateAccessKey","iam:UpdateLoginProfile"],"Resource":"arn:aws:iam::*:user/ops/${aws:username}"}"#,
                ],
                "no",
                "",
            ),
            (
                vec![
                    r#"{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"arn:aws:iam::111122223333:role/x"}"#,
                ],
                "no",
                "",
            ),
            (
                vec![r#"{"Effect":"Allow","Action":"s3:Get*","Resource":"*","Condition":{"a":{"b":"c"}}}"#],
                "no",
                "",
            ),
            (vec![r#"{"Effect":"Deny","Action":"*","Resource":"*"}"#], "no", ""),
            (vec![], "no", ""),
        ] {
            let admin = judged(&policies(&statements), None);
            let why = format!("{admin:?}");
            assert_eq!(admin.label(), want, "{statements:?}: {why}");
            assert!(why.contains(says), "{statements:?}: {why}");
        }
    }

    #[test]
    fn boundaries_and_what_could_not_be_read() {
        let boundary = Some("arn:aws:iam::123456789012:policy/developers");
        let all = policies(&[ALL]);
        assert!(matches!(judged(&all, boundary), Admin::Unknown(why) if why.contains("boundary developers")));
        let some = policies(&[r#"{"Effect":"Allow","Action":"s3:*","Resource":"*"}"#]);
        assert_eq!(judged(&some, boundary), Admin::No, "a boundary gives nothing");
        let lost = Policy { name: "lost".into(), statements: None };
        for with in [all, some, Vec::new()] {
            let with: Vec<Policy> = with.into_iter().chain([lost.clone()]).collect();
            assert!(
                matches!(judged(&with, None), Admin::Unknown(why) if why.contains("lost could not be read")),
                "{with:?}"
            );
        }
    }
}
