//! What `verify` found, for people and for programs. It names keys and columns, and shows no value.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use transload_model::{Code, ColumnName, Exit};
use transload_run::{Differences, DifferingRow, Reason, RowDifference, Verification, VerifiedEntity, VerifyState};

use crate::cli::args::Verify;
use crate::cli::render::Signs;
use crate::cli::report::as_json;
use crate::cli::summary::{aligned, table};
use crate::cli::text::{duration, number, rows};

/// How sure a sample makes.
const CONFIDENCE: f64 = 0.95;

/// What was found, and how it was asked for.
pub(super) struct Shown<'a> {
    pub(super) found: &'a Verification,
    pub(super) verify: &'a Verify,
    pub(super) signs: Signs,
}

impl Shown<'_> {
    pub(super) fn text(&self) -> String {
        let mut out = self.overview();
        for entity in &self.found.entities {
            self.entity(entity, &mut out);
        }
        out.push('\n');
        self.explained(&mut out);
        self.left_out(&mut out);
        self.confidence(&mut out);
        self.verdict(&mut out);
        out
    }

    fn overview(&self) -> String {
        let header =
            ["entity", "source", "destination", "missing", "extra", "different", "explained", "unexplained", "state"];
        let cells = |name: &str, of: [u64; 2], found: Differences, why: [u64; 2], state: &str| {
            let numbers = [of[0], of[1], found.missing, found.extra, found.different, why[0], why[1]].map(number);
            [vec![name.to_owned()], numbers.to_vec(), vec![state.to_owned()]].concat()
        };
        let mut lines = Vec::new();
        let (mut of, mut found, mut why) = ([0, 0], Differences::default(), [0, 0]);
        for entity in &self.found.entities {
            let own = ([entity.source, entity.destination], [entity.explained(), entity.unexplained.total()]);
            lines.push(cells(entity.entity.as_str(), own.0, entity.found, own.1, &self.state(entity)));
            of = [of[0] + own.0[0], of[1] + own.0[1]];
            why = [why[0] + own.1[0], why[1] + own.1[1]];
            found += entity.found;
        }
        lines.push(cells("total", of, found, why, &duration(self.found.elapsed_ms)));
        let mut out = aligned(&header, lines, |at| at == 0 || at + 1 == header.len());
        out.push('\n');
        out
    }

    fn state(&self, entity: &VerifiedEntity) -> String {
        let how = match self.verify.sample {
            None => "every row".to_owned(),
            Some(_) => format!("{} drawn", rows(entity.compared)),
        };
        let (done, failed, warning) = (self.signs.done, self.signs.failed, self.signs.warning);
        match &entity.state {
            VerifyState::Verified => format!("{done} verified, {how}"),
            VerifyState::Different => format!("{failed} different, {how}"),
            VerifyState::Pending => format!("{warning} pending: it was not loaded yet"),
            VerifyState::NotComparable(why) => format!("{warning} not comparable: {why}"),
            VerifyState::Unknown(problem) => format!("{warning} unknown: {}", problem.code.info().word),
        }
    }

    /// The rows of an entity that nothing explains.
    fn entity(&self, entity: &VerifiedEntity, out: &mut String) {
        let count = entity.unexplained.total();
        if count == 0 {
            return;
        }
        let differ = if count == 1 { "1 row differs" } else { "rows differ" };
        let differ = if count == 1 { differ.to_owned() } else { format!("{} {differ}", number(count)) };
        let sign = self.signs.failed;
        put(out, &format!("\n{sign} {} {} {differ} and nothing explains it", entity.entity, self.signs.dot));
        if !entity.rows.is_empty() {
            let lines = entity.rows.iter().map(line).collect();
            for line in table(&["key", "what", "fields"], lines, 3).lines() {
                put(out, &format!("  {line}"));
            }
        }
        let left = count - entity.by_number - entity.rows.len() as u64;
        if left > 0 {
            put(out, &format!("  and {} more; `--limit` lists more of them", number(left)));
        }
        if entity.by_number > 0 {
            let by_number = number(entity.by_number);
            put(
                out,
                &format!("  {by_number} by number alone: the destination has more or fewer rows than were loaded"),
            );
        }
        if !entity.columns.is_empty() {
            put(out, &format!("  by column: {}", self.by_column(&entity.columns)));
        }
        if entity.spec_changed {
            put(out, "  its spec changed since rows were loaded: `transload run --remap` writes what differs by that");
        }
        if !entity.repairable.is_empty() {
            put(out, &format!("  write them again: `transload verify {} --repair`", entity.entity));
        }
        if entity.unexplained.extra > 0 {
            put(out, "  rows that no run loaded are never deleted: look who wrote them");
        }
    }

    fn by_column(&self, columns: &BTreeMap<ColumnName, u64>) -> String {
        let mut columns: Vec<(&ColumnName, &u64)> = columns.iter().collect();
        columns.sort_by_key(|(name, rows)| (std::cmp::Reverse(**rows), (*name).clone()));
        let parts: Vec<String> = columns.iter().map(|(name, rows)| format!("{name} {}", number(**rows))).collect();
        parts.join(&format!(" {} ", self.signs.dot))
    }

    /// What the ledger explains, by why, and of which entities.
    fn explained(&self, out: &mut String) {
        let mut reasons: BTreeMap<Reason, Vec<String>> = BTreeMap::new();
        for entity in &self.found.entities {
            for (reason, count) in &entity.explained {
                reasons.entry(*reason).or_default().push(format!("{} {}", entity.entity, number(*count)));
            }
        }
        for (reason, entities) in reasons {
            put(out, &format!("{} {}: {}", self.signs.done, words(reason), entities.join(", ")));
        }
    }

    /// What nobody can compare.
    fn left_out(&self, out: &mut String) {
        let names = |entity: &VerifiedEntity| {
            let names: Vec<&str> = entity.left_out.iter().map(ColumnName::as_str).collect();
            format!("{} {}", entity.entity, names.join(", "))
        };
        let entities = self.found.entities.iter().filter(|entity| !entity.left_out.is_empty());
        let told: Vec<String> = entities.map(names).collect();
        if !told.is_empty() {
            let sign = self.signs.warning;
            put(out, &format!("{sign} not compared, because it follows from the time of a run: {}", told.join("; ")));
        }
    }

    /// What a sample in which nothing is wrong says of all rows.
    fn confidence(&self, out: &mut String) {
        if self.verify.sample.is_none() {
            return;
        }
        for entity in &self.found.entities {
            let is_clean = entity.unexplained.total() == 0;
            if let Some(most) = at_most(entity).filter(|_| is_clean) {
                put(
                    out,
                    &format!(
                        "  {}: of {} drawn by chance none is wrong, so that fewer than {:.3} % of all are (at 95 % confidence)",
                        entity.entity,
                        rows(entity.compared),
                        most * 100.0
                    ),
                );
            }
        }
    }

    fn verdict(&self, out: &mut String) {
        let (unexplained, compared) = totals(self.found);
        let is_open =
            |entity: &&VerifiedEntity| !matches!(entity.state, VerifyState::Verified | VerifyState::Different);
        let open: Vec<&str> = self.found.entities.iter().filter(is_open).map(|entity| entity.entity.as_str()).collect();
        let Signs { done, failed, warning, .. } = self.signs;
        let differences = if unexplained == 1 { "1 unexplained difference" } else { "unexplained differences" };
        let differences =
            if unexplained == 1 { differences.to_owned() } else { format!("{} {differences}", number(unexplained)) };
        let compared = rows(compared);
        let line = match (unexplained, open.is_empty()) {
            (0, true) => format!("{done} {compared} compared: each is what it should be, or explained"),
            (0, false) => format!("{warning} not verified: {}", open.join(", ")),
            _ if unexplained <= allowed(self.found, self.verify) => {
                format!("{warning} {differences} in {compared}: no more than `--max-different` allows")
            }
            _ => format!("{failed} {differences} in {compared}"),
        };
        out.push_str(&line);
    }

    pub(super) fn json(&self, exit: Exit) -> Value {
        let entities: Vec<Value> = self.found.entities.iter().map(|entity| self.entity_json(entity)).collect();
        json!({
            "schema": "transload.verify/1",
            "exit_code": exit as i32,
            "how": if self.verify.sample.is_some() { "sample" } else { "every_row" },
            "entities": entities,
            "elapsed_ms": self.found.elapsed_ms,
        })
    }

    fn entity_json(&self, entity: &VerifiedEntity) -> Value {
        let explained: Map<String, Value> =
            entity.explained.iter().map(|(reason, count)| (reason.as_str().to_owned(), json!(count))).collect();
        let mut value = json!({
            "entity_type": entity.entity,
            "state": word(&entity.state),
            "source": entity.source,
            "destination": entity.destination,
            "compared": entity.compared,
            "looked_at": entity.looked_at,
            "missing": entity.found.missing,
            "extra": entity.found.extra,
            "different": entity.found.different,
            "explained": explained,
            "unexplained": {
                "missing": entity.unexplained.missing,
                "extra": entity.unexplained.extra,
                "different": entity.unexplained.different,
            },
            "columns": entity.columns.iter().map(|(name, rows)| (name.to_string(), json!(rows))).collect::<Map<_, _>>(),
            "rows": entity.rows.iter().map(row_json).collect::<Vec<Value>>(),
            "elapsed_ms": entity.elapsed_ms,
        });
        if !entity.left_out.is_empty() {
            value["left_out"] = json!(entity.left_out);
        }
        if entity.spec_changed {
            value["spec_changed"] = json!(true);
        }
        match &entity.state {
            VerifyState::NotComparable(why) => value["reason"] = json!(why),
            VerifyState::Unknown(problem) => value["problem"] = as_json(problem),
            _ => {}
        }
        if let Some(most) = at_most(entity).filter(|_| self.verify.sample.is_some() && entity.unexplained.total() == 0)
        {
            value["at_most_different"] = json!(most);
            value["confidence"] = json!(CONFIDENCE);
        }
        value
    }
}

/// Rows of all entities that nothing explains, and those that were compared.
fn totals(found: &Verification) -> (u64, u64) {
    found.entities.iter().fold((0, 0), |(unexplained, compared), entity| {
        (unexplained + entity.unexplained.total(), compared + entity.compared)
    })
}

/// How many rows may differ without an explanation.
fn allowed(found: &Verification, verify: &Verify) -> u64 {
    verify.max_different.map_or(0, |limit| limit.0.of(totals(found).1))
}

/// Whether more rows differ than may.
pub(super) fn is_too_different(found: &Verification, verify: &Verify) -> bool {
    totals(found).0 > allowed(found, verify)
}

/// Which share of all rows may be wrong where none of those that were drawn is: with more, at least one would have been among them, but for one
/// time in twenty.
fn at_most(entity: &VerifiedEntity) -> Option<f64> {
    let drawn = i32::try_from(entity.compared).ok().filter(|drawn| *drawn > 0)?;
    Some(1.0 - (1.0 - CONFIDENCE).powf(1.0 / f64::from(drawn)))
}

fn word(state: &VerifyState) -> &'static str {
    match state {
        VerifyState::Verified => "verified",
        VerifyState::Different => "different",
        VerifyState::Pending => "pending",
        VerifyState::NotComparable(_) => "not_comparable",
        VerifyState::Unknown(_) => "unknown",
    }
}

fn words(reason: Reason) -> &'static str {
    match reason {
        Reason::Quarantine => "in quarantine",
        Reason::Discarded => "discarded by a person",
        Reason::Changed => "new or changed at the source since the last run",
        Reason::Gone => "gone from the source, and still in the destination",
        Reason::ParentGone => "as they were loaded, and what they refer to is gone since",
        Reason::Unfinished => "half written by a run that is not done",
    }
}

fn line(row: &DifferingRow) -> Vec<String> {
    let names: Vec<&str> = row.columns.iter().map(ColumnName::as_str).collect();
    let fields = match row.fault {
        Some(Code::MaskStale) => format!("it may hold what is masked now: {}", Code::MaskStale.info().word),
        Some(fault) => format!("as things are it would be set aside: {}", fault.info().word),
        None => names.join(", "),
    };
    let key = key(row).unwrap_or_else(|| "(unnamed)".to_owned());
    vec![key, row.difference.as_str().to_owned(), fields]
}

/// The row's key. What only the destination has by a number or a truth value cannot be asked for.
fn key(row: &DifferingRow) -> Option<String> {
    let is_unnamed = row.key.is_unkeyed() && row.difference == RowDifference::Extra;
    (!is_unnamed).then(|| row.key.text())
}

fn row_json(row: &DifferingRow) -> Value {
    let mut value = json!({ "difference": row.difference.as_str(), "columns": row.columns });
    // One that has a fault was loaded.
    let is_strange = row.difference == RowDifference::Extra && row.fault.is_none();
    let name = if is_strange { "destination_key" } else { "source_key" };
    value[name] = json!(key(row));
    if let Some(fault) = row.fault {
        value["fault"] = json!(fault.info().word);
    }
    value
}

fn put(out: &mut String, line: &str) {
    out.push_str(line);
    out.push('\n');
}
