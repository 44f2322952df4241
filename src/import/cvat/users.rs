//! Accounts of CVAT's users, without passwords and with unverified addresses: users sign in after a reset mail, which
//! verifies the address. So only one account gets an address: the one with the latest sign-in.

use std::cmp::Reverse;
use std::collections::HashMap;

use crate::domain::clock::Instant;
use crate::domain::{Email, UserId, ids};
use crate::import::cvat::existing::ExistingRows;
use crate::import::cvat::export::Export;
use crate::import::cvat::id_map::{IdMap, Kind};
use crate::import::cvat::model;
use crate::import::cvat::normalize;
use crate::import::cvat::normalize::Names;
use crate::import::cvat::report::Counts;
use crate::store::bulk_insert::UserRow;

/// The users of an export, by their IDs in CVAT.
#[derive(Default)]
pub struct ImportedUsers {
    /// ID and username of new users, and of known users whose accounts still exist.
    pub accounts: HashMap<i64, (UserId, String)>,
    /// Email addresses, also of users without an account here.
    pub addresses: HashMap<i64, Email>,
}

impl ImportedUsers {
    /// Returns the ID of the account, if it exists here.
    pub fn id(&self, reference: Option<model::Reference>) -> Option<UserId> {
        self.accounts.get(&reference?.id()).map(|(id, _)| *id)
    }
}

/// Creates the accounts of new users.
pub fn plan(
    export: &Export,
    names: &Names,
    id_map: &mut IdMap,
    existing: &ExistingRows,
    now: Instant,
    counts: &mut Counts,
) -> (ImportedUsers, Vec<UserRow>) {
    let mut users = ImportedUsers::default();
    let mut rows = Vec::new();
    for user in &export.users {
        users.addresses.extend(normalize::email(user.email.as_deref()).0.map(|email| (user.id, email)));
    }
    let address_owners = address_owners(export, id_map, &users.addresses);
    for user in &export.users {
        if let Some(id) = id_map.id::<UserId>(Kind::User, user.id) {
            counts.known += 1;
            users.accounts.extend(existing.accounts.get(&id).map(|username| (user.id, (id, username.clone()))));
            continue;
        }
        let row = format!("user {}", user.id);
        let Some(username) = names.usernames.get(&user.id) else {
            counts.refuse(row, "no username could be made for it");
            continue;
        };
        if existing.taken.usernames.contains(username) {
            counts.refuse(row, format!("an account here has the username {username}; accounts are never merged"));
            continue;
        }
        let mut change = |reason: String| counts.change(&row, reason);
        if *username != user.username.trim() {
            change(format!("its username is {username} here"));
        }
        let (display_name, cut) =
            normalize::line(Some(&format!("{} {}", user.first_name.trim(), user.last_name.trim())), 64);
        if cut {
            change("its name was cut, or lost characters that cannot be shown".into());
        }
        let active = user.is_active != Some(false);
        let email = match users.addresses.get(&user.id) {
            _ if !active => {
                change("it is locked there: it comes without its address, so nobody can sign in".into());
                None
            }
            None => {
                change("it has no usable address: nobody can sign in".into());
                None
            }
            Some(email) if existing.taken.emails.contains(email.as_str()) => {
                change("an account here has proven its address: it comes without one".into());
                None
            }
            Some(email) if existing.claimed.contains(email.as_str()) => {
                change("somebody who came over before has its address: it comes without one".into());
                None
            }
            Some(email) if address_owners.get(email) != Some(&user.id) => {
                change("another user with its address signed in later, or is older: it comes without one".into());
                None
            }
            Some(email) => Some(email),
        };
        let is_admin = active && (user.is_superuser || user.groups.iter().any(|group| group == "admin"));
        if is_admin {
            change("it is a site administrator, as in CVAT".into());
        }
        let date = normalize::instant(user.date_joined.as_deref());
        let created_at = date.unwrap_or_else(|| {
            change("it has no date: it counts as made now".into());
            now
        });
        let id = ids::new_id::<UserId>(now);
        id_map.record(Kind::User, user.id, id, date, now);
        users.accounts.insert(user.id, (id, username.clone()));
        rows.push(UserRow {
            id,
            username: username.clone(),
            display_name,
            email: email.map(Email::to_string),
            email_written: email.and_then(Email::written).map(str::to_owned),
            email_verified_at: None,
            password_hash: None,
            is_admin,
            created_at,
        });
    }
    counts.taken = rows.len();
    (users, rows)
}

/// Returns the new user for each address: the one with the latest sign-in; of several, the oldest account.
fn address_owners(export: &Export, id_map: &IdMap, addresses: &HashMap<i64, Email>) -> HashMap<Email, i64> {
    let new = |user: &&model::User| user.is_active != Some(false) && !id_map.contains(Kind::User, user.id);
    let mut users: Vec<_> = export.users.iter().filter(new).collect();
    users.sort_by_key(|user| (normalize::instant(user.last_login.as_deref()), Reverse(user.id)));
    // Later entries overwrite earlier ones.
    users.into_iter().filter_map(|user| Some((addresses.get(&user.id)?.clone(), user.id))).collect()
}
