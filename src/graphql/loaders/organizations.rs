//! Organizations as the viewer may see them, and their names for invitees.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::dataloader::Loader;

use super::{DbLoader, Loaded, fault};
use crate::domain::{InternalError, OrganizationId};
use crate::store::organizations::{self, By, NamedOrganization, OrganizationForViewer};

/// Organizations as the viewer may see them. Without a viewer there are none.
impl Loader<OrganizationId> for DbLoader {
    type Value = OrganizationForViewer;
    type Error = Arc<InternalError>;

    async fn load(&self, ids: &[OrganizationId]) -> Loaded<OrganizationId, OrganizationForViewer> {
        let Some(viewer) = self.viewer() else { return Ok(HashMap::new()) };
        let connection = &mut *self.connection().await?;
        let seen = organizations::seen(connection, viewer, By::Ids(ids), self.now).await.map_err(fault)?;
        Ok(seen.into_iter().map(|seen| (seen.organization.id, seen)).collect())
    }
}

/// Key of the names of an organization, which the holders of an invitation to it may know.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct OrganizationName(pub OrganizationId);

impl Loader<OrganizationName> for DbLoader {
    type Value = NamedOrganization;
    type Error = Arc<InternalError>;

    async fn load(&self, asked: &[OrganizationName]) -> Loaded<OrganizationName, NamedOrganization> {
        let ids: Vec<OrganizationId> = asked.iter().map(|asked| asked.0).collect();
        let found = organizations::names(&mut *self.connection().await?, &ids).await.map_err(fault)?;
        Ok(found.into_iter().map(|named| (OrganizationName(named.id), named)).collect())
    }
}
