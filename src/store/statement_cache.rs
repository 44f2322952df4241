//! Which statements are kept prepared on their connection. Diesel keeps those whose type tells their text, and prepares
//! everything else anew each time: updates, inserts, texts of SQL. Here these are kept by their text, so that a statement is
//! never taken for another whatever its text hangs on, such as on which of its values are there. The text of a statement is
//! made once: for those of one type for all of them.

use std::any::TypeId;
use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use diesel::QueryResult;
use diesel::pg::{Pg, PgQueryBuilder};
use diesel::query_builder::bind_collector::RawBytesBindCollector;
use diesel::query_builder::{AstPass, Query, QueryBuilder, QueryFragment, QueryId};
use diesel::sql_types::TypeMetadata;

/// In bytes. Longer texts are those of many rows at once, of which there is one for each number of rows.
const LONGEST: usize = 2048;

/// A statement that is kept.
pub(super) enum Cached<Q> {
    /// By its type.
    ByType(ByType<Q>),
    /// By its text.
    ByText(ByText<Q>),
}

impl<Q: QueryFragment<Pg> + QueryId> Cached<Q> {
    /// How that statement is kept.
    pub fn of(statement: Q) -> Self {
        match Q::query_id().filter(|id| tells_text(*id, &statement)) {
            Some(id) => Self::ByType(ByType(statement, id)),
            None => {
                let text = made(&statement).ok();
                Self::ByText(ByText(statement, text))
            }
        }
    }
}

/// A statement whose type tells its text.
pub(super) struct ByType<Q>(Q, TypeId);

/// A statement whose type does not. No text: it cannot be made, which whoever asks for it is told.
pub(super) struct ByText<Q>(Q, Option<Arc<str>>);

thread_local! {
    /// The text of each type. There are no more of them than there are places in the code where statements are made.
    static TEXTS: RefCell<HashMap<TypeId, Arc<str>>> = RefCell::default();
}

/// Whether that is a type that tells the text of its statements, as this one does.
fn tells_text(id: TypeId, statement: &impl QueryFragment<Pg>) -> bool {
    TEXTS.with_borrow(|texts| texts.contains_key(&id))
        || statement.is_safe_to_cache_prepared(&Pg).is_ok_and(|safe| safe)
}

/// The text of a statement.
pub(super) fn text_of<Q: QueryFragment<Pg> + QueryId>(statement: &Q) -> QueryResult<Arc<str>> {
    let Some(id) = Q::query_id().filter(|id| tells_text(*id, statement)) else { return made(statement) };
    if let Some(text) = TEXTS.with_borrow(|texts| texts.get(&id).cloned()) {
        return Ok(text);
    }
    let text = made(statement)?;
    TEXTS.with_borrow_mut(|texts| texts.insert(id, text.clone()));
    Ok(text)
}

fn made(statement: &impl QueryFragment<Pg>) -> QueryResult<Arc<str>> {
    let mut text = PgQueryBuilder::default();
    statement.to_sql(&mut text, &Pg)?;
    Ok(text.finish().into())
}

/// Whether one with that text is kept.
pub(super) fn is_kept(text: &str) -> bool {
    text.len() <= LONGEST
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
            let text = made(&self.0)?;
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

/// Its type does not tell its text.
impl<Q> QueryId for ByText<Q> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Q: Query> Query for ByText<Q> {
    type SqlType = Q::SqlType;
}
