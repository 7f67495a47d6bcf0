//! Entities that were loaded and that no spec names any more.
//!
//! A spec that is gone, or is not read, is not missed by any check: all that there is gets moved. Only the ledger knows what there was.

use std::collections::BTreeSet;

use transload_model::{Catalog, Code, Destination, Diagnostic, EntityName, LedgerState, Result};

/// A warning for each of them whose table is still there.
///
/// # Errors
/// What keeps the ledger from being read.
pub async fn without_spec(destination: &dyn Destination, specs: &BTreeSet<EntityName>) -> Result<Vec<Diagnostic>> {
    let (ledger, held) = (destination.ledger(&[]).await?, destination.catalog().await?);
    warnings(destination, (&ledger, &held), specs).await
}

/// The same, where ledger and tables were looked at already.
pub(crate) async fn warnings(
    destination: &dyn Destination,
    (ledger, held): (&LedgerState, &Catalog),
    specs: &BTreeSet<EntityName>,
) -> Result<Vec<Diagnostic>> {
    let mut warnings = Vec::new();
    for position in ledger.positions.values().filter(|position| !specs.contains(&position.entity)) {
        let (entity, table) = (&position.entity, &position.destination_table);
        // That of another schema is most likely loaded by another project.
        if held.table(table).is_none() {
            continue;
        }
        let loaded: u64 = destination.segments(entity).await?.iter().map(|head| head.present).sum();
        if loaded == 0 {
            continue;
        }
        let rows = if loaded == 1 { "1 row".to_owned() } else { format!("{loaded} rows") };
        let headline =
            format!("no spec names `{entity}`, of which `{table}` holds {rows}: they are not moved any more");
        let problem = Diagnostic::warning(Code::EntityWithoutSpec, headline);
        warnings.push(problem.help(Code::EntityWithoutSpec.info().remedy));
    }
    Ok(warnings)
}
