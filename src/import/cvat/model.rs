//! The fields of CVAT's REST API that the import uses. All except the IDs may be missing.

use serde::{Deserialize, Deserializer};

/// A user account.
#[derive(Clone, Debug, Deserialize)]
pub struct User {
    /// ID in CVAT.
    pub id: i64,
    /// URL of the user in the REST API.
    pub url: Option<String>,
    /// Username, unique and case-sensitive in CVAT.
    #[serde(default, deserialize_with = "nullable")]
    pub username: String,
    /// Given name.
    #[serde(default, deserialize_with = "nullable")]
    pub first_name: String,
    /// Family name.
    #[serde(default, deserialize_with = "nullable")]
    pub last_name: String,
    /// Email address. Often missing.
    pub email: Option<String>,
    /// False if an administrator has locked the account.
    pub is_active: Option<bool>,
    /// Whether this is a superuser of Django.
    #[serde(default, deserialize_with = "nullable")]
    pub is_superuser: bool,
    /// Platform privileges: `admin`, `user`, `worker`.
    #[serde(default, deserialize_with = "nullable")]
    pub groups: Vec<String>,
    /// Time of the account's creation.
    pub date_joined: Option<String>,
    /// Time of the last sign-in.
    pub last_login: Option<String>,
}

/// An organization.
#[derive(Clone, Debug, Deserialize)]
pub struct Organization {
    /// ID in CVAT.
    pub id: i64,
    /// Short name; may have capital letters and `_`.
    #[serde(default, deserialize_with = "nullable")]
    pub slug: String,
    /// Full name.
    pub name: Option<String>,
    /// Description.
    pub description: Option<String>,
    /// `email`, `phoneNumber` and `location`, each optional and of any type.
    pub contact: Option<serde_json::Map<String, serde_json::Value>>,
    /// The owner. Null if that account was deleted.
    pub owner: Option<Reference>,
    /// Time of its creation.
    pub created_date: Option<String>,
    /// Time of the last change.
    pub updated_date: Option<String>,
}

/// A membership; CVAT already creates it with the invitation.
#[derive(Clone, Debug, Deserialize)]
pub struct Membership {
    /// ID in CVAT.
    pub id: i64,
    /// The member.
    pub user: Option<Reference>,
    /// The organization.
    pub organization: Option<Reference>,
    /// `worker`, `supervisor`, `maintainer`, `owner`.
    #[serde(default, deserialize_with = "nullable")]
    pub role: String,
    /// False if the invitee has not accepted.
    pub is_active: Option<bool>,
    /// Time of joining.
    pub joined_date: Option<String>,
    /// Key of the invitation.
    pub invitation: Option<String>,
}

/// An invitation.
#[derive(Clone, Debug, Deserialize)]
pub struct Invitation {
    /// Secret key, which the membership contains too.
    pub key: String,
    /// The organization.
    pub organization: Option<Reference>,
    /// The invitee.
    pub user: Option<Reference>,
    /// The inviter.
    pub owner: Option<Reference>,
    /// Role offered.
    #[serde(default, deserialize_with = "nullable")]
    pub role: String,
    /// Time of its creation.
    pub created_date: Option<String>,
    /// Whether it has expired. Null if it was never sent.
    pub expired: Option<bool>,
}

/// A reference to another row: its ID, or an object with that ID.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(untagged)]
pub enum Reference {
    /// `2`
    Number(i64),
    /// `{"id": 2, …}`
    Object {
        /// The ID.
        id: i64,
    },
}

impl Reference {
    /// Returns the ID of the row in CVAT.
    pub fn id(self) -> i64 {
        match self {
            Reference::Number(id) | Reference::Object { id } => id,
        }
    }
}

/// Deserializes null like a missing field.
fn nullable<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(deserializer: D) -> Result<T, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}
