//! Keyset paging: a page is a range of `(key, id)` in an index with this order, so its cost does not grow with the
//! list.

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::AstPass;
use diesel::serialize::ToSql;
use diesel::sql_types::{BigInt, HasSqlType};

use crate::domain::page::{Keyset, PageRequest};

/// Range of a list that is read for a [`PageRequest`]: one row more than requested, which shows whether the list
/// continues.
#[derive(Debug)]
pub struct KeysetRange<K> {
    from: Option<Keyset<K>>,
    descending: bool,
    limit: i64,
}

impl<K> KeysetRange<K> {
    /// Returns the range for a page of a list in ascending or descending order.
    pub fn of(window: PageRequest<K>, descending: bool) -> Self {
        let PageRequest { limit, backward, from } = window;
        Self { from, descending: descending != backward, limit: i64::from(limit) + 1 }
    }

    /// Writes ` AND … ORDER BY … LIMIT …` over the columns of the key and the ID.
    ///
    /// Both are compared as one row, so the index scan begins at the right row even if many keys are equal.
    pub fn walk<'b, ST>(&'b self, key: &str, id: &str, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()>
    where
        K: ToSql<ST, Pg>,
        Pg: HasSqlType<ST>,
    {
        if let Some(keyset) = &self.from {
            let operator = if self.descending { "<" } else { ">" };
            out.push_sql(&format!(" AND ({key}, {id}) {operator} ("));
            out.push_bind_param::<ST, _>(&keyset.key)?;
            out.push_sql(", ");
            out.push_bind_param::<diesel::sql_types::Uuid, _>(&keyset.id)?;
            out.push_sql(")");
        }
        let direction = if self.descending { "DESC" } else { "ASC" };
        out.push_sql(&format!(" ORDER BY {key} {direction}, {id} {direction} LIMIT "));
        out.push_bind_param::<BigInt, _>(&self.limit)
    }

    /// Writes the same clauses for a list whose keys are all equal, over the ID alone.
    pub fn walk_ids<'b>(&'b self, id: &str, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let (direction, operator) = if self.descending { ("DESC", "<") } else { ("ASC", ">") };
        if let Some(keyset) = &self.from {
            out.push_sql(&format!(" AND {id} {operator} "));
            out.push_bind_param::<diesel::sql_types::Uuid, _>(&keyset.id)?;
        }
        out.push_sql(&format!(" ORDER BY {id} {direction} LIMIT "));
        out.push_bind_param::<BigInt, _>(&self.limit)
    }
}
