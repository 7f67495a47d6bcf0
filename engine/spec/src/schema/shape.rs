//! From what schemars writes to what editors read.
//!
//! Nothing of the language takes `null` for "not said", words are one `enum` with a description for each, every map takes notes (`x-*`), and
//! what is said in Markdown is marked as such.

use std::collections::BTreeSet;

use schemars::transform::{Transform, transform_subschemas};
use schemars::{JsonSchema, Schema, generate::SchemaSettings};
use serde_json::{Map, Value, json};

use super::order::Ordered;

/// The schema of a kind of file.
pub(super) fn root<T: JsonSchema>() -> Schema {
    let mut schema = SchemaSettings::draft07().with_transform(Shape).into_generator().into_root_schema_for::<T>();
    let mut referred = BTreeSet::new();
    Properties(&mut referred).transform(&mut schema);
    undescribed(&mut schema, &referred);
    Ordered.transform(&mut schema);
    schema
}

#[derive(Debug, Clone)]
struct Shape;

impl Transform for Shape {
    fn transform(&mut self, schema: &mut Schema) {
        transform_subschemas(self, schema);
        let Some(schema) = schema.as_object_mut() else { return };
        without_null(schema);
        words(schema);
        schema.remove("format");
        notes(schema);
        markdown(schema);
    }
}

/// Lets every map have notes. Where names have a pattern, it must not stand in their way.
fn notes(schema: &mut Map<String, Value>) {
    if !schema.contains_key("additionalProperties") {
        return;
    }
    let patterns = schema.insert("patternProperties".to_owned(), json!({ "^x-": {} }));
    let Some(Value::Object(patterns)) = patterns else { return };
    for (pattern, value) in patterns {
        schema.insert("propertyNames".to_owned(), json!({ "pattern": pattern }));
        schema.insert("additionalProperties".to_owned(), value);
    }
}

/// Takes out the `null` that an optional field brings.
fn without_null(schema: &mut Map<String, Value>) {
    if let Some(Value::Array(types)) = schema.get_mut("type")
        && types.len() == 2
        && let Some(only) = types.iter().find(|name| *name != "null").cloned()
    {
        schema.insert("type".to_owned(), only);
    }
    let Some(Value::Array(choices)) = schema.get_mut("anyOf") else { return };
    choices.retain(|choice| *choice != json!({ "type": "null" }));
    if let [only] = choices.as_slice() {
        let only = only.clone();
        schema.remove("anyOf");
        // Draft 7 reads nothing beside a `$ref`.
        schema.insert("allOf".to_owned(), json!([only]));
    }
}

/// Makes one `enum` of words that stand each in a schema of its own. The word `null` may be written without quotes.
fn words(schema: &mut Map<String, Value>) {
    let Some(Value::Array(choices)) = schema.get("oneOf") else { return };
    let word = |choice: &Value| Some((choice.get("const")?.clone(), choice.get("description")?.clone()));
    let Some(found) = choices.iter().map(word).collect::<Option<Vec<_>>>() else { return };
    let (mut values, mut descriptions) = (Vec::new(), Vec::new());
    for (value, description) in found {
        if value == "null" {
            values.push(Value::Null);
            descriptions.push(description.clone());
        }
        values.push(value);
        descriptions.push(description);
    }
    schema.remove("oneOf");
    schema.insert("enum".to_owned(), values.into());
    schema.insert("enumDescriptions".to_owned(), descriptions.into());
}

/// Editors show `description` as it stands, and `markdownDescription` with its marks read; it says the default too.
fn markdown(schema: &mut Map<String, Value>) {
    if let Some(descriptions) = schema.get("enumDescriptions").filter(|text| text.to_string().contains('`')) {
        schema.insert("markdownEnumDescriptions".to_owned(), descriptions.clone());
    }
    let Some(Value::String(description)) = schema.get("description") else { return };
    let description = description.replace('\n', " ");
    let default = schema.get("default").map(|value| format!("\n\nDefault: `{value}`"));
    if description.contains('`') || default.is_some() {
        let markdown = format!("{description}{}", default.unwrap_or_default());
        schema.insert("markdownDescription".to_owned(), markdown.into());
    }
    schema.insert("description".to_owned(), description.into());
}

/// Gives each property its name as title, and finds the definitions that properties refer to.
struct Properties<'a>(&'a mut BTreeSet<String>);

impl Transform for Properties<'_> {
    fn transform(&mut self, schema: &mut Schema) {
        transform_subschemas(self, schema);
        let Some(Value::Object(properties)) = schema.get_mut("properties") else { return };
        for (name, property) in properties {
            let Some(property) = property.as_object_mut() else { continue };
            property.insert("title".to_owned(), name.as_str().into());
            let referred = property.get("allOf").and_then(|all| all.pointer("/0/$ref")).and_then(Value::as_str);
            self.0.extend(referred.and_then(|path| path.rsplit('/').next()).map(ToOwned::to_owned));
        }
    }
}

/// Takes the descriptions of definitions away that properties refer to: editors show the innermost one, and a property's own says more.
fn undescribed(schema: &mut Schema, names: &BTreeSet<String>) {
    let Some(Value::Object(definitions)) = schema.get_mut("definitions") else { return };
    for (_, definition) in definitions.iter_mut().filter(|(name, _)| names.contains(*name)) {
        if let Some(definition) = definition.as_object_mut() {
            definition.remove("description");
            definition.remove("markdownDescription");
        }
    }
}

/// Lets `${…}` stand where a number, a boolean or a word is expected: a project's variables are read before its values.
pub(super) fn allow_variables(schema: &mut Schema) {
    Variables.transform(schema);
    Ordered.transform(schema);
}

#[derive(Debug, Clone)]
struct Variables;

impl Transform for Variables {
    fn transform(&mut self, schema: &mut Schema) {
        transform_subschemas(self, schema);
        let Some(schema) = schema.as_object_mut() else { return };
        let is_scalar = ["integer", "boolean", "string"].iter().any(|name| schema.get("type") == Some(&json!(name)));
        let restricts = ["enum", "pattern", "minimum"].iter().any(|key| schema.contains_key(*key));
        if is_scalar && (restricts || schema["type"] != "string") || schema.contains_key("enum") {
            let moved =
                ["type", "enum", "enumDescriptions", "markdownEnumDescriptions", "pattern", "minimum", "maximum"];
            let moved: Map<String, Value> =
                moved.iter().filter_map(|key| Some(((*key).to_owned(), schema.remove(*key)?))).collect();
            schema.insert("anyOf".to_owned(), json!([moved, { "$ref": "#/definitions/Variable" }]));
        }
        if let Some(Value::Object(definitions)) = schema.get_mut("definitions") {
            definitions.insert("Variable".to_owned(), variable());
        }
    }
}

fn variable() -> Value {
    json!({
        "title": "a variable",
        "description": "${NAME}, ${NAME:-default} or ${NAME:?message} of the environment, or ${vars.name}.",
        "type": "string",
        "pattern": r"\$\{",
    })
}
