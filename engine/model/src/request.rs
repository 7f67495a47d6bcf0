//! What people ask of a run while it is at work, or between two of its processes.
//!
//! A request is durable and may repeat. It says what its run, or one of its entities, is to become; who works on the run does it at the
//! end of the unit in hand.

use std::collections::BTreeMap;

use crate::EntityName;

/// What someone wants a run, or one of its entities, to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// To halt, and to go on some other time.
    Pause,
    /// To end for good.
    Cancel,
}

impl Wish {
    /// The word that is stored: the state that is wished for.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pause => "paused",
            Self::Cancel => "cancelled",
        }
    }

    /// The wish that a stored word names. A run that is wanted to run has none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Pause, Self::Cancel].into_iter().find(|wish| wish.as_str() == text)
    }
}

/// What is asked of a run and of its entities.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Requests {
    /// Of the run itself.
    pub run: Option<Wish>,
    /// Of single entities.
    pub entities: BTreeMap<EntityName, Wish>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_words_read_back() {
        for wish in [Wish::Pause, Wish::Cancel] {
            assert_eq!(Wish::parse(wish.as_str()), Some(wish));
        }
        assert_eq!(Wish::parse("running"), None);
    }
}
