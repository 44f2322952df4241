//! Access tokens of an external OpenID Connect issuer (Keycloak, Auth0, …): a token in, an [`Identity`] out.
//!
//! `jwks_source` fetches the issuer's keys, `jwks_cache` refreshes them, and `claims` says which claims of a verified token are
//! used. [`identity_cache`] remembers which account an identity belongs to.

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

/// Who is believed what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OidcConfig {
    /// `iss` of the issuer's tokens.
    pub issuer: String,
    /// What `aud` names in tokens that are meant for us.
    pub audience: String,
    /// The claim that makes site administrators. None: the issuer makes none.
    pub admin: Option<AdminClaim>,
}

/// An issuer elsewhere.
pub struct OidcIssuer {
    trust: OidcConfig,
    keyring: JwksCache,
    /// Accounts of those who have been here lately.
    pub known: IdentityCache,
}

/// A token that is good.
pub struct VerifiedToken {
    /// Whom it is about.
    pub identity: Identity,
    /// Since when what it says of them is so.
    pub issued_at: Instant,
    /// When the person signed in, as far as it tells.
    pub authenticated_at: Option<Instant>,
    /// From when on it is refused.
    pub expires_at: Instant,
}

impl fmt::Debug for OidcIssuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.trust.fmt(f)
    }
}

impl OidcIssuer {
    /// One whose keys are on that ring.
    pub fn new(trust: OidcConfig, keyring: JwksCache) -> Self {
        Self { trust, keyring, known: IdentityCache::default() }
    }

    /// Its name: `iss` of its tokens.
    pub fn name(&self) -> &str {
        &self.trust.issuer
    }

    /// Its keys.
    pub fn keyring(&self) -> &JwksCache {
        &self.keyring
    }

    /// Whether a token says to be of this issuer.
    pub fn is_named_by(&self, token: &str) -> bool {
        claims::named_issuer(token).as_deref() == Some(self.name())
    }

    /// Whom a token is about, presented at `now`. UNAUTHENTICATED if it is not good; fails while no keys could be read.
    pub async fn verify(&self, token: &str, now: Instant) -> Result<VerifiedToken> {
        let header = jwt::header(token).map_err(refused)?;
        // Before anything that costs: what would be refused with the best of keys has none looked for.
        let claimed: Claims = insecure_decode_claims(token).map_err(|_| refused(TokenError::Invalid))?;
        claimed.check(&self.trust, now).map_err(refused)?;
        let fit = [Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA].contains(&header.alg);
        let key = if fit { self.keyring.find(header.kid.as_deref(), header.alg).await? } else { None };
        let key = key.ok_or_else(|| refused(TokenError::Invalid))?;
        let claims: Claims = key.claims(token).map_err(refused)?;
        let expires_at = claims.check(&self.trust, now).map_err(refused)?;
        let (issued_at, authenticated_at) = (claims.issued_at(now), claims.authenticated_at(now));
        Ok(VerifiedToken { identity: claims.identity(&self.trust), issued_at, authenticated_at, expires_at })
    }
}

fn refused(why: TokenError) -> Error {
    tracing::debug!(?why, "rejected a token of the issuer");
    Error::Unauthenticated
}
