//! Shares results among subscribers. Subscribers with the same topic, document and variables share one execution. The
//! result for an event is cached and sent to the other subscribers that may read the same changes, provided that no
//! resolver used the request or anything outside the event.

use std::collections::{HashMap, VecDeque};
use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

use async_graphql::parser::types::{DocumentOperations, ExecutableDocument, OperationDefinition, Selection};
use async_graphql::{Name, Request, Response, ServerResult, Value, Variables};
use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use parking_lot::Mutex;
use tokio::sync::OnceCell;

use crate::domain::EventId;
use crate::events::hub::Topic;
use crate::graphql::Result;
use crate::graphql::context::RequestContext;
use crate::graphql::schema::Schema;
use crate::graphql::subscription::SubscriptionItem;
use crate::graphql::subscription::run::Step;
use crate::graphql::subscription::subscriber::Subscriber;
use crate::graphql::types::event::Event;

/// Maximum number of results that an execution caches, for subscribers that are slower than the first.
const MAX_CACHED_RESULTS: usize = 256;

/// The shared executions that have subscribers. Cheap to clone.
#[derive(Clone, Default)]
pub struct SharedExecutions(Arc<Mutex<HashMap<Arc<Key>, Weak<SharedExecution>>>>);

impl SharedExecutions {
    /// Returns the execution for a topic and a document. Creates it if there is none.
    pub fn of(&self, topic: Topic, document: SubscriptionDocument) -> Arc<SharedExecution> {
        let key = Arc::new(Key { topic, text: document.text(), variables: document.variables_without_cursor() });
        let mut executions = self.0.lock();
        if let Some(execution) = executions.get(&key).and_then(Weak::upgrade) {
            return execution;
        }
        let execution = Arc::new(SharedExecution {
            document,
            results: Mutex::default(),
            differs: AtomicBool::new(false),
            key: key.clone(),
            registry: self.clone(),
        });
        executions.insert(key, Arc::downgrade(&execution));
        execution
    }
}

#[derive(PartialEq, Eq, Hash)]
struct Key {
    topic: Topic,
    text: String,
    variables: String,
}

/// The operation that is executed for each event.
pub struct SubscriptionDocument {
    document: ExecutableDocument,
    operation: Option<String>,
    variables: Variables,
}

impl SubscriptionDocument {
    /// Takes document, operation name and variables from a request. Fails if the document cannot be parsed.
    pub fn of(request: &mut Request) -> ServerResult<Self> {
        let document = request.parsed_query()?.clone();
        let (operation, variables) = (request.operation_name.clone(), request.variables.clone());
        Ok(Self { document, operation, variables })
    }

    fn request(&self) -> Request {
        let mut request = Request::new("").variables(self.variables.clone());
        request.operation_name.clone_from(&self.operation);
        request.set_parsed_query(self.document.clone());
        request
    }

    /// Returns the parsed document and the operation name as text. The source text may no longer be available.
    fn text(&self) -> String {
        format!("{:?} {:?}", self.operation, self.document)
    }

    /// Returns the variables as JSON, without the variable of the cursor: the cursor only says where to begin and
    /// differs between subscribers.
    fn variables_without_cursor(&self) -> String {
        let mut variables = self.variables.clone();
        if let Some(cursor) = self.cursor_variable() {
            variables.remove(&cursor);
        }
        serde_json::to_string(&variables).unwrap_or_default()
    }

    fn cursor_variable(&self) -> Option<Name> {
        let root = self.definition()?.selection_set.node.items.first()?;
        let Selection::Field(field) = &root.node else { return None };
        let mut variable = None;
        let _ = field.node.get_argument("after")?.node.clone().into_const_with(|name| {
            variable = Some(name);
            Ok::<_, Infallible>(Value::Null)
        });
        variable
    }

    fn definition(&self) -> Option<&OperationDefinition> {
        match (&self.document.operations, &self.operation) {
            (DocumentOperations::Single(operation), _) => Some(&operation.node),
            (DocumentOperations::Multiple(operations), Some(name)) => Some(&operations.get(name.as_str())?.node),
            (DocumentOperations::Multiple(operations), None) => Some(&operations.values().next()?.node),
        }
    }
}

/// An execution that is shared by all subscribers with the same topic, document and variables.
pub struct SharedExecution {
    document: SubscriptionDocument,
    /// The cached results of the latest events, at most [`MAX_CACHED_RESULTS`].
    results: Mutex<VecDeque<Arc<CachedResult>>>,
    /// Whether results differ between subscribers. Once set, every event is executed for each subscriber.
    differs: AtomicBool,
    key: Arc<Key>,
    registry: SharedExecutions,
}

/// The result of an event, for subscribers to whom the same changes are hidden.
struct CachedResult {
    event: EventId,
    hidden: Vec<usize>,
    /// The result as JSON; `None` if the event has to be executed for each subscriber.
    text: OnceCell<Option<Arc<str>>>,
}

impl SharedExecution {
    /// Returns the result of an event, or of an error, for a subscriber.
    pub(super) async fn show(&self, schema: &Schema, event: Result<Event>, to: &Subscriber) -> SubscriptionItem {
        let event = match event {
            Ok(event) if !self.differs.load(Ordering::Relaxed) => event,
            other => return SubscriptionItem::Executed(Box::new(self.execute(schema, other, to.request()).await.0)),
        };
        let cached_result = self.cached_result(&event);
        if let Some(Some(text)) = cached_result.text.get() {
            return SubscriptionItem::Shared(text.clone());
        }
        let mut own = None;
        let first: BoxFuture<'_, _> = Box::pin(async {
            let (executed, shareable) = self.execute(schema, Ok(event.clone()), to.request()).await;
            let text = shareable.then(|| serde_json::to_string(&executed).ok()).flatten();
            if text.is_none() {
                self.differs.store(true, Ordering::Relaxed);
                own = Some(executed);
            }
            text.map(Arc::from)
        });
        let text = cached_result.text.get_or_init(|| first).await.clone();
        match (text, own) {
            (Some(text), _) => SubscriptionItem::Shared(text),
            (None, Some(executed)) => SubscriptionItem::Executed(Box::new(executed)),
            (None, None) => SubscriptionItem::Executed(Box::new(self.execute(schema, Ok(event), to.request()).await.0)),
        }
    }

    /// Executes the operation for an event. Also returns whether the result is the same for all subscribers that may
    /// read the same changes.
    async fn execute(&self, schema: &Schema, event: Result<Event>, context: RequestContext) -> (Response, bool) {
        let context = Arc::new(context);
        let step = Arc::new(Step::Show(Mutex::new(Some(event))));
        let request = self.document.request().data(context.clone()).data(step);
        let executed = schema.execute_stream(request).next().await.unwrap_or_default();
        let shareable = executed.errors.is_empty() && executed.data != Value::Null && !context.was_accessed();
        (executed, shareable)
    }

    fn cached_result(&self, event: &Event) -> Arc<CachedResult> {
        let mut results = self.results.lock();
        let matches = |cached_result: &&Arc<CachedResult>| {
            cached_result.event == event.entry.id && cached_result.hidden == event.hidden
        };
        if let Some(cached_result) = results.iter().rev().find(matches) {
            return cached_result.clone();
        }
        if results.len() == MAX_CACHED_RESULTS {
            results.pop_front();
        }
        let (id, hidden) = (event.entry.id, event.hidden.clone());
        let cached_result = Arc::new(CachedResult { event: id, hidden, text: OnceCell::new() });
        results.push_back(cached_result.clone());
        cached_result
    }
}

impl Drop for SharedExecution {
    fn drop(&mut self) {
        let mut executions = self.registry.0.lock();
        // A new execution may have been inserted under the same key.
        if executions.get(&self.key).is_some_and(|execution| execution.strong_count() == 0) {
            executions.remove(&self.key);
        }
    }
}
