//! The identity of what decides a row, as 64 bits.
//!
//! Taken over a text that has one form: every part with its name and length, maps sorted. A version stands in front; a change of the
//! form is a new version, so that an old fingerprint is never equal to a new one by accident. Descriptions, tags, versions, sizes and
//! delete policies are not part of it: changing them changes no row.

use std::fmt::Write;

use serde_json::Value;
use transload_model::{
    Call, EntityPlan, FieldPlan, Function, KeyStrategy, Mask, MaskKey, MaskPlan, Mint, RulePlan, Selection,
};
use twox_hash::XxHash3_64;

use crate::Project;
use crate::compile::Scope;

/// What decides whether two digests of a row can be compared.
pub(crate) fn read_fingerprint(plan: &EntityPlan, key: Option<&MaskKey>) -> u64 {
    let mut text = Canonical::new("transload-read/1");
    reads(&mut text, plan);
    if !plan.masks.is_empty() {
        // The digests of masked rows are made with the key. Under other masks all rows are to be written again, as if none could be compared.
        text.maybe("mask.key", key.map(|key| format!("{:016x}", key.identity())));
        text.put("masks", &plan.mask_fingerprint.to_string());
    }
    text.finish()
}

/// What is hidden, in which way, wherever it stands in the spec; zero where nothing is.
pub(crate) fn mask_fingerprint(plan: &EntityPlan) -> u64 {
    if plan.masks.is_empty() {
        return 0;
    }
    let mut masks: Vec<String> = plan.masks.iter().map(|one| mask(plan, one)).collect();
    masks.sort();
    let mut text = Canonical::new("transload-masks/1");
    masks.iter().for_each(|mask| text.put("mask", mask));
    text.finish()
}

/// What decides which destination key a source key becomes.
pub(crate) fn key_fingerprint(plan: &EntityPlan, strategies: &[Option<KeyStrategy>]) -> u64 {
    let mut text = Canonical::new("transload-key/1");
    text.put("entity", plan.name.as_str());
    for part in &plan.key.source {
        text.put("key.source", plan.reads[*part].name.as_str());
        text.put("key.type", &plan.reads[*part].logical.to_string());
    }
    text.put("key.strategy", &strategy(plan.key.strategy));
    for column in &plan.key.destination {
        text.put("key.destination", column.as_str());
        let Some(index) = plan.fields.iter().position(|field| field.destination == *column) else { continue };
        let parts =
            plan.fields[index].sources.iter().filter_map(|read| plan.key.source.iter().position(|key| key == read));
        parts.for_each(|part| text.put("key.part", &part.to_string()));
        calls(&mut text, plan, &plan.fields[index]);
        text.maybe("key.parent", strategies.get(index).copied().flatten().map(strategy));
        text.maybe("key.parent.column", taken(&plan.fields[index]));
        text.put("key.written", &plan.fields[index].written_as.to_string());
    }
    text.finish()
}

/// What decides what is written, given what decides it for each row: with which rows are read.
pub(crate) fn plan_fingerprint(plan: &EntityPlan) -> u64 {
    let (word, sql) = match &plan.rows {
        Selection::All => return plan.mapped_fingerprint,
        Selection::Where(condition) => ("where", condition),
        Selection::Query(query) => ("query", query),
    };
    let mut text = Canonical::new("transload-rows/1");
    text.put("mapped", &plan.mapped_fingerprint.to_string());
    text.put(word, sql);
    text.finish()
}

/// What decides what is written for a row that is read. `strategies` are those of the entities that the fields refer to.
pub(crate) fn mapped_fingerprint(plan: &EntityPlan, strategies: &[Option<KeyStrategy>], scope: &Scope<'_>) -> u64 {
    let mut text = Canonical::new("transload-plan/1");
    text.put("entity", plan.name.as_str());
    text.put("source", plan.source.table.as_str());
    text.put("destination", plan.destination.table.as_str());
    reads(&mut text, plan);
    for column in &plan.key.destination {
        text.put("key.destination", column.as_str());
    }
    text.put("key.strategy", &strategy(plan.key.strategy));
    for index in 0..plan.fields.len() {
        field(&mut text, plan, index, strategies.get(index).copied().flatten());
    }
    let mut scripts = plan.scripts.iter().chain(plan.rules.iter().filter_map(|rule| rule.script.as_ref()));
    if scripts.any(|script| script.body.contains("env")) {
        // It may look at the environment's name.
        let environment = scope.project.environment();
        text.maybe("env", (environment != Project::WITHOUT_ENVIRONMENT).then(|| environment.to_owned()));
    }
    plan.rules.iter().for_each(|plan| rule(&mut text, plan));
    if !plan.masks.is_empty() {
        text.put("masks", &plan.mask_fingerprint.to_string());
        text.maybe("mask.key", scope.project.mask_key().map(|key| format!("{:016x}", key.identity())));
    }
    for (name, value) in scope.project.vars() {
        text.put("var", name);
        text.put("var.value", &canonical(value));
    }
    let is_scripted = |call: &Call| !matches!(call.function, Function::BuiltIn(_));
    let has_scripted_rule = plan.rules.iter().any(|rule| rule.script.is_some());
    if has_scripted_rule || plan.fields.iter().flat_map(|field| &field.calls).any(is_scripted) {
        // A script may call any library function.
        text.put("library", &scope.vocabulary.library_fingerprint().to_string());
    }
    text.finish()
}

fn reads(text: &mut Canonical, plan: &EntityPlan) {
    for read in &plan.reads {
        text.put("read", read.name.as_str());
        text.put("read.type", &read.logical.to_string());
    }
    for index in &plan.key.source {
        text.put("key.source", &index.to_string());
    }
}

/// The functions of a field. A script is what it does, wherever it stands and whatever it is called.
fn calls(text: &mut Canonical, plan: &EntityPlan, field: &FieldPlan) {
    for call in &field.calls {
        let function = match &call.function {
            Function::BuiltIn(name) => format!("built-in {name}"),
            Function::Script(index) => {
                format!("script {}", plan.scripts.get(*index).map_or("", |script| script.body.as_str()))
            }
            Function::Library(name) => format!("library {name}"),
        };
        text.put("field.call", &function);
        for (name, value) in &call.arguments {
            text.put("field.argument", name);
            text.put("field.argument.value", &canonical(value));
        }
    }
}

fn field(text: &mut Canonical, plan: &EntityPlan, index: usize, parent: Option<KeyStrategy>) {
    let field = &plan.fields[index];
    text.put("field", field.destination.as_str());
    for source in &field.sources {
        text.put("field.source", &source.to_string());
    }
    calls(text, plan, field);
    text.maybe("field.default", field.default.as_ref().map(canonical));
    text.maybe("field.format", field.format.clone());
    text.put("field.type", &field.data_type.to_string());
    if let Some(reference) = &field.reference {
        text.put("field.reference", reference.entity.as_str());
        text.put("field.on_missing", &format!("{:?}", reference.on_missing));
        text.maybe("field.parent", parent.map(strategy));
        text.maybe("field.parent.column", taken(field));
    }
    text.put("field.written", &field.written_as.to_string());
    text.put("field.required", if field.required { "true" } else { "false" });
}

/// The column that a reference takes of a key of several.
fn taken(field: &FieldPlan) -> Option<String> {
    field.reference.as_ref()?.column.as_ref().map(ToString::to_string)
}

fn rule(text: &mut Canonical, rule: &RulePlan) {
    text.put("rule", &rule.rule);
    text.put("rule.field", &rule.field.to_string());
    for (name, value) in &rule.parameters {
        text.put("rule.parameter", name);
        text.put("rule.parameter.value", &canonical(value));
    }
    if let Some(lookup) = &rule.lookup {
        text.put("rule.lookup.table", lookup.table.as_str());
        text.put("rule.lookup.column", lookup.column.name.as_str());
        text.put("rule.lookup.type", &lookup.column.logical.to_string());
    }
    text.put("rule.on_failure", &format!("{:?}", rule.on_failure));
}

fn mask(plan: &EntityPlan, one: &MaskPlan) -> String {
    let mut text = Canonical::new(one.mask.word());
    let read = &plan.reads[one.read];
    text.put("mask.column", read.name.as_str());
    text.put("mask.type", &read.logical.to_string());
    one.by.iter().for_each(|read| text.put("mask.by", plan.reads[*read].name.as_str()));
    match &one.mask {
        Mask::Hash { keep, .. } => {
            text.put("mask.keep", &format!("{keep:?}"));
            text.maybe("mask.length", one.mask.hash_length().map(|length| length.to_string()));
        }
        Mask::Redact { with } => text.put("mask.with", with),
        Mask::Partial { keep_first, keep_last, with } => {
            text.put("mask.keep_first", &keep_first.to_string());
            text.put("mask.keep_last", &keep_last.to_string());
            text.put("mask.with", &with.to_string());
        }
        Mask::Null => {}
        Mask::ShiftDate { days, format } => {
            text.put("mask.days", &days.to_string());
            text.maybe("mask.format", format.clone());
        }
    }
    text.0
}

fn strategy(strategy: KeyStrategy) -> String {
    match strategy {
        KeyStrategy::Keep => "keep".to_owned(),
        KeyStrategy::UuidV5 { namespace, column } => format!("uuid_v5 {namespace} {column}"),
        KeyStrategy::Minted { mint: Mint::UuidV7, column } => format!("uuid_v7 {column}"),
        KeyStrategy::Minted { mint: Mint::Database, column } => format!("database {column}"),
    }
}

/// JSON with the keys of every map sorted.
fn canonical(value: &Value) -> String {
    match value {
        Value::Array(items) => format!("[{}]", items.iter().map(canonical).collect::<Vec<_>>().join(",")),
        Value::Object(map) => {
            let mut entries: Vec<String> =
                map.iter().map(|(key, value)| format!("{}:{}", Value::from(key.as_str()), canonical(value))).collect();
            entries.sort();
            format!("{{{}}}", entries.join(","))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.to_string(),
    }
}

/// Text in which no two lists of parts look alike.
struct Canonical(String);

impl Canonical {
    fn new(version: &str) -> Self {
        Self(format!("{version}\n"))
    }

    fn put(&mut self, name: &str, value: &str) {
        // Writing to a string does not fail.
        let _written = writeln!(self.0, "{name} {} {value}", value.len());
    }

    fn maybe(&mut self, name: &str, value: Option<String>) {
        if let Some(value) = value {
            self.put(name, &value);
        }
    }

    fn finish(self) -> u64 {
        XxHash3_64::oneshot(self.0.as_bytes())
    }
}
