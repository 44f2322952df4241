//! Keyset paging: a page begins after a row, not after a number of rows.

use uuid::Uuid;

/// Maximum number of rows of a page.
pub const MAX: u32 = 100;
/// Default number of rows of a page.
pub const DEFAULT: u32 = 25;

/// A position in a list that is ordered by `(key, id)`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Keyset<K> {
    /// Value that the list is ordered by.
    pub key: K,
    /// ID of the row, which orders rows with equal keys.
    pub id: Uuid,
}

/// A requested page.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PageRequest<K> {
    /// Maximum number of rows, at most [`MAX`].
    pub limit: u32,
    /// Whether to read from the end of the list.
    pub backward: bool,
    /// Only rows after this position, or before it when reading backward.
    pub from: Option<Keyset<K>>,
}

impl<K> PageRequest<K> {
    /// Converts the key of the position.
    pub fn keyed<L>(&self, read: impl Fn(&K) -> L) -> PageRequest<L> {
        let from = self.from.as_ref().map(|place| Keyset { key: read(&place.key), id: place.id });
        PageRequest { limit: self.limit, backward: self.backward, from }
    }
}

/// Rows of a page, in the order of the list.
#[derive(Clone, Debug)]
pub struct PageRows<T> {
    /// The rows.
    pub rows: Vec<T>,
    /// Whether there are more rows in the direction of paging.
    pub more: bool,
}

impl<T> PageRows<T> {
    /// Creates a page from up to `limit + 1` rows, read in the direction of paging.
    pub fn from_read<K>(mut rows: Vec<T>, window: &PageRequest<K>) -> Self {
        let limit = window.limit as usize;
        let more = rows.len() > limit;
        rows.truncate(limit);
        if window.backward {
            rows.reverse();
        }
        Self { rows, more }
    }
}
