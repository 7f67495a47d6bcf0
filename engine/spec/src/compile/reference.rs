//! References: what is looked up, in which type, and the type that comes back.

use transload_model::{Code, KeyStrategy, LogicalType, Reference};

use crate::compile::Scope;
use crate::compile::key::ResolvedKey;
use crate::decode::{Field, ReferenceSpec};
use crate::problems::{Problems, problem};

/// A reference that can be looked up.
#[derive(Debug)]
pub(crate) struct ResolvedReference {
    pub(crate) reference: Reference,
    /// The type of the parent's source key.
    pub(crate) looked_up: LogicalType,
    /// The type of the parent's destination key.
    pub(crate) written_as: LogicalType,
    pub(crate) parent_strategy: KeyStrategy,
}

/// The reference of a field whose value before the lookup has the type `from`; `None` where a problem says why not.
pub(crate) fn resolve(
    scope: &Scope<'_>,
    keys: &[Option<ResolvedKey<'_>>],
    (field, spec): (&Field, &ReferenceSpec),
    from: Option<LogicalType>,
    problems: &mut Problems,
) -> Option<ResolvedReference> {
    let parent = scope.entity(&spec.entity.value)?;
    let key = keys.get(parent)?.as_ref()?;
    let ([source], [_]) = (key.source.as_slice(), key.destination.as_slice()) else {
        several_columns(scope, parent, key, spec, problems);
        return None;
    };
    let looked_up = source.logical;
    // Text with a format becomes a date before it is looked up.
    let is_read_by_format = field.format.is_some() && from == Some(LogicalType::Text);
    if let Some(from) = from.filter(|from| *from != looked_up && !is_read_by_format) {
        wrong_type(spec, from, looked_up, problems);
        return None;
    }
    Some(ResolvedReference {
        reference: Reference { entity: spec.entity.value.clone(), on_missing: spec.on_missing },
        looked_up,
        written_as: written_key(scope, keys, parent, scope.specs.len())?,
        parent_strategy: key.strategy,
    })
}

fn several_columns(
    scope: &Scope<'_>,
    parent: usize,
    key: &ResolvedKey<'_>,
    spec: &ReferenceSpec,
    problems: &mut Problems,
) {
    let entity = &spec.entity.value;
    let count = key.source.len().max(key.destination.len());
    let headline = format!("entity `{entity}` has a key of {count} columns, and a reference holds one value");
    let mut problem = problem(Code::ReferenceType, headline, &spec.entity.place, "this entity");
    let named = scope.specs.get(parent).and_then(|spec| spec.key.source.as_ref()).and_then(|key| key.first());
    if let Some(column) = named {
        problem = problem.label(&column.place.file, column.place.span.clone(), "its key starts here");
    }
    problems.push(problem.help("reference an entity with a key of one column"));
}

fn wrong_type(spec: &ReferenceSpec, from: LogicalType, looked_up: LogicalType, problems: &mut Problems) {
    let entity = &spec.entity.value;
    let headline = format!("a reference to `{entity}` needs {looked_up}, and the field gives {from}");
    let problem = problem(Code::ReferenceType, headline, &spec.entity.place, format!("its source key is {looked_up}"));
    problems.push(match (from, looked_up) {
        (LogicalType::Text | LogicalType::Float | LogicalType::Decimal { .. }, LogicalType::Integer) => {
            problem.help("add `transformation: to_int`")
        }
        _ => problem.help("add a transformation that gives the type of its key"),
    });
}

/// The type of an entity's one destination key column. `left` bounds keys that are references to entities whose keys are references.
fn written_key(scope: &Scope<'_>, keys: &[Option<ResolvedKey<'_>>], entity: usize, left: usize) -> Option<LogicalType> {
    let (spec, key) = (scope.specs.get(entity)?, keys.get(entity)?.as_ref()?);
    if let Some(made) = key.strategy.made() {
        return Some(made);
    }
    let column = key.destination.first()?;
    let field = spec.fields.iter().find(|field| field.destination.value == column.name);
    match field.and_then(|field| field.reference.as_ref()) {
        Some(reference) => written_key(scope, keys, scope.entity(&reference.entity.value)?, left.checked_sub(1)?),
        None => {
            let own = field.and_then(|field| field.data_type.as_ref()).map(|data_type| data_type.value);
            Some(own.unwrap_or(column.logical))
        }
    }
}
