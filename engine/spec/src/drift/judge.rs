//! What a change of a table means to a spec.
//!
//! What breaks is what a run could not do, and what it could do and must not: rows that are told apart by another key, values that the column
//! does not take any more, rows that a policy hides and that would count as gone. Whatever somebody may want so, and nobody else can tell, is to
//! be looked at. The rest is safe.

use std::collections::BTreeMap;

use transload_model::{Column, ColumnName, ColumnTrait, Effect, Fit, ForeignKey, Presence, Table, TableChange, fit};

use super::uses::{Role, Use, mappings, places_of, uses};
use super::{Side, Weight, star};
use crate::compile::{Scope, Target, targets};
use crate::decode::{RuleSpec, Spec};
use crate::problems::Place;

/// A table of one end, for one spec.
pub(super) struct End<'s, 'a> {
    pub(super) scope: &'s Scope<'a>,
    pub(super) spec: &'s Spec,
    pub(super) side: Side,
    pub(super) before: &'s Table,
    pub(super) now: Option<&'s Table>,
    /// What the functions of the spec ask `row` for, by their names.
    scripts: BTreeMap<&'s str, Vec<String>>,
}

/// What a change means to a spec.
#[derive(Debug)]
pub(super) struct Verdict {
    pub(super) weight: Weight,
    pub(super) why: String,
    /// What it touches.
    pub(super) places: Vec<Place>,
    /// Where else problems may stand that come of it.
    pub(super) related: Vec<Place>,
    /// Whether loaded rows were told apart by what it was.
    pub(super) is_of_key: bool,
}

impl Verdict {
    pub(super) fn of(weight: Weight, why: impl Into<String>) -> Self {
        Self { weight, why: why.into(), places: Vec::new(), related: Vec::new(), is_of_key: false }
    }

    pub(super) fn safe(why: impl Into<String>) -> Self {
        Self::of(Weight::Safe, why)
    }

    fn look(why: impl Into<String>) -> Self {
        Self::of(Weight::Look, why)
    }

    fn breaks(why: impl Into<String>) -> Self {
        Self::of(Weight::Breaks, why)
    }

    pub(super) fn at(mut self, places: impl IntoIterator<Item = Place>) -> Self {
        self.places.extend(places);
        self
    }

    fn of_key(self) -> Self {
        Self { is_of_key: true, ..self }
    }

    fn with(mut self, related: impl IntoIterator<Item = Place>) -> Self {
        self.related.extend(related);
        self
    }
}

impl<'s, 'a> End<'s, 'a> {
    /// The table for the spec. Scripts are read against all columns that there were and are, so that one which is gone hides no other.
    pub(super) fn new(
        scope: &'s Scope<'a>,
        spec: &'s Spec,
        side: Side,
        tables: (&'s Table, Option<&'s Table>),
    ) -> Self {
        let (before, now) = tables;
        let columns = before.columns.iter().chain(now.iter().flat_map(|now| &now.columns));
        let names: Vec<&str> = columns.map(|column| column.name.as_str()).collect();
        let read = |body: &str| scope.vocabulary.check_script(body, &names).map(|check| check.columns);
        let functions = spec.functions.iter().filter(|_| side == Side::Source);
        let scripts = functions.filter_map(|function| Some((&*function.name.value, read(&function.body.value).ok()?)));
        Self { scope, spec, side, before, now, scripts: scripts.collect() }
    }

    /// Whether a function of the spec asks `row` for the column.
    pub(super) fn is_read_by(&self, function: &str, column: &ColumnName) -> bool {
        self.scripts.get(function).is_some_and(|columns| columns.iter().any(|name| name == column.as_str()))
    }
}

impl End<'_, '_> {
    /// Where the spec names the table.
    pub(super) fn table_place(&self) -> Place {
        match self.side {
            Side::Source => self.spec.source_table.place.clone(),
            Side::Destination if self.is_loaded() => self.spec.destination_table.place.clone(),
            Side::Destination => {
                let looked = self.looked_in().map(|target| target.table.place).next();
                looked.unwrap_or_else(|| self.spec.destination_table.place.clone())
            }
        }
    }

    /// The rules of the spec that look in the table, as the lock has it.
    pub(super) fn looked_in(&self) -> impl Iterator<Item = Target<'_>> {
        let locked = self.scope.lock.and_then(|lock| lock.catalogs().get(self.scope.project.destination()));
        targets(locked, self.spec).filter(|target| target.table.value == self.before.name)
    }

    /// Whether rows go into the table, and not only a rule looks in it.
    pub(super) fn is_loaded(&self) -> bool {
        self.spec.destination_table.value == self.before.name
    }

    /// The column as it is.
    fn now(&self, column: &ColumnName) -> Option<&Column> {
        self.now?.column(column)
    }

    /// The key that the spec names, if it names one.
    fn named_key(&self) -> Option<Vec<ColumnName>> {
        let key = match self.side {
            Side::Source => &self.spec.key.source,
            Side::Destination => &self.spec.key.destination,
        };
        Some(key.as_ref()?.iter().map(|column| column.value.clone()).collect())
    }
}

/// Judges a change.
pub(super) fn judge(end: &End<'_, '_>, change: &TableChange) -> Verdict {
    let table = end.table_place();
    match change {
        TableChange::TableGone => Verdict::breaks(format!("`{}` needs it", end.spec.entity.value)).at([table]),
        TableChange::TableNew => Verdict::safe("it is new"),
        TableChange::Refused => {
            let sql = end.spec.rows.as_ref().map_or(table, |rows| rows.place.clone());
            Verdict::breaks(format!("`{}` needs it", end.spec.entity.value)).at([sql])
        }
        TableChange::ColumnGone(column) => gone(end, &column.name),
        TableChange::ColumnRenamed { from, to } => match gone(end, from) {
            verdict if verdict.weight == Weight::Safe => new(end, to).with(verdict.related),
            verdict => verdict,
        },
        TableChange::ColumnNew(column) => new(end, column),
        TableChange::Type { before, now } => typed(end, before, now),
        TableChange::Trait(column, what, presence) => of_trait(end, column, (*what, *presence)),
        TableChange::PrimaryKey { now, .. } => primary_key(end, now),
        TableChange::UniqueKey(columns, presence) => unique_key(end, columns, *presence).at_if_heavy(table),
        TableChange::ForeignKey(key, presence) => foreign_key(end, key, *presence).at_if_heavy(table),
        TableChange::Effect(effect, presence) => acting(end, effect, *presence).at_if_heavy(table),
    }
}

impl Verdict {
    fn at_if_heavy(self, place: Place) -> Self {
        if self.weight == Weight::Safe { self } else { self.at([place]) }
    }
}

fn untouched(end: &End<'_, '_>) -> Verdict {
    Verdict::safe(match end.side {
        Side::Source => "no spec reads it",
        Side::Destination => "no spec fills it",
    })
}

/// The places of what a spec does with a column, and of everything that follows from it.
fn placed(end: &End<'_, '_>, verdict: Verdict, uses: Vec<Use>) -> Verdict {
    let mut verdict = verdict;
    for used in uses {
        if let Role::Field(destination) | Role::Star(destination) | Role::Script(destination) = &used.role {
            verdict = verdict.with(places_of(end, destination));
        }
        verdict = verdict.at([used.place]);
    }
    verdict
}

fn gone(end: &End<'_, '_>, column: &ColumnName) -> Verdict {
    let uses = uses(end, column);
    let Some(first) = uses.first() else {
        let sql = end.spec.rows.iter().map(|rows| &rows.place);
        let sql = sql.filter(|place| place.text().is_some_and(|text| text.contains(column.as_str())));
        return untouched(end).with(sql.cloned());
    };
    let why = match (&first.role, end.side) {
        (Role::Key, _) => format!("rows of `{}` are told apart by it", end.spec.entity.value),
        (Role::Cursor, _) => "it says when a row was written last".to_owned(),
        (Role::Field(field), Side::Source) => format!("`{field}` has no source any more"),
        (Role::Field(field), Side::Destination) => format!("`{field}` has nowhere to go any more"),
        (Role::Star(field), _) => format!("`auto_map` copied it, as `{field}`"),
        (Role::Script(field), _) => format!("a script of `{field}` reads it"),
        (Role::MaskedBy(field), _) => format!("the mask of `{field}` shifts days by it"),
        (Role::Where, _) => "`where` names it".to_owned(),
        (Role::Mark, _) => "`deletes` marks rows in it".to_owned(),
        (Role::Lookup, _) => "a rule `foreign_key` looks in it".to_owned(),
    };
    let verdict = Verdict { is_of_key: first.role == Role::Key, ..Verdict::breaks(why) };
    placed(end, verdict, uses).with(whole(end))
}

fn new(end: &End<'_, '_>, column: &Column) -> Verdict {
    let fills = mappings(end, &column.name).next();
    let is_loaded = end.side == Side::Destination && end.is_loaded();
    if is_loaded && let Some(field) = fills {
        return Verdict::safe("a mapping fills it").at([field.destination.place.clone()]);
    }
    if let Some(verdict) = star::takes(end, column) {
        return verdict;
    }
    match end.side {
        Side::Source if !uses(end, &column.name).is_empty() => Verdict::safe("the spec reads it already"),
        Side::Destination if is_loaded => unfilled(end, column),
        _ => untouched(end),
    }
}

/// A destination column that no mapping fills.
fn unfilled(end: &End<'_, '_>, column: &Column) -> Verdict {
    if column.needs_value() {
        Verdict::breaks("nothing fills it, and it must have a value").at([end.spec.fields_place.clone()])
    } else {
        untouched(end)
    }
}

fn typed(end: &End<'_, '_>, before: &Column, now: &Column) -> Verdict {
    let uses = uses(end, &now.name);
    if uses.is_empty() {
        return untouched(end);
    }
    let is_key = uses.iter().any(|used| used.role == Role::Key);
    let is_looked_in = uses.iter().all(|used| used.role == Role::Lookup);
    let computed = uses.iter().find_map(|used| computed(&used.role));
    let verdict = match (fit(before, now), end.side) {
        (Fit::Other, _) if is_key => Verdict::breaks(format!("keys of loaded rows are {}", before.logical)).of_key(),
        (Fit::Unknown, _) | (Fit::Narrower, Side::Source) if is_key => {
            Verdict::breaks("keys of loaded rows may be written in another way")
        }
        (Fit::Other, Side::Source) if let Some(what) = &computed => {
            Verdict::breaks(format!("{what}, and would do so in another way"))
        }
        (Fit::Other, Side::Destination) if !is_looked_in => {
            Verdict::breaks(format!("rows that are loaded hold {} there", before.logical))
        }
        (Fit::Narrower, Side::Destination) if !is_looked_in => {
            Verdict::breaks("values that fitted may not fit any more")
        }
        (Fit::Other, _) => Verdict::look(format!("it is {} now, and was {}", now.logical, before.logical)),
        (Fit::Unknown, _) => Verdict::look("nobody here can tell whether its values are what they were"),
        (Fit::Same | Fit::Wider | Fit::Narrower, Side::Source) => {
            Verdict::safe("a value that does not fit the destination is set aside")
        }
        (Fit::Same | Fit::Wider | Fit::Narrower, Side::Destination) => Verdict::safe("every value fits that fitted"),
    };
    placed(end, verdict, uses)
}

/// What makes something else of a value where its type is another, without a word.
fn computed(role: &Role) -> Option<String> {
    match role {
        Role::Script(field) => Some(format!("a script of `{field}` computes with it")),
        Role::MaskedBy(field) => Some(format!("the mask of `{field}` shifts days by it")),
        Role::Where => Some("`where` compares it".to_owned()),
        _ => None,
    }
}

fn of_trait(end: &End<'_, '_>, column: &ColumnName, change: (ColumnTrait, Presence)) -> Verdict {
    let uses = uses(end, column);
    let is_key = uses.iter().any(|used| used.role == Role::Key);
    if end.side == Side::Source {
        let verdict = match change {
            (ColumnTrait::Nullable, Presence::New) if is_key => {
                Verdict::look("a row without a key cannot be told apart")
            }
            _ if uses.is_empty() => untouched(end),
            _ => Verdict::safe("rows are read as before"),
        };
        return placed(end, verdict, uses);
    }
    if !end.is_loaded() {
        return Verdict::safe("a rule only looks in the table");
    }
    let Some(now) = end.now(column).filter(|_| uses.is_empty()) else {
        let verdict = match change {
            (ColumnTrait::Nullable, Presence::Gone) => Verdict::look("rows without a value are set aside now"),
            (ColumnTrait::Generated, Presence::New) => Verdict::breaks("nothing may be written to it any more"),
            (ColumnTrait::InsertOnly, Presence::New) if !is_key => {
                Verdict::breaks("a row that changes at the source could not be updated")
            }
            (ColumnTrait::HasDefault, Presence::Gone) if is_key => Verdict::look("the database gives no key any more"),
            _ => Verdict::safe("a mapping fills it"),
        };
        return placed(end, verdict, uses).with(whole(end));
    };
    match (change, now.needs_value()) {
        ((ColumnTrait::HasDefault | ColumnTrait::Generated, Presence::Gone), false) => {
            Verdict::look("rows that come have NULL there").at([end.table_place()])
        }
        _ => unfilled(end, now),
    }
}

fn primary_key(end: &End<'_, '_>, now: &[ColumnName]) -> Verdict {
    let named = end.named_key();
    let place = [end.table_place()];
    let related = whole(end);
    match (end.side, named) {
        (Side::Source, None) => Verdict::breaks("the spec names no key, so rows would be told apart by other columns")
            .of_key()
            .at(place)
            .with(related),
        (Side::Source, Some(key)) => kept_unique(end, &key).at_if_heavy(end.table_place()),
        (Side::Destination, _) if !end.is_loaded() => {
            let is_meant = end.looked_in().any(|target| is_by_primary_key(target.rule));
            match is_meant {
                true => Verdict::look("a rule `foreign_key` that names no column looks in it").at(place),
                false => Verdict::safe("a rule only looks in the table"),
            }
        }
        (Side::Destination, Some(mut key)) => {
            let mut now = now.to_vec();
            key.sort();
            now.sort();
            match key == now {
                true => Verdict::look("it is what the spec names as its key").at(place),
                false => Verdict::breaks("rows are found again by their key").at(place).with(related),
            }
        }
        (Side::Destination, None) => Verdict::breaks("rows are found again by it").of_key().at(place).with(related),
    }
}

fn is_by_primary_key(rule: &RuleSpec) -> bool {
    rule.lookup.as_ref().is_some_and(|lookup| lookup.table.is_some() && lookup.column.is_none())
}

/// The places of what is wrong with a spec as a whole: with its key, or with what nothing fills.
fn whole(end: &End<'_, '_>) -> Vec<Place> {
    let (spec, key) = (end.spec, &end.spec.key);
    let columns = key.source.iter().chain(&key.destination).flatten().map(|column| &column.place);
    let strategy = key.strategy.iter().map(|strategy| &strategy.place);
    let own = [&spec.fields_place, &spec.entity.place].into_iter().chain(columns).chain(strategy).cloned();
    own.chain([end.table_place()]).collect()
}

/// The key of the source, where the database no longer keeps it unique.
fn kept_unique(end: &End<'_, '_>, key: &[ColumnName]) -> Verdict {
    match end.now.is_some_and(|now| now.is_unique(key)) {
        true => Verdict::safe("the spec names its key"),
        false => Verdict::look("the database no longer keeps the spec's key unique"),
    }
}

fn unique_key(end: &End<'_, '_>, columns: &[ColumnName], presence: Presence) -> Verdict {
    let key = end.named_key().unwrap_or_else(|| end.before.primary_key.clone());
    let is_of_key = columns.iter().all(|column| key.contains(column));
    match (end.side, presence) {
        (Side::Source, Presence::Gone) if is_of_key => kept_unique(end, &key),
        (Side::Source, _) => Verdict::safe("rows are read as before"),
        (Side::Destination, _) if !end.is_loaded() => Verdict::safe("a rule only looks in the table"),
        (Side::Destination, Presence::New) => Verdict::look("a row that repeats a value is set aside now"),
        (Side::Destination, Presence::Gone) => Verdict::look("a row that repeats a value is loaded now"),
    }
}

fn foreign_key(end: &End<'_, '_>, key: &ForeignKey, presence: Presence) -> Verdict {
    let refers =
        |table: &Table| table.foreign_keys.iter().any(|k| (&k.columns, &k.table) == (&key.columns, &key.table));
    let is_kept = refers(end.before) && end.now.is_some_and(refers);
    match (end.side, presence) {
        (Side::Source, _) => Verdict::safe("rows are read as before"),
        (Side::Destination, _) if !end.is_loaded() => Verdict::safe("a rule only looks in the table"),
        (Side::Destination, _) if is_kept => Verdict::look("a delete of a parent does something else now"),
        (Side::Destination, Presence::New) => Verdict::look("a row whose parent is missing is set aside now"),
        (Side::Destination, Presence::Gone) => Verdict::look("a row whose parent is missing is loaded now"),
    }
}

fn acting(end: &End<'_, '_>, effect: &Effect, presence: Presence) -> Verdict {
    let is_read = end.side == Side::Source || !end.is_loaded();
    match (effect, presence) {
        (Effect::RowSecurity, Presence::New) if is_read => Verdict::breaks("rows that it hides would count as gone"),
        (Effect::RowSecurity, Presence::Gone) if is_read => Verdict::look("rows that it hid come now"),
        _ if is_read => Verdict::safe("it acts on nothing that is read"),
        (Effect::RowSecurity, Presence::New) => Verdict::breaks("it may hide or refuse rows"),
        (Effect::Rule(_), Presence::New) => Verdict::breaks("it could not be told what arrives"),
        (Effect::Trigger(_), Presence::New) => Verdict::look("it fires for every row that is written"),
        (Effect::OtherUnique, Presence::New) => Verdict::look("rows may refuse one another now"),
        (Effect::Trigger(_) | Effect::Rule(_), Presence::Gone) => Verdict::look("what it did is not done any more"),
        (Effect::RowSecurity | Effect::OtherUnique, Presence::Gone) => Verdict::safe("it refuses nothing any more"),
    }
}
