//! Logical types: what a value is, whatever system holds it.
//!
//! They sit above Arrow's types, which say how a batch stores a value in memory. A conversion between two of them never rounds or
//! cuts: it is exact, or it is checked row by row, or it does not exist.

use std::fmt;
use std::str::FromStr;

use arrow::datatypes::{DataType, TimeUnit};

/// The type of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LogicalType {
    /// True or false.
    Boolean,
    /// 64-bit signed.
    Integer,
    /// 64-bit IEEE 754.
    Float,
    /// Exact decimal; `precision` digits in all (1 to 38), `scale` of them behind the point.
    Decimal {
        /// Digits in all, 1 to 38.
        precision: u8,
        /// Digits behind the point, at most `precision`.
        scale: u8,
    },
    /// UTF-8.
    Text,
    /// Bytes.
    Bytes,
    /// A day, without a time zone.
    Date,
    /// Date and time in microseconds, without a time zone.
    Timestamp,
    /// A moment in microseconds, whatever the zone it is shown in.
    Timestamptz,
    /// A UUID.
    Uuid,
}

/// A logical type without its parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is the logical type of the same name")]
pub enum Kind {
    Boolean,
    Integer,
    Float,
    Decimal,
    Text,
    Bytes,
    Date,
    Timestamp,
    Timestamptz,
    Uuid,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 10] = [
        Self::Boolean,
        Self::Integer,
        Self::Float,
        Self::Decimal,
        Self::Text,
        Self::Bytes,
        Self::Date,
        Self::Timestamp,
        Self::Timestamptz,
        Self::Uuid,
    ];

    /// The word that is stored and shown.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Boolean => "boolean",
            Self::Integer => "integer",
            Self::Float => "float",
            Self::Decimal => "decimal",
            Self::Text => "text",
            Self::Bytes => "bytes",
            Self::Date => "date",
            Self::Timestamp => "timestamp",
            Self::Timestamptz => "timestamptz",
            Self::Uuid => "uuid",
        }
    }
}

/// What a conversion can do to a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conversion {
    /// Every value arrives as it is.
    Exact,
    /// A value arrives as it is, or the row goes to quarantine.
    Checked,
    /// There is no way from one to the other.
    Impossible,
}

/// A text that names no type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the types are boolean, integer, float, decimal(p,s), text, bytes, date, timestamp, timestamptz and uuid")]
pub struct UnknownType;

impl LogicalType {
    /// The names that `data_type` takes, for suggestions.
    pub const NAMES: [&'static str; 10] =
        ["boolean", "integer", "float", "decimal", "text", "bytes", "date", "timestamp", "timestamptz", "uuid"];

    /// How a batch stores it.
    #[must_use]
    pub fn arrow(self) -> DataType {
        match self {
            Self::Boolean => DataType::Boolean,
            Self::Integer => DataType::Int64,
            Self::Float => DataType::Float64,
            Self::Decimal { precision, scale } => DataType::Decimal128(precision, scale.cast_signed()),
            Self::Text => DataType::Utf8,
            Self::Bytes => DataType::Binary,
            Self::Date => DataType::Date32,
            Self::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, None),
            Self::Timestamptz => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            Self::Uuid => DataType::FixedSizeBinary(16),
        }
    }

    /// The type without its parameters.
    #[must_use]
    pub fn kind(self) -> Kind {
        match self {
            Self::Boolean => Kind::Boolean,
            Self::Integer => Kind::Integer,
            Self::Float => Kind::Float,
            Self::Decimal { .. } => Kind::Decimal,
            Self::Text => Kind::Text,
            Self::Bytes => Kind::Bytes,
            Self::Date => Kind::Date,
            Self::Timestamp => Kind::Timestamp,
            Self::Timestamptz => Kind::Timestamptz,
            Self::Uuid => Kind::Uuid,
        }
    }

    /// Whether a source key of this type has an order and an identity that every system agrees on.
    #[must_use]
    pub fn can_be_key(self) -> bool {
        matches!(self, Self::Integer | Self::Text | Self::Date | Self::Timestamp | Self::Uuid)
    }

    /// What happens to values on the way from this type to `to`.
    #[must_use]
    pub fn conversion(self, to: Self) -> Conversion {
        if self == to {
            return Conversion::Exact;
        }
        match (self.kind(), to.kind()) {
            (Kind::Decimal, Kind::Decimal) => Self::rescaled(self, to),
            (Kind::Bytes, Kind::Text) | (Kind::Text, _) => Conversion::Checked,
            (_, Kind::Text) | (Kind::Date, Kind::Timestamp) => Conversion::Exact,
            (Kind::Integer, Kind::Float | Kind::Decimal | Kind::Boolean)
            | (Kind::Float | Kind::Boolean, Kind::Integer)
            | (Kind::Float, Kind::Decimal)
            | (Kind::Decimal, Kind::Integer | Kind::Float)
            | (Kind::Timestamp, Kind::Date)
            | (Kind::Bytes, Kind::Uuid) => Conversion::Checked,
            (Kind::Uuid, Kind::Bytes) => Conversion::Exact,
            _ => Conversion::Impossible,
        }
    }

    fn rescaled(from: Self, to: Self) -> Conversion {
        match (from, to) {
            (Self::Decimal { precision: p1, scale: s1 }, Self::Decimal { precision: p2, scale: s2 })
                if s2 >= s1 && p2 - s2.min(p2) >= p1 - s1.min(p1) =>
            {
                Conversion::Exact
            }
            _ => Conversion::Checked,
        }
    }
}

impl fmt::Display for LogicalType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Boolean => f.write_str("boolean"),
            Self::Integer => f.write_str("integer"),
            Self::Float => f.write_str("float"),
            Self::Decimal { precision, scale } => write!(f, "decimal({precision},{scale})"),
            Self::Text => f.write_str("text"),
            Self::Bytes => f.write_str("bytes"),
            Self::Date => f.write_str("date"),
            Self::Timestamp => f.write_str("timestamp"),
            Self::Timestamptz => f.write_str("timestamptz"),
            Self::Uuid => f.write_str("uuid"),
        }
    }
}

impl FromStr for LogicalType {
    type Err = UnknownType;

    fn from_str(text: &str) -> Result<Self, UnknownType> {
        match text {
            "boolean" => Ok(Self::Boolean),
            "integer" => Ok(Self::Integer),
            "float" => Ok(Self::Float),
            "text" => Ok(Self::Text),
            "bytes" => Ok(Self::Bytes),
            "date" => Ok(Self::Date),
            "timestamp" => Ok(Self::Timestamp),
            "timestamptz" => Ok(Self::Timestamptz),
            "uuid" => Ok(Self::Uuid),
            _ => decimal(text).ok_or(UnknownType),
        }
    }
}

fn decimal(text: &str) -> Option<LogicalType> {
    let inner = text.strip_prefix("decimal(")?.strip_suffix(')')?;
    let (precision, scale) = inner.split_once(',')?;
    let precision: u8 = precision.trim().parse().ok()?;
    let scale: u8 = scale.trim().parse().ok()?;
    ((1..=38).contains(&precision) && scale <= precision).then_some(LogicalType::Decimal { precision, scale })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_reads_back_what_it_prints() {
        for name in LogicalType::NAMES {
            let text = if name == "decimal" { "decimal(10,2)" } else { name };
            let logical: LogicalType = text.parse().unwrap();
            assert_eq!(logical.to_string(), text);
        }
        for wrong in ["varchar", "decimal", "decimal(39,2)", "decimal(2,3)", "decimal(a,b)", "decimal(10, 2", ""] {
            assert!(wrong.parse::<LogicalType>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_wider_decimal_is_exact_and_a_narrower_one_is_checked() {
        let decimal = |precision, scale| LogicalType::Decimal { precision, scale };
        assert_eq!(decimal(10, 2).conversion(decimal(12, 4)), Conversion::Exact);
        assert_eq!(decimal(10, 2).conversion(decimal(10, 3)), Conversion::Checked);
        assert_eq!(decimal(10, 4).conversion(decimal(18, 2)), Conversion::Checked);
    }

    #[test]
    fn a_moment_has_no_way_to_or_from_a_time_without_a_zone() {
        let moment = LogicalType::Timestamptz;
        assert_eq!(moment.conversion(LogicalType::Text), Conversion::Exact);
        assert_eq!(LogicalType::Text.conversion(moment), Conversion::Checked);
        for other in [LogicalType::Timestamp, LogicalType::Date, LogicalType::Integer, LogicalType::Bytes] {
            assert_eq!(moment.conversion(other), Conversion::Impossible, "to {other}");
            assert_eq!(other.conversion(moment), Conversion::Impossible, "from {other}");
        }
        assert!(!moment.can_be_key());
    }
}
