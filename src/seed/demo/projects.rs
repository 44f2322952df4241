//! Cloud storages, projects, tasks and jobs of the demo, chosen so that each role sees different rows.

use crate::domain::cloud_storage::CloudProvider;

use crate::domain::job::{JobStage, JobState};

/// A workspace of the demo.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DemoWorkspace {
    /// The organization with this slug.
    Organization(&'static str),
    /// The personal workspace of the user with this username.
    Personal(&'static str),
}

use DemoWorkspace::{Organization, Personal};

/// A cloud storage of the demo.
#[derive(Clone, Copy, Debug)]
pub struct DemoStorage {
    /// Workspace of the storage.
    pub workspace: DemoWorkspace,
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
    pub workspace: DemoWorkspace,
    /// The project. `None` if the tasks are in no project.
    pub project: Option<ProjectFields>,
    /// Tasks of the project.
    pub tasks: &'static [DemoTask],
}

/// The fields of a project of the demo.
#[derive(Clone, Copy, Debug)]
pub struct ProjectFields {
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
    workspace: DemoWorkspace,
    name: &'static str,
    provider: CloudProvider,
    resource: &'static str,
    owner: &'static str,
) -> DemoStorage {
    DemoStorage { workspace, name, provider, resource, owner }
}

const fn task(
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
pub const PROJECTS: &[DemoProject] = &[
    DemoProject {
        workspace: Organization("pixel-pals"),
        project: Some(ProjectFields {
            name: "Street scenes",
            description: "People, bicycles and trams at four crossings.",
            owner: "tobias",
            assignee: Some("yuki"),
            source: Some("Street footage"),
            target: Some("Deliveries"),
        }),
        tasks: &[
            task("Crossings, morning", "tobias", Some("femi"), &[by("femi", BUSY), by("lucia", NEW), open(NEW)]),
            task("Crossings, evening", "yuki", Some("lucia"), &[by("lucia", IN_REVIEW), by("piotr", REVIEWED)]),
            task("Trams", "tobias", None, &[by("piotr", ACCEPTED), by("femi", ACCEPTED)]),
        ],
    },
    DemoProject {
        workspace: Organization("pixel-pals"),
        project: Some(ProjectFields {
            name: "Fruit",
            description: "Which of these apples would you buy?",
            owner: "yuki",
            assignee: None,
            source: None,
            target: Some("Deliveries"),
        }),
        tasks: &[task("Apples", "yuki", None, &[by("noor", ANNOTATED), by("lucia", REJECTED)])],
    },
    DemoProject {
        workspace: Organization("pixel-pals"),
        project: None,
        tasks: &[task("One cat, many sofas", "tobias", Some("noor"), &[open(NEW)])],
    },
    DemoProject {
        workspace: Organization("northwind"),
        project: Some(ProjectFields {
            name: "Lane markings",
            description: "Perception. Solid, dashed, and what the weather left of them.",
            owner: "hana",
            assignee: Some("oliver"),
            source: Some("Fleet recordings"),
            target: Some("Ground truth"),
        }),
        tasks: &[
            task(
                "Motorway, batch 1",
                "hana",
                Some("agnes.almgreve"),
                &[by("agnes.almgreve", ACCEPTED), by("bilal.bensouri", ACCEPTED)],
            ),
            task(
                "Motorway, batch 2",
                "oliver",
                None,
                &[by("carmen.cordavez", BUSY), by("dmitri.drachenko", NEW), open(NEW), open(NEW)],
            ),
            task("Tunnels", "oliver", Some("elena.estevao"), &[by("elena.estevao", IN_REVIEW)]),
        ],
    },
    DemoProject {
        workspace: Organization("northwind"),
        project: Some(ProjectFields {
            name: "Night rain",
            description: "Validation. The recordings that nobody wants.",
            owner: "zeynep",
            assignee: None,
            source: Some("Fleet recordings"),
            target: None,
        }),
        tasks: &[
            task("Headlights", "zeynep", Some("sofia"), &[by("sofia", BUSY), by("noor", NEW)]),
            task("Puddles", "mateo", None, &[by("farid.farahmani", REJECTED)]),
        ],
    },
    DemoProject {
        workspace: Organization("vision-lab"),
        project: Some(ProjectFields {
            name: "Retina vessels",
            description: "The tree of vessels, down to the third branch.",
            owner: "rasmus",
            assignee: Some("linh"),
            source: Some("Scans"),
            target: Some("Scans"),
        }),
        tasks: &[
            task("Left eyes", "linh", Some("kwame"), &[by("kwame", BUSY), by("astrid", NEW)]),
            task("Right eyes", "linh", Some("rohan"), &[by("rohan", REVIEWED), by("clara", IN_REVIEW)]),
        ],
    },
    DemoProject {
        workspace: Organization("vision-lab"),
        project: None,
        tasks: &[task("Pilot of the new protocol", "pavel", Some("yuki"), &[by("yuki", ANNOTATED), open(NEW)])],
    },
    DemoProject {
        workspace: Personal("mira"),
        project: Some(ProjectFields {
            name: "Holiday pictures",
            description: "Where was this?",
            owner: "mira",
            assignee: Some("mira"),
            source: Some("Old hard disk"),
            target: None,
        }),
        tasks: &[task("Beaches", "mira", None, &[by("mira", BUSY)])],
    },
    DemoProject {
        workspace: Personal("nadim"),
        project: None,
        tasks: &[task("Exercise", "nadim", Some("nadim"), &[by("nadim", NEW)])],
    },
];
