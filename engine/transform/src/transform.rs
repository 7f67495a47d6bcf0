//! What a built-in function is.
//!
//! Each is one file with one constant of this type and one entry in the list in `lib.rs`. Everything else (checks of a call, the form that
//! scripts call, the page that `explain` prints) is derived from the constant, so that no function can be known in one place and not in another.

use arrow::array::{Array as _, ArrayRef, AsArray as _};
use transload_model::{Kind, LogicalType};

use crate::argument::{Argument, Arguments};
use crate::column::{Column, map_to_text};

/// A built-in function.
pub(crate) struct Transform {
    /// Its name in specs and scripts.
    pub(crate) name: &'static str,
    /// How many values it takes.
    pub(crate) inputs: Inputs,
    /// The kinds of value that it takes.
    pub(crate) accepts: &'static [Kind],
    /// The type that it gives.
    pub(crate) returns: Returns,
    /// Its arguments.
    pub(crate) args: &'static [Argument],
    /// What it does with NULL.
    pub(crate) nulls: Nulls,
    /// Arguments by position of each form that scripts may call; empty where there is none.
    pub(crate) script_forms: &'static [&'static [&'static str]],
    /// What it does, why, and where its edges are; the first line is the summary.
    pub(crate) page: &'static str,
    /// What does it.
    pub(crate) apply: Apply,
}

/// How many values a function takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Inputs {
    /// Exactly one.
    One,
    /// One or more.
    Several,
    /// Any number, none included: it does not look at them.
    Ignored,
}

/// The type that a function gives.
pub(crate) enum Returns {
    /// Always this.
    Type(LogicalType),
    /// It depends on the inputs and arguments, which may also not fit together.
    Depends(ReturnType),
}

/// Finds the type that a function gives; an input of `None` is known only when a row is there.
pub(crate) type ReturnType = fn(&[Option<LogicalType>], &Arguments) -> Result<Option<LogicalType>, String>;

/// What a function does with NULL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Nulls {
    /// NULL in, NULL out; it is not called.
    PassThrough,
    /// It has its own way with NULL.
    Own,
}

/// What does the work.
pub(crate) enum Apply {
    /// Text to text, one value at a time: appends to the buffer. It cannot fail.
    Text(fn(&str, &mut String)),
    /// A batch at a time.
    Columns(fn(&Batch<'_>, &Arguments) -> Column),
}

/// What a function is applied to.
pub(crate) struct Batch<'a> {
    /// The inputs, of accepted kinds and all of the same length.
    pub(crate) columns: &'a [(LogicalType, ArrayRef)],
    /// The number of rows.
    pub(crate) rows: usize,
}

/// Every kind that has a canonical text.
pub(crate) const WITH_TEXT: &[Kind] = &[
    Kind::Boolean,
    Kind::Integer,
    Kind::Float,
    Kind::Decimal,
    Kind::Text,
    Kind::Date,
    Kind::Timestamp,
    Kind::Timestamptz,
    Kind::Uuid,
];

/// Every kind.
pub(crate) const ANY: &[Kind] = &Kind::ALL;

impl Transform {
    /// The function applied to a batch that [`Transform::check`] would let pass.
    pub(crate) fn run(&self, batch: &Batch<'_>, arguments: &Arguments) -> Column {
        match (&self.apply, batch.columns) {
            (Apply::Columns(apply), _) => apply(batch, arguments),
            (Apply::Text(apply), [(_, values), ..]) => {
                Column::whole(map_to_text(values.as_string::<i32>().iter(), values.len(), apply))
            }
            (Apply::Text(_), []) => Column::whole(crate::column::nulls(LogicalType::Text, batch.rows)),
        }
    }

    /// The type it gives for these inputs.
    ///
    /// # Errors
    /// Says what does not fit.
    pub(crate) fn check(
        &self,
        inputs: &[Option<LogicalType>],
        arguments: &Arguments,
    ) -> Result<Option<LogicalType>, String> {
        match (self.inputs, inputs.len()) {
            (Inputs::One, 1) | (Inputs::Several, 1..) | (Inputs::Ignored, _) => {}
            (Inputs::One, count) => return Err(format!("it takes one value, here are {count}")),
            (Inputs::Several, _) => {
                return Err("it takes one value or more, here is none".to_owned());
            }
        }
        if let Some(wrong) = inputs.iter().flatten().find(|input| !self.takes(**input)) {
            return Err(format!("it takes {}, here is {wrong}", kinds(self.accepts)));
        }
        match &self.returns {
            Returns::Type(logical) => Ok(Some(*logical)),
            Returns::Depends(returns) => returns(inputs, arguments),
        }
    }

    /// Whether values of this type may go in.
    pub(crate) fn takes(&self, logical: LogicalType) -> bool {
        self.inputs == Inputs::Ignored || self.accepts.contains(&logical.kind())
    }

    /// The first line of the page.
    pub(crate) fn summary(&self) -> &'static str {
        self.page.lines().next().unwrap_or_default()
    }
}

/// "text", "text, decimal or float".
pub(crate) fn kinds(kinds: &[Kind]) -> String {
    let names: Vec<String> = kinds.iter().map(|kind| format!("{kind:?}").to_lowercase()).collect();
    match names.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
        None => "nothing".to_owned(),
    }
}
