//! Hashes passwords (Argon2id, PHC string format), verifies them, and checks their strength.
//!
//! Hashing is slow by design: it takes tens of milliseconds of a core, so it runs in the `password_pool`.

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

/// Minimum length of a password, in characters.
pub const MIN_LENGTH: usize = 8;
/// Maximum length of a password, in characters.
pub const MAX_LENGTH: usize = 128;

/// Number of characters whose strength is checked. zxcvbn takes seconds for longer texts with many "l33t"
/// substitutions.
const CHECKED_LENGTH: usize = 32;
/// Maximum length of a user's name or address that a password is compared with, in bytes.
const MAX_USER_INPUT: usize = 1024;
/// Maximum number of bytes of a password that are processed: more than [`MAX_LENGTH`] characters ever have.
const MAX_BYTES: usize = 16 * MAX_LENGTH;
/// Length of a salt, in bytes.
const SALT_LENGTH: usize = 16;

/// Cost parameters of Argon2id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Argon2Cost {
    /// Memory, in KiB.
    pub memory: u32,
    /// Passes over the memory.
    pub passes: u32,
}

impl Argon2Cost {
    /// OWASP's recommendation for Argon2id with one lane.
    pub const PRODUCTION: Self = Self { memory: 19 * 1024, passes: 2 };
    /// Minimum cost for tests, which create many accounts. Not secure.
    pub const TEST: Self = Self { memory: Params::MIN_M_COST, passes: 1 };
}

/// Hashes and verifies passwords. Clones share one pool.
#[derive(Clone)]
pub struct Passwords {
    cost: Argon2Cost,
    pool: PasswordPool,
    /// Random hash that is verified for accounts without a password, so that the response time is the same.
    decoy: Arc<str>,
}

impl Passwords {
    /// Creates a hasher with that cost for new hashes.
    pub fn new(cost: Argon2Cost) -> Self {
        Self { cost, pool: PasswordPool::new(), decoy: decoy(cost).into() }
    }

    /// Hashes a password, with a new salt.
    pub async fn hash(&self, password: &str) -> Result<String> {
        let salted = salted(self.cost).map_err(InternalError::new)?;
        let hash = Some(self.output(salted.clone(), password).await?);
        Ok(PasswordHash { hash, ..salted }.to_string())
    }

    /// Returns whether the password matches the hash. Without a hash it returns false after the same work.
    pub async fn verify(&self, hash: Option<&str>, password: &str) -> Result<bool> {
        let expected = PasswordHash::new(hash.unwrap_or(&self.decoy)).map_err(InternalError::new)?;
        // Outputs are compared in constant time.
        Ok(expected.hash == Some(self.output(expected.clone(), password).await?))
    }

    /// Checks that a new password has 8 to 128 characters and is hard to guess, also with knowledge of the user's
    /// `known` username, address and name. Takes milliseconds in the pool, so callers check throttles and
    /// [`check_length`] first.
    pub async fn judge(&self, password: &str, known: &[&str]) -> Result<std::result::Result<(), FieldError>> {
        if let Err(problem) = check_length(password) {
            return Ok(Err(problem));
        }
        let known = known.iter().filter(|text| text.len() <= MAX_USER_INPUT).map(|text| (*text).to_owned());
        let (password, known) = (password.to_owned(), known.collect::<Vec<_>>());
        Ok(self.pool.run(move || check_strength(&password, &known)).await?)
    }

    /// Computes the Argon2 output of a password, with the salt and cost of `salted`.
    async fn output(&self, salted: PasswordHash, password: &str) -> Result<Output> {
        // A longer text is not a valid password, and must not cause more work than one.
        let password = &password[..password.floor_char_boundary(MAX_BYTES)];
        // Keyboards differ in how they compose characters.
        let password: String = password.nfc().collect();
        Ok(self.pool.run(move || output(&salted, password.as_bytes())).await?.map_err(InternalError::new)?)
    }
}

/// Returns a hash with a new salt and without an output.
fn salted(cost: Argon2Cost) -> argon2::password_hash::Result<PasswordHash> {
    Ok(PasswordHash {
        algorithm: Algorithm::Argon2id.ident(),
        version: Some(Version::V0x13.into()),
        params: ParamsString::try_from(&Params::new(cost.memory, cost.passes, 1, None)?)?,
        salt: Some(Salt::new(&random::<SALT_LENGTH>())?),
        hash: None,
    })
}

/// Computes the Argon2 output of a password, with the salt and cost of `hash`.
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

/// Returns a random hash in the form of [`Passwords::hash`] at that cost.
fn decoy(cost: Argon2Cost) -> String {
    let (salt, hash) = (random::<SALT_LENGTH>(), random::<{ Params::DEFAULT_OUTPUT_LEN }>());
    let [salt, hash] = [salt.as_slice(), &hash].map(|bytes| STANDARD_NO_PAD.encode(bytes));
    format!("$argon2id$v=19$m={},t={},p=1${salt}${hash}", cost.memory, cost.passes)
}

#[allow(clippy::disallowed_methods, reason = "salts come from the system's randomness, in tests as well")]
fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0u8; N];
    rand::rng().fill_bytes(&mut bytes);
    bytes
}

/// Checks that a new password has 8 to 128 characters. The cheap part of [`Passwords::judge`].
pub fn check_length(password: &str) -> std::result::Result<(), FieldError> {
    let length = if password.len() > MAX_BYTES { MAX_LENGTH + 1 } else { password.nfc().count() };
    if length > MAX_LENGTH {
        return Err(FieldError::too_long(MAX_LENGTH));
    }
    if length < MIN_LENGTH {
        return Err(FieldError::new(
            Code::PasswordTooWeak,
            format!("A password has at least {MIN_LENGTH} characters."),
        ));
    }
    Ok(())
}

fn check_strength(password: &str, known: &[String]) -> std::result::Result<(), FieldError> {
    let checked: String = password.nfc().take(CHECKED_LENGTH).collect();
    let known: Vec<&str> =
        known.iter().flat_map(|text| text.split('@').chain([text.as_str()])).chain(["guildhall"]).collect();
    if u8::from(zxcvbn::zxcvbn(&checked, &known).score()) < 2 {
        let message = "This password is too easy to guess. Choose a longer one, or a few unrelated words.";
        return Err(FieldError::new(Code::PasswordTooWeak, message));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn verify_accepts_the_hashed_password_only() {
        let passwords = Passwords::new(Argon2Cost::TEST);
        let hash = passwords.hash("correct horse battery").await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$"), "{hash}");
        assert!(!hash.contains("horse"));
        assert_ne!(hash, passwords.hash("correct horse battery").await.unwrap(), "salted");
        assert!(passwords.verify(Some(&hash), "correct horse battery").await.unwrap());
        assert!(!passwords.verify(Some(&hash), "correct horse batterY").await.unwrap());
        assert!(!passwords.verify(Some(&hash), "").await.unwrap());
        assert!(!passwords.verify(None, "correct horse battery").await.unwrap(), "no account, no password");
        assert!(passwords.verify(Some("not a hash"), "correct horse battery").await.is_err());
    }

    #[tokio::test]
    async fn verify_handles_many_at_once() {
        let passwords = Passwords::new(Argon2Cost::TEST);
        let hash = passwords.hash("correct horse battery").await.unwrap();
        let tries = (0..20).map(|n| passwords.verify(Some(&hash), ["correct horse battery", "wrong horse"][n % 2]));
        let good = futures_util::future::try_join_all(tries).await.unwrap();
        assert_eq!(good, [true, false].repeat(10));
    }

    #[tokio::test]
    async fn decoy_has_the_cost_and_form_of_a_hash() {
        for cost in [Argon2Cost::PRODUCTION, Argon2Cost::TEST] {
            let passwords = Passwords::new(cost);
            let hash = passwords.hash("correct horse battery").await.unwrap();
            let [hash, decoy] = [hash.as_str(), &passwords.decoy].map(|text| PasswordHash::new(text).unwrap());
            assert_eq!((hash.algorithm, hash.version, &hash.params), (decoy.algorithm, decoy.version, &decoy.params));
            let length = |hash: &PasswordHash| (hash.salt.as_ref().unwrap().len(), hash.hash.as_ref().unwrap().len());
            assert_eq!(length(&hash), length(&decoy));
        }
    }

    #[tokio::test]
    async fn verify_refuses_an_over_long_password_at_the_same_cost() {
        let passwords = Passwords::new(Argon2Cost::TEST);
        let hash = passwords.hash("correct horse battery").await.unwrap();
        let started = std::time::Instant::now();
        assert!(!passwords.verify(Some(&hash), &"e\u{301}".repeat(1 << 20)).await.unwrap());
        assert!(started.elapsed() < std::time::Duration::from_secs(1));
    }

    #[tokio::test]
    async fn verify_accepts_hashes_of_another_cost_and_other_normalizations() {
        let hash = Passwords::new(Argon2Cost { memory: 64, passes: 2 }).hash("caf\u{e9} au lait").await.unwrap();
        assert!(Passwords::new(Argon2Cost::TEST).verify(Some(&hash), "cafe\u{301} au lait").await.unwrap());
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
    async fn judge_accepts_strong_passwords() {
        let longest: String = (0..MAX_LENGTH as u32).map(|n| char::from(b'a' + (n * n * 7 % 26) as u8)).collect();
        for password in ["tr0ub4dor&3x", "correct horse battery", "violet-kettle", "grüne Wiese 42", &longest] {
            assert_eq!(judged(password).await, Ok(()), "{password}");
        }
    }

    #[tokio::test]
    async fn judge_checks_32_characters() {
        let weak = "a".repeat(CHECKED_LENGTH);
        let problem = judged(&format!("{weak}x7!Kq2 violet-kettle")).await.unwrap_err();
        assert_eq!(problem.code, Code::PasswordTooWeak);
        assert_eq!(judged(&format!("violet-kettle{weak}")).await, Ok(()));
    }
}
