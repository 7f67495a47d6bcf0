//! The end of a run, as people and as programs read it.

use std::collections::BTreeMap;
use std::fmt::Write;

use comfy_table::{CellAlignment, Table, presets};
use serde_json::{Value, json};
use transload_model::{Code, Counts, EntityName, EntityState, Exit, QuarantineReason, Retry, RunState};
use transload_run::{EntityReport, RunReport};

use super::render::{Screen, Signs};
use super::report::as_json;
use super::text::{duration, number, rate, rows};

/// Right-aligned columns without lines.
pub(crate) fn table(header: &[&str], lines: Vec<Vec<String>>, left: usize) -> String {
    aligned(header, lines, |at| at < left)
}

/// The same, with the columns to the left that this says.
pub(crate) fn aligned(header: &[&str], lines: Vec<Vec<String>>, is_left: impl Fn(usize) -> bool) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(header.to_vec());
    for line in lines {
        table.add_row(line);
    }
    for (at, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, 2));
        column.set_cell_alignment(if is_left(at) { CellAlignment::Left } else { CellAlignment::Right });
    }
    let trimmed: Vec<String> = table.lines().map(|line| line.trim_end().to_owned()).collect();
    trimmed.join("\n")
}

/// The summary that `run` prints.
pub(crate) fn text(report: &RunReport, screen: &Screen, parallel: usize) -> String {
    let signs = screen.signs();
    let mut out = counts_table(report, &signs);
    out.push('\n');
    let totals = report.totals();
    write_line(&mut out, "accounting", &accounting(&totals, &signs));
    let spent = report.spent;
    let steps = [("detect", spent.detect_ms), ("transform", spent.transform_ms), ("load", spent.load_ms)];
    let steps = steps.map(|(name, ms)| format!("{name} {}", duration(ms))).join(&format!(" {} ", signs.dot));
    let wall = duration(report.elapsed_ms);
    write_line(&mut out, "time", &format!("{steps}   (wall {wall}, at most {parallel} entities at once)"));
    if let Some(peak) = peak_memory() {
        write_line(&mut out, "memory", &format!("peak {peak} MB"));
    }
    for entity in report.entities.iter().filter(|entity| entity.guarantee != EXACT) {
        write_line(&mut out, "guarantee", &format!("{} {}", entity.entity, entity.guarantee));
    }
    quarantine(&mut out, report, &signs);
    out.push('\n');
    out.push_str(&verdict(report, &totals, &signs));
    out
}

/// What is promised of most entities.
const EXACT: &str = "exact";

fn write_line(out: &mut String, name: &str, text: &str) {
    let _ = writeln!(out, "{name:<12} {text}");
}

fn counts_table(report: &RunReport, signs: &Signs) -> String {
    let header = ["entity", "read", "new", "modified", "deleted", "unchanged", "quarantined", "rows/s", "time"];
    let mut lines: Vec<Vec<String>> = report.entities.iter().map(|entity| line(entity, signs)).collect();
    let totals = report.totals();
    lines.push(cells("total", &totals, Some(totals.deleted), report.elapsed_ms));
    table(&header, lines, 1) + "\n"
}

fn line(entity: &EntityReport, signs: &Signs) -> Vec<String> {
    let name = match entity.state {
        EntityState::Done | EntityState::Loaded => entity.entity.to_string(),
        EntityState::Waiting => format!("{} {} not started", signs.failed, entity.entity),
        EntityState::Suspended => format!("{} {} stopped", signs.warning, entity.entity),
        EntityState::Moving | EntityState::Failed => format!("{} {} failed", signs.failed, entity.entity),
    };
    let deleted = entity.looked_for_deletes.then_some(entity.counts.deleted);
    cells(&name, &entity.counts, deleted, entity.elapsed_ms)
}

fn cells(name: &str, counts: &Counts, deleted: Option<u64>, ms: u64) -> Vec<String> {
    vec![
        name.to_owned(),
        number(counts.read),
        number(counts.new),
        number(counts.modified),
        // Not looked for is not zero.
        deleted.map_or_else(|| "–".to_owned(), number),
        number(counts.unchanged + counts.filtered),
        number(counts.quarantined),
        number(rate(counts.read, ms)),
        duration(ms),
    ]
}

fn accounting(totals: &Counts, signs: &Signs) -> String {
    let parts = format!(
        "read {} = new {} + modified {} + unchanged {} + quarantined {}",
        number(totals.read),
        number(totals.new),
        number(totals.modified),
        number(totals.unchanged + totals.filtered),
        number(totals.quarantined)
    );
    if totals.balance() {
        format!("{parts}   {}", signs.done)
    } else {
        format!("{parts}   {} does not add up", signs.failed)
    }
}

fn quarantine(out: &mut String, report: &RunReport, signs: &Signs) {
    let mut label = "quarantine";
    for entity in &report.entities {
        let reasons: Vec<&QuarantineReason> =
            report.quarantine.iter().filter(|reason| reason.entity == entity.entity && !is_kept(reason)).collect();
        let total: u64 = reasons.iter().map(|reason| reason.rows).sum();
        if total == 0 {
            continue;
        }
        let parts: Vec<String> = reasons.iter().map(|reason| reason_text(reason)).collect();
        let mut first = format!("{:<16} {:>4}   ", entity.entity.as_str(), number(total));
        for line in wrapped(&parts, &format!(" {} ", signs.dot)) {
            write_line(out, label, &format!("{first}{line}"));
            (label, first) = ("", " ".repeat(first.chars().count()));
        }
    }
    let warned = report.totals().warned;
    if warned > 0 {
        write_line(out, "warned", &format!("{} broke a rule whose `on_failure` is warn", rows(warned)));
    }
}

/// Characters of a line of reasons, which stand behind some thirty others.
const REASONS_WIDTH: usize = 70;

/// The parts in lines that are not too long.
fn wrapped(parts: &[String], between: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for part in parts {
        match lines.last_mut() {
            Some(line) if line.chars().count() + part.chars().count() <= REASONS_WIDTH => {
                line.push_str(between);
                line.push_str(part);
            }
            _ => lines.push(part.clone()),
        }
    }
    lines
}

/// Whether a reason is about rows that are loaded and cannot be deleted, and not about rows set aside.
fn is_kept(reason: &QuarantineReason) -> bool {
    reason.code == Code::DeleteRefused
}

fn reason_text(reason: &QuarantineReason) -> String {
    let field = reason.field.as_ref().map(|field| format!(" {field}")).unwrap_or_default();
    let discarded = match reason.discarded {
        0 => String::new(),
        discarded if discarded == reason.rows => " (discarded)".to_owned(),
        discarded => format!(" ({} discarded)", number(discarded)),
    };
    format!("{}{field} {}{discarded}", reason.code.info().word, number(reason.rows))
}

/// How it went, in a sentence or two.
fn verdict(report: &RunReport, totals: &Counts, signs: &Signs) -> String {
    let mut out = String::new();
    let kept: u64 = report.quarantine.iter().filter(|reason| is_kept(reason)).map(|reason| reason.rows).sum();
    match report.state {
        RunState::Completed if report.entities.iter().any(|entity| entity.problem.is_some()) => {
            let written = rows(totals.written());
            let _ = write!(out, "{} {written} written; not all could be done, see below", signs.warning);
        }
        RunState::Completed if totals.written() == 0 && totals.set_aside() == 0 => {
            // That a row cannot be deleted is something that was done, and kept in the ledger.
            let done = if kept > 0 { "no row written" } else { "nothing to do and nothing written" };
            let _ = write!(out, "{} {done}: {} unchanged", signs.done, rows(totals.unchanged));
        }
        RunState::Completed => {
            let _ = write!(out, "{} completed: {} written", signs.done, rows(totals.written()));
        }
        RunState::Paused | RunState::Failed if lacks_resource(report) => {
            let _ = write!(out, "{}", for_want_of_a_resource(report, signs));
        }
        RunState::Paused => {
            let _ = write!(out, "! {}; `transload run` goes on after the last committed unit", why_paused(report));
        }
        RunState::Cancelled => out.push_str("! cancelled; what was committed stays, and `transload run` begins anew"),
        _ => {
            let failed = report.entities.iter().filter(|entity| entity.problem.is_some()).count();
            let word = if failed == 1 { "entity" } else { "entities" };
            let _ = write!(out, "{} {failed} {word} not finished; what was committed stays", signs.failed);
        }
    }
    if totals.untried > 0 {
        let text = match totals.untried {
            1 => "stays in quarantine: it has not moved since it failed, and was not tried again",
            _ => "stay in quarantine: they have not moved since they failed, and were not tried again",
        };
        let _ = write!(out, "\n{} {} {text}", signs.warning, rows(totals.untried));
    }
    let fresh = totals.set_aside();
    if fresh > 0 {
        let _ =
            write!(out, "\n{} {} went to quarantine; `transload quarantine` lists them", signs.warning, rows(fresh));
    }
    let unread = unread(report, totals);
    if unread > 0 {
        let verb = if unread == 1 { "is" } else { "are" };
        let text = "in quarantine, and not among those that this run read (gone from the source, or not looked at)";
        let _ = write!(out, "\n{} {} {verb} {text}; `transload quarantine` lists them", signs.warning, rows(unread));
    }
    if totals.discarded > 0 {
        let verb = if totals.discarded == 1 { "is" } else { "are" };
        let _ = write!(
            out,
            "\n{} {} in quarantine {verb} discarded, and counted as such",
            signs.dot,
            rows(totals.discarded)
        );
    }
    if kept > 0 {
        let text =
            "gone from the source and kept at the destination, because others still refer to it (DELETE_REFUSED)";
        let _ = write!(out, "\n{} {} {text}", signs.warning, rows(kept));
    }
    out
}

/// Rows that are set aside and were not read, so that no count of this run has them.
fn unread(report: &RunReport, totals: &Counts) -> u64 {
    let open = report.quarantine.iter().filter(|reason| !is_kept(reason));
    let open: u64 = open.map(|reason| reason.rows - reason.discarded).sum();
    open.saturating_sub(totals.failed())
}

/// Which rows made a run that did all its work answer that some are in quarantine.
pub(crate) fn quarantined(report: &RunReport) -> String {
    let mut by_entity: BTreeMap<&EntityName, u64> = BTreeMap::new();
    for reason in report.quarantine.iter().filter(|reason| reason.rows > reason.discarded) {
        *by_entity.entry(&reason.entity).or_default() += reason.rows - reason.discarded;
    }
    let parts: Vec<String> = by_entity.iter().map(|(entity, rows)| format!("{entity} {}", number(*rows))).collect();
    format!("exit code 3, because rows are in quarantine: {}", parts.join(", "))
}

/// A run that never got to writing has nothing to go on with.
fn for_want_of_a_resource(report: &RunReport, signs: &Signs) -> String {
    let (sign, ended, then) = match report.state {
        RunState::Paused => (signs.warning, "paused", "`transload run` goes on after the last committed unit"),
        _ => (signs.failed, "ended", "nothing was written, and `transload run` begins anew"),
    };
    format!("{sign} {ended} for want of a resource, see below; {then}")
}

/// What stopped a run that is to go on.
fn why_paused(report: &RunReport) -> &'static str {
    let is = |code| report.entities.iter().filter_map(|entity| entity.problem.as_ref()).any(|p| p.code == code);
    if is(Code::TimedOut) {
        "stopped, because its time was up"
    } else if is(Code::SnapshotExpired) {
        "stopped, because what it saw of the source was too old"
    } else {
        "stopped on request"
    }
}

/// Whether a run is paused by itself, and not on request.
fn lacks_resource(report: &RunReport) -> bool {
    let problems = report.entities.iter().filter_map(|entity| entity.problem.as_ref());
    let mut waited_for = problems.filter(|problem| problem.code.info().retry == Retry::Wait);
    waited_for.any(|problem| problem.code != Code::Interrupted)
}

/// The process's peak of resident memory, in MB.
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib / 1024)
}

fn reason_json(reason: &QuarantineReason) -> Value {
    json!({
        "entity": reason.entity,
        "code": reason.code,
        "category": reason.code.info().retry.category(),
        "field": reason.field,
        "rows": reason.rows,
        "discarded": reason.discarded,
    })
}

/// The result document, `run.json`.
pub(crate) fn document(report: &RunReport, project: &str, exit: Exit, started_at: &str) -> Value {
    let entity = |entity: &EntityReport| {
        let own = report.quarantine.iter().filter(|reason| reason.entity == entity.entity);
        let reasons: Vec<Value> = own.map(reason_json).collect();
        let mut value = json!({
            "entity_type": entity.entity,
            "status": entity.state,
            "counts": entity.counts,
            "guarantee": entity.guarantee,
            "elapsed_ms": entity.elapsed_ms,
            "quarantine": reasons,
            "problem": entity.problem.as_ref().map(as_json),
        });
        if !entity.looked_for_deletes {
            value["counts"]["deleted"] = Value::Null;
            value["deleted_unknown"] = "deletes: ignore".into();
        }
        value
    };
    json!({
        "schema": "transload.run/1",
        "run_id": report.run,
        "status": report.state,
        "exit_code": exit as i32,
        "project": project,
        "transload": env!("CARGO_PKG_VERSION"),
        "resumed": report.resumed,
        "started_at": started_at,
        "wall_ms": report.elapsed_ms,
        "spent": report.spent,
        "totals": report.totals(),
        "entities": report.entities.iter().map(entity).collect::<Vec<_>>(),
        "warnings": report.warnings.iter().map(as_json).collect::<Vec<_>>(),
    })
}
