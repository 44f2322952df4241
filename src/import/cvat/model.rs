//! What CVAT's REST API says of people, organizations, memberships and invitations: the fields that matter here, and none
//! of the others. All but the IDs may be missing.

use serde::{Deserialize, Deserializer};

/// Somebody with an account.
#[derive(Clone, Debug, Deserialize)]
pub struct User {
    /// CVAT's number.
    pub id: i64,
    /// Where the REST API has this user.
    pub url: Option<String>,
    /// Unique there, with regard to case.
    #[serde(default, deserialize_with = "nullable")]
    pub username: String,
    /// Given name.
    #[serde(default, deserialize_with = "nullable")]
    pub first_name: String,
    /// Family name.
    #[serde(default, deserialize_with = "nullable")]
    pub last_name: String,
    /// Address. Often missing.
    pub email: Option<String>,
    /// False: locked by an administrator.
    pub is_active: Option<bool>,
    /// Whether Django lets them do everything.
    #[serde(default, deserialize_with = "nullable")]
    pub is_superuser: bool,
    /// Platform privileges: `admin`, `user`, `worker`.
    #[serde(default, deserialize_with = "nullable")]
    pub groups: Vec<String>,
    /// When the account was made.
    pub date_joined: Option<String>,
    /// When they last signed in.
    pub last_login: Option<String>,
}

/// An organization.
#[derive(Clone, Debug, Deserialize)]
pub struct Organization {
    /// CVAT's number.
    pub id: i64,
    /// Short name; may have capitals and `_`.
    #[serde(default, deserialize_with = "nullable")]
    pub slug: String,
    /// Full name.
    pub name: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// `email`, `phoneNumber` and `location`, each optional, of any type.
    pub contact: Option<serde_json::Map<String, serde_json::Value>>,
    /// The owner. Null once that account is gone.
    pub owner: Option<Reference>,
    /// When it was created.
    pub created_date: Option<String>,
    /// When it last changed.
    pub updated_date: Option<String>,
}

/// A membership, or one to be: CVAT makes it when it invites.
#[derive(Clone, Debug, Deserialize)]
pub struct Membership {
    /// CVAT's number.
    pub id: i64,
    /// Who.
    pub user: Option<Reference>,
    /// Where.
    pub organization: Option<Reference>,
    /// `worker`, `supervisor`, `maintainer`, `owner`.
    #[serde(default, deserialize_with = "nullable")]
    pub role: String,
    /// False: an invitee who has not accepted.
    pub is_active: Option<bool>,
    /// When the member joined.
    pub joined_date: Option<String>,
    /// Key of the invitation.
    pub invitation: Option<String>,
}

/// An invitation.
#[derive(Clone, Debug, Deserialize)]
pub struct Invitation {
    /// Secret key, also named by the membership.
    pub key: String,
    /// Where to.
    pub organization: Option<Reference>,
    /// Who is invited.
    pub user: Option<Reference>,
    /// The inviter.
    pub owner: Option<Reference>,
    /// Role offered.
    #[serde(default, deserialize_with = "nullable")]
    pub role: String,
    /// When it was made.
    pub created_date: Option<String>,
    /// Whether it has run out. Null: never sent.
    pub expired: Option<bool>,
}

/// Names another row: by its number, or by an object with that number in it.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(untagged)]
pub enum Reference {
    /// `2`
    Number(i64),
    /// `{"id": 2, …}`
    Object {
        /// The number.
        id: i64,
    },
}

impl Reference {
    /// CVAT's number of the row.
    pub fn id(self) -> i64 {
        match self {
            Reference::Number(id) | Reference::Object { id } => id,
        }
    }
}

/// Null is as good as missing.
fn nullable<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(deserializer: D) -> Result<T, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}
