//! Changes of tables, and how each is judged.

use transload_model::{ForeignKey, OnDelete, TableName};

use super::{DESTINATION, DOCTORS, Edit, SOURCE, column, drop_column, name, redeclare, rename};

/// What is done to which table, and how each change is judged.
pub(super) struct Case(
    pub(super) &'static str,
    pub(super) &'static str,
    pub(super) Edit,
    pub(super) &'static [&'static str],
);

pub(super) const CASES: &[Case] = &[
    // Columns of the source.
    Case(
        SOURCE,
        "dispatch_doctors",
        |t| drop_column(t, "email_addr"),
        &["breaks specs/doctors.yaml:8 column `email_addr` is gone: `email` has no source any more"],
    ),
    Case(SOURCE, "dispatch_doctors", |t| drop_column(t, "photo"), &["safe - column `photo` is gone: no spec reads it"]),
    Case(
        SOURCE,
        "dispatch_doctors",
        |t| rename(t, "email_addr", "mail"),
        &[
            "breaks specs/doctors.yaml:8 column `email_addr` is gone; `mail` is where it was, and like it: `email` has no source any more",
        ],
    ),
    Case(
        SOURCE,
        "dispatch_doctors",
        |t| rename(t, "photo", "picture"),
        &["safe - column `photo` is gone; `picture` is where it was, and like it: no spec reads it"],
    ),
    Case(
        SOURCE,
        "jaw_types",
        |t| drop_column(t, "tooth_no"),
        &["breaks specs/positions.yaml:6 column `tooth_no` is gone: rows of `positions` are told apart by it"],
    ),
    Case(
        SOURCE,
        "dispatch_doctors",
        |t| t.columns.push(column("fax", "text")),
        &["safe - column `fax` is new: text: no spec reads it"],
    ),
    Case(
        SOURCE,
        "dispatch_doctors",
        |t| redeclare(t, "email_addr", "varchar(9)"),
        &[
            "safe specs/doctors.yaml:8 column `email_addr` was text, is varchar(9): a value that does not fit the destination is set aside",
        ],
    ),
    Case(
        SOURCE,
        "dispatch_doctors",
        |t| redeclare(t, "join_dt", "timestamptz"),
        &[
            "breaks specs/doctors.yaml:10 column `join_dt` was date, is timestamptz: field `joined_on` cannot turn timestamptz into date",
        ],
    ),
    Case(
        SOURCE,
        "dispatch_doctors",
        |t| redeclare(t, "visits", "text"),
        &["safe - column `visits` was integer, is text: no spec reads it"],
    ),
    Case(
        SOURCE,
        "dispatch_doctors",
        |t| redeclare(t, "doc_no", "text not null"),
        &[
            "breaks specs/doctors.yaml:2 column `doc_no` was integer not null, is text not null: keys of loaded rows are integer",
        ],
    ),
    Case(
        SOURCE,
        "dispatch_offices",
        |t| t.columns[1].nullable = true,
        &["safe specs/offices.yaml:6 column `office_nm` takes NULL now: rows are read as before"],
    ),
    // Keys and what acts, of the source.
    Case(
        SOURCE,
        "dispatch_doctors",
        |t| t.primary_key = vec![name("email_addr")],
        &[
            "breaks specs/doctors.yaml:2 the primary key was (doc_no), is (email_addr): the spec names no key, so rows would be told apart by other columns",
        ],
    ),
    Case(
        SOURCE,
        "jaw_types",
        |t| t.primary_key.clear(),
        &[
            "look specs/positions.yaml:2 the primary key was (tooth_no), is (): the database no longer keeps the spec's key unique",
        ],
    ),
    Case(
        SOURCE,
        "dispatch_doctors",
        |t| t.side_effects.triggers.push("audit".to_owned()),
        &["safe - the trigger `audit` is new: it acts on nothing that is read"],
    ),
    Case(
        SOURCE,
        "dispatch_doctors",
        |t| t.side_effects.row_security = true,
        &["breaks specs/doctors.yaml:2 row security is new: rows that it hides would count as gone"],
    ),
    // Columns of the destination.
    Case(
        DESTINATION,
        "doctors",
        |t| drop_column(t, "email"),
        &["breaks specs/doctors.yaml:8 column `email` is gone: `email` has nowhere to go any more"],
    ),
    Case(DESTINATION, "doctors", |t| drop_column(t, "visits"), &["safe - column `visits` is gone: no spec fills it"]),
    Case(
        DESTINATION,
        "doctors",
        |t| rename(t, "full_name", "name"),
        &[
            "breaks specs/doctors.yaml:7 column `full_name` is gone; `name` is where it was, and like it: `full_name` has nowhere to go any more",
        ],
    ),
    Case(
        DESTINATION,
        "doctors",
        |t| t.columns.push(column("fax", "text")),
        &["safe - column `fax` is new: text: no spec fills it"],
    ),
    Case(
        DESTINATION,
        "doctors",
        |t| t.columns.push(column("fax", "text not null")),
        &[
            "breaks specs/doctors.yaml:5 column `fax` is new: text not null, which must have a value: nothing fills it, and it must have a value",
        ],
    ),
    Case(
        DESTINATION,
        "doctors",
        |t| t.columns.push(column("fax", "text not null default")),
        &["safe - column `fax` is new: text not null default: no spec fills it"],
    ),
    Case(
        DESTINATION,
        "doctors",
        |t| redeclare(t, "email", "varchar(9)"),
        &[
            "breaks specs/doctors.yaml:8 column `email` was text, is varchar(9): values that fitted may not fit any more",
        ],
    ),
    Case(
        DESTINATION,
        "doctors",
        |t| redeclare(t, "email", "mood"),
        &[
            "look specs/doctors.yaml:8 column `email` was text, is mood: nobody here can tell whether its values are what they were",
        ],
    ),
    Case(
        DESTINATION,
        "doctors",
        |t| redeclare(t, "joined_on", "timestamp"),
        &[
            "breaks specs/doctors.yaml:10 column `joined_on` was date, is timestamp: rows that are loaded hold date there",
        ],
    ),
    Case(
        DESTINATION,
        "doctors",
        |t| redeclare(t, "visits", "text"),
        &["safe - column `visits` was integer, is text: no spec fills it"],
    ),
    Case(
        DESTINATION,
        "doctors",
        |t| t.columns[2].nullable = true,
        &["safe specs/doctors.yaml:7 column `full_name` takes NULL now: a mapping fills it"],
    ),
    Case(
        DESTINATION,
        "doctors",
        |t| t.columns[3].nullable = false,
        &[
            "look specs/doctors.yaml:8 that column `email` takes NULL is no longer so: rows without a value are set aside now",
        ],
    ),
    Case(
        DESTINATION,
        "doctors",
        |t| t.columns[7].nullable = false,
        &[
            "breaks specs/doctors.yaml:5 that column `visits` takes NULL is no longer so: nothing fills it, and it must have a value",
        ],
    ),
    Case(
        DESTINATION,
        "positions",
        |t| t.columns[2].has_default = false,
        &["safe specs/positions.yaml:11 that column `status` has a default is no longer so: a mapping fills it"],
    ),
    Case(
        DESTINATION,
        "doctors",
        |t| t.columns[3].generated = true,
        &[
            "breaks specs/doctors.yaml:8 column `email` is computed by the database now: nothing may be written to it any more",
        ],
    ),
    Case(
        DESTINATION,
        "offices",
        |t| t.columns[6].generated = false,
        &[
            "look specs/offices.yaml:3 that column `search` is computed by the database is no longer so: rows that come have NULL there",
        ],
    ),
    Case(
        DESTINATION,
        "doctors",
        |t| t.columns[3].insert_only = true,
        &[
            "breaks specs/doctors.yaml:8 column `email` can only be set by an insert now: a row that changes at the source could not be updated",
        ],
    ),
    // Keys and what acts, of the destination.
    Case(
        DESTINATION,
        "doctors",
        |t| t.primary_key = vec![name("email")],
        &["breaks specs/doctors.yaml:3 the primary key was (id), is (email): rows are found again by it"],
    ),
    Case(
        DESTINATION,
        "positions",
        |t| t.primary_key = vec![name("name")],
        &["breaks specs/positions.yaml:3 the primary key was (id), is (name): rows are found again by their key"],
    ),
    Case(
        DESTINATION,
        "doctors",
        |t| t.unique_keys.push(vec![name("email")]),
        &["look specs/doctors.yaml:3 the unique key (email) is new: a row that repeats a value is set aside now"],
    ),
    Case(
        DESTINATION,
        "doctors",
        |t| t.side_effects.secondary_unique = true,
        &[
            "look specs/doctors.yaml:3 a unique constraint beside the primary key is new: rows may refuse one another now",
        ],
    ),
    Case(
        DESTINATION,
        "doctors",
        |t| {
            let to = TableName::parse("offices").unwrap();
            t.foreign_keys.push(ForeignKey {
                columns: vec![name("office_id")],
                table: to,
                refers_to: vec![name("id")],
                on_delete: OnDelete::Refused,
            });
        },
        &[
            "look specs/doctors.yaml:3 the foreign key (office_id) to `offices` is new: a row whose parent is missing is set aside now",
        ],
    ),
    Case(
        DESTINATION,
        "doctors",
        |t| t.side_effects.triggers.push("audit".to_owned()),
        &["look specs/doctors.yaml:3 the trigger `audit` is new: it fires for every row that is written"],
    ),
    Case(
        DESTINATION,
        "doctors",
        |t| t.side_effects.rules.push("log".to_owned()),
        &["breaks specs/doctors.yaml:3 the rule `log` is new: it could not be told what arrives"],
    ),
    Case(
        DESTINATION,
        "doctors",
        |t| t.side_effects.row_security = true,
        &["breaks specs/doctors.yaml:3 row security is new: it may hide or refuse rows"],
    ),
];

/// Text that stands in a spec in the place of another, and then a case.
pub(super) struct Written(pub(super) &'static str, pub(super) &'static str, pub(super) &'static str, pub(super) Case);

/// What only scripts, conditions and stars do with columns.
pub(super) const WRITTEN: &[Written] = &[
    Written(
        DOCTORS,
        "row.doc_no",
        "row.visits",
        Case(
            SOURCE,
            "dispatch_doctors",
            |t| redeclare(t, "visits", "text"),
            &[
                "breaks specs/doctors.yaml:7 column `visits` was integer, is text: a script of `full_name` computes with it, and would do so in another way",
            ],
        ),
    ),
    Written(
        DOCTORS,
        "row.doc_no",
        "row.visits",
        Case(
            SOURCE,
            "dispatch_doctors",
            |t| drop_column(t, "visits"),
            &["breaks specs/doctors.yaml:7 column `visits` is gone: a script of `full_name` reads it"],
        ),
    ),
    // One column that is gone hides no other of the same script.
    Written(
        DOCTORS,
        "row.doc_no",
        "row.visits + row.seen_at",
        Case(
            SOURCE,
            "dispatch_doctors",
            |t| {
                drop_column(t, "seen_at");
                redeclare(t, "visits", "text");
            },
            &[
                "breaks specs/doctors.yaml:7 column `visits` was integer, is text: a script of `full_name` computes with it, and would do so in another way",
                "breaks specs/doctors.yaml:7 column `seen_at` is gone: a script of `full_name` reads it",
            ],
        ),
    ),
    Written(
        DOCTORS,
        "field_mappings:",
        "source: { where: \"first_nm = 'x' and Visits < 5\" }\nfield_mappings:",
        Case(
            SOURCE,
            "dispatch_doctors",
            |t| redeclare(t, "visits", "text"),
            &[
                "breaks specs/doctors.yaml:5 column `visits` was integer, is text: `where` compares it, and would do so in another way",
            ],
        ),
    ),
    Written(
        DOCTORS,
        "field_mappings:",
        "source: { where: visits < 5 }\nfield_mappings:",
        Case(
            SOURCE,
            "dispatch_doctors",
            |t| rename(t, "visits", "calls"),
            &[
                "breaks specs/doctors.yaml:5 column `visits` is gone; `calls` is where it was, and like it: `where` names it",
            ],
        ),
    ),
    Written(
        DOCTORS,
        "field_mappings:",
        "source: { where: \"first_nm <> 'visits' and my_visits < 5 and visits_now > 1\" }\nfield_mappings:",
        Case(
            SOURCE,
            "dispatch_doctors",
            |t| redeclare(t, "visits", "text"),
            &["safe - column `visits` was integer, is text: no spec reads it"],
        ),
    ),
    Written(
        DOCTORS,
        "field_mappings:",
        "auto_map: true\nfield_mappings:",
        Case(
            SOURCE,
            "dispatch_doctors",
            |t| drop_column(t, "visits"),
            &["breaks specs/doctors.yaml:5 column `visits` is gone: `auto_map` copied it, as `visits`"],
        ),
    ),
    Written(
        DOCTORS,
        "field_mappings:",
        "auto_map: true\nfield_mappings:",
        Case(
            DESTINATION,
            "doctors",
            |t| redeclare(t, "seen_at", "date"),
            &[
                "breaks specs/doctors.yaml:5 column `seen_at` was timestamptz, is date: rows that are loaded hold timestamptz there",
            ],
        ),
    ),
];
