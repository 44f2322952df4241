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
use crate::config::{Access, Bounds};
use crate::domain::UserId;
use crate::domain::clock::Instant;
use crate::server::admission::concurrency::{Place, Tally};
use crate::server::admission::rate_limit::Rates;
use crate::server::error::Problem;
use crate::server::execute::Caller;

/// After how long somebody who has as many streams as they may have should try again.
const FULL_TIME: Duration = Duration::from_secs(30);

/// The doorkeeper. Cheap to clone; the clones count together.
#[derive(Clone)]
pub struct Admission {
    access: Arc<Access>,
    rates: Option<Arc<Rates>>,
    connections_of_addresses: Tally<IpAddr>,
    streams_of_actors: Tally<UserId>,
    streams_of_addresses: Tally<IpAddr>,
}

impl Admission {
    /// One that has let nobody in yet.
    pub fn new(access: Access) -> Self {
        let most = |of: fn(&Bounds) -> usize| access.bounds.as_ref().map_or(usize::MAX, of);
        Self {
            rates: access.bounds.as_ref().map(|bounds| Arc::new(Rates::new(bounds))),
            connections_of_addresses: Tally::new(most(|bounds| bounds.connections)),
            streams_of_actors: Tally::new(most(|bounds| bounds.streams_per_actor)),
            streams_of_addresses: Tally::new(most(|bounds| bounds.streams_per_address)),
            access: Arc::new(access),
        }
    }

    /// Most connections at once, whoever they are from.
    pub fn connections(&self) -> usize {
        self.access.connections.min(Semaphore::MAX_PERMITS)
    }

    /// A place for a connection from there; none if that address has as many as it may have. Proxies have any number.
    pub fn connection(&self, peer: IpAddr) -> Option<Place<IpAddr>> {
        if self.access.proxies.contain(peer) {
            return Some(Place::uncounted());
        }
        self.connections_of_addresses.place(Some(network(peer)))
    }

    /// A place for a stream of events, or what is told if the caller has as many as they may have.
    pub fn stream(&self, caller: &Caller, now: Instant) -> Result<(Place<IpAddr>, Place<UserId>), Problem> {
        let places = self.stream_from(caller.address).zip(self.stream_of(caller.actor.map(|actor| actor.user_id)));
        places.ok_or_else(|| rate_limit::too_often(FULL_TIME, now))
    }

    /// A place for a WebSocket or stream from there; none if that address has as many as it may have.
    pub fn stream_from(&self, address: Option<IpAddr>) -> Option<Place<IpAddr>> {
        self.streams_of_addresses.place(address.map(network))
    }

    /// A place for a WebSocket or stream of that account; none if it has as many as it may have.
    pub fn stream_of(&self, actor: Option<UserId>) -> Option<Place<UserId>> {
        self.streams_of_actors.place(actor)
    }
}
