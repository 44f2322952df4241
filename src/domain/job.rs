//! The stages and states of a job.

use super::named_enum::named_enum;

named_enum! {
    /// The round of the work that a job is in.
    pub enum JobStage {
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
    pub enum JobState {
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
