//! Columns that the tables do not have: of mappings, of keys and of rules.

use transload_model::{Code, ColumnName, ConnectionName, Diagnostic, Side};

use crate::compile::{Scope, TableView, targets};
use crate::decode::Spec;
use crate::problems::{Located, Problems, problem};

pub(crate) fn check(scope: &Scope<'_>, problems: &mut Problems) {
    for spec in scope.specs {
        if let Some(view) = scope.source_table(spec) {
            let end = End { side: Side::Source, connection: scope.project.source(), view, spec };
            let columns = spec.fields.iter().flat_map(|field| &field.sources);
            end.check(Part::Key, spec.key.source.iter().flatten(), problems);
            end.check(Part::Mapping, columns, problems);
        }
        if let Some(view) = scope.destination_table(spec) {
            let end = End { side: Side::Destination, connection: scope.project.destination(), view, spec };
            let columns = spec.fields.iter().map(|field| &field.destination);
            end.check(Part::Key, spec.key.destination.iter().flatten(), problems);
            end.check(Part::Mapping, columns, problems);
        }
        for target in targets(scope.destination, spec) {
            let table = scope.destination.and_then(|catalog| catalog.table(&target.table.value));
            let (Some(table), Some(column)) = (table, &target.column) else { continue };
            let (connection, view) = (scope.project.destination(), &TableView::of(table));
            End { side: Side::Destination, connection, view, spec }.check(
                Part::Rule,
                std::iter::once(column),
                problems,
            );
        }
    }
}

/// What names a column.
#[derive(Clone, Copy)]
enum Part {
    Key,
    Mapping,
    Rule,
}

/// One end of a spec.
struct End<'s, 'a> {
    side: Side,
    connection: &'s ConnectionName,
    view: &'s TableView<'a>,
    spec: &'s Spec,
}

impl<'s> End<'s, '_> {
    fn check(&self, part: Part, columns: impl Iterator<Item = &'s Located<ColumnName>>, problems: &mut Problems) {
        for column in columns.filter(|column| self.view.column(&column.value).is_none()) {
            let found = self.unknown(part, column).about(self.side, [&column.value]);
            let name = column.value.as_str();
            let names = self.view.table.columns.iter().map(|other| other.name.as_str());
            match (column.place.is_default(), part) {
                (true, Part::Mapping) => {
                    let note =
                        "every spec takes what `defaults` map, unless it maps the same destination column itself";
                    let help = "put the mapping into a template, and let only specs with this column `use` it";
                    let found = problems.meant(name, names).into_iter().fold(found, Diagnostic::note);
                    problems.push(found.note(note).help(help));
                }
                _ => problems.push_unknown(found, name, names),
            }
        }
    }

    fn unknown(&self, part: Part, column: &Located<ColumnName>) -> Diagnostic {
        let (side, table, entity) = (self.side, self.view.table, &self.spec.entity);
        let label = format!("not among the {} columns of {}.{}", table.columns.len(), self.connection, table.name);
        if column.place.file == self.spec.file {
            let headline = format!("{side} column `{}` does not exist", column.value);
            return problem(Code::UnknownColumn, headline, &column.place, label);
        }
        // A default or a template serves many specs: each of them is a place of its own.
        let headline = format!("{side} column `{}` of entity `{}` does not exist", column.value, entity.value);
        let taken = match (column.place.is_default(), part) {
            (true, Part::Key) => "this entity takes its key from the defaults",
            (true, Part::Mapping) => "this entity takes a mapping from the defaults",
            (true, Part::Rule) => "this entity takes a rule from the defaults",
            (false, _) => "this entity uses the template",
        };
        let found = problem(Code::UnknownColumn, headline, &entity.place, taken);
        found.label(&column.place.file, column.place.span.clone(), label)
    }
}
