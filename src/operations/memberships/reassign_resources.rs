//! Reassigns the resources of a user who leaves an organization: assignments are cleared, and owned resources go to the
//! owner of the organization.

use std::collections::HashMap;

use crate::domain::clock::Instant;
use crate::domain::{Result, UserId};
use crate::events::record;
use crate::operations::resources::events::{job_updated, project_updated, storage_updated, task_updated};
use crate::store::cloud_storages::CloudStorage;
use crate::store::jobs::Job;
use crate::store::organizations::Organization;
use crate::store::projects::Project;
use crate::store::tasks::Task;
use crate::store::{Connection, cloud_storages, jobs, projects, tasks};

/// Clears assignments and changes owners. The organization's row must be locked. The membership, if there is one, must
/// still exist: its deletion would clear the assignments without events.
pub(crate) async fn hand_over(
    tx: &mut Connection,
    organization: &Organization,
    user: UserId,
    actor: UserId,
    now: Instant,
) -> Result<()> {
    let (id, heir) = (organization.id, organization.owner_id);
    let by = Some(actor);
    let owner = |owner: UserId| if owner == user { heir } else { owner };
    let assignee = |assignee: Option<UserId>| assignee.filter(|assignee| *assignee != user);
    let mut events = Vec::new();

    let named = projects::naming(tx, id, user).await?;
    if !named.is_empty() {
        tx.queue(projects::hand_over(id, (user, heir), now));
    }
    for before in &named {
        let (owner_id, assignee_id) = (owner(before.owner_id), assignee(before.assignee_id));
        events.extend(project_updated(by, before, &Project { owner_id, assignee_id, ..before.clone() }));
    }

    let named = tasks::naming(tx, id, user).await?;
    if !named.is_empty() {
        tx.queue(tasks::hand_over(id, (user, heir), now));
        let ids: Vec<_> = named.iter().map(|task| task.id).collect();
        let places: HashMap<_, _> =
            tasks::find_many(tx, &ids).await?.into_iter().map(|found| (found.task.id, found.containers())).collect();
        for before in &named {
            let after =
                Task { owner_id: owner(before.owner_id), assignee_id: assignee(before.assignee_id), ..before.clone() };
            let outer = places.get(&before.id).map(Vec::as_slice).unwrap_or_default();
            events.extend(task_updated(by, before, &after, outer));
        }
    }

    let assigned = jobs::assigned_to(tx, id, user).await?;
    if !assigned.is_empty() {
        tx.queue(jobs::unassign(id, user, now));
        let ids: Vec<_> = assigned.iter().map(|job| job.id).collect();
        let places: HashMap<_, _> =
            jobs::find_many(tx, &ids).await?.into_iter().map(|found| (found.job.id, found.containers())).collect();
        for before in &assigned {
            let outer = places.get(&before.id).map(Vec::as_slice).unwrap_or_default();
            events.extend(job_updated(by, before, &Job { assignee_id: None, ..before.clone() }, outer));
        }
    }

    let owned = cloud_storages::owned_by(tx, id, user).await?;
    if !owned.is_empty() {
        tx.queue(cloud_storages::hand_over(id, (user, heir)));
    }
    for before in &owned {
        events.extend(storage_updated(by, before, &CloudStorage { owner_id: heir, ..before.clone() }));
    }
    record::record(tx, now, events).await
}
