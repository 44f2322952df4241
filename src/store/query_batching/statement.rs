//! A read as its text and its values, taken out of a diesel query so that it can run on any connection.

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

/// A statement. Cheap to clone.
#[derive(Clone)]
pub(super) struct Statement {
    /// The text, with `$1` and so on in the places of the values.
    pub text: Arc<str>,
    /// The values, in order.
    pub values: Arc<[Value]>,
    /// Whether connections keep it prepared.
    pub is_prepared: bool,
}

/// A value of a statement.
pub(super) struct Value {
    /// Its type.
    pub types: TypeOids,
    /// PostgreSQL's binary format of it; `None` for NULL.
    pub bytes: Option<Vec<u8>>,
}

/// The numbers of a type in one database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TypeOids {
    /// The type.
    pub oid: u32,
    /// The type of arrays of it; zero if there is none.
    pub array_oid: u32,
}

impl Statement {
    /// Takes text and values out of a query. Fails if the database has no such type, or diesel cannot write the query.
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

    /// Runs the statement on a connection, and returns its rows.
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

/// The type of a statement says nothing of its text, so connections keep it by its text.
impl QueryId for Statement {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Query for Statement {
    type SqlType = Untyped;
}
