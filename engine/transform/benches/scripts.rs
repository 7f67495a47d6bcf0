//! What a script costs, for each row: beside the bare interpreter, and beside built-in functions that do the same work.
//!
//! Five functions as people write them. *bare* is `Engine::call_fn` on a compiled script, with the arguments that the function needs and nothing
//! around it: no limits, no conversion from a column and back. *script* is the same body as a function of a spec, on batches of 8,192 rows;
//! *built-in* is a chain of built-in functions with the same result, where there is one. Printed are calls per second, medians of seven
//! rounds with the lowest and the highest, and the ratios of times; it ends with 1 where a script takes more than three times the bare call. Run with
//!
//! ```sh
//! cargo bench -p transload-transform --bench scripts
//! ```
#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::cast_precision_loss,
    clippy::float_arithmetic,
    reason = "a benchmark asks the machine and prints"
)]
#![allow(missing_docs, unused_crate_dependencies, reason = "a benchmark is no library")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use arrow::array::{ArrayRef, StringArray};
use arrow::datatypes::{Field, Schema};
use arrow::record_batch::RecordBatch;
use chrono::Utc;
use rhai::{AST, Dynamic, Engine, Scope};
use transload_model::{
    Call, ColumnName, ConnectionName, DeletePolicy, EntityName, EntityPlan, EntityTransform, FieldPlan, Function,
    KeyPlan, KeyStrategy, LoadPolicy, LogicalType, ReadColumn, Script, Selection, TableName, TableRef,
    TransformContext, TransformFactory,
};
use transload_transform::Functions;

const ROWS: usize = 8_192;
const BATCHES: usize = 8;
const ROUNDS: usize = 7;
const RATIO_MAX: f64 = 3.0;

/// A function, as a script and as a chain of built-in ones.
struct Case {
    name: &'static str,
    body: &'static str,
    built_in: &'static [&'static str],
    text: fn(usize) -> String,
}

const CASES: [Case; 5] = [
    Case { name: "as it is", body: "value", built_in: &[], text: |row| format!("value {row}") },
    Case {
        name: "prefix",
        body: "\"+1\" + value",
        built_in: &[],
        text: |row| format!("{:010}", row * 7_919 % 10_000_000),
    },
    Case {
        name: "lower case",
        body: "value.to_lower()",
        built_in: &["lower"],
        text: |row| format!("Ada.Lovelace{row}@Example.ORG"),
    },
    Case {
        name: "code",
        body: "switch value { \"1\" => \"male\", \"2\" => \"female\", \"9\" => \"unknown\", _ => () }",
        built_in: &[],
        text: |row| ["1", "2", "9"][row % 3].to_owned(),
    },
    Case {
        name: "digits",
        body: "let digits = \"\";\nfor c in value.chars() {\n    if c >= '0' && c <= '9' { digits += c; }\n}\ndigits",
        built_in: &["digits"],
        text: |row| format!("(212) 555-{:04}", row % 10_000),
    },
];

fn name(text: &str) -> ColumnName {
    ColumnName::parse(text).unwrap()
}

/// An entity of one field that makes text of a text.
fn entity(calls: Vec<Call>, scripts: Vec<Script>) -> EntityPlan {
    let table = |text: &str| TableRef {
        connection: ConnectionName::parse("c").unwrap(),
        table: TableName::parse(text).unwrap(),
    };
    EntityPlan {
        name: EntityName::parse("rows").unwrap(),
        version: "1".to_owned(),
        spec_path: "specs/rows.yaml".to_owned(),
        source: table("old"),
        rows: Selection::All,
        destination: table("new"),
        masks: Vec::new(),
        reads: vec![ReadColumn { name: name("text"), logical: LogicalType::Text }],
        key: KeyPlan { source: vec![0], destination: vec![name("text")], strategy: KeyStrategy::Keep },
        fields: vec![FieldPlan {
            destination: name("text"),
            sources: vec![0],
            calls,
            default: None,
            format: None,
            data_type: LogicalType::Text,
            reference: None,
            written_as: LogicalType::Text,
            required: false,
            sensitive: false,
            place: "specs/rows.yaml:1".to_owned(),
        }],
        rules: Vec::new(),
        scripts,
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
    }
}

fn call(function: Function) -> Call {
    Call { function, arguments: BTreeMap::new() }
}

fn scripted(case: &Case) -> EntityPlan {
    let script = Script { name: "f".to_owned(), body: case.body.to_owned(), row: Vec::new() };
    entity(vec![call(Function::Script(0))], vec![script])
}

fn built_in(case: &Case) -> EntityPlan {
    entity(case.built_in.iter().map(|name| call(Function::BuiltIn((*name).to_owned()))).collect(), Vec::new())
}

fn compiled(plan: &EntityPlan) -> Box<dyn EntityTransform> {
    let context =
        TransformContext { now: Utc::now(), environment: "bench".to_owned(), vars: BTreeMap::new(), mask_key: None };
    Functions::new(&[]).unwrap().compile(plan, &context).unwrap()
}

fn rows(case: &Case) -> RecordBatch {
    let texts: ArrayRef = Arc::new(StringArray::from_iter_values((0..ROWS).map(case.text)));
    let schema = Schema::new(vec![Field::new("text", LogicalType::Text.arrow(), true)]);
    RecordBatch::try_new(Arc::new(schema), vec![texts]).unwrap()
}

/// Seconds for all rows, through a plan.
fn through(transform: &mut dyn EntityTransform, rows: &RecordBatch) -> f64 {
    let start = Instant::now();
    for _ in 0..BATCHES {
        let done = transform.transform(rows, &[]);
        assert!(done.faults.is_empty(), "{:?}", done.faults.first());
        std::hint::black_box(done);
    }
    start.elapsed().as_secs_f64()
}

/// Seconds for as many calls of the bare interpreter. The texts are there already.
fn bare(engine: &Engine, script: &AST, texts: &[String]) -> f64 {
    let start = Instant::now();
    for _ in 0..BATCHES {
        for text in texts {
            let mut scope = Scope::new();
            let result: Dynamic = engine.call_fn(&mut scope, script, "f", (text.clone(),)).unwrap();
            drop(std::hint::black_box(result));
        }
    }
    start.elapsed().as_secs_f64()
}

/// Lowest, median and highest.
fn spread(mut seconds: Vec<f64>) -> [f64; 3] {
    seconds.sort_by(f64::total_cmp);
    [seconds[0], seconds[seconds.len() / 2], seconds[seconds.len() - 1]]
}

fn calls_per_second([low, median, high]: [f64; 3]) -> String {
    let calls = (ROWS * BATCHES) as f64;
    format!("{:>9.0} ({:.0} to {:.0})", calls / median, calls / high, calls / low)
}

fn main() -> std::process::ExitCode {
    let engine = Engine::new();
    let mut highest = 0.0_f64;
    for case in &CASES {
        let batch = rows(case);
        let texts: Vec<String> = (0..ROWS).map(case.text).collect();
        let script = engine.compile(format!("fn f(value) {{\n{}\n}}", case.body)).unwrap();
        let (mut by_script, mut by_built_in) = (compiled(&scripted(case)), compiled(&built_in(case)));
        let mut seconds = [Vec::new(), Vec::new(), Vec::new()];
        for _ in 0..ROUNDS {
            seconds[0].push(bare(&engine, &script, &texts));
            seconds[1].push(through(by_script.as_mut(), &batch));
            seconds[2].push(through(by_built_in.as_mut(), &batch));
        }
        let [bare, script, built_in] = seconds.map(spread);
        let ratio = script[1] / bare[1];
        highest = highest.max(ratio);
        println!("{}", case.name);
        println!("  bare      {} calls/s", calls_per_second(bare));
        println!("  script    {} calls/s, {ratio:.2} times the bare call", calls_per_second(script));
        if !case.built_in.is_empty() {
            let faster = script[1] / built_in[1];
            println!("  built-in  {} calls/s, {faster:.0} times as many as the script", calls_per_second(built_in));
        }
    }
    println!("at most {highest:.2} times the bare call; the limit is {RATIO_MAX}");
    if highest <= RATIO_MAX { std::process::ExitCode::SUCCESS } else { std::process::ExitCode::FAILURE }
}
