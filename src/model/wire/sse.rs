//! Server-sent events: bytes to the data of each event, however the bytes are cut.
//!
//! Own framing because the ready-made crate buffers without a bound and scans a growing line again for every chunk.

/// Bytes in one line, at most.
pub(crate) const LINE_CAP: usize = 4 * 1024 * 1024;
/// Bytes in one response, at most.
pub(crate) const RESPONSE_CAP: usize = 16 * 1024 * 1024;
/// Bytes that are kept of a response that is no event stream.
const HEAD_CAP: usize = 1024 * 1024;

/// More than we are ready to hold: a sentence's end that says of what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooLarge(pub(crate) &'static str);

/// Splits a response into events. UTF-8 is decoded line by line, so a character cut in two by the network is whole again;
/// bytes that are not UTF-8 at all become U+FFFD.
#[derive(Debug, Default)]
pub(crate) struct Framer {
    line: Vec<u8>,
    data: Option<String>,
    after_cr: bool,
    past_start: bool,
    total: usize,
    /// What came before the first event.
    head: Vec<u8>,
    framed: bool,
}

impl Framer {
    /// Adds bytes and returns the data of every event they complete.
    pub(crate) fn push(&mut self, mut bytes: &[u8]) -> Result<Vec<String>, TooLarge> {
        self.total = self.total.saturating_add(bytes.len());
        if self.total > RESPONSE_CAP {
            return Err(TooLarge("an answer of more than 16 MB"));
        }
        if !self.framed {
            let room = HEAD_CAP.saturating_sub(self.head.len()).min(bytes.len());
            self.head.extend_from_slice(bytes.get(..room).unwrap_or_default());
        }
        let mut events = Vec::new();
        while let Some(&first) = bytes.first() {
            if std::mem::take(&mut self.after_cr) && first == b'\n' {
                bytes = bytes.get(1..).unwrap_or_default();
                continue;
            }
            let end = bytes.iter().position(|b| matches!(b, b'\n' | b'\r'));
            let (text, rest) = bytes.split_at(end.unwrap_or(bytes.len()));
            if self.line.len() + text.len() > LINE_CAP {
                return Err(TooLarge("a line of more than 4 MB"));
            }
            self.line.extend_from_slice(text);
            if end.is_some() {
                self.after_cr = rest.first() == Some(&b'\r');
                events.extend(self.end_line());
            }
            bytes = rest.get(1..).unwrap_or_default();
        }
        if !events.is_empty() {
            self.framed = true;
            self.head = Vec::new();
        }
        Ok(events)
    }

    /// What came instead of events, when nothing else did: JSON or a page, from a server that does not stream or a proxy
    /// before it.
    pub(crate) fn instead(&self) -> Option<String> {
        let text = String::from_utf8_lossy(&self.head);
        let text = text.trim_start_matches('\u{feff}').trim();
        (!self.framed && text.starts_with(['{', '[', '<'])).then(|| text.to_owned())
    }

    /// Takes in one whole line; the data of an event when the line ends one.
    fn end_line(&mut self) -> Option<String> {
        let raw = std::mem::take(&mut self.line);
        let text = String::from_utf8_lossy(&raw);
        let line = if self.past_start { &*text } else { text.trim_start_matches('\u{feff}') };
        self.past_start = true;
        if line.is_empty() {
            return self.data.take();
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        if field == "error" && value.starts_with('{') {
            // Not in the standard: llama.cpp tells its errors so.
            self.data = Some(format!("{{\"error\":{value}}}"));
        }
        if field == "data" {
            match &mut self.data {
                Some(data) => {
                    data.push('\n');
                    data.push_str(value);
                }
                None => self.data = Some(value.to_owned()),
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::{Framer, LINE_CAP, RESPONSE_CAP, TooLarge};

    fn events(chunks: &[&[u8]]) -> Vec<String> {
        let mut framer = Framer::default();
        chunks.iter().flat_map(|c| framer.push(c).unwrap()).collect()
    }

    #[test]
    fn frames_as_the_standard_says() {
        for (bytes, want) in [
            ("data: a\n\n", vec!["a"]),
            ("data:a\n\n", vec!["a"]),
            ("data:  a\n\n", vec![" a"]),
            ("\u{feff}data: a\n\n", vec!["a"]),
            ("data: a\r\n\r\ndata: b\r\rdata: c\n\n", vec!["a", "b", "c"]),
            ("data: a\ndata: b\n\n", vec!["a\nb"]),
            (": comment\nevent: x\nid: 1\nretry: 5\nwhatever\ndata: a: b\n\n", vec!["a: b"]),
            ("event: lonely\n\n\n\ndata: a\n\n", vec!["a"]),
            ("data\n\n", vec![""]),
            ("data: unfinished\n", vec![]),
            ("data: unfinished", vec![]),
        ] {
            assert_eq!(events(&[bytes.as_bytes()]), want, "{bytes:?}");
        }
    }

    #[test]
    fn any_cut_gives_the_same_events() {
        let bytes = "data: grün 👩‍🚀\r\n\r\n: ping\rdata: {\"a\":1}\rdata: zwei\n\n".as_bytes();
        let whole = events(&[bytes]);
        assert_eq!(whole, ["grün 👩‍🚀", "{\"a\":1}\nzwei"]);
        for cut in 0..=bytes.len() {
            let (a, b) = bytes.split_at(cut);
            assert_eq!(events(&[a, b]), whole, "cut at {cut}");
        }
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        assert_eq!(events(&single), whole);
    }

    #[test]
    fn what_is_no_event_stream_is_kept_to_be_told() {
        for (bytes, want) in [
            ("{\n \"error\": 1\n}", Some("{\n \"error\": 1\n}")),
            ("<html>\n\n</html>", Some("<html>\n\n</html>")),
            (": ping\n\n", None),
            ("", None),
            ("data: {}\n\n{", None),
        ] {
            for cut in 0..=bytes.len() {
                let (a, b) = bytes.as_bytes().split_at(cut);
                let mut framer = Framer::default();
                framer.push(a).unwrap();
                framer.push(b).unwrap();
                assert_eq!(framer.instead().as_deref(), want, "{bytes:?} cut at {cut}");
            }
        }
        assert_eq!(events(&[b"error: {\"code\":500}\n\n"]), ["{\"error\":{\"code\":500}}"]);
    }

    #[test]
    fn bytes_that_are_not_text_do_not_stop_the_stream() {
        assert_eq!(events(&[b"data: \xff\xfe!\n\ndata: ok\n\n"]), ["\u{fffd}\u{fffd}!", "ok"]);
    }

    #[test]
    fn bounds_hold() {
        let mut framer = Framer::default();
        assert!(framer.push(&vec![b'x'; LINE_CAP]).is_ok());
        assert_eq!(framer.push(b"x"), Err(TooLarge("a line of more than 4 MB")));

        let mut framer = Framer::default();
        let line = [&b"data: "[..], &[b'x'; 1_000_000], b"\n\n"].concat();
        let mut sent = 0;
        let error = loop {
            match framer.push(&line) {
                Ok(_) => sent += line.len(),
                Err(error) => break error,
            }
        };
        assert_eq!(error, TooLarge("an answer of more than 16 MB"));
        assert!(sent <= RESPONSE_CAP && sent + line.len() > RESPONSE_CAP);
    }
}
