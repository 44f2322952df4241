//! Connections: how clients page through lists.
//!
//! A cursor is opaque to clients. It is base 64 of a fingerprint of the list, an ID, and the value that the list is
//! ordered by. It marks a position rather than a row, so it stays valid when rows are added or deleted.

use std::hash::Hasher;
use std::sync::Arc;

use async_graphql::{Lookahead, SimpleObject};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::future::BoxFuture;
use siphasher::sip::SipHasher13;
use uuid::Uuid;

use crate::domain::clock::{self, Instant};
use crate::domain::error;
use crate::domain::event::EventPosition;
use crate::domain::event_epoch::EpochPosition;
use crate::domain::page::{DEFAULT, Keyset, MAX, PageRequest, PageRows};
use crate::graphql::{ApiError, Result};

/// The position of a page in its list.
#[derive(SimpleObject)]
pub struct PageInfo {
    /// Whether there are entries after this page. When paging backward: whether `before` was given, so that entries
    /// follow.
    pub has_next_page: bool,
    /// Whether there are entries before this page. When paging forward: whether `after` was given, so that entries
    /// precede.
    pub has_previous_page: bool,
    /// Cursor of the first edge, for `before`. Null if the page is empty.
    pub start_cursor: Option<String>,
    /// Cursor of the last edge, for `after`. Null if the page is empty.
    pub end_cursor: Option<String>,
}

/// The arguments of a connection.
pub struct PageArgs {
    /// The page size when paging forward.
    pub first: Option<i32>,
    /// The cursor after which the page begins.
    pub after: Option<String>,
    /// The page size when paging backward.
    pub last: Option<i32>,
    /// The cursor before which the page ends.
    pub before: Option<String>,
}

/// A value that a list is ordered by, as part of a cursor.
pub trait Key: Sized {
    /// Returns the value as text.
    fn write(&self) -> String;
    /// Parses the text of a value; `None` if it is not valid.
    fn read(text: &str) -> Option<Self>;
}

impl Key for String {
    fn write(&self) -> String {
        self.clone()
    }

    fn read(text: &str) -> Option<Self> {
        // PostgreSQL does not accept this character in text.
        (!text.contains('\0')).then(|| text.to_owned())
    }
}

impl Key for Instant {
    fn write(&self) -> String {
        self.timestamp_micros().to_string()
    }

    fn read(text: &str) -> Option<Self> {
        clock::from_unix_micros(text)
    }
}

/// `transaction.sequence.epoch`; the first epoch is left out, as in cursors from before there were epochs.
impl Key for EpochPosition {
    fn write(&self) -> String {
        let Self { epoch, position } = self;
        let epoch = if *epoch == 0 { String::new() } else { format!(".{epoch}") };
        format!("{}.{}{epoch}", position.transaction, position.sequence)
    }

    fn read(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, '.');
        let (transaction, sequence) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        let epoch = parts.next().map_or(Some(0), |epoch| epoch.parse().ok())?;
        Some(Self { epoch, position: EventPosition { transaction, sequence } })
    }
}

/// Identifies a list and its order, so that a cursor of another list is recognized. Four bytes are enough: this detects
/// mistakes, not forgeries. The first version used the standard library's hash, which may change with a Rust release;
/// this is the same algorithm, fixed.
fn fingerprint(list: &str) -> u32 {
    let mut hasher = SipHasher13::new();
    hasher.write(list.as_bytes());
    hasher.write_u8(0xff);
    hasher.finish() as u32
}

/// Returns the cursor of a position in a list.
pub fn cursor<K: Key>(list: &str, place: &Keyset<K>) -> String {
    encode(fingerprint(list), place)
}

fn encode<K: Key>(list: u32, place: &Keyset<K>) -> String {
    URL_SAFE_NO_PAD.encode(format!("{list:08x}{}{}", place.id.simple(), place.key.write()))
}

/// Returns the position that a cursor marks; `None` if it is not a cursor of this list.
pub fn read_cursor<K: Key>(list: &str, cursor: &str) -> Option<Keyset<K>> {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()?;
    let (of_list, rest) = text.split_at_checked(8)?;
    let (id, key) = rest.split_at_checked(32)?;
    let of_list = u32::from_str_radix(of_list, 16).ok()?;
    (of_list == fingerprint(list)).then_some(Keyset { key: K::read(key)?, id: Uuid::try_parse(id).ok()? })
}

impl PageArgs {
    /// Returns the requested page of `list`. Fails with BAD_USER_INPUT for numbers out of range or both directions at
    /// once, and with INVALID_CURSOR for a cursor of another list.
    pub fn page_request<K: Key>(&self, list: &str) -> Result<PageRequest<K>> {
        self.page_request_where(list, |_| true)
    }

    /// Same as [`page_request`](Self::page_request). The benchmarks still use this name.
    #[doc(hidden)]
    pub fn window<K: Key>(&self, list: &str) -> Result<PageRequest<K>> {
        self.page_request(list)
    }

    /// Same as [`page_request`](Self::page_request), for a list that has several orders: `fits` says whether a key is
    /// possible in the current order.
    pub fn page_request_where<K: Key>(&self, list: &str, fits: impl Fn(&K) -> bool) -> Result<PageRequest<K>> {
        let backward = self.last.is_some() || (self.first.is_none() && self.before.is_some());
        let mixed = if backward { self.first.is_some() || self.after.is_some() } else { self.before.is_some() };
        if mixed {
            let message = "Page either forward or backward, not both ways at once.";
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
        Ok(PageRequest { limit, backward, from })
    }
}

/// Returns the text of a `search` argument; `None` if it is empty. Fails with BAD_USER_INPUT if it is longer than 256
/// characters or has characters that cannot be searched for.
pub fn search(search: Option<&str>) -> Result<Option<String>> {
    crate::domain::text::optional(search, 256).map_err(|problem| match problem.code {
        error::Code::TooLong => ApiError::BadUserInput("A search has at most 256 characters.".to_owned()),
        _ => ApiError::BadUserInput("This search has characters that cannot be searched for.".to_owned()),
    })
}

/// Counts a whole list. Runs only if the client requests the count.
pub type Count = Arc<dyn Fn() -> BoxFuture<'static, crate::domain::Result<i64>> + Send + Sync>;

/// A page of nodes.
pub struct Page<N> {
    /// The nodes.
    pub nodes: Vec<N>,
    /// Whether there are more entries in the direction of paging.
    more: bool,
    backward: bool,
    came_from: bool,
    /// Makes the cursor of the node at an index. Most cursors are never requested.
    cursors: Box<dyn Fn(usize) -> String + Send + Sync>,
    /// Counts the list.
    pub count: Count,
}

impl<N> Page<N> {
    /// Makes a page of `list` from its rows. `place` returns the position of a row; `node` turns the row into a node.
    pub fn new<T, K: Key + Send + Sync + 'static>(
        list: &str,
        window: &PageRequest<K>,
        slice: PageRows<T>,
        place: impl Fn(&T) -> Keyset<K>,
        node: impl Fn(T) -> N,
        count: Count,
    ) -> Self {
        let list = fingerprint(list);
        let (places, nodes): (Vec<_>, Vec<_>) = slice.rows.into_iter().map(|row| (place(&row), node(row))).unzip();
        let cursors = move |index: usize| places.get(index).map(|place| encode(list, place)).unwrap_or_default();
        let (more, backward, came_from) = (slice.more, window.backward, window.from.is_some());
        Self { nodes, more, backward, came_from, cursors: Box::new(cursors), count }
    }

    /// Returns the cursor of the node at that index.
    pub fn cursor(&self, index: usize) -> String {
        (self.cursors)(index)
    }

    /// Returns the position of the page in its list.
    pub fn info(&self) -> PageInfo {
        PageInfo {
            has_next_page: if self.backward { self.came_from } else { self.more },
            has_previous_page: if self.backward { self.more } else { self.came_from },
            start_cursor: (!self.nodes.is_empty()).then(|| self.cursor(0)),
            end_cursor: self.nodes.len().checked_sub(1).map(|last| self.cursor(last)),
        }
    }
}

/// Whether the document requests the field at this path from the nodes of a connection.
pub fn asks_nodes_for(connection: &Lookahead<'_>, path: &[&str]) -> bool {
    let nodes = [connection.field("edges").field("node"), connection.field("nodes")];
    nodes.into_iter().any(|node| path.iter().fold(node, |within, field| within.field(field)).exists())
}

/// Defines the connection and the edge of a node type.
macro_rules! connection {
    ($node:ident, $connection:ident: $connection_doc:literal, $edge:ident: $edge_doc:literal) => {
        #[doc = $connection_doc]
        pub struct $connection(pub $crate::graphql::connection::Page<$node>);

        #[doc = $connection_doc]
        #[async_graphql::Object]
        impl $connection {
            /// The entries of the page, each with a cursor.
            async fn edges(&self) -> $crate::graphql::fast_list::FastList<$edge<'_>> {
                let edges = (0..self.0.nodes.len()).map(|index| $edge { page: &self.0, index });
                $crate::graphql::fast_list::FastList(edges.collect())
            }

            /// The entries of the page, without cursors.
            async fn nodes(&self) -> $crate::graphql::fast_list::FastList<&$node> {
                $crate::graphql::fast_list::FastList(self.0.nodes.iter().collect())
            }

            /// The position of the page in the list.
            async fn page_info(&self) -> $crate::graphql::connection::PageInfo {
                self.0.info()
            }

            /// Number of entries in the whole list, with filters applied. Counted only if requested.
            async fn total_count(&self) -> $crate::graphql::Result<i32> {
                Ok(i32::try_from((self.0.count)().await?).unwrap_or(i32::MAX))
            }
        }

        #[doc = $edge_doc]
        pub struct $edge<'a> {
            page: &'a $crate::graphql::connection::Page<$node>,
            index: usize,
        }

        #[doc = $edge_doc]
        #[async_graphql::Object]
        impl<'a> $edge<'a> {
            /// Position of the entry in the list, for `after` and `before`.
            async fn cursor(&self) -> String {
                self.page.cursor(self.index)
            }

            /// The entry.
            async fn node(&self) -> &$node {
                &self.page.nodes[self.index]
            }
        }

        impl $crate::graphql::fast_list::SyncFields for $edge<'_> {
            fn sync_field<'p>(
                field: &$crate::graphql::fast_list::SelectedField<'p>,
            ) -> Option<$crate::graphql::fast_list::FieldWriter<'p, Self>>
            where
                Self: 'p,
            {
                match field.name() {
                    "cursor" => Some($crate::graphql::fast_list::at_hand(|edge: &Self, _, json| {
                        json.text(&edge.page.cursor(edge.index));
                    })),
                    "node" => field.object(|edge: &Self, _| Some(edge.page.nodes.get(edge.index))),
                    _ => None,
                }
            }
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
        let place = Keyset { key: "ada".to_owned(), id: Uuid::from_u128(7) };
        let made = cursor("members", &place);
        let window = args(None, Some(made.clone()), None, None).page_request::<String>("members").expect("a window");
        assert_eq!(window.from, Some(place));
        for (list, cursor) in [("others", made.as_str()), ("members", "nonsense"), ("members", ""), ("members", "é")] {
            let refused = args(None, Some(cursor.to_owned()), None, None).page_request::<String>(list);
            assert!(matches!(refused, Err(ApiError::InvalidCursor)), "{list} {cursor}");
        }
    }

    #[test]
    fn a_cursor_of_the_log_names_its_epoch_unless_it_is_the_first() {
        let position = EventPosition { transaction: 731, sequence: 77 };
        for (epoch, text) in [(0, "731.77"), (123_456_789, "731.77.123456789")] {
            let at = EpochPosition { epoch, position };
            assert_eq!((at.write().as_str(), EpochPosition::read(text)), (text, Some(at)));
        }
        assert_eq!(EpochPosition::read("731.77.x"), None);
    }

    #[test]
    fn a_cursor_to_a_time_that_no_row_has_is_refused() {
        for key in ["-8000000000000000000", "8000000000000000000", "-1", "soon"] {
            let forged = cursor("list", &Keyset { key: key.to_owned(), id: Uuid::nil() });
            let refused = args(None, Some(forged), None, None).page_request::<Instant>("list");
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
            assert!(matches!(bad.page_request::<String>("list"), Err(ApiError::BadUserInput(_))));
        }
        let window = args(None, None, None, None).page_request::<String>("list").expect("a window");
        assert_eq!((window.limit, window.backward), (25, false));
    }
}
