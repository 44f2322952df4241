//! Verifies access tokens of an external OpenID Connect issuer (Keycloak, Auth0, …), and returns an [`Identity`].
//!
//! `jwks_source` reads the issuer's keys, `jwks_cache` caches and refreshes them, and `claims` validates the claims of
//! a token. [`identity_cache`] caches the user of an identity.

mod claims;
pub mod identity_cache;
pub(crate) mod jwks;
pub(crate) mod jwks_cache;
pub(crate) mod jwks_source;

use std::fmt;

use jsonwebtoken::Algorithm;
use jsonwebtoken::dangerous::insecure_decode_claims;

use crate::auth::jwt;
use crate::auth::jwt::TokenError;
use crate::auth::oidc::claims::Claims;
pub use crate::auth::oidc::claims::{AdminClaim, EmailClaim, Identity};
pub use crate::auth::oidc::identity_cache::IdentityCache;
pub use crate::auth::oidc::jwks_cache::{JwksCache, RefreshPolicy};
pub use crate::auth::oidc::jwks_source::{FetchError, JwksSource};
use crate::domain::clock::Instant;
use crate::domain::{Error, Result};

/// Configuration of an issuer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OidcConfig {
    /// Required value of `iss`.
    pub issuer: String,
    /// Required value of `aud`.
    pub audience: String,
    /// Claim that makes a user a site administrator; `None` if the issuer does not decide that.
    pub admin: Option<AdminClaim>,
}

/// An external issuer.
pub struct OidcIssuer {
    config: OidcConfig,
    jwks: JwksCache,
    /// Users of recently verified identities.
    pub known: IdentityCache,
}

/// The content of a verified token.
pub struct VerifiedToken {
    /// Identity of the user.
    pub identity: Identity,
    /// When the token was issued.
    pub issued_at: Instant,
    /// When the user signed in; `None` if the token does not say.
    pub authenticated_at: Option<Instant>,
    /// First instant at which the token is expired.
    pub expires_at: Instant,
}

impl fmt::Debug for OidcIssuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.config.fmt(f)
    }
}

impl OidcIssuer {
    /// Creates an issuer with the cache of its keys.
    pub fn new(config: OidcConfig, jwks: JwksCache) -> Self {
        Self { config, jwks, known: IdentityCache::default() }
    }

    /// Returns the `iss` claim of the issuer's tokens.
    pub fn name(&self) -> &str {
        &self.config.issuer
    }

    /// Returns the cache of the issuer's keys.
    pub fn jwks(&self) -> &JwksCache {
        &self.jwks
    }

    /// Returns whether the unverified `iss` claim of a token names this issuer.
    pub fn is_issuer_of(&self, token: &str) -> bool {
        claims::unverified_issuer(token).as_deref() == Some(self.name())
    }

    /// Verifies a token at `now`. Fails with UNAUTHENTICATED if it is not valid, and with a transient error as long as
    /// no keys could be read.
    pub async fn verify(&self, token: &str, now: Instant) -> Result<VerifiedToken> {
        let header = jwt::header(token).map_err(refused)?;
        // Checks the claims before the signature, so that invalid tokens cannot trigger a refresh of the keys.
        let claimed: Claims = insecure_decode_claims(token).map_err(|_| refused(TokenError::Invalid))?;
        claimed.check(&self.config, now).map_err(refused)?;
        let is_supported = [Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA].contains(&header.alg);
        let key = if is_supported { self.jwks.find(header.kid.as_deref(), header.alg).await? } else { None };
        let key = key.ok_or_else(|| refused(TokenError::Invalid))?;
        let claims: Claims = key.claims(token).map_err(refused)?;
        let expires_at = claims.check(&self.config, now).map_err(refused)?;
        let (issued_at, authenticated_at) = (claims.issued_at(now), claims.authenticated_at(now));
        Ok(VerifiedToken { identity: claims.identity(&self.config), issued_at, authenticated_at, expires_at })
    }
}

fn refused(reason: TokenError) -> Error {
    tracing::debug!(?reason, "rejected a token of the issuer");
    Error::Unauthenticated
}
