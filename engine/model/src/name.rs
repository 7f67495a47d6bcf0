//! Names of the things a spec speaks of.
//!
//! Each is a type of its own, so that a column can never be taken for a table. They are cheap to clone: a plan names the same
//! column in many places.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Why a text cannot be a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// There is nothing in it.
    #[error("it is empty")]
    Empty,
    /// A character that the kind of name does not allow.
    #[error("it contains {0:?}")]
    Character(char),
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $allowed:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Checks `text` and makes a name of it.
            ///
            /// # Errors
            /// Says what the name must not contain.
            pub fn parse(text: &str) -> Result<Self, NameError> {
                let allowed: fn(char) -> bool = $allowed;
                if text.is_empty() {
                    return Err(NameError::Empty);
                }
                if let Some(character) = text.chars().find(|c| !allowed(*c)) {
                    return Err(NameError::Character(character));
                }
                Ok(Self(text.into()))
            }

            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", &*self.0)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Self::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
            }
        }
    };
}

/// What a spec's identifier may contain: it appears in file names, URLs and messages.
fn word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '-'
}

/// What a database identifier may contain: anything but control characters. SQL quotes it.
fn identifier(c: char) -> bool {
    !c.is_control()
}

name!(
    /// An entity: what one spec moves.
    EntityName,
    word
);
name!(
    /// A connection of `transload.yaml`.
    ConnectionName,
    word
);
name!(
    /// A table of a database.
    TableName,
    identifier
);
name!(
    /// A column of a table.
    ColumnName,
    identifier
);

/// `FirstName`, `firstName`, `FIRST_NAME` and `first-name` as `first_name`; `HTTPStatus` as `http_status`.
#[must_use]
pub fn snake_case(name: &str) -> String {
    let characters: Vec<char> = name.chars().collect();
    let mut snake = String::new();
    for (at, character) in characters.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|before| characters.get(before));
        let after = characters.get(at + 1);
        let begins_word = character.is_uppercase()
            && before.is_some_and(|before| {
                before.is_lowercase()
                    || before.is_numeric()
                    || (before.is_uppercase() && after.is_some_and(|after| after.is_lowercase()))
            });
        if begins_word {
            snake.push('_');
        }
        match character {
            '-' | ' ' | '.' => snake.push('_'),
            _ => snake.extend(character.to_lowercase()),
        }
    }
    snake
}

#[cfg(test)]
mod tests {
    use super::snake_case;

    #[test]
    fn names_are_compared_in_snake_case() {
        for (name, expected) in [
            ("FirstName", "first_name"),
            ("firstName", "first_name"),
            ("FIRST_NAME", "first_name"),
            ("first_name", "first_name"),
            ("HTTPStatus", "http_status"),
            ("Line2Text", "line2_text"),
            ("ID", "id"),
            ("Straße", "straße"),
            ("first-name", "first_name"),
        ] {
            assert_eq!(snake_case(name), expected, "{name}");
        }
    }
}
