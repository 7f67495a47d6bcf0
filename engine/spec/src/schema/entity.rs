//! The schema of one entity's spec: that of any spec, with the columns of its two tables in it.
//!
//! Columns come from `transload.lock` where it has the table, so that the same project gives the same text on every machine; else from what
//! the databases hold now. A spec that cannot be read yet has a schema too, as soon as it names its tables: that is when it is needed most.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Map, Value, json};
use transload_model::{Column, ConnectionName, EntityName, SourceFile, Table, TableName};

use super::reach::reaches;
use super::spec_schema;
use crate::Project;
use crate::compile::Catalogs;
use crate::problems::Problems;
use crate::yaml::{self, Kind};

/// A function that every spec of the project may call.
#[derive(Debug, Clone)]
pub struct OfferedFunction {
    /// Its name.
    pub name: String,
    /// What it does, in a sentence.
    pub summary: String,
}

/// The schemas of a project's entities.
#[derive(Debug)]
pub struct EntitySchemas {
    /// By entity: all whose specs name it.
    pub schemas: BTreeMap<EntityName, Value>,
    /// Tables that neither the lock nor the databases have, as `connection.table`: the columns of these are not in the schemas.
    pub unknown: BTreeSet<String>,
}

/// The schemas of all entities. A table is as the project's lock says, else as `catalogs` do.
#[must_use]
pub fn entity_schemas(project: &Project, functions: &[OfferedFunction], catalogs: Option<&Catalogs>) -> EntitySchemas {
    let outlines = outlines(project);
    let names = Names {
        functions: functions.iter().map(|function| (function.name.clone(), function.summary.clone())).collect(),
        entities: outlines.iter().map(|(entity, outline)| (entity.to_string(), outline.tables())).collect(),
        templates: templates(project),
    };
    let mut unknown = BTreeSet::new();
    let mut table = |connection: &ConnectionName, name: Option<&TableName>| {
        let (name, lock) = (name?.clone(), project.lock.as_ref());
        let known = lock.and_then(|lock| lock.table(project, connection, &name).cloned());
        let found = known.or_else(|| catalogs?.get(connection)?.table(&name).cloned());
        if found.is_none() {
            unknown.insert(format!("{connection}.{name}"));
        }
        found
    };
    let mut schemas = BTreeMap::new();
    let mut queries = BTreeSet::new();
    for (entity, outline) in &outlines {
        let source = match outline.has_query {
            true => queried(project, entity, catalogs).or_else(|| {
                queries.insert(format!("the query of {entity}"));
                None
            }),
            false => table(project.source(), outline.source.as_ref()),
        };
        let destination = table(project.destination(), outline.destination.as_ref());
        schemas.insert(entity.clone(), of((entity, outline), &names, source.as_ref(), destination.as_ref()));
    }
    unknown.extend(queries);
    EntitySchemas { schemas, unknown }
}

/// What an entity's query gives, as the project's lock says, else as `catalogs` do.
fn queried(project: &Project, entity: &EntityName, catalogs: Option<&Catalogs>) -> Option<Table> {
    let known = project.lock.as_ref().and_then(|lock| lock.query(project, project.source(), entity).cloned());
    known.or_else(|| catalogs?.get(project.source())?.written.get(entity)?.as_ref().ok().cloned())
}

/// What a spec says of itself, as far as it can be read.
#[derive(Debug)]
struct Outline {
    is_active: bool,
    /// Whether a query stands in the place of the source table.
    has_query: bool,
    source: Option<TableName>,
    destination: Option<TableName>,
}

impl Outline {
    /// `dispatch_offices → offices`
    fn tables(&self) -> String {
        let shown = |table: &Option<TableName>| table.as_ref().map_or_else(|| "?".to_owned(), ToString::to_string);
        format!("{} → {}", shown(&self.source), shown(&self.destination))
    }
}

/// What all of the project may name, each with a description.
struct Names {
    functions: Vec<(String, String)>,
    entities: Vec<(String, String)>,
    templates: Vec<(String, String)>,
}

/// Of several specs of one entity, the active one counts, else the first.
fn outlines(project: &Project) -> BTreeMap<EntityName, Outline> {
    let mut outlines: BTreeMap<EntityName, Outline> = BTreeMap::new();
    let by_default = project.defaults.piece.is_active.unwrap_or(true);
    for file in project.spec_files() {
        let said = texts(file);
        let Some(entity) = said.get("entity_type").and_then(|name| EntityName::parse(name).ok()) else { continue };
        let table = |key: &str| said.get(key).and_then(|name| TableName::parse(name).ok());
        let outline = Outline {
            is_active: said.get("is_active").map_or(by_default, |word| !word.eq_ignore_ascii_case("false")),
            has_query: has_query(file),
            source: table("source_table"),
            destination: table("destination_table"),
        };
        if outlines.get(&entity).is_none_or(|known| outline.is_active && !known.is_active) {
            outlines.insert(entity, outline);
        }
    }
    outlines
}

fn templates(project: &Project) -> Vec<(String, String)> {
    let template = |file: &Arc<SourceFile>| {
        let mut said = texts(file);
        let description = said.remove("description").unwrap_or_else(|| file.path.clone());
        Some((said.remove("template")?, description))
    };
    project.template_files.iter().filter_map(template).collect()
}

fn has_query(file: &Arc<SourceFile>) -> bool {
    let root = yaml::load(file, &mut Problems::default());
    let inner = |node: &yaml::Node, key: &str| match &node.kind {
        Kind::Map(entries) => entries.iter().find(|entry| entry.key == key).map(|entry| entry.value.clone()),
        _ => None,
    };
    root.and_then(|root| inner(&root, "source")).and_then(|source| inner(&source, "query")).is_some()
}

/// The single values at the top of a file, whatever is wrong with the rest.
fn texts(file: &Arc<SourceFile>) -> BTreeMap<String, String> {
    let Some(root) = yaml::load(file, &mut Problems::default()) else { return BTreeMap::new() };
    let Kind::Map(entries) = root.kind else { return BTreeMap::new() };
    let text = |entry: yaml::Entry| match entry.value.kind {
        Kind::Scalar(scalar) => Some((entry.key, scalar.text)),
        Kind::List(_) | Kind::Map(_) | Kind::Refused => None,
    };
    entries.into_iter().filter_map(text).collect()
}

fn of(
    (entity, outline): (&EntityName, &Outline),
    names: &Names,
    source: Option<&Table>,
    destination: Option<&Table>,
) -> Value {
    let mut schema = spec_schema();
    without_examples(&mut schema);
    put(&mut schema, "/title", format!("Transload spec of {entity}: {}", outline.tables()).into());
    put(&mut schema, "/properties/entity_type/allOf", json!([{ "enum": [entity] }]));
    let mut definitions = Map::new();
    definitions.insert("EntityName".to_owned(), offered(&names.entities));
    definitions.insert("TemplateName".to_owned(), offered(&names.templates));
    definitions.insert("FunctionName".to_owned(), offered(&names.functions));
    if let Some(table) = source {
        let columns: Vec<&Column> = table.columns.iter().collect();
        definitions.insert("SourceColumn".to_owned(), one_of(table, &columns));
        definitions.insert("ColumnPattern".to_owned(), offered(&with_facts(table, &columns)));
        definitions.insert("SourceRow".to_owned(), row(table, &columns, "Scalar"));
    }
    if let Some(table) = destination {
        // What the database computes takes nothing.
        let columns: Vec<&Column> = table.columns.iter().filter(|column| !column.generated).collect();
        definitions.insert("DestinationColumn".to_owned(), one_of(table, &columns));
        definitions.insert("DestinationRow".to_owned(), row(table, &columns, "Scalar"));
        definitions.insert("ShortMappings".to_owned(), row(table, &columns, "ShortMapping"));
        // The column's own description is the one to be shown.
        for name in ["ShortMapping", "Field"] {
            for key in ["description", "markdownDescription"] {
                remove(&mut schema, &format!("/definitions/{name}"), key);
            }
        }
    }
    for (name, definition) in definitions {
        put(&mut schema, &format!("/definitions/{name}"), definition);
    }
    schema
}

/// Examples with names of another project would be offered beside the real ones.
fn without_examples(schema: &mut Value) {
    let named = BTreeSet::from([
        "ColumnPattern",
        "DestinationColumn",
        "DestinationRow",
        "DestinationTable",
        "EntityName",
        "OtherColumn",
        "ShortMappings",
        "SourceColumn",
        "SourceRow",
        "SourceTable",
        "TemplateName",
    ]);
    let definitions = schema["definitions"].clone();
    let drop = |holder: &mut Value| {
        let Some(properties) = holder.get_mut("properties").and_then(Value::as_object_mut) else { return };
        for property in properties.values_mut().filter_map(Value::as_object_mut) {
            if reaches(property, &definitions, &named) {
                property.remove("examples");
            }
        }
    };
    drop(schema);
    schema["definitions"].as_object_mut().into_iter().flat_map(Map::values_mut).for_each(drop);
}

/// Names that are offered; others may be new, and pass.
fn offered(names: &[(String, String)]) -> Value {
    if names.is_empty() {
        return json!({ "type": "string" });
    }
    json!({ "anyOf": [known(names), { "type": "string" }] })
}

/// Columns, of which one is meant.
fn one_of(table: &Table, columns: &[&Column]) -> Value {
    known(&with_facts(table, columns))
}

/// Names with their descriptions.
fn known(names: &[(String, String)]) -> Value {
    let (names, descriptions): (Vec<&String>, Vec<&String>) = names.iter().map(|(name, text)| (name, text)).unzip();
    let mut schema = json!({ "enum": names, "enumDescriptions": descriptions });
    if descriptions.iter().any(|text| text.contains('`')) {
        put(&mut schema, "/markdownEnumDescriptions", json!(descriptions));
    }
    schema
}

fn with_facts(table: &Table, columns: &[&Column]) -> Vec<(String, String)> {
    columns.iter().map(|column| (column.name.to_string(), facts(table, column))).collect()
}

/// A map by columns of a table.
fn row(table: &Table, columns: &[&Column], value: &str) -> Value {
    let property = |column: &&Column| {
        let text = format!("`{}.{}`: {}", table.name, column.name, facts(table, column));
        let schema = json!({
            "title": column.name,
            "description": text,
            "markdownDescription": text,
            "allOf": [{ "$ref": format!("#/definitions/{value}") }],
        });
        (column.name.to_string(), schema)
    };
    json!({
        "type": "object",
        "properties": columns.iter().map(property).collect::<Map<_, _>>(),
        "patternProperties": { "^x-": {} },
        "additionalProperties": false,
    })
}

/// What a column is: "`text`, NOT NULL, refers to `offices`".
fn facts(table: &Table, column: &Column) -> String {
    let mut parts = vec![format!("`{}`", column.logical)];
    if column.declared.to_lowercase() != column.logical.to_string() {
        parts.push(format!("declared `{}`", column.declared));
    }
    let flags = [
        (!column.nullable, "NOT NULL"),
        (column.has_default, "has a default"),
        (column.generated, "computed by the database"),
        (column.insert_only, "written only at insert"),
        (table.primary_key.contains(&column.name), "primary key"),
    ];
    parts.extend(flags.into_iter().filter(|(holds, _)| *holds).map(|(_, words)| words.to_owned()));
    let refers = table.foreign_keys.iter().filter(|key| key.columns.contains(&column.name));
    parts.extend(refers.map(|key| format!("refers to `{}`", key.table)));
    parts.join(", ")
}

/// Puts a value at the end of a path whose last step may be new.
fn put(schema: &mut Value, path: &str, value: Value) {
    let Some((parent, key)) = path.rsplit_once('/') else { return };
    if let Some(Value::Object(parent)) = schema.pointer_mut(parent) {
        parent.insert(key.to_owned(), value);
    }
}

fn remove(schema: &mut Value, path: &str, key: &str) {
    if let Some(Value::Object(parent)) = schema.pointer_mut(path) {
        parent.remove(key);
    }
}
