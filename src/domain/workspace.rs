//! Workspaces, which own resources: organizations and personal workspaces.

use std::fmt;

use uuid::Uuid;

use super::ids::TypedId;
use super::{OrganizationId, PersonalWorkspaceId, UserId};

/// ID of a workspace of either kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub enum WorkspaceId {
    // In the order in which several are locked: organizations before users.
    /// An organization.
    Organization(OrganizationId),
    /// The personal workspace of a user.
    Personal(UserId),
}

impl WorkspaceId {
    /// Parses `org_…` or `pws_…`; `None` for other texts.
    pub fn parse(text: &str) -> Option<Self> {
        let personal = || PersonalWorkspaceId::parse(text).map(|id| Self::Personal(Uuid::from(id).into()));
        OrganizationId::parse(text).map(Self::Organization).or_else(personal)
    }

    /// Returns the workspace of a row with these columns.
    pub fn of_row(workspace: Uuid, organization: Option<OrganizationId>) -> Self {
        organization.map_or_else(|| Self::Personal(workspace.into()), Self::Organization)
    }

    /// Returns the UUID, which is that of the organization or the user.
    pub fn uuid(self) -> Uuid {
        match self {
            Self::Organization(id) => id.into(),
            Self::Personal(user) => user.into(),
        }
    }

    /// Returns the organization; `None` for a personal workspace.
    pub fn organization(self) -> Option<OrganizationId> {
        match self {
            Self::Organization(id) => Some(id),
            Self::Personal(_) => None,
        }
    }

    /// Returns the user of a personal workspace; `None` for an organization.
    pub fn user(self) -> Option<UserId> {
        match self {
            Self::Organization(_) => None,
            Self::Personal(user) => Some(user),
        }
    }
}

impl From<OrganizationId> for WorkspaceId {
    fn from(id: OrganizationId) -> Self {
        Self::Organization(id)
    }
}

impl fmt::Display for WorkspaceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Organization(id) => id.fmt(f),
            Self::Personal(user) => PersonalWorkspaceId::from(Uuid::from(*user)).fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workspace_parse_accepts_only_ids_of_workspaces() {
        let uuid = Uuid::from_u128(7);
        for id in [WorkspaceId::Organization(uuid.into()), WorkspaceId::Personal(uuid.into())] {
            assert_eq!(WorkspaceId::parse(&id.to_string()), Some(id));
        }
        assert_eq!(WorkspaceId::parse(&UserId::from(uuid).to_string()), None);
    }
}
