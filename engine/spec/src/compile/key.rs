//! How an old row finds its new row: both keys, found in the spec or in the tables, and whether they can be keys.

use transload_model::{Code, Column, ColumnName, Diagnostic, EntityName, KeyStrategy, LogicalType, Mint};

use crate::compile::{Scope, TableView};
use crate::decode::{Spec, Strategy};
use crate::problems::{Located, Place, Problems, problem};

/// A key whose columns exist on both ends.
#[derive(Debug)]
pub(crate) struct ResolvedKey<'a> {
    pub(crate) source: Vec<&'a Column>,
    pub(crate) destination: Vec<&'a Column>,
    pub(crate) strategy: KeyStrategy,
}

/// The key of a spec; `None` where a problem says why not.
pub(crate) fn resolve<'a>(scope: &Scope<'a>, spec: &Spec, problems: &mut Problems) -> Option<ResolvedKey<'a>> {
    if !spec.key.is_sound {
        return None;
    }
    let source = scope.source_table(spec).and_then(|view| source(spec, view, problems));
    let destination = scope.destination_table(spec).and_then(|view| destination(spec, view, problems));
    let strategy = strategy(spec, destination.as_deref(), problems);
    Some(ResolvedKey { source: source?, destination: destination?, strategy: strategy? })
}

fn source<'a>(spec: &Spec, view: &TableView<'a>, problems: &mut Problems) -> Option<Vec<&'a Column>> {
    let named = spec.key.source.as_deref();
    let end = End { side: "source", entity: &spec.entity.value, table_place: &spec.source_table.place };
    let columns = end.columns(view, named, problems)?;
    let mut is_sound = true;
    for (at, column) in columns.iter().enumerate() {
        if column.logical.can_be_key() {
            continue;
        }
        is_sound = false;
        let named = spec.key.source.as_ref().and_then(|key| key.get(at)).map(|column| &column.place);
        let place = own_place(spec, named, &spec.source_table.place);
        let headline = format!("source column `{}` is {} and cannot be a key", column.name, column.logical);
        let problem = problem(Code::KeyType, headline, place, format!("declared `{}`", column.declared));
        problems.push(problem.note("keys may be integer, text, uuid, date or timestamp"));
    }
    is_sound.then_some(columns)
}

fn destination<'a>(spec: &Spec, view: &TableView<'a>, problems: &mut Problems) -> Option<Vec<&'a Column>> {
    let named = spec.key.destination.as_deref();
    let end = End { side: "destination", entity: &spec.entity.value, table_place: &spec.destination_table.place };
    end.columns(view, named, problems)
}

/// One end of a spec.
struct End<'s> {
    side: &'static str,
    entity: &'s EntityName,
    table_place: &'s Place,
}

impl End<'_> {
    /// The columns that the spec names, or those of the primary key.
    fn columns<'a>(
        &self,
        view: &TableView<'a>,
        named: Option<&[Located<ColumnName>]>,
        problems: &mut Problems,
    ) -> Option<Vec<&'a Column>> {
        let names: Vec<&ColumnName> = match named {
            Some(named) => named.iter().map(|column| &column.value).collect(),
            None => view.table.primary_key.iter().collect(),
        };
        if names.is_empty() {
            let side = self.side;
            let headline = format!("{side} table `{}` has no primary key", view.table.name);
            let label = format!("which column identifies a row of `{}`?", self.entity);
            let problem = problem(Code::KeyMissing, headline, self.table_place, label);
            problems.push(problem.help(format!("write `key: {{ {side}: … }}` with columns that identify a row")));
            return None;
        }
        // A name that the table does not have is reported where all columns are checked.
        names.into_iter().map(|name| view.column(name)).collect()
    }
}

fn strategy(spec: &Spec, destination: Option<&[&Column]>, problems: &mut Problems) -> Option<KeyStrategy> {
    let strategy = spec.key.strategy.as_ref();
    let kind = strategy.map_or(Strategy::Keep, |strategy| strategy.value);
    if kind != Strategy::UuidV5 {
        check_idle_namespace(spec, kind, problems);
    }
    if kind == Strategy::Keep {
        return Some(KeyStrategy::Keep);
    }
    let place = own_place(spec, strategy.map(|strategy| &strategy.place), &spec.entity.place);
    let is_own = *place != spec.entity.place;
    let label = if is_own { "this strategy".to_owned() } else { format!("takes `{}` from the defaults", kind.word()) };
    if kind == Strategy::UuidV5 && spec.key.namespace.is_none() {
        let headline = format!("the key of `{}` has no `namespace`, which `uuid_v5` needs", spec.entity.value);
        let problem = problem(Code::SpecRequired, headline, place, label);
        problems.push(problem.help("add a UUID of your own as `namespace`, most often under `defaults.key`"));
        return None;
    }
    let destination = destination?;
    let [column] = destination else {
        let (word, count) = (kind.word(), destination.len());
        let headline = format!("strategy `{word}` fills one key column, and `{}` has {count}", spec.entity.value);
        let problem = problem(Code::KeyMissing, headline, place, label);
        problems.push(problem.help("write `strategy: keep` and map each key column"));
        return None;
    };
    made(spec, kind, column).map_err(|unfit| problems.push(*unfit)).ok()
}

/// A strategy that makes the value of one key column.
fn made(spec: &Spec, kind: Strategy, column: &Column) -> Result<KeyStrategy, Box<Diagnostic>> {
    if kind == Strategy::Database {
        let is_known = matches!(column.logical, LogicalType::Integer | LogicalType::Uuid);
        if column.generated || !column.has_default || !is_known {
            return Err(Box::new(no_default(spec, column)));
        }
        return Ok(KeyStrategy::Minted { mint: Mint::Database, column: column.logical });
    }
    if column.generated || !column.takes_uuid() {
        return Err(Box::new(unfit_key(spec, column)));
    }
    let taken = uuid_column(column);
    Ok(match spec.key.namespace.as_ref().filter(|_| kind == Strategy::UuidV5) {
        Some(namespace) => KeyStrategy::UuidV5 { namespace: namespace.value, column: taken },
        None => KeyStrategy::Minted { mint: Mint::UuidV7, column: taken },
    })
}

fn check_idle_namespace(spec: &Spec, kind: Strategy, problems: &mut Problems) {
    if let Some(namespace) = spec.key.namespace.as_ref().filter(|namespace| namespace.place.file == spec.file) {
        let headline = format!("`key.namespace` has no effect with `strategy: {}`", kind.word());
        problems.push(problem(Code::SpecValue, headline, &namespace.place, "this namespace").help("take it out"));
    }
}

fn unfit_key(spec: &Spec, column: &Column) -> Diagnostic {
    let named = spec.key.destination.as_ref().and_then(|key| key.first()).map(|column| &column.place);
    let place = own_place(spec, named, &spec.destination_table.place);
    let headline = format!("key column `{}` does not store a UUID", column.name);
    let label = if column.generated {
        "the database computes it".to_owned()
    } else {
        format!("declared `{}`", column.declared)
    };
    problem(Code::UnfitColumn, headline, place, label).help("use a text or uuid column, or write `strategy: keep`")
}

fn no_default(spec: &Spec, column: &Column) -> Diagnostic {
    let named = spec.key.destination.as_ref().and_then(|key| key.first()).map(|column| &column.place);
    let place = own_place(spec, named, &spec.destination_table.place);
    let headline = format!("key column `{}` gets no new integer or UUID from the database", column.name);
    let label = match column.generated {
        true => "the database computes it from other columns".to_owned(),
        false if column.has_default => format!("declared `{}`", column.declared),
        false => format!("declared `{}`, without a default", column.declared),
    };
    let problem = problem(Code::UnfitColumn, headline, place, label);
    problem.help("make it an identity column, or write `strategy: uuid_v7`, `uuid_v5` or `keep`")
}

fn uuid_column(column: &Column) -> LogicalType {
    match column.logical {
        LogicalType::Text | LogicalType::Bytes => column.logical,
        _ => LogicalType::Uuid,
    }
}

/// The place of a value that may come from the defaults: they serve many specs, so the spec's own place is the one to show.
pub(crate) fn own_place<'a>(spec: &Spec, named: Option<&'a Place>, fallback: &'a Place) -> &'a Place {
    named.filter(|place| place.file == spec.file).unwrap_or(fallback)
}
