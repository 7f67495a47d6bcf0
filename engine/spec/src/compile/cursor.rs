//! `change_detection: { cursor_field: … }`: the column of the source that says when a row was written last.

use transload_model::{Code, CursorPlan, DetectionPlan, LogicalType, ReadColumn, Side};

use crate::compile::Scope;
use crate::decode::{DetectionSpec, Spec};
use crate::problems::{Problems, problem, with_suggestion};

/// How the spec's changes are found; `None` where a problem says why they cannot be.
pub(crate) fn detection(scope: &Scope<'_>, spec: &Spec, problems: &mut Problems) -> Option<DetectionPlan> {
    let (cursor, overlap_seconds, audit_runs) = match &spec.detection {
        DetectionSpec::Hash => return Some(DetectionPlan::Hash),
        DetectionSpec::Full => return Some(DetectionPlan::Full),
        DetectionSpec::Timestamp { cursor, overlap_seconds, audit_runs } => (cursor, *overlap_seconds, *audit_runs),
    };
    let view = scope.source_table(spec)?;
    let Some(column) = view.column(&cursor.value) else {
        let headline = format!("source column `{}` does not exist", cursor.value);
        let label = format!("not among the {} columns of {}", view.table.columns.len(), view.table.name);
        let found = problem(Code::UnknownColumn, headline, &cursor.place, label).about(Side::Source, [&cursor.value]);
        let names = view.table.columns.iter().map(|column| column.name.as_str());
        problems.push(with_suggestion(found, cursor.value.as_str(), names));
        return None;
    };
    if !matches!(column.logical, LogicalType::Date | LogicalType::Timestamp | LogicalType::Timestamptz) {
        let headline = format!("column `{}` cannot say when a row was written: it is no moment", column.name);
        let label = format!("declared `{}`", column.declared);
        let found = problem(Code::UnfitColumn, headline, &cursor.place, label);
        problems.push(found.help("name a timestamp or a date, or leave `cursor_field` out: `hash` needs none"));
        return None;
    }
    let column = ReadColumn { name: column.name.clone(), logical: column.logical };
    Some(DetectionPlan::Timestamp(CursorPlan { column, overlap_seconds, audit_runs }))
}
