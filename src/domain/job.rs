//! The stages and states of a job.

use super::named_enum::named_enum;

named_enum! {
    /// Stage of a job.
    pub enum JobStage {
        /// The work is being done.
        Annotation = "ANNOTATION",
        /// The work is being checked.
        Validation = "VALIDATION",
        /// The work is being accepted.
        Acceptance = "ACCEPTANCE",
    }
}

named_enum! {
    /// State of a job within its stage.
    pub enum JobState {
        /// Not started.
        New = "NEW",
        /// In progress.
        InProgress = "IN_PROGRESS",
        /// Completed.
        Completed = "COMPLETED",
        /// Rejected: it has to be done again.
        Rejected = "REJECTED",
    }
}
