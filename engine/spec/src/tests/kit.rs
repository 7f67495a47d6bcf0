//! A project of three entities that compiles, and the tools to change it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use tempfile::TempDir;
use transload_model::{
    Catalog, Column, ColumnName, ConnectionName, Diagnostic, Keeps, Kind, LogicalType, SideEffects, Table, TableName,
};

use super::vocabulary::FewWords;
use crate::{Catalogs, Compiled, Project, compile};

pub(crate) const PROJECT: &str = r#"project: clinic
version: 1
source: legacy
destination: platform
connections:
  legacy: { type: sqlite, url: "sqlite:data/legacy.db", read_only: true }
  platform: { url: "sqlite:data/platform.db" }
vars: { namespace: 0b6ff3a2-5d43-4f0e-9a3c-6d8f0f3f2c11, prefix: "+1" }
defaults:
  key: { strategy: uuid_v5, namespace: "${vars.namespace}" }
  deletes: { mode: hard, max: 10% }
"#;

pub(crate) const OFFICES: &str = r#"entity_type: offices
source_table: dispatch_offices
destination_table: offices
version: "1.0"
field_mappings:
  name: { source_field: office_nm, transformation: trimmed }
  parent_id: { source_field: parent_no, references: offices }
  opened_on: { source_field: open_dt, format: "%d/%m/%Y" }
  is_active: { source_field: actv_fl, value_map: { "Y": true, "N": false } }
  created_at: crt_ts
validation_rules:
  - { field_name: name, rule_type: required }
"#;

pub(crate) const DOCTORS: &str = r#"entity_type: doctors
source_table: dispatch_doctors
destination_table: doctors
version: "1.1"
field_mappings:
  office_id: { source_field: office_no, references: offices }
  full_name: { source_field: [first_nm, last_nm], transformation: join_names }
  email: { source_field: email_addr, transformation: [trimmed, lower] }
  discount: { source_field: disc_pct, data_type: "decimal(5,2)", default_value: 0 }
  joined_on: join_dt
  joined_text: { source_field: join_dt, format: "%Y-%m-%d", data_type: date }
validation_rules:
  - { field_name: discount, rule_type: range, rule_parameters: { min: 0, max: 100 } }
  - field_name: email
    rule_type: format
    rule_parameters: { pattern: "@" }
    on_failure: warn
transformation_functions:
  - name: join_names
    function_body: |
      let family = row.last_nm;
      `${value[0]} ${family} ${row.doc_no}`
"#;

pub(crate) const POSITIONS: &str = r#"entity_type: positions
source_table: jaw_types
destination_table: positions
version: "1.0"
depends_on: [doctors]
key: { source: tooth_no, destination: id, strategy: keep }
field_mappings:
  - source_field: tooth_nm
    destination_field: name
    transformation: [trimmed]
  - { destination_field: status, default_value: active }
deletes: { mode: ignore }
load: { batch_size: 500, checkpoint_interval: 10, max_errors: 2%, max_retry_attempts: 0 }
"#;

/// The good project's files by path.
pub(crate) fn good() -> BTreeMap<String, String> {
    [
        ("transload.yaml", PROJECT),
        ("specs/offices.yaml", OFFICES),
        ("specs/doctors.yaml", DOCTORS),
        ("specs/positions.yaml", POSITIONS),
    ]
    .map(|(path, text)| (path.to_owned(), text.to_owned()))
    .into()
}

/// The good project with one text of one file replaced.
pub(crate) fn changed(path: &str, from: &str, to: &str) -> BTreeMap<String, String> {
    let mut files = good();
    let text = files.get_mut(path).unwrap();
    assert!(text.contains(from), "{path} holds no {from:?}");
    *text = text.replacen(from, to, 1);
    files
}

/// Files in a directory of their own.
pub(crate) fn written(files: &BTreeMap<String, String>) -> TempDir {
    let directory = TempDir::new().unwrap();
    for (path, text) in files {
        write(directory.path(), path, text.as_bytes());
    }
    directory
}

pub(crate) fn write(root: &Path, path: &str, bytes: &[u8]) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

pub(crate) fn load(root: &Path) -> Result<Project, Vec<Diagnostic>> {
    Project::load(root, None, &|_| None)
}

/// Everything that is wrong with some files, whether the project or a spec.
pub(crate) fn problems(files: &BTreeMap<String, String>) -> Vec<Diagnostic> {
    problems_in(written(files).path())
}

pub(crate) fn problems_in(root: &Path) -> Vec<Diagnostic> {
    match load(root) {
        Ok(project) => compile_good(&project).diagnostics,
        Err(diagnostics) => diagnostics,
    }
}

pub(crate) fn compile_good(project: &Project) -> Compiled {
    compile(project, &FewWords { library: 7 }, &catalogs())
}

/// Compiles files that load.
pub(crate) fn compiled(files: &BTreeMap<String, String>) -> Compiled {
    compile_good(&load(written(files).path()).unwrap())
}

/// `TL0105 specs/offices.yaml:3:1`, for each problem.
pub(crate) fn places(diagnostics: &[Diagnostic]) -> Vec<String> {
    let place = |found: &Diagnostic| format!("{} {}", found.code, found.place().unwrap_or_default());
    diagnostics.iter().map(place).collect()
}

/// A problem as people read it, without the user's text.
pub(crate) fn prose(found: &Diagnostic) -> String {
    let mut text = format!("{} {}\n", found.code, found.headline);
    for label in &found.labels {
        let (line, column) = label.file.position(label.span.start);
        let shown = label.file.text.get(label.span.clone()).unwrap_or("?").replace('\n', "⏎");
        text += &format!("  {}:{line}:{column} [{shown}] {}\n", label.file.path, label.text);
    }
    for note in &found.notes {
        text += &format!("  note: {note}\n");
    }
    if let Some(help) = &found.help {
        text += &format!("  help: {help}\n");
    }
    text
}

/// A column; the declared type decides the rest.
fn column(name: &str, declared: &str) -> Column {
    let (logical, stores) = match declared.split(' ').next().unwrap() {
        "integer" => (LogicalType::Integer, vec![Kind::Integer]),
        "real" => (LogicalType::Float, vec![Kind::Float]),
        "date" => (LogicalType::Date, vec![Kind::Date]),
        "timestamp" => (LogicalType::Timestamp, vec![Kind::Timestamp]),
        "timestamptz" => (LogicalType::Timestamptz, vec![Kind::Timestamptz]),
        "boolean" => (LogicalType::Boolean, vec![Kind::Boolean]),
        "blob" => (LogicalType::Bytes, vec![Kind::Bytes]),
        "decimal" => (LogicalType::Decimal { precision: 8, scale: 2 }, vec![Kind::Decimal]),
        _ => (LogicalType::Text, vec![Kind::Text, Kind::Uuid, Kind::Decimal, Kind::Date]),
    };
    let length = declared.split_once('(').and_then(|(_, rest)| rest.split_once(')'));
    Column {
        name: ColumnName::parse(name).unwrap(),
        declared: declared.to_owned(),
        max_length: length.and_then(|(length, _)| length.parse().ok()),
        logical,
        stores,
        nullable: !declared.contains("not null"),
        has_default: declared.contains("default"),
        generated: declared.contains("generated"),
        insert_only: declared.contains("identity"),
    }
}

pub(crate) fn table(name: &str, key: &[&str], columns: &[(&str, &str)]) -> Table {
    Table {
        name: TableName::parse(name).unwrap(),
        columns: columns.iter().map(|(name, declared)| column(name, declared)).collect(),
        primary_key: key.iter().map(|name| ColumnName::parse(name).unwrap()).collect(),
        unique_keys: Vec::new(),
        foreign_keys: Vec::new(),
        side_effects: SideEffects::default(),
    }
}

fn catalog(tables: Vec<Table>) -> Catalog {
    let mut catalog = Catalog::default();
    tables.into_iter().for_each(|table| add(&mut catalog, table));
    catalog
}

pub(crate) fn add(catalog: &mut Catalog, table: Table) {
    catalog.tables.insert(table.name.clone(), table);
}

fn legacy() -> Catalog {
    catalog(vec![
        table(
            "dispatch_offices",
            &["office_no"],
            &[
                ("office_no", "integer not null"),
                ("office_nm", "text not null"),
                ("parent_no", "integer"),
                ("open_dt", "text"),
                ("actv_fl", "text not null"),
                ("crt_ts", "timestamp not null"),
            ],
        ),
        table(
            "dispatch_doctors",
            &["doc_no"],
            &[
                ("doc_no", "integer not null"),
                ("office_no", "integer not null"),
                ("first_nm", "text"),
                ("last_nm", "text"),
                ("email_addr", "text"),
                ("disc_pct", "decimal"),
                ("join_dt", "date"),
                ("photo", "blob"),
                ("visits", "integer"),
                ("seen_at", "timestamptz"),
            ],
        ),
        table("jaw_types", &["tooth_no"], &[("tooth_no", "integer not null"), ("tooth_nm", "text not null")]),
        Table {
            side_effects: SideEffects { row_security: true, triggers: names(&["audit"]), ..SideEffects::default() },
            ..table("own_jaw", &["tooth_no"], &[("tooth_no", "integer not null"), ("tooth_nm", "text not null")])
        },
        Table {
            side_effects: SideEffects { rules: names(&["log"]), triggers: names(&["audit"]), ..SideEffects::default() },
            ..table("old_jaw", &["tooth_no"], &[("tooth_no", "integer not null"), ("tooth_nm", "text not null")])
        },
        table(
            "old_offices",
            &[],
            &[
                ("office_no", "integer not null"),
                ("office_nm", "text not null"),
                ("parent_no", "integer"),
                ("open_dt", "text"),
                ("actv_fl", "text not null"),
                ("crt_ts", "timestamp not null"),
            ],
        ),
        table("log", &[], &[("at", "real"), ("line", "text")]),
        table(
            "sys_messages",
            &["sys", "no"],
            &[("sys", "text not null"), ("no", "integer not null"), ("body", "text")],
        ),
    ])
}

fn platform() -> Catalog {
    catalog(vec![
        table(
            "offices",
            &["id"],
            &[
                ("id", "text not null"),
                ("name", "text not null"),
                ("parent_id", "text"),
                ("opened_on", "date"),
                ("is_active", "boolean not null"),
                ("created_at", "timestamp not null"),
                ("search", "text generated"),
            ],
        ),
        table(
            "doctors",
            &["id"],
            &[
                ("id", "text not null"),
                ("office_id", "text not null"),
                ("full_name", "text not null"),
                ("email", "text"),
                ("discount", "text not null"),
                ("joined_on", "date"),
                ("joined_text", "text"),
                ("visits", "integer"),
                ("seen_at", "timestamptz"),
                ("entry_no", "integer identity"),
            ],
        ),
        table(
            "positions",
            &["id"],
            &[("id", "integer not null"), ("name", "text not null"), ("status", "text not null default")],
        ),
        table("messages", &["sys", "no"], &[("sys", "text not null"), ("no", "integer not null"), ("body", "text")]),
        table("notes", &[], &[("body", "text")]),
        table(
            "numbered",
            &["id"],
            &[("id", "integer not null identity"), ("name", "text not null"), ("status", "text")],
        ),
        positions_with("ruled", SideEffects { rules: names(&["keep_old", "log"]), ..SideEffects::default() }),
        positions_with("guarded", SideEffects { row_security: true, ..SideEffects::default() }),
        positions_with("seen", SideEffects { keeps: Keeps::Nothing, ..SideEffects::default() }),
        positions_with("unlogged", SideEffects { keeps: Keeps::UntilCrash, ..SideEffects::default() }),
        positions_with("audited", SideEffects { triggers: names(&["audit", "touch"]), ..SideEffects::default() }),
    ])
}

/// A table like `positions`, on whose rows something else acts.
fn positions_with(name: &str, side_effects: SideEffects) -> Table {
    let columns = [("id", "integer not null"), ("name", "text not null"), ("status", "text not null default")];
    Table { side_effects, ..table(name, &["id"], &columns) }
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

pub(crate) fn catalogs() -> Catalogs {
    let name = |text: &str| ConnectionName::parse(text).unwrap();
    [(name("legacy"), legacy()), (name("platform"), platform())].into()
}
