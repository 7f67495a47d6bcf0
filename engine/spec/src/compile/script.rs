//! A spec's own functions: checked before anything runs, their problems shown in the lines of the spec.

use std::collections::{BTreeMap, BTreeSet};

use transload_model::{Code, ColumnName, ScriptProblem};

use crate::compile::Scope;
use crate::decode::{FunctionSpec, Spec};
use crate::problems::{Place, Problems, problem};
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

    /// The index in the plan of a function of the spec.
    pub(crate) fn index(&self, name: &str) -> Option<usize> {
        self.called.iter().position(|called| called == name)
    }
}

/// Checks every function of a spec, called or not.
pub(crate) fn check_all(scope: &Scope<'_>, spec: &Spec, problems: &mut Problems) -> Scripts {
    let named: BTreeSet<&str> =
        spec.fields.iter().flat_map(|field| &field.calls).map(|call| call.name.value.as_str()).collect();
    let view = scope.source_table(spec);
    let known: Vec<&str> =
        view.iter().flat_map(|view| &view.table.columns).map(|column| column.name.as_str()).collect();
    let mut scripts = Scripts::default();
    for function in &spec.functions {
        if named.contains(function.name.value.as_str()) {
            scripts.called.push(function.name.value.clone());
        }
        match scope.vocabulary.check_script(&function.body.value, &known) {
            Ok(check) => {
                let columns = check.columns.iter().filter_map(|name| ColumnName::parse(name).ok()).collect();
                scripts.columns.insert(function.name.value.clone(), columns);
            }
            Err(found) => {
                // Without the table no column is known, and that is reported once.
                for found in found.iter().filter(|found| view.is_some() || found.code != Code::ScriptUnknownColumn) {
                    report(function, found, problems);
                }
            }
        }
    }
    scripts
}

fn report(function: &FunctionSpec, found: &ScriptProblem, problems: &mut Problems) {
    let whole = &function.body.place;
    let embedded = Embedded {
        file: &whole.file.text,
        start: whole.span.start,
        end: whole.span.end,
        style: function.style,
        script: &function.body.value,
    };
    let span = found.line.and_then(|line| script_span(embedded, line, found.column.unwrap_or(1)));
    let place = Place { file: whole.file.clone(), span: span.unwrap_or(whole.span.clone()) };
    let problem = problem(found.code, found.headline.clone(), &place, found.label.clone());
    let problem = problem.note(format!("in function `{}`", function.name.value));
    problems.push(match &found.help {
        Some(help) => problem.help(help.clone()),
        None => problem,
    });
}
