//! Masks: no value that is hidden is anywhere, and what remains is as useful as before.
//!
//! The clinic is moved twice, hidden and as it is. In the second run the same search finds every canary, so that it cannot pass by not looking.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::adopted::forget;
use crate::ends::{End, Ends, for_each_pair};
use crate::world::{Ended, World, ended};

const KEY: &str = "hIv9pZ0eWmD3sTq6yRj1xLb8uNf4cKa7";
const OTHER_KEY: &str = "Qa8wEr5tYu2iOp9sDf6gHj3kLz7xCv1b";

/// Rows of each table that hold canaries.
const ROWS: u64 = 120;

/// Parts of the values of masked columns, in small letters. None of them is anywhere by chance.
const CANARIES: [&str; 11] = [
    "zqxfirst",
    "zqxlast",
    "zqxmail",
    "zqxfamily",
    "zqxgiven",
    "zqxdoctor",
    "zqxoffice",
    "zqxstreet",
    "zqxcity",
    "zqxnote",
    "zqxbody",
];

/// Canaries in the masked columns of the old clinic; with some rows that fail in every way in which a row can.
const PLANTED: &str = "
delete from dispatch_orders where order_no > 4000;
update dispatch_patients set first_nm = 'Zqxfirst' || patient_no, last_nm = 'Zqxlast' || patient_no,
  email = ' Zqxmail' || patient_no || '@Example.org ', phone_no = '(917) ' || (5550000 + patient_no) where patient_no <= 120;
update dispatch_patients set phone_no = '917/' || (5550000 + patient_no) where patient_no between 5 and 10;
update dispatch_patients set dob = 'ZQXBODY' where patient_no between 11 and 14;
update dispatch_patients set sex_cd = 'X' where patient_no between 15 and 18;
update dispatch_patients set doc_no = 9999999 where patient_no between 19 and 22;
update dispatch_patients set email = 'zqxmail' || patient_no where patient_no between 23 and 26;
update dispatch_doctors set doc_nm = 'ZQXFAMILY' || doc_no || ', ZQXGIVEN', email_addr = 'zqxdoctor' || doc_no || '@example.net'
  where doc_no in (select doc_no from dispatch_doctors order by doc_no limit 120);
update dispatch_offices set office_nm = 'Zqxoffice ' || office_no, street_1 = 'No 5, zqxstreet ' || office_no, city = 'ZQXCITY' || office_no
  where office_no in (select office_no from dispatch_offices order by office_no limit 120);
update dispatch_orders set note_txt = ' zqxnote of ' || order_no
  where order_no in (select order_no from dispatch_orders order by order_no limit 120);
update sys_messages set msg_txt = 'zqxbody ' || msg_no || ' is long enough' where lang_cd = 'en';
";

/// Mappings of the clinic, and their masks.
const MASKS: [(&str, &str, &str); 11] = [
    (
        "patients",
        "    is_required: true\n  sex:",
        "    is_required: true\n    mask: { strategy: hash, keep: format }\n  sex:",
    ),
    (
        "patients",
        "born_on: { source_field: dob, format: \"%Y%m%d\" }",
        "born_on: { source_field: dob, format: \"%Y%m%d\", mask: { strategy: shift_date, days: 20, by: patient_no } }",
    ),
    (
        "patients",
        "transformation: normalize_phone }",
        "transformation: normalize_phone, sensitive: true, mask: { strategy: hash, keep: format } }",
    ),
    (
        "patients",
        "email: { transformation: [trimmed, lower] }",
        "email: { transformation: [trimmed, lower], mask: { strategy: hash, keep: domain } }",
    ),
    (
        "doctors",
        "transformation: [trimmed, title, given_name_first] }",
        "transformation: [trimmed, title, given_name_first], mask: { strategy: hash, keep: format } }",
    ),
    (
        "doctors",
        "email: { source_field: email_addr, transformation: [trimmed, lower] }",
        "email: { source_field: email_addr, transformation: [trimmed, lower], mask: { strategy: hash, keep: domain } }",
    ),
    (
        "offices",
        "transformation: collapse_spaces }",
        "transformation: collapse_spaces, mask: { strategy: hash, keep: format } }",
    ),
    (
        "offices",
        "street: { source_field: street_1, transformation: trimmed }",
        "street: { source_field: street_1, transformation: trimmed, mask: { strategy: partial, keep_first: 4 } }",
    ),
    (
        "offices",
        "city: { transformation: [trimmed, title] }",
        "city: { transformation: [trimmed, title], mask: \"null\" }",
    ),
    (
        "orders",
        "note: { source_field: note_txt, transformation: trimmed }",
        "note: { source_field: note_txt, transformation: trimmed, mask: redact }",
    ),
    (
        "system_messages",
        "    is_required: true\n    transformation: trimmed\n",
        "    is_required: true\n    transformation: trimmed\n    mask: { strategy: redact, with: a text }\n",
    ),
];

/// What a script says when it throws, with all that it sees.
const THROWS: &str = r#"      if value != () && value.contains("/") { throw `no ${value} of ${row.first_nm} ${row.last_nm}`; }
      let number = phone_digits(value);"#;

fn clinic(ends: Ends) -> World {
    let world = World::clinic();
    if !ends.is_from_postgres() {
        // Text in another encoding, which a server does not take.
        world.source().execute("update dispatch_patients set first_nm = x'5a7178666972737420ff' where patient_no = 27");
    }
    world.source().execute(PLANTED.split_once(';').unwrap().0);
    let world = world.between(ends, "LEGACY_URL");
    for statement in PLANTED.split(';').skip(1).filter(|statement| !statement.trim().is_empty()) {
        let keeps = if ends.is_from_postgres() { "" } else { " and patient_no <> 27" };
        world
            .source()
            .execute(&statement.replace(" where patient_no <= 120", &format!(" where patient_no <= 120{keeps}")));
    }
    world.replace("specs/patients.yaml", "      let number = phone_digits(value);", THROWS);
    world
}

fn with_masks(world: World) -> World {
    world.replace(
        "transload.yaml",
        "environments: #",
        "masking: { key: \"${MASK_KEY:?ask the keeper of keys}\" }\n\nenvironments: #",
    );
    for (entity, from, to) in MASKS {
        world.replace(&format!("specs/{entity}.yaml"), from, to);
    }
    world
}

/// A command with a key for masks.
fn keyed(world: &World, key: &str, arguments: &[&str]) -> Command {
    let mut command = world.command(arguments);
    command.env("MASK_KEY", key);
    command
}

fn told(world: &World, arguments: &[&str]) -> Ended {
    ended(&keyed(world, KEY, arguments).output().unwrap())
}

fn run_with(world: &World, key: &str, flags: &[&str]) -> Value {
    let ended = ended(&keyed(world, key, &[&["run", "--format", "json"], flags].concat()).output().unwrap());
    assert_eq!(ended.code, 0, "{ended:?}");
    serde_json::from_str(&ended.stdout).unwrap()
}

/// All that commands say of a project, from the first look to the last.
fn everything_said(world: &World) -> String {
    let mut said = String::new();
    let mut say = |arguments: &[&str]| {
        let told = told(world, arguments);
        assert_eq!(told.code, 0, "{arguments:?}: {told:?}");
        said += &told.stdout;
        said += &told.stderr;
        told.stdout
    };
    say(&["validate"]);
    say(&["validate", "--expand"]);
    say(&["validate", "--expand", "project"]);
    say(&["preview", "patients", "--limit", "60", "--all"]);
    say(&["run"]);
    say(&["detect"]);
    world.source().execute("update dispatch_orders set note_txt = 'zqxnote again' where order_no < 50");
    let detected: Value = serde_json::from_str(&say(&["detect", "--format", "json"])).unwrap();
    say(&["run", "--plan", detected["detectionId"].as_str().unwrap(), "--format", "json"]);
    say(&["quarantine"]);
    say(&["quarantine", "--format", "json"]);
    say(&["quarantine", "show", "patients", "7"]);
    say(&["quarantine", "retry", "patients"]);
    for entity in ["patients", "doctors", "offices", "orders", "system_messages"] {
        for flags in
            [&["--show-values"][..], &["--as-test"], &["--format", "json"], &["--against-destination", "--all"]]
        {
            say(&[&["preview", entity, "--limit", "60"], flags].concat());
        }
        say(&["preview", entity, "--quarantined"]);
    }
    say(&["verify"]);
    say(&["baseline", "--mappings"]);
    let list = say(&["status", "--format", "json"]);
    let list: Value = serde_json::from_str(&list).unwrap();
    let id = list["runs"][0]["run_id"].as_str().unwrap_or_else(|| panic!("{list:#}"));
    say(&["status", id]);
    said
}

/// Everything that a destination holds, as one text.
fn everything_held(end: &End) -> String {
    match end {
        End::File(path) => {
            end.execute("pragma wal_checkpoint(truncate)");
            bytes(path)
        }
        End::Server(_) => {
            let tables = end.texts(
                "select format('%I.%I', schemaname, tablename) from pg_tables where schemaname not in ('pg_catalog', 'information_schema')",
            );
            assert!(tables.len() > 8, "{tables:?}");
            let rows = |table: &String| end.texts(&format!("select t::text from {table} t")).join("\n");
            tables.iter().map(rows).collect::<Vec<_>>().join("\n")
        }
    }
}

fn bytes(path: &Path) -> String {
    String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned()
}

/// The files below a directory.
fn files_below(directory: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let below = |path: std::path::PathBuf| match (path.is_symlink(), path.is_dir()) {
        // It leads to one of the others.
        (true, _) => Vec::new(),
        (false, true) => files_below(&path),
        (false, false) => vec![path],
    };
    entries.flat_map(below).collect()
}

/// The canaries that a text holds, as they are or as bytes that are printed.
fn found_in(text: &str) -> Vec<String> {
    let text = text.to_lowercase();
    let hex = |word: &str| word.bytes().map(|byte| format!("{byte:02x}")).collect::<String>();
    let words = CANARIES.into_iter().filter(|canary| text.contains(canary) || text.contains(&hex(canary)));
    words.map(ToOwned::to_owned).chain(phones_in(&text)).collect()
}

/// The telephone numbers among the canaries, however they are spelt.
fn phones_in(text: &str) -> impl Iterator<Item = String> + '_ {
    let number = |(at, _): (usize, &str)| -> Option<u64> {
        let behind = text[at + 3..].chars().take(12).filter(char::is_ascii_digit).take(7);
        behind.collect::<String>().parse().ok()
    };
    let is_canary = |number: &u64| (5_550_001..=5_550_000 + ROWS).contains(number);
    text.match_indices("917").filter_map(number).filter(is_canary).map(|number| format!("917 {number}"))
}

fn counts_of_joins(world: &World) -> Vec<String> {
    world.destination().texts(
        "select p.n || ' ' || d.n || ' ' || o.n || ' ' || e.n || ' ' || m.n from
         (select count(*) as n from orders o join patients p on p.id = o.patient_id join doctors d on d.id = p.doctor_id) p,
         (select count(*) as n from patients p join doctors d on d.id = p.doctor_id join offices o on o.id = d.office_id) d,
         (select count(*) as n from orders where note is not null) o,
         (select count(distinct email) as n from patients) e,
         (select count(*) as n from patients p join doctors d on d.email = p.email) m",
    )
}

/// A doctor who is a patient, too: found by the same address in both tables.
const SAME_MAIL: &str = "
update dispatch_patients set email = 'zqxmail.both@example.org' where patient_no = 200;
update dispatch_doctors set email_addr = 'zqxmail.both@example.org' where doc_no in (select doc_no from dispatch_patients where patient_no = 200)";

fn no_hidden_value_is_anywhere(ends: Ends) {
    let (plain, masked) = (clinic(ends), with_masks(clinic(ends)));
    for world in [&plain, &masked] {
        SAME_MAIL.split(';').for_each(|statement| world.source().execute(statement));
    }

    plain.run();
    let said = everything_said(&masked);

    let mut places = vec![("what was said".to_owned(), said)];
    places.push(("the destination".to_owned(), everything_held(masked.destination())));
    for file in files_below(&masked.file(".transload")) {
        places.push((file.display().to_string(), bytes(&file)));
    }
    for (place, text) in &places {
        assert!(!text.is_empty() || place.ends_with("-wal"), "{place}");
        assert_eq!(found_in(text), [""; 0], "{place}");
        assert!(!text.contains(KEY), "{place} shows the key");
    }
    let unmasked = found_in(&everything_held(plain.destination()));
    assert!(unmasked.len() > 100, "the search finds what is not hidden: {unmasked:?}");
    // What is set aside, and what is joined, is the same.
    assert_eq!(masked.quarantine(), plain.quarantine());
    let counts = counts_of_joins(&masked);
    assert_eq!(counts, counts_of_joins(&plain));
    assert!(counts[0].ends_with(" 1"), "the doctor is found by the mask of the address: {counts:?}");
    let same = "select count(*) from patients where full_name like 'Zqx%' or phone like '+1917555%'";
    assert_eq!((masked.destination().number(same), plain.destination().number(same) > 90), (0, true));
    days_are_moved(&masked, &plain);
}

/// Every day is another one than it was, by at most as many days as the mask says.
fn days_are_moved(masked: &World, plain: &World) {
    let days = |world: &World| {
        world.destination().texts("select id || ' ' || born_on from patients where born_on is not null order by id")
    };
    let (moved, known) = (days(masked), days(plain));
    assert!(moved.len() > 10_000 && moved.len() == known.len());
    for (moved, known) in moved.iter().zip(&known) {
        let ((id, moved), (same, known)) = (moved.split_once(' ').unwrap(), known.split_once(' ').unwrap());
        let day = |text: &str| text.parse::<chrono::NaiveDate>().unwrap();
        let by = (day(moved) - day(known)).num_days();
        assert!(id == same && by != 0 && by.abs() <= 20, "{known} became {moved}");
    }
}

const SCHEMA: &str = "
create table contacts (id text not null primary key, mail text, name text, born date, note text);
create table tickets (id text not null primary key, requester text, opened date, contact_id text references contacts (id));
";

const LEGACY: &str = "
create table old_contacts (no integer primary key, mail text, nm text, born date, note text);
create table old_tickets (no integer primary key, mail text, contact integer, opened date);
insert into old_contacts values (1, 'ada@example.org', 'Ada Lovelace', '1815-12-10', 'likes tea'),
  (2, 'grace@example.org', 'Grace Hopper', '1906-12-09', null), (3, 'alan@example.org', 'Alan Turing', '1912-06-23', 'runs');
insert into old_tickets values (10, 'ada@example.org', 1, '1843-08-01'), (11, 'ada@example.org', 1, '1843-09-01'),
  (12, 'grace@example.org', 2, '1952-05-02'), (13, null, 3, '1936-05-28'), (14, 'nobody@example.org', null, '1936-05-28');
";

const CONTACTS: &str = "
entity_type: contacts
source_table: old_contacts
destination_table: contacts
version: \"1\"
field_mappings:
  mail: { mask: { strategy: hash, keep: domain, environments: [dev] } }
  name: { source_field: nm, mask: { strategy: redact, environments: [dev] } }
  born: { mask: { strategy: shift_date, days: 300, environments: [dev] } }
  note: note
";

const TICKETS: &str = "
entity_type: tickets
source_table: old_tickets
destination_table: tickets
version: \"1\"
field_mappings:
  requester: { source_field: mail, mask: { strategy: hash, keep: domain, environments: [dev] } }
  opened: { mask: { strategy: shift_date, days: 300, by: contact, environments: [dev] } }
  contact_id: { source_field: contact, references: contacts }
";

const ENVIRONMENTS: &str = "masking: { key: \"${MASK_KEY:?ask the keeper of keys}\" }
environments: { dev: {}, prod: {} }";

fn desk(ends: Ends) -> World {
    let world = World::project(ends, ENVIRONMENTS, SCHEMA, &[("contacts", CONTACTS), ("tickets", TICKETS)]);
    world.source().execute(LEGACY);
    world
}

fn contacts(world: &World) -> Vec<String> {
    world.destination().texts("select mail || ' ' || name || ' ' || born || ' ' || coalesce(note, '-') from contacts order by coalesce(note, '-')")
}

fn contacts_born(world: &World) -> Vec<String> {
    world.destination().texts("select cast(born as text) from contacts")
}

fn values_arrive_as_they_are_where_no_mask_counts(ends: Ends) {
    let (world, masked) = (desk(ends), desk(ends));

    let of_prod = world.command(&["run", "--env", "prod"]).output().unwrap();
    run_with(&masked, KEY, &["--env", "dev"]);

    assert_eq!(ended(&of_prod).code, 0, "{:?}", ended(&of_prod));
    let arrived = contacts(&world);
    assert!(arrived.contains(&"ada@example.org Ada Lovelace 1815-12-10 likes tea".to_owned()), "{arrived:?}");
    let arrived = contacts(&masked);
    assert_eq!(arrived.len(), 3);
    assert!(arrived.iter().all(|contact| contact.contains("@example.org [redacted] ")), "{arrived:?}");
    assert!(arrived.iter().all(|contact| !["ada@", "grace@", "alan@"].iter().any(|mail| contact.contains(mail))));
}

fn what_was_equal_or_apart_stays_so(ends: Ends) {
    let (masked, plain) = (desk(ends), desk(ends));
    run_with(&masked, KEY, &["--env", "dev"]);
    run_with(&plain, KEY, &["--env", "prod"]);

    let joined = "select count(*) from tickets t join contacts c on c.mail = t.requester";
    assert_eq!(masked.destination().number(joined), 3);
    // By the contact's key in one table, and by the column that names the contact in the other.
    let days = |world: &World| {
        let pairs = world
            .destination()
            .texts("select t.opened || ' ' || c.born from tickets t join contacts c on c.id = t.contact_id");
        let day = |text: &str| text.parse::<chrono::NaiveDate>().unwrap();
        let mut between: Vec<i64> = pairs
            .iter()
            .map(|pair| pair.split_once(' ').map(|(opened, born)| (day(opened) - day(born)).num_days()).unwrap())
            .collect();
        between.sort_unstable();
        between
    };
    assert_eq!(days(&masked), days(&plain));
    assert_eq!(days(&masked).len(), 4);
    assert_ne!(contacts(&masked), contacts(&plain));
}

fn another_key_gives_other_masks_and_writes_all_of_them(ends: Ends) {
    let world = desk(ends);
    run_with(&world, KEY, &["--env", "dev"]);
    let first = contacts(&world);
    let same = run_with(&world, KEY, &["--env", "dev"]);
    assert_eq!((same["totals"]["new"].as_u64(), same["totals"]["modified"].as_u64()), (Some(0), Some(0)));

    run_with(&world, OTHER_KEY, &["--env", "dev"]);

    let second = contacts(&world);
    assert_eq!(first.len(), second.len());
    assert!(
        first.iter().zip(&second).all(|(first, second)| first.split(' ').next() != second.split(' ').next()),
        "{second:?}"
    );
}

fn a_mask_that_changes_or_is_added_is_made_of_all_rows_at_once(ends: Ends) {
    let world = desk(ends);
    let dev = &["--env", "dev"];
    world.replace("specs/contacts.yaml", "nm, mask: { strategy: redact, environments: [dev] } }", "nm }");
    run_with(&world, KEY, dev);
    assert!(contacts(&world).iter().any(|contact| contact.contains(" Ada Lovelace ")), "{:?}", contacts(&world));
    let all_are = |name: &str| {
        let report = run_with(&world, KEY, dev);
        assert_eq!(report["totals"]["quarantined"], 0, "{report:#}");
        let named = |contact: &String| contact.contains(&format!(" {name} "));
        assert!(contacts(&world).iter().all(named), "{:?}", contacts(&world));
    };

    world.replace("specs/contacts.yaml", "source_field: nm }", "source_field: nm, mask: redact }");
    all_are("[redacted]");
    world.replace("specs/contacts.yaml", "mask: redact }", "mask: { strategy: redact, with: nobody } }");
    all_are("nobody");

    let same = run_with(&world, KEY, dev);
    assert_eq!((same["totals"]["new"].as_u64(), same["totals"]["modified"].as_u64()), (Some(0), Some(0)));
}

/// After a run that was about some rows only, the next writes all of them, also where it masks what the one before it masked.
fn masks_that_only_some_rows_have_are_no_masks(ends: Ends) {
    let world = desk(ends);
    run_with(&world, KEY, &["--env", "dev"]);
    world.replace(
        "specs/contacts.yaml",
        "mail: { mask: { strategy: hash, keep: domain, environments: [dev] } }",
        "mail: mail",
    );
    let detected = told(&world, &["detect", "--env", "dev", "--format", "json"]);
    let detected: Value = serde_json::from_str(&detected.stdout).unwrap();
    let ran = told(&world, &["run", "--env", "dev", "--plan", detected["detectionId"].as_str().unwrap()]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(format!("{}{}", ran.stdout, ran.stderr).contains("TL0449"), "{ran:?}");
    assert_eq!(contacts(&world).iter().filter(|contact| contact.contains("ada@example.org")).count(), 1);

    world.replace(
        "specs/contacts.yaml",
        "mail: mail",
        "mail: { mask: { strategy: hash, keep: domain, environments: [dev] } }",
    );
    run_with(&world, KEY, &["--env", "dev"]);

    assert!(contacts(&world).iter().all(|contact| !contact.contains("ada@")), "{:?}", contacts(&world));
}

/// What a run and a proof answer, and whether they tell of so many rows that may hold what is masked.
fn tells_of(world: &World, rows: Option<&str>) {
    let ran = told(world, &["run", "--env", "dev"]);
    let said = format!("{}{}", ran.stdout, ran.stderr);
    assert_eq!(ran.code, i32::from(rows.is_some()), "{ran:?}");
    assert_eq!(said.contains("TL0449"), rows.is_some(), "{said}");
    if let Some(rows) = rows {
        assert!(said.contains(&format!("{rows} of `contacts` may hold what is masked now")), "{said}");
    }
    let verified = told(world, &["verify", "contacts", "--env", "dev"]);
    assert_eq!(verified.code, i32::from(rows.is_some()), "{verified:?}");
    assert_eq!(verified.stdout.contains("MASK_STALE"), rows.is_some(), "{verified:?}");
}

fn rows_that_keep_what_is_masked_now_are_told_until_there_are_none(ends: Ends) {
    let world = desk(ends);
    let of_prod = world.command(&["run", "--env", "prod"]).output().unwrap();
    assert_eq!(ended(&of_prod).code, 0, "{:?}", ended(&of_prod));
    // One fails, one is discarded, one is gone.
    world.source().execute("update old_contacts set note = 'asked by Ada  Lovelace' where no = 1");
    world.source().execute("update old_contacts set note = 'GRACE HOPPER' where no = 2");
    world.source().execute("delete from old_contacts where no = 3");

    tells_of(&world, Some("3 rows"));
    let discarded =
        told(&world, &["quarantine", "discard", "contacts", "--key", "2", "--reason", "no", "--env", "dev"]);
    assert_eq!(discarded.code, 0, "{discarded:?}");
    tells_of(&world, Some("3 rows"));

    world.source().execute("update old_contacts set note = 'asked' where no = 1");
    tells_of(&world, Some("2 rows"));
    world
        .source()
        .execute("insert into old_contacts values (3, 'alan@example.org', 'Alan Turing', '1912-06-23', 'runs')");
    tells_of(&world, Some("1 row"));
    world.source().execute("update old_contacts set note = 'left' where no = 2");
    let retried = told(&world, &["quarantine", "retry", "contacts", "--key", "2", "--env", "dev"]);
    assert_eq!(retried.code, 0, "{retried:?}");
    tells_of(&world, None);
    assert_eq!(contacts(&world).len(), 3);
    assert!(contacts(&world).iter().all(|contact| contact.contains(" [redacted] ")), "{:?}", contacts(&world));

    // A row that fails with masks behind it is what it was before there were any to tell of.
    world.source().execute("update old_contacts set note = 'Ada Lovelace' where no = 1");
    tells_of(&world, None);
    assert_eq!(world.quarantine().iter().filter(|row| row.starts_with("contacts")).count(), 1);
}

/// What somebody loaded as it is, and whose masked row cannot take its place.
fn what_is_taken_over_and_cannot_be_written_is_told(ends: Ends) {
    let world = desk(ends);
    let joan = "insert into old_contacts values (4, 'joan@example.org', 'Joan Clarke', '1917-06-24', 'walks')";
    world.source().execute(&format!("delete from old_tickets; {joan}"));
    let of_prod = world.command(&["run", "--env", "prod"]).output().unwrap();
    assert_eq!(ended(&of_prod).code, 0, "{:?}", ended(&of_prod));
    let loaded = |name: &str| {
        let id = world.destination().texts(&format!("select id from contacts where name = '{name}'")).remove(0);
        format!("insert into contacts (id, name) values ('{id}', '{name}')")
    };
    let (alan, joan_there) = (loaded("Alan Turing"), loaded("Joan Clarke"));
    world.destination().execute("delete from contacts where name in ('Alan Turing', 'Joan Clarke')");
    world.source().execute("delete from old_contacts where no > 2");
    forget(&world);
    let adopted = |rows: Option<&str>| {
        let ran = told(&world, &["run", "--adopt-existing", "--env", "dev"]);
        let said = format!("{}{}", ran.stdout, ran.stderr);
        assert_eq!((ran.code, said.contains("TL0449")), (i32::from(rows.is_some()), rows.is_some()), "{said}");
        tells_of(&world, rows);
    };

    world.source().execute("update old_contacts set note = 'write to ada@example.org' where no = 1");
    adopted(Some("1 row"));
    assert_eq!(contacts(&world).iter().filter(|contact| contact.contains("ada@example.org")).count(), 1);
    world.source().execute("update old_contacts set note = 'asked' where no = 1");
    tells_of(&world, None);

    // Who fails with masks behind it is none of them, while another is taken over and written.
    world.source().execute(&format!("update old_contacts set note = 'Grace Hopper' where no = 2; {joan}"));
    world.destination().execute(&joan_there);
    adopted(None);
    world.source().execute("update old_contacts set note = 'left' where no = 2");

    // One that comes later is no better, when the ledger knows the others.
    world
        .source()
        .execute("insert into old_contacts values (3, 'alan@example.org', 'Alan Turing', '1912-06-23', 'alan turing')");
    world.destination().execute(&alan);
    adopted(Some("1 row"));
    world.source().execute("update old_contacts set note = 'runs' where no = 3");
    tells_of(&world, None);
    assert_eq!(contacts(&world).len(), 4);
    assert!(contacts(&world).iter().all(|contact| contact.contains(" [redacted] ")), "{:?}", contacts(&world));
}

/// Whatever may be asked of a project in which a row leaks, a column is padded, and rows came before their masks.
fn nothing_that_is_said_of_a_leak_shows_it(ends: Ends) {
    let world = desk(ends);
    let of_prod = world.command(&["run", "--env", "prod"]).output().unwrap();
    assert_eq!(ended(&of_prod).code, 0, "{:?}", ended(&of_prod));
    world.source().execute("update old_contacts set nm = 'Zqxada  Zqxlovelace          ', note = 'met zqxada zqxlovelace today' where no = 1");
    world.source().execute("update old_contacts set nm = 'Zqxgrace', note = 'zqxgrace' where no = 2");

    let verbs: [&[&str]; 14] = [
        &["run"],
        &["run", "--format", "json"],
        &["detect", "--format", "json"],
        &["verify"],
        &["verify", "--format", "json"],
        &["baseline", "--mappings", "--format", "json"],
        &["drift"],
        &["status", "--format", "json"],
        &["quarantine", "--format", "json"],
        &["quarantine", "show", "contacts", "1"],
        &["preview", "contacts", "--quarantined"],
        &["preview", "contacts", "--show-values", "--all"],
        &["preview", "contacts", "--format", "json"],
        &["preview", "contacts", "--as-test", "--show-values"],
    ];
    let mut said = String::new();
    for verb in verbs {
        let told = told(&world, &[verb, &["--env", "dev"]].concat());
        assert!(told.code <= 10, "{verb:?}: {told:?}");
        said += &format!("{verb:?}\n{}{}", told.stdout, told.stderr);
    }

    assert!(said.matches("MASK_LEAK").count() > 6, "{said}");
    assert!(!said.to_lowercase().contains("zqx"), "{said}");
    for file in files_below(&world.file(".transload")) {
        assert!(!bytes(&file).to_lowercase().contains("zqx"), "{}", file.display());
    }
    assert!(!everything_held(world.destination()).to_lowercase().contains("zqx"));
}

fn a_row_that_shows_what_is_hidden_is_set_aside(ends: Ends) {
    let world = desk(ends);
    world.source().execute("update old_contacts set note = 'mrs lovelace, ada lovelace, asked twice' where no = 1");

    let report = run_with(&world, KEY, &["--env", "dev"]);

    assert_eq!(report["totals"]["quarantined"], 3, "she, and her two tickets");
    let held: Vec<String> = world.quarantine().into_iter().filter(|row| row.starts_with("contacts")).collect();
    assert_eq!(held, ["contacts 1 MASK_LEAK note"]);
    let shown = told(&world, &["quarantine", "show", "contacts", "1", "--env", "dev"]);
    assert!(shown.stdout.contains("MASK_LEAK") && !shown.stdout.to_lowercase().contains("lovelace"), "{shown:?}");
    assert!(!everything_held(world.destination()).to_lowercase().contains("lovelace"));

    world.source().execute("update old_contacts set note = 'asked twice' where no = 1");
    run_with(&world, KEY, &["--env", "dev"]);
    assert_eq!(world.quarantine().iter().filter(|row| row.starts_with("contacts")).count(), 0);
}

/// Two days of one row may be the same, whatever either is written as.
fn days_are_no_leak(ends: Ends) {
    let world = desk(ends);
    world.source().execute("delete from old_tickets; drop table old_contacts; create table old_contacts (no integer primary key, mail text, nm text, born text, note text);");
    world.source().execute(
        "insert into old_contacts values (1, null, null, '2001-02-03', '2001-02-03'), (2, null, null, '2001-02-03', '2001-02-03 10:00:00'), (3, null, null, '2001-02-03', '2002-02-03')",
    );
    world.replace(
        "specs/contacts.yaml",
        "days: 300, environments: [dev] } }",
        "days: 300, format: \"%Y-%m-%d\", environments: [dev] }, format: \"%Y-%m-%d\" }",
    );

    let report = run_with(&world, KEY, &["--env", "dev"]);

    assert_eq!((&report["totals"]["new"], &report["totals"]["quarantined"]), (&3.into(), &0.into()), "{report:#}");
    assert!(contacts_born(&world).iter().all(|born| born != "2001-02-03"), "{:?}", contacts_born(&world));
}

for_each_pair!(
    no_hidden_value_is_anywhere,
    values_arrive_as_they_are_where_no_mask_counts,
    what_was_equal_or_apart_stays_so,
    another_key_gives_other_masks_and_writes_all_of_them,
    a_mask_that_changes_or_is_added_is_made_of_all_rows_at_once,
    masks_that_only_some_rows_have_are_no_masks,
    rows_that_keep_what_is_masked_now_are_told_until_there_are_none,
    what_is_taken_over_and_cannot_be_written_is_told,
    nothing_that_is_said_of_a_leak_shows_it,
    days_are_no_leak,
    a_row_that_shows_what_is_hidden_is_set_aside,
);

#[test]
fn what_a_server_says_of_a_value_is_not_repeated() {
    for (condition, state) in [
        ("no <> 1 or current_setting(mail) is not null", "42704"),
        ("no <> 1 or mail::regclass is not null", "SQLSTATE"),
        ("no <> 1 or length(set_config(mail, nm, true)) > 0", "SQLSTATE"),
    ] {
        let world = desk(Ends::PostgresToPostgres);
        world.replace("specs/contacts.yaml", "version:", &format!("source: {{ where: \"{condition}\" }}\nversion:"));

        let told = told(&world, &["run", "--env", "dev"]);

        let said = format!("{}{}", told.stdout, told.stderr);
        assert!(told.code != 0 && said.contains(state), "{said}");
        assert!(!said.contains("ada@") && !said.contains("Lovelace"), "{said}");
        for file in files_below(&world.file(".transload")) {
            assert!(!bytes(&file).contains("ada@"), "{}", file.display());
        }
    }
}

#[test]
fn whatever_reads_rows_is_refused_without_a_key_and_says_which() {
    let world = desk(Ends::SqliteToSqlite);
    for verb in [&["run"][..], &["detect"], &["preview", "contacts"], &["validate"]] {
        for environment in [&["--env", "dev"][..], &[]] {
            let refused = world.transload(&[verb, environment].concat());
            assert_eq!(refused.code, 2, "{verb:?}: {refused:?}");
            let said = format!("{}{}", refused.stdout, refused.stderr);
            assert!(said.contains("MASK_KEY") && said.contains("ask the keeper of keys"), "{said}");
            let weak = ended(&keyed(&world, "secret-but-short", &[verb, environment].concat()).output().unwrap());
            assert_eq!(weak.code, 2, "{weak:?}");
            let said = format!("{}{}", weak.stdout, weak.stderr);
            assert!(said.contains("TL0322") && !said.contains("secret-but-short"), "{said}");
        }
        let of_prod = world.transload(&[verb, &["--env", "prod"]].concat());
        assert_eq!(of_prod.code, 0, "{of_prod:?}");
    }
}

#[test]
fn tests_of_specs_are_of_the_mapping_and_need_no_key() {
    let world = desk(Ends::SqliteToSqlite);
    let test = "tests:\n  - name: a contact\n    given: { row: { no: 1, mail: a@b.org, nm: Ada, born: 1815-12-10 } }\n    expect: { row: { mail: a@b.org, name: Ada, born: 1815-12-10 } }\n";
    world.write("specs/contacts.yaml", &format!("{CONTACTS}{test}"));
    let locked = ended(&keyed(&world, KEY, &["validate", "--lock", "--env", "dev"]).output().unwrap());
    assert_eq!(locked.code, 0, "{locked:?}");

    let tested = world.transload(&["test", "--env", "dev"]);

    assert_eq!(tested.code, 0, "{tested:?}");
    assert!(tested.stdout.contains("1 passed"), "{tested:?}");
}

#[test]
fn rows_are_moved_to_no_region_that_they_may_not_be_in() {
    let world = desk(Ends::SqliteToSqlite);
    world.replace("transload.yaml", "read_only: true }", "read_only: true, region: eu }");
    world.replace(
        "transload.yaml",
        "environments: { dev: {}",
        "environments: { dev: { connections: { platform: { region: eu } } }",
    );
    world.replace("specs/contacts.yaml", "version:", "residency: [eu]\nversion:");

    // Who only checks finds a problem; whoever would move rows, or look at them, is refused.
    for (verb, exit) in [(&["run"][..], 6), (&["detect"], 6), (&["preview", "contacts"], 6), (&["validate"], 1)] {
        let inside = ended(&keyed(&world, KEY, &[verb, &["--env", "dev"]].concat()).output().unwrap());
        assert_eq!(inside.code, 0, "{verb:?}: {inside:?}");
        let outside = world.transload(&[verb, &["--env", "prod"]].concat());
        assert_eq!(outside.code, exit, "{verb:?}: {outside:?}");
        let said = format!("{}{}", outside.stdout, outside.stderr);
        assert!(said.contains("TL0324") && said.contains("goes to `platform`, which has no region"), "{said}");
    }
}
