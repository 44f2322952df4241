//! Text and values of a diesel query, so that the query can run on any connection.

use std::sync::Arc;

use diesel::QueryResult;
use diesel::pg::{Pg, PgQueryBuilder, PgTypeMetadata};
use diesel::query_builder::bind_collector::RawBytesBindCollector;
use diesel::query_builder::{AstPass, Query, QueryBuilder, QueryFragment, QueryId};
use diesel::result::Error;
use diesel::sql_types::{TypeMetadata, Untyped};
use diesel_async::AsyncConnectionCore;
use futures_util::TryStreamExt;

use super::type_catalog::TypeCatalog;
use crate::store::connection::Row;
use crate::store::{Connection, statement_cache};

/// SQL statement with its values. Cheap to clone.
#[derive(Clone)]
pub(super) struct Statement {
    /// SQL text, with `$1` and so on for the values.
    pub text: Arc<str>,
    /// Values, in the order of their numbers.
    pub values: Arc<[Value]>,
    /// Whether connections cache it as a prepared statement.
    pub is_prepared: bool,
}

/// Value of a statement.
pub(super) struct Value {
    /// Type of the value.
    pub types: TypeOids,
    /// Value in PostgreSQL's binary format; `None` for NULL.
    pub bytes: Option<Vec<u8>>,
}

/// OIDs of a type in one database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TypeOids {
    /// OID of the type.
    pub oid: u32,
    /// OID of the type of its arrays; zero if there is no such type.
    pub array_oid: u32,
}

impl Statement {
    /// Returns the text and the values of a query. Fails if the database lacks one of its types, or if diesel cannot
    /// build the query.
    pub fn of<Q: QueryFragment<Pg> + QueryId>(query: &Q, types: &Arc<TypeCatalog>) -> QueryResult<Self> {
        let mut collected = RawBytesBindCollector::<Pg>::new();
        query.collect_binds(&mut collected, &mut types.lookup(), &Pg)?;
        let oids = |metadata: PgTypeMetadata| {
            let oid = metadata.oid().map_err(|cause| Error::SerializationError(Box::new(cause)))?;
            Ok(TypeOids { oid, array_oid: metadata.array_oid().unwrap_or(0) })
        };
        let oids = collected.metadata.into_iter().map(oids).collect::<QueryResult<Vec<_>>>()?;
        let values = oids.into_iter().zip(collected.binds).map(|(types, bytes)| Value { types, bytes }).collect();
        let text = statement_cache::text_of(query)?;
        Ok(Self { is_prepared: statement_cache::is_kept(&text), text, values })
    }

    /// Runs the statement on a connection and returns its rows.
    pub async fn load(&self, mut connection: &Connection) -> QueryResult<Vec<Row>> {
        AsyncConnectionCore::load(&mut connection, self.clone()).await?.try_collect().await
    }
}

impl QueryFragment<Pg> for Statement {
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
        for Value { types, bytes } in &*self.values {
            out.metadata.push(PgTypeMetadata::new(types.oid, types.array_oid));
            out.binds.push(bytes.clone());
        }
        Ok(())
    }

    fn is_safe_to_cache_prepared(&self, _: &Pg) -> QueryResult<bool> {
        Ok(self.is_prepared)
    }
}

/// Statements of this type have different texts, so connections cache them by text.
impl QueryId for Statement {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Query for Statement {
    type SqlType = Untyped;
}
