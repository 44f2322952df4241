//! Networks, as operators write them: addresses, and ranges of them with the length of their prefix.

use std::net::IpAddr;

/// A list of networks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Networks(Vec<Network>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Network {
    address: IpAddr,
    prefix: u32,
}

impl Networks {
    /// Reads a list with commas, such as `10.0.0.0/8, ::1`.
    pub fn parse(text: &str) -> Result<Self, String> {
        let entries = text.split(',').map(str::trim).filter(|entry| !entry.is_empty());
        entries
            .map(Network::parse)
            .collect::<Option<_>>()
            .map(Self)
            .ok_or_else(|| "it must be addresses and networks such as 10.0.0.0/8, with commas between them".to_owned())
    }

    /// Whether the address is in one of them.
    pub fn contain(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(address))
    }
}

impl Network {
    fn parse(entry: &str) -> Option<Self> {
        let (address, prefix) = match entry.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix.parse().ok()?)),
            None => (entry, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let longest = if address.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.unwrap_or(longest);
        (prefix <= longest).then_some(Self { address, prefix })
    }

    fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                begin_alike(own.to_bits().into(), other.to_bits().into(), 32 - self.prefix)
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => begin_alike(own.to_bits(), other.to_bits(), 128 - self.prefix),
            _ => false,
        }
    }
}

/// Whether they are the same but for so many bits at their end.
fn begin_alike(one: u128, other: u128, ignored: u32) -> bool {
    (one ^ other).checked_shr(ignored).unwrap_or(0) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_in_the_networks_that_begin_like_it() {
        let networks = Networks::parse("10.0.0.0/8, 192.168.1.7,2001:db8::/32, ").unwrap();
        for inside in ["10.255.0.1", "192.168.1.7", "2001:db8:1::1", "::ffff:10.1.2.3"] {
            assert!(networks.contain(inside.parse().unwrap()), "{inside}");
        }
        for outside in ["11.0.0.1", "192.168.1.8", "2001:db9::1", "::1"] {
            assert!(!networks.contain(outside.parse().unwrap()), "{outside}");
        }
        assert!(Networks::parse("0.0.0.0/0").unwrap().contain("8.8.8.8".parse().unwrap()));
        assert!(Networks::parse("::/0").unwrap().contain("::1".parse().unwrap()));
        assert_eq!(Networks::parse(" "), Ok(Networks::default()));
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for bad in ["localhost", "10.0.0.0/33", "10.0.0.0/x", "10.0.0/8", "::/129"] {
            assert!(Networks::parse(bad).is_err(), "{bad}");
        }
    }
}
