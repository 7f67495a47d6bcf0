//! `baseline`: how many rows both ends have, and what the ledger says of them. Nothing is written, and no row is derived.
//!
//! A count says how far the destination is behind, and nothing of what its rows hold: that is what `verify` is for.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use transload_model::{
    Clock, Code, ConnectionName, Counted, Destination, Diagnostic, EntityName, EntityPlan, Entry, KeyBytes, KeyRange,
    KeyStrategy, Only, Plan, ReadColumn, ReadRequest, Relation, Result, Snapshot, SnapshotReader, Source,
};

use crate::entries::Entries;
use crate::rows::whole_keys;
use crate::start::millis;

/// Rows above which an estimate is taken, unless every row is to be counted.
const COUNTED: u64 = 10_000_000;

/// Keys of the source that are read at a time.
const BATCH_ROWS: usize = 8_192;

/// What is counted.
#[derive(Debug, Clone, Copy, Default)]
pub struct BaselineOptions {
    /// Count every row, however many there are.
    pub exact: bool,
    /// Compare the ledger with the keys of the source.
    pub mappings: bool,
}

/// Where an entity's destination is, by the number of its rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It has as many as the source.
    InSync,
    /// It has fewer.
    Behind,
    /// It has more.
    Ahead,
    /// The counts are estimates, and too near to each other to tell.
    Unknown,
}

/// What the ledger has of rows that are loaded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Mappings {
    /// Loaded rows whose new key the ledger should keep, and does not.
    pub missing: u64,
    /// Loaded rows whose source row is gone, or is not among those that the spec reads any more.
    pub orphaned: u64,
}

/// One entity.
#[derive(Debug, Clone)]
pub struct EntityBaseline {
    /// The entity.
    pub entity: EntityName,
    /// Rows that its spec reads.
    pub source: Counted,
    /// Rows of its destination table.
    pub destination: Counted,
    /// Rows in quarantine.
    pub quarantined: u64,
    /// What the ledger has of it, where that was asked for.
    pub mappings: Option<Mappings>,
}

impl EntityBaseline {
    /// Rows that the destination has fewer than the source; below zero where it has more.
    #[must_use]
    pub fn gap(&self) -> i64 {
        gap(self.source.rows, self.destination.rows)
    }

    /// What the counts say. A server's estimate of what a `where` selects, or of a table that it has yet to look at, may be far off: only a
    /// gap of more than half of all rows is believed of it.
    #[must_use]
    pub fn standing(&self) -> Standing {
        let (source, destination) = (self.source, self.destination);
        let is_estimate = source.is_estimate || destination.is_estimate;
        if is_estimate && source.rows.abs_diff(destination.rows) <= source.rows.max(destination.rows) / 2 {
            return Standing::Unknown;
        }
        match source.rows.cmp(&destination.rows) {
            Ordering::Equal => Standing::InSync,
            Ordering::Greater => Standing::Behind,
            Ordering::Less => Standing::Ahead,
        }
    }
}

/// `source - destination`, held within what an `i64` can be.
#[must_use]
pub fn gap(source: u64, destination: u64) -> i64 {
    let of = |rows: u64| i64::try_from(rows).unwrap_or(i64::MAX);
    if source >= destination { of(source - destination) } else { -of(destination - source) }
}

/// What was counted.
#[derive(Debug)]
pub struct Baseline {
    /// Entities, parents first.
    pub entities: Vec<EntityBaseline>,
    /// Wall clock.
    pub elapsed_ms: u64,
}

/// Counts the rows of some entities at both ends. Where there is no destination yet, it has none.
///
/// # Errors
/// What keeps an end from being counted.
pub async fn baseline(
    (plan, sources): (&Plan, &BTreeMap<ConnectionName, Arc<dyn Source>>),
    destination: Option<&dyn Destination>,
    (wanted, options): (&BTreeSet<EntityName>, BaselineOptions),
    clock: &dyn Clock,
) -> Result<Baseline> {
    let started = clock.monotonic();
    let mut snapshots: BTreeMap<ConnectionName, Arc<dyn Snapshot>> = BTreeMap::new();
    for (name, source) in sources {
        let own = plan.entities().iter().filter(|entity| entity.source.connection == *name);
        let relations: Vec<Relation> = own.map(EntityPlan::relation).collect();
        snapshots.insert(name.clone(), source.snapshot(&relations, 1).await?);
    }
    let mut quarantined = quarantined(destination).await?;
    let order = plan.waves().iter().flatten().map(|index| &plan.entities()[*index]);
    let mut entities = Vec::new();
    for entity in order.filter(|entity| wanted.contains(&entity.name)) {
        let Some(snapshot) = snapshots.get(&entity.source.connection) else { continue };
        let mut reader = snapshot.reader().await?;
        let source = counted(&mut *reader, &entity.relation(), options.exact).await?;
        let mut held = (Counted::default(), None);
        if let Some(destination) = destination {
            held = looked_at(entity, destination, (&mut *reader, options)).await?;
        }
        entities.push(EntityBaseline {
            entity: entity.name.clone(),
            source,
            destination: held.0,
            quarantined: quarantined.remove(&entity.name).unwrap_or_default(),
            mappings: held.1,
        });
    }
    Ok(Baseline { entities, elapsed_ms: millis(clock.monotonic() - started) })
}

async fn quarantined(destination: Option<&dyn Destination>) -> Result<BTreeMap<EntityName, u64>> {
    let mut counted = BTreeMap::new();
    let Some(destination) = destination else { return Ok(counted) };
    for reason in destination.quarantine_reasons(None).await? {
        *counted.entry(reason.entity).or_default() += reason.rows;
    }
    Ok(counted)
}

/// What the destination holds of an entity.
async fn looked_at(
    plan: &EntityPlan,
    destination: &dyn Destination,
    (source, options): (&mut dyn SnapshotReader, BaselineOptions),
) -> Result<(Counted, Option<Mappings>)> {
    let mut reader = destination.reader().await?;
    let relation = Relation::all(plan.destination.table.clone());
    let held = counted(&mut *reader, &relation, options.exact).await?;
    let mappings = match options.mappings {
        true => Some(mappings(plan, destination, source).await?),
        false => None,
    };
    Ok((held, mappings))
}

async fn counted(reader: &mut dyn SnapshotReader, relation: &Relation, exact: bool) -> Result<Counted> {
    let is_enough = |found: &Counted| !found.is_estimate || found.rows > COUNTED;
    if !exact && let Some(found) = reader.estimate(relation).await?.filter(is_enough) {
        return Ok(found);
    }
    Ok(Counted { rows: reader.count(relation).await?, is_estimate: false })
}

/// Compares what the ledger has as loaded with the keys of the source.
async fn mappings(
    plan: &EntityPlan,
    destination: &dyn Destination,
    source: &mut dyn SnapshotReader,
) -> Result<Mappings> {
    let entries = Entries::of(destination, &plan.name).await?;
    let mut loaded = Loaded { entries, held: Vec::new().into_iter() };
    let columns: Vec<ReadColumn> = plan.key.source.iter().map(|part| plan.reads[*part].clone()).collect();
    source
        .read(ReadRequest {
            relation: plan.relation(),
            key: (0..columns.len()).collect(),
            columns,
            range: KeyRange::default(),
            after: None,
            only: Only::All,
            batch_rows: BATCH_ROWS,
        })
        .await?;
    let mut found = Mappings::default();
    let mut present = Vec::new();
    let mut next = loaded.next().await?;
    let mut last: Option<KeyBytes> = None;
    while let Some(batch) = source.next().await? {
        for key in whole_keys(&batch.rows)? {
            check_order(plan, last.as_ref(), &key)?;
            while let Some(entry) = next.take_if(|entry| entry.key <= key) {
                found.orphaned += u64::from(entry.key < key);
                present.push(entry.key);
                found.missing += unknown(plan, destination, (&mut present, BATCH_ROWS)).await?;
                next = loaded.next().await?;
            }
            last = Some(key);
        }
    }
    while let Some(entry) = next.take() {
        found.orphaned += 1;
        present.push(entry.key);
        found.missing += unknown(plan, destination, (&mut present, BATCH_ROWS)).await?;
        next = loaded.next().await?;
    }
    found.missing += unknown(plan, destination, (&mut present, 1)).await?;
    Ok(found)
}

/// Of loaded rows, once there are so many, how many have no key in the ledger that should have one there.
async fn unknown(
    plan: &EntityPlan,
    destination: &dyn Destination,
    (keys, enough): (&mut Vec<KeyBytes>, usize),
) -> Result<u64> {
    if plan.key.strategy == KeyStrategy::Keep {
        keys.clear();
    }
    if keys.len() < enough {
        return Ok(0);
    }
    let known = destination.mappings(&plan.name, keys).await?;
    keys.clear();
    Ok(known.iter().filter(|known| known.is_none()).count() as u64)
}

/// The rows that the ledger has as loaded, by key.
struct Loaded<'a> {
    entries: Entries<'a>,
    held: std::vec::IntoIter<Entry>,
}

impl Loaded<'_> {
    async fn next(&mut self) -> Result<Option<Entry>> {
        loop {
            if let Some(entry) = self.held.by_ref().find(|entry| entry.present && !entry.key.is_unkeyed()) {
                return Ok(Some(entry));
            }
            let Some(segment) = self.entries.next(|head| head.present > 0).await? else { return Ok(None) };
            self.held = segment.into_iter();
        }
    }
}

fn check_order(plan: &EntityPlan, last: Option<&KeyBytes>, key: &KeyBytes) -> Result<()> {
    let (code, headline) = match last.map(|last| last.cmp(key)) {
        None | Some(Ordering::Less) => return Ok(()),
        Some(Ordering::Equal) => (Code::KeyNotUnique, format!("a key of `{}` occurs more than once", plan.name)),
        Some(Ordering::Greater) => {
            (Code::KeyOrder, format!("the source gives the keys of `{}` in another order than the ledger", plan.name))
        }
    };
    let place = format!("{} · table `{}`", plan.name, plan.source.table);
    Err(Box::new(Diagnostic::new(code, headline).at(place).help(code.info().remedy)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standing(source: (u64, bool), destination: (u64, bool)) -> Standing {
        let counted = |(rows, is_estimate)| Counted { rows, is_estimate };
        EntityBaseline {
            entity: EntityName::parse("a").unwrap(),
            source: counted(source),
            destination: counted(destination),
            quarantined: 0,
            mappings: None,
        }
        .standing()
    }

    #[test]
    fn counts_say_where_a_destination_is() {
        assert_eq!(standing((7, false), (7, false)), Standing::InSync);
        assert_eq!(standing((8, false), (7, false)), Standing::Behind);
        assert_eq!(standing((7, false), (8, false)), Standing::Ahead);
    }

    #[test]
    fn an_estimate_says_it_only_where_it_is_far_from_the_other_count() {
        for (source, destination) in [(20, 20), (20, 19), (19, 20), (20, 10), (10, 20)] {
            assert_eq!(standing((source, true), (destination, true)), Standing::Unknown, "{source} {destination}");
            assert_eq!(standing((source, true), (destination, false)), Standing::Unknown, "{source} {destination}");
            assert_eq!(standing((source, false), (destination, true)), Standing::Unknown, "{source} {destination}");
        }
        assert_eq!(standing((20, true), (9, false)), Standing::Behind);
        assert_eq!(standing((0, false), (20, true)), Standing::Ahead);
    }
}
