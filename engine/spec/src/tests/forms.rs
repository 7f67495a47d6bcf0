//! Two ways to write one thing mean one thing.

use super::kit::{changed, compiled, good};

/// The compiled plan as text, without the lines that differ between the forms.
fn plan(path: &str, from: &str, to: &str) -> String {
    let plan = compiled(&changed(path, from, to)).plan.expect("a good spec");
    let text = format!("{:#?}", plan.entities());
    text.lines().filter(|line| !line.contains("place:")).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_long_form_is_the_short_form() {
    let path = "specs/offices.yaml";
    let short = plan(path, "created_at: crt_ts", "created_at: crt_ts");
    let mappings =
        super::kit::OFFICES.split("field_mappings:\n").nth(1).unwrap().split("validation_rules").next().unwrap();
    let long = "  - { source_field: office_nm, destination_field: name, transformation: [trimmed] }\n\
        \x20 - { source_field: parent_no, destination_field: parent_id, references: offices, on_missing: quarantine }\n\
        \x20 - { source_field: open_dt, destination_field: opened_on, format: '%d/%m/%Y', data_type: date }\n\
        \x20 - source_field: actv_fl\n    destination_field: is_active\n    is_required: true\n\
        \x20   value_map: { Y: true, N: false }\n    on_unmapped: quarantine\n\
        \x20 - { source_field: crt_ts, destination_field: created_at }\n";
    assert_eq!(plan(path, mappings, long), short);
}

#[test]
fn a_value_map_is_a_call_at_the_end_of_the_chain() {
    let path = "specs/offices.yaml";
    let key = plan(
        path,
        "value_map: { \"Y\": true, \"N\": false }",
        "transformation: trimmed, value_map: { Y: true, N: false }",
    );
    let calls = "transformation: [trimmed, value_map: { map: { Y: true, N: false }, on_unmapped: quarantine }]";
    assert_eq!(plan(path, "value_map: { \"Y\": true, \"N\": false }", calls), key);
}

#[test]
fn without_a_source_the_short_form_reads_the_column_of_the_same_name() {
    let path = "specs/doctors.yaml";
    let named = plan(path, "  email:", "  visits: visits\n  email:");
    assert_eq!(plan(path, "  email:", "  visits: {}\n  email:"), named);
    assert_eq!(plan(path, "  email:", "  visits: { is_required: false }\n  email:"), named);
    let constant = plan(path, "  email:", "  visits: { default_value: 1 }\n  email:");
    assert_ne!(constant, plan(path, "  email:", "  visits: { default_value: 1, is_required: false }\n  email:"));
}

#[test]
fn null_is_a_word_where_a_word_is_expected() {
    let path = "specs/offices.yaml";
    let plain = plan(path, "references: offices", "references: offices, on_missing: null");
    assert_eq!(plan(path, "references: offices", "references: offices, on_missing: 'null'"), plain);
    assert!(plain.contains("on_missing: Null"));
}

#[test]
fn notes_are_allowed_anywhere_and_mean_nothing() {
    let mut files = good();
    let before = format!("{:#?}", compiled(&files).plan.unwrap().entities());
    for text in files.values_mut() {
        *text = text.replace("{ ", "{ x-note: [1], ").replace("value_map: { x-note: [1], ", "value_map: { ");
        *text += "x-anything: { a: &a [1], b: *a }\n";
    }
    assert_eq!(format!("{:#?}", compiled(&files).plan.unwrap().entities()), before);
}

#[test]
fn anchors_and_aliases_repeat_a_value() {
    let path = "specs/offices.yaml";
    let plain = plan(path, "transformation: trimmed }", "transformation: [trimmed] }");
    let mut anchored = changed(path, "name: {", "name: &text {");
    anchored.insert("specs/x.txt".to_owned(), String::new());
    let text = format!("{:#?}", compiled(&anchored).plan.unwrap().entities());
    assert_eq!(text.lines().filter(|line| !line.contains("place:")).collect::<Vec<_>>().join("\n"), plain);
}
