//! Subscriptions: events as they happen, each authorized again before it is sent.
//!
//! The executor runs a subscription in steps. The first step checks the arguments and creates a `Subscriber`; each
//! further step executes the selection for one event. Between steps the `Subscriber` waits for events and checks the
//! policy. A `SharedExecution` executes an event only once for all subscribers that get the same result.

pub mod shared_result;
mod subscriber;

use std::sync::Arc;

use async_graphql::{Context, ID, Request, Response, Subscription as Subscribable};
use futures_util::stream::{self, BoxStream, StreamExt, unfold};
use parking_lot::Mutex;

use super::context::{ContextExt, RequestContext};
use super::schema::Schema;
use super::types::event::{Event, EventType};
use super::{ApiError, Result};
use crate::domain::{Error, WorkspaceId};
use crate::events::hub::Topic;
use crate::graphql::subscription::shared_result::{SharedExecution, SharedExecutions};
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
    ) -> Result<Shown> {
        take_turn(ctx, async move {
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
    ) -> Result<Shown> {
        take_turn(ctx, async move {
            let viewer = ctx.request().viewer().await?;
            Subscriber::begin(ctx, Topic::Person(viewer.id), types, after).await
        })
        .await
    }
}

/// A step of a subscription in the executor.
enum Step {
    /// Creates the subscriber and stores it here.
    Begin(Mutex<Option<Box<Subscriber>>>),
    /// Executes the selection for this event, or returns this error.
    Show(Mutex<Option<Result<Event>>>),
}

/// The event or error of a [`Step::Show`]; empty for [`Step::Begin`].
type Shown = stream::Iter<std::option::IntoIter<Result<Event>>>;

async fn take_turn(ctx: &Context<'_>, begin: impl Future<Output = Result<Subscriber>>) -> Result<Shown> {
    let shown = match &**ctx.data_unchecked::<Arc<Step>>() {
        Step::Begin(begun) => {
            let listening = begin.await?;
            *begun.lock() = Some(Box::new(listening));
            None
        }
        Step::Show(event) => event.lock().take(),
    };
    Ok(stream::iter(shown))
}

/// A result that a subscription sends.
pub enum SubscriptionItem {
    /// A result for this subscriber alone.
    Executed(Box<Response>),
    /// A result without errors, as JSON, shared with other subscribers.
    Shared(Arc<str>),
}

/// Runs a subscription until it ends. An error is its last result.
pub fn tell(schema: &Schema, request: Request, context: RequestContext) -> BoxStream<'static, SubscriptionItem> {
    let schema = schema.clone();
    let begun = stream::once(async move {
        match Run::begin(schema, request, context).await {
            Ok(telling) => {
                let told = unfold(telling, async |mut telling| telling.next().await.map(|told| (told, telling)));
                told.boxed()
            }
            Err(refused) => stream::iter([SubscriptionItem::Executed(refused)]).boxed(),
        }
    });
    begun.flatten().boxed()
}

/// A running subscription.
struct Run {
    schema: Schema,
    listening: Box<Subscriber>,
    edition: Arc<SharedExecution>,
    ended: bool,
}

impl Run {
    /// Creates the subscriber, or returns the response with the errors.
    async fn begin(
        schema: Schema,
        mut request: Request,
        context: RequestContext,
    ) -> std::result::Result<Self, Box<Response>> {
        let script = shared_result::SubscriptionDocument::of(&mut request)
            .map_err(|error| Response::from_errors(vec![error]))?;
        let turn = Arc::new(Step::Begin(Mutex::default()));
        let request = request.data(Arc::new(context)).data(turn.clone());
        if let Some(refused) = schema.execute_stream(request).next().await {
            return Err(refused.into());
        }
        let begun = match &*turn {
            Step::Begin(begun) => begun.lock().take(),
            Step::Show(_) => None,
        };
        // If the document reaches no field of the root, there is no subscriber and the stream is empty.
        let listening = begun.ok_or_else(Response::default)?;
        let edition = schema.data::<SharedExecutions>().cloned().unwrap_or_default().of(listening.topic(), script);
        Ok(Self { schema, listening, edition, ended: false })
    }

    async fn next(&mut self) -> Option<SubscriptionItem> {
        if self.ended {
            return None;
        }
        let event = self.listening.next().await;
        self.ended = event.is_err();
        Some(self.edition.show(&self.schema, event, &self.listening).await)
    }
}
