//! Offices: branches under regions under head offices.

use std::ops::RangeInclusive;

use rusqlite::{Transaction, params};

use super::super::entity::Entity;
use super::super::names::{CITIES, STREETS};
use super::super::notation::{day_between, moment, new_year, slashes, telephone};
use super::super::random::Random;

/// Head offices came last, so a region's parent has a higher number than the region, and a load in the order of keys meets
/// the child first.
const REGIONS: RangeInclusive<i64> = 1..=200;
const BRANCHES: RangeInclusive<i64> = 201..=1_200;
const HEADS: RangeInclusive<i64> = 1_201..=1_250;

const KINDS: [&str; 6] =
    ["Dental Arts", "Dental Lab", "Family Dentistry", "Orthodontics", "Prótesis Dental", "Smile  Studio"];

/// Writes the table.
pub(super) fn write(legacy: &Transaction<'_>) -> rusqlite::Result<()> {
    let mut random = Random::of(Entity::Offices);
    let mut insert = legacy.prepare(
        "insert into dispatch_offices (
           office_no, office_nm, parent_no, street_1, city, state_cd, zip_cd, phone_no, open_dt, actv_fl, crt_ts
         )
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
    )?;
    for office_no in 1..=Entity::Offices.last_key() {
        let city = random.pick(&CITIES);
        let street = random.pick(&STREETS);
        let name = format!("{} {} {office_no}", street.split(' ').next().unwrap_or(street), random.pick(&KINDS));
        let street_line = format!("{} {street}", random.between(1, 9_800));
        let postal_code = format!("{:03}{:02}", city.postal_prefix, random.between(1, 99));
        let opened = day_between(&mut random, new_year(1994), new_year(2024));
        let created = day_between(&mut random, new_year(2009), new_year(2025));
        insert.execute(params![
            office_no,
            format!("{name:<40}"),
            parent_of(&mut random, office_no),
            random.null_in(30, street_line),
            random.null_in(60, city.name),
            city.state,
            random.null_in(60, postal_code),
            phone(&mut random, city.area),
            random.null_in(20, slashes(opened)),
            if random.one_in(15) { "N" } else { "Y" },
            moment(&mut random, created),
        ])?;
    }
    Ok(())
}

fn parent_of(random: &mut Random, office_no: i64) -> Option<i64> {
    if REGIONS.contains(&office_no) {
        return Some(random.between(*HEADS.start(), *HEADS.end()));
    }
    let is_under_a_region = BRANCHES.contains(&office_no) && !random.one_in(10);
    is_under_a_region.then(|| random.between(*REGIONS.start(), *REGIONS.end()))
}

fn phone(random: &mut Random, area: i64) -> Option<String> {
    let number = telephone(random, area);
    match random.between(1, 25) {
        1 => None,
        2 => Some("n/a".to_owned()),
        3 => Some(format!("1-{number}")),
        _ => Some(number),
    }
}
