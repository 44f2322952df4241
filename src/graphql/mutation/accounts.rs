//! Mutations of accounts.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, SimpleObject};

use super::organizations::patch;
use super::payload::{answer, payload};
use crate::graphql::Result;
use crate::graphql::context::ContextExt;
use crate::graphql::scalars::id;
use crate::graphql::types::user_error::UserError;
use crate::graphql::types::viewer::{Session, Viewer};
use crate::operations::accounts::{
    change_email, change_password, delete, request_password_reset, resend_verification_email, reset_password, sign_up,
    update_profile, verify_email,
};
use crate::operations::sessions::{refresh, sign_in, sign_out};

/// Accounts of the built-in issuer.
#[derive(Default)]
pub struct AccountMutations;

/// Accounts of the built-in issuer.
#[Object]
impl AccountMutations {
    /// Makes an account and signs it in. With an invitation's token it joins the organization as well, in one
    /// transaction. FORBIDDEN where the server is closed to newcomers, or to those without an invitation.
    async fn sign_up(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do, and with what.")] input: SignUpInput,
    ) -> Result<SignUpPayload> {
        answer(ctx, input.client_mutation_id.clone(), async {
            let input = sign_up::Input {
                email: input.email,
                username: input.username,
                password: input.password,
                display_name: input.display_name,
                invitation_token: input.invitation_token,
                address: ctx.request().address,
            };
            let signed_in = sign_up::sign_up(ctx.env(), input).await?;
            ctx.request().sign_in(signed_in.actor);
            let (session, viewer) = (Some(signed_in.tokens.into()), Some(signed_in.user.into()));
            Ok(SignUpPayload { session, viewer, ..Default::default() })
        })
        .await
    }

    /// Signs in. An e-mail address that was not proven cannot sign in: INVALID_CREDENTIALS, also with the right password. The
    /// username can.
    async fn sign_in(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do, and with what.")] input: SignInInput,
    ) -> Result<SignInPayload> {
        answer(ctx, input.client_mutation_id.clone(), async {
            let address = ctx.request().address;
            let input = sign_in::Input { login: input.login, password: input.password, address };
            let signed_in = sign_in::sign_in(ctx.env(), input).await?;
            ctx.request().sign_in(signed_in.actor);
            let (session, viewer) = (Some(signed_in.tokens.into()), Some(signed_in.user.into()));
            Ok(SignInPayload { session, viewer, ..Default::default() })
        })
        .await
    }

    /// Exchanges a refresh token for new ones. The same token gets the newest ones again until its successor is used, and for
    /// 10 seconds after its own first use; after that, its reuse ends the session.
    async fn refresh_session(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do, and with what.")] input: RefreshSessionInput,
    ) -> Result<RefreshSessionPayload> {
        answer(ctx, input.client_mutation_id.clone(), async {
            let input = refresh::Input { refresh_token: input.refresh_token };
            let tokens = refresh::refresh_session(ctx.env(), input).await?;
            Ok(RefreshSessionPayload { session: Some(tokens.into()), ..Default::default() })
        })
        .await
    }

    /// Ends the session of a refresh token. Succeeds if it has ended already.
    async fn sign_out(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do, and with what.")] input: SignOutInput,
    ) -> Result<SignOutPayload> {
        answer(ctx, input.client_mutation_id.clone(), async {
            let input = sign_out::Input { refresh_token: input.refresh_token };
            sign_out::sign_out(ctx.env(), input).await?;
            Ok(SignOutPayload::default())
        })
        .await
    }

    /// Proves that the address of the viewer's account, or the one that is to take its place, is the viewer's. FORBIDDEN for
    /// callers who are not signed in, or are signed in to another account than the one that the mail names. The same answer
    /// once the address is proven.
    async fn verify_email(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do, and with what.")] input: VerifyEmailInput,
    ) -> Result<VerifyEmailPayload> {
        answer(ctx, input.client_mutation_id.clone(), async {
            let input = verify_email::Input { token: input.token };
            let user = verify_email::verify_email(ctx.env(), ctx.request().signed_in(), input).await?;
            Ok(VerifyEmailPayload { viewer: Some(user.into()), ..Default::default() })
        })
        .await
    }

    /// Sends the viewer the mail for `verifyEmail` again. The token sent before no longer works.
    async fn resend_verification_email(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do, and with what.")] input: ResendVerificationEmailInput,
    ) -> Result<ResendVerificationEmailPayload> {
        answer(ctx, input.client_mutation_id.clone(), async {
            let request = ctx.request();
            let user =
                resend_verification_email::resend_verification_email(ctx.env(), request.actor()?, request.address)
                    .await?;
            Ok(ResendVerificationEmailPayload { viewer: Some(user.into()), ..Default::default() })
        })
        .await
    }

    /// Sends a mail for `resetPassword`. The same answer whether or not there is such an account, and whether or not a mail
    /// goes out: three a day to an address, then one an hour. Each link is good for an hour, whatever else is asked for.
    async fn request_password_reset(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do, and with what.")] input: RequestPasswordResetInput,
    ) -> Result<RequestPasswordResetPayload> {
        answer(ctx, input.client_mutation_id.clone(), async {
            let input = request_password_reset::Input { email: input.email, address: ctx.request().address };
            request_password_reset::request_password_reset(ctx.env(), input).await?;
            Ok(RequestPasswordResetPayload::default())
        })
        .await
    }

    /// Sets a new password with the token from the mail, and ends every session of the account.
    async fn reset_password(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do, and with what.")] input: ResetPasswordInput,
    ) -> Result<ResetPasswordPayload> {
        answer(ctx, input.client_mutation_id.clone(), async {
            let input = reset_password::Input { token: input.token, new_password: input.new_password };
            reset_password::reset_password(ctx.env(), input).await?;
            Ok(ResetPasswordPayload::default())
        })
        .await
    }

    /// Sets a new password for the viewer, and ends every other session of the account.
    async fn change_password(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do, and with what.")] input: ChangePasswordInput,
    ) -> Result<ChangePasswordPayload> {
        answer(ctx, input.client_mutation_id.clone(), async {
            let input =
                change_password::Input { current_password: input.current_password, new_password: input.new_password };
            let user = change_password::change_password(ctx.env(), ctx.request().actor()?, input).await?;
            Ok(ChangePasswordPayload { viewer: Some(user.into()), ..Default::default() })
        })
        .await
    }

    /// Changes the display name or the username of the viewer.
    async fn update_profile(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to change.")] input: UpdateProfileInput,
    ) -> Result<UpdateProfilePayload> {
        answer(ctx, input.client_mutation_id.clone(), async {
            let input =
                update_profile::Input { display_name: patch(input.display_name), username: patch(input.username) };
            let user = update_profile::update_profile(ctx.env(), ctx.request().actor()?, input).await?;
            Ok(UpdateProfilePayload { viewer: Some(user.into()), ..Default::default() })
        })
        .await
    }

    /// Sends a link to a new address of the viewer, which takes the place of the old one once it is proven.
    async fn change_email(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The new address.")] input: ChangeEmailInput,
    ) -> Result<ChangeEmailPayload> {
        answer(ctx, input.client_mutation_id.clone(), async {
            let address = ctx.request().address;
            let input = change_email::Input { email: input.email, password: input.password, address };
            let user = change_email::change_email(ctx.env(), ctx.request().actor()?, input).await?;
            Ok(ChangeEmailPayload { viewer: Some(user.into()), ..Default::default() })
        })
        .await
    }

    /// Deletes the viewer's account with its personal workspace, at once. OWNER_CANNOT_LEAVE while it owns an
    /// organization that has other members; those without can be restored by administrators for the time of grace. Asks the
    /// password, or a sign-in within the last 10 minutes.
    async fn delete_account(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do, and with what.")] input: DeleteAccountInput,
    ) -> Result<DeleteAccountPayload> {
        answer(ctx, input.client_mutation_id.clone(), async {
            let DeleteAccountInput { confirm_username, password, .. } = input;
            let input = delete::Input { confirm_username, password };
            let deleted = delete::delete_account(ctx.env(), ctx.request().actor()?, input).await?;
            Ok(DeleteAccountPayload { deleted_user_id: Some(id(deleted)), ..Default::default() })
        })
        .await
    }
}

/// What `signUp` is to do.
#[derive(InputObject)]
pub struct SignUpInput {
    /// Address of the new account, at most 254 characters. Required unless `invitationToken` is given, which
    /// implies it; if both are, they must agree.
    pub email: Option<String>,
    /// Name of the new account: 3 to 32 of `a-z`, `0-9`, `.`, `_`, `-`; unique without regard to case.
    pub username: String,
    /// At least 8 and at most 128 characters, and not a common one.
    pub password: String,
    /// Name shown to people, at most 64 characters. Absent: the username.
    pub display_name: Option<String>,
    /// Token from the mail of an invitation. It proves the address, and the account joins the organization. If the
    /// invitation cannot be accepted any more, no account is made.
    pub invitation_token: Option<String>,
    /// Any text of the client's, at most 256 characters; comes back in the payload.
    pub client_mutation_id: Option<String>,
}

/// What `signUp` did.
#[derive(Default, SimpleObject)]
pub struct SignUpPayload {
    /// The tokens of the new account. Null on failure.
    pub session: Option<Session>,
    /// The new account. Null on failure.
    pub viewer: Option<Viewer>,
    /// What stands in the way. Empty on success.
    pub user_errors: Vec<UserError>,
    /// `clientMutationId` of the input. Null if there was none.
    pub client_mutation_id: Option<String>,
}

payload!(SignUpPayload);

/// What `signIn` is to do.
#[derive(InputObject)]
pub struct SignInInput {
    /// E-mail address or username.
    pub login: String,
    /// The password.
    pub password: String,
    /// Any text of the client's, at most 256 characters; comes back in the payload.
    pub client_mutation_id: Option<String>,
}

/// What `signIn` did.
#[derive(Default, SimpleObject)]
pub struct SignInPayload {
    /// The tokens. Null on failure.
    pub session: Option<Session>,
    /// The account signed in. Null on failure.
    pub viewer: Option<Viewer>,
    /// What stands in the way. Empty on success.
    pub user_errors: Vec<UserError>,
    /// `clientMutationId` of the input. Null if there was none.
    pub client_mutation_id: Option<String>,
}

payload!(SignInPayload);

/// What `refreshSession` is to do.
#[derive(InputObject)]
pub struct RefreshSessionInput {
    /// The newest refresh token of the session.
    pub refresh_token: String,
    /// Any text of the client's, at most 256 characters; comes back in the payload.
    pub client_mutation_id: Option<String>,
}

/// What `refreshSession` did.
#[derive(Default, SimpleObject)]
pub struct RefreshSessionPayload {
    /// The new tokens. Null on failure.
    pub session: Option<Session>,
    /// What stands in the way. Empty on success.
    pub user_errors: Vec<UserError>,
    /// `clientMutationId` of the input. Null if there was none.
    pub client_mutation_id: Option<String>,
}

payload!(RefreshSessionPayload);

/// What `signOut` is to do.
#[derive(InputObject)]
pub struct SignOutInput {
    /// The newest refresh token of the session.
    pub refresh_token: String,
    /// Any text of the client's, at most 256 characters; comes back in the payload.
    pub client_mutation_id: Option<String>,
}

/// What `signOut` did.
#[derive(Default, SimpleObject)]
pub struct SignOutPayload {
    /// What stands in the way. Empty on success.
    pub user_errors: Vec<UserError>,
    /// `clientMutationId` of the input. Null if there was none.
    pub client_mutation_id: Option<String>,
}

payload!(SignOutPayload);

/// What `verifyEmail` is to do.
#[derive(InputObject)]
pub struct VerifyEmailInput {
    /// Token from the mail.
    pub token: String,
    /// Any text of the client's, at most 256 characters; comes back in the payload.
    pub client_mutation_id: Option<String>,
}

/// What `verifyEmail` did.
#[derive(Default, SimpleObject)]
pub struct VerifyEmailPayload {
    /// The caller, with the proven address. Null on failure.
    pub viewer: Option<Viewer>,
    /// What stands in the way. Empty on success.
    pub user_errors: Vec<UserError>,
    /// `clientMutationId` of the input. Null if there was none.
    pub client_mutation_id: Option<String>,
}

payload!(VerifyEmailPayload);

/// What `resendVerificationEmail` is to do.
#[derive(InputObject)]
pub struct ResendVerificationEmailInput {
    /// Any text of the client's, at most 256 characters; comes back in the payload.
    pub client_mutation_id: Option<String>,
}

/// What `resendVerificationEmail` did.
#[derive(Default, SimpleObject)]
pub struct ResendVerificationEmailPayload {
    /// The caller. Null on failure.
    pub viewer: Option<Viewer>,
    /// What stands in the way. Empty on success.
    pub user_errors: Vec<UserError>,
    /// `clientMutationId` of the input. Null if there was none.
    pub client_mutation_id: Option<String>,
}

payload!(ResendVerificationEmailPayload);

/// What `requestPasswordReset` is to do.
#[derive(InputObject)]
pub struct RequestPasswordResetInput {
    /// E-mail address of the account.
    pub email: String,
    /// Any text of the client's, at most 256 characters; comes back in the payload.
    pub client_mutation_id: Option<String>,
}

/// What `requestPasswordReset` did.
#[derive(Default, SimpleObject)]
pub struct RequestPasswordResetPayload {
    /// What stands in the way. Empty on success.
    pub user_errors: Vec<UserError>,
    /// `clientMutationId` of the input. Null if there was none.
    pub client_mutation_id: Option<String>,
}

payload!(RequestPasswordResetPayload);

/// What `resetPassword` is to do.
#[derive(InputObject)]
pub struct ResetPasswordInput {
    /// Token from the mail.
    pub token: String,
    /// The new password: at least 8 and at most 128 characters, and not a common one.
    pub new_password: String,
    /// Any text of the client's, at most 256 characters; comes back in the payload.
    pub client_mutation_id: Option<String>,
}

/// What `resetPassword` did.
#[derive(Default, SimpleObject)]
pub struct ResetPasswordPayload {
    /// What stands in the way. Empty on success.
    pub user_errors: Vec<UserError>,
    /// `clientMutationId` of the input. Null if there was none.
    pub client_mutation_id: Option<String>,
}

payload!(ResetPasswordPayload);

/// What `changePassword` is to do.
#[derive(InputObject)]
pub struct ChangePasswordInput {
    /// The present password. INVALID_CREDENTIALS if it is another.
    pub current_password: String,
    /// The new password: at least 8 and at most 128 characters, and not a common one.
    pub new_password: String,
    /// Any text of the client's, at most 256 characters; comes back in the payload.
    pub client_mutation_id: Option<String>,
}

/// What `changePassword` did.
#[derive(Default, SimpleObject)]
pub struct ChangePasswordPayload {
    /// The caller. Null on failure.
    pub viewer: Option<Viewer>,
    /// What stands in the way. Empty on success.
    pub user_errors: Vec<UserError>,
    /// `clientMutationId` of the input. Null if there was none.
    pub client_mutation_id: Option<String>,
}

payload!(ChangePasswordPayload);

/// Input of `updateProfile`.
#[derive(InputObject)]
pub struct UpdateProfileInput {
    /// Returned as it is in the payload.
    pub client_mutation_id: Option<String>,
    /// New name shown to people, 1 to 64 characters. Unchanged if absent.
    pub display_name: MaybeUndefined<String>,
    /// New username: 3 to 32 of `a-z`, `0-9`, `.`, `_`, `-`. Unchanged if absent.
    pub username: MaybeUndefined<String>,
}

/// Payload of `updateProfile`.
#[derive(Default, SimpleObject)]
pub struct UpdateProfilePayload {
    /// The one of the input.
    pub client_mutation_id: Option<String>,
    /// What went wrong. Empty on success.
    pub user_errors: Vec<UserError>,
    /// The viewer as it is now.
    pub viewer: Option<Viewer>,
}

payload!(UpdateProfilePayload);

/// Input of `changeEmail`.
#[derive(InputObject)]
pub struct ChangeEmailInput {
    /// Returned as it is in the payload.
    pub client_mutation_id: Option<String>,
    /// The new address. It counts once it is proven with `verifyEmail`; until then the old one stays.
    pub email: String,
    /// The present password.
    pub password: String,
}

/// Payload of `changeEmail`.
#[derive(Default, SimpleObject)]
pub struct ChangeEmailPayload {
    /// The one of the input.
    pub client_mutation_id: Option<String>,
    /// What went wrong. Empty on success: a link is on its way to the new address.
    pub user_errors: Vec<UserError>,
    /// The viewer, still with the old address.
    pub viewer: Option<Viewer>,
}

payload!(ChangeEmailPayload);

/// What `deleteAccount` is to do.
#[derive(InputObject)]
pub struct DeleteAccountInput {
    /// The viewer's username, typed by a person. CONFIRMATION_MISMATCH if it is another.
    pub confirm_username: String,
    /// The password. Needed unless the viewer has signed in within the last 10 minutes:
    /// INVALID_CREDENTIALS then if it is absent, and always if it is wrong.
    pub password: Option<String>,
    /// Any text of the client's, at most 256 characters; comes back in the payload.
    pub client_mutation_id: Option<String>,
}

/// What `deleteAccount` did.
#[derive(Default, SimpleObject)]
pub struct DeleteAccountPayload {
    /// ID of the user that is gone. Null on failure.
    pub deleted_user_id: Option<ID>,
    /// What stands in the way. Empty on success.
    pub user_errors: Vec<UserError>,
    /// `clientMutationId` of the input. Null if there was none.
    pub client_mutation_id: Option<String>,
}

payload!(DeleteAccountPayload);
