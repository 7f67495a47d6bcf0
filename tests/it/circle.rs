//! Entities that wait for one another: one of them is loaded with a reference left open, and filled when the rest is in.

use serde_json::Value;

use crate::alongside::{assert_no_unit_twice, begun_and_within};
use crate::ends::{Ends, for_each_pair};
use crate::world::{Random, World, assert_balanced, counts};

const OFFICES: &str = "
entity_type: offices
source_table: old_offices
destination_table: offices
version: \"1\"
field_mappings:
  name: nm
  head_id: { source_field: head, references: doctors }
";

const DOCTORS: &str = "
entity_type: doctors
source_table: old_doctors
destination_table: doctors
version: \"1\"
field_mappings:
  name: nm
  office_id: { source_field: office, references: offices }
  deputy_id: { source_field: deputy, references: doctors }
";

/// Small batches and units, so that parents lie in others than their children.
const DEFAULTS: &str =
    "  deletes: { mode: hard, max: 90% }\n  load: { batch_size: 2, checkpoint_interval: 1, max_errors: 50 }";

/// Who heads an office, by the office's name.
const HEADS: &str = "select o.name || ' ' || coalesce(d.name, '-') from offices o left join doctors d on d.id = o.head_id order by o.name";

/// Where a doctor works, and who stands in, by the doctor's name.
const PLACES: &str =
    "select d.name || ' ' || o.name || ' ' || coalesce(e.name, '-') from doctors d join offices o on o.id = d.office_id
    left join doctors e on e.id = d.deputy_id order by d.name";

/// `nullable` says whether offices may be without a head.
fn schema(ends: Ends, nullable: &str) -> String {
    let doctors = "create table doctors (id uuid primary key, name text not null, office_id uuid not null references offices (id),
        deputy_id uuid references doctors (id));";
    if ends.is_to_postgres() {
        format!(
            "create table offices (id uuid primary key, name text not null, head_id uuid {nullable}); {doctors}
             alter table offices add foreign key (head_id) references doctors (id);"
        )
    } else {
        format!(
            "create table offices (id uuid primary key, name text not null, head_id uuid {nullable} references doctors (id)); {doctors}"
        )
    }
}

fn world_with(ends: Ends, nullable: &str, offices: &str, doctors: &str) -> World {
    let specs = [("offices", offices), ("doctors", doctors)];
    let world = World::project(ends, DEFAULTS, &schema(ends, nullable), &specs);
    world.source().execute(
        "create table old_offices (no integer primary key, nm text, head integer);
         create table old_doctors (no integer primary key, nm text, office integer, deputy integer);",
    );
    world
}

fn world(ends: Ends) -> World {
    world_with(ends, "", OFFICES, DOCTORS)
}

/// Five offices with heads of other offices, and ten doctors.
fn fill(world: &World) {
    world.source().execute(
        "insert into old_offices values (1, 'a', 10), (2, 'b', 9), (3, 'c', null), (4, 'd', 7), (5, 'e', 7);
         insert into old_doctors values (1, 'k', 1, 2), (2, 'l', 1, null), (3, 'm', 2, 10), (4, 'n', 2, null), (5, 'o', 3, null),
             (6, 'p', 3, 1), (7, 'q', 4, null), (8, 'r', 4, null), (9, 's', 5, 8), (10, 't', 5, null);",
    );
}

fn moved(report: &Value, entity: &str) -> [u64; 5] {
    let counts = counts(report, entity);
    ["read", "new", "modified", "quarantined", "deleted"].map(|name| counts[name].as_u64().unwrap())
}

fn a_circle_is_broken_where_a_column_may_be_null(ends: Ends) {
    let world = world(ends);
    fill(&world);
    let told = world.transload(&["validate"]);
    assert_eq!(told.code, 0, "{told:?}");
    assert!(told.stdout.contains("offices.head_id is NULL until doctors is loaded"), "{}", told.stdout);
    assert!(told.stdout.contains("specs/offices.yaml:8"), "{}", told.stdout);

    let report = world.run();

    assert_eq!(moved(&report, "offices"), [5, 5, 0, 0, 0]);
    assert_eq!(moved(&report, "doctors"), [10, 10, 0, 0, 0]);
    assert_eq!(world.destination().texts(HEADS), ["a t", "b s", "c -", "d q", "e q"]);
    let places = ["k a l", "l a -", "m b t", "n b -", "o c -", "p c k", "q d -", "r d -", "s e r", "t e -"];
    assert_eq!(world.destination().texts(PLACES), places);
    let before = world.destination().fingerprint();
    let again = world.run();
    assert_eq!(moved(&again, "offices"), [5, 0, 0, 0, 0]);
    assert_eq!(world.destination().fingerprint(), before, "a run that finds nothing writes nothing");
}

fn a_row_that_moves_takes_its_new_parent_from_the_same_run(ends: Ends) {
    let world = world(ends);
    fill(&world);
    world.run();
    world.source().execute(
        "insert into old_doctors values (11, 'u', 3, null);
         insert into old_offices values (6, 'f', 11);
         update old_offices set head = 11 where no in (1, 3);
         update old_offices set head = null, nm = 'bb' where no = 2;",
    );

    let report = world.run();

    assert_eq!(moved(&report, "offices"), [6, 1, 3, 0, 0]);
    assert_eq!(moved(&report, "doctors"), [11, 1, 0, 0, 0]);
    assert_eq!(world.destination().texts(HEADS), ["a u", "bb -", "c u", "d q", "e q", "f u"]);
}

fn a_row_whose_parent_never_comes_is_set_aside_and_comes_with_it(ends: Ends) {
    let world = world(ends);
    fill(&world);
    // Nobody works in office 6, and someone in office 7: that one stays without its head.
    world.source().execute(
        "insert into old_offices values (6, 'f', 99), (7, 'g', 99);
         insert into old_doctors values (11, 'u', 7, null), (12, 'v', 77, null);",
    );

    let report = world.run();

    assert_eq!(moved(&report, "offices"), [7, 5, 0, 2, 0]);
    assert_eq!(moved(&report, "doctors"), [12, 11, 0, 1, 0]);
    assert_eq!(world.destination().texts(HEADS), ["a t", "b s", "c -", "d q", "e q", "g -"]);
    let waiting =
        ["doctors 12 PARENT_MISSING office_id", "offices 6 PARENT_MISSING head_id", "offices 7 PARENT_MISSING head_id"];
    assert_eq!(world.quarantine(), waiting);
    let before = world.destination().fingerprint();
    world.run();
    assert_eq!(world.destination().fingerprint(), before, "they are not tried before something comes");

    world.source().execute("insert into old_doctors values (99, 'z', 1, null)");
    let report = world.run();

    assert_eq!(moved(&report, "offices"), [7, 1, 1, 0, 0], "{report}");
    assert_eq!(world.destination().texts(HEADS), ["a t", "b s", "c -", "d q", "e q", "f z", "g z"]);
    assert_eq!(world.quarantine(), ["doctors 12 PARENT_MISSING office_id"]);
    let settled = world.run();
    assert_eq!(moved(&settled, "offices"), [7, 0, 0, 0, 0]);
}

fn what_is_missing_can_be_null(ends: Ends) {
    let offices = OFFICES.replace("references: doctors", "references: doctors, on_missing: null");
    let world = world_with(ends, "", &offices, DOCTORS);
    fill(&world);
    world.source().execute("insert into old_offices values (6, 'f', 99)");

    let report = world.run();

    assert_eq!(moved(&report, "offices"), [6, 6, 0, 0, 0]);
    assert_eq!(world.destination().texts(HEADS), ["a t", "b s", "c -", "d q", "e q", "f -"]);
}

fn the_reference_that_is_filled_last_can_be_chosen(ends: Ends) {
    let schema = |world: &World| {
        let text = world.read("schema.sql").replace("office_id uuid not null", "office_id uuid");
        world.write("schema.sql", &text);
    };
    let chosen = DOCTORS.replace("references: offices", "references: offices, defer: true");
    let world = world_with(ends, "", OFFICES, &chosen);
    schema(&world);
    fill(&world);

    let told = world.transload(&["validate", "--format", "json"]);
    let document: Value = serde_json::from_str(&told.stdout).unwrap();
    assert_eq!(document["broken_circles"][0]["field"], "doctors.office_id", "{document}");
    assert_eq!(document["broken_circles"][0]["asked"], true);
    let report = world.run();

    assert_eq!(moved(&report, "doctors"), [10, 10, 0, 0, 0]);
    assert_eq!(world.destination().texts(HEADS), ["a t", "b s", "c -", "d q", "e q"]);
    assert_eq!(world.destination().texts(PLACES).len(), 10);

    // What must not be left open is not, and then the other is.
    world.write("specs/doctors.yaml", DOCTORS);
    world.replace("specs/offices.yaml", "references: doctors", "references: doctors, defer: false");
    let told = world.transload(&["validate"]);
    assert!(told.stdout.contains("doctors.office_id is NULL until offices is loaded"), "{}", told.stdout);
}

fn a_circle_without_a_column_that_may_be_null_is_shown_whole(ends: Ends) {
    let world = world_with(ends, "not null", OFFICES, DOCTORS);

    let told = world.transload(&["validate"]);

    assert_eq!(told.code, 1, "{told:?}");
    for text in ["TL0205", "doctors → offices → doctors is a cycle", "specs/doctors.yaml", "specs/offices.yaml"] {
        assert!(told.stdout.contains(text), "no {text:?}: {}", told.stdout);
    }
    world.replace("specs/offices.yaml", "references: doctors", "references: doctors, defer: true");
    let told = world.transload(&["validate"]);
    assert_eq!(told.code, 1, "{told:?}");
    assert!(told.stdout.contains("column `head_id` is to be filled later and is NOT NULL"), "{}", told.stdout);
}

fn rows_of_a_circle_are_deleted_as_far_as_nothing_refers_to_them(ends: Ends) {
    let world = world(ends);
    fill(&world);
    world.run();
    // Office d is headed by q, who works there: neither can go before the other. Office e goes with its doctors once their heads are free,
    // and office b does, whose head s works in e.
    world.source().execute(
        "delete from old_offices where no in (2, 4, 5);
         delete from old_doctors where no in (3, 4, 7, 8, 9);
         update old_offices set head = null where no = 1;
         delete from old_doctors where no = 10;",
    );

    let report = world.run();

    assert_eq!(moved(&report, "offices")[4], 2, "{report}");
    assert_eq!(world.destination().texts(HEADS), ["a -", "c -", "d q"]);
    assert_eq!(world.destination().texts(PLACES), ["k a l", "l a -", "o c -", "p c k", "q d -"]);
    assert_eq!(world.quarantine(), ["doctors 7 DELETE_REFUSED -", "offices 4 DELETE_REFUSED -"]);
}

/// An orphan that finds its parent in the run is one of the rows that are detected, unless it came after that.
fn a_plan_is_all_that_is_moved(ends: Ends) {
    let world = world(ends);
    fill(&world);
    world.source().execute("update old_offices set head = 90 where no = 2");
    world.source().execute("update old_doctors set office = 1 where office = 2");
    world.run();
    assert_eq!(world.quarantine(), ["offices 2 PARENT_MISSING head_id"]);
    world.source().execute("update old_offices set nm = 'C' where no = 3");
    world.source().execute("insert into old_doctors values (90, 'z', 1, null)");
    let told = world.transload(&["detect", "--format", "json"]);
    let found: Value = serde_json::from_str(&told.stdout).unwrap();
    assert_eq!(found["summary"]["totalChanges"], 3, "{told:?}");
    world.source().execute("insert into old_offices values (9, 'f', 90)");

    let report = world.run_with(&["--plan", found["detectionId"].as_str().unwrap()]);

    assert_balanced(&report);
    assert_eq!(moved(&report, "offices"), [2, 1, 1, 0, 0]);
    assert_eq!(moved(&report, "doctors"), [1, 1, 0, 0, 0]);
    assert_eq!(world.destination().texts(HEADS), ["C -", "a t", "b z", "d q", "e q"]);
    assert_eq!(world.quarantine(), [""; 0]);
    let report = world.run();
    assert_balanced(&report);
    assert_eq!(world.destination().texts(HEADS), ["C -", "a t", "b z", "d q", "e q", "f z"]);
}

/// The row that waits for a parent was not met by its cursor.
fn a_row_that_finds_its_parent_counts_once(ends: Ends) {
    let cursor = "change_detection: { strategy: timestamp, cursor_field: upd, overlap: 1h, audit_runs: 4 }\nversion:";
    let [offices, doctors] = [OFFICES, DOCTORS].map(|spec| spec.replace("version:", cursor));
    let world = world_with(ends, "", &offices, &doctors);
    world.source().execute("alter table old_offices add column upd timestamp");
    world.source().execute("alter table old_doctors add column upd timestamp");
    world.source().execute(
        "insert into old_offices values (1, 'a', 10, '2001-02-03 04:05:06'), (2, 'b', null, '2001-02-03 04:05:06')",
    );
    let report = world.run();
    assert_balanced(&report);
    assert_eq!(moved(&report, "offices"), [2, 1, 0, 1, 0]);
    world.source().execute("insert into old_doctors values (10, 't', 2, null, current_timestamp)");

    let report = world.run();

    assert_balanced(&report);
    assert_eq!(moved(&report, "offices"), [1, 1, 0, 0, 0]);
    assert_eq!(world.destination().texts(HEADS), ["a t", "b -"]);
    assert_eq!(world.quarantine(), [""; 0]);
}

/// A run that is about rows of one of them does not wait for the others.
fn a_row_of_a_circle_is_moved_alone(ends: Ends) {
    let world = world(ends);
    fill(&world);
    world.run();
    world.source().execute(
        "update old_offices set nm = 'A', head = 8 where no = 1; update old_offices set nm = 'B' where no = 2",
    );
    let told = world.transload(&["detect", "offices", "--format", "json"]);
    let found: Value = serde_json::from_str(&told.stdout).unwrap();

    let report = world.run_with(&["--plan", found["detectionId"].as_str().unwrap()]);

    assert_eq!((&report["status"], &counts(&report, "offices")["modified"]), (&"completed".into(), &2.into()));
    let heads = world.destination().texts(HEADS);
    assert_eq!(heads, ["A r", "B s", "c -", "d q", "e q"]);
}

/// Three thousand offices and nine thousand doctors, of which some fail.
fn many(world: &World) {
    world.replace("transload.yaml", "batch_size: 2, checkpoint_interval: 1", "batch_size: 100, checkpoint_interval: 1");
    world.source().execute(
        "with recursive n (i) as (select 1 union all select i + 1 from n where i < 3000)
         insert into old_offices select i, 'o' || i, case when i % 100 = 0 then 99999 when i % 7 > 0 then (i * 13) % 9000 + 1 end from n;
         with recursive n (i) as (select 1 union all select i + 1 from n where i < 9000)
         insert into old_doctors select i, case when i % 500 = 0 then null else 'd' || i end, (i * 7) % 3000 + 1,
             case when i % 5 = 0 then (i * 11) % 9000 + 1 end from n;",
    );
    world.replace("transload.yaml", "max_errors: 50", "max_errors: 5000");
}

fn killed(ends: Ends, kills: u64) -> (World, Value) {
    let world = world(ends);
    many(&world);
    let mut random = Random::of_seed(20_261_122);
    for _ in 0..kills {
        let units = random.below(26) + 1;
        let mut run = begun_and_within(&world, &mut random, units);
        run.kill().unwrap();
        run.wait().unwrap();
    }
    let report = world.run();
    (world, report)
}

fn a_circle_that_is_killed_in_the_middle_arrives_whole(ends: Ends) {
    let (whole, expected) = killed(ends, 0);
    let (world, report) = killed(ends, 8);

    assert_eq!(report["resumed"], true);
    assert_no_unit_twice(&world, report["run_id"].as_str().unwrap());
    for entity in ["offices", "doctors"] {
        assert_eq!(moved(&report, entity), moved(&expected, entity), "{entity}");
        assert!(moved(&report, entity)[3] > 0, "{report}");
    }
    for sql in [HEADS, PLACES] {
        assert_eq!(world.destination().texts(sql), whole.destination().texts(sql));
    }
    assert_eq!(world.quarantine(), whole.quarantine());
    let before = world.destination().fingerprint();
    world.run();
    assert_eq!(world.destination().fingerprint(), before, "nothing was left to do");
}

/// Each misses the other until both are there, and they may come in any order.
fn two_that_need_each_other_arrive_in_whatever_order_they_come(ends: Ends) {
    let office = "insert into old_offices values (5, 'e', 1);";
    let doctor = "insert into old_doctors values (1, 'one', 5, null);";
    for (first, then) in [(office, doctor), (doctor, office)] {
        let world = world(ends);
        world.source().execute(first);
        world.run();
        assert_eq!(world.quarantine().len(), 1, "{first}");
        world.source().execute(then);

        world.run();

        assert_eq!(world.quarantine(), [""; 0], "{first}");
        assert_eq!(world.destination().texts(HEADS), ["e one"], "{first}");
        let before = world.destination().fingerprint();
        world.run();
        assert_eq!(world.destination().fingerprint(), before, "a run that found nothing wrote");
    }
}

for_each_pair!(
    two_that_need_each_other_arrive_in_whatever_order_they_come,
    a_row_that_finds_its_parent_counts_once,
    a_plan_is_all_that_is_moved,
    a_row_of_a_circle_is_moved_alone,
    a_circle_is_broken_where_a_column_may_be_null,
    a_row_that_moves_takes_its_new_parent_from_the_same_run,
    a_row_whose_parent_never_comes_is_set_aside_and_comes_with_it,
    what_is_missing_can_be_null,
    the_reference_that_is_filled_last_can_be_chosen,
    a_circle_without_a_column_that_may_be_null_is_shown_whole,
    rows_of_a_circle_are_deleted_as_far_as_nothing_refers_to_them,
    a_circle_that_is_killed_in_the_middle_arrives_whole,
);
