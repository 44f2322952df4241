//! Signs in with a password. All failures return the same error and take the same time.

use std::net::IpAddr;

use crate::auth::throttle::network;
use crate::domain::{Result, email, text};
use crate::store::sign_in_networks;
use crate::store::users;

use crate::operations::AppContext;
use crate::operations::accounts::local_accounts::require_own_accounts;
use crate::operations::sessions::open::{SignedIn, invalid_credentials, open};

/// The credentials.
pub struct Input {
    /// Username or verified address.
    pub login: String,
    /// The password.
    pub password: String,
    /// The client's IP address, if known.
    pub address: Option<IpAddr>,
}

/// Starts a session. INVALID_CREDENTIALS if the login or the password is wrong.
pub async fn sign_in(env: &AppContext, input: Input) -> Result<SignedIn> {
    require_own_accounts(env)?;
    let now = env.clock.now();
    // An invalid login is treated as an unknown login.
    let login = text::required(&input.login, email::MAX).unwrap_or_default();
    env.throttle.sign_in(&login, input.address, now)?;

    // The connection is released before the hashing, which takes longer than everything else.
    let here = input.address.map(|address| network(address).to_string());
    let since = now - sign_in_networks::KEPT;
    let found = users::find_login(&mut *env.store.read().await?, &login, here.as_deref(), since).await?;
    // Attempts from other networks do not block an account in a network from which it has signed in before.
    if !found.as_ref().is_some_and(|(_, known_network)| *known_network) {
        env.throttle.sign_in_from_new_network(&login, now)?;
    }
    let found = found.map(|(login, _)| login);
    let kept = found.as_ref().and_then(|login| login.password_hash.as_deref());
    let good = env.passwords.verify(kept, &input.password).await?;
    let wrong = || invalid_credentials("The login or the password is wrong.");
    let found = found.filter(|_| good).ok_or_else(wrong)?;

    env.transaction(None, async |tx| {
        let now_kept = users::lock(tx, found.user.id).await?.ok_or_else(wrong)?;
        // A new password ends all sessions: a session that starts meanwhile with the old password must not survive it.
        if now_kept.password_hash != found.password_hash {
            return Err(wrong().into());
        }
        open(tx, env, now_kept.user, input.address, now).await
    })
    .await
}
