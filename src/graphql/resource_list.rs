//! Lists of resources: all of them are read by the same loader and counted by the same, and show what could be opened one by
//! one.

use std::sync::Arc;

use async_graphql::Context;
use futures_util::future::try_join_all;
use uuid::Uuid;

use crate::domain::clock::Instant;
use crate::domain::page::{Keyset, PageRows};
use crate::domain::resource::{Relations, RowScope};
use crate::domain::{UserId, WorkspaceId};
use crate::graphql::Result;
use crate::graphql::connection::{Count, Page, PageArgs};
use crate::graphql::context::ContextExt;
use crate::graphql::loaders;
use crate::graphql::loaders::{ListCount, ListPage};
use crate::graphql::types::workspace::Workspace;
use crate::policy::{AccessContext, Action, roles_that_see, visible, visible_within};
use crate::store::resource_lists::{Filter, List, ListableResource, ParentKind, ResourcePage, RolesThatSee};

/// What a list shows of its rows.
pub trait ResourceNode: Sized {
    /// What is listed.
    type Id: ListableResource;
    /// What has to be allowed for a row to be shown.
    const ACTION: Action;

    /// The thing, if the viewer, who stands to its workspace like that, may see it.
    fn seen(ctx: &Context<'_>, row: <Self::Id as ListableResource>::Row, standing: AccessContext) -> Option<Self>;
}

/// A list within one thing, for the viewer.
pub struct ResourceList {
    /// Tells its cursors from those of other lists.
    name: String,
    parent: Uuid,
    list: List,
    /// How the viewer stands to the one workspace that it is about; none if there may be several.
    standing: Option<AccessContext>,
}

impl ResourceList {
    /// What a workspace has of a kind, newest first.
    pub fn of_workspace<N: ResourceNode>(
        ctx: &Context<'_>,
        id: WorkspaceId,
        standing: AccessContext,
        filter: Filter,
    ) -> Result<Self> {
        let rows = visible(&standing, N::ACTION);
        let list = List { rows, filter, ..blank::<N>(ctx.request().actor()?.user_id, ParentKind::Workspace) };
        Ok(Self { name: format!("{:?} of {id}", list.kind), parent: id.uuid(), list, standing: Some(standing) })
    }

    /// What a project or a task has of a kind, newest first. The viewer is tied to it by `ties`.
    pub fn of_container<N: ResourceNode>(
        ctx: &Context<'_>,
        (within, id): (ParentKind, Uuid),
        standing: AccessContext,
        ties: Relations,
    ) -> Result<Self> {
        let rows = visible_within(&standing, N::ACTION, ties);
        let list = List { rows, ..blank::<N>(ctx.request().actor()?.user_id, within) };
        Ok(Self { name: format!("{:?} of {within:?} {id}", list.kind), parent: id, list, standing: Some(standing) })
    }

    /// What is assigned to the viewer of a kind, in every workspace, newest first.
    pub fn assigned<N: ResourceNode>(viewer: UserId, is_admin: bool, filter: Filter) -> Self {
        let ties = Relations { assignee: true, ..Relations::default() };
        let (active, pending) = roles_that_see(is_admin, N::ACTION, ties);
        let rows = RowScope { all: true, ..RowScope::default() };
        let list = List {
            rows,
            seers: Some(RolesThatSee { active, pending }),
            filter,
            ..blank::<N>(viewer, ParentKind::Assignee)
        };
        Self { name: format!("{:?} assigned to {viewer}", list.kind), parent: viewer.into(), list, standing: None }
    }

    /// The same, oldest first.
    pub fn oldest_first(self) -> Self {
        Self { list: List { newest_first: false, ..self.list }, ..self }
    }

    /// A page of it. The pages of all lists of a kind in an answer are loaded together.
    pub async fn page<N: ResourceNode>(self, ctx: &Context<'_>, args: PageArgs) -> Result<Page<N>> {
        let window = args.window(&self.name)?;
        let part = Arc::new(ResourcePage { list: self.list.clone(), window: window.clone() });
        let rows = ctx.request().loader.load_one(ListPage::<N::Id>::new(self.parent, part)).await?.unwrap_or_default();
        let slice = PageRows::from_read(rows, &window);
        let seen = try_join_all(slice.rows.into_iter().map(|row| self.node::<N>(ctx, row))).await?;
        let slice = PageRows { rows: seen.into_iter().flatten().collect(), more: slice.more };
        let (loader, asked) =
            (ctx.request().loader.clone(), ListCount { parent: self.parent, list: Arc::new(self.list) });
        let count: Count = Arc::new(move || {
            let (loader, asked) = (loader.clone(), asked.clone());
            Box::pin(async move { Ok(loader.load_one(asked).await.map_err(loaders::error)?.unwrap_or(0)) })
        });
        Ok(Page::new(&self.name, &window, slice, |(place, _)| place.clone(), |(_, node)| node, count))
    }

    /// The node of a row, with its place. None if it is not there for the viewer any more.
    async fn node<N: ResourceNode>(
        &self,
        ctx: &Context<'_>,
        row: <N::Id as ListableResource>::Row,
    ) -> Result<Option<(Keyset<Instant>, N)>> {
        let standing = match self.standing {
            Some(standing) => Some(standing),
            None => Workspace::open(ctx, N::Id::workspace(&row)).await?.map(|workspace| workspace.standing()),
        };
        let place = N::Id::place(&row);
        Ok(standing.and_then(|standing| Some((place, N::seen(ctx, row, standing)?))))
    }
}

/// A list of everything, newest first.
fn blank<N: ResourceNode>(viewer: UserId, within: ParentKind) -> List {
    let rows = RowScope::default();
    List { kind: N::Id::KIND, within, viewer, rows, seers: None, filter: Filter::default(), newest_first: true }
}

/// How many of a kind a project or a task has in all, whether or not the viewer may open them.
pub async fn count_all<N: ResourceNode>(ctx: &Context<'_>, within: ParentKind, id: Uuid) -> Result<i32> {
    let rows = RowScope { all: true, ..RowScope::default() };
    let list = List { rows, ..blank::<N>(ctx.request().actor()?.user_id, within) };
    let count = ctx.request().loader.load_one(ListCount { parent: id, list: Arc::new(list) }).await?.unwrap_or(0);
    Ok(i32::try_from(count).unwrap_or(i32::MAX))
}
