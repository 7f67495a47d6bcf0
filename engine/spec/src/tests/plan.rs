//! What a good project becomes.

use std::collections::BTreeMap;

use transload_model::{EntityName, EntityPlan, LogicalType, Plan, Share};

use super::kit::{DOCTORS, changed, compiled, good, prose};
use super::vocabulary::FewWords;
use crate::{Summary, compile};

fn plan(files: &BTreeMap<String, String>) -> Plan {
    let compiled = compiled(files);
    let problems: Vec<String> = compiled.diagnostics.iter().map(prose).collect();
    compiled.plan.unwrap_or_else(|| panic!("{}", problems.concat()))
}

fn entity(files: &BTreeMap<String, String>, name: &str) -> EntityPlan {
    plan(files).entity(&EntityName::parse(name).unwrap()).unwrap().clone()
}

#[test]
fn three_entities_become_this_plan() {
    let compiled = compiled(&good());
    let plan = compiled.plan.unwrap();
    let entities: Vec<&EntityPlan> = plan.waves().iter().flatten().map(|index| &plan.entities()[*index]).collect();
    insta::assert_debug_snapshot!((plan.project(), plan.vars(), plan.waves(), entities));
    let summary =
        Summary { specs: 3, inactive: 0, fields: 13, rules: 3, functions: 1, entities: 3, edges: 2, waves: 3 };
    assert_eq!(compiled.summary, summary);
}

#[test]
fn what_decides_nothing_moves_no_fingerprint() {
    let before = entity(&good(), "doctors");
    for (from, to) in [
        ("version: \"1.1\"", "version: \"2.0\""),
        ("entity_type: doctors", "description: people\ntags: [a]\nx-owner: me\nentity_type: doctors"),
        ("validation_rules", "load: { batch_size: 1, max_errors: 1 }\ndeletes: { mode: ignore }\nvalidation_rules"),
        ("transformation_functions:\n", "transformation_functions:\n  - { name: unused, function_body: row.photo }\n"),
    ] {
        let after = entity(&changed("specs/doctors.yaml", from, to), "doctors");
        assert_eq!(after.plan_fingerprint, before.plan_fingerprint, "{to}");
        assert_eq!(after.read_fingerprint, before.read_fingerprint, "{to}");
    }
}

#[test]
fn what_decides_a_row_moves_the_plans_fingerprint() {
    let before = entity(&good(), "doctors");
    for (path, from, to) in [
        ("specs/doctors.yaml", "default_value: 0", "default_value: 1"),
        ("specs/doctors.yaml", "[trimmed, lower]", "[lower, trimmed]"),
        ("specs/doctors.yaml", "let family", "let  family"),
        ("specs/doctors.yaml", "max: 100", "max: 99"),
        ("specs/doctors.yaml", "on_failure: warn", "on_failure: fail"),
        ("transload.yaml", "+1", "+2"),
        ("transload.yaml", "0b6ff3a2", "0b6ff3a3"),
    ] {
        let after = entity(&changed(path, from, to), "doctors");
        assert_ne!(after.plan_fingerprint, before.plan_fingerprint, "{to}");
        assert_eq!(after.read_fingerprint, before.read_fingerprint, "{to}");
    }
    let directory = super::kit::written(&good());
    let project = super::kit::load(directory.path()).unwrap();
    let other = compile(&project, &FewWords { library: 8 }, &super::kit::catalogs()).plan.unwrap();
    let moved = |name: &str| {
        let name = EntityName::parse(name).unwrap();
        other.entity(&name).unwrap().plan_fingerprint != plan(&good()).entity(&name).unwrap().plan_fingerprint
    };
    assert!(moved("doctors") && !moved("positions"), "only what calls a script depends on the library");
}

#[test]
fn another_column_moves_both_fingerprints() {
    let before = entity(&good(), "doctors");
    let after = entity(&changed("specs/doctors.yaml", "row.doc_no", "row.office_no"), "doctors");
    assert_ne!(after.plan_fingerprint, before.plan_fingerprint);
    let after = entity(&changed("specs/doctors.yaml", "row.doc_no", "row.photo"), "doctors");
    assert_ne!(after.read_fingerprint, before.read_fingerprint);
}

#[test]
fn a_date_with_a_format_is_read_as_text_beside_the_date() {
    let doctors = entity(&good(), "doctors");
    let types: Vec<LogicalType> =
        doctors.reads.iter().filter(|read| read.name.as_str() == "join_dt").map(|read| read.logical).collect();
    assert_eq!(types, [LogicalType::Date, LogicalType::Text]);
}

#[test]
fn a_script_that_does_not_use_row_lists_no_column() {
    let files = changed("specs/doctors.yaml", "row.last_nm;", "value[1];");
    let files = files.into_iter().map(|(path, text)| (path, text.replace(" ${row.doc_no}", ""))).collect();
    let doctors = entity(&files, "doctors");
    assert!(doctors.scripts[0].row.is_empty());
}

#[test]
fn a_reference_is_looked_up_in_the_parents_old_key_and_written_in_its_new_one() {
    let doctors = entity(&good(), "doctors");
    let field = doctors.fields.iter().find(|field| field.destination.as_str() == "office_id").unwrap();
    assert_eq!((field.data_type, field.written_as), (LogicalType::Integer, LogicalType::Uuid));
    // A kept key keeps its own type.
    let files = changed(
        "specs/doctors.yaml",
        "  email:",
        "  visits: { source_field: office_no, references: positions }\n  email:",
    );
    let files = files.into_iter().map(|(path, text)| (path, text.replace("depends_on: [doctors]\n", ""))).collect();
    let doctors = entity(&files, "doctors");
    let field = doctors.fields.iter().find(|field| field.destination.as_str() == "visits").unwrap();
    assert_eq!((field.data_type, field.written_as), (LogicalType::Integer, LogicalType::Integer));
}

#[test]
fn a_reference_to_the_entity_itself_is_not_required_and_is_no_parent() {
    let offices = entity(&good(), "offices");
    assert_eq!(offices.self_references().len(), 1);
    assert!(!offices.fields[offices.self_references()[0]].required);
    assert!(offices.parents.is_empty());
}

#[test]
fn sizes_come_from_the_spec_then_the_defaults_then_the_standard() {
    let sizes = |spec: &str, defaults: &str| {
        let mut files = changed("specs/doctors.yaml", "validation_rules", &format!("{spec}validation_rules"));
        *files.get_mut("transload.yaml").unwrap() += defaults;
        let load = entity(&files, "doctors").load;
        (load.batch_rows, load.unit_rows, load.max_errors)
    };
    assert_eq!(sizes("", ""), (8_192, 65_536, Share::Rows(100)));
    assert_eq!(sizes("load: { batch_size: 10 }\n", ""), (10, 80, Share::Rows(100)));
    assert_eq!(sizes("load: { checkpoint_interval: 2 }\n", ""), (8_192, 16_384, Share::Rows(100)));
    let defaults = "  load: { batch_size: 100, max_errors: 0.5% }\n";
    assert_eq!(sizes("load: { checkpoint_interval: 2 }\n", defaults), (100, 200, Share::PerMillion(5_000)));
}

#[test]
fn an_inactive_spec_is_checked_and_not_in_the_plan() {
    let files = changed("specs/positions.yaml", "depends_on", "is_active: false\ndepends_on");
    let compiled = compiled(&files);
    assert_eq!(compiled.plan.unwrap().entities().len(), 2);
    assert_eq!((compiled.summary.inactive, compiled.summary.entities), (1, 2));
    let files = changed("specs/positions.yaml", "depends_on: [doctors]", "is_active: no");
    assert!(!super::kit::problems(&files).is_empty());
}

#[test]
fn a_kept_key_of_several_columns_is_copied_by_position() {
    let mut files = good();
    let messages = "entity_type: messages\nsource_table: sys_messages\ndestination_table: messages\nversion: \"1\"\n\
        key: { strategy: keep }\nfield_mappings: { body: body }\n";
    files.insert("specs/messages.yaml".to_owned(), messages.to_owned());
    let messages = entity(&files, "messages");
    let fields: Vec<(&str, &[usize], bool)> =
        messages.fields.iter().map(|field| (field.destination.as_str(), &*field.sources, field.required)).collect();
    assert_eq!(fields, [("sys", &[0][..], true), ("no", &[1][..], true), ("body", &[2][..], false)]);
}

#[test]
fn lines_of_fields_are_those_of_the_file() {
    let doctors = entity(&good(), "doctors");
    for field in &doctors.fields {
        let line: usize = field.place.rsplit(':').next().unwrap().parse().unwrap();
        assert!(DOCTORS.lines().nth(line - 1).unwrap().contains(field.destination.as_str()), "{}", field.place);
    }
}
