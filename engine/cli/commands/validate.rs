//! `validate`: everything that is wrong with a project, at once.

use serde_json::json;
use transload_model::{Diagnostic, Exit, Severity};
use transload_spec::{Compiled, Summary};

use crate::cli::args::Format;
use crate::cli::failure::Failure;
use crate::cli::render::{Screen, as_json, pretty};
use crate::cli::text::number;
use crate::cli::wiring::{self, Chosen, World};

pub(crate) async fn run(chosen: &Chosen, screen: &Screen) -> Result<Exit, Failure> {
    let world = wiring::world(chosen).await?;
    let problems = &world.compiled.diagnostics;
    match screen.format {
        Format::Json => screen.answer(&pretty(&json!({
            "schema": "transload.validate/1",
            "project": world.project.name(),
            "valid": world.compiled.plan.is_some(),
            "problems": problems.iter().map(as_json).collect::<Vec<_>>(),
        }))),
        Format::Text => {
            for problem in problems {
                screen.answer(&screen.render(problem));
            }
            verdict(&world, screen);
        }
    }
    let is_error = |problem: &Diagnostic| problem.severity == Severity::Error;
    Ok(if problems.iter().any(is_error) { Failure(problems.clone()).exit() } else { Exit::Done })
}

fn verdict(world: &World, screen: &Screen) {
    let Compiled { diagnostics, summary, .. } = &world.compiled;
    let signs = screen.signs();
    let errors = diagnostics.iter().filter(|problem| problem.severity == Severity::Error).count();
    let warnings = diagnostics.len() - errors;
    if errors > 0 {
        let counted = format!("{}, {}", some(errors, "error"), some(warnings, "warning"));
        screen.answer(&format!("{} {counted} in {}", signs.failed, some(summary.specs, "spec")));
        return;
    }
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
    if warnings > 0 {
        screen.say(&format!("{} {}", signs.warning, some(warnings, "warning")));
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
