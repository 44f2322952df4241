//! Pages of a list: which part is asked for, and what came back. Lists page by keyset: a page begins behind a row, not
//! behind a number of rows.

use uuid::Uuid;

/// Most rows in a page.
pub const MAX: u32 = 100;
/// Rows in a page if nothing else is asked for.
pub const DEFAULT: u32 = 25;

/// A place in a list ordered by `(key, id)`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Keyset<K> {
    /// What the list is ordered by.
    pub key: K,
    /// Breaks ties.
    pub id: Uuid,
}

/// The part of a list that is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PageRequest<K> {
    /// How many rows, at most [`MAX`].
    pub limit: u32,
    /// From the end, towards the beginning.
    pub backward: bool,
    /// Only rows behind this one; in front of it when backward.
    pub from: Option<Keyset<K>>,
}

impl<K> PageRequest<K> {
    /// The same part, by what `read` makes of the key.
    pub fn keyed<L>(&self, read: impl Fn(&K) -> L) -> PageRequest<L> {
        let from = self.from.as_ref().map(|place| Keyset { key: read(&place.key), id: place.id });
        PageRequest { limit: self.limit, backward: self.backward, from }
    }
}

/// A part of a list, in the list's own order.
#[derive(Clone, Debug)]
pub struct PageRows<T> {
    /// The rows.
    pub rows: Vec<T>,
    /// Whether there are more in the direction of paging.
    pub more: bool,
}

impl<T> PageRows<T> {
    /// Makes a slice of up to `limit + 1` rows, read in the direction of paging.
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
