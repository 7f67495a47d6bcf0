//! What a run would move, found without moving it.
//!
//! It judges rows as a run does, with the same comparison, and of modified rows it asks the destination which columns would be written. It writes
//! nothing, anywhere; whoever listens may keep what was found, so that a run can be held to it.

mod coming;

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::JoinSet;
use transload_model::{
    Change, ChangeKind, ChangedFields, Code, Counts, DeletePolicy, DetectedEntity, DetectionPlan, Diagnostic,
    EntityName, EntityPlan, KeyBytes, KeyRange, Result, RowFault, SegmentHead,
};

use crate::context::Context;
use crate::derive::{Deriver, Work};
use crate::detect::{Equal, HashMerge, Policy, Scope, Verdict};
use crate::event::Event;
use crate::load::{Pass, passed};
use crate::policy::policy_with_orphans;
use crate::reach::NamedRows;
use crate::reading::Reading;
use crate::rows::Scored;
use crate::start::{Job, Prepared, millis, prepare};
use crate::unit::Stream;
use coming::Coming;

/// Changes that are handed over at once, about.
const TOLD_AT_ONCE: usize = 4_096;

/// Such parts of an entity that wait until all before it is told.
const PARTS_AHEAD: usize = 4;

/// Entities that wait for that, for each that may be looked at at a time.
const ENTITIES_AHEAD: usize = 8;

/// Who takes what is found.
pub trait ChangeSink: Send {
    /// Takes some changes: of one entity, new and modified rows in the order of their keys, those that are gone among them somewhere.
    fn take(&mut self, changes: Vec<Change>) -> impl Future<Output = Result<()>> + Send;
}

/// What was found.
#[derive(Debug)]
pub struct Detection {
    /// The seed of the changes' digests.
    pub digest_seed: u64,
    /// Entities, parents first.
    pub entities: Vec<DetectedEntity>,
    /// What the user should know beside.
    pub warnings: Vec<Diagnostic>,
    /// Wall clock.
    pub elapsed_ms: u64,
}

impl Detection {
    /// All entities together.
    #[must_use]
    pub fn totals(&self) -> Counts {
        let mut totals = Counts::default();
        for entity in &self.entities {
            totals += entity.counts;
        }
        totals
    }
}

/// Finds what a run of this job would move of some entities, several at a time. They are told of in their order, parents first.
///
/// Must be called in a runtime of several threads.
///
/// # Errors
/// What would keep the run from starting, or whatever kept a row from being judged.
pub async fn detect(job: Job, wanted: &BTreeSet<EntityName>, sink: &mut impl ChangeSink) -> Result<Detection> {
    let started = job.clock.monotonic();
    let Prepared { context, warnings, .. } = prepare(job).await?;
    let order = context.plan.waves().iter().flatten().map(|index| &context.plan.entities()[*index]);
    let is_meant = |plan: &&EntityPlan| wanted.contains(&plan.name) && context.reach.includes(&plan.name);
    let coming = Arc::new(Coming::of(wanted.iter().filter(|name| context.reach.includes(name))));
    let mut waiting: VecDeque<Arc<EntityPlan>> = order.filter(is_meant).cloned().map(Arc::new).collect();
    // An entity that waits until all before it is told keeps its reader meanwhile: it must not be the one that those wait for.
    let limit = context.plan.parallel_entity_limit().min(context.reader_limit());
    let slots = Arc::new(Semaphore::new(limit));
    let mut begun: VecDeque<Finding> = VecDeque::new();
    let mut entities = Vec::new();
    // They begin in their order, so that the one that is told of next never waits for a slot that a later one has.
    while !(waiting.is_empty() && begun.is_empty()) {
        let may_begin = !waiting.is_empty() && begun.len() < limit * ENTITIES_AHEAD;
        tokio::select! {
            slot = Arc::clone(&slots).acquire_owned(), if may_begin => {
                if let (Ok(slot), Some(plan)) = (slot, waiting.pop_front()) {
                    begun.push_back(Finding::begin((&context, &coming), plan, slot));
                }
            }
            changes = told_next(&mut begun), if !begun.is_empty() => match changes {
                Some(changes) => sink.take(changes).await?,
                None => entities.extend(ended(begun.pop_front()).await?),
            },
        }
    }
    let elapsed_ms = millis(context.clock.monotonic() - started);
    Ok(Detection { digest_seed: context.seed, entities, warnings, elapsed_ms })
}

/// An entity that is looked at.
struct Finding {
    changes: mpsc::Receiver<Vec<Change>>,
    task: JoinSet<Result<DetectedEntity>>,
}

impl Finding {
    fn begin(
        (context, coming): (&Arc<Context>, &Arc<Coming>),
        plan: Arc<EntityPlan>,
        slot: OwnedSemaphorePermit,
    ) -> Self {
        let (told, changes) = mpsc::channel(PARTS_AHEAD);
        let (context, coming) = (Arc::clone(context), Arc::clone(coming));
        let mut task = JoinSet::new();
        task.spawn(async move {
            let _slot = slot;
            find((&context, &coming), &plan, &told).await
        });
        Self { changes, task }
    }
}

/// The next changes of the first entity; none where all of it was told.
async fn told_next(begun: &mut VecDeque<Finding>) -> Option<Vec<Change>> {
    begun.front_mut()?.changes.recv().await
}

/// What was found of an entity of which all was told.
async fn ended(finding: Option<Finding>) -> Result<Option<DetectedEntity>> {
    let Some(mut finding) = finding else { return Ok(None) };
    match finding.task.join_next().await {
        Some(Ok(found)) => found.map(Some),
        Some(Err(error)) => {
            let headline = format!("an entity's task ended by itself: {error}");
            Err(Box::new(Diagnostic::new(Code::DestinationFailed, headline)))
        }
        None => Ok(None),
    }
}

/// Finds the changes of one entity.
async fn find(
    (context, coming): (&Arc<Context>, &Coming),
    plan: &Arc<EntityPlan>,
    told: &mpsc::Sender<Vec<Change>>,
) -> Result<DetectedEntity> {
    let started = context.clock.monotonic();
    // Before it has a reader of its own, of which there may be few.
    let may_come = coming.may_bring(context, plan).await?;
    let mut reading = Reading::open(context, plan).await?;
    let rows = reading.estimate().await?;
    context.sink.emit(&Event::EntityStarted { entity: plan.name.clone(), rows });
    let mut stream = Stream::new(context, plan);
    let (mut policy, mut reading) = policy_with_orphans(context, plan, (&mut stream, reading)).await?;
    policy.mark_deletes = true;
    policy.retry_orphaned |= may_come;
    let mut deriver = Deriver::new(context, plan).await?;
    let mut pass = Pass { context, plan, deriver: &mut deriver, stream: &mut stream };
    let (_, heads) = pass.heads().await?;
    let loaded = heads.iter().map(|head| head.present).sum();
    let mut merge = begin(&mut reading, policy, heads, (plan, context.reach.rows(&plan.name))).await?;
    let mut findings = Findings { context, plan, may_come, found: Vec::new(), counts: Counts::default() };
    while let Some(scored) = reading.next().await? {
        findings.judge(&mut pass, &mut merge, &scored).await?;
        findings.take_gone(&mut merge);
        findings.tell(told, TOLD_AT_ONCE).await;
    }
    while let Some(id) = merge.finish() {
        merge.give(pass.segment(id).await?);
        findings.take_gone(&mut merge);
        findings.tell(told, TOLD_AT_ONCE).await;
    }
    findings.take_gone(&mut merge);
    findings.tell(told, 1).await;
    Ok(DetectedEntity {
        entity: plan.name.clone(),
        counts: findings.counts,
        loaded,
        plan_fingerprint: plan.plan_fingerprint,
        applies_deletes: plan.deletes != DeletePolicy::Ignore,
        elapsed_ms: millis(context.clock.monotonic() - started),
    })
}

/// Begins to read, and to compare with what the ledger holds.
async fn begin(
    reading: &mut Reading,
    policy: Policy,
    heads: Vec<SegmentHead>,
    (plan, rows): (&EntityPlan, Option<&Arc<NamedRows>>),
) -> Result<HashMerge> {
    let scope = rows.map_or(Scope::Whole, |rows| Scope::Named(Arc::clone(rows)));
    let range = KeyRange::default();
    let equal = match scope {
        // What others changed at the destination, no digest of the source tells.
        _ if plan.detection == DetectionPlan::Full => Equal::default(),
        Scope::Whole => Equal::find(reading, &heads, (&range, policy, false)).await?,
        _ => Equal::default(),
    };
    let mut merge = HashMerge::within(scope.clone(), policy, heads, None);
    merge.gone_rows = Some(Vec::new());
    let ranges = equal.tell(&mut merge, range);
    reading.start_ranges(ranges, None, scope.only()).await?;
    Ok(merge)
}

/// What was found of one entity and not handed over yet.
struct Findings<'a> {
    context: &'a Context,
    plan: &'a EntityPlan,
    /// Whether rows that others of it miss may come in the same run.
    may_come: bool,
    found: Vec<Change>,
    counts: Counts,
}

impl Findings<'_> {
    /// Says of each row of a batch what it is, and of modified ones which columns they change.
    async fn judge(&mut self, pass: &mut Pass<'_>, merge: &mut HashMerge, scored: &Scored) -> Result<()> {
        let (mut new, mut modified) = (Vec::new(), Vec::new());
        let beside = pass.deriver.beside(scored, |key| self.context.reach.holds(&self.plan.name, key)).await?;
        for row in 0..scored.len() {
            let Some(key) = scored.key(row) else {
                self.counts.read += 1;
                self.counts.quarantined += 1;
                continue;
            };
            if !self.context.reach.holds(&self.plan.name, key) {
                continue;
            }
            self.counts.read += 1;
            merge.differs = beside.differs(row);
            match pass.judge(merge, key, scored.digest(row)).await? {
                Verdict::New(known) => new.push(Work { row, known, insert: true, counted: false }),
                Verdict::Modified(known) => {
                    modified.push(Work { row, known: Some(known), insert: false, counted: false });
                }
                Verdict::Unchanged | Verdict::Deferred => self.counts.unchanged += 1,
                Verdict::Untried | Verdict::Discarded => self.counts.quarantined += 1,
            }
        }
        let waiting = self.still_waiting(pass, (scored, &new)).await?;
        for work in new {
            if waiting.contains(&work.row) {
                self.counts.quarantined += 1;
            } else {
                self.counts.new += 1;
                self.add((ChangeKind::New, ChangedFields::NotAsked), (scored, work.row));
            }
        }
        self.counts.modified += modified.len() as u64;
        let differences = pass.deriver.differences(scored, &modified).await?;
        for (work, fields) in modified.iter().zip(differences) {
            self.add((ChangeKind::Modified, fields), (scored, work.row));
        }
        Ok(())
    }

    /// Rows that were set aside and would be tried again, only to be set aside again.
    async fn still_waiting(&self, pass: &mut Pass<'_>, (scored, new): (&Scored, &[Work])) -> Result<BTreeSet<usize>> {
        let tried: Vec<Work> = new.iter().filter(|work| work.known.is_some()).copied().collect();
        let compared = pass.deriver.compare(scored, &tried).await?;
        // A parent may come in the same run, also in its own table.
        let any_may_come = self.may_come || !self.plan.self_references().is_empty();
        let may_come = |code: Code| code == Code::ParentMissing && any_may_come;
        let waits = |fault: &Option<RowFault>| fault.as_ref().is_some_and(|fault| !may_come(fault.code));
        Ok(tried.iter().zip(&compared.faults).filter(|(_, fault)| waits(fault)).map(|(work, _)| work.row).collect())
    }

    fn add(&mut self, (kind, fields): (ChangeKind, ChangedFields), (scored, row): (&Scored, usize)) {
        let (entity, key, digest) = (self.plan.name.clone(), scored.identity(row), scored.digest(row));
        self.found.push(Change { entity, kind, key, digest, fields });
    }

    /// Takes what the merge found gone, and what it would have written.
    fn take_gone(&mut self, merge: &mut HashMerge) {
        let gone = merge.gone_rows.as_mut().map(std::mem::take).unwrap_or_default();
        self.counts.deleted += gone.len() as u64;
        self.counts += passed(merge);
        merge.write_nothing();
        let (entity, kind) = (&self.plan.name, ChangeKind::Deleted);
        let change = |(key, digest): (KeyBytes, u64)| Change {
            entity: entity.clone(),
            kind,
            key,
            digest,
            fields: ChangedFields::NotAsked,
        };
        self.found.extend(gone.into_iter().map(change));
    }

    /// Hands over what was found, where it is at least so much.
    async fn tell(&mut self, told: &mpsc::Sender<Vec<Change>>, least: usize) {
        self.context.sink.emit(&Event::Progress { entity: self.plan.name.clone(), counts: self.counts });
        if self.found.len() >= least {
            // Nobody listens any more where another entity failed, and then this one is about to be ended.
            drop(told.send(std::mem::take(&mut self.found)).await);
        }
    }
}
