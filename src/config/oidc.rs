//! Settings of an external OpenID Connect issuer that keeps the accounts and issues the access tokens.

use std::path::PathBuf;

use clap::Args;
use url::Url;

use crate::auth::oidc::{AdminClaim, JwksCache, JwksSource, OidcConfig, OidcIssuer, RefreshPolicy};
use crate::auth::tokens;
use crate::config::validate;
use crate::config::validate::ConfigError;

/// Settings of the issuer whose tokens are accepted besides the server's own. With an issuer, signing up and signing in
/// here are disabled.
#[derive(Args, Clone, Debug, Default)]
pub struct IssuerSettings {
    /// Issuer of access tokens that keeps the accounts (Keycloak, Auth0, …), as in the claim `iss`. [default: accounts
    /// are kept here]
    #[arg(long, env = "JWT_ISSUER", value_name = "ISSUER")]
    pub jwt_issuer: Option<String>,
    /// Audience (`aud`) of the issuer's tokens for this server.
    #[arg(long, env = "JWT_AUDIENCE", value_name = "AUDIENCE")]
    pub jwt_audience: Option<String>,
    /// URL of the issuer's public keys (JSON Web Key Set): RS256, ES256 and EdDSA. Reloaded every 5 minutes, and when a
    /// token names an unknown key.
    #[arg(long, env = "JWKS_URL", value_name = "URL")]
    pub jwks_url: Option<String>,
    /// File with the issuer's public keys, instead of a URL; read at the start, and reloaded in the same way.
    #[arg(long, env = "JWKS_FILE", value_name = "FILE")]
    pub jwks_file: Option<PathBuf>,
    /// Claim and value that make an account a site administrator, such as `realm_access.roles=guildhall-admin`; a list
    /// must contain the value. [default: tokens grant no administration]
    #[arg(long, env = "JWT_ADMIN_CLAIM", value_name = "CLAIM=VALUE")]
    pub jwt_admin_claim: Option<String>,
}

impl IssuerSettings {
    /// Returns the configured issuer; `None` if no issuer is set.
    pub fn issuer(&self) -> Result<Option<OidcIssuer>, ConfigError> {
        let audience = validate::non_empty(self.jwt_audience.as_deref());
        let url = validate::non_empty(self.jwks_url.as_deref());
        let file = self.jwks_file.as_ref().filter(|file| !file.as_os_str().is_empty());
        let admin = validate::non_empty(self.jwt_admin_claim.as_deref());
        let Some(issuer) = validate::non_empty(self.jwt_issuer.as_deref()) else {
            let others = audience.is_some() || url.is_some() || file.is_some() || admin.is_some();
            let incomplete = "JWT_AUDIENCE, JWKS_URL, JWKS_FILE and JWT_ADMIN_CLAIM have no effect without JWT_ISSUER.";
            return if others { Err(ConfigError::new(incomplete)) } else { Ok(None) };
        };
        if issuer == tokens::ISSUER {
            let reserved =
                format!("JWT_ISSUER cannot be `{}`: this server's own tokens have that issuer.", tokens::ISSUER);
            return Err(ConfigError::new(reserved));
        }
        let audience = audience.ok_or_else(|| {
            ConfigError::new("JWT_ISSUER needs JWT_AUDIENCE: without it, tokens for other services would be accepted.")
        })?;
        let admin = admin.map(|claim| {
            AdminClaim::parse(claim).ok_or_else(|| {
                ConfigError::new(
                    "JWT_ADMIN_CLAIM must be a claim and its value, such as `realm_access.roles=guildhall-admin`.",
                )
            })
        });
        let source = match (url, file) {
            (Some(url), None) => jwks_from_url(url)?,
            (None, Some(file)) => JwksSource::file(file.clone())
                .map_err(|cause| ConfigError::new(format!("JWKS_FILE: {}: {cause}.", file.display())))?,
            _ => return Err(ConfigError::new("JWT_ISSUER needs either JWKS_URL or JWKS_FILE.")),
        };
        let config = OidcConfig { issuer: issuer.to_owned(), audience: audience.to_owned(), admin: admin.transpose()? };
        Ok(Some(OidcIssuer::new(config, JwksCache::new(source, RefreshPolicy::default()))))
    }
}

fn jwks_from_url(url: &str) -> Result<JwksSource, ConfigError> {
    let wrong = || ConfigError::new("JWKS_URL must be an http or https URL.");
    let url = Url::parse(url).map_err(|_| wrong())?;
    match url.scheme() {
        "https" => {}
        "http" => tracing::warn!(
            "JWKS_URL is not encrypted (http): an attacker on the network can replace the keys and sign in as any user"
        ),
        _ => return Err(wrong()),
    }
    JwksSource::at(url).map_err(|cause| ConfigError::new(format!("JWKS_URL cannot be used: {cause}.")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn issuer_with(change: impl FnOnce(&mut IssuerSettings)) -> Result<Option<OidcIssuer>, String> {
        let text = |text: &str| Some(text.to_owned());
        let mut settings = IssuerSettings {
            jwt_issuer: text("https://issuer.example"),
            jwt_audience: text("guildhall-api"),
            jwks_url: text("https://issuer.example/jwks"),
            jwks_file: None,
            jwt_admin_claim: text("roles=admin"),
        };
        change(&mut settings);
        settings.issuer().map_err(|bad| bad.to_string())
    }

    #[test]
    fn issuer_refuses_incomplete_settings() {
        assert!(issuer_with(|_| {}).is_ok_and(|issuer| issuer.is_some()));
        assert!(IssuerSettings::default().issuer().is_ok_and(|issuer| issuer.is_none()));
        assert!(issuer_with(|settings| settings.jwks_url = Some("http://localhost:9/keys?a=b".to_owned())).is_ok());
        for (said, wrong) in [
            ("without JWT_ISSUER", issuer_with(|settings| settings.jwt_issuer = None)),
            ("cannot be `guildhall`", issuer_with(|settings| settings.jwt_issuer = Some("guildhall".into()))),
            ("needs JWT_AUDIENCE", issuer_with(|settings| settings.jwt_audience = Some(" ".into()))),
            ("either JWKS_URL or JWKS_FILE", issuer_with(|settings| settings.jwks_url = None)),
            ("either JWKS_URL or JWKS_FILE", issuer_with(|settings| settings.jwks_file = Some("keys.json".into()))),
            ("http or https", issuer_with(|settings| settings.jwks_url = Some("file:///etc/keys".into()))),
            ("JWT_ADMIN_CLAIM must be", issuer_with(|settings| settings.jwt_admin_claim = Some("admin".into()))),
        ] {
            assert!(wrong.as_ref().is_err_and(|sentence| sentence.contains(said)), "{said}: {:?}", wrong.err());
        }
    }

    #[test]
    fn issuer_reads_the_key_file_at_the_start() {
        let folder = std::env::temp_dir().join(format!("guildhall-jwks-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let file = |name: &str, content: &str| {
            std::fs::write(folder.join(name), content).unwrap();
            folder.join(name)
        };
        let in_file = |file: PathBuf| {
            issuer_with(|settings| (settings.jwks_url, settings.jwks_file) = (None, Some(file)))
                .map(|issuer| issuer.is_some())
        };
        let key = r#"{"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
        assert_eq!(in_file(file("good.json", &format!(r#"{{"keys": [{key}]}}"#))), Ok(true));
        for (file, says) in [
            (folder.join("missing.json"), "missing.json: it cannot be read: No such file"),
            (folder.clone(), "it cannot be read"),
            (file("malformed.json", "-----BEGIN PUBLIC KEY-----"), "malformed.json: it is not a JSON Web Key Set"),
            (file("bare.json", key), "bare.json: it is not a JSON Web Key Set"),
            (file("none.json", r#"{"keys": []}"#), "none.json: none of its keys is"),
            (file("large.json", &" ".repeat(300_000)), "large.json: it is larger than 256 KB"),
        ] {
            let sentence = in_file(file).unwrap_err();
            assert!(sentence.starts_with("JWKS_FILE: ") && sentence.contains(says), "{says}: {sentence}");
        }
        std::fs::remove_dir_all(folder).unwrap();
    }
}
