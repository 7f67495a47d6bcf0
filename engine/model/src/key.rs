//! Source keys as bytes.
//!
//! The ledger, the merge of source and ledger, and resume all compare keys. They do it on bytes whose order is the order the source reads
//! in: integers and dates by value, text and bytes by UTF-8. Each part carries a tag, so a key decodes without knowing its plan, and
//! parts are self-delimiting, so `("a:b", "c")` and `("a", "b:c")` are two keys.

use std::borrow::Cow;
use std::fmt;

use chrono::{DateTime, Duration, NaiveDate};

/// One part of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyValue<'a> {
    /// 64-bit integer.
    Integer(i64),
    /// Days since 1970-01-01.
    Date(i32),
    /// Microseconds since 1970-01-01T00:00:00.
    Timestamp(i64),
    /// Text.
    Text(Cow<'a, str>),
    /// A UUID.
    Uuid([u8; 16]),
}

/// A key, encoded so that byte order is key order.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyBytes(Box<[u8]>);

/// Keys from one on and up to another.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyRange {
    /// The lowest key in it; where there is none, it begins with the first, and rows without a key are in it too.
    pub from: Option<KeyBytes>,
    /// The lowest key that is above it; where there is none, it ends with the last.
    pub to: Option<KeyBytes>,
}

impl KeyRange {
    /// Whether a key is in it.
    #[must_use]
    pub fn contains(&self, key: &[u8]) -> bool {
        self.from.as_ref().is_none_or(|from| from.as_bytes() <= key)
            && self.to.as_ref().is_none_or(|to| key < to.as_bytes())
    }

    /// The range cut at each of `keys`, which ascend.
    #[must_use]
    pub fn cut(&self, keys: &[KeyBytes]) -> Vec<Self> {
        let inside = keys.iter().filter(|key| Some(*key) != self.from.as_ref() && self.contains(key.as_bytes()));
        let mut ranges = Vec::new();
        let mut from = self.from.clone();
        for key in inside {
            ranges.push(Self { from: from.take(), to: Some(key.clone()) });
            from = Some(key.clone());
        }
        ranges.push(Self { from, to: self.to.clone() });
        ranges
    }
}

/// Bytes that are no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the bytes are not an encoded key")]
pub struct KeyError;

const UNKEYED: u8 = 0x00;
const INTEGER: u8 = 0x10;
const DATE: u8 = 0x20;
const TIMESTAMP: u8 = 0x30;
const TEXT: u8 = 0x40;
const UUID: u8 = 0x50;

impl KeyValue<'_> {
    /// Appends the part to an encoded key.
    pub fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Integer(value) => {
                out.push(INTEGER);
                out.extend_from_slice(&flip_i64(*value));
            }
            Self::Date(days) => {
                out.push(DATE);
                out.extend_from_slice(&flip_i64(i64::from(*days)));
            }
            Self::Timestamp(micros) => {
                out.push(TIMESTAMP);
                out.extend_from_slice(&flip_i64(*micros));
            }
            Self::Text(text) => {
                out.push(TEXT);
                for byte in text.as_bytes() {
                    out.push(*byte);
                    if *byte == 0 {
                        out.push(0xFF);
                    }
                }
                out.extend_from_slice(&[0, 0]);
            }
            Self::Uuid(bytes) => {
                out.push(UUID);
                out.extend_from_slice(bytes);
            }
        }
    }

    /// The canonical text of the value: what a person reads, and what a `uuid_v5` key is derived from.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Integer(value) => value.to_string(),
            Self::Date(days) => date_text(*days),
            Self::Timestamp(micros) => timestamp_text(*micros),
            Self::Text(text) => text.to_string(),
            Self::Uuid(bytes) => uuid::Uuid::from_bytes(*bytes).to_string(),
        }
    }
}

impl KeyValue<'_> {
    /// Whether the calendar has the day or the moment, so that its text is one.
    #[must_use]
    pub fn has_text(&self) -> bool {
        match self {
            Self::Date(days) => day(*days).is_some(),
            Self::Timestamp(micros) => DateTime::from_timestamp_micros(*micros).is_some(),
            Self::Integer(_) | Self::Text(_) | Self::Uuid(_) => true,
        }
    }
}

fn flip_i64(value: i64) -> [u8; 8] {
    let mut bytes = value.to_be_bytes();
    bytes[0] ^= 0x80;
    bytes
}

fn day(days: i32) -> Option<NaiveDate> {
    NaiveDate::default().checked_add_signed(Duration::days(i64::from(days)))
}

fn date_text(days: i32) -> String {
    day(days).map_or_else(|| days.to_string(), |date| date.format("%Y-%m-%d").to_string())
}

fn timestamp_text(micros: i64) -> String {
    DateTime::from_timestamp_micros(micros).map_or_else(
        || micros.to_string(),
        |moment| {
            let text = moment.naive_utc().format("%Y-%m-%dT%H:%M:%S%.6f").to_string();
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        },
    )
}

impl KeyBytes {
    /// Encodes the parts of a key.
    #[must_use]
    pub fn encode(parts: &[KeyValue<'_>]) -> Self {
        let mut bytes = Vec::with_capacity(parts.len() * 9);
        for part in parts {
            part.write(&mut bytes);
        }
        Self(bytes.into())
    }

    /// The identity of a row that has no key: its content. Sorts before every key.
    #[must_use]
    pub fn unkeyed(digest: u64) -> Self {
        let mut bytes = vec![UNKEYED];
        bytes.extend_from_slice(&digest.to_be_bytes());
        Self(bytes.into())
    }

    /// Takes bytes that were encoded before.
    #[must_use]
    pub fn from_encoded(bytes: &[u8]) -> Self {
        Self(bytes.into())
    }

    /// The encoded bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether it stands for a row without a key.
    #[must_use]
    pub fn is_unkeyed(&self) -> bool {
        self.0.first() == Some(&UNKEYED)
    }

    /// The parts again.
    ///
    /// # Errors
    /// Where the bytes are not an encoded key.
    pub fn decode(&self) -> Result<Vec<KeyValue<'static>>, KeyError> {
        let mut parts = Vec::new();
        let mut rest = &*self.0;
        while let Some((tag, after)) = rest.split_first() {
            let (part, after) = decode_part(*tag, after)?;
            parts.push(part);
            rest = after;
        }
        Ok(parts)
    }

    /// The key as people read it: the canonical text, or for several parts a compact JSON array of the canonical texts.
    #[must_use]
    pub fn text(&self) -> String {
        if self.is_unkeyed() {
            return "NULL".to_owned();
        }
        match self.decode() {
            Ok(parts) if parts.len() == 1 => parts[0].text(),
            Ok(parts) => {
                let texts: Vec<String> = parts.iter().map(KeyValue::text).collect();
                serde_json::Value::from(texts).to_string()
            }
            Err(KeyError) => "?".to_owned(),
        }
    }
}

impl fmt::Debug for KeyBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyBytes({})", self.text())
    }
}

fn decode_part(tag: u8, bytes: &[u8]) -> Result<(KeyValue<'static>, &[u8]), KeyError> {
    match tag {
        INTEGER => fixed(bytes).map(|(value, rest)| (KeyValue::Integer(value), rest)),
        DATE => {
            let (value, rest) = fixed(bytes)?;
            Ok((KeyValue::Date(i32::try_from(value).map_err(|_| KeyError)?), rest))
        }
        TIMESTAMP => fixed(bytes).map(|(value, rest)| (KeyValue::Timestamp(value), rest)),
        TEXT => decode_text(bytes),
        UUID => {
            let (uuid, rest) = bytes.split_first_chunk::<16>().ok_or(KeyError)?;
            Ok((KeyValue::Uuid(*uuid), rest))
        }
        _ => Err(KeyError),
    }
}

fn fixed(bytes: &[u8]) -> Result<(i64, &[u8]), KeyError> {
    let (head, rest) = bytes.split_first_chunk::<8>().ok_or(KeyError)?;
    let mut head = *head;
    head[0] ^= 0x80;
    Ok((i64::from_be_bytes(head), rest))
}

fn decode_text(bytes: &[u8]) -> Result<(KeyValue<'static>, &[u8]), KeyError> {
    let mut text = Vec::new();
    let mut at = 0;
    loop {
        match (bytes.get(at), bytes.get(at + 1)) {
            (Some(0), Some(0)) => break,
            (Some(0), Some(0xFF)) => {
                text.push(0);
                at += 2;
            }
            (Some(0), _) | (None, _) => return Err(KeyError),
            (Some(byte), _) => {
                text.push(*byte);
                at += 1;
            }
        }
    }
    let text = String::from_utf8(text).map_err(|_| KeyError)?;
    Ok((KeyValue::Text(text.into()), bytes.get(at + 2..).ok_or(KeyError)?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn part() -> impl Strategy<Value = KeyValue<'static>> {
        prop_oneof![
            any::<i64>().prop_map(KeyValue::Integer),
            any::<i64>().prop_map(KeyValue::Timestamp),
            any::<i32>().prop_map(KeyValue::Date),
            "[\\x00-\\x03a-c\u{e9}]{0,5}".prop_map(|text| KeyValue::Text(text.into())),
            any::<[u8; 16]>().prop_map(KeyValue::Uuid),
        ]
    }

    proptest! {
        #[test]
        fn a_key_decodes_to_what_was_encoded(parts in prop::collection::vec(part(), 1..4)) {
            prop_assert_eq!(KeyBytes::encode(&parts).decode().unwrap(), parts);
        }

        #[test]
        fn integers_keep_their_order(a: i64, b: i64) {
            let encode = |value| KeyBytes::encode(&[KeyValue::Integer(value)]);
            prop_assert_eq!(encode(a).cmp(&encode(b)), a.cmp(&b));
        }

        #[test]
        fn texts_keep_their_byte_order_part_by_part(a in "[\\x00-\\x02ab]{0,4}", b in "[\\x00-\\x02ab]{0,4}", c in "[ab]{0,2}", d in "[ab]{0,2}") {
            let encode = |x: &str, y: &str| KeyBytes::encode(&[KeyValue::Text(x.to_owned().into()), KeyValue::Text(y.to_owned().into())]);
            prop_assert_eq!(encode(&a, &c).cmp(&encode(&b, &d)), (a.as_bytes(), c.as_bytes()).cmp(&(b.as_bytes(), d.as_bytes())));
        }

        #[test]
        fn no_bytes_make_decoding_panic(bytes: Vec<u8>) {
            let key = KeyBytes::from_encoded(&bytes);
            if let Ok(parts) = key.decode() {
                prop_assert_eq!(KeyBytes::encode(&parts), key);
            }
        }
    }

    #[test]
    fn a_key_reads_as_canonical_text() {
        let text = |parts: &[KeyValue<'_>]| KeyBytes::encode(parts).text();
        assert_eq!(text(&[KeyValue::Integer(-7)]), "-7");
        assert_eq!(text(&[KeyValue::Integer(1), KeyValue::Text("a\"b".into())]), r#"["1","a\"b"]"#);
        assert_eq!(text(&[KeyValue::Date(0)]), "1970-01-01");
        assert_eq!(text(&[KeyValue::Timestamp(1_500_000)]), "1970-01-01T00:00:01.5");
        assert_eq!(text(&[KeyValue::Timestamp(0)]), "1970-01-01T00:00:00");
        assert_eq!(KeyBytes::unkeyed(7).text(), "NULL");
    }
}
