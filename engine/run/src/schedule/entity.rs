//! The way of one entity: its rows, by what it detects changes with, and what they left open.

use std::sync::Arc;
use std::time::Duration;

use transload_model::{
    Code, CursorPlan, DeletePolicy, Diagnostic, EntityName, EntityPlan, EntityState, Outcome, Phase, Result,
};

use super::deletes::finish;
use super::moved::{Moved, ended, idle, report};
use crate::context::Context;
use crate::cursor;
use crate::derive::Deriver;
use crate::detect::{Policy, Rewrite, Scope};
use crate::event::Event;
use crate::load::Pass;
use crate::policy::{policy, policy_with_orphans};
use crate::reading::Reading;
use crate::streams::{self, Ranges};
use crate::unit::{Collisions, Stream};

/// An entity on its way.
pub(super) struct Way {
    context: Arc<Context>,
    plan: Arc<EntityPlan>,
    stream: Stream,
    /// With detecting, with transforming and with loading.
    spent: [Duration; 3],
}

/// Loads one entity, which this process may have left before. Its failure is its own.
pub(super) async fn move_entity(context: Arc<Context>, index: usize, again: bool) -> Moved {
    let plan = Arc::new(context.plan.entities()[index].clone());
    let started = context.clock.monotonic();
    if again && let Err(problem) = context.look_again(&plan).await {
        return idle(&context, index, EntityState::Failed, *problem);
    }
    let stream = Stream::new(&context, &plan);
    let mut way = Way { context, plan, stream, spent: Default::default() };
    let done = way.load().await;
    let Way { context, plan, stream, spent } = way.at_rest();
    let elapsed = context.clock.monotonic() - started;
    if done.is_ok() && !plan.deferred.is_empty() {
        let report = report(&context, index, EntityState::Moving, (stream.counts(), elapsed, None));
        return Moved { index, report, stream: Some(stream), spent, is_open: true };
    }
    ended(&context, index, (stream, spent), elapsed, done).await
}

/// Fills what an entity of a circle left open, now that the others are loaded.
pub(super) async fn fill_entity(context: Arc<Context>, open: Moved, lacking: Option<EntityName>) -> Moved {
    let index = open.index;
    let plan = Arc::new(context.plan.entities()[index].clone());
    let started = context.clock.monotonic();
    let stream = open.stream.unwrap_or_else(|| Stream::new(&context, &plan));
    let mut way = Way { context, plan, stream, spent: open.spent };
    let done = match lacking {
        Some(parent) if way.context.stop.of(&way.plan.name).is_none() => Err(kept_open(&way.plan, &parent)),
        _ => way.fill_later().await,
    };
    let Way { context, stream, spent, .. } = way.at_rest();
    let elapsed = Duration::from_millis(open.report.elapsed_ms) + (context.clock.monotonic() - started);
    ended(&context, index, (stream, spent), elapsed, done).await
}

/// Goes on with an entity that is loaded.
pub(super) async fn go_on<T: Default>(
    (context, plan): (&Arc<Context>, &Arc<EntityPlan>),
    moved: &mut Moved,
    work: impl AsyncFnOnce(&mut Way) -> Result<T>,
) -> Result<T> {
    let Some(stream) = moved.stream.take() else { return Ok(T::default()) };
    let mut way = Way { context: Arc::clone(context), plan: Arc::clone(plan), stream, spent: Default::default() };
    let done = work(&mut way).await;
    moved.spent[0] += way.spent[0];
    moved.spent[1] += way.spent[1];
    moved.stream = Some(way.stream);
    done
}

fn kept_open(plan: &EntityPlan, parent: &EntityName) -> Box<Diagnostic> {
    let headline = format!("`{}` keeps open what leads to `{parent}`, because that is not loaded", plan.name);
    Box::new(Diagnostic::new(Code::ParentFailed, headline).help(Code::ParentFailed.info().remedy))
}

impl Way {
    async fn load(&mut self) -> Result<()> {
        if self.stream.phase() == Phase::Loading {
            self.load_rows().await?;
        }
        if !self.plan.deferred.is_empty() {
            self.tell_gained();
            return Ok(());
        }
        self.first_pass_done();
        if self.stream.phase() == Phase::Filling {
            // What an interrupted process had begun to try again is not known here.
            self.fill(self.stream.goes_on()).await?;
        }
        self.settle().await
    }

    /// The second pass of an entity with fields that lead to entities which are loaded later.
    async fn fill_later(&mut self) -> Result<()> {
        if self.stream.phase() == Phase::Done {
            return self.settle().await;
        }
        if let Some(halt) = self.context.stop.of(&self.plan.name) {
            return Err(halt.problem(&self.plan.name));
        }
        self.first_pass_done();
        let mut deriver = self.deriver().await?;
        // Where rows were named, no others are tried.
        let may_find = self.context.reach.rows(&self.plan.name).is_none() && self.stream.later_parents_gained();
        let finds_orphans = may_find && self.pass(&mut deriver).has(Outcome::Orphaned).await?;
        if self.stream.phase() == Phase::Filling || finds_orphans {
            self.fill(self.stream.goes_on()).await?;
        } else {
            self.stream.sees_later_parents();
        }
        self.settle().await
    }

    /// The first pass tried all rows that miss one of their own entity. What the second brings, they have not seen.
    fn first_pass_done(&mut self) {
        if !self.stream.goes_on() {
            self.stream.tries_orphans();
        }
    }

    /// What is left once every row was tried: rows that wait for the value of another, and the judgement of how many failed.
    async fn settle(&mut self) -> Result<()> {
        self.try_waiting().await?;
        self.tell_gained();
        // Also where an interrupted run had loaded everything already.
        self.stream.judge().await
    }

    /// Tries rows again that wait for a value, now that rows of the entity are deleted or marked, and what misses them.
    pub(super) async fn settle_freed(&mut self) -> Result<()> {
        if self.plan.deletes == DeletePolicy::Ignore {
            return Ok(());
        }
        let has_freed = self.stream.counts().deleted > 0 && self.stream.has_freed();
        let mut deriver = self.deriver().await?;
        if has_freed && self.pass(&mut deriver).has(Outcome::Collided).await? {
            self.stream.collisions = Collisions::UNKNOWN;
            self.try_waiting().await?;
        }
        self.stream.judge().await
    }

    /// Tries rows again that miss a row of another entity, where one came that they have not seen.
    pub(super) async fn settle_late(&mut self) -> Result<()> {
        let is_named = self.context.reach.rows(&self.plan.name).is_some();
        let mut deriver = self.deriver().await?;
        if is_named || !self.stream.parents_gained() || !self.pass(&mut deriver).has(Outcome::Orphaned).await? {
            return Ok(());
        }
        self.stream.check_halt()?;
        self.stream.sees_parents();
        self.fill(true).await?;
        self.try_waiting().await?;
        self.stream.judge().await?;
        finish(&mut self.pass(&mut deriver)).await
    }

    /// Tries rows again that wait for a value or miss a row, together and with open references. Where any misses one, [`Self::fill_together`] must
    /// follow.
    pub(super) async fn try_together(&mut self) -> Result<bool> {
        let mut deriver = self.deriver().await?;
        if !self.pass(&mut deriver).has(Outcome::Orphaned).await? {
            return Ok(false);
        }
        self.stream.check_halt()?;
        let mut reading = self.reading().await?;
        let done = self.pass(&mut deriver).try_together(&mut reading).await;
        self.spend(&reading, &deriver);
        done.map(|()| true)
    }

    /// Fills what was left open, or takes it out again.
    pub(super) async fn fill_together(&mut self) -> Result<()> {
        self.fill(false).await?;
        self.try_waiting().await?;
        self.stream.judge().await?;
        let mut deriver = self.deriver().await?;
        finish(&mut self.pass(&mut deriver)).await
    }

    fn tell_gained(&self) {
        self.context.set_gained(&self.plan.name, self.stream.gained());
    }

    async fn try_waiting(&mut self) -> Result<()> {
        // Where rows were named, no others are tried.
        if self.stream.phase() != Phase::Done && self.context.reach.rows(&self.plan.name).is_none() {
            loop {
                self.settle_collisions().await?;
                if !self.try_orphans().await? {
                    break;
                }
            }
        }
        self.stream.collisions = Collisions::default();
        Ok(())
    }

    async fn settle_collisions(&mut self) -> Result<()> {
        let mut deriver = self.deriver().await?;
        if self.pass(&mut deriver).may_settle_collisions().await? {
            let mut reading = self.reading().await?;
            let done = self.pass(&mut deriver).settle_collisions(&mut reading).await;
            self.spend(&reading, &deriver);
            done?;
        }
        Ok(())
    }

    /// Tries rows once more that miss a row of their own entity, where one came in behind them. Says whether it did.
    async fn try_orphans(&mut self) -> Result<bool> {
        if !self.stream.may_have_parents() {
            return Ok(false);
        }
        self.stream.tries_orphans();
        let mut deriver = self.deriver().await?;
        let has_orphans = self.pass(&mut deriver).has(Outcome::Orphaned).await?;
        if has_orphans {
            self.fill(true).await?;
        }
        Ok(has_orphans)
    }

    /// The first pass, by one stream or several.
    async fn load_rows(&mut self) -> Result<()> {
        let plan = Arc::clone(&self.plan);
        let mut reading = self.reading().await?;
        let rows = reading.estimate().await?;
        self.context.sink.emit(&Event::EntityStarted { entity: plan.name.clone(), rows });
        if let Some(rows) = self.context.reach.rows(&plan.name) {
            let scope = Scope::Named(Arc::clone(rows));
            return self.load_whole(reading, &scope).await;
        }
        let lookups = self.context.lookups.look(&plan, &*self.context.destination).await?;
        if let Some(by) = cursor::usable(&self.context, &plan, policy(&self.context, &plan, &lookups)) {
            return self.load_by_cursor(reading, by).await;
        }
        self.stream.begin_to_see(self.context.horizon(&plan)?.safe);
        let ranges = Ranges::plan(&self.context, &plan, &self.stream, &mut reading).await?;
        if ranges.is_single() {
            self.load_whole(reading, &Scope::Whole).await
        } else {
            self.load_in_streams(reading, ranges).await
        }
    }

    async fn load_whole(&mut self, reading: Reading, scope: &Scope) -> Result<()> {
        let (policy, mut reading) = self.policy(reading).await?;
        let mut deriver = self.deriver().await?;
        let done = self.pass(&mut deriver).load(&mut reading, (policy, scope)).await;
        self.spend(&reading, &deriver);
        let (rewrite, to_fill) = done?;
        self.loaded(rewrite, to_fill).await
    }

    /// By the column that says when a row was written last.
    async fn load_by_cursor(&mut self, reading: Reading, by: (&CursorPlan, i64)) -> Result<()> {
        let (policy, mut reading) = self.policy(reading).await?;
        let mut deriver = self.deriver().await?;
        let (unkeyed, heads) = self.pass(&mut deriver).heads().await?;
        self.stream.known = unkeyed.iter().chain(&heads).map(|head| head.rows).sum();
        self.stream.set_partial(true);
        let done = cursor::load(self.pass(&mut deriver), &mut reading, policy, by).await;
        self.spend(&reading, &deriver);
        let (rewrite, to_fill) = done?;
        self.stream.set_partial(false);
        self.loaded(rewrite, to_fill).await
    }

    async fn load_in_streams(&mut self, reading: Reading, ranges: Ranges) -> Result<()> {
        let (policy, reading) = self.policy(reading).await?;
        // Its connection is one that a stream may need.
        drop(reading);
        let loaded = streams::load(&self.context, &self.plan, &mut self.stream, (ranges, policy)).await?;
        self.spent[0] += loaded.spent[0];
        self.spent[1] += loaded.spent[1];
        self.loaded(Rewrite::default(), loaded.to_fill).await
    }

    /// The last step of the first pass.
    async fn loaded(&mut self, rewrite: Rewrite, to_fill: bool) -> Result<()> {
        let phase = if to_fill { Phase::Filling } else { Phase::Loaded };
        self.stream.commit(rewrite, None, phase).await?;
        self.stream.judge().await
    }

    async fn fill(&mut self, again: bool) -> Result<()> {
        let mut reading = self.reading().await?;
        let mut deriver = self.deriver().await?;
        let done = self.pass(&mut deriver).fill(&mut reading, again).await;
        self.spend(&reading, &deriver);
        done
    }

    async fn reading(&self) -> Result<Reading> {
        Reading::open(&self.context, &self.plan).await
    }

    async fn deriver(&self) -> Result<Deriver> {
        Deriver::new(&self.context, &self.plan).await
    }

    async fn policy(&mut self, reading: Reading) -> Result<(Policy, Reading)> {
        policy_with_orphans(&self.context, &self.plan, (&mut self.stream, reading)).await
    }

    fn pass<'a>(&'a mut self, deriver: &'a mut Deriver) -> Pass<'a> {
        Pass { context: &self.context, plan: &self.plan, deriver, stream: &mut self.stream }
    }

    fn spend(&mut self, reading: &Reading, deriver: &Deriver) {
        self.spent[0] += reading.time;
        self.spent[1] += deriver.time;
    }

    fn at_rest(self) -> Self {
        let [detect, transform, _] = self.spent;
        Self { spent: [detect, transform, self.stream.load_time], ..self }
    }
}
