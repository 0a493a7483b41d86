//! Why a target gets no traffic, in words.

use aws_sdk_elasticloadbalancingv2::types::{Matcher, TargetGroup, TargetHealthReasonEnum as Reason};

/// What `reason` means for a target of `group`: where to look next.
pub fn explained(reason: &Reason, group: &TargetGroup) -> Option<String> {
    let check = check(group);
    Some(match reason {
        Reason::RegistrationInProgress => {
            "being registered; it gets traffic after its first good checks".to_owned()
        }
        Reason::InitialHealthChecking => format!(
            "its first health checks ({check}) are not done: {} good ones are needed",
            group.healthy_threshold_count().unwrap_or(1)
        ),
        Reason::ResponseCodeMismatch => {
            format!("{check} answered with another code than {}", expected(group))
        }
        Reason::Timeout => format!(
            "no answer to {check} within {} s: its security group or network ACL, a process that does not listen, or overload",
            group.health_check_timeout_seconds().unwrap_or(5)
        ),
        Reason::FailedHealthChecks => {
            format!(
                "the connection for {check} failed or was cut: nothing listens there, or it answers malformed"
            )
        }
        Reason::NotRegistered => "it is not registered with the target group".to_owned(),
        Reason::NotInUse => {
            "no load balancer uses the group, or none is enabled in the target's availability zone".to_owned()
        }
        Reason::DeregistrationInProgress => {
            "being deregistered: requests under way end, no new ones come".to_owned()
        }
        Reason::InvalidState => "the instance is stopped or terminated".to_owned(),
        Reason::IpUnusable => {
            "its address cannot be a target: a load balancer has it, or it is the wrong kind".to_owned()
        }
        Reason::HealthCheckDisabled => {
            "health checks are off for the group, so its health is not known".to_owned()
        }
        Reason::InternalError => "a fault inside the load balancer".to_owned(),
        _ => return None,
    })
}

/// `HTTP /healthz on port 8080`.
fn check(group: &TargetGroup) -> String {
    let protocol = group.health_check_protocol().map_or("the health check", |p| p.as_str());
    let path = group.health_check_path().map_or_else(String::new, |p| format!(" {p}"));
    let port = match (group.health_check_port(), group.port()) {
        (Some("traffic-port") | None, Some(port)) => format!(" on port {port}"),
        (Some("traffic-port") | None, None) => String::new(),
        (Some(port), _) => format!(" on port {port}"),
    };
    format!("{protocol}{path}{port}")
}

fn expected(group: &TargetGroup) -> String {
    let code = |m: &Matcher| m.http_code().or(m.grpc_code()).map(str::to_owned);
    group.matcher().and_then(code).unwrap_or_else(|| "200".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_elasticloadbalancingv2::types::ProtocolEnum;

    #[test]
    fn every_reason_is_explained() {
        let group = TargetGroup::builder()
            .port(8080)
            .health_check_protocol(ProtocolEnum::Http)
            .health_check_path("/healthz")
            .health_check_port("traffic-port")
            .health_check_timeout_seconds(4)
            .healthy_threshold_count(3)
            .matcher(Matcher::builder().http_code("200-299").build())
            .build();
        for (code, says) in [
            ("Elb.RegistrationInProgress", "being registered"),
            ("Elb.InitialHealthChecking", "(HTTP /healthz on port 8080) are not done: 3 good ones"),
            ("Elb.InternalError", "inside the load balancer"),
            (
                "Target.ResponseCodeMismatch",
                "HTTP /healthz on port 8080 answered with another code than 200-299",
            ),
            ("Target.Timeout", "within 4 s: its security group"),
            ("Target.FailedHealthChecks", "nothing listens"),
            ("Target.NotRegistered", "not registered"),
            ("Target.NotInUse", "availability zone"),
            ("Target.DeregistrationInProgress", "no new ones"),
            ("Target.InvalidState", "stopped or terminated"),
            ("Target.IpUnusable", "cannot be a target"),
            ("Target.HealthCheckDisabled", "not known"),
        ] {
            let text = explained(&Reason::from(code), &group).unwrap();
            assert!(text.contains(says), "{code}: {text}");
        }
        assert_eq!(Reason::values().len(), 12, "a reason AWS has added is not explained yet");
        assert_eq!(explained(&Reason::from("Target.Haunted"), &group), None);
        let own = TargetGroup::builder()
            .port(80)
            .health_check_protocol(ProtocolEnum::Tcp)
            .health_check_port("9000")
            .build();
        assert!(explained(&Reason::Timeout, &own).unwrap().contains("TCP on port 9000 within 5 s"));
    }
}
