//! Who is let in: from which pages, by which proxies, how often, and how many at once.

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
use crate::server::admission::concurrency::{ConcurrencyLimiter, Permit};
use crate::server::admission::rate_limit::OperationRates;
use crate::server::error::HttpError;
use crate::server::execute::Caller;

/// After how long somebody who has as many streams as they may have should try again.
const FULL_TIME: Duration = Duration::from_secs(30);

/// The doorkeeper. Cheap to clone; the clones count together.
#[derive(Clone)]
pub struct Admission {
    access: Arc<HttpPolicy>,
    rates: Option<Arc<OperationRates>>,
    connections_of_addresses: ConcurrencyLimiter<IpAddr>,
    streams_of_actors: ConcurrencyLimiter<UserId>,
    streams_of_addresses: ConcurrencyLimiter<IpAddr>,
}

impl Admission {
    /// One that has let nobody in yet.
    pub fn new(access: HttpPolicy) -> Self {
        let most = |of: fn(&RateLimits) -> usize| access.bounds.as_ref().map_or(usize::MAX, of);
        Self {
            rates: access.bounds.as_ref().map(|bounds| Arc::new(OperationRates::new(bounds))),
            connections_of_addresses: ConcurrencyLimiter::new(most(|bounds| bounds.connections)),
            streams_of_actors: ConcurrencyLimiter::new(most(|bounds| bounds.streams_per_actor)),
            streams_of_addresses: ConcurrencyLimiter::new(most(|bounds| bounds.streams_per_address)),
            access: Arc::new(access),
        }
    }

    /// Most connections at once, whoever they are from.
    pub fn connections(&self) -> usize {
        self.access.connections.min(Semaphore::MAX_PERMITS)
    }

    /// A place for a connection from there; none if that address has as many as it may have. Proxies have any number.
    pub fn connection(&self, peer: IpAddr) -> Option<Permit<IpAddr>> {
        if self.access.proxies.contain(peer) {
            return Some(Permit::uncounted());
        }
        self.connections_of_addresses.place(Some(network(peer)))
    }

    /// A place for a stream of events, or what is told if the caller has as many as they may have.
    pub fn stream(&self, caller: &Caller, now: Instant) -> Result<(Permit<IpAddr>, Permit<UserId>), HttpError> {
        let places = self.stream_from(caller.address).zip(self.stream_of(caller.actor.map(|actor| actor.user_id)));
        places.ok_or_else(|| rate_limit::rate_limited(FULL_TIME, now))
    }

    /// A place for a WebSocket or stream from there; none if that address has as many as it may have.
    pub fn stream_from(&self, address: Option<IpAddr>) -> Option<Permit<IpAddr>> {
        self.streams_of_addresses.place(address.map(network))
    }

    /// A place for a WebSocket or stream of that account; none if it has as many as it may have.
    pub fn stream_of(&self, actor: Option<UserId>) -> Option<Permit<UserId>> {
        self.streams_of_actors.place(actor)
    }
}
