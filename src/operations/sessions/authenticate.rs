//! Authenticates an access token. A token of this server names its account; for a token of an external issuer, the
//! account is looked up, and created at the first request.

use crate::auth::Actor;
use crate::domain::clock::Instant;
use crate::domain::{Error, Result};
use crate::store::users;

use crate::operations::AppContext;
use crate::operations::accounts::provision_oidc_user::recognize;

/// Returns the actor of the token. UNAUTHENTICATED if the token is invalid.
pub async fn authenticate(env: &AppContext, token: &str) -> Result<Actor> {
    let now = env.clock.now();
    let Some(issuer) = env.issuer.as_deref().filter(|issuer| issuer.is_issuer_of(token)) else {
        let actor = env.keys.verify(token, now).map_err(|_| Error::Unauthenticated)?;
        return unrevoked(env, actor, now).await;
    };
    let vouched = issuer.verify(token, now).await?;
    let user_id = match issuer.known.get(&vouched.identity, now) {
        Some(user_id) => user_id,
        None => {
            let user_id = recognize(env, issuer.name(), &vouched, now).await?;
            issuer.known.put(vouched.identity, user_id, now);
            user_id
        }
    };
    let actor = Actor {
        user_id,
        session: None,
        issued_at: vouched.issued_at,
        authenticated_at: vouched.authenticated_at,
        expires_at: Some(vouched.expires_at),
    };
    unrevoked(env, actor, now).await
}

/// Returns the actor, or UNAUTHENTICATED if the token has no session and was revoked. A token with a session is not
/// checked, because it expires soon.
async fn unrevoked(env: &AppContext, actor: Actor, now: Instant) -> Result<Actor> {
    if actor.session.is_some() || env.unrevoked.holds(&actor, now) {
        return Ok(actor);
    }
    users::find_actor(&*env.store.read().await?, &actor).await?.ok_or(Error::Unauthenticated)?;
    env.unrevoked.note(&actor, now);
    Ok(actor)
}
