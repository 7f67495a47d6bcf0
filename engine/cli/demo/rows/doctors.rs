//! Doctors, each at a sound office.

use rusqlite::{Transaction, params};

use super::super::entity::Entity;
use super::super::names::{FAMILY, GIVEN};
use super::super::notation::{amount, day_between, email, moment, new_year, slashes};
use super::super::random::Random;

/// `ZZ` is of a system that is long gone; the spec says what becomes of it.
const SPECIALTIES: [&str; 12] = ["GP", "GP", "GP", "GP", "GP", "OR", "OR", "PR", "PE", "EN", "SU", "ZZ"];

/// Writes the table.
pub(super) fn write(legacy: &Transaction<'_>) -> rusqlite::Result<()> {
    let mut random = Random::of(Entity::Doctors);
    let mut insert = legacy.prepare(
        "insert into dispatch_doctors (
           doc_no, office_no, doc_nm, npi_no, lic_no, spec_cd, email_addr, disc_pct, join_dt, actv_fl, crt_ts
         )
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
    )?;
    for doc_no in 1..=Entity::Doctors.last_key() {
        let (given, family) = (random.pick(&GIVEN), random.pick(&FAMILY));
        let name = format!("{family}, {given}").to_uppercase();
        let address = email(&mut random, given, family, doc_no);
        let discount = random.pick(&[0, 250, 500, 750, 1_000, 1_225]);
        let specialty = random.pick(&SPECIALTIES);
        let joined = day_between(&mut random, new_year(2001), new_year(2025));
        let created = day_between(&mut random, new_year(2009), new_year(2025));
        insert.execute(params![
            doc_no,
            random.sound_key(Entity::Offices),
            format!("{name:<40}"),
            random.null_in(20, npi(100_000_000 + doc_no * 7_919)),
            format!("{:010}", random.between(1_000, 9_999_999)),
            random.null_in(30, specialty),
            random.null_in(10, address),
            random.null_in(4, amount(discount)),
            random.null_in(25, slashes(joined)),
            if random.one_in(18) { "N" } else { "Y" },
            moment(&mut random, created),
        ])?;
    }
    Ok(())
}

/// Nine digits and their check digit, by Luhn behind the prefix 80840.
fn npi(digits: i64) -> String {
    // The prefix adds 24 to the sum.
    let mut sum = 24;
    let mut rest = digits;
    for place in 0..9 {
        let digit = rest % 10;
        rest /= 10;
        let doubled = digit * 2;
        sum += if place % 2 == 0 { doubled % 10 + doubled / 10 } else { digit };
    }
    format!("{digits}{}", (10 - sum % 10) % 10)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_check_digit_is_that_of_the_published_example() {
        assert_eq!(super::npi(123_456_789), "1234567893");
    }
}
