//! Entities that wait for one another.
//!
//! A cycle is one problem, shown whole: each place along it may be the one to take out. An entity's reference to itself is none, because
//! it is filled in a second pass.

use transload_model::{Code, Cycle, Diagnostic, waves};

use crate::compile::Entities;
use crate::decode::Spec;
use crate::problems::{Place, Problems};

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
    let walk: Vec<&Spec> = cycle.0.iter().filter_map(|index| entities.specs.get(*index)).collect();
    let name = |at: usize| walk.get(at % walk.len()).map_or("", |spec| spec.entity.value.as_str());
    let path: Vec<&str> = (0..=walk.len()).map(name).collect();
    let mut problem = Diagnostic::new(Code::Cycle, format!("{} is a cycle", path.join(" → ")));
    for (at, spec) in walk.iter().enumerate() {
        let parent = cycle.0.get((at + 1) % walk.len());
        let is_last = at + 1 == walk.len();
        for (_, place) in waits(entities, spec).iter().filter(|(index, _)| Some(index) == parent) {
            let text = match (at, is_last) {
                (0, true) => format!("`{}` waits for itself here", name(at)),
                (0, false) => format!("`{}` waits for `{}` here …", name(at), name(at + 1)),
                (_, true) => format!("… and `{}` waits for `{}` here", name(at), name(at + 1)),
                (_, false) => format!("… `{}` waits for `{}` here …", name(at), name(at + 1)),
            };
            problem = problem.label(&place.file, place.span.clone(), text);
        }
    }
    problem.help("take one of them out, and fill that column in a later step")
}
