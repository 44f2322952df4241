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

    /// The rows, if it was read with these arguments.
    pub fn take(&self, args: &L) -> Option<L::Rows> {
        let mut page = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        page.take_if(|(of, _)| of == args).map(|(_, rows)| rows)
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
