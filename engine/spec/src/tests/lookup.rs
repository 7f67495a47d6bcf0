//! The rule `foreign_key`: what it takes from the catalog where the spec does not say it, and what the lock holds for it.

use std::collections::BTreeMap;

use transload_model::{ColumnName, ConnectionName, EntityPlan, ForeignKey, OnDelete, TableName};

use super::kit::{add, catalogs, changed, load, places, prose, table, write, written};
use super::vocabulary::FewWords;
use crate::{Catalogs, Compiled, compile, compile_offline, expand, lock};

const WORDS: FewWords = FewWords { library: 7 };
const DOCTORS: &str = "specs/doctors.yaml";

/// The good project with a rule on the doctors' address.
fn with_rule(parameters: &str) -> BTreeMap<String, String> {
    let rule = format!("  - {{ field_name: email, rule_type: foreign_key{parameters} }}\ntransformation_functions:");
    changed(DOCTORS, "transformation_functions:", &rule)
}

fn names(names: &[&str]) -> Vec<ColumnName> {
    names.iter().map(|name| ColumnName::parse(name).unwrap()).collect()
}

fn key(columns: &[&str], table: &str, refers_to: &[&str]) -> ForeignKey {
    let (columns, table) = (names(columns), TableName::parse(table).unwrap());
    ForeignKey { columns, table, refers_to: names(refers_to), on_delete: OnDelete::Refused }
}

/// Catalogs with a table of addresses, and foreign keys of the table of doctors.
fn with_keys(keys: Vec<ForeignKey>) -> Catalogs {
    let mut catalogs = catalogs();
    let platform = catalogs.get_mut(&ConnectionName::parse("platform").unwrap()).unwrap();
    let columns = [("no", "integer not null"), ("text", "text not null"), ("other", "text")];
    add(platform, table("addresses", &["text"], &columns));
    platform.tables.get_mut(&TableName::parse("doctors").unwrap()).unwrap().foreign_keys = keys;
    catalogs
}

fn compiled(files: &BTreeMap<String, String>, catalogs: &Catalogs) -> Compiled {
    compile(&load(written(files).path()).unwrap(), &WORDS, catalogs)
}

fn doctors(compiled: &Compiled) -> &EntityPlan {
    let found: String = compiled.diagnostics.iter().map(prose).collect();
    let plan = compiled.plan.as_ref().unwrap_or_else(|| panic!("{found}"));
    plan.entities().iter().find(|entity| entity.name.as_str() == "doctors").unwrap()
}

/// `addresses.text text`, or where the problem is.
fn looks_in(parameters: &str, keys: Vec<ForeignKey>) -> String {
    let compiled = compiled(&with_rule(parameters), &with_keys(keys));
    if compiled.plan.is_none() {
        return places(&compiled.diagnostics).join(", ");
    }
    let (_, lookup) = doctors(&compiled).lookups().next().unwrap();
    format!("{}.{} {}", lookup.table, lookup.column.name, lookup.column.logical)
}

#[test]
fn what_the_spec_leaves_out_the_foreign_key_of_the_column_says() {
    let own = |refers_to: &[&str]| key(&["email"], "addresses", refers_to);
    let nowhere = "TL0307 specs/doctors.yaml:18:37";
    for (parameters, keys, expected) in [
        ("", vec![own(&["text"])], "addresses.text text"),
        ("", vec![own(&["other"])], "addresses.other text"),
        ("", vec![own(&[])], "addresses.text text"),
        (", rule_parameters: { nulls: reject }", vec![own(&[])], "addresses.text text"),
        ("", vec![own(&[]), own(&[])], "addresses.text text"),
        ("", vec![own(&["no"])], "TL0307 specs/doctors.yaml:18:37"),
        ("", Vec::new(), nowhere),
        ("", vec![key(&["full_name"], "addresses", &[])], nowhere),
        ("", vec![key(&["email", "full_name"], "addresses", &["text", "other"])], nowhere),
        ("", vec![own(&[]), key(&["email"], "notes", &["body"])], nowhere),
        ("", vec![key(&["email"], "offices", &["name"])], "TL0319 specs/doctors.yaml:18:37"),
        ("", vec![key(&["email"], "gone", &["name"])], "TL0204 specs/doctors.yaml:18:37"),
        ("", vec![own(&["gone"])], "TL0203 specs/doctors.yaml:18:37"),
        // What is written counts.
        (", rule_parameters: { table: notes, column: body }", vec![own(&[])], "notes.body text"),
        (", rule_parameters: { table: addresses }", Vec::new(), "addresses.text text"),
    ] {
        let shown = format!("{parameters} {keys:?}");
        assert_eq!(looks_in(parameters, keys), expected, "{shown}");
    }
}

#[test]
fn another_table_is_another_plan_and_the_long_form_the_same() {
    let fingerprint = |parameters: &str, keys: Vec<ForeignKey>| {
        doctors(&compiled(&with_rule(parameters), &with_keys(keys))).plan_fingerprint
    };
    let written_out = fingerprint(", rule_parameters: { table: addresses, column: text }", Vec::new());
    let left_out = fingerprint("", vec![key(&["email"], "addresses", &[])]);
    let other = fingerprint("", vec![key(&["email"], "addresses", &["other"])]);
    assert_eq!(left_out, written_out);
    assert_ne!(other, written_out);

    let catalogs = with_keys(vec![key(&["email"], "addresses", &[])]);
    let long = expand(&load(written(&with_rule("")).path()).unwrap(), &WORDS, Some(&catalogs)).unwrap();
    let doctors = long.into_iter().find(|(entity, _)| entity.as_str() == "doctors").unwrap().1;
    assert!(doctors.contains("rule_parameters: { column: text, table: addresses }"), "{doctors}");
}

#[test]
fn the_lock_holds_the_table_however_it_is_named() {
    // A primary key need not be named.
    for (parameters, keys, says) in [
        (", rule_parameters: { table: addresses, column: other }", Vec::new(), None),
        ("", vec![key(&["email"], "addresses", &["text"])], Some("- { columns: [email], table: addresses }")),
        (
            "",
            vec![key(&["email"], "addresses", &["other"])],
            Some("- { columns: [email], table: addresses, refers_to: [other] }"),
        ),
    ] {
        let catalogs = with_keys(keys);
        let root = written(&with_rule(parameters));
        let text = lock(&load(root.path()).unwrap(), &WORDS, &catalogs, "2026-11-20T09:14:00Z").unwrap();
        assert!(text.contains(says.unwrap_or("addresses:")), "{text}");
        write(root.path(), "transload.lock", text.as_bytes());

        let offline = compile_offline(&load(root.path()).unwrap(), &WORDS);

        let online = compile(&load(root.path()).unwrap(), &WORDS, &catalogs);
        assert_eq!(doctors(&offline).plan_fingerprint, doctors(&online).plan_fingerprint, "{parameters}");
        assert_eq!(offline.diagnostics.iter().map(prose).collect::<String>(), "");
    }
}

#[test]
fn a_table_that_came_after_the_lock_is_told_so() {
    let root = written(&super::kit::good());
    let text = lock(&load(root.path()).unwrap(), &WORDS, &with_keys(Vec::new()), "2026-11-20T09:14:00Z").unwrap();
    write(root.path(), "transload.lock", text.as_bytes());
    write(root.path(), DOCTORS, with_rule(", rule_parameters: { table: addresses }")[DOCTORS].as_bytes());

    let offline = compile_offline(&load(root.path()).unwrap(), &WORDS);

    assert_eq!(places(&offline.diagnostics), ["TL0204 specs/doctors.yaml:18:76"]);
    assert!(offline.diagnostics[0].headline.contains("is not in transload.lock"), "{:?}", offline.diagnostics);
}

/// A rule that names no column looks in the primary key: where that is another one, it looks elsewhere.
#[test]
fn a_table_that_is_not_as_the_lock_says_is_weighed_for_the_rule_that_looks_in_it() {
    let root = written(&with_rule(", rule_parameters: { table: addresses }"));
    let text = lock(&load(root.path()).unwrap(), &WORDS, &with_keys(Vec::new()), "2026-11-20T09:14:00Z").unwrap();
    write(root.path(), "transload.lock", text.as_bytes());
    let (text, other, number) = (("text", "text not null"), ("other", "text"), ("text", "integer not null"));
    for (key, columns, expected) in [
        ("text", &[text] as &[(&str, &str)], &[] as &[&str]),
        ("other", &[text, other], &["TL0316 specs/doctors.yaml:18:76"]),
        ("other", &[other], &["TL0431 specs/doctors.yaml:18:76"]),
        ("text", &[number], &["TL0431 specs/doctors.yaml:18:76"]),
    ] {
        let mut catalogs = with_keys(Vec::new());
        let platform = catalogs.get_mut(&ConnectionName::parse("platform").unwrap()).unwrap();
        add(platform, table("addresses", &[key], columns));

        let found = compile(&load(root.path()).unwrap(), &WORDS, &catalogs);

        let mut places = places(&found.diagnostics);
        places.retain(|place| place.starts_with("TL0431") || expected.contains(&place.as_str()));
        assert_eq!(places, expected, "{key} {columns:?}: {:#?}", found.diagnostics);
    }
}

#[test]
fn a_field_that_refers_to_the_entity_is_told_to_drop_the_rule() {
    let rule = "field_name: office_id, rule_type: foreign_key, rule_parameters: { table: offices }";
    let files = changed(DOCTORS, "transformation_functions:", &format!("  - {{ {rule} }}\ntransformation_functions:"));
    let found = compiled(&files, &catalogs());
    assert_eq!(places(&found.diagnostics), ["TL0319 specs/doctors.yaml:18:80"]);
    let help = found.diagnostics[0].help.as_deref();
    assert_eq!(help, Some("take the rule out: `references` of field `office_id` looks there"));
}

#[test]
fn what_no_active_entity_loads_may_be_looked_in() {
    let mut files = with_rule(", rule_parameters: { table: positions, column: name }");
    assert_eq!(places(&compiled(&files, &catalogs()).diagnostics), ["TL0319 specs/doctors.yaml:18:76"]);

    let positions = files.get_mut("specs/positions.yaml").unwrap();
    *positions = positions.replace("depends_on", "is_active: false\ndepends_on");

    assert_eq!(doctors(&compiled(&files, &catalogs())).lookups().count(), 1);
}
