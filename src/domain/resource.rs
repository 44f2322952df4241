//! What belongs to a workspace: projects, tasks, jobs and cloud storages.

use super::ids::TypedId;
use super::{ProjectId, TaskId, UserId};

macro_rules! named_enum {
    ($(#[$doc:meta])* $enum:ident as $sql:ident { $($(#[$variant_doc:meta])* $variant:ident = $name:literal,)+ }) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, Hash, diesel::expression::AsExpression, diesel::deserialize::FromSqlRow,
        )]
        #[diesel(sql_type = super::sql_types::$sql)]
        pub enum $enum { $($(#[$variant_doc])* $variant,)+ }

        impl $enum {
            /// Its name in the schema and the database.
            pub fn name(self) -> &'static str {
                match self { $($enum::$variant => $name,)+ }
            }
        }
    };
}

named_enum! {
    /// Where a task stands: the earliest of its jobs counts.
    TaskStatus as TaskStatus {
        /// At least one job is in the stage ANNOTATION.
        Annotation = "ANNOTATION",
        /// No job is in the stage ANNOTATION, but not every one is accepted yet.
        Validation = "VALIDATION",
        /// Every job is in the stage ACCEPTANCE and completed.
        Completed = "COMPLETED",
    }
}

named_enum! {
    /// The round of the work that a job is in.
    JobStage as JobStage {
        /// The work itself.
        Annotation = "ANNOTATION",
        /// The work is being checked.
        Validation = "VALIDATION",
        /// The work is being accepted.
        Acceptance = "ACCEPTANCE",
    }
}

named_enum! {
    /// How far a job is within its stage.
    JobState as JobState {
        /// Not begun.
        New = "NEW",
        /// Being worked on.
        InProgress = "IN_PROGRESS",
        /// Done.
        Completed = "COMPLETED",
        /// To be done again.
        Rejected = "REJECTED",
    }
}

named_enum! {
    /// A provider of cloud storage.
    CloudProvider as CloudProvider {
        /// Amazon S3, or a service that speaks its protocol.
        AwsS3 = "AWS_S3",
        /// Azure Blob Storage.
        AzureBlob = "AZURE_BLOB",
        /// Google Cloud Storage.
        GoogleCloudStorage = "GOOGLE_CLOUD_STORAGE",
    }
}

impl TaskStatus {
    /// Where a task with such jobs stands.
    pub fn of(jobs: &[(JobStage, JobState)]) -> Self {
        if jobs.iter().any(|(stage, _)| *stage == JobStage::Annotation) {
            Self::Annotation
        } else if jobs.iter().all(|job| *job == (JobStage::Acceptance, JobState::Completed)) {
            Self::Completed
        } else {
            Self::Validation
        }
    }
}

/// What happens to the links to cloud storages when resources move to another workspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StorageHandling {
    /// The links are cut.
    Detach,
    /// Each is replaced by a link to the one storage of the destination with the same provider and resource.
    AutoMatch,
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_stands_where_the_earliest_of_its_jobs_does() {
        use {JobStage as Stage, JobState as State};
        let accepted = (Stage::Acceptance, State::Completed);
        assert_eq!(TaskStatus::of(&[(Stage::Annotation, State::Completed), accepted]), TaskStatus::Annotation);
        assert_eq!(TaskStatus::of(&[(Stage::Validation, State::New), accepted]), TaskStatus::Validation);
        assert_eq!(TaskStatus::of(&[(Stage::Acceptance, State::Rejected), accepted]), TaskStatus::Validation);
        assert_eq!(TaskStatus::of(&[accepted, accepted]), TaskStatus::Completed);
    }
}
