//! Entities that would wait for one another in a circle.
//!
//! Such specs are refused, so a draft must not hold them. Of the references in a circle, one that may stay empty is given up first.

use std::collections::{BTreeMap, BTreeSet};

use transload_model::EntityName;

use crate::draft::Known;
use crate::inferred::{Draft, FieldDraft};

/// Who waits for whom.
type Waits = BTreeMap<EntityName, BTreeSet<EntityName>>;

/// Leaves out references until no entity waits for itself.
pub(crate) fn break_circles(drafts: &mut [Draft], known: &[Known]) {
    let mut waits = Waits::new();
    for spec in known.iter().filter(|spec| spec.is_active) {
        waits.entry(spec.entity.clone()).or_default().extend(spec.parents.iter().cloned());
    }
    for must in [true, false] {
        for draft in &mut *drafts {
            let entity = draft.entity.clone();
            for field in draft.fields.iter_mut().filter(|field| field.needs_value == must) {
                let Some(parent) = field.parent().filter(|parent| **parent != entity).cloned() else { continue };
                if leads(&waits, &parent, &entity) {
                    let reason =
                        format!("a reference to `{parent}` would close a circle: `{parent}` waits for `{entity}`");
                    *field = FieldDraft::left(field.destination.clone(), field.needs_value, vec![reason]);
                } else {
                    waits.entry(entity.clone()).or_default().insert(parent);
                }
            }
        }
    }
}

/// Whether `from` waits for `to`, directly or by others.
fn leads(waits: &Waits, from: &EntityName, to: &EntityName) -> bool {
    let mut seen = BTreeSet::new();
    let mut open = vec![from];
    while let Some(entity) = open.pop() {
        if entity == to {
            return true;
        }
        if seen.insert(entity) {
            open.extend(waits.get(entity).into_iter().flatten());
        }
    }
    false
}
