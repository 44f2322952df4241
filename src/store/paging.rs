//! Keyset paging in diesel's words.

/// Narrows a boxed query to a [`Window`](crate::domain::page::Window) of the list ordered by `(key, id)`, ascending or
/// descending, and reads one row more than asked for, which tells whether there are more.
///
/// `key >= k AND (key > k OR id > i)` rather than the two alternatives alone: its first half is what lets the index begin
/// at the right place.
#[macro_export]
macro_rules! keyset {
    ($query:expr, $key:expr, $id:expr, $window:expr, descending: $descending:expr) => {{
        let mut query = $query;
        let descending = $descending != $window.backward;
        if let Some(place) = &$window.from {
            query = if descending {
                query.filter($key.le(place.key.clone()).and($key.lt(place.key.clone()).or($id.lt(place.id))))
            } else {
                query.filter($key.ge(place.key.clone()).and($key.gt(place.key.clone()).or($id.gt(place.id))))
            };
        }
        query = if descending {
            query.order_by(($key.desc(), $id.desc()))
        } else {
            query.order_by(($key.asc(), $id.asc()))
        };
        query.limit(i64::from($window.limit) + 1)
    }};
}

/// A pattern for `ILIKE` that finds `search` anywhere, taken literally.
pub fn containing(search: &str) -> String {
    let escaped: String =
        search.chars().flat_map(|c| matches!(c, '%' | '_' | '\\').then_some('\\').into_iter().chain([c])).collect();
    format!("%{escaped}%")
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_search_is_taken_literally() {
        assert_eq!(super::containing(r"50%_\"), r"%50\%\_\\%");
    }
}
