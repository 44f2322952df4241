//! Signs in with a password. Whatever is wrong, the answer is the same and takes the same time.

use std::net::IpAddr;

use crate::auth::throttle::network;
use crate::domain::{Result, email, text};
use crate::store::sign_in_networks;
use crate::store::users;

use crate::operations::AppContext;
use crate::operations::accounts::local_accounts::require_own_accounts;
use crate::operations::sessions::open::{SignedIn, invalid_credentials, open};

/// Who signs in.
pub struct Input {
    /// Username, or proven address.
    pub login: String,
    /// The password.
    pub password: String,
    /// Where the request comes from.
    pub address: Option<IpAddr>,
}

/// Begins a session.
pub async fn sign_in(env: &AppContext, input: Input) -> Result<SignedIn> {
    require_own_accounts(env)?;
    let now = env.clock.now();
    // A login that nobody can have is no more than wrong.
    let login = text::required(&input.login, email::MAX).unwrap_or_default();
    env.throttle.sign_in(&login, input.address, now)?;

    // The connection goes back before the hashing, which takes longer than everything else.
    let here = input.address.map(|address| network(address).to_string());
    let since = now - sign_in_networks::KEPT;
    let found = users::find_login(&mut *env.store.read().await?, &login, here.as_deref(), since).await?;
    // Others' tries from elsewhere do not keep an account out of a network that it signed in from.
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
        // A new password ends all sessions: one that begins with the old password meanwhile must not outlive it.
        if now_kept.password_hash != found.password_hash {
            return Err(wrong().into());
        }
        open(tx, env, now_kept.user, input.address, now).await
    })
    .await
}
