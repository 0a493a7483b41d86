//! Trouble on demand, for tests: delays, denials, throttling, lost answers.

use crate::router::Request;
use crate::services::{Service, s3};
use crate::wire::{Failure, Protocol};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The answer comes this much later (tokio's time, so tests may pause it).
    Delay(Duration),
    /// IAM refuses.
    Deny,
    /// Too many requests.
    Throttle,
    /// The credentials have expired.
    Expire,
    /// The service answers 503.
    Unavailable,
    /// The call is carried out, and the connection breaks before the answer arrives.
    LoseAnswer,
}

/// Trouble and whom it befalls; `None` is any.
#[derive(Clone, Debug)]
pub struct Fault {
    service: Option<String>,
    operation: Option<String>,
    region: Option<String>,
    trouble: Trouble,
    left: Option<u32>,
}

impl Fault {
    /// `trouble` for every request, for ever.
    #[must_use]
    pub fn new(trouble: Trouble) -> Self {
        Self { service: None, operation: None, region: None, trouble, left: None }
    }

    /// Only for this service, by its signing name: `ec2`, `ecs`, `monitoring`, `logs`, `cloudtrail`,
    /// `elasticloadbalancing`, `application-autoscaling`, `autoscaling`, `ce`, `eks`, `guardduty`, `lambda`, `sts`, `iam`,
    /// `s3`.
    #[must_use]
    pub fn service(mut self, name: &str) -> Self {
        self.service = Some(name.to_owned());
        self
    }

    /// Only for this operation, e.g. `UpdateService`.
    #[must_use]
    pub fn operation(mut self, name: &str) -> Self {
        self.operation = Some(name.to_owned());
        self
    }

    /// Only in this region.
    #[must_use]
    pub fn region(mut self, name: &str) -> Self {
        self.region = Some(name.to_owned());
        self
    }

    /// Only for the first `n` requests it befalls.
    #[must_use]
    pub fn times(mut self, n: u32) -> Self {
        self.left = Some(n);
        self
    }

    fn befalls(&self, request: &Request) -> bool {
        let is = |wanted: &Option<String>, found: &str| wanted.as_deref().is_none_or(|w| w == found);
        self.left != Some(0)
            && is(&self.service, request.service.name())
            && is(&self.operation, &request.operation)
            && is(&self.region, &request.region)
    }
}

/// The faults in force. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Faults(Arc<Mutex<Vec<Fault>>>);

impl Faults {
    /// Adds a fault.
    pub fn inject(&self, fault: Fault) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(fault);
    }

    /// Removes all.
    pub fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// What befalls this request, each counted once.
    pub(crate) fn take(&self, request: &Request) -> Vec<Trouble> {
        let mut faults = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut all = Vec::new();
        for fault in faults.iter_mut().filter(|f| f.befalls(request)) {
            fault.left = fault.left.map(|n| n.saturating_sub(1));
            all.push(fault.trouble);
        }
        all
    }
}

/// The failure a service answers with for `trouble`; `None` when trouble is not an answer.
pub(crate) fn failure(trouble: Trouble, request: &Request, caller: &str) -> Option<Failure> {
    let protocol = request.service.protocol();
    match trouble {
        Trouble::Deny => Some(denied(request, caller)),
        Trouble::Throttle => Some(match protocol {
            Protocol::Ec2Query => Failure::new("RequestLimitExceeded", "Request limit exceeded.").status(503),
            Protocol::Query => Failure::new("Throttling", "Rate exceeded"),
            Protocol::Json | Protocol::Cbor => Failure::new("ThrottlingException", "Rate exceeded"),
            Protocol::RestXml => Failure::new("SlowDown", "Please reduce your request rate.").status(503),
            Protocol::RestJson => Failure::new("TooManyRequestsException", "Rate exceeded").status(429),
        }),
        Trouble::Expire => Some(match protocol {
            Protocol::Ec2Query => Failure::new("RequestExpired", "Request has expired."),
            Protocol::Query => {
                Failure::new("ExpiredToken", "The security token included in the request is expired")
                    .status(403)
            }
            Protocol::Json | Protocol::Cbor => {
                Failure::new("ExpiredTokenException", "The security token included in the request is expired")
            }
            Protocol::RestXml => Failure::new("ExpiredToken", "The provided token has expired."),
            Protocol::RestJson => {
                Failure::new("ExpiredTokenException", "The security token included in the request is expired")
                    .status(403)
            }
        }),
        Trouble::Unavailable => Some(match protocol {
            Protocol::Ec2Query => {
                Failure::new("Unavailable", "The server is overloaded and can't handle the request.")
                    .status(503)
            }
            Protocol::Query | Protocol::Json | Protocol::Cbor | Protocol::RestJson | Protocol::RestXml => {
                Failure::new("ServiceUnavailable", "Service is unable to handle request.").status(503)
            }
        }),
        Trouble::Delay(_) | Trouble::LoseAnswer => None,
    }
}

fn denied(request: &Request, caller: &str) -> Failure {
    let action = match request.service {
        Service::S3 => s3::action(&request.operation, &request.raw),
        other => format!("{}:{}", other.iam(), request.operation),
    };
    let why = format!(
        "User: {caller} is not authorized to perform: {action} because no identity-based policy allows the {action} action"
    );
    match (request.service, request.service.protocol()) {
        (_, Protocol::Ec2Query) => {
            let message = format!("You are not authorized to perform this operation. {why}");
            Failure::new("UnauthorizedOperation", message).status(403)
        }
        (Service::CloudWatch, _) | (_, Protocol::Query | Protocol::RestXml) => {
            Failure::new("AccessDenied", why).status(403)
        }
        (_, Protocol::Json | Protocol::Cbor) => Failure::new("AccessDeniedException", why),
        (_, Protocol::RestJson) => Failure::new("AccessDeniedException", why).status(403),
    }
}
