//! Lists of invitations: connection and arguments.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::{Context, Lookahead};

use super::invitation::{Invitation, InvitationStatus};
use super::organization::access_of;
use super::role::Role;
use crate::domain::OrganizationId;
use crate::domain::clock::Instant;
use crate::domain::page::{Keyset, PageRequest, PageRows};
use crate::graphql::Result;
use crate::graphql::connection;
use crate::graphql::connection::{Count, Page, PageArgs, asks_nodes_for, connection};
use crate::graphql::context::ContextExt;
use crate::policy::AccessContext;
use crate::store::Connection;
use crate::store::invitations;
use crate::store::invitations::list;
use crate::store::invitations::list::{Filter, Inviter, Whose};
use crate::store::users;

/// A row of a list of invitations, with the inviter if the query selects `inviter`.
pub type InvitationRow = (invitations::Invitation, Option<Inviter>);

connection!(
    Invitation,
    InvitationConnection: "A page of a list of invitations.",
    InvitationEdge: "One entry of a list of invitations."
);

/// Arguments of `Organization.invitations`.
pub struct InvitationsArgs {
    /// Text that the address must contain; `None` for all.
    pub search: Option<String>,
    /// Statuses to include; `None` for all.
    pub statuses: Option<Vec<InvitationStatus>>,
    /// Offered roles to include; `None` for all.
    pub roles: Option<Vec<Role>>,
    /// The page to load.
    pub page: PageArgs,
}

impl InvitationsArgs {
    fn filter(&self, whose: Whose, now: Instant) -> Result<Filter> {
        Ok(Filter {
            whose,
            search: connection::search(self.search.as_deref())?,
            statuses: self.statuses.as_ref().map(|statuses| statuses.iter().copied().map(Into::into).collect()),
            roles: self.roles.as_ref().map(|roles| roles.iter().copied().map(Into::into).collect()),
            now,
        })
    }
}

/// Reads a page of invitations, with the inviters if `field` selects them.
async fn read_page(
    connection: &Connection,
    filter: &Filter,
    window: &PageRequest<Instant>,
    field: &Lookahead<'_>,
) -> Result<PageRows<InvitationRow>> {
    if asks_nodes_for(field, &["inviter"]) {
        let PageRows { rows, more } = list::page_with_inviters(connection, filter, window).await?;
        return Ok(PageRows { rows: rows.into_iter().map(|(row, inviter)| (row, Some(inviter))).collect(), more });
    }
    let PageRows { rows, more } = list::page(connection, filter, window).await?;
    Ok(PageRows { rows: rows.into_iter().map(|row| (row, None)).collect(), more })
}

impl InvitationConnection {
    /// Loads a page of an organization's invitations. The caller has to check that the viewer may see them.
    pub async fn of_organization(
        ctx: &Context<'_>,
        organization: OrganizationId,
        viewer_access: AccessContext,
        args: &InvitationsArgs,
    ) -> Result<Self> {
        let filter = args.filter(Whose::Organization(organization), ctx.request().now)?;
        let list = format!("invitations of {organization}");
        Self::load(ctx, &list, filter, &args.page, Some(viewer_access)).await
    }

    /// Loads a page of the invitations to the viewer's verified address.
    pub async fn of_viewer(
        ctx: &Context<'_>,
        viewer: &users::User,
        statuses: Option<Vec<InvitationStatus>>,
        args: PageArgs,
    ) -> Result<Self> {
        let statuses = statuses.unwrap_or_else(|| vec![InvitationStatus::Pending]);
        let filter = Filter {
            whose: Whose::Invitee {
                email: viewer.verified_email().unwrap_or_default().to_owned(),
                user: viewer.id,
                is_admin: viewer.is_admin,
            },
            search: None,
            statuses: Some(statuses.into_iter().map(Into::into).collect()),
            roles: None,
            now: ctx.request().now,
        };
        Self::load(ctx, &format!("invitations to {}", viewer.id), filter, &args, None).await
    }

    /// Loads a page of `filter`. `viewer_access` is the viewer's access to the organization of the list; `None` for the
    /// invitee's own list, which may cover several organizations.
    async fn load(
        ctx: &Context<'_>,
        list: &str,
        filter: Filter,
        page: &PageArgs,
        viewer_access: Option<AccessContext>,
    ) -> Result<Self> {
        let window = page.page_request(list)?;
        let store = ctx.env().store.clone();
        let page_rows = read_page(&*store.read().await?, &filter, &window, &ctx.look_ahead()).await?;
        let organizations = match viewer_access {
            Some(_) => HashMap::new(),
            None => ctx.request().loader.load_many(page_rows.rows.iter().map(|(row, _)| row.organization_id)).await?,
        };
        let viewer = ctx.request().viewer_id();
        let is_invitee = viewer_access.is_none().then_some(true);
        let node = |row: InvitationRow| {
            let viewer_access = viewer_access.or_else(|| organizations.get(&row.0.organization_id).map(access_of));
            Invitation::listed(row, viewer_access.unwrap_or_default(), is_invitee, viewer)
        };
        let count: Count = Arc::new(move || {
            let (store, filter) = (store.clone(), filter.clone());
            Box::pin(async move { list::count(&mut *store.read().await?, &filter).await })
        });
        let keyset = |(row, _): &InvitationRow| Keyset { key: row.created_at, id: row.id.into() };
        Ok(Self(Page::new(list, &window, page_rows, keyset, node, count)))
    }
}
