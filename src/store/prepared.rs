//! Which statements are kept prepared on their connection. Diesel keeps those whose type tells their text, and prepares
//! everything else anew each time: updates, inserts, texts of SQL. Here these are kept by their text, so that a statement is
//! never taken for another whatever its text hangs on, such as on which of its values are there.

use diesel::QueryResult;
use diesel::pg::{Pg, PgQueryBuilder};
use diesel::query_builder::{AstPass, Query, QueryBuilder, QueryFragment, QueryId};

/// In bytes. Longer texts are those of many rows at once, of which there is one for each number of rows.
const LONGEST: usize = 2048;

/// A statement that is kept by its text.
pub(super) struct ByText<Q>(Q);

impl<Q: QueryFragment<Pg>> ByText<Q> {
    /// Such a statement, or what was given if that is kept anyway.
    pub fn unless_kept(statement: Q) -> Result<Self, Q> {
        match statement.is_safe_to_cache_prepared(&Pg) {
            Ok(true) => Err(statement),
            _ => Ok(Self(statement)),
        }
    }
}

impl<Q: QueryFragment<Pg>> QueryFragment<Pg> for ByText<Q> {
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.0.walk_ast(out)
    }

    fn is_safe_to_cache_prepared(&self, backend: &Pg) -> QueryResult<bool> {
        let mut text = PgQueryBuilder::default();
        self.0.to_sql(&mut text, backend)?;
        Ok(text.finish().len() <= LONGEST)
    }
}

/// Its type does not tell its text.
impl<Q> QueryId for ByText<Q> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Q: Query> Query for ByText<Q> {
    type SqlType = Q::SqlType;
}
