//! The context of a request: the caller, the loaders, and the state that resolvers share.

use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use async_graphql::dataloader::DataLoader;
use async_graphql::{Context, QueryPathNode, QueryPathSegment};
use parking_lot::Mutex;

use super::Result;
use crate::auth::Actor;
use crate::domain::clock::Instant;
use crate::domain::{Error, Refusal, UserId};
use crate::graphql::json_writer;
use crate::graphql::json_writer::JsonWriter;
use crate::graphql::loaders::{self, DbLoader};
use crate::graphql::shared_loader::SharedLoader;
use crate::operations::AppContext;
use crate::policy::{AccessContext, Action, Target, decide};
use crate::store::users::User;

/// The context of one request. Each request has its own, so that no loader outlives it.
pub struct RequestContext {
    /// The caller. Unset if the request is not authenticated; a mutation that signs in sets it once.
    actor: Arc<OnceLock<Actor>>,
    /// The client's address, for rate limits.
    pub address: Option<IpAddr>,
    /// The instant as of which the request is answered.
    pub now: Instant,
    /// Loads rows in batches.
    pub loader: Arc<DataLoader<DbLoader>>,
    /// The codes of refused mutations.
    pub refusals: Refusals,
    /// Whether parts of the response may be raw JSON: the transport supports it, and no response field is merged from
    /// several fields of the document.
    pub raw_json: bool,
    /// Number of bytes of raw JSON in the response so far.
    written: AtomicUsize,
    /// Whether a resolver has used the request, or any data outside the object that it resolves.
    consulted: AtomicBool,
}

impl RequestContext {
    /// Creates the context of a request that arrives now.
    pub fn new(env: &AppContext, actor: Option<Actor>, address: Option<IpAddr>) -> Self {
        let now = env.clock.now();
        let actor = Arc::new(actor.map_or_else(OnceLock::new, OnceLock::from));
        let loader = Arc::new(loaders::new(DbLoader {
            store: env.store.clone(),
            actor: actor.clone(),
            now,
            began: Some(std::time::Instant::now()),
        }));
        let (refusals, written, consulted) = (Refusals::default(), AtomicUsize::new(0), AtomicBool::new(false));
        Self { actor, address, now, loader, refusals, raw_json: false, written, consulted }
    }

    /// Adds the part's length to the response's, and returns whether the response is still within
    /// [`json_writer::MAX_BYTES`].
    pub fn has_room_for(&self, part: &JsonWriter) -> bool {
        self.written.fetch_add(part.len(), Ordering::Relaxed) + part.len() <= json_writer::MAX_BYTES
    }

    /// Whether any resolver has used data outside the object that it resolves. If none has, the response is the same
    /// for every viewer at any time.
    pub fn was_accessed(&self) -> bool {
        self.consulted.load(Ordering::Relaxed)
    }

    /// Returns the caller; `None` if the request is not authenticated.
    pub fn signed_in(&self) -> Option<&Actor> {
        self.actor.get()
    }

    /// Authenticates the rest of the request as this account, so that a client that signs in can read its own data in
    /// the same response. Has no effect if the request is already authenticated.
    pub fn sign_in(&self, actor: Actor) {
        self.actor.get_or_init(|| actor);
    }

    /// Returns the caller. Fails with UNAUTHENTICATED if there is none.
    pub fn actor(&self) -> Result<&Actor> {
        let actor = self.signed_in();
        let viewer_access = AccessContext { signed_in: actor.is_some(), ..AccessContext::default() };
        decide(&viewer_access, Action::AccountUse, &Target::default()).require("account")?;
        Ok(actor.ok_or(Error::Unauthenticated)?)
    }

    /// Returns the user ID of the caller; `None` if the request is not authenticated.
    pub fn viewer_id(&self) -> Option<UserId> {
        self.signed_in().map(|actor| actor.user_id)
    }

    /// Loads the caller's account. Fails with UNAUTHENTICATED if there is no caller or the account no longer exists.
    pub async fn viewer(&self) -> Result<User> {
        Ok(self.loader.load_one(self.actor()?.user_id).await?.ok_or(Error::Unauthenticated)?)
    }
}

/// The codes of the refusals in mutation payloads, collected for the log. Clones share them.
#[derive(Clone, Default)]
pub struct Refusals(Arc<Mutex<Vec<&'static str>>>);

impl Refusals {
    /// Adds the codes of refusals.
    pub fn note(&self, refusals: &[Refusal]) {
        let mut codes = self.0.lock();
        codes.extend(refusals.iter().map(|refusal| refusal.code.name()));
    }

    /// Returns all codes that were added.
    pub fn codes(&self) -> Vec<&'static str> {
        self.0.lock().clone()
    }
}

/// Shortcuts to the data of a resolver's context.
pub trait ContextExt {
    /// Returns the request, and marks it as used: see [`RequestContext::was_accessed`].
    fn request(&self) -> &RequestContext;
    /// Returns the context that operations need.
    fn env(&self) -> &AppContext;
    /// Whether the field is resolved for each entry of a list, so that its loads are worth batching.
    fn is_in_list(&self) -> bool;
    /// Returns the loader that batches reads across subscribers.
    fn audience(&self) -> &SharedLoader;
}

impl ContextExt for Context<'_> {
    fn request(&self) -> &RequestContext {
        let request: &RequestContext = self.data_unchecked::<Arc<RequestContext>>();
        request.consulted.store(true, Ordering::Relaxed);
        request
    }

    fn env(&self) -> &AppContext {
        self.request();
        self.data_unchecked()
    }

    fn audience(&self) -> &SharedLoader {
        self.request();
        self.data_unchecked()
    }

    fn is_in_list(&self) -> bool {
        let is_index = |node: &QueryPathNode<'_>| matches!(node.segment, QueryPathSegment::Index(_));
        self.path_node.is_some_and(|node| node.parents().any(is_index))
    }
}
