//! Limits password attempts and requests for mails, in memory: each process counts on its own. The daily limits of
//! mails are in the database.

use std::hash::{BuildHasher, Hash, RandomState};
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::Arc;

use chrono::{SubsecRound, TimeDelta};

use crate::auth::rate_limiter::KeyedRateLimiter;
use crate::domain::clock::Instant;
use crate::domain::{Email, Refusal, UserId};

/// Attempts per minute for one login, or one username at sign-up, from one network.
const PER_LOGIN_AND_NETWORK: NonZeroU32 = NonZeroU32::MIN.saturating_add(9);
/// Attempts per minute for one login from all networks that the user did not sign in from recently.
const PER_LOGIN: NonZeroU32 = NonZeroU32::MIN.saturating_add(99);
/// Attempts per minute from one network.
const PER_NETWORK: NonZeroU32 = NonZeroU32::MIN.saturating_add(59);
/// Requests for mails per minute by one user.
const PER_SENDER: NonZeroU32 = NonZeroU32::MIN.saturating_add(2);

/// Limits attempts. Clones share the counts.
#[derive(Clone)]
pub struct Throttle {
    limits: Option<Arc<Limits>>,
}

struct Limits {
    sign_ins: AttemptCounter,
    sign_ups: AttemptCounter,
    logins: KeyedRateLimiter<u64>,
    senders: KeyedRateLimiter<UserId>,
    /// Hashes logins to 64-bit keys, so that long logins take no more memory. The seed is random, so that collisions
    /// cannot be predicted.
    hasher: RandomState,
}

/// Counts attempts of one kind, per network and per name.
struct AttemptCounter {
    networks: KeyedRateLimiter<IpAddr>,
    names: KeyedRateLimiter<(u64, Option<IpAddr>)>,
}

impl AttemptCounter {
    fn new() -> Self {
        Self {
            networks: KeyedRateLimiter::per_minute(PER_NETWORK),
            names: KeyedRateLimiter::per_minute(PER_LOGIN_AND_NETWORK),
        }
    }

    fn count(&self, name: u64, address: Option<IpAddr>, now: Instant) -> Result<(), Refusal> {
        let network = address.map(network);
        if let Some(network) = &network {
            count(&self.networks, network, now)?;
        }
        count(&self.names, &(name, network), now)
    }
}

impl Throttle {
    /// Creates a throttle; one that is not `enabled` never refuses.
    pub fn new(enabled: bool) -> Self {
        let limits = || {
            Arc::new(Limits {
                sign_ins: AttemptCounter::new(),
                sign_ups: AttemptCounter::new(),
                logins: KeyedRateLimiter::per_minute(PER_LOGIN),
                senders: KeyedRateLimiter::per_minute(PER_SENDER),
                hasher: RandomState::new(),
            })
        };
        Self { limits: enabled.then(limits) }
    }

    /// Counts an attempt to sign in from an address. Fails with RATE_LIMITED and the time of the next possible attempt.
    pub fn sign_in(&self, login: &str, address: Option<IpAddr>, now: Instant) -> Result<(), Refusal> {
        let Some(limits) = &self.limits else { return Ok(()) };
        limits.sign_ins.count(limits.key(login), address, now)
    }

    /// Counts an attempt to sign in from a network that the user did not sign in from recently. Fails with
    /// RATE_LIMITED.
    pub fn sign_in_from_new_network(&self, login: &str, now: Instant) -> Result<(), Refusal> {
        let Some(limits) = &self.limits else { return Ok(()) };
        count(&limits.logins, &limits.key(login), now)
    }

    /// Counts an attempt to sign up with a username. Fails with RATE_LIMITED.
    pub fn sign_up(&self, username: &str, address: Option<IpAddr>, now: Instant) -> Result<(), Refusal> {
        let Some(limits) = &self.limits else { return Ok(()) };
        limits.sign_ups.count(limits.key(username), address, now)
    }

    /// Counts a mail that a user requests. Fails with RATE_LIMITED.
    pub fn mail_of(&self, sender: UserId, now: Instant) -> Result<(), Refusal> {
        let Some(limits) = &self.limits else { return Ok(()) };
        count(&limits.senders, &sender, now)
    }
}

impl Limits {
    fn key(&self, login: &str) -> u64 {
        self.hasher.hash_one(Email::lookup(login))
    }
}

fn count<K: Hash + Eq + Clone>(limiter: &KeyedRateLimiter<K>, key: &K, now: Instant) -> Result<(), Refusal> {
    limiter.take(key, NonZeroU32::MIN).map_err(|wait| {
        let wait = TimeDelta::from_std(wait).unwrap_or(TimeDelta::minutes(1));
        Refusal::rate_limited("Too many attempts. Try again later.", (now + wait).trunc_subsecs(3))
    })
}

/// Returns the network of a client: its IPv4 address, or the /64 of its IPv6 address, which belongs to one customer.
pub fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX))),
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Clock, Code};

    fn accepted(throttle: &Throttle, login: impl Fn(u32) -> String, address: impl Fn(u32) -> Option<IpAddr>) -> usize {
        let now = Clock::default().now();
        (0..200).filter(|&n| throttle.sign_in(&login(n), address(n), now).is_ok()).count()
    }

    fn own_address(n: u32) -> Option<IpAddr> {
        Some(IpAddr::from([10, 0, (n >> 8) as u8, n as u8]))
    }

    #[test]
    fn sign_in_allows_ten_attempts_per_login_and_network() {
        let (throttle, here) = (Throttle::new(true), |_| Some(IpAddr::from([10, 0, 0, 1])));
        let spelling = |spellings: [&'static str; 3]| move |n: u32| spellings[n as usize % 3].to_owned();
        assert_eq!(accepted(&throttle, spelling(["ada", " ADA", "Ada"]), here), 10);
        let address = ["ada@bücher.example", "Ada@BÜCHER.example", "ada@xn--bcher-kva.example"];
        let there = |_| Some(IpAddr::from([10, 1, 0, 1]));
        assert_eq!(accepted(&throttle, spelling(address), there), 10);
        assert_eq!(
            accepted(&throttle, spelling(["ada", " ADA", "Ada"]), own_address),
            199,
            "other networks are not affected"
        );
    }

    #[test]
    fn sign_in_from_new_network_allows_a_hundred_attempts_per_login() {
        let (throttle, now) = (Throttle::new(true), Clock::default().now());
        assert_eq!((0..200).filter(|_| throttle.sign_in_from_new_network("ada", now).is_ok()).count(), 100);
        assert!(throttle.sign_in("ada", own_address(1), now).is_ok(), "a known network has its own count");
    }

    #[test]
    fn sign_up_is_counted_apart_from_sign_in() {
        let (throttle, now) = (Throttle::new(true), Clock::default().now());
        assert_eq!((0..200).filter(|_| throttle.sign_up("ada", own_address(1), now).is_ok()).count(), 10);
        assert!(throttle.sign_in("ada", own_address(1), now).is_ok());
    }

    #[test]
    fn sign_in_allows_sixty_attempts_per_network() {
        let login = |n: u32| format!("user{n}");
        let v6 = |n: u32| Some(IpAddr::from([0x2001, 0xdb8, 0, 1, 0, 0, 0, n as u16]));
        assert_eq!(accepted(&Throttle::new(true), login, |_| Some(IpAddr::from([10, 0, 0, 1]))), 60);
        assert_eq!(accepted(&Throttle::new(true), login, v6), 60);
        assert_eq!(accepted(&Throttle::new(true), login, |_| None), 200);
    }

    #[test]
    fn mail_of_refuses_with_the_time_of_the_next_attempt() {
        let (throttle, now) = (Throttle::new(true), Clock::default().now());
        let [ada, grace] = [1, 2].map(|number| UserId::from(uuid::Uuid::from_u128(number)));
        let refusals: Vec<_> = (0..4).filter_map(|_| throttle.mail_of(ada, now).err()).collect();
        assert_eq!(refusals.len(), 1, "three mails a minute");
        assert_eq!(refusals[0].code, Code::RateLimited);
        let wait = refusals[0].retry_at.unwrap() - now;
        assert!(wait > TimeDelta::seconds(10) && wait <= TimeDelta::seconds(21), "{wait}");
        assert!(throttle.mail_of(grace, now).is_ok(), "another account");
    }

    #[test]
    fn sign_in_keeps_one_key_per_login_until_it_has_recovered() {
        let throttle = Throttle::new(true);
        let limits = throttle.limits.clone().unwrap();
        let long = "x".repeat(250);
        accepted(&throttle, |n| format!("{long}{n}"), |n| Some(IpAddr::from([10, 1, (n >> 8) as u8, n as u8])));
        assert_eq!(limits.sign_ins.names.key_count(), 200);
        // As all of them are after a minute.
        limits.sign_ins.names.sweep();
        assert_eq!(limits.sign_ins.names.key_count(), 200, "not yet");
    }

    #[test]
    fn sign_in_never_refuses_if_the_throttle_is_disabled() {
        assert_eq!(accepted(&Throttle::new(false), |_| "ada".to_owned(), |_| Some(IpAddr::from([10, 0, 0, 1]))), 200);
    }
}
