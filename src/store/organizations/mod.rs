//! Table of organizations, and reads of them together with the viewer's access.

pub mod access;
pub mod list;

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::invitations::is_pending;
use super::memberships::Membership;
use super::schema::{cloud_storages, former_slugs, invitations, memberships, organizations, projects, tasks, users};
use super::{Connection, Write};
use crate::domain::clock::Instant;
use crate::domain::organization::OrganizationStatus;
use crate::domain::text_keys;
use crate::domain::{InvitationId, OrganizationId, Result, UserId};

/// Organization.
#[derive(Clone, Queryable, Selectable)]
#[diesel(table_name = organizations, check_for_backend(Pg))]
pub struct Organization {
    /// ID of the organization.
    pub id: OrganizationId,
    /// Unique short name in lower case.
    pub slug: String,
    /// Full name; `None` if the slug is shown.
    pub name: Option<String>,
    /// Shown name with its ASCII letters in lower case: the sort key of organizations without `name_key`.
    pub sort_name: String,
    /// Search key of the name; `None` if the name is ASCII or the key is not filled yet.
    pub name_key: Option<String>,
    /// Description of its purpose.
    pub description: Option<String>,
    /// Contact e-mail address.
    pub contact_email: Option<String>,
    /// Contact telephone number.
    pub contact_phone: Option<String>,
    /// Contact location.
    pub contact_location: Option<String>,
    /// `ACTIVE` or `PENDING_DELETION`.
    pub status: OrganizationStatus,
    /// Time at which its data is deleted; `None` while active.
    pub deletion_scheduled_for: Option<Instant>,
    /// User who owns the organization.
    pub owner_id: UserId,
    /// Number of members.
    pub member_count: i32,
    /// Version of its own fields, increased by one with each change.
    pub version: i32,
    /// Time of creation.
    pub created_at: Instant,
    /// Time of the last change of its own fields.
    pub updated_at: Instant,
}

impl Organization {
    /// Returns the name, or the slug if there is none.
    pub fn display_name(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.slug)
    }

    /// Returns the sort key of the order by name.
    pub fn name_order(&self) -> &str {
        self.name_key.as_deref().unwrap_or(&self.sort_name)
    }
}

/// Organization with the viewer's access.
#[derive(Clone, Queryable)]
pub struct OrganizationForViewer {
    /// The organization.
    pub organization: Organization,
    /// Membership of the viewer; `None` if the viewer is no member.
    pub membership: Option<Membership>,
    /// Whether the viewer is not a member and has a pending invitation to the organization.
    pub invited: bool,
    /// Whether the viewer is a site administrator.
    pub viewer_is_admin: bool,
}

/// Key by which organizations are found.
#[derive(Clone, Copy, Debug)]
pub enum By<'a> {
    /// By ID.
    Ids(&'a [OrganizationId]),
    /// By slug, in lower case.
    Slug(&'a str),
}

/// Returns organizations with the access of `viewer` at `now`, visible or not, in no order.
pub async fn seen(
    mut connection: &Connection,
    viewer: UserId,
    by: By<'_>,
    now: Instant,
) -> Result<Vec<OrganizationForViewer>> {
    let invited = invitations::table
        .inner_join(users::table.on(users::email.eq(invitations::email.nullable())))
        .filter(invitations::organization_id.eq(organizations::id))
        .filter(is_pending().and(invitations::expires_at.gt(now)))
        .filter(users::id.eq(viewer).and(users::email_verified_at.is_not_null()));
    let is_admin = users::table.filter(users::id.eq(viewer)).select(users::is_admin).single_value();
    let query = organizations::table
        .left_join(
            memberships::table
                .on(memberships::organization_id.eq(organizations::id).and(memberships::user_id.eq(viewer))),
        )
        .select((
            Organization::as_select(),
            Option::<Membership>::as_select(),
            memberships::id.nullable().is_null().and(diesel::dsl::exists(invited)),
            is_admin.is_not_distinct_from(true),
        ));
    Ok(match by {
        By::Ids(ids) => query.filter(organizations::id.eq_any(ids)).load(&mut connection).await?,
        By::Slug(slug) => query.filter(organizations::slug.eq(slug)).load(&mut connection).await?,
    })
}

/// The fields of an organization that invited users may see.
#[derive(Clone, Queryable, Selectable)]
#[diesel(table_name = organizations, check_for_backend(Pg))]
pub struct NamedOrganization {
    /// ID of the organization.
    pub id: OrganizationId,
    /// Unique short name in lower case.
    pub slug: String,
    /// Full name; `None` if the slug is shown.
    pub name: Option<String>,
    /// `ACTIVE` or `PENDING_DELETION`.
    pub status: OrganizationStatus,
}

/// Returns the names of the organizations with these IDs.
pub async fn names(connection: &mut Connection, ids: &[OrganizationId]) -> Result<Vec<NamedOrganization>> {
    let named = organizations::table.filter(organizations::id.eq_any(ids)).select(NamedOrganization::as_select());
    Ok(named.load(connection).await?)
}

/// Returns the organization with an ID.
pub async fn find(connection: &mut Connection, id: OrganizationId) -> Result<Option<Organization>> {
    Ok(organizations::table.find(id).select(Organization::as_select()).first(connection).await.optional()?)
}

/// Locks an organization's row against every other write in the organization, until the transaction ends. Returns the
/// row as of the lock.
pub async fn lock(mut tx: &Connection, id: OrganizationId) -> Result<Option<Organization>> {
    Ok(organizations::table
        .find(id)
        .select(Organization::as_select())
        .for_no_key_update()
        .first(&mut tx)
        .await
        .optional()?)
}

/// Locks the organization of an invitation like [`lock`].
pub async fn lock_of_invitation(mut tx: &Connection, id: InvitationId) -> Result<Option<Organization>> {
    let organization = invitations::table.find(id).select(invitations::organization_id).single_value();
    Ok(organizations::table
        .filter(organizations::id.nullable().eq(organization))
        .select(Organization::as_select())
        .for_no_key_update()
        .first(&mut tx)
        .await
        .optional()?)
}

/// Returns the organizations in which a user, member or not, owns projects, tasks or cloud storages.
pub async fn where_owning(connection: &mut Connection, user: UserId) -> Result<Vec<OrganizationId>> {
    let in_projects = projects::table
        .filter(projects::owner_id.eq(user).and(projects::organization_id.is_not_null()))
        .select(projects::organization_id.assume_not_null());
    let in_tasks = tasks::table
        .filter(tasks::owner_id.eq(user).and(tasks::organization_id.is_not_null()))
        .select(tasks::organization_id.assume_not_null());
    let in_storages = cloud_storages::table
        .filter(cloud_storages::owner_id.eq(user).and(cloud_storages::organization_id.is_not_null()))
        .select(cloud_storages::organization_id.assume_not_null());
    Ok(in_projects.union(in_tasks).union(in_storages).load(connection).await?)
}

/// Organization to insert. The owner's membership must be inserted in the same transaction.
#[derive(Insertable)]
#[diesel(table_name = organizations)]
pub struct NewOrganization<'a> {
    /// ID of the organization.
    pub id: OrganizationId,
    /// Unique short name in lower case.
    pub slug: &'a str,
    /// Full name; `None` if the slug is shown.
    pub name: Option<&'a str>,
    /// Description of its purpose.
    pub description: Option<&'a str>,
    /// Contact e-mail address.
    pub contact_email: Option<&'a str>,
    /// Contact telephone number.
    pub contact_phone: Option<&'a str>,
    /// Contact location.
    pub contact_location: Option<&'a str>,
    /// User who owns the organization.
    pub owner_id: UserId,
    /// Time of creation.
    pub created_at: Instant,
    /// Time of the last change, equal to `created_at`.
    pub updated_at: Instant,
}

/// Inserts an organization without members.
pub async fn insert(tx: &mut Connection, new: &NewOrganization<'_>) -> Result<()> {
    let key = organizations::name_key.eq(new.name.and_then(text_keys::stored));
    diesel::insert_into(organizations::table).values((new, key)).execute(tx).await?;
    Ok(())
}

/// Updates the own fields of an organization to those of `organization`, and increases its version.
pub async fn update(tx: &mut Connection, organization: &Organization, now: Instant) -> Result<Organization> {
    Ok(diesel::update(organizations::table.find(organization.id))
        .set((
            organizations::slug.eq(&organization.slug),
            organizations::name.eq(&organization.name),
            organizations::name_key.eq(organization.name.as_deref().and_then(text_keys::stored)),
            organizations::description.eq(&organization.description),
            organizations::contact_email.eq(&organization.contact_email),
            organizations::contact_phone.eq(&organization.contact_phone),
            organizations::contact_location.eq(&organization.contact_location),
            organizations::version.eq(organizations::version + 1),
            organizations::updated_at.eq(now),
        ))
        .returning(Organization::as_returning())
        .get_result(tx)
        .await?)
}

/// Sets the owner of an organization. The memberships must agree when the transaction ends.
pub fn set_owner(id: OrganizationId, owner: UserId) -> Write {
    Write::of(diesel::update(organizations::table.find(id)).set(organizations::owner_id.eq(owner)))
}

/// Schedules the deletion of an organization; `None` cancels it. The organization's row must be locked. The version
/// does not change.
pub fn schedule_deletion(id: OrganizationId, at: Option<Instant>) -> Write {
    let status = if at.is_some() { OrganizationStatus::PendingDeletion } else { OrganizationStatus::Active };
    Write::of(
        diesel::update(organizations::table.find(id))
            .set((organizations::status.eq(status), organizations::deletion_scheduled_for.eq(at))),
    )
}

/// Locks the organization that is longest overdue for deletion at `now`, and skips rows locked by other transactions.
/// No new row can refer to it after the lock.
pub async fn lock_overdue(tx: &mut Connection, now: Instant) -> Result<Option<Organization>> {
    Ok(organizations::table
        .filter(organizations::deletion_scheduled_for.le(now))
        .order_by((organizations::deletion_scheduled_for, organizations::id))
        .select(Organization::as_select())
        .for_update()
        .skip_locked()
        .first(tx)
        .await
        .optional()?)
}

/// Deletes an organization with all rows that belong to it.
pub async fn delete(tx: &mut Connection, id: OrganizationId) -> Result<()> {
    diesel::delete(organizations::table.find(id)).execute(tx).await?;
    Ok(())
}

/// Returns those of `slugs` that `organization` cannot take at `now`, because another organization has them or still
/// holds them after a change. With `None`, for a new organization.
pub async fn taken_slugs(
    connection: &mut Connection,
    slugs: &[&str],
    organization: Option<OrganizationId>,
    now: Instant,
) -> Result<Vec<String>> {
    let own = organization.map_or(Uuid::nil(), Uuid::from);
    let present = organizations::table
        .filter(organizations::slug.eq_any(slugs).and(organizations::id.ne(own)))
        .select(organizations::slug);
    let former = former_slugs::table
        .filter(former_slugs::slug.eq_any(slugs).and(former_slugs::organization_id.ne(own)))
        .filter(former_slugs::held_until.gt(now))
        .select(former_slugs::slug);
    Ok(present.union(former).load(connection).await?)
}

/// Reserves the former slug of an organization until `held_until`, and releases the reservation of its new slug.
pub async fn change_held_slug(
    tx: &mut Connection,
    organization: OrganizationId,
    (given_up, taken): (&str, &str),
    held_until: Instant,
) -> Result<()> {
    diesel::delete(former_slugs::table.filter(former_slugs::slug.eq(taken))).execute(tx).await?;
    diesel::insert_into(former_slugs::table)
        .values((
            former_slugs::slug.eq(given_up),
            former_slugs::organization_id.eq(organization),
            former_slugs::held_until.eq(held_until),
        ))
        .on_conflict(former_slugs::slug)
        .do_update()
        .set((former_slugs::organization_id.eq(organization), former_slugs::held_until.eq(held_until)))
        .execute(tx)
        .await?;
    Ok(())
}
