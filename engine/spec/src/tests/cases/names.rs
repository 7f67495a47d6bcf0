//! Names and the graph: TL02.

use super::{Case, DOCTORS, OFFICES, POSITIONS, case};

pub(super) const CASES: &[Case] = &[
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
