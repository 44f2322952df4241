//! Retry schedule of mails.

use chrono::TimeDelta;
use uuid::Uuid;

use crate::domain::MailId;

/// Delays after each attempt but the last, in seconds: about an hour in total.
const DELAYS_SECONDS: [i64; 4] = [60, 300, 900, 2400];

/// Maximum number of attempts to send a mail.
pub const ATTEMPTS: i32 = DELAYS_SECONDS.len() as i32 + 1;

/// Returns the delay after attempt number `attempt` (from 1) has failed; `None` after the last attempt.
///
/// The delay varies by up to 20 %, by random bits of the mail's ID, so that mails that failed together are not retried
/// together.
pub fn wait(id: MailId, attempt: i32) -> Option<TimeDelta> {
    let index = usize::try_from(attempt).ok()?.checked_sub(1)?;
    let milliseconds = DELAYS_SECONDS.get(index)? * 1000;
    let random = i64::from(Uuid::from(id).as_bytes()[15 - index]);
    Some(TimeDelta::milliseconds(milliseconds + milliseconds / 5 * (random * 2 - 255) / 255))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Clock, ids};

    #[test]
    fn wait_allows_five_attempts_within_about_an_hour() {
        let now = Clock::default().now();
        let mut firsts = std::collections::HashSet::new();
        for _ in 0..200 {
            let id: MailId = ids::new_id(now);
            let waits: Vec<_> = (1..).map_while(|attempt| wait(id, attempt)).collect();
            assert_eq!((waits.len(), ATTEMPTS), (4, 5));
            for (waited, seconds) in waits.iter().zip(DELAYS_SECONDS) {
                assert!((waited.num_milliseconds() - seconds * 1000).abs() <= seconds * 200, "{waited}");
            }
            firsts.insert(waits[0]);
        }
        assert!(firsts.len() > 50, "delays vary");
    }
}
