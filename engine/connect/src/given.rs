//! What tests of every system are given: words for requests, rows and units.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Int64Array, StringArray};
use arrow::datatypes::{Field, Schema};
use arrow::record_batch::RecordBatch;
use arrow::util::display::array_value_to_string;
use transload_model::{
    Claim, ColumnName, Counts, Destination, EntityName, Found, KeyBytes, KeyRange, KeyValue, LedgerWrite, LogicalType,
    Only, Patience, Phase, Position, QuarantineReason, ReadColumn, ReadRequest, Refusal, Relation, RunId, Settle,
    SnapshotReader, SourceBatch, TableName, Unit,
};

pub(crate) fn table(name: &str) -> TableName {
    TableName::parse(name).unwrap()
}

pub(crate) fn column(name: &str) -> ColumnName {
    ColumnName::parse(name).unwrap()
}

pub(crate) fn columns(names: &[&str]) -> Vec<ColumnName> {
    names.iter().map(|name| column(name)).collect()
}

/// A request for columns; the first `key` of them are the key.
pub(crate) fn request(from: &str, columns: &[(&str, LogicalType)], key: usize) -> ReadRequest {
    let columns = columns.iter().map(|(name, logical)| ReadColumn { name: column(name), logical: *logical });
    ReadRequest {
        relation: Relation::all(table(from)),
        columns: columns.collect(),
        key: (0..key).collect(),
        range: KeyRange::default(),
        after: None,
        only: Only::All,
        batch_rows: 3,
    }
}

/// All batches of a read.
pub(crate) async fn read_all(reader: &mut dyn SnapshotReader, request: ReadRequest) -> Vec<SourceBatch> {
    reader.read(request).await.unwrap();
    let mut batches = Vec::new();
    while let Some(batch) = reader.next().await.unwrap() {
        batches.push(batch);
    }
    batches
}

/// Reads what fails on the way, and shows that the reader stays failed: whoever asks again is not told that there were no more rows.
pub(crate) async fn stays_failed(reader: &mut dyn SnapshotReader, request: ReadRequest) {
    reader.read(request.clone()).await.unwrap();
    let first = loop {
        match reader.next().await {
            Ok(batch) => assert!(batch.is_some(), "a read that fails has no end"),
            Err(problem) => break problem,
        }
    };
    for again in 0..2 {
        assert_eq!(reader.next().await.unwrap_err().headline, first.headline, "asked {again} times more");
    }
    assert_eq!(reader.read(request).await.unwrap_err().headline, first.headline);
    assert_eq!(reader.next().await.unwrap_err().headline, first.headline);
}

/// The cells of each row as text.
pub(crate) fn lines(batches: &[SourceBatch]) -> Vec<String> {
    let mut lines = Vec::new();
    for batch in batches {
        for row in 0..batch.rows.num_rows() {
            let cell = |column: &ArrayRef| match column.is_null(row) {
                true => "NULL".to_owned(),
                false => array_value_to_string(column, row).unwrap(),
            };
            lines.push(batch.rows.columns().iter().map(cell).collect::<Vec<_>>().join(" "));
        }
    }
    lines
}

/// What a destination says of each row: `-` where it has none, else the numbers of the columns that differ.
pub(crate) async fn compared(destination: &dyn Destination, key: &[&str], rows: &RecordBatch) -> Vec<String> {
    let held = destination.compare(&table("t"), &columns(key), rows).await.unwrap();
    let told = |held: &transload_model::Held| match held {
        transload_model::Held::Nothing => "-".to_owned(),
        transload_model::Held::Row(differing) => format!("{differing:?}"),
    };
    held.iter().map(told).collect()
}

/// A statement that sets rows aside, in the ledger's table of this name, where keys are of this type.
pub(crate) fn set_aside(table: &str, bytes: &str) -> String {
    const ROWS: [[&str; 4]; 6] = [
        ["people", "PARENT_MISSING", "'boss'", "null"],
        ["people", "PARENT_MISSING", "'boss'", "'ada'"],
        ["people", "PARENT_MISSING", "'home'", "null"],
        ["people", "CONSTRAINT_CHECK", "null", "null"],
        ["people", "PARENT_MISSING", "'boss'", "null"],
        ["orders", "PARENT_MISSING", "'boss'", "'ada'"],
    ];
    let row = |(number, [entity, code, field, by]): (usize, &[&str; 4])| {
        let (at, status) = ("'2026-01-01T00:00:00Z'", if *by == "null" { "open" } else { "discarded" });
        let decided = if *by == "null" { "null" } else { at };
        format!(
            "('{entity}', cast('{number}' as {bytes}), '{number}', 'load', '{code}', {field}, 'why', 'run', 1, {at}, {at}, '{status}', {by}, {by}, {decided})"
        )
    };
    let rows: Vec<String> = ROWS.iter().enumerate().map(row).collect();
    format!(
        "insert into {table} (entity_type, key, source_key, stage, code, field, message, run_id, attempts, created_at, updated_at, \
         status, reason, decided_by, decided_at) values {}",
        rows.join(", ")
    )
}

/// Shows that a destination counts these rows by their reasons.
pub(crate) async fn assert_reasons_are_counted(destination: &dyn Destination) {
    let reasons = async |entity: Option<&str>| {
        let entity = entity.map(|name| EntityName::parse(name).unwrap());
        let told = |reason: &QuarantineReason| {
            let field = reason.field.as_ref().map_or("-", ColumnName::as_str);
            format!("{} {} {field} {} {}", reason.entity, reason.code.info().word, reason.rows, reason.discarded)
        };
        let found = destination.quarantine_reasons(entity.as_ref()).await.unwrap();
        found.iter().map(told).collect::<Vec<String>>()
    };
    let all = [
        "orders PARENT_MISSING boss 1 1",
        "people CONSTRAINT_CHECK - 1 0",
        "people PARENT_MISSING boss 3 1",
        "people PARENT_MISSING home 1 0",
    ];
    assert_eq!(reasons(None).await, all);
    assert_eq!(reasons(Some("people")).await, all[1..]);
    assert_eq!(reasons(Some("pets")).await, [""; 0]);
}

/// Keys to ask for, ascending as a request wants them.
pub(crate) fn only_keys(keys: &[&[KeyValue<'_>]]) -> Only {
    let mut keys: Vec<KeyBytes> = keys.iter().map(|parts| KeyBytes::encode(parts)).collect();
    keys.sort();
    Only::Keys(keys.into())
}

pub(crate) fn integer(value: i64) -> KeyValue<'static> {
    KeyValue::Integer(value)
}

pub(crate) fn text(value: &'static str) -> KeyValue<'static> {
    KeyValue::Text(value.into())
}

/// Rows of one integer column `id` and text columns.
pub(crate) fn rows(ids: &[i64], texts: &[(&str, &[Option<&str>])]) -> RecordBatch {
    let mut arrays: Vec<(&str, ArrayRef)> = vec![("id", Arc::new(Int64Array::from(ids.to_vec())))];
    for (name, values) in texts {
        arrays.push((name, Arc::new(StringArray::from(values.to_vec()))));
    }
    batch(arrays)
}

/// Rows of any columns.
pub(crate) fn batch(arrays: Vec<(&str, ArrayRef)>) -> RecordBatch {
    let fields = arrays.iter().map(|(name, array)| Field::new(*name, array.data_type().clone(), true));
    let schema = Schema::new(fields.collect::<Vec<_>>());
    RecordBatch::try_new(Arc::new(schema), arrays.into_iter().map(|(_, array)| array).collect()).unwrap()
}

/// A destination whose fence over the table `people` is taken.
pub(crate) struct Held {
    pub(crate) destination: Arc<dyn Destination>,
    pub(crate) run: RunId,
    pub(crate) epoch: u64,
}

impl Held {
    pub(crate) async fn new(destination: Arc<dyn Destination>) -> Self {
        let run = RunId::generate(&transload_model::SystemClock::new());
        let epoch = take(&*destination, run, 0).await;
        Self { destination, run, epoch }
    }

    /// A unit that has nothing to write yet.
    pub(crate) fn unit(&self) -> Unit {
        Unit {
            entity: EntityName::parse("people").unwrap(),
            table: table("people"),
            definition: None,
            key: columns(&["id"]),
            epoch: self.epoch,
            stream: 0,
            after: None,
            self_references: Vec::new(),
            referrers: Vec::new(),
            inserts: Vec::new(),
            updates: Vec::new(),
            deletes: Vec::new(),
            at: chrono::Utc::now(),
            max_retry_attempts: 0,
            patience: Patience::default(),
        }
    }

    /// Commits a unit; gives what was refused as `row code field`.
    pub(crate) async fn commit(&self, unit: Unit) -> Result<Vec<String>, Box<transload_model::Diagnostic>> {
        let refused = Arc::new(std::sync::Mutex::new(Vec::new()));
        let seen = Arc::clone(&refused);
        let position = self.position(unit.after.map_or(1, |seq| seq + 1));
        let settle: Settle = Arc::new(move |refusals: &[Refusal]| {
            *seen.lock().unwrap() = refusals.iter().map(shown).collect();
            LedgerWrite {
                position: position.clone(),
                stream: None,
                streams_removed: false,
                segments_removed: Vec::new(),
                segments_put: Vec::new(),
                segments_overlaid: Vec::new(),
                server_digests_put: Vec::new(),
                mappings_put: Vec::new(),
                mappings_removed: Vec::new(),
                quarantine_put: Vec::new(),
                quarantine_removed: Vec::new(),
                quarantine_discarded: None,
            }
        });
        self.destination.commit(unit, settle).await?;
        let refused = refused.lock().unwrap().clone();
        Ok(refused)
    }

    fn position(&self, seq: u64) -> Position {
        Position {
            entity: EntityName::parse("people").unwrap(),
            run: self.run,
            seq,
            phase: Phase::Loading,
            cursor: Some(KeyBytes::encode(&[integer(1)])),
            counts: Counts::default(),
            gained: 0,
            freed: 0,
            freed_seen: 0,
            destination_table: table("people"),
            parents_seen: std::collections::BTreeMap::new(),
            lookups_seen: std::collections::BTreeMap::new(),
            found: Found {
                is_partial: true,
                bound: Some(-7),
                audited: Some(KeyBytes::encode(&[integer(3)])),
                audits: 2,
                masks: 5,
            },
            plan_fingerprint: 1,
            mapped_fingerprint: 2,
            key_fingerprint: 3,
            read_fingerprint: 4,
        }
    }
}

/// Takes the fence over `people`; gives its epoch.
pub(crate) async fn take(destination: &dyn Destination, run: RunId, seen: u64) -> u64 {
    let claim =
        Claim { run, tables: vec![(table("people"), seen)], at: chrono::Utc::now(), digest_seed: 7, force: true };
    destination.take_fences(claim).await.unwrap()[0].epoch
}

fn shown(refusal: &Refusal) -> String {
    let field = refusal.field.as_ref().map_or("-", |field| field.as_str());
    format!("{:?} {} {} {field}", refusal.kind, refusal.row, refusal.code.info().word)
}
