//! The 32 positions of a tooth, numbered from the upper right to the upper left and back below.

use rusqlite::{Transaction, params};

/// From the middle of the jaw outwards.
const TEETH: [&str; 8] = [
    "CENTRAL INCISOR",
    "LATERAL INCISOR",
    "CANINE",
    "FIRST PREMOLAR",
    "SECOND PREMOLAR",
    "FIRST MOLAR",
    "SECOND MOLAR",
    "THIRD MOLAR",
];

const QUADRANTS: [&str; 4] = ["UR", "UL", "LL", "LR"];

/// Writes the table.
pub(super) fn write(legacy: &Transaction<'_>) -> rusqlite::Result<()> {
    let mut insert = legacy.prepare(
        "insert into jaw_types (tooth_no, fdi_cd, tooth_nm, quad_cd)
         values (?1, ?2, ?3, ?4)",
    )?;
    let mut tooth_no = 0;
    for (quadrant, quadrant_no) in QUADRANTS.into_iter().zip(1..) {
        let mut teeth: Vec<(u8, &str)> = (1..).zip(TEETH).collect();
        // On the patient's right the upper numbers run towards the middle, on the left the lower ones do.
        let runs_inwards = quadrant_no % 2 == 1;
        if runs_inwards {
            teeth.reverse();
        }
        for (position, name) in teeth {
            tooth_no += 1;
            insert.execute(params![tooth_no, format!("{quadrant_no}{position}"), format!("{name:<20}"), quadrant])?;
        }
    }
    Ok(())
}
