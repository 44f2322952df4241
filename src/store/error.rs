//! Conversion of database errors: a violated constraint becomes the refusal for its name, every other error an internal
//! error.

use diesel::result::{DatabaseErrorKind, Error as Diesel};

use crate::domain::{Code, Error, InternalError, Refusal};

impl From<Diesel> for Error {
    fn from(error: Diesel) -> Self {
        if let Diesel::DatabaseError(_, info) = &error
            && let Some(refusal) = info.constraint_name().and_then(refusal_of)
        {
            return refusal.into();
        }
        Error::Failed(InternalError { transient: is_passing(&error), cause: Box::new(error) })
    }
}

/// Returns whether the error is transient: a retry could succeed.
pub(super) fn is_passing(error: &Diesel) -> bool {
    is_connection_lost(error) || is_time_limit(error)
}

/// Returns whether the connection failed rather than the statement. The outcome of the statement is then unknown.
pub(super) fn is_connection_lost(error: &Diesel) -> bool {
    match error {
        Diesel::DatabaseError(kind, info) => means_lost_connection(kind, info.message()),
        error => matches!(error, Diesel::BrokenTransactionManager),
    }
}

/// Returns whether a statement took longer than `statement_timeout`, or waited for a lock longer than `lock_timeout`. Only
/// the message distinguishes these errors.
fn is_time_limit(error: &Diesel) -> bool {
    let limits = ["canceling statement due to lock timeout", "canceling statement due to statement timeout"];
    matches!(error, Diesel::DatabaseError(_, info) if limits.contains(&info.message()))
}

/// Returns whether a database error means a lost connection. The driver reports a connection that was cut during a
/// statement as `UnableToSendCommand`. Only the message distinguishes a connection that an administrator terminated.
fn means_lost_connection(kind: &DatabaseErrorKind, message: &str) -> bool {
    matches!(kind, DatabaseErrorKind::ClosedConnection | DatabaseErrorKind::UnableToSendCommand)
        || message.starts_with("terminating connection")
}

/// Returns the refusal for a violated constraint. Two concurrent requests can violate a constraint that each of them
/// checked before.
fn refusal_of(constraint: &str) -> Option<Refusal> {
    let (code, message, field) = match constraint {
        "organizations_slug_key" => (Code::SlugTaken, "Another organization has this slug.", "slug"),
        "users_username_key" => (Code::UsernameTaken, "Another account has this username.", "username"),
        "users_verified_email_key" => (Code::EmailTaken, "This address belongs to another account.", "email"),
        "memberships_organization_user_key" => (Code::AlreadyMember, "This person is a member already.", ""),
        "invitations_one_pending" => {
            (Code::AlreadyInvited, "A pending invitation to this address exists already.", "email")
        }
        "ownership_offers_one_pending" => {
            (Code::OfferAlreadyPending, "The organization has a pending offer of ownership: cancel it first.", "")
        }
        _ => return None,
    };
    let refusal = Refusal::new(code, message);
    Some(if field.is_empty() { refusal } else { refusal.at(field) })
}
