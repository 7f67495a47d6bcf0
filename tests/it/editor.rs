//! What people see in an editor: `yaml-language-server`, the one that most editors use, asked about files of the demo.
//!
//! Nothing is configured there but what stands in the files' own first lines. A change of the schemas that an editor would show otherwise,
//! or no longer at all, is a change of the snapshot.

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::world::{World, root};

/// The first lines of a spec of the demo.
const PATIENTS: &str = "\
# yaml-language-server: $schema=../schemas/patients.json
# $schema: ../schemas/patients.json
entity_type: patients
source_table: dispatch_patients
destination_table: patients
version: \"1\"
";

/// What the server answers to questions of one kind: the text behind the first lines, with a `‸` where the cursor is.
fn asked(ask: &str, questions: &[(&str, &str)]) -> String {
    let question = |(name, text): &(&str, &str)| json!({ "name": name, "ask": ask, "path": "specs/new.yaml", "text": format!("{PATIENTS}{text}") });
    answers(questions.iter().map(question).collect())
}

fn answers(questions: Vec<Value>) -> String {
    let world = World::clinic();
    let mut command = Command::new("node");
    command.arg(root().join("tests/editor/ask.mjs")).arg(world.path());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut server = command.spawn().unwrap();
    server.stdin.take().unwrap().write_all(Value::from(questions).to_string().as_bytes()).unwrap();
    let output = server.wait_with_output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}\n`tests/run` installs the server, or `npm ci --prefix tests/editor`");
    String::from_utf8(output.stdout).unwrap().replace(&world.path().display().to_string(), "PROJECT")
}

#[test]
fn an_editor_completes() {
    let shown = asked(
        "completion",
        &[
            ("destination columns", "field_mappings:\n  ‸\n"),
            ("source columns", "field_mappings:\n  full_name: ‸\n"),
            ("keys of a mapping", "field_mappings:\n  full_name:\n    ‸\n"),
            ("source columns in a mapping", "field_mappings:\n  full_name:\n    source_field: ‸\n"),
            (
                "words",
                "field_mappings:\n  doctor_id:\n    source_field: doc_no\n    references: doctors\n    on_missing: ‸\n",
            ),
            ("entities", "field_mappings:\n  doctor_id:\n    references: ‸\n"),
            ("functions", "field_mappings:\n  email:\n    transformation: ‸\n"),
            ("keys of a spec", "field_mappings: {}\n‸"),
            ("fields of a rule", "field_mappings: {}\nvalidation_rules:\n  - field_name: ‸\n"),
            (
                "columns of a given row",
                "field_mappings: {}\ntests:\n  - name: one\n    given:\n      row:\n        ‸\n",
            ),
            ("columns of the key", "field_mappings: {}\nkey:\n  source: ‸\n"),
        ],
    );
    let project = "# yaml-language-server: $schema=schemas/project.json\nproject: clinic\nversion: 1\nconnections:\n  legacy:\n    ‸\n";
    let question =
        json!({ "name": "keys of a connection", "ask": "completion", "path": "transload.yaml", "text": project });
    let shown = format!("{shown}{}", answers(vec![question]));
    insta::assert_snapshot!(shown);
}

#[test]
fn an_editor_explains() {
    let shown = asked(
        "hover",
        &[
            ("a key of a spec", "chan‸ge_detection: { strategy: hash }\n"),
            (
                "a key of a mapping",
                "field_mappings:\n  doctor_id: { source_field: doc_no, references: doctors, on_miss‸ing: fail }\n",
            ),
            ("a destination column", "field_mappings:\n  doctor‸_id: { source_field: doc_no }\n"),
            ("a key of which values are of two kinds", "load: { max_er‸rors: 2% }\n"),
            ("a rule", "validation_rules:\n  - { field_name: email, rule_ty‸pe: format }\n"),
        ],
    );
    insta::assert_snapshot!(shown);
}

#[test]
fn an_editor_marks_what_is_wrong() {
    let wrong = "\
feild_mappings: {}
key: { source: patent_no }
load: { batch_size: many }
field_mappings:
  nmae: first_nm
  full_name: first_nn
  doctor_id: { soruce_field: doc_no, references: doctors, on_missing: skip }
";
    let clinic = World::clinic();
    let right = |path: &str| json!({ "name": path, "ask": "diagnostics", "path": path, "text": clinic.read(path) });
    let shown = asked("diagnostics", &[("what is wrong", wrong)]);
    let nothing = answers(["specs/patients.yaml", "specs/orders.yaml", "transload.yaml"].map(right).to_vec());
    let shown = format!("{shown}{nothing}");
    insta::assert_snapshot!(shown);
}
