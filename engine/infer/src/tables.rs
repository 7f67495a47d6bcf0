//! Which table of the source goes to which table of the destination.
//!
//! Two things speak for a pair: what the tables are called, and how many columns they have in common, of which rare ones say more than `id` and
//! `name`. Pairs are taken from the best downwards, so that every table has one counterpart at most.

use std::collections::{BTreeMap, BTreeSet};

use transload_model::{Catalog, Column, Conversion, Table, TableName};

use crate::confidence::Confidence;
use crate::key::identity;
use crate::name::{Name, own_words};
use crate::words::{Word, alike, table_words};

/// First words that say nothing, in any schema.
const NOISE: &[&str] = &["t", "tb", "tbl", "tab", "v", "vw", "old", "new", "legacy", "src"];

/// What a name alone, and what columns alone can make sure.
const BY_NAME: Confidence = Confidence::thousandths(900);
const BY_COLUMNS: Confidence = Confidence::thousandths(800);
/// A table whose rows nothing identifies is most often a view, or was left behind.
const WITHOUT_KEY: Confidence = Confidence::thousandths(900);
/// Names less alike than this are compared further only where the tables share a rare column.
const WORTH_A_LOOK: u32 = 300;

/// A table, with its names read.
#[derive(Debug)]
pub(crate) struct Side<'a> {
    pub(crate) table: &'a Table,
    words: Vec<Word>,
    /// Those of the columns, in their order.
    pub(crate) names: Vec<Name>,
}

/// The tables of one end.
#[derive(Debug)]
pub(crate) struct End<'a> {
    pub(crate) sides: BTreeMap<&'a TableName, Side<'a>>,
}

/// A source table and a destination table.
#[derive(Debug, Clone)]
pub(crate) struct Pair<'a> {
    pub(crate) source: &'a TableName,
    pub(crate) destination: &'a TableName,
    pub(crate) score: Confidence,
}

impl<'a> End<'a> {
    pub(crate) fn of(catalog: &'a Catalog) -> Self {
        let words: BTreeMap<&TableName, Vec<Word>> =
            catalog.tables.keys().map(|name| (name, table_words(name.as_str()))).collect();
        let mut first: BTreeMap<&str, usize> = BTreeMap::new();
        for word in words.values().filter_map(|words| words.first()) {
            *first.entry(word.as_str()).or_default() += 1;
        }
        let is_noise = |word: &Word| {
            let count = first.get(word.as_str()).copied().unwrap_or(0);
            NOISE.contains(&word.as_str()) || (count >= 3 && count * 10 >= words.len() * 4)
        };
        let side = |table: &'a Table| {
            let all = words.get(&table.name).cloned().unwrap_or_default();
            let words = match all.split_first() {
                Some((word, rest)) if !rest.is_empty() && is_noise(word) => rest.to_vec(),
                _ => all,
            };
            let own = own_words(table, &words);
            let names = table.columns.iter().map(|column| Name::of(column.name.as_str(), &own)).collect();
            Side { table, words, names }
        };
        Self { sides: catalog.tables.values().map(|table| (&table.name, side(table))).collect() }
    }

    /// The table of that name.
    pub(crate) fn side(&self, name: &TableName) -> Option<&Side<'a>> {
        self.sides.get(name)
    }
}

/// Every pair above [`Confidence::NONE`], from the best downwards; pairs that are as good by their names.
pub(crate) fn candidates<'a>(source: &End<'a>, destination: &End<'a>) -> Vec<Pair<'a>> {
    let rarity = Rarity::of(destination);
    let mut pairs = Vec::new();
    for from in source.sides.values() {
        let shared = rarity.tables_with(from);
        for to in destination.sides.values() {
            let by_name = alike(&from.words, &to.words);
            if by_name < WORTH_A_LOOK && !shared.contains(&to.table.name) {
                continue;
            }
            let score = score(from, to, by_name, &rarity);
            if score > Confidence::NONE {
                pairs.push(Pair { source: &from.table.name, destination: &to.table.name, score });
            }
        }
    }
    pairs.sort_by(|one, other| {
        other.score.cmp(&one.score).then_with(|| (one.destination, one.source).cmp(&(other.destination, other.source)))
    });
    pairs
}

/// The pairs that are taken, by destination: the best first, each table once, none below [`Confidence::DRAFTED`].
pub(crate) fn assigned<'a>(candidates: &[Pair<'a>], taken: &BTreeSet<(bool, TableName)>) -> Vec<Pair<'a>> {
    let mut taken = taken.clone();
    let mut assigned = Vec::new();
    for pair in candidates.iter().take_while(|pair| pair.score >= Confidence::DRAFTED) {
        let (from, to) = ((false, pair.source.clone()), (true, pair.destination.clone()));
        if !taken.contains(&from) && !taken.contains(&to) {
            taken.extend([from, to]);
            assigned.push(pair.clone());
        }
    }
    assigned.sort_by(|one, other| one.destination.cmp(other.destination));
    assigned
}

/// How likely the rows of one table become those of the other.
fn score(from: &Side<'_>, to: &Side<'_>, by_name: u32, rarity: &Rarity<'_>) -> Confidence {
    let named = BY_NAME.and(Confidence::thousandths(by_name));
    let score = named.or(BY_COLUMNS.and(in_common(from, to, rarity)));
    let is_identified = identity(from.table).is_some() && identity(to.table).is_some();
    if is_identified { score } else { score.and(WITHOUT_KEY) }
}

/// How much of the destination's columns the source has, each by how rare it is. Few columns never say much.
fn in_common(from: &Side<'_>, to: &Side<'_>, rarity: &Rarity<'_>) -> Confidence {
    let (mut found, mut total) = (0, 1000);
    // What a key of one column is called says little, and its type nothing: it may be a new one.
    let is_key = |column: &Column| to.table.primary_key.as_slice() == std::slice::from_ref(&column.name);
    for (column, name) in to.table.columns.iter().zip(&to.names).filter(|(column, _)| !is_key(column)) {
        let weight = rarity.weight(name);
        total += weight;
        let counterparts = from.table.columns.iter().zip(&from.names).map(|(own, own_name)| {
            let alike = own_name.alike(name);
            let is_possible = own.logical.conversion(column.logical) != Conversion::Impossible;
            if is_possible { alike } else { alike.and(Confidence::thousandths(500)) }
        });
        let best = counterparts.max().filter(|best| *best >= Confidence::thousandths(500));
        found += weight * best.unwrap_or_default().get() / 1000;
    }
    Confidence::thousandths(found * 1000 / total)
}

/// How many tables of the destination have a column of that name.
struct Rarity<'a> {
    tables: BTreeMap<String, BTreeSet<&'a TableName>>,
}

impl<'a> Rarity<'a> {
    fn of(end: &End<'a>) -> Self {
        let mut tables: BTreeMap<String, BTreeSet<&TableName>> = BTreeMap::new();
        for side in end.sides.values() {
            for name in &side.names {
                tables.entry(name.said()).or_default().insert(&side.table.name);
            }
        }
        Self { tables }
    }

    fn weight(&self, name: &Name) -> u32 {
        let count = self.tables.get(&name.said()).map_or(1, BTreeSet::len);
        1000 / u32::try_from(count).unwrap_or(u32::MAX)
    }

    /// The tables that share a column with this one which few have.
    fn tables_with(&self, side: &Side<'_>) -> BTreeSet<&'a TableName> {
        let rare = side.names.iter().filter_map(|name| self.tables.get(&name.said()));
        rare.filter(|tables| tables.len() <= 4).flatten().copied().collect()
    }
}
