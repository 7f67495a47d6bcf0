//! A script of any text, checked, and run on two rows that are the same.
//!
//! Whatever the text is, it is refused with a reason or gives each row a value or a fault: the same for the same row, and without the row's
//! values in any words but those of a `throw`.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, StringArray};
use arrow::datatypes::{Field, Schema};
use arrow::record_batch::RecordBatch;
use transload_model::{
    Call, Code, ColumnName, ConnectionName, DeletePolicy, DetectionPlan, EntityName, EntityPlan, FieldPlan, Function,
    KeyPlan, KeyStrategy, LoadPolicy, LogicalType, ReadColumn, Script, Selection, TableName, TableRef,
    TransformContext, TransformFactory as _, Vocabulary as _,
};
use transload_transform::Functions;

/// The row's own texts. No script holds them by chance.
const TEXTS: [&str; 2] = ["Quetzalcoatl-77", "Xochiquetzal-88"];
const COLUMNS: [(&str, LogicalType); 3] =
    [("doc_no", LogicalType::Integer), ("first_nm", LogicalType::Text), ("last_nm", LogicalType::Text)];

/// What every script runs in.
pub struct Target {
    functions: Functions,
    context: TransformContext,
    rows: RecordBatch,
}

impl Target {
    /// The built-in functions and the standard library.
    pub fn new() -> Self {
        let context = TransformContext {
            now: chrono::DateTime::UNIX_EPOCH,
            environment: "fuzz".to_owned(),
            vars: BTreeMap::from([("country_prefix".to_owned(), "+1".into()), ("limit".to_owned(), 3.into())]),
            mask_key: None,
        };
        Self { functions: Functions::new(&[]).expect("the library is sound"), context, rows: rows() }
    }

    /// Checks and runs a script; panics where the host does not hold what it promises.
    pub fn check(&self, bytes: &[u8]) {
        let Ok(body) = std::str::from_utf8(bytes) else {
            return;
        };
        let checked = match self.functions.check_script(body, &COLUMNS.map(|(name, _)| name)) {
            Ok(checked) => checked,
            Err(problems) => {
                assert!(!problems.is_empty());
                assert!(problems.iter().all(|problem| !problem.headline.is_empty()), "{problems:?}");
                return;
            }
        };
        let place = |name: &String| COLUMNS.iter().position(|(column, _)| column == name).expect("a known column");
        let row = checked.columns.iter().map(place).collect();
        let mut entity = self.functions.compile(&plan(body, row), &self.context).expect("what was checked compiles");
        self.check_rows(body, &mut *entity);
    }

    fn check_rows(&self, body: &str, entity: &mut dyn transload_model::EntityTransform) {
        let done = entity.transform(&self.rows, &[]);
        let (first, second) = (done.columns[0].slice(0, 1), done.columns[0].slice(1, 1));
        let faults: Vec<_> = done.faults.iter().map(|fault| (fault.code, fault.message.as_str())).collect();
        // A row that takes too long may be stopped anywhere.
        if !faults.iter().any(|(code, _)| *code == Code::ScriptLimit) {
            assert_eq!(first.to_data(), second.to_data(), "one row, two values");
            assert!(faults.is_empty() || faults.len() == 2 && faults[0] == faults[1], "one row, two ends: {faults:?}");
        }
        let is_own = TEXTS.iter().any(|text| body.contains(text));
        for (code, message) in faults.iter().filter(|_| !is_own) {
            let shows = TEXTS.iter().any(|text| message.contains(text));
            assert!(*code == Code::ScriptThrown || !shows, "{message}");
        }
    }
}

fn rows() -> RecordBatch {
    let twice = |text: &'static str| Arc::new(StringArray::from(vec![text; 2])) as ArrayRef;
    let fields = COLUMNS.map(|(name, logical)| Field::new(name, logical.arrow(), true));
    let columns: Vec<ArrayRef> = vec![Arc::new(Int64Array::from(vec![7, 7])), twice(TEXTS[0]), twice(TEXTS[1])];
    RecordBatch::try_new(Arc::new(Schema::new(fields.to_vec())), columns).expect("columns of one length")
}

fn plan(body: &str, row: Vec<usize>) -> EntityPlan {
    let column = |name: &str| ColumnName::parse(name).expect("a constant");
    let table = TableRef {
        connection: ConnectionName::parse("c").expect("a constant"),
        table: TableName::parse("t").expect("a constant"),
    };
    let field = FieldPlan {
        destination: column("full_name"),
        sources: vec![1],
        calls: vec![Call { function: Function::Script(0), arguments: BTreeMap::new() }],
        default: None,
        format: None,
        data_type: LogicalType::Text,
        reference: None,
        written_as: LogicalType::Text,
        required: false,
        sensitive: false,
        place: "specs/doctors.yaml:1".to_owned(),
    };
    EntityPlan {
        name: EntityName::parse("doctors").expect("a constant"),
        version: "1".to_owned(),
        spec_path: "specs/doctors.yaml".to_owned(),
        source: table.clone(),
        rows: Selection::All,
        destination: table,
        masks: Vec::new(),
        reads: COLUMNS.iter().map(|(name, logical)| ReadColumn { name: column(name), logical: *logical }).collect(),
        key: KeyPlan { source: vec![0], destination: vec![column("id")], strategy: KeyStrategy::Keep },
        fields: vec![field],
        rules: Vec::new(),
        scripts: vec![Script { name: "script".to_owned(), body: body.to_owned(), row }],
        parents: Vec::new(),
        detection: DetectionPlan::Hash,
        deferred: Vec::new(),
        deletes: DeletePolicy::Ignore,
        deleted_field: None,
        load: LoadPolicy::default(),
        plan_fingerprint: 0,
        mapped_fingerprint: 0,
        read_fingerprint: 0,
        mask_fingerprint: 0,
        key_fingerprint: 0,
    }
}
