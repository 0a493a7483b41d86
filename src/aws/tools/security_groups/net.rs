//! Ranges of addresses.

use std::net::IpAddr;

/// A range of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Net {
    six: bool,
    /// The first address, IPv4 in the low 32 bits.
    first: u128,
    length: u32,
}

/// 224.0.0.0: from here on IPv4 is multicast and reserved.
const NOT_UNICAST: u128 = 0xe000_0000;

impl Net {
    /// `203.0.113.0/24`, `2001:db8::/32`; an address alone is itself.
    pub fn parse(cidr: &str) -> Option<Self> {
        let (address, length) = match cidr.split_once('/') {
            Some((address, length)) => (address, Some(length.parse::<u32>().ok()?)),
            None => (cidr, None),
        };
        let (six, bits, address) = match address.parse().ok()? {
            IpAddr::V4(v4) => (false, 32, u128::from(u32::from(v4))),
            IpAddr::V6(v6) => (true, 128, u128::from(v6)),
        };
        let length = length.unwrap_or(bits);
        let host = bits.checked_sub(length)?;
        let first = address.checked_shr(host).unwrap_or(0).checked_shl(host).unwrap_or(0);
        Some(Self { six, first, length })
    }

    /// The last address.
    fn last(self) -> u128 {
        let host = if self.six { 128 } else { 32 } - self.length;
        self.first | 1_u128.checked_shl(host).map_or(u128::MAX, |size| size - 1)
    }

    /// Whether all of it is in `other`.
    pub fn within(self, other: Self) -> bool {
        self.six == other.six && other.first <= self.first && self.last() <= other.last()
    }

    /// Whether it and `other` share an address.
    pub fn meets(self, other: Self) -> bool {
        self.within(other) || other.within(self)
    }

    /// Every address there is.
    pub const fn is_everything(self) -> bool {
        self.length == 0
    }

    /// Public and so wide that it counts as the world.
    pub fn is_wide(self) -> bool {
        if self.six {
            return self.length < 16 && self.meets(INTERNET_6);
        }
        self.length < 8 && self.first < NOT_UNICAST
    }
}

/// 2000::/3, all that is public in IPv6.
const INTERNET_6: Net = Net { six: true, first: 1 << 125, length: 3 };

/// Whether ranges together cover at least half of the public space of IPv4 or of IPv6.
pub fn covers_half(nets: &[Net]) -> bool {
    let (v6, v4): (Vec<Net>, Vec<Net>) = nets.iter().partition(|n| n.six);
    let v6: Vec<Net> = v6.into_iter().filter(|n| n.within(INTERNET_6)).collect();
    addresses(v4) >= NOT_UNICAST / 2 || addresses(v6) >= 1 << 124
}

/// How many addresses are in at least one of them.
fn addresses(mut nets: Vec<Net>) -> u128 {
    nets.sort_by_key(|n| n.first);
    let (mut sum, mut next) = (0_u128, 0_u128);
    for net in nets {
        let (first, last) = (net.first.max(next), net.last());
        if first <= last {
            sum = sum.saturating_add(last - first).saturating_add(1);
            next = last.saturating_add(1);
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_of_addresses() {
        for bad in ["", "10.0.0.0/33", "10.0.0/8", "::/129", "10.0.0.0/-1", "10.0.0.0/x", "pl-1"] {
            assert_eq!(Net::parse(bad), None, "{bad}");
        }
        let net = |text| Net::parse(text).unwrap();
        for (a, b, within, meets) in [
            ("10.1.0.0/16", "10.0.0.0/8", true, true),
            ("10.0.0.0/8", "10.1.0.0/16", false, true),
            ("10.0.0.0/8", "0.0.0.0/0", true, true),
            ("10.0.0.0/8", "11.0.0.0/8", false, false),
            ("10.0.0.0/8", "::/0", false, false),
            ("2001:db8::/32", "::/0", true, true),
            ("0.0.0.0/0", "0.0.0.0/0", true, true),
            ("10.0.0.7", "10.0.0.7/32", true, true),
            ("10.9.9.9/8", "10.0.0.0/8", true, true),
        ] {
            assert_eq!((net(a).within(net(b)), net(a).meets(net(b))), (within, meets), "{a} in {b}");
        }
    }
}
