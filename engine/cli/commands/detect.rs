//! `detect`: what a run would move. It writes no row; what it finds is kept in the control store, so that `run --plan` can be held to it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use transload_model::{
    Change, ChangeKind, ChangedFields, Clock, ColumnName, ControlStore, DetectionPlan, DetectionRecord, EntityName,
    Exit, Plan, RunId, SystemClock,
};
use transload_run::{ChangeSink, Detection};

use crate::cli::args::{Detect, Format};
use crate::cli::artifacts::make_folder;
use crate::cli::detections;
use crate::cli::failure::Failure;
use crate::cli::named;
use crate::cli::progress::{Heartbeat, listener};
use crate::cli::render::{Screen, pretty};
use crate::cli::sinks::Sinks;
use crate::cli::summary::table;
use crate::cli::text::{duration, number, rate, rows};
use crate::cli::wiring::{self, Chosen, World, not_made};

/// Fields that the answer names, of each entity.
const FIELDS_SHOWN: usize = 5;

pub(crate) async fn run(chosen: &Chosen, detect: &Detect, screen: &Screen) -> Result<Exit, Failure> {
    if let Some(wanted) = &detect.show {
        return show(chosen, detect, wanted, screen).await;
    }
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let mut world = wiring::world(chosen).await?;
    let (plan, warnings) = world.plan()?;
    for warning in &warnings {
        screen.problem(warning);
    }
    let reach = named::entities(&detect.entities, &plan)?;
    make_folder(&chosen.root)?;
    let store = wiring::control_store(chosen, &world.project).await?;
    let mut record = DetectionRecord {
        id: RunId::generate(&*clock),
        project: plan.project().to_owned(),
        environment: world.project.environment().to_owned(),
        started_at: clock.now(),
        completed_at: None,
        digest_seed: 0,
        entities: Vec::new(),
        carried_out_by: None,
    };
    store.put_detection(&record).await?;
    let limit = usize::try_from(detect.limit).unwrap_or(usize::MAX);
    let mut keeper = Keeper { store: &*store, id: record.id, shown: Vec::new(), limit, fields: BTreeMap::new() };
    let found = find((chosen, &mut world), (&plan, reach, &clock), screen, &mut keeper).await?;
    (record.completed_at, record.digest_seed) = (Some(clock.now()), found.digest_seed);
    record.entities.clone_from(&found.entities);
    store.put_detection(&record).await?;
    for warning in &found.warnings {
        screen.problem(warning);
    }
    let answer = Answer { plan: &plan, record: &record, found: &found, keeper: &keeper };
    match screen.format {
        Format::Json => screen.answer(&pretty(&answer.json())),
        _ => answer.text(screen),
    }
    let differs = found.entities.iter().any(|entity| entity.moved() > 0);
    Ok(if detect.exit_code && differs { Exit::Different } else { Exit::Done })
}

async fn find(
    (chosen, world): (&Chosen, &mut World),
    (plan, entities, clock): (&Arc<Plan>, BTreeSet<EntityName>, &Arc<dyn Clock>),
    screen: &Screen,
    keeper: &mut Keeper<'_>,
) -> Result<Detection, Failure> {
    let Some(destination) = wiring::existing_destination(&world.project).await? else {
        return Err(not_made(chosen, world).await);
    };
    let held = destination.catalog().await?;
    if plan.entities().iter().any(|entity| held.table(&entity.destination.table).is_none()) {
        return Err(not_made(chosen, world).await);
    }
    let heartbeat = Heartbeat::new(Arc::clone(clock));
    let sink = Arc::new(Sinks(listener(screen, &heartbeat).into_iter().collect()));
    let job = world.job(plan, destination, (sink, Arc::clone(clock)));
    let mut tasks = tokio::task::JoinSet::new();
    tasks.spawn(heartbeat.beat());
    // The heart stops beating where the set is dropped.
    Ok(transload_run::detect(job, &entities, keeper).await?)
}

/// Keeps changes in the control store, and the first of them for the answer.
struct Keeper<'a> {
    store: &'a dyn ControlStore,
    id: RunId,
    shown: Vec<Change>,
    limit: usize,
    /// How many modified rows change each field, by entity.
    fields: BTreeMap<EntityName, BTreeMap<ColumnName, u64>>,
}

impl ChangeSink for Keeper<'_> {
    async fn take(&mut self, changes: Vec<Change>) -> transload_model::Result<()> {
        self.store.add_changes(self.id, &changes).await?;
        for change in changes {
            if let ChangedFields::Known(names) = &change.fields {
                for name in names {
                    let counted = self.fields.entry(change.entity.clone()).or_default();
                    *counted.entry(name.clone()).or_default() += 1;
                }
            }
            if self.shown.len() < self.limit {
                self.shown.push(change);
            }
        }
        Ok(())
    }
}

/// What was found, for people and for programs.
struct Answer<'a> {
    plan: &'a Plan,
    record: &'a DetectionRecord,
    found: &'a Detection,
    keeper: &'a Keeper<'a>,
}

impl Answer<'_> {
    fn text(&self, screen: &Screen) {
        let totals = self.found.totals();
        screen.say(&format!("detection {}\n", self.record.id.short()));
        let header = ["entity", "read", "new", "modified", "deleted", "unchanged", "quarantined", "rows/s", "time"];
        let mut lines = Vec::new();
        for entity in &self.found.entities {
            lines.push(cells(entity.entity.as_str(), &entity.counts, entity.elapsed_ms));
        }
        lines.push(cells("total", &totals, self.found.elapsed_ms));
        screen.answer(&table(&header, lines, 1));
        self.fields(screen);
        self.sample(screen);
        for entity in self.found.entities.iter().filter(|entity| !entity.applies_deletes && entity.counts.deleted > 0) {
            let gone = number(entity.counts.deleted);
            screen.hint(&format!(
                "{}: {gone} gone from the source stay at the destination (`deletes: ignore`)",
                entity.entity
            ));
        }
        self.limits(screen);
        let id = self.record.id.short();
        if self.found.entities.iter().all(|entity| entity.moved() == 0) {
            screen.say("\nnothing to move");
        } else {
            screen.hint(&format!(
                "\nnext: `transload run`, or `transload run --plan {id}` to move exactly this\n      `transload detect --show {id}` lists all of it"
            ));
        }
    }

    /// Where a run would do other than what is listed.
    fn limits(&self, screen: &Screen) {
        for found in &self.found.entities {
            let Some(entity) = self.plan.entity(&found.entity) else { continue };
            if let Some(allowed) = transload_run::deletes_refused(entity.deletes, found) {
                screen.hint(&format!(
                    "{}: {} of {} are gone from the source, and a run deletes none of them (TL0421): {} may be; `--max-deletes` allows more",
                    found.entity,
                    number(found.counts.deleted),
                    rows(found.loaded),
                    number(allowed)
                ));
            }
            match &entity.detection {
                DetectionPlan::Timestamp(cursor) if found.counts.written() > 0 => screen.hint(&format!(
                    "{}: `strategy: timestamp`: every row was read; what `{}` does not show, a plain run finds only within its `audit_runs`, and `run --plan` moves now",
                    found.entity,
                    cursor.column.name
                )),
                DetectionPlan::Hash | DetectionPlan::Full | DetectionPlan::Timestamp(_) => {}
            }
        }
    }

    fn fields(&self, screen: &Screen) {
        let mut label = "\nwhat changes";
        for (entity, counted) in &self.keeper.fields {
            let mut counted: Vec<(&ColumnName, &u64)> = counted.iter().collect();
            counted.sort_by_key(|(name, rows)| (std::cmp::Reverse(**rows), (*name).clone()));
            let mut parts: Vec<String> =
                counted.iter().take(FIELDS_SHOWN).map(|(name, rows)| format!("{name} {}", number(**rows))).collect();
            if counted.len() > FIELDS_SHOWN {
                parts.push(format!("{} other fields", counted.len() - FIELDS_SHOWN));
            }
            screen.say(&format!("{label}   {entity}: {}", parts.join(&format!(" {} ", screen.signs().dot))));
            label = "            ";
        }
    }

    fn sample(&self, screen: &Screen) {
        if self.keeper.shown.is_empty() {
            return;
        }
        let (shown, total) = (&self.keeper.shown, self.found.totals().written());
        screen.say(&format!("\n{}", changes_table(shown)));
        if (shown.len() as u64) < total {
            screen.say(&format!("{} of {}", shown.len(), number(total)));
        }
    }

    fn json(&self) -> Value {
        let totals = self.found.totals();
        let affected = self.found.entities.iter().filter(|entity| entity.counts.written() > 0);
        let affected: Vec<&EntityName> = affected.map(|entity| &entity.entity).collect();
        let moment = self.record.completed_at.unwrap_or(self.record.started_at);
        json!({
            "schema": "transload.detect/1",
            "detectionId": self.record.id,
            "timestamp": rfc3339(moment),
            "summary": {
                "totalChanges": totals.written(),
                "newRecords": totals.new,
                "modifiedRecords": totals.modified,
                "deletedRecords": totals.deleted,
                "entitiesAffected": affected,
            },
            "entityResults": self.found.entities.iter().map(|entity| json!({
                "entityType": entity.entity,
                "changes": entity.counts.written(),
                "newRecords": entity.counts.new,
                "modifiedRecords": entity.counts.modified,
                "deletedRecords": entity.counts.deleted,
                "appliesDeletes": entity.applies_deletes,
                "unchangedRecords": entity.counts.unchanged,
                "quarantinedRecords": entity.counts.quarantined,
                "lastProcessedTimestamp": rfc3339(self.record.started_at),
            })).collect::<Vec<Value>>(),
            "changesDetected": self.keeper.shown.iter().map(as_json).collect::<Vec<Value>>(),
            "changesOmitted": totals.written() - self.keeper.shown.len() as u64,
            "performance": {
                "totalDurationMs": self.found.elapsed_ms,
                "recordsPerSecond": rate(totals.read, self.found.elapsed_ms),
            },
        })
    }
}

fn cells(name: &str, counts: &transload_model::Counts, ms: u64) -> Vec<String> {
    vec![
        name.to_owned(),
        number(counts.read),
        number(counts.new),
        number(counts.modified),
        number(counts.deleted),
        number(counts.unchanged),
        number(counts.quarantined),
        number(rate(counts.read, ms)),
        duration(ms),
    ]
}

fn rfc3339(moment: DateTime<Utc>) -> String {
    moment.to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
}

/// Changes of a detection that is kept.
async fn show(chosen: &Chosen, detect: &Detect, wanted: &str, screen: &Screen) -> Result<Exit, Failure> {
    let project = wiring::project(chosen)?;
    let store = wiring::control_store(chosen, &project).await?;
    let record = detections::find(&*store, wanted).await?;
    let changes = store.changes(record.id, detect.from, detect.limit).await?;
    let total: u64 = record.entities.iter().map(|entity| entity.counts.written()).sum();
    if screen.format == Format::Json {
        let shown: Vec<Value> = changes.iter().map(as_json).collect();
        screen.answer(&pretty(&json!({
            "schema": "transload.changes/1",
            "detectionId": record.id,
            "from": detect.from,
            "total": total,
            "changesDetected": shown,
        })));
        return Ok(Exit::Done);
    }
    if changes.is_empty() {
        screen.say(&format!("detection {} has {} changes", record.id.short(), number(total)));
        return Ok(Exit::Done);
    }
    screen.answer(&changes_table(&changes));
    let next = detect.from + changes.len() as u64;
    if next < total {
        let id = record.id.short();
        screen.hint(&format!(
            "\n{} of {}; go on with `transload detect --show {id} --from {next}`",
            number(next),
            number(total)
        ));
    }
    Ok(Exit::Done)
}

fn changes_table(changes: &[Change]) -> String {
    let line = |change: &Change| {
        let fields = match &change.fields {
            ChangedFields::Known(names) if names.is_empty() => "nothing that is written".to_owned(),
            ChangedFields::Known(names) => names.iter().map(ColumnName::as_str).collect::<Vec<_>>().join(", "),
            ChangedFields::Unknown(why) => format!("unknown: {why}"),
            ChangedFields::NotAsked => String::new(),
        };
        vec![change.entity.to_string(), change.kind.to_string(), change.key.text(), fields]
    };
    table(&["entity", "change", "key", "fields"], changes.iter().map(line).collect(), 4)
}

fn as_json(change: &Change) -> Value {
    let mut value = json!({
        "entityType": change.entity,
        "recordId": change.key.text(),
        "changeType": change.kind,
        "contentHash": format!("{:016x}", change.digest),
    });
    match &change.fields {
        ChangedFields::Known(names) => value["fieldChanges"] = json!(names),
        ChangedFields::Unknown(why) => {
            value["fieldChanges"] = Value::Null;
            value["fieldChanges_unknown"] = json!(why);
        }
        ChangedFields::NotAsked if change.kind == ChangeKind::Modified => value["fieldChanges"] = Value::Null,
        ChangedFields::NotAsked => {}
    }
    value
}
