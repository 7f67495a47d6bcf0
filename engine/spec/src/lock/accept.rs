//! Takes over into a lock what somebody looked at, and leaves every other line as it is.

use std::collections::{BTreeMap, BTreeSet};

use transload_model::{ColumnName, EntityName, TableChange};

use super::{Content, LockedTable};
use crate::Project;
use crate::compile::{Catalogs, settle, specs};
use crate::decode::Spec;
use crate::drift::Drift;
use crate::problems::Problems;

/// The text of the project's lock with these changes in it, given what the databases hold; `None` where the project has no lock. What a star
/// stands for follows: a column that is gone is not copied any more, and one that was accepted is.
#[must_use]
pub fn accept(project: &Project, catalogs: &Catalogs, accepted: &[&Drift]) -> Option<String> {
    let lock = project.lock.as_ref()?;
    let mut content = lock.content.clone();
    let mut held = lock.catalogs.clone();
    for drift in accepted {
        take_over(drift, catalogs, (&mut content, &mut held));
    }
    let before = copied(project, &lock.catalogs);
    let now = copied(project, &held);
    for (entity, locked) in &mut content.entities {
        let (Some(known), Ok(entity)) = (&mut locked.auto_mapped, EntityName::parse(entity)) else { continue };
        let (before, now) = (before.get(&entity), now.get(&entity));
        let of = |columns: Option<&BTreeSet<ColumnName>>| -> BTreeSet<String> {
            columns.into_iter().flatten().map(ToString::to_string).collect()
        };
        let (before, now) = (of(before), of(now));
        known.retain(|column| !before.contains(column) || now.contains(column));
        known.extend(now.difference(&before).cloned());
    }
    Some(lock.with(content))
}

fn take_over(drift: &Drift, catalogs: &Catalogs, (content, held): (&mut Content, &mut Catalogs)) -> Option<()> {
    let (live, held) = (catalogs.get(&drift.connection)?, held.get_mut(&drift.connection)?);
    if let (Some(entity), TableChange::Refused) = (&drift.query, &drift.change) {
        held.written.remove(entity);
        content.entities.get_mut(entity.as_str())?.query = None;
        return Some(());
    }
    if let Some(entity) = &drift.query {
        let now = live.written.get(entity)?.as_ref().ok()?;
        let table = held.written.get_mut(entity)?.as_mut().ok()?;
        drift.change.apply(table, now);
        content.entities.get_mut(entity.as_str())?.query = Some(LockedTable::of(table, live));
        return Some(());
    }
    let tables = content.tables.get_mut(drift.connection.as_str())?;
    if drift.change == TableChange::TableGone {
        held.tables.remove(&drift.table);
        tables.remove(drift.table.as_str());
        return Some(());
    }
    let table = held.tables.get_mut(&drift.table)?;
    drift.change.apply(table, live.table(&drift.table)?);
    tables.insert(drift.table.to_string(), LockedTable::of(table, live));
    Some(())
}

/// The destination columns that the star of each spec stands for where the databases hold this.
fn copied(project: &Project, catalogs: &Catalogs) -> BTreeMap<EntityName, BTreeSet<ColumnName>> {
    let mut problems = Problems::default();
    let (mut specs, _) = specs(project, &mut problems);
    settle(project, &mut specs, catalogs, None, &mut problems);
    let filled = |spec: &Spec| {
        let own = spec.fields.iter().filter(|field| field.is_auto);
        (spec.entity.value.clone(), own.map(|field| field.destination.value.clone()).collect())
    };
    // Of two specs of one name the active one counts.
    specs.sort_by_key(|spec| spec.is_active);
    specs.iter().filter(|spec| spec.auto_map.is_some()).map(filled).collect()
}
