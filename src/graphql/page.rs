//! Connections: how clients page through lists.
//!
//! A cursor is opaque: the list that it was made for, the value that the list is ordered by, and an ID, in base 64. It
//! points at a place rather than a row, so it stays good while rows come and go.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use async_graphql::SimpleObject;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::future::BoxFuture;
use uuid::Uuid;

use super::{ApiError, Result};
use crate::domain::clock::{self, Instant};
use crate::domain::error;
use crate::domain::event::LogPlace;
use crate::domain::page::{DEFAULT, MAX, Place, Slice, Window};

/// Where a page of a connection lies in its list.
#[derive(SimpleObject)]
pub struct PageInfo {
    /// Whether there is more after this page. When paging backward: whether `before` was given and there is more after it.
    pub has_next_page: bool,
    /// Whether there is more before this page. When paging forward: whether `after` was given and there is more before it.
    pub has_previous_page: bool,
    /// Cursor of the first edge, for `before`. Null if the page is empty.
    pub start_cursor: Option<String>,
    /// Cursor of the last edge, for `after`. Null if the page is empty.
    pub end_cursor: Option<String>,
}

/// The arguments of a connection.
pub struct PageArgs {
    /// How many, forward.
    pub first: Option<i32>,
    /// Behind which cursor.
    pub after: Option<String>,
    /// How many, backward.
    pub last: Option<i32>,
    /// In front of which cursor.
    pub before: Option<String>,
}

/// What a list is ordered by, as part of a cursor.
pub trait Key: Sized {
    /// As text.
    fn write(&self) -> String;
    /// From text; none if it is no such value.
    fn read(text: &str) -> Option<Self>;
}

impl Key for String {
    fn write(&self) -> String {
        self.clone()
    }

    fn read(text: &str) -> Option<Self> {
        // Whatever PostgreSQL would not take as text.
        (!text.contains('\0')).then(|| text.to_owned())
    }
}

impl Key for Instant {
    fn write(&self) -> String {
        self.timestamp_micros().to_string()
    }

    fn read(text: &str) -> Option<Self> {
        clock::from_key(text)
    }
}

impl Key for LogPlace {
    fn write(&self) -> String {
        format!("{}.{}", self.transaction, self.sequence)
    }

    fn read(text: &str) -> Option<Self> {
        let (transaction, sequence) = text.split_once('.')?;
        Some(Self { transaction: transaction.parse().ok()?, sequence: sequence.parse().ok()? })
    }
}

/// Names a list and its order, so that a cursor of another one is told apart.
fn fingerprint(list: &str) -> u32 {
    let mut hasher = DefaultHasher::new();
    list.hash(&mut hasher);
    // Half of the hash will do: this tells mistakes apart, not forgeries.
    hasher.finish() as u32
}

/// The cursor of a place in a list.
pub fn cursor<K: Key>(list: &str, place: &Place<K>) -> String {
    URL_SAFE_NO_PAD.encode(format!("{:08x}{}{}", fingerprint(list), place.id.simple(), place.key.write()))
}

/// The place that a cursor of a list points at; none if it is no such cursor.
pub fn read_cursor<K: Key>(list: &str, cursor: &str) -> Option<Place<K>> {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()?;
    let (of_list, rest) = text.split_at_checked(8)?;
    let (id, key) = rest.split_at_checked(32)?;
    let this_list = u32::from_str_radix(of_list, 16).ok()? == fingerprint(list);
    this_list.then_some(Place { key: K::read(key)?, id: Uuid::try_parse(id).ok()? })
}

impl PageArgs {
    /// The part of `list` that is asked for. BAD_USER_INPUT for numbers out of range or both directions at once,
    /// INVALID_CURSOR for a cursor of another list.
    pub fn window<K: Key>(&self, list: &str) -> Result<Window<K>> {
        self.window_where(list, |_| true)
    }

    /// The same, of a list that has several orders: `fits` tells whether a row can have such a key in the present one.
    pub fn window_where<K: Key>(&self, list: &str, fits: impl Fn(&K) -> bool) -> Result<Window<K>> {
        let backward = self.last.is_some() || (self.first.is_none() && self.before.is_some());
        let mixed = if backward { self.first.is_some() || self.after.is_some() } else { self.before.is_some() };
        if mixed {
            let message = "Page either forward, by `first` and `after`, or backward, by `last` and `before`.";
            return Err(ApiError::BadUserInput(message.to_owned()));
        }
        let limit = match self.first.or(self.last) {
            None => DEFAULT,
            Some(asked) => u32::try_from(asked)
                .ok()
                .filter(|asked| *asked <= MAX)
                .ok_or_else(|| ApiError::BadUserInput(format!("Ask for 0 to {MAX} at a time.")))?,
        };
        let from = match self.after.as_ref().or(self.before.as_ref()) {
            None => None,
            Some(cursor) => {
                let place = read_cursor(list, cursor).filter(|place| fits(&place.key));
                Some(place.ok_or(ApiError::InvalidCursor)?)
            }
        };
        Ok(Window { limit, backward, from })
    }
}

/// The text of a `search` argument: nothing when empty. BAD_USER_INPUT beyond 256 characters.
pub fn search(search: Option<String>) -> Result<Option<String>> {
    crate::domain::text::optional(search.as_deref(), 256).map_err(|problem| match problem.code {
        error::Code::TooLong => ApiError::BadUserInput("A search has at most 256 characters.".to_owned()),
        _ => ApiError::BadUserInput("This search has characters that cannot be searched for.".to_owned()),
    })
}

/// Counts a whole list, when it is asked for.
pub type Count = Arc<dyn Fn() -> BoxFuture<'static, crate::domain::Result<i64>> + Send + Sync>;

/// A page of nodes, each with its cursor.
pub struct Page<N> {
    /// The nodes.
    pub edges: Vec<(String, N)>,
    /// Where the page lies.
    pub info: PageInfo,
    /// Counts the list.
    pub count: Count,
}

impl<N> Page<N> {
    /// The page that a slice of `list` makes. `place` tells where a row is; `node` makes it one.
    pub fn new<T, K: Key>(
        list: &str,
        window: &Window<K>,
        slice: Slice<T>,
        place: impl Fn(&T) -> Place<K>,
        node: impl Fn(T) -> N,
        count: Count,
    ) -> Self {
        let edges: Vec<_> = slice.rows.into_iter().map(|row| (cursor(list, &place(&row)), node(row))).collect();
        let came_from = window.from.is_some();
        let info = PageInfo {
            has_next_page: if window.backward { came_from } else { slice.more },
            has_previous_page: if window.backward { slice.more } else { came_from },
            start_cursor: edges.first().map(|(cursor, _)| cursor.clone()),
            end_cursor: edges.last().map(|(cursor, _)| cursor.clone()),
        };
        Self { edges, info, count }
    }
}

/// Makes the connection and edge of a type of node.
macro_rules! connection {
    ($node:ident, $connection:ident: $connection_doc:literal, $edge:ident: $edge_doc:literal) => {
        #[doc = $connection_doc]
        pub struct $connection(pub $crate::graphql::page::Page<$node>);

        #[doc = $connection_doc]
        #[async_graphql::Object]
        impl $connection {
            /// The page, with a cursor for each entry.
            async fn edges(&self) -> Vec<$edge> {
                self.0.edges.iter().map(|(cursor, node)| $edge { cursor: cursor.clone(), node: node.clone() }).collect()
            }

            /// The page, without cursors.
            async fn nodes(&self) -> Vec<&$node> {
                self.0.edges.iter().map(|(_, node)| node).collect()
            }

            /// Where the page lies in the list.
            async fn page_info(&self) -> &$crate::graphql::page::PageInfo {
                &self.0.info
            }

            /// How many there are in the whole list, filters applied. Counted only when asked for.
            async fn total_count(&self) -> $crate::graphql::Result<i32> {
                Ok(i32::try_from((self.0.count)().await?).unwrap_or(i32::MAX))
            }
        }

        #[doc = $edge_doc]
        #[derive(async_graphql::SimpleObject)]
        pub struct $edge {
            /// Place of the entry in the list, for `after` and `before`.
            pub cursor: String,
            /// The entry.
            pub node: $node,
        }
    };
}
pub(crate) use connection;

#[cfg(test)]
mod tests {
    use super::*;

    fn args(first: Option<i32>, after: Option<String>, last: Option<i32>, before: Option<String>) -> PageArgs {
        PageArgs { first, after, last, before }
    }

    #[test]
    fn a_cursor_reads_back_in_its_own_list_only() {
        let place = Place { key: "ada".to_owned(), id: Uuid::from_u128(7) };
        let made = cursor("members", &place);
        let window = args(None, Some(made.clone()), None, None).window::<String>("members").expect("a window");
        assert_eq!(window.from, Some(place));
        for (list, cursor) in [("others", made.as_str()), ("members", "nonsense"), ("members", ""), ("members", "é")] {
            let refused = args(None, Some(cursor.to_owned()), None, None).window::<String>(list);
            assert!(matches!(refused, Err(ApiError::InvalidCursor)), "{list} {cursor}");
        }
    }

    #[test]
    fn a_cursor_to_a_time_that_no_row_has_is_refused() {
        for key in ["-8000000000000000000", "8000000000000000000", "-1", "soon"] {
            let forged = cursor("list", &Place { key: key.to_owned(), id: Uuid::nil() });
            let refused = args(None, Some(forged), None, None).window::<Instant>("list");
            assert!(matches!(refused, Err(ApiError::InvalidCursor)), "{key}");
        }
    }

    #[test]
    fn pages_go_one_way_and_have_bounds() {
        for bad in [
            args(Some(1), None, Some(1), None),
            args(Some(1), None, None, Some(String::new())),
            args(None, Some(String::new()), Some(1), None),
            args(Some(101), None, None, None),
            args(Some(-1), None, None, None),
        ] {
            assert!(matches!(bad.window::<String>("list"), Err(ApiError::BadUserInput(_))));
        }
        let window = args(None, None, None, None).window::<String>("list").expect("a window");
        assert_eq!((window.limit, window.backward), (25, false));
    }
}
