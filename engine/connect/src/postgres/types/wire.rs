//! Types as PostgreSQL declares them.

use transload_model::{Kind, LogicalType};

/// What a column's binary values are. Domains are what they are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::postgres) enum Wire {
    Bool,
    Int2,
    Int4,
    Int8,
    Float4,
    Float8,
    /// With digits in all and behind the point, where they are declared.
    Numeric(Option<(u16, i16)>),
    /// `text`, and `varchar` with its length in characters.
    Text(Option<usize>),
    /// `char(n)`: filled up with blanks, which comparing ignores. Without a length it keeps those it is given.
    Char(usize),
    /// At most 63 bytes.
    Name,
    Bytea,
    Date,
    /// With digits of seconds behind the point, 0 to 6.
    Timestamp(u8),
    Timestamptz(u8),
    Uuid,
    Json,
    Jsonb,
    Enum,
    /// Known by its text only.
    Other,
}

impl Wire {
    /// The type of an object id and a type modifier.
    pub(in crate::postgres) fn of(oid: u32, typmod: i32, is_enum: bool) -> Self {
        let length = usize::try_from(typmod - 4).ok();
        let fraction = u8::try_from(typmod).unwrap_or(6);
        match oid {
            _ if is_enum => Self::Enum,
            16 => Self::Bool,
            17 => Self::Bytea,
            19 => Self::Name,
            20 => Self::Int8,
            21 => Self::Int2,
            23 => Self::Int4,
            25 => Self::Text(None),
            114 => Self::Json,
            700 => Self::Float4,
            701 => Self::Float8,
            1042 => Self::Char(length.unwrap_or(usize::MAX)),
            1043 => Self::Text(length),
            1082 => Self::Date,
            1114 => Self::Timestamp(fraction),
            1184 => Self::Timestamptz(fraction),
            1700 => Self::Numeric(numeric(typmod)),
            2950 => Self::Uuid,
            3802 => Self::Jsonb,
            _ => Self::Other,
        }
    }

    /// What a value read from it is.
    pub(in crate::postgres) fn logical(self) -> LogicalType {
        match self {
            Self::Bool => LogicalType::Boolean,
            Self::Int2 | Self::Int4 | Self::Int8 => LogicalType::Integer,
            Self::Float4 | Self::Float8 => LogicalType::Float,
            Self::Numeric(declared) => declared.and_then(decimal).unwrap_or(LogicalType::Text),
            Self::Bytea => LogicalType::Bytes,
            Self::Date => LogicalType::Date,
            Self::Timestamp(_) => LogicalType::Timestamp,
            Self::Timestamptz(_) => LogicalType::Timestamptz,
            Self::Uuid => LogicalType::Uuid,
            Self::Text(_) | Self::Char(_) | Self::Name | Self::Json | Self::Jsonb | Self::Enum | Self::Other => {
                LogicalType::Text
            }
        }
    }

    /// The most characters that it keeps.
    pub(in crate::postgres) fn max_length(self) -> Option<usize> {
        match self {
            Self::Text(length) => length,
            Self::Char(length) => Some(length).filter(|length| *length < usize::MAX),
            _ => None,
        }
    }

    /// The kinds of value that it stores without changing them. Each value is still looked at: one that does not fit refuses its row.
    pub(in crate::postgres) fn stores(self) -> Vec<Kind> {
        match self {
            Self::Bool => vec![Kind::Boolean],
            Self::Int2 | Self::Int4 | Self::Int8 => vec![Kind::Integer],
            Self::Float4 | Self::Float8 => vec![Kind::Float],
            Self::Numeric(_) => vec![Kind::Decimal, Kind::Integer],
            Self::Text(_) => {
                vec![Kind::Text, Kind::Date, Kind::Timestamp, Kind::Timestamptz, Kind::Uuid, Kind::Decimal]
            }
            Self::Char(_) | Self::Name | Self::Json | Self::Jsonb | Self::Enum => vec![Kind::Text],
            Self::Bytea => vec![Kind::Bytes, Kind::Uuid],
            Self::Date => vec![Kind::Date],
            Self::Timestamp(_) => vec![Kind::Timestamp],
            Self::Timestamptz(_) => vec![Kind::Timestamptz],
            Self::Uuid => vec![Kind::Uuid],
            Self::Other => Vec::new(),
        }
    }
}

/// A `numeric`'s modifier holds precision and scale; the scale may be negative.
fn numeric(typmod: i32) -> Option<(u16, i16)> {
    let packed = u32::try_from(typmod.checked_sub(4)?).ok()?;
    let precision = u16::try_from(packed >> 16).ok()?;
    let scale = i16::try_from(packed & 0x7FF).ok()?;
    Some((precision, if scale >= 0x400 { scale - 0x800 } else { scale }))
}

/// Up to 38 digits a number is a decimal; beyond, its text is exact.
fn decimal((precision, scale): (u16, i16)) -> Option<LogicalType> {
    let (precision, scale) = (u8::try_from(precision).ok()?, u8::try_from(scale).ok()?);
    ((1..=38).contains(&precision) && scale <= precision).then_some(LogicalType::Decimal { precision, scale })
}
