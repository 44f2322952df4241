//! Notices when an open transaction holds the event log back, and names it in the server's log.

use std::time::Duration;

use tokio::time::Instant;

use crate::domain::Result;
use crate::store::Connection;
use crate::store::events;

/// Time without progress after which the transaction is named.
const STALLED: Duration = Duration::from_secs(10);
/// Time between two entries about the same stall.
const REPEAT: Duration = Duration::from_secs(60);

/// Watches whether committed entries become readable.
#[derive(Default)]
pub(super) struct StalledLog {
    /// When the next entry is due; `None` while the log makes progress.
    next_notice: Option<Instant>,
}

impl StalledLog {
    /// Records a read of the log. `is_waiting`: committed entries wait behind an open transaction, and none was read.
    /// Names the transaction once it has lasted too long.
    pub(super) async fn record(&mut self, is_waiting: bool, connection: &mut Connection) -> Result<()> {
        if !is_waiting {
            self.next_notice = None;
            return Ok(());
        }
        let now = Instant::now();
        let due = *self.next_notice.get_or_insert(now + STALLED);
        if now < due {
            return Ok(());
        }
        self.next_notice = Some(now + REPEAT);
        match events::oldest_writer(connection).await? {
            Some(writer) => tracing::warn!(
                pid = writer.pid,
                role = writer.role,
                database = writer.database,
                application = writer.application,
                state = writer.state,
                seconds = writer.seconds,
                "an open transaction holds events back"
            ),
            None => tracing::warn!("a transaction of another role holds events back"),
        }
        Ok(())
    }
}
