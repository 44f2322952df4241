//! Operations on accounts: sign-up, profiles, passwords, addresses, deletion.

pub mod change_email;
pub mod change_password;
pub mod delete;
pub mod email_links;
pub mod local_accounts;
pub mod provision_oidc_user;
pub mod record_activity;
pub mod request_password_reset;
pub mod resend_verification_email;
pub mod reset_password;
pub mod sign_up;
pub mod update_profile;
pub mod verify_email;
