//! Columns that are narrower than what goes into them.

use super::kit::{add, catalogs, load, prose, table, written};
use super::vocabulary::FewWords;
use crate::compile;

const PROJECT: &str = "project: narrow\nversion: 1\nsource: legacy\ndestination: platform\n\
    connections: { legacy: { url: \"sqlite:a.db\" }, platform: { url: \"sqlite:b.db\" } }\n";

/// What is said of a spec that moves `wide` to `narrow` with these mappings.
fn said(mappings: &str) -> String {
    let mut catalogs = catalogs();
    let names: Vec<_> = catalogs.keys().cloned().collect();
    let columns = |width: u32| {
        [
            ("id".to_owned(), "integer not null".to_owned()),
            ("name".to_owned(), format!("varchar({width})")),
            ("note".to_owned(), "text".to_owned()),
            ("code".to_owned(), "varchar(10)".to_owned()),
        ]
    };
    for (name, (connection, width)) in [("wide", (&names[0], 40)), ("narrow", (&names[1], 20))] {
        let columns = columns(width);
        let columns: Vec<(&str, &str)> = columns.iter().map(|(name, declared)| (&**name, &**declared)).collect();
        add(catalogs.get_mut(connection).unwrap(), table(name, &["id"], &columns));
    }
    let spec = format!(
        "entity_type: narrow\nsource_table: wide\ndestination_table: narrow\nversion: \"1\"\nfield_mappings:\n{mappings}"
    );
    let files = [("transload.yaml", PROJECT), ("specs/narrow.yaml", &spec)];
    let files = files.map(|(path, text)| (path.to_owned(), text.to_owned())).into();
    let compiled = compile(&load(written(&files).path()).unwrap(), &FewWords { library: 7 }, &catalogs);
    compiled.diagnostics.iter().map(prose).collect()
}

#[test]
fn what_may_not_fit_is_a_warning() {
    insta::assert_snapshot!(said("  name: name\n"), @r"
    TL0317 destination column `name` keeps 20 characters, up to 40 come in
      specs/narrow.yaml:6:9 [name] declared `varchar(40)`, and `varchar(20)` at the destination
      note: rows that do not fit are set aside
      help: widen the destination column, or add `transformation: [{ cut: { length: 20 } }]`
    ");
    insta::assert_snapshot!(said("  name: { sensitive: true }\n"), @r"
    TL0317 destination column `name` keeps 20 characters, up to 40 come in
      specs/narrow.yaml:6:3 [name] declared `varchar(40)`, and `varchar(20)` at the destination
      note: rows that do not fit are set aside
      help: widen the destination column, or add `transformation: [{ cut: { length: 20 } }]`
    ");
}

#[test]
fn what_fits_or_is_made_to_fit_is_none() {
    assert_eq!(said("  code: code\n  note: name\n"), "");
    // How long a text of no declared length is, nobody knows.
    assert_eq!(said("  name: note\n"), "");
    assert_eq!(said("  name: { source_field: name, transformation: trimmed }\n"), "");
}

#[test]
fn a_default_that_does_not_fit_is_an_error() {
    insta::assert_snapshot!(said("  code: { default_value: \"12345678901\" }\n"), @r#"
    TL0108 `default_value` of field `code` has 11 characters
      specs/narrow.yaml:6:26 ["12345678901"] column `code` keeps 10
    "#);
    assert_eq!(said("  code: { default_value: \"1234567890\" }\n"), "");
    let mapped = |value: &str| said(&format!("  code: {{ source_field: code, value_map: {{ a: \"{value}\" }} }}\n"));
    assert!(
        mapped("12345678901").starts_with("TL0108 a value of field `code` has 11 characters"),
        "{}",
        mapped("12345678901")
    );
    assert_eq!(mapped("1234567890"), "");
}
