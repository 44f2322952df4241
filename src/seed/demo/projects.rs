//! What the people of the demo world work on: so that each role sees something, and something else.

use crate::domain::resource::{CloudProvider, JobStage, JobState};

/// A workspace of the demo world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// The organization with that slug.
    Organization(&'static str),
    /// The personal workspace of the user with that username.
    Personal(&'static str),
}

use At::{Organization, Personal};

/// A cloud storage of the demo world.
#[derive(Clone, Copy, Debug)]
pub struct DemoStorage {
    /// Its workspace.
    pub at: At,
    /// Name, by which the works of the same workspace name it.
    pub name: &'static str,
    /// Whose cloud it is.
    pub provider: CloudProvider,
    /// Name of the bucket or container. Nothing in it exists.
    pub resource: &'static str,
    /// Username of its owner.
    pub owner: &'static str,
}

/// Who works on a job, its stage and its state.
pub type DemoJob = (Option<&'static str>, JobStage, JobState);

/// A task of the demo world.
#[derive(Clone, Copy, Debug)]
pub struct DemoTask {
    /// Name.
    pub name: &'static str,
    /// Username of its owner.
    pub owner: &'static str,
    /// Username of its assignee.
    pub assignee: Option<&'static str>,
    /// Its jobs.
    pub jobs: &'static [DemoJob],
}

/// A project of the demo world with its tasks; or tasks in no project.
#[derive(Clone, Copy, Debug)]
pub struct DemoProject {
    /// Its workspace.
    pub at: At,
    /// The project. None: the tasks are in none.
    pub project: Option<Plan>,
    /// The tasks.
    pub tasks: &'static [DemoTask],
}

/// What a project of the demo world is.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Name.
    pub name: &'static str,
    /// What it is about.
    pub description: &'static str,
    /// Username of its owner.
    pub owner: &'static str,
    /// Username of its assignee.
    pub assignee: Option<&'static str>,
    /// Name of the cloud storage that it reads from.
    pub source: Option<&'static str>,
    /// Name of the cloud storage that it writes to.
    pub target: Option<&'static str>,
}

const fn storage(
    at: At,
    name: &'static str,
    provider: CloudProvider,
    resource: &'static str,
    owner: &'static str,
) -> DemoStorage {
    DemoStorage { at, name, provider, resource, owner }
}

const fn piece(
    name: &'static str,
    owner: &'static str,
    assignee: Option<&'static str>,
    jobs: &'static [DemoJob],
) -> DemoTask {
    DemoTask { name, owner, assignee, jobs }
}

/// All cloud storages.
pub const STORAGES: &[DemoStorage] = &[
    storage(Organization("pixel-pals"), "Street footage", CloudProvider::AwsS3, "pixel-pals-footage", "mira"),
    storage(Organization("pixel-pals"), "Deliveries", CloudProvider::GoogleCloudStorage, "pixel-pals-out", "mira"),
    storage(Organization("northwind"), "Fleet recordings", CloudProvider::AwsS3, "northwind-fleet-eu", "samuel"),
    storage(Organization("northwind"), "Ground truth", CloudProvider::AzureBlob, "northwind-truth", "arjun"),
    storage(Organization("vision-lab"), "Scans", CloudProvider::GoogleCloudStorage, "vision-lab-scans", "rasmus"),
    storage(Personal("mira"), "Old hard disk", CloudProvider::AwsS3, "mira-attic", "mira"),
];

const NEW: (JobStage, JobState) = (JobStage::Annotation, JobState::New);
const BUSY: (JobStage, JobState) = (JobStage::Annotation, JobState::InProgress);
const ANNOTATED: (JobStage, JobState) = (JobStage::Annotation, JobState::Completed);
const IN_REVIEW: (JobStage, JobState) = (JobStage::Validation, JobState::InProgress);
const REJECTED: (JobStage, JobState) = (JobStage::Annotation, JobState::Rejected);
const REVIEWED: (JobStage, JobState) = (JobStage::Validation, JobState::Completed);
const ACCEPTED: (JobStage, JobState) = (JobStage::Acceptance, JobState::Completed);

const fn by(worker: &'static str, (stage, state): (JobStage, JobState)) -> DemoJob {
    (Some(worker), stage, state)
}

const fn open((stage, state): (JobStage, JobState)) -> DemoJob {
    (None, stage, state)
}

/// All works. Within the limits of a free plan, and one project below them, so that a newcomer can make one more.
pub const WORKS: &[DemoProject] = &[
    DemoProject {
        at: Organization("pixel-pals"),
        project: Some(Plan {
            name: "Street scenes",
            description: "People, bicycles and trams at four crossings.",
            owner: "tobias",
            assignee: Some("yuki"),
            source: Some("Street footage"),
            target: Some("Deliveries"),
        }),
        tasks: &[
            piece("Crossings, morning", "tobias", Some("femi"), &[by("femi", BUSY), by("lucia", NEW), open(NEW)]),
            piece("Crossings, evening", "yuki", Some("lucia"), &[by("lucia", IN_REVIEW), by("piotr", REVIEWED)]),
            piece("Trams", "tobias", None, &[by("piotr", ACCEPTED), by("femi", ACCEPTED)]),
        ],
    },
    DemoProject {
        at: Organization("pixel-pals"),
        project: Some(Plan {
            name: "Fruit",
            description: "Which of these apples would you buy?",
            owner: "yuki",
            assignee: None,
            source: None,
            target: Some("Deliveries"),
        }),
        tasks: &[piece("Apples", "yuki", None, &[by("noor", ANNOTATED), by("lucia", REJECTED)])],
    },
    DemoProject {
        at: Organization("pixel-pals"),
        project: None,
        tasks: &[piece("One cat, many sofas", "tobias", Some("noor"), &[open(NEW)])],
    },
    DemoProject {
        at: Organization("northwind"),
        project: Some(Plan {
            name: "Lane markings",
            description: "Perception. Solid, dashed, and what the weather left of them.",
            owner: "hana",
            assignee: Some("oliver"),
            source: Some("Fleet recordings"),
            target: Some("Ground truth"),
        }),
        tasks: &[
            piece(
                "Motorway, batch 1",
                "hana",
                Some("agnes.almgreve"),
                &[by("agnes.almgreve", ACCEPTED), by("bilal.bensouri", ACCEPTED)],
            ),
            piece(
                "Motorway, batch 2",
                "oliver",
                None,
                &[by("carmen.cordavez", BUSY), by("dmitri.drachenko", NEW), open(NEW), open(NEW)],
            ),
            piece("Tunnels", "oliver", Some("elena.estevao"), &[by("elena.estevao", IN_REVIEW)]),
        ],
    },
    DemoProject {
        at: Organization("northwind"),
        project: Some(Plan {
            name: "Night rain",
            description: "Validation. The recordings that nobody wants.",
            owner: "zeynep",
            assignee: None,
            source: Some("Fleet recordings"),
            target: None,
        }),
        tasks: &[
            piece("Headlights", "zeynep", Some("sofia"), &[by("sofia", BUSY), by("noor", NEW)]),
            piece("Puddles", "mateo", None, &[by("farid.farahmani", REJECTED)]),
        ],
    },
    DemoProject {
        at: Organization("vision-lab"),
        project: Some(Plan {
            name: "Retina vessels",
            description: "The tree of vessels, down to the third branch.",
            owner: "rasmus",
            assignee: Some("linh"),
            source: Some("Scans"),
            target: Some("Scans"),
        }),
        tasks: &[
            piece("Left eyes", "linh", Some("kwame"), &[by("kwame", BUSY), by("astrid", NEW)]),
            piece("Right eyes", "linh", Some("rohan"), &[by("rohan", REVIEWED), by("clara", IN_REVIEW)]),
        ],
    },
    DemoProject {
        at: Organization("vision-lab"),
        project: None,
        tasks: &[piece("Pilot of the new protocol", "pavel", Some("yuki"), &[by("yuki", ANNOTATED), open(NEW)])],
    },
    DemoProject {
        at: Personal("mira"),
        project: Some(Plan {
            name: "Holiday pictures",
            description: "Where was this?",
            owner: "mira",
            assignee: Some("mira"),
            source: Some("Old hard disk"),
            target: None,
        }),
        tasks: &[piece("Beaches", "mira", None, &[by("mira", BUSY)])],
    },
    DemoProject {
        at: Personal("nadim"),
        project: None,
        tasks: &[piece("Exercise", "nadim", Some("nadim"), &[by("nadim", NEW)])],
    },
];
