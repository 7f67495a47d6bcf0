//! What all entities of a run share.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use transload_model::{
    Catalog, Claim, Clock, Code, Column, ColumnName, ConnectionName, Destination, Diagnostic, EntityName, EntityPlan,
    Horizon, LedgerState, Plan, Position, Referrer, Result, RunId, Snapshot, SnapshotReader, StreamPosition, TableName,
    TransformContext, TransformFactory, table_changes,
};

use crate::claim::Claims;
use crate::cost::ScriptCosts;
use crate::event::EventSink;
use crate::fence::Fences;
use crate::lookup::Lookups;
use crate::marks::Marks;
use crate::reach::Reach;
use crate::start::{Job, Options};
use crate::stop::Stop;
use crate::unit::Gained;

/// Sources at one moment, by connection.
pub(crate) type Snapshots = BTreeMap<ConnectionName, Arc<dyn Snapshot>>;

/// What all entities of a run share.
pub(crate) struct Context {
    pub(crate) plan: Arc<Plan>,
    pub(crate) destination: Arc<dyn Destination>,
    pub(crate) factory: Arc<dyn TransformFactory>,
    pub(crate) transform_context: TransformContext,
    pub(crate) sink: Arc<dyn EventSink>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) stop: Stop,
    pub(crate) options: Options,
    pub(crate) reach: Reach,
    pub(crate) run: RunId,
    pub(crate) seed: u64,
    pub(crate) fences: Fences,
    /// Destination tables whose rows can refuse one another by other values than their key.
    pub(crate) colliding: BTreeSet<TableName>,
    snapshots: Snapshots,
    /// The destination's tables when the run began.
    held: Catalog,
    /// What the ledger said when the run began; of an entity that is taken up again, what it said then.
    ledger: RwLock<LedgerState>,
    gained: Mutex<Gained>,
    /// The number of the last unit that this process committed of each entity.
    committed: Mutex<BTreeMap<EntityName, u64>>,
    pub(crate) script_costs: ScriptCosts,
    /// Rows that came back and are marked as gone.
    pub(crate) marks: Marks,
    pub(crate) lookups: Lookups,
    pub(crate) claims: Claims,
}

impl Context {
    /// A reader of the run's one moment of the entity's source.
    pub(crate) async fn reader(&self, plan: &EntityPlan) -> Result<Box<dyn SnapshotReader>> {
        self.snapshot(plan)?.reader().await
    }

    /// How many entities can be read at a time, wherever they come from.
    pub(crate) fn reader_limit(&self) -> usize {
        self.snapshots.values().map(|snapshot| snapshot.reader_limit()).min().unwrap_or(1).max(1)
    }

    /// What is known of the moment at which the run sees the entity's source.
    pub(crate) fn horizon(&self, plan: &EntityPlan) -> Result<Horizon> {
        self.snapshot(plan).map(|snapshot| snapshot.horizon())
    }

    fn snapshot(&self, plan: &EntityPlan) -> Result<&Arc<dyn Snapshot>> {
        self.snapshots.get(&plan.source.connection).ok_or_else(|| {
            let headline = format!("no source was given for connection `{}`", plan.source.connection);
            Box::new(Diagnostic::new(Code::UnknownConnection, headline))
        })
    }

    /// What the destination's catalog gave as a table's definition when the run began.
    pub(crate) fn definition(&self, table: &TableName) -> Option<u64> {
        self.held.definitions.get(table).copied()
    }

    /// A column of a destination table as it was then.
    pub(crate) fn column(&self, table: &TableName, name: &ColumnName) -> Option<&Column> {
        self.held.table(table)?.column(name)
    }

    /// What is different about a destination table since the run began.
    pub(crate) async fn changes(&self, table: &TableName) -> Result<Vec<String>> {
        let now = self.destination.catalog().await?;
        let changes = table_changes(self.held.table(table), now.table(table));
        let mut changes: Vec<String> = changes.iter().map(ToString::to_string).collect();
        if changes.is_empty() && self.definition(table) != now.definitions.get(table).copied() {
            changes
                .push("a check, a default, a unique index, a trigger, a rule or a policy of it is another".to_owned());
        }
        Ok(changes)
    }

    /// The entity's position as it was when the run began with it.
    pub(crate) fn position(&self, entity: &EntityName) -> Option<Position> {
        self.ledger.read().unwrap_or_else(PoisonError::into_inner).positions.get(entity).cloned()
    }

    /// The position of an entity that this run began before it was interrupted, where its spec is still the same.
    pub(crate) fn goes_on(&self, plan: &EntityPlan) -> Option<Position> {
        let is_same =
            |position: &Position| position.plan_fingerprint == plan.plan_fingerprint && !position.found.is_partial;
        // Rows before the place where it stopped are asked for, too.
        let is_named = self.reach.rows(&plan.name).is_some();
        let from_start = self.options.remap || self.options.retry_quarantined.is_of(&plan.name) || is_named;
        self.position(&plan.name).filter(|position| position.run == self.run && !from_start).filter(is_same)
    }

    /// Streams that the ledger holds of an entity, whatever run they belong to.
    pub(crate) fn streams(&self, entity: &EntityName) -> Vec<StreamPosition> {
        let ledger = self.ledger.read().unwrap_or_else(PoisonError::into_inner);
        ledger.streams.get(entity).cloned().unwrap_or_default()
    }

    /// Looks at the ledger again, for an entity that this process left and takes up now.
    pub(crate) async fn look_again(&self, plan: &EntityPlan) -> Result<()> {
        let mut found = self.destination.ledger(std::slice::from_ref(&plan.destination.table)).await?;
        let mut ledger = self.ledger.write().unwrap_or_else(PoisonError::into_inner);
        ledger.positions.extend(found.positions.remove_entry(&plan.name));
        ledger.streams.remove(&plan.name);
        ledger.streams.extend(found.streams.remove_entry(&plan.name));
        Ok(())
    }

    /// Rows that each parent of the entity ever gained, as of now; those that are loaded later are among them.
    pub(crate) fn parents_gained(&self, plan: &EntityPlan) -> Gained {
        self.gained_of(plan.parents.iter().chain(plan.deferred.iter().map(|deferred| &deferred.parent)))
    }

    /// The same, with what leads into its circle through others.
    pub(crate) fn all_gained(&self, plan: &EntityPlan) -> Gained {
        let mut gained = self.parents_gained(plan);
        gained.extend(self.gained_of(self.plan.behind_circle(plan).into_iter()));
        gained
    }

    fn gained_of<'a>(&self, entities: impl Iterator<Item = &'a EntityName>) -> Gained {
        let gained = self.gained.lock().unwrap_or_else(PoisonError::into_inner);
        entities.map(|entity| (entity.clone(), gained.get(entity).copied().unwrap_or_default())).collect()
    }

    /// Columns that refer to the entity's key.
    pub(crate) fn referrers(&self, plan: &EntityPlan) -> Vec<Referrer> {
        self.plan.entities().iter().flat_map(|child| referrers(child, plan)).collect()
    }

    /// The number of the last unit that this process committed of each entity.
    pub(crate) fn committed(&self) -> BTreeMap<EntityName, u64> {
        self.committed.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn set_committed(&self, entity: &EntityName, seq: u64) {
        self.committed.lock().unwrap_or_else(PoisonError::into_inner).insert(entity.clone(), seq);
    }

    /// Says what an entity gained. Whether that is news comes back.
    pub(crate) fn set_gained(&self, entity: &EntityName, rows: u64) -> bool {
        self.gained.lock().unwrap_or_else(PoisonError::into_inner).insert(entity.clone(), rows) != Some(rows)
    }
}

/// The columns of `child` that refer to the key of `parent`.
fn referrers(child: &EntityPlan, parent: &EntityPlan) -> Vec<Referrer> {
    let one = |columns: Vec<ColumnName>| Referrer { table: child.destination.table.clone(), columns };
    let referred = child.fields.iter().filter_map(|field| Some((field, field.reference.as_ref()?)));
    let fields = referred.filter(|(_, reference)| reference.entity == parent.name);
    if parent.key.destination.len() == 1 {
        return fields.map(|(field, _)| one(vec![field.destination.clone()])).collect();
    }
    // Of a key of several columns, those belong together that look up the same; where one of them is not taken, the row names no row.
    let mut lookups: BTreeMap<String, BTreeMap<usize, ColumnName>> = BTreeMap::new();
    for (field, reference) in fields {
        let lookup = lookups.entry(format!("{:?} {:?}", field.sources, field.calls)).or_default();
        lookup.insert(parent.position_of(reference), field.destination.clone());
    }
    let whole = lookups.into_values().filter(|columns| columns.len() == parent.key.destination.len());
    whole.map(|columns| one(columns.into_values().collect())).collect()
}

/// Of a run that can begin.
pub(crate) fn context(
    job: Job,
    (snapshots, held): (Snapshots, Catalog),
    (ledger, takes_over): (LedgerState, bool),
    (run, tables): (RunId, Vec<(TableName, u64)>),
) -> Context {
    // A new ledger digests with a seed of its own, so that no one can prepare rows that collide.
    let own = || twox_hash::XxHash3_64::oneshot(run.to_string().as_bytes());
    let seed = if ledger.exists { ledger.digest_seed } else { job.reach.digest_seed().unwrap_or_else(own) };
    let claim = Claim { run, tables, at: job.clock.now(), digest_seed: seed, force: takes_over };
    let gained = ledger.positions.iter().map(|(name, position)| (name.clone(), position.gained)).collect();
    Context {
        lookups: Lookups::of(job.plan.entities(), seed),
        claims: Claims::of(job.plan.entities()),
        colliding: colliding(&job.plan, &held),
        held,
        plan: job.plan,
        fences: Fences::new(Arc::clone(&job.destination), claim),
        destination: job.destination,
        factory: job.factory,
        transform_context: job.transform_context,
        sink: job.sink,
        clock: job.clock,
        stop: job.stop,
        options: job.options,
        reach: job.reach,
        run,
        seed,
        snapshots,
        ledger: RwLock::new(ledger),
        gained: Mutex::new(gained),
        committed: Mutex::default(),
        script_costs: ScriptCosts::default(),
        marks: Marks::default(),
    }
}

/// Destination tables in which rows with different keys can refuse one another: by another unique constraint, or because the primary key
/// is not what the plan takes for the key.
fn colliding(plan: &Plan, held: &Catalog) -> BTreeSet<TableName> {
    let collides = |entity: &&EntityPlan| {
        held.table(&entity.destination.table).is_some_and(|table| {
            let mut keys = [table.primary_key.clone(), entity.key.destination.clone()];
            keys.iter_mut().for_each(|key| key.sort());
            table.side_effects.secondary_unique || keys[0] != keys[1]
        })
    };
    plan.entities().iter().filter(collides).map(|entity| entity.destination.table.clone()).collect()
}
