//! What the operator did, as CloudTrail tells it.

use crate::services::s3::Change;
use crate::walls::Rule;
use crate::world::What;
use serde_json::{Map, Value, json};

/// A change of the account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    /// The operation.
    pub name: String,
    /// `ecs.amazonaws.com`.
    pub source: String,
    /// Type and name.
    pub resources: Vec<[String; 2]>,
    /// Its `requestParameters`.
    pub request: Value,
    /// Whether it changed nothing.
    pub read_only: bool,
}

impl Told {
    /// The operation `name` of `source` with these parameters.
    pub(crate) fn new(source: &str, name: &str, request: Value) -> Self {
        Self {
            name: name.to_owned(),
            source: source.to_owned(),
            resources: Vec::new(),
            request,
            read_only: false,
        }
    }

    /// It changed nothing.
    pub(crate) fn reading(mut self) -> Self {
        self.read_only = true;
        self
    }

    /// On these resources.
    pub(crate) fn on<T: AsRef<str>>(mut self, kind: &str, names: impl IntoIterator<Item = T>) -> Self {
        self.resources.extend(names.into_iter().map(|n| [kind.to_owned(), n.as_ref().to_owned()]));
        self
    }
}

impl What {
    /// The change that is only told.
    pub(crate) fn other(&self) -> Option<&Told> {
        let Self::Other(told) = self else { return None };
        Some(told)
    }

    /// As CloudTrail tells it.
    pub(crate) fn told(&self) -> Told {
        match self {
            Self::Stop { ids } => instances("StopInstances", ids),
            Self::Start { ids } => instances("StartInstances", ids),
            Self::UpdateService { key, desired, revision, force } => {
                let (cluster, service) = key.split_once('/').unwrap_or(("", key));
                let mut request = Map::new();
                request.insert("cluster".to_owned(), cluster.into());
                request.insert("service".to_owned(), service.into());
                request.insert("forceNewDeployment".to_owned(), (*force).into());
                if let Some(n) = desired {
                    request.insert("desiredCount".to_owned(), (*n).into());
                }
                if let Some(r) = revision {
                    request.insert("taskDefinition".to_owned(), format!("{service}:{r}").into());
                }
                Told::new("ecs.amazonaws.com", "UpdateService", Value::Object(request))
            }
            Self::RevokeRules { group, ids } => {
                let request = json!({ "groupId": group, "securityGroupRuleIds": { "items": ids } });
                Told::new("ec2.amazonaws.com", "RevokeSecurityGroupIngress", request)
                    .on("AWS::EC2::SecurityGroup", [group])
            }
            Self::AddRules { rules } => {
                let group = rules.first().map(|r| r.group.as_str()).unwrap_or_default();
                let items: Vec<Value> = rules.iter().map(added).collect();
                let request = json!({ "groupId": group, "ipPermissions": { "items": items } });
                Told::new("ec2.amazonaws.com", "AuthorizeSecurityGroupIngress", request)
                    .on("AWS::EC2::SecurityGroup", [group])
            }
            Self::S3(Change::CreateBucket { name }) => {
                let request = json!({ "bucketName": name });
                Told::new("s3.amazonaws.com", "CreateBucket", request).on("AWS::S3::Bucket", [name])
            }
            Self::S3(Change::Put { bucket, key, .. }) => {
                let request = json!({ "bucketName": bucket, "key": key });
                Told::new("s3.amazonaws.com", "PutObject", request).on("AWS::S3::Bucket", [bucket])
            }
            Self::S3(Change::Upload { id, .. }) => {
                Told::new("s3.amazonaws.com", "UploadPart", json!({ "uploadId": id }))
            }
            Self::Other(told) => told.clone(),
        }
    }
}

fn instances(name: &str, ids: &[String]) -> Told {
    let items: Vec<Value> = ids.iter().map(|id| json!({ "instanceId": id })).collect();
    let request = json!({ "instancesSet": { "items": items } });
    Told::new("ec2.amazonaws.com", name, request).on("AWS::EC2::Instance", ids)
}

/// A rule as a permission.
fn added(rule: &Rule) -> Value {
    json!({
        "ipProtocol": rule.protocol,
        "fromPort": rule.from,
        "toPort": rule.to,
        "ipRanges": { "items": [{ "cidrIp": rule.source, "description": rule.description }] },
    })
}
