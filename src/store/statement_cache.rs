//! Cache of prepared statements. Diesel caches only statements whose Rust type determines their text, and prepares all
//! others each time: updates, inserts, raw SQL. Here these are cached by their whole text, so statements of one type
//! with different texts are never confused. Where the type determines the text, the text is built once per type.

use std::any::TypeId;
use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use diesel::QueryResult;
use diesel::pg::{Pg, PgQueryBuilder};
use diesel::query_builder::bind_collector::RawBytesBindCollector;
use diesel::query_builder::{AstPass, Query, QueryBuilder, QueryFragment, QueryId};
use diesel::sql_types::TypeMetadata;

/// Maximum length in bytes of a cached statement's text. Longer texts insert many rows at once and differ for each
/// number of rows.
const MAX_CACHED_TEXT: usize = 2048;

/// Statement together with its cache key.
pub(super) enum Cached<Q> {
    /// Cached by its type.
    ByType(ByType<Q>),
    /// Cached by its text.
    ByText(ByText<Q>),
}

impl<Q: QueryFragment<Pg> + QueryId> Cached<Q> {
    /// Chooses the cache key of a statement.
    pub fn of(statement: Q) -> Self {
        match Q::query_id().filter(|id| type_determines_text(*id, &statement)) {
            Some(id) => Self::ByType(ByType(statement, id)),
            None => {
                let text = build_text(&statement).ok();
                Self::ByText(ByText(statement, text))
            }
        }
    }
}

/// Statement whose type determines its text.
pub(super) struct ByType<Q>(Q, TypeId);

/// Statement whose type does not determine its text. `None` if diesel could not build the text; the execution then
/// returns the error.
pub(super) struct ByText<Q>(Q, Option<Arc<str>>);

thread_local! {
    /// Text of each statement type. The number of types is bounded by the number of statements in the code.
    static TEXTS: RefCell<HashMap<TypeId, Arc<str>>> = RefCell::default();
}

/// Returns whether the type of a statement determines its text.
fn type_determines_text(id: TypeId, statement: &impl QueryFragment<Pg>) -> bool {
    TEXTS.with_borrow(|texts| texts.contains_key(&id))
        || statement.is_safe_to_cache_prepared(&Pg).is_ok_and(|safe| safe)
}

/// Returns the text of a statement. Fails if diesel cannot build it.
pub(super) fn text_of<Q: QueryFragment<Pg> + QueryId>(statement: &Q) -> QueryResult<Arc<str>> {
    let Some(id) = Q::query_id().filter(|id| type_determines_text(*id, statement)) else {
        return build_text(statement);
    };
    if let Some(text) = TEXTS.with_borrow(|texts| texts.get(&id).cloned()) {
        return Ok(text);
    }
    let text = build_text(statement)?;
    TEXTS.with_borrow_mut(|texts| texts.insert(id, text.clone()));
    Ok(text)
}

fn build_text(statement: &impl QueryFragment<Pg>) -> QueryResult<Arc<str>> {
    let mut text = PgQueryBuilder::default();
    statement.to_sql(&mut text, &Pg)?;
    Ok(text.finish().into())
}

/// Returns whether a statement with this text is cached.
pub(super) fn is_kept(text: &str) -> bool {
    text.len() <= MAX_CACHED_TEXT
}

impl<Q: QueryFragment<Pg>> QueryFragment<Pg> for ByType<Q> {
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.0.walk_ast(out)
    }

    fn to_sql(&self, out: &mut PgQueryBuilder, _: &Pg) -> QueryResult<()> {
        TEXTS.with_borrow_mut(|texts| {
            if let Some(text) = texts.get(&self.1) {
                out.push_sql(text);
                return Ok(());
            }
            let text = build_text(&self.0)?;
            out.push_sql(&text);
            texts.insert(self.1, text);
            Ok(())
        })
    }

    fn collect_binds<'b>(
        &'b self,
        out: &mut RawBytesBindCollector<Pg>,
        lookup: &mut <Pg as TypeMetadata>::MetadataLookup,
        backend: &'b Pg,
    ) -> QueryResult<()> {
        self.0.collect_binds(out, lookup, backend)
    }

    fn is_safe_to_cache_prepared(&self, _: &Pg) -> QueryResult<bool> {
        Ok(true)
    }
}

impl<Q: QueryFragment<Pg>> QueryFragment<Pg> for ByText<Q> {
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.0.walk_ast(out)
    }

    fn to_sql(&self, out: &mut PgQueryBuilder, backend: &Pg) -> QueryResult<()> {
        let Some(text) = &self.1 else { return self.0.to_sql(out, backend) };
        out.push_sql(text);
        Ok(())
    }

    fn collect_binds<'b>(
        &'b self,
        out: &mut RawBytesBindCollector<Pg>,
        lookup: &mut <Pg as TypeMetadata>::MetadataLookup,
        backend: &'b Pg,
    ) -> QueryResult<()> {
        self.0.collect_binds(out, lookup, backend)
    }

    fn is_safe_to_cache_prepared(&self, backend: &Pg) -> QueryResult<bool> {
        Ok(self.1.as_deref().is_some_and(is_kept) || self.0.is_safe_to_cache_prepared(backend)?)
    }
}

impl<Q: QueryId> QueryId for ByType<Q> {
    type QueryId = Q::QueryId;
    const HAS_STATIC_QUERY_ID: bool = Q::HAS_STATIC_QUERY_ID;
}

impl<Q: Query> Query for ByType<Q> {
    type SqlType = Q::SqlType;
}

/// The type does not determine the text, so it is no cache key.
impl<Q> QueryId for ByText<Q> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Q: Query> Query for ByText<Q> {
    type SqlType = Q::SqlType;
}
