//! Values as text: how they are read where a column holds text, and how they are written there.

use chrono::format::{ParseError, ParseErrorKind};
use chrono::{Datelike, NaiveDate, NaiveDateTime, Timelike};
use transload_model::Code;

use crate::batch::Mismatch;

/// Days from the calendar's beginning to 1970-01-01, as chrono counts them.
const EPOCH_DAYS: i32 = 719_163;

pub(crate) fn utf8(bytes: &[u8]) -> Result<&str, Mismatch> {
    std::str::from_utf8(bytes).map_err(|error| {
        Mismatch::new(
            Code::ValueEncoding,
            format!("text of {} bytes is not UTF-8 from byte {} on", bytes.len(), error.valid_up_to()),
        )
    })
}

/// The number in units of its last digit, from plain digits with at most one point.
pub(crate) fn decimal(written: &str, precision: u8, scale: u8) -> Result<i128, Mismatch> {
    let unfit =
        || Mismatch::new(Code::ValueRange, format!("the number does not fit decimal({precision},{scale}) exactly"));
    let (sign, digits) = written.strip_prefix('-').map_or((1, written), |rest| (-1, rest));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let is_number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !is_number(whole) || !is_number(fraction) {
        let message = format!("the column promises a decimal, the row has text of {} bytes", written.len());
        return Err(Mismatch::new(Code::ValueType, message));
    }
    let fraction = fraction.trim_end_matches('0');
    if fraction.len() > usize::from(scale) {
        return Err(unfit());
    }
    let units: i128 = format!("{whole}{fraction:0<width$}", width = usize::from(scale)).parse().map_err(|_| unfit())?;
    if units >= 10_i128.pow(u32::from(precision)) {
        return Err(unfit());
    }
    Ok(sign * units)
}

pub(crate) fn date(text: &str) -> Result<i32, Mismatch> {
    let unfit = |why: &str| unfit(text, "a date as YYYY-MM-DD", why);
    if text.len() != 10 {
        return Err(unfit(""));
    }
    let read = NaiveDate::parse_from_str(text, "%Y-%m-%d");
    let day = read.map_err(|error| unfit(if is_missing(error) { ": there is no such day" } else { "" }))?;
    Ok(day.num_days_from_ce() - EPOCH_DAYS)
}

pub(crate) fn timestamp(text: &str) -> Result<i64, Mismatch> {
    micros(text).map_err(|why| unfit(text, "a timestamp as YYYY-MM-DD HH:MM:SS", why))
}

/// A timestamp that ends in `Z`.
pub(crate) fn moment(text: &str) -> Result<i64, Mismatch> {
    let read = text.strip_suffix('Z').ok_or("").and_then(micros);
    read.map_err(|why| unfit(text, "a moment as YYYY-MM-DDTHH:MM:SSZ", why))
}

/// Microseconds since 1970-01-01, or why the text is not read.
fn micros(text: &str) -> Result<i64, &'static str> {
    let has_shape = text.len() >= 19 && text.as_bytes().get(4) == Some(&b'-') && text.len() <= 26;
    if !has_shape {
        return Err("");
    }
    let pattern = if text.contains('T') { "%Y-%m-%dT%H:%M:%S%.f" } else { "%Y-%m-%d %H:%M:%S%.f" };
    let read = NaiveDateTime::parse_from_str(text, pattern);
    let moment = read.map_err(|error| if is_missing(error) { NO_SUCH_MOMENT } else { "" })?;
    // A leap second, which would become the second after it.
    if moment.nanosecond() >= 1_000_000_000 {
        return Err(NO_SUCH_MOMENT);
    }
    Ok(moment.and_utc().timestamp_micros())
}

const NO_SUCH_MOMENT: &str = ": there is no such day or time";

/// Whether text that has the form names what the calendar or the clock does not have.
fn is_missing(error: ParseError) -> bool {
    matches!(error.kind(), ParseErrorKind::OutOfRange | ParseErrorKind::Impossible)
}

fn unfit(text: &str, wanted: &str, why: &str) -> Mismatch {
    Mismatch::new(Code::ValueFormat, format!("text of {} bytes is not {wanted}{why}", text.len()))
}

/// With or without hyphens, and nothing around.
pub(crate) fn uuid(text: &str) -> Result<uuid::Uuid, Mismatch> {
    let read = uuid::Uuid::try_parse(text).ok().filter(|_| matches!(text.len(), 32 | 36));
    read.ok_or_else(|| Mismatch::new(Code::ValueFormat, format!("text of {} bytes is not a UUID", text.len())))
}

/// All digits of the scale, and at least one before the point.
pub(crate) fn decimal_text(units: i128, scale: u8) -> String {
    let sign = if units < 0 { "-" } else { "" };
    let digits = format!("{:0>width$}", units.unsigned_abs(), width = usize::from(scale) + 1);
    let (whole, fraction) = digits.split_at(digits.len() - usize::from(scale));
    if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_that_does_not_exist_is_told_as_such() {
        let told = |text: &str| match text.len() {
            10 => date(text).map(i64::from),
            _ if text.ends_with('Z') => moment(text),
            _ => timestamp(text),
        };
        for (text, says) in [
            ("2020-02-30", "date as YYYY-MM-DD: there is no such day"),
            ("2020-13-01", "date as YYYY-MM-DD: there is no such day"),
            ("2020-02-3x", "date as YYYY-MM-DD"),
            ("2020-02-30 10:00:00", "timestamp as YYYY-MM-DD HH:MM:SS: there is no such day or time"),
            ("2020-02-28T25:00:00", "timestamp as YYYY-MM-DD HH:MM:SS: there is no such day or time"),
            ("2020-02-28T10-00-00", "timestamp as YYYY-MM-DD HH:MM:SS"),
            ("2020-02-30 10:00:00Z", "moment as YYYY-MM-DDTHH:MM:SSZ: there is no such day or time"),
        ] {
            let message = told(text).unwrap_err().message;
            assert_eq!(message, format!("text of {} bytes is not a {says}", text.len()), "{text}");
        }
    }
}
