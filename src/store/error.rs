//! What the database says, in the words of the domain: a broken constraint is a refusal by its name, everything else a fault.

use diesel::result::{DatabaseErrorKind, Error as Diesel};

use crate::domain::{Code, Error, InternalError, Refusal};

impl From<Diesel> for Error {
    fn from(error: Diesel) -> Self {
        if let Diesel::DatabaseError(_, info) = &error
            && let Some(refusal) = info.constraint_name().and_then(refusal_of)
        {
            return refusal.into();
        }
        Error::Failed(InternalError { passing: is_passing(&error), cause: Box::new(error) })
    }
}

/// Whether the same could succeed later.
pub(super) fn is_passing(error: &Diesel) -> bool {
    is_connection_lost(error) || is_lock_timeout(error)
}

/// Whether the connection failed rather than the statement, whose outcome is not known then.
pub(super) fn is_connection_lost(error: &Diesel) -> bool {
    match error {
        Diesel::DatabaseError(kind, info) => is_away(kind, info.message()),
        error => matches!(error, Diesel::BrokenTransactionManager),
    }
}

/// Whether a statement waited for a lock for longer than `lock_timeout`. The driver tells it by the message alone.
fn is_lock_timeout(error: &Diesel) -> bool {
    matches!(error, Diesel::DatabaseError(_, info) if info.message() == "canceling statement due to lock timeout")
}

/// Whether the connection is what failed, rather than the statement. The driver tells a connection that was cut in the middle
/// of a statement by `UnableToSendCommand`, and one that an administrator ended by its message alone.
fn is_away(kind: &DatabaseErrorKind, message: &str) -> bool {
    matches!(kind, DatabaseErrorKind::ClosedConnection | DatabaseErrorKind::UnableToSendCommand)
        || message.starts_with("terminating connection")
}

/// The refusal that stands for a broken constraint: what two requests at once run into where each alone was fine.
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
