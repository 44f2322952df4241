//! The fields that projects and tasks have in common: the assignee and the cloud storages.

use crate::domain::validation::{Patch, Validator};
use crate::domain::{CloudStorageId, Code, Error, Refusal, Result, UserId, WorkspaceId};
use crate::operations::access::resources::look_for_storage;
use crate::operations::access::workspace::LockedWorkspace;
use crate::store::{Connection, memberships};

const ASSIGNEE: &str = "assigneeId";
const SOURCE: &str = "sourceStorageId";
const TARGET: &str = "targetStorageId";

/// The requested changes, as the client sent them.
pub struct Input {
    /// ID of the assignee.
    pub assignee_id: Patch<String>,
    /// ID of the cloud storage to read from.
    pub source_storage_id: Patch<String>,
    /// ID of the cloud storage to write to.
    pub target_storage_id: Patch<String>,
}

/// The requested changes, parsed.
pub struct AssignmentPatch {
    /// The assignee.
    pub assignee: Patch<UserId>,
    /// The cloud storage to read from.
    pub source: Patch<CloudStorageId>,
    /// The cloud storage to write to.
    pub target: Patch<CloudStorageId>,
    /// The fields that name a cloud storage of another workspace; filled by [`AssignmentPatch::find`].
    elsewhere: Vec<&'static str>,
}

impl AssignmentPatch {
    /// Checks the form of the input.
    pub fn check(check: &mut Validator, input: Input) -> Option<Self> {
        let assignee = check.patch_id(ASSIGNEE, input.assignee_id);
        let source = check.patch_id(SOURCE, input.source_storage_id);
        let target = check.patch_id(TARGET, input.target_storage_id);
        Some(Self { assignee: assignee?, source: source?, target: target?, elsewhere: Vec::new() })
    }

    /// Whether any change is requested.
    pub fn are_given(&self) -> bool {
        self.assignee.is_set() || self.source.is_set() || self.target.is_set()
    }

    /// Looks up the cloud storages. NOT_FOUND for those that the actor cannot see.
    pub async fn find(&mut self, tx: &Connection, locked: &LockedWorkspace) -> Result<()> {
        let named = [(SOURCE, &self.source), (TARGET, &self.target)];
        let named: Vec<_> = named.into_iter().filter_map(|(field, patch)| Some((field, *patch.value()?))).collect();
        let mut missing = Vec::new();
        for (field, id) in named {
            match look_for_storage(tx, &locked.by, id).await.map_err(|error| error.not_found_at(field)) {
                Ok(storage) if storage.workspace() == locked.id => {}
                Ok(_) => self.elsewhere.push(field),
                Err(Error::Refused(refusals)) => missing.extend(refusals),
                Err(other) => return Err(other),
            }
        }
        if missing.is_empty() { Ok(()) } else { Err(Error::Refused(missing)) }
    }

    /// DIFFERENT_WORKSPACE for cloud storages of another workspace, ASSIGNEE_NOT_ELIGIBLE for an assignee outside of
    /// this one.
    pub async fn require_possible(&self, tx: &mut Connection, locked: &LockedWorkspace) -> Result<()> {
        let message = "This cloud storage belongs to another workspace.";
        let elsewhere = self.elsewhere.iter().map(|field| Refusal::new(Code::DifferentWorkspace, message).at(field));
        let mut refusals: Vec<_> = elsewhere.collect();
        refusals.extend(ineligible(tx, locked, &self.assignee).await?);
        if refusals.is_empty() { Ok(()) } else { Err(Error::Refused(refusals)) }
    }
}

/// Returns ASSIGNEE_NOT_ELIGIBLE unless the assignee belongs to the workspace. Unknown users get the same refusal.
pub async fn ineligible(
    tx: &mut Connection,
    locked: &LockedWorkspace,
    assignee: &Patch<UserId>,
) -> Result<Option<Refusal>> {
    let Patch::Set(assignee) = *assignee else { return Ok(None) };
    let (eligible, message) = match locked.id {
        WorkspaceId::Organization(organization) => (
            memberships::of(tx, organization, assignee).await?.is_some(),
            "Work can be assigned to members of the organization only.",
        ),
        WorkspaceId::Personal(user) => {
            (user == assignee, "In a personal workspace, work can be assigned to its user only.")
        }
    };
    Ok((!eligible).then(|| Refusal::new(Code::AssigneeNotEligible, message).at(ASSIGNEE)))
}
