//! Table with a single row that describes the database.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::Connection;
use super::schema::installation;
use crate::domain::Result;

/// Returns whether the demo data, with its public passwords, was loaded into the database.
pub async fn is_demo(connection: &mut Connection) -> Result<bool> {
    Ok(installation::table.select(installation::demo).get_result(connection).await?)
}

/// Records that the demo data was loaded into the database.
pub async fn mark_demo(connection: &mut Connection) -> Result<()> {
    diesel::update(installation::table).set(installation::demo.eq(true)).execute(connection).await?;
    Ok(())
}
