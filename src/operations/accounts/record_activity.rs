//! Notes that a member was active in an organization: by the day, and at most once a day.

use crate::operations::AppContext;
use crate::store::memberships::{self, Membership};

/// Notes it in the background, if today's activity is not noted yet. The answer does not wait for it, and does not fail with
/// it.
pub fn record_activity(env: &AppContext, membership: &Membership) {
    let today = env.clock.now().date_naive();
    if membership.last_active_on >= Some(today) {
        return;
    }
    let (store, id) = (env.store.clone(), membership.id);
    env.tasks.spawn(async move {
        let noted = async { memberships::touch(&mut *store.writer().await?, id, today).await };
        if let Err(crate::domain::Error::Failed(fault)) = noted.await {
            tracing::warn!(cause = %fault.cause, "could not note a member's activity");
        }
    });
}
