//! A scripted Messages endpoint on 127.0.0.1, for tests: include it with `#[path]`.
//!
//! It answers what a script says, in pieces if wanted, and remembers what it was asked. It needs tokio and `serde_json` only.
#![allow(dead_code)] // each test that includes it uses another part

use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// One block of a scripted answer.
#[derive(Clone, Debug)]
pub enum Say {
    /// Prose, in pieces of three characters.
    Text(&'static str),
    /// Reasoning with its signature.
    Thinking(&'static str),
    /// A tool call: id, name, arguments.
    Tool(String, &'static str, Value),
}

/// One scripted reply.
#[derive(Clone, Debug)]
pub enum Reply {
    /// A whole answer: blocks and the stop reason (`tool_use` when `None` and a tool is among them, else `end_turn`).
    Answer(Vec<Say>),
    /// These bytes as an event stream, then the connection closes.
    Bytes(Vec<u8>),
    /// As `Bytes`, so many bytes at a time with a pause after each piece.
    Pieces(Vec<u8>, usize, Duration),
    /// These bytes, then nothing more until the client goes away.
    Hang(Vec<u8>),
    /// Another status, with headers and a body.
    Status(u16, Vec<(&'static str, String)>, String),
    /// The connection closes without a word.
    Close,
}

/// One request as it arrived.
#[derive(Clone, Debug)]
pub struct Received {
    /// The request line's method.
    pub method: String,
    /// The request line's path; a whole address when it came as to a proxy.
    pub path: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body; null when it was not JSON.
    pub body: Value,
    /// The body as it came.
    pub raw: String,
}

impl Received {
    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }
}

/// The endpoint. It ends with the runtime it was started on.
pub struct Scripted {
    address: SocketAddr,
    received: Arc<Mutex<Vec<Received>>>,
    gone: Arc<Mutex<u32>>,
}

impl Scripted {
    /// Replies in this order, then 500.
    pub async fn start(replies: Vec<Reply>) -> Self {
        Self::answering(move |n, _| {
            let over = || Reply::Status(500, Vec::new(), "the script is over".to_owned());
            replies.get(n).cloned().unwrap_or_else(over)
        })
        .await
    }

    /// Replies what `script` says to the n-th request (from 0) with this body.
    pub async fn answering(script: impl Fn(usize, &Value) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let received: Arc<Mutex<Vec<Received>>> = Arc::default();
        let gone: Arc<Mutex<u32>> = Arc::default();
        let (seen, left, script) = (Arc::clone(&received), Arc::clone(&gone), Arc::new(script));
        tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                let (seen, left, script) = (Arc::clone(&seen), Arc::clone(&left), Arc::clone(&script));
                tokio::spawn(async move {
                    let Some(request) = read(&mut socket).await else { return };
                    let reply = {
                        let mut seen = seen.lock().expect("no panic while locked");
                        seen.push(request.clone());
                        script(seen.len() - 1, &request.body)
                    };
                    if answer(&mut socket, reply).await.is_err() {
                        *left.lock().expect("no panic while locked") += 1;
                    }
                });
            }
        });
        Self { address, received, gone }
    }

    /// The base URL.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Requests so far.
    pub fn received(&self) -> Vec<Received> {
        self.received.lock().expect("no panic while locked").clone()
    }

    /// How many clients went away before their reply ended.
    pub fn gone(&self) -> u32 {
        *self.gone.lock().expect("no panic while locked")
    }
}

/// The bytes of a whole answer.
pub fn answer_bytes(blocks: &[Say]) -> Vec<u8> {
    let mut out = event(
        &json!({ "type": "message_start", "message": { "id": "msg_1", "type": "message", "role": "assistant",
        "model": "scripted", "content": [], "stop_reason": null, "stop_sequence": null,
        "usage": { "input_tokens": 10, "output_tokens": 1 } } }),
    );
    out += &event(&json!({ "type": "ping" }));
    let mut stop = "end_turn";
    for (index, block) in blocks.iter().enumerate() {
        let (start, deltas) = match block {
            Say::Text(text) => {
                let pieces = pieces(text).map(|p| json!({ "type": "text_delta", "text": p })).collect();
                (json!({ "type": "text", "text": "" }), pieces)
            }
            Say::Thinking(text) => {
                let mut deltas: Vec<Value> =
                    pieces(text).map(|p| json!({ "type": "thinking_delta", "thinking": p })).collect();
                deltas.push(json!({ "type": "signature_delta", "signature": "c2lnbmVk" }));
                (json!({ "type": "thinking", "thinking": "", "signature": "" }), deltas)
            }
            Say::Tool(id, name, input) => {
                stop = "tool_use";
                let text = if input == &json!({}) { String::new() } else { input.to_string() };
                let deltas =
                    pieces(&text).map(|p| json!({ "type": "input_json_delta", "partial_json": p })).collect();
                (json!({ "type": "tool_use", "id": id, "name": name, "input": {} }), deltas)
            }
        };
        out += &event(&json!({ "type": "content_block_start", "index": index, "content_block": start }));
        for delta in deltas {
            out += &event(&json!({ "type": "content_block_delta", "index": index, "delta": delta }));
        }
        out += &event(&json!({ "type": "content_block_stop", "index": index }));
    }
    out += &event(&json!({ "type": "message_delta", "delta": { "stop_reason": stop, "stop_sequence": null },
        "usage": { "output_tokens": 25 } }));
    out += &event(&json!({ "type": "message_stop" }));
    out.into_bytes()
}

/// One event as it goes over the wire.
pub fn event(data: &Value) -> String {
    format!("event: {}\ndata: {data}\n\n", data["type"].as_str().unwrap_or("message"))
}

fn pieces(text: &str) -> impl Iterator<Item = String> + '_ {
    let mut chars = text.chars().peekable();
    std::iter::from_fn(move || {
        chars.peek()?;
        Some(chars.by_ref().take(3).collect())
    })
}

async fn read(socket: &mut TcpStream) -> Option<Received> {
    let mut bytes = Vec::new();
    let mut chunk = vec![0; 16 * 1024];
    loop {
        if let Some(end) = bytes.windows(4).position(|w| w == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
            let mut lines = head.lines();
            let mut first = lines.next()?.split(' ').map(str::to_owned);
            let (method, path) = (first.next()?, first.next()?);
            let headers: Vec<(String, String)> = lines
                .filter_map(|line| line.split_once(':'))
                .map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()))
                .collect();
            let length = headers
                .iter()
                .find(|(n, _)| n == "content-length")
                .map_or(0, |(_, v)| v.parse().unwrap_or(0));
            if bytes.len() >= end + 4 + length {
                let raw = &bytes[end + 4..end + 4 + length];
                let body = serde_json::from_slice(raw).unwrap_or(Value::Null);
                let raw = String::from_utf8_lossy(raw).into_owned();
                return Some(Received { method, path, headers, body, raw });
            }
        }
        match socket.read(&mut chunk).await {
            Ok(0) | Err(_) => return None,
            Ok(n) => bytes.extend_from_slice(&chunk[..n]),
        }
    }
}

async fn answer(socket: &mut TcpStream, reply: Reply) -> std::io::Result<()> {
    const HEAD: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";
    match reply {
        Reply::Answer(blocks) => {
            socket.write_all(HEAD).await?;
            socket.write_all(&answer_bytes(&blocks)).await?;
        }
        Reply::Bytes(bytes) => {
            socket.write_all(HEAD).await?;
            socket.write_all(&bytes).await?;
        }
        Reply::Pieces(bytes, size, pause) => {
            socket.write_all(HEAD).await?;
            for piece in bytes.chunks(size.max(1)) {
                socket.write_all(piece).await?;
                socket.flush().await?;
                tokio::time::sleep(pause).await;
            }
        }
        Reply::Hang(bytes) => {
            socket.write_all(HEAD).await?;
            socket.write_all(&bytes).await?;
            let mut rest = [0; 64];
            while socket.read(&mut rest).await? > 0 {}
            return Err(std::io::ErrorKind::ConnectionAborted.into());
        }
        Reply::Status(code, headers, body) => {
            let mut head = format!(
                "HTTP/1.1 {code} Scripted\r\ncontent-length: {}\r\nconnection: close\r\n",
                body.len()
            );
            for (name, value) in headers {
                head += &format!("{name}: {value}\r\n");
            }
            socket.write_all(format!("{head}\r\n{body}").as_bytes()).await?;
        }
        Reply::Close => {}
    }
    socket.shutdown().await
}
