//! Limits of plans, and how much of them is used.

use super::error::{Code, Refusal};
use super::named_enum::named_enum;
use super::workspace::WorkspaceId;

named_enum! {
    /// Kind of a limit of a plan.
    #[derive(serde::Serialize, serde::Deserialize)]
    #[serde(rename_all = "SCREAMING_SNAKE_CASE")]
    pub enum LimitKind {
        /// Projects in the workspace.
        Projects = "PROJECTS",
        /// Tasks in the workspace, those in projects included.
        Tasks = "TASKS",
        /// Tasks in any one project.
        TasksPerProject = "TASKS_PER_PROJECT",
        /// Cloud storages in the workspace.
        CloudStorages = "CLOUD_STORAGES",
        /// Members of the organization, the owner included, and pending invitations.
        Members = "MEMBERS",
        /// Organizations that the user owns.
        OwnedOrganizations = "OWNED_ORGANIZATIONS",
    }
}

impl LimitKind {
    /// Returns the kinds that apply to a workspace: members are counted in organizations, and owned organizations in
    /// personal workspaces.
    pub fn of(workspace: WorkspaceId) -> impl Iterator<Item = Self> {
        let other = match workspace {
            WorkspaceId::Organization(_) => Self::OwnedOrganizations,
            WorkspaceId::Personal(_) => Self::Members,
        };
        Self::ALL.into_iter().filter(move |kind| *kind != other)
    }

    /// Returns the counted objects in words.
    fn words(self) -> &'static str {
        match self {
            Self::Projects => "projects in this workspace",
            Self::Tasks => "tasks in this workspace",
            Self::TasksPerProject => "tasks in one project",
            Self::CloudStorages => "cloud storages in this workspace",
            Self::Members => "members and pending invitations",
            Self::OwnedOrganizations => "organizations of one owner",
        }
    }
}

/// A limit and its use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Limit {
    /// Kind of the limit.
    pub kind: LimitKind,
    /// Number in use.
    pub used: i64,
    /// Maximum number; `None` if unlimited.
    pub max: Option<i32>,
}

impl Limit {
    /// Returns whether `more` may be added.
    pub fn has_room(&self, more: i64) -> bool {
        more <= 0 || self.max.is_none_or(|max| self.used.saturating_add(more) <= i64::from(max))
    }

    /// Creates the refusal of `asked` more: LIMIT_EXCEEDED with this limit, or SEATS_EXHAUSTED.
    pub fn exceeded(self, code: Code, asked: i64) -> Refusal {
        let (max, words, used) = (self.max.unwrap_or(i32::MAX), self.kind.words(), self.used);
        let left = i64::from(max).saturating_sub(used).max(0);
        let message = format!("The plan allows {max} {words}: {used} in use, {left} left, {asked} asked for.");
        Refusal { limit: Some(self).filter(|_| code == Code::LimitExceeded), ..Refusal::new(code, message) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn has_room_up_to_the_maximum_and_always_for_zero() {
        let limit = |used, max| Limit { kind: LimitKind::Tasks, used, max };
        assert!(limit(9, Some(10)).has_room(1) && !limit(9, Some(10)).has_room(2));
        assert!(
            limit(12, Some(10)).has_room(0) && !limit(12, Some(10)).has_room(1),
            "over the limit after a downgrade"
        );
        assert!(limit(i64::MAX, None).has_room(i64::MAX) && !limit(i64::MAX, Some(i32::MAX)).has_room(i64::MAX));
    }

    #[test]
    fn exceeded_names_the_used_remaining_and_requested_numbers() {
        let limit = |used| Limit { kind: LimitKind::Projects, used, max: Some(3) };
        let refusal = limit(1).exceeded(Code::LimitExceeded, 4);
        assert_eq!((refusal.code, refusal.limit), (Code::LimitExceeded, Some(limit(1))));
        let numbers = "The plan allows 3 projects in this workspace: 1 in use, 2 left, 4 asked for.";
        assert_eq!(refusal.message, numbers);
        let over = limit(7).exceeded(Code::LimitExceeded, 1).message;
        assert!(over.ends_with("7 in use, 0 left, 1 asked for."), "{over}");
    }

    #[test]
    fn limit_kinds_depend_on_the_kind_of_the_workspace() {
        let uuid = uuid::Uuid::from_u128(7);
        let (organization, personal) = (WorkspaceId::Organization(uuid.into()), WorkspaceId::Personal(uuid.into()));
        assert!(!LimitKind::of(organization).any(|kind| kind == LimitKind::OwnedOrganizations));
        assert!(!LimitKind::of(personal).any(|kind| kind == LimitKind::Members));
        assert_eq!((LimitKind::of(organization).count(), LimitKind::of(personal).count()), (5, 5));
    }
}
