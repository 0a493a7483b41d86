//! EC2's filters: all of them must match, one value of each, with `*` and `?`.

use crate::machine::Machine;
use crate::wire::{Failure, Input};
use crate::world::World;
use std::collections::BTreeMap;

/// Whether the request's filters let `machine` through.
///
/// # Errors
/// A filter EC2 does not know.
pub(crate) fn passes(world: &World<'_>, input: &Input, machine: &Machine<'_>) -> Result<bool, Failure> {
    fits(input, |name| values(world, name, machine))
}

/// Whether the request's filters let something through that has these values under their names; `None`: there is no
/// such filter.
///
/// # Errors
/// A filter EC2 does not know.
pub(crate) fn fits(input: &Input, values: impl Fn(&str) -> Option<Vec<String>>) -> Result<bool, Failure> {
    for filter in input.list("Filter") {
        let name = filter.need("Name", "InvalidParameterValue")?;
        let wanted = filter.texts("Value");
        let found = values(name).ok_or_else(|| {
            Failure::new("InvalidParameterValue", format!("The filter '{name}' is invalid"))
        })?;
        if !found.iter().any(|v| wanted.iter().any(|w| like(w, v))) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The instance's tags, those AWS and we add included.
pub(crate) fn tags(machine: &Machine<'_>) -> BTreeMap<String, String> {
    let mut tags = machine.instance.tags.clone();
    if let Some(name) = &machine.instance.name {
        tags.insert("Name".to_owned(), name.clone());
    }
    if let Some(asg) = &machine.instance.asg {
        tags.insert("aws:autoscaling:groupName".to_owned(), asg.clone());
    }
    tags
}

fn values(world: &World<'_>, name: &str, machine: &Machine<'_>) -> Option<Vec<String>> {
    let tags = tags(machine);
    if let Some(key) = name.strip_prefix("tag:") {
        return Some(tags.get(key).cloned().into_iter().collect());
    }
    Some(match name {
        "instance-id" => vec![machine.id.clone()],
        "instance-state-name" => vec![machine.state.name().to_owned()],
        "instance-state-code" => vec![machine.state.code().to_string()],
        "instance-type" => vec![machine.instance.kind.clone()],
        "private-ip-address" | "network-interface.addresses.private-ip-address" => {
            vec![machine.private_ip.clone()]
        }
        "ip-address" => machine.public_ip.clone().into_iter().collect(),
        "availability-zone" => vec![format!("{}{}", world.region, machine.instance.az)],
        "tag-key" => tags.into_keys().collect(),
        "tag-value" => tags.into_values().collect(),
        "vpc-id" => vec![super::describe::VPC.to_owned()],
        "instance-lifecycle" => machine.instance.spot.then(|| "spot".to_owned()).into_iter().collect(),
        _ => return None,
    })
}

/// Case-sensitive, `*` for anything, `?` for one character.
fn like(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    matches(&pattern, &text)
}

fn matches(pattern: &[char], text: &[char]) -> bool {
    match (pattern, text) {
        ([], []) => true,
        (['*', rest @ ..], _) => (0..=text.len()).any(|n| text.get(n..).is_some_and(|t| matches(rest, t))),
        (['?', rest @ ..], [_, t @ ..]) => matches(rest, t),
        ([p, rest @ ..], [c, t @ ..]) if p == c => matches(rest, t),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::like;

    #[test]
    fn wildcards() {
        for (pattern, text, want) in [
            ("web-*", "web-1", true),
            ("web-*", "a-web-1", false),
            ("*web*", "a-web-1", true),
            ("web-?", "web-1", true),
            ("web-?", "web-12", false),
            ("WEB-*", "web-1", false),
            ("", "", true),
            ("*", "", true),
        ] {
            assert_eq!(like(pattern, text), want, "{pattern} on {text}");
        }
    }
}
