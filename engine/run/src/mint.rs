//! New keys, and those that were new once.
//!
//! A key that is made and not computed is found again in the ledger's mappings, which commit with the row. One that was made for a row which
//! then was not loaded is never used.

use std::sync::{Arc, Mutex};

use arrow::array::{ArrayRef, FixedSizeBinaryBuilder, Int64Array};
use transload_model::{
    Code, ColumnName, Destination, Diagnostic, EntityName, EntityPlan, KeyBytes, LogicalType, Mint, Result, TableName,
    TransformContext,
};
use twox_hash::XxHash3_64;
use uuid::{ContextV7, Timestamp, Uuid};

/// Makes the destination keys of one entity.
pub(crate) struct Minter {
    entity: EntityName,
    /// The key column, and its table.
    column: (TableName, Option<ColumnName>),
    mint: Mint,
    made: LogicalType,
    /// Where its keys are kept; none where nothing is loaded.
    destination: Option<Arc<dyn Destination>>,
    /// Keeps new UUIDs in the order in which they are made.
    counter: Mutex<ContextV7>,
    /// The run's start, in seconds and nanoseconds: the time of all its UUIDs.
    moment: (u64, u32),
}

impl Minter {
    pub(crate) fn new(
        plan: &EntityPlan,
        mint: Mint,
        context: &TransformContext,
        destination: Option<&Arc<dyn Destination>>,
    ) -> Self {
        let seconds = u64::try_from(context.now.timestamp()).unwrap_or_default();
        Self {
            entity: plan.name.clone(),
            column: (plan.destination.table.clone(), plan.key.destination.first().cloned()),
            mint,
            made: plan.key.strategy.made().unwrap_or(LogicalType::Uuid),
            destination: destination.cloned(),
            counter: Mutex::new(ContextV7::new()),
            moment: (seconds, context.now.timestamp_subsec_nanos()),
        }
    }

    /// The keys of rows that were loaded.
    ///
    /// # Errors
    /// `TL0501` where the ledger does not know one.
    pub(crate) async fn stored(&self, keys: &[Option<KeyBytes>]) -> Result<ArrayRef> {
        self.column(&self.loaded(keys).await?)
    }

    /// The keys of rows of which some may not be loaded; NULL for those.
    pub(crate) async fn perhaps(&self, keys: &[Option<KeyBytes>]) -> Result<ArrayRef> {
        self.column(&self.known(keys).await?)
    }

    async fn loaded(&self, keys: &[Option<KeyBytes>]) -> Result<Vec<Option<String>>> {
        let known = self.known(keys).await?;
        if keys.iter().zip(&known).any(|(key, known)| key.is_some() && known.is_none()) {
            let headline = format!("the ledger has no key of a row of `{}` that was loaded", self.entity);
            let problem = Diagnostic::new(Code::LedgerCorrupted, headline);
            return Err(Box::new(problem.help(Code::LedgerCorrupted.info().remedy)));
        }
        Ok(known)
    }

    /// The keys of rows: a new one for each row that `is_new` says so of, else the one that it has; NULL where there is no row.
    pub(crate) async fn own(&mut self, keys: &[Option<KeyBytes>], is_new: &[bool]) -> Result<ArrayRef> {
        let old: Vec<Option<KeyBytes>> =
            keys.iter().zip(is_new).map(|(key, is_new)| key.clone().filter(|_| !is_new)).collect();
        let mut texts = self.loaded(&old).await?;
        let wanted: Vec<usize> = (0..keys.len()).filter(|row| keys[*row].is_some() && is_new[*row]).collect();
        for (row, new) in wanted.iter().zip(self.new_texts(wanted.len()).await?) {
            texts[*row] = Some(new);
        }
        self.column(&texts)
    }

    /// Values that are no keys, in place of keys that are not made yet.
    pub(crate) fn places(&self, keys: &[Option<KeyBytes>]) -> Result<ArrayRef> {
        let text = || if self.made == LogicalType::Integer { "0".to_owned() } else { Uuid::nil().to_string() };
        self.column(&keys.iter().map(|key| key.as_ref().map(|_| text())).collect::<Vec<_>>())
    }

    /// What a trial shows: the keys of rows that are loaded, and for each other row one that is always the same.
    pub(crate) async fn tried(&self, keys: &[Option<KeyBytes>]) -> Result<ArrayRef> {
        let mut texts = self.known(keys).await?;
        for (key, text) in keys.iter().zip(&mut texts) {
            if let (Some(key), None) = (key, &text) {
                let number = XxHash3_64::oneshot(format!("{}:{}", self.entity, key.text()).as_bytes());
                let uuid = || format!("00000000-0000-7000-8000-{:012x}", number >> 16);
                *text = Some(if self.made == LogicalType::Integer { (number >> 33).to_string() } else { uuid() });
            }
        }
        self.column(&texts)
    }

    async fn known(&self, keys: &[Option<KeyBytes>]) -> Result<Vec<Option<String>>> {
        let asked: Vec<KeyBytes> = keys.iter().flatten().cloned().collect();
        let mut found = match &self.destination {
            Some(destination) if !asked.is_empty() => destination.mappings(&self.entity, &asked).await?.into_iter(),
            _ => Vec::new().into_iter(),
        };
        Ok(keys.iter().map(|key| key.as_ref().and_then(|_| found.next().flatten())).collect())
    }

    async fn new_texts(&mut self, count: usize) -> Result<Vec<String>> {
        match (self.mint, &self.destination, &self.column) {
            _ if count == 0 => Ok(Vec::new()),
            (Mint::Database, Some(destination), (table, Some(column))) => {
                destination.new_defaults(table, column, count).await
            }
            (Mint::Database, ..) => {
                let headline = format!("`{}` gets its keys from the database, and there is none", self.entity);
                Err(Box::new(Diagnostic::new(Code::KeyMissing, headline)))
            }
            (Mint::UuidV7, ..) => {
                let (seconds, nanos) = self.moment;
                let new = || Uuid::new_v7(Timestamp::from_unix(&self.counter, seconds, nanos)).to_string();
                Ok(std::iter::repeat_with(new).take(count).collect())
            }
        }
    }

    fn column(&self, texts: &[Option<String>]) -> Result<ArrayRef> {
        let unreadable = |text: &str| no_key(&self.entity, self.made, text);
        if self.made == LogicalType::Integer {
            let number = |text: &Option<String>| match text {
                Some(text) => text.parse().map(Some).map_err(|_| unreadable(text)),
                None => Ok(None),
            };
            let numbers: Vec<Option<i64>> = texts.iter().map(number).collect::<Result<_>>()?;
            return Ok(Arc::new(Int64Array::from(numbers)));
        }
        let mut uuids = FixedSizeBinaryBuilder::with_capacity(texts.len(), 16);
        for text in texts {
            match text {
                Some(text) => {
                    let uuid = Uuid::try_parse(text).map_err(|_| unreadable(text))?;
                    uuids.append_value(uuid.as_bytes()).map_err(|_| unreadable(text))?;
                }
                None => uuids.append_null(),
            }
        }
        Ok(Arc::new(uuids.finish()))
    }
}

/// What a column's default gave, or the ledger holds, is no key.
fn no_key(entity: &EntityName, made: LogicalType, text: &str) -> Box<Diagnostic> {
    let headline =
        format!("a key of `{entity}` that was made is no {made}, but has {} characters", text.chars().count());
    let problem = Diagnostic::new(Code::KeyType, headline);
    Box::new(problem.help("look at the default of the key column, and at the mappings of the ledger"))
}
