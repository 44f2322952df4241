//! The state that all request handlers share.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::graphql::documents::Documents;
use crate::graphql::schema::Schema;
use crate::operations::AppContext;
use crate::server::admission::Admission;

/// State that all handlers share. Cheap to clone.
#[derive(Clone)]
pub struct ServerState {
    /// Executes operations.
    pub schema: Schema,
    /// Documents that passed validation, by their text and by their ID.
    pub documents: Arc<Documents>,
    /// Limits on connections, streams, rates and origins.
    pub admission: Admission,
    /// How long operations may take.
    pub time_limits: TimeLimits,
    /// Database, keys, clock and the other parts of the application.
    pub env: AppContext,
    /// Running mutations, including those whose client has disconnected.
    pub tasks: TaskTracker,
    /// Cancelled when the server begins to shut down.
    pub stopping: CancellationToken,
    /// Cancelled when a shutdown is announced: the server is not ready, but still serves.
    pub announced: CancellationToken,
}

/// Time limits of operations.
#[derive(Clone, Copy, Debug)]
pub struct TimeLimits {
    /// Maximum duration of a query.
    pub query: Duration,
    /// Maximum duration of a mutation. Longer, because after a timeout it may be unknown whether the mutation was
    /// committed.
    pub mutation: Duration,
}

impl Default for TimeLimits {
    fn default() -> Self {
        Self { query: Duration::from_secs(10), mutation: Duration::from_secs(30) }
    }
}
