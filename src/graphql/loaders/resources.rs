//! Projects, tasks, jobs and cloud storages: by ID, and pages and counts of their lists.

use std::collections::HashMap;
use std::marker::PhantomData;
use std::sync::Arc;

use async_graphql::dataloader::Loader;
use uuid::Uuid;

use super::{DbLoader, Loaded, fault, load_by_id};
use crate::domain::{CloudStorageId, InternalError, JobId, ProjectId, TaskId};
use crate::store::cloud_storages::{self, CloudStorage};
use crate::store::jobs::{self, JobInTask};
use crate::store::projects::{self, Project};
use crate::store::resource_lists::{self, List, ListableResource, ResourcePage};
use crate::store::tasks::{self, TaskInProject};

load_by_id!(ProjectId, Project, projects::find_many, |project: &Project| project.id);
load_by_id!(TaskId, TaskInProject, tasks::find_many, |found: &TaskInProject| found.task.id);
load_by_id!(JobId, JobInTask, jobs::find_many, |found: &JobInTask| found.job.id);
load_by_id!(CloudStorageId, CloudStorage, cloud_storages::find_many, |storage: &CloudStorage| storage.id);

/// Key of a page of a list of resources within one parent. `I` is the type of their IDs.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ListPage<I> {
    /// The parent.
    parent: Uuid,
    /// The list and the range of the page.
    part: Arc<ResourcePage>,
    kind: PhantomData<I>,
}

impl<I> ListPage<I> {
    /// Returns the key of a page within `parent`.
    pub fn new(parent: Uuid, part: Arc<ResourcePage>) -> Self {
        Self { parent, part, kind: PhantomData }
    }
}

/// One statement loads the same page of several parents, with the same rights.
impl<I: ListableResource> Loader<ListPage<I>> for DbLoader {
    type Value = Vec<I::Row>;
    type Error = Arc<InternalError>;

    async fn load(&self, asked: &[ListPage<I>]) -> Loaded<ListPage<I>, Vec<I::Row>> {
        let mut alike: HashMap<&Arc<ResourcePage>, Vec<Uuid>> = HashMap::new();
        for page in asked {
            alike.entry(&page.part).or_default().push(page.parent);
        }
        let mut found: HashMap<ListPage<I>, Vec<I::Row>> = HashMap::new();
        let connection = &mut *self.connection().await?;
        for (part, parents) in alike {
            for (parent, row) in resource_lists::pages::<I>(connection, &parents, part).await.map_err(fault)? {
                found.entry(ListPage::new(parent, part.clone())).or_default().push(row);
            }
        }
        Ok(found)
    }
}

/// Key of the number of entries of a list of resources within one parent.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ListCount {
    /// The parent.
    pub parent: Uuid,
    /// The list.
    pub list: Arc<List>,
}

/// One statement counts the same list of several parents, with the same rights.
impl Loader<ListCount> for DbLoader {
    type Value = i64;
    type Error = Arc<InternalError>;

    async fn load(&self, asked: &[ListCount]) -> Loaded<ListCount, i64> {
        let mut alike: HashMap<&Arc<List>, Vec<Uuid>> = HashMap::new();
        for count in asked {
            alike.entry(&count.list).or_default().push(count.parent);
        }
        let mut found = HashMap::new();
        let connection = &mut *self.connection().await?;
        for (list, parents) in alike {
            let counts = resource_lists::counts(connection, &parents, list).await.map_err(fault)?;
            found.extend(counts.into_iter().map(|(parent, count)| (ListCount { parent, list: list.clone() }, count)));
        }
        Ok(found)
    }
}
