//! Validates settings beyond the checks of clap. Every error is one sentence that names the setting.

use std::fs;
use std::path::Path;

use secrecy::{ExposeSecret, SecretString};
use tracing_subscriber::EnvFilter;
use url::Url;

use crate::config::{LinkSettings, LogSettings};
use crate::mail::links::Links;

/// An invalid setting: a sentence that names the setting and the expected value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(pub String);

impl ConfigError {
    /// Creates the error from a sentence.
    pub fn new(sentence: impl Into<String>) -> Self {
        Self(sentence.into())
    }
}

/// Returns the trimmed setting; a blank environment variable counts as unset.
pub(super) fn non_empty(setting: Option<&str>) -> Option<&str> {
    setting.map(str::trim).filter(|setting| !setting.is_empty())
}

/// Returns a secret that is set directly or by the file of `<setting>_FILE`; `None` if neither is set.
pub(super) fn secret(
    value: Option<&SecretString>,
    file: Option<&Path>,
    setting: &str,
) -> Result<Option<String>, ConfigError> {
    let file = file.filter(|file| !file.as_os_str().is_empty());
    match (non_empty(value.map(ExposeSecret::expose_secret)), file) {
        (Some(_), Some(_)) => Err(ConfigError::new(format!("Set {setting} or {setting}_FILE, not both."))),
        (Some(value), None) => Ok(Some(value.to_owned())),
        (None, None) => Ok(None),
        (None, Some(file)) => {
            let wrong = |cause| ConfigError::new(format!("{setting}_FILE: {}: {cause}.", file.display()));
            let text = fs::read_to_string(file).map_err(|cause| wrong(format!("it cannot be read: {cause}")))?;
            let text = non_empty(Some(&text)).ok_or_else(|| wrong("it is empty".to_owned()))?;
            Ok(Some(text.to_owned()))
        }
    }
}

/// Checks an http or https URL and removes the slash at its end.
pub(super) fn parse_http_url(text: &str) -> Result<String, String> {
    let sentence = "it must be an http or https URL, without query and fragment";
    let url = Url::parse(text.trim()).map_err(|_| sentence.to_owned())?;
    let good = matches!(url.scheme(), "http" | "https") && url.query().is_none() && url.fragment().is_none();
    if good { Ok(url.as_str().trim_end_matches('/').to_owned()) } else { Err(sentence.to_owned()) }
}

impl LinkSettings {
    /// Returns the links of mails, for a server that clients reach at `public_url`.
    pub fn links(&self, public_url: &str) -> Result<Links, ConfigError> {
        let link = |setting: &Option<String>, key| {
            non_empty(setting.as_deref())
                .map_or_else(|| format!("{public_url}/graphiql#{key}={{token}}"), str::to_owned)
        };
        let links = Links {
            invitation: link(&self.invitation_url, "invitation"),
            verification: link(&self.verification_url, "verify"),
            password_reset: link(&self.password_reset_url, "reset"),
        };
        let wrong = |bad| ConfigError::new(format!("INVITATION_URL, VERIFICATION_URL, PASSWORD_RESET_URL: {bad}."));
        links.check().map_err(wrong)?;
        Ok(links)
    }
}

impl LogSettings {
    /// Returns the filter of the log, or an error if it cannot be parsed.
    pub fn filter(&self) -> Result<EnvFilter, ConfigError> {
        EnvFilter::try_new(&self.log_filter).map_err(|cause| {
            ConfigError::new(format!(
                "GUILDHALL_LOG must be a filter such as `info` or `info,guildhall=debug`: {cause}."
            ))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parse_http_url_removes_the_last_slash() {
        assert_eq!(parse_http_url("https://example.org/").as_deref(), Ok("https://example.org"));
        assert_eq!(parse_http_url(" http://localhost:4000/team/ ").as_deref(), Ok("http://localhost:4000/team"));
        for bad in ["", "example.org", "ftp://example.org", "https://example.org/?a", "https://example.org/#a"] {
            assert!(parse_http_url(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn non_empty_treats_blank_as_unset() {
        assert_eq!(non_empty(Some("  ")), None);
        assert_eq!(non_empty(Some(" x ")), Some("x"));
    }
}
