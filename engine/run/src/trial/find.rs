//! A few rows of a table, out of however many.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::compute::concat_batches;
use arrow::datatypes::{Field, Schema};
use arrow::record_batch::RecordBatch;
use transload_model::{
    CellFault, Code, Diagnostic, KeyBytes, KeyRange, KeyValue, LogicalType, Only, ReadColumn, ReadRequest, Relation,
    Result, SnapshotReader, SourceBatch, TransformFactory,
};

use crate::rows::Cells;

/// Rows that are read at a time from a source that gives all.
const BATCH_ROWS: usize = 4_096;

/// Which rows.
#[derive(Debug, Clone)]
pub enum Wanted {
    /// So many, from the lowest key on.
    First(usize),
    /// Those with these keys.
    Keys(BTreeSet<KeyBytes>),
}

/// A key as people write it: the canonical text of its value, or, of a key of several columns, a JSON array of texts.
///
/// # Errors
/// Why it is no key of these types.
pub fn parse_key(
    factory: &dyn TransformFactory,
    types: &[LogicalType],
    text: &str,
) -> std::result::Result<KeyBytes, String> {
    let texts: Vec<String> = match types {
        [_] => vec![text.to_owned()],
        _ => serde_json::from_str(text)
            .map_err(|_| "a key of several columns is written as `[\"1\",\"3402\"]`".to_owned())?,
    };
    if texts.len() != types.len() {
        return Err(format!("the key has {} columns", types.len()));
    }
    let cells = texts.iter().zip(types).map(|(text, logical)| factory.cell(&text.as_str().into(), *logical));
    let cells = cells.collect::<std::result::Result<Vec<ArrayRef>, String>>()?;
    key_of(&cells, 0).ok_or_else(|| "the key has a type that no key has".to_owned())
}

/// Reads the rows, in the order of their keys. `key` are indexes into `columns`.
///
/// # Errors
/// Where the table cannot be read.
pub async fn find(
    reader: &mut dyn SnapshotReader,
    relation: &Relation,
    columns: &[ReadColumn],
    key: &[usize],
    wanted: &Wanted,
) -> Result<SourceBatch> {
    let request = |range: KeyRange, batch_rows: usize| ReadRequest {
        relation: relation.clone(),
        columns: columns.to_vec(),
        key: key.to_vec(),
        range,
        after: None,
        only: Only::All,
        batch_rows,
    };
    match wanted {
        Wanted::First(rows) => {
            reader.read(request(KeyRange::default(), (*rows).max(1))).await?;
            let first = reader.next().await?;
            Ok(first.map_or_else(|| nothing(columns), |batch| slice(&batch, 0, *rows)))
        }
        Wanted::Keys(keys) if reader.keeps_to_ranges() => {
            let mut found = Vec::new();
            for wanted in keys {
                let range = KeyRange { from: Some(wanted.clone()), to: None };
                reader.read(request(range, 1)).await?;
                let batch = reader.next().await?;
                found.extend(batch.filter(|batch| row_key(batch, key, 0).as_ref() == Some(wanted)));
            }
            joined(columns, &found)
        }
        Wanted::Keys(keys) => {
            let mut found = Vec::new();
            reader.read(request(KeyRange::default(), BATCH_ROWS)).await?;
            while found.len() < keys.len()
                && let Some(batch) = reader.next().await?
            {
                let is_wanted = |row: &usize| row_key(&batch, key, *row).is_some_and(|key| keys.contains(&key));
                found.extend((0..batch.rows.num_rows()).filter(is_wanted).map(|row| slice(&batch, row, 1)));
            }
            joined(columns, &found)
        }
    }
}

fn row_key(batch: &SourceBatch, key: &[usize], row: usize) -> Option<KeyBytes> {
    let columns: Vec<ArrayRef> = key.iter().map(|column| Arc::clone(batch.rows.column(*column))).collect();
    key_of(&columns, row)
}

/// The key that some columns make.
fn key_of(columns: &[ArrayRef], row: usize) -> Option<KeyBytes> {
    let cells = columns.iter().map(|column| Cells::new(column).ok()).collect::<Option<Vec<_>>>()?;
    let parts: Option<Vec<KeyValue<'_>>> = cells.iter().map(|cells| cells.key_part(row)).collect();
    parts.map(|parts| KeyBytes::encode(&parts))
}

/// Some rows of a batch that follow one another.
fn slice(batch: &SourceBatch, from: usize, rows: usize) -> SourceBatch {
    let rows = rows.min(batch.rows.num_rows() - from);
    let inside = batch.faults.iter().filter(|fault| (from..from + rows).contains(&fault.row));
    SourceBatch {
        rows: batch.rows.slice(from, rows),
        faults: inside.map(|fault| CellFault { row: fault.row - from, ..fault.clone() }).collect(),
        bytes: 0,
    }
}

fn joined(columns: &[ReadColumn], batches: &[SourceBatch]) -> Result<SourceBatch> {
    let Some(first) = batches.first() else { return Ok(nothing(columns)) };
    let rows = concat_batches(&first.rows.schema(), batches.iter().map(|batch| &batch.rows)).map_err(|error| {
        Box::new(Diagnostic::new(Code::SourceFailed, format!("rows that were read do not fit together: {error}")))
    })?;
    let mut faults = Vec::new();
    let mut before = 0;
    for batch in batches {
        faults.extend(batch.faults.iter().map(|fault| CellFault { row: fault.row + before, ..fault.clone() }));
        before += batch.rows.num_rows();
    }
    Ok(SourceBatch { rows, faults, bytes: 0 })
}

fn nothing(columns: &[ReadColumn]) -> SourceBatch {
    let field = |column: &ReadColumn| Field::new(column.name.as_str(), column.logical.arrow(), true);
    let schema = Schema::new(columns.iter().map(field).collect::<Vec<_>>());
    let rows = RecordBatch::new_empty(Arc::new(schema));
    SourceBatch { rows, faults: Vec::new(), bytes: 0 }
}
