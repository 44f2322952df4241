//! Model test with random operations of two people around one address: its reader, and a stranger who cannot read its
//! mail. After any sequence of operations the address belongs to an account only by proof, that account is the
//! reader's, and the reader can always sign in.
//!
//! The test prints its seed; `ACCOUNT_MODEL_SEED=…` repeats a walk.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::support::{Answer, Person, TestApp, actors, graphql};

/// The address. Only the reader receives its mail.
const ADDRESS: &str = "reader@example.org";
const READER_ELSEWHERE: &str = "reader.elsewhere@example.org";
const STRANGER_ELSEWHERE: &str = "stranger.elsewhere@example.org";

const READERS_NETWORK: [u8; 4] = [10, 0, 0, 1];
const STRANGERS_NETWORK: [u8; 4] = [10, 0, 0, 2];

/// New walks start during this time.
const BUDGET: Duration = Duration::from_secs(15);
/// Operations in one walk.
const STEPS: usize = 50;
/// Most sign-ins of the reader in one walk. It is below the rate limit of the reader's own network.
const SIGN_INS: usize = 8;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Who {
    Reader,
    Stranger,
}

/// The expected state of an account.
struct Account {
    username: String,
    id: String,
    /// The person who last chose the password.
    owner: Who,
    password: String,
    /// Refresh tokens of the sessions, each with its holder.
    sessions: Vec<(Who, String)>,
    /// Whether the owner signed in from the reader's network after the account last changed its owner.
    knows_network: bool,
}

/// A mail to the address.
#[derive(Clone)]
struct Letter {
    template: String,
    username: Option<String>,
    token: String,
}

struct Walk {
    app: TestApp,
    random: u64,
    accounts: Vec<Account>,
    made: usize,
    /// Username of the account that has verified the address.
    holder: Option<String>,
    sign_ins: usize,
    /// The mails to the address, oldest first. A delivered mail stays here when its row leaves the queue.
    mailbox: Vec<Letter>,
    organization: (Person, String),
    story: Vec<String>,
}

impl Walk {
    async fn new(seed: u64) -> Self {
        let app = TestApp::new().await;
        let owner = app.person("olga").await;
        let organization = owner.creates("acme").await;
        Self {
            app,
            random: seed,
            accounts: Vec::new(),
            made: 0,
            holder: None,
            sign_ins: 0,
            mailbox: Vec::new(),
            organization: (owner, organization),
            story: Vec::new(),
        }
    }

    /// A number below `bound` (SplitMix64).
    fn below(&mut self, bound: usize) -> usize {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.random;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) as usize % bound
    }

    fn tell(&mut self, text: impl Into<String>) {
        self.story.push(text.into());
    }

    #[track_caller]
    fn hold(&self, holds: bool, what: &str) {
        assert!(holds, "{what}, after:\n  {}", self.story.join("\n  "));
    }

    /// A random account of that person; `None` if the person has no account.
    fn pick(&mut self, owner: Who) -> Option<usize> {
        let own: Vec<usize> =
            (0..self.accounts.len()).filter(|&account| self.accounts[account].owner == owner).collect();
        (!own.is_empty()).then(|| own[self.below(own.len())])
    }

    fn person(&self, account: usize) -> Person {
        let Account { username, id, .. } = &self.accounts[account];
        self.app.person_of(username, id)
    }

    /// Runs a mutation as the owner of the account.
    async fn does(&self, account: usize, mutation: &str, input: Value) -> Answer {
        self.person(account).mutate(mutation, input, "clientMutationId").await
    }

    async fn nobody(&self, from: impl Into<IpAddr>, mutation: &str, input: Value, fields: &str) -> Answer {
        let document = actors::document(mutation, fields);
        graphql::send_from(&self.app.router, from.into(), None, &document, json!({ "input": input })).await
    }

    /// Delivers the queued mails, and returns all mails to the address, oldest first.
    async fn letters(&mut self) -> Vec<Letter> {
        let names = format!("SELECT variables->>'username' FROM mails WHERE recipient = '{ADDRESS}' ORDER BY id");
        let names = self.app.rows(&names).await;
        let mails = self.app.mails_to(ADDRESS).await;
        let letter = |((template, token), mut row): ((String, String), Vec<Option<String>>)| {
            let username = row.pop().flatten();
            Letter { template, username, token }
        };
        for letter in mails.into_iter().zip(names).map(letter) {
            if self.mailbox.iter().all(|known| known.token != letter.token) {
                self.mailbox.push(letter);
            }
        }
        self.mailbox.clone()
    }

    async fn letter(&mut self, templates: &[&str]) -> Option<Letter> {
        let mut letters = self.letters().await;
        letters.retain(|letter| templates.contains(&letter.template.as_str()));
        let place = (!letters.is_empty()).then(|| self.below(letters.len()))?;
        Some(letters.swap_remove(place))
    }

    /// Checks that the database agrees with the model on the address, and that the stranger has no access.
    async fn check(&mut self) {
        let query = format!("SELECT username FROM users WHERE email = '{ADDRESS}' AND email_verified_at IS NOT NULL");
        let holders = self.app.texts(&query).await;
        self.hold(holders == Vec::from_iter(self.holder.clone()), &format!("{holders:?} have the address"));
        let Some(holder) = self.accounts.iter().find(|account| Some(&account.username) == self.holder.as_ref()) else {
            return;
        };
        self.hold(holder.owner == Who::Reader, "the stranger has the address");
        let strangers = holder.sessions.iter().filter(|(who, _)| *who == Who::Stranger);
        for (_, token) in strangers {
            let refreshed = self.app.nobody_mutates("refreshSession", json!({ "refreshToken": token })).await;
            self.hold(refreshed.refused() == ["INVALID_CREDENTIALS"], "the stranger is still signed in");
        }
    }

    async fn signs_up(&mut self, who: Who, username: String, invitation: Option<String>) {
        let (from, password) = match who {
            Who::Reader => (READERS_NETWORK, format!("the reader's {username} horse")),
            Who::Stranger => (STRANGERS_NETWORK, format!("a stranger's {username} battery")),
        };
        let mut input = json!({ "username": username, "password": password });
        match &invitation {
            Some(token) => input["invitationToken"] = json!(token),
            None => input["email"] = json!(ADDRESS),
        }
        let answer = self.nobody(from, "signUp", input, "session { refreshToken } viewer { user { id } }").await;
        let payload = answer.data()["signUp"].clone();
        self.tell(format!(
            "{who:?} signs up as {username}, invited: {}: {}",
            invitation.is_some(),
            payload["userErrors"]
        ));
        let Some(token) = payload["session"]["refreshToken"].as_str() else { return };
        let id = payload["viewer"]["user"]["id"].as_str().expect("an ID").to_owned();
        self.hold(invitation.is_none() || self.holder.is_none(), "an invitation made a second owner of the address");
        if invitation.is_some() {
            self.holder = Some(username.clone());
        }
        let sessions = vec![(who, token.to_owned())];
        let knows_network = who == Who::Reader;
        self.accounts.push(Account { username, id, owner: who, password, sessions, knows_network });
    }

    fn new_name(&mut self, who: Who) -> String {
        self.made += 1;
        format!("{}{}", if who == Who::Reader { "reader" } else { "stranger" }, self.made)
    }

    /// The reader opens a verification link, either signed in to one of the reader's accounts or not signed in.
    async fn reader_verifies(&mut self) {
        let Some(letter) = self.letter(&["verify_email", "change_email"]).await else { return };
        let named = letter.username.expect("a name");
        let input = json!({ "token": letter.token });
        let account = if self.below(4) == 0 { None } else { self.pick(Who::Reader) };
        let Some(account) = account else {
            let refused = self.app.nobody_mutates("verifyEmail", input).await.refused();
            self.tell(format!("the reader opens the link for {named} without signing in: {refused:?}"));
            return self.hold(!refused.is_empty(), "a click alone proved the address");
        };
        let errors = self.does(account, "verifyEmail", input).await.refused();
        let own = self.accounts[account].username.clone();
        self.tell(format!("the reader opens the link for {named} as {own}: {errors:?}"));
        if errors.is_empty() {
            self.hold(own == named, "the link for one account proved the address for another");
            let free = self.holder.is_none() || self.holder.as_ref() == Some(&own);
            self.hold(free, "an account lost the address that it had proven");
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
            self.tell(format!("the reader opens the reset link for {:?}: {errors:?}", letter.username));
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
        self.hold(free, "an account lost the address that it had proven");
        let was_proven = self.holder.is_some();
        let account = self.accounts.iter_mut().find(|account| account.username == username).expect("one of them");
        account.knows_network &= was_proven;
        account.owner = Who::Reader;
        account.password = password;
        self.holder = Some(username);
    }

    /// Checks that a requested reset link arrives in the mailbox, no matter how many resets others requested.
    async fn reader_gets_a_reset(&mut self) {
        if self.app.count(&format!("users WHERE email = '{ADDRESS}'")).await == 0 {
            return;
        }
        self.requests_reset(READERS_NETWORK).await;
        let reset = self.reader_resets().await;
        self.hold(reset, "the reader has no link that resets the password");
    }

    async fn requests_reset(&mut self, from: [u8; 4]) {
        let answer = self.nobody(from, "requestPasswordReset", json!({ "email": ADDRESS }), "clientMutationId").await;
        let errors = answer.refused();
        self.tell(format!("{from:?} asks for a reset: {errors:?}"));
        self.hold(errors.is_empty(), "a reset is refused");
    }

    async fn reader_signs_in(&mut self) {
        let Some(account) = self.pick(Who::Reader).filter(|_| self.sign_ins < SIGN_INS) else { return };
        self.sign_ins += 1;
        let Account { username, password, knows_network, .. } = &self.accounts[account];
        let (knows_network, input) = (*knows_network, json!({ "login": username, "password": password }));
        let story = format!("the reader signs in as {username}");
        let payload = self.nobody(READERS_NETWORK, "signIn", input, "session { refreshToken }").await.data();
        let payload = payload["signIn"].clone();
        self.tell(format!("{story}: {}", payload["userErrors"]));
        let signed_in = payload["session"]["refreshToken"].as_str();
        self.hold(signed_in.is_some() || !knows_network, "the reader is locked out of a network used before");
        if let Some(token) = signed_in {
            self.accounts[account].sessions.push((Who::Reader, token.to_owned()));
            self.accounts[account].knows_network = true;
        }
    }

    async fn reader_is_invited(&mut self) {
        let (owner, id) = self.organization.clone();
        let owner = self.app.again(&owner).await;
        let input = json!({ "organizationId": id, "invitees": [{ "email": ADDRESS, "role": "WORKER" }] });
        let payload = owner.mutate("inviteMembers", input, "results { userErrors { code } }").await.done();
        self.tell(format!("the address is invited: {}", payload["results"][0]["userErrors"]));
        let Some(letter) = self.letter(&["invitation"]).await else { return };
        let account = if self.below(2) == 0 { None } else { self.pick(Who::Reader) };
        match account {
            Some(account) => {
                let errors = self.does(account, "acceptInvitation", json!({ "token": letter.token })).await.refused();
                let own = self.accounts[account].username.clone();
                self.tell(format!("the reader accepts as {own}: {errors:?}"));
                if errors.is_empty() {
                    let free = self.holder.is_none() || self.holder.as_ref() == Some(&own);
                    self.hold(free, "an account lost the address that it had proven");
                    self.holder = Some(own);
                }
            }
            None => {
                let username = self.new_name(Who::Reader);
                self.signs_up(Who::Reader, username, Some(letter.token)).await;
            }
        }
    }

    /// Moves an account to another address of the same person, and verifies it.
    async fn moves(&mut self, who: Who, to: &str) {
        let Some(account) = self.pick(who) else { return };
        let input = json!({ "email": to, "password": self.accounts[account].password });
        let asked = self.does(account, "changeEmail", input).await.refused();
        let own = self.accounts[account].username.clone();
        self.tell(format!("{who:?} moves {own} to {to}: {asked:?}"));
        let Some((_, token)) = self.app.mails_to(to).await.pop() else { return };
        let errors = self.does(account, "verifyEmail", json!({ "token": token })).await.refused();
        self.tell(format!("{who:?} confirms it: {errors:?}"));
        if errors.is_empty() && self.holder.as_ref() == Some(&own) {
            self.holder = None;
        }
    }

    async fn deletes(&mut self, who: Who) {
        let Some(account) = self.pick(who) else { return };
        let Account { username, password, .. } = &self.accounts[account];
        let (username, input) = (username.clone(), json!({ "confirmUsername": username, "password": password }));
        let gone = self.does(account, "deleteAccount", input).await.refused().is_empty();
        self.tell(format!("{who:?} deletes {username}: {gone}"));
        if gone {
            self.accounts.remove(account);
            if self.holder == Some(username) {
                self.holder = None;
            }
        }
    }

    /// The stranger tries to block the reader: with wrong passwords from many networks and with sign-ups under taken
    /// names.
    async fn stranger_floods(&mut self) {
        let Some(account) = self.pick(Who::Reader) else { return };
        let username = self.accounts[account].username.clone();
        self.tell(format!("the stranger tries passwords of {username}"));
        for n in 0..150 {
            let login = if n % 4 == 0 { ADDRESS } else { &username };
            let input = json!({ "login": login, "password": "a wrong password" });
            let answer = self.nobody([198, 51, 100, n % 25], "signIn", input, "session { refreshToken }").await;
            self.hold(!answer.refused().is_empty(), "a wrong password let the stranger in");
        }
        for _ in 0..12 {
            let input = json!({ "username": username, "email": ADDRESS, "password": "a stranger's wrong battery" });
            let answer = self.nobody(STRANGERS_NETWORK, "signUp", input, "session { refreshToken }").await;
            self.hold(!answer.refused().is_empty(), "a name was taken twice");
        }
    }

    /// The stranger tries old passwords of accounts that now belong to the reader.
    async fn stranger_tries_old_credentials(&mut self) {
        let once: Vec<usize> = (0..self.accounts.len())
            .filter(|&account| self.accounts[account].username.starts_with("stranger"))
            .filter(|&account| self.accounts[account].owner == Who::Reader)
            .collect();
        for account in once {
            let username = &self.accounts[account].username;
            let input = json!({ "login": username, "password": format!("a stranger's {username} battery") });
            let answer = self.nobody(STRANGERS_NETWORK, "signIn", input, "session { refreshToken }").await;
            self.hold(!answer.refused().is_empty(), "the stranger gets into an account that was taken over");
        }
    }

    async fn step(&mut self) {
        match self.below(21) {
            0 | 1 => {
                let username = self.new_name(Who::Reader);
                self.signs_up(Who::Reader, username, None).await;
            }
            2 | 3 => {
                let username = self.new_name(Who::Stranger);
                self.signs_up(Who::Stranger, username, None).await;
            }
            4..=6 => self.reader_verifies().await,
            7 => self.reader_is_invited().await,
            8 | 9 => self.reader_signs_in().await,
            10 => self.moves(Who::Reader, READER_ELSEWHERE).await,
            11 => self.moves(Who::Stranger, STRANGER_ELSEWHERE).await,
            12 => self.moves_to_the_address().await,
            13 => self.deletes(Who::Reader).await,
            14 => self.deletes(Who::Stranger).await,
            15 | 16 => self.requests_reset(STRANGERS_NETWORK).await,
            17 => self.reader_gets_a_reset().await,
            18 => self.stranger_tries_old_credentials().await,
            19 => {
                let minutes = 1 + self.below(90) as i64;
                self.app.env.clock.advance(TimeDelta::minutes(minutes));
                self.tell(format!("{minutes} minutes pass"));
            }
            _ if self.below(3) == 0 => self.stranger_floods().await,
            _ => {
                for account in 0..self.accounts.len() {
                    self.does(account, "resendVerificationEmail", json!({})).await.refused();
                }
                self.tell("all ask for their mails of proof again");
            }
        }
        self.letters().await;
        self.check().await;
    }

    /// The stranger changes the address of an account of theirs to the reader's address.
    async fn moves_to_the_address(&mut self) {
        let Some(account) = self.pick(Who::Stranger) else { return };
        let input = json!({ "email": ADDRESS, "password": self.accounts[account].password });
        let errors = self.does(account, "changeEmail", input).await.refused();
        self.tell(format!("the stranger moves {} to the address: {errors:?}", self.accounts[account].username));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn account_model_keeps_the_address_with_its_reader() {
    let given = std::env::var("ACCOUNT_MODEL_SEED").ok().map(|seed| seed.parse::<u64>().expect("a number"));
    let (began, mut walks) = (Instant::now(), 0);
    while walks == 0 || given.is_none() && began.elapsed() < BUDGET {
        let seed = given.unwrap_or_else(|| uuid::Uuid::new_v4().as_u64_pair().0);
        println!("ACCOUNT_MODEL_SEED={seed}");
        let mut walk = Walk::new(seed).await;
        for _ in 0..STEPS {
            walk.step().await;
        }
        walk.reader_gets_a_reset().await;
        walk.check().await;
        walk.app.close().await;
        walks += 1;
    }
    println!("{walks} walks");
}
