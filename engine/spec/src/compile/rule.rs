//! Rules against the types of their fields.

use std::collections::BTreeMap;

use serde_json::Value;
use transload_model::{Code, ColumnName, Diagnostic, FieldPlan, LogicalType, LookupPlan, RulePlan, Script};

use crate::compile::script::check_rule;
use crate::compile::{Scope, lookup};
use crate::decode::{FunctionSpec, RuleSpec, Spec, Strategy};
use crate::problems::{Place, Problems, listed, problem, with_suggestion};

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
            problems.push(unmade(headline, &rule.rule.place));
            continue;
        }
        if !check(scope, rule, field.written_as, problems) {
            continue;
        }
        let script = match &rule.script {
            Some(function) => match script(scope, spec, function, fields, problems) {
                Some(script) => Some(script),
                None => continue,
            },
            None => None,
        };
        let lookup = match &rule.lookup {
            Some(_) => match lookup::resolve(scope, (spec, rule), field, problems) {
                Some(lookup) => Some(lookup),
                None => continue,
            },
            None => None,
        };
        rules.push(RulePlan {
            field: index,
            rule: rule.rule.value.clone(),
            parameters: written_out(rule, lookup.as_ref()),
            script,
            lookup,
            on_failure: rule.on_failure,
        });
    }
    rules
}

/// The parameters, with what a lookup finds in the catalog where the spec does not say it.
fn written_out(rule: &RuleSpec, lookup: Option<&LookupPlan>) -> BTreeMap<String, Value> {
    let mut parameters = rule.parameters.clone();
    if let Some(lookup) = lookup {
        parameters.insert("table".to_owned(), lookup.table.as_str().into());
        parameters.insert("column".to_owned(), lookup.column.name.as_str().into());
    }
    parameters
}

/// The script of a rule, which reads fields from `row`; `None` where a problem says why not.
fn script(
    scope: &Scope<'_>,
    spec: &Spec,
    function: &FunctionSpec,
    fields: &[FieldPlan],
    problems: &mut Problems,
) -> Option<Script> {
    let names: Vec<&str> = fields.iter().map(|field| field.destination.as_str()).collect();
    let read = check_rule(scope, function, &names, problems)?;
    let mut row = Vec::new();
    for name in &read {
        let at = fields.iter().position(|field| field.destination == *name)?;
        if is_unmade_key(spec, &fields[at]) {
            let headline = format!("a rule that reads `{name}`, a reference to the own entity, is not built yet");
            problems.push(unmade(headline, &function.body.place));
            return None;
        }
        row.push(at);
    }
    Some(Script { name: function.name.value.clone(), body: function.body.value.clone(), row })
}

fn unmade(headline: String, place: &Place) -> Diagnostic {
    let problem = problem(Code::NotBuilt, headline, place, "this rule");
    let note = "the keys that it would judge are made while the rows are loaded";
    problem.note(note).help("take the rule out, or write `strategy: uuid_v5` under `key`")
}

/// Whether the value that a rule looks at is a key that does not exist yet when it looks.
fn judges_unmade_key(spec: &Spec, rule: &RuleSpec, field: &FieldPlan) -> bool {
    is_unmade_key(spec, field) && rule.rule.value != "required"
}

fn is_unmade_key(spec: &Spec, field: &FieldPlan) -> bool {
    let strategy = spec.key.strategy.as_ref().map(|strategy| strategy.value);
    let is_own = field.reference.as_ref().is_some_and(|reference| reference.entity == spec.entity.value);
    is_own && matches!(strategy, Some(Strategy::UuidV7 | Strategy::Database))
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
            let label = format!("of rule `{}` on a field of type {written_as}", rule.rule.value);
            problems.push(problem(Code::RuleParameter, headline, &rule.parameters_place, label).note(note));
            false
        }
    }
}
