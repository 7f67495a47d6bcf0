//! `deletes: { mode: soft }`: the column that says when the source lost a row.
//!
//! It is a field of its own that is NULL, so that a row which comes back loses the moment as it gets its other values.

use transload_model::{Code, Column, DeletePolicy, FieldPlan, LogicalType, Side};

use crate::compile::Scope;
use crate::compile::field::line;
use crate::decode::Spec;
use crate::problems::{Problems, problem, with_suggestion};

/// The field; `None` where there is none to be, or a problem says why not.
pub(crate) fn field(scope: &Scope<'_>, spec: &Spec, problems: &mut Problems) -> Option<FieldPlan> {
    if !matches!(spec.deletes, DeletePolicy::Soft(_)) {
        return None;
    }
    let Some(named) = &spec.deleted_field else {
        let headline = format!("rows of `{}` are deleted softly, and no `field` says when", spec.entity.value);
        let problem = problem(Code::SpecRequired, headline, &spec.entity.place, "of this entity");
        problems
            .push(problem.help("write `deletes: { mode: soft, field: deleted_at }` with a column of the destination"));
        return None;
    };
    let view = scope.destination_table(spec)?;
    let Some(column) = view.column(&named.value) else {
        let headline = format!("destination column `{}` does not exist", named.value);
        let label = format!("not among the {} columns of {}", view.table.columns.len(), view.table.name);
        let found =
            problem(Code::UnknownColumn, headline, &named.place, label).about(Side::Destination, [&named.value]);
        let names = view.table.columns.iter().map(|column| column.name.as_str());
        problems.push(with_suggestion(found, named.value.as_str(), names));
        return None;
    };
    if let Some(field) = spec.fields.iter().find(|field| field.destination.value == column.name) {
        let headline = format!("column `{}` says when a row was deleted, and a mapping fills it", column.name);
        let problem = problem(Code::FieldConflict, headline, &field.destination.place, "this mapping");
        problems.push(problem.label(&named.place.file, named.place.span.clone(), "the column for deletes"));
        return None;
    }
    if let Some(why) = unfit(scope, spec, column) {
        let headline = format!("column `{}` cannot say when a row was deleted: {why}", column.name);
        let label = format!("declared `{}`", column.declared);
        let problem = problem(Code::UnfitColumn, headline, &named.place, label);
        problems.push(problem.help("it is a timestamp or a date that may be NULL"));
        return None;
    }
    Some(FieldPlan {
        destination: column.name.clone(),
        sources: Vec::new(),
        calls: Vec::new(),
        default: None,
        format: None,
        data_type: column.logical,
        reference: None,
        written_as: column.logical,
        required: false,
        sensitive: false,
        place: line(spec, &named.place),
    })
}

fn unfit(scope: &Scope<'_>, spec: &Spec, column: &Column) -> Option<&'static str> {
    let is_moment = matches!(column.logical, LogicalType::Date | LogicalType::Timestamp | LogicalType::Timestamptz);
    let is_key = scope.destination_key(spec).is_some_and(|key| key.contains(&&column.name));
    match column {
        _ if is_key => Some("it is part of the key"),
        _ if !is_moment => Some("it is no moment"),
        _ if column.generated || column.insert_only => Some("the database fills it"),
        _ if !column.nullable => Some("it is NOT NULL"),
        _ => None,
    }
}
