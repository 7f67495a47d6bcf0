//! Keys: which columns tell rows apart, and how an old key becomes a new one.

use crate::{ColumnName, LogicalType};

/// How an old row finds its new row.
#[derive(Debug, Clone)]
pub struct KeyPlan {
    /// Indexes into `EntityPlan::reads`.
    pub source: Vec<usize>,
    /// The destination's key columns.
    pub destination: Vec<ColumnName>,
    /// How one becomes the other.
    pub strategy: KeyStrategy,
}

/// How a destination key comes about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyStrategy {
    /// The destination key columns are fields, computed from the source key alone.
    Keep,
    /// The one destination key column is a version-5 UUID of `<entity>:<key text>`.
    UuidV5 {
        /// Its namespace.
        namespace: uuid::Uuid,
        /// Whether the column takes the UUID as text or as 16 bytes.
        column: LogicalType,
    },
    /// The one destination key column gets a new key when its row is first loaded. The ledger keeps which it was.
    Minted {
        /// Where new keys come from.
        mint: Mint,
        /// What the column takes: an integer, or a UUID as such, as text or as 16 bytes.
        column: LogicalType,
    },
}

/// Where new keys come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mint {
    /// Version-7 UUIDs.
    UuidV7,
    /// What the column's own default gives.
    Database,
}

impl KeyStrategy {
    /// The type of the key column's values, where no field fills it.
    #[must_use]
    pub fn made(self) -> Option<LogicalType> {
        match self {
            Self::Keep => None,
            Self::Minted { column: LogicalType::Integer, .. } => Some(LogicalType::Integer),
            Self::UuidV5 { .. } | Self::Minted { .. } => Some(LogicalType::Uuid),
        }
    }
}
