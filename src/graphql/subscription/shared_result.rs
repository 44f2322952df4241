//! What all see alike is shown once. Those who listen to the same topic with the same document and variables share an
//! edition; an event that a first one was shown is handed to the others as it was written then, if nothing but the event
//! itself had to be looked at for it and they may read as much of it.

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
use crate::graphql::subscription::subscriber::Subscriber;
use crate::graphql::subscription::{Step, SubscriptionItem};
use crate::graphql::types::event::Event;

/// How many events are kept, for those who are not quite as quick as the first.
const KEPT: usize = 256;

/// The editions that somebody reads. Cheap to clone.
#[derive(Clone, Default)]
pub struct SharedExecutions(Arc<Mutex<HashMap<Arc<Key>, Weak<SharedExecution>>>>);

impl SharedExecutions {
    /// The edition for those who listen to that topic by that script.
    pub fn of(&self, topic: Topic, script: SubscriptionDocument) -> Arc<SharedExecution> {
        let key = Arc::new(Key { topic, text: script.text(), variables: script.variables_that_matter() });
        let mut editions = self.0.lock();
        if let Some(edition) = editions.get(&key).and_then(Weak::upgrade) {
            return edition;
        }
        let edition = Arc::new(SharedExecution {
            script,
            prints: Mutex::default(),
            differs: AtomicBool::new(false),
            key: key.clone(),
            among: self.clone(),
        });
        editions.insert(key, Arc::downgrade(&edition));
        edition
    }
}

#[derive(PartialEq, Eq, Hash)]
struct Key {
    topic: Topic,
    text: String,
    variables: String,
}

/// What is executed for each event.
pub struct SubscriptionDocument {
    document: ExecutableDocument,
    operation: Option<String>,
    variables: Variables,
}

impl SubscriptionDocument {
    /// That of a request.
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

    /// The document, and which of its operations. The text that it was parsed from need not be there any more.
    fn text(&self) -> String {
        format!("{:?} {:?}", self.operation, self.document)
    }

    /// The variables as text, but for that of the cursor: it says where to begin, and everybody's is another.
    fn variables_that_matter(&self) -> String {
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

/// An edition.
pub struct SharedExecution {
    script: SubscriptionDocument,
    /// The last that were shown.
    prints: Mutex<VecDeque<Arc<CachedResult>>>,
    /// Whether what is shown differs from one listener to the other.
    differs: AtomicBool,
    key: Arc<Key>,
    among: SharedExecutions,
}

/// An event as some may read it.
struct CachedResult {
    event: EventId,
    hidden: Vec<usize>,
    /// How it was shown; none if it is shown to each anew.
    text: OnceCell<Option<Arc<str>>>,
}

impl SharedExecution {
    /// Shows an event, or an error, to one who listens.
    pub(super) async fn show(&self, schema: &Schema, event: Result<Event>, to: &Subscriber) -> SubscriptionItem {
        let event = match event {
            Ok(event) if !self.differs.load(Ordering::Relaxed) => event,
            other => return SubscriptionItem::Executed(Box::new(self.execute(schema, other, to.request()).await.0)),
        };
        let print = self.print(&event);
        if let Some(Some(text)) = print.text.get() {
            return SubscriptionItem::Shared(text.clone());
        }
        let mut own = None;
        let first: BoxFuture<'_, _> = Box::pin(async {
            let (executed, alike) = self.execute(schema, Ok(event.clone()), to.request()).await;
            let text = alike.then(|| serde_json::to_string(&executed).ok()).flatten();
            if text.is_none() {
                self.differs.store(true, Ordering::Relaxed);
                own = Some(executed);
            }
            text.map(Arc::from)
        });
        let text = print.text.get_or_init(|| first).await.clone();
        match (text, own) {
            (Some(text), _) => SubscriptionItem::Shared(text),
            (None, Some(executed)) => SubscriptionItem::Executed(Box::new(executed)),
            (None, None) => SubscriptionItem::Executed(Box::new(self.execute(schema, Ok(event), to.request()).await.0)),
        }
    }

    /// Shows it, and tells whether it is shown alike to everybody who may read as much of it.
    async fn execute(&self, schema: &Schema, event: Result<Event>, context: RequestContext) -> (Response, bool) {
        let context = Arc::new(context);
        let turn = Arc::new(Step::Show(Mutex::new(Some(event))));
        let request = self.script.request().data(context.clone()).data(turn);
        let executed = schema.execute_stream(request).next().await.unwrap_or_default();
        let alike = executed.errors.is_empty() && executed.data != Value::Null && !context.was_accessed();
        (executed, alike)
    }

    fn print(&self, event: &Event) -> Arc<CachedResult> {
        let mut prints = self.prints.lock();
        let is_it = |print: &&Arc<CachedResult>| print.event == event.entry.id && print.hidden == event.hidden;
        if let Some(print) = prints.iter().rev().find(is_it) {
            return print.clone();
        }
        if prints.len() == KEPT {
            prints.pop_front();
        }
        let (id, hidden) = (event.entry.id, event.hidden.clone());
        let print = Arc::new(CachedResult { event: id, hidden, text: OnceCell::new() });
        prints.push_back(print.clone());
        print
    }
}

impl Drop for SharedExecution {
    fn drop(&mut self) {
        let mut editions = self.among.0.lock();
        // Another one of the same key may have taken the place.
        if editions.get(&self.key).is_some_and(|edition| edition.strong_count() == 0) {
            editions.remove(&self.key);
        }
    }
}
