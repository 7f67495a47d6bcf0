//! The key of masks: what makes a mask that follows from its value, and that nobody without the key can follow back.
//!
//! One secret for the whole project, so that equal values have equal masks wherever they stand. It is never shown and never stored; what is
//! stored of it is a digest by which one key is told from another.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// A secret, ready for use.
#[derive(Clone)]
pub struct MaskKey(Hmac<Sha256>);

/// Why a text is no secret. It never holds the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WeakKey {
    /// It can be guessed by trying.
    #[error("it has {0} characters, and {min} are needed", min = MaskKey::CHARACTERS_MIN)]
    Short(usize),
    /// It is long and says little.
    #[error("it consists of {0} different characters, and {min} are needed", min = MaskKey::DIFFERENT_MIN)]
    Plain(usize),
}

impl MaskKey {
    /// Characters that a secret has at least: those of 16 random bytes in hexadecimal.
    pub const CHARACTERS_MIN: usize = 32;
    /// Different characters that it has at least, so that nobody takes a row of equal ones for a secret.
    pub const DIFFERENT_MIN: usize = 8;

    /// Takes a secret.
    ///
    /// # Errors
    /// Where it could be guessed.
    pub fn new(secret: &str) -> Result<Self, WeakKey> {
        let characters = secret.chars().count();
        if characters < Self::CHARACTERS_MIN {
            return Err(WeakKey::Short(characters));
        }
        let different = secret.chars().collect::<std::collections::BTreeSet<char>>().len();
        if different < Self::DIFFERENT_MIN {
            return Err(WeakKey::Plain(different));
        }
        let key = Hmac::new_from_slice(secret.as_bytes()).expect("a key of any length is taken");
        Ok(Self(key))
    }

    /// HMAC-SHA-256 over parts, no two lists of which look alike. What serves different purposes has nothing to do with each other.
    #[must_use]
    pub fn digest(&self, purpose: &str, parts: &[&[u8]]) -> [u8; 32] {
        let mut mac = self.0.clone();
        for part in std::iter::once(&purpose.as_bytes()).chain(parts) {
            mac.update(&(part.len() as u64).to_le_bytes());
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }

    /// The first 64 bits of a digest.
    #[must_use]
    pub fn number(&self, purpose: &str, parts: &[&[u8]]) -> u64 {
        let digest = self.digest(purpose, parts);
        digest.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
    }

    /// What tells this key from another; nothing else can be learnt from it.
    #[must_use]
    pub fn identity(&self) -> u64 {
        self.number("identity", &[])
    }
}

impl std::fmt::Debug for MaskKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MaskKey([REDACTED])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "a secret that is long enough to be one";

    #[test]
    fn what_could_be_guessed_is_no_key() {
        assert_eq!(MaskKey::new("short").unwrap_err(), WeakKey::Short(5));
        assert_eq!(MaskKey::new(&"ab".repeat(40)).unwrap_err(), WeakKey::Plain(2));
        let first = |count| SECRET.chars().take(count).collect::<String>();
        assert_eq!(MaskKey::new(&first(31)).unwrap_err(), WeakKey::Short(31));
        assert!(MaskKey::new(&first(32)).is_ok());
    }

    #[test]
    fn a_digest_depends_on_key_purpose_and_parts_and_on_nothing_else() {
        let (key, other) = (MaskKey::new(SECRET).unwrap(), MaskKey::new(&SECRET.to_uppercase()).unwrap());
        let digest = key.digest("a", &[b"bc", b"d"]);

        assert_eq!(digest, MaskKey::new(SECRET).unwrap().digest("a", &[b"bc", b"d"]));
        let others = [
            other.digest("a", &[b"bc", b"d"]),
            key.digest("ab", &[b"c", b"d"]),
            key.digest("a", &[b"b", b"cd"]),
            key.digest("a", &[b"bcd"]),
            key.digest("a", &[b"bc", b"d", b""]),
        ];
        assert!(others.iter().all(|other| *other != digest));
        assert_ne!(key.identity(), other.identity());
    }

    #[test]
    fn it_is_hmac_sha_256_as_others_compute_it() {
        // python3: hmac.new(SECRET, struct.pack("<Q", 1) + b"p" + struct.pack("<Q", 2) + b"ab", "sha256")
        let digest = MaskKey::new(SECRET).unwrap().digest("p", &[b"ab"]);
        let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "d56ac9349fa6fca3573e03318c1ae00559cc3dc05c81f5e29956de100a46f819");
    }

    #[test]
    fn nothing_shows_it() {
        assert_eq!(format!("{:?}", MaskKey::new(SECRET).unwrap()), "MaskKey([REDACTED])");
    }
}
