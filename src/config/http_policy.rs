//! The access policy of the HTTP server, built from the settings.

use std::num::NonZeroU32;

use crate::config::{HttpSettings, Networks, Origins, RuleSettings};

/// Limits and origins that the HTTP server enforces.
#[derive(Clone, Debug)]
pub struct HttpPolicy {
    /// URL under which clients reach the server, if known.
    pub public_url: Option<String>,
    /// Other origins than the server's own whose pages may send requests.
    pub origins: Origins,
    /// Proxies whose `X-Forwarded-For` is trusted.
    pub proxies: Networks,
    /// Maximum number of concurrent connections from all addresses.
    pub connections: usize,
    /// Limits for accounts and addresses; `None` means no limits.
    pub bounds: Option<RateLimits>,
}

/// Limits for each account and each address.
#[derive(Clone, Copy, Debug)]
pub struct RateLimits {
    /// Points that an account may spend per minute.
    pub per_actor: NonZeroU32,
    /// Points that an address may spend per minute.
    pub per_address: NonZeroU32,
    /// Maximum concurrent connections of one address, including WebSockets. Proxies have no limit.
    pub connections: usize,
    /// Maximum concurrent WebSockets and streams of one account.
    pub streams_per_actor: usize,
    /// Maximum concurrent WebSockets and streams of one address, also behind a proxy.
    pub streams_per_address: usize,
}

impl HttpPolicy {
    /// Builds the policy from the settings, for a server that clients reach at `public_url`.
    pub fn new(http: &HttpSettings, rules: &RuleSettings, public_url: &str) -> Self {
        let bounds =
            RateLimits { per_actor: rules.actor_rate, per_address: rules.address_rate, ..RateLimits::default() };
        Self {
            public_url: Some(public_url.to_owned()),
            origins: http.allowed_origins.clone().unwrap_or_default(),
            proxies: http.trusted_proxies.clone().unwrap_or_default(),
            connections: http.max_connections as usize,
            bounds: bool::from(rules.rate_limits).then_some(bounds),
        }
    }
}

/// The policy without any settings: only the server's own pages, no proxies, no limits for accounts and addresses.
impl Default for HttpPolicy {
    fn default() -> Self {
        Self {
            public_url: None,
            origins: Origins::default(),
            proxies: Networks::default(),
            connections: super::MAX_CONNECTIONS as usize,
            bounds: None,
        }
    }
}

impl Default for RateLimits {
    fn default() -> Self {
        Self {
            per_actor: super::ACTOR_RATE,
            per_address: super::ADDRESS_RATE,
            connections: 2_000,
            streams_per_actor: 100,
            streams_per_address: 1_000,
        }
    }
}
