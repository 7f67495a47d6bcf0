//! What moved under a project: tables that are not as `transload.lock` says, and what that means to its specs.
//!
//! A comparison knows no specs, and a database may change in a hundred ways that touch none of them. So each change has a weight, which is said
//! once, here, and holds for everyone: for a plan, which is refused where a change breaks, and for whoever asks what changed.

mod blame;
mod judge;
mod star;
mod suggest;
mod uses;

use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

pub use transload_model::Side;
use transload_model::{ConnectionName, EntityName, Fix, SourceFile, Table, TableChange, TableName, table_changes};

use crate::compile::{Scope, targets};
use crate::decode::Spec;
use crate::problems::Place;
pub(crate) use blame::{LOCKED_ELSEWHERE, settle};
use judge::{End, Verdict, judge};
use suggest::Proposal;

/// How much a change matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// Nothing that is moved is touched.
    Safe,
    /// A run goes on, and a person should decide whether it should.
    Look,
    /// A run cannot go on, or must not.
    Breaks,
}

/// Something that is not as the lock says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drift {
    /// The end.
    pub side: Side,
    /// Its connection.
    pub connection: ConnectionName,
    /// The table; of a query, the name that its spec gives it.
    pub table: TableName,
    /// The entity whose query it is about; none where it is about a table.
    pub query: Option<EntityName>,
    /// What is different.
    pub change: TableChange,
    /// How much that matters.
    pub weight: Weight,
    /// Why.
    pub why: String,
    /// Whether loaded rows were told apart by what it was: no lock makes up for that.
    pub is_of_key: bool,
    /// Entities whose specs name the table.
    pub entities: BTreeSet<EntityName>,
    /// What of the specs it touches.
    pub touches: Vec<Touched>,
    /// What could be written in place of what it touches.
    pub suggestions: Vec<Suggestion>,
}

/// A place of a spec.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Touched {
    /// The file.
    pub file: Arc<SourceFile>,
    /// Bytes of it.
    pub span: Range<usize>,
}

/// What to do about a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Suggestion {
    /// An edit of a spec.
    Edit(Fix),
    /// What no machine should write: a sentence.
    Words(String),
}

impl Touched {
    /// `specs/patients.yaml:20`
    #[must_use]
    pub fn place(&self) -> String {
        format!("{}:{}", self.file.path, self.file.position(self.span.start).0)
    }
}

impl Drift {
    /// `legacy.patients.sex`, or `legacy.patients` where it is about the table: the name by which it is accepted.
    #[must_use]
    pub fn path(&self) -> String {
        match self.change.column() {
            Some(column) => format!("{}.{}.{column}", self.connection, self.table),
            None => format!("{}.{}", self.connection, self.table),
        }
    }
}

impl fmt::Display for Weight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Safe => "safe",
            Self::Look => "look",
            Self::Breaks => "breaks",
        })
    }
}

/// A change, and every place where a problem may stand that comes of it.
pub(crate) struct Judged {
    pub(crate) drift: Drift,
    related: Vec<Place>,
    proposals: Vec<(usize, Proposal)>,
}

/// A table as the lock has it, and as it is.
struct Compared<'a> {
    side: Side,
    name: &'a TableName,
    before: &'a Table,
    now: Option<&'a Table>,
    query: Option<&'a EntityName>,
    specs: Vec<&'a Spec>,
}

/// Everything that is not as the lock says. Nothing where there is no lock, where it is of another system, or where it is what was looked at.
pub(crate) fn found(scope: &Scope<'_>) -> Vec<Judged> {
    if scope.is_offline {
        return Vec::new();
    }
    let mut found: Vec<Judged> = compared(scope).iter().flat_map(|table| judged(scope, table)).collect();
    suggest::settle(scope, &mut found);
    found
}

fn compared<'a>(scope: &Scope<'a>) -> Vec<Compared<'a>> {
    let mut tables = Vec::new();
    let Some(lock) = scope.lock else { return tables };
    for (side, connection, catalog) in [
        (Side::Source, scope.project.source(), scope.source),
        (Side::Destination, scope.project.destination(), scope.destination),
    ] {
        let (Some(catalog), Some(locked)) = (catalog, lock.catalogs().get(connection)) else { continue };
        for name in locked.tables.keys() {
            let Some(before) = lock.table(scope.project, connection, name) else { continue };
            let specs = scope.specs.iter().filter(|spec| names(scope, spec, side, name)).collect();
            tables.push(Compared { side, name, before, now: catalog.table(name), query: None, specs });
        }
    }
    for spec in scope.specs.iter().filter(|spec| spec.is_query()) {
        let before = lock.query(scope.project, scope.project.source(), &spec.entity.value);
        let now = scope.source.and_then(|catalog| catalog.written.get(&spec.entity.value));
        if let (Some(before), Some(now)) = (before, now) {
            let (name, query, now) = (&spec.source_table.value, Some(&spec.entity.value), now.as_ref().ok());
            tables.push(Compared { side: Side::Source, name, before, now, query, specs: vec![spec] });
        }
    }
    tables
}

/// Whether a spec reads the table, writes it, or has a rule that looks in it.
fn names(scope: &Scope<'_>, spec: &Spec, side: Side, table: &TableName) -> bool {
    match side {
        Side::Source => !spec.is_query() && spec.source_table.value == *table,
        Side::Destination => spec.destination_table.value == *table || looks_in(scope, spec, table),
    }
}

fn looks_in(scope: &Scope<'_>, spec: &Spec, table: &TableName) -> bool {
    targets(scope.destination, spec).any(|target| target.table.value == *table)
}

fn judged<'a>(scope: &Scope<'a>, table: &Compared<'a>) -> Vec<Judged> {
    let connection = match table.side {
        Side::Source => scope.project.source(),
        Side::Destination => scope.project.destination(),
    };
    let changes = match (table.query, table.now) {
        (Some(_), None) => vec![TableChange::Refused],
        _ => table_changes(Some(table.before), table.now),
    };
    if changes.is_empty() {
        return Vec::new();
    }
    let end = |spec: &&'a Spec| End::new(scope, spec, table.side, (table.before, table.now));
    let ends: Vec<End<'_, '_>> = table.specs.iter().map(end).collect();
    let judged = |change: TableChange| {
        let mut judged = Judged {
            drift: Drift {
                side: table.side,
                connection: connection.clone(),
                table: table.name.clone(),
                query: table.query.cloned(),
                change,
                weight: Weight::Safe,
                why: String::new(),
                is_of_key: false,
                entities: table.specs.iter().map(|spec| spec.entity.value.clone()).collect(),
                touches: Vec::new(),
                suggestions: Vec::new(),
            },
            related: Vec::new(),
            proposals: Vec::new(),
        };
        for end in &ends {
            judged.add(end, judge(end, &judged.drift.change));
        }
        if judged.drift.why.is_empty() {
            judged.drift.why = "no spec names the table".to_owned();
        }
        judged
    };
    changes.into_iter().map(judged).collect()
}

impl Judged {
    /// Takes over what a change means to one more spec: the gravest counts, and every place.
    fn add(&mut self, end: &End<'_, '_>, mut verdict: Verdict) {
        let drift = &mut self.drift;
        if verdict.weight == Weight::Breaks && !end.spec.is_active {
            verdict.weight = Weight::Look;
            verdict.why += &format!("; `{}` is not active", end.spec.entity.value);
        }
        drift.is_of_key |= verdict.is_of_key && verdict.weight == Weight::Breaks;
        if drift.why.is_empty() || verdict.weight > drift.weight {
            (drift.weight, drift.why) = (verdict.weight, verdict.why);
        }
        let is_new = matches!(drift.change, TableChange::ColumnNew(_));
        if verdict.weight > Weight::Safe || !verdict.places.is_empty() || is_new {
            let spec = end.scope.specs.iter().position(|spec| std::ptr::eq(spec, end.spec)).unwrap_or_default();
            let proposals = suggest::proposals(end, &drift.change, verdict.weight);
            self.proposals.extend(proposals.into_iter().map(|proposal| (spec, proposal)));
        }
        for place in verdict.places {
            let touched = Touched { file: Arc::clone(&place.file), span: place.span.clone() };
            if !drift.touches.contains(&touched) {
                drift.touches.push(touched);
            }
            self.related.push(place);
        }
        self.related.extend(verdict.related);
    }
}
