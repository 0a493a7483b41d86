//! One file per service: an operation and its input in, an answer and perhaps an action out.

pub(crate) mod autoscaling;
pub(crate) mod cloudtrail;
pub(crate) mod cloudwatch;
pub(crate) mod costs;
pub(crate) mod ec2;
pub(crate) mod ec2_autoscaling;
pub(crate) mod ecs;
pub(crate) mod eks;
pub(crate) mod elb;
pub(crate) mod guardduty;
pub(crate) mod iam;
pub(crate) mod lambda;
pub(crate) mod logs;
pub(crate) mod rds;
pub(crate) mod s3;
pub(crate) mod sts;

use crate::wire::rest::Route;
use crate::wire::{Failure, Node, Protocol};
use crate::world::What;

/// What an operation answers, and what it did to the account.
#[derive(Debug)]
pub(crate) struct Reply {
    pub body: Node,
    pub action: Option<What>,
}

impl From<Node> for Reply {
    fn from(body: Node) -> Self {
        Self { body, action: None }
    }
}

/// The services of the account, by the name they are signed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Service {
    Ec2,
    Ecs,
    CloudWatch,
    Logs,
    CloudTrail,
    Elb,
    AutoScaling,
    Costs,
    Ec2AutoScaling,
    Eks,
    GuardDuty,
    Lambda,
    Rds,
    Sts,
    Iam,
    S3,
}

impl Service {
    const ALL: &'static [Self] = &[
        Self::Ec2,
        Self::Ecs,
        Self::CloudWatch,
        Self::Logs,
        Self::CloudTrail,
        Self::Elb,
        Self::AutoScaling,
        Self::Costs,
        Self::Ec2AutoScaling,
        Self::Eks,
        Self::GuardDuty,
        Self::Lambda,
        Self::Rds,
        Self::Sts,
        Self::Iam,
        Self::S3,
    ];

    /// The service signed for as `name`.
    pub(crate) fn signed(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|s| s.name() == name)
    }

    /// The name in the credential scope.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Ec2 => "ec2",
            Self::Ecs => "ecs",
            Self::CloudWatch => "monitoring",
            Self::Logs => "logs",
            Self::CloudTrail => "cloudtrail",
            Self::Elb => "elasticloadbalancing",
            Self::AutoScaling => "application-autoscaling",
            Self::Costs => "ce",
            Self::Ec2AutoScaling => "autoscaling",
            Self::Eks => "eks",
            Self::GuardDuty => "guardduty",
            Self::Lambda => "lambda",
            Self::Rds => "rds",
            Self::Sts => "sts",
            Self::Iam => "iam",
            Self::S3 => "s3",
        }
    }

    /// The prefix of its IAM actions.
    pub(crate) const fn iam(self) -> &'static str {
        match self {
            Self::CloudWatch => "cloudwatch",
            other => other.name(),
        }
    }

    /// What it speaks.
    pub(crate) const fn protocol(self) -> Protocol {
        match self {
            Self::Ec2 => Protocol::Ec2Query,
            Self::Elb | Self::Ec2AutoScaling | Self::Rds | Self::Sts | Self::Iam => Protocol::Query,
            Self::Ecs | Self::Logs | Self::CloudTrail | Self::AutoScaling | Self::Costs => Protocol::Json,
            Self::CloudWatch => Protocol::Cbor,
            Self::S3 => Protocol::RestXml,
            Self::Eks | Self::GuardDuty | Self::Lambda => Protocol::RestJson,
        }
    }

    /// Its operations by method and path; none where the protocol names them otherwise.
    pub(crate) const fn routes(self) -> &'static [Route] {
        match self {
            Self::Eks => eks::ROUTES,
            Self::GuardDuty => guardduty::ROUTES,
            Self::Lambda => lambda::ROUTES,
            Self::Ec2
            | Self::Ecs
            | Self::CloudWatch
            | Self::Logs
            | Self::CloudTrail
            | Self::Elb
            | Self::AutoScaling
            | Self::Costs
            | Self::Ec2AutoScaling
            | Self::Rds
            | Self::Sts
            | Self::Iam
            | Self::S3 => &[],
        }
    }
}

/// The failure of an operation the embedded account does not have.
pub(crate) fn unknown(service: Service, operation: &str) -> Failure {
    let name = service.name();
    Failure::new("NotImplemented", format!("the embedded account does not implement {name}:{operation}"))
        .status(501)
}
