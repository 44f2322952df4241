//! How often a mail is tried, and how long it waits in between.

use chrono::TimeDelta;
use uuid::Uuid;

use crate::domain::MailId;

/// Waits after the first and each further attempt, in seconds; after the last attempt there is none. About an hour in all.
const WAITS: [i64; 4] = [60, 300, 900, 2400];

/// How many times a mail is tried.
pub const ATTEMPTS: i32 = WAITS.len() as i32 + 1;

/// How long a mail waits after its `attempt`th (from 1) failed. None: it was the last, give up.
///
/// Up to a fifth is taken off or added, by the random bits of the mail's own ID: mails that failed together do not come
/// back together.
pub fn wait(id: MailId, attempt: i32) -> Option<TimeDelta> {
    let place = usize::try_from(attempt).ok()?.checked_sub(1)?;
    let milliseconds = WAITS.get(place)? * 1000;
    let random = i64::from(Uuid::from(id).as_bytes()[15 - place]);
    Some(TimeDelta::milliseconds(milliseconds + milliseconds / 5 * (random * 2 - 255) / 255))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Clock, ids};

    #[test]
    fn a_mail_is_tried_five_times_within_about_an_hour() {
        let now = Clock::default().now();
        let mut firsts = std::collections::HashSet::new();
        for _ in 0..200 {
            let id: MailId = ids::new_id(now);
            let waits: Vec<_> = (1..).map_while(|attempt| wait(id, attempt)).collect();
            assert_eq!((waits.len(), ATTEMPTS), (4, 5));
            for (waited, seconds) in waits.iter().zip(WAITS) {
                assert!((waited.num_milliseconds() - seconds * 1000).abs() <= seconds * 200, "{waited}");
            }
            firsts.insert(waits[0]);
        }
        assert!(firsts.len() > 50, "they spread out");
    }
}
