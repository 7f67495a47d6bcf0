//! Entities and columns that are named on the command line.

use std::collections::BTreeSet;

use transload_model::{Code, ColumnName, Diagnostic, EntityName, EntityPlan, Plan, nearest};

use super::failure::{Failure, unknown_entity};

/// The entities of these names; without any, all of the plan.
pub(crate) fn entities(texts: &[String], plan: &Plan) -> Result<BTreeSet<EntityName>, Failure> {
    among(texts, plan.entities().iter().map(|entity| &entity.name))
}

/// The entities of these names; without any, all that there are.
pub(crate) fn among<'a>(
    texts: &[String],
    names: impl Iterator<Item = &'a EntityName>,
) -> Result<BTreeSet<EntityName>, Failure> {
    let names: Vec<&EntityName> = names.collect();
    let named = |text: &String| {
        let found = names.iter().find(|name| name.as_str() == text);
        found.map(|name| (*name).clone()).ok_or_else(|| unknown_entity(text, &names))
    };
    let chosen: BTreeSet<EntityName> = texts.iter().map(named).collect::<Result<_, _>>()?;
    Ok(if chosen.is_empty() { names.into_iter().cloned().collect() } else { chosen })
}

/// The destination columns of these names, of which each is written for one of these entities.
pub(crate) fn columns(
    texts: &[String],
    plan: &Plan,
    entities: &BTreeSet<EntityName>,
) -> Result<BTreeSet<ColumnName>, Failure> {
    let meant = plan.entities().iter().filter(|entity| entities.contains(&entity.name));
    let written: BTreeSet<&ColumnName> = meant.flat_map(EntityPlan::written).collect();
    let named = |text: &String| {
        let found = written.iter().find(|name| name.as_str() == text);
        found.map(|name| (*name).clone()).ok_or_else(|| unknown_column(text, &written))
    };
    texts.iter().map(named).collect()
}

fn unknown_column(text: &str, written: &BTreeSet<&ColumnName>) -> Failure {
    let problem = Diagnostic::new(Code::NotWritten, format!("none of these entities writes a column `{text}`"));
    let near = nearest(text, written.iter().map(|name| name.as_str()));
    let help = near.map(|near| format!("did you mean `{near}`?"));
    problem.help(help.unwrap_or_else(|| Code::NotWritten.info().remedy.to_owned())).into()
}
