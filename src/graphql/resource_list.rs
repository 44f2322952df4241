//! Lists of resources: all of them are read by the same loader and counted by the same, and show what could be opened one by
//! one.

use std::sync::Arc;

use async_graphql::Context;
use futures_util::future::try_join_all;
use uuid::Uuid;

use crate::domain::clock::Instant;
use crate::domain::page::{Place, Slice};
use crate::domain::resource::{Rows, Ties};
use crate::domain::{UserId, WorkspaceId};
use crate::graphql::Result;
use crate::graphql::connection::{Count, Page, PageArgs};
use crate::graphql::context::ContextExt;
use crate::graphql::loaders;
use crate::graphql::loaders::{ListCount, ListPage};
use crate::graphql::types::workspace::Workspace;
use crate::policy::{Action, Standing, roles_that_see, visible, visible_in};
use crate::store::resource_lists::{Filter, List, Listed, Part, Seers, Within};

/// What a list shows of its rows.
pub trait Shown: Sized {
    /// What is listed.
    type Id: Listed;
    /// What has to be allowed for a row to be shown.
    const ACTION: Action;

    /// The thing, if the viewer, who stands to its workspace like that, may see it.
    fn seen(ctx: &Context<'_>, row: <Self::Id as Listed>::Row, standing: Standing) -> Option<Self>;
}

/// A list within one thing, for the viewer.
pub struct Listing {
    /// Tells its cursors from those of other lists.
    name: String,
    parent: Uuid,
    list: List,
    /// How the viewer stands to the one workspace that it is about; none if there may be several.
    standing: Option<Standing>,
}

impl Listing {
    /// What a workspace has of a kind, newest first.
    pub fn of_workspace<N: Shown>(
        ctx: &Context<'_>,
        id: WorkspaceId,
        standing: Standing,
        filter: Filter,
    ) -> Result<Self> {
        let rows = visible(&standing, N::ACTION);
        let list = List { rows, filter, ..blank::<N>(ctx.request().actor()?.user_id, Within::Workspace) };
        Ok(Self { name: format!("{:?} of {id}", list.kind), parent: id.uuid(), list, standing: Some(standing) })
    }

    /// What a project or a task has of a kind, newest first. The viewer is tied to it by `ties`.
    pub fn of_container<N: Shown>(
        ctx: &Context<'_>,
        (within, id): (Within, Uuid),
        standing: Standing,
        ties: Ties,
    ) -> Result<Self> {
        let rows = visible_in(&standing, N::ACTION, ties);
        let list = List { rows, ..blank::<N>(ctx.request().actor()?.user_id, within) };
        Ok(Self { name: format!("{:?} of {within:?} {id}", list.kind), parent: id, list, standing: Some(standing) })
    }

    /// What is assigned to the viewer of a kind, in every workspace, newest first.
    pub fn assigned<N: Shown>(viewer: UserId, is_admin: bool, filter: Filter) -> Self {
        let ties = Ties { assignee: true, ..Ties::default() };
        let (active, pending) = roles_that_see(is_admin, N::ACTION, ties);
        let rows = Rows { all: true, ..Rows::default() };
        let list =
            List { rows, seers: Some(Seers { active, pending }), filter, ..blank::<N>(viewer, Within::Assignee) };
        Self { name: format!("{:?} assigned to {viewer}", list.kind), parent: viewer.into(), list, standing: None }
    }

    /// The same, oldest first.
    pub fn oldest_first(self) -> Self {
        Self { list: List { newest_first: false, ..self.list }, ..self }
    }

    /// A page of it. The pages of all lists of a kind in an answer are loaded together.
    pub async fn page<N: Shown>(self, ctx: &Context<'_>, args: PageArgs) -> Result<Page<N>> {
        let window = args.window(&self.name)?;
        let part = Arc::new(Part { list: self.list.clone(), window: window.clone() });
        let rows = ctx.request().loader.load_one(ListPage::<N::Id>::new(self.parent, part)).await?.unwrap_or_default();
        let slice = Slice::from_read(rows, &window);
        let seen = try_join_all(slice.rows.into_iter().map(|row| self.node::<N>(ctx, row))).await?;
        let slice = Slice { rows: seen.into_iter().flatten().collect(), more: slice.more };
        let (loader, asked) =
            (ctx.request().loader.clone(), ListCount { parent: self.parent, list: Arc::new(self.list) });
        let count: Count = Arc::new(move || {
            let (loader, asked) = (loader.clone(), asked.clone());
            Box::pin(async move { Ok(loader.load_one(asked).await.map_err(loaders::error)?.unwrap_or(0)) })
        });
        Ok(Page::new(&self.name, &window, slice, |(place, _)| place.clone(), |(_, node)| node, count))
    }

    /// The node of a row, with its place. None if it is not there for the viewer any more.
    async fn node<N: Shown>(
        &self,
        ctx: &Context<'_>,
        row: <N::Id as Listed>::Row,
    ) -> Result<Option<(Place<Instant>, N)>> {
        let standing = match self.standing {
            Some(standing) => Some(standing),
            None => Workspace::open(ctx, N::Id::workspace(&row)).await?.map(|workspace| workspace.standing()),
        };
        let place = N::Id::place(&row);
        Ok(standing.and_then(|standing| Some((place, N::seen(ctx, row, standing)?))))
    }
}

/// A list of everything, newest first.
fn blank<N: Shown>(viewer: UserId, within: Within) -> List {
    let rows = Rows::default();
    List { kind: N::Id::KIND, within, viewer, rows, seers: None, filter: Filter::default(), newest_first: true }
}

/// How many of a kind a project or a task has in all, whether or not the viewer may open them.
pub async fn count_all<N: Shown>(ctx: &Context<'_>, within: Within, id: Uuid) -> Result<i32> {
    let rows = Rows { all: true, ..Rows::default() };
    let list = List { rows, ..blank::<N>(ctx.request().actor()?.user_id, within) };
    let count = ctx.request().loader.load_one(ListCount { parent: id, list: Arc::new(list) }).await?.unwrap_or(0);
    Ok(i32::try_from(count).unwrap_or(i32::MAX))
}
