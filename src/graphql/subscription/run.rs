//! The executor of subscriptions. It runs a subscription in steps. The first step checks the arguments and creates a
//! `Subscriber`; each further step executes the selection for one event. Between steps the `Subscriber` waits for
//! events and checks the policy. A `SharedExecution` executes an event only once for all subscribers that get the same
//! result.

use std::sync::Arc;

use async_graphql::{Request, Response};
use futures_util::stream::{self, BoxStream, StreamExt, unfold};
use parking_lot::Mutex;

use super::shared_result::{self, SharedExecution, SharedExecutions};
use super::subscriber::Subscriber;
use crate::graphql::Result;
use crate::graphql::context::RequestContext;
use crate::graphql::schema::Schema;
use crate::graphql::types::event::Event;

/// A step of a subscription in the executor.
pub(super) enum Step {
    /// Creates the subscriber and stores it here.
    Begin(Mutex<Option<Box<Subscriber>>>),
    /// Executes the selection for this event, or returns this error.
    Show(Mutex<Option<Result<Event>>>),
}

/// A result that a subscription sends.
pub enum SubscriptionItem {
    /// A result for this subscriber alone.
    Executed(Box<Response>),
    /// A result without errors, as JSON, shared with other subscribers.
    Shared(Arc<str>),
}

/// Runs a subscription until it ends. An error is its last result.
pub fn subscribe(schema: &Schema, request: Request, context: RequestContext) -> BoxStream<'static, SubscriptionItem> {
    let schema = schema.clone();
    let begun = stream::once(async move {
        match Run::begin(schema, request, context).await {
            Ok(run) => {
                let items = unfold(run, async |mut run| run.next().await.map(|item| (item, run)));
                items.boxed()
            }
            Err(refused) => stream::iter([SubscriptionItem::Executed(refused)]).boxed(),
        }
    });
    begun.flatten().boxed()
}

/// A running subscription.
struct Run {
    schema: Schema,
    subscriber: Box<Subscriber>,
    execution: Arc<SharedExecution>,
    ended: bool,
}

impl Run {
    /// Creates the subscriber, or returns the response with the errors.
    async fn begin(
        schema: Schema,
        mut request: Request,
        context: RequestContext,
    ) -> std::result::Result<Self, Box<Response>> {
        let document = shared_result::SubscriptionDocument::of(&mut request)
            .map_err(|error| Response::from_errors(vec![error]))?;
        let step = Arc::new(Step::Begin(Mutex::default()));
        let request = request.data(Arc::new(context)).data(step.clone());
        if let Some(refused) = schema.execute_stream(request).next().await {
            return Err(refused.into());
        }
        let begun = match &*step {
            Step::Begin(begun) => begun.lock().take(),
            Step::Show(_) => None,
        };
        // If the document reaches no field of the root, there is no subscriber and the stream is empty.
        let subscriber = begun.ok_or_else(Response::default)?;
        let execution = schema.data::<SharedExecutions>().cloned().unwrap_or_default().of(subscriber.topic(), document);
        Ok(Self { schema, subscriber, execution, ended: false })
    }

    /// Returns the next result; `None` after an error.
    async fn next(&mut self) -> Option<SubscriptionItem> {
        if self.ended {
            return None;
        }
        let event = self.subscriber.next().await;
        self.ended = event.is_err();
        Some(self.execution.show(&self.schema, event, &self.subscriber).await)
    }
}
