//! From old keys to new keys.
//!
//! A destination key follows from the source key alone: it is computed from it, or the ledger keeps which it was. That is what lets a row be
//! found again at the destination when all that is left of it is its key: to delete it, or to refer to it.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, Date32Builder, FixedSizeBinaryBuilder, Int64Builder, StringBuilder, TimestampMicrosecondBuilder,
    new_null_array,
};
use arrow::datatypes::{Field, Schema};
use arrow::record_batch::RecordBatch;
use transload_model::{
    Code, Destination, Diagnostic, EntityName, EntityPlan, EntityTransform, KeyBytes, KeyStrategy, KeyValue,
    LogicalType, Plan, Result, RowFault, TransformContext, TransformFactory,
};
use uuid::Uuid;

use crate::mint::Minter;

/// Derives the destination keys of one entity.
pub(crate) enum KeyDeriver {
    UuidV5 { entity: EntityName, namespace: Uuid },
    Minted(Box<Minter>),
    Keep(Box<Keep>),
}

/// Of which rows the keys are, where they are made and not computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Of {
    /// Rows that are loaded: the ledger knows their keys.
    Loaded,
    /// Rows of which some may not be loaded, or could not be: those have none.
    Perhaps,
    /// Rows of which some are not loaded yet: values stand for their keys.
    Coming,
    /// Rows of a trial.
    Tried,
}

/// What keys are derived with.
#[derive(Clone, Copy)]
pub(crate) struct KeyBasis<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) factory: &'a dyn TransformFactory,
    pub(crate) context: &'a TransformContext,
    /// Where keys that were made are kept; none where nothing is loaded.
    pub(crate) destination: Option<&'a Arc<dyn Destination>>,
}

/// Keys that are computed by the entity's own fields.
pub(crate) struct Keep {
    /// The entity's plan with no fields but those of the key, in key order.
    plan: EntityPlan,
    transform: Box<dyn EntityTransform>,
    /// For each of them that is a reference, the parent's keys, and the column of them that it takes.
    parents: Vec<Option<(KeyDeriver, usize)>>,
}

impl KeyDeriver {
    /// The deriver of `entity`.
    pub(crate) fn new(basis: KeyBasis<'_>, entity: &EntityPlan) -> Result<Self> {
        match entity.key.strategy {
            KeyStrategy::UuidV5 { namespace, .. } => Ok(Self::UuidV5 { entity: entity.name.clone(), namespace }),
            KeyStrategy::Minted { mint, .. } => {
                let minter = Minter::new(entity, mint, basis.context, basis.destination);
                Ok(Self::Minted(Box::new(minter)))
            }
            KeyStrategy::Keep => Self::kept(basis, entity),
        }
    }

    fn kept(basis: KeyBasis<'_>, entity: &EntityPlan) -> Result<Self> {
        let mut columns = Vec::new();
        for name in &entity.key.destination {
            let is_it = |field: &transload_model::FieldPlan| field.destination == *name;
            let field = entity.fields.iter().position(is_it).ok_or_else(|| unfilled(entity, name.as_str()))?;
            let reference = entity.fields[field].reference.as_ref().filter(|reference| reference.entity != entity.name);
            let parent = reference.and_then(|reference| Some((basis.plan.entity(&reference.entity)?, reference)));
            let parent = match parent {
                Some((parent, reference)) => Some((Self::new(basis, parent)?, parent.position_of(reference))),
                None => None,
            };
            columns.push((field, parent));
        }
        // Only the key's own fields: another field may fail on a row of which nothing but the key is known.
        let mut plan = entity.clone();
        plan.fields = columns.iter().map(|(field, _)| entity.fields[*field].clone()).collect();
        plan.rules.clear();
        // Keys are never masked.
        plan.masks.clear();
        let parents = columns.into_iter().map(|(_, parent)| parent).collect();
        let transform = basis.factory.compile(&plan, basis.context)?;
        Ok(Self::Keep(Box::new(Keep { plan, transform, parents })))
    }

    /// The destination key columns for source keys; NULL where there is none.
    pub(crate) async fn derive(&mut self, keys: &[Option<KeyBytes>], of: Of) -> Result<Vec<ArrayRef>> {
        match self {
            Self::Minted(minter) => Ok(vec![match of {
                Of::Loaded => minter.stored(keys).await?,
                Of::Perhaps => minter.perhaps(keys).await?,
                Of::Coming => minter.places(keys)?,
                Of::Tried => minter.tried(keys).await?,
            }]),
            Self::UuidV5 { entity, namespace } => {
                let mut uuids = FixedSizeBinaryBuilder::with_capacity(keys.len(), 16);
                for key in keys {
                    match key {
                        Some(key) => uuids
                            .append_value(uuid_v5(*namespace, entity, key).as_bytes())
                            .map_err(|error| underivable(entity, &error.to_string()))?,
                        None => uuids.append_null(),
                    }
                }
                Ok(vec![Arc::new(uuids.finish())])
            }
            Self::Keep(keep) => Box::pin(keep.derive(keys, of)).await,
        }
    }

    /// The key columns of rows of which some are new.
    pub(crate) async fn derive_own(&mut self, keys: &[Option<KeyBytes>], is_new: &[bool]) -> Result<Vec<ArrayRef>> {
        match self {
            Self::Minted(minter) => Ok(vec![minter.own(keys, is_new).await?]),
            _ => self.derive(keys, Of::Loaded).await,
        }
    }
}

/// The UUID of `<entity>:<key text>`.
pub(crate) fn uuid_v5(namespace: Uuid, entity: &EntityName, key: &KeyBytes) -> Uuid {
    Uuid::new_v5(&namespace, format!("{entity}:{}", key.text()).as_bytes())
}

fn unfilled(entity: &EntityPlan, column: &str) -> Box<Diagnostic> {
    let headline = format!("key column `{column}` of `{}` is filled by no field", entity.name);
    Box::new(Diagnostic::new(Code::KeyMissing, headline))
}

fn underivable(entity: &EntityName, why: &str) -> Box<Diagnostic> {
    let headline = format!("a key of `{entity}` that was loaded before cannot be derived any more");
    let help = "undo the last change of the spec's key fields, or start over with an empty destination";
    Box::new(Diagnostic::new(Code::KeyMissing, headline).note(why).help(help))
}

impl Keep {
    async fn derive(&mut self, keys: &[Option<KeyBytes>], of: Of) -> Result<Vec<ArrayRef>> {
        let rows = key_rows(&self.plan, keys)?;
        let transformed = self.transform.transform(&rows, &[]);
        let is_meant = |fault: &&RowFault| of != Of::Perhaps && keys[fault.row].is_some();
        if let Some(fault) = transformed.faults.iter().find(is_meant) {
            return Err(underivable(&self.plan.name, &fault.message));
        }
        let mut columns = Vec::with_capacity(self.parents.len());
        for (column, parent) in transformed.columns.iter().zip(&mut self.parents) {
            columns.push(match parent {
                Some((parent, taken)) => {
                    parent.derive(&crate::rows::referred_keys(column)?, of).await?.swap_remove(*taken)
                }
                None => Arc::clone(column),
            });
        }
        Ok(columns)
    }
}

/// Source rows of which only the key is known.
fn key_rows(plan: &EntityPlan, keys: &[Option<KeyBytes>]) -> Result<RecordBatch> {
    let mut parts: Vec<Vec<Option<KeyValue<'static>>>> = vec![Vec::with_capacity(keys.len()); plan.key.source.len()];
    for key in keys {
        let values = key.as_ref().map(KeyBytes::decode).transpose();
        let values = values.map_err(|error| underivable(&plan.name, &error.to_string()))?;
        let mut values = values.unwrap_or_default().into_iter();
        for part in &mut parts {
            part.push(values.next());
        }
    }
    let mut fields = Vec::new();
    let mut columns = Vec::new();
    for (i, read) in plan.reads.iter().enumerate() {
        fields.push(Field::new(read.name.as_str(), read.logical.arrow(), true));
        let part = plan.key.source.iter().position(|source| *source == i);
        columns.push(match part {
            Some(part) => {
                key_column(&parts[part], read.logical).ok_or_else(|| underivable(&plan.name, "its type changed"))?
            }
            None => new_null_array(&read.logical.arrow(), keys.len()),
        });
    }
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)
        .map_err(|error| underivable(&plan.name, &error.to_string()))
}

fn key_column(parts: &[Option<KeyValue<'_>>], logical: LogicalType) -> Option<ArrayRef> {
    macro_rules! collect {
        ($builder:expr, $variant:ident, $take:expr) => {{
            let mut cells = $builder;
            for part in parts {
                match part {
                    None => cells.append_null(),
                    Some(KeyValue::$variant(value)) => $take(&mut cells, value),
                    Some(_) => return None,
                }
            }
            Arc::new(cells.finish()) as ArrayRef
        }};
    }
    Some(match logical {
        LogicalType::Integer => {
            collect!(Int64Builder::new(), Integer, |c: &mut Int64Builder, v: &i64| c.append_value(*v))
        }
        LogicalType::Date => collect!(Date32Builder::new(), Date, |c: &mut Date32Builder, v: &i32| c.append_value(*v)),
        LogicalType::Timestamp => {
            collect!(TimestampMicrosecondBuilder::new(), Timestamp, |c: &mut TimestampMicrosecondBuilder, v: &i64| c
                .append_value(*v))
        }
        LogicalType::Text => collect!(StringBuilder::new(), Text, |c: &mut StringBuilder, v: &str| c.append_value(v)),
        LogicalType::Uuid => {
            let mut cells = FixedSizeBinaryBuilder::with_capacity(parts.len(), 16);
            for part in parts {
                match part {
                    None => cells.append_null(),
                    Some(KeyValue::Uuid(bytes)) => cells.append_value(bytes).ok()?,
                    Some(_) => return None,
                }
            }
            Arc::new(cells.finish())
        }
        _ => return None,
    })
}

/// The text of a row's destination key, for `migration_mappings`: one column as its canonical text.
pub(crate) fn mapping_text(strategy: KeyStrategy, columns: &[ArrayRef], row: usize) -> Option<String> {
    strategy.made()?;
    let column = columns.first()?;
    if let Some(numbers) = column.as_any().downcast_ref::<arrow::array::Int64Array>() {
        return Some(numbers.value(row).to_string());
    }
    let uuids = column.as_any().downcast_ref::<arrow::array::FixedSizeBinaryArray>()?;
    Uuid::from_slice(uuids.value(row)).ok().map(|uuid| uuid.to_string())
}
