//! What tests start from: columns from text, and plans of one entity.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array as _, ArrayRef, AsArray as _, StringArray};
use arrow::datatypes::{Field as ArrowField, Schema};
use arrow::record_batch::RecordBatch;
use chrono::{TimeZone as _, Utc};
use serde_json::Value;
use transload_model::{
    Call, ColumnName, ConnectionName, DeletePolicy, EntityName, EntityPlan, EntityTransform, FieldPlan, Function,
    KeyPlan, KeyStrategy, LoadPolicy, LogicalType, Mask, MaskKey, MaskPlan, OnFailure, ReadColumn, RulePlan, Script,
    Selection, TableName, TableRef, TransformContext, TransformFactory as _, Vocabulary as _,
};

use crate::Functions;
use crate::convert::{canonical, convert};

/// A column of a type from canonical texts.
pub(crate) fn column(logical: LogicalType, texts: &[Option<&str>]) -> ArrayRef {
    let texts: ArrayRef = Arc::new(StringArray::from(texts.to_vec()));
    let column = convert(&texts, LogicalType::Text, logical, None);
    assert_eq!(column.faults, [], "a test's own value");
    column.array
}

/// The canonical texts of a column.
pub(crate) fn texts(values: &ArrayRef, logical: LogicalType) -> Vec<Option<String>> {
    let texts = canonical::texts(values, logical).array;
    texts.as_string::<i32>().iter().map(|text| text.map(str::to_owned)).collect()
}

/// A type by its name.
pub(crate) fn logical(name: &str) -> LogicalType {
    name.parse().unwrap()
}

/// A table of cases in `cases/`.
pub(crate) fn cases(name: &str) -> Vec<Value> {
    let path = format!("{}/cases/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The secret of masks.
pub(crate) const SECRET: &str = "the key of the tests, which is no secret";

/// A run on 2026-11-20 at noon.
pub(crate) fn context() -> TransformContext {
    let vars = [("country_prefix", Value::from("+1")), ("limit", Value::from(3)), ("rate", Value::from(0.5))];
    TransformContext {
        now: Utc.with_ymd_and_hms(2026, 11, 20, 12, 0, 0).unwrap(),
        environment: "test".to_owned(),
        vars: vars.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        mask_key: MaskKey::new(SECRET).ok(),
    }
}

/// An entity under construction.
pub(crate) struct Given {
    plan: EntityPlan,
}

impl Given {
    /// An entity that reads these columns, the first of which is its key.
    pub(crate) fn reading(columns: &[(&str, &str)]) -> Self {
        let table = |table: &str| TableRef {
            connection: ConnectionName::parse("c").unwrap(),
            table: TableName::parse(table).unwrap(),
        };
        let read =
            |(name, of): &(&str, &str)| ReadColumn { name: ColumnName::parse(name).unwrap(), logical: logical(of) };
        Self {
            plan: EntityPlan {
                name: EntityName::parse("patients").unwrap(),
                version: "1".to_owned(),
                spec_path: "specs/patients.yaml".to_owned(),
                source: table("old"),
                rows: Selection::All,
                destination: table("new"),
                reads: columns.iter().map(read).collect(),
                masks: Vec::new(),
                key: KeyPlan {
                    source: vec![0],
                    destination: vec![ColumnName::parse("id").unwrap()],
                    strategy: KeyStrategy::Keep,
                },
                fields: Vec::new(),
                rules: Vec::new(),
                scripts: Vec::new(),
                parents: Vec::new(),
                detection: transload_model::DetectionPlan::Hash,
                deferred: Vec::new(),
                deletes: DeletePolicy::Ignore,
                deleted_field: None,
                load: LoadPolicy::default(),
                plan_fingerprint: 0,
                mapped_fingerprint: 0,
                read_fingerprint: 0,
                mask_fingerprint: 0,
                key_fingerprint: 0,
            },
        }
    }

    /// One more field, from the sources of these indexes.
    pub(crate) fn field(mut self, name: &str, sources: &[usize], data_type: &str) -> Self {
        self.plan.fields.push(FieldPlan {
            destination: ColumnName::parse(name).unwrap(),
            sources: sources.to_vec(),
            calls: Vec::new(),
            default: None,
            format: None,
            data_type: logical(data_type),
            reference: None,
            written_as: logical(data_type),
            required: false,
            sensitive: false,
            place: "specs/patients.yaml:1".to_owned(),
        });
        self
    }

    /// Changes the last field.
    pub(crate) fn with(mut self, change: impl FnOnce(&mut FieldPlan)) -> Self {
        change(self.plan.fields.last_mut().unwrap());
        self
    }

    /// A mask of the column of that index.
    pub(crate) fn mask(mut self, read: usize, mask: Mask, by: &[usize]) -> Self {
        self.plan.masks.push(MaskPlan { read, mask, by: by.to_vec(), place: "specs/patients.yaml:1".to_owned() });
        self
    }

    /// One more built-in or library function on the last field.
    pub(crate) fn call(self, name: &str, arguments: Value) -> Self {
        let arguments: BTreeMap<String, Value> =
            arguments.as_object().into_iter().flatten().map(|(name, value)| (name.clone(), value.clone())).collect();
        let function = match crate::built_in(name) {
            Some(_) => Function::BuiltIn(name.to_owned()),
            None => Function::Library(name.to_owned()),
        };
        self.with(|field| field.calls.push(Call { function, arguments }))
    }

    /// One more script on the last field; its columns are found by the check.
    pub(crate) fn script(mut self, body: &str) -> Self {
        let names: Vec<&str> = self.plan.reads.iter().map(|read| read.name.as_str()).collect();
        let checked = functions().check_script(body, &names).unwrap_or_else(|problems| panic!("{problems:?}"));
        let place = |name: &String| names.iter().position(|known| known == name).unwrap();
        let row = checked.columns.iter().map(place).collect();
        self.plan.scripts.push(Script { name: "script".to_owned(), body: body.to_owned(), row });
        let function = Function::Script(self.plan.scripts.len() - 1);
        self.with(|field| field.calls.push(Call { function, arguments: BTreeMap::new() }))
    }

    /// One more rule on the field of that index.
    pub(crate) fn rule(mut self, field: usize, rule: &str, parameters: Value, on_failure: OnFailure) -> Self {
        let parameters = parameters.as_object().into_iter().flatten();
        self.plan.rules.push(RulePlan {
            lookup: None,
            field,
            rule: rule.to_owned(),
            parameters: parameters.map(|(name, value)| (name.clone(), value.clone())).collect(),
            script: None,
            on_failure,
        });
        self
    }

    /// The plan.
    pub(crate) fn plan(self) -> EntityPlan {
        self.plan
    }

    /// The entity, compiled.
    pub(crate) fn compiled(self) -> Compiled {
        let entity = functions().compile(&self.plan, &context());
        Compiled { entity: entity.unwrap_or_else(|problem| panic!("{problem}")), plan: self.plan }
    }
}

/// An entity, compiled.
pub(crate) struct Compiled {
    /// The plan.
    pub(crate) plan: EntityPlan,
    /// What it became.
    pub(crate) entity: Box<dyn EntityTransform>,
}

impl Compiled {
    /// A batch from the canonical texts of its columns.
    pub(crate) fn batch(&self, columns: &[&[Option<&str>]]) -> RecordBatch {
        let arrays = self.plan.reads.iter().zip(columns).map(|(read, texts)| column(read.logical, texts));
        batch(&self.plan.reads, arrays.collect())
    }

    /// What becomes of such a batch: the texts of each field, and the faults as row, field and code's word.
    pub(crate) fn run(&mut self, columns: &[&[Option<&str>]]) -> (Vec<Vec<Option<String>>>, Vec<String>) {
        let batch = self.batch(columns);
        let done = self.entity.transform(&batch, &[]);
        let fields = self.plan.fields.iter().zip(&done.columns);
        let texts = fields.map(|(field, values)| {
            assert_eq!(values.len(), batch.num_rows(), "{}", field.destination);
            assert_eq!(*values.data_type(), field.data_type.arrow(), "{}", field.destination);
            texts(values, field.data_type)
        });
        (texts.collect(), done.faults.iter().map(line).collect())
    }
}

/// A fault in a line: row, field, stage, code, what follows where the row is not just set aside.
pub(crate) fn line(fault: &transload_model::RowFault) -> String {
    let field = fault.field.as_ref().map_or("-", ColumnName::as_str);
    let word = fault.code.info().word;
    let follows = match fault.severity {
        OnFailure::Quarantine => "",
        OnFailure::Warn => " warn",
        OnFailure::Fail => " fail",
    };
    format!("{} {field} {} {word}{follows}", fault.row, fault.stage.as_str())
}

/// A batch of columns.
pub(crate) fn batch(reads: &[ReadColumn], arrays: Vec<ArrayRef>) -> RecordBatch {
    let field = |read: &ReadColumn| ArrowField::new(read.name.as_str(), read.logical.arrow(), true);
    let schema = Schema::new(reads.iter().map(field).collect::<Vec<_>>());
    RecordBatch::try_new(Arc::new(schema), arrays).unwrap()
}

/// The built-in functions and the standard library.
pub(crate) fn functions() -> Functions {
    Functions::new(&[]).unwrap_or_else(|problems| panic!("{problems:#?}"))
}
