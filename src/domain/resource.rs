//! Types that projects, tasks, jobs and cloud storages share: IDs, participants, and the relations of a user to them.

use super::ids::TypedId;
use super::{ProjectId, TaskId, UserId};

/// ID of a project or a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum ResourceId {
    /// A project.
    Project(ProjectId),
    /// A task.
    Task(TaskId),
}

impl ResourceId {
    /// Parses `prj_…` or `tsk_…`; `None` for other texts.
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

/// Owner and assignee of a resource.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Participants {
    /// The owner; `None` for jobs.
    pub owner: Option<UserId>,
    /// The assignee.
    pub assignee: Option<UserId>,
}

/// Relations of a user to a resource.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Relations {
    /// The user is the owner.
    pub owner: bool,
    /// The user is the assignee.
    pub assignee: bool,
    /// The user is owner or assignee of a container: the project of a task, or the task or project of a job.
    pub container: bool,
}

impl Relations {
    /// Returns the relations of `user` to a resource with these participants, in these containers.
    pub fn of(user: UserId, people: Participants, containers: &[Participants]) -> Self {
        let named = |people: &Participants| [people.owner, people.assignee].contains(&Some(user));
        Self {
            owner: people.owner == Some(user),
            assignee: people.assignee == Some(user),
            container: containers.iter().any(named),
        }
    }
}

/// The resources of a workspace that a user may open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct RowScope {
    /// All resources.
    pub all: bool,
    /// Also the resources to which the user has one of these relations.
    pub tied: Relations,
}
