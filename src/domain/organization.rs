//! Whether an organization is there to stay.

/// Status of an organization.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, diesel::expression::AsExpression, diesel::deserialize::FromSqlRow,
)]
#[diesel(sql_type = super::sql_types::OrganizationStatus)]
pub enum OrganizationStatus {
    /// In use.
    Active,
    /// Deleted by its owner, and restorable for a while.
    PendingDeletion,
}
