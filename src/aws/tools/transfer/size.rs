//! Bytes for people.

/// `640 B`, `1.5 KiB`, `20.0 MiB`; whole bytes stand beside it where they decide.
pub fn size(bytes: u64) -> String {
    let mut value = bytes as f64;
    for unit in ["B", "KiB", "MiB", "GiB"] {
        if value < 1024.0 {
            return if unit == "B" { format!("{bytes} B") } else { format!("{value:.1} {unit}") };
        }
        value /= 1024.0;
    }
    format!("{value:.1} TiB")
}

/// `1.5 KiB (1536 B)`: what is compared between two plans has every byte.
pub fn exact(bytes: u64) -> String {
    if bytes < 1024 { size(bytes) } else { format!("{} ({bytes} B)", size(bytes)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        for (bytes, shown) in
            [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (20 << 20, "20.0 MiB"), (3 << 40, "3.0 TiB")]
        {
            assert_eq!(size(bytes), shown);
        }
        assert_eq!((exact(5), exact(1536)), ("5 B".to_owned(), "1.5 KiB (1536 B)".to_owned()));
    }
}
