//! What `defaults` of the project give to every spec: a template that stands before all others.

use std::collections::BTreeMap;

use transload_model::{DeletePolicy, EntityPlan, Plan, Selection, Share};

use super::kit::{changed, compile_good, compiled, good, places, problems, prose, written};
use crate::Project;

const DOCTORS: &str = "specs/doctors.yaml";
const POSITIONS: &str = "specs/positions.yaml";

/// The good project with more lines under `defaults`.
fn with(lines: &str) -> BTreeMap<String, String> {
    let lines: String = lines.lines().map(|line| format!("  {line}\n")).collect();
    changed("transload.yaml", "defaults:\n", &format!("defaults:\n{lines}"))
}

fn replace(files: &mut BTreeMap<String, String>, path: &str, from: &str, to: &str) {
    let text = files.get_mut(path).unwrap();
    assert!(text.contains(from), "{path} holds no {from:?}");
    *text = text.replacen(from, to, 1);
}

fn shown(files: &BTreeMap<String, String>) -> String {
    problems(files).iter().map(prose).collect()
}

fn plan(files: &BTreeMap<String, String>) -> Plan {
    compiled(files).plan.unwrap_or_else(|| panic!("{}", shown(files)))
}

fn entity<'p>(plan: &'p Plan, name: &str) -> &'p EntityPlan {
    plan.entities().iter().find(|entity| entity.name.as_str() == name).unwrap()
}

/// The lines from which an entity gets a column.
fn place(plan: &Plan, name: &str, column: &str) -> Option<String> {
    let field = entity(plan, name).fields.iter().find(|field| field.destination.as_str() == column);
    field.map(|field| field.place.clone())
}

/// The rules of an entity, as `rule field`.
fn rules(plan: &Plan, name: &str) -> Vec<String> {
    let entity = entity(plan, name);
    entity.rules.iter().map(|rule| format!("{} {}", rule.rule, entity.fields[rule.field].destination)).collect()
}

/// Only `doctors` has these columns; the other specs are taken out.
fn doctors_with(lines: &str) -> BTreeMap<String, String> {
    let mut files = with(lines);
    files.remove(POSITIONS);
    replace(&mut files, DOCTORS, "{ source_field: office_no, references: offices }", "office_no");
    files.remove("specs/offices.yaml");
    files
}

#[test]
fn mappings_and_functions_are_for_specs_that_have_none_of_their_own() {
    let lines = "field_mappings:\n  visits: { source_field: visits, transformation: one_more }\n  email: { default_value: none }\n\
        \x20 seen_at: { expression: row.seen_at }\ntransformation_functions:\n  - { name: one_more, function_body: value + 1 }\n\
        \x20 - { name: join_names, function_body: no }\n";
    let files = doctors_with(lines);
    let plan = plan(&files);
    assert_eq!(place(&plan, "doctors", "visits").unwrap(), "transload.yaml:11");
    assert_eq!(place(&plan, "doctors", "seen_at").unwrap(), "transload.yaml:13");
    assert_eq!(place(&plan, "doctors", "email").unwrap(), "specs/doctors.yaml:8", "the spec's own wins");
    let scripts: Vec<&str> = entity(&plan, "doctors").scripts.iter().map(|script| script.body.as_str()).collect();
    assert!(scripts.contains(&"value + 1") && !scripts.contains(&"no"), "{scripts:?}");
}

#[test]
fn a_template_stands_between_the_defaults_and_the_spec() {
    let lines = "field_mappings: { visits: { default_value: 1 }, seen_at: seen_at, email: email_addr }\nload: { max_errors: 1, streams: 3 }";
    let mut files = doctors_with(lines);
    let template =
        "template: more\nfield_mappings: { visits: visits, email: { default_value: none } }\nload: { max_errors: 2 }\n";
    files.insert("templates/more.yaml".to_owned(), template.to_owned());
    for list in ["use: [more]\nfield_mappings:", "use: []\nfield_mappings:"] {
        let mut files = files.clone();
        replace(&mut files, DOCTORS, "field_mappings:", list);
        let plan = plan(&files);
        let (visits, most) = match list.contains("more") {
            true => ("templates/more.yaml:2", 2),
            false => ("transload.yaml:10", 1),
        };
        assert_eq!(place(&plan, "doctors", "visits").unwrap(), visits);
        assert_eq!(place(&plan, "doctors", "seen_at").unwrap(), "transload.yaml:10");
        assert_eq!(place(&plan, "doctors", "email").unwrap(), "specs/doctors.yaml:9");
        let load = entity(&plan, "doctors").load;
        assert_eq!((load.max_errors, load.streams), (Share::Rows(most), Some(3)));
    }
}

#[test]
fn rules_and_tags_add_up_and_the_same_said_twice_is_said_once() {
    let rule = |name: &str| format!("{{ field_name: {name}, rule_type: required }}");
    let mut files = doctors_with(&format!("tags: [all]\nvalidation_rules: [{}, {}]", rule("full_name"), rule("email")));
    replace(
        &mut files,
        DOCTORS,
        "validation_rules:",
        &format!("tags: [own, all]\nvalidation_rules:\n  - {}", rule("email")),
    );
    let plan = plan(&files);
    assert_eq!(rules(&plan, "doctors"), ["required full_name", "required email", "range discount", "format email"]);
    let project = super::kit::load(written(&files).path()).unwrap();
    let (specs, _) = crate::compile::specs(&project, &mut crate::problems::Problems::default());
    assert_eq!(specs[0].tags, ["all", "own"]);
}

#[test]
fn what_is_one_value_is_taken_whole_by_specs_that_have_none() {
    let mut files = with("version: \"9\"\nis_active: false\nsource: { where: \"1 = 1\" }");
    replace(&mut files, "specs/offices.yaml", "version: \"1.0\"\n", "is_active: true\n");
    replace(&mut files, POSITIONS, "version:", "is_active: true\nsource: { where: \"2 = 2\" }\nversion:");
    replace(&mut files, POSITIONS, "depends_on: [doctors]\n", "");
    let plan = plan(&files);
    let names: Vec<&str> = plan.entities().iter().map(|entity| entity.name.as_str()).collect();
    assert_eq!(names, ["offices", "positions"]);
    let rows = |name: &str| entity(&plan, name).rows.clone();
    assert_eq!((entity(&plan, "offices").version.as_str(), entity(&plan, "positions").version.as_str()), ("9", "1.0"));
    assert_eq!(rows("offices"), Selection::Where("1 = 1".to_owned()));
    assert_eq!(rows("positions"), Selection::Where("2 = 2".to_owned()));
}

/// A limit that nobody can reach is a mistake of the spec or of its template; the defaults may have one for whoever deletes.
#[test]
fn a_limit_of_deletes_is_for_those_that_delete() {
    let template = |line: &str| format!("template: a\n{line}\n");
    let told = |default: &str, template_says: &str, own: &str| {
        let mut files = changed("transload.yaml", "deletes: { mode: hard, max: 10% }", default);
        files.insert("templates/a.yaml".to_owned(), template(template_says));
        replace(&mut files, DOCTORS, "field_mappings:", &format!("use: [a]\n{own}\nfield_mappings:"));
        let compiled = compiled(&files);
        let policy = compiled.plan.as_ref().map(|plan| entity(plan, "doctors").deletes);
        (policy, places(&compiled.diagnostics).join(" "))
    };
    let (tags, max, wrong) = ("tags: [a]", "deletes: { max: 5 }", "TL0108 templates/a.yaml:2:17");
    let limited = |rows: u64| Some(DeletePolicy::Hard(Some(Share::Rows(rows))));
    for (default, template_says, own, expected, place) in [
        ("deletes: { max: 1 }", tags, "", Some(DeletePolicy::Ignore), ""),
        ("deletes: { max: 1 }", tags, "deletes: { mode: hard }", limited(1), ""),
        ("deletes: { mode: ignore }", max, "", None, wrong),
        (tags, max, "", None, wrong),
        (tags, max, "deletes: { mode: ignore }", Some(DeletePolicy::Ignore), ""),
        ("deletes: { mode: hard, max: 1 }", max, "", limited(5), ""),
    ] {
        assert_eq!(told(default, template_says, own), (expected, place.to_owned()), "{default} {template_says} {own}");
    }
}

#[test]
fn a_spec_may_be_nothing_but_names() {
    let spec =
        "entity_type: messages\nsource_table: sys_messages\ndestination_table: messages\nkey: { strategy: keep }\n";
    let mut files = with("version: \"1\"\nfield_mappings: { body: body }");
    files.retain(|path, _| path == "transload.yaml");
    files.insert("specs/messages.yaml".to_owned(), spec.to_owned());
    assert_eq!(shown(&files), "");
    assert_eq!(place(&plan(&files), "messages", "body").unwrap(), "transload.yaml:11");

    // A key that is there must say it.
    let empty = spec.replace("key:", "version:\nkey:");
    files.insert("specs/messages.yaml".to_owned(), empty);
    assert_eq!(places(&problems(&files)), ["TL0107 specs/messages.yaml:4:1"]);
    files.insert("specs/messages.yaml".to_owned(), spec.to_owned());
    files.insert("transload.yaml".to_owned(), super::kit::PROJECT.to_owned());
    insta::assert_snapshot!(shown(&files));
}

#[test]
fn what_is_wrong_in_the_defaults_is_told_once_at_its_place() {
    let texts = [
        // Keys that belong elsewhere, or to nobody.
        "entity_type: a\nsource_table: b\ndestination_table: c\nid: d\ncreated_at: e\nupdated_at: f\ndepends_on: []\ntests: []\ndescription: g",
        "destination: { table: a }\nzero_date: null",
        "field_mapings: {}\nwhere: 1 = 1",
        // Values.
        "version: 1\nis_active: maybe\ntags: all\nfield_mappings: { a: 5 }\nvalidation_rules: [{ field_name: a }]\ntransformation_functions: {}",
        "source: { query: select 1 }",
        "source: { where: a, query: b }\ntransformation_functions: [{ name: a, function_file: nowhere.rhai }]",
        "source: {}",
        "source: { wher: 1 = 1 }",
        "source: { where: \"\" }",
        // What every spec takes in the same way.
        "transformation_functions: [{ name: lower, function_body: value }]",
        "validation_rules: [{ field_name: seen_at, rule_type: required }]",
        "validation_rules: [{ field_name: fullname, rule_type: required }]",
        "source: { where: \"${NOWHERE}\" }",
        "use: [\"${vars.prefix}\", contact]",
    ];
    insta::assert_snapshot!(texts.map(|lines| format!("{lines}\n\n{}", shown(&with(lines)))).join("\n"));
}

#[test]
fn what_only_some_tables_have_belongs_in_a_template() {
    let absent = with("field_mappings: { created_at: crt_ts }");
    // A spec that maps the column itself does not take it.
    let mut own = absent.clone();
    replace(&mut own, DOCTORS, "field_mappings:", "is_active: false\nfield_mappings:");
    let unfit = doctors_with("field_mappings: { visits: join_dt, entry_no: doc_no, id: doc_no }");
    insta::assert_snapshot!([absent, own, unfit].map(|files| shown(&files)).join("\n"));
}

#[test]
fn the_long_form_of_a_project_shows_no_script_as_a_variable() {
    let lines = "source: { where: \"tenant = '${TENANT}'\" }\nfield_mappings: { name: { expression: \"`${row.name}`\" } }\n\
        transformation_functions:\n  - name: both\n    function_body: |\n      `${value}\n      ${row.name}`";
    let text = Project::merged(written(&with(lines)).path(), None, &|_| Some(String::new())).unwrap();
    let (_, defaults) = text.split_once("defaults:\n").unwrap();
    insta::assert_snapshot!(defaults);
}

/// As in a spec, `${…}` belongs to scripts: elsewhere it would be written to the destination as it stands.
#[test]
fn variables_are_for_what_is_no_script() {
    let script = "tags: [\"${vars.prefix}\"]\nfield_mappings: { visits: { expression: \"`${row.visits}`\", data_type: integer } }";
    let files = doctors_with(script);
    let plan = plan(&files);
    let scripts: Vec<&str> = entity(&plan, "doctors").scripts.iter().map(|script| script.body.as_str()).collect();
    assert!(scripts.contains(&"`${row.visits}`"), "{scripts:?}");

    let lines = "field_mappings: { visits: { default_value: \"${vars.prefix}\" }, email: \"${EMAIL}\" }\n\
        validation_rules: [{ field_name: email, rule_type: format, rule_parameters: { pattern: \"${PATTERN}\" } }]";
    insta::assert_snapshot!(shown(&with(lines)));
}

#[test]
fn a_script_beside_the_project_is_read() {
    let lines = "transformation_functions: [{ name: one_more, function_file: scripts/one.rhai }]\n\
        field_mappings: { visits: { source_field: visits, transformation: one_more } }";
    let mut files = doctors_with(lines);
    files.insert("scripts/one.rhai".to_owned(), "value + row.visits".to_owned());
    assert_eq!(shown(&files), "");
    files.insert("scripts/one.rhai".to_owned(), "value +\n row.vists".to_owned());
    insta::assert_snapshot!(shown(&files));
}

/// Maps merge key by key, lists whole; and keys are checked in environments that nobody chose.
#[test]
fn an_environment_changes_what_the_defaults_say() {
    let environments = "environments:\n  prod:\n    defaults:\n      field_mappings: { visits: { default_value: 7 }, seen_at: seen_at }\n\
        \x20     validation_rules: [{ field_name: full_name, rule_type: required }]\n      source: { where: \"3 = 3\" }\nvars:";
    let lines = "field_mappings: { visits: { source_field: visits } }\nvalidation_rules: [{ field_name: email, rule_type: required }]";
    let mut files = doctors_with(lines);
    replace(&mut files, "transload.yaml", "vars:", environments);
    let load = |chosen: Option<&str>, files: &BTreeMap<String, String>| {
        Project::load(written(files).path(), chosen, &|_| None).map_err(|found| places(&found))
    };
    let plan = compile_good(&load(Some("prod"), &files).unwrap()).plan.unwrap();
    let visits = entity(&plan, "doctors").fields.iter().find(|field| field.destination.as_str() == "visits").unwrap();
    assert_eq!((visits.sources.len(), visits.default.clone()), (1, Some(7.into())));
    assert!(place(&plan, "doctors", "seen_at").is_some());
    assert_eq!(rules(&plan, "doctors"), ["required full_name", "range discount", "format email"]);
    assert_eq!(entity(&plan, "doctors").rows, Selection::Where("3 = 3".to_owned()));

    let plan = compile_good(&load(None, &files).unwrap()).plan.unwrap();
    assert_eq!(place(&plan, "doctors", "seen_at"), None);
    assert_eq!(rules(&plan, "doctors"), ["required email", "range discount", "format email"]);

    for (from, to, at) in [
        ("default_value: 7", "default: 7", "TL0105 transload.yaml:11:35"),
        ("rule_type: required }]\n      source", "rule: required }]\n      source", "TL0105 transload.yaml:12:51"),
        ("where:", "query:", "TL0105 transload.yaml:13:17"),
        ("source: {", "tests: {", "TL0105 transload.yaml:13:7"),
        ("source: {", "destination: {", "TL0109 transload.yaml:13:7"),
        ("seen_at: seen_at", "x-seen_at: {}", ""),
    ] {
        let mut files = files.clone();
        replace(&mut files, "transload.yaml", from, to);
        assert_eq!(load(None, &files).err().unwrap_or_default().join(" "), at, "{to}");
    }
}

#[test]
fn what_rows_become_decides_and_not_where_it_is_said() {
    let fingerprint = |files: &BTreeMap<String, String>| entity(&plan(files), "doctors").plan_fingerprint;
    let base = doctors_with("");
    let mapped = doctors_with("field_mappings: { visits: visits }");
    assert_ne!(fingerprint(&base), fingerprint(&mapped));
    assert_eq!(fingerprint(&base), fingerprint(&doctors_with("tags: [all]\nversion: \"9\"\nload: { max_errors: 1 }")));
    let mut template = base.clone();
    template.insert("templates/a.yaml".to_owned(), "template: a\nfield_mappings: { visits: visits }\n".to_owned());
    replace(&mut template, DOCTORS, "field_mappings:", "use: [a]\nfield_mappings:");
    assert_eq!(fingerprint(&mapped), fingerprint(&template));
    let filtered = doctors_with("source: { where: \"1 = 1\" }");
    assert_ne!(fingerprint(&base), fingerprint(&filtered));
    assert_eq!(fingerprint(&good()), fingerprint(&with("version: \"9\"")));
}
