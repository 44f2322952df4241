//! What values are sent as: the numbers that types have in this database, which each database gives anew.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use diesel::QueryResult;
use diesel::pg::{FailedToLookupTypeError, PgMetadataCacheKey, PgMetadataLookup, PgTypeMetadata};
use diesel::prelude::*;
use diesel::sql_types::{Nullable, Oid, Text};
use diesel_async::RunQueryDsl;
use quick_cache::sync::Cache;

use super::Connection;
use super::statement::Statement;
use super::together::Forms;

/// A type and that of arrays of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Numbers {
    /// The type.
    pub of: u32,
    /// That of arrays of it. Zero: there is none.
    pub array: u32,
}

/// The types of the schema.
pub(super) struct Catalog {
    by_name: HashMap<String, Numbers>,
    /// Domains over arrays, by the type of the array: what one is sent as to be an element of an array itself.
    lists: HashMap<u32, Numbers>,
    /// By the text of one.
    forms: Cache<Arc<str>, Arc<Forms>>,
}

/// Most texts that are kept. There are some hundred in the code, and one more for each number of rows that are written.
const TEXTS: usize = 2000;

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Oid)]
    number: u32,
    #[diesel(sql_type = Oid)]
    array: u32,
    #[diesel(sql_type = Nullable<Oid>)]
    list_of: Option<u32>,
}

impl Catalog {
    /// Reads it.
    pub async fn read(mut connection: &Connection) -> QueryResult<Self> {
        const ALL: &str = "SELECT typname::text AS name, oid AS number, typarray AS array,
                CASE WHEN typtype = 'd' THEN typbasetype END AS list_of
            FROM pg_type
            WHERE typnamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema()) AND (typtype = 'e' OR typtype = 'd' AND typcategory = 'A')";
        let rows: Vec<Row> = diesel::sql_query(ALL).load(&mut connection).await?;
        let (mut by_name, mut lists) = (HashMap::new(), HashMap::new());
        for Row { name, number, array, list_of } in rows {
            let numbers = Numbers { of: number, array };
            by_name.insert(name, numbers);
            lists.extend(list_of.map(|list| (list, numbers)));
        }
        Ok(Self { by_name, lists, forms: Cache::new(TEXTS) })
    }

    /// Whether the types are the same.
    pub fn agrees_with(&self, other: &Self) -> bool {
        self.by_name == other.by_name && self.lists == other.lists
    }

    /// What can be made of a statement.
    pub fn forms(&self, statement: &Statement) -> Arc<Forms> {
        if let Some(forms) = self.forms.get(&statement.text) {
            return forms;
        }
        let forms = Arc::new(Forms::of(&statement.text, statement.values.len()));
        self.forms.insert(statement.text.clone(), forms.clone());
        forms
    }

    /// What a value of that type is sent as to be an element of an array. None: it cannot be one.
    pub fn element(&self, numbers: Numbers) -> Option<Numbers> {
        if numbers.array == 0 { self.lists.get(&numbers.of).copied() } else { Some(numbers) }
    }
}

/// Looks types up while the values of a statement are collected.
pub(super) struct Lookup(pub Arc<Catalog>);

impl PgMetadataLookup for Lookup {
    fn lookup_type(&mut self, name: &str, schema: Option<&str>) -> PgTypeMetadata {
        let found = self.0.by_name.get(name).map(|numbers| (numbers.of, numbers.array));
        let unknown =
            || PgMetadataCacheKey::new(schema.map(|schema| Cow::Owned(schema.to_owned())), name.to_owned().into());
        PgTypeMetadata::from_result(found.ok_or_else(|| FailedToLookupTypeError::new(unknown())))
    }
}
