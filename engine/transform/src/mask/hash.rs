//! Masks that follow from their value by the project's key, so that what was equal stays equal.
//!
//! None of them is its value: a value that stayed as it is by chance would be one that is shown.

use std::fmt::Write as _;

use transload_model::MaskKey;

/// Tries until a mask differs from its value. There are values whose mask cannot differ, such as one without letters and digits.
const TRIES: u8 = 32;

/// Hexadecimal digits.
pub(super) fn text(key: &MaskKey, value: &str, length: usize) -> String {
    let digest = key.digest("mask/text", &[value.as_bytes()]);
    let mut hex = digest.iter().fold(String::with_capacity(64), |mut hex, byte| {
        let written = write!(hex, "{byte:02x}");
        debug_assert!(written.is_ok(), "writing to a string cannot fail");
        hex
    });
    hex.truncate(length);
    hex
}

/// Hexadecimal digits and the domain that follows the last `@`; anything else that follows may say who it is, and is hidden. What is in front
/// of it is not masked alone, so that two people whose addresses begin alike are not taken for one.
pub(super) fn domain(key: &MaskKey, value: &str, length: usize) -> String {
    match value.rsplit_once('@') {
        Some((local, domain)) if !local.is_empty() && is_domain(domain.trim_end()) => {
            format!("{}@{domain}", text(key, value, length))
        }
        _ => text(key, value, length),
    }
}

/// Whether a text has the form of a domain: names with points between them, the last of which is no number.
fn is_domain(text: &str) -> bool {
    let is_name = |name: &str| {
        (1..=63).contains(&name.len())
            && name.chars().all(|sign| sign.is_alphanumeric() || sign == '-')
            && !name.starts_with('-')
            && !name.ends_with('-')
    };
    let last = text.rsplit_once('.').map(|(_, last)| last);
    text.len() <= 253 && text.split('.').all(is_name) && last.is_some_and(|last| last.chars().any(char::is_alphabetic))
}

/// Digits for digits and letters for letters, large for large ones; all other signs stay.
pub(super) fn format(key: &MaskKey, value: &str) -> String {
    let mut masked = String::new();
    for attempt in 0..TRIES {
        let mut stream = Stream { key, seed: [&[attempt], value.as_bytes()], block: [0; 32], at: 0 };
        masked = value.chars().map(|sign| stream.sign(sign)).collect();
        if masked != value {
            break;
        }
    }
    masked
}

/// A number of the same sign with as many digits. One that fits 16 or 32 bits becomes one that does.
pub(super) fn integer(key: &MaskKey, value: i64) -> i64 {
    let magnitude = value.unsigned_abs();
    let digits = magnitude.checked_ilog10().unwrap_or_default();
    let lowest = if digits == 0 { 0 } else { 10_u64.pow(digits) };
    let widest = [i16::MAX.unsigned_abs().into(), i32::MAX.unsigned_abs().into(), i64::MAX.unsigned_abs()];
    let limit = widest.into_iter().find(|limit| magnitude <= *limit).unwrap_or(i64::MAX.unsigned_abs());
    let highest = 10_u64.checked_pow(digits + 1).map_or(limit, |next| limit.min(next - 1));
    let text = value.to_string();
    let mut masked = magnitude;
    for attempt in 0..TRIES {
        let drawn = key.number("mask/integer", &[&[attempt], text.as_bytes()]);
        // A zero has no sign that could be kept.
        let least = if value < 0 { lowest.max(1) } else { lowest };
        masked = least + drawn % (highest - least + 1);
        if masked != magnitude {
            break;
        }
    }
    let masked = i64::try_from(masked).unwrap_or(i64::MAX);
    if value < 0 { -masked } else { masked }
}

/// A UUID of version 8, which says that its bits are somebody's own.
pub(super) fn uuid(key: &MaskKey, value: &[u8]) -> [u8; 16] {
    let digest = key.digest("mask/uuid", &[value]);
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    bytes[6] = (bytes[6] & 0x0f) | 0x80;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    bytes
}

/// Numbers without end that follow from a value.
struct Stream<'a> {
    key: &'a MaskKey,
    seed: [&'a [u8]; 2],
    block: [u8; 32],
    at: u64,
}

impl Stream<'_> {
    fn sign(&mut self, sign: char) -> char {
        if sign.is_numeric() {
            char::from(b'0' + self.below(10))
        } else if sign.is_uppercase() {
            char::from(b'A' + self.below(26))
        } else if sign.is_alphabetic() {
            char::from(b'a' + self.below(26))
        } else {
            sign
        }
    }

    /// A number below a limit; of 32 bits, so that none is much more likely than another.
    fn below(&mut self, limit: u8) -> u8 {
        let place = usize::try_from(self.at % 8).unwrap_or_default() * 4;
        if place == 0 {
            let [attempt, value] = self.seed;
            self.block = self.key.digest("mask/format", &[attempt, value, &(self.at / 8).to_le_bytes()]);
        }
        self.at += 1;
        let number = self.block[place..place + 4].iter().fold(0, |number, byte| (number << 8) | u32::from(*byte));
        u8::try_from(number % u32::from(limit)).unwrap_or_default()
    }
}
