//! Model test with random operations of two people around one address: its reader, and a stranger who cannot read its
//! mail. After any sequence of operations the address belongs to an account only by proof, that account is the
//! reader's, and the reader can always sign in.
//!
//! The test prints its seed; `ACCOUNT_MODEL_SEED=…` repeats a walk.

mod reader;
mod stranger;

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
enum Party {
    Reader,
    Stranger,
}

/// The expected state of an account.
struct Account {
    username: String,
    id: String,
    /// The person who last chose the password.
    owner: Party,
    password: String,
    /// Refresh tokens of the sessions, each with its holder.
    sessions: Vec<(Party, String)>,
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
    history: Vec<String>,
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
            history: Vec::new(),
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

    fn note(&mut self, text: impl Into<String>) {
        self.history.push(text.into());
    }

    #[track_caller]
    fn require(&self, holds: bool, message: &str) {
        assert!(holds, "{message}, after:\n  {}", self.history.join("\n  "));
    }

    /// A random account of that person; `None` if the person has no account.
    fn pick(&mut self, owner: Party) -> Option<usize> {
        let own: Vec<usize> =
            (0..self.accounts.len()).filter(|&account| self.accounts[account].owner == owner).collect();
        (!own.is_empty()).then(|| own[self.below(own.len())])
    }

    fn person(&self, account: usize) -> Person {
        let Account { username, id, .. } = &self.accounts[account];
        self.app.person_of(username, id)
    }

    /// Runs a mutation as the owner of the account.
    async fn mutate_as(&self, account: usize, mutation: &str, input: Value) -> Answer {
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
        self.require(holders == Vec::from_iter(self.holder.clone()), &format!("{holders:?} have the address"));
        let Some(holder) = self.accounts.iter().find(|account| Some(&account.username) == self.holder.as_ref()) else {
            return;
        };
        self.require(holder.owner == Party::Reader, "the stranger has the address");
        let strangers = holder.sessions.iter().filter(|(party, _)| *party == Party::Stranger);
        for (_, token) in strangers {
            let refreshed = self.app.mutate_anonymously("refreshSession", json!({ "refreshToken": token })).await;
            self.require(refreshed.refused() == ["INVALID_CREDENTIALS"], "the stranger is still signed in");
        }
    }

    async fn signs_up(&mut self, party: Party, username: String, invitation: Option<String>) {
        let (from, password) = match party {
            Party::Reader => (READERS_NETWORK, format!("the reader's {username} horse")),
            Party::Stranger => (STRANGERS_NETWORK, format!("a stranger's {username} battery")),
        };
        let mut input = json!({ "username": username, "password": password });
        match &invitation {
            Some(token) => input["invitationToken"] = json!(token),
            None => input["email"] = json!(ADDRESS),
        }
        let answer = self.nobody(from, "signUp", input, "session { refreshToken } viewer { user { id } }").await;
        let payload = answer.data()["signUp"].clone();
        self.note(format!(
            "{party:?} signs up as {username}, invited: {}: {}",
            invitation.is_some(),
            payload["userErrors"]
        ));
        let Some(token) = payload["session"]["refreshToken"].as_str() else { return };
        let id = payload["viewer"]["user"]["id"].as_str().expect("an ID").to_owned();
        self.require(invitation.is_none() || self.holder.is_none(), "an invitation made a second owner of the address");
        if invitation.is_some() {
            self.holder = Some(username.clone());
        }
        let sessions = vec![(party, token.to_owned())];
        let knows_network = party == Party::Reader;
        self.accounts.push(Account { username, id, owner: party, password, sessions, knows_network });
    }

    fn new_name(&mut self, party: Party) -> String {
        self.made += 1;
        format!("{}{}", if party == Party::Reader { "reader" } else { "stranger" }, self.made)
    }

    async fn requests_reset(&mut self, from: [u8; 4]) {
        let answer = self.nobody(from, "requestPasswordReset", json!({ "email": ADDRESS }), "clientMutationId").await;
        let errors = answer.refused();
        self.note(format!("{from:?} asks for a reset: {errors:?}"));
        self.require(errors.is_empty(), "a reset is refused");
    }

    /// Moves an account to another address of the same person, and verifies it.
    async fn moves(&mut self, party: Party, to: &str) {
        let Some(account) = self.pick(party) else { return };
        let input = json!({ "email": to, "password": self.accounts[account].password });
        let errors = self.mutate_as(account, "changeEmail", input).await.refused();
        let own = self.accounts[account].username.clone();
        self.note(format!("{party:?} moves {own} to {to}: {errors:?}"));
        let Some((_, token)) = self.app.mails_to(to).await.pop() else { return };
        let errors = self.mutate_as(account, "verifyEmail", json!({ "token": token })).await.refused();
        self.note(format!("{party:?} confirms it: {errors:?}"));
        if errors.is_empty() && self.holder.as_ref() == Some(&own) {
            self.holder = None;
        }
    }

    async fn deletes(&mut self, party: Party) {
        let Some(account) = self.pick(party) else { return };
        let Account { username, password, .. } = &self.accounts[account];
        let (username, input) = (username.clone(), json!({ "confirmUsername": username, "password": password }));
        let gone = self.mutate_as(account, "deleteAccount", input).await.refused().is_empty();
        self.note(format!("{party:?} deletes {username}: {gone}"));
        if gone {
            self.accounts.remove(account);
            if self.holder == Some(username) {
                self.holder = None;
            }
        }
    }

    async fn step(&mut self) {
        match self.below(21) {
            0 | 1 => {
                let username = self.new_name(Party::Reader);
                self.signs_up(Party::Reader, username, None).await;
            }
            2 | 3 => {
                let username = self.new_name(Party::Stranger);
                self.signs_up(Party::Stranger, username, None).await;
            }
            4..=6 => self.reader_verifies().await,
            7 => self.reader_is_invited().await,
            8 | 9 => self.reader_signs_in().await,
            10 => self.moves(Party::Reader, READER_ELSEWHERE).await,
            11 => self.moves(Party::Stranger, STRANGER_ELSEWHERE).await,
            12 => self.moves_to_the_address().await,
            13 => self.deletes(Party::Reader).await,
            14 => self.deletes(Party::Stranger).await,
            15 | 16 => self.requests_reset(STRANGERS_NETWORK).await,
            17 => self.reader_gets_a_reset().await,
            18 => self.stranger_tries_old_credentials().await,
            19 => {
                let minutes = 1 + self.below(90) as i64;
                self.app.env.clock.advance(TimeDelta::minutes(minutes));
                self.note(format!("{minutes} minutes pass"));
            }
            _ if self.below(3) == 0 => self.stranger_floods().await,
            _ => {
                for account in 0..self.accounts.len() {
                    self.mutate_as(account, "resendVerificationEmail", json!({})).await.refused();
                }
                self.note("all ask for their mails of proof again");
            }
        }
        self.letters().await;
        self.check().await;
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
