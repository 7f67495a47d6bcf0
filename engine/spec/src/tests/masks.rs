//! `mask`, `masking` and `residency`: what is refused, what counts in which environment, and what a plan holds of it.

use std::collections::BTreeMap;

use transload_model::{Code, EntityName, EntityPlan, Keep, Mask, MaskPlan, Plan, PlanError, PlanParts, Severity};

use super::kit::{changed, compile_good, good, places, prose, written};
use crate::{Compiled, Project};

const SECRET: &str = "the key of the tests, which is no secret";

const DOCTORS: &str = "specs/doctors.yaml";
const EMAIL: &str = "email: { source_field: email_addr, transformation: [trimmed, lower] }";

/// The good project with a key for masks, three environments, and one text of a file replaced.
fn project(path: &str, from: &str, to: &str) -> BTreeMap<String, String> {
    let mut files = changed(path, from, to);
    let project = files.get_mut("transload.yaml").unwrap();
    *project += "masking: { key: \"${MASK_KEY:?ask the keeper}\" }\n\
                 environments: { dev: {}, staging: {}, prod: { vars: { prefix: \"+2\" } } }\n";
    files
}

/// `email` of the doctors with this mask.
fn masked(mask: &str) -> BTreeMap<String, String> {
    project(DOCTORS, EMAIL, &EMAIL.replace(" }", &format!(", mask: {mask} }}")))
}

fn load(files: &BTreeMap<String, String>, environment: Option<&str>, key: Option<&str>) -> Project {
    let variable = |name: &str| key.filter(|_| name == "MASK_KEY").map(ToOwned::to_owned);
    Project::load(written(files).path(), environment, &variable).unwrap()
}

fn compiled(files: &BTreeMap<String, String>, environment: Option<&str>, key: Option<&str>) -> Compiled {
    compile_good(&load(files, environment, key))
}

fn entity(files: &BTreeMap<String, String>, environment: Option<&str>, name: &str) -> EntityPlan {
    let compiled = compiled(files, environment, Some(SECRET));
    let told: String = compiled.diagnostics.iter().map(prose).collect();
    let plan = compiled.plan.unwrap_or_else(|| panic!("{told}"));
    plan.entities().iter().find(|entity| entity.name.as_str() == name).unwrap().clone()
}

fn doctors(mask: &str, environment: Option<&str>) -> EntityPlan {
    entity(&masked(mask), environment, "doctors")
}

/// The columns that are masked, each with its mask.
fn masks(plan: &EntityPlan) -> Vec<(&str, &Mask)> {
    plan.masks.iter().map(|MaskPlan { read, mask, .. }| (plan.reads[*read].name.as_str(), mask)).collect()
}

#[test]
fn a_mask_is_of_the_columns_that_its_field_reads() {
    let plan = doctors("redact", None);
    let redacted = Mask::Redact { with: "[redacted]".to_owned() };
    assert_eq!(masks(&plan), [("email_addr", &redacted)]);
    assert_eq!(plan.masks[0].place, "specs/doctors.yaml:8");

    let from = "{ source_field: [first_nm, last_nm], transformation: concat }";
    let name = "full_name: { source_field: [first_nm, last_nm], transformation: join_names }";
    let to = format!("full_name: {}", from.replace(" }", ", mask: hash }"));
    let plan = entity(&project(DOCTORS, name, &to), None, "doctors");
    let hash = Mask::Hash { keep: Keep::Nothing, length: None };
    assert_eq!(masks(&plan), [("first_nm", &hash), ("last_nm", &hash)]);
}

#[test]
fn null_is_a_word_however_it_is_written() {
    for mask in ["null", "\"null\"", "{ strategy: null }", "{ strategy: \"null\", environments: [dev] }"] {
        assert_eq!(masks(&doctors(mask, Some("dev"))), [("email_addr", &Mask::Null)], "{mask}");
    }
}

#[test]
fn a_column_that_is_read_as_two_types_is_masked_as_both() {
    let mask = "mask: { strategy: shift_date, days: 9, by: office_no, format: \"%Y-%m-%d\" }";
    let join = "  joined_text: { source_field: join_dt, format: \"%Y-%m-%d\", data_type: date }";
    let files = project(DOCTORS, join, &join.replace(" }", ", mask: \"null\" }"));
    let plan = entity(&files, None, "doctors");
    assert_eq!(masks(&plan), [("join_dt", &Mask::Null), ("join_dt", &Mask::Null)]);

    let found = compiled(&project(DOCTORS, join, &join.replace(" }", &format!(", {mask} }}"))), None, Some(SECRET));
    let told: String = found.diagnostics.iter().map(prose).collect();
    assert!(told.contains("take `format` out: it is for text"), "{told}");
    let bare = mask.replace(", format: \"%Y-%m-%d\"", "");
    let plan = entity(&project(DOCTORS, join, &join.replace(" }", &format!(", {bare} }}"))), None, "doctors");
    let formats: Vec<_> = plan.masks.iter().map(|mask| &mask.mask).collect();
    let shift = |format: Option<&str>| Mask::ShiftDate { days: 9, format: format.map(ToOwned::to_owned) };
    assert_eq!(formats, [&shift(None), &shift(Some("%Y-%m-%d"))]);
    let by = &plan.masks[0].by;
    assert_eq!(plan.reads[by[0]].name.as_str(), "office_no");
}

#[test]
fn a_mask_counts_where_it_says_and_where_nobody_says_which_environment_it_is() {
    let named = "{ strategy: redact, environments: [dev, staging] }";
    for (environment, count) in [(None, 1), (Some("dev"), 1), (Some("staging"), 1), (Some("prod"), 0)] {
        assert_eq!(doctors(named, environment).masks.len(), count, "{environment:?}");
        assert_eq!(doctors("redact", environment).masks.len(), 1, "{environment:?}");
    }
}

#[test]
fn the_same_mask_twice_names_its_environments_in_any_order() {
    let join = "joined_on: join_dt\n  joined_text: { source_field: join_dt, format: \"%Y-%m-%d\", data_type: date }";
    let masked = |environments: &str| format!(", mask: {{ strategy: \"null\", environments: {environments} }} }}");
    let to = join.replace("joined_on: join_dt", "joined_on: { source_field: join_dt }");
    let mut orders = ["[dev, staging]", "[staging, dev]"].into_iter();
    let to: String =
        to.split_inclusive(" }").map(|field| field.replace(" }", &masked(orders.next().unwrap()))).collect();
    assert_eq!(entity(&project(DOCTORS, join, &to), Some("dev"), "doctors").masks.len(), 2, "{to}");
}

#[test]
fn only_a_mask_that_counts_needs_a_key() {
    let files = masked("{ strategy: redact, environments: [dev] }");
    assert!(compiled(&files, Some("prod"), None).plan.is_some());
    let without = compiled(&files, Some("dev"), None);
    assert!(without.plan.is_none());
    let short = compiled(&files, Some("dev"), Some("short"));
    let mut unsaid = files.clone();
    let project = unsaid.get_mut("transload.yaml").unwrap();
    *project = project.lines().filter(|line| !line.starts_with("masking")).collect::<Vec<_>>().join("\n");
    let unsaid = compiled(&unsaid, Some("dev"), None);
    let told: String = [without, short, unsaid].iter().flat_map(|found| &found.diagnostics).map(prose).collect();
    insta::assert_snapshot!(told);
}

#[test]
fn whoever_has_no_key_is_not_told_to_write_one_into_the_file() {
    for key in ["${MASK_KEY}", "${MASK_KEY:?}"] {
        let mut files = masked("redact");
        let project = files.get_mut("transload.yaml").unwrap();
        *project = project.replace("${MASK_KEY:?ask the keeper}", key);
        let found = compiled(&files, Some("dev"), None).diagnostics;
        let told: String = found.iter().map(prose).collect();
        assert!(told.contains("`MASK_KEY` is not set") && told.contains("openssl rand"), "{told}");
        assert!(!told.contains(":-"), "{told}");
    }
}

#[test]
fn a_key_in_the_file_is_refused() {
    for key in [SECRET, &format!("${{MASK_KEY:-{SECRET}}}")] {
        let mut files = good();
        *files.get_mut("transload.yaml").unwrap() += &format!("masking: {{ key: \"{key}\" }}\n");
        let found = Project::load(written(&files).path(), None, &|_| None).unwrap_err();
        assert_eq!(places(&found), ["TL0113 transload.yaml:12:12"], "{key}");
        let told: String =
            found.iter().map(|found| format!("{}{:?}{:?}", found.headline, found.notes, found.help)).collect();
        assert!(!told.contains(SECRET), "{told}");
    }
}

#[test]
fn a_key_is_one_variable_of_the_environment_and_nothing_around_it() {
    let refused = |key: &str| {
        let mut files = good();
        *files.get_mut("transload.yaml").unwrap() += &format!("masking: {{ key: \"{key}\" }}\n");
        let given = |_: &str| Some(SECRET.to_owned());
        Project::load(written(&files).path(), None, &given).err().map(|found| (places(&found), prose(&found[0])))
    };
    for key in ["hardcoded-${HOME}", "${MASK_KEY}x", "${ONE}${OTHER}", "${vars.prefix}", "${MASK_KEY:-}", "${}"] {
        let (places, told) = refused(key).unwrap_or_else(|| panic!("{key}"));
        assert_eq!(places, ["TL0113 transload.yaml:12:12"], "{key}");
        assert_eq!(told.contains("scripts see those"), key.contains("vars"), "{told}");
    }
    for key in ["${MASK_KEY}", "${MASK_KEY:?}", "${MASK_KEY:?ask the keeper, or $HIM}"] {
        assert_eq!(refused(key), None, "{key}");
    }
}

#[test]
fn a_field_that_takes_the_place_of_a_masked_one_is_masked_or_says_how() {
    let template = |field: &str| {
        let mut files = masked("redact");
        let spec = files.get_mut(DOCTORS).unwrap();
        *spec = spec.replace(", mask: redact", "").replace("field_mappings:", "use: [contact]\nfield_mappings:");
        files.insert(
            "templates/contact.yaml".to_owned(),
            format!("template: contact\nfield_mappings:\n  email: {field}\n"),
        );
        files
    };
    let masked = |field: &str| masks(&entity(&template(field), None, "doctors")).len();
    assert_eq!(masked("{ source_field: email_addr, mask: { strategy: hash, keep: domain } }"), 1);
    assert_eq!(masked("{ source_field: email_addr, transformation: trimmed, mask: \"null\" }"), 1);

    let mut told = String::new();
    for field in [
        "{ source_field: last_nm, mask: redact }",
        "{ source_field: email_addr, expression: \"row.last_nm + value\", mask: redact }",
    ] {
        let found = compiled(&template(field), None, Some(SECRET));
        assert!(found.plan.is_none(), "{field}");
        told += &found.diagnostics.iter().map(prose).collect::<String>();
    }
    insta::assert_snapshot!(told);
}

#[test]
fn days_of_one_subject_are_moved_by_one_number() {
    let both = |one: &str, other: &str| {
        let from = "joined_text: { source_field: join_dt, format: \"%Y-%m-%d\", data_type: date }";
        let text = from.replace(" }", &format!(", mask: {{ strategy: shift_date, {one} }} }}"));
        let to = format!("{text}\n  seen_at: {{ mask: {{ strategy: shift_date, {other} }} }}");
        compiled(&project(DOCTORS, from, &to), None, Some(SECRET)).diagnostics
    };
    let unfit =
        |one: &str, other: &str| both(one, other).iter().filter(|found| found.headline.contains("one subject")).count();
    assert_eq!(unfit("days: 30", "days: 30"), 0);
    assert_eq!(unfit("days: 30", "days: 20, by: office_no"), 0);
    assert_eq!(unfit("days: 30, environments: [dev]", "days: 20, environments: [staging]"), 0);
    assert_eq!(unfit("days: 30", "days: 20"), 1);
    assert_eq!(unfit("days: 30, by: office_no", "days: 20, by: office_no"), 1);
    assert_eq!(unfit("days: 30", "days: 20, by: doc_no"), 1, "the key is the same subject");
    let told: String = both("days: 30", "days: 20").iter().map(prose).collect();
    insta::assert_snapshot!(told);
}

#[test]
fn nothing_shows_the_key() {
    let files = masked("redact");
    let project = load(&files, None, Some(SECRET));
    assert!(!format!("{project:?}").contains(SECRET));
    assert!(!format!("{:?}", compile_good(&project)).contains(SECRET));
    let merged = Project::merged(written(&files).path(), None, &|_| Some(SECRET.to_owned())).unwrap();
    assert!(merged.contains("${MASK_KEY:?ask the keeper}") && !merged.contains(SECRET), "{merged}");
}

#[test]
fn masks_and_their_key_are_of_the_fingerprints() {
    let mapped = |mask: &str, environment: Option<&str>| {
        let plan = doctors(mask, environment);
        (plan.mapped_fingerprint, plan.read_fingerprint, plan.key_fingerprint)
    };
    let bare = entity(&project(DOCTORS, EMAIL, EMAIL), Some("dev"), "doctors");
    let (redacted, read, key) = mapped("redact", Some("dev"));
    assert_ne!(redacted, bare.mapped_fingerprint);
    assert_ne!(read, bare.read_fingerprint, "digests are made with the key, and cannot be compared with others");
    assert_eq!(key, bare.key_fingerprint);
    let others =
        ["hash", "{ strategy: hash, length: 8 }", "{ strategy: redact, with: x }", "{ strategy: hash, keep: format }"];
    let all: std::collections::BTreeSet<u64> = others.iter().map(|mask| mapped(mask, Some("dev")).0).collect();
    assert_eq!(all.len(), others.len());
    assert!(!all.contains(&redacted));
    assert_ne!(mapped("hash", Some("dev")).1, read, "rows are read again, and written with the new mask");
    let named =
        |environments: &str| mapped(&format!("{{ strategy: redact, environments: {environments} }}"), Some("dev"));
    assert_eq!(named("[dev, staging]").1, read, "the same is hidden");
    let other =
        compiled(&masked("redact"), Some("dev"), Some("another key of masks, which is none either")).plan.unwrap();
    let other = other.entities().iter().find(|entity| entity.name.as_str() == "doctors").unwrap();
    assert!(other.mapped_fingerprint != redacted && other.read_fingerprint != read);
    let of_prod = "{ strategy: redact, environments: [prod] }";
    assert_eq!(mapped(of_prod, Some("dev")).1, bare.read_fingerprint);
}

/// Masks of `email_addr` that are refused, and where.
const REFUSED: &[(&str, &str)] = &[
    ("scramble", "TL0108"),
    ("[redact]", "TL0106"),
    ("", "TL0108"),
    ("{ keep: domain }", "TL0107"),
    ("{ strategy: redact, keep: domain }", "TL0108"),
    ("{ strategy: hash, salt: x }", "TL0105"),
    ("{ strategy: hash, keep: local }", "TL0108"),
    ("{ strategy: hash, length: 4 }", "TL0108"),
    ("{ strategy: hash, keep: format, length: 8 }", "TL0108"),
    ("partial", "TL0107"),
    ("{ strategy: partial, keep_last: 4, with: xx }", "TL0108"),
    ("shift_date", "TL0107"),
    ("{ strategy: shift_date, days: 30 }", "TL0321"),
    ("{ strategy: shift_date, days: 30, format: \"%H\" }", "TL0321"),
    ("{ strategy: shift_date, days: 30, by: office, format: \"%Y\" }", "TL0203"),
    ("{ strategy: }", "TL0107"),
    ("{ strategy: ~ }", "TL0108"),
    ("{ strategy: redact, environments: [] }", "TL0108"),
    ("{ strategy: redact, environments: [stagging] }", "TL0012"),
];

#[test]
fn a_mask_that_would_hide_nothing_is_refused_at_its_place() {
    let mut told = String::new();
    for (mask, code) in REFUSED {
        let found = compiled(&masked(mask), Some("dev"), Some(SECRET)).diagnostics;
        let codes: Vec<&str> = found.iter().map(|found| found.code.info().number).collect();
        assert_eq!(codes, [*code], "{mask}: {}", found.iter().map(prose).collect::<String>());
        told += &format!("{mask}\n{}\n", prose(&found[0]));
    }
    insta::assert_snapshot!(told);
}

/// Changes of the doctors that are refused.
const UNFIT: &[(&str, &str)] = &[
    ("joined_on: join_dt", "joined_on: { source_field: join_dt, mask: hash }"),
    ("default_value: 0 }", "default_value: 0, mask: redact }"),
    ("joined_on: join_dt", "visits: { expression: \"1 + 1\", mask: hash }\n  joined_on: join_dt"),
    ("joined_on: join_dt", "visits: { expression: \"boom(row.nowhere)\", mask: hash }\n  joined_on: join_dt"),
    ("office_id: { source_field: office_no,", "office_id: { source_field: office_no, mask: hash,"),
    ("joined_on: join_dt", "visits: { source_field: office_no, mask: hash }\n  joined_on: join_dt"),
    ("joined_on: join_dt", "visits: { source_field: doc_no, mask: hash }\n  joined_on: join_dt"),
    (
        "joined_on: join_dt",
        "visits: { source_field: visits, mask: { strategy: hash, keep: domain } }\n  joined_on: join_dt",
    ),
    (
        "full_name: { source_field: [first_nm, last_nm], transformation: join_names }",
        "full_name: { source_field: first_nm, mask: \"null\" }",
    ),
    (
        "full_name: { source_field: [first_nm, last_nm], transformation: join_names }",
        "full_name: { source_field: [first_nm, last_nm], transformation: join_names, mask: hash }",
    ),
    (
        "joined_on: join_dt",
        "joined_on: { source_field: join_dt, mask: { strategy: shift_date, days: 9 } }\n  seen_at: { mask: { strategy: shift_date, days: 9 } }\nchange_detection: { cursor_field: seen_at }\nx-rest:",
    ),
    (
        "joined_on: join_dt\n  joined_text: { source_field: join_dt, format: \"%Y-%m-%d\", data_type: date }",
        "joined_on: { source_field: join_dt, mask: \"null\" }\n  joined_text: { source_field: join_dt, mask: { strategy: shift_date, days: 9 } }",
    ),
];

#[test]
fn a_column_that_must_stay_as_it_is_cannot_be_masked() {
    let mut told = String::new();
    for (from, to) in UNFIT {
        let found = compiled(&project(DOCTORS, from, to), Some("prod"), Some(SECRET)).diagnostics;
        assert!(!found.is_empty(), "{to}");
        told += &format!("{to}\n{}\n", found.iter().map(prose).collect::<String>());
    }
    insta::assert_snapshot!(told);
}

#[test]
fn a_column_that_one_entity_masks_and_another_reads_is_warned_of() {
    let spec = "entity_type: contacts\nsource_table: dispatch_doctors\ndestination_table: messages\nversion: \"1\"\n\
                key: { source: doc_no, destination: no, strategy: keep }\n\
                field_mappings: { no: doc_no, sys: last_nm, body: email_addr }\n";
    let warned = |change: (&str, &str), environment: &str| {
        let mut files = masked("{ strategy: redact, environments: [dev] }");
        files.insert("specs/contacts.yaml".to_owned(), spec.replace(change.0, change.1));
        compiled(&files, Some(environment), Some(SECRET)).diagnostics
    };
    let key = (
        "key: { source: doc_no, destination: no, strategy: keep }",
        "key: { source: [last_nm, doc_no], destination: [sys, no], strategy: keep }",
    );
    let found = warned(key, "dev");
    assert_eq!(found.iter().map(|found| found.code).collect::<Vec<_>>(), [Code::MaskBypassed]);
    insta::assert_snapshot!(prose(&found[0]));
    assert!(warned(key, "prod").is_empty(), "nothing is masked there");
}

#[test]
fn a_query_over_a_table_that_another_entity_masks_is_warned_of() {
    let spec = "entity_type: contacts\nsource_table: dispatch_doctors\ndestination_table: messages\nversion: \"1\"\n\
                source: { query: \"select doc_no, last_nm, email_addr from dispatch_doctors\" }\n\
                key: { source: [last_nm, doc_no], destination: [sys, no], strategy: keep }\n\
                field_mappings: { no: doc_no, sys: last_nm, body: email_addr }\n";
    let mut files = masked("redact");
    files.insert("specs/contacts.yaml".to_owned(), spec.to_owned());
    let mut catalogs = super::kit::catalogs();
    let columns = [("doc_no", "integer not null"), ("last_nm", "text not null"), ("email_addr", "text")];
    let given = super::kit::table("dispatch_doctors", &[], &columns);
    for catalog in catalogs.values_mut() {
        catalog.written.insert(EntityName::parse("contacts").unwrap(), Ok(given.clone()));
    }

    let project = load(&files, None, Some(SECRET));
    let found = crate::compile(&project, &super::vocabulary::FewWords { library: 7 }, &catalogs).diagnostics;

    let told: String = found.iter().map(prose).collect();
    assert!(found.iter().any(|found| found.code == Code::MaskBypassed), "{told}");
}

#[test]
fn a_column_that_says_whose_days_others_are_is_masked_as_whatever_it_is_read_as() {
    let join = "joined_on: join_dt\n  joined_text: { source_field: join_dt, format: \"%Y-%m-%d\", data_type: date }";
    let to = "joined_text: { source_field: join_dt, format: \"%Y-%m-%d\", data_type: date, mask: { strategy: shift_date, days: 9 } }\n  \
              seen_at: { mask: { strategy: shift_date, days: 8, by: join_dt } }";
    let plan = entity(&project(DOCTORS, join, to), None, "doctors");
    let masked: Vec<&str> = masks(&plan).into_iter().map(|(column, _)| column).collect();
    assert_eq!(masked, ["join_dt", "join_dt", "seen_at"]);
    assert_eq!(plan.reads.iter().filter(|read| read.name.as_str() == "join_dt").count(), 2);

    // A plan in which one of the two was forgotten holds not together.
    let files = project(DOCTORS, join, to);
    let parts = |masks: usize| {
        let mut entities = compiled(&files, None, Some(SECRET)).plan.unwrap().entities().to_vec();
        let doctors = entities.iter_mut().find(|entity| entity.name == plan.name).unwrap();
        doctors.masks.drain(..2 - masks);
        PlanParts {
            project: "clinic".to_owned(),
            connections: load(&files, None, Some(SECRET)).connections().cloned().collect(),
            vars: BTreeMap::new(),
            entities,
            parallel_entity_limit: 1,
            snapshot_max_age: std::time::Duration::from_secs(1),
        }
    };
    assert_eq!(Plan::new(parts(1)).err(), Some(PlanError::Shown(plan.name.clone())));
    assert!(Plan::new(parts(0)).is_ok() && Plan::new(parts(2)).is_ok());
}

/// A mask that every row would fail by.
#[test]
fn a_mask_that_its_field_cannot_take_is_refused() {
    let offices = |field: &str, changes: &str| {
        let mut files = project(
            "specs/offices.yaml",
            "created_at: crt_ts\nvalidation_rules:\n",
            &format!("created_at: crt_ts\nvalidation_rules:\n{changes}"),
        );
        let spec = files.get_mut("specs/offices.yaml").unwrap();
        let (at, _) = field.split_once(':').unwrap();
        *spec = spec
            .lines()
            .map(|line| {
                if line.trim_start().starts_with(&format!("{at}:")) {
                    format!("  {field}\n")
                } else {
                    format!("{line}\n")
                }
            })
            .collect();
        compiled(&files, None, Some(SECRET)).diagnostics
    };
    let dated = |mask: &str| {
        offices(&format!("opened_on: {{ source_field: open_dt, format: \"%d/%m/%Y\", mask: {mask} }}"), "")
    };
    let mut told = String::new();
    for mask in ["redact", "hash", "{ strategy: hash, keep: format }", "{ strategy: partial, keep_last: 4 }"] {
        let found = dated(mask);
        assert_eq!(found.iter().map(|found| found.code).collect::<Vec<_>>(), [Code::MaskUnfit], "{mask}");
        told += &prose(&found[0]);
    }
    for mask in ["\"null\"", "{ strategy: shift_date, days: 9 }", "{ strategy: redact, with: 01/01/2000 }"] {
        assert!(dated(mask).is_empty(), "{mask}");
    }
    let unique = "  - { field_name: name, rule_type: unique, rule_parameters: { scope: destination } }\n";
    let named = |mask: &str| {
        offices(&format!("name: {{ source_field: office_nm, transformation: trimmed, mask: {mask} }}"), unique)
    };
    for mask in [
        "redact",
        "{ strategy: partial, keep_last: 4 }",
        "{ strategy: hash, length: 8 }",
        "{ strategy: hash, keep: format }",
    ] {
        let found = named(mask);
        assert_eq!(found.iter().map(|found| found.code).collect::<Vec<_>>(), [Code::MaskUnfit], "{mask}");
        assert_eq!(found[0].severity == Severity::Error, mask == "redact");
        told += &prose(&found[0]);
    }
    assert!(named("hash").is_empty());
    insta::assert_snapshot!(told);
}

#[test]
fn rows_leave_no_region_that_they_may_be_in() {
    let regions = |legacy: &str, platform: &str, residency: &str| {
        let mut files = good();
        let project = files.get_mut("transload.yaml").unwrap();
        *project = project.replace("read_only: true", &format!("read_only: true{legacy}"));
        *project = project.replace("data/platform.db\"", &format!("data/platform.db\"{platform}"));
        let spec = files.get_mut(DOCTORS).unwrap();
        *spec = spec.replace("version:", &format!("{residency}\nversion:"));
        files
    };
    let found = |files: &BTreeMap<String, String>| super::kit::problems(files);
    let (eu, us) = (", region: eu", ", region: us");
    for good in [
        regions(eu, eu, "residency: [eu]"),
        regions(eu, us, "residency: [us, eu]"),
        regions("", "", ""),
        regions(eu, eu, "residency: eu"),
    ] {
        assert_eq!(places(&found(&good)), [""; 0]);
    }
    let mut by_default = regions(eu, us, "");
    let project = by_default.get_mut("transload.yaml").unwrap();
    *project = project.replace("defaults:", "defaults:\n  residency: [eu]");
    let refused = [
        regions(eu, us, "residency: [eu]"),
        regions("", eu, "residency: [eu]"),
        regions(eu, eu, "residency: []"),
        regions(eu, eu, "residency: [\"e u\"]"),
        regions(", region: \"\"", eu, "residency: [eu]"),
        by_default,
    ];
    let told: String = refused.iter().flat_map(found).map(|found| prose(&found) + "\n").collect();
    insta::assert_snapshot!(told);
    assert!(
        found(&regions(eu, us, "residency: [eu]\nis_active: false")).iter().all(|found| found.code != Code::Residency)
    );
}

#[test]
fn the_long_form_has_masks_and_regions() {
    let all = [
        "redact",
        "{ strategy: hash, keep: domain, environments: [dev, staging] }",
        "{ strategy: hash, length: 9 }",
        "{ strategy: partial, keep_first: 1, with: \"#\" }",
        "{ strategy: shift_date, days: 3, by: visits, format: \"%Y%m%d\" }",
        "\"null\"",
        "null",
    ];
    for mask in all {
        let files = masked(mask);
        let project = load(&files, Some("dev"), Some(SECRET));
        let vocabulary = super::vocabulary::FewWords { library: 7 };
        let long = crate::expand(&project, &vocabulary, Some(&super::kit::catalogs())).unwrap();
        let doctors = long.iter().find(|(name, _)| name.as_str() == "doctors").unwrap().1;
        let mut again = files.clone();
        again.insert(DOCTORS.to_owned(), doctors.clone());
        let (before, after) = (entity(&files, Some("dev"), "doctors"), entity(&again, Some("dev"), "doctors"));
        assert_eq!(before.mapped_fingerprint, after.mapped_fingerprint, "{doctors}");
        assert!(doctors.contains("mask:"), "{doctors}");
    }
}
