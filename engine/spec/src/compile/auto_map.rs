//! What `auto_map` stands for: a field for each pair of columns of the same name that no mapping names.
//!
//! It is settled before anything is checked, so that everything after it sees fields and nothing else. Where the project is locked, only
//! what the lock knows is copied without asking: a star must not start to copy a column that nobody looked at.

use std::collections::{BTreeMap, BTreeSet};

use transload_model::{Catalog, Code, Column, ColumnName, Conversion, Diagnostic, Severity, Side, Table, snake_case};

use crate::Project;
use crate::compile::Catalogs;
use crate::decode::{AutoMap, ColumnPattern, Field, OnNewColumn, Pairing, Spec};
use crate::lock::Lock;
use crate::problems::{Located, Problems, listed, problem, with_suggestion};

/// Puts the fields into the specs.
pub(crate) fn settle(
    project: &Project,
    specs: &mut [Spec],
    catalogs: &Catalogs,
    lock: Option<&Lock>,
    problems: &mut Problems,
) {
    for spec in specs {
        let tables = (
            table(catalogs.get(project.source()), |catalog| match spec.is_query() {
                true => catalog.written.get(&spec.entity.value)?.as_ref().ok(),
                false => catalog.table(&spec.source_table.value),
            }),
            table(catalogs.get(project.destination()), |catalog| catalog.table(&spec.destination_table.value)),
        );
        let Some(auto_map) = &spec.auto_map else { continue };
        let (Some(source), Some(destination)) = tables else {
            // Nobody can tell which columns it stands for: what names one of them is not wrong by that.
            spec.has_all_fields = false;
            continue;
        };
        // A star that many specs share may name what some of their tables do not have.
        if auto_map.place.file == spec.file {
            check_patterns(auto_map, source, problems);
            check_included(auto_map, source, destination, problems);
        }
        // Where a mapping or the key could not be read, nobody can tell which columns are left.
        if !spec.has_all_fields || !spec.key.is_sound {
            continue;
        }
        let pairs = pairs(spec, auto_map, source, destination);
        let fitting = fitting(spec, auto_map, pairs, problems);
        let locked = lock.and_then(|lock| lock.auto_mapped(&spec.entity.value));
        let settled = match locked {
            Some(locked) => known(spec, auto_map, fitting, locked, problems),
            None => fitting,
        };
        let place = auto_map.place.clone();
        let copied = |(from, to): (&Column, &Column)| {
            let at = |name: &ColumnName| Located { value: name.clone(), place: place.clone() };
            Field { is_auto: true, ..Field::copied(at(&to.name), at(&from.name)) }
        };
        let copied: Vec<Field> = settled.into_iter().map(copied).collect();
        spec.fields.extend(copied);
    }
}

fn table<'a>(catalog: Option<&'a Catalog>, find: impl FnOnce(&'a Catalog) -> Option<&'a Table>) -> Option<&'a Table> {
    catalog.and_then(find)
}

/// A source column and the destination column that it goes to.
type Pair<'a> = (&'a Column, &'a Column);

/// Patterns that stand for no column: a name that is not there is a mistake, a pattern may be meant for later.
fn check_patterns(auto_map: &AutoMap, source: &Table, problems: &mut Problems) {
    for pattern in auto_map.include.iter().chain(&auto_map.exclude) {
        if source.columns.iter().any(|column| pattern.value.matches(&column.name)) {
            continue;
        }
        let text = pattern.value.as_str();
        let label = format!("not among the {} columns of {}", source.columns.len(), source.name);
        if pattern.value.is_name() {
            let found =
                problem(Code::UnknownColumn, format!("source column `{text}` does not exist"), &pattern.place, label);
            let found = found.about(Side::Source, ColumnName::parse(text).iter());
            let names = source.columns.iter().map(|column| column.name.as_str());
            problems.push(with_suggestion(found, text, names));
        } else {
            let mut found =
                problem(Code::UnknownColumn, format!("`{text}` stands for no column"), &pattern.place, label);
            found.severity = Severity::Warning;
            problems.push(found);
        }
    }
}

/// Columns that are included by name and that the destination does not have: nothing would copy them.
fn check_included(auto_map: &AutoMap, source: &Table, destination: &Table, problems: &mut Problems) {
    let is_there = |name: &str| {
        let wanted = |column: &&Column| column.name.as_str() == name;
        source.columns.iter().find(wanted).is_none_or(|from| {
            let from = paired(auto_map.pairing, &from.name);
            destination.columns.iter().any(|to| paired(auto_map.pairing, &to.name) == from)
        })
    };
    for pattern in auto_map.include.iter().filter(|pattern| pattern.value.is_name()) {
        let name = pattern.value.as_str();
        if !is_there(name) {
            let headline = format!("`auto_map` includes `{name}`, and the destination has no such column");
            let label = format!("not among the {} columns of {}", destination.columns.len(), destination.name);
            let found = problem(Code::UnknownColumn, headline, &pattern.place, label);
            problems.push(found.help(format!("map it: `destination_column: {name}`, or take it out")));
        }
    }
}

/// The pairs that the spec asks for, in the destination's order.
fn pairs<'a>(spec: &Spec, auto_map: &AutoMap, source: &'a Table, destination: &'a Table) -> Vec<Pair<'a>> {
    let key: BTreeSet<&ColumnName> = match &spec.key.destination {
        Some(key) => key.iter().map(|column| &column.value).collect(),
        None => destination.primary_key.iter().collect(),
    };
    let mapped: BTreeSet<&ColumnName> = spec.fields.iter().map(|field| &field.destination.value).collect();
    let stands_for = |patterns: &[Located<ColumnPattern>], name: &ColumnName| {
        patterns.iter().any(|pattern| pattern.value.matches(name))
    };
    let wanted = |column: &&Column| {
        (auto_map.include.is_empty() || stands_for(&auto_map.include, &column.name))
            && !stands_for(&auto_map.exclude, &column.name)
    };
    let by_name: BTreeMap<String, &Column> =
        source.columns.iter().filter(wanted).map(|column| (paired(auto_map.pairing, &column.name), column)).collect();
    let deleted = spec.deleted_field.as_ref().map(|field| &field.value);
    let free = |column: &&Column| {
        let is_taken = key.contains(&column.name) || mapped.contains(&column.name) || deleted == Some(&column.name);
        !column.generated && !is_taken
    };
    let pair = |to: &'a Column| Some((*by_name.get(&paired(auto_map.pairing, &to.name))?, to));
    destination.columns.iter().filter(free).filter_map(pair).collect()
}

/// A name as it is compared.
pub(crate) fn paired(pairing: Pairing, name: &ColumnName) -> String {
    match pairing {
        Pairing::Exact => name.as_str().to_owned(),
        Pairing::SnakeCase => snake_case(name.as_str()),
    }
}

/// The pairs whose types fit. The others are one problem, because they have one place.
fn fitting<'a>(spec: &Spec, auto_map: &AutoMap, pairs: Vec<Pair<'a>>, problems: &mut Problems) -> Vec<Pair<'a>> {
    let fits = |(from, to): &Pair<'_>| from.logical.conversion(to.logical) != Conversion::Impossible;
    let (fitting, unfit): (Vec<_>, Vec<_>) = pairs.into_iter().partition(fits);
    if let Some((from, to)) = unfit.first() {
        let headline = match unfit.len() {
            1 => format!("`auto_map` cannot turn `{}` from {} into {}", from.name, from.logical, to.logical),
            count => format!("`auto_map` cannot turn {count} columns into the types of the destination"),
        };
        let shown = |(from, to): &Pair<'_>| format!("`{}` from {} into {}", from.name, from.logical, to.logical);
        let names: Vec<String> = unfit.iter().map(shown).collect();
        let problem = told(spec, auto_map, Diagnostic::new(Code::ImpossibleConversion, headline));
        problems.push(problem.note(names.join(", ")).help(format!(
            "map `{}` with a `transformation`, or write `auto_map: {{ exclude: [{}] }}`",
            to.name,
            unfit.iter().map(|(from, _)| from.name.as_str()).collect::<Vec<_>>().join(", ")
        )));
    }
    fitting
}

/// A problem of a star, at its place. One that many specs share has a problem for each of them.
fn told(spec: &Spec, auto_map: &AutoMap, problem: Diagnostic) -> Diagnostic {
    let (star, entity) = (&auto_map.place, &spec.entity);
    match star.file == spec.file {
        true => problem.label(&star.file, star.span.clone(), format!("of `{}`", entity.value)),
        false => problem.label(&entity.place.file, entity.place.span.clone(), "this entity").label(
            &star.file,
            star.span.clone(),
            "takes this star",
        ),
    }
}

/// What becomes of columns that the lock does not know, and of those that only the lock knows.
fn known<'a>(
    spec: &Spec,
    auto_map: &AutoMap,
    pairs: Vec<Pair<'a>>,
    locked: &BTreeSet<ColumnName>,
    problems: &mut Problems,
) -> Vec<Pair<'a>> {
    let (mut kept, new): (Vec<_>, Vec<_>) = pairs.into_iter().partition(|(_, to)| locked.contains(&to.name));
    let mapped = |name: &ColumnName| spec.fields.iter().any(|field| field.destination.value == *name);
    let gone: Vec<&str> = locked
        .iter()
        .filter(|name| kept.iter().all(|(_, to)| to.name != **name) && !mapped(name))
        .map(ColumnName::as_str)
        .collect();
    if !gone.is_empty() {
        let headline =
            format!("`auto_map` no longer finds {}, which transload.lock knows", listed(gone.iter().copied()));
        let problem = told(spec, auto_map, Diagnostic::new(Code::SchemaDrift, headline));
        problems
            .push(problem.help("`transload drift` shows what changed, and `transload drift --accept` takes it over"));
    }
    if new.is_empty() {
        return kept;
    }
    let names: Vec<&str> = new.iter().map(|(_, to)| to.name.as_str()).collect();
    let headline = format!("`auto_map` finds {}, which transload.lock does not know", listed(names.iter().copied()));
    let mut problem = told(spec, auto_map, Diagnostic::new(Code::NewColumn, headline))
        .about(Side::Destination, new.iter().map(|(_, to)| &to.name))
        .help("`transload validate --lock` takes it over; `exclude` leaves it out for good");
    match auto_map.on_new_column {
        OnNewColumn::Include => {
            kept.extend(new);
            return kept;
        }
        OnNewColumn::Ignore => return kept,
        OnNewColumn::Warn => {
            problem.severity = Severity::Warning;
            problem = problem.note("it is not copied");
        }
        OnNewColumn::Fail => {}
    }
    problems.push(problem);
    kept
}
