//! Which column of a source table goes to which column of its destination table.
//!
//! Names speak for a pair, types and NULL against it. Columns that refer to other rows are judged by more: by the foreign keys of both ends, and
//! by the key of the table that they refer to.

use std::collections::{BTreeMap, BTreeSet};

use transload_model::{Column, ColumnName, EntityName, Kind, LogicalType, TableName};

use crate::confidence::Confidence;
use crate::fit::{LOOK, fit, is_short, is_writable, needs_value};
use crate::inferred::{Fate, FieldDraft, Mapping};
use crate::name::Name;
use crate::observed::Observations;
use crate::tables::Side;
use crate::words::{Word, word_alike};

/// What may be told of columns that refer to another table.
pub(crate) type Parents<'a> = BTreeMap<&'a TableName, Parent>;

/// An entity that others may refer to, by its destination table.
#[derive(Debug, Clone)]
pub(crate) struct Parent {
    pub(crate) entity: EntityName,
    pub(crate) source_table: TableName,
    /// Its key; `None` where it has several columns or none.
    pub(crate) key: Option<ParentKey>,
}

/// The key of one column that a reference is looked up by.
#[derive(Debug, Clone)]
pub(crate) struct ParentKey {
    pub(crate) column: ColumnName,
    pub(crate) logical: LogicalType,
    pub(crate) written_as: LogicalType,
}

/// The two tables, and what is known about them.
pub(crate) struct Columns<'s, 'a> {
    pub(crate) from: &'s Side<'a>,
    pub(crate) to: &'s Side<'a>,
    pub(crate) parents: &'s Parents<'s>,
    pub(crate) seen: &'s Observations,
}

/// A guess, before it is known which of them are taken.
struct Guess {
    source: usize,
    destination: usize,
    /// What names and keys say.
    alike: Confidence,
    field: FieldDraft,
}

/// Columns of old names that new schemas put together again.
const PARTS_OF_A_NAME: [&str; 2] = ["first", "last"];
const PUT_TOGETHER: Confidence = Confidence::thousandths(750);
/// A copied key that nothing looks up.
const OLD_KEY: Confidence = Confidence::thousandths(650);

impl Columns<'_, '_> {
    /// A field for each of the destination columns that are wanted, in the table's order, from source columns that may be used.
    pub(crate) fn fields(&self, wanted: impl Fn(&Column) -> bool, usable: impl Fn(&Column) -> bool) -> Vec<FieldDraft> {
        let wanted: Vec<usize> = positions(&self.to.table.columns, |column| !column.generated && wanted(column));
        let usable: Vec<usize> = positions(&self.from.table.columns, usable);
        let mut guesses = Vec::new();
        let mut refused: BTreeMap<usize, (Confidence, String)> = BTreeMap::new();
        for destination in &wanted {
            for source in &usable {
                match self.guess(*source, *destination) {
                    Ok(Some(guess)) => guesses.push(guess),
                    Ok(None) => {}
                    Err((alike, reason)) => {
                        let known = refused.entry(*destination).or_insert((Confidence::NONE, String::new()));
                        if alike > known.0 {
                            *known = (alike, reason);
                        }
                    }
                }
            }
        }
        let mut taken = self.taken(guesses);
        self.put_together(&wanted, &usable, &mut taken);
        let left = |at: usize| self.left(at, refused.remove(&at));
        let mut left = left;
        wanted.iter().map(|at| taken.remove(at).map_or_else(|| left(*at), |(_, field)| field)).collect()
    }

    /// The guesses that are taken, by destination: the best names first, each column once.
    fn taken(&self, mut guesses: Vec<Guess>) -> BTreeMap<usize, (BTreeSet<usize>, FieldDraft)> {
        guesses.retain(|guess| guess.field.confidence >= Confidence::DRAFTED);
        guesses.sort_by(|one, other| {
            let (a, b) = ((one.alike, one.field.confidence), (other.alike, other.field.confidence));
            b.cmp(&a).then_with(|| (one.destination, one.source).cmp(&(other.destination, other.source)))
        });
        let mut used = BTreeSet::new();
        let mut taken: BTreeMap<usize, (BTreeSet<usize>, FieldDraft)> = BTreeMap::new();
        for guess in guesses {
            if !used.contains(&guess.source) && !taken.contains_key(&guess.destination) {
                used.insert(guess.source);
                taken.insert(guess.destination, (BTreeSet::from([guess.source]), guess.field));
            }
        }
        taken
    }

    /// What speaks for a pair; an error where the names do and something else forbids it.
    fn guess(&self, source: usize, destination: usize) -> Result<Option<Guess>, (Confidence, String)> {
        let (from, to) = (&self.from.table.columns[source], &self.to.table.columns[destination]);
        let (from_name, to_name) = (&self.from.names[source], &self.to.names[destination]);
        let found = match self.parent(from, from_name, to, to_name) {
            Refers::To(parent, key, alike) => self.reference(from, to, (parent, key), alike),
            Refers::Nowhere(reason) => {
                let alike = from_name.alike_as_references(to_name);
                let copied = self.copy((from, from_name), (to, to_name), alike);
                copied.and_then(|mut field| {
                    // A text may be a key that is a UUID by now; that one it could only miss.
                    if from.logical != to.logical || from.logical.kind() == Kind::Text {
                        return Err(reason.clone());
                    }
                    if let Fate::Same(source) = &field.fate {
                        field.fate = Fate::Mapped(Mapping::copy(source.clone()));
                    }
                    field.confidence = field.confidence.min(OLD_KEY);
                    field.doubts.push(format!("{reason}, so the old key is copied"));
                    Ok((alike, field))
                })
            }
            Refers::Not => {
                let alike = from_name.alike(to_name);
                self.copy((from, from_name), (to, to_name), alike).map(|field| (alike, field))
            }
        };
        match found {
            Ok((alike, field)) => Ok((alike > Confidence::NONE).then_some(Guess { source, destination, alike, field })),
            Err(reason) => {
                let alike = from_name.alike(to_name).max(from_name.alike_as_references(to_name));
                if alike < Confidence::SETTLED {
                    return Ok(None);
                }
                Err((alike, format!("`{}` is like it, but {reason}", from.name)))
            }
        }
    }

    fn copy(&self, from: (&Column, &Name), to: (&Column, &Name), alike: Confidence) -> Result<FieldDraft, String> {
        let ((from, from_name), (to, to_name)) = (from, to);
        if !is_writable(to) {
            return Err("the column takes a value only when a row is inserted".to_owned());
        }
        let seen = self.seen.get(&(self.from.table.name.clone(), from.name.clone()));
        let mut fit = fit(from, to, seen)?;
        let are_texts = from.logical == LogicalType::Text && to.logical == LogicalType::Text;
        let is_same = from_name.is_same(to_name);
        let is_code = from_name.says("code") || (is_short(from) && !is_short(to));
        if are_texts && is_code && !to_name.says("code") && !is_same {
            fit.look("a code there: does it need a `value_map`?");
        }
        if from.logical == LogicalType::Integer && to.logical == LogicalType::Text && !is_same {
            fit.look("a number there, text here: does it need a `value_map`?");
        }
        let is_key_part = self.from.table.primary_key.len() > 1 && self.from.table.primary_key.contains(&from.name);
        if is_key_part && !is_same {
            fit.look("a part of the old key");
        }
        let confidence = alike.and(fit.confidence);
        let is_copied = is_same && fit.is_plain() && confidence >= Confidence::SETTLED;
        let mapping = Mapping {
            data_type: fit.data_type,
            format: fit.format,
            flags: fit.flags,
            calls: fit.calls,
            ..Mapping::copy(from.name.clone())
        };
        let mut notes = vec![likeness(from_name, to_name, alike, from.logical == to.logical)];
        // What is doubted for its name alone says so; beside another doubt a good name is not worth a word.
        let is_doubted = alike < Confidence::SETTLED || (fit.doubts.is_empty() && confidence < Confidence::SETTLED);
        let mut doubts = if is_doubted { std::mem::take(&mut notes) } else { Vec::new() };
        doubts.append(&mut fit.doubts);
        notes.append(&mut fit.notes);
        Ok(FieldDraft {
            destination: to.name.clone(),
            fate: if is_copied { Fate::Same(from.name.clone()) } else { Fate::Mapped(mapping) },
            confidence,
            doubts,
            notes,
            needs_value: needs_value(to),
            asks: fit.asks,
        })
    }

    fn reference(
        &self,
        from: &Column,
        to: &Column,
        (parent, key): (&Parent, &ParentKey),
        alike: Confidence,
    ) -> Result<(Confidence, FieldDraft), String> {
        if !is_writable(to) {
            return Err("the column takes a value only when a row is inserted".to_owned());
        }
        let is_own = parent.source_table == self.from.table.name;
        if is_own && !to.nullable {
            return Err(format!("a reference of `{}` to itself must allow NULL", parent.entity));
        }
        if is_own && self.from.table.primary_key.contains(&from.name) {
            return Ok((Confidence::NONE, FieldDraft::left(to.name.clone(), needs_value(to), Vec::new())));
        }
        let is_stored = match key.written_as {
            LogicalType::Uuid => to.takes_uuid(),
            written_as => to.stores.contains(&written_as.kind()),
        };
        if !is_stored {
            return Err(format!(
                "the key of `{}` is {}, which the column does not store",
                parent.entity, key.written_as
            ));
        }
        let mut confidence = alike;
        let mut notes = vec![format!("refers to `{}`", parent.entity)];
        let mut doubts = if alike < Confidence::SETTLED { std::mem::take(&mut notes) } else { Vec::new() };
        let mut mapping = Mapping { references: Some(parent.entity.clone()), ..Mapping::copy(from.name.clone()) };
        if from.logical != key.logical {
            let counts = matches!(from.logical.kind(), Kind::Text | Kind::Float | Kind::Decimal);
            if !counts || key.logical != LogicalType::Integer {
                return Err(format!("it is {}, and the key of `{}` is {}", from.logical, parent.entity, key.logical));
            }
            mapping.calls = vec!["to_int"];
            confidence = confidence.and(LOOK);
            doubts.push(format!("{} that must read as a key", from.logical));
        }
        let seen = self.seen.get(&(self.from.table.name.clone(), from.name.clone()));
        let may_miss = from.nullable && !to.nullable;
        match seen.filter(|seen| seen.rows > 0) {
            Some(seen) if may_miss && seen.nulls == 0 => {}
            _ if may_miss => {
                confidence = confidence.min(LOOK);
                doubts.push("may be NULL there, and must not be here".to_owned());
            }
            _ => {}
        }
        let field = FieldDraft {
            destination: to.name.clone(),
            fate: Fate::Mapped(mapping),
            confidence,
            doubts,
            notes,
            needs_value: needs_value(to),
            asks: may_miss,
        };
        Ok((alike, field))
    }

    /// What a pair of columns refers to, by the destination's foreign keys, or else by those of the source.
    fn parent(&self, from: &Column, from_name: &Name, to: &Column, to_name: &Name) -> Refers<'_> {
        let named = from_name.alike_as_references(to_name);
        if let Some(table) = referred(&self.to.table.foreign_keys, &to.name) {
            let Some(parent) = self.parents.get(table) else {
                return Refers::Nowhere(format!("it refers to `{table}`, which no spec moves"));
            };
            let Some(key) = &parent.key else {
                return Refers::Nowhere(format!("the key of `{}` is not of one column", parent.entity));
            };
            let is_tied = referred(&self.from.table.foreign_keys, &from.name) == Some(&parent.source_table);
            let has_key_name = from.name == key.column && parent.source_table != self.from.table.name;
            let alike = match (is_tied, has_key_name) {
                (true, _) => named.or(Confidence::thousandths(900)),
                (false, true) => named.or(Confidence::thousandths(850)),
                (false, false) => named,
            };
            return Refers::To(parent, key, alike);
        }
        let is_key_like = to.logical == LogicalType::Uuid
            || from_name.is_same(to_name)
            || ["id", "key", "number"].iter().any(|word| to_name.says(word));
        let Some(table) = referred(&self.from.table.foreign_keys, &from.name).filter(|_| is_key_like) else {
            return Refers::Not;
        };
        let parent = self.parents.values().find(|parent| parent.source_table == *table);
        match parent.and_then(|parent| Some((parent, parent.key.as_ref()?))) {
            Some((parent, key)) => Refers::To(parent, key, named),
            None => Refers::Not,
        }
    }

    /// Names of persons that were taken apart: first and last name as one.
    fn put_together(
        &self,
        wanted: &[usize],
        usable: &[usize],
        taken: &mut BTreeMap<usize, (BTreeSet<usize>, FieldDraft)>,
    ) {
        let used: BTreeSet<usize> = taken.values().flat_map(|(sources, _)| sources).copied().collect();
        let part = |part: &str| {
            let part = Word::of(part);
            usable.iter().copied().find(|at| {
                let (column, name) = (&self.from.table.columns[*at], &self.from.names[*at]);
                let is_part = name.words().iter().any(|word| word_alike(word, &part) >= 920);
                !used.contains(at) && is_part && name.says("name") && column.logical == LogicalType::Text
            })
        };
        let [Some(first), Some(last)] = PARTS_OF_A_NAME.map(part) else { return };
        let is_name = |at: &&usize| {
            let (column, name) = (&self.to.table.columns[**at], &self.to.names[**at]);
            let is_whole = name.is_bare_name();
            !taken.contains_key(*at) && is_whole && is_writable(column) && column.stores.contains(&Kind::Text)
        };
        let Some(at) = wanted.iter().find(is_name).copied() else { return };
        let to = &self.to.table.columns[at];
        let sources = [first, last].map(|at| self.from.table.columns[at].name.clone());
        let field = FieldDraft {
            destination: to.name.clone(),
            fate: Fate::Mapped(Mapping { sources: sources.into(), calls: vec!["concat"], ..Mapping::default() }),
            confidence: PUT_TOGETHER,
            doubts: vec!["a name that was taken apart".to_owned()],
            notes: Vec::new(),
            needs_value: needs_value(to),
            asks: false,
        };
        taken.insert(at, (BTreeSet::from([first, last]), field));
    }

    /// A column that nothing fills, and the nearest reason.
    fn left(&self, at: usize, refused: Option<(Confidence, String)>) -> FieldDraft {
        let column = &self.to.table.columns[at];
        let doubts = refused.map(|(_, reason)| reason).into_iter().collect();
        FieldDraft::left(column.name.clone(), needs_value(column), doubts)
    }
}

/// What a pair of columns refers to.
enum Refers<'s> {
    To(&'s Parent, &'s ParentKey, Confidence),
    /// To a row, but of no entity that could be looked up, for this reason.
    Nowhere(String),
    Not,
}

fn likeness(from: &Name, to: &Name, alike: Confidence, is_same_type: bool) -> String {
    let names = match (from.is_same(to), alike >= Confidence::thousandths(960)) {
        (true, _) => "same name",
        (false, true) => "name says the same",
        (false, false) => "similar name",
    };
    if is_same_type { format!("{names} and type") } else { names.to_owned() }
}

fn positions(columns: &[Column], is_meant: impl Fn(&Column) -> bool) -> Vec<usize> {
    columns.iter().enumerate().filter(|(_, column)| is_meant(column)).map(|(at, _)| at).collect()
}

/// The table that a single column refers to.
pub(crate) fn referred<'a>(keys: &'a [transload_model::ForeignKey], column: &ColumnName) -> Option<&'a TableName> {
    let key = keys.iter().find(|key| key.columns.as_slice() == std::slice::from_ref(column))?;
    Some(&key.table)
}
