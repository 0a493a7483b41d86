//! SDK errors as faults.

use crate::account;
use crate::guard::Refused;
use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use quarterdeck_core::tool::{Fault, FaultKind};
use std::cell::RefCell;
use std::error::Error;
use std::future::Future;

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

tokio::task_local! {
    /// Listens to every fault of a call, also to those the call can do without.
    static HEARD: RefCell<Vec<Fault>>;
}

/// What `running` comes to, and every fault that it met on the way.
pub(crate) async fn overheard<T>(running: impl Future<Output = T>) -> (T, Vec<Fault>) {
    HEARD
        .scope(RefCell::default(), async {
            let out = running.await;
            (out, HEARD.with(RefCell::take))
        })
        .await
}

/// The fault an SDK error stands for: denied with the IAM action, throttled, expired, missing, ...
#[must_use]
pub fn of<E, R>(error: &SdkError<E, R>) -> Fault
where
    E: ProvideErrorMetadata + Error + 'static,
    R: Status,
{
    let fault = told(error);
    // Nobody listens unless a probe does.
    let _ = HEARD.try_with(|heard| heard.borrow_mut().push(fault.clone()));
    fault
}

fn told<E, R>(error: &SdkError<E, R>) -> Fault
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
            service(code, message, e.raw().status(), std::any::type_name::<E>())
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
        SdkError::DispatchFailure(failure) => !failure.as_connector_error().is_some_and(|e| never_sent(e)),
        SdkError::ServiceError(e) => e.raw().status().is_none_or(|s| s >= 500),
        _ => true,
    }
}

/// Whether an error proves that no request went out: only a connection that was never made does, and credentials
/// that were never found.
#[must_use]
pub fn never_sent(error: &(dyn Error + 'static)) -> bool {
    find::<CredentialsError>(error).is_some()
        || find::<Refused>(error).is_some()
        || find_text(error, &["tcp connect error", "dns error", "error trying to connect", "connect timeout"])
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

/// What a service's error code means. `status` decides where the code is unknown; `error` is the error's type, which
/// names the operation.
fn service(code: &str, message: &str, status: Option<u16>, error: &str) -> Fault {
    let kind = kind(code, status);
    // The encoded reason is for sts:DecodeAuthorizationMessage, not for people.
    let plain = message.split(" Encoded authorization failure message").next().unwrap_or(message).trim();
    let said = match (plain.is_empty(), code.is_empty()) {
        (false, _) => plain.to_owned(),
        (true, false) => code.to_owned(),
        (true, true) => {
            status.map_or_else(|| "no reason given".to_owned(), |s| format!("HTTP {s} without a reason"))
        }
    };
    let fault = Fault::new(kind, said);
    match kind {
        FaultKind::Denied => match denied_action(message).or_else(|| action_of(error)) {
            Some(action) => fault.action(action),
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

/// `ec2:DescribeInstances` for `aws_sdk_ec2::operation::describe_instances::DescribeInstancesError`: what to ask for
/// where AWS does not name the action. Right wherever operation and action share their name.
fn action_of(error: &str) -> Option<String> {
    let (sdk, path) = error.strip_prefix("aws_sdk_")?.split_once("::")?;
    let operation = path.rsplit("::").next()?.strip_suffix("Error")?;
    let service = match sdk {
        "cloudwatchlogs" => "logs",
        "costexplorer" => "ce",
        "elasticloadbalancingv2" => "elasticloadbalancing",
        "applicationautoscaling" => "application-autoscaling",
        same => same,
    };
    let renamed = RENAMED.iter().find(|(of, name, _)| (*of, *name) == (sdk, operation));
    Some(renamed.map_or_else(|| format!("{service}:{operation}"), |(_, _, action)| (*action).to_owned()))
}

/// Operations whose action has another name: SDK, operation, action.
const RENAMED: [(&str, &str, &str); 10] = [
    ("s3", "ListBuckets", "s3:ListAllMyBuckets"),
    ("s3", "HeadBucket", "s3:ListBucket"),
    ("s3", "ListObjectsV2", "s3:ListBucket"),
    ("s3", "HeadObject", "s3:GetObject"),
    ("s3", "CreateMultipartUpload", "s3:PutObject"),
    ("s3", "UploadPart", "s3:PutObject"),
    ("s3", "CompleteMultipartUpload", "s3:PutObject"),
    ("s3", "GetPublicAccessBlock", "s3:GetBucketPublicAccessBlock"),
    ("s3", "GetBucketEncryption", "s3:GetEncryptionConfiguration"),
    ("s3control", "GetPublicAccessBlock", "s3:GetAccountPublicAccessBlock"),
];

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
        "AlreadyExists",
        "AlreadyOwned",
        "InvalidObjectState",
        "PreconditionFailed",
        "TooManyBuckets",
    ]) {
        FaultKind::Conflict
    } else if has(&["NotFound", "NoSuch", "DoesNotExist"]) {
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
            Some(409 | 412) => FaultKind::Conflict,
            Some(429) => FaultKind::Throttled,
            Some(400..=499) => FaultKind::Invalid,
            _ => FaultKind::Unavailable,
        }
    }
}

/// The IAM action in `... is not authorized to perform: ecs:ListServices on resource ...`.
#[must_use]
pub fn denied_action(message: &str) -> Option<String> {
    let (_, rest) = message.split_once("not authorized to perform:")?;
    let rest = rest.trim_start();
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

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_ec2::operation::describe_instances::DescribeInstancesError;
    use aws_smithy_runtime_api::client::result::ConnectorError;

    const EC2: &str = "aws_sdk_ec2::operation::describe_instances::DescribeInstancesError";

    #[test]
    fn every_code_is_what_an_operator_acts_on() {
        for (code, status, want) in [
            ("UnauthorizedOperation", 403, FaultKind::Denied),
            ("AccessDenied", 403, FaultKind::Denied),
            ("AccessDeniedException", 400, FaultKind::Denied),
            ("NotAuthorizedException", 400, FaultKind::Denied),
            ("Throttling", 400, FaultKind::Throttled),
            ("ThrottlingException", 400, FaultKind::Throttled),
            ("ThrottledException", 400, FaultKind::Throttled),
            ("RequestLimitExceeded", 503, FaultKind::Throttled),
            ("TooManyRequestsException", 429, FaultKind::Throttled),
            ("SlowDown", 503, FaultKind::Throttled),
            ("ExpiredToken", 403, FaultKind::Expired),
            ("ExpiredTokenException", 400, FaultKind::Expired),
            ("RequestExpired", 400, FaultKind::Expired),
            ("InvalidClientTokenId", 403, FaultKind::Expired),
            ("UnrecognizedClientException", 400, FaultKind::Expired),
            ("AuthFailure", 401, FaultKind::Expired),
            ("SignatureDoesNotMatch", 403, FaultKind::Expired),
            ("InvalidInstanceID.NotFound", 400, FaultKind::Missing),
            ("ClusterNotFoundException", 400, FaultKind::Missing),
            ("ResourceNotFoundException", 400, FaultKind::Missing),
            ("NoSuchEntity", 404, FaultKind::Missing),
            ("ValidationError", 400, FaultKind::Invalid),
            ("InvalidParameterValue", 400, FaultKind::Invalid),
            ("InvalidParameterException", 400, FaultKind::Invalid),
            ("InvalidInstanceID.Malformed", 400, FaultKind::Invalid),
            ("MalformedQueryString", 400, FaultKind::Invalid),
            ("IncorrectInstanceState", 400, FaultKind::Conflict),
            ("OperationNotPermitted", 400, FaultKind::Conflict),
            ("ServiceNotActiveException", 400, FaultKind::Conflict),
            ("ConflictException", 409, FaultKind::Conflict),
            ("BucketAlreadyExists", 409, FaultKind::Conflict),
            ("PreconditionFailed", 412, FaultKind::Conflict),
            ("NoSuchBucket", 404, FaultKind::Missing),
            ("", 409, FaultKind::Conflict),
            ("InsufficientInstanceCapacity", 500, FaultKind::Unavailable),
            ("InternalError", 500, FaultKind::Unavailable),
            ("ServiceUnavailable", 503, FaultKind::Unavailable),
            ("", 502, FaultKind::Unavailable),
            ("", 403, FaultKind::Denied),
            ("", 404, FaultKind::Missing),
            ("SomethingNew", 400, FaultKind::Invalid),
        ] {
            assert_eq!(kind(code, Some(status)), want, "{code} {status}");
        }
    }

    #[test]
    fn a_denial_names_the_action_that_is_missing() {
        for (message, want) in [
            (
                "User: arn:aws:sts::123456789012:assumed-role/OnCall/jo is not authorized to perform: ecs:ListServices on resource: * because no identity-based policy allows the ecs:ListServices action",
                "ecs:ListServices",
            ),
            (
                "You are not authorized to perform this operation. User: arn:aws:iam::123456789012:user/jo is not authorized to perform: ec2:StopInstances on resource: arn:aws:ec2:eu-west-1:123456789012:instance/i-0123456789abcdef0. Encoded authorization failure message: AbCd-_09",
                "ec2:StopInstances",
            ),
            ("You are not authorized to perform this operation.", "ec2:DescribeInstances"),
            ("", "ec2:DescribeInstances"),
        ] {
            let fault = service("UnauthorizedOperation", message, Some(403), EC2);
            assert_eq!((fault.kind, fault.action.as_deref()), (FaultKind::Denied, Some(want)));
            assert!(!fault.message.contains("AbCd"), "{fault}");
        }
        assert_eq!(
            action_of(std::any::type_name::<DescribeInstancesError>()).as_deref(),
            Some("ec2:DescribeInstances")
        );
        let logs = "aws_sdk_cloudwatchlogs::operation::filter_log_events::FilterLogEventsError";
        assert_eq!(action_of(logs).as_deref(), Some("logs:FilterLogEvents"));
        for (error, action) in [
            ("aws_sdk_s3::operation::list_buckets::ListBucketsError", "s3:ListAllMyBuckets"),
            ("aws_sdk_s3::operation::get_bucket_acl::GetBucketAclError", "s3:GetBucketAcl"),
            (
                "aws_sdk_s3control::operation::get_public_access_block::GetPublicAccessBlockError",
                "s3:GetAccountPublicAccessBlock",
            ),
        ] {
            assert_eq!(action_of(error).as_deref(), Some(action));
        }
    }

    type Sdk = SdkError<DescribeInstancesError, aws_smithy_runtime_api::client::orchestrator::HttpResponse>;

    fn refused() -> ConnectorError {
        ConnectorError::io("client error (Connect): tcp connect error: Connection refused".into())
    }

    #[test]
    fn what_never_reached_aws() {
        let network: Sdk = SdkError::dispatch_failure(refused());
        assert_eq!(of(&network).kind, FaultKind::Unavailable);
        let credentials = CredentialsError::not_loaded("no provider in chain provided credentials");
        let missing: Sdk = SdkError::dispatch_failure(ConnectorError::other(credentials.into(), None));
        let fault = of(&missing);
        assert_eq!(fault.kind, FaultKind::Expired);
        assert!(fault.hint.unwrap().contains("aws sso login"));
        let guard: Sdk = SdkError::construction_failure(Refused::Nameless { by: "list_ec2_instances" });
        assert_eq!(of(&guard).kind, FaultKind::Guard);
        let slow: Sdk = SdkError::timeout_error("operation attempt timeout");
        assert_eq!(of(&slow).kind, FaultKind::Timeout);
    }

    #[test]
    fn an_answer_is_lost_unless_it_is_known_that_nothing_happened() {
        let reset = ConnectorError::io("connection reset by peer".into());
        for (error, want) in [
            (SdkError::dispatch_failure(refused()), false),
            (SdkError::dispatch_failure(reset), true),
            (SdkError::timeout_error("operation attempt timeout"), true),
            (SdkError::construction_failure("no region"), false),
        ] {
            let error: Sdk = error;
            assert_eq!(lost(&error), want, "{error:?}");
        }
    }
}
