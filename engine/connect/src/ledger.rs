//! What the ledgers of all systems have in common: how positions and quarantine are spelled, and what is said about them.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use transload_model::{
    Code, ColumnName, DISCARDED, Decision, Diagnostic, EntityName, Found, HeldRow, Holder, KeyBytes, KeyRange,
    LedgerState, OPEN, Phase, Position, QuarantineReason, QuarantineRow, Referrer, Refusal, Result, SegmentPart,
    ServerDigest, Stage, StreamPosition, TableName, WriteKind,
};

/// The version of the tables that this code reads and writes.
pub(crate) const VERSION: &str = "3";

/// What the ledger says of one stream: the entity itself, or one of several.
pub(crate) enum Told {
    Entity(Box<Position>),
    Stream(EntityName, StreamPosition),
}

/// The part of a position's row that says which keys are its own.
#[derive(Default)]
pub(crate) struct RangeRow {
    pub(crate) from: Option<Vec<u8>>,
    pub(crate) to: Option<Vec<u8>>,
    pub(crate) done: bool,
}

impl RangeRow {
    pub(crate) fn of(stream: &StreamPosition) -> Self {
        let bytes = |key: &Option<KeyBytes>| key.as_ref().map(|key| key.as_bytes().to_vec());
        Self { from: bytes(&stream.range.from), to: bytes(&stream.range.to), done: stream.done }
    }
}

/// Columns that refer to a row, for messages.
pub(crate) fn shown_referrer(referrer: &Referrer) -> String {
    let columns: Vec<&str> = referrer.columns.iter().map(ColumnName::as_str).collect();
    format!("`{}`.`{}`", referrer.table, columns.join("`, `"))
}

/// What tells columns in which rules look from parents, whose names hold no colon.
const LOOKUP: char = ':';

/// A position as its row spells it. Numbers are 64-bit and signed everywhere.
pub(crate) struct PositionRow {
    pub(crate) entity: String,
    pub(crate) table: String,
    pub(crate) run: String,
    pub(crate) seq: i64,
    pub(crate) phase: String,
    pub(crate) cursor: Option<Vec<u8>>,
    pub(crate) counts: String,
    pub(crate) gained: i64,
    pub(crate) freed: i64,
    pub(crate) freed_seen: i64,
    pub(crate) parents_seen: String,
    pub(crate) found: String,
    pub(crate) plan_fingerprint: String,
    pub(crate) mapped_fingerprint: String,
    pub(crate) key_fingerprint: String,
    pub(crate) read_fingerprint: String,
}

/// What the next run has to know about where the last looked, as it is stored: what is not said is not there.
#[derive(Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct FoundRow {
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    partial: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    bound: Option<i64>,
    /// The bytes of a key, in hexadecimal digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    audited: Option<String>,
    #[serde(skip_serializing_if = "is_zero")]
    audits: u32,
    /// In hexadecimal digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    masks: Option<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl FoundRow {
    fn of(found: &Found) -> String {
        let digits = |key: &KeyBytes| key.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        let audited = found.audited.as_ref().map(digits);
        let masks = (found.masks != 0).then(|| hex(found.masks));
        let row = Self { partial: found.is_partial, bound: found.bound, audited, audits: found.audits, masks };
        serde_json::to_string(&row).unwrap_or_default()
    }

    fn read(text: &str) -> Option<Found> {
        let row: Self = serde_json::from_str(text).ok()?;
        let byte = |digits: &[u8]| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok();
        let bytes = |digits: &String| digits.as_bytes().chunks(2).map(byte).collect::<Option<Vec<u8>>>();
        let audited = match &row.audited {
            Some(digits) => Some(KeyBytes::from_encoded(&bytes(digits)?)),
            None => None,
        };
        let masks = row.masks.as_deref().map_or(Some(0), unhex)?;
        Some(Found { is_partial: row.partial, bound: row.bound, audited, audits: row.audits, masks })
    }
}

impl PositionRow {
    pub(crate) fn of(position: &Position) -> Self {
        let parents = position.parents_seen.iter().map(|(name, gained)| (name.to_string(), *gained));
        let lookups = position.lookups_seen.iter().map(|(name, digest)| (format!("{LOOKUP}{name}"), *digest));
        let seen: BTreeMap<String, u64> = parents.chain(lookups).collect();
        Self {
            entity: position.entity.to_string(),
            table: position.destination_table.to_string(),
            run: position.run.to_string(),
            seq: signed(position.seq),
            phase: position.phase.as_str().to_owned(),
            cursor: position.cursor.as_ref().map(|key| key.as_bytes().to_vec()),
            counts: serde_json::to_string(&position.counts).unwrap_or_default(),
            gained: signed(position.gained),
            freed: signed(position.freed),
            freed_seen: signed(position.freed_seen),
            parents_seen: serde_json::to_string(&seen).unwrap_or_default(),
            found: FoundRow::of(&position.found),
            plan_fingerprint: hex(position.plan_fingerprint),
            mapped_fingerprint: hex(position.mapped_fingerprint),
            key_fingerprint: hex(position.key_fingerprint),
            read_fingerprint: hex(position.read_fingerprint),
        }
    }

    /// # Errors
    /// `TL0502` where a stored word or text is not one that was written.
    pub(crate) fn read(self) -> Result<Position> {
        self.parse().ok_or_else(|| corrupted("stream positions"))
    }

    /// The same with the table's bare name, where it is in this schema; another schema's keeps its whole name, which no plan has.
    pub(crate) fn of_schema(self, schema: &str) -> Self {
        let table = match self.table.strip_prefix(schema).and_then(|rest| rest.strip_prefix('.')) {
            Some(table) => table.to_owned(),
            None => self.table,
        };
        Self { table, ..self }
    }

    /// As one of several streams, where its number says so.
    ///
    /// # Errors
    /// `TL0502` where a stored word or text is not one that was written.
    pub(crate) fn read_as(self, number: i32, range: RangeRow) -> Result<Told> {
        let position = self.read()?;
        let number = u32::try_from(number).map_err(|_| corrupted("stream positions"))?;
        if number == 0 {
            return Ok(Told::Entity(Box::new(position)));
        }
        let key = |bytes: Option<Vec<u8>>| bytes.map(|bytes| KeyBytes::from_encoded(&bytes));
        let stream = StreamPosition {
            number,
            run: position.run,
            seq: position.seq,
            range: KeyRange { from: key(range.from), to: key(range.to) },
            cursor: position.cursor,
            done: range.done,
        };
        Ok(Told::Stream(position.entity, stream))
    }

    fn parse(self) -> Option<Position> {
        let seen: BTreeMap<String, u64> = serde_json::from_str(&self.parents_seen).ok()?;
        let (mut parents_seen, mut lookups_seen) = (BTreeMap::new(), BTreeMap::new());
        for (name, number) in seen {
            match name.strip_prefix(LOOKUP) {
                Some(lookup) => drop(lookups_seen.insert(lookup.to_owned(), number)),
                None => drop(parents_seen.insert(EntityName::parse(&name).ok()?, number)),
            }
        }
        Some(Position {
            entity: EntityName::parse(&self.entity).ok()?,
            run: self.run.parse().ok()?,
            seq: u64::try_from(self.seq).ok()?,
            phase: Phase::parse(&self.phase)?,
            cursor: self.cursor.map(|bytes| KeyBytes::from_encoded(&bytes)),
            counts: serde_json::from_str(&self.counts).ok()?,
            gained: u64::try_from(self.gained).ok()?,
            freed: u64::try_from(self.freed).ok()?,
            freed_seen: u64::try_from(self.freed_seen).ok()?,
            destination_table: TableName::parse(&self.table).ok()?,
            parents_seen,
            lookups_seen,
            found: FoundRow::read(&self.found)?,
            plan_fingerprint: unhex(&self.plan_fingerprint)?,
            mapped_fingerprint: unhex(&self.mapped_fingerprint)?,
            key_fingerprint: unhex(&self.key_fingerprint)?,
            read_fingerprint: unhex(&self.read_fingerprint)?,
        })
    }
}

impl Told {
    pub(crate) fn put_into(self, state: &mut LedgerState) {
        match self {
            Self::Entity(position) => drop(state.positions.insert(position.entity.clone(), *position)),
            Self::Stream(entity, stream) => state.streams.entry(entity).or_default().push(stream),
        }
    }
}

/// A row of the quarantine as it is stored.
pub(crate) struct QuarantinedRow {
    pub(crate) entity: String,
    pub(crate) key: Vec<u8>,
    pub(crate) stage: String,
    pub(crate) code: String,
    pub(crate) field: Option<String>,
    pub(crate) message: String,
    pub(crate) run: String,
    pub(crate) attempts: i64,
    /// Moments as RFC 3339.
    pub(crate) first_at: String,
    pub(crate) last_at: String,
    pub(crate) status: String,
    pub(crate) reason: Option<String>,
    pub(crate) decided_by: Option<String>,
    pub(crate) decided_at: Option<String>,
}

/// The columns of a row in quarantine, in this order; moments come as text.
pub(crate) const QUARANTINED: [&str; 14] = [
    "entity_type",
    "key",
    "stage",
    "code",
    "field",
    "message",
    "run_id",
    "attempts",
    "created_at",
    "updated_at",
    "status",
    "reason",
    "decided_by",
    "decided_at",
];

impl QuarantinedRow {
    /// # Errors
    /// `TL0502` where a stored word is not one that was written.
    pub(crate) fn read(self) -> Result<HeldRow> {
        self.parse().ok_or_else(|| corrupted("quarantine"))
    }

    fn parse(self) -> Option<HeldRow> {
        let discarded = match &*self.status {
            OPEN => None,
            DISCARDED => {
                let at = moment(&self.decided_at?)?;
                Some(Decision { reason: self.reason?, by: self.decided_by?, at })
            }
            _ => return None,
        };
        let row = QuarantineRow {
            entity: EntityName::parse(&self.entity).ok()?,
            key: KeyBytes::from_encoded(&self.key),
            stage: Stage::parse(&self.stage)?,
            code: Code::find(&self.code)?,
            field: self.field.and_then(|field| ColumnName::parse(&field).ok()),
            message: self.message,
            run: self.run.parse().ok()?,
        };
        let attempts = u64::try_from(self.attempts).ok()?;
        Some(HeldRow { row, attempts, first_at: moment(&self.first_at)?, last_at: moment(&self.last_at)?, discarded })
    }
}

/// Rows in quarantine by entity, code and field: how many, and how many of them are discarded.
pub(crate) const REASONS: &str = "entity_type, code, field, count(*), count(*) filter (where status = 'discarded')";

/// # Errors
/// `TL0502` where a stored word is not one that was written.
pub(crate) fn reason(
    (entity, code, field): (String, String, Option<String>),
    (rows, discarded): (i64, i64),
) -> Result<QuarantineReason> {
    let parse = || {
        Some(QuarantineReason {
            entity: EntityName::parse(&entity).ok()?,
            code: Code::find(&code)?,
            field: field.and_then(|field| ColumnName::parse(&field).ok()),
            rows: u64::try_from(rows).ok()?,
            discarded: u64::try_from(discarded).ok()?,
        })
    };
    parse().ok_or_else(|| corrupted("quarantine"))
}

fn moment(text: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(text).ok().map(|moment| moment.to_utc())
}

/// A server's digest, where both of its parts are there.
pub(crate) fn server_digest(digest: Option<String>, kind: Option<String>) -> Option<ServerDigest> {
    Some(ServerDigest { kind: kind?, digest: digest? })
}

/// Counters and lengths, which stay far below the sign.
pub(crate) fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// Digests and fingerprints are stored as sixteen hexadecimal digits.
pub(crate) fn hex(value: u64) -> String {
    format!("{value:016x}")
}

pub(crate) fn unhex(text: &str) -> Option<u64> {
    u64::from_str_radix(text, 16).ok()
}

pub(crate) fn corrupted(what: &str) -> Box<Diagnostic> {
    Box::new(Diagnostic::new(Code::LedgerCorrupted, format!("the ledger's {what} cannot be read")))
}

/// The parts of a segment as they are read: content, digest, and how many there should be.
pub(crate) fn segment(parts: Vec<(Vec<u8>, String, i64)>) -> Result<Vec<SegmentPart>> {
    let is_whole = parts.iter().all(|(_, _, count)| usize::try_from(*count) == Ok(parts.len())) && !parts.is_empty();
    let parts = parts.into_iter().map(|(content, digest, _)| Some(SegmentPart { content, digest: unhex(&digest)? }));
    parts.collect::<Option<Vec<_>>>().filter(|_| is_whole).ok_or_else(|| corrupted("segments"))
}

/// Its tables.
pub(crate) const TABLES: [&str; 7] =
    ["meta", "fences", "stream_positions", "segments", "segment_parts", "migration_mappings", "quarantine"];

/// A table that somebody took away.
pub(crate) fn lacks(table: &str) -> Box<Diagnostic> {
    let code = Code::LedgerCorrupted;
    Box::new(Diagnostic::new(code, format!("the ledger lacks its table `{table}`")).help(code.info().remedy))
}

/// A problem with the ledger. Its tables are nobody else's to change.
pub(crate) fn told(mut problem: Box<Diagnostic>) -> Box<Diagnostic> {
    if problem.code == Code::SchemaDrift {
        (problem.code, problem.help) = (Code::LedgerCorrupted, Some(Code::LedgerCorrupted.info().remedy.to_owned()));
    }
    problem
}

/// Refuses a ledger of another version.
pub(crate) fn check_version(found: Option<&str>) -> Result<()> {
    if found == Some(VERSION) {
        return Ok(());
    }
    let headline = format!("the ledger has version {}, this Transload knows {VERSION}", found.unwrap_or("none"));
    let number = |text: &str| text.parse::<u32>().ok();
    let help = if found.and_then(number) < number(VERSION) {
        "no released Transload wrote it, and there is no way from it to this one: empty the destination's tables, drop the ledger (docs/ledger.md says how), and run again"
    } else {
        "use the version of Transload that wrote it, or a later one"
    };
    Err(Box::new(Diagnostic::new(Code::LedgerVersion, headline).help(help)))
}

/// A ledger that came into being after this run looked has another seed, and this run's digests mean nothing in it.
pub(crate) fn check_seed(found: Option<&str>, claimed: u64) -> Result<()> {
    if found == Some(&*claimed.to_string()) {
        return Ok(());
    }
    let headline = "another run created the ledger after this one had looked";
    Err(Box::new(Diagnostic::new(Code::Fenced, headline).help("run again")))
}

pub(crate) fn in_progress(table: &TableName, holder: &Holder) -> Box<Diagnostic> {
    let headline = format!("run {} holds `{table}`", holder.run.short());
    let help = "wait for it to end, or stop that process; then run again";
    Box::new(Diagnostic::new(Code::InProgress, headline).note(format!("it is {}", holder.name)).help(help))
}

/// A run that is to be given up, and is at work.
pub(crate) fn still_held(holder: &str) -> Box<Diagnostic> {
    let problem = Diagnostic::new(Code::InProgress, "the run is still at work on the destination");
    Box::new(problem.note(format!("it is {holder}")).help("wait for that process to stop, or end it; then try again"))
}

/// A process that has a transaction open which nobody else can end.
pub(crate) fn busy(holder: &str) -> Box<Diagnostic> {
    let problem = Diagnostic::new(Code::WriterStuck, "the destination's file is being written and stays locked");
    Box::new(problem.note(format!("it is {holder}")).help("end that process, or let it go on; then run again"))
}

pub(crate) fn taken_over(table: &TableName) -> Box<Diagnostic> {
    let headline = format!("another run took `{table}` over after this one had looked at it");
    Box::new(Diagnostic::new(Code::Fenced, headline))
}

pub(crate) fn fenced(table: &TableName) -> Box<Diagnostic> {
    let headline = format!("another run took `{table}` over; this unit was not written");
    Box::new(Diagnostic::new(Code::Fenced, headline))
}

/// A table whose definition changed while a run was at work. The unit that met it left no trace.
pub(crate) fn drifted(table: &TableName) -> Box<Diagnostic> {
    let headline = format!("`{table}` of the destination is not what it was when the run began");
    Box::new(Diagnostic::new(Code::SchemaDrift, headline).help(Code::SchemaDrift.info().remedy))
}

/// The refusal of a change that would hit several rows.
pub(crate) fn ambiguous(table: &TableName, (kind, row): (WriteKind, usize)) -> Refusal {
    let message = format!("several rows of `{table}` have its key, and nobody can say which of them is meant");
    Refusal { kind, row, code: Code::ConstraintOther, field: None, message }
}

/// A change that a table took and dropped.
pub(crate) fn swallowed(table: &TableName) -> Box<Diagnostic> {
    let headline = format!("`{table}` swallowed a change: a trigger or view of the destination drops it");
    Box::new(Diagnostic::new(Code::RowCountMismatch, headline))
}
