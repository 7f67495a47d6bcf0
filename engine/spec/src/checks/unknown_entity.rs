//! `references` and `depends_on` that name an entity which no active spec moves.

use transload_model::{Code, EntityName};

use crate::compile::Entities;
use crate::decode::Spec;
use crate::problems::{Located, Problems, listed, problem};

pub(crate) fn check(entities: &Entities<'_>, problems: &mut Problems) {
    for spec in entities.specs {
        let referenced =
            spec.fields.iter().filter_map(|field| field.reference.as_ref()).map(|reference| &reference.entity);
        for name in referenced.chain(&spec.depends_on) {
            check_name(entities, spec, name, problems);
        }
    }
}

fn check_name(entities: &Entities<'_>, spec: &Spec, name: &Located<EntityName>, problems: &mut Problems) {
    let found = entities.find(&name.value);
    let is_active = found.is_some_and(|index| entities.specs.get(index).is_some_and(|parent| parent.is_active));
    // An inactive spec is checked alone; what it names may be inactive with it.
    if is_active || (found.is_some() && !spec.is_active) || entities.is_unreadable(&name.value) {
        return;
    }
    let headline = format!("entity `{}` is not moved by any active spec", name.value);
    let problem = problem(Code::UnknownReference, headline, &name.place, "this entity");
    let names = entities.specs.iter().filter(|other| other.is_active).map(|other| other.entity.value.as_str());
    match found.and_then(|index| entities.specs.get(index)) {
        Some(inactive) => problems.push(problem.note(format!("{} is not active", inactive.file.path))),
        None => {
            let problem = problem.note(format!("active are {}", listed(names.clone())));
            problems.push_unknown(problem, name.value.as_str(), names);
        }
    }
}
