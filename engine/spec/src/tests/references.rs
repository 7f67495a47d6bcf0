//! References to keys of several columns.

use std::collections::BTreeMap;

use transload_model::{ColumnName, ForeignKey, LogicalType, TableName};

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
    ];
    let told: Vec<String> = cases.into_iter().map(|case| format!("{case}\n{}", found(case))).collect();
    insta::assert_snapshot!(told.join("\n"));
}

/// What is said where columns of `doctors` refer to `offices` at the destination.
fn said(columns: &[&str], files: &BTreeMap<String, String>) -> String {
    let name = |column: &&str| ColumnName::parse(column).unwrap();
    let table = TableName::parse("offices").unwrap();
    let key = |column| ForeignKey { columns: vec![name(column)], table: table.clone(), refers_to: Vec::new() };
    let mut catalogs = catalogs();
    let doctors =
        catalogs.values_mut().find_map(|catalog| catalog.tables.get_mut(&TableName::parse("doctors").unwrap()));
    doctors.unwrap().foreign_keys = columns.iter().map(key).collect();
    let project = load(written(files).path()).unwrap();
    let compiled = compile(&project, &FewWords { library: 7 }, &catalogs);
    assert!(compiled.plan.is_some());
    compiled.diagnostics.iter().map(prose).collect()
}

/// Old keys find nobody among rows with new keys; those of rows that keep theirs do.
#[test]
fn an_old_key_that_is_copied_where_a_new_one_belongs_is_a_warning() {
    assert_eq!(said(&["office_id"], &good()), "");
    let copied = changed("specs/doctors.yaml", "{ source_field: office_no, references: offices }", "office_no");
    let starred = changed("specs/doctors.yaml", "field_mappings:", "auto_map: { include: visits }\nfield_mappings:");
    let mut kept = copied.clone();
    let offices = kept.get_mut("specs/offices.yaml").unwrap();
    *offices = offices.replace("version:", "key: { strategy: keep }\nversion:");
    assert_eq!(said(&["office_id"], &kept), "");
    insta::assert_snapshot!(said(&["office_id"], &copied) + &said(&["office_id", "visits", "email"], &starred));
}
