//! One function of a field's chain.

use arrow::array::ArrayRef;
use arrow::record_batch::RecordBatch;
use rhai::{Array, Dynamic, Identifier, Map};
use transload_model::{Code, LogicalType, OnFailure, ReadColumn};

use crate::argument::Arguments;
use crate::cells::Cells;
use crate::column::{Fault, Reason};
use crate::convert::canonical::texts;
use crate::script::{Host, Program, RowInput, on_own_stack, results, to_dynamic};
use crate::transform::{Batch, Transform};

/// A function, ready for batches.
pub(crate) enum Step {
    /// A kernel.
    BuiltIn {
        /// Which.
        transform: &'static Transform,
        /// Its arguments.
        arguments: Arguments,
        /// The type it gives for the source's values, where it is the first of its chain.
        returns: Option<LogicalType>,
    },
    /// A script or a library function.
    Script {
        /// The program.
        program: Program,
        /// The columns of `row` that it reads: name and place in the batch.
        columns: Vec<(Identifier, usize)>,
    },
}

/// What a step looks at beside the values.
pub(crate) struct Around<'a> {
    /// The source's rows.
    pub(crate) rows: &'a RecordBatch,
    /// Their types.
    pub(crate) reads: &'a [ReadColumn],
    /// The columns that the field reads.
    pub(crate) sources: &'a [usize],
    /// What runs scripts.
    pub(crate) host: Option<&'a Host>,
    /// Whether a row failed before, so that nothing has to be computed for it.
    pub(crate) is_failed: &'a (dyn Fn(usize) -> bool + Sync),
}

/// What a step takes.
pub(crate) enum Input {
    /// The source's columns, as they are.
    Sources,
    /// What the step before gave.
    Cells(Cells),
}

impl Around<'_> {
    /// A column of the source with its type.
    pub(crate) fn column(&self, index: usize) -> (LogicalType, &ArrayRef) {
        (self.reads[index].logical, self.rows.column(index))
    }

    fn sources(&self) -> Vec<(LogicalType, ArrayRef)> {
        self.sources.iter().map(|index| (self.column(*index).0, self.column(*index).1.clone())).collect()
    }
}

impl Step {
    /// Whether it is a script that looks at `now`.
    pub(crate) fn asks_the_time(&self) -> bool {
        matches!(self, Self::Script { program: Program::Script { uses, .. }, .. } if uses.contains(&"now"))
    }

    /// Does it to all rows.
    pub(crate) fn run(&self, input: Input, around: &Around<'_>) -> (Cells, Vec<Fault>) {
        match (self, input) {
            (Self::BuiltIn { transform, arguments, returns }, Input::Sources) => {
                let columns = around.sources();
                let column = transform.run(&Batch { columns: &columns, rows: around.rows.num_rows() }, arguments);
                (Cells::Typed(returns.unwrap_or(LogicalType::Text), column.array), column.faults)
            }
            (Self::BuiltIn { transform, arguments, .. }, Input::Cells(cells)) => cells.apply(transform, arguments),
            (Self::Script { program, columns }, input) => run_script(program, columns, &input, around),
        }
    }
}

fn run_script(
    program: &Program,
    columns: &[(Identifier, usize)],
    input: &Input,
    around: &Around<'_>,
) -> (Cells, Vec<Fault>) {
    let rows = around.rows.num_rows();
    let Some(host) = around.host else {
        return results(Vec::new(), rows);
    };
    let values = Values::new(input, around);
    on_own_stack(|| host.timed(|| run_rows((host, program), columns, &values, around))).unwrap_or_else(|error| {
        let reason =
            Reason::new(Code::ScriptFailed, format!("there is no thread to run the script on: {}", error.kind()));
        let fault = |row| Fault { row, reason: reason.clone(), severity: OnFailure::Fail };
        (results(Vec::new(), rows).0, (0..rows).map(fault).collect())
    })
}

fn run_rows(
    (host, program): (&Host, &Program),
    columns: &[(Identifier, usize)],
    values: &Values<'_>,
    around: &Around<'_>,
) -> (Cells, Vec<Fault>) {
    let rows = around.rows.num_rows();
    let mut given = Vec::with_capacity(rows);
    let mut faults = Vec::new();
    for row in (0..rows).filter(|row| !(around.is_failed)(*row)) {
        let outcome = values.row_input(row, columns, around);
        let outcome = outcome.and_then(|input| host.run(program, input, || values.texts(row, columns, around)));
        match outcome {
            Ok(value) => given.push((row, value)),
            Err(reason) => faults.push(Fault::quarantine(row, reason)),
        }
    }
    let (cells, refused) = results(given, rows);
    faults.extend(refused);
    faults.sort_by_key(|fault| fault.row);
    (cells, faults)
}

/// The values of a script, by row.
enum Values<'a> {
    Sources,
    Cells(Vec<Option<(LogicalType, &'a ArrayRef, usize)>>),
}

impl<'a> Values<'a> {
    fn new(input: &'a Input, around: &Around<'_>) -> Self {
        match input {
            Input::Sources => Self::Sources,
            Input::Cells(cells) => {
                debug_assert!(around.rows.num_rows() > 0 || cells.by_row().is_empty(), "cells have the batch's rows");
                Self::Cells(cells.by_row())
            }
        }
    }

    fn row_input(&self, row: usize, columns: &[(Identifier, usize)], around: &Around<'_>) -> Result<RowInput, Reason> {
        let cell = |index: usize| {
            let (logical, values) = around.column(index);
            to_dynamic(values, logical, row)
        };
        let value = match self {
            Self::Sources => match around.sources {
                [] => Dynamic::UNIT,
                [only] => cell(*only)?,
                several => Dynamic::from_array(several.iter().map(|index| cell(*index)).collect::<Result<Array, _>>()?),
            },
            Self::Cells(by_row) => match by_row.get(row) {
                Some(Some((logical, values, place))) => to_dynamic(values, *logical, *place)?,
                _ => Dynamic::UNIT,
            },
        };
        let mut map = Map::new();
        for (name, index) in columns {
            map.insert(name.clone(), cell(*index)?);
        }
        Ok(RowInput { value, row: map })
    }

    /// The canonical texts that the script has seen, to be kept out of messages.
    fn texts(&self, row: usize, columns: &[(Identifier, usize)], around: &Around<'_>) -> Vec<String> {
        let read = around.sources.iter().copied().chain(columns.iter().map(|(_, index)| *index));
        let mut seen: Vec<(LogicalType, &ArrayRef, usize)> =
            read.map(|index| (around.column(index).0, around.column(index).1, row)).collect();
        if let Self::Cells(by_row) = self {
            seen.extend(by_row.get(row).copied().flatten());
        }
        seen.into_iter().filter_map(|(logical, values, place)| text(values, logical, place)).collect()
    }
}

/// The canonical text of a value.
pub(crate) fn text(values: &ArrayRef, logical: LogicalType, place: usize) -> Option<String> {
    use arrow::array::{Array as _, AsArray as _};
    let texts = texts(&values.slice(place, 1), logical).array;
    let texts = texts.as_string::<i32>();
    texts.is_valid(0).then(|| texts.value(0).to_owned())
}
