//! ECS names and ARNs.

pub use crate::tools::reading::arn::{named_regions, region_of};

/// The last part of an ARN or path: `checkout-api` of `arn:aws:ecs:eu-west-1:123456789012:service/prod/checkout-api`.
/// A plain name is its own last part.
pub fn short(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

/// The cluster's name in a service's or task's ARN; `None` in a plain name and in ARNs of the short format, which
/// leave it out.
pub fn cluster_of(arn: &str) -> Option<&str> {
    let mut parts = arn.strip_prefix("arn:")?.split(':').nth(4)?.split('/');
    parts.next()?;
    let cluster = parts.next()?;
    parts.next().map(|_| cluster)
}

/// Whether `wanted`, a name or an ARN, means the thing with this ARN. Case counts, as in ECS.
pub fn means(wanted: &str, arn: &str) -> bool {
    if wanted == arn {
        return true;
    }
    let same_place = match (region_of(wanted), region_of(arn)) {
        (Some(a), Some(b)) => a == b,
        (Some(_) | None, _) => true,
    };
    let same_cluster = match (cluster_of(wanted), cluster_of(arn)) {
        (Some(a), Some(b)) => a == b,
        (Some(_) | None, _) => true,
    };
    short(wanted) == short(arn) && same_place && same_cluster
}

/// `1 cluster`, `3 clusters`.
pub fn several(n: usize, what: &str) -> String {
    if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") }
}

/// The family and the revision of `family:42` or a task definition's ARN.
pub fn family_revision(definition: &str) -> Option<(&str, u32)> {
    let (family, revision) = short(definition).rsplit_once(':')?;
    Some((family, revision.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERVICE: &str = "arn:aws:ecs:eu-west-1:123456789012:service/prod/checkout-api";
    const OLD_FORMAT: &str = "arn:aws:ecs:eu-west-1:123456789012:service/checkout-api";

    #[test]
    fn parts_of_arns() {
        for (arn, name, region, cluster) in [
            (SERVICE, "checkout-api", Some("eu-west-1"), Some("prod")),
            (OLD_FORMAT, "checkout-api", Some("eu-west-1"), None),
            ("arn:aws-cn:ecs:cn-north-1:123456789012:cluster/prod", "prod", Some("cn-north-1"), None),
            ("checkout-api", "checkout-api", None, None),
            ("prod/checkout-api", "checkout-api", None, None),
            ("arn:", "arn:", None, None),
        ] {
            assert_eq!((short(arn), region_of(arn), cluster_of(arn)), (name, region, cluster), "{arn}");
        }
    }

    #[test]
    fn a_name_or_an_arn_means_its_thing() {
        for (wanted, arn, expected) in [
            ("checkout-api", SERVICE, true),
            (SERVICE, SERVICE, true),
            (OLD_FORMAT, SERVICE, true),
            ("Checkout-api", SERVICE, false),
            ("checkout", SERVICE, false),
            ("arn:aws:ecs:eu-west-1:123456789012:service/dev/checkout-api", SERVICE, false),
            ("arn:aws:ecs:us-east-1:123456789012:service/prod/checkout-api", SERVICE, false),
        ] {
            assert_eq!(means(wanted, arn), expected, "{wanted}");
        }
    }

    #[test]
    fn revisions() {
        assert_eq!(
            family_revision("arn:aws:ecs:eu-west-1:123456789012:task-definition/checkout-api:42"),
            Some(("checkout-api", 42))
        );
        assert_eq!(family_revision("checkout-api:7"), Some(("checkout-api", 7)));
        assert_eq!(family_revision("checkout-api"), None);
        assert_eq!(family_revision("checkout-api:latest"), None);
    }
}
