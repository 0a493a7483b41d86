//! Why Bedrock did not answer, in words, and whether to try again.

use crate::wire::denial;
use crate::wire::failure::{Again, Failure, Names, short};
use aws_sdk_bedrockruntime::types::error::ConverseStreamOutputError;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use quarterdeck_core::message::ModelErrorKind::{Credentials, Invalid, Overloaded};
use std::error::Error;
use std::fmt::Debug;

/// What was asked for.
pub(super) struct Asked<'a> {
    /// The model's id.
    pub(super) model: &'a str,
    /// Where.
    pub(super) region: Option<&'a str>,
}

/// A request that failed.
pub(super) fn of<E, R>(error: &SdkError<E, R>, asked: &Asked<'_>) -> Failure
where
    E: ProvideErrorMetadata + Error + 'static,
    R: Debug + 'static,
{
    match error {
        SdkError::ServiceError(context) => {
            let inner = context.err();
            service(inner.code().unwrap_or_default(), inner.message().unwrap_or_default(), asked)
        }
        SdkError::DispatchFailure(failure) if failure.is_user() || failure.is_other() => Failure::new(
            Credentials,
            format!(
                "no usable AWS credentials for Bedrock ({}): renew them with `aws sso login`",
                cause(error)
            ),
            "no usable credentials",
            Again::Never,
        ),
        SdkError::DispatchFailure(_) | SdkError::TimeoutError(_) => {
            Failure::unreachable("Bedrock", &cause(error), &names())
        }
        SdkError::ConstructionFailure(_) if asked.region.is_none() => Failure::new(
            Invalid,
            "no region for Bedrock: start with --region NAME, or set AWS_REGION",
            "no region",
            Again::Never,
        ),
        SdkError::ConstructionFailure(_) => Failure::new(
            Invalid,
            format!("the request for Bedrock could not be made ({})", cause(error)),
            "a bad request",
            Again::Never,
        ),
        // What came is not its protocol.
        _ => Failure::truncated(&cause(error)),
    }
}

/// An answer that broke off: an exception in the stream, or the connection.
pub(super) fn within<R>(error: &SdkError<ConverseStreamOutputError, R>) -> Failure
where
    R: Debug + 'static,
{
    let SdkError::ServiceError(context) = error else { return Failure::truncated(&cause(error)) };
    // The exceptions of a stream carry no code: their kind is their type.
    let code = match context.err() {
        ConverseStreamOutputError::InternalServerException(_) => "InternalServerException",
        ConverseStreamOutputError::ModelStreamErrorException(_) => "ModelStreamErrorException",
        ConverseStreamOutputError::ValidationException(_) => "ValidationException",
        ConverseStreamOutputError::ThrottlingException(_) => "ThrottlingException",
        ConverseStreamOutputError::ServiceUnavailableException(_) => "ServiceUnavailableException",
        other => other.code().unwrap_or("InternalServerException"),
    };
    let said = match context.err() {
        ConverseStreamOutputError::ModelStreamErrorException(error) => {
            error.original_message().or(error.message()).unwrap_or_default()
        }
        other => other.message().unwrap_or_default(),
    };
    service(code, said, &Asked { model: "", region: None })
}

/// What Bedrock says is wrong, by its code.
fn service(code: &str, said: &str, asked: &Asked<'_>) -> Failure {
    let words = short(said);
    let lower = said.to_lowercase();
    let has = |part: &str| lower.contains(part);
    let status = |status| Failure::status(status, said, None, &names());
    let invalid = |message: String| Failure::new(Invalid, message, "refused", Again::Never);
    match code {
        "AccessDeniedException" => Failure::new(
            Credentials,
            denial::explained(
                said,
                "bedrock:InvokeModelWithResponseStream",
                "set AWS_ENDPOINT_URL_BEDROCK_RUNTIME to it",
            ),
            "denied",
            Again::Never,
        ),
        "UnrecognizedClientException"
        | "ExpiredTokenException"
        | "InvalidSignatureException"
        | "IncompleteSignatureException"
        | "MissingAuthenticationTokenException" => Failure::new(
            Credentials,
            format!("the credentials were refused ({words}): renew them with `aws sso login`"),
            "refused",
            Again::Never,
        ),
        "ValidationException" if has("on-demand throughput") => invalid(format!(
            "{} is only answered through an inference profile: use --model {} ({words})",
            asked.model,
            profile(asked)
        )),
        "ValidationException" | "ResourceNotFoundException"
            if has("model identifier") || has("not supported in") =>
        {
            invalid(format!(
                "there is no model {:?} in {}: check its id (an inference profile begins with eu., us., apac. or global.) and the region ({words})",
                asked.model,
                asked.region.unwrap_or("this region")
            ))
        }
        "ResourceNotFoundException" if has("use case") => invalid(format!(
            "the account has not told Bedrock its use case yet: fill in the form in the Bedrock console, then wait 15 minutes ({words})"
        )),
        "ThrottlingException" | "TooManyRequestsException" if has("per day") => Failure::new(
            Overloaded,
            format!(
                "the account's tokens for today are used up ({words}): use another model, or ask for a higher quota"
            ),
            "used up",
            Again::Never,
        ),
        "ThrottlingException" | "TooManyRequestsException" | "ServiceQuotaExceededException" => status(429),
        "ModelNotReadyException" => Failure::new(
            Overloaded,
            format!("the model is being started ({words}): ask again in a minute"),
            "not ready",
            Again::Backoff,
        ),
        "ServiceUnavailableException" => status(503),
        "ModelTimeoutException" => status(408),
        "ResourceNotFoundException" => status(404),
        "InternalServerException" | "ModelErrorException" | "ModelStreamErrorException" => status(500),
        "ValidationException" => status(400),
        other => Failure::status(400, &format!("{other}: {said}"), None, &names()),
    }
}

/// The id of the inference profile that most likely has the model: the geography's prefix and the model's id.
fn profile(asked: &Asked<'_>) -> String {
    let geography = match asked.region.and_then(|region| region.split('-').next()) {
        Some("us" | "ca") if asked.region.is_some_and(|region| region.starts_with("us-gov")) => "us-gov",
        Some("us" | "ca") => "us",
        Some("eu") => "eu",
        Some("ap") => "apac",
        Some(_) | None => "global",
    };
    format!("{geography}.{}", asked.model)
}

fn names() -> Names {
    Names::new("the AWS credentials", "AWS_ENDPOINT_URL_BEDROCK_RUNTIME and the region")
}

/// The innermost cause: the SDK's own words stop at "dispatch failure".
fn cause(error: &(dyn Error + 'static)) -> String {
    let mut innermost = error;
    while let Some(inner) = innermost.source() {
        innermost = inner;
    }
    short(&innermost.to_string())
}

#[cfg(test)]
mod tests {
    use super::{Asked, service};
    use crate::wire::failure::Again;
    use quarterdeck_core::message::ModelErrorKind::{Credentials, Invalid, Overloaded, TooLong, Unavailable};

    #[test]
    fn what_bedrock_says_becomes_what_to_do() {
        for (code, said, kind, again, word) in [
            (
                "AccessDeniedException",
                "User: x is not authorized to perform: bedrock:InvokeModelWithResponseStream on resource: y with an explicit deny in an identity-based policy",
                Credentials,
                Again::Never,
                "AWS_ENDPOINT_URL_BEDROCK_RUNTIME",
            ),
            (
                "AccessDeniedException",
                "You don't have access to the model with the specified model ID.",
                Credentials,
                Again::Never,
                "Model access",
            ),
            ("ExpiredTokenException", "expired", Credentials, Again::Never, "aws sso login"),
            (
                "ValidationException",
                "Invocation of model ID a.model-v1:0 with on-demand throughput isn\u{2019}t supported. Retry your request with the ID or ARN of an inference profile that contains this model.",
                Invalid,
                Again::Never,
                "--model eu.a.model-v1:0",
            ),
            (
                "ValidationException",
                "The provided model identifier is invalid.",
                Invalid,
                Again::Never,
                "no model \"a.model-v1:0\" in eu-west-1",
            ),
            (
                "ResourceNotFoundException",
                "Could not resolve the foundation model from the provided model identifier.",
                Invalid,
                Again::Never,
                "eu-west-1",
            ),
            (
                "ResourceNotFoundException",
                "Model use case details have not been submitted for this account.",
                Invalid,
                Again::Never,
                "form",
            ),
            (
                "ValidationException",
                "Input is too long for requested model.",
                TooLong,
                Again::Never,
                "larger window",
            ),
            ("ValidationException", "blank text", Invalid, Again::Never, "blank text"),
            ("ThrottlingException", "Too many requests", Overloaded, Again::Backoff, "Too many requests"),
            ("ThrottlingException", "Too many tokens per day", Overloaded, Again::Never, "quota"),
            ("ModelNotReadyException", "Model is not ready", Overloaded, Again::Backoff, "in a minute"),
            ("ServiceUnavailableException", "busy", Overloaded, Again::Backoff, "overloaded"),
            ("ModelTimeoutException", "slow", Unavailable, Again::Backoff, "slow"),
            ("ModelStreamErrorException", "broke", Unavailable, Again::Backoff, "broke"),
            ("SomethingNew", "hm", Invalid, Again::Never, "SomethingNew: hm"),
        ] {
            let failure = service(code, said, &Asked { model: "a.model-v1:0", region: Some("eu-west-1") });
            assert_eq!((failure.error.kind, failure.again), (kind, again), "{code}: {said}");
            assert!(failure.error.message.contains(word), "{}", failure.error.message);
        }
    }

    #[test]
    fn a_profile_is_named_for_the_region() {
        for (region, want) in [
            (Some("eu-central-1"), "eu.m"),
            (Some("us-east-1"), "us.m"),
            (Some("us-gov-west-1"), "us-gov.m"),
            (Some("ap-south-1"), "apac.m"),
            (Some("sa-east-1"), "global.m"),
            (None, "global.m"),
        ] {
            assert_eq!(super::profile(&Asked { model: "m", region }), want);
        }
    }
}
