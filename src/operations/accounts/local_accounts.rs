//! The step that the operations of accounts begin with: where an issuer elsewhere keeps the accounts, they are not for us to
//! sign in or change.

use crate::domain::{Code, Refusal, Result};

use crate::operations::AppContext;

/// FORBIDDEN where accounts are kept elsewhere.
pub(crate) fn require_own_accounts(env: &AppContext) -> Result<()> {
    match &env.issuer {
        None => Ok(()),
        Some(issuer) => {
            let message = format!("Accounts are kept by {}: sign in and change yours there.", issuer.name());
            Err(Refusal::new(Code::Forbidden, message).into())
        }
    }
}
