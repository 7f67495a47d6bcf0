//! How previewed rows are shown: to people, to programs, and as a test of the spec.

use chrono::SecondsFormat;
use serde_json::{Map, Value, json};
use transload_model::{ColumnName, EntityPlan, FieldPlan, KeyStrategy, LogicalType, Mint, RowFault, Stage};
use transload_run::{TriedColumn, is_looked_up, through};

use crate::cli::args::Preview;
use crate::cli::render::Screen;
use crate::cli::summary::table;
use crate::cli::text::{number, some};

use super::Previewed;

/// What stands in place of a value that is nobody's business.
const HIDDEN: &str = "••••••";

/// Characters of a value on the terminal.
const SHOWN: usize = 48;

/// Rows as people read them.
pub(super) fn text(previewed: &Previewed<'_>, preview: &Preview, screen: &Screen) -> String {
    let entity = previewed.entity;
    let rows = previewed.tried.faults.len();
    let signs = screen.signs();
    if rows == 0 {
        return format!("{}: no such row", entity.name);
    }
    let held = previewed.held.filter(|held| *held > rows);
    let held = held.map(|held| format!(", of {} in quarantine", number(held as u64))).unwrap_or_default();
    let mut out = String::new();
    for row in 0..rows {
        let ends = format!(
            "{}.{} {} {}.{}",
            entity.source.connection,
            entity.source.table,
            signs.arrow,
            entity.destination.connection,
            entity.destination.table
        );
        out += &format!("{}   {ends}   row {} of {rows}{held}{}\n\n", entity.name, row + 1, identity(previewed, row));
        out += &match &previewed.tried.faults[row] {
            Some(fault) => failed(previewed, row, fault, (preview, screen)),
            None => arrived(previewed, row, preview, screen),
        };
        out.push('\n');
    }
    out
}

/// `, patient_no = 10442`
fn identity(previewed: &Previewed<'_>, row: usize) -> String {
    let parts = previewed.entity.key.source.iter().map(|at| {
        let read = &previewed.tried.reads[*at];
        format!("{} = {}", read.name, read.texts[row].as_deref().unwrap_or("NULL"))
    });
    parts.map(|part| format!(", {part}")).collect()
}

fn failed(previewed: &Previewed<'_>, row: usize, fault: &RowFault, (preview, screen): (&Preview, &Screen)) -> String {
    let signs = screen.signs();
    let field =
        fault.field.as_ref().and_then(|name| previewed.entity.fields.iter().find(|field| field.destination == *name));
    let mut out = String::new();
    if let Some(field) = field {
        let cells = vec![
            field.destination.to_string(),
            "-".to_owned(),
            match fault.stage {
                // What was read is of another type, and only its place is known; or nobody knows that it does not show what is hidden.
                _ if is_unsearched(previewed, row) => columns(previewed, field),
                Stage::Read => columns(previewed, field),
                _ => from(previewed, field, row, preview.show_values),
            },
            how(previewed.entity, field),
        ];
        out += &indented(&table(&["destination", "value", "from", "how"], vec![cells], 4));
    }
    let place = field.map(|field| format!("  ({})", field.place)).unwrap_or_default();
    let name = fault.field.as_ref().map(|field| format!(" {field}")).unwrap_or_default();
    out += &format!(
        "  {} would be quarantined: {}{name}: {}{place}\n",
        signs.failed,
        fault.code.info().word,
        fault.message
    );
    out
}

/// Whether a row may show in other columns what is masked: only rows that could be written were searched for it.
fn is_unsearched(previewed: &Previewed<'_>, row: usize) -> bool {
    !previewed.entity.masks.is_empty() && previewed.tried.faults[row].is_some()
}

fn arrived(previewed: &Previewed<'_>, row: usize, preview: &Preview, screen: &Screen) -> String {
    let signs = screen.signs();
    let mut lines = Vec::new();
    let mut copied = 0;
    for (at, column) in previewed.tried.columns.iter().enumerate() {
        let field = previewed.entity.fields.iter().find(|field| field.destination == column.name);
        let current = previewed.current.as_ref().map(|rows| rows[row].as_ref().map(|cells| &cells[at]));
        let is_same = current.is_none_or(|current| current == Some(&column.texts[row]));
        if field.is_some_and(|field| is_copied(previewed, field)) && is_same && !preview.all {
            copied += 1;
            continue;
        }
        let is_hidden = field.is_some_and(|field| field.sensitive) && !preview.show_values;
        let mut value = shown(column, column.texts[row].as_deref(), is_hidden);
        if let Some(current) = current
            && !is_same
        {
            let before =
                current.map_or_else(|| "(no row)".to_owned(), |text| shown(column, text.as_deref(), is_hidden));
            value = format!("{before} {} {value}", signs.arrow);
        }
        lines.push(match field {
            Some(field) => vec![
                column.name.to_string(),
                value,
                from(previewed, field, row, preview.show_values),
                how(previewed.entity, field),
            ],
            None => vec![column.name.to_string(), value, own_key(previewed, row), strategy(previewed.entity)],
        });
    }
    let mut out = indented(&table(&["destination", "value", "from", "how"], lines, 4));
    if copied > 0 {
        out += &format!("  + {} copied   (--all)\n", some(copied, "column"));
    }
    for warning in previewed.tried.warnings.iter().filter(|warning| warning.row == row) {
        let name = warning.field.as_ref().map(ToString::to_string).unwrap_or_default();
        out += &format!("  {} {} {name}: {}\n", signs.warning, warning.code.info().word, warning.message);
    }
    let rules = previewed.entity.rules.len();
    if rules > 0 && previewed.tried.warnings.iter().all(|warning| warning.row != row) {
        out += &format!("  {} {} pass\n", signs.done, some(rules, "rule"));
    }
    let texts = || previewed.tried.columns.iter().map(|column| &column.texts[row]);
    let held = previewed.current.as_ref().and_then(|rows| rows[row].as_ref());
    if held.is_some_and(|held| held.iter().eq(texts())) {
        out += &format!("  {} the destination holds the same\n", signs.done);
    }
    if !previewed.are_looked_up && previewed.entity.fields.iter().any(|field| field.reference.is_some()) {
        out += &format!("  {} references were not looked up: every parent is taken to be there\n", signs.warning);
    }
    if !previewed.are_looked_up && previewed.entity.lookups().next().is_some() {
        out +=
            &format!("  {} the rule `foreign_key` was not judged: every value is taken to be there\n", signs.warning);
    }
    out
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}\n")).collect()
}

/// Whether a value goes over as it is.
fn is_copied(previewed: &Previewed<'_>, field: &FieldPlan) -> bool {
    let [read] = field.sources.as_slice() else { return false };
    field.calls.is_empty()
        && field.default.is_none()
        && field.format.is_none()
        && field.reference.is_none()
        && previewed.entity.reads[*read].logical == field.written_as
}

fn shown(column: &TriedColumn, text: Option<&str>, is_hidden: bool) -> String {
    match text {
        None => "NULL".to_owned(),
        Some(_) if is_hidden => HIDDEN.to_owned(),
        Some(text) if column.logical == LogicalType::Text => format!("{:?}", cut(text)),
        Some(text) => cut(text),
    }
}

/// A text as long as it is shown.
fn cut(text: &str) -> String {
    if text.chars().count() <= SHOWN {
        return text.to_owned();
    }
    text.chars().take(SHOWN - 1).chain(['…']).collect()
}

/// The names of a field's source columns.
fn columns(previewed: &Previewed<'_>, field: &FieldPlan) -> String {
    let names = field.sources.iter().map(|at| previewed.tried.reads[*at].name.as_str());
    names.collect::<Vec<_>>().join(", ")
}

/// The source columns of a field with their values.
fn from(previewed: &Previewed<'_>, field: &FieldPlan, row: usize, show_values: bool) -> String {
    let read = |at: &usize| {
        let read = &previewed.tried.reads[*at];
        format!("{} {}", read.name, shown(read, read.texts[row].as_deref(), field.sensitive && !show_values))
    };
    field.sources.iter().map(read).collect::<Vec<_>>().join(", ")
}

fn how(entity: &EntityPlan, field: &FieldPlan) -> String {
    let mut steps = through(entity, field);
    if field.sources.is_empty() && field.calls.is_empty() {
        steps.push("constant".to_owned());
    }
    if let ([read], true, None) = (field.sources.as_slice(), steps.is_empty(), &field.reference) {
        let from = entity.reads[*read].logical;
        steps.push(if from == field.written_as {
            "copied".to_owned()
        } else {
            format!("{from} as {}", field.written_as)
        });
    }
    if let (Some(default), false) = (&field.default, field.sources.is_empty()) {
        steps.push(format!("NULL as {default}"));
    }
    if field.sensitive {
        steps.push("sensitive".to_owned());
    }
    steps.join(", ")
}

fn own_key(previewed: &Previewed<'_>, row: usize) -> String {
    let part = |at: &usize| {
        let read = &previewed.tried.reads[*at];
        format!("{} {}", read.name, read.texts[row].as_deref().unwrap_or("NULL"))
    };
    previewed.entity.key.source.iter().map(part).collect::<Vec<_>>().join(", ")
}

fn strategy(entity: &EntityPlan) -> String {
    match entity.key.strategy {
        KeyStrategy::Keep => "key: keep".to_owned(),
        KeyStrategy::UuidV5 { .. } => "key: uuid_v5".to_owned(),
        KeyStrategy::Minted { mint: Mint::UuidV7, .. } => "key: uuid_v7, made when the row is loaded".to_owned(),
        KeyStrategy::Minted { mint: Mint::Database, .. } => "key: database, made when the row is loaded".to_owned(),
    }
}

/// Rows as programs read them.
pub(super) fn as_json(previewed: &Previewed<'_>, show_values: bool) -> Value {
    let rows = (0..previewed.tried.faults.len()).map(|row| {
        let column = |(at, column): (usize, &TriedColumn)| {
            let field = previewed.entity.fields.iter().find(|field| field.destination == column.name);
            let is_hidden = field.is_some_and(|field| field.sensitive) && !show_values;
            let value = |text: &Option<String>| match text {
                Some(_) if is_hidden => Value::from(HIDDEN),
                Some(text) => json_value(text, column.logical),
                None => Value::Null,
            };
            let sources = field.map_or_else(|| previewed.entity.key.source.clone(), |field| field.sources.clone());
            let source = |read: usize| {
                let read = &previewed.tried.reads[read];
                let text = read.texts[row].as_ref().map(|text| if is_hidden { HIDDEN } else { text.as_str() });
                json!({ "column": read.name, "value": text })
            };
            let mut one = json!({
                "column": column.name,
                "value": value(&column.texts[row]),
                "from": sources.into_iter().map(source).collect::<Vec<_>>(),
                "how": field.map_or_else(|| strategy(previewed.entity), |field| how(previewed.entity, field)),
            });
            if let Some(current) = &previewed.current {
                one["current"] = current[row].as_ref().map_or(Value::Null, |cells| value(&cells[at]));
                one["exists"] = current[row].is_some().into();
            }
            one
        };
        let is_good = previewed.tried.faults[row].is_none();
        let columns: Vec<Value> = previewed.tried.columns.iter().enumerate().filter(|_| is_good).map(column).collect();
        json!({
            "source_key": previewed.tried.keys[row].as_ref().map(transload_model::KeyBytes::text),
            "columns": columns,
            "fault": previewed.tried.faults[row].as_ref().map(fault),
            "warnings": previewed.tried.warnings.iter().filter(|warning| warning.row == row).map(fault).collect::<Vec<_>>(),
        })
    });
    json!({
        "schema": "transload.preview/1",
        "entity_type": previewed.entity.name,
        "references_looked_up": previewed.are_looked_up,
        "rows": rows.collect::<Vec<_>>(),
    })
}

fn fault(fault: &RowFault) -> Value {
    json!({ "field": fault.field, "rule": fault.code.info().word, "stage": fault.stage, "message": fault.message })
}

/// A canonical text as a spec writes the value.
fn json_value(text: &str, logical: LogicalType) -> Value {
    match logical {
        LogicalType::Integer => text.parse::<i64>().map_or_else(|_| text.into(), Value::from),
        LogicalType::Boolean => (text == "true").into(),
        _ => text.into(),
    }
}

/// An entry of `tests:` that expects what the spec gives now. Sensitive values are left out.
pub(super) fn as_test(previewed: &Previewed<'_>, show_values: bool) -> String {
    let refused = |row: &usize| {
        let fault = previewed.tried.faults[*row].as_ref()?;
        let why = match fault {
            _ if is_unsearched(previewed, *row) => "and the row may show what is masked, so it is no test",
            _ if fault.code.is_of_destination() || is_looked_up(fault) => {
                "which the destination alone knows, and no test shows"
            }
            _ => return None,
        };
        Some((fault.code.info().word, why))
    };
    let rows = 0..previewed.tried.faults.len();
    let (told, tests): (Vec<usize>, Vec<usize>) = rows.partition(|row| refused(row).is_some());
    let key = |row: usize| previewed.tried.keys[row].as_ref().map(transload_model::KeyBytes::text).unwrap_or_default();
    let comment = |row: &usize| {
        let (word, why) = refused(row).unwrap_or_default();
        let key = key(*row).replace(char::is_control, " ");
        format!("# row {key}: {word}, {why}\n")
    };
    let comments: String = told.iter().map(comment).collect();
    if tests.is_empty() {
        return comments;
    }
    let tests: Vec<Value> = tests.into_iter().map(|row| test(previewed, row, show_values)).collect();
    comments + &*transload_spec::to_yaml(&json!({ "tests": tests }))
}

fn test(previewed: &Previewed<'_>, row: usize, show_values: bool) -> Value {
    let entity = previewed.entity;
    let is_hidden = |column: &ColumnName| {
        let reads = |field: &FieldPlan| field.sources.iter().any(|read| entity.reads[*read].name == *column);
        !show_values
            && entity.fields.iter().any(|field| field.sensitive && (reads(field) || field.destination == *column))
    };
    let values = |columns: &[TriedColumn], with_null: bool| -> Map<String, Value> {
        let value = |column: &TriedColumn| match &column.texts[row] {
            Some(text) => Some((column.name.to_string(), json_value(text, column.logical))),
            None => with_null.then(|| (column.name.to_string(), Value::Null)),
        };
        columns.iter().filter(|column| !is_hidden(&column.name)).filter_map(value).collect()
    };
    let mut given = json!({ "row": values(&previewed.tried.reads, false) });
    let mappings = mappings(previewed, row);
    if !mappings.is_empty() {
        given["mappings"] = mappings.into();
    }
    given["now"] = previewed.now.to_rfc3339_opts(SecondsFormat::Secs, true).into();
    let key = previewed.tried.keys[row].as_ref().map(transload_model::KeyBytes::text).unwrap_or_default();
    let expect = match &previewed.tried.faults[row] {
        Some(fault) => {
            let mut expected = Map::new();
            expected.extend(fault.field.as_ref().map(|field| ("field".to_owned(), field.as_str().into())));
            expected.insert("rule".to_owned(), fault.code.info().word.into());
            json!({ "quarantine": [expected] })
        }
        None => json!({ "row": values(&previewed.tried.columns, true) }),
    };
    json!({ "name": format!("row {key}"), "given": given, "expect": expect })
}

/// The new keys that the row's references were looked up as.
fn mappings(previewed: &Previewed<'_>, row: usize) -> Map<String, Value> {
    let mut mappings: Map<String, Value> = Map::new();
    for field in &previewed.entity.fields {
        let Some(reference) = &field.reference else { continue };
        let old = previewed.tried.looked_up.get(&field.destination).and_then(|keys| keys[row].as_ref());
        let new = previewed.tried.columns.iter().find(|column| column.name == field.destination);
        if let (Some(old), Some(new)) = (old, new.and_then(|new| new.texts[row].as_ref())) {
            let keys = mappings.entry(reference.entity.to_string()).or_insert_with(|| json!({}));
            let new = json_value(new, field.written_as);
            match &reference.column {
                Some(column) => keys[old][column.as_str()] = new,
                None => keys[old] = new,
            }
        }
    }
    mappings
}
