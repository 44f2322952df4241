//! The four roles of a member, from least to most powerful.

use super::named_enum::named_enum;

named_enum! {
    /// A member's role; the order of the variants is that of power.
    #[derive(PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
    #[serde(rename_all = "SCREAMING_SNAKE_CASE")]
    pub enum Role {
        /// Works on assigned resources.
        Worker = "WORKER",
        /// Also creates and assigns projects and tasks.
        Supervisor = "SUPERVISOR",
        /// Administers everything except deletion, billing, the owner and other maintainers.
        Maintainer = "MAINTAINER",
        /// Has every permission. Every organization has exactly one owner.
        Owner = "OWNER",
    }
}

impl Role {
    /// Returns the roles below this one.
    pub fn below(self) -> impl Iterator<Item = Role> {
        Self::ALL.into_iter().filter(move |role| *role < self)
    }

    /// Returns a sentence that describes the role to users.
    pub fn description(self) -> &'static str {
        match self {
            Role::Worker => "Works on what is assigned to them.",
            Role::Supervisor => "Creates and assigns projects and tasks, besides.",
            Role::Maintainer => "Administers everything but deletion, billing, the owner and other maintainers.",
            Role::Owner => "May do all. Every organization has exactly one owner at any time.",
        }
    }
}
