//! The refresh tokens of a session, and which of them are valid.
//!
//! ```text
//! t0 ── used ──▶ t1 ── used ──▶ t2          each use of the newest token creates its successor
//!                 └── used again: returns t2, while t2 is unused, and for 10 seconds after the first use of t1
//! ```
//!
//! A later use of an old token means that the token was stolen: the session ends.

use chrono::TimeDelta;

use super::clock::Instant;

/// How long a token stays valid after its first use, so that two tabs do not end each other's session.
pub const OVERLAP: TimeDelta = TimeDelta::seconds(10);
/// Maximum number of first uses that are stored. The earliest are dropped.
const MAX_FIRST_USES: usize = 100;

/// The generations of a session's refresh tokens: 0, 1, 2, …
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefreshTokens {
    /// Generation of the newest token, which is unused.
    pub newest: i32,
    /// When the newest token was issued, which is the first use of its predecessor.
    pub rotated_at: Instant,
    /// First uses of the tokens before the predecessor, latest first, within the overlap.
    pub first_uses: Vec<Instant>,
}

/// Result of the use of a refresh token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refreshed {
    /// It was the newest token: these are the new generations.
    Rotated(RefreshTokens),
    /// It was used before, and gets the newest tokens.
    Repeated,
    /// It was used too late, or was never issued: the session ends.
    Reused,
}

impl RefreshTokens {
    /// Returns the generations of a session that begins at `now`.
    pub fn new(now: Instant) -> Self {
        Self { newest: 0, rotated_at: now, first_uses: Vec::new() }
    }

    /// Returns the result of the use of the token of `generation` at `now`.
    pub fn refresh(&self, generation: i32, now: Instant) -> Refreshed {
        let is_recent = |first_use: &Instant| now - *first_use <= OVERLAP;
        match i64::from(self.newest) - i64::from(generation) {
            0 => {
                let first_uses = std::iter::once(&self.rotated_at).chain(&self.first_uses);
                let first_uses = first_uses.take_while(|first_use| is_recent(first_use)).take(MAX_FIRST_USES);
                let first_uses = if generation == 0 { Vec::new() } else { first_uses.copied().collect() };
                Refreshed::Rotated(Self { newest: generation.saturating_add(1), rotated_at: now, first_uses })
            }
            1 => Refreshed::Repeated,
            older => {
                let first_use = usize::try_from(older - 2).ok().and_then(|place| self.first_uses.get(place));
                if first_use.is_some_and(is_recent) { Refreshed::Repeated } else { Refreshed::Reused }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(milliseconds: i64) -> Instant {
        Instant::from_timestamp_millis(1_800_000_000_000 + milliseconds).unwrap()
    }

    #[test]
    fn refresh_answers_the_first_token_after_two_quick_exchanges() {
        let Refreshed::Rotated(tokens) = RefreshTokens::new(at(0)).refresh(0, at(0)) else { panic!("rotated") };
        let Refreshed::Rotated(tokens) = tokens.refresh(1, at(15)) else { panic!("rotated") };
        assert_eq!(tokens.newest, 2);
        assert_eq!(tokens.refresh(0, at(30)), Refreshed::Repeated);
        assert_eq!(tokens.refresh(0, at(10_000)), Refreshed::Repeated);
        assert_eq!(tokens.refresh(0, at(10_001)), Refreshed::Reused);
        assert_eq!(tokens.refresh(1, at(60_000)), Refreshed::Repeated, "its successor was not used");
        assert_eq!(tokens.refresh(3, at(30)), Refreshed::Reused, "never made");
    }

    proptest! {
        /// Compares the results with those of a complete history of uses.
        #[test]
        fn refresh_agrees_with_the_history_of_all_uses(
            steps in prop::collection::vec((0..6_i32, prop_oneof![Just(0_i64), 1..3_000_i64, 9_990..10_010_i64, Just(60_000)]), 1..60),
        ) {
            let mut tokens = RefreshTokens::new(at(0));
            let mut first_uses: Vec<i64> = Vec::new();
            let mut now = 0;
            for (back, later) in steps {
                now += later;
                let generation = (tokens.newest - back).max(0);
                let used = |generation: i32| first_uses.get(generation as usize).copied();
                let expected = match used(generation) {
                    None => None,
                    Some(_) if used(generation + 1).is_none() => Some(true),
                    Some(first_use) => Some(now - first_use <= 10_000),
                };
                match (tokens.refresh(generation, at(now)), expected) {
                    (Refreshed::Rotated(next), None) => {
                        prop_assert_eq!(next.newest, tokens.newest + 1);
                        prop_assert!(next.first_uses.len() <= MAX_FIRST_USES);
                        first_uses.push(now);
                        tokens = next;
                    }
                    (Refreshed::Repeated, Some(true)) | (Refreshed::Reused, Some(false)) => {}
                    (got, expected) => prop_assert!(false, "{got:?}, expected {expected:?}"),
                }
            }
        }
    }
}
