//! The long form of a spec is a spec, and means the same.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::kit::{catalogs, compiled, good, load, prose, written};
use super::vocabulary::FewWords;
use crate::expand;

/// Every spec's long form, in place of the spec.
fn long(files: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let expanded = expand(&load(written(files).path()).unwrap(), &FewWords { library: 7 }, Some(&catalogs()));
    let expanded = expanded.unwrap_or_else(|found| panic!("{}", found.iter().map(prose).collect::<String>()));
    let mut files = files.clone();
    files.retain(|path, _| !path.starts_with("specs/"));
    for (entity, text) in expanded {
        files.insert(format!("specs/{entity}.yaml"), text);
    }
    files
}

/// The plan as text, without the lines of the specs.
fn plan(files: &BTreeMap<String, String>) -> String {
    let compiled = compiled(files);
    let found: String = compiled.diagnostics.iter().map(prose).collect();
    let plan = compiled.plan.unwrap_or_else(|| panic!("{found}\n{files:#?}"));
    let mut entities = plan.entities().to_vec();
    entities.sort_by(|a, b| a.name.cmp(&b.name));
    let text = format!("{entities:#?}");
    text.lines().filter(|line| !line.contains("place:")).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_good_project_in_long() {
    let long = long(&good());
    let specs: Vec<&str> =
        long.iter().filter(|(path, _)| path.starts_with("specs/")).map(|(_, text)| text.as_str()).collect();
    insta::assert_snapshot!(specs.join("---\n"));
}

#[test]
fn what_the_defaults_give_is_not_given_twice() {
    let mut files = good();
    let project = files.get_mut("transload.yaml").unwrap();
    *project = project.replace("defaults:\n", "defaults:\n  use: [visited]\n  auto_map: { exclude: visits }\n");
    let template =
        "template: visited\nauto_map: true\nvalidation_rules:\n  - { field_name: visits, rule_type: required }\n";
    files.insert("templates/visited.yaml".to_owned(), template.to_owned());
    for path in ["specs/offices.yaml", "specs/positions.yaml"] {
        let spec = files.get_mut(path).unwrap();
        *spec = spec.replacen("field_mappings:", "use: []\nfield_mappings:", 1);
    }
    assert_eq!(plan(&long(&files)), plan(&files));
}

#[test]
fn the_long_form_stands_beside_defaults_of_every_kind() {
    let defaults = "defaults:\n  version: \"9\"\n  is_active: false\n  tags: [all]\n  source: { where: \"1 = 1\" }\n\
        \x20 field_mappings: { visits: { expression: row.visits }, email: { expression: row.no_such_column }, seen_at: seen_at }\n\
        \x20 validation_rules: [{ field_name: visits, rule_type: required }, { field_name: discount, rule_type: range }]\n\
        \x20 transformation_functions: [{ name: join_names, function_body: no }, { name: other, function_body: value }]\n";
    let mut files = good();
    files.retain(|path, _| path == "transload.yaml" || path.ends_with("doctors.yaml"));
    let project = files.get_mut("transload.yaml").unwrap();
    *project = project.replace("defaults:\n", defaults);
    let spec = files.get_mut("specs/doctors.yaml").unwrap();
    *spec = spec.replace(
        "{ source_field: office_no, references: offices }",
        "{ source_field: office_no, transformation: other }",
    );
    *spec = spec.replace("version: \"1.1\"", "is_active: true\ntags: [own]\nuse: [seen]");
    let template = "template: seen\nfield_mappings: { seen_at: { expression: row.seen_at } }\n";
    files.insert("templates/seen.yaml".to_owned(), template.to_owned());
    let long = long(&files);
    assert_eq!(plan(&long), plan(&files));
    assert_eq!(self::long(&long), long);
    insta::assert_snapshot!(long["specs/doctors.yaml"]);
}

/// A mapping of a column of `doctors`, in the ways in which one can be written.
fn mapping() -> impl Strategy<Value = (usize, &'static str)> {
    let forms = [
        &[
            "full_name: { source_field: [first_nm, last_nm], transformation: concat }",
            "full_name: { source_field: [first_nm, last_nm], transformation: [{ concat: { separator: \", \" } }, trimmed], is_required: false }",
            "full_name: { default_value: \"007\" }",
            "full_name: { source_field: [last_nm, first_nm], transformation: joined, is_required: true }",
        ][..],
        &[
            "email: email_addr",
            "email: { source_field: email_addr, transformation: [trimmed, lower], default_value: \"~\" }",
            "email: { source_field: email_addr, value_map: { a: b, \"1\": \"c: d\", \" # \": \"\" }, on_unmapped: keep }",
            "email: { source_field: email_addr, transformation: [{ value_map: { map: { x: null }, on_unmapped: default } }, trimmed], default_value: none }",
        ],
        &[
            "discount: { source_field: disc_pct, data_type: \"decimal(5,2)\", default_value: 0 }",
            "discount: { source_field: disc_pct }",
            "discount: { default_value: 1.5 }",
        ],
        &[
            "joined_on: join_dt",
            "joined_on: { source_field: join_dt, format: \"%Y-%m-%d\" }",
            "joined_on: { source_field: first_nm, format: \"%d.%m.%y\" }",
        ],
        &["joined_text: { source_field: join_dt, data_type: date }", "joined_text: { source_field: seen_at }"],
        &[
            "visits: {}",
            "visits: { is_required: true }",
            "visits: { expression: \"row.visits\", default_value: 3 }",
            "visits: { source_field: first_nm, transformation: to_int }",
        ],
        &["seen_at: { sensitive: true }"],
    ];
    (0..forms.len()).prop_flat_map(move |at| (Just(at), prop::sample::select(forms[at])))
}

fn spec() -> impl Strategy<Value = String> {
    let fields =
        prop::collection::vec(mapping(), 0..9).prop_map(|mappings| mappings.into_iter().collect::<BTreeMap<_, _>>());
    let office = prop::sample::select(vec![
        "office_id: { source_field: office_no, references: offices }",
        "office_id: { source_field: office_no, references: offices, on_missing: \"null\" }",
        "office_id: { source_field: office_no, references: offices, on_missing: default, default_value: 7 }",
    ]);
    let star = prop::sample::select(vec![
        "",
        "auto_map: true\n",
        "auto_map: { exclude: [visits, \"x*\"] }\n",
        "auto_map: { include: \"*\", match: snake_case }\n",
    ]);
    let policies = prop::sample::select(vec![
        "",
        "load: { batch_size: 50 }\ndeletes: { mode: ignore }\n",
        "load: { checkpoint_interval: 3, max_errors: 0.25%, streams: 2 }\ndeletes: { mode: hard, max: 7 }\n",
        "description: \"a: b # c\"\ntags: [a, \"yes\", \"1\"]\nis_active: true\ndepends_on: [offices]\nload: { max_retry_attempts: 0 }\n",
    ]);
    let key = prop::sample::select(vec![
        "",
        "key: { source: doc_no, destination: id }\n",
        "key: { source: [doc_no, office_no], strategy: uuid_v5 }\n",
        "key: { strategy: uuid_v7 }\nsource: { where: \"visits > 0 -- not: { a: b }\" }\n",
        "key: { source: doc_no, strategy: uuid_v7 }\nid: 0b6ff3a2-5d43-4f0e-9a3c-6d8f0f3f2c11\ncreated_at: 2025-01-27T10:30:00Z\n",
    ]);
    let rules = prop::sample::select(vec![
        "",
        "validation_rules:\n  - { field_name: office_id, rule_type: required }\n  - { field_name: discount, rule_type: range, rule_parameters: { min: 0, max: 100 }, on_failure: warn }\n",
        "validation_rules:\n  - { field_name: full_name, rule_type: required }\n",
    ]);
    let uses = prop::sample::select(vec!["", "use: [upper]\n", "use: [lower, upper]\n", "use: [lower]\n"]);
    (fields, office, star, policies, key, rules, uses).prop_map(|(fields, office, star, policies, key, rules, uses)| {
        let mut mappings: BTreeMap<usize, &str> = fields;
        // These two must have a value.
        mappings.entry(0).or_insert("full_name: { source_field: [first_nm, last_nm], transformation: concat }");
        mappings.entry(2).or_insert("discount: { source_field: disc_pct, default_value: 0 }");
        let lines: Vec<String> = mappings.values().map(|line| format!("  {line}\n")).collect();
        format!(
            "entity_type: doctors\nsource_table: dispatch_doctors\ndestination_table: doctors\nversion: \"1.10\"\n{key}{star}{policies}{uses}\
             field_mappings:\n  {office}\n{}{rules}transformation_functions:\n  - name: joined\n    description: of two\n    \
             function_body: |\n      let a = row.photo;\n\n      `${{value[0]}} ${{a}}`\n",
            lines.concat()
        )
    })
}

const LOWER: &str = "template: lower\ntags: [low]\nfield_mappings:\n  visits: { expression: row.visits }\n  seen_at: { expression: row.seen_at }\n\
    validation_rules: [{ field_name: office_id, rule_type: required }]\ntransformation_functions: [{ name: low, function_body: value }]\n";
const UPPER: &str = "template: upper\nuse: [lower]\ntags: [up]\nfield_mappings: { visits: { source_field: visits, transformation: low } }\n\
    validation_rules: [{ field_name: visits, rule_type: required }]\nload: { max_errors: 5 }\n";
const DEFAULTS: &str = "defaults:\n  tags: [all, low]\n  source: { where: 1 = 1 }\n  transformation_functions:\n\
    \x20   - { name: low, function_body: value + 1 }\n    - { name: joined, function_body: value }\n";

proptest! {
    #[test]
    fn a_spec_and_its_long_form_are_one_plan(spec in spec()) {
        let mut files = good();
        files.remove("specs/positions.yaml");
        files.insert("specs/doctors.yaml".to_owned(), spec);
        files.insert("templates/upper.yaml".to_owned(), UPPER.to_owned());
        files.insert("templates/lower.yaml".to_owned(), LOWER.to_owned());
        let project = files.get_mut("transload.yaml").unwrap();
        *project = project.replace("defaults:\n", DEFAULTS);
        let long = long(&files);
        prop_assert_eq!(plan(&long), plan(&files), "{}", &long["specs/doctors.yaml"]);
        prop_assert_eq!(&self::long(&long), &long);
    }
}
