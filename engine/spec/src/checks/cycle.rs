//! Entities that wait for one another.
//!
//! A cycle is one problem, shown whole: each place along it may be the one to take out. An entity's reference to itself is none, because
//! it is filled in a second pass.

use transload_model::{Cycle, Diagnostic, waves};

use crate::compile::Entities;
use crate::decode::Spec;
use crate::problems::{Place, Problems, circle};

pub(crate) fn check(entities: &Entities<'_>, problems: &mut Problems) {
    if let Err(cycles) = waves(entities.specs.len(), &edges(entities)) {
        for cycle in cycles {
            problems.push(whole(entities, &cycle));
        }
    }
}

/// `(child, parent)` for every active entity that waits for another, each pair once.
pub(crate) fn edges(entities: &Entities<'_>) -> Vec<(usize, usize)> {
    let mut edges = Vec::new();
    for (child, spec) in entities.specs.iter().enumerate().filter(|(_, spec)| spec.is_active) {
        for (parent, _) in waits(entities, spec) {
            edges.push((child, parent));
        }
    }
    edges.sort_unstable();
    edges.dedup();
    edges
}

/// Whom an entity waits for, and where that is written.
fn waits<'a>(entities: &Entities<'a>, spec: &'a Spec) -> Vec<(usize, &'a Place)> {
    let references = spec.fields.iter().filter_map(|field| field.reference.as_ref()).map(|reference| &reference.entity);
    let references = references.filter(|name| name.value != spec.entity.value);
    let names = references.chain(&spec.depends_on);
    let active = |index: &usize| entities.specs.get(*index).is_some_and(|parent| parent.is_active);
    names.filter_map(|name| Some((entities.find(&name.value).filter(active)?, &name.place))).collect()
}

fn whole(entities: &Entities<'_>, cycle: &Cycle) -> Diagnostic {
    let next = cycle.0.iter().cycle().skip(1);
    let step = |(index, parent): (&usize, &usize)| {
        let spec = entities.specs.get(*index)?;
        let places = waits(entities, spec).into_iter().filter(|(waited, _)| waited == parent).map(|(_, place)| place);
        Some((spec.entity.value.as_str(), places.collect()))
    };
    let steps: Vec<_> = cycle.0.iter().zip(next).filter_map(step).collect();
    circle(&steps, "waits for").help("take one of them out, and fill that column in a later step")
}
