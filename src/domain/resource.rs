//! Projects and tasks alike: their IDs, the users whom they name, and how a user relates to them.

use super::ids::TypedId;
use super::{ProjectId, TaskId, UserId};

/// Names a project or a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum ResourceId {
    /// A project.
    Project(ProjectId),
    /// A task.
    Task(TaskId),
}

impl ResourceId {
    /// Reads `prj_…` or `tsk_…`; none for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        ProjectId::parse(text).map(Self::Project).or_else(|| TaskId::parse(text).map(Self::Task))
    }
}

impl std::fmt::Display for ResourceId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Project(id) => id.fmt(f),
            Self::Task(id) => id.fmt(f),
        }
    }
}

/// The people whom a resource names: its owner, where it has one, and its assignee.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Participants {
    /// Its owner. Jobs have none.
    pub owner: Option<UserId>,
    /// Its assignee.
    pub assignee: Option<UserId>,
}

/// How somebody is tied to a resource.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Relations {
    /// As its owner.
    pub owner: bool,
    /// As its assignee.
    pub assignee: bool,
    /// As owner or assignee of what contains it: the project of a task, the task or project of a job.
    pub container: bool,
}

impl Relations {
    /// How `user` is tied to a resource that names `people`, inside of `containers`.
    pub fn of(user: UserId, people: Participants, containers: &[Participants]) -> Self {
        let named = |people: &Participants| [people.owner, people.assignee].contains(&Some(user));
        Self {
            owner: people.owner == Some(user),
            assignee: people.assignee == Some(user),
            container: containers.iter().any(named),
        }
    }
}

/// Which of a workspace's resources somebody may open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct RowScope {
    /// Every one.
    pub all: bool,
    /// Besides, those that they are tied to in one of these ways.
    pub tied: Relations,
}
