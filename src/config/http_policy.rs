//! Who is let in: what the front door goes by, put together from the settings.

use std::num::NonZeroU32;

use crate::config::{HttpSettings, Networks, Origins, RuleSettings};

/// What the front door goes by.
#[derive(Clone, Debug)]
pub struct HttpPolicy {
    /// URL under which clients reach the server, where it is known.
    pub public_url: Option<String>,
    /// Other origins than the server's own whose pages may ask.
    pub origins: Origins,
    /// Proxies whose word on where a request comes from is taken.
    pub proxies: Networks,
    /// Most connections at once, whoever they are from.
    pub connections: usize,
    /// Bounds on what one may have; none: as much as there is.
    pub bounds: Option<RateLimits>,
}

/// How much anybody may have.
#[derive(Clone, Copy, Debug)]
pub struct RateLimits {
    /// Points that an account may spend in a minute.
    pub per_actor: NonZeroU32,
    /// Points that may be spent from an address of the network in a minute.
    pub per_address: NonZeroU32,
    /// Connections from one address at once, WebSockets among them. Proxies are not bound.
    pub connections: usize,
    /// WebSockets and streams of one account at once.
    pub streams_per_actor: usize,
    /// WebSockets and streams from one address at once, also behind a proxy.
    pub streams_per_address: usize,
}

impl HttpPolicy {
    /// What operators have set, for a server that is reached at `public_url`.
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

/// Nothing that is not asked for: the server's own pages, no proxies, no bounds.
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
