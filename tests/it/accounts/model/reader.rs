//! Operations of the reader.

use serde_json::json;

use super::{ADDRESS, Account, Party, READERS_NETWORK, SIGN_INS, Walk};

impl Walk {
    /// The reader opens a verification link, either signed in to one of the reader's accounts or not signed in.
    pub(super) async fn reader_verifies(&mut self) {
        let Some(letter) = self.letter(&["verify_email", "change_email"]).await else { return };
        let named = letter.username.expect("a name");
        let input = json!({ "token": letter.token });
        let account = if self.below(4) == 0 { None } else { self.pick(Party::Reader) };
        let Some(account) = account else {
            let refused = self.app.mutate_anonymously("verifyEmail", input).await.refused();
            self.note(format!("the reader opens the link for {named} without signing in: {refused:?}"));
            return self.require(!refused.is_empty(), "a click alone proved the address");
        };
        let errors = self.mutate_as(account, "verifyEmail", input).await.refused();
        let own = self.accounts[account].username.clone();
        self.note(format!("the reader opens the link for {named} as {own}: {errors:?}"));
        if errors.is_empty() {
            self.require(own == named, "the link for one account proved the address for another");
            let free = self.holder.is_none() || self.holder.as_ref() == Some(&own);
            self.require(free, "an account lost the address that it had proven");
            self.holder = Some(own);
        }
    }

    /// The reader sets a new password with the newest links, until one works. Returns whether one worked.
    async fn reader_resets(&mut self) -> bool {
        let mut resets = self.letters().await;
        resets.retain(|letter| letter.template == "reset_password");
        self.made += 1;
        let password = format!("a {} wooden kettle", self.made);
        for letter in resets.into_iter().rev().take(5) {
            let input = json!({ "token": letter.token, "newPassword": password });
            let errors = self.nobody(READERS_NETWORK, "resetPassword", input, "clientMutationId").await.refused();
            self.note(format!("the reader opens the reset link for {:?}: {errors:?}", letter.username));
            if errors.is_empty() {
                self.took_over(password).await;
                return true;
            }
        }
        false
    }

    /// Records that the account with the verified address now belongs to the reader, with that password.
    async fn took_over(&mut self, password: String) {
        let query = format!("SELECT username FROM users WHERE email = '{ADDRESS}' AND email_verified_at IS NOT NULL");
        let username = self.app.texts(&query).await.pop().expect("a reset proves the address");
        let free = self.holder.is_none() || self.holder.as_ref() == Some(&username);
        self.require(free, "an account lost the address that it had proven");
        let was_proven = self.holder.is_some();
        let account = self.accounts.iter_mut().find(|account| account.username == username).expect("one of them");
        account.knows_network &= was_proven;
        account.owner = Party::Reader;
        account.password = password;
        self.holder = Some(username);
    }

    /// Checks that a requested reset link arrives in the mailbox, no matter how many resets others requested.
    pub(super) async fn reader_gets_a_reset(&mut self) {
        if self.app.count(&format!("users WHERE email = '{ADDRESS}'")).await == 0 {
            return;
        }
        self.requests_reset(READERS_NETWORK).await;
        let reset = self.reader_resets().await;
        self.require(reset, "the reader has no link that resets the password");
    }

    pub(super) async fn reader_signs_in(&mut self) {
        let Some(account) = self.pick(Party::Reader).filter(|_| self.sign_ins < SIGN_INS) else { return };
        self.sign_ins += 1;
        let Account { username, password, knows_network, .. } = &self.accounts[account];
        let (knows_network, input) = (*knows_network, json!({ "login": username, "password": password }));
        let history = format!("the reader signs in as {username}");
        let payload = self.nobody(READERS_NETWORK, "signIn", input, "session { refreshToken }").await.data();
        let payload = payload["signIn"].clone();
        self.note(format!("{history}: {}", payload["userErrors"]));
        let signed_in = payload["session"]["refreshToken"].as_str();
        self.require(signed_in.is_some() || !knows_network, "the reader is locked out of a network used before");
        if let Some(token) = signed_in {
            self.accounts[account].sessions.push((Party::Reader, token.to_owned()));
            self.accounts[account].knows_network = true;
        }
    }

    pub(super) async fn reader_is_invited(&mut self) {
        let (owner, id) = self.organization.clone();
        let owner = self.app.again(&owner).await;
        let input = json!({ "organizationId": id, "invitees": [{ "email": ADDRESS, "role": "WORKER" }] });
        let payload = owner.mutate("inviteMembers", input, "results { userErrors { code } }").await.done();
        self.note(format!("the address is invited: {}", payload["results"][0]["userErrors"]));
        let Some(letter) = self.letter(&["invitation"]).await else { return };
        let account = if self.below(2) == 0 { None } else { self.pick(Party::Reader) };
        match account {
            Some(account) => {
                let errors =
                    self.mutate_as(account, "acceptInvitation", json!({ "token": letter.token })).await.refused();
                let own = self.accounts[account].username.clone();
                self.note(format!("the reader accepts as {own}: {errors:?}"));
                if errors.is_empty() {
                    let free = self.holder.is_none() || self.holder.as_ref() == Some(&own);
                    self.require(free, "an account lost the address that it had proven");
                    self.holder = Some(own);
                }
            }
            None => {
                let username = self.new_name(Party::Reader);
                self.signs_up(Party::Reader, username, Some(letter.token)).await;
            }
        }
    }
}
