//! Invitations: `inviteMembers`, `resendInvitation`, `revokeInvitation`, `acceptInvitation`, `declineInvitation`, lists
//! and previews.

mod accept;
mod decline;
mod invite;
mod invitee;
mod list;
mod races;
mod resend;

use serde_json::{Value, json};

use crate::support::{Answer, Person};

async fn state(by: &Person, invitation: &str) -> Value {
    let query =
        format!(r#"{{ invitation(id: "{invitation}") {{ status resolvedAt role email inviter {{ username }} }} }}"#);
    by.ask(&query).await.data()["invitation"].clone()
}

async fn accept_by_token(by: &Person, token: &str) -> Answer {
    by.mutate(
        "acceptInvitation",
        json!({ "token": token }),
        "membership { role user { username } } invitation { status }",
    )
    .await
}
