//! Operations on offers of ownership: offer, accept, decline, cancel.

pub mod accept;
pub mod cancel;
pub mod decline;
pub mod offer;
pub mod shared;
