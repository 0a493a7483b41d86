//! What goes over the wire, in one shape for every protocol: [`Input`] in, [`Node`] or [`Failure`] out.

pub(crate) mod cbor;
pub(crate) mod ec2_query;
pub(crate) mod form;
pub(crate) mod input;
pub(crate) mod json;
pub(crate) mod query;
pub(crate) mod raw;
pub(crate) mod rest;
pub(crate) mod rest_json;
pub(crate) mod rest_xml;
pub(crate) mod xml;

pub(crate) use input::Input;

use quarterdeck_core::Timestamp;
use std::borrow::Cow;

/// The wire protocols the SDK's clients speak to the services of this account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// Form in, XML out, lists as `item`: EC2.
    Ec2Query,
    /// Form in, XML out, results wrapped, lists as `member`: ELBv2, EC2 Auto Scaling, STS, IAM.
    Query,
    /// JSON 1.1 with `X-Amz-Target`: ECS, Logs, CloudTrail, Application Auto Scaling.
    Json,
    /// RPC v2 with CBOR: CloudWatch.
    Cbor,
    /// REST with XML bodies and bare bytes: S3, S3 Control.
    RestXml,
    /// Method and path, JSON out: EKS, GuardDuty, Lambda.
    RestJson,
}

/// A value of an answer, before it has a protocol. Points in time stay points in time, because each protocol
/// writes them differently.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Node {
    /// Absent: the member is not written at all.
    Absent,
    /// A boolean.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// A double.
    Float(f64),
    /// Text.
    Text(String),
    /// A point in time.
    Time(Timestamp),
    /// A list.
    List(Vec<Node>),
    /// A structure or map, in the order written.
    Map(Vec<(Cow<'static, str>, Node)>),
}

/// An error AWS answers with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    /// HTTP status.
    pub status: u16,
    /// The error code, e.g. `ClusterNotFoundException`.
    pub code: Cow<'static, str>,
    /// The message.
    pub message: String,
    /// Further members of the error, where it has any; only JSON protocols write them.
    pub more: Option<serde_json::Value>,
}

impl Failure {
    /// A failure of the caller's making, status 400.
    pub(crate) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { status: 400, code: Cow::Borrowed(code), message: message.into(), more: None }
    }

    /// With further members.
    pub(crate) fn with(mut self, more: serde_json::Value) -> Self {
        self.more = Some(more);
        self
    }

    /// With another HTTP status.
    pub(crate) fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }
}

/// A structure, written as `node! { "name" => value, .. }`; absent options are left out.
macro_rules! node {
    ($($key:expr => $value:expr),* $(,)?) => {
        $crate::wire::Node::Map(vec![$(($key.into(), $crate::wire::Node::from($value))),*])
    };
}
pub(crate) use node;

impl Node {
    /// A list of what `items` yields.
    pub(crate) fn list<T: Into<Self>>(items: impl IntoIterator<Item = T>) -> Self {
        Self::List(items.into_iter().map(Into::into).collect())
    }
}

impl From<bool> for Node {
    fn from(v: bool) -> Self {
        Self::Bool(v)
    }
}
impl From<i64> for Node {
    fn from(v: i64) -> Self {
        Self::Int(v)
    }
}
impl From<i32> for Node {
    fn from(v: i32) -> Self {
        Self::Int(v.into())
    }
}
impl From<u32> for Node {
    fn from(v: u32) -> Self {
        Self::Int(v.into())
    }
}
impl From<u16> for Node {
    fn from(v: u16) -> Self {
        Self::Int(v.into())
    }
}
impl From<usize> for Node {
    fn from(v: usize) -> Self {
        Self::Int(i64::try_from(v).unwrap_or(i64::MAX))
    }
}
impl From<f64> for Node {
    fn from(v: f64) -> Self {
        Self::Float(v)
    }
}
impl From<&str> for Node {
    fn from(v: &str) -> Self {
        Self::Text(v.to_owned())
    }
}
impl From<&String> for Node {
    fn from(v: &String) -> Self {
        Self::Text(v.clone())
    }
}
impl From<String> for Node {
    fn from(v: String) -> Self {
        Self::Text(v)
    }
}
impl From<Timestamp> for Node {
    fn from(v: Timestamp) -> Self {
        Self::Time(v)
    }
}
impl<T: Into<Self>> From<Vec<T>> for Node {
    fn from(v: Vec<T>) -> Self {
        Self::list(v)
    }
}
impl<T: Into<Self>> From<Option<T>> for Node {
    fn from(v: Option<T>) -> Self {
        v.map_or(Self::Absent, Into::into)
    }
}
