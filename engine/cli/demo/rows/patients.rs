//! Patients, each with a sound doctor.

use rusqlite::{Transaction, params};

use super::super::entity::Entity;
use super::super::names::{CITIES, FAMILY, GIVEN};
use super::super::notation::{amount, compact, day_between, email, moment, new_year, telephone};
use super::super::random::Random;

const SEXES: [&str; 20] =
    ["1", "1", "1", "1", "1", "1", "1", "1", "1", "2", "2", "2", "2", "2", "2", "2", "2", "2", "2", "9"];

/// Writes the table.
pub(super) fn write(legacy: &Transaction<'_>) -> rusqlite::Result<()> {
    let mut random = Random::of(Entity::Patients);
    let mut insert = legacy.prepare(
        "insert into dispatch_patients (
           patient_no, rec_no, doc_no, first_nm, last_nm, sex_cd, dob, phone_no, email, bal_amt, vip_fl, crt_ts
         )
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
    )?;
    for patient_no in 1..=Entity::Patients.last_key() {
        let (given, family) = (random.pick(&GIVEN), random.pick(&FAMILY));
        let record_no = format!("P-{}", 200_000 + patient_no);
        let area = random.pick(&CITIES).area;
        let number = telephone(&mut random, area);
        let address = email(&mut random, given, family, patient_no);
        let born = day_between(&mut random, new_year(1931), new_year(2021));
        let balance = balance(&mut random);
        let created = day_between(&mut random, new_year(2009), new_year(2025));
        insert.execute(params![
            patient_no,
            format!("{record_no:<12}"),
            random.sound_key(Entity::Doctors),
            given_as_typed(&mut random, given),
            family,
            random.pick(&SEXES),
            random.null_in(40, compact(born)),
            random.null_in(12, number),
            random.null_in(6, address),
            random.null_in(10, amount(balance)),
            random.pick(&[Some("N"), Some("N"), Some("N"), Some("N"), Some("Y"), None]),
            moment(&mut random, created),
        ])?;
    }
    Ok(())
}

/// Some people have one name, and some typists a heavy thumb.
fn given_as_typed(random: &mut Random, given: &str) -> Option<String> {
    match random.between(1, 200) {
        1 => None,
        2..=9 => Some(format!(" {given}  ")),
        _ => Some(given.to_owned()),
    }
}

/// Cents: mostly nothing, sometimes a credit.
fn balance(random: &mut Random) -> i64 {
    match random.between(1, 10) {
        1..=5 => 0,
        6 => -random.between(1, 20_000),
        _ => random.between(1, 450_000),
    }
}
