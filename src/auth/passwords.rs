//! Passwords: how strong one must be, and how one is kept (Argon2id, in PHC form).
//!
//! Hashing takes tens of milliseconds of a core on purpose, so it runs in the `password_pool`.

use std::sync::Arc;

use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use rand::Rng;
use unicode_normalization::UnicodeNormalization;

use super::password_pool::PasswordPool;
use crate::domain::error::FieldError;
use crate::domain::{Code, InternalError, Result};

/// Fewest characters of a password.
pub const MIN: usize = 8;
/// Most characters of a password.
pub const MAX: usize = 128;

/// Characters by which strength is judged: zxcvbn takes seconds for more, where many of them look like others ("l33t").
const JUDGED: usize = 32;
/// Longest text known of the user that a password is compared with, in bytes.
const MAX_KNOWN: usize = 1024;
/// Most bytes of a password that are looked at: more than [`MAX`] characters ever have.
const MAX_BYTES: usize = 16 * MAX;
/// Bytes of salt.
const SALT: usize = 16;

/// What one hashing costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Argon2Cost {
    /// Memory, in KiB.
    pub memory: u32,
    /// Passes over it.
    pub passes: u32,
}

impl Argon2Cost {
    /// For passwords that matter: OWASP's recommendation for Argon2id on one lane.
    pub const PRODUCTION: Self = Self { memory: 19 * 1024, passes: 2 };
    /// For tests, which make many accounts: no protection.
    pub const TEST: Self = Self { memory: Params::MIN_M_COST, passes: 1 };
}

/// Hashes and checks passwords. Clones share one pool.
#[derive(Clone)]
pub struct Passwords {
    cost: Argon2Cost,
    pool: PasswordPool,
    /// A hash that no password has, in the place of one that is not there: finding that out is the same work.
    decoy: Arc<str>,
}

impl Passwords {
    /// Makes hashes at that cost.
    pub fn new(cost: Argon2Cost) -> Self {
        Self { cost, pool: PasswordPool::new(), decoy: decoy(cost).into() }
    }

    /// The hash to keep of a password.
    pub async fn hash(&self, password: &str) -> Result<String> {
        let salted = salted(self.cost).map_err(InternalError::new)?;
        let hash = Some(self.output(salted.clone(), password).await?);
        Ok(PasswordHash { hash, ..salted }.to_string())
    }

    /// Whether the password is that of the hash. Without a hash it is not, and finding that out is the same work.
    pub async fn verify(&self, kept: Option<&str>, password: &str) -> Result<bool> {
        let kept = PasswordHash::new(kept.unwrap_or(&self.decoy)).map_err(InternalError::new)?;
        // Outputs are compared in constant time.
        Ok(kept.hash == Some(self.output(kept.clone(), password).await?))
    }

    /// Checks that a new password has 8 to 128 characters and would not be guessed soon, by a guesser who knows `known`
    /// (username, address, name) of its user. Takes milliseconds in the pool, so throttles and [`check_length`] come first.
    pub async fn judge(&self, password: &str, known: &[&str]) -> Result<std::result::Result<(), FieldError>> {
        if let Err(problem) = check_length(password) {
            return Ok(Err(problem));
        }
        let known = known.iter().filter(|text| text.len() <= MAX_KNOWN).map(|text| (*text).to_owned());
        let (password, known) = (password.to_owned(), known.collect::<Vec<_>>());
        Ok(self.pool.run(move || check_strength(&password, &known)).await?)
    }

    /// What the password comes to with that salt, at that cost.
    async fn output(&self, salted: PasswordHash, password: &str) -> Result<Output> {
        // What is over-long is nobody's password, and no reason for more work than one that is.
        let password = &password[..password.floor_char_boundary(MAX_BYTES)];
        // The same password, typed on another keyboard.
        let password: String = password.nfc().collect();
        Ok(self.pool.run(move || output(&salted, password.as_bytes())).await?.map_err(InternalError::new)?)
    }
}

/// A hash that has no output yet.
fn salted(cost: Argon2Cost) -> argon2::password_hash::Result<PasswordHash> {
    Ok(PasswordHash {
        algorithm: Algorithm::Argon2id.ident(),
        version: Some(Version::V0x13.into()),
        params: ParamsString::try_from(&Params::new(cost.memory, cost.passes, 1, None)?)?,
        salt: Some(Salt::new(&random::<SALT>())?),
        hash: None,
    })
}

/// What the password comes to as that hash says.
fn output(hash: &PasswordHash, password: &[u8]) -> argon2::password_hash::Result<Output> {
    let algorithm = Algorithm::try_from(hash.algorithm.as_str())?;
    let version = hash.version.map(Version::try_from).transpose()?.unwrap_or_default();
    let params = Params::try_from(hash)?;
    let salt = hash.salt.as_deref().unwrap_or_default();
    let mut output = [0; Output::MAX_LENGTH];
    let output = &mut output[..params.output_len().unwrap_or(Params::DEFAULT_OUTPUT_LEN)];
    Argon2::new(algorithm, version, params).hash_password_into(password, salt, output)?;
    Ok(Output::new(output)?)
}

/// What [`Passwords::hash`] would make at that cost, but made of nothing.
fn decoy(cost: Argon2Cost) -> String {
    let (salt, hash) = (random::<SALT>(), random::<{ Params::DEFAULT_OUTPUT_LEN }>());
    let [salt, hash] = [salt.as_slice(), &hash].map(|bytes| STANDARD_NO_PAD.encode(bytes));
    format!("$argon2id$v=19$m={},t={},p=1${salt}${hash}", cost.memory, cost.passes)
}

#[allow(clippy::disallowed_methods, reason = "salts come from the system's randomness, in tests as well")]
fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0u8; N];
    rand::rng().fill_bytes(&mut bytes);
    bytes
}

/// Checks that a new password has 8 to 128 characters: the cheap part of [`Passwords::judge`].
pub fn check_length(password: &str) -> std::result::Result<(), FieldError> {
    let length = if password.len() > MAX_BYTES { MAX + 1 } else { password.nfc().count() };
    if length > MAX {
        return Err(FieldError::too_long(MAX));
    }
    if length < MIN {
        return Err(FieldError::new(Code::PasswordTooWeak, format!("A password has at least {MIN} characters.")));
    }
    Ok(())
}

fn check_strength(password: &str, known: &[String]) -> std::result::Result<(), FieldError> {
    let judged: String = password.nfc().take(JUDGED).collect();
    let known: Vec<&str> =
        known.iter().flat_map(|text| text.split('@').chain([text.as_str()])).chain(["guildhall"]).collect();
    if u8::from(zxcvbn::zxcvbn(&judged, &known).score()) < 2 {
        let message =
            "This password would be guessed soon. Take a longer one, or a few words that do not belong together.";
        return Err(FieldError::new(Code::PasswordTooWeak, message));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_is_known_by_its_hash_and_no_other_is() {
        let passwords = Passwords::new(Argon2Cost::TEST);
        let kept = passwords.hash("correct horse battery").await.unwrap();
        assert!(kept.starts_with("$argon2id$v=19$"), "{kept}");
        assert!(!kept.contains("horse"));
        assert_ne!(kept, passwords.hash("correct horse battery").await.unwrap(), "salted");
        assert!(passwords.verify(Some(&kept), "correct horse battery").await.unwrap());
        assert!(!passwords.verify(Some(&kept), "correct horse batterY").await.unwrap());
        assert!(!passwords.verify(Some(&kept), "").await.unwrap());
        assert!(!passwords.verify(None, "correct horse battery").await.unwrap(), "no account, no password");
        assert!(passwords.verify(Some("not a hash"), "correct horse battery").await.is_err());
    }

    #[tokio::test]
    async fn many_at_once_are_verified() {
        let passwords = Passwords::new(Argon2Cost::TEST);
        let kept = passwords.hash("correct horse battery").await.unwrap();
        let tries = (0..20).map(|n| passwords.verify(Some(&kept), ["correct horse battery", "wrong horse"][n % 2]));
        let good = futures_util::future::try_join_all(tries).await.unwrap();
        assert_eq!(good, [true, false].repeat(10));
    }

    #[tokio::test]
    async fn the_hash_of_nobody_costs_what_the_hash_of_somebody_does() {
        for cost in [Argon2Cost::PRODUCTION, Argon2Cost::TEST] {
            let passwords = Passwords::new(cost);
            let kept = passwords.hash("correct horse battery").await.unwrap();
            let [kept, decoy] = [kept.as_str(), &passwords.decoy].map(|hash| PasswordHash::new(hash).unwrap());
            assert_eq!((kept.algorithm, kept.version, &kept.params), (decoy.algorithm, decoy.version, &decoy.params));
            let length = |hash: &PasswordHash| (hash.salt.as_ref().unwrap().len(), hash.hash.as_ref().unwrap().len());
            assert_eq!(length(&kept), length(&decoy));
        }
    }

    #[tokio::test]
    async fn an_over_long_password_is_wrong_and_costs_no_more() {
        let passwords = Passwords::new(Argon2Cost::TEST);
        let kept = passwords.hash("correct horse battery").await.unwrap();
        let started = std::time::Instant::now();
        assert!(!passwords.verify(Some(&kept), &"e\u{301}".repeat(1 << 20)).await.unwrap());
        assert!(started.elapsed() < std::time::Duration::from_secs(1));
    }

    #[tokio::test]
    async fn hashes_of_another_cost_and_other_spellings_are_understood() {
        let kept = Passwords::new(Argon2Cost { memory: 64, passes: 2 }).hash("caf\u{e9} au lait").await.unwrap();
        assert!(Passwords::new(Argon2Cost::TEST).verify(Some(&kept), "cafe\u{301} au lait").await.unwrap());
    }

    async fn judged(password: &str) -> std::result::Result<(), FieldError> {
        Passwords::new(Argon2Cost::TEST).judge(password, &["ada.lovelace", "ada@example.org"]).await.unwrap()
    }

    #[tokio::test]
    async fn judge_refuses_weak_passwords() {
        for (password, code) in [
            ("", Code::PasswordTooWeak),
            ("x7!Kq2", Code::PasswordTooWeak),
            ("password1", Code::PasswordTooWeak),
            ("12345678", Code::PasswordTooWeak),
            ("qwertyuiop", Code::PasswordTooWeak),
            ("aaaaaaaaaaaa", Code::PasswordTooWeak),
            ("ada.lovelace", Code::PasswordTooWeak),
            ("guildhall1", Code::PasswordTooWeak),
            (&"x7!Kq2 ".repeat(30), Code::TooLong),
            (&"x".repeat(1 << 20), Code::TooLong),
        ] {
            assert_eq!(judged(password).await.map_err(|problem| problem.code), Err(code), "{password:.20}");
        }
    }

    #[tokio::test]
    async fn judge_takes_sensible_passwords() {
        let longest: String = (0..MAX as u32).map(|n| char::from(b'a' + (n * n * 7 % 26) as u8)).collect();
        for password in ["tr0ub4dor&3x", "correct horse battery", "violet-kettle", "grüne Wiese 42", &longest] {
            assert_eq!(judged(password).await, Ok(()), "{password}");
        }
    }

    #[tokio::test]
    async fn judge_looks_at_32_characters() {
        let weak = "a".repeat(JUDGED);
        let problem = judged(&format!("{weak}x7!Kq2 violet-kettle")).await.unwrap_err();
        assert_eq!(problem.code, Code::PasswordTooWeak);
        assert_eq!(judged(&format!("violet-kettle{weak}")).await, Ok(()));
    }
}
