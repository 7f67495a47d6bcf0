//! Messages of the old system's three parts, in English and Spanish.

use rusqlite::{Transaction, params};

use super::super::entity::Entity;
use super::super::notation::{compact, day_between, moment, new_year};
use super::super::random::Random;

/// Messages are numbered from one in each part of the system.
pub(super) const MESSAGES_PER_SYSTEM: i64 = 593;

/// A text in English and Spanish.
type Text = [&'static str; 2];

const LANGUAGES: Text = ["en", "es"];

const SYSTEMS: [(&str, [Text; 6]); 3] = [
    (
        "ORD",
        [
            ["The crown", "La corona"],
            ["The bridge", "El puente"],
            ["The impression", "La impresión"],
            ["The shipment", "El envío"],
            ["The invoice", "La factura"],
            ["The scan", "El escaneo"],
        ],
    ),
    (
        "PAT",
        [
            ["The appointment", "La cita"],
            ["The record", "La ficha"],
            ["The consent form", "El consentimiento"],
            ["The photograph", "La fotografía"],
            ["The telephone number", "El teléfono"],
            ["The address", "La dirección"],
        ],
    ),
    (
        "LAB",
        [
            ["The oven", "El horno"],
            ["The milling unit", "La fresadora"],
            ["The alloy", "La aleación"],
            ["The ceramic", "La cerámica"],
            ["The night shift", "El turno de noche"],
            ["The printer", "La impresora"],
        ],
    ),
];

const EVENTS: [Text; 10] = [
    ["has arrived", "ha llegado"],
    ["is waiting", "está a la espera"],
    ["is missing", "falta"],
    ["has changed", "ha cambiado"],
    ["has failed", "ha fallado"],
    ["is late", "se retrasa"],
    ["is ready", "ya está"],
    ["was sent", "se envió"],
    ["came back", "se devolvió"],
    ["exists twice", "existe dos veces"],
];

const ADVICE: [Text; 10] = [
    ["nothing to do", "no hay nada que hacer"],
    ["call the office", "llame a la oficina"],
    ["ask the doctor", "pregunte al médico"],
    ["try again tomorrow", "pruebe de nuevo mañana"],
    ["compare the shade", "compare el color"],
    ["see the note", "lea la nota"],
    ["confirm the date", "confirme la fecha"],
    ["attach the scan", "adjunte el escaneo"],
    ["print the label", "imprima la etiqueta"],
    ["tell the night shift", "avise al turno de noche"],
];

/// Writes the table.
pub(super) fn write(legacy: &Transaction<'_>) -> rusqlite::Result<()> {
    let mut random = Random::of(Entity::SystemMessages);
    let mut insert = legacy.prepare(
        "insert into sys_messages (sys_cd, msg_no, lang_cd, sev_cd, msg_txt, eff_dt, actv_fl, upd_ts)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?;
    for (system, subjects) in SYSTEMS {
        for (message_no, text) in (1..=MESSAGES_PER_SYSTEM).zip(texts(&subjects)) {
            let severity = random.pick(&[1, 1, 1, 2, 2, 3, 4]);
            for (language, line) in LANGUAGES.into_iter().zip(text) {
                let starts = day_between(&mut random, new_year(2009), new_year(2025));
                insert.execute(params![
                    system,
                    message_no,
                    language,
                    severity,
                    line,
                    random.null_in(5, compact(starts)),
                    random.pick(&[Some("Y"), Some("Y"), Some("Y"), Some("N"), None]),
                    moment(&mut random, starts),
                ])?;
            }
        }
    }
    Ok(())
}

/// Every subject with every event and every piece of advice, in both languages.
fn texts(subjects: &[Text; 6]) -> impl Iterator<Item = [String; 2]> {
    ADVICE.iter().flat_map(move |advice| {
        EVENTS.iter().flat_map(move |event| {
            subjects.iter().map(move |subject| {
                [0, 1].map(|language| format!("{} {}: {}.", subject[language], event[language], advice[language]))
            })
        })
    })
}
