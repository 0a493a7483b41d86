//! EC2's protocol: `<NameResponse>` with the members directly inside, lists as `<item>`.

use super::{Failure, Node, xml};

/// The answer to `operation`.
pub(crate) fn body(operation: &str, request: &str, node: &Node) -> String {
    let mut out = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<{operation}Response xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><requestId>{request}</requestId>"
    );
    xml::children(&mut out, node, "item");
    out.push_str(&format!("</{operation}Response>"));
    out
}

/// The error answer.
pub(crate) fn error(failure: &Failure, request: &str) -> String {
    let mut message = String::new();
    xml::text(&mut message, &failure.message);
    let code = &failure.code;
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors><RequestID>{request}</RequestID></Response>"
    )
}
