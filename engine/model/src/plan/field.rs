//! Fields: what a destination column gets, and the rules that its values must keep.

use std::collections::BTreeMap;

use serde_json::Value;

use super::ReadColumn;
use crate::{ColumnName, EntityName, LogicalType, OnFailure, TableName};

/// What a destination column gets.
#[derive(Debug, Clone)]
pub struct FieldPlan {
    /// The column.
    pub destination: ColumnName,
    /// Indexes into `EntityPlan::reads`; empty for a constant.
    pub sources: Vec<usize>,
    /// Functions, applied in order.
    pub calls: Vec<Call>,
    /// Takes the place of NULL: a scalar.
    pub default: Option<Value>,
    /// strftime pattern for text that becomes a date or a timestamp.
    pub format: Option<String>,
    /// The type after conversion; with a reference, the type of the parent's source key, or of its first column.
    pub data_type: LogicalType,
    /// Turns the parent's old key into its new key.
    pub reference: Option<Reference>,
    /// The type of the destination column's values.
    pub written_as: LogicalType,
    /// Whether NULL sends the row to quarantine.
    pub required: bool,
    /// Whether its values are hidden where people look at rows. What is moved does not change.
    pub sensitive: bool,
    /// `specs/patients.yaml:31`, for messages.
    pub place: String,
}

impl FieldPlan {
    /// Whether the source columns are looked up as they are: a reference to a key of several columns.
    #[must_use]
    pub fn refers_by_columns(&self) -> bool {
        self.reference.is_some() && self.sources.len() > 1 && self.calls.is_empty()
    }
}

/// A lookup in another entity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// The parent; may be the entity itself.
    pub entity: EntityName,
    /// The column of the parent's destination key that the field takes, where that key has several.
    pub column: Option<ColumnName>,
    /// What happens where there is none.
    pub on_missing: OnMissing,
    /// Whether the parent's keys are made for it, so that nothing of an old one is in them.
    pub is_made: bool,
}

/// A field that is filled once another entity is loaded, too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deferred {
    /// The index of the field.
    pub field: usize,
    /// The entity that it leads to: by a reference, or by a foreign key of the destination.
    pub parent: EntityName,
}

/// What happens with a reference to a row that is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OnMissing {
    /// The row is set aside.
    Quarantine,
    /// The field is NULL.
    Null,
    /// The field's `default_value` is looked up instead.
    Default,
    /// The entity stops.
    Fail,
}

/// A function applied to a value.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// Which function.
    pub function: Function,
    /// Its arguments by name.
    pub arguments: BTreeMap<String, Value>,
}

/// Which function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Function {
    /// Built in, by name.
    BuiltIn(String),
    /// The spec's own, by index into `EntityPlan::scripts`.
    Script(usize),
    /// A library function of `transforms/`, by name.
    Library(String),
}

/// A function of a spec.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    /// Its name.
    pub name: String,
    /// Its body in rhai.
    pub body: String,
    /// Columns that it reads from `row`: indexes into `EntityPlan::reads`.
    pub row: Vec<usize>,
}

/// A rule on a field.
#[derive(Debug, Clone)]
pub struct RulePlan {
    /// Index into `EntityPlan::fields`.
    pub field: usize,
    /// Its name, such as `required`.
    pub rule: String,
    /// Its parameters, checked.
    pub parameters: BTreeMap<String, Value>,
    /// The script of an `expression`. Its `row` are indexes into `EntityPlan::fields`.
    pub script: Option<Script>,
    /// Where a `foreign_key` looks.
    pub lookup: Option<LookupPlan>,
    /// What a failure does.
    pub on_failure: OnFailure,
}

/// A column of the destination in which values are looked for. No entity of the plan loads its table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LookupPlan {
    /// The table.
    pub table: TableName,
    /// The column, and the type of the values that are looked for.
    pub column: ReadColumn,
}
