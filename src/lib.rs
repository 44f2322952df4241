//! A GraphQL server on PostgreSQL for organizations, memberships, invitations, roles, and workspaces with their
//! resources.
//!
//! The modules, in the order in which a request passes through them:
//!
//! ```text
//!  server ─▶ auth    ─▶ graphql  ─▶ operations  ─▶ policy        ─▶ store ─▶ events ─▶ subscriptions, mail
//!  HTTP      identity   resolvers   transactions   authorization    SQL      log
//!                          all of them use domain
//! ```
//!
//! Follow `acceptInvitation`: [`server`] reads the request, and [`auth`] identifies the caller. The resolver in
//! [`graphql`]`::mutation::invitations` calls [`operations::invitations::accept`], which locks the organization and the
//! invitation, asks [`policy`] whether the caller may accept, writes through [`store`], and records the event through
//! [`events`], all in one transaction. The steps that it shares with sign-up, such as the check of the expiry, are in
//! [`operations::invitations::join`]. The fields of the payload ask [`policy`] again, one by one.
//!
//! The other modules: [`app`] puts the modules together, [`config`] defines each setting once, [`commands`] has the
//! sub-commands of the executable, [`embedded`] runs a private PostgreSQL, [`seed`] generates data, and [`import`]
//! reads data of other systems.

pub mod app;
pub mod auth;
pub mod commands;
pub mod config;
pub mod domain;
pub mod embedded;
pub mod events;
pub mod graphql;
pub mod import;
pub mod mail;
pub mod operations;
pub mod policy;
pub mod seed;
pub mod server;
pub mod store;
pub mod telemetry;
