//! What is wrong with a project, in every form that a build server or an editor reads, from the real binary.

use serde_json::{Value, json};

use crate::world::{Ended, World, ended, python};

/// Every form but `text`.
const FORMATS: [&str; 6] = ["concise", "github", "gitlab", "json", "junit", "sarif"];

/// Codes and places of the three problems of the broken clinic.
const BROKEN: [(&str, &str, u64, u64); 3] = [
    ("TL0206", "specs/doctors.yaml", 13, 55),
    ("TL0101", "specs/offices.yaml", 1, 14),
    ("TL0203", "specs/patients.yaml", 12, 30),
];

type Broken = fn(&World);

/// The clinic with three problems, each in a file of its own.
fn broken_clinic() -> World {
    let world = World::clinic();
    world.replace("specs/doctors.yaml", "[trimmed, title,", "[trimed, title,");
    world.write("specs/offices.yaml", "entity_type: [\n");
    world.replace("specs/patients.yaml", "source_field: rec_no", "source_field: rec_nr");
    world
}

fn validate(world: &World, format: &str) -> Ended {
    world.transload(&["validate", "--format", format])
}

/// What a document says: code and place of each problem.
fn said(format: &str, stdout: &str) -> Vec<(String, String, u64)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let number = |value: &Value| value.as_u64().unwrap();
    let parse = || serde_json::from_str::<Value>(stdout).unwrap_or_else(|error| panic!("{format}: {error}: {stdout}"));
    let list = |value: &Value| value.as_array().unwrap().clone();
    match format {
        "concise" => stdout.lines().map(of_concise).collect(),
        "github" => stdout.lines().map(of_github).collect(),
        "gitlab" => {
            let of = |issue: &Value| {
                (
                    text(&issue["check_name"]),
                    text(&issue["location"]["path"]),
                    number(&issue["location"]["lines"]["begin"]),
                )
            };
            list(&parse()).iter().map(of).collect()
        }
        "json" => {
            let of = |problem: &Value| {
                let place = &problem["places"][0];
                (text(&problem["code"]), text(&place["path"]), number(&place["line"]))
            };
            list(&parse()["problems"]).iter().map(of).collect()
        }
        "junit" => {
            let of = |case: Value| (text(&case[0]), text(&case[1]), text(&case[2]).parse().unwrap());
            junit(stdout)["failures"].as_array().unwrap().iter().cloned().map(of).collect()
        }
        _ => {
            let of = |result: &Value| {
                let place = &result["locations"][0]["physicalLocation"];
                (
                    text(&result["ruleId"]),
                    text(&place["artifactLocation"]["uri"]),
                    number(&place["region"]["startLine"]),
                )
            };
            list(&parse()["runs"][0]["results"]).iter().map(of).collect()
        }
    }
}

/// `path:line:column: error[CODE] …`
fn of_concise(line: &str) -> (String, String, u64) {
    let (place, rest) = line.split_once(": error[").unwrap();
    let mut parts = place.split(':');
    let mut next = || parts.next().unwrap();
    (rest.split(']').next().unwrap().to_owned(), next().to_owned(), next().parse().unwrap())
}

/// `::error file=…,line=…,…,title=CODE::…`
fn of_github(line: &str) -> (String, String, u64) {
    let (properties, _) = line.strip_prefix("::error ").unwrap().split_once("::").unwrap();
    let of = |name: &str| properties.split(',').find_map(|property| property.strip_prefix(name)).unwrap().to_owned();
    (of("title="), of("file="), of("line=").parse().unwrap())
}

/// A JUnit document as another implementation reads it: its suites, and type, file and line of what failed.
fn junit(document: &str) -> Value {
    let script = "
import json, sys, xml.etree.ElementTree as tree
root = tree.fromstring(sys.argv[1].encode())
assert root.tag == 'testsuites'
cases = [(case, case.find('failure')) for case in root.iter('testcase')]
for holder in [root, *root.iter('testsuite')]:
    assert int(holder.get('tests')) == len(list(holder.iter('testcase')))
    assert int(holder.get('failures')) == len(list(holder.iter('failure')))
print(json.dumps({
    'suites': [suite.get('name') for suite in root],
    'passed': [case.get('classname') for case, failure in cases if failure is None],
    'failures': [(f.get('type'), case.get('file', ''), case.get('line', '0')) for case, f in cases if f is not None],
}))";
    let output = python().args(["-c", script, document]).output().unwrap();
    assert!(output.status.success(), "{}: {document}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn expected(below: &str) -> Vec<(String, String, u64)> {
    BROKEN.map(|(code, path, line, _)| (code.to_owned(), format!("{below}{path}"), line)).to_vec()
}

#[test]
fn every_form_says_what_is_wrong_and_nothing_else() {
    let world = broken_clinic();
    for format in FORMATS {
        let told = validate(&world, format);

        assert_eq!(told.code, 1, "{format}: {told:?}");
        assert_eq!(said(format, &told.stdout), expected(""), "{format}");
        let hint = if format == "json" { "" } else { "✗ 3 errors, 0 warnings in 6 specs\n" };
        assert_eq!(told.stderr, hint, "{format}");
        assert_eq!(world.transload(&["validate", "--quiet", "--format", format]).stderr, "", "{format}");
    }
}

#[test]
fn a_line_of_concise_has_place_code_headline_and_help() {
    let told = validate(&broken_clinic(), "concise");

    let last = told.stdout.lines().last().unwrap();
    let line =
        "specs/patients.yaml:12:30: error[TL0203] source column `rec_nr` does not exist (did you mean `rec_no`?)";
    assert_eq!(last, line);
}

#[test]
fn the_json_of_validate_says_what_the_process_answers() {
    let told = validate(&broken_clinic(), "json");

    let document: Value = serde_json::from_str(&told.stdout).unwrap();
    let head = ["schema", "project", "environment", "valid", "exit_code"].map(|key| document[key].clone());
    assert_eq!(json!(head), json!(["transload.validate/1", "clinic", "default", false, 1]));
    let columns: Vec<u64> =
        (0..3).map(|at| document["problems"][at]["places"][0]["column"].as_u64().unwrap()).collect();
    assert_eq!(columns, BROKEN.map(|(_, _, _, column)| column));
}

#[test]
fn github_gets_a_table_behind_what_is_in_its_file() {
    let world = broken_clinic();
    let mut command = world.command(&["validate", "--format", "github"]);
    world.write("summary.md", "before\n");
    let told = ended(&command.env("GITHUB_STEP_SUMMARY", world.file("summary.md")).output().unwrap());

    assert_eq!(told.code, 1, "{told:?}");
    let summary = world.read("summary.md");
    assert!(summary.starts_with("before\n### transload: 3 errors, 0 warnings\n"), "{summary}");
    for (code, path, line, column) in BROKEN {
        assert!(summary.contains(&format!("| error | {code} | {path}:{line}:{column} | ")), "{summary}");
    }

    // A file that cannot be written is told, and changes nothing else.
    let beside = ended(&command.env("GITHUB_STEP_SUMMARY", world.file("nowhere/summary.md")).output().unwrap());
    assert_eq!((beside.code, &beside.stdout), (1, &told.stdout));
    assert!(beside.stderr.contains("nowhere/summary.md cannot be written"), "{beside:?}");
}

#[test]
fn junit_has_a_suite_for_every_file_and_sarif_has_the_rules() {
    let world = broken_clinic();

    let document = junit(&validate(&world, "junit").stdout);
    let sound = ["transload.yaml", "specs/jaw.yaml", "specs/orders.yaml", "specs/system_messages.yaml"];
    assert_eq!(document["passed"], json!(sound));
    assert_eq!(document["suites"].as_array().unwrap().len(), 7);

    let document: Value = serde_json::from_str(&validate(&world, "sarif").stdout).unwrap();
    let run = &document["runs"][0];
    assert_eq!((&document["version"], &run["columnKind"]), (&json!("2.1.0"), &json!("unicodeCodePoints")));
    assert_eq!(run["invocations"][0], json!({ "executionSuccessful": true, "exitCode": 1 }));
    for (at, (code, _, _, column)) in BROKEN.into_iter().enumerate() {
        let result = &run["results"][at];
        let rule = &run["tool"]["driver"]["rules"][usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap()];
        assert_eq!(rule["id"], code);
        assert!(!rule["help"]["text"].as_str().unwrap().is_empty());
        assert_eq!(result["locations"][0]["physicalLocation"]["region"]["startColumn"], column);
    }
}

#[test]
fn paths_lead_from_where_the_reader_stands() {
    let world = broken_clinic();
    let outside = world.path().parent().unwrap();
    let name = world.path().file_name().unwrap().to_str().unwrap();
    for format in ["concise", "github", "gitlab", "junit", "sarif"] {
        let mut command = world.command(&["validate", "-C", name, "--format", format]);
        let told = ended(&command.current_dir(outside).output().unwrap());
        // The names of temporary directories begin with a point and hold nothing that is escaped.
        assert_eq!(said(format, &told.stdout), expected(&format!("{name}/")), "{format}");
    }
    for (format, variable) in
        [("github", "GITHUB_WORKSPACE"), ("sarif", "GITHUB_WORKSPACE"), ("gitlab", "CI_PROJECT_DIR")]
    {
        let mut command = world.command(&["validate", "--format", format]);
        let told = ended(&command.env(variable, outside).output().unwrap());
        assert_eq!(said(format, &told.stdout), expected(&format!("{name}/")), "{format}");
    }
}

#[test]
fn what_is_sound_is_said_to_be_in_every_form() {
    let world = World::clinic();
    for format in FORMATS {
        let told = validate(&world, format);

        assert_eq!((told.code, said(format, &told.stdout)), (0, Vec::new()), "{format}: {told:?}");
        assert_eq!(told.stderr, "", "{format}");
    }
    assert_eq!(junit(&validate(&world, "junit").stdout)["passed"].as_array().unwrap().len(), 7);
}

#[test]
fn what_ends_a_verb_early_comes_in_the_form_that_was_asked_for() {
    let breaks: [(Broken, &str, &str, i32); 3] = [
        (|world| world.replace("transload.yaml", "version: 1", "versoin: 1"), "TL0105", "transload.yaml", 1),
        (|world| world.write("data/legacy.db", "no database"), "TL0005", "", 4),
        (|world| std::fs::remove_file(world.file("transload.yaml")).unwrap(), "TL0001", "", 2),
    ];
    for (broken, code, path, exit) in breaks {
        let world = World::clinic();
        broken(&world);
        for (format, verb) in FORMATS.into_iter().flat_map(|format| [(format, "validate"), (format, "run")]) {
            let told = world.transload(&[verb, "--format", format]);

            assert_eq!((told.code, told.stderr.as_str()), (exit, ""), "{verb} {format}: {told:?}");
            assert!(told.stdout.contains(code) && told.stdout.contains(path), "{verb} {format}: {told:?}");
            match format {
                "concise" => assert!(told.stdout.lines().all(|line| line.contains("error[TL")), "{told:?}"),
                "github" => assert!(told.stdout.lines().all(|line| line.starts_with("::error ")), "{told:?}"),
                "junit" => assert_eq!(junit(&told.stdout)["failures"][0][0], code),
                _ => drop(serde_json::from_str::<Value>(&told.stdout).unwrap()),
            }
        }
    }
}

#[test]
fn warnings_fail_where_they_are_denied() {
    let world = World::clinic();
    let schema = world.read("schema/platform.sql");
    let trigger = "create trigger watched after insert on offices begin select 1; end;";
    world.write("schema/platform.sql", &format!("{schema}\n{trigger}\n"));

    for format in FORMATS.into_iter().chain(["text"]) {
        let allowed = validate(&world, format);
        let denied = world.transload(&["validate", "--deny-warnings", "--format", format]);

        assert_eq!((allowed.code, denied.code), (0, 1), "{format}: {denied:?}");
        assert!(allowed.stdout.contains("TL0313") && denied.stdout.contains("TL0313"), "{format}: {denied:?}");
        let counted = "✗ 0 errors, 1 warning in 6 specs, and warnings are denied\n";
        let says = denied.stdout.ends_with(counted) || denied.stderr == counted;
        assert!(says || format == "json", "{format}: {denied:?}");
        if format == "junit" {
            assert_eq!(junit(&allowed.stdout)["failures"], json!([]));
            assert_eq!(junit(&denied.stdout)["failures"][0][0], "TL0313");
        }
    }
    // Without a warning there is nothing to deny.
    assert_eq!(World::clinic().transload(&["validate", "--deny-warnings"]).code, 0);
}

#[test]
fn a_run_reports_its_problems_in_the_form_that_was_asked_for() {
    let world = World::clinic();
    world.replace("transload.yaml", "max_errors: 100", "max_errors: 1");

    let told = world.transload(&["run", "--format", "sarif"]);
    assert_eq!(told.code, 3, "{told:?}");
    let codes: Vec<String> = said("sarif", &told.stdout).into_iter().map(|(code, ..)| code).collect();
    assert!(codes.contains(&"TL0420".to_owned()), "{codes:?}");

    // Where people read along, the table of the run comes first.
    let told = world.transload(&["run", "--format", "github"]);
    let (table, problems) = told.stdout.split_once("::error ").unwrap();
    assert!(table.contains("accounting") && problems.contains("title=TL0420"), "{told:?}");
}
