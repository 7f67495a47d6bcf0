//! `validate`: everything that is wrong with a project, at once.

use serde_json::json;
use transload_model::{Diagnostic, Exit, Severity};
use transload_spec::{Compiled, Summary};

use crate::cli::args::{Format, Validate};
use crate::cli::failure::Failure;
use crate::cli::render::{Screen, pretty};
use crate::cli::report::{Report, Warnings, as_json, counted};
use crate::cli::text::number;
use crate::cli::wiring::{self, Chosen, World};

pub(crate) async fn run(chosen: &Chosen, validate: &Validate, screen: &Screen) -> Result<Exit, Failure> {
    let world = wiring::world(chosen).await?;
    let problems = &world.compiled.diagnostics;
    let warnings = if validate.deny_warnings { Warnings::Denied } else { Warnings::Allowed };
    let exit = exit(problems, warnings);
    match screen.format {
        Format::Json => screen.answer(&pretty(&json!({
            "schema": "transload.validate/1",
            "project": world.project.name(),
            "environment": world.project.environment(),
            "valid": world.compiled.plan.is_some(),
            "exit_code": exit as i32,
            "problems": problems.iter().map(as_json).collect::<Vec<_>>(),
        }))),
        Format::Text => {
            for problem in problems {
                screen.answer(&screen.render(problem));
            }
            match refusal(&world, warnings, screen) {
                Some(refusal) => screen.answer(&refusal),
                None => verdict(&world, screen),
            }
        }
        _ => {
            screen.report(Report { problems: problems.clone(), files: world.project.files(), warnings, exit });
            if let Some(refusal) = refusal(&world, warnings, screen) {
                screen.hint(&refusal);
            }
        }
    }
    Ok(exit)
}

fn is_error(problem: &Diagnostic) -> bool {
    problem.severity == Severity::Error
}

fn exit(problems: &[Diagnostic], warnings: Warnings) -> Exit {
    if problems.iter().any(is_error) {
        Failure(problems.to_vec()).exit()
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

/// What was found to be right.
fn verdict(world: &World, screen: &Screen) {
    let Compiled { diagnostics, summary, .. } = &world.compiled;
    let signs = screen.signs();
    let ends = [world.project.source(), world.project.destination()].map(ToString::to_string).join(", ");
    let lines = [
        (format!("{}, 1 project file", some(summary.specs, "spec")), "YAML and keys"),
        (fields(summary), "names and types fit, scripts compile"),
        (graph(summary), "no cycles"),
        (ends, "reachable, tables and columns are there"),
    ];
    for (what, why) in lines {
        screen.say(&format!("{} {what:<48} {why}", signs.done));
    }
    if !diagnostics.is_empty() {
        screen.say(&format!("{} {}", signs.warning, some(diagnostics.len(), "warning")));
    }
}

fn fields(summary: &Summary) -> String {
    let parts = [(summary.fields, "field"), (summary.rules, "rule"), (summary.functions, "function")];
    parts.map(|(count, word)| some(count, word)).join(", ")
}

fn graph(summary: &Summary) -> String {
    let entities = if summary.entities == 1 { "1 entity".to_owned() } else { format!("{} entities", summary.entities) };
    format!("{entities}, {}, {}", some(summary.edges, "edge"), some(summary.waves, "wave"))
}

fn some(count: usize, word: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{} {word}{plural}", number(count as u64))
}
