//! A statement as its text and its values: what is left of one that is not sent at once, or together with others like it.

use std::sync::Arc;

use diesel::QueryResult;
use diesel::pg::{Pg, PgQueryBuilder, PgTypeMetadata};
use diesel::query_builder::bind_collector::RawBytesBindCollector;
use diesel::query_builder::{AstPass, Query, QueryBuilder, QueryFragment, QueryId};
use diesel::result::Error;
use diesel::sql_types::{TypeMetadata, Untyped};

use super::catalog::{Catalog, Lookup, Numbers};
use super::prepared;

/// A statement. Cheap to clone.
#[derive(Clone)]
pub(super) struct Statement {
    /// With `$1` and so on where the values go.
    pub text: Arc<str>,
    /// What goes there.
    pub values: Arc<[Value]>,
    /// Whether it is kept prepared.
    pub is_kept: bool,
}

/// A value.
pub(super) struct Value {
    /// What it is sent as.
    pub kind: Numbers,
    /// As the database takes it. None: NULL.
    pub bytes: Option<Vec<u8>>,
}

impl Statement {
    /// Takes one apart.
    pub fn of<Q: QueryFragment<Pg> + QueryId>(query: &Q, catalog: &Arc<Catalog>) -> QueryResult<Self> {
        let mut collected = RawBytesBindCollector::<Pg>::new();
        query.collect_binds(&mut collected, &mut Lookup(catalog.clone()), &Pg)?;
        let kind = |metadata: PgTypeMetadata| {
            let of = metadata.oid().map_err(|cause| Error::SerializationError(Box::new(cause)))?;
            Ok(Numbers { of, array: metadata.array_oid().unwrap_or(0) })
        };
        let kinds = collected.metadata.into_iter().map(kind).collect::<QueryResult<Vec<_>>>()?;
        let values = kinds.into_iter().zip(collected.binds).map(|(kind, bytes)| Value { kind, bytes }).collect();
        let text = prepared::text_of(query)?;
        Ok(Self { is_kept: prepared::is_kept(&text), text, values })
    }
}

impl QueryFragment<Pg> for Statement {
    /// Neither text nor values are made here.
    fn walk_ast<'b>(&'b self, _: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        Ok(())
    }

    fn to_sql(&self, out: &mut PgQueryBuilder, _: &Pg) -> QueryResult<()> {
        out.push_sql(&self.text);
        Ok(())
    }

    fn collect_binds<'b>(
        &'b self,
        out: &mut RawBytesBindCollector<Pg>,
        _: &mut <Pg as TypeMetadata>::MetadataLookup,
        _: &'b Pg,
    ) -> QueryResult<()> {
        for Value { kind, bytes } in &*self.values {
            out.metadata.push(PgTypeMetadata::new(kind.of, kind.array));
            out.binds.push(bytes.clone());
        }
        Ok(())
    }

    fn is_safe_to_cache_prepared(&self, _: &Pg) -> QueryResult<bool> {
        Ok(self.is_kept)
    }
}

/// Its type does not tell its text.
impl QueryId for Statement {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Query for Statement {
    type SqlType = Untyped;
}
