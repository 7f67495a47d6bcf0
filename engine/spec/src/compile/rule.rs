//! Rules against the types of their fields.

use std::collections::BTreeMap;

use transload_model::{Code, ColumnName, FieldPlan, LogicalType, RulePlan};

use crate::compile::Scope;
use crate::decode::{RuleSpec, Spec, Strategy};
use crate::problems::{Problems, listed, problem, with_suggestion};

/// The rules of a spec whose field and parameters fit.
pub(crate) fn compile_rules(
    scope: &Scope<'_>,
    spec: &Spec,
    fields: &[FieldPlan],
    problems: &mut Problems,
) -> Vec<RulePlan> {
    let by_name: BTreeMap<&ColumnName, usize> =
        fields.iter().enumerate().map(|(index, field)| (&field.destination, index)).collect();
    let mut rules = Vec::new();
    for rule in &spec.rules {
        check_name(scope, rule, problems);
        // A field that is not there, or could not be compiled, has been reported.
        let Some((index, field)) = by_name.get(&rule.field.value).and_then(|index| Some((*index, fields.get(*index)?)))
        else {
            continue;
        };
        if judges_unmade_key(spec, rule, field) {
            let headline = format!("rule `{}` on a reference to the own entity is not built yet", rule.rule.value);
            let problem = problem(Code::NotBuilt, headline, &rule.rule.place, "this rule");
            let note = "the keys that it would judge are made while the rows are loaded";
            problems.push(problem.note(note).help("take the rule out, or write `strategy: uuid_v5` under `key`"));
            continue;
        }
        if check(scope, rule, field.written_as, problems) {
            rules.push(RulePlan {
                field: index,
                rule: rule.rule.value.clone(),
                parameters: rule.parameters.clone(),
                on_failure: rule.on_failure,
            });
        }
    }
    rules
}

/// Whether the value that a rule looks at is a key that does not exist yet when it looks.
fn judges_unmade_key(spec: &Spec, rule: &RuleSpec, field: &FieldPlan) -> bool {
    let strategy = spec.key.strategy.as_ref().map(|strategy| strategy.value);
    let is_own = field.reference.as_ref().is_some_and(|reference| reference.entity == spec.entity.value);
    is_own && matches!(strategy, Some(Strategy::UuidV7 | Strategy::Database)) && rule.rule.value != "required"
}

fn check_name(scope: &Scope<'_>, rule: &RuleSpec, problems: &mut Problems) {
    let names = scope.vocabulary.rule_names();
    if names.contains(&rule.rule.value) {
        return;
    }
    let headline = format!("rule `{}` does not exist", rule.rule.value);
    let problem = problem(Code::SpecValue, headline, &rule.rule.place, "no rule has this name");
    let problem = problem.note(format!("the rules are {}", listed(names.iter().map(String::as_str))));
    problems.push(with_suggestion(problem, &rule.rule.value, names.iter().map(String::as_str)));
}

/// What a rule judges is the value that is written: of a reference the new key.
fn check(scope: &Scope<'_>, rule: &RuleSpec, written_as: LogicalType, problems: &mut Problems) -> bool {
    match scope.vocabulary.rule(&rule.rule.value, written_as, &rule.parameters) {
        Ok(()) => true,
        Err(None) => false,
        Err(Some((headline, note))) => {
            let label = format!("of rule `{}` on a {written_as} field", rule.rule.value);
            problems.push(problem(Code::RuleParameter, headline, &rule.parameters_place, label).note(note));
            false
        }
    }
}
