//! Several specs together.

use super::kit::{add, catalogs, changed, good, load, places, problems, prose, table, written};
use super::vocabulary::FewWords;

#[test]
fn all_problems_of_all_files_come_at_once_in_order() {
    let mut files = good();
    for (path, from, to) in [
        ("specs/offices.yaml", "transformation: trimmed", "transformation: trimed"),
        ("specs/offices.yaml", "rule_type: required", "rule_type: required, severity: 1"),
        ("specs/doctors.yaml", "source_field: disc_pct", "source_field: disc"),
        ("specs/doctors.yaml", "version: \"1.1\"", "version: 1.1"),
        ("specs/positions.yaml", "strategy: keep", "strategy: kep"),
    ] {
        let text = files.get_mut(path).unwrap();
        *text = text.replacen(from, to, 1);
    }
    assert_eq!(
        places(&problems(&files)),
        [
            "TL0106 specs/doctors.yaml:4:10",
            "TL0203 specs/doctors.yaml:9:29",
            "TL0206 specs/offices.yaml:6:52",
            "TL0105 specs/offices.yaml:12:46",
            "TL0108 specs/positions.yaml:6:53",
        ]
    );
}

#[test]
fn a_cycle_is_one_problem_that_is_shown_whole() {
    let mut files = changed("specs/offices.yaml", "version:", "depends_on: [positions]\nversion:");
    let found = problems(&files);
    insta::assert_snapshot!(found.iter().map(prose).collect::<String>(), @r"
    TL0205 doctors → offices → positions → doctors is a cycle
      specs/doctors.yaml:6:53 [offices] `doctors` waits for `offices` here …
      specs/offices.yaml:4:14 [positions] … `offices` waits for `positions` here …
      specs/positions.yaml:5:14 [doctors] … and `positions` waits for `doctors` here
      note: a circle is broken where a column of the destination may be NULL, and none of these may
      help: take one of them out, or let one of these columns be NULL in its table; it is filled last then
    ");
    // Inactive, an entity waits for nobody.
    let positions = files.get_mut("specs/positions.yaml").unwrap();
    *positions = positions.replace("version:", "is_active: false\nversion:");
    assert_eq!(places(&problems(&files)), ["TL0201 specs/offices.yaml:4:14"]);
}

#[test]
fn every_place_along_a_cycle_is_labelled() {
    let mut files = changed("specs/offices.yaml", "version:", "depends_on: [doctors]\nversion:");
    let doctors = files.get_mut("specs/doctors.yaml").unwrap();
    *doctors = doctors.replace("version:", "depends_on: [offices]\nversion:");
    let found = problems(&files);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].headline, "doctors → offices → doctors is a cycle");
    assert_eq!(found[0].labels.len(), 3, "both ways in which doctors waits, and the one back");
}

#[test]
fn an_inactive_entity_cannot_be_referred_to() {
    let files = changed("specs/offices.yaml", "version:", "is_active: false\nversion:");
    let found = problems(&files);
    assert_eq!(places(&found), ["TL0201 specs/doctors.yaml:6:53"]);
    assert_eq!(found[0].notes, ["specs/offices.yaml is not active"]);
}

#[test]
fn a_spec_that_cannot_be_read_is_not_reported_again_by_those_that_name_it() {
    let files = changed("specs/offices.yaml", "version:", "\tversion:");
    assert_eq!(places(&problems(&files)), ["TL0101 specs/offices.yaml:4:1"]);
    let files = changed("specs/offices.yaml", "source_table: dispatch_offices\n", "");
    assert_eq!(places(&problems(&files)), ["TL0107 specs/offices.yaml:1:1"]);
}

#[test]
fn two_active_specs_cannot_write_one_table() {
    let mut files = good();
    let copy = files["specs/positions.yaml"].replace("entity_type: positions", "entity_type: teeth");
    files.insert("specs/teeth.yaml".to_owned(), copy.clone());
    let found = problems(&files);
    assert_eq!(places(&found), ["TL0202 specs/teeth.yaml:3:20"]);
    assert_eq!(found[0].labels[1].file.path, "specs/positions.yaml");
    files.insert("specs/teeth.yaml".to_owned(), copy.replace("version:", "is_active: false\nversion:"));
    assert_eq!(places(&problems(&files)), Vec::<String>::new());
}

#[test]
fn a_kept_key_is_computed_from_the_source_key_alone() {
    let keep = |key: &str, id: &str| {
        let files = changed("specs/doctors.yaml", "version:", &format!("key: {key}\nversion:"));
        let files =
            files.into_iter().map(|(path, text)| (path, text.replace("  email:", &format!("{id}  email:")))).collect();
        places(&problems(&files))
    };
    let key = "{ source: doc_no, destination: id, strategy: keep }";
    assert_eq!(keep(key, ""), Vec::<String>::new());
    assert_eq!(keep(key, "  id: doc_no\n"), Vec::<String>::new());
    assert_eq!(keep(key, "  id: office_no\n"), ["TL0303 specs/doctors.yaml:9:7"]);
    assert_eq!(
        keep(key, "  id: { source_field: doc_no, transformation: join_names }\n"),
        ["TL0303 specs/doctors.yaml:9:47"]
    );
    assert_eq!(keep(key, "  id: { default_value: 5 }\n"), ["TL0303 specs/doctors.yaml:9:3"]);
    assert_eq!(keep(key, "  id: { source_field: doc_no, is_required: false }\n"), ["TL0108 specs/doctors.yaml:9:44"]);
    let two = "{ source: doc_no, destination: [id, email], strategy: keep }";
    assert_eq!(keep(two, ""), ["TL0303 specs/doctors.yaml:9:26"]);
}

/// Positions in another table, with its key mapped by hand.
fn positions_in(table: &str) -> std::collections::BTreeMap<String, String> {
    let mut files =
        changed("specs/positions.yaml", "destination_table: positions", &format!("destination_table: {table}"));
    let text = files.get_mut("specs/positions.yaml").unwrap();
    *text = text.replace("deletes:", "  - { source_field: tooth_no, destination_field: id }\ndeletes:");
    files
}

#[test]
fn a_key_may_be_written_only_once() {
    assert_eq!(places(&problems(&positions_in("numbered"))), Vec::<String>::new());
}

#[test]
fn a_warning_hides_no_error_and_stops_no_plan() {
    let warned = super::kit::compiled(&positions_in("audited"));
    assert_eq!(places(&warned.diagnostics), ["TL0313 specs/positions.yaml:3:20"]);
    assert!(warned.plan.is_some());
    // Both at one place: the table has no key at all, and triggers.
    let catalogs = {
        let mut catalogs = catalogs();
        for catalog in catalogs.values_mut() {
            for table in catalog.tables.values_mut().filter(|table| table.name.as_str() == "audited") {
                table.primary_key.clear();
            }
        }
        catalogs
    };
    let files = positions_in("audited");
    let files = files.into_iter().map(|(path, text)| (path, text.replace(", destination: id", ""))).collect();
    let compiled = crate::compile(&load(written(&files).path()).unwrap(), &FewWords { library: 7 }, &catalogs);
    let found = places(&compiled.diagnostics);
    assert_eq!(found, ["TL0313 specs/positions.yaml:3:20", "TL0303 specs/positions.yaml:3:20"]);
    assert!(compiled.plan.is_none());
}

#[test]
fn strategy_uuid_needs_a_namespace() {
    let files = changed("transload.yaml", ", namespace: \"${vars.namespace}\"", "");
    let found = problems(&files);
    // Each spec that would use it says so; `positions` keeps its key.
    assert_eq!(places(&found), ["TL0107 specs/doctors.yaml:1:14", "TL0107 specs/offices.yaml:1:14"]);
}

#[test]
fn thousands_of_columns_and_entities_are_compiled() {
    let columns: Vec<String> = (0..5_000).map(|column| format!("c{column}")).collect();
    let mut spec = String::new();
    for column in columns.iter().skip(1) {
        spec += &format!("  {column}: {{ transformation: trimmed }}\n");
    }
    let mut files = good();
    let entity = |name: &str, fields: &str| {
        format!(
            "entity_type: {name}\nsource_table: {name}\ndestination_table: {name}\nversion: \"1\"\n\
             key: {{ strategy: keep }}\nfield_mappings:\n{fields}"
        )
    };
    files.insert("specs/wide.yaml".to_owned(), entity("wide", &spec));
    let names: Vec<String> = (0..1_000).map(|number| format!("e{number}")).collect();
    for (at, name) in names.iter().enumerate() {
        // Each waits for the one before, the longest chain there is.
        let parent = if at == 0 { "  c1: c1\n".to_owned() } else { format!("  c1: {{ references: e{} }}\n", at - 1) };
        files.insert(format!("specs/{name}.yaml"), entity(name, &parent));
    }
    let directory = written(&files);
    let project = load(directory.path()).unwrap();
    let mut catalogs = catalogs();
    for catalog in catalogs.values_mut() {
        let wide: Vec<(&str, &str)> = columns.iter().map(|column| (column.as_str(), "text")).collect();
        add(catalog, table("wide", &["c0"], &wide));
        for name in &names {
            add(catalog, table(name, &["c0"], &[("c0", "text"), ("c1", "text")]));
        }
    }
    let compiled = crate::compile(&project, &FewWords { library: 7 }, &catalogs);
    assert_eq!(compiled.diagnostics, []);
    assert_eq!((compiled.summary.entities, compiled.summary.waves), (1_004, 1_000));
}
