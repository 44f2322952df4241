//! OIDs of the types that the schema defines. They differ between databases.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use diesel::QueryResult;
use diesel::pg::{FailedToLookupTypeError, PgMetadataCacheKey, PgMetadataLookup, PgTypeMetadata};
use diesel::prelude::*;
use diesel::sql_types::{Nullable, Oid, Text};
use diesel_async::RunQueryDsl;
use parking_lot::Mutex;

use super::statement::TypeOids;
use crate::store::Connection;

/// OIDs of the schema's enums, and of its domains over arrays.
#[derive(PartialEq)]
pub(in crate::store) struct TypeCatalog {
    by_name: HashMap<String, TypeOids>,
    /// Domains over arrays, by the OID of the array type. PostgreSQL has no arrays of arrays, so these are sent as
    /// arrays of domains.
    domains: HashMap<u32, TypeOids>,
}

#[derive(QueryableByName)]
struct TypeRow {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Oid)]
    oid: u32,
    #[diesel(sql_type = Oid)]
    array_oid: u32,
    #[diesel(sql_type = Nullable<Oid>)]
    domain_of: Option<u32>,
}

impl TypeCatalog {
    async fn read(mut connection: &Connection) -> QueryResult<Self> {
        const TYPES: &str = "SELECT typname::text AS name, oid, typarray AS array_oid,
                CASE WHEN typtype = 'd' THEN typbasetype END AS domain_of
            FROM pg_type
            WHERE typnamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema())
                AND (typtype = 'e' OR typtype = 'd' AND typcategory = 'A')";
        let rows: Vec<TypeRow> = diesel::sql_query(TYPES).load(&mut connection).await?;
        let (mut by_name, mut domains) = (HashMap::new(), HashMap::new());
        for TypeRow { name, oid, array_oid, domain_of } in rows {
            let oids = TypeOids { oid, array_oid };
            by_name.insert(name, oids);
            domains.extend(domain_of.map(|array| (array, oids)));
        }
        Ok(Self { by_name, domains })
    }

    /// Returns the type as which a value is sent when it is an element of an array; `None` if no array can contain it.
    pub(super) fn element(&self, types: TypeOids) -> Option<TypeOids> {
        if types.array_oid == 0 { self.domains.get(&types.oid).copied() } else { Some(types) }
    }

    /// Returns the lookup by which diesel finds the OIDs of a query's values.
    pub(super) fn lookup(self: &Arc<Self>) -> impl PgMetadataLookup + 'static {
        Lookup(self.clone())
    }
}

struct Lookup(Arc<TypeCatalog>);

impl PgMetadataLookup for Lookup {
    fn lookup_type(&mut self, name: &str, schema: Option<&str>) -> PgTypeMetadata {
        let found = self.0.by_name.get(name).map(|types| (types.oid, types.array_oid));
        let unknown =
            || PgMetadataCacheKey::new(schema.map(|schema| Cow::Owned(schema.to_owned())), name.to_owned().into());
        PgTypeMetadata::from_result(found.ok_or_else(|| FailedToLookupTypeError::new(unknown())))
    }
}

/// Type catalog as of the last opened connection. It changes when the database is restored.
#[derive(Default)]
pub(in crate::store) struct LatestTypeCatalog(Mutex<Option<Arc<TypeCatalog>>>);

impl LatestTypeCatalog {
    /// Returns the catalog; `None` before the first connection.
    pub fn get(&self) -> Option<Arc<TypeCatalog>> {
        self.0.lock().clone()
    }

    /// Reads the catalog on a new connection. Fails if the query does.
    pub async fn refresh(&self, connection: &Connection) -> QueryResult<()> {
        let read = TypeCatalog::read(connection).await?;
        let mut latest = self.0.lock();
        if latest.as_deref() != Some(&read) {
            *latest = Some(Arc::new(read));
        }
        Ok(())
    }
}
