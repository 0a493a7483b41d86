//! Which service, operation and region a request is for.

use crate::services::{self, Reply, Service};
use crate::wire::raw::RawRequest;
use crate::wire::{Failure, Input, Protocol, cbor, form, rest, rest_json};
use crate::world::World;
use aws_smithy_runtime_api::http::Headers;
use bytes::Bytes;
use serde_json::Value;

/// A request, recognised.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub service: Service,
    pub operation: String,
    pub region: String,
    pub access_key: String,
    pub input: Input,
    /// The whole of it, for services that speak REST.
    pub raw: RawRequest,
}

/// Recognises a request: service and region from the SigV4 credential scope, the operation as each protocol
/// names it.
///
/// # Errors
/// It is not signed, or is for a service the account does not have, or its body cannot be read.
pub(crate) fn recognise(
    headers: &Headers,
    method: &str,
    uri: &str,
    body: &Bytes,
) -> Result<Request, Failure> {
    let (access_key, region, name) =
        scope(headers.get("authorization").unwrap_or_default()).ok_or_else(|| {
            Failure::new("MissingAuthenticationToken", "Request is missing Authentication Token").status(403)
        })?;
    let service = Service::signed(name).ok_or_else(|| {
        Failure::new("NotImplemented", format!("the embedded account does not implement {name}")).status(501)
    })?;
    let unreadable = |why: String| Failure::new("SerializationException", why);
    let mut raw = RawRequest::default();
    let (operation, input) = match service.protocol() {
        Protocol::Ec2Query | Protocol::Query => {
            let input = form::parse(&String::from_utf8_lossy(body));
            let action = input.get("Action").and_then(Value::as_str).unwrap_or_default().to_owned();
            (action, input)
        }
        Protocol::Json => {
            let target = headers.get("x-amz-target").and_then(|t| t.rsplit('.').next()).unwrap_or_default();
            let input = serde_json::from_slice(body).map_err(|e| unreadable(e.to_string()))?;
            (target.to_owned(), input)
        }
        Protocol::Cbor => {
            let operation = uri.split_once("/operation/").map_or("", |(_, o)| o.trim_end_matches('/'));
            (operation.to_owned(), cbor::parse(body).map_err(unreadable)?)
        }
        Protocol::RestJson => {
            let (operation, members) = rest::bound(service.routes(), method, uri).unwrap_or_default();
            (operation.to_owned(), rest_json::parse(members, body).map_err(unreadable)?)
        }
        Protocol::RestXml => {
            raw = RawRequest::read(method, uri, headers, body).map_err(unreadable)?;
            (services::s3::operation(&raw).to_owned(), Value::Null)
        }
    };
    Ok(Request {
        service,
        operation,
        region: region.to_owned(),
        access_key: access_key.to_owned(),
        input: Input(input),
        raw,
    })
}

/// Access key, region and service of `AWS4-HMAC-SHA256 Credential=KEY/DATE/REGION/SERVICE/aws4_request, ...`.
fn scope(authorization: &str) -> Option<(&str, &str, &str)> {
    let credential = authorization.split_once("Credential=")?.1.split(',').next()?;
    let mut parts = credential.split('/');
    let key = parts.next()?;
    let _date = parts.next()?;
    Some((key, parts.next()?, parts.next()?))
}

/// Carries out a recognised request in the world as it is.
pub(crate) fn answer(world: &World<'_>, request: &Request) -> Result<Reply, Failure> {
    let (operation, input) = (request.operation.as_str(), &request.input);
    match request.service {
        Service::Ec2 => services::ec2::answer(world, operation, input),
        Service::Ecs => services::ecs::answer(world, operation, input),
        Service::CloudWatch => services::cloudwatch::answer(world, operation, input),
        Service::Logs => services::logs::answer(world, operation, input),
        Service::CloudTrail => services::cloudtrail::answer(world, operation, input),
        Service::Elb => services::elb::answer(world, operation, input),
        Service::AutoScaling => services::autoscaling::answer(world, operation, input),
        Service::Costs => services::costs::answer(world, operation, input),
        Service::GuardDuty => services::guardduty::answer(world, operation, input),
        Service::Ec2AutoScaling => services::ec2_autoscaling::answer(world, operation, input),
        Service::Lambda => services::lambda::answer(world, operation, input),
        Service::Eks => services::eks::answer(world, operation, input),
        Service::Rds => services::rds::answer(world, operation, input),
        Service::Sts => services::sts::answer(world, operation),
        Service::Iam => services::iam::answer(world, operation, input),
        // It answers in its own form: see Demo::answer.
        Service::S3 => Err(services::unknown(Service::S3, operation)),
    }
}

/// Whether an operation changes the account.
pub(crate) fn mutating(operation: &str) -> bool {
    matches!(
        operation,
        "StopInstances"
            | "StartInstances"
            | "UpdateService"
            | "RevokeSecurityGroupIngress"
            | "AuthorizeSecurityGroupIngress"
            | "PutFunctionConcurrency"
            | "DeleteFunctionConcurrency"
            | "UpdateAccessKey"
    ) || services::s3::mutating(operation)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scope_of_a_signature() {
        let header =
            "AWS4-HMAC-SHA256 Credential=AKID/20261120/eu-west-1/monitoring/aws4_request, SignedHeaders=host";
        assert_eq!(scope(header), Some(("AKID", "eu-west-1", "monitoring")));
        for bad in ["", "Bearer x", "AWS4-HMAC-SHA256 Credential=AKID/2026, SignedHeaders=host"] {
            assert_eq!(scope(bad), None, "{bad}");
        }
    }
}
