//! The rows that are set aside, as the ledger has them.
//!
//! They are what a person mends specs by. So nothing is compiled to show them: a spec that is wrong, or a table that is gone, is no reason not to.

use std::collections::BTreeSet;

use transload_model::{EntityName, HeldRow, KeyBytes, KeyValue, LogicalType, TransformFactory};
use transload_run::parse_key;
use transload_spec::{Catalogs, Project};
use transload_transform::Functions;

use crate::cli::failure::{Failure, unknown_entity};
use crate::cli::wiring::{self, Chosen};

use super::not_held;

/// What is set aside of a project's entities.
pub(super) struct Held {
    rows: Vec<HeldRow>,
    /// The entities that the project moves; unknown where a spec of it cannot be read.
    names: Option<BTreeSet<EntityName>>,
}

impl Held {
    pub(super) async fn open(chosen: &Chosen) -> Result<Self, Failure> {
        let project = wiring::project(chosen)?;
        let rows = match wiring::existing_destination(&project).await? {
            Some(destination) => destination.quarantine(None).await?,
            None => Vec::new(),
        };
        let names = names(&project);
        // Other projects may have their rows in the same ledger.
        let is_own = |held: &HeldRow| names.as_ref().is_none_or(|names| names.contains(&held.row.entity));
        Ok(Self { rows: rows.into_iter().filter(is_own).collect(), names })
    }

    /// Those of an entity, or all.
    pub(super) fn rows(self, entity: Option<&str>) -> Result<Vec<HeldRow>, Failure> {
        let Some(text) = entity else { return Ok(self.rows) };
        self.check(text)?;
        Ok(self.rows.into_iter().filter(|held| held.row.entity.as_str() == text).collect())
    }

    /// The one with this key.
    pub(super) fn row(self, entity: &str, key: &str) -> Result<HeldRow, Failure> {
        let name = self.check(entity)?;
        let functions = Functions::new(&[])?;
        let is_it = |held: &HeldRow| parse_key(&functions as &dyn TransformFactory, &types(&held.row.key), key);
        let mut rows = self.rows.into_iter().filter(|held| held.row.entity == name);
        rows.find(|held| is_it(held).is_ok_and(|key| key == held.row.key)).ok_or_else(|| not_held(&name, key))
    }

    fn check(&self, text: &str) -> Result<EntityName, Failure> {
        let of_rows = || self.rows.iter().map(|held| held.row.entity.clone()).collect();
        let names = self.names.clone().unwrap_or_else(of_rows);
        let found = names.iter().find(|name| name.as_str() == text).cloned();
        found.ok_or_else(|| unknown_entity(text, &names.iter().collect::<Vec<_>>()))
    }
}

fn names(project: &Project) -> Option<BTreeSet<EntityName>> {
    let outlines = transload_spec::outlines(project, &Catalogs::new()).ok()?;
    Some(outlines.into_iter().filter(|spec| spec.is_active).map(|spec| spec.entity).collect())
}

/// The types of a key's columns, as far as they matter for reading one of its kind.
fn types(key: &KeyBytes) -> Vec<LogicalType> {
    let of_part = |part: &KeyValue<'_>| match part {
        KeyValue::Integer(_) => LogicalType::Integer,
        KeyValue::Date(_) => LogicalType::Date,
        KeyValue::Timestamp(_) => LogicalType::Timestamp,
        KeyValue::Text(_) => LogicalType::Text,
        KeyValue::Uuid(_) => LogicalType::Uuid,
    };
    key.decode().map(|parts| parts.iter().map(of_part).collect()).unwrap_or_default()
}
