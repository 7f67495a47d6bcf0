//! Tests of specs, ready to be tried.

use chrono::DateTime;
use transload_model::{Expect, ExpectedFault, Given, TestPlan};

use crate::decode::{FaultSpec, RowSpec, Spec, TestSpec};

/// When a run starts in a test that does not say so, in seconds since 1970: 2100-01-01T00:00:00Z. The dates of real rows lie before it.
const USUAL_NOW: i64 = 4_102_444_800;

/// The tests of a spec, in its order.
pub(crate) fn tests(spec: &Spec) -> impl Iterator<Item = TestPlan> {
    spec.tests.iter().map(|test| plan(spec, test))
}

fn plan(spec: &Spec, test: &TestSpec) -> TestPlan {
    let row = |row: &RowSpec| row.iter().map(|(column, value)| (column.value.clone(), value.clone())).collect();
    let fault = |fault: &FaultSpec| ExpectedFault {
        field: fault.field.as_ref().map(|field| field.value.clone()),
        code: fault.code,
    };
    let mappings = test.mappings.iter().map(|(entity, keys)| (entity.value.clone(), keys.clone()));
    let line = spec.lines.line(test.name.place.span.start);
    TestPlan {
        entity: spec.entity.value.clone(),
        name: test.name.value.clone(),
        place: format!("{}:{line}", spec.file.path),
        given: Given {
            rows: test.rows.iter().map(row).collect(),
            mappings: mappings.collect(),
            now: test.now.or(DateTime::from_timestamp(USUAL_NOW, 0)).unwrap_or_default(),
        },
        expect: Expect {
            rows: test.expected_rows.iter().map(row).collect(),
            quarantine: test.quarantine.iter().map(fault).collect(),
            warnings: test.warnings.as_ref().map(|warnings| warnings.iter().map(fault).collect()),
        },
    }
}
