//! The signing key of the server: set as a file or a secret, or created once in the data folder.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;

use crate::auth::tokens::TokenSigner;
use crate::config::validate;
use crate::config::validate::ConfigError;

/// Name of the key file in the data folder.
const FILE: &str = "signing-key.pem";

/// Settings of the key that signs tokens. All processes on one database need the same key.
#[derive(Args, Clone, Default)]
pub struct KeySettings {
    /// File with the Ed25519 key (PEM) that signs tokens. [default: created in the data folder, with `--embedded`]
    #[arg(long, env = "GUILDHALL_SIGNING_KEY_FILE", value_name = "FILE")]
    pub signing_key_file: Option<PathBuf>,
    /// Secret of 32 bytes or more that signs tokens (HS256), instead of a key.
    #[arg(long, env = "GUILDHALL_JWT_SECRET", value_name = "SECRET", hide_env_values = true)]
    pub jwt_secret: Option<String>,
}

impl KeySettings {
    /// Returns the key that is set; `None` if no key is set.
    pub fn configured(&self) -> Result<Option<TokenSigner>, ConfigError> {
        let secret = validate::non_empty(self.jwt_secret.as_deref());
        let file = self.signing_key_file.as_deref().filter(|file| !file.as_os_str().is_empty());
        match (file, secret) {
            (None, None) => Ok(None),
            (Some(_), Some(_)) => {
                Err(ConfigError::new("Set GUILDHALL_SIGNING_KEY_FILE or GUILDHALL_JWT_SECRET, not both."))
            }
            (Some(file), None) => from_file(file).map(Some),
            (None, Some(secret)) => TokenSigner::from_secret(secret)
                .map(Some)
                .map_err(|cause| ConfigError::new(format!("GUILDHALL_JWT_SECRET cannot be used: {cause}."))),
        }
    }

    /// Returns the configured key, or an error that says how to create one.
    pub fn required(&self) -> Result<TokenSigner, ConfigError> {
        self.configured()?.ok_or_else(|| {
            ConfigError::new(
                "No signing key is configured: create one with `openssl genpkey -algorithm ed25519 -out FILE` and set \
                 GUILDHALL_SIGNING_KEY_FILE to that file, or set GUILDHALL_JWT_SECRET to 32 random bytes or more.",
            )
        })
    }

    /// Returns the configured key, else the key of the data folder, which is created at the first start.
    pub fn load_or_create(&self, data_dir: &Path) -> Result<TokenSigner, ConfigError> {
        if let Some(keys) = self.configured()? {
            return Ok(keys);
        }
        let file = data_dir.join(FILE);
        if !file.exists() {
            write_new(data_dir, &file).map_err(|cause| {
                ConfigError::new(format!("The signing key cannot be written to {}: {cause}.", file.display()))
            })?;
        }
        from_file(&file)
    }
}

fn from_file(file: &Path) -> Result<TokenSigner, ConfigError> {
    let wrong =
        |cause: String| ConfigError::new(format!("The signing key in {} cannot be used: {cause}.", file.display()));
    let pem = fs::read_to_string(file).map_err(|cause| wrong(cause.to_string()))?;
    TokenSigner::from_pem(&pem).map_err(|cause| wrong(cause.to_string()))
}

/// Writes a new key. The file gets its name only when it is complete, and never replaces another file, so that two
/// concurrent starts use the same key.
fn write_new(data_dir: &Path, file: &Path) -> io::Result<()> {
    fs::create_dir_all(data_dir)?;
    let unfinished = data_dir.join(format!("{FILE}.{}", std::process::id()));
    let mut options = fs::OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut written = options.write(true).create(true).truncate(true).open(&unfinished)?;
    written.write_all(TokenSigner::generate_pem().as_bytes())?;
    written.sync_all()?;
    let linked = fs::hard_link(&unfinished, file);
    fs::remove_file(&unfinished)?;
    match linked {
        Err(cause) if cause.kind() != io::ErrorKind::AlreadyExists => Err(cause),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(file: Option<&Path>, secret: Option<&str>) -> KeySettings {
        KeySettings { signing_key_file: file.map(Path::to_owned), jwt_secret: secret.map(str::to_owned) }
    }

    fn refusal<T>(result: Result<T, ConfigError>) -> String {
        result.err().unwrap().to_string()
    }

    #[test]
    fn configured_refuses_a_short_secret_without_repeating_it() {
        assert!(settings(None, Some(&"s".repeat(32))).configured().is_ok_and(|keys| keys.is_some()));
        let sentence = refusal(settings(None, Some("short-secret")).configured());
        assert!(sentence.contains("GUILDHALL_JWT_SECRET") && !sentence.contains("short-secret"), "{sentence}");
    }

    #[test]
    fn required_says_how_to_create_a_key() {
        assert!(refusal(settings(None, Some(" ")).required()).contains("openssl genpkey"));
    }

    #[test]
    fn configured_refuses_a_file_together_with_a_secret() {
        assert!(refusal(settings(Some(Path::new("key.pem")), Some(&"s".repeat(32))).configured()).contains("not both"));
        assert!(
            refusal(settings(Some(Path::new("/nonexistent/key.pem")), None).configured())
                .contains("/nonexistent/key.pem")
        );
    }

    #[test]
    fn load_or_create_writes_one_key_that_only_the_owner_can_read() {
        let folder = std::env::temp_dir().join(format!("guildhall-keys-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        let first = settings(None, None).load_or_create(&folder).unwrap().jwks();
        assert_eq!(settings(None, None).load_or_create(&folder).unwrap().jwks(), first);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = fs::metadata(folder.join(FILE)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1, "nothing else is left behind");
        fs::remove_dir_all(&folder).unwrap();
    }
}
