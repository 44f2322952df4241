//! Subscriptions: event streams and their transports.

mod streams;
mod transports;
