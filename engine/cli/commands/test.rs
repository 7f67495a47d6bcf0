//! `test`: the tests of specs, tried without a database.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use transload_model::{
    Clock, Code, ColumnName, Diagnostic, EntityName, Exit, ExpectedFault, OnFailure, Plan, RowFault, SystemClock,
    TestPlan,
};
use transload_run::{Difference, Outcome, try_test};
use transload_spec::Project;

use crate::cli::args::{Format, Test};
use crate::cli::failure::{Failure, unknown_entity};
use crate::cli::render::{Screen, Signs, pretty};
use crate::cli::report::{Report, Warnings};
use crate::cli::summary::table;
use crate::cli::text::some;
use crate::cli::wiring::{self, Chosen};

/// Rows and columns that a failure shows at most.
const GIVEN_ROWS: usize = 4;
const SHOWN_COLUMNS: usize = 6;

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
    let context = world.context(&plan, chrono::DateTime::UNIX_EPOCH);
    let mut tested = Vec::new();
    for test in tests.into_iter().filter(|test| wanted.contains(&&test.entity)) {
        let outcome = try_test(&plan, &test, &*world.functions, &context).await?;
        tested.push(Tested { test, outcome });
    }
    let exit = if tested.iter().all(Tested::passed) { Exit::Done } else { Exit::Problems };
    match screen.format {
        Format::Json => screen.answer(&pretty(&as_json(&tested))),
        Format::Text => show(&tested, clock.monotonic() - started, screen),
        _ => screen.report(report(&tested, &world.project, exit, &screen.signs())),
    }
    Ok(exit)
}

/// The tests as build servers take them: one that failed is a problem at its place.
fn report(tested: &[Tested], project: &Project, exit: Exit, signs: &Signs) -> Report {
    let (passed, failed): (Vec<&Tested>, Vec<&Tested>) = tested.iter().partition(|one| one.passed());
    let file = |one: &Tested| one.test.place.rsplit_once(':').map_or("", |(file, _)| file).to_owned();
    Report {
        problems: failed.into_iter().map(|one| problem(one, project, signs)).collect(),
        files: project.files(),
        passed: passed.into_iter().map(|one| (file(one), one.test.name.clone())).collect(),
        warnings: Warnings::Allowed,
        exit,
    }
}

fn problem(one: &Tested, project: &Project, signs: &Signs) -> Diagnostic {
    let Tested { test, .. } = one;
    let text = failure(one, signs);
    // The first line says which test it is, as the headline does.
    let told = text.trim_start().split_once('\n').map_or("", |(_, told)| told);
    let headline = format!("test `{}` of `{}` failed", test.name, test.entity);
    let problem = Diagnostic::new(Code::TestFailed, headline).note(told).help(Code::TestFailed.info().remedy);
    let place = test.place.rsplit_once(':').and_then(|(path, line)| Some((path, line.parse().ok()?)));
    let file = |path: &str| project.spec_files().iter().find(|file| file.path == path);
    match place.and_then(|(path, line)| Some((file(path)?, line))) {
        Some((file, line)) => problem.label(file, file.line(line), "this test"),
        None => problem.at(test.place.clone()),
    }
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
        screen.answer(&failure(one, &signs));
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

/// A test that failed: what differs, and what was given.
fn failure(tested: &Tested, signs: &Signs) -> String {
    let Tested { test, outcome } = tested;
    let mut text = format!("\nFAIL {} {} {}     {}\n", test.entity, signs.dot, test.name, test.place);
    let fields: Vec<Vec<String>> = outcome.differences.iter().filter_map(|found| field(test, found)).collect();
    if !fields.is_empty() {
        let counted = some(outcome.compared, "field");
        text += &format!("  actual differs from expected in {} of {counted}:\n\n", fields.len());
        let shown = table(&["field", "expected", "actual", "through", ""], fields, 5);
        text += &shown.lines().map(|line| format!("    {line}\n")).collect::<String>();
        text.push('\n');
    }
    let mut lines: Vec<(&str, String)> = outcome.differences.iter().filter_map(line).collect();
    lines.extend(given(tested));
    let width = lines.iter().map(|(what, _)| what.chars().count()).max().unwrap_or_default();
    for (what, shown) in lines {
        text += &format!("  {what:<width$}   {shown}\n");
    }
    text.trim_end().to_owned()
}

fn field(test: &TestPlan, found: &Difference) -> Option<Vec<String>> {
    let Difference::Field { row, field, expected, actual, through, place, .. } = found else { return None };
    let name = if test.expect.rows.len() > 1 { format!("row {}: {field}", row + 1) } else { field.to_string() };
    let quoted = |text: &Option<String>| text.as_ref().map_or_else(|| "NULL".to_owned(), |text| format!("{text:?}"));
    Some(vec![name, quoted(expected), quoted(actual), through.join(", "), place.clone()])
}

/// A difference that is no field's: what it is, and of what.
fn line(found: &Difference) -> Option<(&'static str, String)> {
    Some(match found {
        Difference::Field { .. } => return None,
        Difference::Value { is_given, row, column, reason } => {
            let what = if *is_given { "cannot be given" } else { "cannot be expected" };
            (what, format!("`{column}` of row {}: {reason}", row + 1))
        }
        Difference::Mapping { entity, key, reason } => {
            ("cannot be given", format!("the key of `{entity}` {key}: {reason}"))
        }
        Difference::MissingRow { expected } => ("expected, and no row arrives", row(expected, &[])),
        Difference::ExtraRow { actual } => {
            let actual: Vec<(ColumnName, Value)> =
                actual.iter().map(|(name, text)| (name.clone(), text.as_str().into())).collect();
            ("arrives, and is not expected", row(&actual, &[]))
        }
        Difference::MissingFault { expected, is_warning: true } => {
            ("expected, and no row warns", expected_fault(expected))
        }
        Difference::MissingFault { expected, is_warning: false } => {
            ("expected, and no row fails", expected_fault(expected))
        }
        Difference::ExtraFault { fault, is_warning: true } => ("warns, and is not expected", found_fault(fault)),
        Difference::ExtraFault { fault, is_warning: false } if fault.severity == OnFailure::Fail => {
            ("stops the entity, and is not expected", found_fault(fault))
        }
        Difference::ExtraFault { fault, is_warning: false } => ("fails, and is not expected", found_fault(fault)),
    })
}

/// The rows that were given, the columns first that matter for what differs.
fn given(tested: &Tested) -> Vec<(&'static str, String)> {
    let reads = |found: &Difference| match found {
        Difference::Field { reads, .. } => reads.clone(),
        Difference::Value { is_given: true, column, .. } => vec![column.clone()],
        _ => Vec::new(),
    };
    let first: Vec<ColumnName> = tested.outcome.differences.iter().flat_map(reads).collect();
    let rows = &tested.test.given.rows;
    let shown = rows.iter().take(GIVEN_ROWS).enumerate().map(|(at, given)| {
        let given: Vec<(ColumnName, Value)> = given.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
        let number = if rows.len() > 1 { format!("row {}: ", at + 1) } else { String::new() };
        ("given", format!("{number}{}", row(&given, &first)))
    });
    let left = rows.len().saturating_sub(GIVEN_ROWS);
    let more = (left > 0).then(|| ("given", format!("{} more", some(left, "row"))));
    shown.chain(more).collect()
}

/// `{ name: "x", born: "1815-12-10", … 3 more }`, some columns first.
fn row(values: &[(ColumnName, Value)], first: &[ColumnName]) -> String {
    let mut values: Vec<&(ColumnName, Value)> = values.iter().collect();
    values.sort_by_key(|(name, _)| first.iter().position(|wanted| wanted == name).unwrap_or(usize::MAX));
    let left = values.len().saturating_sub(SHOWN_COLUMNS);
    let shown = values.iter().take(SHOWN_COLUMNS).map(|(name, value)| format!("{name}: {}", literal(value)));
    let more = (left > 0).then(|| format!("\u{2026} {left} more"));
    format!("{{ {} }}", shown.chain(more).collect::<Vec<_>>().join(", "))
}

fn literal(value: &Value) -> String {
    if value.is_null() { "NULL".to_owned() } else { value.to_string() }
}

fn expected_fault(expected: &ExpectedFault) -> String {
    let field = expected.field.as_ref().map(|field| format!("field: {field}"));
    let code = expected.code.map(|code| format!("rule: {}", code.info().word));
    let parts: Vec<String> = field.into_iter().chain(code).collect();
    if parts.is_empty() { "any row".to_owned() } else { format!("{{ {} }}", parts.join(", ")) }
}

fn found_fault(fault: &RowFault) -> String {
    let expected = ExpectedFault { field: fault.field.clone(), code: Some(fault.code) };
    format!("row {}: {}   {}", fault.row + 1, expected_fault(&expected), fault.message)
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
        Difference::Field { row, field, expected, actual, through, place, .. } => json!({
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
        Difference::Mapping { entity, key, reason } => json!({
            "kind": "mapping", "entity_type": entity, "key": key, "reason": reason,
        }),
        Difference::MissingFault { expected, is_warning } => json!({
            "kind": if *is_warning { "missing_warning" } else { "missing_fault" },
            "field": expected.field, "rule": expected.code.map(|code| code.info().word),
        }),
        Difference::ExtraFault { fault, is_warning } => json!({
            "kind": if *is_warning { "extra_warning" } else { "extra_fault" },
            "row": fault.row, "field": fault.field, "rule": fault.code.info().word, "message": fault.message,
        }),
    }
}
