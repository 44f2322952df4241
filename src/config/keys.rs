//! The signing keys of the server: files, folders or a secret, or a key that is created once in the data folder.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use secrecy::{ExposeSecret, SecretString};

use crate::auth::key_ring::KeyRing;
use crate::auth::tokens::TokenSigner;
use crate::config::validate;
use crate::config::validate::ConfigError;

/// Name of the key file in the data folder.
const FILE: &str = "signing-key.pem";

/// Settings of the keys that sign tokens. The first key signs, all of them verify. All processes on one database need a
/// key in common.
#[derive(Args, Clone, Default)]
pub struct KeySettings {
    /// Files with keys that sign tokens, separated by commas, or a folder of such files, in the order of their names: an
    /// Ed25519 key (PEM), or a secret of 32 bytes or more (HS256). The first key signs, all of them verify.
    /// [default: created in the data folder, with `--embedded`]
    #[arg(long, env = "GUILDHALL_SIGNING_KEY_FILE", value_name = "FILES", value_delimiter = ',')]
    pub signing_key_file: Vec<PathBuf>,
    /// Secret of 32 bytes or more that signs tokens (HS256), instead of a key.
    #[arg(long, env = "GUILDHALL_JWT_SECRET", value_name = "SECRET", hide_env_values = true)]
    pub jwt_secret: Option<SecretString>,
    /// Files with secrets, separated by commas, or a folder of such files, instead of `GUILDHALL_JWT_SECRET`.
    #[arg(long, env = "GUILDHALL_JWT_SECRET_FILE", value_name = "FILES", value_delimiter = ',')]
    pub jwt_secret_file: Vec<PathBuf>,
}

/// A configured key and the file that it comes from; `None` for `GUILDHALL_JWT_SECRET`.
pub struct ConfiguredKey {
    /// The key.
    pub key: TokenSigner,
    /// Its file.
    pub file: Option<PathBuf>,
}

impl KeySettings {
    /// Returns the keys that are set, in order; none if no key is set.
    pub fn configured(&self) -> Result<Vec<ConfiguredKey>, ConfigError> {
        let secret = validate::non_empty(self.jwt_secret.as_ref().map(ExposeSecret::expose_secret));
        let files: Vec<&PathBuf> = [&self.signing_key_file, &self.jwt_secret_file]
            .into_iter()
            .flatten()
            .filter(|file| !file.as_os_str().is_empty())
            .collect();
        let Some(secret) = secret else {
            let keys: Vec<Vec<_>> = files.into_iter().map(|file| from_path(file)).collect::<Result<_, _>>()?;
            return Ok(keys.into_iter().flatten().collect());
        };
        if !files.is_empty() {
            return Err(ConfigError::new(
                "Set GUILDHALL_JWT_SECRET or a file (GUILDHALL_SIGNING_KEY_FILE, GUILDHALL_JWT_SECRET_FILE), not both.",
            ));
        }
        let wrong = |cause| ConfigError::new(format!("GUILDHALL_JWT_SECRET cannot be used: {cause}."));
        Ok(vec![ConfiguredKey { key: TokenSigner::from_secret(secret).map_err(wrong)?, file: None }])
    }

    /// Returns the configured keys, or an error that says how to create one.
    pub fn required(&self) -> Result<KeyRing, ConfigError> {
        ring(self.configured()?).ok_or_else(|| {
            ConfigError::new(
                "No signing key is configured: create one with `openssl genpkey -algorithm ed25519 -out FILE` and set \
                 GUILDHALL_SIGNING_KEY_FILE to that file, or set GUILDHALL_JWT_SECRET to 32 random bytes or more.",
            )
        })
    }

    /// Returns the configured keys, else the key of the data folder, which is created at the first start.
    pub fn load_or_create(&self, data_dir: &Path) -> Result<KeyRing, ConfigError> {
        if let Some(keys) = ring(self.configured()?) {
            return Ok(keys);
        }
        let file = data_dir.join(FILE);
        if !file.exists() {
            write_new(data_dir, FILE).map_err(|cause| {
                ConfigError::new(format!("The signing key cannot be written to {}: {cause}.", file.display()))
            })?;
        }
        from_file(&file).map(|configured| configured.key.into())
    }

    /// Returns the folder in which `keys new` creates keys: the only configured path, if it is a folder.
    pub fn folder(&self) -> Option<&Path> {
        match self.signing_key_file.as_slice() {
            [folder] if folder.is_dir() => Some(folder),
            _ => None,
        }
    }
}

fn ring(keys: Vec<ConfiguredKey>) -> Option<KeyRing> {
    KeyRing::new(keys.into_iter().map(|configured| configured.key).collect())
}

/// Reads a file, or the files of a folder in the order of their names. Hidden files are left out.
fn from_path(path: &Path) -> Result<Vec<ConfiguredKey>, ConfigError> {
    if !path.is_dir() {
        return from_file(path).map(|key| vec![key]);
    }
    let wrong = |cause: io::Error| ConfigError::new(format!("The keys in {} cannot be read: {cause}.", path.display()));
    let mut files = Vec::new();
    for entry in fs::read_dir(path).map_err(wrong)? {
        let entry = entry.map_err(wrong)?;
        // A mounted secret is a link to a file in a hidden folder.
        if !entry.file_name().to_string_lossy().starts_with('.') && entry.path().is_file() {
            files.push(entry.path());
        }
    }
    files.sort();
    if files.is_empty() {
        return Err(ConfigError::new(format!("The folder {} has no signing key in it.", path.display())));
    }
    files.iter().map(|file| from_file(file)).collect()
}

fn from_file(file: &Path) -> Result<ConfiguredKey, ConfigError> {
    let wrong =
        |cause: String| ConfigError::new(format!("The signing key in {} cannot be used: {cause}.", file.display()));
    let text = fs::read_to_string(file).map_err(|cause| wrong(cause.to_string()))?;
    let key = if text.trim_start().starts_with("-----BEGIN") {
        TokenSigner::from_pem(&text)
    } else {
        TokenSigner::from_secret(text.trim())
    };
    Ok(ConfiguredKey { key: key.map_err(|cause| wrong(cause.to_string()))?, file: Some(file.to_owned()) })
}

/// Writes a new key. The file gets its name only when it is complete, and never replaces another file, so that two
/// concurrent starts use the same key.
pub fn write_new(folder: &Path, name: &str) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let (file, unfinished) = (folder.join(name), folder.join(format!(".{name}.{}", std::process::id())));
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
    use crate::domain::encryption::SealingKeys;

    fn settings(file: Option<&Path>, secret: Option<&str>) -> KeySettings {
        KeySettings {
            signing_key_file: file.into_iter().map(Path::to_owned).collect(),
            jwt_secret: secret.map(SecretString::from),
            jwt_secret_file: Vec::new(),
        }
    }

    fn refusal<T>(result: Result<T, ConfigError>) -> String {
        result.err().unwrap().to_string()
    }

    #[test]
    fn configured_secret_must_be_long_and_is_never_repeated() {
        assert!(settings(None, Some(&"s".repeat(32))).configured().is_ok_and(|keys| keys.len() == 1));
        let sentence = refusal(settings(None, Some("short-secret")).configured());
        assert!(sentence.contains("GUILDHALL_JWT_SECRET") && !sentence.contains("short-secret"), "{sentence}");
    }

    #[test]
    fn required_says_how_to_make_a_key() {
        assert!(refusal(settings(None, Some(" ")).required()).contains("openssl genpkey"));
    }

    #[test]
    fn configured_refuses_a_file_beside_a_secret() {
        assert!(refusal(settings(Some(Path::new("key.pem")), Some(&"s".repeat(32))).configured()).contains("not both"));
        assert!(
            refusal(settings(Some(Path::new("/nonexistent/key.pem")), None).configured())
                .contains("/nonexistent/key.pem")
        );
    }

    #[test]
    fn configured_reads_a_folder_in_the_order_of_names() {
        let folder = std::env::temp_dir().join(format!("guildhall-key-folder-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        assert!(refusal(settings(Some(&folder), None).configured()).contains("no signing key"));
        fs::write(folder.join("20-secret"), "s".repeat(32)).unwrap();
        write_new(&folder, "10-key.pem").unwrap();
        fs::write(folder.join(".hidden"), "x").unwrap();
        let keys = settings(Some(&folder), None).configured().unwrap();
        let names: Vec<_> = keys.iter().map(|key| key.file.as_ref().unwrap().file_name().unwrap()).collect();
        assert_eq!(names, ["10-key.pem", "20-secret"]);
        let both = KeySettings {
            signing_key_file: vec![folder.join("20-secret"), folder.join("10-key.pem")],
            ..KeySettings::default()
        };
        let fingerprints = both.required().unwrap().fingerprints();
        assert_eq!(fingerprints, [keys[1].key.fingerprint(), keys[0].key.fingerprint()], "in the given order");
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn load_or_create_makes_the_key_of_the_data_folder_once_for_its_owner_alone() {
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
