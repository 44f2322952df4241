//! Rate limiter: every operation costs points, charged per minute to the caller's account and address.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use axum::http::StatusCode;
use chrono::TimeDelta;

use crate::auth::rate_limiter::KeyedRateLimiter;
use crate::auth::throttle::network;
use crate::config::RateLimits;
use crate::domain::UserId;
use crate::domain::clock::Instant;
use crate::graphql::scalars::DateTime;
use crate::server::error::HttpError;

/// Points spent by accounts and addresses.
pub struct OperationRates {
    actors: KeyedRateLimiter<UserId>,
    addresses: KeyedRateLimiter<IpAddr>,
}

impl OperationRates {
    /// Creates the limiters with nothing spent.
    pub fn new(bounds: &RateLimits) -> Self {
        Self {
            actors: KeyedRateLimiter::per_minute(bounds.per_actor),
            addresses: KeyedRateLimiter::per_minute(bounds.per_address),
        }
    }

    /// Charges the points to the address and the account. Fails with the time to wait if too few points are left.
    pub fn spend(&self, actor: Option<UserId>, address: Option<IpAddr>, points: u64) -> Result<(), Duration> {
        let points = u32::try_from(points).ok().and_then(NonZeroU32::new).unwrap_or(NonZeroU32::MAX);
        if let Some(address) = address {
            self.addresses.take(&network(address), points)?;
        }
        actor.map_or(Ok(()), |actor| self.actors.take(&actor, points))
    }
}

/// The error for a reached limit, with the time after which the caller may retry.
pub fn rate_limited(wait: Duration, now: Instant) -> HttpError {
    let retry_at = now + TimeDelta::from_std(wait).unwrap_or(TimeDelta::minutes(1));
    let message = "The rate limit was exceeded in the last minute. Retry later.";
    let mut problem = HttpError::new(StatusCode::TOO_MANY_REQUESTS, "RATE_LIMITED", message);
    problem.retry_after = Some(wait);
    for error in &mut problem.errors {
        error.extensions.get_or_insert_default().set("retryAt", DateTime(retry_at).text());
    }
    problem
}
