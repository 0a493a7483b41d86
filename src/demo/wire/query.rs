//! The query protocol: `<NameResponse><NameResult>`, lists as `<member>`.

use super::{Failure, Node, xml};

/// The answer to `operation`.
pub(crate) fn body(operation: &str, request: &str, node: &Node) -> String {
    let mut out =
        format!("<{operation}Response xmlns=\"https://demo.amazonaws.com/doc/\"><{operation}Result>");
    xml::children(&mut out, node, "member");
    out.push_str(&format!(
        "</{operation}Result><ResponseMetadata><RequestId>{request}</RequestId></ResponseMetadata></{operation}Response>"
    ));
    out
}

/// The error answer.
pub(crate) fn error(failure: &Failure, request: &str) -> String {
    let mut message = String::new();
    xml::text(&mut message, &failure.message);
    let (code, side) = (&failure.code, if failure.status >= 500 { "Receiver" } else { "Sender" });
    format!(
        "<ErrorResponse xmlns=\"https://demo.amazonaws.com/doc/\"><Error><Type>{side}</Type><Code>{code}</Code><Message>{message}</Message></Error><RequestId>{request}</RequestId></ErrorResponse>"
    )
}
