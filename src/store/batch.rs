//! Runs statements of one text for those who asked for them, as one statement where they go together.

use diesel::QueryResult;
use diesel::result::Error;
use diesel::row::{Field, Row as _};
use diesel_async::AsyncConnectionCore;
use futures_util::TryStreamExt;
use futures_util::future::join_all;

use super::catalog::Catalog;
use super::connection::Row;
use super::statement::Statement;
use super::{Connection, together};

/// Runs statements of one text, and tells which rows each of them found.
pub(super) async fn load(
    connection: &Connection,
    catalog: &Catalog,
    statements: &[Statement],
) -> QueryResult<Vec<Vec<Row>>> {
    if statements.len() > 1
        && let Some(one) = together::statement(statements, catalog)
    {
        let mut found: Vec<Vec<Row>> = statements.iter().map(|_| Vec::new()).collect();
        for row in rows(connection, one).await? {
            let whose = place(&row).and_then(|place| found.get_mut(place - 1));
            whose.ok_or_else(|| Error::DeserializationError("a row of nobody in a batch".into()))?.push(row);
        }
        return Ok(found);
    }
    let one = |statement: &Statement| Statement { text: catalog.forms(statement).one.clone(), ..statement.clone() };
    // All of them come to their ends, whatever becomes of one.
    join_all(statements.iter().map(|statement| rows(connection, one(statement)))).await.into_iter().collect()
}

/// Statements of one text, as few as they can be.
pub(super) fn joined(catalog: &Catalog, statements: Vec<Statement>) -> Vec<Statement> {
    let one = if statements.len() > 1 { together::statement(&statements, catalog) } else { None };
    one.map_or(statements, |one| vec![one])
}

/// Runs one statement.
pub(super) async fn rows(mut connection: &Connection, statement: Statement) -> QueryResult<Vec<Row>> {
    AsyncConnectionCore::load(&mut connection, statement).await?.try_collect().await
}

/// Runs one statement, and tells how many rows it found.
pub(super) async fn execute(mut connection: &Connection, statement: Statement) -> QueryResult<usize> {
    AsyncConnectionCore::execute_returning_count(&mut connection, statement).await
}

/// Whose row it is, from 1: that stands in the last column.
fn place(row: &Row) -> Option<usize> {
    let field = row.get(row.field_count().checked_sub(1)?)?;
    let bytes = field.value()?.as_bytes().try_into().ok()?;
    usize::try_from(i64::from_be_bytes(bytes)).ok().filter(|place| *place > 0)
}
