//! Orders, each for a sound patient.

use chrono::{NaiveDate, TimeDelta};
use rusqlite::{Transaction, params};

use super::super::entity::Entity;
use super::super::notation::{amount, day, day_between, moment, new_year, slashes};
use super::super::random::Random;
use super::system_messages::MESSAGES_PER_SYSTEM;

/// What the lab makes: its code, the price of a unit in cents, and whether it is for one tooth.
const PRODUCTS: [(&str, i64, bool); 8] = [
    ("ALGN", 89_000, false),
    ("BRDG", 41_250, true),
    ("CRWN", 18_999, true),
    ("DENT", 74_500, false),
    ("GRD", 12_900, false),
    ("IMPL", 65_525, true),
    ("INLY", 14_275, true),
    ("VENR", 23_140, true),
];

const SHADES: [&str; 8] = ["A1  ", "A2  ", "A3.5", "B1  ", "b2  ", "C1  ", "D2  ", "bl1 "];

/// The demo ends in autumn 2025.
const LAST_DAY: i64 = new_year(2025) + 300;

/// What was ordered before is shipped or cancelled.
const IN_WORK_FROM: i64 = LAST_DAY - 45;

const NOTES: [&str; 10] = [
    "Call before delivery",
    "Contactos ligeros, por favor",
    "Dr. wants the cast back  ",
    "Kontaktpunkte prüfen",
    "Match the neighbour at 45° light",
    "Ne pas polir le bord",
    "Patient is allergic to nickel",
    "Repeat of an earlier order – no charge for the scan",
    "Rush",
    "色は写真を参照",
];

/// Writes the table.
pub(super) fn write(legacy: &Transaction<'_>) -> rusqlite::Result<()> {
    let mut random = Random::of(Entity::Orders);
    let mut insert = legacy.prepare(
        "insert into dispatch_orders (
           order_no, patient_no, tooth_no, prod_cd, shade_cd, units_qt, ord_dt, due_dt, total_amt, stat_cd, note_txt, msg_cd, crt_ts
         )
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
    )?;
    for order_no in 1..=Entity::Orders.last_key() {
        let (product, price, is_for_a_tooth) = random.pick(&PRODUCTS);
        let tooth_no = random.between(1, 32);
        let shade = random.pick(&SHADES);
        let units = units(&mut random);
        let ordered = day_between(&mut random, new_year(2016), LAST_DAY);
        let note = random.pick(&NOTES);
        let message = format!("ORD-{:04}", random.between(1, MESSAGES_PER_SYSTEM));
        insert.execute(params![
            order_no,
            random.sound_key(Entity::Patients),
            is_for_a_tooth.then_some(tooth_no),
            format!("{product:<6}"),
            random.null_in(8, shade),
            units,
            slashes(ordered),
            due_date(&mut random, ordered),
            amount(units * price),
            state(&mut random, ordered),
            random.one_in(6).then_some(note),
            random.null_in(3, message),
            moment(&mut random, ordered),
        ])?;
    }
    Ok(())
}

/// Rarely more than a full arch of fourteen teeth, which the spec only warns about.
fn units(random: &mut Random) -> i64 {
    match random.between(1, 3_000) {
        1 => 28,
        2..=600 => random.between(2, 6),
        _ => 1,
    }
}

fn state(random: &mut Random, ordered: NaiveDate) -> &'static str {
    if random.one_in(25) {
        return "X";
    }
    if ordered < day(IN_WORK_FROM) { "S" } else { random.pick(&["N", "P", "P", "S"]) }
}

fn due_date(random: &mut Random, ordered: NaiveDate) -> Option<String> {
    let days = random.between(3, 21);
    match random.between(1, 20) {
        1 => None,
        2 | 3 => Some("00/00/0000".to_owned()),
        _ => Some(slashes(ordered + TimeDelta::days(days))),
    }
}
