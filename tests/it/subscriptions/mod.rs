//! Subscriptions: their streams, and how they travel.

mod streams;
mod transports;
