//! Finds out who presents an access token: one of our own names its account, one of an issuer elsewhere somebody whose account
//! is looked up, and made when they come for the first time.

use crate::auth::Actor;
use crate::domain::{Error, Result};

use super::Env;
use super::recognize::recognize;

/// Whoever presents it. UNAUTHENTICATED if it is not good.
pub async fn authenticate(env: &Env, token: &str) -> Result<Actor> {
    let now = env.clock.now();
    let Some(issuer) = env.issuer.as_deref().filter(|issuer| issuer.is_named_by(token)) else {
        return env.keys.verify(token, now).map_err(|_| Error::Unauthenticated);
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
    Ok(Actor { user_id, session: None, expires_at: Some(vouched.expires_at) })
}
