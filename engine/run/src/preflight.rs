//! What must hold before the first row is read.

use std::collections::BTreeMap;

use transload_model::{
    Catalog, Code, ColumnName, ConnectionName, Destination, DetectionPlan, Diagnostic, EntityPlan, KeyStrategy,
    LedgerState, Result, Table, TableName, TableRef, table_changes,
};

use crate::context::Context;
use crate::start::Job;

/// Refuses a destination that is not what the plan was made for.
pub(crate) fn check_tables(job: &Job, held: &Catalog) -> Result<()> {
    job.plan.entities().iter().try_for_each(|entity| {
        let TableRef { connection, table } = &entity.destination;
        check_table(&job.catalogs, (connection, "destination"), (table, held.table(table)))
    })
}

/// Refuses sources that are not what the plan was made for. What a spec's own SQL gives is checked while it is read.
pub(crate) fn check_sources(job: &Job, catalogs: &BTreeMap<ConnectionName, Catalog>) -> Result<()> {
    job.plan.entities().iter().try_for_each(|entity| {
        let relation = entity.relation();
        let Some(table) = relation.stored() else { return Ok(()) };
        let connection = &entity.source.connection;
        let now = catalogs.get(connection).and_then(|catalog| catalog.table(table));
        check_table(&job.catalogs, (connection, "source"), (table, now))
    })
}

fn check_table(
    planned: &BTreeMap<ConnectionName, Catalog>,
    (connection, side): (&ConnectionName, &str),
    (table, now): (&TableName, Option<&Table>),
) -> Result<()> {
    let before = planned.get(connection).and_then(|catalog| catalog.table(table));
    let changes = table_changes(before, now);
    if changes.is_empty() {
        return Ok(());
    }
    let headline = format!("`{table}` of the {side} changed since this run was planned");
    let problem = Diagnostic::new(Code::SchemaDrift, headline).at(format!("connection `{connection}`"));
    let told = changes.iter().fold(problem, |problem, change| problem.note(change.to_string()));
    Err(Box::new(told.help("run again: the plan is made anew")))
}

/// Refuses keys that cannot tell rows apart, where the source's own constraints do not say that they can.
pub(crate) async fn check_keys(
    plan: &EntityPlan,
    catalogs: &BTreeMap<ConnectionName, Catalog>,
    context: &Context,
) -> Result<()> {
    let key: Vec<ColumnName> = plan.key.source.iter().map(|part| plan.reads[*part].name.clone()).collect();
    let relation = plan.relation();
    let stored = relation.stored();
    let table = catalogs.get(&plan.source.connection).and_then(|catalog| catalog.table(stored?));
    if table.is_some_and(|table| table.is_unique(&key)) {
        return Ok(());
    }
    let repeated = context.reader(plan).await?.count_repeated_keys(&relation, &key).await?;
    if repeated == 0 {
        return Ok(());
    }
    let headline = format!("{repeated} keys of `{}` occur more than once in `{}`", plan.name, plan.source.table);
    let names: Vec<&str> = key.iter().map(ColumnName::as_str).collect();
    let note = format!("the key is {}", names.join(", "));
    Err(Box::new(Diagnostic::new(Code::KeyNotUnique, headline).note(note).help(Code::KeyNotUnique.info().remedy)))
}

/// Compares what the destination holds with what the ledger says was loaded.
pub(crate) async fn check_destination(
    plan: &EntityPlan,
    (job, ledger): (&Job, &LedgerState),
) -> Result<Option<Diagnostic>> {
    let (destination, options) = (&*job.destination, &job.options);
    let held = destination.count(&plan.destination.table).await?;
    let loaded: u64 = destination.segments(&plan.name).await?.iter().map(|head| head.present).sum();
    let is_known = ledger.positions.contains_key(&plan.name);
    let table = &plan.destination.table;
    if loaded == 0 && held > 0 {
        check_owner(plan, destination, ledger).await?;
    }
    if !is_known && held > 0 && !options.adopt_existing {
        let headline = format!("`{table}` holds {} that no ledger knows", rows(held));
        let help = "empty the table, or load into another one; `run --adopt-existing` takes rows with the keys of your spec as loaded";
        return Err(Box::new(Diagnostic::new(Code::DestinationNotEmpty, headline).help(help)));
    }
    if !is_known && held > 0 && matches!(plan.key.strategy, KeyStrategy::Minted { .. }) {
        let headline = format!("`{table}` holds {} that cannot be told from one another", rows(held));
        let note = format!("keys of `{}` are made when its rows are loaded", plan.name);
        let help = "empty the table, or choose a key that follows from the source's: `keep` or `uuid_v5`";
        return Err(Box::new(Diagnostic::new(Code::DestinationNotEmpty, headline).note(note).help(help)));
    }
    let position = ledger.positions.get(&plan.name);
    let moved = position.filter(|position| position.destination_table != *table).map(|position| {
        let (before, now) = whole_names(job, plan, &position.destination_table);
        format!("`{}` was loaded into `{before}`, and now goes to `{now}`", plan.name)
    });
    let rekeyed = position.filter(|position| position.key_fingerprint != plan.key_fingerprint);
    let rekeyed = rekeyed.map(|_| format!("the key of `{}` changed after rows were loaded", plan.name));
    if let Some(headline) = moved.or(rekeyed).filter(|_| loaded > 0) {
        let code = Code::KeyChanged;
        let place = format!("spec {}", plan.spec_path);
        return Err(Box::new(Diagnostic::new(code, headline).at(place).help(code.info().remedy)));
    }
    if held < loaded && plan.detection != DetectionPlan::Full && !options.repair {
        let headline = format!("`{table}` holds {}, {loaded} were loaded into it", rows(held));
        let problem = Diagnostic::new(Code::LedgerMismatch, headline);
        return Err(Box::new(problem.help(Code::LedgerMismatch.info().remedy)));
    }
    let are_adopted = !is_known && options.adopt_existing;
    if held > loaded && !are_adopted {
        let headline = format!("`{table}` holds {}, {loaded} were loaded into it: someone else adds rows", rows(held));
        return Ok(Some(Diagnostic::warning(Code::LedgerMismatch, headline)));
    }
    Ok(None)
}

/// The table that an entity was loaded into, and the one that it goes to, with their schemas where there are any. The ledger has a table of the
/// connection's schema without it.
fn whole_names(job: &Job, plan: &EntityPlan, before: &TableName) -> (String, String) {
    let TableRef { connection, table } = &plan.destination;
    let schema = job.plan.connection(connection).map(|connection| connection.schema.as_str()).unwrap_or_default();
    let whole = |table: &TableName| match schema {
        "" => table.to_string(),
        _ if table.as_str().contains('.') => table.to_string(),
        schema => format!("{schema}.{table}"),
    };
    (whole(before), whole(table))
}

/// Refuses a table whose rows the ledger has under another entity's name: most likely this one's, before it was renamed.
async fn check_owner(plan: &EntityPlan, destination: &dyn Destination, ledger: &LedgerState) -> Result<()> {
    let table = &plan.destination.table;
    let others =
        ledger.positions.values().filter(|other| other.entity != plan.name && other.destination_table == *table);
    for owner in others.map(|other| &other.entity) {
        let loaded: u64 = destination.segments(owner).await?.iter().map(|head| head.present).sum();
        if loaded == 0 {
            continue;
        }
        let headline =
            format!("`{table}` holds {} of entity `{owner}`, and `{}` would load into it", rows(loaded), plan.name);
        let help = format!(
            "was the entity renamed, write `entity_type: {owner}` in {} again; else start over with an empty table and no ledger (docs/ledger.md)",
            plan.spec_path
        );
        let problem = Diagnostic::new(Code::KeyChanged, headline).at(format!("spec {}", plan.spec_path));
        return Err(Box::new(problem.note("the ledger keeps rows and their keys under the entity's name").help(help)));
    }
    Ok(())
}

fn rows(count: u64) -> String {
    if count == 1 { "1 row".to_owned() } else { format!("{count} rows") }
}

#[cfg(test)]
mod tests {
    use transload_model::SideEffects;

    use super::*;

    #[test]
    fn a_table_that_changed_since_the_plan_is_told_with_its_end() {
        let (name, table) = (ConnectionName::parse("legacy").unwrap(), TableName::parse("people").unwrap());
        let held = Table {
            name: table.clone(),
            columns: Vec::new(),
            primary_key: Vec::new(),
            unique_keys: Vec::new(),
            foreign_keys: Vec::new(),
            side_effects: SideEffects::default(),
        };
        let mut catalog = Catalog::default();
        catalog.tables.insert(table.clone(), held);
        let planned = BTreeMap::from([(name.clone(), catalog)]);
        for side in ["source", "destination"] {
            let problem = check_table(&planned, (&name, side), (&table, None)).unwrap_err();
            assert_eq!(problem.headline, format!("`people` of the {side} changed since this run was planned"));
            assert_eq!(problem.notes, ["the table is gone"]);
        }
    }
}
