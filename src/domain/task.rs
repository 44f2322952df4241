//! The status of a task.

use super::job::{JobStage, JobState};
use super::named_enum::named_enum;

named_enum! {
    /// Status of a task: that of its earliest job.
    pub enum TaskStatus {
        /// At least one job is in the stage ANNOTATION.
        Annotation = "ANNOTATION",
        /// No job is in the stage ANNOTATION, but not every job is accepted.
        Validation = "VALIDATION",
        /// Every job is in the stage ACCEPTANCE and completed.
        Completed = "COMPLETED",
    }
}

impl TaskStatus {
    /// Returns the status of a task with these jobs.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn task_status_is_that_of_its_earliest_job() {
        use {JobStage as Stage, JobState as State};
        let accepted = (Stage::Acceptance, State::Completed);
        assert_eq!(TaskStatus::of(&[(Stage::Annotation, State::Completed), accepted]), TaskStatus::Annotation);
        assert_eq!(TaskStatus::of(&[(Stage::Validation, State::New), accepted]), TaskStatus::Validation);
        assert_eq!(TaskStatus::of(&[(Stage::Acceptance, State::Rejected), accepted]), TaskStatus::Validation);
        assert_eq!(TaskStatus::of(&[accepted, accepted]), TaskStatus::Completed);
    }
}
