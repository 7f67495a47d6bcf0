//! `drift`: what is not as `transload.lock` says, and what that means to the specs.
//!
//! It judges nothing itself: what it shows is what a run is refused for, or warned of.

mod accepted;
mod show;

use transload_model::{Code, Diagnostic, Exit, Severity};
use transload_spec::{Drift as Drifted, Project, Weight};

use crate::cli::args::{Drift, Format};
use crate::cli::failure::Failure;
use crate::cli::lock::replace_lock;
use crate::cli::named;
use crate::cli::render::{Screen, pretty};
use crate::cli::wiring::{self, Chosen, World};

pub(crate) async fn run(chosen: &Chosen, asked: &Drift, screen: &Screen) -> Result<Exit, Failure> {
    let world = wiring::locked_world(chosen).await?;
    let unreadable = unreadable(&world);
    if !unreadable.is_empty() {
        return Err(Failure(unreadable));
    }
    let drifts = of_entities(&world, asked)?;
    if asked.accept_all || !asked.accept.is_empty() {
        return accept(&world, asked, &drifts, screen);
    }
    let others = others(&world);
    let exit = exit((&drifts, &others), asked);
    if asked.suggest && screen.format == Format::Text {
        screen.answer(show::suggested(&drifts).trim_end());
        return Ok(exit);
    }
    match screen.format {
        Format::Json => screen.answer(&pretty(&show::document(&world.project, &drifts, &others, exit))),
        _ => show::text(&world.project, &drifts, &others, screen),
    }
    Ok(exit)
}

/// Problems of specs that cannot be read: nobody could tell what a change touches.
fn unreadable(world: &World) -> Vec<Diagnostic> {
    let is_of_form = |problem: &&Diagnostic| problem.code.info().number.starts_with("TL01");
    world.compiled.diagnostics.iter().filter(is_of_form).cloned().collect()
}

/// What keeps a plan from being made and comes of no change. A key for masks is needed where rows are read.
fn others(world: &World) -> Vec<&Diagnostic> {
    let is_broken = world.compiled.drift.iter().any(|drift| drift.weight == Weight::Breaks);
    let is_other = |problem: &&Diagnostic| match problem.code {
        Code::MaskKeyMissing => false,
        Code::SchemaDrift => !is_broken,
        _ => true,
    };
    let errors = world.compiled.diagnostics.iter().filter(|problem| problem.severity == Severity::Error);
    errors.filter(is_other).collect()
}

/// Where entities are named, only what their specs name.
fn of_entities<'a>(world: &'a World, asked: &Drift) -> Result<Vec<&'a Drifted>, Failure> {
    let known = transload_spec::entities(&world.project);
    let wanted = named::among(&asked.entities, known.iter())?;
    // A table that no spec names any more is nobody's, and told where nobody is named.
    let is_wanted = |drift: &&Drifted| asked.entities.is_empty() || !wanted.is_disjoint(&drift.entities);
    Ok(world.compiled.drift.iter().filter(is_wanted).collect())
}

fn exit((drifts, others): (&[&Drifted], &[&Diagnostic]), asked: &Drift) -> Exit {
    let breaks = !others.is_empty() || drifts.iter().any(|drift| drift.weight == Weight::Breaks);
    match (asked.exit_code, breaks) {
        (true, _) if !drifts.is_empty() => Exit::Different,
        (_, true) => Exit::Problems,
        _ => Exit::Done,
    }
}

fn accept(world: &World, asked: &Drift, drifts: &[&Drifted], screen: &Screen) -> Result<Exit, Failure> {
    let taken = match asked.accept_all {
        true => drifts.to_vec(),
        false => accepted::chosen(drifts, &asked.accept)?,
    };
    if !taken.is_empty() {
        write(&world.project, world, &taken)?;
    }
    let left: Vec<&Drifted> = drifts.iter().filter(|drift| !taken.contains(drift)).copied().collect();
    match screen.format {
        Format::Json => {
            let mut document = show::document(&world.project, &left, &[], Exit::Done);
            document["accepted"] = taken.iter().map(|drift| show::change(drift)).collect();
            screen.answer(&pretty(&document));
        }
        _ => show::accepted(&taken, &left, screen),
    }
    Ok(Exit::Done)
}

fn write(project: &Project, world: &World, taken: &[&Drifted]) -> Result<(), Failure> {
    let catalogs = world.catalogs.clone().unwrap_or_default();
    match transload_spec::accept(project, &catalogs, taken) {
        Some(text) => replace_lock(project, &text),
        None => Ok(()),
    }
}
