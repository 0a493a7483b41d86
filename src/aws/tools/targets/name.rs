//! Names and ARNs of load balancers and target groups.

use crate::given::shown;
use quarterdeck_core::tool::{Fault, FaultKind};

/// What `given` names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Named<'a> {
    /// A plain name.
    Name(&'a str),
    /// An ARN.
    Arn(&'a str),
}

impl<'a> Named<'a> {
    /// As it was given.
    pub fn of(given: &'a str) -> Self {
        if given.starts_with("arn:") { Self::Arn(given) } else { Self::Name(given) }
    }
}

/// The name in an ARN: `shop-public` of `...:loadbalancer/app/shop-public/50dc6c495c0c9188`. A name is its own.
pub fn short(given: &str) -> &str {
    let Some(resource) = given.strip_prefix("arn:").and_then(|arn| arn.split(':').nth(4)) else {
        return given;
    };
    let mut parts = resource.split('/');
    match parts.next() {
        Some("loadbalancer") => parts.nth(1).unwrap_or(resource),
        Some("targetgroup") => parts.next().unwrap_or(resource),
        Some(_) | None => resource,
    }
}

/// # Errors
/// `invalid`: it is neither a load balancer's name nor its ARN.
pub fn check_load_balancer(given: &str) -> Result<(), Fault> {
    let refuse = |what: &str, hint: &str| {
        Err(Fault::new(FaultKind::Invalid, format!("`load_balancer`: {} {what}", shown(given))).hint(hint))
    };
    if let Named::Arn(arn) = Named::of(given) {
        return match resource(arn) {
            Some(r) if r.starts_with("targetgroup/") => {
                refuse("is a target group", "send it as `target_group`")
            }
            Some(r) if r.starts_with("listener") => {
                refuse("is a listener or a rule", "send the load balancer's ARN or name")
            }
            Some(r) if r.starts_with("loadbalancer/") && r.split('/').count() == 2 => refuse(
                "is a Classic load balancer",
                "Classic load balancers are not seen; list_ec2_instances shows the instances behind it",
            ),
            Some(r) if r.starts_with("loadbalancer/") => Ok(()),
            Some(_) | None => {
                refuse("is the ARN of something else", "send a load balancer's name or ARN, e.g. shop-public")
            }
        };
    }
    if given.contains('.') {
        return refuse(
            "looks like a DNS name",
            "send the load balancer's name: what comes before the last dash, without internal-",
        );
    }
    plain("load_balancer", given, "a load balancer's name")
}

/// # Errors
/// `invalid`: it is neither a target group's name nor its ARN.
pub fn check_target_group(given: &str) -> Result<(), Fault> {
    let Named::Arn(arn) = Named::of(given) else {
        return plain("target_group", given, "a target group's name");
    };
    let hint = match resource(arn) {
        Some(r) if r.starts_with("targetgroup/") => return Ok(()),
        Some(r) if r.starts_with("loadbalancer/") => "that is a load balancer: send it as `load_balancer`",
        Some(_) | None => "send a target group's name or ARN, e.g. checkout-api",
    };
    Err(Fault::new(
        FaultKind::Invalid,
        format!("`target_group`: {} is the ARN of something else", shown(given)),
    )
    .hint(hint))
}

/// What follows the account in an ARN of Elastic Load Balancing.
fn resource(arn: &str) -> Option<&str> {
    let mut parts = arn.splitn(6, ':');
    (parts.nth(2) == Some("elasticloadbalancing")).then(|| parts.nth(2)).flatten()
}

fn plain(field: &str, given: &str, what: &str) -> Result<(), Fault> {
    let fits = given.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') && given.len() <= 32;
    if fits {
        return Ok(());
    }
    let hint = if given.contains(['*', '?']) {
        format!("wildcards are not known here: leave `{field}` out for all")
    } else {
        "names have at most 32 letters, digits and dashes".to_owned()
    };
    Err(Fault::new(FaultKind::Invalid, format!("`{field}`: {} cannot be {what}", shown(given))).hint(hint))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LB: &str =
        "arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/shop/50dc6c495c0c9188";
    const TG: &str = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/cart/73e2d6bc24d8a067";
    const CLASSIC: &str = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/old-shop";
    const LISTENER: &str = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener/app/shop/50dc6c495c0c9188/f2f7dc8efc522ab2";

    #[test]
    fn what_a_name_may_be() {
        for (given, lb, tg) in [
            ("shop-public", None, None),
            (LB, None, Some("send it as `load_balancer`")),
            (TG, Some("send it as `target_group`"), None),
            (CLASSIC, Some("Classic"), Some("`load_balancer`")),
            (LISTENER, Some("load balancer's ARN"), Some("checkout-api")),
            ("arn:aws:ecs:eu-west-1:123456789012:service/a/b", Some("shop-public"), Some("checkout-api")),
            ("shop-1234.eu-west-1.elb.amazonaws.com", Some("before the last dash"), Some("32 letters")),
            ("shop-*", Some("leave `load_balancer` out"), Some("leave `target_group` out")),
            ("a name", Some("32 letters"), Some("32 letters")),
            ("arn:", Some("shop-public"), Some("checkout-api")),
        ] {
            for (fault, want) in [(check_load_balancer(given), lb), (check_target_group(given), tg)] {
                match (fault, want) {
                    (Ok(()), None) => {}
                    (Err(fault), Some(says)) => {
                        assert!(fault.hint.as_deref().unwrap().contains(says), "{given}: {fault:?}");
                    }
                    (got, want) => panic!("{given}: {got:?} {want:?}"),
                }
            }
        }
        assert!(check_target_group(&"x".repeat(33)).is_err());
        assert_eq!((short(LB), short(TG), short("cart")), ("shop", "cart", "cart"));
    }
}
