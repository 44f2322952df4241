//! The four roles of a member, from least to most powerful.

/// A member's role; the order of the variants is that of power.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    diesel::expression::AsExpression,
    diesel::deserialize::FromSqlRow,
    serde::Serialize,
    serde::Deserialize,
)]
#[diesel(sql_type = super::sql_types::MemberRole)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Role {
    /// Works on what is assigned to them.
    Worker,
    /// Creates and assigns projects and tasks, besides.
    Supervisor,
    /// Administers everything but deletion, billing, the owner and other maintainers.
    Maintainer,
    /// May do all. Every organization has exactly one.
    Owner,
}

impl Role {
    /// All of them, from least to most powerful.
    pub const ALL: [Role; 4] = [Role::Worker, Role::Supervisor, Role::Maintainer, Role::Owner];

    /// Those strictly below this one.
    pub fn below(self) -> impl Iterator<Item = Role> {
        Self::ALL.into_iter().filter(move |role| *role < self)
    }

    /// What the role is for, in a sentence for people.
    pub fn purpose(self) -> &'static str {
        match self {
            Role::Worker => "Works on what is assigned to them.",
            Role::Supervisor => "Creates and assigns projects and tasks, besides.",
            Role::Maintainer => "Administers everything but deletion, billing, the owner and other maintainers.",
            Role::Owner => "May do all. Every organization has exactly one owner at any time.",
        }
    }

    /// The role with that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }

    /// Its name in the schema and the database.
    pub fn name(self) -> &'static str {
        match self {
            Role::Worker => "WORKER",
            Role::Supervisor => "SUPERVISOR",
            Role::Maintainer => "MAINTAINER",
            Role::Owner => "OWNER",
        }
    }
}
