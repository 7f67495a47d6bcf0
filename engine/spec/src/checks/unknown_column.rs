//! Columns that the tables do not have: of mappings, of keys and of rules.

use transload_model::{Code, ColumnName, ConnectionName, Diagnostic};

use crate::compile::{Scope, TableView, targets};
use crate::decode::Spec;
use crate::problems::{Located, Problems, problem};
use crate::project::PROJECT_FILE;

pub(crate) fn check(scope: &Scope<'_>, problems: &mut Problems) {
    for spec in scope.specs {
        if let Some(view) = scope.source_table(spec) {
            let end = End { side: "source", connection: scope.project.source(), view, spec };
            let key = spec.key.source.iter().flatten();
            for column in key.chain(spec.fields.iter().flat_map(|field| &field.sources)) {
                end.check(column, problems);
            }
        }
        if let Some(view) = scope.destination_table(spec) {
            let end = End { side: "destination", connection: scope.project.destination(), view, spec };
            let key = spec.key.destination.iter().flatten();
            for column in key.chain(spec.fields.iter().map(|field| &field.destination)) {
                end.check(column, problems);
            }
        }
        for target in targets(scope.destination, spec) {
            let table = scope.destination.and_then(|catalog| catalog.table(&target.table.value));
            let (Some(table), Some(column)) = (table, &target.column) else { continue };
            let (connection, view) = (scope.project.destination(), &TableView::of(table));
            End { side: "destination", connection, view, spec }.check(column, problems);
        }
    }
}

/// One end of a spec.
struct End<'s, 'a> {
    side: &'static str,
    connection: &'s ConnectionName,
    view: &'s TableView<'a>,
    spec: &'s Spec,
}

impl End<'_, '_> {
    fn check(&self, column: &Located<ColumnName>, problems: &mut Problems) {
        if self.view.column(&column.value).is_some() {
            return;
        }
        let table = self.view.table;
        let headline = format!("{} column `{}` does not exist", self.side, column.value);
        let label = format!("not among the {} columns of {}.{}", table.columns.len(), self.connection, table.name);
        let found = if column.place.file == self.spec.file {
            problem(Code::UnknownColumn, headline, &column.place, label)
        } else {
            // A default or a template serves many specs: each of them is a place of its own.
            from_elsewhere(headline, label, self.spec, column)
        };
        let names = table.columns.iter().map(|other| other.name.as_str());
        problems.push_unknown(found, column.value.as_str(), names);
    }
}

fn from_elsewhere(headline: String, label: String, spec: &Spec, column: &Located<ColumnName>) -> Diagnostic {
    let is_default = column.place.file.path == PROJECT_FILE;
    let taken =
        if is_default { "this entity takes its key from the defaults" } else { "this entity uses the template" };
    problem(Code::UnknownColumn, headline, &spec.entity.place, taken).label(
        &column.place.file,
        column.place.span.clone(),
        label,
    )
}
