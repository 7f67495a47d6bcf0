//! Keys and texts as the ledger's tables take them.
//!
//! A key is what the source has: of some thousand bytes, which no index takes, or with characters that the database's encoding lacks. It must not stop the
//! rows beside it, so it is stored in another form then. No two keys may get the same one.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, OnceLock, PoisonError};

use sqlx::{PgConnection, Row};
use transload_model::KeyBytes;
use twox_hash::XxHash3_128;

use super::sql;

/// What has so many bytes is stored by its beginning and its digest. An entry of an index has room for 2,704, the entity's name among them.
const LONG: usize = 2_000;

/// What a character that the encoding lacks is written as begins with this.
const ESCAPE: &str = "\\u{";

/// A key as it is indexed. One that is long gets exactly [`LONG`] bytes, which no other key has.
pub(super) fn indexed(key: &KeyBytes) -> Vec<u8> {
    let bytes = key.as_bytes();
    if bytes.len() < LONG {
        return bytes.to_vec();
    }
    let digest = XxHash3_128::oneshot(bytes).to_be_bytes();
    [&bytes[..LONG - digest.len()], &digest].concat()
}

/// What stands beside an indexed key: its text; of a long key all its bytes, as hexadecimal digits.
pub(super) fn source_key(key: &KeyBytes) -> String {
    if key.as_bytes().len() < LONG { mapped(&key.text()) } else { digits(key.as_bytes()) }
}

/// The key again.
pub(super) fn whole(indexed: Vec<u8>, source_key: &str) -> Vec<u8> {
    if indexed.len() == LONG { bytes(source_key).unwrap_or(indexed) } else { indexed }
}

/// A key as it is mapped: each has a text of its own, also where it holds a zero byte, or the sign that stands for one.
pub(super) fn mapped(text: &str) -> String {
    text.replace('\u{2400}', "\u{2400}\u{2400}").replace('\0', "\u{2400}0")
}

/// PostgreSQL's text takes no zero byte; its sign stands for it.
pub(super) fn storable(text: &str) -> String {
    text.replace('\0', "\u{2400}")
}

/// Which characters the encoding of a database has, as far as that was asked.
#[derive(Default)]
pub(super) struct Repertoire {
    has_all: OnceLock<bool>,
    has: Mutex<BTreeMap<char, bool>>,
}

impl Repertoire {
    /// Texts by which rows are found again: no longer than an index takes.
    pub(super) async fn names(&self, connection: &mut PgConnection, texts: Vec<String>) -> sqlx::Result<Vec<String>> {
        Ok(self.fitted(connection, texts).await?.into_iter().map(shortened).collect())
    }

    /// Texts without characters that the encoding lacks.
    pub(super) async fn fitted(&self, connection: &mut PgConnection, texts: Vec<String>) -> sqlx::Result<Vec<String>> {
        let is_plain = |text: &String| text.is_ascii() && !text.contains(ESCAPE);
        if texts.iter().all(is_plain) || self.has_all(connection).await? {
            return Ok(texts);
        }
        self.learn(connection, &texts).await?;
        let has = self.has.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(texts.iter().map(|text| escaped(text, |character| has.get(&character) == Some(&false))).collect())
    }

    async fn has_all(&self, connection: &mut PgConnection) -> sqlx::Result<bool> {
        if let Some(known) = self.has_all.get() {
            return Ok(*known);
        }
        let sql = "select pg_catalog.getdatabaseencoding() in ('UTF8', 'SQL_ASCII')";
        let has_all = sqlx::query(sql).fetch_one(connection).await?.try_get(0)?;
        Ok(*self.has_all.get_or_init(|| has_all))
    }

    /// Asks for the characters that were not met before.
    async fn learn(&self, connection: &mut PgConnection, texts: &[String]) -> sqlx::Result<()> {
        let new = {
            let has = self.has.lock().unwrap_or_else(PoisonError::into_inner);
            let characters = texts.iter().flat_map(|text| text.chars());
            characters.filter(|it| !it.is_ascii() && !has.contains_key(it)).collect::<BTreeSet<char>>()
        };
        if new.is_empty() {
            return Ok(());
        }
        let spelled = |character: &char| digits(character.to_string().as_bytes());
        sql::batch(connection, &sql::note_lacking(&new.iter().map(spelled).collect::<Vec<_>>())).await?;
        let lacking: String = sqlx::query(sql::LACKING).fetch_one(connection).await?.try_get(0)?;
        let lacking: BTreeSet<&str> = lacking.split_whitespace().collect();
        let known = new.into_iter().map(|character| (character, !lacking.contains(spelled(&character).as_str())));
        self.has.lock().unwrap_or_else(PoisonError::into_inner).extend(known);
        Ok(())
    }
}

/// A text in which what is lacking is written as its number, and nothing else looks so.
fn escaped(text: &str, lacks: impl Fn(char) -> bool) -> String {
    let mut written = String::with_capacity(text.len());
    for character in text.replace(ESCAPE, "\\u{5c}u{").chars() {
        if lacks(character) {
            written += &format!("{ESCAPE}{:x}}}", u32::from(character));
        } else {
            written.push(character);
        }
    }
    written
}

/// A text by its beginning and its digest, where it is long. It stays longer than any that is whole.
fn shortened(text: String) -> String {
    if text.len() < LONG {
        return text;
    }
    let digest = digits(&XxHash3_128::oneshot(text.as_bytes()).to_be_bytes());
    format!("{}{digest}", text.get(..text.floor_char_boundary(LONG - 1)).unwrap_or_default())
}

fn digits(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn bytes(digits: &str) -> Option<Vec<u8>> {
    let pair = |at: usize| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok();
    (0..digits.len()).step_by(2).map(pair).collect()
}

#[cfg(test)]
mod tests {
    use transload_model::KeyValue;

    use super::*;

    fn key(text: &str) -> KeyBytes {
        KeyBytes::encode(&[KeyValue::Text(text.into())])
    }

    #[test]
    fn a_key_of_any_length_is_itself_again() {
        let keys: Vec<KeyBytes> = (1_990..2_010).map(|length| key(&"k".repeat(length))).collect();
        let stored: BTreeSet<Vec<u8>> = keys.iter().map(indexed).collect();
        assert_eq!(stored.len(), keys.len());
        assert!(stored.iter().all(|bytes| bytes.len() <= LONG));
        for key in keys {
            assert_eq!(whole(indexed(&key), &source_key(&key)), key.as_bytes());
        }
    }

    #[test]
    fn no_two_names_become_the_same() {
        let lacks = |character| character > '\u{ff}';
        let texts = ["\u{17e}", "\\u{17e}", "\\u{5c}u{17e}", "\\u{5c}", "\\\u{17e}", "\u{e9}", "\\u", "\\u{", ""];
        let names: BTreeSet<String> = texts.iter().map(|text| escaped(text, lacks)).collect();
        assert_eq!(names.len(), texts.len());
        assert!(names.iter().all(|name| !name.contains(lacks)), "{names:?}");

        let long = |length: usize| shortened("\u{17e}".repeat(length));
        let names: BTreeSet<String> = (980..1_020).map(long).collect();
        assert_eq!(names.len(), 40);
        assert!(names.iter().all(|name| name.len() < LONG + 32), "{names:?}");
    }
}
