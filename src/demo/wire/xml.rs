//! Nodes as XML elements, shared by the protocols that answer in XML.

use super::Node;

/// Appends `node` as the element `name`, which may carry attributes; list members are elements named `member`.
pub(crate) fn element(out: &mut String, name: &str, node: &Node, member: &str) {
    if matches!(node, Node::Absent) {
        return;
    }
    out.push('<');
    out.push_str(name);
    out.push('>');
    children(out, node, member);
    out.push_str("</");
    out.push_str(name.split(' ').next().unwrap_or(name));
    out.push('>');
}

/// Appends what is inside an element.
pub(crate) fn children(out: &mut String, node: &Node, member: &str) {
    match node {
        Node::Absent => {}
        Node::Bool(v) => out.push_str(if *v { "true" } else { "false" }),
        Node::Int(v) => out.push_str(&v.to_string()),
        Node::Float(v) => out.push_str(&v.to_string()),
        Node::Text(v) => text(out, v),
        Node::Time(v) => out.push_str(&v.rfc3339()),
        Node::List(items) => items.iter().for_each(|item| element(out, member, item, member)),
        Node::Map(fields) => fields.iter().for_each(|(key, value)| element(out, key, value, member)),
    }
}

/// Appends escaped text. Control characters, which XML forbids, go out as references: tags may hold them and
/// the SDK hands them on, so a console must be ready for them.
pub(crate) fn text(out: &mut String, value: &str) {
    for c in value.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            c if c.is_control() => out.push_str(&format!("&#x{:X};", u32::from(c))),
            c => out.push(c),
        }
    }
}
