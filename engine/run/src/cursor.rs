//! The `timestamp` strategy: rows whose cursor moved, and in turn all others.
//!
//! A timestamp lies: transactions commit later than they began, clocks lag, bulk statements forget to set it. So it only says where to look
//! first. A row is read again from before the oldest transaction that was open when the source was looked at last, and further back by an
//! overlap; what its digest says is as it was costs nothing more. Rows without a cursor are always read. Every run reads its share of all
//! segments whole, so that within some runs every row was looked at, and tells what it found there that no cursor had told. Where deletes are
//! wanted, the keys of both sides are compared.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use transload_model::{
    Code, CursorPlan, DeletePolicy, DetectionPlan, Diagnostic, EntityPlan, HeldRow, KeyBytes, LogicalType, Only, Phase,
    Position, Result,
};

use crate::context::Context;
use crate::detect::{Policy, Rewrite, Scope};
use crate::load::Pass;
use crate::reach::NamedRows;
use crate::reading::Reading;

const MICROS: i64 = 1_000_000;
const DAY: i64 = 86_400 * MICROS;

/// A clock on a wall is this far behind UTC at most. Nobody says where one hangs whose time has no zone.
const FARTHEST_ZONE: i64 = 12 * 3_600 * MICROS;

/// Cursors of whole seconds are rounded, or cut.
const COARSENESS: i64 = MICROS;

/// The cursor, where the entity can be moved by it: its rows were all read before, by a spec that reads the same.
pub(crate) fn usable<'p>(context: &Context, plan: &'p EntityPlan, policy: Policy) -> Option<(&'p CursorPlan, i64)> {
    let DetectionPlan::Timestamp(cursor) = &plan.detection else { return None };
    let position = context.position(&plan.name)?;
    let is_same = position.plan_fingerprint == plan.plan_fingerprint && !policy.incomparable && !policy.remap;
    seen(&position).filter(|_| is_same).map(|seen| (cursor, seen))
}

/// The moment up to which everything was seen, if ever.
pub(crate) fn seen(position: &Position) -> Option<i64> {
    let was_through = position.found.is_partial || matches!(position.phase, Phase::Loaded | Phase::Done);
    position.found.bound.filter(|_| was_through)
}

/// The lowest value of a cursor that a row may have which moved after `seen`.
fn lowest(cursor: &CursorPlan, seen: i64) -> i64 {
    let overlap = i64::try_from(cursor.overlap_seconds).unwrap_or(i64::MAX).saturating_mul(MICROS);
    let from = seen.saturating_sub(overlap).saturating_sub(COARSENESS);
    match cursor.column.logical {
        LogicalType::Timestamptz => from,
        LogicalType::Date => from.saturating_sub(FARTHEST_ZONE).div_euclid(DAY),
        _ => from.saturating_sub(FARTHEST_ZONE),
    }
}

/// What the next run reads of an entity first, where it goes by a cursor; none where it reads all rows.
pub(crate) fn since(context: &Context, plan: &EntityPlan) -> Option<Only> {
    let DetectionPlan::Timestamp(cursor) = &plan.detection else { return None };
    let position = context.position(&plan.name)?;
    let seen = seen(&position).filter(|_| position.plan_fingerprint == plan.plan_fingerprint)?;
    Some(Only::Since { column: cursor.column.clone(), from: lowest(cursor, seen) })
}

/// Moves what moved. Says whether the second pass must follow.
///
/// What it wrote last is not committed yet: it comes back, to be committed with the step that follows.
pub(crate) async fn load(
    mut pass: Pass<'_>,
    reading: &mut Reading,
    policy: Policy,
    (cursor, seen): (&CursorPlan, i64),
) -> Result<(Rewrite, bool)> {
    let (context, plan) = (pass.context, pass.plan);
    let since = Scope::Since(cursor.column.clone(), lowest(cursor, seen));
    let before = waiting(context, plan, policy).await?;
    let mut to_fill = go(&mut pass, reading, (policy, &since)).await?;
    let waiting = untried(context, plan, before).await?;
    to_fill |= go(&mut pass, reading, (policy, &named(waiting))).await?;
    if plan.deletes != DeletePolicy::Ignore {
        let keys_only = Policy { keys_only: true, ..policy };
        go(&mut pass, reading, (keys_only, &Scope::KeysOnly)).await?;
        let unknown = std::mem::take(&mut pass.stream.unknown);
        to_fill |= go(&mut pass, reading, (policy, &named(unknown))).await?;
    }
    let (segments, last) = turn(&mut pass, cursor.audit_runs).await?;
    let before = pass.stream.found;
    // What waits for something was tried above.
    let moved_only = Policy { retry_quarantined: false, retry_orphaned: false, retry_collided: false, ..policy };
    let (rewrite, opened) = pass.load(reading, (moved_only, &Scope::Segments(Arc::new(segments)))).await?;
    pass.stream.overlooked = pass.stream.found - before;
    pass.stream.saw(context.horizon(plan)?.safe, last);
    Ok((rewrite, to_fill || opened))
}

async fn go(pass: &mut Pass<'_>, reading: &mut Reading, (policy, scope): (Policy, &Scope)) -> Result<bool> {
    if matches!(scope, Scope::Named(rows) if rows.keys().is_empty()) {
        return Ok(false);
    }
    let (rewrite, to_fill) = pass.load(reading, (policy, scope)).await?;
    pass.stream.commit(rewrite, None, Phase::Loading).await?;
    Ok(to_fill)
}

fn named(keys: Vec<KeyBytes>) -> Scope {
    Scope::Named(Arc::new(NamedRows::with_keys(keys)))
}

/// Rows in quarantine that are to be tried again though their cursor did not move, with how often they were.
async fn waiting(context: &Context, plan: &EntityPlan, policy: Policy) -> Result<BTreeMap<KeyBytes, u64>> {
    let named = context.options.retry_quarantined.keys_of(&plan.name);
    if named.is_empty() && !(policy.retry_quarantined || policy.retry_orphaned || policy.retry_collided) {
        return Ok(BTreeMap::new());
    }
    let held = context.destination.quarantine(Some(&plan.name)).await?;
    let waits = |held: &HeldRow| {
        let is_open = held.discarded.is_none() && is_retried(policy, held.row.code);
        !held.row.key.is_unkeyed() && (is_open || named.contains(&held.row.key))
    };
    Ok(held.into_iter().filter(waits).map(|held| (held.row.key, held.attempts)).collect())
}

/// Those of them that were not tried meanwhile, because their cursor moved as well.
async fn untried(context: &Context, plan: &EntityPlan, before: BTreeMap<KeyBytes, u64>) -> Result<Vec<KeyBytes>> {
    if before.is_empty() {
        return Ok(Vec::new());
    }
    let held = context.destination.quarantine(Some(&plan.name)).await?;
    let is_left = |held: &HeldRow| before.get(&held.row.key) == Some(&held.attempts);
    Ok(held.into_iter().filter(is_left).map(|held| held.row.key).collect())
}

fn is_retried(policy: Policy, code: Code) -> bool {
    match code {
        Code::DeleteRefused => false,
        Code::ParentMissing | Code::RuleForeignKey => policy.retry_orphaned || policy.retry_quarantined,
        Code::RuleUnique | Code::ConstraintUnique => policy.retry_collided || policy.retry_quarantined,
        _ => policy.retry_quarantined,
    }
}

/// The segments whose turn it is, behind those of the last run; then the last key of them, and how many runs of the turn are over with this one.
///
/// What is left is shared among the runs that are left, so that a turn takes no more of them, however segments come and go meanwhile.
async fn turn(pass: &mut Pass<'_>, runs: u32) -> Result<(BTreeSet<i64>, (Option<KeyBytes>, u32))> {
    let heads = pass.heads().await?.1;
    let (behind, over) = pass.stream.audited();
    let first = heads.partition_point(|head| behind.is_some_and(|behind| head.last <= *behind));
    let is_over = first == heads.len() || over >= runs;
    let (first, over) = if is_over { (0, 0) } else { (first, over) };
    let left = usize::try_from(runs - over).unwrap_or(usize::MAX).max(1);
    let share = (heads.len() - first).div_ceil(left);
    let chosen = &heads[first..first + share];
    let last = chosen.last().map(|head| head.last.clone());
    Ok((chosen.iter().map(|head| head.id).collect(), (last, over + 1)))
}

/// What is promised of an entity's changes.
pub(crate) fn guarantee(context: &Context, plan: &EntityPlan) -> Result<String> {
    let DetectionPlan::Timestamp(cursor) = &plan.detection else { return Ok("exact".to_owned()) };
    let (name, runs) = (&cursor.column.name, cursor.audit_runs);
    let late = match context.horizon(plan)?.unseen {
        None => String::new(),
        Some(why) => format!(", and committed within {} s ({why})", cursor.overlap_seconds),
    };
    Ok(format!("bounded: a write that sets `{name}`{late} is found by the next run, any other within {runs} runs"))
}

/// What no cursor had told.
pub(crate) fn overlooked(plan: &EntityPlan, rows: u64) -> Option<Diagnostic> {
    let DetectionPlan::Timestamp(cursor) = &plan.detection else { return None };
    let name = &cursor.column.name;
    let headline = match rows {
        0 => return None,
        1 => format!("1 row of `{}` had changed and its `{name}` had not", plan.name),
        rows => format!("{rows} rows of `{}` had changed and their `{name}` had not", plan.name),
    };
    let code = Code::CursorOverlooked;
    Some(Diagnostic::warning(code, headline).note(code.info().sentence).help(code.info().remedy))
}

#[cfg(test)]
mod tests {
    use transload_model::{ColumnName, ReadColumn};

    use super::*;

    fn lowest_of(logical: LogicalType, seen: i64) -> i64 {
        let column = ReadColumn { name: ColumnName::parse("updated_at").unwrap(), logical };
        lowest(&CursorPlan { column, overlap_seconds: 60, audit_runs: 1 }, seen)
    }

    #[test]
    fn a_cursor_is_looked_back_by_its_overlap_and_by_what_its_type_does_not_say() {
        let seen = 100 * DAY;
        assert_eq!(lowest_of(LogicalType::Timestamptz, seen), seen - 61 * MICROS);
        assert_eq!(lowest_of(LogicalType::Timestamp, seen), seen - 61 * MICROS - FARTHEST_ZONE);
        assert_eq!(lowest_of(LogicalType::Date, seen), 99);
        assert_eq!(lowest_of(LogicalType::Date, 0), -1);
        assert_eq!(lowest_of(LogicalType::Timestamptz, i64::MIN), i64::MIN);
    }
}
