//! What a change since the lock means to specs: its weight, its reason, its places, and what a plan says of it.

mod cases;
mod suggest;

use std::collections::BTreeMap;

use transload_model::{Code, Column, ColumnName, ConnectionName, EntityName, Table, TableName};

use super::kit::{catalogs, changed, good, load, places, prose, table, write, written};
use super::vocabulary::FewWords;
use crate::{Catalogs, Compiled, Weight, accept, compile, lock};
use cases::{CASES, Case, WRITTEN, Written};

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

const SOURCE: &str = "legacy";
const DESTINATION: &str = "platform";
const DOCTORS: &str = "specs/doctors.yaml";
const POSITIONS: &str = "specs/positions.yaml";

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

#[test]
fn what_scripts_conditions_and_stars_read_is_weighed_too() {
    let mut wrong = Vec::new();
    for Written(path, from, to, Case(connection, table, edit, expected)) in WRITTEN {
        let root = locked(&changed(path, from, to), &catalogs());
        let told = told(&compile(&load(root.path()).unwrap(), &WORDS, &with(connection, table, edit)));
        if told != *expected {
            wrong.push(format!("{to}, {connection}.{table}: {told:#?} and not {expected:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Keys are found again by their text: where that may be another, every row would go and come again.
#[test]
fn a_key_that_may_be_written_in_another_way_breaks() {
    let mut files = good();
    let spec = "entity_type: messages\nsource_table: sys_messages\ndestination_table: messages\nversion: \"1\"\n\
                key: { strategy: keep }\nauto_map: true\n";
    files.insert("specs/messages.yaml".to_owned(), spec.to_owned());
    let root = locked(&files, &catalogs());
    let project = load(root.path()).unwrap();
    for (end, name, declared, expected) in [
        (SOURCE, "sys_messages", "char(9) not null", "breaks specs/messages.yaml:2"),
        (SOURCE, "sys_messages", "varchar(9) not null", "breaks specs/messages.yaml:2"),
        (DESTINATION, "messages", "char(9) not null", "breaks specs/messages.yaml:3"),
        (DESTINATION, "messages", "varchar(9) not null", "breaks specs/messages.yaml:3"),
    ] {
        let told = told(&compile(&project, &WORDS, &with(end, name, |table| redeclare(table, "sys", declared))));
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].starts_with(expected), "{told:?}");
    }
}

/// A mask says nothing of its own where the values are of another type: it shifts by other days.
#[test]
fn the_column_that_a_mask_goes_by_is_read() {
    let masked = "joined_on: { source_field: join_dt, mask: { strategy: shift_date, days: 100, by: visits } }";
    let mut files = changed(DOCTORS, "joined_on: join_dt", masked);
    let text = "  joined_text: { source_field: join_dt, format: \"%Y-%m-%d\", data_type: date }\n";
    files.insert(DOCTORS.to_owned(), files[DOCTORS].replace(text, ""));
    let root = written(&files);
    let key = "masking: { key: \"${KEY}\" }\n";
    let file = std::fs::read_to_string(root.path().join("transload.yaml")).unwrap();
    write(root.path(), "transload.yaml", format!("{file}{key}").as_bytes());
    let environment = |name: &str| (name == "KEY").then(|| "0123456789012345678901234567890123456789".to_owned());
    let read = || crate::Project::load(root.path(), None, &environment).unwrap();
    let text = lock(&read(), &WORDS, &catalogs(), "2026-11-20T09:14:00Z").unwrap();
    write(root.path(), "transload.lock", text.as_bytes());

    let retyped = compile(&read(), &WORDS, &with(SOURCE, "dispatch_doctors", |t| redeclare(t, "visits", "text")));
    let gone = compile(&read(), &WORDS, &with(SOURCE, "dispatch_doctors", |t| drop_column(t, "visits")));

    let why = "the mask of `joined_on` shifts days by it";
    let place = "breaks specs/doctors.yaml:10";
    assert_eq!(
        told(&retyped),
        [format!("{place} column `visits` was integer, is text: {why}, and would do so in another way")]
    );
    assert_eq!(told(&gone), [format!("{place} column `visits` is gone: {why}")]);
    assert_eq!(gone.diagnostics.iter().map(|found| found.code).collect::<Vec<_>>(), [Code::SchemaDrift]);
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

/// Two columns that one star copies, and tables of both ends that one star touches, are all told.
#[test]
fn no_change_hides_another_at_its_place() {
    let root = locked(&changed(DOCTORS, "field_mappings:", "auto_map: true\nfield_mappings:"), &catalogs());
    let project = load(root.path()).unwrap();
    let shown = |catalogs: &Catalogs| {
        let compiled = compile(&project, &WORDS, catalogs);
        compiled.diagnostics.iter().map(prose).collect::<String>()
    };

    let both = shown(&with(DESTINATION, "doctors", |table| {
        redeclare(table, "visits", "text");
        redeclare(table, "seen_at", "date");
    }));
    let mut now = with(SOURCE, "dispatch_doctors", |table| redeclare(table, "visits", "real"));
    let catalog = now.get_mut(&ConnectionName::parse(DESTINATION).unwrap()).unwrap();
    let doctors = catalog.tables.get_mut(&TableName::parse("doctors").unwrap()).unwrap();
    let at = position(doctors, "seen_at");
    doctors.columns[at].nullable = false;
    let ends = shown(&now);

    assert!(both.contains("`visits` was integer") && both.contains("`seen_at` was timestamptz"), "{both}");
    assert!(ends.contains("`visits` was integer") && ends.contains("`seen_at` takes NULL is no longer so"), "{ends}");
}

/// One star meets a column of a name that another one may not take: each is said.
#[test]
fn a_new_column_of_one_table_hides_none_of_another() {
    let starred = |path: &str, files: &mut BTreeMap<String, String>| {
        let text = files.get_mut(path).unwrap();
        *text = text.replacen("field_mappings:", "auto_map: true\nfield_mappings:", 1);
    };
    let mut files = good();
    starred(DOCTORS, &mut files);
    starred(POSITIONS, &mut files);
    let root = locked(&files, &catalogs());
    let mut now = with(SOURCE, "dispatch_doctors", |table| table.columns.push(column("fax", "text")));
    for (connection, name) in [(SOURCE, "jaw_types"), (DESTINATION, "doctors")] {
        let catalog = now.get_mut(&ConnectionName::parse(connection).unwrap()).unwrap();
        catalog.tables.get_mut(&TableName::parse(name).unwrap()).unwrap().columns.push(column("fax", "text"));
    }

    let compiled = compile(&load(root.path()).unwrap(), &WORDS, &now);

    let places = places(&compiled.diagnostics);
    assert_eq!(places, ["TL0315 specs/doctors.yaml:5:1", "TL0316 specs/positions.yaml:7:1"]);
    let help = compiled.diagnostics[0].help.clone().unwrap();
    let names = "--accept 'legacy.dispatch_doctors.fax' --accept 'platform.doctors.fax'";
    assert!(help.contains(names), "{help}");
}

/// Many specs may take one star: each says what it meets.
#[test]
fn a_star_that_is_shared_is_told_for_each_entity() {
    let mut files = changed("transload.yaml", "defaults:\n", "defaults:\n  auto_map: true\n");
    files.insert(
        "specs/offices.yaml".to_owned(),
        good()["specs/offices.yaml"].replace("version:", "auto_map: false\nversion:"),
    );
    let root = locked(&files, &catalogs());
    let mut now = catalogs();
    for (connection, name) in
        [(SOURCE, "dispatch_doctors"), (SOURCE, "jaw_types"), (DESTINATION, "doctors"), (DESTINATION, "positions")]
    {
        let catalog = now.get_mut(&ConnectionName::parse(connection).unwrap()).unwrap();
        catalog.tables.get_mut(&TableName::parse(name).unwrap()).unwrap().columns.push(column("fax", "text"));
    }

    let compiled = compile(&load(root.path()).unwrap(), &WORDS, &now);

    assert_eq!(places(&compiled.diagnostics), ["TL0315 specs/doctors.yaml:1:14", "TL0315 specs/positions.yaml:1:14"]);
    let helps: Vec<String> = compiled.diagnostics.iter().filter_map(|found| found.help.clone()).collect();
    assert!(helps[0].contains("dispatch_doctors.fax") && !helps[0].contains("jaw_types"), "{helps:?}");
    assert!(helps[1].contains("jaw_types.fax") && !helps[1].contains("doctors"), "{helps:?}");
}

/// What comes of a change is told as that, and no name that happens to be near is put in the place of the one that was right.
#[test]
fn whatever_comes_of_a_change_is_told_as_that() {
    let marked = "deletes: { mode: soft, field: seen_at }\nfield_mappings:";
    let root = locked(&changed(DOCTORS, "field_mappings:", marked), &catalogs());
    let project = load(root.path()).unwrap();
    let seen = with(DESTINATION, "doctors", |table| {
        let at = position(table, "seen_at");
        table.columns[at].nullable = false;
    });
    for now in [seen, with(SOURCE, "dispatch_doctors", |table| rename(table, "join_dt", "joined"))] {
        let compiled = compile(&project, &WORDS, &now);

        assert!(!compiled.diagnostics.is_empty());
        for found in compiled.diagnostics {
            assert_eq!((found.code, &found.fix), (Code::SchemaDrift, &None), "{}", prose(&found));
        }
    }
}

#[test]
fn a_column_that_its_star_refuses_is_told_as_what_changed() {
    let files = changed(DOCTORS, "field_mappings:", "auto_map: { on_new_column: fail }\nfield_mappings:");
    let root = locked(&files, &catalogs());
    let now = with(DESTINATION, "doctors", |table| table.columns.push(column("photo", "blob")));

    let compiled = compile(&load(root.path()).unwrap(), &WORDS, &now);

    assert_eq!(compiled.diagnostics.iter().map(|found| found.code).collect::<Vec<_>>(), [Code::SchemaDrift]);
    let help = compiled.diagnostics[0].help.clone().unwrap();
    assert!(help.contains("`transload drift --accept 'platform.doctors.photo'`"), "{help}");
}

/// A spec that is not active stops nothing.
#[test]
fn a_spec_that_is_not_active_breaks_nothing() {
    let mut files = changed(DOCTORS, "version: ", "is_active: false\nversion: ");
    files.insert(POSITIONS.to_owned(), good()[POSITIONS].replace("depends_on: [doctors]\n", ""));
    let root = locked(&files, &catalogs());
    let now = with(SOURCE, "dispatch_doctors", |table| drop_column(table, "email_addr"));

    let compiled = compile(&load(root.path()).unwrap(), &WORDS, &now);

    let why = "look specs/doctors.yaml:9 column `email_addr` is gone: `email` has no source any more; `doctors` is not active";
    assert_eq!(told(&compiled), [why]);
    assert_eq!(compiled.diagnostics.iter().map(|found| found.code).collect::<Vec<_>>(), [Code::LockStale]);
    assert_eq!(compiled.plan.map(|plan| plan.entities().len()), Some(2));
}

/// A query that the database takes no more is a change like any other; one that its spec never had is a mistake.
#[test]
fn a_query_that_is_refused_now_breaks() {
    let given = |given: Result<Table, transload_model::Diagnostic>| {
        let mut catalogs = catalogs();
        let catalog = catalogs.get_mut(&ConnectionName::parse(SOURCE).unwrap()).unwrap();
        catalog.written.insert(EntityName::parse("positions").unwrap(), given);
        catalogs
    };
    let taken = || given(Ok(table("jaw_types", &[], &[("tooth_no", "integer not null"), ("tooth_nm", "text")])));
    let refused = given(Err(transload_model::Diagnostic::new(Code::SourceSql, "the source refuses this `query`")));
    let query = "source: { query: select * from jaw }\nfield_mappings:";
    let root = locked(&changed(POSITIONS, "field_mappings:", query), &taken());
    let project = load(root.path()).unwrap();

    let compiled = compile(&project, &WORDS, &refused);

    let why = "breaks specs/positions.yaml:7 the database no longer takes the query: `positions` needs it";
    assert_eq!(told(&compiled), [why]);
    assert_eq!(compiled.diagnostics.iter().map(|found| found.code).collect::<Vec<_>>(), [Code::SchemaDrift]);
    // What is accepted is not in the lock any more, and then it is said that it is compared with nothing.
    let accepted = accept(&project, &refused, &compiled.drift.iter().collect::<Vec<_>>()).unwrap();
    write(root.path(), "transload.lock", accepted.as_bytes());
    let project = load(root.path()).unwrap();
    assert_eq!(crate::unlocked(&project), [EntityName::parse("positions").unwrap()].into());
    let again = compile(&project, &WORDS, &taken());
    assert_eq!(again.diagnostics.iter().map(|found| found.code).collect::<Vec<_>>(), [Code::LockStale]);
}

/// What the lock does not hold was compared with nothing, and is not said to be as it was.
#[test]
fn what_the_lock_does_not_hold_is_told() {
    let stale = |root: &tempfile::TempDir, now: &Catalogs| {
        let compiled = compile(&load(root.path()).unwrap(), &WORDS, now);
        assert!(compiled.plan.is_some(), "{}", compiled.diagnostics.iter().map(prose).collect::<String>());
        let stale = compiled.diagnostics.iter().filter(|found| found.code == Code::LockStale);
        stale.map(prose).collect::<String>()
    };
    // Another table.
    let root = locked(&good(), &catalogs());
    assert_eq!(stale(&root, &catalogs()), "");
    let offices = std::fs::read_to_string(root.path().join("specs/offices.yaml")).unwrap();
    let offices =
        offices.replace("dispatch_offices", "old_offices").replace("field_", "key: { source: office_no }\nfield_");
    write(
        root.path(),
        "specs/offices.yaml",
        offices.replacen("key: { source: office_no }\nfield_name", "field_name", 1).as_bytes(),
    );
    let told = stale(&root, &catalogs());
    assert!(told.contains("`offices`") && told.contains("it lacks `legacy.old_offices`"), "{told}");

    // Another name of the connection.
    let root = locked(&good(), &catalogs());
    let renamed = good()["transload.yaml"].replace("legacy:", "older:").replace("source: legacy", "source: older");
    write(root.path(), "transload.yaml", renamed.as_bytes());
    let mut now = catalogs();
    let legacy = now.remove(&ConnectionName::parse(SOURCE).unwrap()).unwrap();
    now.insert(ConnectionName::parse("older").unwrap(), legacy);
    let told = stale(&root, &now);
    assert!(told.contains("`doctors`") && told.contains("`older.dispatch_doctors`"), "{told}");
    assert_eq!(crate::unlocked(&load(root.path()).unwrap()).len(), 3);

    // Another system.
    let root = locked(&good(), &catalogs());
    let text = std::fs::read_to_string(root.path().join("transload.lock")).unwrap();
    write(root.path(), "transload.lock", text.replace("legacy: sqlite", "legacy: postgres").as_bytes());
    let told = stale(&root, &catalogs());
    assert!(told.contains("was written for postgres behind `legacy`"), "{told}");

    // A table that was accepted as gone, and is back.
    let root = locked(&good(), &catalogs());
    let project = load(root.path()).unwrap();
    let mut now = catalogs();
    let catalog = now.get_mut(&ConnectionName::parse(SOURCE).unwrap()).unwrap();
    catalog.tables.remove(&TableName::parse("jaw_types").unwrap());
    let gone = compile(&project, &WORDS, &now);
    let accepted = accept(&project, &now, &gone.drift.iter().collect::<Vec<_>>()).unwrap();
    write(root.path(), "transload.lock", accepted.as_bytes());
    let told = stale(&root, &catalogs());
    assert!(told.contains("it lacks `legacy.jaw_types`"), "{told}");
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
