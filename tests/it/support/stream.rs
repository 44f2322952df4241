//! Subscriptions in process.

use std::time::Duration;

use async_graphql::{Request, Variables};
use futures_util::stream::{BoxStream, StreamExt};
use guildhall::domain::ids::TypedId;
use guildhall::domain::page::Keyset;
use guildhall::domain::{EventId, UserId};
use guildhall::graphql::connection;
use guildhall::graphql::context::RequestContext;
use guildhall::graphql::subscription::{self, SubscriptionItem};
use guildhall::graphql::types::event::user_stream_name;
use serde_json::{Value, json};

use super::{Person, TestApp};

/// Longest wait for an event.
const PATIENCE: Duration = Duration::from_secs(20);

/// Default selection for an event.
const FIELDS: &str = "id cursor type subjectId actor { username } changes { field before after }";

/// A subscriber.
pub struct Listener {
    stream: BoxStream<'static, SubscriptionItem>,
}

impl TestApp {
    /// Subscribes like a client: it is unknown when the subscription takes effect.
    pub fn listen(&self, person: &Person, query: &str, variables: Value) -> Listener {
        let actor = self.env.keys.verify(&person.token, self.env.clock.now()).expect("a token of ours");
        let request = Request::new(query).variables(Variables::from_json(variables));
        let context = RequestContext::new(&self.env, Some(actor), None);
        Listener { stream: subscription::subscribe(&self.app.schema, request, context) }
    }

    /// Subscribes to a workspace after a cursor.
    pub fn follow(&self, person: &Person, workspace: &str, after: &str) -> Listener {
        let query = format!(
            "subscription S($id: ID!, $after: String) {{ workspaceEvents(workspaceId: $id, after: $after) {{ {FIELDS} }} }}"
        );
        self.listen(person, &query, json!({ "id": workspace, "after": after }))
    }

    /// Subscribes to the events that concern the person.
    pub fn follow_oneself(&self, person: &Person, after: Option<&str>) -> Listener {
        let query = format!("subscription S($after: String) {{ viewerEvents(after: $after) {{ {FIELDS} }} }}");
        self.listen(person, &query, json!({ "after": after }))
    }

    /// The cursor of the last event of a workspace that the person can see.
    pub async fn last_cursor(&self, person: &Person, workspace: &str) -> String {
        self.log_settles().await;
        let events = events_of(person, workspace, "last: 1").await;
        events[0]["cursor"].as_str().expect("a cursor").to_owned()
    }

    /// A cursor for the person's own stream after which all events are new.
    pub async fn own_cursor(&self, person: &Person) -> String {
        self.log_settles().await;
        let last = self.event_ids("TRUE").await.pop().and_then(|id| EventId::parse(&id)).expect("an event");
        let list = user_stream_name(UserId::parse(&person.id).expect("an ID"));
        connection::cursor(&list, &Keyset { key: self.env.hub.epochs().locate(last.position()), id: last.into() })
    }
}

/// Events of a workspace from the list.
pub async fn events_of(person: &Person, workspace: &str, arguments: &str) -> Vec<Value> {
    let query = format!(
        "query Q($id: ID!) {{ node(id: $id) {{ ... on Workspace {{ events({arguments}) {{ nodes {{ {FIELDS} }} }} }} }} }}"
    );
    let data = person.run(&query, json!({ "id": workspace })).await.data();
    data["node"]["events"]["nodes"].as_array().expect("events").clone()
}

impl Listener {
    /// The next event, or the errors that end the stream. `None` if it has ended.
    pub async fn next(&mut self) -> Option<Result<Value, Vec<String>>> {
        let response = match tokio::time::timeout(PATIENCE, self.stream.next()).await.expect("something comes")? {
            SubscriptionItem::Executed(response) => *response,
            SubscriptionItem::Shared(text) => serde_json::from_str(&text).expect("a response"),
        };
        if response.errors.is_empty() {
            let data = response.data.into_json().expect("data");
            return Some(Ok(data.as_object().expect("data").values().next().expect("an event").clone()));
        }
        let code = |error: &async_graphql::ServerError| {
            let extensions = serde_json::to_value(&error.extensions).expect("extensions");
            extensions["code"].as_str().unwrap_or(&error.message).to_owned()
        };
        Some(Err(response.errors.iter().map(code).collect()))
    }

    /// The next event.
    pub async fn event(&mut self) -> Value {
        self.next().await.expect("no end").expect("no error")
    }

    /// The next `count` events.
    pub async fn events(&mut self, count: usize) -> Vec<Value> {
        let mut events = Vec::new();
        while events.len() < count {
            events.push(self.event().await);
        }
        events
    }

    /// The types of the next `count` events.
    pub async fn types(&mut self, count: usize) -> Vec<String> {
        self.events(count).await.iter().map(|event| text(event, "type")).collect()
    }

    /// The code of the error that ends the stream, which must come next.
    pub async fn end(&mut self) -> String {
        let codes = self.next().await.expect("an error").expect_err("no event");
        assert!(self.next().await.is_none(), "an error ends the stream");
        codes.into_iter().next().expect("a code")
    }

    /// Whether no event arrives for 400 ms.
    pub async fn is_silent(&mut self) -> bool {
        tokio::time::timeout(Duration::from_millis(400), self.stream.next()).await.is_err()
    }
}

/// A text field of an event.
pub fn text(event: &Value, field: &str) -> String {
    event[field].as_str().expect("text").to_owned()
}
