//! A piece of a spec: what a template, the project's `defaults` and a spec may all say.
//!
//! It is read in one way and put together in one way, so that it means the same wherever it stands.

use std::collections::BTreeSet;

use transload_model::{Code, ColumnName, Diagnostic};

use crate::decode::auto_map::{AutoMapPart, auto_map};
use crate::decode::call::CallSpec;
use crate::decode::detection::{DetectionPart, change_detection};
use crate::decode::field::{Field, fields};
use crate::decode::function::{FunctionSpec, functions};
use crate::decode::key::{KeyPart, key};
use crate::decode::policy::{DeletesPart, LoadPart, deletes, load};
use crate::decode::reader::Map;
use crate::decode::residency::{Residency, residency};
use crate::decode::rule::{RuleSpec, rules};
use crate::decode::source::SourcePart;
use crate::decode::{Files, Reader};
use crate::problems::{Located, Place, problem};
use crate::yaml::Node;

/// A piece of a spec.
#[derive(Debug, Clone)]
pub(crate) struct Piece {
    pub(crate) version: Option<String>,
    pub(crate) is_active: Option<bool>,
    pub(crate) source: Option<SourcePart>,
    /// The regions that rows may be in.
    pub(crate) residency: Option<Residency>,
    pub(crate) tags: Vec<String>,
    pub(crate) auto_map: AutoMapPart,
    pub(crate) key: KeyPart,
    pub(crate) detection: DetectionPart,
    pub(crate) deletes: DeletesPart,
    pub(crate) load: LoadPart,
    /// The scripts of `expression` are still with their fields: a field that another takes the place of leaves no script behind.
    pub(crate) fields: Vec<Field>,
    /// Fields whose mask another took away, and does not say what becomes of it.
    pub(crate) lost_masks: Vec<LostMask>,
    /// Whether every mapping could be read, so that what is not among `fields` is really not there.
    pub(crate) has_all_fields: bool,
    pub(crate) rules: Vec<RuleSpec>,
    pub(crate) functions: Vec<FunctionSpec>,
    /// Whether every function could be read.
    pub(crate) has_all_functions: bool,
}

impl Default for Piece {
    fn default() -> Self {
        Self {
            version: None,
            is_active: None,
            source: None,
            residency: None,
            tags: Vec::new(),
            auto_map: AutoMapPart::default(),
            key: KeyPart::default(),
            detection: DetectionPart::default(),
            deletes: DeletesPart::default(),
            load: LoadPart::default(),
            fields: Vec::new(),
            lost_masks: Vec::new(),
            has_all_fields: true,
            rules: Vec::new(),
            functions: Vec::new(),
            has_all_functions: true,
        }
    }
}

impl Piece {
    /// Reads what a template may say.
    pub(crate) fn read(reader: &mut Reader<'_>, map: &Map<'_>, files: &Files<'_>) -> Self {
        let tags = map.get("tags").map(|entry| tags(reader, &entry.value)).unwrap_or_default();
        let detection =
            map.get("change_detection").map(|entry| change_detection(reader, &entry.value)).unwrap_or_default();
        let key = map.get("key").map(|entry| key(reader, &entry.value)).unwrap_or_default();
        let deletes = map.get("deletes").map(|entry| deletes(reader, &entry.value)).unwrap_or_default();
        let load = map.get("load").map(|entry| load(reader, &entry.value)).unwrap_or_default();
        let before_fields = reader.problems.seen();
        let auto_map = auto_map(reader, map);
        let fields = map.filled("field_mappings").map(|entry| fields(reader, &entry.value)).unwrap_or_default();
        let has_all_fields = reader.problems.seen() == before_fields && !map.is_misspelt("field_mappings");
        let rules = map.get("validation_rules").map(|entry| rules(reader, &entry.value)).unwrap_or_default();
        let before_functions = reader.problems.seen();
        let functions =
            map.get("transformation_functions").map(|entry| functions(reader, &entry.value, files)).unwrap_or_default();
        let has_all_functions = reader.problems.seen() == before_functions;
        Self {
            tags,
            auto_map,
            key,
            detection,
            deletes,
            load,
            fields,
            has_all_fields,
            rules,
            functions,
            has_all_functions,
            ..Self::default()
        }
    }

    /// Reads what a spec or the project's `defaults` may say, whose `source` is read by `source`.
    pub(crate) fn read_whole(
        reader: &mut Reader<'_>,
        map: &Map<'_>,
        files: &Files<'_>,
        source: fn(&mut Reader<'_>, &Node, &Files<'_>) -> SourcePart,
    ) -> Self {
        let version = map.filled("version").and_then(|entry| reader.text(&entry.value, "`version`"));
        let is_active = map.get("is_active").and_then(|entry| reader.boolean(&entry.value, "`is_active`"));
        Self {
            version: version.map(|text| text.value),
            is_active: is_active.map(|active| active.value),
            source: map.get("source").map(|entry| source(reader, &entry.value, files)),
            residency: map.get("residency").and_then(|entry| residency(reader, &entry.value)),
            ..Self::read(reader, map, files)
        }
    }

    /// What a later piece says, behind and in place of what this one says.
    pub(crate) fn then(mut self, mut later: Self) -> Self {
        self.keep_masks_in(&mut later);
        self.drop_fields_of(&later);
        self.drop_functions_of(&later);
        self.fields.extend(later.fields);
        self.lost_masks.extend(later.lost_masks);
        self.functions.extend(later.functions);
        let said: BTreeSet<_> = self.rules.iter().map(meaning).collect();
        let more: Vec<RuleSpec> = later.rules.into_iter().filter(|rule| !said.contains(&meaning(rule))).collect();
        self.rules.extend(more);
        let tags: Vec<String> = later.tags.into_iter().filter(|tag| !self.tags.contains(tag)).collect();
        self.tags.extend(tags);
        Self {
            version: later.version.or(self.version),
            is_active: later.is_active.or(self.is_active),
            source: later.source.or(self.source),
            residency: later.residency.or(self.residency),
            auto_map: later.auto_map.or(&self.auto_map),
            key: later.key.or(&self.key),
            detection: later.detection.or(&self.detection),
            deletes: later.deletes.or(&self.deletes),
            load: later.load.or(&self.load),
            has_all_fields: self.has_all_fields && later.has_all_fields,
            has_all_functions: self.has_all_functions && later.has_all_functions,
            ..self
        }
    }

    /// Takes note that not all of it is there.
    pub(crate) fn lacks_parts(&mut self) {
        (self.has_all_fields, self.has_all_functions) = (false, false);
    }

    /// A field that takes the place of one with a mask hides the same columns in the same way. Where it has others, nobody knows what is meant.
    fn keep_masks_in(&mut self, later: &mut Self) {
        for field in later.fields.iter_mut().filter(|field| field.mask.is_none() && field.is_sound) {
            let before = self.fields.iter().find(|before| before.destination.value == field.destination.value);
            let Some((before, mask)) = before.and_then(|before| Some((before, before.mask.as_ref()?))) else {
                continue;
            };
            let is_script =
                |name: &str| self.functions.iter().chain(&later.functions).any(|function| function.name.value == name);
            let has = |call: &CallSpec| field.calls.iter().any(|own| own.name.value == call.name.value);
            let reads_less = before.expression.is_some()
                || before.calls.iter().any(|call| is_script(&call.name.value) && !has(call));
            let columns = |field: &Field| field.sources.iter().map(|source| source.value.clone()).collect::<Vec<_>>();
            if columns(before) == columns(field) && !reads_less {
                field.mask = Some(mask.clone());
            } else {
                self.lost_masks.push(LostMask { field: field.destination.clone(), mask: mask.place.clone() });
            }
        }
    }

    // Two of one name in one file are a mistake, which is found later; so only the earlier piece gives way.
    fn drop_fields_of(&mut self, later: &Self) {
        let taken: BTreeSet<&ColumnName> = later.fields.iter().map(|field| &field.destination.value).collect();
        self.fields.retain(|field| !taken.contains(&field.destination.value));
    }

    fn drop_functions_of(&mut self, later: &Self) {
        let taken: BTreeSet<&str> = later.functions.iter().map(|function| function.name.value.as_str()).collect();
        self.functions.retain(|function| !taken.contains(function.name.value.as_str()));
    }
}

/// A mask that went with its field.
#[derive(Debug, Clone)]
pub(crate) struct LostMask {
    /// The field that took the place.
    field: Located<ColumnName>,
    /// Where the mask stands.
    mask: Place,
}

impl LostMask {
    /// The problem that it is.
    pub(crate) fn problem(&self) -> Diagnostic {
        let headline =
            format!("field `{}` takes the place of one that is masked, and reads other columns", self.field.value);
        let found = problem(Code::FieldConflict, headline, &self.field.place, "it says nothing of a mask");
        let found = found.label(&self.mask.file, self.mask.span.clone(), "this mask would be gone");
        found.help("give it a `mask` of its own, or take the other one out")
    }
}

/// What a rule says, wherever it stands: the same said twice is one rule.
fn meaning(rule: &RuleSpec) -> (ColumnName, String, String, String) {
    let parameters = rule.parameters.iter().map(|(name, value)| format!("{name}:{value},")).collect();
    (rule.field.value.clone(), rule.rule.value.clone(), parameters, format!("{:?}", rule.on_failure))
}

/// Reads `tags`.
fn tags(reader: &mut Reader<'_>, node: &Node) -> Vec<String> {
    let items = reader.list(node, "`tags`").unwrap_or_default();
    items.iter().filter_map(|item| reader.text(item, "a tag")).map(|tag| tag.value).collect()
}
