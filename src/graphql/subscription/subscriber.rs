//! A subscriber: waits for events, and checks with the viewer's current access whether they may see each event.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use async_graphql::Context;
use tokio::time::Instant;
use uuid::Uuid;

use crate::auth::Actor;
use crate::domain::Error;
use crate::domain::event::EventType;
use crate::domain::event_epoch::EpochPosition;
use crate::events::hub::Topic;
use crate::events::stream::EventStream;
use crate::graphql::connection::read_cursor;
use crate::graphql::context::{ContextExt, RequestContext};
use crate::graphql::event_visibility::EventViewer;
use crate::graphql::shared_loader::SharedLoader;
use crate::graphql::types::event::{self, Event, user_stream_name, workspace_stream_name};
use crate::graphql::{ApiError, Result};
use crate::operations::AppContext;
use crate::policy::Action;
use crate::policy::decide::denied;
use crate::store::events::Entry;
use crate::store::events::list::Visible;

/// How long a subscription may be without events before token and access are checked again. The check runs at full
/// seconds, so that the checks of many subscribers are batched.
const CHECK_INTERVAL: Duration = Duration::from_secs(9);
/// How long the access check of a batch of events is valid. Events that are delivered later are checked again.
const CHECK_VALIDITY: Duration = Duration::from_millis(250);

/// A subscriber to one topic.
pub struct Subscriber {
    env: AppContext,
    audience: SharedLoader,
    actor: Actor,
    address: Option<IpAddr>,
    stream: EventStream,
    topic: Topic,
    types: Option<Vec<EventType>>,
    /// The received events that the viewer may see.
    buffered: VecDeque<Event>,
    /// When the access was last checked.
    checked_at: Instant,
}

impl Subscriber {
    /// Subscribes after a cursor, or from now on if there is none. Fails with INVALID_CURSOR for a cursor of another
    /// stream, and with FORBIDDEN if the viewer may not subscribe to the topic.
    pub async fn begin(
        ctx: &Context<'_>,
        topic: Topic,
        types: Option<Vec<event::EventType>>,
        after: Option<String>,
    ) -> Result<Self> {
        let (env, request, audience) = (ctx.env().clone(), ctx.request(), ctx.audience().clone());
        let actor = *request.actor()?;
        load_viewer(&audience, actor, topic, &[]).await?;
        let list = match topic {
            Topic::Workspace(workspace) => workspace_stream_name(workspace),
            Topic::Person(user) => user_stream_name(user),
        };
        let after = after
            .map(|cursor| read_cursor::<EpochPosition>(&list, &cursor).ok_or(ApiError::InvalidCursor))
            .transpose()?;
        Ok(Self {
            actor,
            address: request.address,
            stream: EventStream::open(&env.store, &env.hub, topic, after.map(|place| place.key)).await?,
            env,
            audience,
            topic,
            types: types.map(|types| types.into_iter().map(Into::into).collect()),
            buffered: VecDeque::new(),
            checked_at: Instant::now(),
        })
    }

    /// The topic of the subscription.
    pub fn topic(&self) -> Topic {
        self.topic
    }

    /// Creates a new request context for the subscriber, with empty loaders.
    pub fn request(&self) -> RequestContext {
        RequestContext::new(&self.env, Some(self.actor), self.address)
    }

    /// Waits for the next event that the viewer may see. After an error there are no more events.
    pub async fn next(&mut self) -> Result<Event> {
        loop {
            let max_wait = self.max_wait()?;
            if !self.buffered.is_empty() && self.checked_at.elapsed() > CHECK_VALIDITY {
                // A slow client must not see events by access that it has lost.
                let entries = self.buffered.drain(..).map(|event| event.entry).collect();
                self.check_entries(entries).await?;
            }
            if let Some(event) = self.buffered.pop_front() {
                return Ok(event);
            }
            let visible = self.visible().await?;
            let entries = self.stream.next(max_wait, visible.as_ref()).await?.unwrap_or_default();
            if !entries.is_empty() || self.checked_at.elapsed() > CHECK_INTERVAL {
                self.check_entries(entries).await?;
            }
        }
    }

    /// Returns the conditions for reading the workspace's event log; `None` if the next events are not read from it.
    async fn visible(&self) -> Result<Option<Visible>> {
        let Topic::Workspace(workspace) = self.topic else { return Ok(None) };
        if !self.stream.reads_workspace() {
            return Ok(None);
        }
        let event_viewer = load_viewer(&self.audience, self.actor, self.topic, &[]).await?;
        Ok(Some(event_viewer.visible(&self.env.store, workspace).await?))
    }

    /// Returns how long to wait before the next access check. Fails with UNAUTHENTICATED once the token has expired.
    fn max_wait(&self) -> Result<Duration> {
        let now = self.env.clock.now();
        let until_full_second = Duration::from_millis(1000 - u64::from(now.timestamp_subsec_millis()).min(999));
        let until_check = CHECK_INTERVAL.saturating_sub(self.checked_at.elapsed()) + until_full_second;
        let Some(end) = self.actor.expires_at else { return Ok(until_check) };
        match (end - now).to_std() {
            Ok(left) if !left.is_zero() => Ok(left.min(until_check)),
            _ => Err(Error::Unauthenticated.into()),
        }
    }

    /// Checks whether the viewer may still subscribe, and keeps those of the entries that they may see.
    async fn check_entries(&mut self, mut entries: Vec<Arc<Entry>>) -> Result<()> {
        if let Some(types) = &self.types {
            entries.retain(|entry| entry.kind.is_some_and(|kind| types.contains(&kind)));
        }
        let event_viewer = load_viewer(&self.audience, self.actor, self.topic, &entries).await?;
        self.buffered = event_viewer.seen(entries).await?.into();
        if let Topic::Person(user) = self.topic {
            self.buffered.iter_mut().for_each(|event| event.stream_of = Some(user));
        }
        self.checked_at = Instant::now();
        Ok(())
    }
}

/// Loads the viewer's access to the workspaces of the topic and the entries. Fails with FORBIDDEN if the viewer may not
/// subscribe to the topic, also if the workspace does not exist.
async fn load_viewer(
    audience: &SharedLoader,
    actor: Actor,
    topic: Topic,
    entries: &[Arc<Entry>],
) -> Result<EventViewer> {
    match topic {
        Topic::Workspace(workspace) => {
            let event_viewer = EventViewer::of(audience, actor.user_id, vec![workspace]).await?;
            if event_viewer.may_listen_to(workspace) {
                Ok(event_viewer)
            } else {
                Err(Error::from(denied(Action::EventsView)).into())
            }
        }
        Topic::Person(user) => {
            let mut workspaces = vec![Uuid::from(user)];
            workspaces.extend(entries.iter().map(|entry| entry.workspace_id));
            EventViewer::of(audience, user, workspaces).await
        }
    }
}
