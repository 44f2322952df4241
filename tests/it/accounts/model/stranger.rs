//! Operations of the stranger.

use serde_json::json;

use super::{ADDRESS, Party, STRANGERS_NETWORK, Walk};

impl Walk {
    /// The stranger tries to block the reader: with wrong passwords from many networks and with sign-ups under taken
    /// names.
    pub(super) async fn stranger_floods(&mut self) {
        let Some(account) = self.pick(Party::Reader) else { return };
        let username = self.accounts[account].username.clone();
        self.note(format!("the stranger tries passwords of {username}"));
        for n in 0..150 {
            let login = if n % 4 == 0 { ADDRESS } else { &username };
            let input = json!({ "login": login, "password": "a wrong password" });
            let answer = self.nobody([198, 51, 100, n % 25], "signIn", input, "session { refreshToken }").await;
            self.require(!answer.refused().is_empty(), "a wrong password let the stranger in");
        }
        for _ in 0..12 {
            let input = json!({ "username": username, "email": ADDRESS, "password": "a stranger's wrong battery" });
            let answer = self.nobody(STRANGERS_NETWORK, "signUp", input, "session { refreshToken }").await;
            self.require(!answer.refused().is_empty(), "a name was taken twice");
        }
    }

    /// The stranger tries old passwords of accounts that now belong to the reader.
    pub(super) async fn stranger_tries_old_credentials(&mut self) {
        let once: Vec<usize> = (0..self.accounts.len())
            .filter(|&account| self.accounts[account].username.starts_with("stranger"))
            .filter(|&account| self.accounts[account].owner == Party::Reader)
            .collect();
        for account in once {
            let username = &self.accounts[account].username;
            let input = json!({ "login": username, "password": format!("a stranger's {username} battery") });
            let answer = self.nobody(STRANGERS_NETWORK, "signIn", input, "session { refreshToken }").await;
            self.require(!answer.refused().is_empty(), "the stranger gets into an account that was taken over");
        }
    }

    /// The stranger changes the address of an account of theirs to the reader's address.
    pub(super) async fn moves_to_the_address(&mut self) {
        let Some(account) = self.pick(Party::Stranger) else { return };
        let input = json!({ "email": ADDRESS, "password": self.accounts[account].password });
        let errors = self.mutate_as(account, "changeEmail", input).await.refused();
        self.note(format!("the stranger moves {} to the address: {errors:?}", self.accounts[account].username));
    }
}
