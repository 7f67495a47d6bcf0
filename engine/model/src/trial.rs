//! Tests of specs: rows that are given, and what is expected of them. No database has a part in it.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::{Code, ColumnName, EntityName};

/// A test that was compiled: every name in it exists.
#[derive(Debug, Clone, PartialEq)]
pub struct TestPlan {
    /// The entity whose spec it is in.
    pub entity: EntityName,
    /// What it shows.
    pub name: String,
    /// `specs/patients.yaml:71`.
    pub place: String,
    /// What goes in.
    pub given: Given,
    /// What must come out.
    pub expect: Expect,
}

/// What goes into a test.
#[derive(Debug, Clone, PartialEq)]
pub struct Given {
    /// Source rows. A column that is left out is NULL.
    pub rows: Vec<BTreeMap<ColumnName, Value>>,
    /// New keys by old key, as its canonical text, for each entity that is referred to.
    pub mappings: BTreeMap<EntityName, BTreeMap<String, Value>>,
    /// The moment at which the run starts.
    pub now: DateTime<Utc>,
}

/// What must come out of a test. A row that is given either arrives or fails.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Expect {
    /// The rows that arrive, in the order of those given, each with the fields that matter.
    pub rows: Vec<BTreeMap<ColumnName, Value>>,
    /// The rows that fail, in the order of those given.
    pub quarantine: Vec<ExpectedFault>,
    /// The warnings; not looked at where it is none.
    pub warnings: Option<Vec<ExpectedFault>>,
}

/// Why a row fails. What is left out is not looked at.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ExpectedFault {
    /// The field.
    pub field: Option<ColumnName>,
    /// The code.
    pub code: Option<Code>,
}
