//! Every form of one set of problems, which is what people and build servers read; and SARIF against its published schema.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use jsonschema::Validator;
use serde_json::Value;
use transload_model::{Code, Diagnostic, Exit, SourceFile};

use super::{Base, RENDERERS, Report, Warnings, as_json, github, step_summary};
use crate::cli::args::Format;

const PATIENTS: &str = "entity_type: patients
source_table: größen # 🦀 ß
field_mappings:
  phone: phone_nr
  note: |
    let x = 1;
    x +
  doctor_id: { references: doctors }
";

const DOCTORS: &str = "entity_type: doctors\nfield_mappings:\n  office_id: { references: patients }\n";

fn file(path: &str, text: &str) -> Arc<SourceFile> {
    Arc::new(SourceFile::new(path.to_owned(), text.to_owned()))
}

/// The problem, with a place: where `found` is in the file.
fn labelled(problem: Diagnostic, file: &Arc<SourceFile>, found: &str, label: &str) -> Diagnostic {
    let start = file.text.find(found).unwrap();
    problem.label(file, start..start + found.len(), label)
}

/// A problem of each shape.
fn problems() -> Vec<Diagnostic> {
    let patients = file("specs/patients.yaml", PATIENTS);
    let doctors = file("specs/my doctors, 100%: ü.yaml", DOCTORS);
    let of = Diagnostic::new;
    let column = of(Code::UnknownColumn, "source column `phone_nr` does not exist").help("did you mean `phone_no`?");
    let column = labelled(column, &patients, "phone_nr", "not among the 3 columns of legacy.patients");
    let table = of(Code::UnknownTable, "table `größen` does not exist in `legacy`").note("it has `a`").note("and `b`");
    let table = labelled(table, &patients, "größen", "this table");
    let script = of(Code::ScriptSyntax, "the script ends too early");
    let script = labelled(script, &patients, "let x = 1;\n    x +\n", "this script");
    let cycle = of(Code::Cycle, "patients → doctors → patients is a cycle").help("take one of the references out");
    let cycle = labelled(cycle, &patients, "doctors", "`patients` waits here …");
    let cycle = labelled(cycle, &doctors, "patients", "… and `doctors` waits here");
    let triggers = Diagnostic::warning(Code::TableTriggers, "table `patients` has 2 triggers: `a|b`, <c>");
    let triggers = labelled(triggers, &patients, "ß\n", "behind a 🦀");
    let words =
        of(Code::ScriptThrown, "100% of\r\n::error::it,\tfailed \u{1b}[31m").at("patients · key 7").help("line\nbreak");
    let twice = labelled(of(Code::SpecEmpty, "the file holds no document"), &doctors, "", "nothing");
    let connect = of(Code::CannotConnect, "database `legacy` cannot be opened").note("no such file");
    vec![column, table, script, cycle, triggers, words, twice.clone(), twice, connect]
}

fn report(problems: Vec<Diagnostic>, warnings: Warnings) -> Report {
    let files = ["transload.yaml", "specs/patients.yaml", "specs/towns.yaml"].map(ToOwned::to_owned).to_vec();
    Report { warnings, ..Report::new(problems, files, Exit::Problems) }
}

fn rendered(format: Format, report: &Report) -> String {
    let renderer = RENDERERS.iter().find(|renderer| renderer.format == format).unwrap();
    (renderer.render)(report, &Base::of_person(Path::new("apps/clinic")))
}

fn of_all(format: Format) -> String {
    rendered(format, &report(problems(), Warnings::Allowed))
}

#[test]
fn concise_reads_like_this() {
    insta::assert_snapshot!(of_all(Format::Concise));
}

#[test]
fn github_reads_like_this() {
    insta::assert_snapshot!(of_all(Format::Github));
}

#[test]
fn gitlab_reads_like_this() {
    insta::assert_snapshot!(of_all(Format::Gitlab));
}

#[test]
fn junit_reads_like_this() {
    insta::assert_snapshot!(of_all(Format::Junit));
}

#[test]
fn sarif_reads_like_this() {
    // The text outlives a release.
    let version = format!("\"version\": \"{}\"", env!("CARGO_PKG_VERSION"));
    insta::assert_snapshot!(of_all(Format::Sarif).replace(&version, "\"version\": \"of transload\""));
}

#[test]
fn json_of_a_problem_reads_like_this() {
    let problems: Vec<Value> = problems().iter().map(as_json).collect();
    insta::assert_snapshot!(serde_json::to_string_pretty(&problems).unwrap());
}

#[test]
fn the_summary_of_a_step_reads_like_this() {
    let base = Base::of_person(Path::new("."));
    insta::assert_snapshot!(step_summary(&report(problems(), Warnings::Allowed), &base).unwrap());
    assert_eq!(step_summary(&report(Vec::new(), Warnings::Allowed), &base), None);
}

#[test]
fn a_summary_that_github_would_not_show_is_cut() {
    let many = vec![Diagnostic::new(Code::SpecEmpty, "x".repeat(1000)); 2000];
    let text = step_summary(&report(many, Warnings::Allowed), &Base::of_person(Path::new("."))).unwrap();

    assert!(text.len() <= 1024 * 1024, "{}", text.len());
    let rows = text.lines().filter(|line| line.starts_with("| error")).count();
    assert!(text.ends_with(&format!("\n{} more are in the log.\n\n", 2000 - rows)), "{rows}");
}

#[test]
fn github_shows_ten_of_each_severity_and_the_log_has_the_rest() {
    let of = |make: fn(Code, String) -> Diagnostic| move |at| make(Code::SpecEmpty, format!("number {at}"));
    let errors = (0..12).map(of(Diagnostic::new));
    let warnings = (0..11).map(of(Diagnostic::warning));
    let text = rendered(Format::Github, &report(warnings.chain(errors).collect(), Warnings::Allowed));

    let count = |start: &str| text.lines().filter(|line| line.starts_with(start)).count();
    assert_eq!((count("::error "), count("::warning ")), (10, 10), "{text}");
    let rest: Vec<&str> = text.lines().skip(20).collect();
    assert_eq!(rest, ["error[TL0102] number 10", "error[TL0102] number 11", "warning[TL0102] number 10"]);
}

#[test]
fn what_a_file_says_becomes_no_command_of_github() {
    let file = file("::set-env name=A::b.yaml", "a");
    let of =
        |at| labelled(Diagnostic::new(Code::SpecType, format!("##[add-path]{at}")), &file, "a", "##[x]\n::error::y");
    let text = rendered(Format::Github, &report((0..11).map(of).collect(), Warnings::Allowed));
    let at_root = (github::RENDERER.render)(
        &report((0..11).map(of).collect(), Warnings::Allowed),
        &Base::of_person(Path::new(".")),
    );

    for text in [text, at_root] {
        let (commands, rest): (Vec<&str>, Vec<&str>) = text.lines().partition(|line| line.starts_with("::error file="));
        assert_eq!((commands.len(), rest.len()), (10, 1), "{text}");
        assert!(!rest[0].starts_with("::") && !rest[0].contains("##["), "{text}");
    }
}

#[test]
fn a_project_outside_of_the_checkout_has_absolute_uris() {
    let renderer = RENDERERS.iter().find(|renderer| renderer.format == Format::Sarif).unwrap();
    let text = (renderer.render)(&report(problems(), Warnings::Allowed), &Base::of_person(Path::new("/my clinic")));

    let document: Value = serde_json::from_str(&text).unwrap();
    let artifact = &document["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"];
    assert_eq!(*artifact, serde_json::json!({ "uri": "file:///my%20clinic/specs/patients.yaml" }));
}

#[test]
fn a_denied_warning_fails_its_case() {
    let denied = rendered(Format::Junit, &report(problems(), Warnings::Denied));

    assert!(of_all(Format::Junit).contains("tests=\"11\" skipped=\"0\" failures=\"8\""));
    assert!(denied.contains("tests=\"11\" skipped=\"0\" failures=\"9\""), "{denied}");
}

#[test]
fn a_fingerprint_outlives_moved_lines_and_is_nobody_elses() {
    let of = |above: &str| {
        let file = file("specs/a.yaml", &format!("{above}entity_type: a\nversion: 1\n"));
        let problem = |found| labelled(Diagnostic::new(Code::SpecType, "a text is expected"), &file, found, "this");
        super::fingerprint::fingerprints(&[problem("a\n"), problem("1")])
    };
    let before = of("");
    assert_eq!(before, of("# one\n# more\n"));
    assert_ne!(before[0], before[1]);

    let mut all = super::fingerprint::fingerprints(&problems());
    all.sort();
    all.dedup();
    assert_eq!(all.len(), problems().len());
}

/// The schema of SARIF 2.1.0 as OASIS published it, which lies in the sources of a crate.
fn sarif_schema() -> Validator {
    // Crates for other systems may not be on this one.
    let rustc = Command::new("rustc").arg("-vV").output().unwrap();
    let about = String::from_utf8(rustc.stdout).unwrap();
    let host = about.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
    let cargo = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked", "--offline", "--filter-platform", host])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(cargo.status.success(), "{}", String::from_utf8_lossy(&cargo.stderr));
    let metadata: Value = serde_json::from_slice(&cargo.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let package = packages.iter().find(|package| package["name"] == "serde-sarif").unwrap();
    let folder = Path::new(package["manifest_path"].as_str().unwrap()).parent().unwrap();
    let schema = std::fs::read_to_string(folder.join("src/schema.json")).unwrap();
    let mut schema: Value = serde_json::from_str(&schema).unwrap();
    // Its pattern for languages, which are not written here, has a bracket too many to be read as a regular expression.
    for holder in ["run", "toolComponent"] {
        let language = schema["definitions"][holder]["properties"]["language"].as_object_mut().unwrap();
        assert!(language.remove("pattern").is_some());
    }
    assert!(schema["$id"].as_str().unwrap().ends_with("sarif-schema-2.1.0.json"));
    jsonschema::draft7::options().should_validate_formats(true).build(&schema).unwrap()
}

fn faults(schema: &Validator, document: &Value) -> Vec<String> {
    schema.iter_errors(document).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

#[test]
fn sarif_is_valid_under_its_published_schema() {
    let schema = sarif_schema();
    let every_code = Code::ALL.iter().map(|code| Diagnostic::new(*code, code.info().sentence)).collect();
    for problems in [problems(), every_code, Vec::new()] {
        let text = rendered(Format::Sarif, &report(problems, Warnings::Allowed));
        let document: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(faults(&schema, &document), Vec::<String>::new(), "{text}");
    }

    // The schema is one that finds faults.
    let mut document: Value = serde_json::from_str(&of_all(Format::Sarif)).unwrap();
    document["runs"][0]["columnKind"] = "bytes".into();
    document["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["region"]["startLine"] = 0.into();
    document["runs"][0]["results"][1]["unheard"] = true.into();
    assert_eq!(faults(&schema, &document).len(), 3);
}

#[test]
fn every_form_is_listed_once_and_one_that_finds_nothing_says_so() {
    let sound = report(Vec::new(), Warnings::Allowed);
    for (format, nothing) in [
        (Format::Concise, ""),
        (Format::Github, ""),
        (Format::Gitlab, "[]"),
        (Format::Junit, "tests=\"3\" skipped=\"0\" failures=\"0\""),
        (Format::Sarif, "\"results\": []"),
    ] {
        assert_eq!(RENDERERS.iter().filter(|renderer| renderer.format == format).count(), 1, "{format:?}");
        let text = rendered(format, &sound);
        assert!(text.contains(nothing) && text.is_empty() == nothing.is_empty(), "{format:?}: {text}");
    }
}
