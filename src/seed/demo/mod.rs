//! Demo data: a team, an enterprise and a laboratory, with users in all four roles, in several organizations and in
//! none, and with projects, tasks and jobs. The passwords are public, so the database is marked, and `guildhall serve`
//! refuses it.

mod accounts;
mod organizations;
mod projects;
mod resources;
mod users;

pub use organizations::{DemoInvitation, DemoOrganization, INVITATIONS, ORGANIZATIONS};
pub use projects::{DemoJob, DemoProject, DemoStorage, DemoTask, DemoWorkspace, PROJECTS, ProjectFields, STORAGES};
pub use users::{DemoUser, PEOPLE};

use crate::domain::{InternalError, Result};
use crate::events::record;
use crate::operations::AppContext;
use crate::store::{Transactional, bulk_insert, installation};

/// Password of all accounts.
pub const PASSWORD: &str = "guildhall-demo";

/// Fills an empty database with the demo data, in one transaction. Returns false if the demo data is there already.
/// Fails if the database has other users.
pub async fn load(env: &AppContext) -> Result<bool> {
    if installation::is_demo(&mut *env.store.read().await?).await? {
        return Ok(false);
    }
    let now = env.clock.now();
    // One hash for all accounts: dozens would take seconds and protect nothing, because the password is public.
    let password_hash = env.passwords.hash(PASSWORD).await?;
    let (dataset, events) = accounts::dataset(now, env.rules.invitation_expiry, &password_hash);
    let mut connection = env.store.writer().await?;
    connection
        .transaction(async |tx| {
            if bulk_insert::lock_installation(tx).await? {
                return Ok(false);
            }
            if bulk_insert::has_users(tx).await? {
                return Err(InternalError::new("This database has users already: the demo needs an empty one.").into());
            }
            bulk_insert::insert(tx, &dataset).await?;
            for (at, event) in events {
                record::record(tx, at, vec![event]).await?;
            }
            installation::mark_demo(tx).await?;
            Ok(true)
        })
        .await
}
