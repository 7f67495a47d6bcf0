//! `transload.lock`: what it says, what it pins, and what it is good for without databases.

use std::collections::BTreeMap;

use transload_model::{Code, ColumnName, ConnectionName, Diagnostic, TableName};

use super::kit::{catalogs, changed, good, load, places, prose, table, write, written};
use super::vocabulary::FewWords;
use crate::{Catalogs, Compiled, Project, compile, compile_offline, lock};

const WORDS: FewWords = FewWords { library: 7 };
const DOCTORS: &str = "specs/doctors.yaml";

fn starred(auto_map: &str) -> BTreeMap<String, String> {
    changed(DOCTORS, "field_mappings:", &format!("auto_map: {auto_map}\nfield_mappings:"))
}

/// The files, with the lock of a moment when the databases held this.
fn locked(files: &BTreeMap<String, String>, catalogs: &Catalogs) -> tempfile::TempDir {
    let root = written(files);
    let text = lock(&load(root.path()).unwrap(), &WORDS, catalogs, "2026-11-20T09:14:00Z").unwrap();
    write(root.path(), "transload.lock", text.as_bytes());
    root
}

/// The source's catalog with one more column, which has its counterpart already.
fn with_fax() -> Catalogs {
    let mut catalogs = catalogs();
    for (connection, name) in [("legacy", "dispatch_doctors"), ("platform", "doctors")] {
        let catalog = catalogs.get_mut(&ConnectionName::parse(connection).unwrap()).unwrap();
        let fax = table("x", &[], &[("fax", "text")]).columns.remove(0);
        catalog.tables.get_mut(&TableName::parse(name).unwrap()).unwrap().columns.push(fax);
    }
    catalogs
}

fn fields(compiled: &Compiled) -> Vec<ColumnName> {
    let plan = compiled.plan.as_ref().unwrap();
    let doctors = plan.entities().iter().find(|entity| entity.name.as_str() == "doctors").unwrap();
    doctors.fields.iter().map(|field| field.destination.clone()).collect()
}

fn shown(compiled: &Compiled) -> String {
    compiled.diagnostics.iter().map(prose).collect()
}

#[test]
fn a_lock_has_a_line_for_each_column_and_is_the_same_each_time() {
    let root = locked(&starred("true"), &catalogs());
    let text = std::fs::read_to_string(root.path().join("transload.lock")).unwrap();
    insta::assert_snapshot!(text);

    let again = lock(&load(root.path()).unwrap(), &WORDS, &catalogs(), "2026-12-24T00:00:00Z").unwrap();

    assert_eq!(again, text, "nothing but the time would change");
}

#[test]
fn without_databases_a_project_compiles_to_the_same_plan() {
    let root = locked(&starred("true"), &catalogs());
    let project = load(root.path()).unwrap();

    let offline = compile_offline(&project, &WORDS);

    let online = compile(&project, &WORDS, &catalogs());
    assert_eq!(shown(&offline), "");
    assert_eq!(format!("{:#?}", offline.plan.unwrap()), format!("{:#?}", online.plan.unwrap()));
    assert_eq!(project.locked_at(), Some("2026-11-20T09:14:00Z"));
}

#[test]
fn without_databases_and_without_a_lock_nothing_is_promised() {
    let project = load(written(&good()).path()).unwrap();
    let compiled = compile_offline(&project, &WORDS);
    assert!(compiled.plan.is_none());
    assert_eq!(places(&compiled.diagnostics), ["TL0013 "]);
}

#[test]
fn what_is_not_locked_is_told_so() {
    let root = locked(&good(), &catalogs());
    let spec = "entity_type: messages\nsource_table: sys_messages\ndestination_table: messages\nversion: \"1\"\n\
                key: { strategy: keep }\nauto_map: true\n";
    write(root.path(), "specs/messages.yaml", spec.as_bytes());

    let compiled = compile_offline(&load(root.path()).unwrap(), &WORDS);

    assert_eq!(places(&compiled.diagnostics), ["TL0204 specs/messages.yaml:2:15", "TL0204 specs/messages.yaml:3:20"]);
    assert!(shown(&compiled).contains("is not in transload.lock"), "{}", shown(&compiled));
}

fn check_new_column(policy: &str, severity: &str, is_copied: bool) {
    let root = locked(&starred(&format!("{{ on_new_column: {policy} }}")), &catalogs());

    let compiled = compile(&load(root.path()).unwrap(), &WORDS, &with_fax());

    // Where it must not go on, that is told as what changed.
    let is_told = |found: &&Diagnostic| matches!(found.code, Code::NewColumn | Code::SchemaDrift);
    let found: Vec<&Diagnostic> = compiled.diagnostics.iter().filter(is_told).collect();
    let told: String = found.iter().map(|found| format!("{:?}", found.severity)).collect();
    assert_eq!(told, severity, "{policy}");
    assert_eq!(compiled.plan.is_none(), severity == "Error", "{policy}");
    if compiled.plan.is_some() {
        let copied = fields(&compiled).iter().any(|field| field.as_str() == "fax");
        assert_eq!(copied, is_copied, "{policy}");
    }
}

#[test]
fn a_column_that_came_after_the_lock_is_copied_only_where_the_spec_says_so() {
    check_new_column("warn", "Warning", false);
    check_new_column("fail", "Error", false);
    check_new_column("include", "", true);
    check_new_column("ignore", "", false);
}

#[test]
fn locked_again_the_new_column_is_copied() {
    let root = locked(&starred("true"), &catalogs());
    let text = lock(&load(root.path()).unwrap(), &WORDS, &with_fax(), "2026-12-24T00:00:00Z").unwrap();
    write(root.path(), "transload.lock", text.as_bytes());

    let compiled = compile(&load(root.path()).unwrap(), &WORDS, &with_fax());

    assert_eq!(shown(&compiled), "");
    assert!(fields(&compiled).iter().any(|field| field.as_str() == "fax"));
}

#[test]
fn a_locked_column_that_is_gone_stops_the_plan() {
    let root = locked(&starred("true"), &with_fax());

    let compiled = compile(&load(root.path()).unwrap(), &WORDS, &catalogs());

    assert!(compiled.plan.is_none());
    insta::assert_snapshot!(shown(&compiled));
}

#[test]
fn another_system_is_not_compared_with_the_lock() {
    let root = locked(&starred("true"), &with_fax());
    let project = std::fs::read_to_string(root.path().join("transload.lock")).unwrap();
    write(root.path(), "transload.lock", project.replace("legacy: sqlite", "legacy: postgres").as_bytes());

    let compiled = compile(&load(root.path()).unwrap(), &WORDS, &catalogs());

    let paths: Vec<String> = compiled.drift.iter().map(crate::Drift::path).collect();
    assert_eq!(paths, ["platform.doctors.fax"], "{}", shown(&compiled));
}

#[test]
fn a_lock_that_is_damaged_is_refused() {
    let root = locked(&good(), &catalogs());
    let text = std::fs::read_to_string(root.path().join("transload.lock")).unwrap();
    for (from, to) in [
        ("version: 1", "version: 2"),
        ("version: 1", "version: x"),
        ("version: 1", "<<<<<<< HEAD\nversion: 1"),
        ("type: integer", "type: number"),
        ("type: integer", "tpye: integer"),
        ("stores: [integer]", "stores: [int]"),
        ("version: 1\n", ""),
    ] {
        assert!(text.contains(from), "{from}");
        write(root.path(), "transload.lock", text.replacen(from, to, 1).as_bytes());
        let found = Project::load(root.path(), None, &|_| None).err().unwrap();
        assert_eq!(found.iter().map(|found| found.code.to_string()).collect::<Vec<_>>(), ["TL0014"], "{from} → {to}");
    }
}

#[test]
fn what_cannot_be_read_is_not_left_out_of_the_lock() {
    let root = locked(&good(), &catalogs());
    write(root.path(), "specs/offices.yaml", b"entity_type: offices\n");
    let found = lock(&load(root.path()).unwrap(), &WORDS, &catalogs(), "2026-12-24T00:00:00Z").err().unwrap();
    assert!(!found.is_empty());
}

/// What changed is told, and not each rule and test that comes of it.
#[test]
fn a_column_that_a_star_no_longer_finds_is_told_as_what_changed() {
    let mut files = starred("true");
    let rules = "validation_rules:\n  - { field_name: visits, rule_type: required }";
    let test = |column: &str| {
        format!("tests:\n  - {{ name: t, given: {{ row: {{ doc_no: 1 }} }}, expect: {{ row: {{ {column}: 3 }} }} }}\n")
    };
    let doctors = files[DOCTORS].replacen("validation_rules:", rules, 1);
    files.insert(DOCTORS.to_owned(), format!("{doctors}{}", test("visits")));
    let root = locked(&files, &catalogs());
    let mut now = catalogs();
    let legacy = now.get_mut(&ConnectionName::parse("legacy").unwrap()).unwrap();
    let held = legacy.tables.get_mut(&TableName::parse("dispatch_doctors").unwrap()).unwrap();
    held.columns.retain(|column| column.name.as_str() != "visits");

    let found = compile(&load(root.path()).unwrap(), &WORDS, &now);

    let told = shown(&found);
    assert!(found.diagnostics.iter().all(|found| found.code == Code::SchemaDrift), "{told}");
    assert!(!found.diagnostics.is_empty() && told.contains("`auto_map` no longer finds `visits`"), "{told}");

    // One that nothing ever filled is told as before, in words that are about tests.
    write(root.path(), DOCTORS, format!("{doctors}{}", test("visit")).as_bytes());
    let found = compile(&load(root.path()).unwrap(), &WORDS, &catalogs());
    insta::assert_snapshot!(shown(&found), @r"
    TL0209 the spec fills no column `visit`
      specs/doctors.yaml:26:64 [visit] no mapping has this destination
      note: tests name destination columns: `office_id`, `full_name`, `email`, `discount`, `joined_on`, `joined_text`, `visits`, `seen_at`, `id`
      help: did you mean `visits`?
    ");
}

#[test]
fn a_lock_that_cannot_be_read_says_why() {
    let root = locked(&good(), &catalogs());
    let whole = std::fs::read_to_string(root.path().join("transload.lock")).unwrap();
    let told = |text: &str| {
        write(root.path(), "transload.lock", text.as_bytes());
        load(root.path()).unwrap_err().iter().map(prose).collect::<String>()
    };
    let line = whole.lines().nth(3).unwrap();
    let conflict = format!("<<<<<<< HEAD\n{line}\n=======\n{line}\n>>>>>>> other");
    let all = [told(&whole.replace(line, &conflict)), told("just text\n"), told("[1]\n")];
    insta::assert_snapshot!(all.join("\n"), @r"
    TL0014 `transload.lock` cannot be read: a merge left its marks in it
      transload.lock:4:1 [<<<<<<< HEAD] this mark
      help: Remove it, and let `transload validate --lock` write it again.

    TL0014 `transload.lock` cannot be read: it holds no map
      help: Remove it, and let `transload validate --lock` write it again.

    TL0014 `transload.lock` cannot be read: it holds no map
      help: Remove it, and let `transload validate --lock` write it again.
    ");
}
