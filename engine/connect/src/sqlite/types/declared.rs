//! Declared types, by SQLite's rules of affinity and by the words people use.

use transload_model::{Kind, LogicalType};

/// The type that a declared column's values have.
pub(in crate::sqlite) fn logical(declared: &str) -> LogicalType {
    let upper = declared.to_uppercase();
    let word = upper.split(['(', ' ']).next().unwrap_or("");
    match word {
        "BOOLEAN" | "BOOL" => LogicalType::Boolean,
        "DATE" => LogicalType::Date,
        "DATETIME" | "TIMESTAMP" => LogicalType::Timestamp,
        "UUID" => LogicalType::Uuid,
        "DECIMAL" | "NUMERIC" => decimal(&upper).unwrap_or(LogicalType::Text),
        _ if upper.contains("INT") => LogicalType::Integer,
        _ if upper.contains("CHAR") || upper.contains("CLOB") || upper.contains("TEXT") => LogicalType::Text,
        _ if upper.contains("BLOB") => LogicalType::Bytes,
        _ if upper.contains("REAL") || upper.contains("FLOA") || upper.contains("DOUB") => LogicalType::Float,
        _ => LogicalType::Text,
    }
}

/// `DECIMAL(10,2)`; a scale that is left out is zero.
fn decimal(upper: &str) -> Option<LogicalType> {
    let inner = upper.split_once('(')?.1.split_once(')')?.0;
    let (precision, scale) = inner.split_once(',').unwrap_or((inner, "0"));
    let (precision, scale): (u8, u8) = (precision.trim().parse().ok()?, scale.trim().parse().ok()?);
    ((1..=38).contains(&precision) && scale <= precision).then_some(LogicalType::Decimal { precision, scale })
}

/// The kinds of value that a column keeps as they are, by SQLite's rules of affinity. Only in a strict table does `ANY` mean that.
pub(in crate::sqlite) fn stores(declared: &str, is_strict: bool) -> Vec<Kind> {
    let upper = declared.to_uppercase();
    let has = |words: &[&str]| words.iter().any(|word| upper.contains(word));
    if has(&["INT"]) {
        vec![Kind::Integer, Kind::Boolean]
    } else if has(&["CHAR", "CLOB", "TEXT"]) {
        vec![Kind::Text, Kind::Date, Kind::Timestamp, Kind::Uuid, Kind::Decimal]
    } else if upper.is_empty() || has(&["BLOB"]) || (is_strict && upper == "ANY") {
        vec![
            Kind::Boolean,
            Kind::Integer,
            Kind::Float,
            Kind::Decimal,
            Kind::Text,
            Kind::Bytes,
            Kind::Date,
            Kind::Timestamp,
            Kind::Uuid,
        ]
    } else if has(&["REAL", "FLOA", "DOUB"]) {
        vec![Kind::Float]
    } else {
        numeric_affinity(&upper)
    }
}

/// A text that looks like a number becomes a number here, so plain text is not safe. Dates and UUIDs have hyphens and never look like one.
fn numeric_affinity(upper: &str) -> Vec<Kind> {
    match logical(upper) {
        LogicalType::Boolean => vec![Kind::Boolean],
        LogicalType::Date => vec![Kind::Date],
        LogicalType::Timestamp => vec![Kind::Timestamp, Kind::Date],
        LogicalType::Uuid => vec![Kind::Uuid],
        // Up to fifteen digits a decimal survives as the float that SQLite makes of it.
        LogicalType::Decimal { precision, .. } if precision <= 15 => vec![Kind::Decimal, Kind::Integer],
        _ => vec![Kind::Integer, Kind::Boolean],
    }
}
