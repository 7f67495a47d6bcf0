//! For every code about a spec: a text that fires it, at its place, and a near one that does not.
//!
//! Each case changes one text of one file of the good project. What people read is in the snapshot beside this file.

use super::kit::{changed, places, problems, prose};

pub(crate) struct Case {
    pub(crate) path: &'static str,
    pub(crate) from: &'static str,
    pub(crate) bad: &'static str,
    pub(crate) found: &'static [&'static str],
    pub(crate) good: &'static str,
}

const OFFICES: &str = "specs/offices.yaml";
const DOCTORS: &str = "specs/doctors.yaml";
const POSITIONS: &str = "specs/positions.yaml";

const fn case(path: &'static str, [from, bad, good]: [&'static str; 3], found: &'static [&'static str]) -> Case {
    Case { path, from, bad, found, good }
}

/// Reading and the language: TL01.
const LANGUAGE: &[Case] = &[
    case(OFFICES, ["  name: {", "\tname: {", "  \"name\": {"], &["TL0101 specs/offices.yaml:6:1"]),
    case(OFFICES, ["\"1.0\"", "\"1.0", "'1.0'"], &["TL0101 specs/offices.yaml:5:1"]),
    case(
        OFFICES,
        ["entity_type: offices\n", "", "# offices\nentity_type: offices\n"],
        &["TL0107 specs/offices.yaml:1:1"],
    ),
    case(
        OFFICES,
        ["validation_rules", "---\nvalidation_rules", "validation_rules"],
        &["TL0103 specs/offices.yaml:11:1"],
    ),
    case(OFFICES, ["version:", "source_table: x\nversion:", "version:"], &["TL0104 specs/offices.yaml:4:1"]),
    case(OFFICES, ["field_mappings", "feild_mappings", "field_mappings"], &["TL0105 specs/offices.yaml:5:1"]),
    case(
        OFFICES,
        ["version:", "db_password: x\nversion:", "x-password: y\nversion:"],
        &["TL0113 specs/offices.yaml:4:1"],
    ),
    case(OFFICES, ["transformation:", "tranformation:", "transformation:"], &["TL0105 specs/offices.yaml:6:36"]),
    case(OFFICES, ["\"1.0\"", "1.10", "'1.10'"], &["TL0106 specs/offices.yaml:4:10"]),
    case(
        OFFICES,
        ["version:", "is_active: yes\nversion:", "is_active: True\nversion:"],
        &["TL0106 specs/offices.yaml:4:12"],
    ),
    case(
        OFFICES,
        ["version:", "id: 7\nversion:", "id: 0b6ff3a2-5d43-4f0e-9a3c-6d8f0f3f2c11\nversion:"],
        &["TL0106 specs/offices.yaml:4:5"],
    ),
    case(
        OFFICES,
        ["version:", "created_at: 2025-01-27\nversion:", "updated_at: 2025-01-27T10:30:00Z\nversion:"],
        &["TL0108 specs/offices.yaml:4:13"],
    ),
    case(OFFICES, ["crt_ts", "[crt_ts]", "{ source_field: crt_ts }"], &["TL0106 specs/offices.yaml:10:15"]),
    case(OFFICES, ["crt_ts", "", "crt_ts"], &["TL0106 specs/offices.yaml:10:13"]),
    case(OFFICES, ["\"Y\": true", "01: true", "\"01\": true"], &["TL0106 specs/offices.yaml:9:52"]),
    case(OFFICES, ["\"Y\": true", "~: true", "NO: true"], &["TL0106 specs/offices.yaml:9:52"]),
    case(OFFICES, ["field_name: name, ", "", "field_name: name, "], &["TL0107 specs/offices.yaml:12:5"]),
    case(
        OFFICES,
        ["source_table: dispatch_offices", "source_table:", "source_table: dispatch_offices"],
        &["TL0107 specs/offices.yaml:2:1"],
    ),
    case(
        DOCTORS,
        ["transformation: join_names", "is_required: true", "transformation: concat"],
        &["TL0107 specs/doctors.yaml:7:31"],
    ),
    case(POSITIONS, [", default_value: active", "", ", default_value: x"], &["TL0107 specs/positions.yaml:11:5"]),
    case(
        POSITIONS,
        ["destination_field: name", "is_required: true", "destination_field: name"],
        &["TL0107 specs/positions.yaml:8:5"],
    ),
    case(OFFICES, ["trimmed }", "trimmed, on_missing: fail }", "trimmed }"], &["TL0108 specs/offices.yaml:6:61"]),
    case(
        OFFICES,
        [
            "\"N\": false }",
            "\"N\": false }, on_unmapped: default",
            "\"N\": false }, on_unmapped: default, default_value: false",
        ],
        &["TL0108 specs/offices.yaml:9:77"],
    ),
    case(
        OFFICES,
        ["references: offices", "references: offices, on_missing: skip", "references: offices, on_missing: fail"],
        &["TL0108 specs/offices.yaml:7:74"],
    ),
    case(
        OFFICES,
        ["references: offices", "references: offices, data_type: integer", "references: offices"],
        &["TL0108 specs/offices.yaml:7:62"],
    ),
    case(OFFICES, ["%d/%m/%Y", "%d/%m", "%d.%m.%Y"], &["TL0108 specs/offices.yaml:8:47"]),
    case(
        POSITIONS,
        ["batch_size: 500", "batch_size: 0", "batch_size: 1000000"],
        &["TL0108 specs/positions.yaml:13:21"],
    ),
    case(
        POSITIONS,
        ["batch_size: 500", "batch_size: .inf", "batch_size: 0x10"],
        &["TL0108 specs/positions.yaml:13:21"],
    ),
    case(POSITIONS, ["max_errors: 2%", "max_errors: 200%", "max_errors: 100%"], &["TL0108 specs/positions.yaml:13:63"]),
    case(
        POSITIONS,
        ["mode: ignore", "mode: ignore, max: 5", "mode: hard, max: 5"],
        &["TL0108 specs/positions.yaml:12:31"],
    ),
    case(POSITIONS, ["mode: ignore", "mode: soft", "mode: hard"], &["TL0107 specs/positions.yaml:1:14"]),
    case(
        DOCTORS,
        [
            "validation_rules:",
            "deletes: { mode: hard, field: seen_at }\nvalidation_rules:",
            "deletes: { mode: soft, field: seen_at }\nvalidation_rules:",
        ],
        &["TL0108 specs/doctors.yaml:12:31"],
    ),
    case(
        DOCTORS,
        [
            "validation_rules:",
            "deletes: { mode: soft, field: visits }\nvalidation_rules:",
            "deletes: { mode: soft, field: seen_at }\nvalidation_rules:",
        ],
        &["TL0304 specs/doctors.yaml:12:31"],
    ),
    case(
        DOCTORS,
        [
            "validation_rules:",
            "deletes: { mode: soft, field: joined_on }\nvalidation_rules:",
            "deletes: { mode: soft, field: seen_at }\nvalidation_rules:",
        ],
        &["TL0207 specs/doctors.yaml:10:3"],
    ),
    case(
        DOCTORS,
        [
            "validation_rules:",
            "deletes: { mode: soft, field: sen_at }\nvalidation_rules:",
            "deletes: { mode: soft, field: seen_at }\nvalidation_rules:",
        ],
        &["TL0203 specs/doctors.yaml:12:31"],
    ),
    case(POSITIONS, ["strategy: keep", "strategy: uuid_v7", "strategy: keep"], &["TL0304 specs/positions.yaml:6:39"]),
    case(POSITIONS, ["strategy: keep", "strategy: database", "strategy: keep"], &["TL0304 specs/positions.yaml:6:39"]),
    case(
        OFFICES,
        [
            "validation_rules:",
            "key: { strategy: uuid_v7 }\nvalidation_rules:\n  - { field_name: parent_id, rule_type: format, rule_parameters: { pattern: x } }",
            "key: { strategy: uuid_v7 }\nvalidation_rules:\n  - { field_name: parent_id, rule_type: required }",
        ],
        &["TL0109 specs/offices.yaml:13:41"],
    ),
    case(
        OFFICES,
        [
            "validation_rules:",
            "key: { strategy: uuid_v7, namespace: 0b6ff3a2-5d43-4f0e-9a3c-6d8f0f3f2c11 }\nvalidation_rules:",
            "key: { strategy: uuid_v7 }\nvalidation_rules:",
        ],
        &["TL0108 specs/offices.yaml:11:38"],
    ),
    case(
        POSITIONS,
        ["strategy: keep", "strategy: keep, namespace: 0b6ff3a2-5d43-4f0e-9a3c-6d8f0f3f2c11", "strategy: keep"],
        &["TL0108 specs/positions.yaml:6:70"],
    ),
    case(
        POSITIONS,
        ["default_value: active", "default_value: 007", "default_value: '007'"],
        &["TL0108 specs/positions.yaml:11:49"],
    ),
    case(
        POSITIONS,
        ["default_value: active", "default_value: null", "default_value: 'null'"],
        &["TL0108 specs/positions.yaml:11:49"],
    ),
    case(
        DOCTORS,
        ["default_value: 0", "default_value: 0.125", "default_value: 0.25"],
        &["TL0108 specs/doctors.yaml:9:81"],
    ),
    case(
        DOCTORS,
        [
            "  joined_on: join_dt",
            "  seen_at: { source_field: email_addr, format: \"%Y-%m-%d\" }\n  joined_on: join_dt",
            "  seen_at: email_addr\n  joined_on: join_dt",
        ],
        &["TL0108 specs/doctors.yaml:10:48"],
    ),
    case(
        DOCTORS,
        [
            "  joined_on: join_dt",
            "  seen_at: { default_value: \"2020-01-01T00:00:00\" }\n  joined_on: join_dt",
            "  seen_at: { default_value: \"2020-01-01T00:00:00Z\" }\n  joined_on: join_dt",
        ],
        &["TL0108 specs/doctors.yaml:10:29"],
    ),
    case(DOCTORS, ["\"decimal(5,2)\"", "json", "\"decimal(5,2)\""], &["TL0109 specs/doctors.yaml:9:50"]),
    case(DOCTORS, ["decimal(5,2)", "varchar(5)", "decimal(5, 2)"], &["TL0108 specs/doctors.yaml:9:50"]),
    case(
        DOCTORS,
        ["rule_type: format", "rule_type: fromat", "rule_type: format"],
        &["TL0108 specs/doctors.yaml:15:16"],
    ),
    case(
        DOCTORS,
        [
            "format\n    rule_parameters: { pattern: \"@\" }",
            "foreign_key\n    rule_parameters: { table: 7 }",
            "foreign_key\n    rule_parameters: { table: numbered, column: name }",
        ],
        &["TL0106 specs/doctors.yaml:16:31"],
    ),
    case(
        DOCTORS,
        ["on_failure: warn", "on_failure: warn\n    when: 'true'", "on_failure: warn\n    x-when: 'true'"],
        &["TL0109 specs/doctors.yaml:18:5"],
    ),
    case(
        DOCTORS,
        ["[first_nm, last_nm]", "[first_nm]", "[first_nm, last_nm, email_addr]"],
        &["TL0108 specs/doctors.yaml:7:30"],
    ),
    case(OFFICES, ["version:", "explode: {}\nversion:", "x-explode: {}\nversion:"], &["TL0109 specs/offices.yaml:4:1"]),
    case(
        OFFICES,
        ["trimmed }", "trimmed, mask: { strategy: hash } }", "trimmed, x-mask: { strategy: hash } }"],
        &["TL0109 specs/offices.yaml:6:61"],
    ),
    case(
        OFFICES,
        [
            "version:",
            "change_detection: { strategy: timestamp }\nversion:",
            "change_detection: { strategy: hash }\nversion:",
        ],
        &["TL0109 specs/offices.yaml:4:31"],
    ),
    case(OFFICES, ["version:", "<<: { a: 1 }\nversion:", "x-note: '<<'\nversion:"], &["TL0111 specs/offices.yaml:4:1"]),
    case(OFFICES, ["\"1.0\"", "!env VERSION", "!!str 1.0"], &["TL0111 specs/offices.yaml:4:10"]),
];

/// Names and the graph: TL02.
const NAMES: &[Case] = &[
    case(
        DOCTORS,
        ["references: offices", "references: ofices", "references: offices"],
        &["TL0201 specs/doctors.yaml:6:53"],
    ),
    case(POSITIONS, ["[doctors]", "[nobody]", "[doctors, offices]"], &["TL0201 specs/positions.yaml:5:14"]),
    case(
        POSITIONS,
        ["entity_type: positions", "entity_type: Doctors", "entity_type: positions"],
        &["TL0202 specs/positions.yaml:1:14"],
    ),
    case(
        DOCTORS,
        ["source_field: office_no", "source_field: ofice_no", "source_field: office_no"],
        &["TL0203 specs/doctors.yaml:6:30"],
    ),
    case(DOCTORS, ["  email:", "  e_mail:", "  email:"], &["TL0203 specs/doctors.yaml:8:3"]),
    case(POSITIONS, ["source: tooth_no", "source: tooth", "source: tooth_no"], &["TL0203 specs/positions.yaml:6:16"]),
    case(DOCTORS, ["dispatch_doctors", "dispatch_doctor", "dispatch_doctors"], &["TL0204 specs/doctors.yaml:2:15"]),
    case(
        DOCTORS,
        ["destination_table: doctors", "destination_table: people", "destination_table: doctors"],
        &["TL0204 specs/doctors.yaml:3:20"],
    ),
    case(POSITIONS, ["[doctors]", "[positions]", "[doctors]"], &["TL0205 specs/positions.yaml:5:14"]),
    case(OFFICES, ["version:", "depends_on: [doctors]\nversion:", "version:"], &["TL0205 specs/doctors.yaml:6:53"]),
    case(
        OFFICES,
        ["  created_at:", "  name: { source_field: parent_no, references: offices }\n  created_at:", "  created_at:"],
        &["TL0104 specs/offices.yaml:10:3"],
    ),
    case(
        OFFICES,
        ["transformation: trimmed }", "references: offices }", "transformation: trimmed }"],
        &["TL0205 specs/offices.yaml:6:48"],
    ),
    case(DOCTORS, ["[trimmed, lower]", "[trimmed, lowr]", "[trimmed, lower]"], &["TL0206 specs/doctors.yaml:8:64"]),
    case(
        DOCTORS,
        ["transformation: join_names", "transformation: join_name", "transformation: concat"],
        &["TL0206 specs/doctors.yaml:7:67"],
    ),
    case(
        POSITIONS,
        ["destination_field: status", "destination_field: name", "destination_field: status"],
        &["TL0207 specs/positions.yaml:11:26"],
    ),
    case(DOCTORS, ["  email:", "  id: email_addr\n  email:", "  email:"], &["TL0207 specs/doctors.yaml:8:3"]),
    case(
        DOCTORS,
        ["name: join_names", "name: concat", "name: join_names"],
        &["TL0206 specs/doctors.yaml:7:67", "TL0207 specs/doctors.yaml:19:11"],
    ),
    case(
        DOCTORS,
        [
            "  - name: join_names",
            "  - { name: join_names, function_body: 'value' }\n  - name: join_names",
            "  - { name: other, function_body: 'value' }\n  - name: join_names",
        ],
        &["TL0207 specs/doctors.yaml:20:11"],
    ),
    case(
        DOCTORS,
        ["field_name: email", "field_name: emial", "field_name: full_name"],
        &["TL0209 specs/doctors.yaml:14:17"],
    ),
    case(
        DOCTORS,
        ["field_name: email", "field_name: id", "field_name: office_id"],
        &["TL0209 specs/doctors.yaml:14:17"],
    ),
    case(
        DOCTORS,
        [
            "format\n    rule_parameters: { pattern: \"@\" }",
            "foreign_key\n    rule_parameters: { table: numberd, column: name }",
            "foreign_key\n    rule_parameters: { table: numbered, column: name }",
        ],
        &["TL0204 specs/doctors.yaml:16:31"],
    ),
    case(
        DOCTORS,
        [
            "format\n    rule_parameters: { pattern: \"@\" }",
            "foreign_key\n    rule_parameters: { table: numbered, column: nam }",
            "foreign_key\n    rule_parameters: { table: numbered, column: name }",
        ],
        &["TL0203 specs/doctors.yaml:16:49"],
    ),
    case("transload.yaml", ["source: legacy", "source: legcy", "source: legacy"], &["TL0208 transload.yaml:3:9"]),
];

/// Types and keys: TL03, and scripts.
const TYPES: &[Case] = &[
    case(
        DOCTORS,
        ["joined_on: join_dt", "joined_on: office_no", "joined_on: email_addr"],
        &["TL0301 specs/doctors.yaml:10:14"],
    ),
    case(
        DOCTORS,
        [
            "  joined_on: join_dt",
            "  visits: { source_field: join_dt, data_type: integer }\n  joined_on: join_dt",
            "  visits: { source_field: office_no, data_type: integer }\n  joined_on: join_dt",
        ],
        &["TL0301 specs/doctors.yaml:10:47"],
    ),
    case(
        DOCTORS,
        [
            "  joined_on: join_dt",
            "  seen_at: join_dt\n  joined_on: join_dt",
            "  seen_at: seen_at\n  joined_on: join_dt",
        ],
        &["TL0301 specs/doctors.yaml:10:12"],
    ),
    case(
        DOCTORS,
        ["joined_on: join_dt", "joined_on: seen_at", "seen_at: seen_at"],
        &["TL0301 specs/doctors.yaml:10:14"],
    ),
    case(
        OFFICES,
        ["  created_at: crt_ts\n", "", "  created_at: { default_value: \"2020-01-01T00:00:00\" }\n"],
        &["TL0302 specs/offices.yaml:5:1"],
    ),
    case(OFFICES, ["dispatch_offices", "old_offices", "dispatch_offices"], &["TL0303 specs/offices.yaml:2:15"]),
    case(
        POSITIONS,
        ["destination_field: name", "destination_field: id", "destination_field: name"],
        &["TL0302 specs/positions.yaml:7:1", "TL0303 specs/positions.yaml:8:19"],
    ),
    case(
        DOCTORS,
        ["version:", "key: { destination: [id, email] }\nversion:", "key: { destination: id }\nversion:"],
        &["TL0303 specs/doctors.yaml:1:14"],
    ),
    case(
        DOCTORS,
        [
            "discount: {",
            "visits: { source_field: doc_no, data_type: \"decimal(5,2)\" }\n  discount: {",
            "visits: doc_no\n  discount: {",
        ],
        &["TL0304 specs/doctors.yaml:9:46"],
    ),
    case(
        OFFICES,
        ["  created_at", "  search: office_nm\n  created_at", "  created_at"],
        &["TL0304 specs/offices.yaml:10:3"],
    ),
    case(
        POSITIONS,
        ["strategy: keep", "strategy: uuid_v5, namespace: 0b6ff3a2-5d43-4f0e-9a3c-6d8f0f3f2c11", "strategy: keep"],
        &["TL0304 specs/positions.yaml:6:39"],
    ),
    case(
        DOCTORS,
        ["version:", "key: { source: photo }\nversion:", "key: { source: [doc_no, email_addr] }\nversion:"],
        &["TL0305 specs/doctors.yaml:4:16"],
    ),
    case(
        DOCTORS,
        ["version:", "key: { source: seen_at }\nversion:", "key: { source: join_dt }\nversion:"],
        &["TL0305 specs/doctors.yaml:4:16"],
    ),
    case(
        DOCTORS,
        [
            "source_field: office_no, references",
            "source_field: email_addr, references",
            "source_field: email_addr, transformation: to_int, references",
        ],
        &["TL0306 specs/doctors.yaml:6:54"],
    ),
    case(
        OFFICES,
        ["version:", "key: { source: [office_no, office_nm] }\nversion:", "key: { source: office_no }\nversion:"],
        &["TL0306 specs/doctors.yaml:6:53", "TL0306 specs/offices.yaml:8:53"],
    ),
    case(
        POSITIONS,
        ["destination_table: positions", "destination_table: ruled", "destination_table: numbered"],
        &["TL0311 specs/positions.yaml:3:20"],
    ),
    case(
        POSITIONS,
        ["destination_table: positions", "destination_table: guarded", "destination_table: positions"],
        &["TL0312 specs/positions.yaml:3:20"],
    ),
    case(
        POSITIONS,
        ["source_table: jaw_types", "source_table: own_jaw", "source_table: old_jaw"],
        &["TL0312 specs/positions.yaml:2:15"],
    ),
    case(
        POSITIONS,
        ["destination_table: positions", "destination_table: audited", "destination_table: audited\nis_active: false"],
        &["TL0313 specs/positions.yaml:3:20"],
    ),
    case(
        DOCTORS,
        ["  joined_on: join_dt", "  entry_no: doc_no\n  joined_on: join_dt", "  visits: doc_no\n  joined_on: join_dt"],
        &["TL0314 specs/doctors.yaml:10:3"],
    ),
    case(DOCTORS, ["{ pattern: \"@\" }", "{}", "{ pattern: 'x' }"], &["TL0307 specs/doctors.yaml:16:5"]),
    case(
        OFFICES,
        [
            "field_name: name, rule_type: required",
            "field_name: is_active, rule_type: range",
            "field_name: parent_id, rule_type: range",
        ],
        &["TL0307 specs/offices.yaml:12:41"],
    ),
    case(
        DOCTORS,
        [
            "format\n    rule_parameters: { pattern: \"@\" }",
            "foreign_key",
            "foreign_key\n    rule_parameters: { table: notes, column: body }",
        ],
        &["TL0307 specs/doctors.yaml:15:16"],
    ),
    case(
        DOCTORS,
        [
            "format\n    rule_parameters: { pattern: \"@\" }",
            "foreign_key\n    rule_parameters: { table: messages }",
            "foreign_key\n    rule_parameters: { table: messages, column: body }",
        ],
        &["TL0307 specs/doctors.yaml:16:31"],
    ),
    case(
        DOCTORS,
        [
            "format\n    rule_parameters: { pattern: \"@\" }",
            "foreign_key\n    rule_parameters: { table: numbered, column: id }",
            "foreign_key\n    rule_parameters: { table: numbered, column: name }",
        ],
        &["TL0307 specs/doctors.yaml:16:49"],
    ),
    case(
        DOCTORS,
        [
            "format\n    rule_parameters: { pattern: \"@\" }",
            "foreign_key\n    rule_parameters: { table: guarded, column: name }",
            "foreign_key\n    rule_parameters: { table: audited, column: name }",
        ],
        &["TL0312 specs/doctors.yaml:16:31"],
    ),
    case(
        DOCTORS,
        [
            "format\n    rule_parameters: { pattern: \"@\" }",
            "foreign_key\n    rule_parameters: { table: offices }",
            "foreign_key\n    rule_parameters: { table: numbered, column: status }",
        ],
        &["TL0319 specs/doctors.yaml:16:31"],
    ),
    case(
        DOCTORS,
        ["source_field: email_addr", "source_field: office_no", "source_field: first_nm"],
        &["TL0308 specs/doctors.yaml:8:54"],
    ),
    case(
        DOCTORS,
        [
            "transformation: join_names",
            "transformation: [concat: { sep: \",\" }]",
            "transformation: [concat: { separator: \",\" }]",
        ],
        &["TL0308 specs/doctors.yaml:7:68"],
    ),
    case(
        DOCTORS,
        ["let family", "boom;\n      let family", "let other = 1;\n      let family"],
        &["TL0801 specs/doctors.yaml:21:7"],
    ),
    case(DOCTORS, ["row.last_nm", "row.lastnm", "row.first_nm"], &["TL0803 specs/doctors.yaml:21:24"]),
];

/// All cases.
pub(crate) fn all() -> impl Iterator<Item = &'static Case> {
    LANGUAGE.iter().chain(NAMES).chain(TYPES)
}

/// What people read of every bad text. All that is not as the cases say is reported together.
fn check(cases: &[Case]) -> String {
    let (mut shown, mut wrong) = (String::new(), String::new());
    for case in cases {
        let found = problems(&changed(case.path, case.from, case.bad));
        let prose: String = found.iter().map(prose).collect();
        if places(&found) != case.found {
            wrong += &format!("{}: {:?} → {:?} found {:?}\n{prose}\n", case.path, case.from, case.bad, places(&found));
        }
        let sibling: String =
            problems(&changed(case.path, case.from, case.good)).iter().map(super::kit::prose).collect();
        if !sibling.is_empty() {
            wrong += &format!("{}: {:?} → {:?} is not good\n{sibling}\n", case.path, case.from, case.good);
        }
        shown += &format!("{}: {:?} → {:?}\n{prose}\n", case.path, case.from, case.bad);
    }
    assert!(wrong.is_empty(), "{wrong}");
    shown
}

#[test]
fn what_the_language_does_not_have_is_refused_at_its_place() {
    insta::assert_snapshot!(check(LANGUAGE));
}

#[test]
fn names_that_do_not_fit_are_refused_at_their_place() {
    insta::assert_snapshot!(check(NAMES));
}

#[test]
fn types_that_do_not_fit_are_refused_at_their_place() {
    insta::assert_snapshot!(check(TYPES));
}

#[test]
fn every_code_about_specs_has_a_case() {
    let fired: Vec<&str> = all().flat_map(|case| case.found).filter_map(|found| found.split(' ').next()).collect();
    // These need bytes or sizes, and are in `files`; or a lock, and are in `lock`; or a template, or a foreign key; a key that is not unique is found by looking at rows.
    let elsewhere = [
        "TL0102", "TL0110", "TL0112", "TL0309", "TL0310", "TL0315", "TL0316", "TL0210", "TL0211", "TL0317", "TL0318",
        "TL0320",
    ];
    for code in transload_model::Code::ALL {
        let number = code.info().number;
        let is_of_specs = ["TL01", "TL02", "TL03"].iter().any(|family| number.starts_with(family));
        if is_of_specs && !elsewhere.contains(&number) {
            assert!(fired.contains(&number), "{number} has no case");
        }
    }
}
