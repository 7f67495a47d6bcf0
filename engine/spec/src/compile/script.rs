//! A spec's own functions: checked before anything runs, their problems shown in the lines of the spec.

use std::collections::{BTreeMap, BTreeSet};

use transload_model::{Code, ColumnName, Diagnostic, Kind, ScriptProblem, Side};

use crate::compile::Scope;
use crate::decode::{Field, FunctionSpec, Spec};
use crate::problems::{Place, Problems, problem, with_suggestion};
use crate::project::PROJECT_FILE;
use crate::yaml::{Embedded, script_span};

/// What the functions of a spec read from `row`, and which of them are called.
#[derive(Debug, Default)]
pub(crate) struct Scripts {
    columns: BTreeMap<String, Vec<ColumnName>>,
    /// Functions that a mapping names, in the order they are defined. The others decide nothing.
    pub(crate) called: Vec<String>,
}

impl Scripts {
    /// The columns that a function reads from `row`; none for one that is not the spec's own.
    pub(crate) fn columns(&self, name: &str) -> &[ColumnName] {
        self.columns.get(name).map_or(&[], Vec::as_slice)
    }

    /// Whether nothing is wrong with a function, as far as it is the spec's own.
    pub(crate) fn is_sound(&self, name: &str) -> bool {
        self.columns.contains_key(name) || !self.called.iter().any(|called| called == name)
    }

    /// The index in the plan of a function of the spec.
    pub(crate) fn index(&self, name: &str) -> Option<usize> {
        self.called.iter().position(|called| called == name)
    }
}

/// Checks every function of a spec, called or not. One that others share may read columns that this source does not have, if it is not called.
pub(crate) fn check_all(scope: &Scope<'_>, spec: &Spec, problems: &mut Problems) -> Scripts {
    let named: BTreeSet<&str> =
        spec.fields.iter().flat_map(|field| &field.calls).map(|call| call.name.value.as_str()).collect();
    let view = scope.source_table(spec);
    let known: Vec<&str> =
        view.iter().flat_map(|view| &view.table.columns).map(|column| column.name.as_str()).collect();
    let mut scripts = Scripts::default();
    for function in &spec.functions {
        let is_called = named.contains(function.name.value.as_str());
        if is_called {
            scripts.called.push(function.name.value.clone());
        }
        let knows_columns = view.is_some() && (is_called || function.name.place.file == spec.file);
        match scope.vocabulary.check_script(&function.body.value, &known) {
            Ok(check) => {
                warn_of_floats(scope, spec, function, &check.floats, problems);
                check_vars(scope, function, &check.vars, problems);
                let columns = check.columns.iter().filter_map(|name| ColumnName::parse(name).ok()).collect();
                scripts.columns.insert(function.name.value.clone(), columns);
            }
            Err(found) => {
                // Without the table no column is known, and that is reported once.
                for found in found.iter().filter(|found| knows_columns || found.code != Code::ScriptUnknownColumn) {
                    let asked = found.asks.as_ref().and_then(|name| ColumnName::parse(name).ok());
                    let problem = told(function, found);
                    problems.push(match &asked {
                        Some(column) => problem.about(Side::Source, [column]),
                        None => problem,
                    });
                }
            }
        }
    }
    scripts
}

/// Checks the script of a rule, which sees the fields of a row. The fields that it reads; `None` where a problem says why not.
pub(crate) fn check_rule(
    scope: &Scope<'_>,
    function: &FunctionSpec,
    fields: &[&str],
    problems: &mut Problems,
) -> Option<Vec<ColumnName>> {
    match scope.vocabulary.check_script(&function.body.value, fields) {
        Ok(check) => {
            check_vars(scope, function, &check.vars, problems);
            Some(check.columns.iter().filter_map(|name| ColumnName::parse(name).ok()).collect())
        }
        Err(found) => {
            found.iter().for_each(|found| problems.push(told(function, found)));
            None
        }
    }
}

/// Variables that the project does not have. A row would find them missing one after the other.
fn check_vars(scope: &Scope<'_>, function: &FunctionSpec, used: &[(String, usize, usize)], problems: &mut Problems) {
    let known = scope.project.vars();
    // Who asks first whether it is there may name what only some environments have.
    let asks = |name: &str| function.body.value.contains(&format!("\"{name}\" in vars"));
    for (name, line, column) in used.iter().filter(|(name, ..)| !known.contains_key(name) && !asks(name)) {
        let place = place(function, Some(*line), Some(*column));
        let headline = format!("the project has no variable `{name}`");
        let label = format!("not among the `vars` of {PROJECT_FILE}");
        let found = problem(Code::ScriptUnknownName, headline, &place, label);
        let found = found.note(format!("in function `{}`", function.name.value));
        problems.push(with_suggestion(found, name, known.keys().map(String::as_str)));
    }
}

/// Floats have no exact tenths, so a decimal that a script computes with them is another one than it shows.
fn warn_of_floats(
    scope: &Scope<'_>,
    spec: &Spec,
    function: &FunctionSpec,
    floats: &[(usize, usize)],
    problems: &mut Problems,
) {
    let calls = |field: &&Field| field.calls.iter().any(|call| call.name.value == function.name.value);
    let Some(field) = spec.fields.iter().filter(calls).find(|field| is_decimal(scope, spec, field)) else {
        return;
    };
    if let Some((line, column)) = floats.first() {
        let place = place(function, Some(*line), Some(*column));
        let headline = format!("field `{}` is a decimal, and its script computes with floats", field.destination.value);
        let warning = Diagnostic::warning(Code::ScriptFloat, headline).label(&place.file, place.span, "a float");
        problems.push(warning.note("0.1 + 0.2 is not 0.3 in floats").help("write `parse_decimal(\"0.1\")`"));
    }
}

fn is_decimal(scope: &Scope<'_>, spec: &Spec, field: &Field) -> bool {
    let declared = field.data_type.as_ref().map(|data_type| data_type.value);
    let of_column = || Some(scope.destination_table(spec)?.column(&field.destination.value)?.logical);
    declared.or_else(of_column).is_some_and(|logical| logical.kind() == Kind::Decimal)
}

fn told(function: &FunctionSpec, found: &ScriptProblem) -> Diagnostic {
    let place = place(function, found.line, found.column);
    let problem = problem(found.code, found.headline.clone(), &place, found.label.clone());
    let problem = problem.note(format!("in function `{}`", function.name.value));
    match &found.help {
        Some(help) => problem.help(help.clone()),
        None => problem,
    }
}

/// The place of a line and column of a function; the whole of it where they are not found in the file.
fn place(function: &FunctionSpec, line: Option<usize>, column: Option<usize>) -> Place {
    let whole = &function.body.place;
    let embedded = Embedded {
        file: &whole.file.text,
        start: whole.span.start,
        end: whole.span.end,
        style: function.style,
        script: &function.body.value,
    };
    let span = line.and_then(|line| script_span(embedded, line, column.unwrap_or(1)));
    Place { file: whole.file.clone(), span: span.unwrap_or(whole.span.clone()) }
}
