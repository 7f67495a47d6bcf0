//! strftime patterns: whether one can read what a field needs, and what it reads.
//!
//! A pattern that chrono takes and half ignores (an offset, a missing year, an hour without minutes) would change values, so it is tried on a
//! known moment and must give it back.

use std::fmt::Write;

use chrono::format::{Item, StrftimeItems};
use chrono::{NaiveDate, NaiveDateTime, NaiveTime};
use transload_model::LogicalType;

/// Says what is wrong with a pattern for values of a type.
pub(crate) fn check(pattern: &str, data_type: LogicalType) -> Result<(), &'static str> {
    if data_type == LogicalType::Timestamptz {
        return Err("is not for timestamptz, whose text is always in UTC");
    }
    if StrftimeItems::new(pattern).any(|item| matches!(item, Item::Error)) {
        return Err("holds a `%` that strftime does not know");
    }
    let Some(moment) = sample() else {
        return Ok(());
    };
    let Some(text) = written(pattern, moment) else {
        return Err("names a part that a date without time zone does not have");
    };
    match data_type {
        LogicalType::Date | LogicalType::Timestamp => match read(pattern, &text) {
            Some(read) if read.date() == moment.date() => Ok(()),
            _ => Err("does not name year, month and day, or names only half of a time"),
        },
        _ => Err("is for dates and timestamps"),
    }
}

/// What a text means by a pattern; without a time in it, midnight.
pub(crate) fn read(pattern: &str, text: &str) -> Option<NaiveDateTime> {
    if has_time(pattern) {
        return NaiveDateTime::parse_from_str(text, pattern).ok();
    }
    NaiveDate::parse_from_str(text, pattern).ok().map(|date| date.and_time(NaiveTime::MIN))
}

/// Whether two moments of one day are written differently.
fn has_time(pattern: &str) -> bool {
    let Some(moment) = sample() else {
        return false;
    };
    written(pattern, moment) != written(pattern, moment.date().and_time(NaiveTime::MIN))
}

fn sample() -> Option<NaiveDateTime> {
    NaiveDate::from_ymd_opt(1984, 2, 29)?.and_hms_micro_opt(23, 57, 41, 123_456)
}

fn written(pattern: &str, moment: NaiveDateTime) -> Option<String> {
    let mut text = String::new();
    write!(text, "{}", moment.format(pattern)).is_ok().then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_must_give_a_day_back() {
        for pattern in
            ["%Y-%m-%d", "%d/%m/%Y", "%Y%m%d", "%d %b %Y", "%F", "%d/%m/%Y %H:%M:%S", "%Y-%j", "%d/%m/%Y %I:%M %p"]
        {
            assert_eq!(check(pattern, LogicalType::Date), Ok(()), "{pattern}");
        }
        assert_eq!(check("%Y-%m-%dT%H:%M:%S%.f", LogicalType::Timestamp), Ok(()));
        assert_eq!(check("%Y-%m-%dT%H:%M", LogicalType::Timestamp), Ok(()));
        for pattern in ["%Y", "%d/%m", "", "text", "%H:%M", "%Q", "%Y-%m-%d %z", "%Y-%m-%d %", "%Y-%m-%d %I:%M"] {
            assert!(check(pattern, LogicalType::Date).is_err(), "{pattern}");
        }
        for other in [LogicalType::Text, LogicalType::Timestamptz] {
            assert!(check("%Y-%m-%d", other).is_err());
        }
    }
}
