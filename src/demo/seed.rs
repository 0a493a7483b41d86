//! Determinism: everything that looks random is a function of names and numbers.

/// A number that depends on `name` and `n` alone.
pub(crate) fn mix(name: &str, n: u64) -> u64 {
    let mut h = 0xcbf2_9ce4_8422_2325_u64 ^ n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    for b in name.bytes() {
        h = (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3);
    }
    h = (h ^ (h >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    h = (h ^ (h >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    h ^ (h >> 31)
}

/// A number from 0 up to, not including, 1.
pub(crate) fn fraction(name: &str, n: u64) -> f64 {
    (mix(name, n) >> 11) as f64 / (1u64 << 53) as f64
}

/// `digits` lower-case hexadecimal digits.
pub(crate) fn hex(name: &str, n: u64, digits: usize) -> String {
    let mut out = String::with_capacity(digits + 16);
    let mut round = 0;
    while out.len() < digits {
        out.push_str(&format!("{:016x}", mix(name, n ^ (round << 56))));
        round += 1;
    }
    out.truncate(digits);
    out
}

/// A 19-digit decimal number, as ECS names deployments and service revisions.
pub(crate) fn digits(name: &str, n: u64) -> String {
    format!("{}", 1_000_000_000_000_000_000 + mix(name, n) % 8_000_000_000_000_000_000)
}

/// An identifier in the form of a UUID.
pub(crate) fn uuid(name: &str, n: u64) -> String {
    let h = hex(name, n, 32);
    let part = |from: usize, to: usize| h.get(from..to).unwrap_or_default();
    format!("{}-{}-{}-{}-{}", part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32))
}

/// One of `items`; `None` when there are none.
pub(crate) fn pick<'a, T>(items: &'a [T], name: &str, n: u64) -> Option<&'a T> {
    let count = u64::try_from(items.len()).ok().filter(|c| *c > 0)?;
    items.get(usize::try_from(mix(name, n) % count).ok()?)
}
