//! What can be listened to: events as they happen, each asked about anew.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use async_graphql::parser::types::Field;
use async_graphql::registry::Registry;
use async_graphql::{
    Context, ContextSelectionSet, Data, ID, OutputType, Positioned, ServerResult, Subscription as Subscribable, Value,
};
use futures_util::Stream;
use futures_util::stream::unfold;
use tokio::time::Instant;

use super::context::{ContextExt, RequestContext};
use super::page::read_cursor;
use super::types::enums::EventType;
use super::types::event::{Event, list_of_person, list_of_workspace};
use super::{ApiError, Result, sight};
use crate::auth::Actor;
use crate::domain::event::LogPlace;
use crate::domain::{self, Error, WorkspaceId};
use crate::events::feed::Feed;
use crate::events::hub::Topic;
use crate::operations::Env;
use crate::policy::decide::denied;
use crate::policy::{Action, Decision, Target, decide};
use crate::store::events::Entry;

/// How long nothing may happen before the token is looked at.
const TICK: Duration = Duration::from_secs(1);
/// How long nothing may happen before the standing is looked at.
const QUIET: Duration = Duration::from_secs(20);
/// How long what was asked about one event holds for those that were asked about with it.
const FRESH: Duration = Duration::from_millis(250);

/// What can be listened to.
pub struct Subscription;

/// What can be listened to.
#[Subscribable]
impl Subscription {
    /// Events of one workspace that the viewer may see. With `after`, first replays what was missed, with no gap and no
    /// repeat, then goes on live. Asked again for every event: when the viewer loses access, the stream ends with a
    /// FORBIDDEN error; when the token runs out, with UNAUTHENTICATED.
    async fn workspace_events(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "ID of the workspace. FORBIDDEN if there is none that the viewer can see.")] workspace_id: ID,
        #[graphql(desc = "Only events of these types. All if absent, none if empty.")] types: Option<Vec<EventType>>,
        #[graphql(desc = "Cursor of the last event seen: replays what came after it. Absent: from now on.")]
        after: Option<String>,
    ) -> Result<impl Stream<Item = Result<Told>>> {
        ctx.request().viewer().await?;
        let denied = || ApiError::from(Error::from(denied(Action::EventsView)));
        let workspace = WorkspaceId::parse(&workspace_id).ok_or_else(denied)?.uuid();
        listen(ctx, Topic::Workspace(workspace), types, after).await
    }

    /// Events that concern the viewer personally, in any workspace: invitations, own memberships, offers, assignments, and
    /// the end of an organization that was theirs.
    async fn viewer_events(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only events of these types. All if absent, none if empty.")] types: Option<Vec<EventType>>,
        #[graphql(
            desc = "Cursor of the last event of this stream that was seen: replays what came after it. Absent: from now on."
        )]
        after: Option<String>,
    ) -> Result<impl Stream<Item = Result<Told>>> {
        let viewer = ctx.request().viewer().await?;
        listen(ctx, Topic::Person(viewer.id), types, after).await
    }
}

async fn listen(
    ctx: &Context<'_>,
    topic: Topic,
    types: Option<Vec<EventType>>,
    after: Option<String>,
) -> Result<impl Stream<Item = Result<Told>> + use<>> {
    let (env, request) = (ctx.env().clone(), ctx.request());
    let list = match topic {
        Topic::Workspace(workspace) => list_of_workspace(workspace),
        Topic::Person(user) => list_of_person(user),
    };
    require_place(request, topic).await?;
    let after =
        after.map(|cursor| read_cursor::<LogPlace>(&list, &cursor).ok_or(ApiError::InvalidCursor)).transpose()?;
    let telling = Telling {
        actor: *request.actor()?,
        address: request.address,
        feed: Feed::open(&env.store, &env.hub, topic, after.map(|place| place.key)).await?,
        env,
        topic,
        kinds: types.map(|types| types.into_iter().map(Into::into).collect()),
        waiting: VecDeque::new(),
        asked: Instant::now(),
        ended: false,
    };
    Ok(unfold(telling, async |mut telling| telling.next().await.map(|told| (told, telling))))
}

/// Goes on only for those who may listen to that topic: FORBIDDEN otherwise, also where there is nothing.
async fn require_place(request: &RequestContext, topic: Topic) -> Result<()> {
    request.viewer().await?;
    let Topic::Workspace(workspace) = topic else { return Ok(()) };
    let standing = sight::standing(request, workspace).await?;
    match decide(&standing, Action::EventsView, &Target::default()) {
        Decision::Allow => Ok(()),
        _ => Err(Error::from(denied(Action::EventsView)).into()),
    }
}

/// One subscription that goes on.
struct Telling {
    env: Env,
    actor: Actor,
    address: Option<IpAddr>,
    feed: Feed,
    topic: Topic,
    kinds: Option<Vec<domain::event::EventType>>,
    /// What the viewer may see of what has come.
    waiting: VecDeque<Event>,
    /// When that was asked.
    asked: Instant,
    ended: bool,
}

impl Telling {
    /// The next event. An error is the last that comes.
    async fn next(&mut self) -> Option<Result<Told>> {
        if self.ended {
            return None;
        }
        let told = self.tell().await;
        self.ended = told.is_err();
        Some(told)
    }

    async fn tell(&mut self) -> Result<Told> {
        loop {
            let patience = self.require_token()?;
            if !self.waiting.is_empty() && self.asked.elapsed() > FRESH {
                // Whoever takes their time does not see by rights that they had.
                let entries = self.waiting.drain(..).map(|event| event.entry).collect();
                self.ask(entries).await?;
            }
            if let Some(event) = self.waiting.pop_front() {
                return Ok(Told::new(event, self.request()));
            }
            match self.feed.next(patience).await? {
                Some(entries) => self.ask(entries).await?,
                None if self.asked.elapsed() > QUIET => self.ask(Vec::new()).await?,
                None => {}
            }
        }
    }

    /// UNAUTHENTICATED once the token has run out; else how long to wait before asking again.
    fn require_token(&self) -> Result<Duration> {
        let Some(end) = self.actor.expires_at else { return Ok(TICK) };
        match (end - self.env.clock.now()).to_std() {
            Ok(left) if !left.is_zero() => Ok(left.min(TICK)),
            _ => Err(Error::Unauthenticated.into()),
        }
    }

    /// Asks whether the viewer may still listen, and what of the entries they may see.
    async fn ask(&mut self, entries: Vec<Arc<Entry>>) -> Result<()> {
        let request = self.request();
        require_place(&request, self.topic).await?;
        let wanted = |entry: &Arc<Entry>| match &self.kinds {
            Some(kinds) => entry.kind.is_some_and(|kind| kinds.contains(&kind)),
            None => true,
        };
        let mut seen = sight::seen(&request, entries.into_iter().filter(wanted).collect()).await?;
        seen.iter_mut().for_each(|event| event.personal = matches!(self.topic, Topic::Person(_)));
        self.waiting = seen.into();
        self.asked = Instant::now();
        Ok(())
    }

    /// A request of its own, which nothing was loaded by.
    fn request(&self) -> RequestContext {
        RequestContext::new(&self.env, Some(self.actor), self.address)
    }
}

/// An event that is told now: what it names is resolved in a request of its own.
pub struct Told {
    event: Event,
    data: Data,
}

impl Told {
    fn new(event: Event, request: RequestContext) -> Self {
        let mut data = Data::default();
        data.insert(request);
        Self { event, data }
    }
}

impl OutputType for Told {
    fn type_name() -> Cow<'static, str> {
        <Event as OutputType>::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        <Event as OutputType>::create_type_info(registry)
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, field: &Positioned<Field>) -> ServerResult<Value> {
        let mut ctx = ctx.clone();
        ctx.execute_data = Some(&self.data);
        self.event.resolve(&ctx, field).await
    }
}
