//! `validate`: everything that is wrong with a project, at once.

use serde_json::{Value, json};
use transload_model::{Diagnostic, EntityName, Exit, Severity};
use transload_spec::{Broken, Compiled, Drift, Summary, Weight};

use crate::cli::args::{Format, Validate};
use crate::cli::failure::{Failure, unknown_entity};
use crate::cli::fix::{Fixed, fix, fixable};
use crate::cli::lock::{Locked, write_lock};
use crate::cli::render::{Screen, pretty};
use crate::cli::report::{Report, Warnings, as_json, counted};
use crate::cli::text::some;
use crate::cli::wiring::{self, Chosen, World};

/// The word that means `transload.yaml` where an entity's name may stand.
const PROJECT: &str = "project";

pub(crate) async fn run(chosen: &Chosen, validate: &Validate, screen: &Screen) -> Result<Exit, Failure> {
    if validate.expand.as_ref().is_some_and(|wanted| wanted.as_deref() == Some(PROJECT)) {
        screen.answer(wiring::merged(chosen)?.trim_end());
        return Ok(Exit::Done);
    }
    let world = if validate.lock { locked(chosen, screen).await? } else { looked_at(chosen, validate).await? };
    let world = if validate.fix { fixed(world, chosen, validate, screen).await? } else { world };
    if let Some(wanted) = &validate.expand {
        return expand(&world, wanted.as_deref(), screen);
    }
    let problems = &world.compiled.diagnostics;
    let warnings = if validate.deny_warnings { Warnings::Denied } else { Warnings::Allowed };
    let exit = exit(problems, warnings);
    world.schema_to_be_made().iter().for_each(|told| screen.hint(told));
    match screen.format {
        Format::Json => screen.answer(&pretty(&json!({
            "schema": "transload.validate/1",
            "project": world.project.name(),
            "environment": world.project.environment(),
            "valid": world.compiled.plan.is_some(),
            "exit_code": exit as i32,
            "broken_circles": world.compiled.broken.iter().map(broken).collect::<Vec<_>>(),
            "problems": problems.iter().map(as_json).collect::<Vec<_>>(),
        }))),
        Format::Text => {
            for problem in problems {
                screen.answer(&screen.render(problem));
            }
            match refusal(&world, warnings, screen) {
                Some(refusal) => screen.answer(&refusal),
                None => verdict(&world, is_made(&world).await, screen),
            }
            let fixable = fixable(problems);
            if fixable > 0 {
                screen.hint(&format!("{fixable} of them `transload validate --fix` corrects"));
            }
        }
        _ => {
            screen.report(Report { warnings, ..Report::new(problems.clone(), world.project.files(), exit) });
            if let Some(refusal) = refusal(&world, warnings, screen) {
                screen.hint(&refusal);
            }
        }
    }
    Ok(exit)
}

async fn looked_at(chosen: &Chosen, validate: &Validate) -> Result<World, Failure> {
    if validate.offline { wiring::world_offline(chosen) } else { wiring::world(chosen).await }
}

/// How often the files are mended, at most: what was wrong may have hidden what else is.
const ROUNDS: usize = 8;

/// Mends the files, and looks at them again, for as long as that changes any.
async fn fixed(world: World, chosen: &Chosen, validate: &Validate, screen: &Screen) -> Result<World, Failure> {
    let (mut world, mut all) = (world, Fixed::default());
    for _ in 0..ROUNDS {
        let fixed = fix(world.project.root(), &world.compiled.diagnostics)?;
        if fixed.places == 0 {
            break;
        }
        all.places += fixed.places;
        all.files.extend(fixed.files);
        world = looked_at(chosen, validate).await?;
    }
    if all.places > 0 {
        screen.hint(&format!("corrected {} in {}", some(all.places, "name"), some(all.files.len(), "file")));
    }
    Ok(world)
}

/// Writes the lock, and then looks at the project with it.
async fn locked(chosen: &Chosen, screen: &Screen) -> Result<World, Failure> {
    let before = wiring::world(chosen).await?;
    let catalogs = before.catalogs.clone().unwrap_or_default();
    match write_lock(&before.project, &before.functions, &catalogs)? {
        Locked::AsItWas => {
            screen.hint("transload.lock is as it was");
            Ok(before)
        }
        Locked::Written => {
            screen.hint(&format!("wrote transload.lock; commit it{}", taken_over(&before.compiled.drift)));
            wiring::world(chosen).await
        }
    }
}

/// How much of what changed the lock takes over unseen.
fn taken_over(drifts: &[Drift]) -> String {
    let breaking = drifts.iter().filter(|drift| drift.weight == Weight::Breaks).count();
    match drifts.len() {
        0 => String::new(),
        all => format!(". It takes over {}, {breaking} breaking", some(all, "change")),
    }
}

/// Prints the long form of one spec, or of all.
fn expand(world: &World, wanted: Option<&str>, screen: &Screen) -> Result<Exit, Failure> {
    let expanded = transload_spec::expand(&world.project, &*world.functions, world.catalogs.as_ref())?;
    let names: Vec<&EntityName> = expanded.keys().collect();
    if let Some(wanted) = wanted {
        let name = names.iter().find(|name| name.as_str() == wanted);
        let name = name.ok_or_else(|| unknown_entity(wanted, &names))?;
        screen.answer(expanded[*name].trim_end());
        return Ok(Exit::Done);
    }
    let documents: Vec<&str> = expanded.values().map(|text| text.trim_end()).collect();
    screen.answer(&documents.join("\n---\n"));
    Ok(Exit::Done)
}

fn is_error(problem: &Diagnostic) -> bool {
    problem.severity == Severity::Error
}

fn exit(problems: &[Diagnostic], warnings: Warnings) -> Exit {
    if problems.iter().any(is_error) {
        // Who checks a project is refused nothing: a guard that a run would meet is a problem that was found.
        match Failure(problems.to_vec()).exit() {
            Exit::Refused => Exit::Problems,
            exit => exit,
        }
    } else if warnings == Warnings::Denied && !problems.is_empty() {
        Exit::Problems
    } else {
        Exit::Done
    }
}

/// Why the project is not accepted; `None` where it is.
fn refusal(world: &World, warnings: Warnings, screen: &Screen) -> Option<String> {
    let Compiled { diagnostics, summary, .. } = &world.compiled;
    let is_denied = warnings == Warnings::Denied && !diagnostics.is_empty();
    let why = match diagnostics.iter().any(is_error) {
        true => "",
        false if is_denied => ", and warnings are denied",
        false => return None,
    };
    let (sign, counted) = (screen.signs().failed, counted(diagnostics));
    Some(format!("{sign} {counted} in {}{why}", some(summary.specs, "spec")))
}

/// When the destination's tables are made.
#[derive(Clone, Copy)]
enum Made {
    /// They are there, or nobody looked.
    Now,
    /// By the first run.
    Later,
}

async fn is_made(world: &World) -> Made {
    if world.catalogs.is_none() {
        return Made::Now;
    }
    match wiring::existing_destination(&world.project).await {
        Ok(None) => Made::Later,
        _ => Made::Now,
    }
}

/// What was found to be right.
fn verdict(world: &World, made: Made, screen: &Screen) {
    let Compiled { diagnostics, summary, .. } = &world.compiled;
    let signs = screen.signs();
    let ends = [world.project.source(), world.project.destination()].map(ToString::to_string).join(", ");
    let looked_at = match (&world.catalogs, world.project.locked_at()) {
        (None, Some(moment)) => format!("not asked; as transload.lock of {moment} says"),
        (_, lock) => {
            let elsewhere = world.project.locked_elsewhere();
            let is_known = || transload_spec::unlocked(&world.project).is_empty();
            let tables = match made {
                Made::Later => "as `create_with` will make them",
                Made::Now if lock.is_some() && elsewhere.is_empty() && !is_known() => {
                    "there, and transload.lock does not hold all of them (`transload drift`)"
                }
                Made::Now if lock.is_some() && elsewhere.is_empty() && world.compiled.drift.is_empty() => {
                    "as transload.lock says"
                }
                Made::Now if !world.compiled.drift.is_empty() => {
                    "there, and not all as transload.lock says (`transload drift`)"
                }
                Made::Now => "there",
            };
            let of = elsewhere.first().map(|(_, system)| format!("; transload.lock is of {system}: not compared"));
            format!("reachable, tables and columns are {tables}{}", of.unwrap_or_default())
        }
    };
    let lines = [
        (format!("{}, 1 project file", some(summary.specs, "spec")), "YAML and keys".to_owned()),
        (fields(summary), "names and types fit, scripts compile".to_owned()),
        (graph(summary), circles(&world.compiled.broken)),
        (ends, looked_at),
    ];
    for (what, why) in lines {
        screen.say(&format!("{} {what:<48} {why}", signs.done));
    }
    for Broken { field, place, parent, asked } in &world.compiled.broken {
        let why = if *asked { " (`defer`)" } else { "" };
        screen.say(&format!("  {field} is NULL until {parent} is loaded{why}   {place}"));
    }
    if !diagnostics.is_empty() {
        screen.say(&format!("{} {}", signs.warning, some(diagnostics.len(), "warning")));
    }
}

fn circles(broken: &[Broken]) -> String {
    match broken.len() {
        0 => "no cycles".to_owned(),
        fields => format!("{} filled last, so no cycles", some(fields, "field")),
    }
}

fn broken(found: &Broken) -> Value {
    let Broken { field, place, parent, asked } = found;
    json!({ "field": field, "place": place, "parent": parent, "asked": asked })
}

fn fields(summary: &Summary) -> String {
    let parts = [(summary.fields, "field"), (summary.rules, "rule"), (summary.functions, "function")];
    parts.map(|(count, word)| some(count, word)).join(", ")
}

fn graph(summary: &Summary) -> String {
    let entities = if summary.entities == 1 { "1 entity".to_owned() } else { format!("{} entities", summary.entities) };
    format!("{entities}, {}, {}", some(summary.edges, "edge"), some(summary.waves, "wave"))
}
