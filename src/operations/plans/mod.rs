//! Plans: change and cancel, and the quotas that plans set.

pub mod cancel;
pub mod change;
pub mod paid_plan;
pub mod quota;
