//! Rows that would leave the regions that they may be in.
//!
//! A connection that does not say where it is may be anywhere, so it counts as somewhere else.

use transload_model::{Code, ConnectionPlan};

use crate::compile::Scope;
use crate::decode::{Residency, Spec};
use crate::problems::{Problems, listed, problem};

pub(crate) fn check(scope: &Scope<'_>, problems: &mut Problems) {
    for spec in scope.specs.iter().filter(|spec| spec.is_active) {
        let Some(residency) = &spec.residency else { continue };
        for (end, name) in [("comes from", scope.project.source()), ("goes to", scope.project.destination())] {
            let connection = scope.project.connections().find(|connection| connection.name == *name);
            if let Some(connection) = connection.filter(|connection| !is_inside(residency, connection)) {
                check_end(spec, residency, (end, connection), problems);
                break;
            }
        }
    }
}

fn is_inside(residency: &Residency, connection: &ConnectionPlan) -> bool {
    connection.region.as_ref().is_some_and(|region| residency.regions.contains(region))
}

fn check_end(spec: &Spec, residency: &Residency, (end, connection): (&str, &ConnectionPlan), problems: &mut Problems) {
    let (entity, name) = (&spec.entity.value, &connection.name);
    let regions = listed(residency.regions.iter().map(String::as_str));
    let headline = match &connection.region {
        Some(region) => format!("entity `{entity}` {end} `{name}`, which is in region `{region}`"),
        None => format!("entity `{entity}` {end} `{name}`, which has no region"),
    };
    let found = problem(Code::Residency, headline, &residency.place, "the regions that its rows may be in");
    let found = found.note(format!("its `residency` is {regions}"));
    problems.push(spec.named_in(match &connection.region {
        Some(_) => found.help("choose an environment whose connections are in one of these regions"),
        None => found.help(format!("write `region: …` for connection `{name}` in transload.yaml, where it is known")),
    }));
}
