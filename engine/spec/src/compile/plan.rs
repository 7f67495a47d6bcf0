//! The way from a project to its plan.
//!
//! Every stage goes on as far as it can after a problem, so that one run shows them all. A plan exists only where there is none.

use std::collections::{BTreeMap, BTreeSet};

use transload_model::{
    Catalog, Code, ConnectionName, Deferred, Diagnostic, EntityName, EntityPlan, Plan, PlanParts, Relation, TestPlan,
    Vocabulary,
};

use crate::Project;
use crate::checks::{CHECKS, ENTITY_CHECKS};
use crate::compile::entity::compile_entity;
use crate::compile::key::{ResolvedKey, resolve};
use crate::compile::test::tests;
use crate::compile::{Scope, auto_map, mask, old_key, script};
use crate::decode::{Outline, Spec, Surroundings, decode, taken, templates};
use crate::drift::{self, Drift, LOCKED_ELSEWHERE};
use crate::expand::long_form;
use crate::lock::{Lock, text};
use crate::order::{Broken, Order};
use crate::problems::{Problems, listed};
use crate::project::Masking;

/// What each connection's database holds, as its caller observed it.
pub type Catalogs = BTreeMap<ConnectionName, Catalog>;

/// What became of a project.
#[derive(Debug)]
pub struct Compiled {
    /// The plan; there is one exactly where no diagnostic is an error.
    pub plan: Option<Plan>,
    /// The tests of active specs; none where there is no plan.
    pub tests: Vec<TestPlan>,
    /// Everything that is wrong, by file and place.
    pub diagnostics: Vec<Diagnostic>,
    /// Where circles of entities are broken.
    pub broken: Vec<Broken>,
    /// What is not as `transload.lock` says, the gravest first.
    pub drift: Vec<Drift>,
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
    with_key(project, compile_against(project, vocabulary, Basis::live(project, catalogs)).0)
}

/// Refuses a plan whose masks have no key. Where no database is asked, no row is read, and nobody needs it.
fn with_key(project: &Project, mut compiled: Compiled) -> Compiled {
    let masked = compiled.plan.iter().flat_map(Plan::entities).find_map(|entity| Some((entity, entity.masks.first()?)));
    let Some((entity, mask)) = masked else { return compiled };
    let why = format!("`{}` is masked in environment `{}`, by {}", entity.name, project.environment(), mask.place);
    let problem = match &project.masking {
        Masking::Key(_) => return compiled,
        Masking::Missing(problem) => Diagnostic::clone(problem),
        Masking::Unsaid => entity.lacks_mask_key(),
    };
    compiled.diagnostics.push(problem.note(why));
    compiled.plan = None;
    compiled.tests.clear();
    compiled
}

/// Compiles a project against what `transload.lock` says that its databases hold.
pub fn compile_offline(project: &Project, vocabulary: &dyn Vocabulary) -> Compiled {
    match Basis::locked(project) {
        Ok(basis) => compile_against(project, vocabulary, basis).0,
        Err(problem) => Compiled {
            plan: None,
            tests: Vec::new(),
            diagnostics: vec![*problem],
            broken: Vec::new(),
            drift: Vec::new(),
            summary: Summary::default(),
        },
    }
}

/// What specs take from the source by SQL of their own, for its caller to describe: by entity.
#[must_use]
pub fn written(project: &Project) -> BTreeMap<EntityName, Relation> {
    let (specs, _) = specs(project, &mut Problems::default());
    let mut written: Vec<&Spec> = specs.iter().filter(|spec| spec.rows.is_some()).collect();
    // Of two of one name the active one counts.
    written.sort_by_key(|spec| spec.is_active);
    written.into_iter().map(|spec| (spec.entity.value.clone(), spec.relation())).collect()
}

/// Whether the project has a lock with which its databases can be compared.
///
/// # Errors
/// Where there is none, or it was written for other systems.
pub fn check_lock(project: &Project) -> transload_model::Result<()> {
    locked(project).map(drop)
}

/// The entities of which the project has a spec that can be read, active or not.
#[must_use]
pub fn entities(project: &Project) -> BTreeSet<EntityName> {
    specs(project, &mut Problems::default()).0.into_iter().map(|spec| spec.entity.value).collect()
}

/// The entities of whose specs the project's lock does not hold all that they name: what came later, and what was taken out of it.
#[must_use]
pub fn unlocked(project: &Project) -> BTreeSet<EntityName> {
    let is_known = |spec: &Spec| {
        let lock = project.lock.as_ref();
        lock.is_some_and(|lock| if spec.is_active { lock.holds(project, spec) } else { lock.has(&spec.entity.value) })
    };
    let (specs, _) = specs(project, &mut Problems::default());
    specs.into_iter().filter(|spec| !is_known(spec)).map(|spec| spec.entity.value).collect()
}

/// What the databases hold, as far as the lock says; it must have been written for such databases.
pub(crate) fn locked(project: &Project) -> Result<&Catalogs, Box<Diagnostic>> {
    let refused =
        |headline: String| Box::new(Diagnostic::new(Code::LockMissing, headline).help(Code::LockMissing.info().remedy));
    let Some(lock) = &project.lock else {
        return Err(refused("the project has no `transload.lock`".to_owned()));
    };
    for name in [project.source(), project.destination()] {
        let now = project.connections().find(|connection| connection.name == *name).map(|known| known.system.as_str());
        if let (Some(before), Some(now)) = (lock.system(name), now)
            && before != now
        {
            let headline = format!("`transload.lock` was written for {before} behind `{name}`, and here it is {now}");
            let problem = Diagnostic::new(Code::LockMissing, headline);
            return Err(Box::new(problem.help(LOCKED_ELSEWHERE)));
        }
    }
    Ok(lock.catalogs())
}

/// The long form of every active spec, by entity: with everything that it leaves to defaults, to the tables or to a star. `catalogs` are
/// what the databases hold; without them, what `transload.lock` says that they do.
///
/// # Errors
/// Everything that keeps the project from being compiled.
pub fn expand(
    project: &Project,
    vocabulary: &dyn Vocabulary,
    catalogs: Option<&Catalogs>,
) -> Result<BTreeMap<EntityName, String>, Vec<Diagnostic>> {
    let basis = match catalogs {
        Some(catalogs) => Basis::live(project, catalogs),
        None => Basis::locked(project).map_err(|problem| vec![*problem])?,
    };
    let (compiled, specs) = compile_against(project, vocabulary, basis);
    let Some(plan) = &compiled.plan else { return Err(compiled.diagnostics) };
    let active = specs.iter().filter(|spec| spec.is_active);
    let long = |spec: &Spec| {
        let entity = plan.entity(&spec.entity.value)?;
        Some((spec.entity.value.clone(), long_form(spec, entity, &project.defaults)))
    };
    Ok(active.filter_map(long).collect())
}

/// The text of the `transload.lock` of a project whose databases hold this. `now` is a moment of RFC 3339; where nothing else changed, the
/// lock keeps the one it has.
///
/// # Errors
/// Everything that keeps the project from being compiled: what could not be read would be missing in the lock.
pub fn lock(
    project: &Project,
    vocabulary: &dyn Vocabulary,
    catalogs: &Catalogs,
    now: &str,
) -> Result<String, Vec<Diagnostic>> {
    // Whatever is there now is taken over.
    let (compiled, specs) = compile_against(project, vocabulary, Basis { catalogs, lock: None, is_offline: false });
    match compiled.plan {
        Some(_) => Ok(text(project, &specs, catalogs, now, project.lock.as_ref())),
        None => Err(compiled.diagnostics),
    }
}

/// What specs are compiled against.
struct Basis<'a> {
    catalogs: &'a Catalogs,
    /// What the project was locked to, as far as that counts.
    lock: Option<&'a Lock>,
    /// Whether the catalogs are the lock's.
    is_offline: bool,
}

impl<'a> Basis<'a> {
    fn live(project: &'a Project, catalogs: &'a Catalogs) -> Self {
        Self { catalogs, lock: project.lock.as_ref(), is_offline: false }
    }

    fn locked(project: &'a Project) -> Result<Self, Box<Diagnostic>> {
        Ok(Self { catalogs: locked(project)?, lock: project.lock.as_ref(), is_offline: true })
    }
}

fn compile_against(project: &Project, vocabulary: &dyn Vocabulary, basis: Basis<'_>) -> (Compiled, Vec<Spec>) {
    let mut problems = Problems::default();
    let catalogs = basis.catalogs;
    for connection in [project.source(), project.destination()] {
        if !basis.is_offline && !catalogs.contains_key(connection) {
            let headline = format!("connection `{connection}` was not looked at, so columns cannot be checked");
            problems.push(Diagnostic::new(Code::CannotConnect, headline));
        }
    }
    project.unread_specs().into_iter().for_each(|warning| problems.push(warning));
    let (mut specs, outlines) = specs(project, &mut problems);
    auto_map::settle(project, &mut specs, catalogs, basis.lock, &mut problems);
    let mut scope = Scope::new(project, &specs, &outlines, vocabulary, catalogs);
    (scope.lock, scope.is_offline) = (basis.lock, basis.is_offline);
    for check in ENTITY_CHECKS {
        check(&scope.entities, &mut problems);
    }
    for check in CHECKS {
        check(&scope, &mut problems);
    }
    let order = Order::of(&scope.entities, scope.destination);
    order.report(&mut problems);
    let entities = entity_plans(&scope, &order, &mut problems);
    let drift = drift::settle(&scope, drift::found(&scope), &mut problems);
    let plan = if problems.has_errors() { None } else { plan(project, entities, &mut problems) };
    let mut summary = summary(&scope, &order);
    let broken = order.broken();
    summary.specs = project.spec_files().len();
    summary.waves = plan.as_ref().map_or(0, |plan| plan.waves().len());
    let active = specs.iter().filter(|spec| spec.is_active && plan.is_some());
    let tests = active.flat_map(tests).collect();
    (Compiled { plan, tests, diagnostics: problems.finish(), broken, drift, summary }, specs)
}

/// Reads every spec, and says what is wrong with those that cannot be read.
pub(crate) fn specs(project: &Project, problems: &mut Problems) -> (Vec<Spec>, Vec<Outline>) {
    for unreadable in &project.unreadable {
        problems.push(unreadable.problem.clone());
    }
    let mut specs = Vec::new();
    let mut outlines: Vec<Outline> = project.unreadable.iter().map(|file| Outline::of(&file.path)).collect();
    with_surroundings(project, problems, |surroundings, problems| {
        for file in project.spec_files() {
            match decode(file, surroundings, problems) {
                Ok(spec) => specs.push(spec),
                Err(outline) => outlines.push(outline),
            }
        }
    });
    (specs, outlines)
}

/// Reads what specs have in common, and then does what needs it.
pub(crate) fn with_surroundings<T>(
    project: &Project,
    problems: &mut Problems,
    read: impl FnOnce(&Surroundings<'_>, &mut Problems) -> T,
) -> T {
    let files = |path: &str, named_in: &str| project.file_beside(path, named_in);
    let templates = templates(&project.template_files, &files, problems);
    let taken = taken(project.defaults.piece.clone(), &project.defaults.uses, &templates, problems);
    read(&Surroundings { defaults: &project.defaults, templates: &templates, taken: &taken, files: &files }, problems)
}

/// Compiles every spec and gives the active ones. Keys come first, because references need those of other entities.
fn entity_plans(scope: &Scope<'_>, order: &Order<'_>, problems: &mut Problems) -> Vec<EntityPlan> {
    let mut keys: Vec<Option<ResolvedKey<'_>>> = Vec::new();
    for spec in scope.specs {
        let before = problems.count();
        keys.push(resolve(scope, spec, problems));
        problems.change_since(before, |found| spec.named_in(found));
    }
    old_key::check(scope, &keys, problems);
    let mut entities = Vec::new();
    for (index, spec) in scope.specs.iter().enumerate() {
        let before = problems.count();
        let scripts = script::check_all(scope, spec, problems);
        let compiled = compile_entity(scope, index, &keys, &scripts, problems);
        let compiled = compiled.map(|plan| ordered(plan, scope, order, index));
        problems.change_since(before, |found| spec.named_in(found));
        entities.extend(compiled.filter(|_| spec.is_active));
    }
    mask::warn_of_bypasses(scope, &entities, problems);
    entities
}

/// The entity's plan with whom it waits for, and what it fills later.
fn ordered(plan: EntityPlan, scope: &Scope<'_>, order: &Order<'_>, index: usize) -> EntityPlan {
    let name = |spec: usize| scope.specs[spec].entity.value.clone();
    let parents: BTreeSet<EntityName> =
        order.waits(index).iter().filter(|wait| !wait.is_deferred).map(|wait| name(wait.parent)).collect();
    let mut deferred = Vec::new();
    for (field, parent) in order.deferred(index) {
        let column = &scope.specs[index].fields[field].destination.value;
        // The plan has fields of the key before those of the spec.
        if let Some(field) = plan.fields.iter().position(|field| field.destination == *column) {
            deferred.push(Deferred { field, parent: name(parent) });
        }
    }
    EntityPlan { parents: parents.into_iter().filter(|parent| *parent != plan.name).collect(), deferred, ..plan }
}

fn plan(project: &Project, entities: Vec<EntityPlan>, problems: &mut Problems) -> Option<Plan> {
    let names: Vec<String> = entities.iter().map(|entity| entity.name.to_string()).collect();
    let parts = PlanParts {
        project: project.name().to_owned(),
        connections: project.connections().cloned().collect(),
        vars: project.vars().clone(),
        entities,
        parallel_entity_limit: project.parallel_entity_limit,
        snapshot_max_age: project.snapshot_max_age,
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

fn summary(scope: &Scope<'_>, order: &Order<'_>) -> Summary {
    let count = |of: fn(&Spec) -> usize| scope.specs.iter().map(of).sum();
    let inactive = scope.specs.iter().filter(|spec| !spec.is_active).count();
    Summary {
        specs: scope.specs.len(),
        inactive,
        fields: count(|spec| spec.fields.len()),
        rules: count(|spec| spec.rules.len()),
        functions: count(|spec| spec.functions.iter().filter(|function| !function.is_expression).count()),
        entities: scope.specs.len() - inactive,
        edges: order.pairs().len(),
        waves: 0,
    }
}
