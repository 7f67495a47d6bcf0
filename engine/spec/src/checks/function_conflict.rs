//! A function of a spec that has the name of one that all specs can call.
//!
//! Which of the two a mapping means could only be told by knowing a rule; so neither is taken.

use std::collections::BTreeSet;

use transload_model::Code;

use crate::compile::Scope;
use crate::problems::{Problems, problem};

pub(crate) fn check(scope: &Scope<'_>, problems: &mut Problems) {
    let known: BTreeSet<String> = scope.vocabulary.function_names().into_iter().collect();
    for function in scope.specs.iter().flat_map(|spec| &spec.functions) {
        if known.contains(&function.name.value) {
            let headline = format!("function `{}` has the name of one that every spec can call", function.name.value);
            let problem = problem(Code::FieldConflict, headline, &function.name.place, "this name");
            problems.push(problem.help("give it another name"));
        }
    }
}
