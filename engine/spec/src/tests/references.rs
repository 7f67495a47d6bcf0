//! References to keys of several columns.

use std::collections::BTreeMap;

use transload_model::{ColumnName, ForeignKey, LogicalType, OnDelete, TableName};

use super::kit::{catalogs, changed, compiled, good, load, problems, prose, written};
use super::vocabulary::FewWords;
use crate::compile;

const MESSAGES: &str = "entity_type: messages
source_table: sys_messages
destination_table: messages
version: \"1\"
key: { strategy: keep }
field_mappings: { body: body }
";

/// The good project, where doctors refer to messages by this.
fn referring(mapping: &str) -> BTreeMap<String, String> {
    let mut files =
        changed("specs/doctors.yaml", "email: { source_field: email_addr, transformation: [trimmed, lower] }", mapping);
    files.insert("specs/messages.yaml".to_owned(), MESSAGES.to_owned());
    let doctors = files.get_mut("specs/doctors.yaml").unwrap();
    *doctors = doctors.replace(
        "\n  - field_name: email\n    rule_type: format\n    rule_parameters: { pattern: \"@\" }\n    on_failure: warn",
        "",
    );
    files
}

fn found(mapping: &str) -> String {
    problems(&referring(mapping)).iter().map(prose).collect()
}

/// The type that is written, and the column that is taken.
fn taken(mapping: &str) -> (LogicalType, Option<String>) {
    let plan = compiled(&referring(mapping)).plan.unwrap_or_else(|| panic!("{}", found(mapping)));
    let doctors = plan.entities().iter().find(|entity| entity.name.as_str() == "doctors").unwrap();
    let field =
        doctors.fields.iter().find(|field| field.reference.as_ref().is_some_and(|to| to.entity.as_str() == "messages"));
    let field = field.unwrap();
    assert!(field.refers_by_columns());
    (field.written_as, field.reference.as_ref().unwrap().column.as_ref().map(ToString::to_string))
}

#[test]
fn a_reference_takes_a_column_of_a_key_of_several() {
    let named = "email: { source_field: [last_nm, visits], references: messages, referenced_column: sys }";
    assert_eq!(taken(named), (LogicalType::Text, Some("sys".to_owned())));
    let named = "visits: { source_field: [last_nm, visits], references: messages, referenced_column: no }";
    assert_eq!(taken(named), (LogicalType::Integer, Some("no".to_owned())));
}

#[test]
fn what_does_not_lead_to_a_key_is_told_at_its_place() {
    let cases = [
        "email: { source_field: [last_nm, visits], references: messages }",
        "email: { source_field: last_nm, references: messages, referenced_column: sys }",
        "email: { source_field: [visits, last_nm], references: messages, referenced_column: sys }",
        "email: { source_field: [last_nm, visits], references: messages, referenced_column: sis }",
        "email: { source_field: [last_nm, visits], references: messages, referenced_column: sys, default_value: a }",
        "email: { source_field: [office_no, visits], references: offices }",
        "email: { source_field: last_nm, referenced_column: sys }",
        "email: { source_field: [last_nm, visits], references: messages, on_missing: default }",
        "email: { source_field: [last_nm, first_nm], transformation: join_names, references: messages, referenced_column: sys }",
        "visits: { source_field: [last_nm, visits], references: messages, referenced_column: sys }",
    ];
    let told: Vec<String> = cases.into_iter().map(|case| format!("{case}\n{}", found(case))).collect();
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn columns_in_another_order_than_the_key_of_their_names_are_a_warning() {
    let mut files = changed("specs/offices.yaml", "version:", "key: { source: [office_no, parent_no] }\nversion:");
    let doctors = files.get_mut("specs/doctors.yaml").unwrap();
    *doctors = doctors.replace("source_field: office_no,", "source_field: [office_no, visits],");
    let offices = files.get_mut("specs/offices.yaml").unwrap();
    *offices = offices.replace("source_field: parent_no,", "source_field: [parent_no, office_no],");
    let told = compiled(&files);
    assert!(told.plan.is_some());
    insta::assert_snapshot!(told.diagnostics.iter().map(prose).collect::<String>());
}

/// `doctors.office_id → offices` and `positions.id, name → offices.id, name`: foreign keys of the destination.
fn foreign_key(text: &str) -> (TableName, ForeignKey) {
    let (child, parent) = text.split_once(" → ").unwrap();
    let split = |side: &str| {
        let (table, columns) = side.split_once('.').unwrap_or((side, ""));
        let columns = columns.split(", ").filter(|name| !name.is_empty()).map(|name| ColumnName::parse(name).unwrap());
        (TableName::parse(table).unwrap(), columns.collect::<Vec<_>>())
    };
    let ((child, columns), (table, refers_to)) = (split(child), split(parent));
    (child, ForeignKey { columns, table, refers_to, on_delete: OnDelete::Refused })
}

/// What is said where the destination has these foreign keys.
fn said(keys: &[&str], files: &BTreeMap<String, String>) -> String {
    let mut catalogs = catalogs();
    for (child, key) in keys.iter().map(|key| foreign_key(key)) {
        let table = catalogs.values_mut().find_map(|catalog| catalog.tables.get_mut(&child));
        table.unwrap().foreign_keys.push(key);
    }
    let project = load(written(files).path()).unwrap();
    let compiled = compile(&project, &FewWords { library: 7 }, &catalogs);
    let said: String = compiled.diagnostics.iter().map(prose).collect();
    assert!(compiled.plan.is_some(), "{said}");
    said
}

/// Old keys find nobody among rows with new keys; those of rows that keep theirs do.
#[test]
fn an_old_key_that_is_copied_where_a_new_one_belongs_is_a_warning() {
    let copied = changed("specs/doctors.yaml", "{ source_field: office_no, references: offices }", "office_no");
    let starred = changed("specs/doctors.yaml", "field_mappings:", "auto_map: { include: visits }\nfield_mappings:");
    let mut shifted = copied.clone();
    let offices = shifted.get_mut("specs/offices.yaml").unwrap();
    *offices = offices
        .replace("version:", "key: { strategy: keep }\nversion:")
        .replace("field_mappings:", "field_mappings:\n  id: { source_field: office_no, value_map: { 1: a } }");
    let mut alone = copied.clone();
    let positions = alone.get_mut("specs/positions.yaml").unwrap();
    *positions = positions.replace("depends_on: [doctors]\n", "");
    let told = [
        said(&["doctors.office_id → offices"], &copied),
        said(&["doctors.office_id → offices", "doctors.visits → offices", "doctors.email → offices"], &starred),
        // The key of a row may be that of another.
        said(&["positions.id → doctors"], &good()),
        said(&["doctors.office_id → offices"], &shifted),
        // Of a key of several columns, each is new or old by itself.
        said(&["doctors.visits, office_id → positions.id, name"], &alone),
        said(&["positions.name → doctors.full_name"], &copied),
    ];
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn what_refers_to_an_old_key_or_to_no_key_may_be_copied() {
    assert_eq!(said(&["doctors.office_id → offices"], &good()), "");
    let copied = changed("specs/doctors.yaml", "{ source_field: office_no, references: offices }", "office_no");
    assert_eq!(said(&["doctors.office_id → offices.name"], &copied), "");
    let mut kept = copied;
    let offices = kept.get_mut("specs/offices.yaml").unwrap();
    *offices = offices.replace("version:", "key: { strategy: keep }\nversion:");
    assert_eq!(said(&["doctors.office_id → offices"], &kept), "");
}
