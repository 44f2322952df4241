//! Cloud storages, projects, tasks and jobs of the demo, chosen so that each role sees different rows.

use crate::domain::cloud_storage::CloudProvider;

use crate::domain::job::{JobStage, JobState};

/// A workspace of the demo.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// The organization with this slug.
    Organization(&'static str),
    /// The personal workspace of the user with this username.
    Personal(&'static str),
}

use At::{Organization, Personal};

/// A cloud storage of the demo.
#[derive(Clone, Copy, Debug)]
pub struct DemoStorage {
    /// Workspace of the storage.
    pub at: At,
    /// Name, by which projects of the same workspace refer to it.
    pub name: &'static str,
    /// Provider of the storage.
    pub provider: CloudProvider,
    /// Name of the bucket or container. It does not exist.
    pub resource: &'static str,
    /// Username of the owner.
    pub owner: &'static str,
}

/// Username of a job's assignee, its stage and its state.
pub type DemoJob = (Option<&'static str>, JobStage, JobState);

/// A task of the demo.
#[derive(Clone, Copy, Debug)]
pub struct DemoTask {
    /// Name of the task.
    pub name: &'static str,
    /// Username of the owner.
    pub owner: &'static str,
    /// Username of the assignee.
    pub assignee: Option<&'static str>,
    /// Jobs of the task.
    pub jobs: &'static [DemoJob],
}

/// A project of the demo with its tasks, or tasks without a project.
#[derive(Clone, Copy, Debug)]
pub struct DemoProject {
    /// Workspace of the project.
    pub at: At,
    /// The project. `None` if the tasks are in no project.
    pub project: Option<Plan>,
    /// Tasks of the project.
    pub tasks: &'static [DemoTask],
}

/// The fields of a project of the demo.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Name of the project.
    pub name: &'static str,
    /// Description of the project.
    pub description: &'static str,
    /// Username of the owner.
    pub owner: &'static str,
    /// Username of the assignee.
    pub assignee: Option<&'static str>,
    /// Name of the source storage.
    pub source: Option<&'static str>,
    /// Name of the target storage.
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

/// All projects and tasks, within the limits of a free plan with one project to spare, so that a new user can create
/// one.
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
