//! Rows in quarantine that a run is asked to try again.
//!
//! Everything that chooses them goes through this one type, so that a run which reads nothing but the chosen rows can be told by it as well.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use transload_model::{EntityName, KeyBytes, Plan};

use crate::reach::{NamedRows, Reach};

/// Rows in quarantine that a run tries again though nothing that they wait for has changed.
#[derive(Debug, Clone, Default)]
pub enum RetrySelection {
    /// None beside those whose time has come.
    #[default]
    None,
    /// All that are open, of every entity.
    All,
    /// All that are open, of one entity.
    Entity(EntityName),
    /// The rows of one entity with these keys, also those of which a person decided that they are not to come.
    Keys(EntityName, Arc<BTreeSet<KeyBytes>>),
}

impl RetrySelection {
    /// Whether it is about rows of the entity.
    pub(crate) fn is_of(&self, entity: &EntityName) -> bool {
        match self {
            Self::None => false,
            Self::All => true,
            Self::Entity(chosen) | Self::Keys(chosen, _) => chosen == entity,
        }
    }

    /// Whether it takes all open rows of the entity.
    pub(crate) fn takes_open_of(&self, entity: &EntityName) -> bool {
        self.is_of(entity) && !matches!(self, Self::Keys(..))
    }

    /// The rows that a run has to look at for it, where these are all: what else moved waits for the next run.
    ///
    /// Rows of an entity that refers to itself, or is filled in a circle, may depend on any other of it, so all of it is looked at.
    pub(crate) fn reach(&self, plan: &Plan) -> Option<Reach> {
        let Self::Keys(entity, keys) = self else { return None };
        plan.entity(entity).filter(|plan| plan.open_fields().is_empty())?;
        let named = NamedRows::with_keys(keys.iter().cloned().collect());
        Some(Reach::Rows { rows: BTreeMap::from([(entity.clone(), Arc::new(named))]), digest_seed: None })
    }

    /// The keys that it names of the entity.
    pub(crate) fn keys_of(&self, entity: &EntityName) -> Arc<BTreeSet<KeyBytes>> {
        match self {
            Self::Keys(chosen, keys) if chosen == entity => Arc::clone(keys),
            _ => Arc::default(),
        }
    }
}
