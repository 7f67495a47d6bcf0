//! Rules on fields that the spec does not fill.

use std::collections::BTreeSet;

use transload_model::{Code, ColumnName, Diagnostic};

use crate::compile::Scope;
use crate::decode::{Spec, Strategy};
use crate::problems::{Problems, listed, problem, suggestion, with_suggestion};

pub(crate) fn check(scope: &Scope<'_>, problems: &mut Problems) {
    for spec in scope.specs.iter().filter(|spec| spec.has_all_fields) {
        let Some(filled) = filled(scope, spec) else {
            continue;
        };
        // A mapping of a column that does not exist is most often the field that the rule means.
        if scope.destination_table(spec).is_some_and(|view| filled.iter().any(|column| view.column(column).is_none())) {
            continue;
        }
        for rule in &spec.rules {
            // That a star does not find it any more is told as what changed.
            if filled.contains(&rule.field.value) || scope.is_missed_by_star(spec, &rule.field.value) {
                continue;
            }
            let name = rule.field.value.as_str();
            let headline = format!("a rule names field `{name}`, which the spec does not fill");
            let problem = problem(Code::UnknownField, headline, &rule.field.place, "this field");
            let names = filled.iter().map(|column| column.as_str());
            let problem = match rule.field.place.is_default() {
                // What all specs share is not corrected by what one of them has.
                true => suggestion(name, names.clone())
                    .into_iter()
                    .fold(problem, Diagnostic::note)
                    .help("put the rule into a template, and let only specs with this field `use` it"),
                false => with_suggestion(problem, name, names.clone()),
            };
            let problem = problem.note(format!("rules name destination fields: {}", listed(names)));
            problems.push(spec.named_in(problem));
        }
    }
}

/// The fields of a spec: its mappings, and the key columns that are kept without one. `None` where the key cannot be known.
fn filled<'s>(scope: &'s Scope<'_>, spec: &'s Spec) -> Option<BTreeSet<&'s ColumnName>> {
    let mapped = spec.fields.iter().map(|field| &field.destination.value);
    let is_kept = spec.key.strategy.as_ref().is_none_or(|strategy| strategy.value == Strategy::Keep);
    let key = scope.destination_key(spec)?;
    let kept = if is_kept { key } else { Vec::new() };
    Some(mapped.chain(kept).collect())
}
