//! The seam: an HTTP client that answers from the embedded account.

use crate::demo::{Answer, Demo, Outcome};
use crate::fault::Trouble;
use crate::router;
use crate::wire::raw::RawReply;
use crate::wire::{Failure, Node, Protocol, cbor, ec2_query, json, query, rest_json, rest_xml};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use http_body_util::BodyExt;

/// The HTTP client behind which a [`Demo`] answers.
#[derive(Clone, Debug)]
pub(crate) struct Client(pub Demo);

impl HttpClient for Client {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Client {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let demo = self.0.clone();
        HttpConnectorFuture::new(async move { exchange(&demo, request).await })
    }
}

async fn exchange(demo: &Demo, mut request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
    let body = std::mem::replace(request.body_mut(), SdkBody::taken());
    let body = body.collect().await.map_err(|e| ConnectorError::io(e.to_string().into()))?.to_bytes();
    let outcome = match router::recognise(request.headers(), request.method(), request.uri(), &body) {
        Ok(recognised) => demo.serve(&recognised),
        Err(failure) => {
            return respond(
                failure.status,
                "application/x-amz-json-1.1",
                json::error(&failure).into(),
                "none",
            );
        }
    };
    for trouble in &outcome.troubles {
        match trouble {
            Trouble::Delay(span) => tokio::time::sleep(*span).await,
            Trouble::LoseAnswer => return Err(ConnectorError::io("connection reset by peer".into())),
            Trouble::Deny | Trouble::Throttle | Trouble::Expire | Trouble::Unavailable => {}
        }
    }
    write(&outcome)
}

/// The outcome in its protocol.
fn write(outcome: &Outcome) -> Result<HttpResponse, ConnectorError> {
    let (operation, id) = (outcome.operation.as_str(), outcome.request_id.as_str());
    let answer: Result<&Node, &Failure> = match &outcome.answer {
        Ok(Answer::Raw(reply)) => return raw(reply, id),
        Ok(Answer::Node(node)) => Ok(node),
        Err(failure) => Err(failure),
    };
    let status = answer.map_or_else(|f| f.status, |_| 200);
    let (kind, body): (&'static str, Bytes) = match outcome.protocol {
        Protocol::Ec2Query => (
            "text/xml;charset=UTF-8",
            answer.map_or_else(|f| ec2_query::error(f, id), |n| ec2_query::body(operation, id, n)).into(),
        ),
        Protocol::Query => (
            "text/xml",
            answer.map_or_else(|f| query::error(f, id), |n| query::body(operation, id, n)).into(),
        ),
        Protocol::Json => ("application/x-amz-json-1.1", answer.map_or_else(json::error, json::body).into()),
        Protocol::Cbor => ("application/cbor", answer.map_or_else(cbor::error, cbor::body).into()),
        Protocol::RestJson => {
            ("application/json", answer.map_or_else(rest_json::error, rest_json::body).into())
        }
        // Its answers are raw, its refusals too.
        Protocol::RestXml => {
            ("application/xml", answer.map_or_else(|f| rest_xml::error(f, id), |_| String::new()).into())
        }
    };
    let mut response = respond(status, kind, body, id)?;
    if let (Protocol::RestJson, Err(failure)) = (outcome.protocol, answer) {
        response.headers_mut().insert(rest_json::ERROR, failure.code.to_string());
    }
    Ok(response)
}

/// An answer that has its own headers.
fn raw(reply: &RawReply, id: &str) -> Result<HttpResponse, ConnectorError> {
    let status = StatusCode::try_from(reply.status).map_err(|e| ConnectorError::other(e.into(), None))?;
    let mut response = HttpResponse::new(status, SdkBody::from(reply.body.clone()));
    let headers = response.headers_mut();
    headers.insert("x-amz-request-id", id.to_owned());
    for (name, value) in &reply.headers {
        let told = headers.try_append(name.clone(), value.clone());
        told.map_err(|e| ConnectorError::other(e.into(), None))?;
    }
    Ok(response)
}

fn respond(status: u16, kind: &'static str, body: Bytes, id: &str) -> Result<HttpResponse, ConnectorError> {
    let status = StatusCode::try_from(status).map_err(|e| ConnectorError::other(e.into(), None))?;
    let mut response = HttpResponse::new(status, SdkBody::from(body));
    let headers = response.headers_mut();
    headers.insert("content-type", kind);
    headers.insert("x-amzn-requestid", id.to_owned());
    if kind == "application/cbor" {
        headers.insert("smithy-protocol", "rpc-v2-cbor");
    }
    Ok(response)
}
