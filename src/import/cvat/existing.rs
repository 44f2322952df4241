//! Reads the existing rows that concern an export: the current state of rows from earlier imports of this CVAT, and
//! usernames, addresses and slugs that other rows use.

use std::collections::{HashMap, HashSet};

use crate::domain::clock::Instant;
use crate::domain::organization::OrganizationStatus;
use crate::domain::{InvitationId, MembershipId, OrganizationId, Result, UserId};
use crate::import::cvat::export::Export;
use crate::import::cvat::id_map::{IdMap, Kind};
use crate::import::cvat::model::Reference;
use crate::import::cvat::normalize;
use crate::import::cvat::normalize::Names;
use crate::store::invitations::{self, Invitation};
use crate::store::{Connection, bulk_insert, imports};

/// Existing rows that concern an export.
#[derive(Default)]
pub struct ExistingRows {
    /// Usernames of known users whose accounts still exist.
    pub accounts: HashMap<UserId, String>,
    /// Email addresses of these accounts, verified or not.
    pub claimed: HashSet<String>,
    /// Slugs of known organizations that still exist.
    pub slugs: HashSet<String>,
    /// Status and creation time of the known organizations for which the export has new rows. Their rows are locked.
    pub organizations: HashMap<OrganizationId, (OrganizationStatus, Instant)>,
    /// Memberships of these organizations, with the time of joining.
    pub members: HashMap<(OrganizationId, UserId), (MembershipId, Instant)>,
    /// Addresses with pending invitations to these organizations.
    pub invited: HashSet<(OrganizationId, String)>,
    /// Known invitations that were accepted in CVAT after their import, with their status here.
    pub invitations: HashMap<InvitationId, Invitation>,
    /// Usernames, addresses and slugs that are used by other rows.
    pub taken: Taken,
}

/// Usernames, addresses and slugs of accounts and organizations that are not from this CVAT.
#[derive(Clone, Debug, Default)]
pub struct Taken {
    /// Usernames of accounts.
    pub usernames: HashSet<String>,
    /// Verified email addresses.
    pub emails: HashSet<String>,
    /// Slugs, including those reserved for organizations that changed their slug.
    pub slugs: HashSet<String>,
}

impl ExistingRows {
    /// Reads the current state of known rows. Locks the organizations for which the export has new rows.
    pub async fn read(tx: &mut Connection, export: &Export, id_map: &IdMap) -> Result<Self> {
        let mut existing = Self::default();
        let organizations = organizations_with_new_rows(export, id_map);
        for (id, status, created_at) in imports::lock_organizations(tx, &organizations).await? {
            existing.organizations.insert(id, (status, created_at));
        }
        for (organization, user, membership, joined_at) in imports::members(tx, &organizations).await? {
            existing.members.insert((organization, user), (membership, joined_at));
        }
        existing.invited.extend(imports::invited(tx, &organizations).await?);
        for invitation in invitations::find_many(tx, &accepted_invitations(export, id_map)).await? {
            existing.invitations.insert(invitation.id, invitation);
        }
        for (id, username, email) in imports::accounts(tx, &id_map.ids(Kind::User)).await? {
            existing.accounts.insert(id, username);
            existing.claimed.extend(email);
        }
        existing.slugs.extend(imports::slugs(tx, &id_map.ids(Kind::Organization)).await?);
        Ok(existing)
    }

    /// Sets `taken`: the usernames, addresses and slugs of the new rows that other rows use.
    pub async fn read_taken(
        &mut self,
        tx: &mut Connection,
        export: &Export,
        names: &Names,
        now: Instant,
    ) -> Result<()> {
        let usernames: Vec<String> = names.usernames.values().cloned().collect();
        let slugs: Vec<String> = names.slugs.values().cloned().collect();
        let emails: HashSet<String> = export
            .users
            .iter()
            .filter_map(|user| normalize::email(user.email.as_deref()).0)
            .map(|email| email.to_string())
            .collect();
        self.taken = Taken {
            usernames: bulk_insert::usernames_taken(tx, &usernames).await?.into_iter().collect(),
            emails: bulk_insert::emails_proven(tx, &emails.into_iter().collect::<Vec<_>>())
                .await?
                .into_iter()
                .collect(),
            slugs: bulk_insert::slugs_taken(tx, &slugs, now).await?.into_iter().collect(),
        };
        Ok(())
    }
}

/// Returns the known organizations for which the export has new memberships or invitations.
fn organizations_with_new_rows(export: &Export, id_map: &IdMap) -> Vec<OrganizationId> {
    let mut invited = HashSet::new();
    let mut numbers = HashSet::new();
    for membership in &export.memberships {
        let (member, invitee) =
            (id_map.contains(Kind::Membership, membership.id), id_map.contains(Kind::Invitation, membership.id));
        if invitee {
            invited.extend(membership.invitation.as_deref());
        }
        let joined = member || (invitee && membership.is_active == Some(false));
        let is_known = joined && (invitee || membership.invitation.is_none());
        numbers.extend(membership.organization.filter(|_| !is_known).map(Reference::id));
    }
    let new = export.invitations.iter().filter(|invitation| !invited.contains(invitation.key.as_str()));
    numbers.extend(new.filter_map(|invitation| invitation.organization).map(Reference::id));
    numbers.into_iter().filter_map(|number| id_map.id(Kind::Organization, number)).collect()
}

/// Returns the known invitations whose invitees are now members in CVAT.
fn accepted_invitations(export: &Export, id_map: &IdMap) -> Vec<InvitationId> {
    let members = export.memberships.iter().filter(|membership| membership.is_active != Some(false));
    members
        .filter(|membership| !id_map.contains(Kind::Membership, membership.id))
        .filter_map(|membership| id_map.id(Kind::Invitation, membership.id))
        .collect()
}
