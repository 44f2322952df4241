//! Limits access to the server: allowed origins, trusted proxies, rate limits, and concurrency limits.

pub mod client_ip;
pub mod concurrency;
pub mod cors;
pub mod rate_limit;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

use crate::auth::throttle::network;
use crate::config::{HttpPolicy, RateLimits};
use crate::domain::UserId;
use crate::domain::clock::Instant;
use crate::graphql::documents::cost::OPERATION;
use crate::server::admission::concurrency::{ConcurrencyLimiter, Permit};
use crate::server::admission::rate_limit::OperationRates;
use crate::server::caller::Caller;
use crate::server::error::HttpError;
use crate::server::prepare::Prepared;

/// Retry delay for a caller that has the maximum number of streams.
const STREAM_RETRY_DELAY: Duration = Duration::from_secs(30);

/// Decides which connections, streams and operations are admitted. Cheap to clone; clones share the counts.
#[derive(Clone)]
pub struct Admission {
    access: Arc<HttpPolicy>,
    rates: Option<Arc<OperationRates>>,
    connections_of_addresses: ConcurrencyLimiter<IpAddr>,
    streams_of_actors: ConcurrencyLimiter<UserId>,
    streams_of_addresses: ConcurrencyLimiter<IpAddr>,
}

impl Admission {
    /// Creates the limiters from the policy, with nothing in use.
    pub fn new(access: HttpPolicy) -> Self {
        let limit = |of: fn(&RateLimits) -> usize| access.bounds.as_ref().map_or(usize::MAX, of);
        Self {
            rates: access.bounds.as_ref().map(|bounds| Arc::new(OperationRates::new(bounds))),
            connections_of_addresses: ConcurrencyLimiter::new(limit(|bounds| bounds.connections)),
            streams_of_actors: ConcurrencyLimiter::new(limit(|bounds| bounds.streams_per_actor)),
            streams_of_addresses: ConcurrencyLimiter::new(limit(|bounds| bounds.streams_per_address)),
            access: Arc::new(access),
        }
    }

    /// Returns the maximum number of concurrent connections from all addresses.
    pub fn connections(&self) -> usize {
        self.access.connections.min(Semaphore::MAX_PERMITS)
    }

    /// Returns a permit for a connection; `None` if the address has reached its limit. Proxies have no limit.
    pub fn connection(&self, peer: IpAddr) -> Option<Permit<IpAddr>> {
        if self.access.proxies.contain(peer) {
            return Some(Permit::uncounted());
        }
        self.connections_of_addresses.place(Some(network(peer)))
    }

    /// Charges the caller for an operation, or for a refused request; fails if too few points are left.
    pub fn charge(
        &self,
        caller: &Caller,
        prepared: Result<Prepared, HttpError>,
        now: Instant,
    ) -> Result<Prepared, HttpError> {
        let Some(rates) = &self.rates else { return prepared };
        let points = prepared.as_ref().map_or(OPERATION, |prepared| prepared.cost);
        match rates.spend(caller.actor.map(|actor| actor.user_id), caller.address, points) {
            Ok(()) => prepared,
            Err(wait) => Err(rate_limit::rate_limited(wait, now)),
        }
    }

    /// Returns permits for an event stream, or an error if the caller has reached a limit.
    pub fn stream(&self, caller: &Caller, now: Instant) -> Result<(Permit<IpAddr>, Permit<UserId>), HttpError> {
        let permits = self.stream_from(caller.address).zip(self.stream_of(caller.actor.map(|actor| actor.user_id)));
        permits.ok_or_else(|| rate_limit::rate_limited(STREAM_RETRY_DELAY, now))
    }

    /// Returns a permit for a WebSocket or stream of this address; `None` if the address has reached its limit.
    pub fn stream_from(&self, address: Option<IpAddr>) -> Option<Permit<IpAddr>> {
        self.streams_of_addresses.place(address.map(network))
    }

    /// Returns a permit for a WebSocket or stream of this account; `None` if the account has reached its limit.
    pub fn stream_of(&self, actor: Option<UserId>) -> Option<Permit<UserId>> {
        self.streams_of_actors.place(actor)
    }
}
