//! A spec: one file, one entity.

use std::sync::Arc;

use transload_model::{
    Code, ColumnName, DeletePolicy, Diagnostic, EntityName, LoadPolicy, Relation, Selection, SourceFile, TableName,
};

use crate::decode::auto_map::{AutoMap, AutoMapPart};
use crate::decode::defaults::Defaults;
use crate::decode::detection::DetectionSpec;
use crate::decode::field::Field;
use crate::decode::function::FunctionSpec;
use crate::decode::key::KeyPart;
use crate::decode::language::SPEC;
use crate::decode::piece::Piece;
use crate::decode::policy::DeletesPart;
use crate::decode::reader::Map;
use crate::decode::record::{Record, record};
use crate::decode::residency::Residency;
use crate::decode::rule::RuleSpec;
use crate::decode::source::source;
use crate::decode::template::{Templates, taken, template_names};
use crate::decode::test::{TestSpec, tests};
use crate::decode::{Files, Reader};
use crate::problems::{Located, Place, Problems, problem};
use crate::project::PROJECT_FILE;
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
    /// How changes are found.
    pub(crate) detection: DetectionSpec,
    /// Whether every function could be read.
    pub(crate) has_all_functions: bool,
    pub(crate) deletes: DeletePolicy,
    /// With `Soft`, the column that says when a row went, where one is named.
    pub(crate) deleted_field: Option<Located<ColumnName>>,
    pub(crate) load: LoadPolicy,
    pub(crate) residency: Option<Residency>,
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

    /// Names the entity in a problem whose place is not in its spec, because other specs share it.
    pub(crate) fn named_in(&self, problem: Diagnostic) -> Diagnostic {
        // What is no script at all is none for any entity.
        let is_of_entity = problem.code != Code::ScriptSyntax;
        match problem.labels.first().filter(|_| is_of_entity) {
            Some(label) if problem.labels.iter().all(|label| label.file.path != self.file.path) => {
                let is_default = label.file.path == PROJECT_FILE;
                let taken = if is_default { "this entity takes it from the defaults" } else { "this entity takes it" };
                let entity = &self.entity.place;
                problem.label(&entity.file, entity.span.clone(), taken)
            }
            _ => problem,
        }
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
    /// What specs without a `use` take.
    pub(crate) taken: &'a Piece,
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
    /// Whether something besides `field_mappings` may map columns, here or in the project.
    is_mapped: bool,
}

fn names(reader: &mut Reader<'_>, map: &Map<'_>, defaults: &Defaults) -> Names {
    // Columns of the same name may be all that there is, and what the project says of every spec.
    let is_mapped = map.get("auto_map").is_some()
        || map.get("use").is_some()
        || matches!(defaults.piece.auto_map, AutoMapPart::On(_))
        || !defaults.piece.fields.is_empty()
        || !defaults.uses.is_empty();
    // A key that is there must have a value.
    let has_version = defaults.piece.version.is_some() && map.get("version").is_none();
    let mut required = vec!["entity_type", "source_table", "destination_table"];
    required.extend((!has_version).then_some("version"));
    required.extend((!is_mapped).then_some("field_mappings"));
    reader.require(map, &required, "the spec");
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
    }
}

fn body(reader: &mut Reader<'_>, map: &Map<'_>, surroundings: &Surroundings<'_>, names: Names) -> Option<Spec> {
    let description = map.get("description").and_then(|entry| reader.text(&entry.value, "`description`"));
    let record = record(reader, map);
    let depends_on = map.get("depends_on").map(|entry| depends_on(reader, &entry.value)).unwrap_or_default();
    let taken = match template_names(reader, map) {
        Some(names) => taken(surroundings.defaults.piece.clone(), &names, surroundings.templates, reader.problems),
        None => surroundings.taken.clone(),
    };
    let mut whole = taken.then(Piece::read_whole(reader, map, surroundings.files, source));
    whole.lost_masks.iter().for_each(|lost| reader.problems.push(lost.problem()));
    whole.functions.extend(whole.fields.iter_mut().filter_map(|field| field.expression.take()));
    let detection = whole.detection.spec(reader);
    let deletes = deletes(reader, &whole.deletes);
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
        version: whole.version.unwrap_or_default(),
        is_active: whole.is_active.unwrap_or(true),
        description: description.map(|text| text.value),
        tags: whole.tags,
        depends_on,
        has_query: whole.source.as_ref().is_some_and(|source| source.has_query),
        rows: whole.source.and_then(|source| source.rows),
        key: whole.key,
        auto_map: whole.auto_map.columns(),
        fields: whole.fields,
        fields_place,
        has_all_fields: whole.has_all_fields,
        rules: whole.rules,
        functions: whole.functions,
        has_all_functions: whole.has_all_functions,
        detection,
        deletes,
        deleted_field: whole.deletes.field.filter(|_| matches!(deletes, DeletePolicy::Soft(_))),
        load: whole.load.policy(),
        residency: whole.residency,
        tests,
    })
}

fn depends_on(reader: &mut Reader<'_>, node: &yaml::Node) -> Vec<Located<EntityName>> {
    let items = reader.list(node, "`depends_on`").unwrap_or_default();
    items.iter().filter_map(|item| reader.name(item, "`depends_on`", EntityName::parse)).collect()
}

fn deletes(reader: &mut Reader<'_>, said: &DeletesPart) -> DeletePolicy {
    said.policy().unwrap_or_else(|max| {
        let headline = "`deletes.max` has no effect with `mode: ignore`";
        let problem = problem(Code::SpecValue, headline, &max.place, "this limit");
        reader.problems.push(problem.help("add `mode: hard`"));
        DeletePolicy::Ignore
    })
}
