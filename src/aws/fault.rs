//! SDK errors as faults.

use crate::account;
use crate::guard::Refused;
use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use quarterdeck_core::tool::{Fault, FaultKind};
use std::error::Error;

/// The HTTP status an answer came with.
pub trait Status: std::fmt::Debug + 'static {
    /// The status code, when the answer is an HTTP answer.
    fn status(&self) -> Option<u16>;
}

impl Status for aws_smithy_runtime_api::client::orchestrator::HttpResponse {
    fn status(&self) -> Option<u16> {
        Some(self.status().as_u16())
    }
}

/// The fault an SDK error stands for: denied with the IAM action, throttled, expired, missing, ...
#[must_use]
pub fn of<E, R>(error: &SdkError<E, R>) -> Fault
where
    E: ProvideErrorMetadata + Error + 'static,
    R: Status,
{
    match error {
        SdkError::ConstructionFailure(_) => not_sent(error, FaultKind::Invalid),
        SdkError::TimeoutError(_) => Fault::new(FaultKind::Timeout, "AWS did not answer in time"),
        SdkError::DispatchFailure(failure) => {
            let kind = if failure.is_timeout() { FaultKind::Timeout } else { FaultKind::Unavailable };
            not_sent(error, kind)
        }
        SdkError::ResponseError(e) => {
            let status = e.raw().status().map_or_else(String::new, |s| format!(" (HTTP {s})"));
            Fault::new(FaultKind::Unavailable, format!("AWS sent an answer that cannot be read{status}"))
        }
        SdkError::ServiceError(e) => {
            let (code, message) = (e.err().code().unwrap_or_default(), e.err().message().unwrap_or_default());
            service(code, message, e.raw().status())
        }
        _ => Fault::new(FaultKind::Unavailable, chain(error)),
    }
}

/// For a write: whether it may have happened although it failed here.
#[must_use]
pub fn lost<E: Error + 'static, R: Status>(error: &SdkError<E, R>) -> bool {
    match error {
        SdkError::ConstructionFailure(_) => false,
        SdkError::TimeoutError(_) | SdkError::ResponseError(_) => true,
        // Only a connection that was never made proves that nothing was sent; without credentials nothing is signed.
        SdkError::DispatchFailure(failure) => !failure.as_connector_error().is_some_and(|e| {
            find::<CredentialsError>(e).is_some() || find_text(e, &["tcp connect error", "dns error"])
        }),
        SdkError::ServiceError(e) => e.raw().status().is_none_or(|s| s >= 500),
        _ => true,
    }
}

/// `fault` with how to renew the credentials of `profile`, when that is what it is about.
#[must_use]
pub fn expired_with(fault: Fault, profile: Option<&str>) -> Fault {
    match fault.kind {
        FaultKind::Expired => fault.hint(account::renew(profile)),
        FaultKind::Denied
        | FaultKind::Throttled
        | FaultKind::Missing
        | FaultKind::Invalid
        | FaultKind::Conflict
        | FaultKind::Unavailable
        | FaultKind::Timeout
        | FaultKind::Guard
        | FaultKind::Refused
        | FaultKind::Cancelled => fault,
    }
}

/// A credentials chain that gave nothing.
pub(crate) fn credentials(error: &CredentialsError) -> Fault {
    let message = match error {
        CredentialsError::CredentialsNotLoaded(_) => "no AWS credentials were found".to_owned(),
        _ => format!("the AWS credentials could not be loaded: {}", chain(error)),
    };
    Fault::new(FaultKind::Expired, message).hint(account::renew(None))
}

/// Nothing reached AWS: the guard, credentials, the network or the request itself.
fn not_sent(error: &(dyn Error + 'static), kind: FaultKind) -> Fault {
    if let Some(refused) = find::<Refused>(error) {
        return Fault::new(FaultKind::Guard, refused.to_string());
    }
    if let Some(e) = find::<CredentialsError>(error) {
        return credentials(e);
    }
    if find_text(error, &["missing region", "A region must be set"]) {
        return Fault::new(FaultKind::Invalid, "no region is configured")
            .hint("export AWS_REGION=eu-west-1 or start with --region eu-west-1");
    }
    match kind {
        FaultKind::Timeout => Fault::new(kind, "AWS did not answer in time"),
        FaultKind::Unavailable => Fault::new(kind, format!("AWS could not be reached: {}", chain(error)))
            .hint("check the network, the proxy and AWS_ENDPOINT_URL"),
        FaultKind::Denied
        | FaultKind::Throttled
        | FaultKind::Expired
        | FaultKind::Missing
        | FaultKind::Invalid
        | FaultKind::Conflict
        | FaultKind::Guard
        | FaultKind::Refused
        | FaultKind::Cancelled => Fault::new(kind, chain(error)),
    }
}

/// What a service's error code means. `status` decides where the code is unknown.
fn service(code: &str, message: &str, status: Option<u16>) -> Fault {
    let kind = kind(code, status);
    let said = if message.is_empty() { code } else { message };
    let fault = Fault::new(kind, said);
    match kind {
        FaultKind::Denied => match denied_action(message) {
            Some(action) => {
                Fault { message: format!("not allowed to call {action}"), ..fault }.action(action)
            }
            None => fault,
        },
        FaultKind::Expired => fault.hint(account::renew(None)),
        FaultKind::Throttled => {
            fault.hint("AWS limits the request rate here; try again in a minute or ask for less")
        }
        FaultKind::Missing
        | FaultKind::Invalid
        | FaultKind::Conflict
        | FaultKind::Unavailable
        | FaultKind::Timeout
        | FaultKind::Guard
        | FaultKind::Refused
        | FaultKind::Cancelled => fault,
    }
}

fn kind(code: &str, status: Option<u16>) -> FaultKind {
    let is = |names: &[&str]| names.contains(&code);
    let has = |parts: &[&str]| parts.iter().any(|p| code.contains(p));
    if has(&[
        "Throttl",
        "RequestLimitExceeded",
        "TooManyRequests",
        "SlowDown",
        "RequestThrottled",
        "BandwidthLimit",
    ]) || is(&["LimitExceededException", "EC2ThrottledException"]) && status == Some(429)
    {
        FaultKind::Throttled
    } else if has(&[
        "ExpiredToken",
        "RequestExpired",
        "UnrecognizedClient",
        "InvalidClientTokenId",
        "TokenRefreshRequired",
    ]) || is(&[
        "AuthFailure",
        "InvalidAccessKeyId",
        "SignatureDoesNotMatch",
        "IncompleteSignature",
        "MissingAuthenticationToken",
        "NotSignedUp",
        "OptInRequired",
        "InvalidToken",
    ]) {
        FaultKind::Expired
    } else if has(&[
        "AccessDenied",
        "UnauthorizedOperation",
        "NotAuthorized",
        "AuthorizationError",
        "Forbidden",
        "Unauthorized",
    ]) {
        FaultKind::Denied
    } else if has(&[
        "IncorrectInstanceState",
        "IncorrectState",
        "Conflict",
        "InUse",
        "NotActive",
        "NotStabilized",
        "OperationNotPermitted",
        "UnsupportedOperation",
        "InvalidState",
    ]) {
        FaultKind::Conflict
    } else if has(&["NotFound", "NoSuch", "DoesNotExist"]) || is(&["InvalidInstanceID.Malformed"]) {
        FaultKind::Missing
    } else if has(&["Validation", "Invalid", "Malformed", "Missing", "Unsupported", "BadRequest"]) {
        FaultKind::Invalid
    } else if has(&["Timeout", "TimedOut"]) {
        FaultKind::Timeout
    } else {
        match status {
            Some(403) => FaultKind::Denied,
            Some(401) => FaultKind::Expired,
            Some(404) => FaultKind::Missing,
            Some(429) => FaultKind::Throttled,
            Some(400..=499) => FaultKind::Invalid,
            _ => FaultKind::Unavailable,
        }
    }
}

/// The IAM action in `... is not authorized to perform: ecs:ListServices on resource ...`.
#[must_use]
pub fn denied_action(message: &str) -> Option<String> {
    let (_, rest) = message.split_once("not authorized to perform")?;
    let rest = rest.trim_start_matches([':', ' ']);
    let action: String =
        rest.chars().take_while(|c| c.is_ascii_alphanumeric() || matches!(c, ':' | '-')).collect();
    let (service, name) = action.split_once(':')?;
    (!service.is_empty() && !name.is_empty()).then_some(action)
}

fn find<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(e) = next {
        if let Some(found) = e.downcast_ref::<T>() {
            return Some(found);
        }
        next = e.source();
    }
    None
}

fn find_text(error: &(dyn Error + 'static), any: &[&str]) -> bool {
    let mut next = Some(error);
    while let Some(e) = next {
        let text = e.to_string();
        if any.iter().any(|part| text.contains(part)) {
            return true;
        }
        next = e.source();
    }
    false
}

/// The causes, outermost first, without repeating what a cause already says.
fn chain(error: &(dyn Error + 'static)) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut next = Some(error);
    while let Some(e) = next {
        let text = e.to_string();
        if parts.last().is_none_or(|last| !last.contains(&text)) {
            parts.push(text);
        }
        next = e.source();
    }
    parts.join(": ")
}
