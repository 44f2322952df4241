//! What a resolver knows of its request: who asks, and through which loaders.

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

/// One request. Made anew for each, so that no loader outlives it.
pub struct RequestContext {
    /// Who asks: unset while nobody is signed in, and set once by a mutation that signs somebody in.
    actor: Arc<OnceLock<Actor>>,
    /// Where the request comes from, for throttles.
    pub address: Option<IpAddr>,
    /// The instant as of which it is answered.
    pub now: Instant,
    /// Loads rows in batches.
    pub loader: Arc<DataLoader<DbLoader>>,
    /// What mutations were refused for.
    pub refusals: Refusals,
    /// Whether parts of the answer may be JSON already, since whoever sends it takes such parts, and no field of the document
    /// is put together from several.
    pub raw_json: bool,
    /// Bytes of JSON that are in parts of the answer already.
    written: AtomicUsize,
    /// Whether a resolver has looked at the request, or at what is not in the object that it resolves.
    consulted: AtomicBool,
}

impl RequestContext {
    /// The context of a request that comes in now.
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

    /// Whether the answer is still short enough with this part in it.
    pub fn has_room_for(&self, part: &JsonWriter) -> bool {
        self.written.fetch_add(part.len(), Ordering::Relaxed) + part.len() <= json_writer::MAX_BYTES
    }

    /// Whether any resolver has asked for more than the object that it resolves has in it. If none has, the answer is the
    /// same for everybody and at any time.
    pub fn was_accessed(&self) -> bool {
        self.consulted.load(Ordering::Relaxed)
    }

    /// Who asks, if somebody is signed in.
    pub fn signed_in(&self) -> Option<&Actor> {
        self.actor.get()
    }

    /// From here on the answer is for that account, if nobody was signed in before: who signs in sees what is theirs.
    pub fn sign_in(&self, actor: Actor) {
        self.actor.get_or_init(|| actor);
    }

    /// Who asks; UNAUTHENTICATED if nobody does.
    pub fn actor(&self) -> Result<&Actor> {
        let actor = self.signed_in();
        let standing = AccessContext { signed_in: actor.is_some(), ..AccessContext::default() };
        decide(&standing, Action::AccountUse, &Target::default()).require("account")?;
        Ok(actor.ok_or(Error::Unauthenticated)?)
    }

    /// The ID of whoever asks.
    pub fn viewer_id(&self) -> Option<UserId> {
        self.signed_in().map(|actor| actor.user_id)
    }

    /// The account of whoever asks; UNAUTHENTICATED if nobody does, or that account is gone.
    pub async fn viewer(&self) -> Result<User> {
        Ok(self.loader.load_one(self.actor()?.user_id).await?.ok_or(Error::Unauthenticated)?)
    }
}

/// The codes of what mutations were refused for, which are in their payloads: gathered for the log. Clones share them.
#[derive(Clone, Default)]
pub struct Refusals(Arc<Mutex<Vec<&'static str>>>);

impl Refusals {
    /// Notes the codes of refusals.
    pub fn note(&self, refusals: &[Refusal]) {
        let mut codes = self.0.lock();
        codes.extend(refusals.iter().map(|refusal| refusal.code.name()));
    }

    /// All that were noted.
    pub fn codes(&self) -> Vec<&'static str> {
        self.0.lock().clone()
    }
}

/// Short ways to what is in the context.
pub trait ContextExt {
    /// The request.
    fn request(&self) -> &RequestContext;
    /// What operations work with.
    fn env(&self) -> &AppContext;
    /// Whether the field is resolved for each entry of a list, so that what it loads is worth loading together.
    fn is_in_list(&self) -> bool;
    /// Asks for what many need at the same moment.
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
