//! One spec to one entity of the plan.

use transload_model::{Code, EntityPlan, KeyPlan, Script, TableRef};

use crate::compile::field::{CompiledField, Context, compile_field};
use crate::compile::fingerprint::{
    key_fingerprint, mapped_fingerprint, mask_fingerprint, plan_fingerprint, read_fingerprint,
};
use crate::compile::key::ResolvedKey;
use crate::compile::mask::{Masked, masks};
use crate::compile::reads::Reads;
use crate::compile::rule::compile_rules;
use crate::compile::script::Scripts;
use crate::compile::{Scope, cursor, key_field, retired};
use crate::decode::Spec;
use crate::problems::{Problems, problem};

/// Compiles the spec at `index`; `None` where a problem says why not.
pub(crate) fn compile_entity(
    scope: &Scope<'_>,
    index: usize,
    keys: &[Option<ResolvedKey<'_>>],
    scripts: &Scripts,
    problems: &mut Problems,
) -> Option<EntityPlan> {
    let spec = scope.specs.get(index)?;
    let key = keys.get(index).and_then(Option::as_ref);
    let mut reads = Reads::default();
    let key_reads: Vec<usize> = key.map_or_else(Vec::new, |key| {
        key.source.iter().map(|column| reads.index(&column.name, column.logical)).collect()
    });
    let implied = key.map(|key| key_field::implied(spec, key, problems)).unwrap_or_default();
    if let Some(key) = key {
        key_field::check(spec, key, scripts, problems);
    }
    let context = Context { scope, keys, spec, key, scripts };
    let (mut fields, strategies): (Vec<_>, Vec<_>) = implied
        .iter()
        .chain(&spec.fields)
        .filter_map(|field| compile_field(&context, field, &mut reads, problems))
        .map(|CompiledField { plan, parent_strategy }| (plan, parent_strategy))
        .unzip();
    let rules = compile_rules(scope, spec, &fields, problems);
    let is_complete = fields.len() == implied.len() + spec.fields.len() && rules.len() == spec.rules.len();
    if !is_complete && !problems.has_errors() {
        // Whatever is left out has a problem of its own. Should that ever fail, the entity does not run without its part.
        let headline = format!("entity `{}` could not be compiled whole", spec.entity.value);
        problems.push(problem(Code::SpecValue, headline, &spec.entity.place, "a mapping or rule of this entity"));
    }
    let detection = cursor::detection(scope, spec, problems);
    let retired = retired::field(scope, spec, problems);
    let deleted_field = retired.as_ref().map(|_| fields.len());
    fields.extend(retired);
    let key = key?;
    let masked = Masked { scope, spec, key, scripts, fields: &fields };
    let plan_scripts = plan_scripts(scope, spec, scripts, &mut reads);
    let masks = masks(&masked, &mut reads, problems);
    let mut plan = EntityPlan {
        name: spec.entity.value.clone(),
        version: spec.version.clone(),
        spec_path: spec.file.path.clone(),
        source: TableRef { connection: scope.project.source().clone(), table: spec.source_table.value.clone() },
        rows: spec.relation().rows,
        destination: TableRef {
            connection: scope.project.destination().clone(),
            table: spec.destination_table.value.clone(),
        },
        reads: reads.into_columns(),
        masks,
        key: KeyPlan {
            source: key_reads,
            destination: key.destination.iter().map(|column| column.name.clone()).collect(),
            strategy: key.strategy,
        },
        fields,
        rules,
        scripts: plan_scripts,
        // Who waits for whom is known only of all specs together.
        parents: Vec::new(),
        deferred: Vec::new(),
        detection: detection?,
        deletes: spec.deletes,
        deleted_field,
        load: spec.load,
        plan_fingerprint: 0,
        mapped_fingerprint: 0,
        read_fingerprint: 0,
        mask_fingerprint: 0,
        key_fingerprint: 0,
    };
    plan.mask_fingerprint = mask_fingerprint(&plan);
    plan.read_fingerprint = read_fingerprint(&plan, scope.project.mask_key());
    plan.mapped_fingerprint = mapped_fingerprint(&plan, &strategies, scope);
    plan.plan_fingerprint = plan_fingerprint(&plan);
    plan.key_fingerprint = key_fingerprint(&plan, &strategies);
    Some(plan)
}

/// The functions that mappings call, each with the columns it reads from `row`. The columns are among the reads already.
fn plan_scripts(scope: &Scope<'_>, spec: &Spec, scripts: &Scripts, reads: &mut Reads) -> Vec<Script> {
    let view = scope.source_table(spec);
    let called = spec.functions.iter().filter(|function| scripts.index(&function.name.value).is_some());
    let mut plans = Vec::new();
    for function in called {
        let columns = scripts.columns(&function.name.value).iter();
        let known = columns.filter_map(|name| view.and_then(|view| view.column(name)));
        plans.push(Script {
            name: function.name.value.clone(),
            body: function.body.value.clone(),
            row: known.map(|column| reads.index(&column.name, column.logical)).collect(),
        });
    }
    plans
}
