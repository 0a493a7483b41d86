//! The clipboard, through the terminal: works over SSH and in tmux.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Bytes of text taken at most: terminals drop longer sequences.
pub const MOST: usize = 100_000;

/// The sequence that puts `text` on the clipboard (OSC 52). Inside tmux it is sent a second time, wrapped so that
/// tmux hands it on. `None`: the text is longer than [`MOST`] bytes.
#[must_use]
pub fn osc52(text: &str, tmux: bool) -> Option<String> {
    if text.len() > MOST {
        return None;
    }
    let plain = format!("\x1b]52;c;{}\x07", STANDARD.encode(text));
    if !tmux {
        return Some(plain);
    }
    let wrapped = plain.replace('\x1b', "\x1b\x1b");
    Some(format!("{plain}\x1bPtmux;{wrapped}\x1b\\"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_wrapped_and_bounded() {
        assert_eq!(osc52("hi", false).unwrap(), "\x1b]52;c;aGk=\x07");
        assert_eq!(osc52("hi", true).unwrap(), "\x1b]52;c;aGk=\x07\x1bPtmux;\x1b\x1b]52;c;aGk=\x07\x1b\\");
        assert!(osc52(&"x".repeat(MOST), false).is_some());
        assert_eq!(osc52(&"x".repeat(MOST + 1), false), None);
    }
}
