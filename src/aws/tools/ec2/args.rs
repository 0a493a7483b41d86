//! Instance ids as arguments.

use quarterdeck_core::tool::{Fault, FaultKind};

/// Every id is `i-` and 8 or 17 hexadecimal digits.
///
/// # Errors
/// `invalid`, naming the first that is not.
pub fn check_ids(ids: &[String]) -> Result<(), Fault> {
    match ids.iter().find(|id| !is_id(id)) {
        None => Ok(()),
        Some(bad) => {
            let shown: String = bad.chars().take(64).collect();
            Err(Fault::new(FaultKind::Invalid, format!("{shown:?} is not an instance id"))
                .hint("send ids such as i-0123456789abcdef0; list_ec2_instances finds them by name"))
        }
    }
}

/// As [`check_ids`], and there are 1 to 10 different ones.
///
/// # Errors
/// `invalid`, saying how many a change may name.
pub fn check_targets(ids: &[String]) -> Result<(), Fault> {
    if ids.is_empty() || ids.len() > 10 {
        return Err(Fault::new(FaultKind::Invalid, format!("{} instances named", ids.len()))
            .hint("name 1 to 10 instances by id in one call"));
    }
    let twice = ids.iter().enumerate().find(|(n, id)| ids.iter().take(*n).any(|earlier| earlier == *id));
    if let Some((_, id)) = twice {
        return Err(
            Fault::new(FaultKind::Invalid, format!("{id:?} is named twice")).hint("name each instance once")
        );
    }
    check_ids(ids)
}

fn is_id(id: &str) -> bool {
    id.strip_prefix("i-").is_some_and(|hex| {
        matches!(hex.len(), 8 | 17) && hex.chars().all(|c| matches!(c, '0'..='9' | 'a'..='f'))
    })
}
