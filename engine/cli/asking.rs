//! What `pause`, `resume` and `cancel` have in common: they find a run, ask something of it, and say what comes of it.
//!
//! What is asked is kept in the control store. The process that works on the run looks there about once a second, so the verbs do not wait.

use std::sync::Arc;

use serde_json::json;
use transload_model::{
    Code, ControlStore, Diagnostic, EntityName, EntityRecord, EntityState, Requests, RunRecord, RunState, Wish,
};
use transload_spec::Project;

use super::args::{Asked, Format};
use super::commands::status;
use super::failure::{Failure, unknown_entity};
use super::render::{Screen, pretty};
use super::wiring::{self, Chosen};

/// A run that something is asked of, as the control store knows it.
pub(crate) struct Asking {
    pub(crate) project: Project,
    pub(crate) store: Arc<dyn ControlStore>,
    pub(crate) run: RunRecord,
    pub(crate) requests: Requests,
    pub(crate) entity: Option<EntityRecord>,
}

impl Asking {
    pub(crate) async fn find(chosen: &Chosen, asked: &Asked) -> Result<Self, Failure> {
        let project = wiring::project(chosen)?;
        let store = wiring::control_store(chosen, &project).await?;
        let run = status::find(store.runs(status::SEARCHED).await?, &asked.run)?;
        let entities = store.entities(run.id).await?;
        let names: Vec<&EntityName> = entities.iter().map(|entity| &entity.entity).collect();
        let is_it = |entity: &&EntityRecord| asked.entity.as_deref() == Some(entity.entity.as_str());
        let entity = match &asked.entity {
            Some(text) => Some(entities.iter().find(is_it).cloned().ok_or_else(|| unknown_entity(text, &names))?),
            None => None,
        };
        let requests = store.requests(run.id).await?;
        Ok(Self { project, store, run, requests, entity })
    }

    /// Whether a process works on the run.
    pub(crate) fn is_at_work(&self) -> bool {
        self.run.state == RunState::Running && self.run.alive
    }

    /// What is asked already: of the entity, or of the run.
    pub(crate) fn wish(&self) -> Option<Wish> {
        match &self.entity {
            Some(entity) => self.requests.entities.get(&entity.entity).copied(),
            None => self.requests.run,
        }
    }

    /// Asks, or takes back what was asked.
    pub(crate) async fn ask(&self, wish: Option<Wish>) -> Result<(), Failure> {
        let entity = self.entity.as_ref().map(|entity| &entity.entity);
        self.store.request(self.run.id, entity, wish).await.map_err(Failure::from)
    }

    /// Refuses what a run, or an entity, cannot take any more.
    pub(crate) fn check_open(&self, doing: &str) -> Result<(), Failure> {
        let is_over = matches!(self.run.state, RunState::Completed | RunState::Failed | RunState::Cancelled);
        if is_over {
            return Err(self.refused(doing, &format!("it is {}", self.run.state)));
        }
        match &self.entity {
            Some(entity) if entity.state == EntityState::Done => Err(self.refused(doing, "it is done")),
            Some(entity) if entity.state == EntityState::Failed && self.is_at_work() => {
                Err(self.refused(doing, "it has failed"))
            }
            _ => Ok(()),
        }
    }

    pub(crate) fn refused(&self, doing: &str, why: &str) -> Failure {
        let headline = format!("{} cannot be {doing}: {why}", self.subject());
        Diagnostic::new(Code::RunEnded, headline).help(Code::RunEnded.info().remedy).into()
    }

    /// What is spoken of.
    pub(crate) fn subject(&self) -> String {
        match &self.entity {
            Some(entity) => format!("`{}` of run {}", entity.entity, self.run.id.short()),
            None => format!("run {}", self.run.id.short()),
        }
    }

    /// When something happens to the entity that is asked now.
    pub(crate) fn moment(&self) -> String {
        match self.entity.as_ref().and_then(|entity| entity.unit) {
            Some(unit) if unit.stream == 0 => format!("after unit {}", unit.seq + 1),
            _ => "after the unit in hand".to_owned(),
        }
    }

    /// The entities that wait for this one, by the specs as they are; none where they cannot tell.
    pub(crate) fn children(&self) -> Vec<String> {
        let (Some(entity), Some(graph)) = (&self.entity, transload_spec::graph(&self.project).graph) else {
            return Vec::new();
        };
        let name = |index: usize| &graph.entities()[index].name;
        let children = graph.waiting().filter(|edge| *name(edge.parent) == entity.entity);
        children.map(|edge| name(edge.child).to_string()).collect()
    }

    /// Says what came of it, for people or for programs. `status` is the state that is wished for, or reached.
    pub(crate) fn answer(&self, screen: &Screen, status: &str, text: &str) {
        if screen.format == Format::Json {
            screen.answer(&pretty(&json!({
                "schema": "transload.request/1",
                "run_id": self.run.id,
                "entity_type": self.entity.as_ref().map(|entity| &entity.entity),
                "requested_status": status,
                "alive": self.is_at_work(),
                "message": text,
            })));
        } else {
            screen.say(text);
        }
    }
}
