//! Numbers from one type to another, exactly.
//!
//! Nothing is rounded: a number that the new type cannot hold is a fault. A float stands for the shortest decimal number that reads back as
//! the same float, as people write it, so that 0.1 converts to a decimal and back.

use std::fmt::Write as _;

use crate::column::Reason;

use super::canonical;
use super::reason::{does_not_fit, not_a};

/// Digits that a float always keeps.
const FLOAT_DIGITS: usize = 15;

/// Bits of a float's fraction, the leading one included.
const FLOAT_BITS: u32 = 53;

/// An integer from its text: digits, perhaps behind a sign.
pub(crate) fn integer_from_text(text: &str) -> Result<i64, Reason> {
    if !is_digits(unsigned(text)) {
        return Err(not_a(text, "an integer"));
    }
    text.parse().map_err(|_| does_not_fit("the number", "integer"))
}

/// A decimal from its text, scaled: digits, perhaps with a point and behind a sign.
pub(crate) fn decimal_from_text(text: &str, precision: u8, scale: u8) -> Result<i128, Reason> {
    let (whole, fraction) = unsigned(text).split_once('.').unwrap_or((unsigned(text), ""));
    let is_number = (is_digits(whole) || whole.is_empty()) && (is_digits(fraction) || fraction.is_empty());
    if !is_number || (whole.is_empty() && fraction.is_empty()) {
        return Err(not_a(text, "a decimal number"));
    }
    let exponent = -i64::try_from(fraction.len()).unwrap_or(i64::MAX);
    let number = Number::new(text.starts_with('-'), [whole, fraction].concat(), exponent);
    number.scaled(precision, scale).ok_or_else(|| does_not_fit("the number", &decimal_name(precision, scale)))
}

/// A float from its text, where the float stands for the same number.
pub(crate) fn float_from_text(text: &str) -> Result<f64, Reason> {
    let number = Number::parse(text).ok_or_else(|| not_a(text, "a number"))?;
    let float: f64 = text.parse().map_err(|_| not_a(text, "a number"))?;
    if float.is_finite() && number.is(float) { Ok(float) } else { Err(does_not_fit("the number", "float")) }
}

/// A float that is the same integer.
pub(crate) fn float_from_integer(value: i64) -> Result<f64, Reason> {
    let magnitude = value.unsigned_abs();
    let bits = (64 - magnitude.leading_zeros()).saturating_sub(magnitude.trailing_zeros());
    if bits > FLOAT_BITS {
        return Err(does_not_fit("the integer", "float"));
    }
    #[expect(clippy::cast_precision_loss, reason = "the integer has no more bits than a float keeps")]
    Ok(value as f64)
}

/// A float that stands for the same decimal.
pub(crate) fn float_from_decimal(value: i128, scale: u8) -> Result<f64, Reason> {
    let mut text = String::new();
    canonical::write_decimal(value, scale, &mut text);
    float_from_text(&text).map_err(|_| does_not_fit("the decimal", "float"))
}

/// An integer without loss of a fraction.
pub(crate) fn integer_from_float(value: f64) -> Result<i64, Reason> {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    if !value.is_finite() || value.fract() != 0.0 || !(-LIMIT..LIMIT).contains(&value) {
        return Err(does_not_fit("the float", "integer"));
    }
    #[expect(clippy::cast_possible_truncation, reason = "it has no fraction and lies within the bounds")]
    Ok(value as i64)
}

/// An integer without loss of a fraction.
pub(crate) fn integer_from_decimal(value: i128, scale: u8) -> Result<i64, Reason> {
    let unit = power(scale);
    let whole = (value % unit == 0).then_some(value / unit);
    whole.and_then(|whole| i64::try_from(whole).ok()).ok_or_else(|| does_not_fit("the decimal", "integer"))
}

/// A scaled decimal of the same value.
pub(crate) fn decimal_from_integer(value: i64, precision: u8, scale: u8) -> Result<i128, Reason> {
    let scaled = i128::from(value).checked_mul(power(scale)).filter(|scaled| fits(*scaled, precision));
    scaled.ok_or_else(|| does_not_fit("the integer", &decimal_name(precision, scale)))
}

/// A scaled decimal of the number that the float stands for.
pub(crate) fn decimal_from_float(value: f64, precision: u8, scale: u8) -> Result<i128, Reason> {
    let scaled = Number::of(value).and_then(|number| number.scaled(precision, scale));
    scaled.ok_or_else(|| does_not_fit("the float", &decimal_name(precision, scale)))
}

/// The nearest decimal of a scale; of two that are as near, the one farther from zero.
pub(crate) fn rounded(value: i128, from: u8, scale: u8) -> i128 {
    let unit = power(from.saturating_sub(scale));
    let half = if value % unit * 2 / unit == 0 { 0 } else { value.signum() };
    value / unit + half
}

/// The nearest decimal to what a float stands for, as [`rounded`].
pub(crate) fn decimal_from_rounded_float(value: f64, precision: u8, scale: u8) -> Result<i128, Reason> {
    let number = Number::of(value).and_then(|number| number.rounded(scale).scaled(precision, scale));
    number.ok_or_else(|| does_not_fit("the float", &decimal_name(precision, scale)))
}

/// The same decimal in another scale.
pub(crate) fn rescaled(value: i128, from: u8, (precision, scale): (u8, u8)) -> Result<i128, Reason> {
    let scaled = if scale >= from {
        value.checked_mul(power(scale - from))
    } else {
        let unit = power(from - scale);
        (value % unit == 0).then_some(value / unit)
    };
    let scaled = scaled.filter(|scaled| fits(*scaled, precision));
    scaled.ok_or_else(|| does_not_fit("the decimal", &decimal_name(precision, scale)))
}

/// True for 1 and false for 0.
pub(crate) fn boolean_from_integer(value: i64) -> Result<bool, Reason> {
    match value {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(does_not_fit("an integer other than 0 and 1", "boolean")),
    }
}

/// "decimal(10,2)".
pub(crate) fn decimal_name(precision: u8, scale: u8) -> String {
    format!("decimal({precision},{scale})")
}

/// Ten to the power of a decimal's scale, which is at most 38.
fn power(scale: u8) -> i128 {
    10_i128.pow(u32::from(scale.min(38)))
}

fn fits(value: i128, precision: u8) -> bool {
    value.unsigned_abs() < power(precision).unsigned_abs()
}

fn unsigned(text: &str) -> &str {
    text.strip_prefix(['+', '-']).unwrap_or(text)
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// A number as digits: `digits` × 10^`exponent`, without zeros at the digits' ends, and none for zero.
#[derive(Debug, PartialEq, Eq)]
struct Number {
    is_negative: bool,
    digits: String,
    exponent: i64,
}

impl Number {
    fn new(is_negative: bool, mut digits: String, exponent: i64) -> Self {
        let length = digits.trim_end_matches('0').len();
        let dropped = i64::try_from(digits.len() - length).unwrap_or(i64::MAX);
        digits.truncate(length);
        let zeros = digits.len() - digits.trim_start_matches('0').len();
        digits.drain(..zeros);
        let exponent = if digits.is_empty() { 0 } else { exponent.saturating_add(dropped) };
        Self { is_negative, digits, exponent }
    }

    /// Digits, perhaps with a point, an exponent and a sign.
    fn parse(text: &str) -> Option<Self> {
        let (mantissa, exponent) = unsigned(text).split_once(['e', 'E']).unwrap_or((unsigned(text), "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = [whole, fraction].concat();
        if !is_digits(&digits) || !is_digits(unsigned(exponent)) {
            return None;
        }
        // An exponent of so many digits is out of any range; where its sign points does not matter any more.
        let exponent: i64 = exponent.parse().unwrap_or(i64::from(i32::MAX));
        let fraction = i64::try_from(fraction.len()).unwrap_or(i64::MAX);
        Some(Self::new(text.starts_with('-'), digits, exponent.saturating_sub(fraction)))
    }

    /// The shortest number that reads back as this float.
    fn of(value: f64) -> Option<Self> {
        let mut text = String::new();
        write!(text, "{value:e}").ok()?;
        Self::parse(&text)
    }

    /// The float's value to the last of its digits.
    fn exactly(value: f64) -> Option<Self> {
        Self::parse(&format!("{value:.1074}"))
    }

    /// Whether the float stands for this number.
    fn is(&self, float: f64) -> bool {
        let is_normal = float.abs() > f64::MIN_POSITIVE;
        if self.digits.len() <= FLOAT_DIGITS && is_normal {
            return true;
        }
        Self::of(float).is_some_and(|number| number == *self)
            || Self::exactly(float).is_some_and(|number| number == *self)
    }

    /// The nearest number with so many digits behind the point.
    fn rounded(&self, scale: u8) -> Self {
        let dropped = usize::try_from(-self.exponent - i64::from(scale)).unwrap_or_default();
        if dropped == 0 || dropped > self.digits.len() {
            let digits = if dropped == 0 { self.digits.clone() } else { String::new() };
            return Self::new(self.is_negative, digits, self.exponent);
        }
        let (kept, rest) = self.digits.split_at(self.digits.len() - dropped);
        let is_up = rest.starts_with(['5', '6', '7', '8', '9']);
        // A float has seventeen digits at most.
        let kept = kept.parse::<u128>().unwrap_or_default() + u128::from(is_up);
        Self::new(self.is_negative, kept.to_string(), -i64::from(scale))
    }

    /// The number as a decimal's integer, if it fits exactly.
    fn scaled(&self, precision: u8, scale: u8) -> Option<i128> {
        if self.digits.is_empty() {
            return Some(0);
        }
        let zeros = u32::try_from(self.exponent.checked_add(i64::from(scale))?).ok()?;
        let digits: i128 = self.digits.parse().ok()?;
        let magnitude = digits.checked_mul(10_i128.checked_pow(zeros)?).filter(|value| fits(*value, precision))?;
        Some(if self.is_negative { -magnitude } else { magnitude })
    }
}
