//! The composition root: the one place where the parts meet.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use transload_model::{
    Clock, Code, ConnectionName, ConnectionPlan, ControlStore, Destination, Diagnostic, Plan, Severity, Source,
    TransformContext, TransformFactory,
};
use transload_run::{EventSink, Job, Options, Reach, Stop};
use transload_spec::{Catalogs, Compiled, Project};
use transload_transform::Functions;

use super::args::Global;
use super::catch_up::catch_up;
use super::failure::Failure;
use super::mirrored::mirrored;

/// A project whose source is open, whose destination was looked at, and whose specs are compiled.
pub(crate) struct World {
    pub(crate) project: Project,
    pub(crate) functions: Arc<Functions>,
    /// What the databases hold; nothing where only the lock was looked at.
    pub(crate) catalogs: Option<Catalogs>,
    pub(crate) sources: BTreeMap<ConnectionName, Arc<dyn Source>>,
    pub(crate) compiled: Compiled,
}

/// Which project is meant, and in which of its environments.
#[derive(Debug)]
pub(crate) struct Chosen {
    pub(crate) root: PathBuf,
    environment: Option<String>,
}

impl Chosen {
    /// What the flags say. Where `--env` is not given, a variable that holds something counts.
    pub(crate) fn by(global: &Global) -> Self {
        let variable = || std::env::var_os("TRANSLOAD_ENV").filter(|value| !value.is_empty());
        let environment = global.env.clone().or_else(|| Some(variable()?.to_string_lossy().into_owned()));
        Self { root: global.project.clone(), environment }
    }

    /// The same environment of the project in another directory.
    pub(crate) fn at(&self, root: &Path) -> Self {
        Self { root: root.to_owned(), environment: self.environment.clone() }
    }
}

/// Reads `transload.yaml` and the specs.
pub(crate) fn project(chosen: &Chosen) -> Result<Project, Failure> {
    Project::load(&chosen.root, chosen.environment.as_deref(), &variable).map_err(Failure::from)
}

/// `transload.yaml` as it is in the chosen environment, each value with its place.
pub(crate) fn merged(chosen: &Chosen) -> Result<String, Failure> {
    Project::merged(&chosen.root, chosen.environment.as_deref(), &variable).map_err(Failure::from)
}

/// Reads `transload.yaml` and the specs, of which there need be none yet.
fn project_without_specs(chosen: &Chosen) -> Result<Project, Failure> {
    Project::load_without_specs(&chosen.root, chosen.environment.as_deref(), &variable).map_err(Failure::from)
}

// With `Chosen::by` the one place that reads the process's variables for a project.
fn variable(name: &str) -> Option<String> {
    std::env::var_os(name).and_then(|value| value.into_string().ok())
}

/// A project, and both of its ends as they are.
pub(crate) struct Ends {
    pub(crate) project: Project,
    pub(crate) functions: Arc<Functions>,
    pub(crate) source: Arc<dyn Source>,
    pub(crate) catalogs: Catalogs,
}

/// Looks at both ends of a project that need have no spec yet. Nothing is written.
pub(crate) async fn ends(chosen: &Chosen) -> Result<Ends, Failure> {
    looked_at(project_without_specs(chosen)?).await
}

/// Looks at both ends and compiles the specs against what they hold. Nothing is written.
pub(crate) async fn world(chosen: &Chosen) -> Result<World, Failure> {
    compiled(project(chosen)?).await
}

/// The same, of a project with a lock that its databases can be compared with; without one, no database is asked.
pub(crate) async fn locked_world(chosen: &Chosen) -> Result<World, Failure> {
    let project = project(chosen)?;
    transload_spec::check_lock(&project)?;
    compiled(project).await
}

async fn compiled(project: Project) -> Result<World, Failure> {
    let (source, destination) = (connection(&project, project.source())?, connection(&project, project.destination())?);
    transload_connect::check_apart(source, destination)?;
    let Ends { project, functions, source, catalogs } = looked_at(project).await?;
    let compiled = transload_spec::compile(&project, &*functions, &catalogs);
    let sources = BTreeMap::from([(project.source().clone(), source)]);
    Ok(World { project, functions, catalogs: Some(catalogs), sources, compiled })
}

async fn looked_at(project: Project) -> Result<Ends, Failure> {
    let functions = Arc::new(Functions::new(project.transforms())?);
    let (catalogs, source) = catalogs(&project).await?;
    Ok(Ends { project, functions, source, catalogs })
}

impl Ends {
    /// The project as its files are now, before the same ends.
    pub(crate) fn read_again(&mut self, chosen: &Chosen) -> Result<(), Failure> {
        self.project = project_without_specs(chosen)?;
        Ok(())
    }
}

/// What both ends hold, and the source that was opened for it.
pub(crate) async fn catalogs(project: &Project) -> Result<(Catalogs, Arc<dyn Source>), Failure> {
    let source = transload_connect::source(connection(project, project.source())?).await?;
    let destination = transload_connect::destination_catalog(connection(project, project.destination())?).await?;
    let mut catalogs = Catalogs::new();
    let mut held = source.catalog().await?;
    for (entity, relation) in transload_spec::written(project) {
        held.written.insert(entity, source.describe(&relation).await.map_err(|problem| *problem));
    }
    catalogs.insert(project.source().clone(), held);
    catalogs.insert(project.destination().clone(), destination);
    Ok((catalogs, source))
}

/// Compiles the specs against what `transload.lock` says. No database is asked.
pub(crate) fn world_offline(chosen: &Chosen) -> Result<World, Failure> {
    let project = project(chosen)?;
    let functions = Arc::new(Functions::new(project.transforms())?);
    let compiled = transload_spec::compile_offline(&project, &*functions);
    Ok(World { project, functions, catalogs: None, sources: BTreeMap::new(), compiled })
}

/// Opens the destination for writing, creating it where it is missing and the project says how.
pub(crate) async fn destination(project: &Project) -> Result<Arc<dyn Destination>, Failure> {
    transload_connect::destination(connection(project, project.destination())?).await.map_err(Failure::from)
}

/// Opens the destination where there is one, to look at it: tables that are missing are not made.
pub(crate) async fn existing_destination(project: &Project) -> Result<Option<Arc<dyn Destination>>, Failure> {
    let plan = connection(project, project.destination())?;
    if !transload_connect::exists(plan).await? {
        return Ok(None);
    }
    let destination = transload_connect::destination(&ConnectionPlan { create_with: None, ..plan.clone() }).await?;
    let is_to_be_made = plan.create_with.is_some() && destination.catalog().await?.tables.is_empty();
    Ok((!is_to_be_made).then_some(destination))
}

/// The control store of a project. What it missed is told to it first.
pub(crate) async fn control_store(chosen: &Chosen, project: &Project) -> Result<Arc<dyn ControlStore>, Failure> {
    let store = transload_connect::control_store(project.control()).await?;
    catch_up(&chosen.root, &*store).await?;
    Ok(store)
}

fn connection<'a>(project: &'a Project, name: &ConnectionName) -> Result<&'a ConnectionPlan, Failure> {
    project.connections().find(|connection| connection.name == *name).ok_or_else(|| {
        Failure::from(Diagnostic::new(Code::UnknownConnection, format!("there is no connection `{name}`")))
    })
}

/// Before the first run there is nothing to compare with. Where the control store knows of runs, it says that, too.
pub(crate) async fn not_made(chosen: &Chosen, world: &World) -> Failure {
    let headline = format!("the tables of `{}` are not there", world.project.destination());
    let problem = Diagnostic::new(Code::DestinationNotMade, headline);
    let was_loaded = match control_store(chosen, &world.project).await {
        Ok(store) => !mirrored(&*store, &world.project).await.is_empty(),
        Err(_) => false,
    };
    let problem = match was_loaded {
        true => problem
            .note("earlier runs loaded rows into it: it was emptied, moved, or is another")
            .help("look whether the connection is the right one; the next `transload run` makes the tables and loads everything again"),
        false => problem.help("the first `transload run` makes and fills them"),
    };
    problem.into()
}

impl World {
    /// What a first run makes beside tables, for people to stop it: the schema may be a mistyped one. `None` where there is nothing to make.
    pub(crate) fn schema_to_be_made(&self) -> Option<String> {
        let name = self.project.destination();
        let catalog = self.catalogs.as_ref()?.get(name)?;
        let schema = catalog.missing_schema.as_ref().filter(|_| !catalog.tables.is_empty())?;
        Some(format!("schema `{schema}` of `{name}` is not there yet: `create_with` makes it, with its tables"))
    }

    /// What functions and rules may know of a run that starts now.
    pub(crate) fn context(&self, plan: &Plan, now: DateTime<Utc>) -> TransformContext {
        TransformContext {
            now,
            environment: self.project.environment().to_owned(),
            vars: plan.vars().clone(),
            mask_key: self.project.mask_key().cloned(),
        }
    }

    /// A look at both ends, or a run with nothing asked of it. What was opened for the world goes with it.
    pub(crate) fn job(
        &mut self,
        plan: &Arc<Plan>,
        destination: Arc<dyn Destination>,
        (sink, clock): (Arc<dyn EventSink>, Arc<dyn Clock>),
    ) -> Job {
        Job {
            plan: Arc::clone(plan),
            catalogs: self.catalogs.take().unwrap_or_default(),
            specs: transload_spec::entities(&self.project),
            sources: std::mem::take(&mut self.sources),
            destination,
            factory: Arc::clone(&self.functions) as Arc<dyn TransformFactory>,
            transform_context: self.context(plan, clock.now()),
            sink,
            clock,
            stop: Stop::default(),
            requests: None,
            options: Options::default(),
            reach: Reach::Everything,
            mirrored: BTreeMap::new(),
        }
    }

    /// The plan, and the warnings that came with it.
    pub(crate) fn plan(&mut self) -> Result<(Arc<Plan>, Vec<Diagnostic>), Failure> {
        let problems = std::mem::take(&mut self.compiled.diagnostics);
        match self.compiled.plan.take() {
            Some(plan) if problems.iter().all(|problem| problem.severity == Severity::Warning) => {
                Ok((Arc::new(plan), problems))
            }
            _ => Err(Failure(problems)),
        }
    }
}
