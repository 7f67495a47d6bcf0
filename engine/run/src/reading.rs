//! Reading a source table, scored.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use transload_model::{
    Diagnostic, DigestRequest, Drawn, EntityPlan, KeyBytes, KeyRange, Only, RangeDigest, ReadColumn, ReadRequest,
    Result, Selection, SnapshotReader, SourceBatch,
};

use crate::context::Context;
use crate::rows::{Digester, Scored, whole_keys};

/// Rows that are looked at to find where a table is to be cut, for each part.
const SAMPLES_EACH: usize = 500;

/// A reader of one entity's table, and the time that was spent with it.
pub(crate) struct Reading {
    context: Arc<Context>,
    plan: Arc<EntityPlan>,
    /// What is read of each row: the plan, or what it says of keys alone.
    read: Arc<EntityPlan>,
    digester: Digester,
    reader: Box<dyn SnapshotReader>,
    /// Ranges that are read after the one in hand, and the rows of them that are asked for.
    ranges: VecDeque<KeyRange>,
    only: Only,
    pub(crate) time: Duration,
}

impl Reading {
    pub(crate) async fn open(context: &Arc<Context>, plan: &Arc<EntityPlan>) -> Result<Self> {
        let reader = context.reader(plan).await?;
        Ok(Self {
            context: Arc::clone(context),
            plan: Arc::clone(plan),
            read: Arc::clone(plan),
            digester: Digester::of(plan, context.transform_context.mask_key.as_ref(), context.seed)?,
            reader,
            ranges: VecDeque::new(),
            only: Only::All,
            time: Duration::ZERO,
        })
    }

    /// About how many rows the table has, for progress.
    pub(crate) async fn estimate(&mut self) -> Result<Option<u64>> {
        Ok(self.reader.estimate(&self.plan.relation()).await?.map(|found| found.rows))
    }

    /// Whether a row outside of the range that was asked for is a mistake of the source.
    pub(crate) fn keeps_to_ranges(&self) -> bool {
        self.reader.keeps_to_ranges()
    }

    /// Keys that cut the table into about equal parts.
    pub(crate) async fn split(&mut self, parts: usize) -> Result<Vec<KeyBytes>> {
        let key: Vec<ReadColumn> = self.plan.key.source.iter().map(|part| self.plan.reads[*part].clone()).collect();
        let sample = self.reader.sample(&self.plan.relation(), &key, (parts * SAMPLES_EACH, Drawn::Quickly)).await?;
        let keys = sample.map_or(Ok(Vec::new()), |sample| whole_keys(&sample))?;
        let mut cuts: Vec<KeyBytes> =
            (1..parts).filter_map(|cut| keys.get(keys.len() * cut / parts).cloned()).collect();
        cuts.dedup();
        Ok(cuts)
    }

    /// Begins with the first row of a range, or behind a key.
    pub(crate) async fn start(&mut self, range: KeyRange, after: Option<KeyBytes>) -> Result<()> {
        self.start_ranges(vec![range], after, Only::All).await
    }

    async fn start_range(&mut self, range: KeyRange, after: Option<KeyBytes>) -> Result<()> {
        let request = ReadRequest {
            relation: self.plan.relation(),
            columns: self.read.reads.clone(),
            key: self.read.key.source.clone(),
            range,
            after,
            only: self.only.clone(),
            batch_rows: self.plan.load.batch_rows.min(self.plan.load.unit_rows),
        };
        self.reader.read(request).await.map_err(|problem| self.about(problem))
    }

    /// Where a spec's own SQL was read, whoever reads the problem should look there.
    fn about(&self, mut problem: Box<Diagnostic>) -> Box<Diagnostic> {
        let key = match self.plan.rows {
            Selection::All => return problem,
            Selection::Where(_) => "where",
            Selection::Query(_) => "query",
        };
        problem.notes.push(format!("it ran the `{key}` of `{}`, in {}", self.plan.name, self.plan.spec_path));
        problem
    }

    /// Reads several ranges, one after the other; they ascend.
    pub(crate) async fn start_ranges(
        &mut self,
        ranges: Vec<KeyRange>,
        after: Option<KeyBytes>,
        only: Only,
    ) -> Result<()> {
        self.read = Arc::clone(&self.plan);
        self.begin(ranges, after, only).await
    }

    /// Reads nothing of the rows of several ranges but their keys. An entity that asked for a second reader might wait for it for ever.
    pub(crate) async fn start_keys(&mut self, ranges: Vec<KeyRange>, after: Option<KeyBytes>) -> Result<()> {
        let mut keys = EntityPlan::clone(&self.plan);
        keys.reads = self.plan.key.source.iter().map(|part| self.plan.reads[*part].clone()).collect();
        keys.key.source = (0..keys.reads.len()).collect();
        keys.masks.clear();
        self.read = Arc::new(keys);
        self.begin(ranges, after, Only::All).await
    }

    async fn begin(&mut self, ranges: Vec<KeyRange>, after: Option<KeyBytes>, only: Only) -> Result<()> {
        (self.ranges, self.only) = (ranges.into(), only);
        match self.ranges.pop_front() {
            Some(range) => self.start_range(range, after).await,
            None => Ok(()),
        }
    }

    /// What the source's server makes of the rows of a range, cut at `bounds`.
    pub(crate) async fn digests(&mut self, range: KeyRange, bounds: Vec<KeyBytes>) -> Result<Option<Vec<RangeDigest>>> {
        if !self.plan.masks.is_empty() {
            // Servers hash to compare, and not to hide: their digests would tell who guesses right.
            return Ok(None);
        }
        let started = self.context.clock.monotonic();
        let request = DigestRequest {
            relation: self.plan.relation(),
            columns: self.plan.reads.clone(),
            key: self.plan.key.source.clone(),
            range,
            bounds,
            seed: self.context.seed,
        };
        let digests = self.reader.digests(&request).await;
        self.time += self.context.clock.monotonic() - started;
        digests
    }

    async fn next_batch(&mut self) -> Result<Option<SourceBatch>> {
        loop {
            let batch = self.reader.next().await.map_err(|problem| self.about(problem))?;
            let Some(range) = (if batch.is_none() { self.ranges.pop_front() } else { None }) else {
                return Ok(batch);
            };
            self.start_range(range, None).await?;
        }
    }

    /// The next rows, `None` after the last.
    pub(crate) async fn next(&mut self) -> Result<Option<Scored>> {
        let started = self.context.clock.monotonic();
        let batch = self.next_batch().await?;
        let (plan, digester) = (&self.read, &self.digester);
        let scored = batch.map(|batch| tokio::task::block_in_place(|| Scored::new(batch, plan, digester))).transpose();
        self.time += self.context.clock.monotonic() - started;
        scored
    }
}
