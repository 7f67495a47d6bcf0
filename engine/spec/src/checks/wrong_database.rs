//! An end that is another database than the one that the specs were written for, or an empty one.
//!
//! It is told once. A problem for each spec would name every table, and none would name the cause.

use std::collections::BTreeSet;

use transload_model::{Catalog, Code, ConnectionName, Diagnostic, Side, TableName};

use crate::compile::Scope;
use crate::problems::{Problems, listed};

/// Below so many tables, names may just be mistyped.
const TABLES_MIN: usize = 3;

/// Of so many tables, one may be there by chance.
const ONE_FOUND_OF: usize = 10;

/// Names that are told.
const TOLD: usize = 5;

pub(crate) fn check(scope: &Scope<'_>, problems: &mut Problems) {
    for side in [Side::Source, Side::Destination] {
        let Some(end) = End::of(scope, side) else { continue };
        if let Some(missing) = end.missing() {
            problems.push(end.told(scope, &missing));
        }
    }
}

/// Whether that was told of an end, so that what follows from it need not be.
pub(crate) fn is_told(scope: &Scope<'_>, side: Side) -> bool {
    End::of(scope, side).is_some_and(|end| end.missing().is_some())
}

/// One end of the project.
struct End<'a> {
    side: Side,
    name: &'a ConnectionName,
    catalog: &'a Catalog,
    /// The tables that specs name; that of a query is only its name.
    named: BTreeSet<&'a TableName>,
}

impl<'a> End<'a> {
    /// `None` where no database was asked.
    fn of(scope: &Scope<'a>, side: Side) -> Option<Self> {
        let (catalog, name) = match side {
            Side::Source => (scope.source, scope.project.source()),
            Side::Destination => (scope.destination, scope.project.destination()),
        };
        let named = match side {
            Side::Source => {
                scope.specs.iter().filter(|spec| !spec.is_query()).map(|spec| &spec.source_table.value).collect()
            }
            Side::Destination => scope.specs.iter().map(|spec| &spec.destination_table.value).collect(),
        };
        Some(Self { side, name, catalog: catalog.filter(|_| !scope.is_offline)?, named })
    }

    /// The tables that are not there, where they are nearly all.
    fn missing(&self) -> Option<Vec<&'a TableName>> {
        let is_missing = |name: &&TableName| self.catalog.table(name).is_none();
        let missing: Vec<&TableName> = self.named.iter().copied().filter(is_missing).collect();
        if self.catalog.tables.is_empty() {
            return (!missing.is_empty()).then_some(missing);
        }
        let found = self.named.len() - missing.len();
        if self.named.len() < TABLES_MIN || found * ONE_FOUND_OF > self.named.len() {
            return None;
        }
        // Names of this database in another case are better corrected one by one.
        let held: BTreeSet<String> = self.catalog.tables.keys().map(|name| name.as_str().to_lowercase()).collect();
        let is_near = |name: &&TableName| held.contains(&name.as_str().to_lowercase());
        (!missing.iter().any(is_near)).then_some(missing)
    }

    fn told(&self, scope: &Scope<'_>, missing: &[&TableName]) -> Diagnostic {
        let name = self.name;
        let held: Vec<&str> = self.catalog.tables.keys().map(TableName::as_str).collect();
        let holds = match held.len() {
            0 => "no table".to_owned(),
            1 => format!("one table: {}", few(&held)),
            count => format!("{count} tables: {}", few(&held)),
        };
        let missing: Vec<&str> = missing.iter().map(|name| name.as_str()).collect();
        Diagnostic::new(Code::UnknownTable, self.headline(missing.len()))
            .note(format!("`{name}` is {}, which holds {holds}", scope.project.whereabouts(name)))
            .note(format!("looked for {}", few(&missing)))
            .help(self.help())
    }

    fn headline(&self, missing: usize) -> String {
        let (name, named) = (self.name, self.named.len());
        let (end, does) = match self.side {
            Side::Source => ("source", "read"),
            Side::Destination => ("destination", "write"),
        };
        let of = format!("of the {named} {end} tables that the specs {does}");
        let none = match named {
            1 => format!("not the one {end} table that the specs {does}"),
            _ => format!("none {of}"),
        };
        match (self.missing_schema(), named - missing) {
            (Some(schema), _) => format!("`{name}` has no schema `{schema}`, and so {none}"),
            (None, _) if self.is_to_be_filled() => format!("`{name}` is empty: it has {none}"),
            (None, 0) => format!("`{name}` seems to be the wrong database: it has {none}"),
            (None, found) => format!("`{name}` seems to be the wrong database: it has only {found} {of}"),
        }
    }

    fn help(&self) -> String {
        let name = self.name;
        let correct = format!(
            "correct `{name}` under `connections` in transload.yaml, or choose another environment with `--env`"
        );
        match self.missing_schema() {
            Some(_) => {
                let made = if self.is_to_be_filled() { "; `create_with: schema.sql` does" } else { "" };
                format!(
                    "correct `schema` of `{name}` under `connections` in transload.yaml, or create it and its tables{made}"
                )
            }
            None if self.is_to_be_filled() => {
                format!("create its tables, or name a script that does: `create_with: schema.sql`; or {correct}")
            }
            None => correct,
        }
    }

    /// The schema that is not there, where there is none.
    fn missing_schema(&self) -> Option<&str> {
        self.catalog.missing_schema.as_deref().filter(|_| self.catalog.tables.is_empty())
    }

    /// A destination without any table may be the right one.
    fn is_to_be_filled(&self) -> bool {
        self.side == Side::Destination && self.catalog.tables.is_empty()
    }
}

fn few(names: &[&str]) -> String {
    let told = listed(names.iter().copied().take(TOLD));
    if names.len() > TOLD { format!("{told} and {} more", names.len() - TOLD) } else { told }
}
