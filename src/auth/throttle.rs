//! Bounds on guessing passwords and on asking for mails, in memory: each process counts for itself. Mails are counted by day in
//! the database.

use std::hash::{BuildHasher, Hash, RandomState};
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::Arc;

use chrono::{SubsecRound, TimeDelta};

use crate::auth::rate_limiter::KeyedRateLimiter;
use crate::domain::clock::Instant;
use crate::domain::{Email, Refusal, UserId};

/// Tries a minute at one login, or at one name that is signed up for, from one network.
const PER_LOGIN_AND_NETWORK: NonZeroU32 = NonZeroU32::MIN.saturating_add(9);
/// Tries a minute at one login from all networks that its account did not sign in from lately.
const PER_LOGIN: NonZeroU32 = NonZeroU32::MIN.saturating_add(99);
/// Tries a minute from one network.
const PER_NETWORK: NonZeroU32 = NonZeroU32::MIN.saturating_add(59);
/// Mails a minute that one account may ask for.
const PER_SENDER: NonZeroU32 = NonZeroU32::MIN.saturating_add(2);

/// Bounds tries. Cheap to clone; the clones count together.
#[derive(Clone)]
pub struct Throttle {
    limits: Option<Arc<Limits>>,
}

struct Limits {
    sign_ins: AttemptCounter,
    sign_ups: AttemptCounter,
    logins: KeyedRateLimiter<u64>,
    senders: KeyedRateLimiter<UserId>,
    /// Texts are counted by a number of eight bytes, which nobody can foresee: long ones cost no more memory than short ones.
    numbers: RandomState,
}

/// Tries of one kind.
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
    /// One that has counted nothing yet; if not `enabled`, it never will.
    pub fn new(enabled: bool) -> Self {
        let limits = || {
            Arc::new(Limits {
                sign_ins: AttemptCounter::new(),
                sign_ups: AttemptCounter::new(),
                logins: KeyedRateLimiter::per_minute(PER_LOGIN),
                senders: KeyedRateLimiter::per_minute(PER_SENDER),
                numbers: RandomState::new(),
            })
        };
        Self { limits: enabled.then(limits) }
    }

    /// Counts a try at a password from that address; RATE_LIMITED, with the time of the next one, if there were too many.
    pub fn sign_in(&self, login: &str, address: Option<IpAddr>, now: Instant) -> Result<(), Refusal> {
        let Some(limits) = &self.limits else { return Ok(()) };
        limits.sign_ins.count(limits.number(login), address, now)
    }

    /// Counts a try at a password from a network that the account did not sign in from lately; RATE_LIMITED likewise.
    pub fn sign_in_from_new_network(&self, login: &str, now: Instant) -> Result<(), Refusal> {
        let Some(limits) = &self.limits else { return Ok(()) };
        count(&limits.logins, &limits.number(login), now)
    }

    /// Counts a try to sign up with that username; RATE_LIMITED likewise.
    pub fn sign_up(&self, username: &str, address: Option<IpAddr>, now: Instant) -> Result<(), Refusal> {
        let Some(limits) = &self.limits else { return Ok(()) };
        limits.sign_ups.count(limits.number(username), address, now)
    }

    /// Counts a mail that an account asks for; RATE_LIMITED likewise.
    pub fn mail_of(&self, sender: UserId, now: Instant) -> Result<(), Refusal> {
        let Some(limits) = &self.limits else { return Ok(()) };
        count(&limits.senders, &sender, now)
    }
}

impl Limits {
    fn number(&self, text: &str) -> u64 {
        self.numbers.hash_one(Email::lookup(text))
    }
}

fn count<K: Hash + Eq + Clone>(allowance: &KeyedRateLimiter<K>, key: &K, now: Instant) -> Result<(), Refusal> {
    allowance.take(key, NonZeroU32::MIN).map_err(|wait| {
        let wait = TimeDelta::from_std(wait).unwrap_or(TimeDelta::minutes(1));
        Refusal::rate_limited("Too many tries. Wait a little.", (now + wait).trunc_subsecs(3))
    })
}

/// The network of an address: an IPv4 address, or an IPv6 /64, all of which one customer has.
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

    fn tries(throttle: &Throttle, login: impl Fn(u32) -> String, address: impl Fn(u32) -> Option<IpAddr>) -> usize {
        let now = Clock::default().now();
        (0..200).filter(|&n| throttle.sign_in(&login(n), address(n), now).is_ok()).count()
    }

    fn of_its_own(n: u32) -> Option<IpAddr> {
        Some(IpAddr::from([10, 0, (n >> 8) as u8, n as u8]))
    }

    #[test]
    fn sign_in_is_tried_ten_times_at_one_login_from_one_network() {
        let (throttle, here) = (Throttle::new(true), |_| Some(IpAddr::from([10, 0, 0, 1])));
        let spelling = |spellings: [&'static str; 3]| move |n: u32| spellings[n as usize % 3].to_owned();
        assert_eq!(tries(&throttle, spelling(["ada", " ADA", "Ada"]), here), 10);
        let address = ["ada@bücher.example", "Ada@BÜCHER.example", "ada@xn--bcher-kva.example"];
        let there = |_| Some(IpAddr::from([10, 1, 0, 1]));
        assert_eq!(tries(&throttle, spelling(address), there), 10);
        assert_eq!(tries(&throttle, spelling(["ada", " ADA", "Ada"]), of_its_own), 199, "elsewhere it is not");
    }

    #[test]
    fn sign_in_is_tried_a_hundred_times_at_one_login_from_new_networks() {
        let (throttle, now) = (Throttle::new(true), Clock::default().now());
        assert_eq!((0..200).filter(|_| throttle.sign_in_from_new_network("ada", now).is_ok()).count(), 100);
        assert!(throttle.sign_in("ada", of_its_own(1), now).is_ok(), "from a known network it is not counted");
    }

    #[test]
    fn sign_up_has_counts_of_its_own() {
        let (throttle, now) = (Throttle::new(true), Clock::default().now());
        assert_eq!((0..200).filter(|_| throttle.sign_up("ada", of_its_own(1), now).is_ok()).count(), 10);
        assert!(throttle.sign_in("ada", of_its_own(1), now).is_ok());
    }

    #[test]
    fn one_network_tries_sixty_times_whatever_the_login() {
        let login = |n: u32| format!("user{n}");
        let v6 = |n: u32| Some(IpAddr::from([0x2001, 0xdb8, 0, 1, 0, 0, 0, n as u16]));
        assert_eq!(tries(&Throttle::new(true), login, |_| Some(IpAddr::from([10, 0, 0, 1]))), 60);
        assert_eq!(tries(&Throttle::new(true), login, v6), 60);
        assert_eq!(tries(&Throttle::new(true), login, |_| None), 200);
    }

    #[test]
    fn a_refusal_tells_when_it_works_again() {
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
    fn what_has_recovered_is_forgotten_and_long_logins_take_no_more_room() {
        let throttle = Throttle::new(true);
        let limits = throttle.limits.clone().unwrap();
        let long = "x".repeat(250);
        tries(&throttle, |n| format!("{long}{n}"), |n| Some(IpAddr::from([10, 1, (n >> 8) as u8, n as u8])));
        assert_eq!(limits.sign_ins.names.remembered(), 200);
        // As all of them are after a minute.
        limits.sign_ins.names.sweep();
        assert_eq!(limits.sign_ins.names.remembered(), 200, "not yet");
    }

    #[test]
    fn a_throttle_that_is_off_never_refuses() {
        assert_eq!(tries(&Throttle::new(false), |_| "ada".to_owned(), |_| Some(IpAddr::from([10, 0, 0, 1]))), 200);
    }
}
