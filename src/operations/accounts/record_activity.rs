//! Records the day on which a member was last active in an organization, with at most one write per day.

use crate::operations::AppContext;
use crate::store::memberships::{self, Membership};

/// Records today's activity in the background, if it is not recorded yet. The response does not wait for the write, and
/// does not fail if the write fails.
pub fn record_activity(env: &AppContext, membership: &Membership) {
    let today = env.clock.now().date_naive();
    if membership.last_active_on >= Some(today) {
        return;
    }
    let (store, id) = (env.store.clone(), membership.id);
    env.tasks.spawn(async move {
        let noted = async { memberships::touch(&mut *store.writer().await?, id, today).await };
        if let Err(crate::domain::Error::Failed(fault)) = noted.await {
            tracing::warn!(cause = %fault.cause, "recording member activity failed");
        }
    });
}
