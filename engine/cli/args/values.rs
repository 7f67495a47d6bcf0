//! What flags are given: numbers, durations, reasons.

use std::str::FromStr;
use std::time::Duration;

use transload_model::Share;

/// A number of rows, or a percentage of them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limit(pub(crate) Share);

impl FromStr for Limit {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const EXPECTED: &str = "a number of rows (50) or a percentage (2.5%) is expected";
        let Some(percent) = text.strip_suffix('%') else {
            return text.parse().map(|rows| Self(Share::Rows(rows))).map_err(|_| EXPECTED);
        };
        let (whole, fraction) = percent.split_once('.').unwrap_or((percent, ""));
        let digits = format!("{whole}{fraction:0<4}");
        let parts: u32 = digits.parse().map_err(|_| EXPECTED)?;
        if whole.is_empty() || fraction.len() > 4 || parts > 1_000_000 {
            Err(EXPECTED)
        } else {
            Ok(Self(Share::PerMillion(parts)))
        }
    }
}

/// How long something may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limited(pub(crate) Duration);

impl FromStr for Limited {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const EXPECTED: &str = "a duration is expected: 90s, 30m, 2h, 1h30m";
        let mut seconds: u64 = 0;
        let mut rest = text;
        let mut last = u64::MAX;
        while !rest.is_empty() {
            let at = rest.find(|character: char| !character.is_ascii_digit()).ok_or(EXPECTED)?;
            let (digits, unit) = rest.split_at(at);
            let each = match unit.chars().next() {
                Some('d') => 86_400,
                Some('h') => 3_600,
                Some('m') => 60,
                Some('s') => 1,
                _ => return Err(EXPECTED),
            };
            // From large to small, each once.
            let count: u64 = digits.parse().map_err(|_| EXPECTED)?;
            let part = Some(count).filter(|_| each < last).and_then(|count| count.checked_mul(each));
            seconds = part.and_then(|part| seconds.checked_add(part)).ok_or(EXPECTED)?;
            (last, rest) = (each, unit.trim_start_matches(|character: char| character.is_ascii_alphabetic()));
            if unit.len() - rest.len() != 1 {
                return Err(EXPECTED);
            }
        }
        if seconds == 0 || seconds > 366 * 86_400 { Err(EXPECTED) } else { Ok(Self(Duration::from_secs(seconds))) }
    }
}

/// Rows of a sample: at least one.
pub(super) fn drawn(text: &str) -> Result<usize, &'static str> {
    text.parse()
        .ok()
        .filter(|rows| (1..=1_000_000).contains(rows))
        .ok_or("a number of rows is expected, from 1 to 1000000")
}

/// Why rows are discarded: a line that says something.
pub(super) fn reason(text: &str) -> Result<String, &'static str> {
    let text = text.trim();
    match () {
        () if text.is_empty() => Err("a reason is expected"),
        () if text.contains(char::is_control) => Err("a reason is one line of plain text"),
        () => Ok(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read() {
        let seconds = |text: &str| text.parse::<Limited>().ok().map(|limited| limited.0.as_secs());
        for (text, expected) in [("90s", 90), ("30m", 1_800), ("2h", 7_200), ("1h30m", 5_400), ("1d1s", 86_401)] {
            assert_eq!(seconds(text), Some(expected), "{text}");
        }
        for text in ["", "0s", "5", "5x", "m", "1m1h", "1m1m", "1ms", "-1s", "1.5h", "99999999999999999999s", "999999d"]
        {
            assert_eq!(seconds(text), None, "{text}");
        }
    }

    #[test]
    fn a_limit_is_a_number_or_a_percentage() {
        let of = |text: &str| text.parse::<Limit>().map(|limit| limit.0);
        assert_eq!(of("50"), Ok(Share::Rows(50)));
        assert_eq!(of("2.5%"), Ok(Share::PerMillion(25_000)));
        assert_eq!(of("100%"), Ok(Share::PerMillion(1_000_000)));
        for wrong in ["", "%", "-1", "101%", "1.23456%", "x"] {
            assert!(of(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_reason_says_something_in_one_line() {
        assert_eq!(reason(" test rows "), Ok("test rows".to_owned()));
        for wrong in ["", " ", "a\nb", "\u{1b}[31m"] {
            assert!(reason(wrong).is_err(), "{wrong:?}");
        }
    }
}
