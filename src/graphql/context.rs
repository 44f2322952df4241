//! What a resolver knows of its request: who asks, and through which loaders.

use std::net::IpAddr;

use async_graphql::Context;
use async_graphql::dataloader::DataLoader;

use super::Result;
use super::loaders::{self, Source};
use crate::auth::Actor;
use crate::domain::clock::Instant;
use crate::domain::{Error, UserId};
use crate::operations::Env;
use crate::store::users::User;

/// One request. Made anew for each, so that no loader outlives it.
pub struct RequestContext {
    /// Who asks. None: nobody is signed in.
    pub actor: Option<Actor>,
    /// Where the request comes from, for throttles.
    pub address: Option<IpAddr>,
    /// The instant as of which it is answered.
    pub now: Instant,
    /// Loads rows in batches.
    pub loader: DataLoader<Source>,
}

impl RequestContext {
    /// The context of a request that comes in now.
    pub fn new(env: &Env, actor: Option<Actor>, address: Option<IpAddr>) -> Self {
        let now = env.clock.now();
        let viewer = actor.as_ref().map(|actor| actor.user_id);
        Self { loader: loaders::new(Source { store: env.store.clone(), viewer, now }), actor, address, now }
    }

    /// Who asks; UNAUTHENTICATED if nobody does.
    pub fn actor(&self) -> Result<&Actor> {
        Ok(self.actor.as_ref().ok_or(Error::Unauthenticated)?)
    }

    /// The ID of whoever asks.
    pub fn viewer_id(&self) -> Option<UserId> {
        self.actor.as_ref().map(|actor| actor.user_id)
    }

    /// The account of whoever asks; UNAUTHENTICATED if nobody does, or that account is gone.
    pub async fn viewer(&self) -> Result<User> {
        Ok(self.loader.load_one(self.actor()?.user_id).await?.ok_or(Error::Unauthenticated)?)
    }
}

/// Short ways to what is in the context.
pub trait ContextExt {
    /// The request.
    fn request(&self) -> &RequestContext;
    /// What operations work with.
    fn env(&self) -> &Env;
}

impl ContextExt for Context<'_> {
    fn request(&self) -> &RequestContext {
        self.data_unchecked()
    }

    fn env(&self) -> &Env {
        self.data_unchecked()
    }
}
