//! Subscriptions: event streams and their transports.

mod restore;
mod streams;
mod transports;
