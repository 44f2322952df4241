//! What a database is for: the one row of `installation`.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::Connection;
use super::schema::installation;
use crate::domain::Result;

/// Whether the demo world, with its public passwords, was loaded into this database.
pub async fn is_demo(connection: &mut Connection) -> Result<bool> {
    Ok(installation::table.select(installation::demo).get_result(connection).await?)
}

/// Marks the database as one with the demo world in it.
pub async fn mark_demo(connection: &mut Connection) -> Result<()> {
    diesel::update(installation::table).set(installation::demo.eq(true)).execute(connection).await?;
    Ok(())
}
