//! Finds the client's address behind proxies. Only the entries of `X-Forwarded-For` that trusted proxies added are
//! used, because clients can forge the others.

use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName};

use crate::config::Networks;
use crate::server::state::ServerState;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Address of the client. `None` if the router is called without a connection, as in tests.
#[derive(Clone, Copy, Debug)]
pub struct ClientIp(pub Option<IpAddr>);

impl FromRequestParts<ServerState> for ClientIp {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, server: &ServerState) -> Result<Self, Self::Rejection> {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0.ip());
        let proxies = &server.admission.access.proxies;
        Ok(Self(peer.map(|peer| client_address(proxies, peer, &parts.headers))))
    }
}

/// Returns the last address on the path that does not belong to a trusted proxy.
fn client_address(proxies: &Networks, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
    let mut address = peer.to_canonical();
    let values = headers.get_all(FORWARDED_FOR).iter().rev();
    let hops = values.flat_map(|value| value.to_str().unwrap_or("?").rsplit(','));
    for hop in hops {
        if !proxies.contain(address) {
            break;
        }
        let Some(hop) = parse(hop.trim()) else { break };
        address = hop.to_canonical();
    }
    address
}

/// Parses an entry; some proxies add the port.
fn parse(hop: &str) -> Option<IpAddr> {
    let bare = || hop.trim_start_matches('[').trim_end_matches(']').parse().ok();
    hop.parse::<SocketAddr>().map(|socket| socket.ip()).ok().or_else(bare)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn client_address_uses_only_entries_of_trusted_proxies() {
        let proxies = Networks::parse("10.0.0.0/8").unwrap();
        for (peer, forwarded, expected) in [
            ("9.9.9.9", vec!["1.1.1.1"], "9.9.9.9"),
            ("10.0.0.1", vec![], "10.0.0.1"),
            ("10.0.0.1", vec!["1.1.1.1"], "1.1.1.1"),
            ("::ffff:10.0.0.1", vec!["1.1.1.1"], "1.1.1.1"),
            ("10.0.0.1", vec!["6.6.6.6, 1.1.1.1"], "1.1.1.1"),
            ("10.0.0.1", vec!["6.6.6.6, 1.1.1.1, 10.0.0.2"], "1.1.1.1"),
            ("10.0.0.1", vec!["6.6.6.6", "1.1.1.1"], "1.1.1.1"),
            ("10.0.0.1", vec!["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
            ("10.0.0.1", vec!["1.1.1.1:5000"], "1.1.1.1"),
            ("10.0.0.1", vec!["[2001:db8::1]:5000"], "2001:db8::1"),
            ("10.0.0.1", vec!["2001:db8::1"], "2001:db8::1"),
            ("10.0.0.1", vec!["6.6.6.6, unknown"], "10.0.0.1"),
        ] {
            let headers = forwarded.iter().map(|value| (FORWARDED_FOR, value.parse().unwrap())).fold(
                HeaderMap::new(),
                |mut headers, (name, value)| {
                    headers.append(name, value);
                    headers
                },
            );
            assert_eq!(
                client_address(&proxies, peer.parse().unwrap(), &headers).to_string(),
                expected,
                "{peer} {forwarded:?}"
            );
        }
    }
}
