//! The plan: every active spec, compiled, ordered and typed, with nothing left open.
//!
//! A plan comes only from [`Plan::new`], which re-asserts what the engine relies on, so even one built by hand in a test is sound.

mod field;
mod key;
mod mask;
mod policy;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::Value;

use crate::{
    Code, ColumnName, ConnectionName, Diagnostic, EntityName, LogicalType, Relation, Selection, TableName, Waves,
    circles, waves,
};
pub use field::{Call, Deferred, FieldPlan, Function, LookupPlan, OnMissing, Reference, RulePlan, Script};
pub use key::{KeyPlan, KeyStrategy, Mint};
pub use mask::{Keep, Mask, MaskPlan};
pub use policy::{CursorPlan, DeletePolicy, DetectionPlan, ErrorBudget, LoadPolicy, Share};

/// All entities of a project, ready to run.
#[derive(Debug, Clone)]
pub struct Plan {
    project: String,
    connections: BTreeMap<ConnectionName, ConnectionPlan>,
    vars: BTreeMap<String, Value>,
    entities: Vec<EntityPlan>,
    waves: Waves,
    /// Entities that wait for one another, where what is filled last is not left out.
    circles: Vec<Vec<usize>>,
    /// Entities that may run at the same time.
    parallel_entity_limit: usize,
    /// How long a run may see its sources as they were at one moment.
    snapshot_max_age: Duration,
}

/// A connection of the project, its URL resolved.
#[derive(Clone, PartialEq, Eq)]
pub struct ConnectionPlan {
    /// The name in `transload.yaml`.
    pub name: ConnectionName,
    /// The system's name, `sqlite` or `postgres`.
    pub system: String,
    /// Where it is; may hold a secret, so it is never shown.
    pub url: String,
    /// Whether only reading is allowed.
    pub read_only: bool,
    /// An SQL script that creates the tables where there are none.
    pub create_with: Option<String>,
    /// The schema that holds the tables, in systems that have schemas.
    pub schema: String,
    /// Connections that may be open at the same time; at least two.
    pub pool: usize,
    /// Where in the world it is, in the project's own words.
    pub region: Option<String>,
}

impl std::fmt::Debug for ConnectionPlan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ConnectionPlan({}, {}, [REDACTED])", self.name, self.system)
    }
}

/// A table behind a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableRef {
    /// The connection.
    pub connection: ConnectionName,
    /// The table.
    pub table: TableName,
}

/// One entity.
#[derive(Debug, Clone)]
pub struct EntityPlan {
    /// Its name.
    pub name: EntityName,
    /// Its spec's version.
    pub version: String,
    /// Its spec's path, as the user would type it.
    pub spec_path: String,
    /// Where rows come from.
    pub source: TableRef,
    /// Which rows of it.
    pub rows: Selection,
    /// Where they go.
    pub destination: TableRef,
    /// Columns to read. The digest of a row is over all of them.
    pub reads: Vec<ReadColumn>,
    /// Columns whose values nothing but the digest of a row sees.
    pub masks: Vec<MaskPlan>,
    /// How a row is identified on both ends.
    pub key: KeyPlan,
    /// What is written, in spec order.
    pub fields: Vec<FieldPlan>,
    /// What must hold for a row to be loaded.
    pub rules: Vec<RulePlan>,
    /// The spec's own functions.
    pub scripts: Vec<Script>,
    /// Entities that come first, without this one.
    pub parents: Vec<EntityName>,
    /// How changes of its rows are found.
    pub detection: DetectionPlan,
    /// Fields that are NULL at first, because what they lead to is loaded later: where entities wait for one another in a circle.
    pub deferred: Vec<Deferred>,
    /// What happens with rows that are gone from the source.
    pub deletes: DeletePolicy,
    /// With `Soft`, the index of the field that holds the moment; it is NULL in rows that the source has.
    pub deleted_field: Option<usize>,
    /// Sizes and budgets.
    pub load: LoadPolicy,
    /// Identity of all of the above that decides what is written.
    pub plan_fingerprint: u64,
    /// Identity of what decides what is written for a row that is read: `plan_fingerprint` without what decides which rows are read.
    pub mapped_fingerprint: u64,
    /// Identity of `reads`, `key.source` and `masks`: what decides whether two digests can be compared.
    pub read_fingerprint: u64,
    /// Identity of `masks`, whatever their key; zero where there are none.
    pub mask_fingerprint: u64,
    /// Identity of what turns a source key into a destination key. Once rows are loaded it must not change.
    pub key_fingerprint: u64,
}

/// A column to read and the type to read it as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadColumn {
    /// The column.
    pub name: ColumnName,
    /// The type the batch holds.
    pub logical: LogicalType,
}

/// Why parts do not make a plan. Only a bug in what compiled them can cause it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// Entities wait for one another.
    #[error("entities wait for one another")]
    Cycle,
    /// Something names what is not there.
    #[error("{0} names something that the plan does not have")]
    Dangling(EntityName),
    /// A column is hidden as one type and shown as another.
    #[error("{0} masks a column and reads it as it is, too")]
    Shown(EntityName),
}

/// What a plan is made of.
#[derive(Debug)]
pub struct PlanParts {
    /// The project's name.
    pub project: String,
    /// Its connections.
    pub connections: Vec<ConnectionPlan>,
    /// Its variables: scalars.
    pub vars: BTreeMap<String, Value>,
    /// Its entities in any order.
    pub entities: Vec<EntityPlan>,
    /// Entities that may run at the same time.
    pub parallel_entity_limit: usize,
    /// How long a run may see its sources as they were at one moment.
    pub snapshot_max_age: Duration,
}

impl Plan {
    /// Orders the entities and checks that everything a part names exists.
    ///
    /// # Errors
    /// Where the parts do not fit together.
    pub fn new(parts: PlanParts) -> Result<Self, PlanError> {
        let connections: BTreeMap<_, _> =
            parts.connections.into_iter().map(|connection| (connection.name.clone(), connection)).collect();
        let index: BTreeMap<EntityName, usize> =
            parts.entities.iter().enumerate().map(|(i, entity)| (entity.name.clone(), i)).collect();
        let mut edges = Vec::new();
        for (child, entity) in parts.entities.iter().enumerate() {
            entity.check(&connections, &index)?;
            for parent in &entity.parents {
                edges.push((child, index[parent]));
            }
        }
        let waves = waves(parts.entities.len(), &edges).map_err(|_| PlanError::Cycle)?;
        for (child, entity) in parts.entities.iter().enumerate() {
            edges.extend(entity.deferred.iter().map(|deferred| (child, index[&deferred.parent])));
        }
        let circles = circles(parts.entities.len(), &edges);
        Ok(Self {
            circles,
            project: parts.project,
            connections,
            vars: parts.vars,
            entities: parts.entities,
            waves,
            parallel_entity_limit: parts.parallel_entity_limit.max(1),
            snapshot_max_age: parts.snapshot_max_age,
        })
    }

    /// The project's name.
    #[must_use]
    pub fn project(&self) -> &str {
        &self.project
    }

    /// The project's variables.
    #[must_use]
    pub fn vars(&self) -> &BTreeMap<String, Value> {
        &self.vars
    }

    /// All entities; [`Plan::waves`] has their order.
    #[must_use]
    pub fn entities(&self) -> &[EntityPlan] {
        &self.entities
    }

    /// The entity of that name.
    #[must_use]
    pub fn entity(&self, name: &EntityName) -> Option<&EntityPlan> {
        self.entities.iter().find(|entity| entity.name == *name)
    }

    /// Indexes of entities, parents in earlier waves.
    #[must_use]
    pub fn waves(&self) -> &[Vec<usize>] {
        &self.waves.0
    }

    /// The entities that wait for one another with this one, itself among them: there is a reference in their circle that is filled last.
    #[must_use]
    pub fn circle(&self, entity: usize) -> &[usize] {
        self.circles.iter().find(|circle| circle.contains(&entity)).map_or(&[], Vec::as_slice)
    }

    /// The other entities of an entity's circle.
    pub fn circle_of<'a>(&'a self, name: &'a EntityName) -> impl Iterator<Item = &'a EntityPlan> {
        let index = self.entities.iter().position(|entity| entity.name == *name);
        let circle = index.map_or(&[][..], |index| self.circle(index));
        circle.iter().map(|other| &self.entities[*other]).filter(move |other| other.name != *name)
    }

    /// What leads into the circle of an entity that is loaded with open fields, through others of it: what they bring may be missed by a row of the
    /// circle that another row of it misses. Nothing, for all other entities.
    #[must_use]
    pub fn behind_circle<'a>(&'a self, entity: &'a EntityPlan) -> BTreeSet<&'a EntityName> {
        if entity.deferred.is_empty() {
            return BTreeSet::new();
        }
        let members: BTreeSet<&EntityName> = self.circle_of(&entity.name).map(|other| &other.name).collect();
        let is_outside = |name: &&EntityName| **name != entity.name && !members.contains(name);
        self.circle_of(&entity.name).flat_map(|other| &other.parents).filter(is_outside).collect()
    }

    /// The connection of that name.
    #[must_use]
    pub fn connection(&self, name: &ConnectionName) -> Option<&ConnectionPlan> {
        self.connections.get(name)
    }

    /// Entities that may run at the same time; at least one.
    #[must_use]
    pub fn parallel_entity_limit(&self) -> usize {
        self.parallel_entity_limit
    }

    /// How long a run may see its sources as they were at one moment.
    #[must_use]
    pub fn snapshot_max_age(&self) -> Duration {
        self.snapshot_max_age
    }
}

impl EntityPlan {
    /// The destination columns that it writes: the key's, and what else its fields fill.
    pub fn written(&self) -> impl Iterator<Item = &ColumnName> {
        let others = self.fields.iter().map(|field| &field.destination);
        self.key.destination.iter().chain(others.filter(|name| !self.key.destination.contains(name)))
    }

    /// The rules that look in another table, and where.
    pub fn lookups(&self) -> impl Iterator<Item = (&RulePlan, &LookupPlan)> {
        self.rules.iter().filter_map(|rule| Some((rule, rule.lookup.as_ref()?)))
    }

    /// Indexes into `fields` of the fields that refer to this entity itself.
    #[must_use]
    pub fn self_references(&self) -> Vec<usize> {
        let own = |field: &FieldPlan| field.reference.as_ref().is_some_and(|reference| reference.entity == self.name);
        (0..self.fields.len()).filter(|i| own(&self.fields[*i])).collect()
    }

    /// Indexes into `fields` of the fields that the first pass leaves NULL: those that refer to this entity itself, and those that lead to one
    /// that is loaded later.
    #[must_use]
    pub fn open_fields(&self) -> Vec<usize> {
        let mut open = self.self_references();
        open.extend(self.deferred.iter().map(|deferred| deferred.field));
        open.sort_unstable();
        open.dedup();
        open
    }

    /// Where in this entity's destination key the column stands that a reference takes.
    #[must_use]
    pub fn position_of(&self, reference: &Reference) -> usize {
        self.key.destination.iter().position(|name| Some(name) == reference.column.as_ref()).unwrap_or_default()
    }

    /// What rows are read from.
    #[must_use]
    pub fn relation(&self) -> Relation {
        Relation { table: self.source.table.clone(), rows: self.rows.clone() }
    }

    /// The types of the source key.
    #[must_use]
    pub fn key_types(&self) -> Vec<LogicalType> {
        self.key.source.iter().map(|i| self.reads[*i].logical).collect()
    }

    fn check(
        &self,
        connections: &BTreeMap<ConnectionName, ConnectionPlan>,
        index: &BTreeMap<EntityName, usize>,
    ) -> Result<(), PlanError> {
        let reads = |columns: &[usize]| columns.iter().all(|i| *i < self.reads.len());
        let referenced = self.fields.iter().filter_map(|field| field.reference.as_ref());
        let is_deferred = |parent: &EntityName| self.deferred.iter().any(|deferred| deferred.parent == *parent);
        let sound = connections.contains_key(&self.source.connection)
            && connections.contains_key(&self.destination.connection)
            && !self.key.source.is_empty()
            && !self.key.destination.is_empty()
            && reads(&self.key.source)
            && self.masks.iter().all(|mask| {
                // The ledger keeps keys as they are.
                reads(&[mask.read]) && reads(&mask.by) && !self.key.source.contains(&mask.read)
            })
            && self.fields.iter().all(|field| reads(&field.sources))
            && self.scripts.iter().all(|script| reads(&script.row))
            && self.deleted_field.is_none_or(|field| field < self.fields.len())
            && self.rules.iter().all(|rule| rule.field < self.fields.len())
            && self
                .rules
                .iter()
                .filter_map(|rule| rule.script.as_ref())
                .flat_map(|script| &script.row)
                .all(|field| *field < self.fields.len())
            && self.parents.iter().all(|parent| index.contains_key(parent) && *parent != self.name)
            && self.deferred.iter().all(|open| open.field < self.fields.len() && index.contains_key(&open.parent))
            && referenced
                .map(|r| &r.entity)
                .all(|entity| *entity == self.name || self.parents.contains(entity) || is_deferred(entity));
        if !sound {
            return Err(PlanError::Dangling(self.name.clone()));
        }
        if !self.masks_whole_columns() {
            return Err(PlanError::Shown(self.name.clone()));
        }
        Ok(())
    }

    /// Whether a column that is read as several types is masked as all of them or as none.
    fn masks_whole_columns(&self) -> bool {
        let is_masked = |read: usize| self.masks.iter().any(|mask| mask.read == read);
        let is_alike = |mask: &MaskPlan| {
            let name = &self.reads[mask.read].name;
            self.reads.iter().enumerate().all(|(at, read)| read.name != *name || is_masked(at))
        };
        self.masks.iter().all(is_alike)
    }

    /// The problem of masks for which there is no key.
    #[must_use]
    pub fn lacks_mask_key(&self) -> Diagnostic {
        let code = Code::MaskKeyMissing;
        let problem = Diagnostic::new(code, format!("there is no key for the masks of `{}`", self.name));
        let problem = problem.help(code.info().remedy);
        match self.masks.first() {
            Some(mask) => problem.at(mask.place.clone()),
            None => problem,
        }
    }
}
