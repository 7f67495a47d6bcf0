//! `baseline`: how many rows both ends have, and when each entity was moved last. It writes nothing.

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};
use transload_model::{Clock, ControlStore, EntityName, EntityState, Exit, Plan, RunRecord, SystemClock};
use transload_run::{Baseline as Found, BaselineOptions, Counted, EntityBaseline, Mappings, gap};
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
    let options = BaselineOptions { exact: baseline.exact, mappings: baseline.mappings };
    let ends = (&*plan, &world.sources);
    let found = transload_run::baseline(ends, destination.as_deref(), (&wanted, options), &clock).await?;
    let store = wiring::control_store(chosen, &world.project).await?;
    let last = last_runs(&*store, (&plan, world.project.environment()), &found).await?;
    let shown = Shown { found: &found, last: &last, drift: &world.compiled.drift, started_at };
    match screen.format {
        Format::Json => screen.answer(&pretty(&shown.json())),
        _ => shown.text(screen, baseline.mappings),
    }
    Ok(if baseline.exit_code && !shown.is_in_sync() { Exit::Different } else { Exit::Done })
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
    fn totals(&self) -> (u64, u64) {
        let entities = &self.found.entities;
        (
            entities.iter().map(|entity| entity.source.rows).sum(),
            entities.iter().map(|entity| entity.destination.rows).sum(),
        )
    }

    /// Whether each entity has as many rows at both ends.
    fn is_in_sync(&self) -> bool {
        self.found.entities.iter().all(|entity| entity.gap() == 0)
    }

    fn overall(&self) -> &'static str {
        if self.is_in_sync() { "in_sync" } else { "gaps_detected" }
    }

    fn text(&self, screen: &Screen, mappings: bool) {
        let header = ["entity", "source", "destination", "gap", "gap %", "status", "last run (UTC)"];
        let mut lines: Vec<Vec<String>> = self.found.entities.iter().map(|entity| self.line(entity)).collect();
        let (source, destination) = self.totals();
        lines.push(vec![
            "total".to_owned(),
            number(source),
            number(destination),
            signed(gap(source, destination)),
            format!("{:.2} %", rounded(percentage(source, destination))),
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
        let has_estimate =
            self.found.entities.iter().any(|entity| entity.source.is_estimate || entity.destination.is_estimate);
        screen.say(&match has_estimate {
            true => format!("\nwhat has a ~ is an estimate of its database, because it has more than ten million rows ({took}); `--exact` counts"),
            false => format!("\nall counts are exact ({took})"),
        });
        if !self.is_in_sync() {
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
            format!("{:.2} %", rounded(percentage(entity.source.rows, entity.destination.rows))),
            status(entity).replace('_', " "),
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
                "totalSourceRecords": source,
                "totalDestinationRecords": destination,
                "overallGap": gap(source, destination),
                "averageGapPercentage": rounded(percentage(source, destination)),
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
            "gapPercentage": rounded(percentage(entity.source.rows, entity.destination.rows)),
            "status": status(entity),
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

fn status(entity: &EntityBaseline) -> &'static str {
    match entity.gap() {
        0 => "in_sync",
        gap if gap > 0 => "behind",
        _ => "ahead",
    }
}

/// The gap as a share of the source. An empty source is ahead by all that there is: -100.
fn percentage(source: u64, destination: u64) -> f64 {
    let whole = if source == 0 { destination.max(1) } else { source };
    let parts = i128::from(gap(source, destination)) * 1_000_000 / i128::from(whole);
    let parts = i32::try_from(parts).unwrap_or(if parts < 0 { i32::MIN } else { i32::MAX });
    f64::from(parts) / 10_000.0
}

fn rounded(percentage: f64) -> f64 {
    (percentage * 100.0).round() / 100.0
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
