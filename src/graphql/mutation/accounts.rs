//! Mutations of accounts.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, SimpleObject};

use super::organizations::patch;
use super::payload::{payload, run_mutation};
use crate::graphql::Result;
use crate::graphql::context::ContextExt;
use crate::graphql::scalars::id;
use crate::graphql::types::user_error::UserError;
use crate::graphql::types::viewer::Viewer;
use crate::operations::accounts::{
    change_email, change_password, delete, request_password_reset, resend_verification_email, reset_password,
    update_profile, verify_email,
};

/// The mutations of accounts of the built-in issuer.
#[derive(Default)]
pub struct AccountMutations;

/// The mutations of accounts of the built-in issuer.
#[Object]
impl AccountMutations {
    /// Verifies the address of the viewer's account, or the new address that is to replace it. FORBIDDEN if the caller
    /// is not signed in, or is signed in to another account than the one that the mail names. Returns the same result
    /// if the address is already verified.
    async fn verify_email(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Arguments of the mutation.")] input: VerifyEmailInput,
    ) -> Result<VerifyEmailPayload> {
        run_mutation(ctx, input.client_mutation_id.clone(), async {
            let input = verify_email::Input { token: input.token };
            let user = verify_email::verify_email(ctx.env(), ctx.request().signed_in(), input).await?;
            Ok(VerifyEmailPayload { viewer: Some(user.into()), ..Default::default() })
        })
        .await
    }

    /// Sends the mail for `verifyEmail` to the viewer again. The previous token stops working.
    async fn resend_verification_email(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Arguments of the mutation.")] input: ResendVerificationEmailInput,
    ) -> Result<ResendVerificationEmailPayload> {
        run_mutation(ctx, input.client_mutation_id.clone(), async {
            let request = ctx.request();
            let user =
                resend_verification_email::resend_verification_email(ctx.env(), request.actor()?, request.address)
                    .await?;
            Ok(ResendVerificationEmailPayload { viewer: Some(user.into()), ..Default::default() })
        })
        .await
    }

    /// Sends a mail for `resetPassword`. The response is the same whether or not the account exists and whether or not
    /// a mail is sent. An address gets three mails a day without delay, then one an hour. Each link is valid for one
    /// hour, even if others are requested.
    async fn request_password_reset(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Arguments of the mutation.")] input: RequestPasswordResetInput,
    ) -> Result<RequestPasswordResetPayload> {
        run_mutation(ctx, input.client_mutation_id.clone(), async {
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
        #[graphql(desc = "Arguments of the mutation.")] input: ResetPasswordInput,
    ) -> Result<ResetPasswordPayload> {
        run_mutation(ctx, input.client_mutation_id.clone(), async {
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
        #[graphql(desc = "Arguments of the mutation.")] input: ChangePasswordInput,
    ) -> Result<ChangePasswordPayload> {
        run_mutation(ctx, input.client_mutation_id.clone(), async {
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
        #[graphql(desc = "The new names.")] input: UpdateProfileInput,
    ) -> Result<UpdateProfilePayload> {
        run_mutation(ctx, input.client_mutation_id.clone(), async {
            let input =
                update_profile::Input { display_name: patch(input.display_name), username: patch(input.username) };
            let user = update_profile::update_profile(ctx.env(), ctx.request().actor()?, input).await?;
            Ok(UpdateProfilePayload { viewer: Some(user.into()), ..Default::default() })
        })
        .await
    }

    /// Sends a link to a new address of the viewer. The new address replaces the old one once it is verified.
    async fn change_email(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The new address.")] input: ChangeEmailInput,
    ) -> Result<ChangeEmailPayload> {
        run_mutation(ctx, input.client_mutation_id.clone(), async {
            let address = ctx.request().address;
            let input = change_email::Input { email: input.email, password: input.password, address };
            let user = change_email::change_email(ctx.env(), ctx.request().actor()?, input).await?;
            Ok(ChangeEmailPayload { viewer: Some(user.into()), ..Default::default() })
        })
        .await
    }

    /// Deletes the viewer's account and its personal workspace immediately. OWNER_CANNOT_LEAVE while the viewer owns an
    /// organization with other members. Administrators can restore owned organizations without other members during the
    /// grace period. Needs the password, or a sign-in within the last 10 minutes.
    async fn delete_account(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Arguments of the mutation.")] input: DeleteAccountInput,
    ) -> Result<DeleteAccountPayload> {
        run_mutation(ctx, input.client_mutation_id.clone(), async {
            let DeleteAccountInput { confirm_username, password, .. } = input;
            let input = delete::Input { confirm_username, password };
            let deleted = delete::delete_account(ctx.env(), ctx.request().actor()?, input).await?;
            Ok(DeleteAccountPayload { deleted_user_id: Some(id(deleted)), ..Default::default() })
        })
        .await
    }
}

/// Input of `verifyEmail`.
#[derive(InputObject)]
pub struct VerifyEmailInput {
    /// Token from the mail.
    pub token: String,
    /// Any text chosen by the client, at most 256 characters. The payload returns it unchanged.
    pub client_mutation_id: Option<String>,
}

/// Payload of `verifyEmail`.
#[derive(Default, SimpleObject)]
pub struct VerifyEmailPayload {
    /// The caller, with the verified address. Null on failure.
    pub viewer: Option<Viewer>,
    /// Why the mutation was refused. Empty on success.
    pub user_errors: Vec<UserError>,
    /// `clientMutationId` of the input. Null if there was none.
    pub client_mutation_id: Option<String>,
}

payload!(VerifyEmailPayload);

/// Input of `resendVerificationEmail`.
#[derive(InputObject)]
pub struct ResendVerificationEmailInput {
    /// Any text chosen by the client, at most 256 characters. The payload returns it unchanged.
    pub client_mutation_id: Option<String>,
}

/// Payload of `resendVerificationEmail`.
#[derive(Default, SimpleObject)]
pub struct ResendVerificationEmailPayload {
    /// The caller. Null on failure.
    pub viewer: Option<Viewer>,
    /// Why the mutation was refused. Empty on success.
    pub user_errors: Vec<UserError>,
    /// `clientMutationId` of the input. Null if there was none.
    pub client_mutation_id: Option<String>,
}

payload!(ResendVerificationEmailPayload);

/// Input of `requestPasswordReset`.
#[derive(InputObject)]
pub struct RequestPasswordResetInput {
    /// E-mail address of the account.
    pub email: String,
    /// Any text chosen by the client, at most 256 characters. The payload returns it unchanged.
    pub client_mutation_id: Option<String>,
}

/// Payload of `requestPasswordReset`.
#[derive(Default, SimpleObject)]
pub struct RequestPasswordResetPayload {
    /// Why the mutation was refused. Empty on success.
    pub user_errors: Vec<UserError>,
    /// `clientMutationId` of the input. Null if there was none.
    pub client_mutation_id: Option<String>,
}

payload!(RequestPasswordResetPayload);

/// Input of `resetPassword`.
#[derive(InputObject)]
pub struct ResetPasswordInput {
    /// Token from the mail.
    pub token: String,
    /// The new password: at least 8 and at most 128 characters, and not a common password.
    pub new_password: String,
    /// Any text chosen by the client, at most 256 characters. The payload returns it unchanged.
    pub client_mutation_id: Option<String>,
}

/// Payload of `resetPassword`.
#[derive(Default, SimpleObject)]
pub struct ResetPasswordPayload {
    /// Why the mutation was refused. Empty on success.
    pub user_errors: Vec<UserError>,
    /// `clientMutationId` of the input. Null if there was none.
    pub client_mutation_id: Option<String>,
}

payload!(ResetPasswordPayload);

/// Input of `changePassword`.
#[derive(InputObject)]
pub struct ChangePasswordInput {
    /// The present password. INVALID_CREDENTIALS if it is wrong.
    pub current_password: String,
    /// The new password: at least 8 and at most 128 characters, and not a common password.
    pub new_password: String,
    /// Any text chosen by the client, at most 256 characters. The payload returns it unchanged.
    pub client_mutation_id: Option<String>,
}

/// Payload of `changePassword`.
#[derive(Default, SimpleObject)]
pub struct ChangePasswordPayload {
    /// The caller. Null on failure.
    pub viewer: Option<Viewer>,
    /// Why the mutation was refused. Empty on success.
    pub user_errors: Vec<UserError>,
    /// `clientMutationId` of the input. Null if there was none.
    pub client_mutation_id: Option<String>,
}

payload!(ChangePasswordPayload);

/// Input of `updateProfile`.
#[derive(InputObject)]
pub struct UpdateProfileInput {
    /// Any text chosen by the client, at most 256 characters. The payload returns it unchanged.
    pub client_mutation_id: Option<String>,
    /// New display name, 1 to 64 characters. Unchanged if absent.
    pub display_name: MaybeUndefined<String>,
    /// New username: 3 to 32 of `a-z`, `0-9`, `.`, `_`, `-`. Unchanged if absent.
    pub username: MaybeUndefined<String>,
}

/// Payload of `updateProfile`.
#[derive(Default, SimpleObject)]
pub struct UpdateProfilePayload {
    /// `clientMutationId` of the input. Null if there was none.
    pub client_mutation_id: Option<String>,
    /// Why the mutation was refused. Empty on success.
    pub user_errors: Vec<UserError>,
    /// The viewer with the new names. Null on failure.
    pub viewer: Option<Viewer>,
}

payload!(UpdateProfilePayload);

/// Input of `changeEmail`.
#[derive(InputObject)]
pub struct ChangeEmailInput {
    /// Any text chosen by the client, at most 256 characters. The payload returns it unchanged.
    pub client_mutation_id: Option<String>,
    /// The new address. It takes effect when it is verified with `verifyEmail`; until then the old one stays.
    pub email: String,
    /// The present password.
    pub password: String,
}

/// Payload of `changeEmail`.
#[derive(Default, SimpleObject)]
pub struct ChangeEmailPayload {
    /// `clientMutationId` of the input. Null if there was none.
    pub client_mutation_id: Option<String>,
    /// Why the mutation was refused. Empty on success: a link is then sent to the new address.
    pub user_errors: Vec<UserError>,
    /// The viewer, still with the old address. Null on failure.
    pub viewer: Option<Viewer>,
}

payload!(ChangeEmailPayload);

/// Input of `deleteAccount`.
#[derive(InputObject)]
pub struct DeleteAccountInput {
    /// The viewer's username, typed as confirmation. CONFIRMATION_MISMATCH if it differs.
    pub confirm_username: String,
    /// The password. Needed unless the viewer has signed in within the last 10 minutes. INVALID_CREDENTIALS if it is
    /// needed and absent, and always if it is wrong.
    pub password: Option<String>,
    /// Any text chosen by the client, at most 256 characters. The payload returns it unchanged.
    pub client_mutation_id: Option<String>,
}

/// Payload of `deleteAccount`.
#[derive(Default, SimpleObject)]
pub struct DeleteAccountPayload {
    /// ID of the deleted user. Null on failure.
    pub deleted_user_id: Option<ID>,
    /// Why the mutation was refused. Empty on success.
    pub user_errors: Vec<UserError>,
    /// `clientMutationId` of the input. Null if there was none.
    pub client_mutation_id: Option<String>,
}

payload!(DeleteAccountPayload);
