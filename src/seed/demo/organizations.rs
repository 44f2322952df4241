//! The organizations of the demo world and the invitations that nobody has accepted.

use crate::domain::Role;
use crate::domain::invitation::InvitationStatus;
use crate::domain::plan::BillingInterval;

/// An organization of the demo world.
#[derive(Clone, Copy, Debug)]
pub struct DemoOrganization {
    /// Its slug.
    pub slug: &'static str,
    /// Its full name.
    pub name: &'static str,
    /// What it is for.
    pub description: &'static str,
    /// Where it is.
    pub location: &'static str,
    /// Phone number.
    pub phone: Option<&'static str>,
    /// Contact address.
    pub email: &'static str,
    /// How many days ago it was created.
    pub age: i64,
    /// How often its plan is paid.
    pub paid: BillingInterval,
    /// How many seats are bought. None: as many as there are members.
    pub seats: Option<i32>,
}

/// All organizations. Each has the plan TEAM, and its owner SOLO, so that there is room to try things.
pub const PLACES: &[DemoOrganization] = &[
    DemoOrganization {
        slug: "pixel-pals",
        name: "Pixel Pals",
        description: "A small annotation team: street scenes, fruit, the occasional cat.",
        location: "Gothenburg",
        phone: None,
        email: "hello@pixel-pals.example.org",
        age: 240,
        paid: BillingInterval::Month,
        seats: Some(15),
    },
    DemoOrganization {
        slug: "northwind",
        name: "Northwind Autonomy",
        description: "Data for driver assistance. Departments: perception, mapping, validation.\nEach has a lead, project managers, and its own annotation teams.",
        location: "Hall 4, Harbour Road 12, Rotterdam",
        phone: Some("+31 10 555 0142"),
        email: "data-office@northwind.example.org",
        age: 420,
        paid: BillingInterval::Year,
        seats: None,
    },
    DemoOrganization {
        slug: "vision-lab",
        name: "Vision Lab",
        description: "A university research group for medical imaging. Students manage the datasets.",
        location: "Building C, room 3.17",
        phone: Some("+30 21 5550 0177"),
        email: "vision-lab@example.org",
        age: 150,
        paid: BillingInterval::Year,
        seats: Some(20),
    },
];

/// An invitation that was not accepted.
#[derive(Clone, Copy, Debug)]
pub struct DemoInvitation {
    /// Slug of the organization.
    pub slug: &'static str,
    /// Who was invited.
    pub email: &'static str,
    /// Role offered.
    pub role: Role,
    /// Username of the inviter.
    pub inviter: &'static str,
    /// Words of the inviter.
    pub message: Option<&'static str>,
    /// What became of it.
    pub status: InvitationStatus,
}

const fn offer(
    slug: &'static str,
    email: &'static str,
    role: Role,
    inviter: &'static str,
    message: Option<&'static str>,
    status: InvitationStatus,
) -> DemoInvitation {
    DemoInvitation { slug, email, role, inviter, message, status }
}

use InvitationStatus::{Declined, Expired, Pending, Revoked};

/// Invitations that were not accepted: pending ones to accounts and to newcomers, and one or more of every other end.
pub const OFFERS: &[DemoInvitation] = &[
    offer("pixel-pals", "nadim@example.org", Role::Worker, "mira", Some("We could use your eyes for fruit."), Pending),
    offer("pixel-pals", "newcomer@example.org", Role::Supervisor, "mira", None, Pending),
    offer("pixel-pals", "kwame@example.org", Role::Worker, "mira", None, Declined),
    offer("northwind", "nadim@example.org", Role::Supervisor, "samuel", None, Pending),
    offer("northwind", "pia@example.org", Role::Worker, "arjun", Some("Welcome to validation!"), Pending),
    offer("northwind", "temp.one@example.org", Role::Worker, "arjun", None, Expired),
    offer("northwind", "temp.two@example.org", Role::Worker, "arjun", None, Expired),
    offer("northwind", "wrong.person@example.org", Role::Maintainer, "greta", None, Revoked),
    offer(
        "vision-lab",
        "visiting.fellow@example.org",
        Role::Maintainer,
        "eleni",
        Some("For the summer term."),
        Pending,
    ),
    offer("vision-lab", "former.student@example.org", Role::Worker, "rasmus", None, Expired),
];
