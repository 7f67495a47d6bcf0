//! `numeric` in binary: digits to the base of ten thousand.
//!
//! Two bytes each: how many digits, the weight of the first, the sign, how many decimal places are shown; then the digits.

use transload_model::Code;

use crate::batch::Mismatch;

const BASE: i128 = 10_000;
const NEGATIVE: u16 = 0x4000;

/// The number in units of its last digit.
pub(super) fn read(bytes: &[u8], precision: u8, scale: u8) -> Result<i128, Mismatch> {
    let unfit =
        || Mismatch::new(Code::ValueRange, format!("the number does not fit decimal({precision},{scale}) exactly"));
    let mut words = bytes.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
    let mut word = || words.next().ok_or_else(malformed);
    let (count, weight, sign, _shown) = (word()?, word()?.cast_signed(), word()?, word()?);
    if sign != 0 && sign != NEGATIVE {
        return Err(Mismatch::new(Code::ValueRange, "no decimal is infinite or not a number"));
    }
    let mut units: i128 = 0;
    // The exponent of the digit in hand, in decimal places.
    let mut exponent = i32::from(weight) * 4;
    for _ in 0..count {
        let digit = i128::from(word()?);
        let shift = exponent + i32::from(scale);
        let part = if shift >= 0 {
            let power = u32::try_from(shift).ok().and_then(|shift| 10_i128.checked_pow(shift));
            if digit == 0 { 0 } else { power.and_then(|power| digit.checked_mul(power)).ok_or_else(unfit)? }
        } else {
            let divisor = u32::try_from(-shift).ok().and_then(|shift| 10_i128.checked_pow(shift)).unwrap_or(i128::MAX);
            if digit % divisor != 0 {
                return Err(unfit());
            }
            digit / divisor
        };
        units = units.checked_add(part).ok_or_else(unfit)?;
        exponent -= 4;
    }
    if units >= 10_i128.pow(u32::from(precision)) {
        return Err(unfit());
    }
    Ok(if sign == NEGATIVE { -units } else { units })
}

fn malformed() -> Mismatch {
    Mismatch::new(Code::ValueFormat, "the server sent a number that cannot be read")
}

/// Appends `units` of the last of `scale` places.
pub(super) fn write(units: i128, scale: u8, out: &mut Vec<u8>) {
    // Places are filled up to whole digits, so that the point lies between two of them.
    let places = i32::from(scale).div_euclid(4) + i32::from(!scale.is_multiple_of(4));
    let fill = u32::try_from(places * 4 - i32::from(scale)).unwrap_or_default();
    let magnitude = units.unsigned_abs();
    let mut digits: Vec<u16> = Vec::with_capacity(12);
    let base = BASE.unsigned_abs();
    // The last digit holds fewer places than the others; it is taken off first, so that nothing overflows.
    let mut rest = magnitude;
    if fill > 0 {
        let part = 10_u128.pow(4 - fill);
        digits.push(digit(rest % part * 10_u128.pow(fill)));
        rest /= part;
    }
    while rest > 0 {
        digits.push(digit(rest % base));
        rest /= base;
    }
    let weight = i32::try_from(digits.len()).unwrap_or_default() - places - 1;
    let skip = digits.iter().take_while(|digit| **digit == 0).count();
    let digits = &digits[skip..];
    let weight = if digits.is_empty() { 0 } else { i16::try_from(weight).unwrap_or_default() };
    out.extend_from_slice(&u16::try_from(digits.len()).unwrap_or_default().to_be_bytes());
    out.extend_from_slice(&weight.to_be_bytes());
    out.extend_from_slice(&if units < 0 { NEGATIVE } else { 0 }.to_be_bytes());
    out.extend_from_slice(&u16::from(scale).to_be_bytes());
    for digit in digits.iter().rev() {
        out.extend_from_slice(&digit.to_be_bytes());
    }
}

fn digit(value: u128) -> u16 {
    u16::try_from(value).unwrap_or_default()
}
