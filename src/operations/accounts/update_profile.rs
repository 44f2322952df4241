//! Changes the names of the actor's account.

use crate::auth::Actor;
use crate::domain::error::FieldError;
use crate::domain::validation::{Patch, Validator};
use crate::domain::{Code, Error, Result, Username, text};
use crate::store::memberships;
use crate::store::users::{self, User};

use crate::operations::AppContext;
use crate::operations::accounts::local_accounts::require_own_accounts;
use crate::operations::accounts::sign_up::MAX_DISPLAY_NAME;

/// The new names.
pub struct Input {
    /// Display name. If cleared, the username is shown.
    pub display_name: Patch<String>,
    /// Unique name; cannot be cleared.
    pub username: Patch<String>,
}

/// Changes the names.
pub async fn update_profile(env: &AppContext, actor: &Actor, input: Input) -> Result<User> {
    require_own_accounts(env)?;
    let mut check = Validator::default();
    let display_name = input.display_name.try_map(|name| text::required(&name, MAX_DISPLAY_NAME).map(Some));
    let display_name = check.field("displayName", display_name);
    let username = check.field(
        "username",
        match input.username {
            Patch::Keep => Ok(None),
            Patch::Clear => Err(FieldError::new(Code::Required, "A username is needed.")),
            Patch::Set(name) => Username::parse(&name).map(Some),
        },
    );
    let (Some(display_name), Some(username)) = (display_name, username) else { return Err(check.refuse()) };
    env.transaction(Some(actor), async |tx| {
        // The memberships are locked before the account, as in every removal of a membership: memberships have copies
        // of the names.
        memberships::lock_of_user(tx, actor.user_id).await?;
        let user = users::lock_actor(tx, actor).await?.ok_or(Error::Unauthenticated)?.user;
        let username = username.as_ref().map_or(user.username.as_str(), Username::as_str);
        let display_name = display_name.apply(user.display_name.clone());
        if let Some(name) = display_name.as_deref().filter(|_| display_name != user.display_name) {
            let mut check = Validator::default();
            check.field("displayName", text::without_link(name));
            check.finish()?;
        }
        users::set_names(tx, user.id, username, display_name.as_deref()).await
    })
    .await
}
