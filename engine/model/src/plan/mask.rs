//! Masks: what the values of source columns are replaced by before anything sees them.

/// What happens to the values of a column that is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MaskPlan {
    /// Index into `EntityPlan::reads`. A column that is read as several types has a mask for each.
    pub read: usize,
    /// What takes the place of its values.
    pub mask: Mask,
    /// Indexes into `EntityPlan::reads` of the columns that say by how much `ShiftDate` shifts; the row's key where there are none.
    pub by: Vec<usize>,
    /// `specs/patients.yaml:31`, for messages.
    pub place: String,
}

/// What takes the place of a value. NULL stays NULL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mask {
    /// What follows from the value by the project's key, so that equal values stay equal.
    Hash {
        /// What of it stays.
        keep: Keep,
        /// Characters of a hash in a text, where it is said.
        length: Option<usize>,
    },
    /// A text, the same for all values.
    Redact {
        /// The text.
        with: String,
    },
    /// The value's ends, and a sign for each character between them.
    Partial {
        /// Characters that stay at its beginning.
        keep_first: usize,
        /// Characters that stay at its end.
        keep_last: usize,
        /// The sign.
        with: char,
    },
    /// NULL.
    Null,
    /// Another day: for each subject all days are moved by the same number of days, which follows from the subject by the project's key.
    ShiftDate {
        /// The largest number of days.
        days: u32,
        /// strftime pattern of texts that are days.
        format: Option<String>,
    },
}

/// What a hash leaves of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// Nothing.
    Nothing,
    /// What follows the last `@`.
    Domain,
    /// Which characters are digits, which are letters, which of these are capitals, and all others.
    Format,
}

impl Mask {
    /// Characters of a hash in a text, where nothing is said.
    pub const HASH_LENGTH: usize = 32;
    /// The same in front of a domain.
    pub const LOCAL_LENGTH: usize = 16;
    /// Characters that a hash can have: below, different values would often look alike.
    pub const HASH_LENGTHS: std::ops::RangeInclusive<usize> = 8..=64;
    /// What stands in the place of a text, where nothing is said.
    pub const REDACTED: &str = "[redacted]";

    /// The word in a spec.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Hash { .. } => "hash",
            Self::Redact { .. } => "redact",
            Self::Partial { .. } => "partial",
            Self::Null => "null",
            Self::ShiftDate { .. } => "shift_date",
        }
    }

    /// Characters of a hash in a text; none where the value decides, or where there is no hash.
    #[must_use]
    pub fn hash_length(&self) -> Option<usize> {
        match self {
            Self::Hash { keep: Keep::Nothing, length } => Some(length.unwrap_or(Self::HASH_LENGTH)),
            Self::Hash { keep: Keep::Domain, length } => Some(length.unwrap_or(Self::LOCAL_LENGTH)),
            _ => None,
        }
    }
}
