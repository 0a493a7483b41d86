//! Requests to IAM.

use super::age::{Key, Status, Used};
use super::report::Report;
use crate::instant;
use crate::tool::CEILING;
use crate::tools::reading::patience::Patience;
use aws_sdk_iam::Client;
use aws_sdk_iam::types::{AccessKeyMetadata, ReportStateType, StatusType, SummaryKeyType};
use quarterdeck_core::tool::{Fault, FaultKind};
use std::time::Duration;

/// Pauses between asking whether the report is made; AWS takes some seconds for thousands of users.
const PAUSES: [Duration; 4] =
    [Duration::from_millis(500), Duration::from_secs(1), Duration::from_secs(2), Duration::from_secs(4)];
/// Users of one page.
const PAGE: i32 = 1_000;

/// The credential report, made anew unless there is one younger than four hours. Sources: IAM
/// GenerateCredentialReport, GetCredentialReport.
///
/// # Errors
/// AWS's; `timeout` when it is not made in time.
pub async fn report(iam: &Client, patience: Patience) -> Result<Report, Fault> {
    let made = make_report(iam, patience).await;
    match &made {
        // Somebody else may have had one made.
        Err(fault) if fault.kind != FaultKind::Denied => return Err(fault.clone()),
        Err(_) | Ok(()) => {}
    }
    match patience.page(iam.get_credential_report().send()).await {
        Ok(answer) => {
            let csv = answer.content().map(AsRef::<[u8]>::as_ref).unwrap_or_default();
            Report::parse(csv, instant::of(answer.generated_time()))
                .map_err(|e| Fault::new(FaultKind::Unavailable, e.to_string()))
        }
        Err(failure) => {
            let absent = failure.service().is_some_and(|e| {
                e.is_credential_report_not_present_exception()
                    || e.is_credential_report_expired_exception()
                    || e.is_credential_report_not_ready_exception()
            });
            Err(match (absent, made) {
                (true, Err(denied)) => denied,
                (true, Ok(())) => not_made(),
                (false, _) => failure.fault(),
            })
        }
    }
}

async fn make_report(iam: &Client, patience: Patience) -> Result<(), Fault> {
    let mut pauses = PAUSES.into_iter();
    loop {
        let answer = patience.page(iam.generate_credential_report().send()).await.map_err(|e| e.fault())?;
        if answer.state() == Some(&ReportStateType::Complete) {
            return Ok(());
        }
        let Some(pause) = pauses.next() else { return Err(not_made()) };
        tokio::time::sleep(pause).await;
    }
}

fn not_made() -> Fault {
    Fault::new(FaultKind::Timeout, "AWS is still making the credential report").hint("try again in a minute")
}

/// What the account's summary says of the root account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Root {
    /// Whether it has an access key.
    pub keys: Option<bool>,
    /// Whether it has a second factor.
    pub mfa: Option<bool>,
}

/// The root account. Source: IAM GetAccountSummary.
///
/// # Errors
/// AWS's.
pub async fn root(iam: &Client, patience: Patience) -> Result<Root, Fault> {
    let answer = patience.page(iam.get_account_summary().send()).await.map_err(|e| e.fault())?;
    let value = |key: SummaryKeyType| answer.summary_map().and_then(|map| map.get(&key)).map(|n| *n > 0);
    Ok(Root {
        keys: value(SummaryKeyType::AccountAccessKeysPresent),
        mfa: value(SummaryKeyType::AccountMfaEnabled),
    })
}

/// The names of all users, a ceiling's worth.
#[derive(Debug, Default)]
pub struct Users {
    /// In AWS's order.
    pub names: Vec<String>,
    /// There are more than were read.
    pub more: bool,
    /// Why the rest is missing.
    pub lost: Option<Fault>,
}

/// Every user. Source: IAM ListUsers.
///
/// # Errors
/// AWS's, when not even the first page came.
pub async fn users(iam: &Client, patience: Patience) -> Result<Users, Fault> {
    let mut users = Users::default();
    let mut marker = None;
    loop {
        let asked = iam.list_users().max_items(PAGE).set_marker(marker);
        let page = match patience.page(asked.send()).await {
            Ok(page) => page,
            Err(failure) if users.names.is_empty() => return Err(failure.fault()),
            Err(failure) => {
                users.lost = Some(failure.fault());
                return Ok(users);
            }
        };
        users.names.extend(page.users().iter().map(|u| u.user_name().to_owned()));
        marker = page.marker().filter(|_| page.is_truncated()).map(str::to_owned);
        if marker.is_none() {
            return Ok(users);
        }
        if users.names.len() >= CEILING {
            users.names.truncate(CEILING);
            users.more = true;
            return Ok(users);
        }
    }
}

/// The keys of `user`, with their ids; when they were last used is not known yet. Source: IAM ListAccessKeys.
///
/// # Errors
/// `missing`: there is no such user.
pub async fn keys_of(iam: &Client, user: &str, patience: Patience) -> Result<Vec<Key>, Fault> {
    let mut keys = Vec::new();
    let mut marker = None;
    loop {
        let asked = iam.list_access_keys().user_name(user).set_marker(marker);
        let page = patience.page(asked.send()).await.map_err(|e| e.fault())?;
        keys.extend(page.access_key_metadata().iter().map(|found| key(user, found)));
        marker = page.marker().filter(|_| page.is_truncated()).map(str::to_owned);
        if marker.is_none() {
            return Ok(keys);
        }
    }
}

fn key(user: &str, found: &AccessKeyMetadata) -> Key {
    Key {
        user: user.to_owned(),
        root: false,
        id: found.access_key_id().map(str::to_owned),
        status: match found.status() {
            Some(StatusType::Active) => Status::Active,
            Some(StatusType::Inactive) => Status::Inactive,
            _ => Status::Present,
        },
        created: instant::of(found.create_date()),
        used: Used::NotKnown,
    }
}

/// A key's last use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastUse {
    /// When.
    pub at: Used,
    /// Where, as `s3 in eu-west-1`.
    pub place: Option<String>,
    /// The user the key belongs to.
    pub user: Option<String>,
}

/// When the key `id` was last used. Source: IAM GetAccessKeyLastUsed.
///
/// # Errors
/// AWS's; a key of another account is `denied`.
pub async fn last_use(iam: &Client, id: &str, patience: Patience) -> Result<LastUse, Fault> {
    let asked = iam.get_access_key_last_used().access_key_id(id);
    let answer = patience.page(asked.send()).await.map_err(|e| e.fault())?;
    let used = answer.access_key_last_used();
    let at = used.and_then(|u| instant::of(u.last_used_date()));
    let known = |text: &str| !text.is_empty() && text != "N/A";
    let place = used.filter(|u| at.is_some() && known(u.service_name())).map(|u| {
        let region = if known(u.region()) { format!(" in {}", u.region()) } else { String::new() };
        format!("{}{region}", u.service_name())
    });
    Ok(LastUse { at: at.map_or(Used::Never, Used::At), place, user: answer.user_name().map(str::to_owned) })
}
