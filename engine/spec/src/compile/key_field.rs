//! Key columns of the strategy `keep`: ordinary fields, but of the source key alone.
//!
//! A row that is gone from the source is found again by its key. Were its new key computed from anything else, it could not be.

use transload_model::{Code, Column, ColumnName, KeyStrategy};

use crate::compile::key::{ResolvedKey, own_place};
use crate::compile::script::Scripts;
use crate::decode::{Field, Spec};
use crate::problems::{Located, Place, Problems, problem};

/// The fields of key columns that no mapping fills: the source key column at the same position, as it is.
pub(crate) fn implied(spec: &Spec, key: &ResolvedKey<'_>, problems: &mut Problems) -> Vec<Field> {
    let mut implied = Vec::new();
    if key.strategy != KeyStrategy::Keep {
        return implied;
    }
    for (at, column) in key.destination.iter().enumerate() {
        if spec.fields.iter().any(|field| field.destination.value == column.name) {
            continue;
        }
        let place = key_place(spec, spec.key.destination.as_deref(), at, &spec.destination_table.place);
        match key.source.get(at) {
            Some(source) => {
                let source_place = key_place(spec, spec.key.source.as_deref(), at, &spec.source_table.place);
                implied.push(copied(column, source, place, source_place));
            }
            None if spec.has_all_fields => {
                let headline = format!("key column `{}` of `{}` gets no value", column.name, spec.entity.value);
                let problem =
                    problem(Code::KeyMissing, headline, place, "no source key column at its position, and no mapping");
                problems.push(problem.help(format!("map `{}` from columns of the source key", column.name)));
            }
            None => {}
        }
    }
    implied
}

/// The fields of [`implied`], where what they lack is no matter.
pub(crate) fn copied_keys(spec: &Spec, key: &ResolvedKey<'_>) -> Vec<Field> {
    implied(spec, key, &mut Problems::default())
}

fn key_place<'a>(spec: &Spec, named: Option<&'a [Located<ColumnName>]>, at: usize, fallback: &'a Place) -> &'a Place {
    own_place(spec, named.and_then(|key| key.get(at)).map(|column| &column.place), fallback)
}

fn copied(column: &Column, source: &Column, place: &Place, source_place: &Place) -> Field {
    Field::copied(
        Located { value: column.name.clone(), place: place.clone() },
        Located { value: source.name.clone(), place: source_place.clone() },
    )
}

/// Checks that the mapped key columns depend on the source key and on nothing else.
pub(crate) fn check(spec: &Spec, key: &ResolvedKey<'_>, scripts: &Scripts, problems: &mut Problems) {
    if key.strategy != KeyStrategy::Keep {
        return;
    }
    for field in spec.fields.iter().filter(|field| field.is_sound && is_key_field(key, field)) {
        let in_key = |name: &ColumnName| key.source.iter().any(|column| column.name == *name);
        for column in field.sources.iter().filter(|column| !in_key(&column.value)) {
            foreign(field, &column.value, &column.place, problems);
        }
        for call in &field.calls {
            let columns = scripts.columns(&call.name.value);
            if let Some(column) = columns.iter().find(|column| !in_key(column)) {
                foreign(field, column, &call.name.place, problems);
            }
        }
        if field.sources.is_empty() && field.calls.is_empty() && key.destination.len() == 1 {
            let headline = format!("key column `{}` is a constant, so all rows would be one", field.destination.value);
            problems.push(problem(Code::KeyMissing, headline, &field.destination.place, "this key column"));
        }
        if let Some(required) = field.required.as_ref().filter(|required| !required.value) {
            let headline = format!("key column `{}` cannot be NULL", field.destination.value);
            problems.push(
                problem(Code::SpecValue, headline, &required.place, "this promise").help("take `is_required` out"),
            );
        }
    }
}

/// Whether a field fills a column of the destination's key.
pub(crate) fn is_key_field(key: &ResolvedKey<'_>, field: &Field) -> bool {
    key.destination.iter().any(|column| column.name == field.destination.value)
}

fn foreign(field: &Field, column: &ColumnName, place: &Place, problems: &mut Problems) {
    let headline =
        format!("key column `{}` depends on `{column}`, which is not part of the source key", field.destination.value);
    let problem = problem(Code::KeyMissing, headline, place, format!("`{column}` is read here"));
    problems
        .push(problem.help(format!("add `{column}` to `key.source`, or compute the key from the source key alone")));
}
