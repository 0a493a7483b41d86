//! The parts of ARNs that decide where to ask.

/// The region an ARN names; `None` for a plain name.
pub fn region_of(name: &str) -> Option<&str> {
    name.strip_prefix("arn:")?.split(':').nth(2).filter(|region| !region.is_empty())
}

/// The region the first ARN among `names` names, as a list of regions: asking elsewhere could only find nothing.
pub fn named_regions(names: &[&Option<String>]) -> Option<Vec<String>> {
    let region = names.iter().filter_map(|name| name.as_deref()).find_map(region_of)?;
    Some(vec![region.to_owned()])
}
