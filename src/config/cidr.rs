//! IP networks in the notation of operators: addresses, and ranges with a prefix length.

use std::net::IpAddr;

use ipnet::IpNet;

/// A list of networks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Networks(Vec<IpNet>);

impl Networks {
    /// Parses a list with commas, such as `10.0.0.0/8, ::1`.
    pub fn parse(text: &str) -> Result<Self, String> {
        let entries = text.split(',').map(str::trim).filter(|entry| !entry.is_empty());
        let network = |entry: &str| entry.parse().or_else(|_| entry.parse::<IpAddr>().map(IpNet::from));
        entries
            .map(network)
            .collect::<Result<_, _>>()
            .map(Self)
            .map_err(|_| "it must be addresses and networks such as 10.0.0.0/8, with commas between them".to_owned())
    }

    /// Whether one of the networks contains the address. An IPv4 address written as IPv6 counts as IPv4.
    pub fn contain(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contain_matches_addresses_by_prefix() {
        let networks = Networks::parse("10.1.2.3/8, 192.168.1.7,2001:db8::/32, ").unwrap();
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
    fn parse_refuses_invalid_networks() {
        for bad in ["localhost", "10.0.0.0/33", "10.0.0.0/x", "10.0.0/8", "::/129", "10.0.0.0/-1", "/8"] {
            assert!(Networks::parse(bad).is_err(), "{bad}");
        }
    }
}
