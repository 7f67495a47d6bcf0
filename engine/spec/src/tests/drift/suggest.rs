//! What is suggested for a change: edits with which the project compiles, or words.

use std::collections::BTreeMap;

use transload_model::{ConnectionName, Table, TableName};

use super::{DESTINATION, Edit, POSITIONS, SOURCE, WORDS, column, drop_column, locked, position, rename, with};
use crate::tests::kit::{catalogs, changed, good, load, prose, write};
use crate::{Compiled, Suggestion, compile};

/// Applies each edit that is suggested to the files.
fn edited(files: &BTreeMap<String, String>, compiled: &Compiled) -> (BTreeMap<String, String>, Vec<String>) {
    let (mut files, mut words) = (files.clone(), Vec::new());
    let suggestions = compiled.drift.iter().flat_map(|drift| &drift.suggestions);
    let mut edits = Vec::new();
    for suggestion in suggestions {
        match suggestion {
            Suggestion::Edit(fix) => edits.push(fix),
            Suggestion::Words(text) => words.push(text.clone()),
        }
    }
    edits.sort_by_key(|fix| std::cmp::Reverse(fix.span.start));
    for fix in edits {
        files.get_mut(&fix.file.path).unwrap().replace_range(fix.span.clone(), &fix.replacement);
    }
    (files, words)
}

/// What is suggested for a change, as the lines that it takes out and puts in. With them the project compiles, where no words are left.
fn suggested(edit: Edited) -> Vec<String> {
    suggested_in(&good(), edit)
}

fn suggested_in(before: &BTreeMap<String, String>, edit: Edited) -> Vec<String> {
    let root = locked(before, &catalogs());
    let now = with(edit.0, edit.1, edit.2);
    let compiled = compile(&load(root.path()).unwrap(), &WORDS, &now);
    let (files, words) = edited(before, &compiled);
    for (path, text) in &files {
        write(root.path(), path, text.as_bytes());
    }
    let mended = compile(&load(root.path()).unwrap(), &WORDS, &now);
    let problems = mended.diagnostics.iter().map(prose).collect::<String>();
    assert!(mended.plan.is_some() || !words.is_empty(), "{problems}");
    assert!(!problems.contains("TL01"), "it is still a spec: {problems}");
    let mut lines = Vec::new();
    for (path, text) in before {
        let (before, now) = (text.lines().collect::<Vec<_>>(), files[path].lines().collect::<Vec<_>>());
        lines.extend(before.iter().filter(|line| !now.contains(line)).map(|line| format!("-{line}")));
        lines.extend(now.iter().filter(|line| !before.contains(line)).map(|line| format!("+{line}")));
    }
    lines.extend(words);
    lines
}

/// A table of an end, and what is done to it.
type Edited = (&'static str, &'static str, Edit);

/// What is done to which table, and what is suggested then.
const SUGGESTED: &[(Edited, &[&str])] = &[
    (
        (SOURCE, "dispatch_doctors", (|t| rename(t, "email_addr", "mail"))),
        &[
            "-  email: { source_field: email_addr, transformation: [trimmed, lower] }",
            "+  email: { source_field: mail, transformation: [trimmed, lower] }",
        ],
    ),
    (
        (SOURCE, "dispatch_offices", |t| rename(t, "crt_ts", "made_at")),
        &["-  created_at: crt_ts", "+  created_at: made_at"],
    ),
    (
        (DESTINATION, "offices", |t| rename(t, "created_at", "made_at")),
        &["-  created_at: crt_ts", "+  made_at: crt_ts"],
    ),
    (
        (SOURCE, "jaw_types", |t| rename(t, "tooth_nm", "label")),
        &["-  - source_field: tooth_nm", "+  - source_field: label"],
    ),
    (
        (SOURCE, "dispatch_doctors", |t| drop_column(t, "disc_pct")),
        &["give `discount` another source, or a `default_value` alone"],
    ),
    (
        (SOURCE, "dispatch_doctors", |t| drop_column(t, "email_addr")),
        &["take the mapping of `email` out, and what names it"],
    ),
    (
        (SOURCE, "dispatch_offices", |t| drop_column(t, "open_dt")),
        &["-  opened_on: { source_field: open_dt, format: \"%d/%m/%Y\" }"],
    ),
    (
        (SOURCE, "jaw_types", |t| rename(t, "tooth_no", "no")),
        &["undo the rename: loaded rows are told apart by `tooth_no`; or start over, with `no` as the key"],
    ),
    (
        (SOURCE, "dispatch_doctors", |t| rename(t, "doc_no", "no")),
        &[
            "undo the rename: loaded rows are told apart by `doc_no`; or start over, with `no` as the key",
            "write `row.no` in the place of `row.doc_no` in the script of `full_name`",
        ],
    ),
    (
        (DESTINATION, "doctors", |t| rename(t, "discount", "rebate")),
        &[
            "-  discount: { source_field: disc_pct, data_type: \"decimal(5,2)\", default_value: 0 }",
            "-  - { field_name: discount, rule_type: range, rule_parameters: { min: 0, max: 100 } }",
            "+  rebate: { source_field: disc_pct, data_type: \"decimal(5,2)\", default_value: 0 }",
            "+  - { field_name: rebate, rule_type: range, rule_parameters: { min: 0, max: 100 } }",
        ],
    ),
    (
        (SOURCE, "jaw_types", |t| drop_column(t, "tooth_nm")),
        &["give `name` another source, or a `default_value` alone"],
    ),
    (
        (SOURCE, "dispatch_doctors", |t| drop_column(t, "first_nm")),
        &["take `first_nm` out of the `source_field` of `full_name`"],
    ),
    ((DESTINATION, "doctors", |t| t.columns.push(column("photo", "blob not null"))), &["+  photo: photo"]),
    (
        (DESTINATION, "positions", |t| t.columns.push(column("tooth_nm", "text not null"))),
        &["+  - { source_field: tooth_nm, destination_field: tooth_nm }"],
    ),
    (
        (DESTINATION, "doctors", |t| t.columns.push(column("fax", "text not null"))),
        &["map `fax`, or give it a `default_value`"],
    ),
    ((SOURCE, "dispatch_doctors", |t| t.columns.push(column("fax", "text"))), &[]),
    ((SOURCE, "dispatch_doctors", |t| t.columns.push(column("entry_no", "integer"))), &[]),
    ((SOURCE, "jaw_types", |t| t.columns.push(column("status", "text"))), &[]),
    ((DESTINATION, "doctors", |t| t.columns.push(column("photo", "blob"))), &["+  photo: photo"]),
];

#[test]
fn what_is_suggested_mends_the_spec_or_says_what_would() {
    for (edit, expected) in SUGGESTED {
        assert_eq!(suggested(*edit), *expected);
    }
}

/// An edit that would leave no spec is words.
#[test]
fn no_edit_breaks_what_it_is_made_in() {
    let (from, to) =
        (POSITIONS_BEFORE, "field_mappings: {\n  name: tooth_nm,\n  status: { default_value: active } }\n");
    let flow = changed(POSITIONS, from, to);
    let last =
        changed(POSITIONS, from, "field_mappings: {\n  status: { default_value: active },\n  name: tooth_nm }\n");
    let only = changed(POSITIONS, from, "field_mappings:\n  name: tooth_nm\n");
    fn gone(table: &mut Table) {
        drop_column(table, "tooth_nm");
    }
    fn is_null(table: &mut Table) {
        let at = position(table, "name");
        table.columns[at].nullable = true;
    }
    for files in [flow.clone(), last, only] {
        // Where the destination takes NULL, the mapping could go.
        let mut before = catalogs();
        let catalog = before.get_mut(&ConnectionName::parse(DESTINATION).unwrap()).unwrap();
        is_null(catalog.tables.get_mut(&TableName::parse("positions").unwrap()).unwrap());
        let root = locked(&files, &before);
        let catalog = before.get_mut(&ConnectionName::parse(SOURCE).unwrap()).unwrap();
        gone(catalog.tables.get_mut(&TableName::parse("jaw_types").unwrap()).unwrap());
        let compiled = compile(&load(root.path()).unwrap(), &WORDS, &before);
        let words = vec!["take the mapping of `name` out, and what names it".to_owned()];
        assert_eq!(edited(&files, &compiled), (files, words));
    }
    let more = (DESTINATION, "positions", (|t| t.columns.push(column("tooth_nm", "text not null"))) as Edit);
    assert_eq!(suggested_in(&flow, more), ["map it: `tooth_nm: tooth_nm`"]);
}

const POSITIONS_BEFORE: &str = "field_mappings:
  - source_field: tooth_nm
    destination_field: name
    transformation: [trimmed]
  - { destination_field: status, default_value: active }
";

/// Each edit alone leaves a mapping, and both together none.
#[test]
fn edits_that_are_made_together_leave_a_spec() {
    let files =
        changed("specs/offices.yaml", "name: { source_field: office_nm, transformation: trimmed }", "name: open_dt");
    let cut = |text: &str| {
        let lines = text
            .lines()
            .filter(|line| !["parent_id", "is_active", "created_at"].iter().any(|part| line.contains(part)));
        let text = lines.map(|line| format!("{line}\n")).collect::<String>();
        text.replace("validation_rules:\n  - { field_name: name, rule_type: required }\n", "")
    };
    let files: BTreeMap<String, String> = files
        .into_iter()
        .map(|(path, text)| if path.contains("offices") { (path, cut(&text)) } else { (path, text) })
        .collect();
    let mut now = catalogs();
    let catalog = now.get_mut(&ConnectionName::parse(DESTINATION).unwrap()).unwrap();
    let offices = catalog.tables.get_mut(&TableName::parse("offices").unwrap()).unwrap();
    offices.columns.iter_mut().for_each(|column| column.nullable |= column.name.as_str() != "id");
    let root = locked(&files, &now);
    let catalog = now.get_mut(&ConnectionName::parse(SOURCE).unwrap()).unwrap();
    drop_column(catalog.tables.get_mut(&TableName::parse("dispatch_offices").unwrap()).unwrap(), "open_dt");

    let (edited, words) = edited(&files, &compile(&load(root.path()).unwrap(), &WORDS, &now));

    assert_eq!(words, ["take the mapping of `opened_on` out, and what names it"]);
    assert!(!edited["specs/offices.yaml"].contains("name: open_dt"), "{edited:?}");
    assert!(edited["specs/offices.yaml"].contains("opened_on:"), "{edited:?}");
}
