//! Tests of specs: what differs from what they expect.

use std::collections::BTreeMap;

use serde_json::Value;
use transload_model::{
    ColumnName, EntityName, EntityPlan, ExpectedFault, FieldPlan, Plan, Result, RowFault, TestPlan, TransformContext,
    TransformFactory,
};

use super::{Parents, Trial, Tried, TriedColumn, given_part, parse_key, through};

/// What became of a test; it passed where nothing differs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outcome {
    /// What differs.
    pub differences: Vec<Difference>,
    /// Fields that were compared.
    pub compared: usize,
}

/// What differs between what a test expects and what the spec gives. Rows are counted from zero among those of their kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Difference {
    /// A value that is given or expected and is none of its column's type.
    Value {
        /// Whether it was given; else it was expected.
        is_given: bool,
        /// The row.
        row: usize,
        /// The column.
        column: ColumnName,
        /// Why.
        reason: String,
    },
    /// A mapping that is given and is no key of its entity.
    Mapping {
        /// The entity.
        entity: EntityName,
        /// The old key.
        key: String,
        /// Why.
        reason: String,
    },
    /// A field of a row that arrives. Texts are canonical; none is NULL.
    Field {
        /// The row.
        row: usize,
        /// The field.
        field: ColumnName,
        /// What the test says.
        expected: Option<String>,
        /// What the spec gives.
        actual: Option<String>,
        /// The source columns that it reads.
        reads: Vec<ColumnName>,
        /// What the value goes through.
        through: Vec<String>,
        /// `specs/patients.yaml:55`; empty for a key that no mapping fills.
        place: String,
    },
    /// A row that is expected and does not arrive.
    MissingRow {
        /// What the test says of it.
        expected: Vec<(ColumnName, Value)>,
    },
    /// A row that arrives and is not expected.
    ExtraRow {
        /// The fields that have a value.
        actual: Vec<(ColumnName, String)>,
    },
    /// A row that should fail, or warn, and does not, or not like this.
    MissingFault {
        /// What the test says.
        expected: ExpectedFault,
        /// Whether it should only warn.
        is_warning: bool,
    },
    /// A row that fails, or a warning, that is not expected.
    ExtraFault {
        /// Why it fails.
        fault: RowFault,
        /// Whether it only warns.
        is_warning: bool,
    },
}

/// Tries one test.
///
/// # Errors
/// Where the spec does not compile.
pub async fn try_test(
    plan: &Plan,
    test: &TestPlan,
    factory: &dyn TransformFactory,
    context: &TransformContext,
) -> Result<Outcome> {
    let mut outcome = Outcome::default();
    let Some(entity) = plan.entity(&test.entity) else { return Ok(outcome) };
    // The rows of a test are what the mapping sees: a test says the same in every environment, and needs no key.
    let entity = &EntityPlan { masks: Vec::new(), ..entity.clone() };
    let context = TransformContext { now: test.given.now, ..context.clone() };
    let trial = Trial::new(plan, entity, factory, &context);
    let rows = match trial.batch(&test.given.rows) {
        Ok(rows) => rows,
        Err((row, column, reason)) => {
            outcome.differences.push(Difference::Value { is_given: true, row, column, reason });
            return Ok(outcome);
        }
    };
    outcome.differences.extend(wrong_mappings(plan, entity, test, factory));
    if !outcome.differences.is_empty() {
        return Ok(outcome);
    }
    let tried = trial.derive(rows, &Parents::Given(&test.given.mappings)).await?;
    let comparison = Comparison { entity, factory, tried: &tried };
    comparison.rows(&test.expect.rows, &mut outcome);
    let failed: Vec<&RowFault> = tried.faults.iter().flatten().collect();
    compare_faults(&test.expect.quarantine, &failed, false, &mut outcome.differences);
    if let Some(expected) = &test.expect.warnings {
        compare_faults(expected, &tried.warnings.iter().collect::<Vec<_>>(), true, &mut outcome.differences);
    }
    Ok(outcome)
}

/// New keys that are given and are none.
fn wrong_mappings(
    plan: &Plan,
    entity: &EntityPlan,
    test: &TestPlan,
    factory: &dyn TransformFactory,
) -> Vec<Difference> {
    let mut wrong = Vec::new();
    for (parent, keys) in test.given.mappings.iter().filter_map(|(name, keys)| Some((plan.entity(name)?, keys))) {
        for (key, new) in keys {
            let reason = wrong_old_key(key, parent, factory).or_else(|| wrong_key(new, parent, entity, factory));
            if let Some(reason) = reason {
                wrong.push(Difference::Mapping { entity: parent.name.clone(), key: key.clone(), reason });
            }
        }
    }
    wrong
}

/// Why a text is no old key of `parent` as it is looked up by.
fn wrong_old_key(text: &str, parent: &EntityPlan, factory: &dyn TransformFactory) -> Option<String> {
    match parse_key(factory, &parent.key_types(), text) {
        Ok(key) if key.text() == text => None,
        Ok(key) => Some(format!("the old key is written as `{}`", key.text())),
        Err(reason) => Some(reason),
    }
}

/// Why a value is no key of `parent`: as its columns are called, where there are several, and as the fields of `entity` take them.
fn wrong_key(new: &Value, parent: &EntityPlan, entity: &EntityPlan, factory: &dyn TransformFactory) -> Option<String> {
    let columns: Vec<&str> = parent.key.destination.iter().map(ColumnName::as_str).collect();
    let named: Vec<&str> = new.as_object().into_iter().flat_map(|parts| parts.keys()).map(String::as_str).collect();
    if columns.len() > 1 && named.is_empty() {
        return Some(format!("it is no map of `{}`", columns.join("`, `")));
    }
    if let Some(name) = named.into_iter().find(|name| !columns.contains(name)) {
        return Some(format!("the key has no column `{name}`"));
    }
    let refers =
        |field: &'_ &FieldPlan| field.reference.as_ref().is_some_and(|reference| reference.entity == parent.name);
    entity.fields.iter().filter(refers).find_map(|field| {
        match field.reference.as_ref().and_then(|reference| given_part(new, reference)) {
            None => Some(format!("the key has no `{}`", taken(field))),
            Some(Value::Null) => Some("NULL is no key".to_owned()),
            Some(part) => factory.cell(part, field.written_as).err(),
        }
    })
}

struct Comparison<'a> {
    entity: &'a EntityPlan,
    factory: &'a dyn TransformFactory,
    tried: &'a Tried,
}

impl Comparison<'_> {
    fn rows(&self, expected: &[BTreeMap<ColumnName, Value>], outcome: &mut Outcome) {
        let arrived: Vec<usize> =
            (0..self.tried.faults.len()).filter(|row| self.tried.faults[*row].is_none()).collect();
        for (at, expected) in expected.iter().enumerate() {
            match arrived.get(at) {
                Some(row) => {
                    for (name, value) in expected {
                        outcome.compared += 1;
                        outcome.differences.extend(self.field((at, *row), name, value));
                    }
                }
                None => outcome.differences.push(Difference::MissingRow {
                    expected: expected.iter().map(|(name, value)| (name.clone(), value.clone())).collect(),
                }),
            }
        }
        for row in arrived.iter().skip(expected.len()) {
            let value = |column: &TriedColumn| Some((column.name.clone(), column.texts[*row].clone()?));
            outcome
                .differences
                .push(Difference::ExtraRow { actual: self.tried.columns.iter().filter_map(value).collect() });
        }
    }

    fn field(&self, (at, row): (usize, usize), name: &ColumnName, value: &Value) -> Option<Difference> {
        let column = self.tried.columns.iter().find(|column| column.name == *name)?;
        let expected = match self.factory.cell(value, column.logical) {
            Ok(cell) => self.factory.texts(&cell, column.logical).swap_remove(0),
            Err(reason) => {
                return Some(Difference::Value { is_given: false, row: at, column: name.clone(), reason });
            }
        };
        let actual = column.texts[row].clone();
        let field = self.entity.fields.iter().find(|field| field.destination == *name);
        (expected != actual).then(|| Difference::Field {
            row: at,
            field: name.clone(),
            expected,
            actual,
            reads: field.map(|field| self.reads(field)).unwrap_or_default(),
            through: field.map(|field| through(self.entity, field)).unwrap_or_default(),
            place: field.map(|field| field.place.clone()).unwrap_or_default(),
        })
    }

    fn reads(&self, field: &FieldPlan) -> Vec<ColumnName> {
        field.sources.iter().filter_map(|at| Some(self.entity.reads.get(*at)?.name.clone())).collect()
    }
}

/// The column of a new key that a field takes.
fn taken(field: &FieldPlan) -> String {
    let column = field.reference.as_ref().and_then(|reference| reference.column.as_ref());
    column.unwrap_or(&field.destination).to_string()
}

/// Every expected fault must be met by one of its own, and none may be left.
fn compare_faults(
    expected: &[ExpectedFault],
    found: &[&RowFault],
    is_warning: bool,
    differences: &mut Vec<Difference>,
) {
    let mut left: Vec<&RowFault> = found.to_vec();
    for expected in expected {
        let is_met = |fault: &&RowFault| {
            (expected.field.is_none() || expected.field == fault.field)
                && expected.code.is_none_or(|code| code == fault.code)
        };
        match left.iter().position(is_met) {
            Some(at) => {
                left.remove(at);
            }
            None => differences.push(Difference::MissingFault { expected: expected.clone(), is_warning }),
        }
    }
    differences.extend(left.into_iter().map(|fault| Difference::ExtraFault { fault: fault.clone(), is_warning }));
}
