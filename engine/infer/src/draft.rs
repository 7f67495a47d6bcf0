//! From two catalogs to drafts: tables first, then their keys, then their columns, because a reference needs the key of what it refers to.
//!
//! Everything that is guessed carries how sure it is and why. What could not be filled is part of a draft, too: a person must see it.

use std::collections::{BTreeMap, BTreeSet};

use transload_model::{Catalog, ColumnName, EntityName, LogicalType, TableName};

use crate::circles::break_circles;
use crate::columns::{Columns, Parent, ParentKey, Parents, referred};
use crate::confidence::Confidence;
use crate::inferred::{Addition, Draft, FieldDraft, Inferred, Unpaired};
use crate::key::{KeyDefaults, KeyDraft, ends, simple};
use crate::observed::Observations;
use crate::tables::{End, Pair, assigned, candidates};

/// Both ends, with their names read and their tables compared: most of the work, and the same whatever is asked.
#[derive(Debug)]
pub struct Schemas<'a> {
    source: End<'a>,
    destination: End<'a>,
    candidates: Vec<Pair<'a>>,
}

impl<'a> Schemas<'a> {
    /// Compares what both ends hold.
    #[must_use]
    pub fn of(source: &'a Catalog, destination: &'a Catalog) -> Self {
        let (source, destination) = (End::of(source), End::of(destination));
        let candidates = candidates(&source, &destination);
        Self { source, destination, candidates }
    }
}

/// What drafts are made of besides.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// The specs that there are.
    pub known: &'a [Known],
    /// What the project says of keys.
    pub keys: KeyDefaults,
    /// What was seen of the source's rows; nothing is as good as little.
    pub seen: &'a Observations,
    /// The tables that are wanted.
    pub selected: &'a Selected,
}

/// The tables that drafts are wanted for. Which table goes to which is decided over all of them, so that a choice never changes a pair.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selected {
    /// Tables of the source; `None` for all.
    pub sources: Option<BTreeSet<TableName>>,
    /// Tables of the destination; `None` for all.
    pub destinations: Option<BTreeSet<TableName>>,
}

impl Selected {
    /// Whether a pair is wanted.
    #[must_use]
    pub fn has(&self, source: &TableName, destination: &TableName) -> bool {
        is_among(self.sources.as_ref(), source) && is_among(self.destinations.as_ref(), destination)
    }
}

fn is_among(names: Option<&BTreeSet<TableName>>, name: &TableName) -> bool {
    names.is_none_or(|names| names.contains(name))
}

/// A spec that there is.
#[derive(Debug, Clone)]
pub struct Known {
    /// Its entity.
    pub entity: EntityName,
    /// The table that it reads.
    pub source_table: TableName,
    /// The table that it writes.
    pub destination_table: TableName,
    /// Whether it is active.
    pub is_active: bool,
    /// Destination columns that it fills, or leaves out on purpose.
    pub settled: BTreeSet<ColumnName>,
    /// Source columns that it reads, or leaves out on purpose.
    pub used: BTreeSet<ColumnName>,
    /// Its key.
    pub key: KeyDraft,
    /// The entities that it waits for.
    pub parents: BTreeSet<EntityName>,
}

/// Drafts a spec for each pair of tables that has none, and looks for what the other specs do not fill.
#[must_use]
pub fn infer(schemas: &Schemas<'_>, asked: &Asked<'_>) -> Inferred {
    let Schemas { source, destination, candidates } = schemas;
    let taken = asked
        .known
        .iter()
        .flat_map(|known| [(false, known.source_table.clone()), (true, known.destination_table.clone())]);
    let all = assigned(candidates, &taken.collect());
    let selected = asked.selected;
    let pairs: Vec<Pair<'_>> = all.iter().filter(|pair| selected.has(pair.source, pair.destination)).cloned().collect();
    let work = Work { asked, source, destination, names: entity_names(&pairs, asked.known) };
    let keys = work.keys(&pairs);
    let parents = work.parents(&pairs, &keys);
    let mut drafts: Vec<Draft> =
        pairs.iter().filter_map(|pair| work.draft(pair, keys.get(pair.destination)?, &parents)).collect();
    break_circles(&mut drafts, asked.known);
    for draft in &mut drafts {
        draft.unread = work.unread(&draft.source_table, &draft.key, &draft.fields, &BTreeSet::new());
    }
    let mut paired: BTreeSet<(bool, &TableName)> = BTreeSet::new();
    paired.extend(all.iter().flat_map(|pair| [(false, pair.source), (true, pair.destination)]));
    paired
        .extend(asked.known.iter().flat_map(|known| [(false, &known.source_table), (true, &known.destination_table)]));
    let known = asked.known.iter().enumerate();
    let known = known.filter(|(_, known)| selected.has(&known.source_table, &known.destination_table));
    Inferred {
        drafts,
        additions: known.filter_map(|(at, known)| work.addition((at, known), &parents, candidates)).collect(),
        unpaired_sources: unpaired(source, &paired, candidates, (false, selected.sources.as_ref())),
        unpaired_destinations: unpaired(destination, &paired, candidates, (true, selected.destinations.as_ref())),
    }
}

fn unpaired(
    end: &End<'_>,
    paired: &BTreeSet<(bool, &TableName)>,
    candidates: &[Pair<'_>],
    (is_destination, selected): (bool, Option<&BTreeSet<TableName>>),
) -> Vec<Unpaired> {
    let left = end
        .sides
        .values()
        .filter(|side| !paired.contains(&(is_destination, &side.table.name)) && is_among(selected, &side.table.name));
    let nearest = |name: &TableName| {
        let ends = |pair: &Pair<'_>| {
            if is_destination {
                (pair.destination.clone(), pair.source.clone())
            } else {
                (pair.source.clone(), pair.destination.clone())
            }
        };
        let best = candidates.iter().find(|pair| ends(pair).0 == *name)?;
        Some((ends(best).1, best.score))
    };
    left.map(|side| Unpaired {
        table: side.table.name.clone(),
        columns: side.table.columns.len(),
        nearest: nearest(&side.table.name),
    })
    .collect()
}

/// The keys of new pairs, by destination table.
type Keys<'a> = BTreeMap<&'a TableName, KeyDraft>;

struct Work<'s, 'a> {
    asked: &'s Asked<'s>,
    source: &'s End<'a>,
    destination: &'s End<'a>,
    /// What new entities are called, by destination table.
    names: BTreeMap<&'a TableName, EntityName>,
}

impl<'a> Work<'_, 'a> {
    /// The key of each pair. One whose columns refer to other tables waits until the keys of those are known.
    fn keys(&self, pairs: &[Pair<'a>]) -> Keys<'a> {
        let mut keys = Keys::new();
        let mut open = Vec::new();
        for pair in pairs {
            let (Some(from), Some(to)) = (self.source.side(pair.source), self.destination.side(pair.destination))
            else {
                continue;
            };
            match simple(from.table, to.table, &self.asked.keys) {
                Some(key) => drop(keys.insert(pair.destination, key)),
                None => open.push((pair, to)),
            }
        }
        loop {
            let waits = |(_, to): &(&Pair<'a>, &crate::tables::Side<'_>)| {
                let columns = to.table.primary_key.iter();
                let mut tables = columns.filter_map(|column| referred(&to.table.foreign_keys, column));
                tables.any(|table| {
                    *table != to.table.name
                        && pairs.iter().any(|pair| pair.destination == table)
                        && !keys.contains_key(table)
                })
            };
            let (waiting, ready): (Vec<_>, Vec<_>) = open.into_iter().partition(waits);
            if ready.is_empty() {
                for (pair, _) in waiting {
                    keys.insert(pair.destination, KeyDraft::Missing("its key refers to itself in a circle".to_owned()));
                }
                return keys;
            }
            for (pair, _) in ready {
                let key = self.mapped_key(pair, &self.parents(pairs, &keys));
                keys.insert(pair.destination, key);
            }
            open = waiting;
        }
    }

    /// A key whose columns are mapped one by one, from those of the old key.
    fn mapped_key(&self, pair: &Pair<'_>, parents: &Parents<'_>) -> KeyDraft {
        let (Some(from), Some(to)) = (self.source.side(pair.source), self.destination.side(pair.destination)) else {
            return KeyDraft::Missing("a table is gone".to_owned());
        };
        let (from_key, to_key) = match ends(from.table, to.table) {
            Ok(ends) => ends,
            Err(reason) => return KeyDraft::Missing(reason),
        };
        let columns = Columns { from, to, parents, seen: self.asked.seen };
        let is_in = |key: &[&transload_model::Column], column: &transload_model::Column| {
            key.iter().any(|own| own.name == column.name)
        };
        let fields = columns.fields(|column| is_in(&to_key, column), |column| is_in(&from_key, column));
        let mut pairs = Vec::new();
        for column in &to_key {
            let field = fields.iter().find(|field| field.destination == column.name);
            match field.map(FieldDraft::sources) {
                Some([source]) => pairs.push((source.clone(), column.name.clone())),
                _ => return KeyDraft::Missing(format!("no column of the old key is like `{}`", column.name)),
            }
        }
        match from_key.iter().find(|column| pairs.iter().all(|(source, _)| *source != column.name)) {
            Some(column) => {
                KeyDraft::Missing(format!("`{}` of the old key has no counterpart in the new one", column.name))
            }
            None => KeyDraft::Kept(pairs),
        }
    }

    /// All entities that may be referred to, by destination table.
    fn parents<'k>(&'k self, pairs: &'k [Pair<'a>], keys: &'k Keys<'a>) -> Parents<'k> {
        let mut parents = Parents::new();
        let active = self.asked.known.iter().filter(|known| known.is_active);
        for known in active {
            let key = self.parent_key(&known.source_table, &known.destination_table, &known.key, keys);
            let (entity, source_table) = (known.entity.clone(), known.source_table.clone());
            parents.insert(&known.destination_table, Parent { entity, source_table, key });
        }
        for pair in pairs {
            let (Some(key), Some(entity)) = (keys.get(pair.destination), self.names.get(pair.destination)) else {
                continue;
            };
            let key = self.parent_key(pair.source, pair.destination, key, keys);
            let (entity, source_table) = (entity.clone(), pair.source.clone());
            parents.insert(pair.destination, Parent { entity, source_table, key });
        }
        parents
    }

    fn parent_key(
        &self,
        source: &TableName,
        destination: &TableName,
        key: &KeyDraft,
        keys: &Keys<'_>,
    ) -> Option<ParentKey> {
        let (source_key, destination_key) = (key.source(), key.destination());
        let ([from], [to]) = (source_key.as_slice(), destination_key.as_slice()) else { return None };
        let logical = self.source.side(source)?.table.column(from)?.logical;
        let written_as = match key {
            KeyDraft::Uuid { .. } => LogicalType::Uuid,
            KeyDraft::Kept(_) => self.written(destination, to, keys, self.destination.sides.len())?,
            KeyDraft::Missing(_) => return None,
        };
        Some(ParentKey { column: (*from).clone(), logical, written_as })
    }

    /// The type that a kept key is written in. One that is a reference is written as what it refers to is.
    fn written(&self, table: &TableName, column: &ColumnName, keys: &Keys<'_>, left: usize) -> Option<LogicalType> {
        let side = self.destination.side(table)?;
        let parent = referred(&side.table.foreign_keys, column).filter(|parent| *parent != table);
        let key = parent.and_then(|parent| Some((parent, keys.get(parent)?)));
        match key {
            Some((_, KeyDraft::Uuid { .. })) => Some(LogicalType::Uuid),
            Some((parent, KeyDraft::Kept(pairs))) if pairs.len() == 1 => {
                self.written(parent, &pairs.first()?.1, keys, left.checked_sub(1)?)
            }
            _ => Some(side.table.column(column)?.logical),
        }
    }

    fn draft(&self, pair: &Pair<'_>, key: &KeyDraft, parents: &Parents<'_>) -> Option<Draft> {
        let (from, to) = (self.source.side(pair.source)?, self.destination.side(pair.destination)?);
        let columns = Columns { from, to, parents, seen: self.asked.seen };
        let in_key = |column: &ColumnName| key.destination().contains(&column);
        // A kept key is copied by its position, unless it is looked up.
        let looked_up = |column: &ColumnName| {
            matches!(key, KeyDraft::Kept(_))
                && referred(&to.table.foreign_keys, column).is_some_and(|table| parents.contains_key(table))
        };
        let kept: BTreeSet<&ColumnName> =
            if matches!(key, KeyDraft::Kept(_)) { key.source().into_iter().collect() } else { BTreeSet::new() };
        let mut fields = columns.fields(|column| !in_key(&column.name), |column| !kept.contains(&column.name));
        let key_fields = columns
            .fields(|column| in_key(&column.name) && looked_up(&column.name), |column| kept.contains(&column.name));
        fields.extend(key_fields);
        let position = |field: &FieldDraft| to.table.columns.iter().position(|column| column.name == field.destination);
        fields.sort_by_key(position);
        let keys = &self.asked.keys;
        let is_uuid = matches!(key, KeyDraft::Uuid { .. });
        let is_primary = key.source().iter().copied().eq(&from.table.primary_key)
            && key.destination().iter().copied().eq(&to.table.primary_key);
        Some(Draft {
            entity: self.names.get(pair.destination)?.clone(),
            source_table: pair.source.clone(),
            destination_table: pair.destination.clone(),
            score: pair.score,
            key: key.clone(),
            namespace: (is_uuid && !keys.has_namespace).then_some(keys.namespace),
            is_default_key: is_primary
                && !keys.is_made
                && keys.is_uuid.unwrap_or(false) == is_uuid
                && (!is_uuid || keys.has_namespace),
            fields,
            unread: Vec::new(),
            columns: from.table.columns.iter().map(|column| column.name.clone()).collect(),
        })
    }

    fn addition(
        &self,
        (at, known): (usize, &Known),
        parents: &Parents<'_>,
        candidates: &[Pair<'_>],
    ) -> Option<Addition> {
        let (from, to) = (self.source.side(&known.source_table)?, self.destination.side(&known.destination_table)?);
        let columns = Columns { from, to, parents, seen: self.asked.seen };
        let in_key = |column: &ColumnName| known.key.destination().contains(&column);
        let fields = columns.fields(
            |column| !in_key(&column.name) && !known.settled.contains(&column.name),
            |column| !known.used.contains(&column.name),
        );
        let is_pair =
            |pair: &&Pair<'_>| *pair.source == known.source_table && *pair.destination == known.destination_table;
        Some(Addition {
            known: at,
            entity: known.entity.clone(),
            source_table: known.source_table.clone(),
            key: known.key.clone(),
            score: candidates.iter().find(is_pair).map_or(Confidence::NONE, |pair| pair.score),
            unread: self.unread(&known.source_table, &known.key, &fields, &known.used),
            fields,
            columns: from.table.columns.len(),
        })
    }

    fn unread(
        &self,
        table: &TableName,
        key: &KeyDraft,
        fields: &[FieldDraft],
        used: &BTreeSet<ColumnName>,
    ) -> Vec<ColumnName> {
        let Some(side) = self.source.side(table) else { return Vec::new() };
        let read: BTreeSet<&ColumnName> =
            fields.iter().flat_map(FieldDraft::sources).chain(key.source()).chain(used).collect();
        let names = side.table.columns.iter().map(|column| &column.name);
        names.filter(|name| !read.contains(name)).cloned().collect()
    }
}

/// What new entities are called: as their tables are, with a number where another entity has that name.
fn entity_names<'a>(pairs: &[Pair<'a>], known: &[Known]) -> BTreeMap<&'a TableName, EntityName> {
    let mut taken: BTreeSet<EntityName> = known.iter().map(|known| known.entity.clone()).collect();
    let mut names = BTreeMap::new();
    for pair in pairs {
        let numbered = (2..=taken.len() + 2).map(|number| format!("{}_{number}", pair.destination));
        let mut texts = std::iter::once(pair.destination.to_string()).chain(numbered);
        let free = texts.find_map(|text| entity_name(&text).filter(|name| !taken.contains(name)));
        if let Some(name) = free {
            taken.insert(name.clone());
            names.insert(pair.destination, name);
        }
    }
    names
}

/// A text as an entity's name. What cannot stand in a file's name becomes an underscore.
fn entity_name(text: &str) -> Option<EntityName> {
    let sign = |sign: char| if sign.is_ascii_alphanumeric() || matches!(sign, '_' | '-') { sign } else { '_' };
    EntityName::parse(&text.chars().map(sign).collect::<String>()).ok()
}
