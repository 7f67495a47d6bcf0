//! `test`: the tests of specs, tried without a database.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use transload_model::{
    Clock, ColumnName, EntityName, Exit, ExpectedFault, Plan, RowFault, SystemClock, TestPlan, TransformContext,
};
use transload_run::{Difference, Outcome, try_test};

use crate::cli::args::{Format, Test};
use crate::cli::failure::{Failure, unknown_entity};
use crate::cli::render::{Screen, pretty};
use crate::cli::summary::table;
use crate::cli::text::some;
use crate::cli::wiring::{self, Chosen};

/// A test and what became of it.
struct Tested {
    test: TestPlan,
    outcome: Outcome,
}

impl Tested {
    fn passed(&self) -> bool {
        self.outcome.differences.is_empty()
    }
}

pub(crate) async fn run(chosen: &Chosen, test: &Test, screen: &Screen) -> Result<Exit, Failure> {
    let clock = SystemClock::new();
    let started = clock.monotonic();
    let mut world = wiring::world_offline(chosen)?;
    let tests = std::mem::take(&mut world.compiled.tests);
    let (plan, warnings) = world.plan()?;
    for warning in &warnings {
        screen.problem(warning);
    }
    let wanted = wanted(&plan, test)?;
    let context = TransformContext {
        now: chrono::DateTime::UNIX_EPOCH,
        environment: world.project.environment().to_owned(),
        vars: plan.vars().clone(),
    };
    let mut tested = Vec::new();
    for test in tests.into_iter().filter(|test| wanted.contains(&&test.entity)) {
        let outcome = try_test(&plan, &test, &*world.functions, &context).await?;
        tested.push(Tested { test, outcome });
    }
    match screen.format {
        Format::Json => screen.answer(&pretty(&as_json(&tested))),
        _ => show(&tested, clock.monotonic() - started, screen),
    }
    Ok(if tested.iter().all(Tested::passed) { Exit::Done } else { Exit::Problems })
}

/// The entities whose tests are tried: those that were named, or all.
fn wanted<'a>(plan: &'a Plan, test: &Test) -> Result<Vec<&'a EntityName>, Failure> {
    let names: Vec<&EntityName> = plan.entities().iter().map(|entity| &entity.name).collect();
    if test.entities.is_empty() {
        return Ok(names);
    }
    let named = |text: &String| {
        names.iter().find(|name| name.as_str() == text).copied().ok_or_else(|| unknown_entity(text, &names))
    };
    test.entities.iter().map(named).collect()
}

fn show(tested: &[Tested], took: Duration, screen: &Screen) {
    if tested.is_empty() {
        screen.say("no tests; write some under `tests:` in a spec");
        return;
    }
    let signs = screen.signs();
    let mut by_entity: BTreeMap<&EntityName, (usize, usize)> = BTreeMap::new();
    for one in tested {
        let (passed, all) = by_entity.entry(&one.test.entity).or_default();
        *passed += usize::from(one.passed());
        *all += 1;
    }
    let width = by_entity.keys().map(|name| name.as_str().chars().count()).max().unwrap_or_default();
    for (entity, (passed, all)) in &by_entity {
        let sign = if passed == all { signs.done } else { signs.failed };
        screen.say(&format!("{sign} {:<width$}   {passed} of {all}", entity.as_str()));
    }
    for one in tested.iter().filter(|one| !one.passed()) {
        screen.answer(&failure(one));
    }
    let passed = tested.iter().filter(|one| one.passed()).count();
    let failed = match tested.len() - passed {
        0 => String::new(),
        failed => format!(", {failed} failed"),
    };
    let took = took.as_millis();
    let counted = format!("{} in {}", some(tested.len(), "test"), some(by_entity.len(), "spec"));
    screen.say(&format!("\n{counted}: {passed} passed{failed}   ({took} ms, no database used)"));
}

/// A test that failed: what differs, and nothing else.
fn failure(tested: &Tested) -> String {
    let Tested { test, outcome } = tested;
    let mut text = format!("\nFAIL {} · {}     {}\n", test.entity, test.name, test.place);
    let fields: Vec<Vec<String>> = outcome.differences.iter().filter_map(|found| field(test, found)).collect();
    if !fields.is_empty() {
        text += &format!("  {} of {} fields differ\n\n", fields.len(), outcome.compared);
        let shown = table(&["field", "expected", "actual", "through", ""], fields, 5);
        text += &shown.lines().map(|line| format!("    {line}\n")).collect::<String>();
    }
    for found in &outcome.differences {
        if let Some(line) = line(found) {
            text += &format!("  {line}\n");
        }
    }
    text
}

fn field(test: &TestPlan, found: &Difference) -> Option<Vec<String>> {
    let Difference::Field { row, field, expected, actual, through, place } = found else { return None };
    let name = if test.expect.rows.len() > 1 { format!("row {}: {field}", row + 1) } else { field.to_string() };
    let quoted = |text: &Option<String>| text.as_ref().map_or_else(|| "NULL".to_owned(), |text| format!("{text:?}"));
    Some(vec![name, quoted(expected), quoted(actual), through.join(", "), place.clone()])
}

fn line(found: &Difference) -> Option<String> {
    Some(match found {
        Difference::Field { .. } => return None,
        Difference::Value { is_given, row, column, reason } => {
            let kind = if *is_given { "given" } else { "expected" };
            format!("the value {kind} for `{column}` in row {} is none of its column: {reason}", row + 1)
        }
        Difference::MissingRow { expected } => format!("no row arrives for   {{ {} }}", values(expected)),
        Difference::ExtraRow { actual } => {
            let actual: Vec<(ColumnName, Value)> =
                actual.iter().map(|(name, text)| (name.clone(), text.as_str().into())).collect();
            format!("a row arrives that is not expected   {{ {} }}", values(&actual))
        }
        Difference::MissingFault { expected } => format!("no row fails with   {}", expected_fault(expected)),
        Difference::ExtraFault { fault, is_warning: true } => {
            format!("a warning is not expected   {}", found_fault(fault))
        }
        Difference::ExtraFault { fault, is_warning: false } => {
            format!("row {} goes to quarantine   {}", fault.row + 1, found_fault(fault))
        }
    })
}

fn values(row: &[(ColumnName, Value)]) -> String {
    row.iter().map(|(name, value)| format!("{name}: {value}")).collect::<Vec<_>>().join(", ")
}

fn expected_fault(expected: &ExpectedFault) -> String {
    let field = expected.field.as_ref().map(|field| format!("field: {field}"));
    let code = expected.code.map(|code| format!("rule: {}", code.info().word));
    format!("{{ {} }}", field.into_iter().chain(code).collect::<Vec<_>>().join(", "))
}

fn found_fault(fault: &RowFault) -> String {
    let expected = ExpectedFault { field: fault.field.clone(), code: Some(fault.code) };
    format!("{}   {}", expected_fault(&expected), fault.message)
}

fn as_json(tested: &[Tested]) -> Value {
    let one = |tested: &Tested| {
        json!({
            "entity_type": tested.test.entity,
            "name": tested.test.name,
            "place": tested.test.place,
            "passed": tested.passed(),
            "differences": tested.outcome.differences.iter().map(difference).collect::<Vec<_>>(),
        })
    };
    json!({
        "schema": "transload.test/1",
        "passed": tested.iter().filter(|one| one.passed()).count(),
        "failed": tested.iter().filter(|one| !one.passed()).count(),
        "tests": tested.iter().map(one).collect::<Vec<_>>(),
    })
}

fn difference(found: &Difference) -> Value {
    match found {
        Difference::Field { row, field, expected, actual, through, place } => json!({
            "kind": "field", "row": row, "field": field, "expected": expected, "actual": actual, "through": through, "place": place,
        }),
        Difference::Value { is_given, row, column, reason } => json!({
            "kind": "value", "of": if *is_given { "given" } else { "expect" }, "row": row, "column": column, "reason": reason,
        }),
        Difference::MissingRow { expected } => {
            let expected: serde_json::Map<String, Value> =
                expected.iter().map(|(name, value)| (name.to_string(), value.clone())).collect();
            json!({ "kind": "missing_row", "expected": expected })
        }
        Difference::ExtraRow { actual } => {
            let actual: serde_json::Map<String, Value> =
                actual.iter().map(|(name, text)| (name.to_string(), text.as_str().into())).collect();
            json!({ "kind": "extra_row", "actual": actual })
        }
        Difference::MissingFault { expected } => json!({
            "kind": "missing_fault", "field": expected.field, "rule": expected.code.map(|code| code.info().word),
        }),
        Difference::ExtraFault { fault, is_warning } => json!({
            "kind": if *is_warning { "extra_warning" } else { "extra_fault" },
            "row": fault.row, "field": fault.field, "rule": fault.code.info().word, "message": fault.message,
        }),
    }
}
