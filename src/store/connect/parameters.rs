//! The parameters of a connection as text: a URL, or `key=value` pairs, with those of libpq that the driver does not know.

use std::path::{Path, PathBuf};

use tokio_postgres::Config;
use tokio_postgres::config::Host;

use super::OptionsError;
use super::options::wrong;
use super::tls::{Authorities, SslMode, TlsOptions};

/// Parameters of libpq that the driver does not know, or knows in other units.
#[derive(Default)]
pub(super) struct Parameters {
    ssl_mode: Option<String>,
    root_certificate: Option<String>,
    certificate: Option<String>,
    key: Option<String>,
    pub(super) password_file: Option<String>,
    pub(super) user_timeout: Option<String>,
    direct_tls: bool,
}

impl Parameters {
    /// Takes the parameters that the driver does not know out of the text, and reads the others.
    pub(super) fn split_off(&mut self, text: &str) -> Result<Config, OptionsError> {
        let is_url = text.starts_with("postgres://") || text.starts_with("postgresql://");
        if is_url {
            let Some((address, query)) = text.split_once('?') else { return parse_driver_options(text) };
            let mut kept = Vec::new();
            for pair in query.split('&').filter(|pair| !pair.is_empty()) {
                let (key, value) = pair
                    .split_once('=')
                    .ok_or_else(|| OptionsError::new(format!("the parameter {pair} of the URL has no value")))?;
                let value = percent_decoded(value);
                if let Some((key, value)) = self.take(key, &value)? {
                    kept.push(format!("{key}={}", percent_encoded(&value)));
                }
            }
            let question = if kept.is_empty() { "" } else { "?" };
            return parse_driver_options(&format!("{address}{question}{}", kept.join("&")));
        }
        let mut kept = String::new();
        for (key, value) in pairs(text)? {
            if let Some((key, value)) = self.take(&key, &value)? {
                let quoted = value.replace('\\', "\\\\").replace('\'', "\\'");
                kept += &format!("{key}='{quoted}' ");
            }
        }
        parse_driver_options(&kept)
    }

    /// Keeps a parameter that the driver does not know; returns the others, under the driver's name.
    fn take<'t>(&mut self, key: &'t str, value: &str) -> Result<Option<(&'t str, String)>, OptionsError> {
        let slot = match key {
            "sslmode" => &mut self.ssl_mode,
            "sslrootcert" => &mut self.root_certificate,
            "sslcert" => &mut self.certificate,
            "sslkey" => &mut self.key,
            "passfile" => &mut self.password_file,
            "tcp_user_timeout" => &mut self.user_timeout,
            // These have one meaning here: UTF-8, no compression, and the host's name is sent.
            "client_encoding" | "sslcompression" | "sslsni" => return Ok(None),
            "gssencmode" if value == "require" => {
                return Err(OptionsError::new("gssencmode=require: GSS is not spoken"));
            }
            "gssencmode" => return Ok(None),
            "sslcrl" | "sslcrldir" | "sslpassword" | "service" | "requirepeer" => {
                return Err(OptionsError::new(format!("the parameter {key} is not supported")));
            }
            "keepalives_count" => return Ok(Some(("keepalives_retries", value.to_owned()))),
            "fallback_application_name" => return Ok(Some(("application_name", value.to_owned()))),
            _ => {
                self.direct_tls |= key == "sslnegotiation" && value == "direct";
                return Ok(Some((key, value.to_owned())));
            }
        };
        *slot = Some(value.to_owned());
        Ok(None)
    }

    /// Returns the TLS options, with libpq's variables and default files.
    pub(super) fn tls(
        &self,
        config: &Config,
        variable: &impl Fn(&str) -> Option<String>,
    ) -> Result<TlsOptions, OptionsError> {
        let home = variable("HOME").map(|home| Path::new(&home).join(".postgresql"));
        let existing = |name: &str| home.as_ref().map(|home| home.join(name)).filter(|file| file.exists());
        let root = self.root_certificate.clone().or_else(|| variable("PGSSLROOTCERT"));
        let authorities = match root.as_deref() {
            Some("system") => Some(Authorities::System),
            Some(file) => Some(Authorities::File(file.into())),
            None => existing("root.crt").map(Authorities::File),
        };
        let is_system = authorities == Some(Authorities::System);
        let mode = match self.ssl_mode.clone().or_else(|| variable("PGSSLMODE")) {
            None if is_system => SslMode::VerifyFull,
            None if self.direct_tls => SslMode::Require,
            None => SslMode::Prefer,
            Some(name) => SslMode::from_name(&name)
                .ok_or_else(|| wrong("sslmode", "disable, allow, prefer, require, verify-ca or verify-full"))?,
        };
        if is_system && mode != SslMode::VerifyFull {
            return Err(OptionsError::new("sslrootcert=system needs sslmode=verify-full"));
        }
        if self.direct_tls && matches!(mode, SslMode::Disable | SslMode::Allow | SslMode::Prefer) {
            return Err(OptionsError::new("sslnegotiation=direct needs sslmode=require or stricter"));
        }
        let all_sockets =
            !config.get_hosts().is_empty() && config.get_hosts().iter().all(|h| matches!(h, Host::Unix(_)));
        let certificate = self.certificate.clone().or_else(|| variable("PGSSLCERT")).map(PathBuf::from);
        let key = self.key.clone().or_else(|| variable("PGSSLKEY")).map(PathBuf::from);
        let client =
            match (certificate.or_else(|| existing("postgresql.crt")), key.or_else(|| existing("postgresql.key"))) {
                _ if all_sockets => None,
                (Some(certificate), Some(key)) => Some((certificate, key)),
                (Some(_), None) => return Err(OptionsError::new("sslcert needs sslkey, the file of its private key")),
                (None, _) => None,
            };
        Ok(TlsOptions { mode: if all_sockets { SslMode::Disable } else { mode }, authorities, client })
    }
}

/// The options of the driver without its own errors, which repeat the value.
fn parse_driver_options(text: &str) -> Result<Config, OptionsError> {
    text.parse().map_err(|cause: tokio_postgres::Error| {
        let cause = std::error::Error::source(&cause).map_or_else(|| cause.to_string(), ToString::to_string);
        OptionsError::new(format!(
            "it is neither a URL such as postgres://user:password@host:5432/database nor `key=value` pairs: {cause}"
        ))
    })
}

/// Returns whether a URL or `key=value` string names a port, for which the driver would take its default otherwise.
pub(super) fn names_port(text: &str) -> bool {
    let Some((_, rest)) = text.split_once("://") else { return text.contains("port") };
    let address = rest.split(['/', '?']).next().unwrap_or_default();
    let hosts = address.rsplit('@').next().unwrap_or_default();
    hosts.split(',').any(|host| host.rsplit(']').next().unwrap_or_default().contains(':')) || rest.contains("port=")
}

/// Splits `key=value key='value with spaces'`; a backslash escapes the next character.
fn pairs(text: &str) -> Result<Vec<(String, String)>, OptionsError> {
    let mut pairs = Vec::new();
    let mut characters = text.chars().peekable();
    loop {
        while characters.next_if(|c| c.is_whitespace()).is_some() {}
        if characters.peek().is_none() {
            return Ok(pairs);
        }
        let mut key = String::new();
        while let Some(c) = characters.next_if(|c| *c != '=' && !c.is_whitespace()) {
            key.push(c);
        }
        while characters.next_if(|c| c.is_whitespace()).is_some() {}
        if characters.next() != Some('=') {
            return Err(OptionsError::new(
                "it is neither a URL such as postgres://user:password@host:5432/database nor `key=value` pairs",
            ));
        }
        while characters.next_if(|c| c.is_whitespace()).is_some() {}
        let quoted = characters.next_if_eq(&'\'').is_some();
        let mut value = String::new();
        while let Some(c) = characters.next_if(|c| if quoted { *c != '\'' } else { !c.is_whitespace() }) {
            value.extend(if c == '\\' { characters.next() } else { Some(c) });
        }
        if quoted && characters.next().is_none() {
            return Err(OptionsError::new(format!("the value of {key} has no closing quote")));
        }
        pairs.push((key, value));
    }
}

fn percent_decoded(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned()
}

fn percent_encoded(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}
