//! What a rule is.

use std::collections::BTreeMap;

use arrow::array::{Array as _, ArrayRef};
use chrono::NaiveDate;
use serde_json::Value;
use transload_model::{Code, LogicalType};

use super::RULES;

/// A kind of rule.
pub(crate) struct Rule {
    /// Its name in specs.
    pub(crate) name: &'static str,
    /// The code of rows that break it.
    pub(crate) code: Code,
    /// Reads its parameters for a field of a type.
    pub(crate) prepare: fn(LogicalType, &BTreeMap<String, Value>, Today) -> Prepared,
}

/// A rule with its parameters, or what is wrong with them.
pub(crate) type Prepared = Result<Box<dyn Check>, String>;

/// The run's day, or `None` while only the parameters are checked.
pub(crate) type Today = Option<NaiveDate>;

/// A rule with its parameters, ready for batches.
pub(crate) trait Check: Send + Sync + std::fmt::Debug {
    /// The rows that break it, in row order.
    fn breaches(&self, values: &ArrayRef) -> Vec<Breach>;
}

/// A row that breaks a rule.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Breach {
    /// Index of the row.
    pub(crate) row: usize,
    /// How, without the value.
    pub(crate) message: String,
}

impl Rule {
    /// The rule of that name.
    pub(crate) fn find(name: &str) -> Option<&'static Self> {
        RULES.iter().find(|rule| rule.name == name)
    }
}

/// The rows without a value.
pub(crate) fn null_rows(values: &ArrayRef) -> impl Iterator<Item = Breach> {
    let null = (0..values.len()).filter(|row| values.is_null(*row));
    null.map(|row| Breach { row, message: "the value is NULL".to_owned() })
}
