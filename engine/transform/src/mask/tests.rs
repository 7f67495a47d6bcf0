//! Masks: a table of cases, which Python's `hmac` computed, and what holds for every value.

use arrow::array::{Array as _, ArrayRef};
use proptest::prelude::*;
use serde_json::{Value, json};
use transload_model::{Code, Keep, LogicalType, Mask, MaskKey};

use super::hash;
use crate::tests::boundaries::any_column;
use crate::tests::given::{Compiled, Given, batch, cases, context, functions, logical, texts};

const HASH: Mask = Mask::Hash { keep: Keep::Nothing, length: None };
const FORMAT: Mask = Mask::Hash { keep: Keep::Format, length: None };

fn redact() -> Mask {
    Mask::Redact { with: Mask::REDACTED.to_owned() }
}

fn days(days: u32) -> Mask {
    Mask::ShiftDate { days, format: None }
}

/// A mask as a spec says it.
fn read(said: &Value) -> Mask {
    let number = |key: &str| said.get(key).map(|value| usize::try_from(value.as_u64().unwrap()).unwrap());
    let text = |key: &str| said.get(key).map(|value| value.as_str().unwrap().to_owned());
    match said["strategy"].as_str().unwrap() {
        "hash" => Mask::Hash {
            keep: match text("keep").as_deref() {
                None => Keep::Nothing,
                Some("domain") => Keep::Domain,
                Some(_) => Keep::Format,
            },
            length: number("length"),
        },
        "redact" => Mask::Redact { with: text("with").unwrap_or_else(|| Mask::REDACTED.to_owned()) },
        "partial" => Mask::Partial {
            keep_first: number("keep_first").unwrap_or_default(),
            keep_last: number("keep_last").unwrap_or_default(),
            with: text("with").map_or('*', |with| with.chars().next().unwrap()),
        },
        "null" => Mask::Null,
        _ => Mask::ShiftDate { days: u32::try_from(number("days").unwrap()).unwrap(), format: text("format") },
    }
}

/// An entity that copies its key and one masked column.
fn copied(of: &str, mask: Mask) -> Compiled {
    Given::reading(&[("id", "integer"), ("value", of)]).field("value", &[1], of).mask(1, mask, &[]).compiled()
}

#[test]
fn every_mask_does_what_its_table_says() {
    for case in cases("masks") {
        let of = case["type"].as_str().unwrap();
        let mut entity = copied(of, read(&case["mask"]));
        let (fields, faults) = entity.run(&[&[Some("1")], &[case["value"].as_str()]]);
        match case.get("code") {
            Some(code) => assert_eq!(faults, [format!("0 value read {}", code.as_str().unwrap())], "{case}"),
            None => {
                assert_eq!(json!(fields[0][0]), case["expect"], "{case}");
                assert_eq!(faults, [""; 0], "{case}");
            }
        }
    }
}

#[test]
fn without_a_key_nothing_is_transformed() {
    let plan =
        Given::reading(&[("id", "integer"), ("name", "text")]).field("name", &[1], "text").mask(1, redact(), &[]);
    let keyless = transload_model::TransformContext { mask_key: None, ..context() };

    let refused = transload_model::TransformFactory::compile(&functions(), &plan.plan(), &keyless);

    assert_eq!(refused.err().unwrap().code, Code::MaskKeyMissing);
}

#[test]
fn all_that_reads_a_masked_column_sees_the_mask() {
    let mut entity = Given::reading(&[("id", "integer"), ("name", "text")])
        .field("copied", &[1], "text")
        .field("small", &[1], "text")
        .call("lower", json!({}))
        .field("scripted", &[0], "text")
        .script("row.name + \"!\"")
        .field("thrown", &[0], "text")
        .script("if row.id == 2 { throw `not ${row.name}` } else { () }")
        .mask(1, redact(), &[])
        .compiled();
    let rows = entity.batch(&[&[Some("1"), Some("2")], &[Some("Ada Lovelace"), Some("Grace Hopper")]]);

    let shown = texts(entity.entity.masked(&rows).column(1), LogicalType::Text);
    let done = entity.entity.transform(&rows, &[]);

    assert_eq!(shown, [Some("[redacted]".to_owned()), Some("[redacted]".to_owned())]);
    let of_first: Vec<_> = done.columns.iter().map(|column| texts(column, LogicalType::Text)[0].clone()).collect();
    let expected = [Some("[redacted]"), Some("[redacted]"), Some("[redacted]!"), None];
    assert_eq!(of_first, expected.map(|text| text.map(ToOwned::to_owned)));
    assert_eq!(done.faults[0].message, "not ‹value› (its columns are masked)");
}

/// A function fails by the mask where the source's value would do: whoever looks there finds nothing wrong.
#[test]
fn why_a_field_fails_says_that_its_columns_are_masked() {
    let given = || {
        let given = Given::reading(&[("id", "integer"), ("phone", "text"), ("other", "text")]);
        let given =
            given.field("unmasked", &[2], "text").script("if row.id == 2 { throw `no ${row.other}` } else { () }");
        given.field("mapped", &[1], "text").call("value_map", json!({ "map": { "a": "b" } }))
    };
    let of = |given: Given| {
        let mut entity = given.compiled();
        let rows = entity.batch(&[&[Some("1"), Some("2")], &[Some("x"), Some("a")], &[Some("y"), Some("y")]]);
        let faults = entity.entity.transform(&rows, &[]).faults;
        faults.into_iter().map(|fault| fault.message).collect::<Vec<_>>()
    };
    let bare = of(given());
    let masked = of(given().mask(1, redact(), &[]));
    assert_eq!(masked, [format!("{} (its columns are masked)", bare[0]), bare[1].clone()]);
}

#[test]
fn a_subject_keeps_its_intervals_wherever_it_is_named() {
    let by_key = Given::reading(&[("id", "integer"), ("day", "date"), ("seen", "timestamp")]);
    let by_key = by_key.field("day", &[1], "date").field("seen", &[2], "timestamp");
    let mut patients = by_key.mask(1, days(400), &[]).mask(2, days(400), &[]).compiled();
    let named = Given::reading(&[("id", "integer"), ("patient", "text"), ("day", "date")]).field("day", &[2], "date");
    let mut visits = named.mask(2, days(400), &[1]).compiled();

    let (of_patient, _) = patients.run(&[
        &[Some("7"), Some("9")],
        &[Some("2001-02-03"), Some("2001-02-03")],
        &[Some("2001-02-03T01:02:03"), None],
    ]);
    let (of_visits, _) = visits.run(&[
        &[Some("1"), Some("2"), Some("3")],
        &[Some("7"), Some("9"), None],
        &[Some("2001-02-03"), Some("2001-02-03"), Some("2001-02-03")],
    ]);

    assert_eq!(of_patient[0], of_visits[0][..2]);
    assert_ne!(of_patient[0][0], of_patient[0][1]);
    assert_eq!(of_patient[1][0], of_patient[0][0].as_ref().map(|day| format!("{day}T01:02:03")));
    assert_ne!(of_visits[0][2].as_deref(), Some("2001-02-03"), "a row that names nobody is its own subject");
}

#[test]
fn a_row_that_shows_what_is_hidden_fails_and_does_not_say_what() {
    let entity =
        || Given::reading(&[("id", "integer"), ("name", "text"), ("note", "text")]).field("name", &[1], "text");
    let mut entity = entity().field("note", &[2], "text").mask(1, redact(), &[]).compiled();
    let leak = |entity: &mut Compiled, name: &str, note: &str| {
        let (fields, faults) = entity.run(&[&[Some("1")], &[Some(name)], &[Some(note)]]);
        assert_eq!(faults.is_empty(), fields[1][0].is_some(), "a row that fails holds nothing");
        assert!(faults.iter().all(|fault| fault == "0 note transform MASK_LEAK"), "{faults:?}");
        !faults.is_empty()
    };

    for (name, note) in [
        ("Lovelace", "asked for mrs lovelace"),
        ("Lovelace", "LOVELACES"),
        ("Bern", "lives in Bern."),
        ("Łódź", "z łódź"),
        ("12-34", "no 12-34!"),
        ("Ada Lovelace                  ", "met ada lovelace today"),
        ("  Lovelace", "lovelaces"),
        ("Ada\t Lovelace", "ada lovelace"),
        ("Ada Lovelace", "met Ada\n  Lovelace"),
        ("Bern      ", "lives in Bern."),
    ] {
        assert!(leak(&mut entity, name, note), "{name} in {note}");
    }
    for (name, note) in [
        ("Ada", "Ada called"),
        ("Bern", "Bernstrasse 1"),
        ("open", "opened"),
        ("open      ", "opened"),
        ("----", "----"),
        ("", "anything"),
        ("[redacted]", "see [redacted]"),
        ("[Redacted] ", "see [redacted]"),
        ("Lovelace", "asked for her"),
    ] {
        assert!(!leak(&mut entity, name, note), "{name} in {note}");
    }
}

#[test]
fn a_partial_mask_of_what_was_blacked_out_already_is_no_leak() {
    let mask = Mask::Partial { keep_first: 0, keep_last: 4, with: '*' };
    let (fields, faults) = copied("text", mask).run(&[&[Some("1")], &[Some("****-1234")]]);
    assert_eq!((fields[0][0].as_deref(), faults), (Some("*****1234"), Vec::new()));

    let mask = Mask::Partial { keep_first: 0, keep_last: 4, with: '*' };
    let (fields, faults) = copied("text", mask).run(&[&[Some("1")], &[Some("*****1234")]]);
    assert_eq!((fields[0][0].as_deref(), faults), (Some("*****1234"), Vec::new()));
}

#[test]
fn days_are_not_searched_for() {
    let mask = Mask::ShiftDate { days: 30, format: Some("%Y-%m-%d".to_owned()) };
    let mut entity = Given::reading(&[("id", "integer"), ("dob", "text"), ("seen", "text")])
        .field("dob", &[1], "text")
        .field("seen", &[2], "text")
        .mask(1, mask, &[])
        .compiled();
    for seen in ["2001-02-03", "2001-02-03 10:00:00"] {
        assert_eq!(entity.run(&[&[Some("1")], &[Some("2001-02-03")], &[Some(seen)]]).1, [""; 0], "{seen}");
    }
}

#[test]
fn what_a_mask_wrote_shows_nothing() {
    let unknown = || Mask::Redact { with: "Unknown".to_owned() };
    let entity = Given::reading(&[("id", "integer"), ("name", "text"), ("phone", "text"), ("note", "text")])
        .field("name", &[1], "text")
        .field("phone", &[2], "text")
        .field("note", &[3], "text");
    let mut entity = entity.mask(1, unknown(), &[]).mask(2, HASH, &[]).compiled();
    let mut faults = |name, phone, note| entity.run(&[&[Some("1")], &[Some(name)], &[Some(phone)], &[Some(note)]]).1;

    assert_eq!(faults("unknown", "5551234", "an unknown person"), [""; 0], "it was blacked out at the source");
    assert_eq!(faults("Ada Lovelace", "unknown", "called"), [""; 0], "the name shows it because a mask wrote it there");
    assert_eq!(faults("Ada Lovelace", "unknown", "is unknown"), ["0 note transform MASK_LEAK"]);
    assert_eq!(faults("Ada Lovelace", "Unknown Street", "in unknown street"), ["0 note transform MASK_LEAK"]);

    let mut both = Given::reading(&[("id", "integer"), ("name", "text"), ("note", "text")])
        .field("both", &[1, 2], "text")
        .script("row.name + row.note")
        .mask(1, Mask::Redact { with: "a".to_owned() }, &[])
        .compiled();
    let (_, faults) = both.run(&[&[Some("1")], &[Some("Lovelace")], &[Some(" lovelace")]]);
    assert_eq!(faults, ["0 both transform MASK_LEAK"], "a mask of one letter covers no name");
}

#[test]
fn an_old_key_is_searched_only_where_it_is_written() {
    for (is_made, expected) in [(true, &[][..]), (false, &["0 customer transform MASK_LEAK".to_owned()])] {
        let refers = transload_model::Reference {
            entity: transload_model::EntityName::parse("customers").unwrap(),
            column: None,
            on_missing: transload_model::OnMissing::Quarantine,
            is_made,
        };
        let entity = Given::reading(&[("id", "integer"), ("customer", "text"), ("contact", "text")]);
        let entity = entity.field("customer", &[1], "text").with(|field| field.reference = Some(refers));
        let mut entity = entity.field("contact", &[2], "text").mask(2, HASH, &[]).compiled();

        let (_, faults) = entity.run(&[&[Some("1")], &[Some("ada@example.org")], &[Some("ada@example.org")]]);

        assert_eq!(faults, expected, "{is_made}");
    }
}

fn key(secret: &str) -> MaskKey {
    MaskKey::new(&format!("{secret} is a secret with enough of characters")).unwrap()
}

/// The shape that `keep: format` keeps.
fn shape(text: &str) -> String {
    let of = |sign: char| match sign {
        _ if sign.is_numeric() => '0',
        _ if sign.is_uppercase() => 'A',
        _ if sign.is_alphabetic() => 'a',
        _ => sign,
    };
    text.chars().map(of).collect()
}

proptest! {
    #[test]
    fn a_masked_text_keeps_its_shape_and_nothing_else(text in ".{0,40}") {
        let masked = hash::format(&key("one"), &text);
        prop_assert_eq!(shape(&masked), shape(&text));
        prop_assert!(masked.chars().all(|sign| sign.is_ascii() || !sign.is_alphanumeric()));
        let says = text.chars().any(char::is_alphanumeric);
        prop_assert_eq!(masked != text, says);
        prop_assert_eq!(&masked, &hash::format(&key("one"), &text));
    }

    #[test]
    fn a_masked_number_keeps_its_sign_its_digits_and_its_size(number in any::<i64>(), bits in 0..64_u32) {
        let number = number >> bits;
        let masked = hash::integer(&key("one"), number);
        prop_assert_eq!(masked.to_string().len(), number.to_string().len());
        prop_assert_eq!(masked < 0, number < 0);
        for limit in [i16::MAX.unsigned_abs().into(), i32::MAX.unsigned_abs().into()] {
            prop_assert!(!fits(number, limit) || fits(masked, limit));
        }
        prop_assert_ne!(masked, number);
        prop_assert_eq!(masked, hash::integer(&key("one"), number));
    }

    #[test]
    fn another_key_gives_other_masks(text in "[a-z]{12,20}") {
        let of = |key: &MaskKey| [hash::text(key, &text, 32), hash::domain(key, &format!("{text}@x"), 16), hash::format(key, &text)];
        let (one, other) = (of(&key("one")), of(&key("other")));
        prop_assert!(one.iter().zip(&other).all(|(one, other)| one != other));
        prop_assert!(one.iter().all(|mask| !mask.contains(&text)));
    }

    #[test]
    fn a_mask_depends_on_its_value_alone((columns, cut) in masked_rows()) {
        let rows = columns[0].len();
        let mut entity = everything();
        let whole = batch(&entity.plan.reads, columns);
        let all = fates(&mut entity, &whole);
        let cut = cut.min(rows);
        let mut parts = fates(&mut entity, &whole.slice(0, cut));
        parts.extend(fates(&mut entity, &whole.slice(cut, rows - cut)));
        prop_assert_eq!(all, parts);
        for (column, read) in entity.entity.masked(&whole).columns().iter().zip(whole.columns()) {
            prop_assert_eq!(column.data_type(), read.data_type());
            prop_assert!((0..rows).all(|row| read.is_valid(row) || column.is_null(row)), "NULL stays NULL");
        }
    }
}

fn fits(number: i64, limit: u64) -> bool {
    number.unsigned_abs() <= limit
}

const TYPES: [&str; 5] = ["integer", "text", "uuid", "date", "timestamp"];

fn everything() -> Compiled {
    let given =
        TYPES.iter().enumerate().map(|(at, of)| (["id", "text", "uuid", "day", "seen"][at], *of)).collect::<Vec<_>>();
    Given::reading(&given)
        .field("text", &[1], "text")
        .field("uuid", &[2], "uuid")
        .field("day", &[3], "date")
        .field("seen", &[4], "timestamp")
        .mask(1, FORMAT, &[])
        .mask(2, HASH, &[])
        .mask(3, days(36_500), &[])
        .mask(4, days(36_500), &[1])
        .compiled()
}

fn fates(entity: &mut Compiled, rows: &arrow::record_batch::RecordBatch) -> Vec<String> {
    let done = entity.entity.transform(rows, &[]);
    let columns: Vec<Vec<Option<String>>> =
        entity.plan.fields.iter().zip(&done.columns).map(|(field, values)| texts(values, field.data_type)).collect();
    let fault = |row: usize| done.faults.iter().find(|fault| fault.row == row).map(|fault| fault.message.clone());
    (0..rows.num_rows())
        .map(|row| format!("{:?} {:?}", columns.iter().map(|column| &column[row]).collect::<Vec<_>>(), fault(row)))
        .collect()
}

fn masked_rows() -> impl Strategy<Value = (Vec<ArrayRef>, usize)> {
    (1..24_usize).prop_flat_map(|rows| (TYPES.map(|of| any_column(logical(of), rows)).to_vec(), 0..24_usize))
}
