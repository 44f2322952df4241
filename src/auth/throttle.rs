//! How often somebody may try: bounds on guessing passwords and on sending mails to one address.

use std::hash::{BuildHasher, Hash, RandomState};
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::Arc;

use chrono::{SubsecRound, TimeDelta};

use super::allowance::Allowance;
use crate::domain::clock::Instant;
use crate::domain::{Email, Refusal, UserId};

/// Tries of one login in a minute.
const PER_LOGIN: NonZeroU32 = NonZeroU32::MIN.saturating_add(9);
/// Tries from one address of the network in a minute.
const PER_ADDRESS: NonZeroU32 = NonZeroU32::MIN.saturating_add(59);
/// Mails to one address, and of one account to itself, in a minute.
const PER_RECIPIENT: NonZeroU32 = NonZeroU32::MIN.saturating_add(2);

/// Bounds tries. Cheap to clone; the clones count together.
#[derive(Clone)]
pub struct Throttle {
    limits: Option<Arc<Limits>>,
}

struct Limits {
    logins: Allowance<u64>,
    addresses: Allowance<IpAddr>,
    senders: Allowance<UserId>,
    recipients: Allowance<u64>,
    /// Texts are counted by a number of eight bytes, which nobody can foresee: long ones cost no more memory than short ones.
    numbers: RandomState,
}

impl Throttle {
    /// One that has counted nothing yet; if not `enabled`, it never will.
    pub fn new(enabled: bool) -> Self {
        let limits = || {
            Arc::new(Limits {
                logins: Allowance::per_minute(PER_LOGIN),
                addresses: Allowance::per_minute(PER_ADDRESS),
                senders: Allowance::per_minute(PER_RECIPIENT),
                recipients: Allowance::per_minute(PER_RECIPIENT),
                numbers: RandomState::new(),
            })
        };
        Self { limits: enabled.then(limits) }
    }

    /// Counts a try of a password; RATE_LIMITED, with the time of the next one, if there were too many.
    pub fn sign_in(&self, login: &str, address: Option<IpAddr>, now: Instant) -> Result<(), Refusal> {
        let Some(limits) = &self.limits else { return Ok(()) };
        if let Some(address) = address {
            count(&limits.addresses, &network(address), now)?;
        }
        count(&limits.logins, &limits.number(login), now)
    }

    /// Counts a mail that somebody has sent to themselves; RATE_LIMITED, with the time of the next one, if there were too many.
    pub fn mail_of(&self, sender: UserId, now: Instant) -> Result<(), Refusal> {
        let Some(limits) = &self.limits else { return Ok(()) };
        count(&limits.senders, &sender, now)
    }

    /// Counts a mail to an address, and tells whether there is to be one. If not, nobody may notice: it would tell of what
    /// others have asked for.
    pub fn lets_mail_to(&self, recipient: &Email) -> bool {
        let Some(limits) = &self.limits else { return true };
        limits.recipients.take(&limits.number(recipient.as_str()), NonZeroU32::MIN).is_ok()
    }
}

impl Limits {
    fn number(&self, text: &str) -> u64 {
        self.numbers.hash_one(text.trim().to_lowercase())
    }
}

fn count<K: Hash + Eq + Clone>(allowance: &Allowance<K>, key: &K, now: Instant) -> Result<(), Refusal> {
    allowance.take(key, NonZeroU32::MIN).map_err(|wait| {
        let wait = TimeDelta::from_std(wait).unwrap_or(TimeDelta::minutes(1));
        Refusal::rate_limited("Too many tries. Wait a little.", (now + wait).trunc_subsecs(3))
    })
}

/// One customer of a network has all the addresses of an IPv6 /64.
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

    #[test]
    fn one_login_is_tried_ten_times_whatever_its_case_and_wherever_from() {
        let from = |n: u32| Some(IpAddr::from([10, 0, (n >> 8) as u8, n as u8]));
        let login = |n: u32| if n.is_multiple_of(2) { "ada".to_owned() } else { " ADA".to_owned() };
        assert_eq!(tries(&Throttle::new(true), login, from), 10);
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
    fn one_address_gets_three_mails_a_minute_whoever_asks() {
        let throttle = Throttle::new(true);
        let [ada, grace] = ["ada@example.org", "grace@example.org"].map(|email| Email::parse(email).unwrap());
        assert_eq!((0..10).filter(|_| throttle.lets_mail_to(&ada)).count(), 3);
        assert!(throttle.lets_mail_to(&grace), "another address");
    }

    #[test]
    fn what_has_recovered_is_forgotten_and_long_logins_take_no_more_room() {
        let throttle = Throttle::new(true);
        let limits = throttle.limits.clone().unwrap();
        let long = "x".repeat(250);
        tries(&throttle, |n| format!("{long}{n}"), |n| Some(IpAddr::from([10, 1, (n >> 8) as u8, n as u8])));
        assert_eq!(limits.logins.remembered(), 200);
        // As all of them are after a minute.
        limits.logins.sweep();
        assert_eq!(limits.logins.remembered(), 200, "not yet");
    }

    #[test]
    fn a_throttle_that_is_off_never_refuses() {
        assert_eq!(tries(&Throttle::new(false), |_| "ada".to_owned(), |_| Some(IpAddr::from([10, 0, 0, 1]))), 200);
    }
}
