//! A spec of any bytes, beside sound ones and templates, compiled against two small databases.
//!
//! Whatever the bytes are, the compiler ends with a plan or with problems, and each problem has a place that is in its file.

use std::collections::BTreeMap;
use std::path::Path;

use transload_model::{
    Catalog, Column, ColumnName, ConnectionName, ForeignKey, Kind, LogicalType, OnDelete, Severity, SideEffects, Table,
    TableName,
};
use transload_spec::{Catalogs, Project, compile};
use transload_transform::Functions;

/// What every spec is compiled in.
pub struct Target {
    project: Project,
    functions: Functions,
    catalogs: Catalogs,
}

impl Target {
    /// The project in `fuzz/project`.
    pub fn new(project: &Path) -> Self {
        let project = Project::load(project, None, &|_| None).expect("the project is sound");
        let functions = Functions::new(&[]).expect("the library is sound");
        Self { project, functions, catalogs: catalogs() }
    }

    /// Compiles a spec; panics where the compiler does not hold what it promises.
    pub fn check(&mut self, bytes: &[u8]) {
        self.project.put_spec("specs/doctors.yaml", bytes);
        let compiled = compile(&self.project, &self.functions, &self.catalogs);
        let errors = compiled.diagnostics.iter().filter(|problem| problem.severity == Severity::Error).count();
        assert_eq!(compiled.plan.is_some(), errors == 0, "{:?}", compiled.diagnostics);
        for problem in &compiled.diagnostics {
            assert!(!problem.headline.is_empty() && !problem.headline.ends_with('.'), "{problem:?}");
            for label in &problem.labels {
                assert!(label.file.text.get(label.span.clone()).is_some(), "{problem:?}");
            }
        }
    }
}

fn catalogs() -> Catalogs {
    let legacy = [
        table("old_rooms", &["ward", "no"], &[("ward", "text!"), ("no", "integer!")]),
        table("dispatch_offices", &["office_no"], &[("office_no", "integer!"), ("office_nm", "text")]),
        table(
            "dispatch_doctors",
            &["doc_no"],
            &[
                ("doc_no", "integer!"),
                ("office_no", "integer"),
                ("first_nm", "text"),
                ("last_nm", "text"),
                ("disc_pct", "decimal(8,2)"),
                ("join_dt", "date"),
                ("seen_at", "timestamptz"),
                ("rating", "float"),
                ("photo", "bytes"),
                ("is_in", "boolean"),
                ("other_id", "uuid"),
            ],
        ),
    ];
    let platform = [
        table("offices", &["id"], &[("id", "text!"), ("name", "text")]),
        table("rooms", &["ward", "no"], &[("ward", "text!"), ("no", "integer!")]),
        table("countries", &["code"], &[("code", "text!"), ("number", "integer")]),
        table(
            "doctors",
            &["id"],
            &[
                ("id", "text!"),
                ("office_id", "text"),
                ("full_name", "text!"),
                ("discount", "decimal(5,2)"),
                ("joined_on", "date"),
                ("joined_at", "timestamp"),
                ("seen_at", "timestamptz"),
                ("visits", "integer"),
                ("rating", "float"),
                ("photo", "bytes"),
                ("is_in", "boolean"),
                ("other_id", "uuid"),
                ("chief_id", "text"),
            ],
        ),
    ];
    BTreeMap::from([(connection("legacy"), catalog(legacy)), (connection("platform"), catalog(platform))])
}

fn connection(name: &str) -> ConnectionName {
    ConnectionName::parse(name).expect("a constant")
}

fn catalog<const N: usize>(tables: [Table; N]) -> Catalog {
    let mut catalog = Catalog::default();
    for table in tables {
        catalog.tables.insert(table.name.clone(), table);
    }
    catalog
}

fn table(name: &str, key: &[&str], columns: &[(&str, &str)]) -> Table {
    Table {
        name: TableName::parse(name).expect("a constant"),
        columns: columns.iter().map(|(name, declared)| column(name, declared)).collect(),
        primary_key: key.iter().map(|name| ColumnName::parse(name).expect("a constant")).collect(),
        unique_keys: Vec::new(),
        foreign_keys: columns.iter().filter_map(|(name, _)| foreign_key(name)).collect(),
        side_effects: SideEffects::default(),
    }
}

/// What columns of some names refer to.
fn foreign_key(column: &str) -> Option<ForeignKey> {
    let (table, refers_to) = match column {
        "office_id" => ("offices", Vec::new()),
        "visits" => ("countries", vec![ColumnName::parse("number").expect("a constant")]),
        "joined_text" => ("countries", Vec::new()),
        _ => return None,
    };
    let table = TableName::parse(table).expect("a constant");
    let columns = vec![ColumnName::parse(column).expect("a constant")];
    Some(ForeignKey { columns, table, refers_to, on_delete: OnDelete::Refused })
}

/// A column; `!` stands for NOT NULL. Text also stores what has a canonical text.
fn column(name: &str, declared: &str) -> Column {
    let logical: LogicalType = declared.trim_end_matches('!').parse().expect("a constant");
    let stores = match logical.kind() {
        Kind::Text => vec![Kind::Text, Kind::Uuid, Kind::Decimal, Kind::Date, Kind::Timestamp],
        kind => vec![kind],
    };
    Column {
        name: ColumnName::parse(name).expect("a constant"),
        declared: declared.to_owned(),
        max_length: None,
        logical,
        stores,
        nullable: !declared.ends_with('!'),
        has_default: false,
        generated: false,
        insert_only: false,
    }
}
