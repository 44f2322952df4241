//! What is read in one go with an organization that is asked for by its slug: the first pages of its lists. Whether the viewer may
//! see them is decided where they are shown, as for all that is read there.

use std::sync::{Mutex, PoisonError};

use async_graphql::{Context, InputType, Lookahead, Value};
use futures_util::future::join;

use super::Result;
use super::context::ContextExt;
use super::page::PageArgs;
use super::types::invitation::InvitationsArgs;
use super::types::membership::MembersArgs;
use crate::domain::OrganizationId;
use crate::domain::clock::Instant;
use crate::store::Connection;

/// The arguments of a list of an organization.
pub trait List: InputType + PartialEq + Send + Sync {
    /// The field of the organization that it is.
    const FIELD: &'static str;
    /// What is read for a page.
    type Rows: Send;

    /// Which page.
    fn page(&self) -> &PageArgs;

    /// Whose they are. None: there are none, so nothing tells.
    fn organization_of(rows: &Self::Rows) -> Option<OrganizationId>;

    /// Reads the first page of that organization for a field of the answer.
    fn read_first(
        &self,
        connection: &Connection,
        slug: &str,
        now: Instant,
        field: &Lookahead<'_>,
    ) -> impl Future<Output = Result<Self::Rows>> + Send;
}

/// First pages of the lists of an organization.
#[derive(Default)]
pub struct Ahead {
    /// Of its members.
    pub members: FirstPage<MembersArgs>,
    /// Of its invitations.
    pub invitations: FirstPage<InvitationsArgs>,
}

impl Ahead {
    /// Reads those that are asked of the organization that is being resolved.
    pub async fn read(ctx: &Context<'_>, connection: &Connection, slug: &str) -> Self {
        let (members, invitations) =
            join(FirstPage::read(ctx, connection, slug), FirstPage::read(ctx, connection, slug)).await;
        Self { members, invitations }
    }
}

/// The first page of a list, until it is taken.
pub struct FirstPage<L: List>(Mutex<Option<(L, L::Rows)>>);

impl<L: List> Default for FirstPage<L> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<L: List> FirstPage<L> {
    async fn read(ctx: &Context<'_>, connection: &Connection, slug: &str) -> Self {
        let Some((args, field)) = asked::<L>(&ctx.look_ahead()) else { return Self::default() };
        // What fails here fails again where it is shown, which is where to say so.
        let rows = args.read_first(connection, slug, ctx.request().now, &field).await.ok();
        Self(Mutex::new(rows.map(|rows| (args, rows))))
    }

    /// The rows, if they were read with these arguments and are of that organization: between the statements the slug may have
    /// become another's, or nobody's.
    pub fn take(&self, organization: OrganizationId, args: &L) -> Option<L::Rows> {
        let mut page = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let fits = |(of, rows): &mut (L, L::Rows)| of == args && L::organization_of(rows) == Some(organization);
        page.take_if(fits).map(|(_, rows)| rows)
    }
}

/// The arguments of the list where its first page is asked for, once.
fn asked<'a, L: List>(organization: &Lookahead<'a>) -> Option<(L, Lookahead<'a>)> {
    let mut fields = organization.field(L::FIELD).selection_fields().into_iter();
    let (field, None) = (fields.next()?, fields.next()) else { return None };
    let args = Value::Object(field.arguments().ok()?.into_iter().collect());
    let args = L::parse(Some(args)).ok()?;
    (args.page().after.is_none() && args.page().before.is_none()).then(|| (args, Lookahead::from(field)))
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::domain::Role;
    use crate::store::memberships::Membership;

    fn args(first: i32) -> MembersArgs {
        let page = PageArgs { first: Some(first), after: None, last: None, before: None };
        MembersArgs { search: None, roles: None, order_by: None, page }
    }

    #[test]
    fn a_page_is_taken_once_for_what_it_was_read_for_and_for_no_other_organization() {
        let [ours, others] = [1, 2].map(|n| OrganizationId::from(Uuid::from_u128(n)));
        let row = Membership {
            id: Uuid::from_u128(3).into(),
            organization_id: ours,
            user_id: Uuid::from_u128(4).into(),
            username: "ada".to_owned(),
            shown_name: "Ada".to_owned(),
            role: Role::Owner,
            joined_at: Instant::default(),
            last_active_on: None,
            invited_by: None,
        };
        let page = FirstPage::<MembersArgs>(Mutex::new(Some((args(1), vec![(row, None)]))));
        assert!(page.take(others, &args(1)).is_none());
        assert!(page.take(ours, &args(2)).is_none());
        assert!(page.take(ours, &args(1)).is_some());
        assert!(page.take(ours, &args(1)).is_none());

        let empty = FirstPage::<MembersArgs>(Mutex::new(Some((args(1), Vec::new()))));
        assert!(empty.take(ours, &args(1)).is_none(), "of nobody as far as is known");
    }
}
