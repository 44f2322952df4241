//! The direction of the order of a list.

use async_graphql::Enum;

/// Direction of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum OrderDirection {
    /// Ascending: smallest, earliest or alphabetically first value first.
    Asc,
    /// Descending: greatest, latest or alphabetically last value first.
    Desc,
}
