//! Creates a project that the caller owns.

use crate::auth::Actor;
use crate::domain::limit::LimitKind;
use crate::domain::validation::Validator;
use crate::domain::{ProjectId, Result, ids, text};
use crate::events::record;
use crate::operations::AppContext;
use crate::operations::access::resources::lock_to_create;
use crate::operations::idempotency::Idempotency;
use crate::operations::plans::quota::check_quota;
use crate::operations::resources::assignment;
use crate::operations::resources::assignment::AssignmentPatch;
use crate::operations::resources::events::project_created;
use crate::policy::{Action, Target};
use crate::store::projects::{self, Project};

/// The new project.
pub struct Input {
    /// ID of the project's workspace.
    pub workspace_id: String,
    /// The project's name.
    pub name: String,
    /// The project's description.
    pub description: Option<String>,
    /// Assignee and cloud storages.
    pub wishes: assignment::Input,
}

/// Creates the project. Its creator is its owner, and so may assign it.
pub async fn create_project(env: &AppContext, actor: &Actor, input: Input, retry: &Idempotency) -> Result<ProjectId> {
    let mut check = Validator::default();
    let (Some(workspace), Some(name), Some(description), Some(mut wishes)) = (
        check.workspace("workspaceId", &input.workspace_id),
        check.field("name", text::required(&input.name, 256)),
        check.field("description", text::optional_lines(input.description.as_deref(), 4096)),
        AssignmentPatch::check(&mut check, input.wishes),
    ) else {
        return Err(check.refuse());
    };
    let now = env.clock.now();
    env.write(retry, async |tx| {
        let locked = lock_to_create(tx, actor, workspace).await.map_err(|error| error.not_found_at("workspaceId"))?;
        wishes.find(tx, &locked).await?;
        locked.require(Action::ProjectCreate, &Target::default(), "workspace")?;
        wishes.require_possible(tx, &locked).await?;
        check_quota(env, tx, workspace, LimitKind::Projects, 1, now).await?;
        locked.lock_actor(tx).await?;

        let project = Project {
            id: ids::new_id(now),
            workspace_id: workspace.uuid(),
            organization_id: workspace.organization(),
            owner_id: locked.actor.id,
            assignee_id: wishes.assignee.apply(None),
            name,
            description,
            source_storage_id: wishes.source.apply(None),
            target_storage_id: wishes.target.apply(None),
            created_at: now,
            updated_at: now,
        };
        tx.queue(projects::insert(&project));
        record::record(tx, now, vec![project_created(locked.actor.id, &project)]).await?;
        Ok(project.id)
    })
    .await
}
