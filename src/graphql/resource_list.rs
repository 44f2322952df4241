//! Lists of resources. One loader reads all of them and one counts all of them. A list shows the resources that the
//! viewer could also open one by one.

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
use crate::graphql::loaders::resources::{ListCount, ListPage};
use crate::graphql::types::workspace::Workspace;
use crate::policy::{AccessContext, Action, roles_that_see, visible, visible_within};
use crate::store::resource_lists::{Filter, List, ListableResource, ParentKind, ResourcePage, RolesThatSee};

/// The GraphQL object that a list returns for its rows.
pub trait ResourceNode: Sized {
    /// The ID type of the listed resources.
    type Id: ListableResource;
    /// The action that the policy must allow for a row to be shown.
    const ACTION: Action;

    /// Returns the node of a row for a viewer with this access to its workspace; `None` if they may not see it.
    fn if_visible(
        ctx: &Context<'_>,
        row: <Self::Id as ListableResource>::Row,
        viewer_access: AccessContext,
    ) -> Option<Self>;
}

/// A list of resources of one parent, for the viewer.
pub struct ResourceList {
    /// Part of the cursors, so that cursors of other lists are refused.
    name: String,
    parent: Uuid,
    list: List,
    /// The viewer's access to the workspace of all rows; `None` if the rows may be of several workspaces.
    viewer_access: Option<AccessContext>,
}

impl ResourceList {
    /// Lists the resources of a kind in a workspace, newest first.
    pub fn of_workspace<N: ResourceNode>(
        ctx: &Context<'_>,
        id: WorkspaceId,
        viewer_access: AccessContext,
        filter: Filter,
    ) -> Result<Self> {
        let rows = visible(&viewer_access, N::ACTION);
        let list = List { rows, filter, ..blank::<N>(ctx.request().actor()?.user_id, ParentKind::Workspace) };
        Ok(Self {
            name: format!("{:?} of {id}", list.kind),
            parent: id.uuid(),
            list,
            viewer_access: Some(viewer_access),
        })
    }

    /// Lists the resources of a kind in a project or a task, newest first. `relations` are the viewer's relations to
    /// the container.
    pub fn of_container<N: ResourceNode>(
        ctx: &Context<'_>,
        (within, id): (ParentKind, Uuid),
        viewer_access: AccessContext,
        relations: Relations,
    ) -> Result<Self> {
        let rows = visible_within(&viewer_access, N::ACTION, relations);
        let list = List { rows, ..blank::<N>(ctx.request().actor()?.user_id, within) };
        Ok(Self {
            name: format!("{:?} of {within:?} {id}", list.kind),
            parent: id,
            list,
            viewer_access: Some(viewer_access),
        })
    }

    /// Lists the resources of a kind that are assigned to the viewer in any workspace, newest first.
    pub fn assigned<N: ResourceNode>(viewer: UserId, is_admin: bool, filter: Filter) -> Self {
        let relations = Relations { assignee: true, ..Relations::default() };
        let (active, pending) = roles_that_see(is_admin, N::ACTION, relations);
        let rows = RowScope { all: true, ..RowScope::default() };
        let list = List {
            rows,
            seers: Some(RolesThatSee { active, pending }),
            filter,
            ..blank::<N>(viewer, ParentKind::Assignee)
        };
        Self { name: format!("{:?} assigned to {viewer}", list.kind), parent: viewer.into(), list, viewer_access: None }
    }

    /// Returns the list in the opposite order, oldest first.
    pub fn oldest_first(self) -> Self {
        Self { list: List { newest_first: false, ..self.list }, ..self }
    }

    /// Loads a page of the list. The pages of all lists of a kind in a response are loaded together. Fails with
    /// BAD_USER_INPUT or INVALID_CURSOR for arguments that [`PageArgs::page_request`] refuses.
    pub async fn page<N: ResourceNode>(self, ctx: &Context<'_>, args: PageArgs) -> Result<Page<N>> {
        let window = args.page_request(&self.name)?;
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

    /// Returns the node of a row with its keyset position; `None` if the viewer may no longer see it.
    async fn node<N: ResourceNode>(
        &self,
        ctx: &Context<'_>,
        row: <N::Id as ListableResource>::Row,
    ) -> Result<Option<(Keyset<Instant>, N)>> {
        let viewer_access = match self.viewer_access {
            Some(viewer_access) => Some(viewer_access),
            None => Workspace::open(ctx, N::Id::workspace(&row)).await?.map(|workspace| workspace.viewer_access()),
        };
        let place = N::Id::place(&row);
        Ok(viewer_access.and_then(|viewer_access| Some((place, N::if_visible(ctx, row, viewer_access)?))))
    }
}

/// Returns a list without filter, newest first.
fn blank<N: ResourceNode>(viewer: UserId, within: ParentKind) -> List {
    let rows = RowScope::default();
    List { kind: N::Id::KIND, within, viewer, rows, seers: None, filter: Filter::default(), newest_first: true }
}

/// Counts the resources of a kind in a project or a task, whether or not the viewer may open them.
pub async fn count_all<N: ResourceNode>(ctx: &Context<'_>, within: ParentKind, id: Uuid) -> Result<i32> {
    let rows = RowScope { all: true, ..RowScope::default() };
    let list = List { rows, ..blank::<N>(ctx.request().actor()?.user_id, within) };
    let count = ctx.request().loader.load_one(ListCount { parent: id, list: Arc::new(list) }).await?.unwrap_or(0);
    Ok(i32::try_from(count).unwrap_or(i32::MAX))
}
