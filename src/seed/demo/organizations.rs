//! The organizations of the demo, and the invitations that were not accepted.

use crate::domain::Role;
use crate::domain::invitation::InvitationStatus;
use crate::domain::plan::BillingInterval;

/// An organization of the demo.
#[derive(Clone, Copy, Debug)]
pub struct DemoOrganization {
    /// Slug.
    pub slug: &'static str,
    /// Full name.
    pub name: &'static str,
    /// Description.
    pub description: &'static str,
    /// Location.
    pub location: &'static str,
    /// Phone number.
    pub phone: Option<&'static str>,
    /// Contact email address.
    pub email: &'static str,
    /// Age in days.
    pub age: i64,
    /// Billing interval of its plan.
    pub paid: BillingInterval,
    /// Number of seats. `None` means as many as there are members.
    pub seats: Option<i32>,
}

/// All organizations. Each has the plan TEAM, and its owner SOLO, so that users can add members and rows.
pub const ORGANIZATIONS: &[DemoOrganization] = &[
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
    /// Email address of the invitee.
    pub email: &'static str,
    /// Role offered.
    pub role: Role,
    /// Username of the inviter.
    pub inviter: &'static str,
    /// Message of the inviter.
    pub message: Option<&'static str>,
    /// Status of the invitation.
    pub status: InvitationStatus,
}

const fn invitation(
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

/// Invitations that were not accepted: pending ones to accounts and to new users, and at least one of every other
/// status.
pub const INVITATIONS: &[DemoInvitation] = &[
    invitation(
        "pixel-pals",
        "nadim@example.org",
        Role::Worker,
        "mira",
        Some("We could use your eyes for fruit."),
        Pending,
    ),
    invitation("pixel-pals", "newcomer@example.org", Role::Supervisor, "mira", None, Pending),
    invitation("pixel-pals", "kwame@example.org", Role::Worker, "mira", None, Declined),
    invitation("northwind", "nadim@example.org", Role::Supervisor, "samuel", None, Pending),
    invitation("northwind", "pia@example.org", Role::Worker, "arjun", Some("Welcome to validation!"), Pending),
    invitation("northwind", "temp.one@example.org", Role::Worker, "arjun", None, Expired),
    invitation("northwind", "temp.two@example.org", Role::Worker, "arjun", None, Expired),
    invitation("northwind", "wrong.person@example.org", Role::Maintainer, "greta", None, Revoked),
    invitation(
        "vision-lab",
        "visiting.fellow@example.org",
        Role::Maintainer,
        "eleni",
        Some("For the summer term."),
        Pending,
    ),
    invitation("vision-lab", "former.student@example.org", Role::Worker, "rasmus", None, Expired),
];
