//! The rule `expression`: a script that sees a row as it would be written.

use crate::ends::{Ends, for_each_pair};
use crate::world::{World, counts};

const SCHEMA: &str = "
create table stays (id uuid primary key, room text not null, from_on date not null, to_on date, nights integer, guest_id uuid);
create table guests (id uuid primary key, name text not null);
";

const GUESTS: &str = "
entity_type: guests
source_table: old_guests
destination_table: guests
version: \"1\"
field_mappings: { name: nm }
";

const STAYS: &str = "
entity_type: stays
source_table: old_stays
destination_table: stays
version: \"1\"
field_mappings:
  room: { source_field: rm, transformation: [trimmed, upper] }
  from_on: { source_field: fr, data_type: date, format: \"%d.%m.%Y\" }
  to_on: { source_field: tll, data_type: date, format: \"%d.%m.%Y\" }
  nights: {}
  guest_id: { source_field: guest, references: guests }
validation_rules:
  - { field_name: to_on, rule_type: expression, rule_parameters: { expression: 'value == () || row.from_on < value' } }
  - field_name: nights
    rule_type: expression
    rule_parameters:
      expression: |
        if value > limit_of(row.room) { throw `${value} nights in ${row.room}`; }
        row.guest_id != ()
  - field_name: room
    rule_type: expression
    rule_parameters: { expression: 'value.starts_with(\"A\")' }
    on_failure: warn
";

const FILL: &str = "
create table old_guests (no integer primary key, nm text not null);
insert into old_guests values (1, 'Ada'), (2, 'Grace');
create table old_stays (no integer primary key, rm text, fr text, tll text, nights integer, guest integer);
insert into old_stays values
    (1, ' a1', '01.02.2024', '03.02.2024', 2, 1), (2, 'a1', '01.02.2024', null, 3, 1), (3, 'a1', '05.02.2024', '03.02.2024', 2, 1),
    (4, 'secret-room', '01.02.2024', '03.02.2024', 9, 2), (5, 'a2', '01.02.2024', '03.02.2024', 2, null), (6, 'b2', '01.02.2024', '03.02.2024', 1, 2),
    (7, 'a9', '01.02.2024', '03.02.2024', null, 2);
";

fn world(ends: Ends) -> World {
    let world = World::project(ends, "transforms: transforms/*.rhai", SCHEMA, &[("guests", GUESTS), ("stays", STAYS)]);
    world.write(
        "transforms/rooms.rhai",
        "/// Nights that a room may be had.\nfn limit_of(room) { if room == \"A1\" { 14 } else { 7 } }\n",
    );
    world.source().execute(FILL);
    world
}

fn rows_that_a_script_does_not_let_pass_are_set_aside(ends: Ends) {
    let world = world(ends);
    let report = world.run();

    assert_eq!(counts(&report, "stays")["warned"], 1, "{report:#}");
    // Of NULL no number of nights is more: the seventh passes.
    let held = ["stays 3 RULE_EXPRESSION to_on", "stays 4 RULE_EXPRESSION nights", "stays 5 RULE_EXPRESSION nights"];
    assert_eq!(world.quarantine(), held);
    let messages = world
        .destination()
        .texts(&format!("select message from {} order by source_key", world.destination().ledger("quarantine")));
    assert_eq!(messages[0], "the expression is false");
    assert!(messages[1].contains("nights in") && !messages[1].to_lowercase().contains("secret"), "{messages:?}");
}

fn what_a_script_reads_is_checked_before_a_run(ends: Ends) {
    let world = world(ends);
    for (from, to, said) in [
        ("row.from_on < value", "row.form_on < value", "form_on"),
        ("row.from_on < value", "row.fr < value", "`fr`"),
        ("row.from_on < value", "row.from_on <", "TL0801"),
        ("row.from_on < value", "row.from_on < vlaue", "vlaue"),
    ] {
        world.replace("specs/stays.yaml", from, to);
        let told = world.transload(&["validate"]);
        assert_eq!(told.code, 1, "{to}: {told:?}");
        assert!(told.stdout.contains(said) && told.stdout.contains("specs/stays.yaml:13:"), "{to}: {told:?}");
        world.replace("specs/stays.yaml", to, from);
    }
    assert_eq!(world.transload(&["validate"]).code, 0);
}

for_each_pair!(rows_that_a_script_does_not_let_pass_are_set_aside, what_a_script_reads_is_checked_before_a_run);
