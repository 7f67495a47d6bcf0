//! Two values for one destination column.

use transload_model::Code;

use crate::compile::Scope;
use crate::decode::{Spec, Strategy};
use crate::problems::{Problems, problem};

pub(crate) fn check(scope: &Scope<'_>, problems: &mut Problems) {
    for spec in scope.specs {
        check_twice(spec, problems);
        check_key_column(scope, spec, problems);
    }
}

fn check_twice(spec: &Spec, problems: &mut Problems) {
    let mut filled = std::collections::BTreeMap::new();
    for field in &spec.fields {
        let place = &field.destination.place;
        if let Some(first) = filled.insert(&field.destination.value, place) {
            let headline = format!("destination column `{}` is filled twice", field.destination.value);
            let problem = problem(Code::FieldConflict, headline, place, "the second mapping");
            problems.push(problem.label(&first.file, first.span.clone(), "the first mapping"));
        }
    }
}

/// A key that is made fills its column; a mapping of the column would be a second value.
fn check_key_column(scope: &Scope<'_>, spec: &Spec, problems: &mut Problems) {
    let Some(strategy) = spec.key.strategy.as_ref().filter(|strategy| strategy.value != Strategy::Keep) else {
        return;
    };
    let key = scope.destination_key(spec).unwrap_or_default();
    // What is made fills one column; that there are more is a problem of its own.
    if let [column] = key.as_slice()
        && let Some(field) = spec.fields.iter().find(|field| field.destination.value == **column)
    {
        let headline =
            format!("key column `{column}` is filled by strategy `{}` and by a mapping", strategy.value.word());
        let problem = problem(Code::FieldConflict, headline, &field.destination.place, "this mapping");
        let named = spec.key.destination.as_ref().and_then(|key| key.first());
        let key = named.map_or(&strategy.place, |column| &column.place);
        let problem = problem.label(&key.file, key.span.clone(), "the key");
        problems.push(spec.named_in(problem.help("take the mapping out, or write `strategy: keep`")));
    }
}
