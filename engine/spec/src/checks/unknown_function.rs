//! Transformations that nobody defines.

use std::collections::BTreeSet;

use transload_model::Code;

use crate::compile::Scope;
use crate::decode::{CallSpec, Spec};
use crate::problems::{Problems, problem};

pub(crate) fn check(scope: &Scope<'_>, problems: &mut Problems) {
    let known: BTreeSet<String> = scope.vocabulary.function_names().into_iter().collect();
    for spec in scope.specs.iter().filter(|spec| spec.has_all_functions) {
        for call in spec.fields.iter().flat_map(|field| &field.calls) {
            check_call(&known, spec, call, problems);
        }
    }
}

fn check_call(known: &BTreeSet<String>, spec: &Spec, call: &CallSpec, problems: &mut Problems) {
    let name = &call.name.value;
    if known.contains(name) || spec.functions.iter().any(|function| function.name.value == *name) {
        return;
    }
    let headline = format!("transformation `{name}` does not exist");
    let problem = problem(Code::UnknownFunction, headline, &call.name.place, "no function has this name");
    let own = spec.functions.iter().map(|function| function.name.value.as_str());
    problems.push_unknown(problem, name, own.chain(known.iter().map(String::as_str)));
}
