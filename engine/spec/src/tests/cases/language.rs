//! Reading and the language: TL01.

use super::{Case, DOCTORS, OFFICES, POSITIONS, case};

pub(super) const CASES: &[Case] = &[
    case(
        POSITIONS,
        [
            "  - { destination_field: status, default_value: active }",
            "  - status: { default_value: active }",
            "  - { destination_field: status, default_value: idle }",
        ],
        &["TL0105 specs/positions.yaml:11:5"],
    ),
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
        ["trimmed }", "trimmed, max_length: 5 }", "trimmed, x-max_length: 5 }"],
        &["TL0109 specs/offices.yaml:6:61"],
    ),
    case(
        OFFICES,
        [
            "version:",
            "change_detection: { strategy: timestamp }\nversion:",
            "change_detection: { strategy: timestamp, cursor_field: crt_ts }\nversion:",
        ],
        &["TL0107 specs/offices.yaml:4:31"],
    ),
    case(
        OFFICES,
        [
            "version:",
            "change_detection: { strategy: full, cursor_field: crt_ts, overlap: 5m }\nversion:",
            "change_detection: { cursor_field: crt_ts, overlap: 5m, audit_runs: 1 }\nversion:",
        ],
        &["TL0108 specs/offices.yaml:4:51", "TL0108 specs/offices.yaml:4:68"],
    ),
    case(
        OFFICES,
        [
            "version:",
            "change_detection: { cursor_field: crt_ts, overlap: five, audit_runs: 0 }\nversion:",
            "change_detection: { cursor_field: crt_ts, overlap: 366d, audit_runs: 10000 }\nversion:",
        ],
        &["TL0108 specs/offices.yaml:4:52", "TL0108 specs/offices.yaml:4:70"],
    ),
    case(
        OFFICES,
        [
            "version:",
            "change_detection: { cursor_field: crt_tz }\nversion:",
            "change_detection: { cursor_field: crt_ts }\nversion:",
        ],
        &["TL0203 specs/offices.yaml:4:35"],
    ),
    case(
        OFFICES,
        [
            "version:",
            "change_detection: { cursor_field: office_no }\nversion:",
            "change_detection: { cursor_field: crt_ts }\nversion:",
        ],
        &["TL0304 specs/offices.yaml:4:35"],
    ),
    case(OFFICES, ["version:", "<<: { a: 1 }\nversion:", "x-note: '<<'\nversion:"], &["TL0111 specs/offices.yaml:4:1"]),
    case(OFFICES, ["\"1.0\"", "!env VERSION", "!!str 1.0"], &["TL0111 specs/offices.yaml:4:10"]),
];
