//! The check at the start of the operations on accounts: accounts that an external issuer keeps cannot be signed in to
//! or changed here.

use crate::domain::{Code, Refusal, Result};

use crate::operations::AppContext;

/// FORBIDDEN if an external issuer keeps the accounts.
pub(crate) fn require_own_accounts(env: &AppContext) -> Result<()> {
    match &env.issuer {
        None => Ok(()),
        Some(issuer) => {
            let message = format!("Accounts are kept by {}: sign in and change yours there.", issuer.name());
            Err(Refusal::new(Code::Forbidden, message).into())
        }
    }
}
