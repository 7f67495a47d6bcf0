//! Templates: pieces of specs with a name. `use` puts them in front of what a spec says itself.

use std::collections::BTreeMap;
use std::sync::Arc;

use transload_model::{Code, SourceFile};

use crate::decode::field::{Field, fields};
use crate::decode::function::{FunctionSpec, functions};
use crate::decode::key::{KeyPart, key};
use crate::decode::language::TEMPLATE;
use crate::decode::policy::{DeletesPart, LoadPart, deletes, load};
use crate::decode::reader::Map;
use crate::decode::rule::{RuleSpec, rules};
use crate::decode::spec::tags;
use crate::decode::{Files, Reader};
use crate::problems::{Located, Problems, listed, problem, with_suggestion};
use crate::yaml::{self, Entry};

/// Templates by name.
pub(crate) type Templates = BTreeMap<String, Template>;

/// A piece of a spec.
#[derive(Debug)]
pub(crate) struct Template {
    name: Located<String>,
    tags: Vec<String>,
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
    let policies = Policies::read(&mut reader, &map);
    let mut fields = map.filled("field_mappings").map(|entry| fields(&mut reader, &entry.value)).unwrap_or_default();
    let rules = map.get("validation_rules").map(|entry| rules(&mut reader, &entry.value)).unwrap_or_default();
    let mut functions =
        map.get("transformation_functions").map(|entry| functions(&mut reader, &entry.value, read)).unwrap_or_default();
    functions.extend(fields.iter_mut().filter_map(|field| field.expression.take()));
    let is_sound = reader.problems.seen() == before;
    Some(Template { name, tags, policies, fields, rules, functions, is_sound })
}

/// What a spec takes from templates, in the order of `use`: of two that say something of one column, the later one counts.
#[derive(Debug, Default)]
pub(crate) struct Used {
    pub(crate) tags: Vec<String>,
    pub(crate) policies: Policies,
    pub(crate) fields: Vec<Field>,
    pub(crate) rules: Vec<RuleSpec>,
    pub(crate) functions: Vec<FunctionSpec>,
    /// Whether every template is there and could be read.
    pub(crate) is_sound: bool,
}

/// Reads `use`.
pub(crate) fn used(reader: &mut Reader<'_>, entry: Option<&Entry>, templates: &Templates) -> Used {
    let mut used = Used { is_sound: true, ..Used::default() };
    let Some(entry) = entry else { return used };
    let Some(names) = reader.list(&entry.value, "`use`") else {
        return Used { is_sound: false, ..used };
    };
    for node in names {
        let Some(name) = reader.text(node, "the name of a template") else {
            used.is_sound = false;
            continue;
        };
        match templates.get(&name.value) {
            Some(template) => used.take(template),
            None => {
                used.is_sound = false;
                let headline = format!("there is no template `{}`", name.value);
                let found =
                    problem(Code::UnknownTemplate, headline, &name.place, "no file of `templates` has this name");
                let known = templates.keys().map(String::as_str);
                let found = if templates.is_empty() {
                    found
                } else {
                    found.note(format!("templates are {}", listed(known.clone())))
                };
                reader.problems.push(with_suggestion(found, &name.value, known));
            }
        }
    }
    used
}

impl Used {
    fn take(&mut self, template: &Template) {
        self.is_sound &= template.is_sound;
        self.tags.extend(template.tags.iter().cloned());
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
