//! `auto_map`: which columns a star stands for.

use super::kit::{changed, compiled, places, problems, prose};

const DOCTORS: &str = "specs/doctors.yaml";

/// What `doctors` copies, `destination<source`, with this `auto_map` and without problems.
fn copied(auto_map: &str) -> Vec<String> {
    let compiled = compiled(&changed(DOCTORS, "field_mappings:", &format!("auto_map: {auto_map}\nfield_mappings:")));
    let found: String = compiled.diagnostics.iter().map(prose).collect();
    let plan = compiled.plan.unwrap_or_else(|| panic!("{found}"));
    let doctors = plan.entities().iter().find(|entity| entity.name.as_str() == "doctors").unwrap();
    let shown =
        |field: &transload_model::FieldPlan| format!("{}<{}", field.destination, doctors.reads[field.sources[0]].name);
    doctors.fields.iter().skip(6).map(shown).collect()
}

#[test]
fn a_star_stands_for_columns_of_the_same_name_that_no_mapping_names() {
    let both = ["visits<visits", "seen_at<seen_at"];
    assert_eq!(copied("true"), both);
    assert_eq!(copied("{}"), both);
    assert_eq!(copied("{ include: \"*\" }"), both);
    assert_eq!(copied("{ include: [visits, \"s*\"] }"), both);
    assert_eq!(copied("{ include: \"*\", exclude: visits }"), ["seen_at<seen_at"]);
    assert_eq!(copied("{ exclude: [\"?isits\"] }"), ["seen_at<seen_at"]);
    assert_eq!(copied("{ exclude: [\"*_nm\", \"*\"] }"), [""; 0]);
    assert_eq!(copied("false"), [""; 0]);
}

#[test]
fn a_mapping_wins_over_the_star() {
    let files = changed(
        DOCTORS,
        "field_mappings:\n",
        "auto_map: true\nfield_mappings:\n  visits: { default_value: 1 }\n  seen_at: { source_field: seen_at, is_required: true }\n",
    );
    let compiled = compiled(&files);
    let plan = compiled.plan.unwrap();
    let doctors = plan.entities().iter().find(|entity| entity.name.as_str() == "doctors").unwrap();
    assert_eq!(doctors.fields.len(), 8);
}

#[test]
fn a_star_may_be_all_that_there_is() {
    let spec = "entity_type: messages\nsource_table: sys_messages\ndestination_table: messages\nversion: \"1\"\n\
                key: { strategy: keep }\nauto_map: true\n";
    let mut files = super::kit::good();
    files.insert("specs/messages.yaml".to_owned(), spec.to_owned());
    let compiled = compiled(&files);
    let found: String = compiled.diagnostics.iter().map(prose).collect();
    assert_eq!(found, "");
}

#[test]
fn what_is_wrong_with_a_star_is_told_at_its_place() {
    let mut shown = String::new();
    for (auto_map, expected) in [
        ("yes", &["TL0106 specs/doctors.yaml:5:11"][..]),
        ("[visits]", &["TL0106 specs/doctors.yaml:5:11"]),
        ("{ includes: visits }", &["TL0105 specs/doctors.yaml:5:13"]),
        ("{ include: [] }", &["TL0108 specs/doctors.yaml:5:22"]),
        ("{ include: 7 }", &["TL0106 specs/doctors.yaml:5:22"]),
        ("{ include: \"a[\" }", &["TL0108 specs/doctors.yaml:5:22"]),
        ("{ match: fuzzy }", &["TL0108 specs/doctors.yaml:5:20"]),
        ("{ on_new_column: freeze }", &["TL0108 specs/doctors.yaml:5:28"]),
        ("{ exclude: [visit] }", &["TL0203 specs/doctors.yaml:5:23"]),
        ("{ include: [visits, photo] }", &["TL0203 specs/doctors.yaml:5:31"]),
        ("{ exclude: [\"tmp_*\"] }", &["TL0203 specs/doctors.yaml:5:23"]),
    ] {
        let found = problems(&changed(DOCTORS, "field_mappings:", &format!("auto_map: {auto_map}\nfield_mappings:")));
        assert_eq!(places(&found), expected, "{auto_map}");
        shown += &format!("auto_map: {auto_map}\n{}\n", found.iter().map(prose).collect::<String>());
    }
    insta::assert_snapshot!(shown);
}
