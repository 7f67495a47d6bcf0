//! Who waits for whom, and where a circle of entities is broken.
//!
//! An entity waits for those that it references, for those that it names, and for those whose tables its own has foreign keys to, as far as the
//! destination is known. A circle is broken at a column that may be NULL: it is left open, and filled when the rest of the circle is in.

use std::collections::BTreeSet;

use transload_model::{Catalog, ColumnName, Cycle, Diagnostic, Table, Waits, waves};

use crate::compile::Entities;
use crate::decode::{Field, Spec};
use crate::problems::{Place, Problems, circle, listed};

/// A reason for an entity to wait.
#[derive(Debug, Clone)]
pub(crate) struct Wait<'a> {
    /// For whom, by the index of its spec. It may be the entity itself, by `depends_on` alone.
    pub(crate) parent: usize,
    pub(crate) place: &'a Place,
    pub(crate) word: Waits,
    /// The index of the field that could be filled later.
    field: Option<usize>,
    pub(crate) is_deferred: bool,
}

/// A place at which a circle is broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// The field, as `offices.head_doctor_id`.
    pub field: String,
    /// Where it is written, as `specs/offices.yaml:7`.
    pub place: String,
    /// The entity that is waited for.
    pub parent: String,
    /// Whether its spec asks for it.
    pub asked: bool,
}

/// What the active specs wait for, by the index of the spec.
pub(crate) struct Order<'a> {
    entities: &'a Entities<'a>,
    waits: Vec<Vec<Wait<'a>>>,
    cycles: Vec<Cycle>,
}

impl<'a> Order<'a> {
    /// Looks at the specs, and at the destination's foreign keys where they are known.
    pub(crate) fn of(entities: &'a Entities<'a>, destination: Option<&Catalog>) -> Self {
        let waits = entities.specs.iter().map(|spec| waits(entities, spec, destination)).collect();
        let mut order = Self { entities, waits, cycles: Vec::new() };
        order.break_circles(destination);
        order
    }

    /// Reports the circles that cannot be broken.
    pub(crate) fn report(&self, problems: &mut Problems) {
        for cycle in &self.cycles {
            problems.push(self.whole(cycle));
        }
    }

    /// Why a spec waits.
    pub(crate) fn waits(&self, spec: usize) -> &[Wait<'a>] {
        self.waits.get(spec).map_or(&[], Vec::as_slice)
    }

    /// Pairs of entities of which one waits for the other, whether it is filled later or not.
    pub(crate) fn pairs(&self) -> BTreeSet<(usize, usize)> {
        let all = self.waits.iter().enumerate().flat_map(|(child, waits)| waits.iter().map(move |wait| (child, wait)));
        all.map(|(child, wait)| (child, wait.parent)).filter(|(child, parent)| child != parent).collect()
    }

    /// The fields of a spec that are filled later, each with the spec that they wait for.
    pub(crate) fn deferred(&self, spec: usize) -> impl Iterator<Item = (usize, usize)> {
        let deferred = self.waits(spec).iter().filter(|wait| wait.is_deferred);
        deferred.filter_map(|wait| Some((wait.field?, wait.parent)))
    }

    /// Every place at which a circle is broken.
    pub(crate) fn broken(&self) -> Vec<Broken> {
        let mut broken = Vec::new();
        for (child, spec) in self.entities.specs.iter().enumerate() {
            for wait in self.waits(child).iter().filter(|wait| wait.is_deferred) {
                let Some(field) = wait.field.and_then(|field| spec.fields.get(field)) else { continue };
                let (line, _) = wait.place.file.position(wait.place.span.start);
                broken.push(Broken {
                    field: format!("{}.{}", spec.entity.value, field.destination.value),
                    place: format!("{}:{line}", wait.place.file.path),
                    parent: self.entities.specs[wait.parent].entity.value.to_string(),
                    asked: is_asked(field),
                });
            }
        }
        broken.sort_by(|a, b| a.field.cmp(&b.field));
        broken.dedup();
        broken
    }

    /// Leaves one column after the other open until no circle is left, or only such as have none.
    fn break_circles(&mut self, destination: Option<&Catalog>) {
        loop {
            let mut edges = Vec::new();
            for (child, waits) in self.waits.iter().enumerate() {
                edges.extend(waits.iter().filter(|wait| !wait.is_deferred).map(|wait| (child, wait.parent)));
            }
            let Err(cycles) = waves(self.waits.len(), &edges) else { return };
            let broken: Vec<(usize, usize)> =
                cycles.iter().filter_map(|cycle| self.weakest(cycle, destination)).collect();
            if broken.is_empty() {
                self.cycles = cycles;
                return;
            }
            for (child, parent) in broken {
                for wait in self.waits[child].iter_mut().filter(|wait| wait.parent == parent) {
                    wait.is_deferred = true;
                }
            }
        }
    }

    /// The step of a circle that is left open best: one whose every reason is a column that may be NULL. A reference goes before a foreign key
    /// that no reference stands for, few columns before many, and one that may be empty before one that is required.
    fn weakest(&self, cycle: &Cycle, destination: Option<&Catalog>) -> Option<(usize, usize)> {
        let steps = steps_of(cycle).filter(|(child, parent)| child != parent);
        let weight = |(child, parent): (usize, usize)| {
            let spec = self.entities.specs.get(child)?;
            let table = destination.and_then(|held| held.table(&spec.destination_table.value));
            let mut weight = (false, 0, false);
            for wait in self.waits(child).iter().filter(|wait| wait.parent == parent && !wait.is_deferred) {
                let field = spec.fields.get(wait.field?)?;
                if !may_wait(spec, field, table) {
                    return None;
                }
                weight.0 |= matches!(wait.word, Waits::ForeignKey(_));
                weight.1 += 1;
                weight.2 |= field.required.as_ref().is_some_and(|required| required.value);
            }
            Some((weight, (child, parent)))
        };
        // Of several that weigh the same, the first along the circle.
        steps.filter_map(weight).min_by_key(|(weight, _)| *weight).map(|(_, step)| step)
    }

    fn whole(&self, cycle: &Cycle) -> Diagnostic {
        let step = |(index, parent): (usize, usize)| {
            let spec = self.entities.specs.get(index)?;
            let open = self.waits(index).iter().filter(|wait| wait.parent == parent && !wait.is_deferred);
            Some((spec.entity.value.as_str(), open.map(|wait| wait.place).collect()))
        };
        let steps: Vec<_> = steps_of(cycle).filter_map(step).collect();
        let mut found = circle(&steps, "waits for");
        for (child, parent) in steps_of(cycle) {
            for wait in self.waits(child).iter().filter(|wait| wait.parent == parent && !wait.is_deferred) {
                if let Waits::ForeignKey(columns) = &wait.word {
                    let (child, parent) = (&self.entities.specs[child], &self.entities.specs[parent]);
                    let (child, parent) = (&child.destination_table.value, &parent.destination_table.value);
                    let columns = listed(columns.iter().map(ColumnName::as_str));
                    found = found.note(format!("{columns} of `{child}` has a foreign key to `{parent}`"));
                }
            }
        }
        if steps.len() < 2 {
            return found.help("take it out: an entity cannot come before itself");
        }
        let fields = steps_of(cycle).filter(|(child, parent)| {
            self.waits(*child).iter().any(|wait| wait.parent == *parent && wait.field.is_some())
        });
        if fields.count() == 0 {
            return found.help("take one of them out");
        }
        found
            .note("a circle is broken where a column of the destination may be NULL, and none of these may")
            .help("take one of them out, or let one of these columns be NULL in its table; it is filled last then")
    }
}

/// Who waits for whom along a circle.
fn steps_of(cycle: &Cycle) -> impl Iterator<Item = (usize, usize)> {
    cycle.0.iter().copied().zip(cycle.0.iter().copied().cycle().skip(1))
}

fn is_asked(field: &Field) -> bool {
    field.reference.as_ref().and_then(|reference| reference.defer.as_ref()).is_some_and(|defer| defer.value)
}

/// Whether a column can be NULL until what it leads to is there. Of a table that is not known it is taken to be so.
fn may_wait(spec: &Spec, field: &Field, table: Option<&Table>) -> bool {
    let is_refused = field.reference.as_ref().and_then(|reference| reference.defer.as_ref()).is_some_and(|d| !d.value);
    let column = table.map(|table| table.column(&field.destination.value));
    let is_nullable = column.is_none_or(|column| column.is_some_and(|column| column.nullable && !column.insert_only));
    is_nullable && !is_refused && !is_key(spec, &field.destination.value, table)
}

fn is_key(spec: &Spec, column: &ColumnName, table: Option<&Table>) -> bool {
    match &spec.key.destination {
        Some(key) => key.iter().any(|part| part.value == *column),
        None => table.is_some_and(|table| table.primary_key.contains(column)),
    }
}

/// Why an active spec waits, by what its file says and then by what its table says.
fn waits<'a>(entities: &Entities<'a>, spec: &'a Spec, destination: Option<&Catalog>) -> Vec<Wait<'a>> {
    if !spec.is_active {
        return Vec::new();
    }
    let active = |index: &usize| entities.specs.get(*index).is_some_and(|parent| parent.is_active);
    let mut waits = Vec::new();
    for (at, field) in spec.fields.iter().enumerate() {
        let Some(reference) = field.reference.as_ref().filter(|found| found.entity.value != spec.entity.value) else {
            continue;
        };
        if let Some(parent) = entities.find(&reference.entity.value).filter(active) {
            let word = Waits::References(field.destination.value.clone());
            let place = &reference.entity.place;
            waits.push(Wait { parent, place, word, field: Some(at), is_deferred: is_asked(field) });
        }
    }
    for name in &spec.depends_on {
        if let Some(parent) = entities.find(&name.value).filter(active) {
            waits.push(Wait { parent, place: &name.place, word: Waits::DependsOn, field: None, is_deferred: false });
        }
    }
    if let Some(held) = destination {
        waits.extend(foreign_keys(entities, spec, held));
    }
    waits
}

/// Foreign keys to tables that other entities load, as far as the spec writes a column of them and no reference says the same.
fn foreign_keys<'a>(entities: &Entities<'a>, spec: &'a Spec, held: &Catalog) -> Vec<Wait<'a>> {
    let Some(table) = held.table(&spec.destination_table.value) else { return Vec::new() };
    let mut waits = Vec::new();
    for key in table.foreign_keys.iter().filter(|key| key.table != spec.destination_table.value) {
        let written = |column: &ColumnName| spec.fields.iter().position(|field| field.destination.value == *column);
        let fields: Vec<usize> = key.columns.iter().filter_map(written).collect();
        let makes_key = key.columns.iter().any(|column| is_key(spec, column, Some(table)));
        if fields.is_empty() && !makes_key {
            continue;
        }
        let parents = entities.specs.iter().enumerate().filter(|(_, parent)| {
            parent.is_active
                && parent.destination_table.value == key.table
                && parent.entity.value != spec.entity.value
                && entities
                    .find(&parent.entity.value)
                    .is_some_and(|found| std::ptr::eq(&entities.specs[found], *parent))
        });
        for (parent, to) in parents {
            let refers = |at: &usize| {
                spec.fields[*at].reference.as_ref().is_some_and(|reference| reference.entity.value == to.entity.value)
            };
            if !fields.is_empty() && fields.iter().all(refers) {
                continue;
            }
            // Of several columns, one that is NULL is enough.
            let can_wait = |at: &&usize| !refers(at) && may_wait(spec, &spec.fields[**at], Some(table));
            let field = fields.iter().find(can_wait).copied();
            let shown = field.or_else(|| fields.first().copied());
            let place = shown.map_or(&spec.destination_table.place, |at| &spec.fields[at].destination.place);
            let word = Waits::ForeignKey(key.columns.clone());
            waits.push(Wait { parent, place, word, field: shown, is_deferred: false });
        }
    }
    waits
}
