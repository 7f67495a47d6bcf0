//! Several streams of one entity: which key ranges there are, and how they end in one.
//!
//! A large entity is cut into key ranges that are read, derived and committed side by side, each with a position of its own. The entity's
//! position is the sum of them, and stays `loading` until all have come to their end; an interrupted run goes on with the same ranges.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use transload_model::{
    Code, Diagnostic, EntityPlan, FieldPlan, KeyBytes, KeyRange, KeyStrategy, Result, RunId, SegmentHead,
    StreamPosition,
};

use crate::context::Context;
use crate::derive::Deriver;
use crate::detect::{Policy, Scope};
use crate::load::Pass;
use crate::reading::Reading;
use crate::stop::is_halt;
use crate::unit::{Stream, Whole};

/// Rows for which another stream is worth its while.
const ROWS_EACH: u64 = 100_000;

/// Streams of one entity, where its spec does not say how many.
const AUTOMATIC_MAX: usize = 4;

/// The streams that are left to run, and whether the ledger knows each.
pub(crate) struct Ranges {
    open: Vec<(StreamPosition, bool)>,
    /// Streams that an interrupted process finished.
    had: bool,
}

impl Ranges {
    /// Whether the entity is moved as a whole.
    pub(crate) fn is_single(&self) -> bool {
        !self.had && self.open.len() == 1
    }

    /// Finds the ranges: those of the interrupted run, or new ones.
    pub(crate) async fn plan(
        context: &Context,
        plan: &EntityPlan,
        stream: &Stream,
        reading: &mut Reading,
    ) -> Result<Self> {
        let stored = if context.goes_on(plan).is_some() { context.streams(&plan.name) } else { Vec::new() };
        if !stored.is_empty() {
            return Ok(resumed(context.run, &stored));
        }
        let cuts = if stream.cursor().is_some() { Vec::new() } else { cuts(context, plan, reading).await? };
        let ranges = KeyRange::default().cut(&cuts).into_iter().zip(1..);
        let open = ranges.map(|(range, number)| (begun(context.run, range, number), false)).collect();
        Ok(Self { open, had: false })
    }
}

fn begun(run: RunId, range: KeyRange, number: u32) -> StreamPosition {
    StreamPosition { number, run, seq: 0, range, cursor: None, done: false }
}

/// The stored streams, and what lies between them: streams that had not committed anything yet.
fn resumed(run: RunId, stored: &[StreamPosition]) -> Ranges {
    let mut known: Vec<StreamPosition> = stored.to_vec();
    known.sort_by(|a, b| a.range.from.cmp(&b.range.from));
    let mut number = known.iter().map(|stream| stream.number).max().unwrap_or_default();
    let mut open = Vec::new();
    let mut reached = Some(None);
    for stream in known {
        if let Some(from) = reached.filter(|from| *from != stream.range.from) {
            number += 1;
            open.push((begun(run, KeyRange { from, to: stream.range.from.clone() }, number), false));
        }
        reached = stream.range.to.clone().map(Some);
        if !stream.done {
            open.push((stream, true));
        }
    }
    if let Some(from) = reached {
        open.push((begun(run, KeyRange { from, to: None }, number + 1), false));
    }
    Ranges { open, had: true }
}

/// Keys at which the entity is cut: where segments of the ledger begin, so that none lies in two ranges, or where the source says.
async fn cuts(context: &Context, plan: &EntityPlan, reading: &mut Reading) -> Result<Vec<KeyBytes>> {
    let may_be_cut = context.destination.takes_parallel_units()
        && reading.keeps_to_ranges()
        && !context.colliding.contains(&plan.destination.table)
        && plan.rules.iter().all(|rule| rule.rule != "unique")
        && has_distinct_keys(plan);
    if !may_be_cut || plan.load.streams == Some(1) {
        return Ok(Vec::new());
    }
    let heads = context.destination.segments(&plan.name).await?;
    let known: u64 = heads.iter().map(|head| head.rows).sum();
    let rows = reading.estimate().await?.unwrap_or_default().max(known);
    let wanted = plan.load.streams.unwrap_or_else(|| automatic(rows));
    if wanted < 2 {
        return Ok(Vec::new());
    }
    let heads: Vec<SegmentHead> = heads.into_iter().filter(|head| !head.first.is_unkeyed()).collect();
    if heads.is_empty() { reading.split(wanted).await } else { Ok(at_segments(&heads, known, wanted)) }
}

/// Whether two source keys never become one destination key, so that it does not matter which row comes first.
fn has_distinct_keys(plan: &EntityPlan) -> bool {
    let is_key = |field: &&FieldPlan| plan.key.destination.contains(&field.destination);
    let is_plain = |field: &FieldPlan| field.calls.is_empty() && field.format.is_none() && field.default.is_none();
    match plan.key.strategy {
        KeyStrategy::UuidV5 { .. } | KeyStrategy::Minted { .. } => true,
        KeyStrategy::Keep => plan.fields.iter().filter(is_key).all(is_plain),
    }
}

fn automatic(rows: u64) -> usize {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    usize::try_from(rows / ROWS_EACH).unwrap_or(usize::MAX).min(cores).clamp(1, AUTOMATIC_MAX)
}

fn at_segments(heads: &[SegmentHead], rows: u64, wanted: usize) -> Vec<KeyBytes> {
    let each = (rows / wanted as u64).max(1);
    let mut cuts = Vec::new();
    let mut before = 0;
    for head in heads {
        if before >= each * (cuts.len() as u64 + 1) && cuts.len() + 1 < wanted {
            cuts.push(head.first.clone());
        }
        before += head.rows;
    }
    cuts
}

/// What the streams of an entity did.
pub(crate) struct Loaded {
    /// Whether the second pass must follow.
    pub(crate) to_fill: bool,
    /// Spent with reading and with deriving.
    pub(crate) spent: [Duration; 2],
}

/// One stream that ended.
struct Ended {
    stream: Stream,
    done: Result<bool>,
    spent: [Duration; 2],
}

/// Runs all streams and takes what they did into the entity's own. The first failure stops the others at their next unit.
pub(crate) async fn load(
    context: &Arc<Context>,
    plan: &Arc<EntityPlan>,
    stream: &mut Stream,
    (ranges, policy): (Ranges, Policy),
) -> Result<Loaded> {
    let whole = stream.whole(ranges.open.len());
    let mut running = JoinSet::new();
    for (position, exists) in ranges.open {
        let part = stream.part(&whole, position, exists);
        running.spawn(run(Arc::clone(context), Arc::clone(plan), part, policy));
    }
    let mut ended = Vec::new();
    let mut failure = None;
    while let Some(joined) = running.join_next().await {
        let part = joined.map_err(|error| {
            Box::new(Diagnostic::new(Code::DestinationFailed, format!("a stream's task ended by itself: {error}")))
        })?;
        if let Err(problem) = &part.done {
            whole.halt();
            // A stream that was halted has no failure of its own.
            let is_first = failure.as_deref().is_none_or(|known: &Diagnostic| is_halt(known.code));
            failure = if is_first { Some(problem.clone()) } else { failure };
        }
        ended.push(part);
    }
    let loaded = join(stream, &whole, (ended, ranges.had));
    failure.map_or(Ok(loaded), Err)
}

fn join(stream: &mut Stream, whole: &Whole, (ended, had): (Vec<Ended>, bool)) -> Loaded {
    // What streams that were finished before found open is not known any more.
    let mut loaded = Loaded { to_fill: had && stream.has_open_fields(), spent: [Duration::ZERO; 2] };
    stream.take_over(whole, had);
    for part in ended {
        loaded.to_fill |= matches!(part.done, Ok(true));
        for (sum, spent) in loaded.spent.iter_mut().zip(part.spent) {
            *sum += spent;
        }
        stream.absorb(part.stream, part.done.is_ok());
    }
    loaded
}

async fn run(context: Arc<Context>, plan: Arc<EntityPlan>, mut stream: Stream, policy: Policy) -> Ended {
    let mut spent = [Duration::ZERO; 2];
    let done = move_range(&context, &plan, (&mut stream, policy), &mut spent).await;
    Ended { stream, done, spent }
}

async fn move_range(
    context: &Arc<Context>,
    plan: &Arc<EntityPlan>,
    (stream, policy): (&mut Stream, Policy),
    spent: &mut [Duration; 2],
) -> Result<bool> {
    let mut reading = Reading::open(context, plan).await?;
    let mut deriver = Deriver::new(context, plan).await?;
    let mut pass = Pass { context, plan, deriver: &mut deriver, stream };
    let done = pass.load(&mut reading, (policy, &Scope::Whole)).await;
    let ended = match done {
        Ok((rewrite, to_fill)) => pass.stream.end_part(rewrite).await.map(|()| to_fill),
        Err(problem) => Err(problem),
    };
    *spent = [reading.time, deriver.time];
    ended
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use transload_model::KeyValue;

    use super::*;

    fn key(number: i64) -> KeyBytes {
        KeyBytes::encode(&[KeyValue::Integer(number)])
    }

    proptest! {
        #[test]
        fn streams_go_on_with_every_key_in_exactly_one_of_them(
            cuts in prop::collection::btree_set(0_i64..50, 0..6),
            stored in prop::collection::vec((any::<bool>(), any::<bool>()), 7),
        ) {
            let cuts: Vec<KeyBytes> = cuts.into_iter().map(key).collect();
            let ranges = KeyRange::default().cut(&cuts);
            prop_assert_eq!(ranges.len(), cuts.len() + 1);
            let run = "01a1fe18-531e-77a2-b060-cff52124621e".parse().unwrap();
            let position = |(range, number): (&KeyRange, u32)| begun(run, range.clone(), number);
            let all = ranges.iter().zip(1..).map(position).zip(&stored);
            let known: Vec<StreamPosition> =
                all.filter(|(_, (is_stored, _))| *is_stored).map(|(stream, (_, done))| StreamPosition { done: *done, ..stream }).collect();

            let resumed = resumed(run, &known);

            for number in -1..51 {
                let holds = |range: &KeyRange| range.contains(key(number).as_bytes());
                let is_done = known.iter().any(|stream| stream.done && holds(&stream.range));
                let open = resumed.open.iter().filter(|(stream, _)| holds(&stream.range)).count();
                prop_assert_eq!(open, usize::from(!is_done), "key {} of {:?}", number, resumed.open);
            }
            let mut numbers: Vec<u32> = known.iter().chain(resumed.open.iter().filter(|(_, exists)| !exists).map(|(stream, _)| stream)).map(|stream| stream.number).collect();
            numbers.sort_unstable();
            prop_assert!(numbers.windows(2).all(|pair| pair[0] != pair[1]), "two streams have one number");
        }
    }
}
