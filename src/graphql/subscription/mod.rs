//! Subscriptions: events as they happen, each authorized again before it is sent. `run` executes them.

mod run;
pub mod shared_result;
mod subscriber;

use std::sync::Arc;

use async_graphql::{Context, ID, Subscription as Subscribable};
use futures_util::stream;

// The support code of the tests still uses the old name.
#[doc(hidden)]
pub use self::run::subscribe as tell;
pub use self::run::{SubscriptionItem, subscribe};
use super::context::ContextExt;
use super::types::event::{Event, EventType};
use super::{ApiError, Result};
use crate::domain::{Error, WorkspaceId};
use crate::events::hub::Topic;
use crate::graphql::subscription::run::Step;
use crate::graphql::subscription::subscriber::Subscriber;
use crate::policy::Action;
use crate::policy::decide::denied;

/// The subscriptions.
pub struct Subscription;

/// The subscriptions.
#[Subscribable]
impl Subscription {
    /// Events of one workspace that the viewer may see. With `after`, first replays the missed events, with no gap and
    /// no repeat, then continues live. Access is checked again for every event: when the viewer loses access, the
    /// stream ends with a FORBIDDEN error; when the token expires, with UNAUTHENTICATED.
    async fn workspace_events(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "ID of the workspace. FORBIDDEN if it does not exist or the viewer cannot see it.")]
        workspace_id: ID,
        #[graphql(desc = "Only events of these types. All if absent, none if empty.")] types: Option<Vec<EventType>>,
        #[graphql(desc = "Cursor of the last received event: later events are replayed. Absent: new events only.")]
        after: Option<String>,
    ) -> Result<StepEvents> {
        run_step(ctx, async move {
            ctx.request().viewer().await?;
            let denied = || ApiError::from(Error::from(denied(Action::EventsView)));
            let workspace = WorkspaceId::parse(&workspace_id).ok_or_else(denied)?.uuid();
            Subscriber::begin(ctx, Topic::Workspace(workspace), types, after).await
        })
        .await
    }

    /// Events that concern the viewer personally, in any workspace: invitations, own memberships, offers, assignments,
    /// and the deletion of an organization that was theirs.
    async fn viewer_events(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only events of these types. All if absent, none if empty.")] types: Option<Vec<EventType>>,
        #[graphql(
            desc = "Cursor of the last event received from this stream: later events are replayed. Absent: new events only."
        )]
        after: Option<String>,
    ) -> Result<StepEvents> {
        run_step(ctx, async move {
            let viewer = ctx.request().viewer().await?;
            Subscriber::begin(ctx, Topic::Person(viewer.id), types, after).await
        })
        .await
    }
}

/// The event or error of a [`Step::Show`]; empty for [`Step::Begin`].
type StepEvents = stream::Iter<std::option::IntoIter<Result<Event>>>;

/// Runs one step: creates the subscriber with `begin`, or returns the event of the step.
async fn run_step(ctx: &Context<'_>, begin: impl Future<Output = Result<Subscriber>>) -> Result<StepEvents> {
    let events = match &**ctx.data_unchecked::<Arc<Step>>() {
        Step::Begin(slot) => {
            let subscriber = begin.await?;
            *slot.lock() = Some(Box::new(subscriber));
            None
        }
        Step::Show(event) => event.lock().take(),
    };
    Ok(stream::iter(events))
}
