//! What a change since the lock means to specs: its weight, its reason, its places, and what a plan says of it.

use std::collections::BTreeMap;

use transload_model::{Code, Column, ColumnName, ConnectionName, EntityName, ForeignKey, OnDelete, Table, TableName};

use super::kit::{catalogs, changed, good, load, places, prose, table, write, written};
use super::vocabulary::FewWords;
use crate::{Catalogs, Compiled, Suggestion, Weight, accept, compile, lock};

const WORDS: FewWords = FewWords { library: 7 };

/// The files, with the lock of a moment when the databases held this.
fn locked(files: &BTreeMap<String, String>, catalogs: &Catalogs) -> tempfile::TempDir {
    let root = written(files);
    let text = lock(&load(root.path()).unwrap(), &WORDS, catalogs, "2026-11-20T09:14:00Z").unwrap();
    write(root.path(), "transload.lock", text.as_bytes());
    root
}

/// The catalogs with a table edited.
fn with(connection: &str, name: &str, edit: impl FnOnce(&mut Table)) -> Catalogs {
    let mut catalogs = catalogs();
    let catalog = catalogs.get_mut(&ConnectionName::parse(connection).unwrap()).unwrap();
    edit(catalog.tables.get_mut(&TableName::parse(name).unwrap()).unwrap());
    catalogs
}

fn column(name: &str, declared: &str) -> Column {
    table("x", &[], &[(name, declared)]).columns.remove(0)
}

fn name(text: &str) -> ColumnName {
    ColumnName::parse(text).unwrap()
}

fn position(table: &Table, column: &str) -> usize {
    table.columns.iter().position(|known| known.name.as_str() == column).unwrap()
}

fn drop_column(table: &mut Table, column: &str) {
    drop(table.columns.remove(position(table, column)));
}

fn rename(table: &mut Table, column: &str, to: &str) {
    let at = position(table, column);
    table.columns[at].name = name(to);
}

/// Gives a column another declaration.
fn redeclare(table: &mut Table, known: &str, declared: &str) {
    let at = position(table, known);
    table.columns[at] = column(known, declared);
}

type Edit = fn(&mut Table);

/// What is done to which table, and how each change is judged.
struct Case(&'static str, &'static str, Edit, &'static [&'static str]);

const SOURCE: &str = "legacy";
const DESTINATION: &str = "platform";

const CASES: &[Case] = &[
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

/// `breaks specs/doctors.yaml:8 column `email_addr` is gone: why`
fn told(compiled: &Compiled) -> Vec<String> {
    let lines = compiled.drift.iter().map(|drift| {
        let place = drift.touches.first().map_or_else(|| "-".to_owned(), crate::Touched::place);
        format!("{} {place} {}: {}", drift.weight, drift.change, drift.why)
    });
    lines.collect()
}

#[test]
fn each_change_has_its_weight_its_reason_and_its_place() {
    let root = locked(&good(), &catalogs());
    let project = load(root.path()).unwrap();
    let mut wrong = Vec::new();
    for Case(connection, table, edit, expected) in CASES {
        let compiled = compile(&project, &WORDS, &with(connection, table, edit));
        let told = told(&compiled);
        if told != *expected {
            wrong.push(format!("{connection}.{table}: {told:#?} and not {expected:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What breaks is refused as a drift, once for each place; what is to be looked at is a warning; what is safe is not told.
#[test]
fn a_plan_says_of_a_change_what_its_weight_says() {
    let root = locked(&good(), &catalogs());
    let project = load(root.path()).unwrap();
    for Case(connection, table, edit, _) in CASES {
        let compiled = compile(&project, &WORDS, &with(connection, table, edit));
        let gravest = compiled.drift.iter().map(|drift| drift.weight).max().unwrap();
        let found: Vec<Code> = compiled.diagnostics.iter().map(|found| found.code).collect();
        let shown: String = compiled.diagnostics.iter().map(prose).collect();
        assert_eq!(compiled.plan.is_none(), gravest == Weight::Breaks, "{shown}");
        assert_eq!(found.contains(&Code::SchemaDrift), gravest == Weight::Breaks, "{connection}.{table}: {shown}");
        // A trigger is warned of anyway; that it is new is said there.
        let warned = found.iter().filter(|code| matches!(code, Code::LockStale | Code::TableTriggers)).count();
        assert_eq!(warned, usize::from(gravest == Weight::Look), "{connection}.{table}: {shown}");
        let mut places = places(&compiled.diagnostics);
        places.retain(|place| place.starts_with("TL0431"));
        let count = places.len();
        places.dedup();
        assert_eq!(places.len(), count, "{shown}");
    }
}

/// What was wrong with a spec all the same is not laid to what changed.
#[test]
fn a_mistake_that_no_change_led_to_is_told_as_what_it_is() {
    const DOCTORS: &str = "specs/doctors.yaml";
    for (path, from, to, edit, expected) in [
        (DOCTORS, "email_addr", "email_adr", (|t| drop_column(t, "photo")) as Edit, &["TL0203"] as &[&str]),
        (DOCTORS, "[first_nm, last_nm]", "[first_nm, last_nmm]", |t| drop_column(t, "first_nm"), &["TL0431", "TL0203"]),
        (
            DOCTORS,
            "joined_on: join_dt",
            "joined_on: join_dat",
            |t| redeclare(t, "join_dt", "varchar(9)"),
            &["TL0203", "TL0316"],
        ),
        (DOCTORS, "[trimmed, lower]", "[trimed, lower]", |t| rename(t, "email_addr", "mail"), &["TL0431", "TL0206"]),
    ] {
        let root = locked(&good(), &catalogs());
        write(root.path(), path, changed(path, from, to)[path].as_bytes());

        let compiled = compile(&load(root.path()).unwrap(), &WORDS, &with(SOURCE, "dispatch_doctors", edit));

        let codes: Vec<String> = compiled.diagnostics.iter().map(|found| found.code.to_string()).collect();
        assert_eq!(codes, expected, "{}", compiled.diagnostics.iter().map(prose).collect::<String>());
    }
}

#[test]
fn a_table_that_is_gone_breaks_what_names_it() {
    let root = locked(&good(), &catalogs());
    let project = load(root.path()).unwrap();
    let mut now = catalogs();
    let catalog = now.get_mut(&ConnectionName::parse(DESTINATION).unwrap()).unwrap();
    catalog.tables.remove(&TableName::parse("doctors").unwrap());

    let compiled = compile(&project, &WORDS, &now);

    assert_eq!(told(&compiled), ["breaks specs/doctors.yaml:3 the table is gone: `doctors` needs it"]);
    let codes: Vec<Code> = compiled.diagnostics.iter().map(|found| found.code).collect();
    assert_eq!(codes, [Code::SchemaDrift]);
}

#[test]
fn a_column_that_a_script_asks_for_is_told_with_its_cause() {
    let root = locked(&good(), &catalogs());

    let compiled =
        compile(&load(root.path()).unwrap(), &WORDS, &with(SOURCE, "dispatch_doctors", |t| drop_column(t, "last_nm")));

    insta::assert_snapshot!(compiled.diagnostics.iter().map(prose).collect::<String>());
}

#[test]
fn a_new_column_is_judged_as_its_star_says() {
    for (auto_map, source, destination) in [
        ("true", "look", "look"),
        ("{ on_new_column: fail }", "breaks", "breaks"),
        ("{ on_new_column: include }", "safe", "safe"),
        ("{ on_new_column: ignore }", "safe", "safe"),
        ("{ exclude: [\"fa*\"] }", "safe", "safe"),
    ] {
        let files = changed("specs/doctors.yaml", "field_mappings:", &format!("auto_map: {auto_map}\nfield_mappings:"));
        let root = locked(&files, &catalogs());
        let mut now = with(SOURCE, "dispatch_doctors", |table| table.columns.push(column("fax", "text")));
        let at_source = compile(&load(root.path()).unwrap(), &WORDS, &now);
        let catalog = now.get_mut(&ConnectionName::parse(DESTINATION).unwrap()).unwrap();
        let doctors = TableName::parse("doctors").unwrap();
        catalog.tables.get_mut(&doctors).unwrap().columns.push(column("fax", "text"));

        let at_both = compile(&load(root.path()).unwrap(), &WORDS, &now);

        let weights =
            |compiled: &Compiled| compiled.drift.iter().map(|drift| drift.weight.to_string()).collect::<Vec<_>>();
        let alone = if source == "breaks" { "look" } else { source };
        assert_eq!(weights(&at_source), [alone], "{auto_map}");
        assert_eq!(weights(&at_both), [source, destination], "{auto_map}");
        // It is said by the star, and then not again.
        let stale = at_both.diagnostics.iter().filter(|found| found.code == Code::LockStale).count();
        assert_eq!(stale, 0, "{auto_map}");
    }
}

/// What a query gives is weighed and taken over as a table is.
#[test]
fn the_columns_of_a_query_are_compared() {
    let given = |columns: &[(&str, &str)]| {
        let mut catalogs = catalogs();
        let catalog = catalogs.get_mut(&ConnectionName::parse(SOURCE).unwrap()).unwrap();
        let entity = EntityName::parse("positions").unwrap();
        catalog.written.insert(entity, Ok(table("jaw_types", &[], columns)));
        catalogs
    };
    let (no, name, more) = (("tooth_no", "integer not null"), ("tooth_nm", "text"), ("root", "text"));
    let query = "source: { query: select tooth_no from jaw }\nfield_mappings:";
    let root = locked(&changed("specs/positions.yaml", "field_mappings:", query), &given(&[no, name, more]));
    let project = load(root.path()).unwrap();

    let gone = compile(&project, &WORDS, &given(&[no, more]));
    let safe = given(&[no, name]);
    let compiled = compile(&project, &WORDS, &safe);

    let why = "breaks specs/positions.yaml:9 column `tooth_nm` is gone: `name` has no source any more";
    assert_eq!(told(&gone), [why]);
    assert_eq!(gone.diagnostics.iter().map(|found| found.code).collect::<Vec<_>>(), [Code::SchemaDrift]);
    assert_eq!(told(&compiled), ["safe - column `root` is gone: no spec reads it"]);
    assert_eq!(compiled.drift[0].query, EntityName::parse("positions").ok());
    let accepted = accept(&project, &safe, &compiled.drift.iter().collect::<Vec<_>>()).unwrap();
    assert_eq!(accepted, lock(&project, &WORDS, &safe, "2026-11-20T09:14:00Z").unwrap());
}

/// Applies each edit that is suggested to the files.
fn edited(compiled: &Compiled) -> (BTreeMap<String, String>, Vec<String>) {
    let (mut files, mut words) = (good(), Vec::new());
    let suggestions = compiled.drift.iter().flat_map(|drift| &drift.suggestions);
    let mut edits = Vec::new();
    for suggestion in suggestions {
        match suggestion {
            Suggestion::Edit(fix) => edits.push(fix),
            Suggestion::Words(text) => words.push(text.clone()),
        }
    }
    edits.sort_by_key(|fix| std::cmp::Reverse(fix.span.start));
    for fix in edits {
        files.get_mut(&fix.file.path).unwrap().replace_range(fix.span.clone(), &fix.replacement);
    }
    (files, words)
}

/// What is suggested for a change, as the lines that it takes out and puts in.
fn suggested(edit: (&str, &str, Edit)) -> Vec<String> {
    let root = locked(&good(), &catalogs());
    let compiled = compile(&load(root.path()).unwrap(), &WORDS, &with(edit.0, edit.1, edit.2));
    let (files, words) = edited(&compiled);
    let mut lines = Vec::new();
    for (path, text) in good() {
        let (before, now) = (text.lines().collect::<Vec<_>>(), files[&path].lines().collect::<Vec<_>>());
        lines.extend(before.iter().filter(|line| !now.contains(line)).map(|line| format!("-{line}")));
        lines.extend(now.iter().filter(|line| !before.contains(line)).map(|line| format!("+{line}")));
    }
    lines.extend(words);
    lines
}

#[test]
fn what_is_suggested_mends_the_spec_or_says_what_would() {
    for (edit, expected) in [
        (
            (SOURCE, "dispatch_doctors", (|t| rename(t, "email_addr", "mail")) as Edit),
            &[
                "-  email: { source_field: email_addr, transformation: [trimmed, lower] }",
                "+  email: { source_field: mail, transformation: [trimmed, lower] }",
            ] as &[&str],
        ),
        (
            (SOURCE, "dispatch_offices", |t| rename(t, "crt_ts", "made_at")),
            &["-  created_at: crt_ts", "+  created_at: made_at"],
        ),
        (
            (DESTINATION, "offices", |t| rename(t, "created_at", "made_at")),
            &["-  created_at: crt_ts", "+  made_at: crt_ts"],
        ),
        (
            (SOURCE, "jaw_types", |t| rename(t, "tooth_nm", "label")),
            &["-  - source_field: tooth_nm", "+  - source_field: label"],
        ),
        (
            (SOURCE, "dispatch_doctors", |t| drop_column(t, "disc_pct")),
            &["-  discount: { source_field: disc_pct, data_type: \"decimal(5,2)\", default_value: 0 }"],
        ),
        ((SOURCE, "jaw_types", |t| drop_column(t, "tooth_nm")), &["take the mapping of `name` out"]),
        (
            (SOURCE, "dispatch_doctors", |t| drop_column(t, "first_nm")),
            &["take `first_nm` out of the `source_field` of `full_name`"],
        ),
        ((DESTINATION, "doctors", |t| t.columns.push(column("photo", "blob not null"))), &["+  photo: photo"]),
        (
            (DESTINATION, "positions", |t| t.columns.push(column("tooth_nm", "text not null"))),
            &["+  - { source_field: tooth_nm, destination_field: tooth_nm }"],
        ),
        (
            (DESTINATION, "doctors", |t| t.columns.push(column("fax", "text not null"))),
            &["map `fax`, or give it a `default_value`"],
        ),
        ((SOURCE, "dispatch_doctors", |t| t.columns.push(column("fax", "text"))), &[]),
        ((SOURCE, "dispatch_doctors", |t| t.columns.push(column("entry_no", "integer"))), &[]),
        ((SOURCE, "jaw_types", |t| t.columns.push(column("status", "text"))), &[]),
        ((DESTINATION, "doctors", |t| t.columns.push(column("photo", "blob"))), &["+  photo: photo"]),
    ] {
        assert_eq!(suggested(edit), expected);
    }
}

/// What somebody accepted, and nothing else, is in the lock; all of it makes the lock what `validate --lock` writes.
#[test]
fn what_is_accepted_is_in_the_lock_and_nothing_else() {
    let files = changed("specs/doctors.yaml", "field_mappings:", "auto_map: true\nfield_mappings:");
    let root = locked(&files, &catalogs());
    let project = load(root.path()).unwrap();
    let before = std::fs::read_to_string(root.path().join("transload.lock")).unwrap();
    let mut now = with(SOURCE, "dispatch_doctors", |table| {
        drop_column(table, "photo");
        drop_column(table, "visits");
        redeclare(table, "email_addr", "varchar(9)");
        table.columns.insert(2, column("fax", "text"));
    });
    let catalog = now.get_mut(&ConnectionName::parse(DESTINATION).unwrap()).unwrap();
    let doctors = catalog.tables.get_mut(&TableName::parse("doctors").unwrap()).unwrap();
    doctors.columns.push(column("fax", "text"));
    doctors.side_effects.triggers.push("audit".to_owned());

    let compiled = compile(&project, &WORDS, &now);

    let changes = |path: &str| compiled.drift.iter().filter(|drift| drift.path() == path).collect::<Vec<_>>();
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    let difference = |accepted: &str| {
        let (before, after) = (lines(&before), lines(accepted));
        let gone = before.iter().filter(|line| !after.contains(line)).map(|line| format!("-{}", line.trim()));
        let new = after.iter().filter(|line| !before.contains(line)).map(|line| format!("+{}", line.trim()));
        gone.chain(new).collect::<Vec<_>>()
    };
    let photo = accept(&project, &now, &changes("legacy.dispatch_doctors.photo")).unwrap();
    assert_eq!(difference(&photo), ["-- { name: photo, type: bytes, declared: blob, stores: [bytes] }"]);
    let audit = accept(&project, &now, &changes("platform.doctors")).unwrap();
    assert_eq!(difference(&audit), ["+triggers: [audit]"]);
    let none = accept(&project, &now, &[]).unwrap();
    assert_eq!(none, before);

    let all: Vec<&crate::Drift> = compiled.drift.iter().collect();
    let accepted = accept(&project, &now, &all).unwrap();
    let whole = lock(&project, &WORDS, &now, "2026-11-20T09:14:00Z").unwrap();
    assert_eq!(accepted, whole);
    assert!(accepted.contains("fax") && !accepted.contains("visits, seen_at"), "{accepted}");
    write(root.path(), "transload.lock", accepted.as_bytes());
    assert_eq!(told(&compile(&load(root.path()).unwrap(), &WORDS, &now)), [""; 0]);
}
