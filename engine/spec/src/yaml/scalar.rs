//! What a plain scalar is, by the core schema of YAML 1.2.
//!
//! Decided here and not by a library, because libraries differ: `NO`, `on`, `1_000` and `12:30` are text, and `value_map` depends on it.

/// The meaning of a scalar.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Atom {
    Null,
    Boolean(bool),
    Integer(i64),
    /// An integer of more than 64 bits.
    HugeInteger,
    /// Also the infinities and what is not a number.
    Float(f64),
    Text,
}

/// Reads a plain scalar.
pub(crate) fn resolve(text: &str) -> Atom {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Atom::Null,
        "true" | "True" | "TRUE" => return Atom::Boolean(true),
        "false" | "False" | "FALSE" => return Atom::Boolean(false),
        ".nan" | ".NaN" | ".NAN" => return Atom::Float(f64::NAN),
        _ => {}
    }
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") {
        return Atom::Float(if text.starts_with('-') { f64::NEG_INFINITY } else { f64::INFINITY });
    }
    if let Some(digits) = text.strip_prefix("0o") {
        return radix(digits, 8);
    }
    if let Some(digits) = text.strip_prefix("0x") {
        return radix(digits, 16);
    }
    if is_digits(unsigned) {
        return text.parse().map_or(Atom::HugeInteger, Atom::Integer);
    }
    match float_parts(unsigned) {
        Some(_) => text.parse().map_or(Atom::Text, Atom::Float),
        None => Atom::Text,
    }
}

fn radix(digits: &str, radix: u32) -> Atom {
    if digits.is_empty() || !digits.chars().all(|c| c.is_digit(radix)) {
        return Atom::Text;
    }
    i64::from_str_radix(digits, radix).map_or(Atom::HugeInteger, Atom::Integer)
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whole part, fraction and exponent of an unsigned float.
fn float_parts(text: &str) -> Option<(&str, &str, i64)> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => {
            let digits = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
            if !is_digits(digits) {
                return None;
            }
            // An exponent of more digits than fit is out of every range.
            (mantissa, exponent.parse().unwrap_or(i64::from(i32::MAX)))
        }
        None => (text, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let is_number =
        (is_digits(whole) && (fraction.is_empty() || is_digits(fraction))) || (whole.is_empty() && is_digits(fraction));
    is_number.then_some((whole, fraction, exponent))
}

/// Whether the 64-bit number that `text` reads as has exactly the digits that `text` says, so that nothing was rounded away.
pub(crate) fn is_exact_float(text: &str, value: f64) -> bool {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let printed = format!("{:e}", value.abs());
    match (float_parts(unsigned), float_parts(&printed)) {
        (Some(written), Some(read)) => significant(written) == significant(read),
        _ => false,
    }
}

/// Digits without zeros at the ends, and the power of ten of the last one.
fn significant((whole, fraction, exponent): (&str, &str, i64)) -> (String, i64) {
    let digits = format!("{whole}{fraction}");
    let trimmed = digits.trim_end_matches('0');
    let dropped = i64::try_from(digits.len() - trimmed.len()).unwrap_or(i64::MAX);
    let scale = i64::try_from(fraction.len()).unwrap_or(i64::MAX);
    let kept = trimmed.trim_start_matches('0').to_owned();
    if kept.is_empty() {
        return (kept, 0);
    }
    (kept, exponent.saturating_sub(scale).saturating_add(dropped))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_core_schema_is_read() {
        for text in [
            "no",
            "NO",
            "yes",
            "on",
            "off",
            "y",
            "1_000",
            "12:30",
            "2020-01-01",
            "0b1",
            "0x",
            "1e",
            "+",
            ".",
            "1.2.3",
            "tRue",
        ] {
            assert_eq!(resolve(text), Atom::Text, "{text}");
        }
        assert_eq!(resolve("TRUE"), Atom::Boolean(true));
        assert_eq!(resolve("~"), Atom::Null);
        assert_eq!(resolve("007"), Atom::Integer(7));
        assert_eq!(resolve("0x1F"), Atom::Integer(31));
        assert_eq!(resolve("0o17"), Atom::Integer(15));
        assert_eq!(resolve("-12"), Atom::Integer(-12));
        assert_eq!(resolve("9223372036854775808"), Atom::HugeInteger);
        assert_eq!(resolve("1.5e3"), Atom::Float(1500.0));
        assert_eq!(resolve(".5"), Atom::Float(0.5));
        assert_eq!(resolve("-.inf"), Atom::Float(f64::NEG_INFINITY));
        assert!(matches!(resolve(".nan"), Atom::Float(value) if value.is_nan()));
    }

    #[test]
    fn a_float_is_exact_where_no_digit_is_lost() {
        let exact = |text: &str| is_exact_float(text, text.parse().unwrap());
        for text in ["0.1", "1.50", "-2.0", "1e3", "0.0", "00.5", "1e-7", "123456789.125"] {
            assert!(exact(text), "{text}");
        }
        for text in ["0.12345678901234567890", "123456789012345678.9", "1e999"] {
            assert!(!exact(text), "{text}");
        }
    }
}
