//! Why Bedrock did not answer, in words, and whether to try again.

use crate::wire::failure::{Again, Failure, Names, short};
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use quarterdeck_core::message::ModelErrorKind;
use std::error::Error;

/// A failed request or a stream that broke.
pub(super) fn of<E, R>(error: &SdkError<E, R>) -> Failure
where
    E: ProvideErrorMetadata + Error + 'static,
    R: std::fmt::Debug + 'static,
{
    match error {
        SdkError::ServiceError(context) => {
            let inner = context.err();
            service(inner.code().unwrap_or_default(), inner.message().unwrap_or_default())
        }
        SdkError::DispatchFailure(failure) if failure.is_user() || failure.is_other() => Failure::new(
            ModelErrorKind::Credentials,
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
        SdkError::ConstructionFailure(_) => Failure::new(
            ModelErrorKind::Invalid,
            format!("the request for Bedrock could not be made ({})", cause(error)),
            "a bad request",
            Again::Never,
        ),
        // The stream broke, or what came is not its protocol.
        _ => Failure::truncated(&cause(error)),
    }
}

/// What Bedrock says is wrong, by its code.
fn service(code: &str, said: &str) -> Failure {
    use ModelErrorKind::Credentials;
    let new = |message: String| Failure::new(Credentials, message, "denied", Again::Never);
    let words = short(said);
    let lower = said.to_lowercase();
    match code {
        "AccessDeniedException" if lower.contains("vpc endpoint policy") => new(format!(
            "denied by the policy of the VPC endpoint ({words}): ask its owner to allow bedrock:InvokeModelWithResponseStream"
        )),
        "AccessDeniedException" if lower.contains("explicit deny") => new(format!(
            "denied explicitly ({words}): often a condition on aws:SourceVpc or aws:SourceVpce, which only a request through the private endpoint meets: set AWS_ENDPOINT_URL_BEDROCK_RUNTIME to it"
        )),
        "AccessDeniedException" if lower.contains("access to the model") => new(format!(
            "this account has no access to the model ({words}): request it in the Bedrock console, or use another with --model"
        )),
        "AccessDeniedException" => new(format!(
            "denied ({words}): the identity needs bedrock:InvokeModelWithResponseStream on the model"
        )),
        "UnrecognizedClientException" | "ExpiredTokenException" | "InvalidSignatureException" => {
            new(format!("the credentials were refused ({words}): renew them with `aws sso login`"))
        }
        "ValidationException" if lower.contains("on-demand throughput") => Failure::status(
            400,
            &format!("{words}: use the id of an inference profile, e.g. eu.{{model}}"),
            None,
            &names(),
        ),
        "ThrottlingException" | "TooManyRequestsException" => Failure::status(429, said, None, &names()),
        "ServiceUnavailableException" | "ModelNotReadyException" => {
            Failure::status(503, said, None, &names())
        }
        "ModelTimeoutException" => Failure::status(408, said, None, &names()),
        "ResourceNotFoundException" => Failure::status(404, said, None, &names()),
        "ValidationException" => Failure::status(400, said, None, &names()),
        "InternalServerException" | "ModelErrorException" | "ModelStreamErrorException" => {
            Failure::status(500, said, None, &names())
        }
        other => Failure::status(400, &format!("{other}: {said}"), None, &names()),
    }
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
    use super::service;
    use crate::wire::failure::Again;
    use quarterdeck_core::message::ModelErrorKind::{Credentials, Invalid, Overloaded, Unavailable};

    #[test]
    fn what_bedrock_says_becomes_what_to_do() {
        for (code, said, kind, word) in [
            (
                "AccessDeniedException",
                "User: x is not authorized to perform: bedrock:InvokeModelWithResponseStream with an explicit deny in an identity-based policy",
                Credentials,
                "AWS_ENDPOINT_URL_BEDROCK_RUNTIME",
            ),
            (
                "AccessDeniedException",
                "not authorized because no VPC endpoint policy allows it",
                Credentials,
                "VPC endpoint",
            ),
            (
                "AccessDeniedException",
                "You don't have access to the model with the specified model ID.",
                Credentials,
                "Bedrock console",
            ),
            (
                "AccessDeniedException",
                "User: x is not authorized",
                Credentials,
                "bedrock:InvokeModelWithResponseStream",
            ),
            ("ExpiredTokenException", "expired", Credentials, "aws sso login"),
            (
                "ValidationException",
                "Invocation of model ID m with on-demand throughput isn't supported.",
                Invalid,
                "inference profile",
            ),
            ("ValidationException", "blank text", Invalid, "blank text"),
            ("ThrottlingException", "too many tokens", Overloaded, "too many tokens"),
            ("ModelStreamErrorException", "broke", Unavailable, "broke"),
        ] {
            let failure = service(code, said);
            assert_eq!(failure.error.kind, kind, "{code}");
            assert!(failure.error.message.contains(word), "{}", failure.error.message);
            assert_eq!(failure.again == Again::Never, matches!(kind, Credentials | Invalid), "{code}");
        }
    }
}
