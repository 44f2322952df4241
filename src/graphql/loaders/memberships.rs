//! Memberships by ID, and pages of the members of organizations.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::dataloader::Loader;

use super::{DbLoader, Loaded, fault, load_by_id};
use crate::domain::{InternalError, MembershipId, OrganizationId};
use crate::store::Connection;
use crate::store::memberships::list::{self, Pages};
use crate::store::memberships::{self, Membership};
use crate::store::users::Profile;

load_by_id!(MembershipId, Membership, memberships::find_many, |membership: &Membership| membership.id);

/// Key of a page of an organization's members.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct MembersPage {
    /// The organization.
    pub organization: OrganizationId,
    /// The filter, order and range of the page.
    pub pages: Arc<Pages>,
    /// The data to load for each member.
    pub depth: MemberData,
}

/// The data to load for each member.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub enum MemberData {
    /// The membership alone.
    Memberships,
    /// The membership and the account.
    Accounts,
}

/// A member; the account only with [`MemberData::Accounts`].
pub type MemberRow = (Membership, Option<Profile>);

/// One statement loads the same page of several organizations.
impl Loader<MembersPage> for DbLoader {
    type Value = Vec<MemberRow>;
    type Error = Arc<InternalError>;

    async fn load(&self, asked: &[MembersPage]) -> Loaded<MembersPage, Vec<MemberRow>> {
        let mut alike: HashMap<(&Arc<Pages>, MemberData), Vec<OrganizationId>> = HashMap::new();
        for page in asked {
            alike.entry((&page.pages, page.depth)).or_default().push(page.organization);
        }
        let mut found: HashMap<MembersPage, Vec<MemberRow>> = HashMap::new();
        let connection = &mut *self.connection().await?;
        for ((pages, depth), organizations) in alike {
            for row in members_page(connection, &organizations, pages, depth).await.map_err(fault)? {
                let key = MembersPage { organization: row.0.organization_id, pages: pages.clone(), depth };
                found.entry(key).or_default().push(row);
            }
        }
        Ok(found)
    }
}

/// Returns the same page of the members of several organizations.
pub async fn members_page(
    connection: &Connection,
    organizations: &[OrganizationId],
    pages: &Pages,
    depth: MemberData,
) -> crate::domain::Result<Vec<MemberRow>> {
    Ok(match depth {
        MemberData::Memberships => {
            let rows = list::pages(connection, organizations, pages).await?;
            rows.into_iter().map(|membership| (membership, None)).collect()
        }
        MemberData::Accounts => {
            let rows = list::pages_with_users(connection, organizations, pages).await?;
            rows.into_iter().map(|(membership, user)| (membership, Some(user))).collect()
        }
    })
}
