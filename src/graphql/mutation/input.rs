//! Converts inputs that several mutations share.

use async_graphql::{ID, MaybeUndefined};

use super::organizations::patch;
use crate::operations::resources::assignment;

/// Assignee and storages of a new project or task.
pub(super) fn chosen(assignee: Option<ID>, source: Option<ID>, target: Option<ID>) -> assignment::Input {
    let [assignee_id, source_storage_id, target_storage_id] =
        [assignee, source, target].map(|id| id.map(|id| id.0).into());
    assignment::Input { assignee_id, source_storage_id, target_storage_id }
}

/// Changes of the assignee and storages of a project or task.
pub(super) fn patched(
    assignee: MaybeUndefined<ID>,
    source: MaybeUndefined<ID>,
    target: MaybeUndefined<ID>,
) -> assignment::Input {
    let [assignee_id, source_storage_id, target_storage_id] =
        [assignee, source, target].map(|id| patch(id.map_value(|id| id.0)));
    assignment::Input { assignee_id, source_storage_id, target_storage_id }
}
