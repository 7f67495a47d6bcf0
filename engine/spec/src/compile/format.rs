//! Whether a strftime pattern can read what a field needs.
//!
//! A pattern that chrono reads and half ignores (an offset, a missing year) would change values, so it is tried on a known moment and
//! must give it back.

use std::fmt::Write;

use chrono::format::{Item, StrftimeItems};
use chrono::{NaiveDate, NaiveDateTime};
use transload_model::LogicalType;

/// Says what is wrong with a pattern for values of a type.
pub(crate) fn check(pattern: &str, data_type: LogicalType) -> Result<(), &'static str> {
    if StrftimeItems::new(pattern).any(|item| matches!(item, Item::Error)) {
        return Err("holds a `%` that strftime does not know");
    }
    let Some(moment) = NaiveDate::from_ymd_opt(1984, 2, 29).and_then(|day| day.and_hms_opt(23, 57, 41)) else {
        return Ok(());
    };
    let mut text = String::new();
    if write!(text, "{}", moment.format(pattern)).is_err() {
        return Err("names a part that a date without time zone does not have");
    }
    let as_date = NaiveDate::parse_from_str(&text, pattern).is_ok_and(|day| day == moment.date());
    let as_moment = NaiveDateTime::parse_from_str(&text, pattern).is_ok_and(|read| read.date() == moment.date());
    match data_type {
        LogicalType::Date if as_date => Ok(()),
        LogicalType::Timestamp if as_date || as_moment => Ok(()),
        LogicalType::Date | LogicalType::Timestamp => Err("does not name year, month and day"),
        _ => Err("is for dates and timestamps"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_must_give_a_day_back() {
        for pattern in ["%Y-%m-%d", "%d/%m/%Y", "%Y%m%d", "%d %b %Y", "%F", "%d/%m/%Y %H:%M:%S", "%Y-%j"] {
            assert_eq!(check(pattern, LogicalType::Date), Ok(()), "{pattern}");
        }
        assert_eq!(check("%Y-%m-%dT%H:%M:%S", LogicalType::Timestamp), Ok(()));
        assert_eq!(check("%Y-%m-%dT%H:%M", LogicalType::Timestamp), Ok(()));
        for pattern in ["%Y", "%d/%m", "", "text", "%H:%M", "%Q", "%Y-%m-%d %z", "%Y-%m-%d %"] {
            assert!(check(pattern, LogicalType::Date).is_err(), "{pattern}");
        }
        assert!(check("%Y-%m-%d", LogicalType::Text).is_err());
    }
}
