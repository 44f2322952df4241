//! Changes a project's own fields, its assignee and its cloud storages.

use crate::auth::Actor;
use crate::domain::validation::{Patch, Validator};
use crate::domain::{ProjectId, Result, text};
use crate::events::record;
use crate::operations::AppContext;
use crate::operations::access::resources::LockedProject;
use crate::operations::idempotency::Idempotency;
use crate::operations::resources::assignment;
use crate::operations::resources::assignment::AssignmentPatch;
use crate::operations::resources::events::project_updated;
use crate::policy::Action;
use crate::store::projects::{self, Project};

/// The changes of a project.
pub struct Input {
    /// ID of the project.
    pub project_id: String,
    /// The name; cannot be cleared.
    pub name: Patch<String>,
    /// The description.
    pub description: Patch<String>,
    /// Assignee and cloud storages.
    pub wishes: assignment::Input,
}

/// Changes the project. Each given field needs its permission, even if its value does not change.
pub async fn update_project(env: &AppContext, actor: &Actor, input: Input, retry: &Idempotency) -> Result<ProjectId> {
    let mut check = Validator::default();
    let (Some(id), Some(name), Some(description), Some(mut wishes)) = (
        check.id("projectId", &input.project_id),
        check.change("name", input.name, |raw| text::required(&raw, 256)),
        check.field("description", input.description.try_map(|raw| text::optional_lines(Some(&raw), 4096))),
        AssignmentPatch::check(&mut check, input.wishes),
    ) else {
        return Err(check.refuse());
    };
    let now = env.clock.now();
    env.write(retry, async |tx| {
        let held = LockedProject::lock(tx, actor, id).await.map_err(|error| error.not_found_at("projectId"))?;
        wishes.find(tx, &held.locked).await?;
        if name.is_some() || description.is_set() || !wishes.are_given() {
            held.require(Action::ResourceUpdate)?;
        }
        if wishes.are_given() {
            held.require(Action::ResourceAssign)?;
        }
        wishes.require_possible(tx, &held.locked).await?;

        let before = held.project;
        let after = Project {
            name: name.unwrap_or_else(|| before.name.clone()),
            description: description.apply(before.description.clone()),
            assignee_id: wishes.assignee.apply(before.assignee_id),
            source_storage_id: wishes.source.apply(before.source_storage_id),
            target_storage_id: wishes.target.apply(before.target_storage_id),
            updated_at: now,
            ..before.clone()
        };
        if let Some(event) = project_updated(Some(held.locked.actor.id), &before, &after) {
            tx.queue(projects::update(&after));
            record::record(tx, now, vec![event]).await?;
        }
        Ok(id)
    })
    .await
}
