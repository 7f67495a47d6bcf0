//! Types and keys: TL03, and scripts.

use super::{Case, DOCTORS, OFFICES, POSITIONS, case};

pub(super) const CASES: &[Case] = &[
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
        POSITIONS,
        ["destination_table: positions", "destination_table: seen", "destination_table: numbered"],
        &["TL0325 specs/positions.yaml:3:20"],
    ),
    case(
        POSITIONS,
        [
            "destination_table: positions",
            "destination_table: unlogged",
            "destination_table: unlogged\nis_active: false",
        ],
        &["TL0326 specs/positions.yaml:3:20"],
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
