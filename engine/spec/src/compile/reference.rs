//! References: what is looked up, in which type, and the type that comes back.

use transload_model::{Code, Column, ColumnName, Diagnostic, KeyStrategy, LogicalType, Reference, Severity};

use crate::compile::Scope;
use crate::compile::key::ResolvedKey;
use crate::decode::{Field, ReferenceSpec};
use crate::problems::{Located, Place, Problems, listed, problem, with_suggestion};

/// A reference that can be looked up.
#[derive(Debug)]
pub(crate) struct ResolvedReference {
    pub(crate) reference: Reference,
    /// The type of the parent's source key, or of its first column.
    pub(crate) looked_up: LogicalType,
    /// The type of the column that is taken of the parent's destination key.
    pub(crate) written_as: LogicalType,
    pub(crate) parent_strategy: KeyStrategy,
}

/// The reference of a field whose values before the lookup have the types `given`; `None` where a problem says why not.
pub(crate) fn resolve(
    scope: &Scope<'_>,
    keys: &[Option<ResolvedKey<'_>>],
    (field, spec): (&Field, &ReferenceSpec),
    given: &[Option<LogicalType>],
    problems: &mut Problems,
) -> Option<ResolvedReference> {
    let parent = scope.entity(&spec.entity.value)?;
    let key = keys.get(parent)?.as_ref()?;
    let Some(taken) = taken(key, field, spec) else {
        problems.push(no_column(key, field, spec));
        return None;
    };
    if key.source.len() != given.len().max(1) {
        problems.push(wrong_count(key, (field, spec), given.len().max(1)));
        return None;
    }
    for (at, (column, from)) in key.source.iter().zip(given).enumerate() {
        // Text with a format becomes a date before it is looked up.
        let is_read_by_format = given.len() == 1 && field.format.is_some() && *from == Some(LogicalType::Text);
        if let Some(from) = from.filter(|from| *from != column.logical && !is_read_by_format) {
            problems.push(match field.sources.get(at).filter(|_| given.len() > 1) {
                Some(source) => wrong_part(key, spec, (source, from), column),
                None => wrong_type(spec, from, column),
            });
            return None;
        }
    }
    if let Some(found) = crossed(key, field, spec) {
        problems.push(found);
    }
    if let Some(place) = beside_columns(field).filter(|_| given.len() > 1) {
        problems.push(for_one_value(field, place));
        return None;
    }
    let several = key.destination.len() > 1;
    Some(ResolvedReference {
        reference: Reference {
            entity: spec.entity.value.clone(),
            column: several.then(|| key.destination[taken].name.clone()),
            on_missing: spec.on_missing,
            is_made: key.strategy.made().is_some(),
        },
        looked_up: key.source.first()?.logical,
        written_as: written_key(scope, keys, (parent, taken), scope.specs.len())?,
        parent_strategy: key.strategy,
    })
}

/// Which column of the parent's destination key the field takes: the one that is named, the only one, or the one of the field's own name.
fn taken(key: &ResolvedKey<'_>, field: &Field, spec: &ReferenceSpec) -> Option<usize> {
    let named = spec.column.as_ref().map(|column| &column.value);
    let by_name = |name: &ColumnName| key.destination.iter().position(|column| column.name == *name);
    match (named, key.destination.len()) {
        (Some(name), _) => by_name(name),
        (None, 1) => Some(0),
        (None, _) => by_name(&field.destination.value),
    }
}

fn no_column(key: &ResolvedKey<'_>, field: &Field, spec: &ReferenceSpec) -> Diagnostic {
    let entity = &spec.entity.value;
    let names = || key.destination.iter().map(|column| column.name.as_str());
    let wanted = field.destination.value.as_str();
    let Some(column) = &spec.column else {
        let headline = format!("which key column of entity `{entity}` does field `{wanted}` take?");
        let found = problem(Code::ReferenceType, headline, &spec.entity.place, "its key has several");
        let found = found.note(format!("its destination key is {}", listed(names())));
        let mut alike = names().filter(|name| wanted.ends_with(name));
        return found.help(match (alike.next(), alike.next()) {
            (Some(name), None) => format!("add `referenced_column: {name}`"),
            _ => format!("add `referenced_column` with one of {}", listed(names())),
        });
    };
    let headline = format!("`{}` is no column of the key of entity `{entity}`", column.value);
    let found = problem(Code::ReferenceType, headline, &column.place, "this column");
    let found = found.help(format!("its destination key is {}", listed(names())));
    with_suggestion(found, column.value.as_str(), names())
}

fn wrong_count(key: &ResolvedKey<'_>, (field, spec): (&Field, &ReferenceSpec), given: usize) -> Diagnostic {
    let entity = &spec.entity.value;
    let wanted = key.source.len();
    let values = |count: usize| if count == 1 { "one value".to_owned() } else { format!("{count} values") };
    let headline =
        format!("a reference to `{entity}` looks up {}, and the field gives {}", values(wanted), values(given));
    let names: Vec<&str> = key.source.iter().map(|column| column.name.as_str()).collect();
    let label = format!("its source key is {}", listed(names.iter().copied()));
    let found = problem(Code::ReferenceType, headline, &spec.entity.place, label);
    match wanted {
        _ if field.sources.len() == wanted => {
            found.help("the columns are looked up as they are: take out what makes one value of them")
        }
        1 => found.help("name one column as `source_field`, or add a transformation that makes one value of them"),
        _ => found.help(format!(
            "name the columns that hold them, such as `source_field: [{}]`, without a transformation",
            names.join(", ")
        )),
    }
}

/// The warning where the columns have the names of the key's, in another order.
fn crossed(key: &ResolvedKey<'_>, field: &Field, spec: &ReferenceSpec) -> Option<Diagnostic> {
    let names: Vec<&str> = key.source.iter().map(|column| column.name.as_str()).collect();
    let given: Vec<&str> = field.sources.iter().map(|source| source.value.as_str()).collect();
    let is_crossed = given.len() == names.len() && given != names && given.iter().all(|name| names.contains(name));
    let place = field.sources.first().map(|source| &source.place).filter(|_| is_crossed)?;
    let headline =
        format!("the columns are called like the key of `{}`, and stand in another order", spec.entity.value);
    let label = format!("it is looked up as {}", listed(names.iter().copied()));
    let mut found = problem(Code::ReferenceType, headline, place, label);
    found.severity = Severity::Warning;
    Some(found.help(format!("write `source_field: [{}]`, if that is what they are", names.join(", "))))
}

/// What a reference of several columns cannot have, since it has no one value.
fn beside_columns(field: &Field) -> Option<&Place> {
    let format = field.format.as_ref().map(|format| &format.place);
    format.or(field.default.as_ref().map(|default| &default.place))
}

fn for_one_value(field: &Field, place: &Place) -> Diagnostic {
    let headline = format!("field `{}` looks up several columns, and this is for one value", field.destination.value);
    problem(Code::SpecValue, headline, place, "no column of the key is meant").help("take it out")
}

fn wrong_type(spec: &ReferenceSpec, from: LogicalType, column: &Column) -> Diagnostic {
    let (entity, looked_up) = (&spec.entity.value, column.logical);
    let headline = format!("a reference to `{entity}` needs {looked_up}, and the field gives {from}");
    let label = format!("its source key `{}` is {looked_up}", column.name);
    let problem = problem(Code::ReferenceType, headline, &spec.entity.place, label);
    match (from, looked_up) {
        (LogicalType::Text | LogicalType::Float | LogicalType::Decimal { .. }, LogicalType::Integer) => {
            problem.help("add `transformation: to_int`")
        }
        _ => problem.help("add a transformation that gives the type of its key"),
    }
}

/// One of several columns that is of another type than the key's column in its place.
fn wrong_part(
    key: &ResolvedKey<'_>,
    spec: &ReferenceSpec,
    (source, from): (&Located<ColumnName>, LogicalType),
    column: &Column,
) -> Diagnostic {
    let headline = format!(
        "a reference to `{}` needs {} here, and `{}` is {from}",
        spec.entity.value, column.logical, source.value
    );
    let label = format!("in the place of `{}`", column.name);
    let names = listed(key.source.iter().map(|column| column.name.as_str()));
    problem(Code::ReferenceType, headline, &source.place, label)
        .help(format!("name columns of the types of its source key, in its order: {names}"))
}

/// The type of one column of an entity's destination key. `left` bounds keys that are references to entities whose keys are references.
fn written_key(
    scope: &Scope<'_>,
    keys: &[Option<ResolvedKey<'_>>],
    (entity, at): (usize, usize),
    left: usize,
) -> Option<LogicalType> {
    let (spec, key) = (scope.specs.get(entity)?, keys.get(entity)?.as_ref()?);
    if let Some(made) = key.strategy.made() {
        return Some(made);
    }
    let column = key.destination.get(at)?;
    let field = spec.fields.iter().find(|field| field.destination.value == column.name);
    match field.and_then(|field| Some((field, field.reference.as_ref()?))) {
        Some((field, reference)) => {
            let parent = scope.entity(&reference.entity.value)?;
            let taken = taken(keys.get(parent)?.as_ref()?, field, reference)?;
            written_key(scope, keys, (parent, taken), left.checked_sub(1)?)
        }
        None => {
            let own = field.and_then(|field| field.data_type.as_ref()).map(|data_type| data_type.value);
            Some(own.unwrap_or(column.logical))
        }
    }
}
