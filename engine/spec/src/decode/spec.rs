//! A spec: one file, one entity.

use std::sync::Arc;

use transload_model::{
    Code, ColumnName, DeletePolicy, EntityName, LoadPolicy, Relation, Selection, SourceFile, TableName,
};

use crate::decode::auto_map::{AutoMap, AutoMapPart, auto_map};
use crate::decode::field::{Field, fields};
use crate::decode::function::{FunctionSpec, functions};
use crate::decode::key::KeyPart;
use crate::decode::language::SPEC;
use crate::decode::policy::{Defaults, change_detection};
use crate::decode::reader::Map;
use crate::decode::record::{Record, record};
use crate::decode::rule::{RuleSpec, rules};
use crate::decode::source::{has_query, source};
use crate::decode::template::{Policies, Templates, Used, template_names, used};
use crate::decode::test::{TestSpec, tests};
use crate::decode::{Files, Reader};
use crate::problems::{Located, Place, Problems, problem};
use crate::yaml::{self, Lines};

/// A spec whose names could be read.
#[derive(Debug)]
pub(crate) struct Spec {
    pub(crate) record: Record,
    pub(crate) file: Arc<SourceFile>,
    pub(crate) lines: Lines,
    pub(crate) entity: Located<EntityName>,
    pub(crate) source_table: Located<TableName>,
    pub(crate) destination_table: Located<TableName>,
    pub(crate) version: String,
    pub(crate) is_active: bool,
    pub(crate) description: Option<String>,
    pub(crate) tags: Vec<String>,
    pub(crate) depends_on: Vec<Located<EntityName>>,
    /// Which rows of the source table; all, where nothing is said.
    pub(crate) rows: Option<Located<Selection>>,
    /// Whether a query stands in the place of the source table; `rows` has it where it could be read.
    pub(crate) has_query: bool,
    pub(crate) key: KeyPart,
    pub(crate) auto_map: Option<AutoMap>,
    pub(crate) fields: Vec<Field>,
    /// Where the mappings start.
    pub(crate) fields_place: Place,
    /// Whether every mapping could be read, so that what is not among `fields` is really not there.
    pub(crate) has_all_fields: bool,
    pub(crate) rules: Vec<RuleSpec>,
    pub(crate) functions: Vec<FunctionSpec>,
    /// Whether every function could be read.
    pub(crate) has_all_functions: bool,
    pub(crate) deletes: DeletePolicy,
    /// With `Soft`, the column that says when a row went, where one is named.
    pub(crate) deleted_field: Option<Located<ColumnName>>,
    pub(crate) load: LoadPolicy,
    pub(crate) tests: Vec<TestSpec>,
}

impl Spec {
    /// What rows are read from.
    pub(crate) fn relation(&self) -> Relation {
        let rows = self.rows.as_ref().map_or(Selection::All, |rows| rows.value.clone());
        Relation { table: self.source_table.value.clone(), rows }
    }

    /// Whether a query stands in the place of the source table.
    pub(crate) fn is_query(&self) -> bool {
        self.has_query
    }
}

/// What is known of a file that is no readable spec: enough not to report everything that refers to it.
#[derive(Debug)]
pub(crate) struct Outline {
    /// The file's name without its ending.
    pub(crate) stem: String,
    pub(crate) entity: Option<EntityName>,
}

impl Outline {
    /// A file of which only the path is known.
    pub(crate) fn of(path: &str) -> Self {
        let name = path.rsplit('/').next().unwrap_or_default();
        let stem = name.split_once('.').map_or(name, |(stem, _)| stem);
        Self { stem: stem.to_owned(), entity: None }
    }
}

/// What specs have in common.
pub(crate) struct Surroundings<'a> {
    pub(crate) defaults: &'a Defaults,
    pub(crate) templates: &'a Templates,
    /// What specs without a `use` take from templates.
    pub(crate) used: &'a Used,
    pub(crate) files: &'a Files<'a>,
}

/// Reads one file.
pub(crate) fn decode(
    file: &Arc<SourceFile>,
    surroundings: &Surroundings<'_>,
    problems: &mut Problems,
) -> Result<Spec, Outline> {
    let Some(root) = yaml::load(file, problems) else {
        return Err(Outline::of(&file.path));
    };
    let mut reader = Reader { file, problems };
    let Some(map) = reader.map(&root, &SPEC) else {
        return Err(Outline::of(&file.path));
    };
    let names = names(&mut reader, &map, surroundings.defaults);
    let entity = names.entity.as_ref().map(|entity| entity.value.clone());
    body(&mut reader, &map, surroundings, names).ok_or_else(|| Outline { entity, ..Outline::of(&file.path) })
}

struct Names {
    entity: Option<Located<EntityName>>,
    source_table: Option<Located<TableName>>,
    destination_table: Option<Located<TableName>>,
    version: Option<String>,
    /// Whether something besides `field_mappings` may map columns, here or in the project.
    is_mapped: bool,
}

fn names(reader: &mut Reader<'_>, map: &Map<'_>, defaults: &Defaults) -> Names {
    let required = ["entity_type", "source_table", "destination_table", "version", "field_mappings"];
    // Columns of the same name may be all that there is, and what the project says of every spec.
    let is_mapped = map.get("auto_map").is_some()
        || map.get("use").is_some()
        || matches!(defaults.auto_map, AutoMapPart::On(_))
        || !defaults.templates.is_empty();
    let needed = if is_mapped { 4 } else { 5 };
    reader.require(map, required.get(..needed).unwrap_or(&required), "the spec");
    let table = |reader: &mut Reader<'_>, key: &str| {
        let entry = map.filled(key)?;
        reader.name(&entry.value, &format!("`{key}`"), TableName::parse)
    };
    Names {
        is_mapped,
        source_table: table(reader, "source_table"),
        destination_table: table(reader, "destination_table"),
        entity: map
            .filled("entity_type")
            .and_then(|entry| reader.name(&entry.value, "`entity_type`", EntityName::parse)),
        version: map.filled("version").and_then(|entry| reader.text(&entry.value, "`version`")).map(|text| text.value),
    }
}

fn body(reader: &mut Reader<'_>, map: &Map<'_>, surroundings: &Surroundings<'_>, names: Names) -> Option<Spec> {
    let defaults = surroundings.defaults;
    let description = map.get("description").and_then(|entry| reader.text(&entry.value, "`description`"));
    let tags = map.get("tags").map(|entry| tags(reader, &entry.value)).unwrap_or_default();
    if let Some(entry) = map.get("change_detection") {
        change_detection(reader, &entry.value);
    }
    let record = record(reader, map);
    let is_active = map.get("is_active").and_then(|entry| reader.boolean(&entry.value, "`is_active`"));
    let depends_on = map.get("depends_on").map(|entry| depends_on(reader, &entry.value)).unwrap_or_default();
    let rows = map.get("source").and_then(|entry| source(reader, &entry.value, surroundings.files));
    let own = Policies::read(reader, map);
    let before_fields = reader.problems.seen();
    let used = match template_names(reader, map) {
        Some(names) => used(&names, surroundings.templates, reader.problems),
        None => surroundings.used.clone(),
    };
    let mut fields = map.filled("field_mappings").map(|entry| fields(reader, &entry.value)).unwrap_or_default();
    let auto_map = auto_map(reader, map).or(&used.auto_map).or(&defaults.auto_map);
    let is_there = !map.is_misspelt("field_mappings");
    let has_all_fields = reader.problems.seen() == before_fields && used.is_sound && is_there;
    let rules = map.get("validation_rules").map(|entry| rules(reader, &entry.value)).unwrap_or_default();
    let before_functions = reader.problems.seen();
    let mut functions = map
        .get("transformation_functions")
        .map(|entry| functions(reader, &entry.value, surroundings.files))
        .unwrap_or_default();
    functions.extend(fields.iter_mut().filter_map(|field| field.expression.take()));
    let has_all_functions = reader.problems.seen() == before_functions && used.is_sound;
    let mut used = used.with(fields, rules, functions);
    let policies = own.or(&used.policies);
    used.tags.extend(tags);
    let deleted_field = policies.deletes.field.clone().or_else(|| defaults.deletes.field.clone());
    let (deletes, load) = (deletes(reader, &policies, defaults), policies.load.policy(&defaults.load));
    let tests = map.get("tests").map(|entry| tests(reader, &entry.value)).unwrap_or_default();
    let fields_place = map
        .filled("field_mappings")
        .or_else(|| map.get("auto_map"))
        .or_else(|| map.get("use"))
        .or_else(|| map.get("destination_table").filter(|_| names.is_mapped))
        .map(|entry| reader.key_place(entry))?;
    Some(Spec {
        record,
        file: Arc::clone(reader.file),
        lines: Lines::of(&reader.file.text),
        entity: names.entity?,
        source_table: names.source_table?,
        destination_table: names.destination_table?,
        version: names.version.unwrap_or_default(),
        is_active: is_active.is_none_or(|active| active.value),
        description: description.map(|text| text.value),
        tags: used.tags,
        depends_on,
        rows,
        has_query: map.get("source").is_some_and(|entry| has_query(&entry.value)),
        key: policies.key.or(&defaults.key),
        auto_map: auto_map.columns(),
        fields: used.fields,
        fields_place,
        has_all_fields,
        rules: used.rules,
        functions: used.functions,
        has_all_functions,
        deletes,
        deleted_field: deleted_field.filter(|_| matches!(deletes, DeletePolicy::Soft(_))),
        load,
        tests,
    })
}

/// Reads `tags`.
pub(crate) fn tags(reader: &mut Reader<'_>, node: &yaml::Node) -> Vec<String> {
    let items = reader.list(node, "`tags`").unwrap_or_default();
    items.iter().filter_map(|item| reader.text(item, "a tag")).map(|tag| tag.value).collect()
}

fn depends_on(reader: &mut Reader<'_>, node: &yaml::Node) -> Vec<Located<EntityName>> {
    let items = reader.list(node, "`depends_on`").unwrap_or_default();
    items.iter().filter_map(|item| reader.name(item, "`depends_on`", EntityName::parse)).collect()
}

fn deletes(reader: &mut Reader<'_>, policies: &Policies, defaults: &Defaults) -> DeletePolicy {
    match policies.deletes.policy(&defaults.deletes) {
        Ok(policy) => policy,
        Err(max) => {
            let headline = "`deletes.max` has no effect with `mode: ignore`";
            let problem = problem(Code::SpecValue, headline, &max.place, "this limit");
            reader.problems.push(problem.help("add `mode: hard`"));
            DeletePolicy::Ignore
        }
    }
}
