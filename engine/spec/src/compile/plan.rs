//! The way from a project to its plan.
//!
//! Every stage goes on as far as it can after a problem, so that one run shows them all. A plan exists only where there is none.

use std::collections::BTreeMap;

use transload_model::{Catalog, Code, ConnectionName, Diagnostic, EntityPlan, Plan, PlanParts, Vocabulary};

use crate::Project;
use crate::checks::{CHECKS, ENTITY_CHECKS, edges};
use crate::compile::entity::compile_entity;
use crate::compile::key::{ResolvedKey, resolve};
use crate::compile::{Scope, script};
use crate::decode::{Outline, Spec, decode};
use crate::problems::{Problems, listed};

/// What each connection's database holds, as its caller observed it.
pub type Catalogs = BTreeMap<ConnectionName, Catalog>;

/// What became of a project.
#[derive(Debug)]
pub struct Compiled {
    /// The plan; there is one exactly where no diagnostic is an error.
    pub plan: Option<Plan>,
    /// Everything that is wrong, by file and place.
    pub diagnostics: Vec<Diagnostic>,
    /// What was looked at.
    pub summary: Summary,
}

/// How much of what was looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Summary {
    /// Spec files.
    pub specs: usize,
    /// Those of them that are not active.
    pub inactive: usize,
    /// Field mappings.
    pub fields: usize,
    /// Validation rules.
    pub rules: usize,
    /// Functions of specs.
    pub functions: usize,
    /// Entities to move.
    pub entities: usize,
    /// Pairs of entities of which one waits for the other.
    pub edges: usize,
    /// Groups of entities that can run side by side; none where there is no plan.
    pub waves: usize,
}

/// Compiles a project against what its databases hold and what its specs may call.
pub fn compile(project: &Project, vocabulary: &dyn Vocabulary, catalogs: &Catalogs) -> Compiled {
    let mut problems = Problems::default();
    for connection in [project.source(), project.destination()] {
        if !catalogs.contains_key(connection) {
            let headline = format!("connection `{connection}` was not looked at, so columns cannot be checked");
            problems.push(Diagnostic::new(Code::CannotConnect, headline));
        }
    }
    let (specs, outlines) = specs(project, &mut problems);
    let scope = Scope::new(project, &specs, &outlines, vocabulary, catalogs);
    for check in ENTITY_CHECKS {
        check(&scope.entities, &mut problems);
    }
    for check in CHECKS {
        check(&scope, &mut problems);
    }
    let entities = entities(&scope, &mut problems);
    let plan = if problems.has_errors() { None } else { plan(project, entities, &mut problems) };
    let mut summary = summary(&scope);
    summary.specs = project.spec_files().len();
    summary.waves = plan.as_ref().map_or(0, |plan| plan.waves().len());
    Compiled { plan, diagnostics: problems.finish(), summary }
}

/// Reads every spec, and says what is wrong with those that cannot be read.
pub(crate) fn specs(project: &Project, problems: &mut Problems) -> (Vec<Spec>, Vec<Outline>) {
    for unreadable in &project.unreadable {
        problems.push(unreadable.problem.clone());
    }
    let mut specs = Vec::new();
    let mut outlines: Vec<Outline> = project.unreadable.iter().map(|file| Outline::of(&file.path)).collect();
    for file in project.spec_files() {
        match decode(file, &project.defaults, problems) {
            Ok(spec) => specs.push(spec),
            Err(outline) => outlines.push(outline),
        }
    }
    (specs, outlines)
}

/// Compiles every spec and gives the active ones. Keys come first, because references need those of other entities.
fn entities(scope: &Scope<'_>, problems: &mut Problems) -> Vec<EntityPlan> {
    let keys: Vec<Option<ResolvedKey<'_>>> = scope.specs.iter().map(|spec| resolve(scope, spec, problems)).collect();
    let mut entities = Vec::new();
    for (index, spec) in scope.specs.iter().enumerate() {
        let scripts = script::check_all(scope, spec, problems);
        let compiled = compile_entity(scope, index, &keys, &scripts, problems);
        entities.extend(compiled.filter(|_| spec.is_active));
    }
    entities
}

fn plan(project: &Project, entities: Vec<EntityPlan>, problems: &mut Problems) -> Option<Plan> {
    let names: Vec<String> = entities.iter().map(|entity| entity.name.to_string()).collect();
    let parts = PlanParts {
        project: project.name().to_owned(),
        connections: project.connections().cloned().collect(),
        vars: project.vars().clone(),
        entities,
        parallel_entity_limit: project.parallel_entity_limit,
    };
    match Plan::new(parts) {
        Ok(plan) => Some(plan),
        Err(error) => {
            // The checks rule this out; should one have a hole, the user is told and nothing runs.
            let headline = format!("the plan does not hold together: {error}");
            let problem = Diagnostic::new(Code::Cycle, headline);
            problems.push(problem.note(format!("entities: {}", listed(names.iter().map(String::as_str)))));
            None
        }
    }
}

fn summary(scope: &Scope<'_>) -> Summary {
    let count = |of: fn(&Spec) -> usize| scope.specs.iter().map(of).sum();
    let inactive = scope.specs.iter().filter(|spec| !spec.is_active).count();
    Summary {
        specs: scope.specs.len(),
        inactive,
        fields: count(|spec| spec.fields.len()),
        rules: count(|spec| spec.rules.len()),
        functions: count(|spec| spec.functions.len()),
        entities: scope.specs.len() - inactive,
        edges: edges(&scope.entities).iter().filter(|(child, parent)| child != parent).count(),
        waves: 0,
    }
}
