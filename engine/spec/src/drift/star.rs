//! What `auto_map` does with a column: those that it copied when the project was locked, and those that it would copy now.

use transload_model::{Column, ColumnName};

use super::judge::{End, Verdict};
use super::uses::{Role, Use, mappings};
use super::{Side, Weight};
use crate::compile::paired;
use crate::decode::{AutoMap, OnNewColumn};

/// Where the star reads or fills the column, by what the lock knows or by what it stands for now.
pub(super) fn copied(end: &End<'_, '_>, column: &ColumnName) -> Vec<Use> {
    let Some(auto_map) = &end.spec.auto_map else { return Vec::new() };
    let locked = end.scope.lock.and_then(|lock| lock.auto_mapped(&end.spec.entity.value));
    let is_pair = |filled: &ColumnName| match end.side {
        Side::Source => paired(auto_map.pairing, filled) == paired(auto_map.pairing, column),
        Side::Destination => filled == column,
    };
    let known = locked.into_iter().flatten().filter(|filled| is_pair(filled) && mappings(end, filled).next().is_none());
    let settled = end.spec.fields.iter().filter(|field| field.is_auto).map(|field| &field.destination.value);
    let filled = known.chain(settled.filter(|filled| is_pair(filled))).next();
    let copied = |filled: &ColumnName| Use { role: Role::Star(filled.clone()), place: auto_map.place.clone() };
    filled.map(copied).into_iter().collect()
}

/// What a new column means where a star may stand for it; `None` where it does not.
pub(super) fn takes(end: &End<'_, '_>, column: &Column) -> Option<Verdict> {
    let auto_map = end.spec.auto_map.as_ref()?;
    let has_counterpart = counterpart(end, auto_map, column).is_some();
    if !is_wanted(auto_map, end, column) {
        return (end.side == Side::Source).then(|| Verdict::safe("`auto_map` leaves it out"));
    }
    if !has_counterpart && end.side == Side::Destination {
        return None;
    }
    let is_locked = end.scope.lock.is_some_and(|lock| lock.auto_mapped(&end.spec.entity.value).is_some());
    let weight = match auto_map.on_new_column {
        _ if has_counterpart && !is_locked => return Some(Verdict::safe("`auto_map` copies it")),
        OnNewColumn::Include if has_counterpart => return Some(Verdict::safe("`auto_map` copies it")),
        OnNewColumn::Include | OnNewColumn::Ignore => {
            return Some(Verdict::safe("it is not copied: `on_new_column` says so"));
        }
        OnNewColumn::Fail if has_counterpart => Weight::Breaks,
        OnNewColumn::Fail | OnNewColumn::Warn => Weight::Look,
    };
    let why = match has_counterpart {
        true => "`auto_map` does not copy it before it is accepted",
        false => "nothing takes it: the destination has no such column that is free",
    };
    Some(Verdict::of(weight, why).at([auto_map.place.clone()]))
}

fn is_wanted(auto_map: &AutoMap, end: &End<'_, '_>, column: &Column) -> bool {
    let name = match end.side {
        Side::Source => &column.name,
        Side::Destination => match counterpart(end, auto_map, column) {
            Some(source) => source,
            None => return true,
        },
    };
    let is_among = |patterns: &[crate::problems::Located<crate::decode::ColumnPattern>]| {
        patterns.iter().any(|pattern| pattern.value.matches(name))
    };
    (auto_map.include.is_empty() || is_among(&auto_map.include)) && !is_among(&auto_map.exclude)
}

/// The column of the other end with which the star would pair it, if no mapping and no key has taken that.
fn counterpart<'a>(end: &End<'a, '_>, auto_map: &AutoMap, column: &Column) -> Option<&'a ColumnName> {
    let wanted = paired(auto_map.pairing, &column.name);
    let is_same = |other: &&'a Column| paired(auto_map.pairing, &other.name) == wanted;
    match end.side {
        Side::Source => {
            let found = end.scope.destination_table(end.spec)?.table.columns.iter().find(is_same)?;
            let key = end.scope.destination_key(end.spec).unwrap_or_default();
            let is_free =
                !found.generated && !key.contains(&&found.name) && mappings(end, &found.name).next().is_none();
            is_free.then_some(&found.name)
        }
        Side::Destination => {
            end.scope.source_table(end.spec)?.table.columns.iter().find(is_same).map(|other| &other.name)
        }
    }
}
