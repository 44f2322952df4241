//! Changes and cancels plans, and enforces the quotas of plans.

pub mod cancel;
pub mod change;
pub mod paid_plan;
pub mod quota;
