//! Mutations that begin, renew and end sessions.

use async_graphql::{Context, InputObject, Object, SimpleObject};

use super::payload::{payload, run_mutation};
use crate::graphql::Result;
use crate::graphql::context::ContextExt;
use crate::graphql::types::user_error::UserError;
use crate::graphql::types::viewer::{Session, Viewer};
use crate::operations::accounts::sign_up;
use crate::operations::sessions::{refresh, sign_in, sign_out};

/// The mutations of sessions of the built-in issuer.
#[derive(Default)]
pub struct SessionMutations;

/// The mutations of sessions of the built-in issuer.
#[Object]
impl SessionMutations {
    /// Creates an account and signs it in. With an invitation's token, the account also joins the organization, in the
    /// same transaction. FORBIDDEN if the server does not allow sign-up, or allows it only with an invitation.
    async fn sign_up(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Arguments of the mutation.")] input: SignUpInput,
    ) -> Result<SignUpPayload> {
        run_mutation(ctx, input.client_mutation_id.clone(), async {
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

    /// Signs in. As a login, an unverified e-mail address is refused with INVALID_CREDENTIALS, even with the right
    /// password. The username is accepted.
    async fn sign_in(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Arguments of the mutation.")] input: SignInInput,
    ) -> Result<SignInPayload> {
        run_mutation(ctx, input.client_mutation_id.clone(), async {
            let address = ctx.request().address;
            let input = sign_in::Input { login: input.login, password: input.password, address };
            let signed_in = sign_in::sign_in(ctx.env(), input).await?;
            ctx.request().sign_in(signed_in.actor);
            let (session, viewer) = (Some(signed_in.tokens.into()), Some(signed_in.user.into()));
            Ok(SignInPayload { session, viewer, ..Default::default() })
        })
        .await
    }

    /// Exchanges a refresh token for new tokens. Until its successor is used, and for 10 seconds after its own first
    /// use, the same token returns the newest tokens again. After that, its reuse ends the session.
    async fn refresh_session(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Arguments of the mutation.")] input: RefreshSessionInput,
    ) -> Result<RefreshSessionPayload> {
        run_mutation(ctx, input.client_mutation_id.clone(), async {
            let input = refresh::Input { refresh_token: input.refresh_token };
            let tokens = refresh::refresh_session(ctx.env(), input).await?;
            Ok(RefreshSessionPayload { session: Some(tokens.into()), ..Default::default() })
        })
        .await
    }

    /// Ends the session of a refresh token. Succeeds if the session has already ended.
    async fn sign_out(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Arguments of the mutation.")] input: SignOutInput,
    ) -> Result<SignOutPayload> {
        run_mutation(ctx, input.client_mutation_id.clone(), async {
            let input = sign_out::Input { refresh_token: input.refresh_token };
            sign_out::sign_out(ctx.env(), input).await?;
            Ok(SignOutPayload::default())
        })
        .await
    }
}

/// Input of `signUp`.
#[derive(InputObject)]
pub struct SignUpInput {
    /// Address of the new account, at most 254 characters. Required unless `invitationToken` is given, which implies
    /// the address. If both are given, they must match.
    pub email: Option<String>,
    /// Username of the new account: 3 to 32 of `a-z`, `0-9`, `.`, `_`, `-`; unique regardless of case.
    pub username: String,
    /// Password of the new account: at least 8 and at most 128 characters, and not a common password.
    pub password: String,
    /// Display name, at most 64 characters. Defaults to the username.
    pub display_name: Option<String>,
    /// Token from an invitation mail. It verifies the address, and the account joins the organization. If the
    /// invitation can no longer be accepted, no account is created.
    pub invitation_token: Option<String>,
    /// Any text chosen by the client, at most 256 characters. The payload returns it unchanged.
    pub client_mutation_id: Option<String>,
}

/// Payload of `signUp`.
#[derive(Default, SimpleObject)]
pub struct SignUpPayload {
    /// The tokens of the new account. Null on failure.
    pub session: Option<Session>,
    /// The new account. Null on failure.
    pub viewer: Option<Viewer>,
    /// Why the mutation was refused. Empty on success.
    pub user_errors: Vec<UserError>,
    /// `clientMutationId` of the input. Null if there was none.
    pub client_mutation_id: Option<String>,
}

payload!(SignUpPayload);

/// Input of `signIn`.
#[derive(InputObject)]
pub struct SignInInput {
    /// E-mail address or username.
    pub login: String,
    /// The password.
    pub password: String,
    /// Any text chosen by the client, at most 256 characters. The payload returns it unchanged.
    pub client_mutation_id: Option<String>,
}

/// Payload of `signIn`.
#[derive(Default, SimpleObject)]
pub struct SignInPayload {
    /// The tokens. Null on failure.
    pub session: Option<Session>,
    /// The signed-in account. Null on failure.
    pub viewer: Option<Viewer>,
    /// Why the mutation was refused. Empty on success.
    pub user_errors: Vec<UserError>,
    /// `clientMutationId` of the input. Null if there was none.
    pub client_mutation_id: Option<String>,
}

payload!(SignInPayload);

/// Input of `refreshSession`.
#[derive(InputObject)]
pub struct RefreshSessionInput {
    /// The newest refresh token of the session.
    pub refresh_token: String,
    /// Any text chosen by the client, at most 256 characters. The payload returns it unchanged.
    pub client_mutation_id: Option<String>,
}

/// Payload of `refreshSession`.
#[derive(Default, SimpleObject)]
pub struct RefreshSessionPayload {
    /// The new tokens. Null on failure.
    pub session: Option<Session>,
    /// Why the mutation was refused. Empty on success.
    pub user_errors: Vec<UserError>,
    /// `clientMutationId` of the input. Null if there was none.
    pub client_mutation_id: Option<String>,
}

payload!(RefreshSessionPayload);

/// Input of `signOut`.
#[derive(InputObject)]
pub struct SignOutInput {
    /// The newest refresh token of the session.
    pub refresh_token: String,
    /// Any text chosen by the client, at most 256 characters. The payload returns it unchanged.
    pub client_mutation_id: Option<String>,
}

/// Payload of `signOut`.
#[derive(Default, SimpleObject)]
pub struct SignOutPayload {
    /// Why the mutation was refused. Empty on success.
    pub user_errors: Vec<UserError>,
    /// `clientMutationId` of the input. Null if there was none.
    pub client_mutation_id: Option<String>,
}

payload!(SignOutPayload);
