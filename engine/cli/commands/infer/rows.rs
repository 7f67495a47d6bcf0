//! Looks at a few rows of the columns whose types say too little.

use std::collections::{BTreeMap, BTreeSet};

use transload_infer::{FieldDraft, Inferred, Observations, Observed};
use transload_model::{Catalog, ColumnName, ReadColumn, Relation, Table, TableName, TransformFactory};
use transload_run::{Wanted, find};

use crate::cli::failure::Failure;
use crate::cli::wiring::Ends;

/// Rows of each table, from the lowest key on.
const ROWS: usize = 1000;

/// What the rows of columns look like that guesses are unsure of. Nothing but their shape is kept.
pub(super) async fn observed(ends: &Ends, source: &Catalog, guesses: &Inferred) -> Result<Observations, Failure> {
    let open = open(source, guesses);
    let tables: Vec<Relation> = open.keys().map(|name| Relation::all((*name).clone())).collect();
    let mut seen = Observations::new();
    if tables.is_empty() {
        return Ok(seen);
    }
    let snapshot = ends.source.snapshot(&tables, 1).await?;
    let mut reader = snapshot.reader().await?;
    for (name, columns) in open {
        let Some((columns, key)) = source.table(name).and_then(|table| request(table, &columns)) else { continue };
        let found = find(reader.as_mut(), &Relation::all(name.clone()), &columns, &key, &Wanted::First(ROWS)).await?;
        for (column, cells) in columns.iter().zip(found.rows.columns()) {
            let texts = ends.functions.texts(cells, column.logical);
            seen.insert((name.clone(), column.name.clone()), Observed::of(&texts));
        }
    }
    Ok(seen)
}

/// The columns that rows would tell more of, by table.
fn open<'a>(source: &'a Catalog, guesses: &'a Inferred) -> BTreeMap<&'a TableName, BTreeSet<&'a ColumnName>> {
    let mut open: BTreeMap<&TableName, BTreeSet<&ColumnName>> = BTreeMap::new();
    let drafts = guesses.drafts.iter().map(|draft| (&draft.source_table, &draft.fields));
    let additions = guesses.additions.iter().map(|addition| (&addition.source_table, &addition.fields));
    for (table, fields) in drafts.chain(additions).filter(|(table, _)| source.table(table).is_some()) {
        let columns = fields.iter().filter(|field| field.asks).flat_map(FieldDraft::sources);
        let mut columns = columns.peekable();
        if columns.peek().is_some() {
            open.entry(table).or_default().extend(columns);
        }
    }
    open
}

/// The columns to read, and which of them are the key; `None` where rows have no order.
fn request(table: &Table, wanted: &BTreeSet<&ColumnName>) -> Option<(Vec<ReadColumn>, Vec<usize>)> {
    let names = if table.primary_key.is_empty() { table.keys().next()? } else { &table.primary_key };
    let others = wanted.iter().copied().filter(|name| !names.contains(name));
    let columns = names.iter().chain(others).map(|name| {
        let column = table.column(name)?;
        Some(ReadColumn { name: column.name.clone(), logical: column.logical })
    });
    let columns: Vec<ReadColumn> = columns.collect::<Option<_>>()?;
    let can_be_key = columns.iter().take(names.len()).all(|column| column.logical.can_be_key());
    can_be_key.then(|| (columns, (0..names.len()).collect()))
}
