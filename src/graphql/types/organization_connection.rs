//! Lists of organizations: connection, order, and the fields that lists write without resolvers.

use std::sync::Arc;

use async_graphql::{Context, Enum, InputObject};

use super::order_direction::OrderDirection;
use super::organization::{Organization, OrganizationStatus};
use crate::domain::UserId;
use crate::domain::page::Keyset;
use crate::graphql::Result;
use crate::graphql::connection::{Count, Page, PageArgs, connection};
use crate::graphql::context::ContextExt;
use crate::graphql::fast_list::{FieldWriter, SelectedField, SyncFields, at_hand, maybe};
use crate::graphql::json_writer::JsonWriter;
use crate::store::organizations::list::{self, Filter, Order};
use crate::store::organizations::{self, OrganizationForViewer};

connection!(
    Organization,
    OrganizationConnection: "A page of a list of organizations.",
    OrganizationEdge: "One entry of a list of organizations."
);

/// Field by which organizations are ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum OrganizationOrderField {
    /// Time at which the viewer joined. Organizations that the viewer is not a member of come after the others, in
    /// either direction, by ID.
    JoinedAt,
    /// Time at which the organization was created.
    CreatedAt,
    /// `slug`, alphabetically.
    Slug,
    /// `displayName`, alphabetically, regardless of case. Accented letters are ordered next to their base letters.
    Name,
}

/// Order of a list of organizations. Ties are broken by ID, so that pages are stable.
#[derive(InputObject)]
pub struct OrganizationOrder {
    /// Field to order by.
    pub field: OrganizationOrderField,
    /// Direction of the order.
    pub direction: OrderDirection,
}

impl OrganizationOrder {
    /// Orders by time of joining, earliest first.
    pub fn by_joining() -> Self {
        Self { field: OrganizationOrderField::JoinedAt, direction: OrderDirection::Asc }
    }

    /// Orders by slug, ascending.
    pub fn by_slug() -> Self {
        Self { field: OrganizationOrderField::Slug, direction: OrderDirection::Asc }
    }
}

impl OrganizationConnection {
    /// Loads a page of the organizations that match `filter`. Fails if the viewer's account no longer exists.
    pub async fn load(
        ctx: &Context<'_>,
        viewer: UserId,
        filter: Filter,
        order: OrganizationOrder,
        args: PageArgs,
    ) -> Result<Self> {
        let descending = order.direction == OrderDirection::Desc;
        let field = match order.field {
            // The list has a name of its own, so that older cursors are refused: they contain lower-case names instead
            // of name keys.
            OrganizationOrderField::Name => "Name key".to_owned(),
            field => format!("{field:?}"),
        };
        let list = format!("organizations by {field}, {descending}, {}", filter.all_organizations);
        let order = match order.field {
            OrganizationOrderField::JoinedAt => Order::JoinedAt,
            OrganizationOrderField::CreatedAt => Order::CreatedAt,
            OrganizationOrderField::Slug => Order::Slug,
            OrganizationOrderField::Name => Order::Name,
        };
        let window = args.page_request_where(&list, |key: &String| order.has_key(key))?;
        let store = ctx.env().store.clone();
        let page_rows = list::page(&mut *store.read().await?, viewer, &filter, (order, descending), &window).await?;
        if page_rows.rows.is_empty() {
            // The page is also empty if the viewer's account no longer exists, which must be an error.
            ctx.request().viewer().await?;
        }
        let count: Count = Arc::new(move || {
            let (store, filter) = (store.clone(), filter.clone());
            Box::pin(async move { list::count(&mut *store.read().await?, viewer, &filter).await })
        });
        Ok(Self(Page::new(
            &list,
            &window,
            page_rows,
            |row| Keyset {
                key: list::key_of(order, &row.organization, row.membership.as_ref()),
                id: row.organization.id.into(),
            },
            |row| {
                let list::Row { organization, membership, viewer_is_admin } = row;
                Organization(OrganizationForViewer { organization, membership, invited: false, viewer_is_admin })
            },
            count,
        )))
    }
}

impl SyncFields for Organization {
    fn sync_field<'p>(field: &SelectedField<'p>) -> Option<FieldWriter<'p, Self>>
    where
        Self: 'p,
    {
        Some(match field.name() {
            "id" => at_hand(|organization: &Self, _, json| json.id(organization.0.organization.id)),
            "slug" => at_hand(|organization: &Self, _, json| json.text(&organization.0.organization.slug)),
            "name" | "displayName" => {
                at_hand(|organization: &Self, _, json| json.text(organization.0.organization.display_name()))
            }
            "description" => at_hand(|organization: &Self, _, json| {
                json.optional(organization.0.organization.description.as_deref(), |json, text| json.text(text));
            }),
            "status" => unless_invitee(|row, json| json.name(OrganizationStatus::from(row.status))),
            "version" => unless_invitee(|row, json| json.serialized(&row.version)),
            "createdAt" => unless_invitee(|row, json| json.time(row.created_at)),
            "updatedAt" => unless_invitee(|row, json| json.time(row.updated_at)),
            "memberCount" => unless_invitee(|row, json| json.serialized(&row.member_count)),
            "viewerMembership" => {
                return field.made(|organization: &Self, _| {
                    organization.require_row().ok().map(|_| organization.own_membership())
                });
            }
            _ => return None,
        })
    }
}

/// Returns the writer of a field that invitees may not see. For them the field is resolved, which gives the error.
fn unless_invitee<'p>(
    write: impl Fn(&organizations::Organization, &mut JsonWriter) + Send + Sync + 'p,
) -> FieldWriter<'p, Organization> {
    maybe(move |organization: &Organization, _, json| organization.require_row().ok().map(|row| write(row, json)))
}
