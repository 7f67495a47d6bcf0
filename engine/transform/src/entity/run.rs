//! A batch of source rows, turned into the destination's columns.

use std::time::Duration;

use arrow::array::{Array as _, ArrayRef, BooleanArray};
use arrow::compute::nullif;
use arrow::record_batch::RecordBatch;
use transload_model::{
    CellFault, Code, ColumnName, EntityTransform, OnFailure, ReadColumn, RowFault, Stage, Transformed,
};

use crate::column::nulls;
use crate::mask::{Masks, Written, leaks};
use crate::script::Host;

use super::failures::Failures;
use super::field::Field;
use super::step::{Around, Step};
use super::validate::{Rules, validate};

/// The fields and rules of one entity, ready for batches.
pub(crate) struct Entity {
    /// What a batch holds.
    pub(crate) reads: Vec<ReadColumn>,
    /// What is hidden of it, where anything is.
    pub(crate) masks: Option<Masks>,
    /// The source key's columns, each with the destination column that it makes.
    pub(crate) key: Vec<(usize, Option<ColumnName>)>,
    /// The fields, in plan order.
    pub(crate) fields: Vec<Field>,
    /// The rules, in plan order.
    pub(crate) rules: Rules,
    /// What runs scripts, where there are any.
    pub(crate) host: Option<Host>,
}

impl EntityTransform for Entity {
    fn masked(&self, rows: &RecordBatch) -> RecordBatch {
        match &self.masks {
            Some(masks) if self.fits(rows) => masks.apply(rows).0,
            _ => rows.clone(),
        }
    }

    fn transform(&mut self, rows: &RecordBatch, faults: &[CellFault]) -> Transformed {
        if !self.fits(rows) {
            return self.refused(rows.num_rows());
        }
        let Some(masks) = &self.masks else {
            let (columns, failures) = self.fields(rows, faults);
            return done(columns, failures, rows.num_rows());
        };
        let (masked, unmasked) = masks.apply(rows);
        let (columns, mut failures) = self.fields(&masked, &[faults, &unmasked].concat());
        for (row, field) in leaks(masks, (rows, &masked), &self.written(&columns)) {
            failures.add(leak(row, &self.fields[field].destination));
        }
        done(columns, failures, rows.num_rows())
    }

    fn validate(&mut self, columns: &[ArrayRef], skip: &[bool]) -> Vec<RowFault> {
        validate((&self.fields, &self.rules), self.host.as_ref(), columns, skip)
    }

    fn asks_the_time(&self, field: usize) -> bool {
        self.fields.get(field).is_some_and(|field| field.steps.iter().any(Step::asks_the_time))
    }

    fn take_script_time(&mut self) -> Duration {
        self.host.as_ref().map_or(Duration::ZERO, Host::take_time)
    }
}

impl Entity {
    /// What the fields make of rows, and which rows failed.
    fn fields(&self, rows: &RecordBatch, faults: &[CellFault]) -> (Vec<ArrayRef>, Failures) {
        let mut failures = Failures::default();
        for (column, destination) in &self.key {
            fail_cells(&mut failures, faults, &[*column], destination.as_ref());
        }
        let mut columns = Vec::with_capacity(self.fields.len());
        for field in &self.fields {
            fail_cells(&mut failures, faults, &field.reads, Some(&field.destination));
            let around = Around {
                rows,
                reads: &self.reads,
                sources: &field.sources,
                host: self.host.as_ref(),
                is_failed: &|_| false,
            };
            columns.push(field.run(&around, &mut failures));
        }
        (columns, failures)
    }

    /// What fields are about to write, but for old keys that new ones take the place of.
    fn written<'a>(&'a self, columns: &'a [ArrayRef]) -> Vec<Written<'a>> {
        let written = columns.iter().zip(&self.fields).enumerate().filter(|(_, (_, field))| !field.is_replaced);
        written.map(|(at, (column, field))| Written { field: at, column, reads: &field.reads }).collect()
    }

    /// Whether the batch holds what the plan says. Kernels rely on it.
    fn fits(&self, rows: &RecordBatch) -> bool {
        let types = self.reads.iter().map(|read| read.logical.arrow());
        rows.num_columns() == self.reads.len()
            && rows.columns().iter().zip(types).all(|(column, wanted)| *column.data_type() == wanted)
    }

    /// A batch that is not the plan's: a bug in what read it. No row of it may arrive.
    fn refused(&self, rows: usize) -> Transformed {
        let fault = |row| RowFault {
            row,
            field: None,
            stage: Stage::Read,
            code: Code::ValueType,
            message: "the batch does not hold the columns that the plan reads".to_owned(),
            severity: OnFailure::Fail,
        };
        let columns = self.fields.iter().map(|field| nulls(field.data_type, rows)).collect();
        Transformed { columns, faults: (0..rows).map(fault).collect() }
    }
}

fn done(columns: Vec<ArrayRef>, failures: Failures, rows: usize) -> Transformed {
    Transformed { columns: without_failed(columns, &failures, rows), faults: failures.into_faults() }
}

/// A row that shows what is hidden. Which text it is would be shown by whoever said it.
fn leak(row: usize, field: &ColumnName) -> RowFault {
    RowFault {
        row,
        field: Some(field.clone()),
        stage: Stage::Transform,
        code: Code::MaskLeak,
        message: "the field shows what a mask of another column hides".to_owned(),
        severity: OnFailure::Quarantine,
    }
}

/// A cell that the source could not give makes its row fail, wherever it is read.
fn fail_cells(failures: &mut Failures, faults: &[CellFault], reads: &[usize], field: Option<&ColumnName>) {
    for fault in faults.iter().filter(|fault| reads.contains(&fault.column)) {
        failures.add(RowFault {
            row: fault.row,
            field: field.cloned(),
            stage: Stage::Read,
            code: fault.code,
            message: fault.message.clone(),
            severity: OnFailure::Quarantine,
        });
    }
}

/// No half of a failed row may be taken for a whole one.
fn without_failed(columns: Vec<ArrayRef>, failures: &Failures, rows: usize) -> Vec<ArrayRef> {
    if failures.is_empty() {
        return columns;
    }
    let failed: BooleanArray = (0..rows).map(|row| Some(failures.has(row))).collect();
    let blank = |column: ArrayRef| nullif(&column, &failed).expect("columns and failures have the batch's rows");
    columns.into_iter().map(blank).collect()
}
