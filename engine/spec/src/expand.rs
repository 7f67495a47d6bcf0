//! The long form: a spec with everything written out that it leaves to defaults, to the tables, or to a star.
//!
//! It is a spec itself, and compiles to the same plan; a test compares them.

use serde_json::{Map, Value, json};
use transload_model::{
    DeletePolicy, DetectionPlan, EntityPlan, FieldPlan, Keep, KeyStrategy, LoadPolicy, Mask, Mint, OnFailure,
    OnMissing, RulePlan, Selection, Share,
};

use crate::decode::{AutoMapPart, CallSpec, Defaults, Field, FunctionSpec, MaskSpec, Spec};
use crate::yaml;

/// Characters of a line.
const WIDTH: usize = 140;

/// The long form of a spec that was compiled to this, in a project with these defaults.
pub(crate) fn long_form(spec: &Spec, plan: &EntityPlan, defaults: &Defaults) -> String {
    let mut long = Map::new();
    if let Some(id) = &spec.record.id {
        long.insert("id".to_owned(), id.as_str().into());
    }
    long.insert("entity_type".to_owned(), spec.entity.value.as_str().into());
    if let Some(description) = &spec.description {
        long.insert("description".to_owned(), description.as_str().into());
    }
    if !spec.tags.is_empty() {
        long.insert("tags".to_owned(), spec.tags.clone().into());
    }
    long.insert("source_table".to_owned(), spec.source_table.value.as_str().into());
    long.insert("destination_table".to_owned(), spec.destination_table.value.as_str().into());
    long.insert("version".to_owned(), spec.version.as_str().into());
    long.insert("is_active".to_owned(), spec.is_active.into());
    if !spec.depends_on.is_empty() {
        let names: Vec<&str> = spec.depends_on.iter().map(|name| name.value.as_str()).collect();
        long.insert("depends_on".to_owned(), names.into());
    }
    match &plan.rows {
        Selection::All => {}
        Selection::Where(condition) => drop(long.insert("source".to_owned(), json!({ "where": condition }))),
        Selection::Query(query) => drop(long.insert("source".to_owned(), json!({ "query": query }))),
    }
    long.insert("key".to_owned(), key(plan));
    // What templates and stars give is written out; they must not give it once more.
    if !defaults.uses.is_empty() {
        long.insert("use".to_owned(), json!([]));
    }
    if matches!(defaults.piece.auto_map, AutoMapPart::On(_)) {
        long.insert("auto_map".to_owned(), false.into());
    }
    let written = plan.fields.iter().enumerate().filter(|(at, _)| plan.deleted_field != Some(*at));
    let fields: Vec<Value> = written.map(|(_, field_plan)| field(spec, plan, field_plan)).collect();
    let deleted = spec.deleted_field.as_ref().map(|field| field.value.as_str());
    long.insert("field_mappings".to_owned(), fields.into());
    long.insert("validation_rules".to_owned(), plan.rules.iter().map(|of| rule(plan, of)).collect());
    let functions = spec.functions.iter().filter(|function| !function.is_expression).map(|function| {
        let mut long = Map::new();
        long.insert("name".to_owned(), function.name.value.as_str().into());
        if let Some(description) = &function.description {
            long.insert("description".to_owned(), description.as_str().into());
        }
        long.insert("function_body".to_owned(), function.body.value.as_str().into());
        Value::Object(long)
    });
    long.insert("transformation_functions".to_owned(), functions.collect());
    long.insert("change_detection".to_owned(), detection(&plan.detection));
    long.insert("deletes".to_owned(), deletes(spec.deletes, deleted));
    long.insert("load".to_owned(), load(&spec.load));
    if let Some(residency) = &spec.residency {
        long.insert("residency".to_owned(), residency.regions.clone().into());
    }
    let moments = [("created_at", &spec.record.created_at), ("updated_at", &spec.record.updated_at)];
    for (name, moment) in moments {
        if let Some(moment) = moment {
            long.insert(name.to_owned(), moment.as_str().into());
        }
    }
    yaml::write(&Value::Object(long), WIDTH)
}

fn key(plan: &EntityPlan) -> Value {
    let source: Vec<&str> = plan.key.source.iter().map(|read| plan.reads[*read].name.as_str()).collect();
    let destination: Vec<&str> = plan.key.destination.iter().map(transload_model::ColumnName::as_str).collect();
    let mut long = json!({ "source": one_or_all(&source), "destination": one_or_all(&destination) });
    match plan.key.strategy {
        KeyStrategy::Keep => long["strategy"] = "keep".into(),
        KeyStrategy::UuidV5 { namespace, .. } => {
            long["strategy"] = "uuid_v5".into();
            long["namespace"] = namespace.to_string().into();
        }
        KeyStrategy::Minted { mint: Mint::UuidV7, .. } => long["strategy"] = "uuid_v7".into(),
        KeyStrategy::Minted { mint: Mint::Database, .. } => long["strategy"] = "database".into(),
    }
    long
}

/// One name, or a list.
fn one_or_all(names: &[&str]) -> Value {
    match names {
        [only] => (*only).into(),
        _ => names.into(),
    }
}

/// A mapping. A key column that the spec says nothing of is copied from the source key.
fn field(spec: &Spec, entity: &EntityPlan, plan: &FieldPlan) -> Value {
    let written = spec.fields.iter().find(|field| field.destination.value == plan.destination);
    let mut long = Map::new();
    let sources: Vec<&str> = plan.sources.iter().map(|read| entity.reads[*read].name.as_str()).collect();
    if !sources.is_empty() {
        long.insert("source_field".to_owned(), one_or_all(&sources));
    }
    long.insert("destination_field".to_owned(), plan.destination.as_str().into());
    if plan.reference.is_none() {
        long.insert("data_type".to_owned(), plan.data_type.to_string().into());
    }
    if let Some(field) = written {
        shaped(&mut long, field, &spec.functions);
    }
    long.insert("is_required".to_owned(), plan.required.into());
    if plan.sensitive {
        long.insert("sensitive".to_owned(), true.into());
    }
    if let Some(spec) = written.and_then(|field| field.mask.as_ref()) {
        long.insert("mask".to_owned(), mask(spec));
    }
    if let Some(reference) = &plan.reference {
        long.insert("references".to_owned(), reference.entity.as_str().into());
        if let Some(column) = &reference.column {
            long.insert("referenced_column".to_owned(), column.as_str().into());
        }
        long.insert("on_missing".to_owned(), on_missing(reference.on_missing).into());
        let at = entity.fields.iter().position(|field| field.destination == plan.destination);
        if entity.deferred.iter().any(|deferred| Some(deferred.field) == at) {
            long.insert("defer".to_owned(), true.into());
        }
    }
    Value::Object(long)
}

fn mask(spec: &MaskSpec) -> Value {
    let mut long = json!({ "strategy": spec.mask.word() });
    match &spec.mask {
        Mask::Hash { keep, length } => {
            match keep {
                Keep::Nothing => {}
                Keep::Domain => long["keep"] = "domain".into(),
                Keep::Format => long["keep"] = "format".into(),
            }
            if let Some(length) = length {
                long["length"] = (*length).into();
            }
        }
        Mask::Redact { with } => long["with"] = with.as_str().into(),
        Mask::Partial { keep_first, keep_last, with } => {
            long["keep_first"] = (*keep_first).into();
            long["keep_last"] = (*keep_last).into();
            long["with"] = with.to_string().into();
        }
        Mask::Null => {}
        Mask::ShiftDate { days, format } => {
            long["days"] = (*days).into();
            if let Some(by) = &spec.by {
                long["by"] = by.value.as_str().into();
            }
            if let Some(format) = format {
                long["format"] = format.as_str().into();
            }
        }
    }
    if let Some(environments) = &spec.environments {
        long["environments"] = environments.iter().map(|named| Value::from(named.value.as_str())).collect();
    }
    long
}

/// What the user wrote about a field's value.
fn shaped(long: &mut Map<String, Value>, field: &Field, functions: &[FunctionSpec]) {
    if let Some(format) = &field.format {
        long.insert("format".to_owned(), format.value.as_str().into());
    }
    let expression =
        field.calls.first().and_then(|call| functions.iter().find(|function| function.name.value == call.name.value));
    let expression = expression.filter(|function| function.is_expression);
    if let Some(expression) = expression {
        long.insert("expression".to_owned(), expression.body.value.as_str().into());
    }
    let calls = field.calls.get(usize::from(expression.is_some())..).unwrap_or_default();
    let (value_map, calls) = match calls.split_last() {
        Some((last, before)) if is_value_map(last) => (Some(last), before),
        _ => (None, calls),
    };
    if !calls.is_empty() {
        long.insert("transformation".to_owned(), calls.iter().map(call).collect());
    }
    if let Some(value_map) = value_map {
        long.insert("value_map".to_owned(), value_map.arguments["map"].clone());
        long.insert("on_unmapped".to_owned(), value_map.arguments["on_unmapped"].clone());
    }
    if let Some(default) = &field.default {
        long.insert("default_value".to_owned(), default.value.clone());
    }
}

/// Whether a call is one that the keys of a mapping can say.
fn is_value_map(call: &CallSpec) -> bool {
    let is_text = |name: &str| call.arguments.get(name).is_some_and(Value::is_string);
    let has_map = call.arguments.get("map").is_some_and(Value::is_object);
    call.name.value == "value_map" && has_map && is_text("on_unmapped") && call.arguments.len() == 2
}

fn call(call: &CallSpec) -> Value {
    if call.arguments.is_empty() {
        return call.name.value.as_str().into();
    }
    let arguments: Map<String, Value> = call.arguments.clone().into_iter().collect();
    json!({ call.name.value.as_str(): arguments })
}

/// A rule, with where it looks.
fn rule(entity: &EntityPlan, rule: &RulePlan) -> Value {
    let parameters: Map<String, Value> = rule.parameters.clone().into_iter().collect();
    json!({
        "field_name": entity.fields[rule.field].destination.as_str(),
        "rule_type": rule.rule,
        "rule_parameters": parameters,
        "on_failure": match rule.on_failure {
            OnFailure::Quarantine => "quarantine",
            OnFailure::Warn => "warn",
            OnFailure::Fail => "fail",
        },
    })
}

fn on_missing(policy: OnMissing) -> &'static str {
    match policy {
        OnMissing::Quarantine => "quarantine",
        OnMissing::Null => "null",
        OnMissing::Default => "default",
        OnMissing::Fail => "fail",
    }
}

fn detection(plan: &DetectionPlan) -> Value {
    match plan {
        DetectionPlan::Hash => json!({ "strategy": "hash" }),
        DetectionPlan::Full => json!({ "strategy": "full" }),
        DetectionPlan::Timestamp(cursor) => json!({
            "strategy": "timestamp",
            "cursor_field": cursor.column.name.as_str(),
            "overlap": format!("{}s", cursor.overlap_seconds),
            "audit_runs": cursor.audit_runs,
        }),
    }
}

fn deletes(policy: DeletePolicy, field: Option<&str>) -> Value {
    match policy {
        DeletePolicy::Ignore => json!({ "mode": "ignore" }),
        DeletePolicy::Hard(max) => with_max(json!({ "mode": "hard" }), max),
        DeletePolicy::Soft(max) => with_max(json!({ "mode": "soft", "field": field }), max),
    }
}

fn with_max(mut deletes: Value, max: Option<Share>) -> Value {
    if let Some(max) = max {
        deletes["max"] = share(max);
    }
    deletes
}

fn load(policy: &LoadPolicy) -> Value {
    let mut long = json!({
        "batch_size": policy.batch_rows,
        "checkpoint_interval": policy.unit_rows / policy.batch_rows,
        "max_errors": share(policy.max_errors),
        "max_retry_attempts": policy.max_retry_attempts,
    });
    if let Some(streams) = policy.streams {
        long["streams"] = streams.into();
    }
    long
}

fn share(share: Share) -> Value {
    match share {
        Share::Rows(rows) => rows.into(),
        Share::PerMillion(parts) => {
            let fraction = format!("{:04}", parts % 10_000);
            let fraction = fraction.trim_end_matches('0');
            let point = if fraction.is_empty() { "" } else { "." };
            format!("{}{point}{fraction}%", parts / 10_000).into()
        }
    }
}
