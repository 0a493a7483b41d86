//! Answers of IAM as they come over the wire.

use super::report::tests::HEADER;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The credential report made at 2026-11-20T02:00:00Z: an hour and four minutes before the tests' now.
pub fn report(rows: &[String]) -> String {
    let csv = std::iter::once(HEADER.to_owned()).chain(rows.iter().cloned()).collect::<Vec<_>>().join("\n");
    let content = STANDARD.encode(csv);
    answer(
        "GetCredentialReport",
        &format!(
            "<Content>{content}</Content><ReportFormat>text/csv</ReportFormat><GeneratedTime>2026-11-20T02:00:00Z</GeneratedTime>"
        ),
    )
}

/// The root account's row: MFA, and its first key (active, made, used).
pub fn root(mfa: &str, key: [&str; 3]) -> String {
    let [active, made, used] = key;
    format!(
        "<root_account>,arn:aws:iam::123456789012:root,2019-01-01T00:00:00+00:00,not_supported,2026-01-01T09:30:00+00:00,not_supported,\
         not_supported,{mfa},{active},{made},{used},N/A,N/A,false,N/A,N/A,N/A,N/A,false,N/A,false,N/A,"
    )
}

/// Where the report stands.
pub fn generated(state: &str) -> String {
    answer("GenerateCredentialReport", &format!("<State>{state}</State>"))
}

/// One page of users.
pub fn users(names: &[&str], marker: Option<&str>) -> String {
    let member = |name: &&str| {
        format!(
            "<member><Path>/</Path><UserName>{name}</UserName><UserId>AIDAEXAMPLE</UserId>\
             <Arn>arn:aws:iam::123456789012:user/{name}</Arn><CreateDate>2025-01-01T00:00:00Z</CreateDate></member>"
        )
    };
    let members: String = names.iter().map(member).collect();
    answer("ListUsers", &format!("<Users>{members}</Users>{}", more(marker)))
}

/// A user's keys: id, status, made.
pub fn keys(user: &str, keys: &[(&str, &str, &str)]) -> String {
    let member = |(id, status, made): &(&str, &str, &str)| {
        format!(
            "<member><UserName>{user}</UserName><AccessKeyId>{id}</AccessKeyId><Status>{status}</Status>\
             <CreateDate>{made}</CreateDate></member>"
        )
    };
    let members: String = keys.iter().map(member).collect();
    answer("ListAccessKeys", &format!("<AccessKeyMetadata>{members}</AccessKeyMetadata>{}", more(None)))
}

/// When a key was last used; without a date never.
pub fn last_used(user: &str, at: Option<&str>) -> String {
    let used = at.map_or_else(
        || "<Region>N/A</Region><ServiceName>N/A</ServiceName>".to_owned(),
        |at| {
            format!(
                "<LastUsedDate>{at}</LastUsedDate><Region>eu-west-1</Region><ServiceName>s3</ServiceName>"
            )
        },
    );
    answer(
        "GetAccessKeyLastUsed",
        &format!("<UserName>{user}</UserName><AccessKeyLastUsed>{used}</AccessKeyLastUsed>"),
    )
}

/// The account's summary: whether the root account has keys and MFA.
pub fn summary(keys: u8, mfa: u8) -> String {
    let entry = |key: &str, value: u8| format!("<entry><key>{key}</key><value>{value}</value></entry>");
    let map = [entry("AccountAccessKeysPresent", keys), entry("AccountMFAEnabled", mfa), entry("Users", 9)]
        .concat();
    answer("GetAccountSummary", &format!("<SummaryMap>{map}</SummaryMap>"))
}

/// One page of details: members of the three lists.
pub fn details(users: &str, groups: &str, policies: &str, marker: Option<&str>) -> String {
    answer(
        "GetAccountAuthorizationDetails",
        &format!(
            "<UserDetailList>{users}</UserDetailList><GroupDetailList>{groups}</GroupDetailList><Policies>{policies}</Policies>\
             <RoleDetailList/>{}",
            more(marker)
        ),
    )
}

/// A user in [`details`]: names of its groups, ARNs of its policies, documents of its inline policies, and the rest.
pub fn user(name: &str, groups: &[&str], policies: &[&str], inline: &[&str], rest: &str) -> String {
    let groups: String = groups.iter().map(|g| format!("<member>{g}</member>")).collect();
    format!(
        "<member><Path>/</Path><UserName>{name}</UserName><UserId>AIDAEXAMPLE</UserId>\
         <Arn>arn:aws:iam::123456789012:user/{name}</Arn><CreateDate>2025-01-01T00:00:00Z</CreateDate>\
         <GroupList>{groups}</GroupList>{}<UserPolicyList>{}</UserPolicyList>{rest}</member>",
        attached(policies),
        inline_members(inline)
    )
}

/// A group in [`details`].
pub fn group(name: &str, policies: &[&str], inline: &[&str]) -> String {
    format!(
        "<member><Path>/</Path><GroupName>{name}</GroupName><GroupId>AGPAEXAMPLE</GroupId>\
         <Arn>arn:aws:iam::123456789012:group/{name}</Arn><CreateDate>2025-01-01T00:00:00Z</CreateDate>\
         {}<GroupPolicyList>{}</GroupPolicyList></member>",
        attached(policies),
        inline_members(inline)
    )
}

/// A managed policy in [`details`], with an older version that is not in force.
pub fn policy(arn: &str, document: &str) -> String {
    let name = arn.rsplit('/').next().unwrap();
    let version = |id: &str, default: bool, document: &str| {
        format!(
            "<member><Document>{}</Document><VersionId>{id}</VersionId><IsDefaultVersion>{default}</IsDefaultVersion></member>",
            encoded(document)
        )
    };
    let versions = [
        version("v1", false, r#"{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#),
        version("v2", true, document),
    ];
    format!(
        "<member><PolicyName>{name}</PolicyName><PolicyId>ANPAEXAMPLE</PolicyId><Arn>{arn}</Arn><Path>/</Path>\
         <DefaultVersionId>v2</DefaultVersionId><AttachmentCount>1</AttachmentCount><IsAttachable>true</IsAttachable>\
         <PolicyVersionList>{}</PolicyVersionList></member>",
        versions.concat()
    )
}

/// An error answer.
pub fn error(code: &str, message: &str) -> String {
    format!(
        "<ErrorResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><Error><Type>Sender</Type><Code>{code}</Code>\
         <Message>{message}</Message></Error><RequestId>r-1</RequestId></ErrorResponse>"
    )
}

/// IAM says no to `action`.
pub fn denied(action: &str) -> String {
    error(
        "AccessDenied",
        &format!(
            "User: arn:aws:iam::123456789012:user/sam is not authorized to perform: {action} on resource: *"
        ),
    )
}

/// An answer of `operation`.
pub fn answer(operation: &str, result: &str) -> String {
    format!(
        "<{operation}Response xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><{operation}Result>{result}</{operation}Result>\
         <ResponseMetadata><RequestId>r-1</RequestId></ResponseMetadata></{operation}Response>"
    )
}

fn more(marker: Option<&str>) -> String {
    match marker {
        Some(marker) => format!("<IsTruncated>true</IsTruncated><Marker>{marker}</Marker>"),
        None => "<IsTruncated>false</IsTruncated>".to_owned(),
    }
}

fn attached(policies: &[&str]) -> String {
    let member = |arn: &&str| {
        let name = arn.rsplit('/').next().unwrap();
        format!("<member><PolicyName>{name}</PolicyName><PolicyArn>{arn}</PolicyArn></member>")
    };
    let members: String = policies.iter().map(member).collect();
    format!("<AttachedManagedPolicies>{members}</AttachedManagedPolicies>")
}

fn inline_members(documents: &[&str]) -> String {
    let member = |(n, document): (usize, &&str)| {
        format!(
            "<member><PolicyName>inline-{n}</PolicyName><PolicyDocument>{}</PolicyDocument></member>",
            encoded(document)
        )
    };
    documents.iter().enumerate().map(member).collect()
}

/// As of RFC 3986, which is how IAM sends documents.
pub fn encoded(text: &str) -> String {
    let one = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    text.bytes().map(one).collect()
}
