//! Templates: pieces of specs with a name. `use` puts them in front of what a spec says itself.

use std::collections::BTreeMap;
use std::sync::Arc;

use transload_model::{Code, Diagnostic, SourceFile};

use crate::decode::auto_map::{AutoMapPart, auto_map};
use crate::decode::field::{Field, fields};
use crate::decode::function::{FunctionSpec, functions};
use crate::decode::key::{KeyPart, key};
use crate::decode::language::TEMPLATE;
use crate::decode::policy::{DeletesPart, LoadPart, change_detection, deletes, load};
use crate::decode::reader::Map;
use crate::decode::rule::{RuleSpec, rules};
use crate::decode::spec::tags;
use crate::decode::{Files, Reader};
use crate::problems::{Located, Problems, listed, problem, with_suggestion};
use crate::yaml;

/// Templates by name.
pub(crate) type Templates = BTreeMap<String, Template>;

/// A piece of a spec.
#[derive(Debug)]
pub(crate) struct Template {
    name: Located<String>,
    tags: Vec<String>,
    auto_map: AutoMapPart,
    policies: Policies,
    pub(crate) fields: Vec<Field>,
    pub(crate) rules: Vec<RuleSpec>,
    pub(crate) functions: Vec<FunctionSpec>,
    /// Whether all of it could be read.
    pub(crate) is_sound: bool,
}

/// What one file says of keys, deletes and loading.
#[derive(Debug, Clone, Default)]
pub(crate) struct Policies {
    pub(crate) key: KeyPart,
    pub(crate) deletes: DeletesPart,
    pub(crate) load: LoadPart,
}

impl Policies {
    /// Reads them.
    pub(crate) fn read(reader: &mut Reader<'_>, map: &Map<'_>) -> Self {
        Self {
            key: map.get("key").map(|entry| key(reader, &entry.value)).unwrap_or_default(),
            deletes: map.get("deletes").map(|entry| deletes(reader, &entry.value)).unwrap_or_default(),
            load: map.get("load").map(|entry| load(reader, &entry.value)).unwrap_or_default(),
        }
    }

    /// Takes from another file what this one does not say, value by value.
    pub(crate) fn or(self, other: &Self) -> Self {
        Self { key: self.key.or(&other.key), deletes: self.deletes.or(&other.deletes), load: self.load.or(&other.load) }
    }
}

/// Reads every template; two of one name are a problem.
pub(crate) fn templates(files: &[Arc<SourceFile>], read: &Files<'_>, problems: &mut Problems) -> Templates {
    let mut templates = Templates::new();
    for file in files {
        let Some(template) = template(file, read, problems) else { continue };
        if let Some(first) = templates.get(&template.name.value) {
            let headline = format!("two templates have the name `{}`", template.name.value);
            let problem = problem(Code::FieldConflict, headline, &template.name.place, "the second one");
            let place = &first.name.place;
            problems.push(problem.label(&place.file, place.span.clone(), "the first one"));
            continue;
        }
        templates.insert(template.name.value.clone(), template);
    }
    templates
}

fn template(file: &Arc<SourceFile>, read: &Files<'_>, problems: &mut Problems) -> Option<Template> {
    let root = yaml::load(file, problems)?;
    let mut reader = Reader { file, problems };
    let map = reader.map(&root, &TEMPLATE)?;
    if !reader.require(&map, &["template"], "a template") {
        return None;
    }
    let name = reader.text(&map.get("template")?.value, "`template`")?;
    if let Some(entry) = map.get("description") {
        reader.text(&entry.value, "`description`");
    }
    let before = reader.problems.seen();
    let tags = map.get("tags").map(|entry| tags(&mut reader, &entry.value)).unwrap_or_default();
    if let Some(entry) = map.get("change_detection") {
        change_detection(&mut reader, &entry.value);
    }
    let policies = Policies::read(&mut reader, &map);
    let auto_map = auto_map(&mut reader, &map);
    let mut fields = map.filled("field_mappings").map(|entry| fields(&mut reader, &entry.value)).unwrap_or_default();
    let rules = map.get("validation_rules").map(|entry| rules(&mut reader, &entry.value)).unwrap_or_default();
    let mut functions =
        map.get("transformation_functions").map(|entry| functions(&mut reader, &entry.value, read)).unwrap_or_default();
    functions.extend(fields.iter_mut().filter_map(|field| field.expression.take()));
    let is_sound = reader.problems.seen() == before;
    Some(Template { name, tags, auto_map, policies, fields, rules, functions, is_sound })
}

/// What a spec takes from templates, in the order of `use`: of two that say something of one column, the later one counts.
#[derive(Debug, Clone, Default)]
pub(crate) struct Used {
    pub(crate) tags: Vec<String>,
    pub(crate) auto_map: AutoMapPart,
    pub(crate) policies: Policies,
    pub(crate) fields: Vec<Field>,
    pub(crate) rules: Vec<RuleSpec>,
    pub(crate) functions: Vec<FunctionSpec>,
    /// Whether every template is there and could be read.
    pub(crate) is_sound: bool,
}

/// Reads `use`: the names of templates. `None` where it is not there; what cannot be read is left out.
pub(crate) fn template_names(reader: &mut Reader<'_>, map: &Map<'_>) -> Option<Vec<Located<String>>> {
    let names = reader.list(&map.get("use")?.value, "`use`").unwrap_or_default();
    Some(names.iter().filter_map(|node| reader.text(node, "the name of a template")).collect())
}

/// Takes the templates of these names; one that is not there is a problem.
pub(crate) fn used(names: &[Located<String>], templates: &Templates, problems: &mut Problems) -> Used {
    let mut used = Used { is_sound: true, ..Used::default() };
    for name in names {
        match templates.get(&name.value) {
            Some(template) => used.take(template),
            None => {
                used.is_sound = false;
                problems.push(unknown(name, templates));
            }
        }
    }
    used
}

fn unknown(name: &Located<String>, templates: &Templates) -> Diagnostic {
    let headline = format!("there is no template `{}`", name.value);
    let found = problem(Code::UnknownTemplate, headline, &name.place, "no file of `templates` has this name");
    let known = templates.keys().map(String::as_str);
    let found = match templates.is_empty() {
        true => found,
        false => found.note(format!("templates are {}", listed(known.clone()))),
    };
    with_suggestion(found, &name.value, known)
}

impl Used {
    fn take(&mut self, template: &Template) {
        self.is_sound &= template.is_sound;
        self.tags.extend(template.tags.iter().cloned());
        self.auto_map = template.auto_map.clone().or(&self.auto_map);
        self.policies = template.policies.clone().or(&self.policies);
        put_fields(&mut self.fields, template.fields.iter().cloned());
        put_functions(&mut self.functions, template.functions.iter().cloned());
        self.rules.extend(template.rules.iter().cloned());
    }

    /// What the spec says itself, behind and in place of what it takes.
    pub(crate) fn with(mut self, fields: Vec<Field>, rules: Vec<RuleSpec>, functions: Vec<FunctionSpec>) -> Self {
        // Two mappings of one column in one file are a mistake, which is found later.
        self.fields.retain(|taken| fields.iter().all(|own| own.destination.value != taken.destination.value));
        self.fields.extend(fields);
        put_functions(&mut self.functions, functions.into_iter());
        self.rules.extend(rules);
        self
    }
}

fn put_fields(fields: &mut Vec<Field>, later: impl Iterator<Item = Field>) {
    for field in later {
        fields.retain(|earlier| earlier.destination.value != field.destination.value);
        fields.push(field);
    }
}

fn put_functions(functions: &mut Vec<FunctionSpec>, later: impl Iterator<Item = FunctionSpec>) {
    for function in later {
        functions.retain(|earlier| earlier.name.value != function.name.value);
        functions.push(function);
    }
}
