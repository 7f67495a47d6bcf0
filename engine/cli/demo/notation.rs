//! How the old system writes dates, amounts, telephone numbers and e-mail addresses.

use chrono::{NaiveDate, TimeDelta};

use super::names;
use super::random::Random;

/// The first day of a year after 1900 and before 2100, as days since 1970-01-01.
pub(super) const fn new_year(year: i64) -> i64 {
    (year - 1970) * 365 + (year - 1969).div_euclid(4)
}

/// The day that is so many days after 1970-01-01.
pub(super) fn day(number: i64) -> NaiveDate {
    NaiveDate::default() + TimeDelta::days(number)
}

/// A day from that of `first` to that of `last`, both days since 1970-01-01.
pub(super) fn day_between(random: &mut Random, first: i64, last: i64) -> NaiveDate {
    day(random.between(first, last))
}

/// `dd/mm/yyyy`.
pub(super) fn slashes(day: NaiveDate) -> String {
    day.format("%d/%m/%Y").to_string()
}

/// `yyyymmdd`.
pub(super) fn compact(day: NaiveDate) -> String {
    day.format("%Y%m%d").to_string()
}

/// A moment of working time on `day`, with a space between date and time.
pub(super) fn moment(random: &mut Random, day: NaiveDate) -> String {
    let [hour, minute, second] = [random.between(7, 18), random.between(0, 59), random.between(0, 59)];
    format!("{day} {hour:02}:{minute:02}:{second:02}")
}

/// Cents with a decimal point. The database makes a number of it; here it never becomes one with a floating point.
pub(super) fn amount(cents: i64) -> String {
    let sign = if cents < 0 { "-" } else { "" };
    format!("{sign}{}.{:02}", cents.abs() / 100, cents.abs() % 100)
}

/// A telephone number in one of the ways people type it. 555-01xx belongs to nobody.
pub(super) fn telephone(random: &mut Random, area: i64) -> String {
    let line = random.between(100, 199);
    match random.between(1, 5) {
        1 => format!("({area}) 555-0{line}"),
        2 => format!("{area}-555-0{line}"),
        3 => format!("{area}.555.0{line}"),
        4 => format!("{area}5550{line}"),
        _ => format!("{area} 555 0{line}  "),
    }
}

/// An e-mail address made of a name, capitals and blanks as forms leave them. The domains belong to nobody.
pub(super) fn email(random: &mut Random, given: &str, family: &str, number: i64) -> String {
    let domain = random.pick(&["example.com", "example.org", "example.net"]);
    let address = format!("{}.{}{number}@{domain}", names::plain(given), names::plain(family));
    match random.between(1, 6) {
        1 => address.to_uppercase(),
        2 => format!("{address}  "),
        _ => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_year_begins_on_its_first_of_january() {
        for year in [1901, 1931, 1932, 1969, 1970, 1972, 1973, 2000, 2001, 2025, 2099] {
            assert_eq!(day(new_year(year)).to_string(), format!("{year}-01-01"));
        }
    }

    #[test]
    fn an_amount_keeps_its_cents() {
        assert_eq!([amount(0), amount(5), amount(-12_050), amount(99_999)], ["0.00", "0.05", "-120.50", "999.99"]);
    }
}
