//! Sources from which rows seem to be gone, and are not: nothing is deleted at the destination, whatever made them vanish.
//!
//! Forty pets and their owners are loaded; then something happens, and the project is run again. Each case says what is answered. After
//! each of them every row that was loaded is still there and says nothing else about itself.

use std::collections::BTreeSet;

use crate::ends::{Ends, for_each_pair};
use crate::world::World;

const SCHEMA: &str = "
create table people (id uuid primary key, name text not null, gone_at timestamp);
create table pets (id uuid primary key, name text not null, owner_id uuid not null references people (id) on delete cascade, gone_at timestamp);
create table others (id uuid primary key, name text not null, owner_id uuid not null references people (id), gone_at timestamp);
";

const PEOPLE: &str = "
entity_type: people
source_table: old_people
destination_table: people
version: \"1\"
key: { source: no }
field_mappings: { name: nm }
";

const PETS: &str = "
entity_type: pets
source_table: old_pets
destination_table: pets
version: \"1\"
key: { source: no }
source: { where: kind < 9 }
field_mappings:
  name: { source_field: nm, is_required: true }
  owner_id: { source_field: owner, references: people }
";

const FILL: &str = "
create table old_people (no integer primary key, nm text);
create table old_pets (no integer primary key, nm text, owner integer, kind integer, chip integer);
with recursive n (i) as (select 1 union all select i + 1 from n where i < 40)
insert into old_people select i, 'person ' || i from n;
with recursive n (i) as (select 1 union all select i + 1 from n where i < 40)
insert into old_pets select i, 'pet ' || i, i, i % 4, i + 500 from n;
";

const PETS_AGAIN: &str = "create table old_pets (no integer, nm text, owner integer, kind integer, chip integer)";

const HARD: &str = "mode: hard";
const HALF: &str = "mode: hard, max: 50%";
const SOFT: &str = "mode: soft, field: gone_at";

/// What happens between two runs.
struct Case {
    what: &'static str,
    /// `deletes` of both entities.
    deletes: &'static str,
    happens: fn(&World),
    flags: &'static [&'static str],
    /// How the second run ends, and what it says.
    exit: i32,
    says: &'static str,
}

/// A case that the guard speaks in.
const fn guarded(what: &'static str, deletes: &'static str, happens: fn(&World)) -> Case {
    Case { what, deletes, happens, flags: &[], exit: 6, says: "TL0421" }
}

const fn with(flags: &'static [&'static str], case: Case) -> Case {
    Case { flags, ..case }
}

/// A case in which something else speaks, or nothing needs to.
const fn told(exit: i32, says: &'static str, case: Case) -> Case {
    Case { exit, says, ..case }
}

fn source(world: &World, sql: &str) {
    world.source().execute(sql);
}

fn spec(world: &World, from: &str, to: &str) {
    world.replace("specs/pets.yaml", from, to);
}

/// Puts a view in the place of the pets.
fn view(world: &World, columns: &str, condition: &str) {
    source(
        world,
        &format!(
            "alter table old_pets rename to real_pets; create view old_pets as select {columns} from real_pets where {condition}"
        ),
    );
}

const ALL: &str = "no, nm, owner, kind, chip";

/// Cases for every pair of systems.
const CASES: [Case; 48] = [
    guarded("the table is empty", HARD, |w| source(w, "delete from old_pets")),
    guarded("all tables are empty", HARD, |w| source(w, "delete from old_pets; delete from old_people")),
    guarded("the table is empty, and all may go by the spec", "mode: hard, max: 100%", |w| {
        source(w, "delete from old_pets");
    }),
    guarded("the table is empty, and soft", SOFT, |w| source(w, "delete from old_pets")),
    guarded("the table is empty, and soft, and all may go", "mode: soft, field: gone_at, max: 100%", |w| {
        source(w, "delete from old_pets");
    }),
    guarded("the table is empty, and what is left could not go before", "mode: hard, max: 100%", |w| {
        source(w, "delete from old_people; insert into old_people values (41, null)");
        let told = w.transload(&["run"]);
        assert_eq!(told.code, 0, "{told:?}");
        source(w, "delete from old_people");
    }),
    guarded("half is gone", HARD, |w| source(w, "delete from old_pets where no % 2 = 0")),
    guarded("half is gone, and soft", SOFT, |w| source(w, "delete from old_pets where no % 2 = 0")),
    guarded("all but one is gone", HALF, |w| source(w, "delete from old_pets where no > 1")),
    guarded("the first ones are gone", HARD, |w| source(w, "delete from old_pets where no < 12")),
    guarded("the last ones are gone", HARD, |w| source(w, "delete from old_pets where no > 29")),
    guarded("one more is gone than ten", HARD, |w| source(w, "delete from old_pets where no between 20 and 30")),
    guarded("one is gone where none may", "mode: hard, max: 0", |w| source(w, "delete from old_pets where no = 7")),
    guarded("one is gone where no share may", "mode: hard, max: 0%", |w| {
        source(w, "delete from old_pets where no = 7");
    }),
    guarded("one is gone where none may, and soft", "mode: soft, field: gone_at, max: 0", |w| {
        source(w, "delete from old_pets where no = 7");
    }),
    guarded("one more is gone than the count", "mode: hard, max: 19", |w| {
        source(w, "delete from old_pets where no <= 20");
    }),
    guarded("one more is gone than the share", "mode: hard, max: 5%", |w| {
        source(w, "delete from old_pets where no <= 3");
    }),
    guarded("a share of less than one row", "mode: hard, max: 1%", |w| source(w, "delete from old_pets where no = 3")),
    with(
        &["--max-deletes", "0"],
        guarded("none may by the flag", HALF, |w| source(w, "delete from old_pets where no = 3")),
    ),
    with(
        &["--max-deletes", "5"],
        guarded("six where the flag says five", HALF, |w| source(w, "delete from old_pets where no < 7")),
    ),
    with(
        &["--max-deletes", "10%"],
        guarded("five where the flag says a tenth", HALF, |w| source(w, "delete from old_pets where no < 6")),
    ),
    with(
        &["--max-deletes", "39"],
        guarded("empty where the flag says all but one", HALF, |w| source(w, "delete from old_pets")),
    ),
    with(&["--remap"], guarded("derived again from an empty table", HARD, |w| source(w, "delete from old_pets"))),
    with(
        &["--retry-quarantined"],
        guarded("tried again from half a table", HARD, |w| {
            source(w, "delete from old_pets where no % 2 = 0");
        }),
    ),
    guarded("the guard spoke before", HARD, |w| {
        source(w, "delete from old_pets where no % 2 = 0");
        assert_eq!(w.transload(&["run"]).code, 6);
    }),
    guarded("the guard spoke before, and more is gone since", HALF, |w| {
        source(w, "delete from old_pets where no <= 30");
        assert_eq!(w.transload(&["run"]).code, 6);
        source(w, "delete from old_pets");
    }),
    guarded("the condition takes fewer", HARD, |w| spec(w, "kind < 9", "kind < 2")),
    guarded("the condition takes none", HARD, |w| spec(w, "kind < 9", "kind > 9")),
    guarded("the condition takes none, for all values are NULL", HARD, |w| {
        source(w, "update old_pets set kind = null");
    }),
    guarded("a query in place of the table gives nothing", HARD, |w| {
        spec(w, "where: kind < 9", "query: \"select no, nm, owner from old_pets where no < 0\"");
    }),
    guarded("a query in place of the table joins most away", HARD, |w| {
        source(w, "delete from old_people where no > 100");
        spec(
            w,
            "where: kind < 9",
            "query: \"select p.no, p.nm, p.owner from old_pets p join old_people o on o.no = p.owner + 30\"",
        );
    }),
    guarded("a view in place of the table gives nothing", HARD, |w| view(w, ALL, "no < 0")),
    guarded("a view in place of the table hides half", HARD, |w| view(w, ALL, "no % 2 = 0")),
    guarded("all rows have other keys", HARD, |w| source(w, "update old_pets set no = no + 1000")),
    guarded("no row has a key", HARD, |w| {
        source(
            w,
            &format!(
                "alter table old_pets rename to x; {PETS_AGAIN}; insert into old_pets select null, nm, owner, kind, chip from x"
            ),
        );
    }),
    guarded("another table took the name", HARD, |w| {
        source(w, &format!("alter table old_pets rename to x; {PETS_AGAIN}"));
    }),
    guarded("another database took the name", HARD, |w| {
        source(w, "delete from old_pets; insert into old_pets values (900, 'x', 1, 1, 1), (901, 'y', 2, 1, 2)");
    }),
    guarded("the parents are gone", HARD, |w| source(w, "delete from old_people")),
    told(
        0,
        "DELETE_REFUSED",
        guarded("a few parents are gone, and their children are not", HALF, |w| {
            source(w, "delete from old_people where no in (3, 4)");
        }),
    ),
    guarded("the guard keeps the children, and so their parents", "mode: hard, max: 5", |w| {
        source(w, "delete from old_pets; delete from old_people where no in (3, 4)");
    }),
    told(
        1,
        "TL02",
        guarded("the table has another name", HARD, |w| source(w, "alter table old_pets rename to new_pets")),
    ),
    told(
        1,
        "TL0",
        guarded("the key has another name", HARD, |w| source(w, "alter table old_pets rename column no to nr")),
    ),
    told(6, "TL0310", guarded("the key is another column", HARD, |w| spec(w, "source: no", "source: chip"))),
    told(
        6,
        "TL0310",
        guarded("the destination is another table", HARD, |w| {
            spec(w, "destination_table: pets", "destination_table: others");
        }),
    ),
    told(
        6,
        "TL0310",
        guarded("the entity has another name", HARD, |w| spec(w, "entity_type: pets", "entity_type: cats")),
    ),
    told(0, "", guarded("the spec is gone", HARD, |w| std::fs::remove_file(w.file("specs/pets.yaml")).unwrap())),
    told(0, "", guarded("deletes are not asked for", "mode: ignore", |w| source(w, "delete from old_pets"))),
    told(
        3,
        "TL0420",
        guarded("all rows are bad, and some are gone", HALF, |w| {
            w.replace("specs/pets.yaml", "version: \"1\"", "version: \"1\"\nload: { max_errors: 5 }");
            source(w, "delete from old_pets where no < 4; update old_pets set nm = null");
        }),
    ),
];

/// What only a file does.
const OF_FILES: [Case; 4] = [
    told(
        4,
        "TL0427",
        guarded("the source fails midway", HALF, |w| {
            view(
                w,
                "no, nm, cast(case when no = 30 then abs(-9223372036854775807 - 1) else owner end as integer) as owner, kind, chip",
                "no <> 5",
            );
        }),
    ),
    told(
        6,
        "TL0310",
        guarded("the key has another type", HARD, |w| {
            source(w, "alter table old_pets rename to x; create table old_pets (no text primary key, nm text, owner integer, kind integer, chip integer);
             insert into old_pets select 'p' || no, nm, owner, kind, chip from x");
        }),
    ),
    told(
        1,
        "TL0",
        guarded("the file is another one without tables", HARD, |w| {
            std::fs::write(w.file("data/legacy.db"), "").unwrap();
        }),
    ),
    told(4, "TL0", guarded("the file is not there", HARD, |w| std::fs::remove_file(w.file("data/legacy.db")).unwrap())),
];

/// What only a server does.
const OF_SERVERS: [Case; 6] = [
    guarded("a view in place of the table gives other keys", HARD, |w| {
        view(w, "-no as no, nm, owner, kind, chip", "true");
    }),
    told(
        4,
        "TL0427",
        guarded("the source fails midway", HALF, |w| {
            view(w, "no, nm, owner / (case when no = 30 then 0 else 1 end) as owner, kind, chip", "no <> 5");
        }),
    ),
    told(
        6,
        "TL0310",
        guarded("the key has another type", HARD, |w| {
            source(w, "alter table old_pets alter column no type text using 'p' || no");
        }),
    ),
    told(
        1,
        "TL0312",
        guarded("a policy hides rows", HARD, |w| {
            source(w, "alter table old_pets enable row level security; create policy few on old_pets using (no < 10)");
            as_reader(w, "grant select on old_pets, old_people to");
        }),
    ),
    told(4, "TL0006", guarded("the table must not be read", HARD, |w| as_reader(w, "grant select on old_people to"))),
    guarded("another schema comes first", HARD, |w| {
        source(w, &format!("create schema moved; alter table old_pets set schema moved; {PETS_AGAIN}"));
    }),
];

/// Lets the source be read by somebody who has only what is granted.
fn as_reader(world: &World, grant: &str) {
    let url = world.source().url();
    let name = url.rsplit_once('/').unwrap().1.split('?').next().unwrap();
    let role = format!("reader_{name}");
    source(world, &format!("drop role if exists {role}; create role {role} login password 'tested'; {grant} {role}"));
    world.replace("transload.yaml", &url, &url.replace("tester:tested@", &format!("{role}:tested@")));
}

/// Each row with all that it says about itself, but for what a run may well have changed.
fn rows(world: &World) -> BTreeSet<String> {
    let mut rows = BTreeSet::new();
    for table in ["people", "pets"] {
        rows.extend(
            world
                .destination()
                .texts(&format!("select '{table} ' || id || coalesce(cast(gone_at as text), '') from {table}")),
        );
    }
    rows
}

fn check(ends: Ends, case: &Case) {
    let specs = [PEOPLE, PETS].map(|spec| format!("{spec}deletes: {{ {} }}\n", case.deletes));
    let world = World::project(ends, "", SCHEMA, &[("people", &specs[0]), ("pets", &specs[1])]);
    world.source().execute(FILL);
    world.run();
    let loaded = rows(&world);
    assert_eq!(loaded.len(), 80, "{}", case.what);

    (case.happens)(&world);
    let told = world.transload(&[&["run"], case.flags].concat());

    let said = format!("{}{}", told.stdout, told.stderr);
    let left = rows(&world);
    let lost: Vec<&String> = loaded.difference(&left).collect();
    assert!(lost.is_empty(), "{}: {} rows are gone: {said}", case.what, lost.len());
    assert_eq!(told.code, case.exit, "{}: {said}", case.what);
    assert!(said.contains(case.says), "{} does not say {}: {said}", case.what, case.says);
    assert!(!said.contains("panicked"), "{}: {said}", case.what);
}

fn no_case_deletes_a_row(ends: Ends) {
    let of_system: &[Case] = if ends.is_from_postgres() { &OF_SERVERS } else { &OF_FILES };
    let mut wrong = Vec::new();
    for case in CASES.iter().chain(of_system) {
        let checked = std::panic::catch_unwind(|| check(ends, case));
        wrong.extend(checked.is_err().then_some(case.what));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// That deletes do happen, where they should: else the cases above would show nothing.
fn what_may_go_goes(ends: Ends) {
    let specs = [PEOPLE, PETS].map(|spec| format!("{spec}deletes: {{ {HARD} }}\n"));
    let world = World::project(ends, "", SCHEMA, &[("people", &specs[0]), ("pets", &specs[1])]);
    world.source().execute(FILL);
    world.run();
    source(&world, "delete from old_pets where no <= 10");
    world.run();
    assert_eq!(world.destination().count("pets"), 30);
    source(&world, "delete from old_pets where no <= 30; delete from old_people where no <= 30");
    assert_eq!(world.transload(&["run"]).code, 6);
    assert_eq!(world.destination().count("pets"), 30);
    world.run_with(&["--max-deletes", "75%"]);
    assert_eq!((world.destination().count("pets"), world.destination().count("people")), (10, 10));
}

for_each_pair!(no_case_deletes_a_row, what_may_go_goes);
