//! REST with XML bodies: S3.

use super::{Failure, Node, xml};

/// A document with this root; members of its lists are elements named `member`.
pub(crate) fn body(root: &str, member: &str, node: &Node) -> String {
    let mut out = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<{root} xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
    );
    xml::children(&mut out, node, member);
    out.push_str(&format!("</{root}>"));
    out
}

/// An error document as the services that wrap theirs send it.
pub(crate) fn wrapped(error: &str) -> String {
    let inner = error.split_once("?>\n").map_or(error, |(_, inner)| inner);
    format!("<ErrorResponse>{inner}</ErrorResponse>")
}

/// The error document.
pub(crate) fn error(failure: &Failure, request: &str) -> String {
    let mut message = String::new();
    xml::text(&mut message, &failure.message);
    let code = &failure.code;
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>{message}</Message><RequestId>{request}</RequestId></Error>"
    )
}
