//! Organizations, always together with what decides how much of them the viewer may see.

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

/// An organization.
#[derive(Clone, Queryable, Selectable)]
#[diesel(table_name = organizations, check_for_backend(Pg))]
pub struct Organization {
    /// Its ID.
    pub id: OrganizationId,
    /// Short name in lower case.
    pub slug: String,
    /// Full name. None: the slug.
    pub name: Option<String>,
    /// Name shown to people with its ASCII letters in lower case: the order by name where there is no key.
    pub sort_name: String,
    /// Key of the name.
    pub name_key: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// Contact address.
    pub contact_email: Option<String>,
    /// Contact telephone number.
    pub contact_phone: Option<String>,
    /// Contact place.
    pub contact_location: Option<String>,
    /// Whether it is there to stay.
    pub status: OrganizationStatus,
    /// When its data goes for good.
    pub deletion_scheduled_for: Option<Instant>,
    /// The one owner.
    pub owner_id: UserId,
    /// Number of members.
    pub member_count: i32,
    /// Grows by one with every change of its own fields.
    pub version: i32,
    /// When it was created.
    pub created_at: Instant,
    /// When its own fields last changed.
    pub updated_at: Instant,
}

impl Organization {
    /// Name shown to people.
    pub fn display_name(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.slug)
    }

    /// Text by which the order by name compares.
    pub fn name_order(&self) -> &str {
        self.name_key.as_deref().unwrap_or(&self.sort_name)
    }
}

/// An organization, and how the viewer stands to it.
#[derive(Clone, Queryable)]
pub struct OrganizationForViewer {
    /// The organization.
    pub organization: Organization,
    /// The viewer's membership.
    pub membership: Option<Membership>,
    /// Whether the viewer, not being a member, holds a pending invitation to it.
    pub invited: bool,
    /// Whether the viewer is a site administrator.
    pub viewer_is_admin: bool,
}

/// How to find organizations.
#[derive(Clone, Copy, Debug)]
pub enum By<'a> {
    /// By ID.
    Ids(&'a [OrganizationId]),
    /// By slug, in lower case.
    Slug(&'a str),
}

/// Organizations as `viewer` sees them at `now`, visible or not, in no order.
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

/// What those who hold an invitation to an organization may know of it.
#[derive(Clone, Queryable, Selectable)]
#[diesel(table_name = organizations, check_for_backend(Pg))]
pub struct NamedOrganization {
    /// Its ID.
    pub id: OrganizationId,
    /// Short name in lower case.
    pub slug: String,
    /// Full name. None: the slug.
    pub name: Option<String>,
    /// Whether it is there to stay.
    pub status: OrganizationStatus,
}

/// The names of the organizations with those IDs.
pub async fn names(connection: &mut Connection, ids: &[OrganizationId]) -> Result<Vec<NamedOrganization>> {
    let named = organizations::table.filter(organizations::id.eq_any(ids)).select(NamedOrganization::as_select());
    Ok(named.load(connection).await?)
}

/// An organization.
pub async fn find(connection: &mut Connection, id: OrganizationId) -> Result<Option<Organization>> {
    Ok(organizations::table.find(id).select(Organization::as_select()).first(connection).await.optional()?)
}

/// Locks an organization's row against every other write in it, until the transaction ends.
pub async fn lock(mut tx: &Connection, id: OrganizationId) -> Result<Option<Organization>> {
    Ok(organizations::table
        .find(id)
        .select(Organization::as_select())
        .for_no_key_update()
        .first(&mut tx)
        .await
        .optional()?)
}

/// The same for the organization of an invitation.
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

/// The organizations in which a user owns projects, tasks or cloud storages, member or not.
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

/// An organization to be made; its owner's membership has to follow in the same transaction.
#[derive(Insertable)]
#[diesel(table_name = organizations)]
pub struct NewOrganization<'a> {
    /// Its ID.
    pub id: OrganizationId,
    /// Short name.
    pub slug: &'a str,
    /// Full name.
    pub name: Option<&'a str>,
    /// What it is for.
    pub description: Option<&'a str>,
    /// Contact address.
    pub contact_email: Option<&'a str>,
    /// Contact telephone number.
    pub contact_phone: Option<&'a str>,
    /// Contact place.
    pub contact_location: Option<&'a str>,
    /// The owner.
    pub owner_id: UserId,
    /// When it was created.
    pub created_at: Instant,
    /// The same.
    pub updated_at: Instant,
}

/// Makes an organization without members.
pub async fn insert(tx: &mut Connection, new: &NewOrganization<'_>) -> Result<()> {
    let key = organizations::name_key.eq(new.name.and_then(text_keys::stored));
    diesel::insert_into(organizations::table).values((new, key)).execute(tx).await?;
    Ok(())
}

/// Writes the own fields of an organization, as they are in `organization`, with a new version.
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

/// Notes who owns an organization; the memberships have to say the same when the transaction ends.
pub fn set_owner(id: OrganizationId, owner: UserId) -> Write {
    Write::of(diesel::update(organizations::table.find(id)).set(organizations::owner_id.eq(owner)))
}

/// Has an organization deleted at that time; None takes it back. The organization's row must be locked. These are no own fields
/// of its: the version stays.
pub fn schedule_deletion(id: OrganizationId, at: Option<Instant>) -> Write {
    let status = if at.is_some() { OrganizationStatus::PendingDeletion } else { OrganizationStatus::Active };
    Write::of(
        diesel::update(organizations::table.find(id))
            .set((organizations::status.eq(status), organizations::deletion_scheduled_for.eq(at))),
    )
}

/// Locks the organization that is longest overdue to be deleted at `now`, of those that nobody else has locked. It is about to
/// go: nobody can refer to it from here on.
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

/// Deletes an organization with all that belongs to it.
pub async fn delete(tx: &mut Connection, id: OrganizationId) -> Result<()> {
    diesel::delete(organizations::table.find(id)).execute(tx).await?;
    Ok(())
}

/// Those of `slugs` that `organization` could not take at `now`: others have them, or gave them up lately.
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

/// Holds a slug that an organization gave up, and lets go of the one that it takes.
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
