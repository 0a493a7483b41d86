//! What Cost Explorer's own errors mean.

use crate::fault::Status;
use crate::tools::reading::patience::Failure;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use quarterdeck_core::tool::{Fault, FaultKind};
use std::error::Error;

/// The fault, in Cost Explorer's terms: it answers some of them with codes that mean something else elsewhere.
pub fn of<E, R>(failure: &Failure<E, R>) -> Fault
where
    E: ProvideErrorMetadata + Error + 'static,
    R: Status,
{
    let code = failure.service().and_then(ProvideErrorMetadata::code).unwrap_or_default().to_owned();
    told(&code, failure.fault())
}

/// Whether it says that there is no data, not that the request failed.
pub fn no_data(fault: &Fault) -> bool {
    fault.kind == FaultKind::Missing
}

fn told(code: &str, fault: Fault) -> Fault {
    match code {
        "DataUnavailableException" => Fault::new(FaultKind::Missing, fault.message)
            .hint("Cost Explorer prepares its data within 24 h of being switched on, and forecasts need weeks of it"),
        "BillExpirationException" => Fault::new(FaultKind::Missing, fault.message)
            .hint("Cost Explorer keeps 14 months by day and 38 by month: ask for a later period"),
        // Its way of saying "too many requests", with status 400.
        "LimitExceededException" => Fault::new(FaultKind::Throttled, fault.message)
            .hint("Cost Explorer limits the request rate; try again in a minute"),
        "ValidationException" => {
            fault.hint("Cost Explorer keeps 14 months by day and 38 by month, where the payer has switched that on")
        }
        _ if fault.kind == FaultKind::Denied && fault.message.contains("not enabled for cost explorer") => {
            fault.hint("switch Cost Explorer on in the payer account (Billing, Cost Explorer), and members' access to it")
        }
        _ => fault,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_own_codes() {
        let fault = |kind, text: &str| Fault::new(kind, text);
        for (code, given, kind, says) in [
            ("DataUnavailableException", FaultKind::Invalid, FaultKind::Missing, "24 h"),
            ("BillExpirationException", FaultKind::Invalid, FaultKind::Missing, "14 months"),
            ("LimitExceededException", FaultKind::Invalid, FaultKind::Throttled, "a minute"),
            ("ValidationException", FaultKind::Invalid, FaultKind::Invalid, "14 months"),
            ("AccessDeniedException", FaultKind::Denied, FaultKind::Denied, "payer"),
        ] {
            let told = told(code, fault(given, "User not enabled for cost explorer access"));
            assert_eq!(told.kind, kind, "{code}");
            assert!(told.hint.unwrap().contains(says), "{code}");
        }
        let denied = fault(FaultKind::Denied, "no").action("ce:GetCostAndUsage");
        assert_eq!(told("AccessDeniedException", denied.clone()), denied);
    }
}
