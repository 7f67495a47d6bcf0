//! Pieces that specs share or keep elsewhere: templates, scripts in files, expressions.

use std::collections::BTreeMap;

use super::kit::{changed, compiled, places, problems, prose};

const DOCTORS: &str = "specs/doctors.yaml";
const TEMPLATE: &str = "template: contact\nfield_mappings:\n  email: { source_field: email_addr, transformation: lower }\n  visits: visits\n\
    validation_rules:\n  - { field_name: email, rule_type: required }\n";

/// The good project with a template that `doctors` uses.
fn using(template: &str) -> BTreeMap<String, String> {
    let mut files = changed(DOCTORS, "field_mappings:", "use: [contact]\nfield_mappings:");
    files.insert("templates/contact.yaml".to_owned(), template.to_owned());
    files
}

fn shown(files: &BTreeMap<String, String>) -> String {
    compiled(files).diagnostics.iter().map(prose).collect()
}

/// The fields of `doctors` with the number of their calls, and its rules.
fn doctors(files: &BTreeMap<String, String>) -> (Vec<String>, Vec<String>) {
    let compiled = compiled(files);
    let found: String = compiled.diagnostics.iter().map(prose).collect();
    let plan = compiled.plan.unwrap_or_else(|| panic!("{found}"));
    let doctors = plan.entities().iter().find(|entity| entity.name.as_str() == "doctors").unwrap();
    let fields = doctors.fields.iter().map(|field| format!("{} {}", field.destination, field.calls.len()));
    (fields.collect(), doctors.rules.iter().map(|rule| rule.rule.clone()).collect())
}

#[test]
fn what_a_template_says_comes_first_and_the_spec_wins() {
    let (fields, rules) = doctors(&using(TEMPLATE));

    // `email` is the spec's own: it goes through two functions.
    let expected = ["visits 0", "office_id 0", "full_name 1", "email 2", "discount 0", "joined_on 0", "joined_text 0"];
    assert_eq!(fields, expected);
    assert_eq!(rules, ["required", "range", "format"]);
}

#[test]
fn of_two_templates_the_later_one_counts() {
    let mut files = using(TEMPLATE);
    files.insert(
        "templates/a.yaml".to_owned(),
        "template: a\nfield_mappings: { visits: { default_value: 1 } }\n".to_owned(),
    );
    let spec = files.get_mut(DOCTORS).unwrap();
    *spec = spec.replace("use: [contact]", "use: [contact, a]");
    let compiled = compiled(&files);
    let plan = compiled.plan.unwrap();
    let doctors = plan.entities().iter().find(|entity| entity.name.as_str() == "doctors").unwrap();
    let visits = doctors.fields.iter().find(|field| field.destination.as_str() == "visits").unwrap();
    assert!(visits.sources.is_empty());
    assert_eq!(visits.place, "templates/a.yaml:2");
}

/// Keys, deletes and loading are taken value by value: the spec's own, then those of its templates, then the project's.
#[test]
fn what_a_template_says_of_policies_stands_between_the_spec_and_the_project() {
    let policies = "template: contact\ntags: [audited]\nkey: { strategy: uuid_v7, source: doc_no }\n\
        deletes: { mode: ignore }\nload: { max_errors: 7, batch_size: 50 }\n";
    let mut files = using(policies);
    let spec = files.get_mut(DOCTORS).unwrap();
    *spec = spec.replace("use:", "load: { max_errors: 3 }\nuse:");
    let found: String = compiled(&files).diagnostics.iter().map(prose).collect();
    let plan = compiled(&files).plan.unwrap_or_else(|| panic!("{found}"));
    let doctors = plan.entities().iter().find(|entity| entity.name.as_str() == "doctors").unwrap();
    assert!(matches!(doctors.key.strategy, transload_model::KeyStrategy::Minted { .. }));
    assert_eq!(doctors.deletes, transload_model::DeletePolicy::Ignore);
    assert_eq!((doctors.load.max_errors, doctors.load.batch_rows), (transload_model::Share::Rows(3), 50));

    let wrong = changed("specs/offices.yaml", "version:", "use: [contact]\nversion:");
    let mut wrong: BTreeMap<String, String> = wrong;
    wrong.insert("templates/contact.yaml".to_owned(), policies.replace("uuid_v7, source: doc_no", "uuid_v8"));
    assert_eq!(places(&problems(&wrong)), ["TL0108 templates/contact.yaml:3:18"]);
}

#[test]
fn a_mistake_in_a_template_is_told_at_its_place() {
    for (template, expected) in [
        (TEMPLATE.replace("visits: visits", "visits: visit"), "TL0203 specs/doctors.yaml:1:14"),
        (TEMPLATE.replace("transformation: lower", "transformation: lowr"), ""),
        (
            TEMPLATE.replace("visits: visits", "visits: { source_field: visits, transformation: lowr }"),
            "TL0206 templates/contact.yaml:4:51",
        ),
        (TEMPLATE.replace("template: contact", "template: contacts"), "TL0210 specs/doctors.yaml:5:7"),
        (TEMPLATE.replace("field_mappings", "fields"), "TL0105 templates/contact.yaml:2:1"),
        (TEMPLATE.replace("validation_rules:", "tests: []\nvalidation_rules:"), "TL0109 templates/contact.yaml:5:1"),
        (TEMPLATE.replace("template: contact\n", ""), "TL0107 templates/contact.yaml:1:1"),
    ] {
        let found = places(&problems(&using(&template)));
        // A mapping that the spec has itself is not taken from the template.
        let is_told = found.iter().any(|place| place == expected) || (found.is_empty() && expected.is_empty());
        assert!(is_told, "{expected:?} is not among {found:?}: {template}");
    }
}

#[test]
fn two_templates_of_one_name_are_refused() {
    let mut files = using(TEMPLATE);
    files.insert("templates/other.yaml".to_owned(), TEMPLATE.to_owned());
    assert_eq!(places(&problems(&files)), ["TL0207 templates/other.yaml:1:11"]);
}

/// The good project in which `doctors` uses `contact` of these templates.
fn with_templates(templates: &[(&str, &str)]) -> BTreeMap<String, String> {
    let mut files = changed(DOCTORS, "field_mappings:", "use: [contact]\nfield_mappings:");
    for (name, text) in templates {
        files.insert(format!("templates/{name}.yaml"), format!("template: {name}\n{text}"));
    }
    files
}

/// Where `doctors` gets `visits` from.
fn visits(files: &BTreeMap<String, String>) -> String {
    let plan = compiled(files).plan.unwrap_or_else(|| panic!("{}", shown(files)));
    let doctors = plan.entities().iter().find(|entity| entity.name.as_str() == "doctors").unwrap();
    doctors.fields.iter().find(|field| field.destination.as_str() == "visits").unwrap().place.clone()
}

#[test]
fn what_a_template_uses_comes_before_itself() {
    let used = "field_mappings: { visits: { default_value: 1 }, seen_at: seen_at }\n";
    let template = "use: [seen]\nfield_mappings: { visits: visits }\n";
    let files = with_templates(&[("contact", template), ("seen", used)]);
    assert_eq!(visits(&files), "templates/contact.yaml:3");
    let (fields, _) = doctors(&files);
    assert!(fields.contains(&"seen_at 0".to_owned()), "{fields:?}");

    // Named once more in front or behind, it is still taken once, where it comes first.
    for list in ["[seen, contact]", "[contact, seen]"] {
        let mut files = files.clone();
        let spec = files.get_mut(DOCTORS).unwrap();
        *spec = spec.replace("use: [contact]", &format!("use: {list}"));
        assert_eq!(visits(&files), "templates/contact.yaml:3", "{list}");
    }
}

#[test]
fn a_template_that_two_others_use_is_taken_once() {
    let rule = |name: &str| format!("validation_rules: [{{ field_name: {name}, rule_type: required }}]\n");
    let files = with_templates(&[
        ("contact", &format!("use: [left, right]\n{}", rule("joined_on"))),
        ("left", &format!("use: [base]\n{}field_mappings: {{ visits: {{ default_value: 2 }} }}\n", rule("full_name"))),
        ("right", &format!("use: [base]\n{}", rule("office_id"))),
        ("base", &format!("{}field_mappings: {{ visits: {{ default_value: 1 }} }}\n", rule("visits"))),
    ]);
    let plan = compiled(&files).plan.unwrap_or_else(|| panic!("{}", shown(&files)));
    let doctors = plan.entities().iter().find(|entity| entity.name.as_str() == "doctors").unwrap();
    let rules: Vec<String> = doctors
        .rules
        .iter()
        .filter(|rule| rule.rule == "required")
        .map(|rule| doctors.fields[rule.field].destination.to_string())
        .collect();
    assert_eq!(rules, ["visits", "full_name", "office_id", "joined_on"]);
    // `right` uses `base` as well, and yet `base` is no later than `left`.
    assert_eq!(visits(&files), "templates/left.yaml:4");
}

#[test]
fn templates_of_the_defaults_use_templates_too() {
    let mut files = with_defaults("use: [contact]", "template: contact\nuse: [seen]\n");
    files.insert("templates/seen.yaml".to_owned(), "template: seen\nfield_mappings: { visits: visits }\n".to_owned());
    put(&mut files, "specs/offices.yaml", "use: []");
    put(&mut files, "specs/positions.yaml", "use: []");
    assert_eq!(visits(&files), "templates/seen.yaml:2");
}

#[test]
fn a_template_that_uses_itself_is_shown_whole() {
    let own = with_templates(&[("contact", "use: [contact]\n")]);
    let three = with_templates(&[
        ("contact", "use: [left]\n"),
        ("left", "use: [other, right]\n"),
        ("right", "use: [contact]\n"),
        ("other", "tags: [other]\n"),
    ]);
    let mut unused = with_templates(&[("contact", ""), ("left", "use: [right]\n"), ("right", "use: [left]\n")]);
    unused.remove("specs/positions.yaml");
    insta::assert_snapshot!([own, three, unused].map(|files| shown(&files)).join("\n"));
}

#[test]
fn a_template_that_is_not_there_is_told_once_where_it_is_used() {
    let mut files = with_templates(&[("contact", "use: [sen]\nfield_mappings: { visits: visits }\n"), ("seen", "")]);
    put(&mut files, "specs/offices.yaml", "use: [contact]");
    // What `sen` might have filled, nobody can tell.
    put(&mut files, DOCTORS, "tests: [{ name: a, given: { row: { doc_no: 1 } }, expect: { row: { seen_at: 1 } } }]");
    let unused = with_templates(&[("contact", ""), ("left", "use: [nowhere]\n")]);
    let wrong = with_templates(&[("contact", "use: seen\n"), ("seen", "use: [[]]\n")]);
    insta::assert_snapshot!([files, unused, wrong].map(|files| shown(&files)).join("\n"));
}

#[test]
fn a_mapping_that_is_taken_over_leaves_no_script_behind() {
    let template = "template: contact\nfield_mappings: { email: { expression: row.no_such_column } }\n";
    assert_eq!(shown(&using(template)), "", "`doctors` maps `email` itself");
    let function =
        "template: contact\ntransformation_functions: [{ name: other, function_body: row.no_such_column }]\n";
    assert_eq!(shown(&using(function)), "", "`doctors` does not call `other`");
    let called = changed(DOCTORS, "transformation: [trimmed, lower]", "transformation: other");
    let mut called: BTreeMap<String, String> = called;
    called.insert("templates/contact.yaml".to_owned(), function.to_owned());
    put(&mut called, DOCTORS, "use: [contact]");
    insta::assert_snapshot!(shown(&called));
}

#[test]
fn two_mappings_of_one_column_in_a_template_are_refused() {
    let template = "template: contact\nfield_mappings:\n  - { destination_field: visits, source_field: visits }\n\
                    \x20 - { destination_field: visits, source_field: doc_no }\n";
    assert_eq!(places(&problems(&using(template))), ["TL0207 templates/contact.yaml:4:26"]);
}

#[test]
fn a_key_of_one_spec_is_none_of_a_template() {
    let template = "template: contact\nentity_type: doctors\nversion: \"1\"\ntests: []\n";
    insta::assert_snapshot!(shown(&using(template)));
}

const SCRIPT: &str = "// Two names.\n\nlet family = row.last_nm;\n`${value[0]} ${family} ${row.doc_no}`\n";

/// `doctors` with its function in a file.
fn in_file(path: &str) -> BTreeMap<String, String> {
    let body = super::kit::DOCTORS.split("    function_body: |\n").nth(1).unwrap();
    let from = format!("    function_body: |\n{body}");
    let mut files = changed(DOCTORS, &from, &format!("    function_file: {path}\n"));
    files.insert("scripts/names.rhai".to_owned(), SCRIPT.to_owned());
    files
}

#[test]
fn a_script_may_stand_in_a_file_beside() {
    assert_eq!(shown(&in_file("../scripts/names.rhai")), "");
}

#[test]
fn a_mistake_in_a_scripts_file_is_told_in_its_lines() {
    let mut files = in_file("../scripts/names.rhai");
    files.insert("scripts/names.rhai".to_owned(), SCRIPT.replace("row.last_nm", "row.lastnm"));
    assert_eq!(places(&problems(&files)), ["TL0803 scripts/names.rhai:3:18"]);
}

#[test]
fn a_scripts_file_must_be_there_and_in_the_project() {
    for path in ["names.rhai", "../../names.rhai", "/etc/hostname", "../scripts"] {
        assert_eq!(places(&problems(&in_file(path))), ["TL0007 specs/doctors.yaml:20:20"], "{path}");
    }
    let both = in_file("../scripts/names.rhai\n    function_body: value");
    assert_eq!(places(&problems(&both)), ["TL0108 specs/doctors.yaml:20:5"]);
}

#[test]
fn an_expression_is_a_script_of_one_field() {
    let files = changed(DOCTORS, "  email: {", "  visits: { expression: row.visits }\n  email: {");
    assert_eq!(shown(&files), "");
    let compiled = compiled(&files);
    let plan = compiled.plan.unwrap();
    let doctors = plan.entities().iter().find(|entity| entity.name.as_str() == "doctors").unwrap();
    let visits = doctors.fields.iter().find(|field| field.destination.as_str() == "visits").unwrap();
    assert!(visits.sources.is_empty());
    assert_eq!(visits.calls.len(), 1);
    assert!(doctors.reads.iter().any(|read| read.name.as_str() == "visits"));
    assert_eq!(compiled.summary.functions, 1, "it is no function of the spec's");
}

#[test]
fn a_mistake_in_an_expression_is_told_in_its_line() {
    let files = changed(DOCTORS, "  email: {", "  visits: { expression: row.vsits }\n  email: {");
    assert_eq!(places(&problems(&files)), ["TL0803 specs/doctors.yaml:8:29"]);
}

/// The good project in whose defaults this stands besides, and a template.
fn with_defaults(defaults: &str, template: &str) -> BTreeMap<String, String> {
    let mut files = changed("transload.yaml", "defaults:\n", &format!("defaults:\n  {defaults}\n"));
    files.insert("templates/contact.yaml".to_owned(), template.to_owned());
    files
}

fn put(files: &mut BTreeMap<String, String>, path: &str, line: &str) {
    let spec = files.get_mut(path).unwrap();
    *spec = spec.replacen("field_mappings:", &format!("{line}\nfield_mappings:"), 1);
}

#[test]
fn templates_of_the_defaults_are_for_specs_that_name_none() {
    let mut files = with_defaults("use: [contact]", TEMPLATE);
    put(&mut files, "specs/offices.yaml", "use: []");
    put(&mut files, "specs/positions.yaml", "use: []");
    assert_eq!(doctors(&files), doctors(&using(TEMPLATE)));

    put(&mut files, DOCTORS, "use: []");
    assert_eq!(doctors(&files), doctors(&changed(DOCTORS, "version", "version")));

    // What is wrong is told once, where it stands.
    let unknown = with_defaults("use: [contcat]", TEMPLATE);
    insta::assert_snapshot!(shown(&unknown), @"
    TL0210 there is no template `contcat`
      transload.yaml:10:9 [contcat] no file of `templates` has this name
      note: templates are `contact`
      help: did you mean `contact`?
    ");
}

#[test]
fn a_star_counts_where_it_stands_nearest() {
    let star = "template: contact\nauto_map: { exclude: [visits] }\nchange_detection: { strategy: hash }\n";
    let copied = |files: &BTreeMap<String, String>| -> Vec<String> {
        let (fields, _) = doctors(files);
        fields.into_iter().filter(|field| ["visits 0", "seen_at 0"].contains(&field.as_str())).collect()
    };
    let mut files = with_defaults("auto_map: true", star);
    assert_eq!(copied(&files), ["visits 0", "seen_at 0"]);
    let mut off = files.clone();
    put(&mut off, DOCTORS, "auto_map: false");
    assert_eq!(copied(&off), [""; 0]);
    put(&mut files, DOCTORS, "use: [contact]");
    assert_eq!(copied(&files), ["seen_at 0"]);
    assert_eq!(shown(&files), "");
    put(&mut files, DOCTORS, "auto_map: { include: visits }");
    assert_eq!(copied(&files), ["visits 0"]);

    let wrong = with_defaults("auto_map: { include: [] }", TEMPLATE);
    assert_eq!(places(&problems(&wrong)), ["TL0108 transload.yaml:10:24"]);
}

#[test]
fn a_spec_may_be_nothing_but_names_where_the_defaults_map() {
    let spec = "entity_type: messages\nsource_table: sys_messages\ndestination_table: messages\nversion: \"1\"\n\
                key: { strategy: keep }\n";
    let mut files = with_defaults("auto_map: true", TEMPLATE);
    files.insert("specs/messages.yaml".to_owned(), spec.to_owned());
    assert_eq!(shown(&files), "");
    files.insert("transload.yaml".to_owned(), super::kit::PROJECT.to_owned());
    assert_eq!(places(&problems(&files)), ["TL0107 specs/messages.yaml:1:1"]);
}
