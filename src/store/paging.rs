//! Keyset paging: a page is a section of `(key, id)` in an index that has this order, so that its cost does not grow with
//! the list.

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::AstPass;
use diesel::serialize::ToSql;
use diesel::sql_types::{BigInt, HasSqlType};

use crate::domain::page::{Keyset, PageRequest};

/// The part of a list that is read for a [`PageRequest`]: one row more than asked for, which tells whether there are more.
#[derive(Debug)]
pub struct KeysetRange<K> {
    from: Option<Keyset<K>>,
    descending: bool,
    limit: i64,
}

impl<K> KeysetRange<K> {
    /// The part for a window of a list that goes up or down.
    pub fn of(window: PageRequest<K>, descending: bool) -> Self {
        let PageRequest { limit, backward, from } = window;
        Self { from, descending: descending != backward, limit: i64::from(limit) + 1 }
    }

    /// ` AND … ORDER BY … LIMIT …`, over the columns of the key and of the ID.
    ///
    /// Both are compared as one row: so the index begins at the right place, also where many keys are alike.
    pub fn walk<'b, ST>(&'b self, key: &str, id: &str, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()>
    where
        K: ToSql<ST, Pg>,
        Pg: HasSqlType<ST>,
    {
        if let Some(place) = &self.from {
            let beyond = if self.descending { "<" } else { ">" };
            out.push_sql(&format!(" AND ({key}, {id}) {beyond} ("));
            out.push_bind_param::<ST, _>(&place.key)?;
            out.push_sql(", ");
            out.push_bind_param::<diesel::sql_types::Uuid, _>(&place.id)?;
            out.push_sql(")");
        }
        let way = if self.descending { "DESC" } else { "ASC" };
        out.push_sql(&format!(" ORDER BY {key} {way}, {id} {way} LIMIT "));
        out.push_bind_param::<BigInt, _>(&self.limit)
    }

    /// The same of a list whose keys are all alike.
    pub fn walk_ids<'b>(&'b self, id: &str, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let (way, beyond) = if self.descending { ("DESC", "<") } else { ("ASC", ">") };
        if let Some(place) = &self.from {
            out.push_sql(&format!(" AND {id} {beyond} "));
            out.push_bind_param::<diesel::sql_types::Uuid, _>(&place.id)?;
        }
        out.push_sql(&format!(" ORDER BY {id} {way} LIMIT "));
        out.push_bind_param::<BigInt, _>(&self.limit)
    }
}
