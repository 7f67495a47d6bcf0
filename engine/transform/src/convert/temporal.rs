//! Dates and timestamps from text.
//!
//! Without a format only ISO 8601 is read, without guessing. With one, the whole text must have it: chrono alone would skip white space and
//! drop a time that a date cannot hold, so both are looked at here.

use chrono::format::{Fixed, Item, Numeric, Pad, ParseError, ParseErrorKind, Parsed, StrftimeItems, parse};
use chrono::{NaiveDate, NaiveDateTime, NaiveTime, Timelike as _};

use crate::column::Reason;

use super::reason::{Flaw, does_not_fit, not_in_calendar};

/// Microseconds of a day.
const DAY: i64 = 86_400_000_000;

/// What a date and a timestamp may name that there is not.
const DAY_ONLY: &str = "day";
const DAY_OR_TIME: &str = "day or time";

/// A strftime pattern, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Format {
    pattern: String,
    items: Vec<Item<'static>>,
    has_time: bool,
    has_space: bool,
}

impl Format {
    /// Reads a pattern that makes at least a date.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub(crate) fn parse(pattern: &str) -> Result<Self, String> {
        let items = StrftimeItems::new(pattern)
            .parse_to_owned()
            .map_err(|_| format!("`{pattern}` is not a strftime pattern; `%Y` is a year, `%m` a month, `%d` a day"))?;
        if items.iter().any(names_a_zone) {
            return Err(format!("`{pattern}` names a time zone; dates and timestamps have none"));
        }
        let has_time = items.iter().any(is_time);
        let has_space = items
            .iter()
            .any(|item| matches!(item, Item::Space(_) | Item::OwnedSpace(_) | Item::Numeric(_, Pad::Space)));
        let format = Self { pattern: pattern.to_owned(), items, has_time, has_space };
        if format.reads_what_it_writes() {
            Ok(format)
        } else {
            Err(format!("`{pattern}` does not make a whole date or timestamp"))
        }
    }

    /// The pattern as it was given.
    pub(crate) fn pattern(&self) -> &str {
        &self.pattern
    }

    /// A date or a timestamp as the pattern spells it.
    pub(crate) fn write(&self, moment: NaiveDateTime) -> String {
        moment.format_with_items(self.items.iter()).to_string()
    }

    /// What a text spells.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub(crate) fn read(&self, text: &str) -> Result<NaiveDateTime, Flaw> {
        let is_inside = !self.has_space && text.contains(char::is_whitespace);
        let is_outside = !self.has_padding_at_ends() && text.trim() != text;
        if is_inside || is_outside {
            return Err(Flaw::Form);
        }
        let mut parsed = Parsed::new();
        parse(&mut parsed, text, self.items.iter()).map_err(flaw)?;
        // POSIX has 69 in the last century, chrono alone in this one.
        if parsed.year_mod_100() == Some(69) && parsed.year().is_none() && parsed.year_div_100().is_none() {
            parsed.set_year_div_100(19).map_err(flaw)?;
        }
        if self.has_time {
            return parsed.to_naive_datetime_with_offset(0).map_err(flaw);
        }
        Ok(parsed.to_naive_date().map_err(flaw)?.and_time(NaiveTime::MIN))
    }

    fn has_padding_at_ends(&self) -> bool {
        let pads = |item: Option<&Item<'_>>| {
            matches!(item, Some(Item::Space(_) | Item::OwnedSpace(_) | Item::Numeric(_, Pad::Space)))
        };
        pads(self.items.first()) || pads(self.items.last())
    }

    /// A pattern without a year, or with two that contradict, makes no date.
    fn reads_what_it_writes(&self) -> bool {
        let sample = NaiveDate::from_ymd_opt(2001, 2, 3).and_then(|date| date.and_hms_opt(16, 5, 6));
        sample.is_some_and(|sample| {
            let text = sample.format_with_items(self.items.iter()).to_string();
            self.read(&text).is_ok_and(|read| read.date() == sample.date())
        })
    }
}

fn flaw(error: ParseError) -> Flaw {
    match error.kind() {
        ParseErrorKind::OutOfRange | ParseErrorKind::Impossible => Flaw::Missing,
        _ => Flaw::Form,
    }
}

fn names_a_zone(item: &Item<'_>) -> bool {
    matches!(
        item,
        Item::Fixed(
            Fixed::TimezoneName
                | Fixed::TimezoneOffset
                | Fixed::TimezoneOffsetZ
                | Fixed::TimezoneOffsetColon
                | Fixed::TimezoneOffsetColonZ
                | Fixed::TimezoneOffsetDoubleColon
                | Fixed::TimezoneOffsetTripleColon
                | Fixed::RFC2822
                | Fixed::RFC3339
                | Fixed::Internal(_)
        )
    ) && !is_fraction(item)
}

fn is_time(item: &Item<'_>) -> bool {
    match item {
        Item::Numeric(numeric, _) => matches!(
            numeric,
            Numeric::Hour
                | Numeric::Hour12
                | Numeric::Minute
                | Numeric::Second
                | Numeric::Nanosecond
                | Numeric::Timestamp
        ),
        Item::Fixed(Fixed::LowerAmPm | Fixed::UpperAmPm) => true,
        _ => is_fraction(item),
    }
}

/// `%3f` and its like have no name of their own outside chrono.
fn is_fraction(item: &Item<'_>) -> bool {
    match item {
        Item::Fixed(Fixed::Nanosecond | Fixed::Nanosecond3 | Fixed::Nanosecond6 | Fixed::Nanosecond9) => true,
        Item::Fixed(Fixed::Internal(internal)) => format!("{internal:?}").contains("Nanosecond"),
        _ => false,
    }
}

/// Days since 1970-01-01.
pub(crate) fn date_from_text(text: &str, format: Option<&Format>) -> Result<i32, Reason> {
    let Some(format) = format else {
        let date = iso_date(text.as_bytes());
        return date.map(days).map_err(|flaw| not_in_calendar(text, "a date YYYY-MM-DD", (flaw, DAY_ONLY)));
    };
    let moment = format.read(text).map_err(|flaw| wrong_format(text, "a date", (format, flaw, DAY_ONLY)))?;
    if moment.time() != NaiveTime::MIN {
        return Err(does_not_fit("a time other than midnight", "date"));
    }
    Ok(days(moment.date()))
}

/// Microseconds since 1970-01-01T00:00:00.
pub(crate) fn timestamp_from_text(text: &str, format: Option<&Format>) -> Result<i64, Reason> {
    let Some(format) = format else {
        let wanted = "a timestamp YYYY-MM-DDTHH:MM:SS";
        return iso_timestamp(text).map_err(|flaw| not_in_calendar(text, wanted, (flaw, DAY_OR_TIME)));
    };
    let moment = format.read(text).map_err(|flaw| wrong_format(text, "a timestamp", (format, flaw, DAY_OR_TIME)))?;
    if moment.nanosecond() % 1_000 != 0 || moment.nanosecond() >= 1_000_000_000 {
        return Err(does_not_fit("the time", "timestamp, which counts microseconds"));
    }
    Ok(moment.and_utc().timestamp_micros())
}

/// Microseconds since 1970-01-01T00:00:00Z, from a timestamp that ends in `Z`.
pub(crate) fn moment_from_text(text: &str) -> Result<i64, Reason> {
    let moment = text.strip_suffix('Z').ok_or(Flaw::Form).and_then(iso_timestamp);
    moment.map_err(|flaw| not_in_calendar(text, "a moment YYYY-MM-DDTHH:MM:SSZ", (flaw, DAY_OR_TIME)))
}

/// The day, where the time is midnight.
pub(crate) fn date_from_timestamp(micros: i64) -> Result<i32, Reason> {
    let whole = (micros.rem_euclid(DAY) == 0).then(|| micros.div_euclid(DAY));
    whole.and_then(|days| i32::try_from(days).ok()).ok_or_else(|| {
        let reason = does_not_fit("a time other than midnight", "date");
        Reason { message: format!("{}; `transformation: day` drops the time", reason.message), ..reason }
    })
}

/// The day of a timestamp.
pub(crate) fn day_of(micros: i64) -> i32 {
    // Of 64 bits of microseconds, the days take 28.
    i32::try_from(micros.div_euclid(DAY)).unwrap_or(i32::MAX)
}

/// Midnight of the day.
pub(crate) fn timestamp_from_date(days: i32) -> Result<i64, Reason> {
    i64::from(days).checked_mul(DAY).ok_or_else(|| does_not_fit("the day", "timestamp"))
}

fn wrong_format(text: &str, wanted: &str, (format, flaw, what): (&Format, Flaw, &str)) -> Reason {
    not_in_calendar(text, &format!("{wanted} in the format `{}`", format.pattern()), (flaw, what))
}

/// Days since 1970-01-01 of a day in the calendar.
pub(crate) fn days(date: NaiveDate) -> i32 {
    date.to_epoch_days()
}

/// `YYYY-MM-DD`.
fn iso_date(text: &[u8]) -> Result<NaiveDate, Flaw> {
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = text else {
        return Err(Flaw::Form);
    };
    let year = i32::try_from(digits(&[*y1, *y2, *y3, *y4])?).map_err(|_| Flaw::Form)?;
    NaiveDate::from_ymd_opt(year, digits(&[*m1, *m2])?, digits(&[*d1, *d2])?).ok_or(Flaw::Missing)
}

/// `YYYY-MM-DDTHH:MM:SS[.ffffff]`, with `T` or one space between.
fn iso_timestamp(text: &str) -> Result<i64, Flaw> {
    let bytes = text.as_bytes();
    let (date, rest) = bytes.split_at_checked(10).ok_or(Flaw::Form)?;
    let [b'T' | b' ', h1, h2, b':', m1, m2, b':', s1, s2, fraction @ ..] = rest else {
        return Err(Flaw::Form);
    };
    let micros = match fraction {
        [] => 0,
        [b'.', places @ ..] if (1..=6).contains(&places.len()) => {
            digits(places)? * 10_u32.pow(6 - u32::try_from(places.len()).map_err(|_| Flaw::Form)?)
        }
        _ => return Err(Flaw::Form),
    };
    let (hour, minute, second) = (digits(&[*h1, *h2])?, digits(&[*m1, *m2])?, digits(&[*s1, *s2])?);
    let moment = iso_date(date)?.and_hms_micro_opt(hour, minute, second, micros).ok_or(Flaw::Missing)?;
    Ok(moment.and_utc().timestamp_micros())
}

fn digits(bytes: &[u8]) -> Result<u32, Flaw> {
    let number =
        bytes.iter().try_fold(0, |number, byte| byte.is_ascii_digit().then(|| number * 10 + u32::from(byte - b'0')));
    number.ok_or(Flaw::Form)
}
