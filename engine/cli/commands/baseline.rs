//! `baseline`: how many rows both ends have, and when each entity was moved last. It writes nothing.

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};
use transload_model::{Clock, ControlStore, Counted, EntityName, EntityState, Exit, Plan, RunRecord, SystemClock};
use transload_run::{Baseline as Found, BaselineOptions, EntityBaseline, Mappings, Standing, gap};
use transload_spec::Drift;
use uuid::Uuid;

use crate::cli::args::{Baseline, Format};
use crate::cli::failure::Failure;
use crate::cli::named;
use crate::cli::render::{Screen, pretty};
use crate::cli::summary::aligned;
use crate::cli::text::{duration, number};
use crate::cli::wiring::{self, Chosen};

/// Runs that are looked through for the last one of each entity.
const SEARCHED: u32 = 1_000;

pub(crate) async fn run(chosen: &Chosen, baseline: &Baseline, screen: &Screen) -> Result<Exit, Failure> {
    let clock = SystemClock::new();
    let started_at = clock.now();
    let mut world = wiring::world(chosen).await?;
    let (plan, warnings) = world.plan()?;
    warnings.iter().for_each(|warning| screen.problem(warning));
    let wanted = named::entities(&baseline.entities, &plan)?;
    let destination = wiring::existing_destination(&world.project).await?;
    if let Some(destination) = &destination {
        let specs = transload_spec::entities(&world.project);
        transload_run::without_spec(&**destination, &specs).await?.iter().for_each(|warning| screen.problem(warning));
    }
    let options = BaselineOptions { exact: baseline.exact || baseline.exit_code, mappings: baseline.mappings };
    let ends = (&*plan, &world.sources);
    let found = transload_run::baseline(ends, destination.as_deref(), (&wanted, options), &clock).await?;
    let store = wiring::control_store(chosen, &world.project).await?;
    let last = last_runs(&*store, (&plan, world.project.environment()), &found).await?;
    let shown = Shown { found: &found, last: &last, drift: &world.compiled.drift, started_at };
    match screen.format {
        Format::Json => screen.answer(&pretty(&shown.json())),
        _ => shown.text(screen, baseline.mappings),
    }
    Ok(if baseline.exit_code && shown.has_gap() { Exit::Different } else { Exit::Done })
}

/// When each entity was moved last, as far as the control store knows.
async fn last_runs(
    store: &dyn ControlStore,
    (plan, environment): (&Plan, &str),
    found: &Found,
) -> Result<BTreeMap<EntityName, DateTime<Utc>>, Failure> {
    let mut last = BTreeMap::new();
    // Others may share the store.
    let is_own = |run: &RunRecord| run.project == plan.project() && run.environment == environment;
    for run in store.runs(SEARCHED).await?.into_iter().filter(is_own) {
        if last.len() == found.entities.len() {
            break;
        }
        for entity in store.entities(run.id).await?.into_iter().filter(|entity| entity.state == EntityState::Done) {
            if found.entities.iter().any(|known| known.entity == entity.entity) {
                last.entry(entity.entity).or_insert(run.ended_at.unwrap_or(run.started_at));
            }
        }
    }
    Ok(last)
}

/// What was counted, for people and for programs.
struct Shown<'a> {
    found: &'a Found,
    last: &'a BTreeMap<EntityName, DateTime<Utc>>,
    /// What is not as the project's lock says.
    drift: &'a [Drift],
    started_at: DateTime<Utc>,
}

impl Shown<'_> {
    fn totals(&self) -> (Counted, Counted) {
        let sum = |end: fn(&EntityBaseline) -> Counted| Counted {
            rows: self.found.entities.iter().map(|entity| end(entity).rows).sum(),
            is_estimate: self.found.entities.iter().any(|entity| end(entity).is_estimate),
        };
        (sum(|entity| entity.source), sum(|entity| entity.destination))
    }

    fn has_any(&self, standings: &[Standing]) -> bool {
        self.found.entities.iter().any(|entity| standings.contains(&entity.standing()))
    }

    fn has_gap(&self) -> bool {
        self.has_any(&[Standing::Behind, Standing::Ahead])
    }

    fn overall(&self) -> &'static str {
        match (self.has_gap(), self.has_any(&[Standing::Unknown])) {
            (true, _) => "gaps_detected",
            (false, true) => word(Standing::Unknown),
            (false, false) => word(Standing::InSync),
        }
    }

    fn text(&self, screen: &Screen, mappings: bool) {
        let header = ["entity", "source", "destination", "gap", "gap %", "status", "last run (UTC)"];
        let mut lines: Vec<Vec<String>> = self.found.entities.iter().map(|entity| self.line(entity)).collect();
        let (source, destination) = self.totals();
        lines.push(vec![
            "total".to_owned(),
            counted(source),
            counted(destination),
            signed(gap(source.rows, destination.rows)),
            format!("{:.2} %", percentage(source.rows, destination.rows)),
            self.overall().replace('_', " "),
            String::new(),
        ]);
        screen.answer(&aligned(&header, lines, |at| at == 0 || at > 4));
        let dot = format!(" {} ", screen.signs().dot);
        let held: Vec<String> = self
            .found
            .entities
            .iter()
            .filter(|entity| entity.quarantined > 0)
            .map(|entity| format!("{} {}", entity.entity, number(entity.quarantined)))
            .collect();
        if !held.is_empty() {
            screen.say(&format!("\nin quarantine   {}", held.join(&dot)));
        }
        if mappings {
            let told = self.found.entities.iter().filter_map(|entity| {
                let Mappings { missing, orphaned } = entity.mappings?;
                let changes = self.schema_changes(entity) as u64;
                let changes = if changes > 0 { format!(", {} schema changes", number(changes)) } else { String::new() };
                let (missing, orphaned) = (number(missing), number(orphaned));
                Some(format!("{} {missing} missing, {orphaned} orphaned{changes}", entity.entity))
            });
            let told: Vec<String> = told.collect();
            let nothing = "nothing is loaded yet".to_owned();
            screen.say(&format!("\nmappings   {}", if told.is_empty() { nothing } else { told.join(&dot) }));
        }
        let took = duration(self.found.elapsed_ms);
        screen.say(&match source.is_estimate || destination.is_estimate {
            true => format!("\nwhat has a ~ is an estimate of its database, because it has more than ten million rows ({took}); `--exact` counts"),
            false => format!("\nall counts are exact ({took})"),
        });
        if self.has_gap() {
            screen.hint("next: `transload detect` finds which rows differ, `transload verify` compares what they hold");
        }
    }

    fn line(&self, entity: &EntityBaseline) -> Vec<String> {
        let last = self.last.get(&entity.entity);
        vec![
            entity.entity.to_string(),
            counted(entity.source),
            counted(entity.destination),
            signed(entity.gap()),
            format!("{:.2} %", percentage(entity.source.rows, entity.destination.rows)),
            word(entity.standing()).replace('_', " "),
            last.map_or_else(|| "never".to_owned(), |moment| moment.format("%Y-%m-%d %H:%M").to_string()),
        ]
    }

    /// The contract's `data`. What is an estimate is named beside it.
    fn json(&self) -> Value {
        let (source, destination) = self.totals();
        let entities: Vec<Value> = self.found.entities.iter().map(|entity| self.entity_json(entity)).collect();
        let checked: Vec<Value> = self.found.entities.iter().filter_map(|entity| self.mapping_json(entity)).collect();
        let mut data = json!({
            "analysisId": format!("baseline-{}-{}", self.started_at.format("%Y-%m-%d"), Uuid::new_v4().simple()),
            "timestamp": rfc3339(self.started_at),
            "overallStatus": self.overall(),
            "entitySummary": entities,
            "summary": {
                "totalSourceRecords": source.rows,
                "totalDestinationRecords": destination.rows,
                "overallGap": gap(source.rows, destination.rows),
                "averageGapPercentage": percentage(source.rows, destination.rows),
            },
        });
        if !checked.is_empty() {
            data["mappingValidation"] = checked.into();
        }
        data
    }

    /// How many things about the entity's tables are not as the project's lock says; none where there is no lock.
    fn schema_changes(&self, entity: &EntityBaseline) -> usize {
        self.drift.iter().filter(|drift| drift.entities.contains(&entity.entity)).count()
    }

    fn mapping_json(&self, entity: &EntityBaseline) -> Option<Value> {
        let Mappings { missing, orphaned } = entity.mappings?;
        let changes = self.schema_changes(entity);
        Some(json!({
            "entityType": entity.entity,
            "isValid": missing == 0 && changes == 0,
            "issues": { "missingMappings": missing, "orphanedMappings": orphaned, "schemaChanges": changes },
        }))
    }

    fn entity_json(&self, entity: &EntityBaseline) -> Value {
        let mut value = json!({
            "entityType": entity.entity,
            "sourceCount": entity.source.rows,
            "destinationCount": entity.destination.rows,
            "recordGap": entity.gap(),
            "gapPercentage": percentage(entity.source.rows, entity.destination.rows),
            "status": word(entity.standing()),
            "lastMigrationTimestamp": self.last.get(&entity.entity).map(|moment| rfc3339(*moment)),
        });
        let estimates = [("sourceCount", entity.source), ("destinationCount", entity.destination)];
        let estimated: Vec<&str> =
            estimates.iter().filter(|(_, counted)| counted.is_estimate).map(|(name, _)| *name).collect();
        if !estimated.is_empty() {
            value["estimated"] = json!(estimated);
        }
        value
    }
}

fn word(standing: Standing) -> &'static str {
    match standing {
        Standing::InSync => "in_sync",
        Standing::Behind => "behind",
        Standing::Ahead => "ahead",
        Standing::Unknown => "unknown",
    }
}

/// The gap as a share of the source, with two decimals. An empty source is ahead by all that there is: -100.
#[expect(clippy::cast_precision_loss, reason = "a share of which two decimals are shown")]
fn percentage(source: u64, destination: u64) -> f64 {
    let whole = if source == 0 { destination.max(1) } else { source };
    let share = gap(source, destination) as f64 / whole as f64;
    (share * 10_000.0).round() / 100.0
}

fn counted(counted: Counted) -> String {
    let about = if counted.is_estimate { "~" } else { "" };
    format!("{about}{}", number(counted.rows))
}

fn signed(gap: i64) -> String {
    let sign = if gap < 0 { "-" } else { "" };
    format!("{sign}{}", number(gap.unsigned_abs()))
}

fn rfc3339(moment: DateTime<Utc>) -> String {
    moment.to_rfc3339_opts(SecondsFormat::Millis, true)
}
