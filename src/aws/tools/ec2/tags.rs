//! What tags tell, whatever they are on.

use crate::tools::reading;
use aws_sdk_ec2::types::Tag;
use std::collections::BTreeMap;

/// The value of the tag named `key`.
pub fn value<'a>(tags: &'a [Tag], key: &str) -> Option<&'a str> {
    tags.iter().find(|t| t.key() == Some(key)).and_then(|t| t.value())
}

/// Tags that decide how careful one must be.
pub fn deciding(tags: &[Tag]) -> BTreeMap<String, String> {
    reading::tags::deciding(tags.iter().filter_map(|t| Some((t.key()?, t.value().unwrap_or_default()))))
}

/// Which tool would see the change as drift, as its tags tell.
pub fn managed_by(tags: &[Tag]) -> Option<String> {
    if let Some(stack) = value(tags, "aws:cloudformation:stack-name") {
        return Some(format!("CloudFormation stack {stack}"));
    }
    tags.iter().find_map(|t| {
        let (key, value) = (t.key()?.to_lowercase(), t.value().unwrap_or_default().to_lowercase());
        let says = key.starts_with("terraform") || key.contains("managed") && value.contains("terraform");
        says.then(|| "Terraform".to_owned())
    })
}
