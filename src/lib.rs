//! Organizations, memberships, invitations, roles, and the workspaces with what is in them, as a GraphQL server on PostgreSQL.
//!
//! The modules are the stations of a request, in order; whoever knows the way of one request knows the house.
//!
//! ```text
//!  server ─▶ auth ─▶ graphql ─▶ policy ─▶ operations ─▶ store ─▶ events ─▶ mail
//!  HTTP      who?    resolver   may I?    transaction   SQL      told      to whom it concerns
//!                          all of them speak domain
//! ```
//!
//! Follow `acceptInvitation`: [`server`] reads the request and finds out by [`auth`] who sends it; the resolver in
//! [`graphql`]`::mutation::invitations` calls [`operations::accept_invitation`], which locks the organization and the
//! invitation, asks [`policy`] whether this person may, writes by [`store`], and records what happened by [`events`], all
//! in one transaction. What the resolver shows then is asked of [`policy`] again, field by field.
//!
//! Beside the stations stand [`app`] (puts them together), [`config`] (every setting once), [`commands`] (what the
//! executable can do), [`embedded`] (a private PostgreSQL) and [`worlds`] (data that fills a database).

pub mod app;
pub mod auth;
pub mod commands;
pub mod config;
pub mod domain;
pub mod embedded;
pub mod events;
pub mod graphql;
pub mod mail;
pub mod operations;
pub mod policy;
pub mod server;
pub mod store;
pub mod telemetry;
pub mod worlds;
