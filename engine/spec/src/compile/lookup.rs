//! The rule `foreign_key`: in which column it looks, and whether what is there can be compared.
//!
//! What a rule leaves out, the foreign key of its field's column says. Names that are not there are told where all names are checked.

use transload_model::{
    Catalog, Code, Column, ColumnName, Diagnostic, FieldPlan, ForeignKey, LogicalType, LookupPlan, ReadColumn,
    TableName,
};

use crate::compile::Scope;
use crate::decode::{LookupSpec, RuleSpec, Spec};
use crate::problems::{Located, Place, Problems, problem};

/// The column in which a rule looks, by names that may not be there.
pub(crate) struct Target<'a> {
    pub(crate) rule: &'a RuleSpec,
    pub(crate) table: Located<TableName>,
    /// Without one, the table has no primary key of one column.
    pub(crate) column: Option<Located<ColumnName>>,
}

/// Where the rules of a spec look. One that looks nowhere is left out.
pub(crate) fn targets<'a>(destination: Option<&'a Catalog>, spec: &'a Spec) -> impl Iterator<Item = Target<'a>> {
    spec.rules.iter().filter_map(move |rule| target(destination?, spec, rule))
}

fn target<'a>(destination: &Catalog, spec: &Spec, rule: &'a RuleSpec) -> Option<Target<'a>> {
    let LookupSpec { table, column } = rule.lookup.as_ref()?;
    let (table, column) = match table {
        Some(table) => (table.clone(), column.clone()),
        None => referred(destination, spec, rule)?,
    };
    let column = column.or_else(|| {
        let [only] = destination.table(&table.value)?.primary_key.as_slice() else { return None };
        Some(Located { value: only.clone(), place: table.place.clone() })
    });
    Some(Target { rule, table, column })
}

/// What the one foreign key of the field's column alone refers to.
fn referred(
    destination: &Catalog,
    spec: &Spec,
    rule: &RuleSpec,
) -> Option<(Located<TableName>, Option<Located<ColumnName>>)> {
    let keys = &destination.table(&spec.destination_table.value)?.foreign_keys;
    let is_own = |key: &&ForeignKey| key.columns.as_slice() == std::slice::from_ref(&rule.field.value);
    let mut own = keys.iter().filter(is_own);
    let key = own.next()?;
    if own.any(|other| other != key) {
        return None;
    }
    let place = &rule.rule.place;
    let column = key.refers_to.first().map(|column| Located { value: column.clone(), place: place.clone() });
    Some((Located { value: key.table.clone(), place: place.clone() }, column))
}

/// The column in which a rule looks for the values of a field; `None` where a problem says why not.
pub(crate) fn resolve(
    scope: &Scope<'_>,
    (spec, rule): (&Spec, &RuleSpec),
    field: &FieldPlan,
    problems: &mut Problems,
) -> Option<LookupPlan> {
    let destination = scope.destination?;
    let Some(Target { table, column, .. }) = target(destination, spec, rule) else {
        problems.push(nowhere(field, &rule.parameters_place));
        return None;
    };
    let held = destination.table(&table.value)?;
    let Some(name) = column else {
        let headline = format!("rule `foreign_key` does not say in which column of `{}` it looks", table.value);
        let problem = problem(Code::RuleParameter, headline, &table.place, "it has no primary key of one column");
        problems.push(problem.help("write `column` beside `table`"));
        return None;
    };
    let column = held.column(&name.value)?;
    if !is_comparable(column, field.written_as) {
        let headline = format!(
            "field `{}` is {}, and column `{}` of `{}` is {}",
            field.destination, field.written_as, column.name, table.value, column.logical
        );
        let problem = problem(Code::RuleParameter, headline, &name.place, "rule `foreign_key` compares them");
        let problem = problem.note(format!("the column is declared `{}`", column.declared));
        problems.push(problem.help("look in a column of the field's type, or give the field the column's"));
        return None;
    }
    let column = ReadColumn { name: column.name.clone(), logical: field.written_as };
    Some(LookupPlan { table: table.value, column })
}

fn nowhere(field: &FieldPlan, place: &Place) -> Diagnostic {
    let headline = format!("rule `foreign_key` on `{}` does not say where it looks", field.destination);
    let label = format!("nor does one foreign key of `{}` alone, within the schema", field.destination);
    let problem = problem(Code::RuleParameter, headline, place, label);
    problem.help("write `rule_parameters: { table: TABLE, column: COLUMN }`")
}

/// Whether what is read from the column can be the same as what is written.
fn is_comparable(column: &Column, written_as: LogicalType) -> bool {
    column.logical == written_as || (written_as == LogicalType::Uuid && column.takes_uuid())
}
