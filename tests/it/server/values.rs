//! Values that a column, a constraint or the server itself refuses: the row is set aside with its reason, and the good ones load.

use super::{SECRETS, for_all, one_table, told};
use crate::alongside::assert_silent;
use crate::ends::Ends;
use crate::world::World;

/// A column at either end, a value that fits and one that does not, as SQL.
struct Case {
    name: &'static str,
    /// What the destination's schema begins with.
    before: &'static str,
    old: &'static str,
    new: &'static str,
    good: &'static str,
    bad: &'static str,
    code: &'static str,
    /// The field that is named.
    field: &'static str,
}

const CASE: Case =
    Case { name: "", before: "", old: "text", new: "text", good: "'ok'", bad: "'geheim'", code: "", field: "value" };

const CASES: &[Case] = &[
    Case {
        name: "enumerated",
        before: "create type mood as enum ('ok', 'sad');",
        new: "mood",
        code: "VALUE_FORMAT",
        ..CASE
    },
    Case { name: "checked", new: "text check (value <> 'geheim')", code: "CONSTRAINT_CHECK", field: "-", ..CASE },
    Case { name: "short", new: "varchar(3)", code: "VALUE_RANGE", ..CASE },
    Case { name: "padded", new: "char(3)", good: "'abc'", code: "VALUE_RANGE", ..CASE },
    Case { name: "bare", new: "text not null", good: "'ok'", bad: "null", code: "REQUIRED_MISSING", ..CASE },
    Case {
        name: "decimals",
        old: "numeric(12,2)",
        new: "numeric(5,2)",
        good: "999.99",
        bad: "1000.00",
        code: "VALUE_RANGE",
        ..CASE
    },
    Case {
        name: "scaled",
        old: "numeric(12,4)",
        new: "numeric(12,2)",
        good: "1.2500",
        bad: "1.2345",
        code: "VALUE_RANGE",
        ..CASE
    },
    Case {
        name: "smallints",
        old: "bigint",
        new: "smallint",
        good: "32767",
        bad: "32768",
        code: "VALUE_RANGE",
        ..CASE
    },
    Case {
        name: "seconds",
        old: "timestamp",
        new: "timestamp(0)",
        good: "'2024-02-29 12:34:56'",
        bad: "'2024-02-29 12:34:56.5'",
        code: "VALUE_RANGE",
        ..CASE
    },
    Case {
        name: "domains",
        before: "create domain small as text check (length(value) < 4);",
        new: "small",
        code: "CONSTRAINT_CHECK",
        field: "-",
        ..CASE
    },
    Case { name: "taken", new: "text unique", good: "'ok ' || no", bad: "'ok 1'", code: "CONSTRAINT_UNIQUE", ..CASE },
    Case {
        name: "taken_later",
        new: "text unique deferrable initially deferred",
        good: "'ok ' || no",
        bad: "'ok 1'",
        code: "CONSTRAINT_UNIQUE",
        ..CASE
    },
    Case {
        name: "orphans",
        before: "create table parents (name text primary key); insert into parents values ('ok');",
        new: "text references parents (name)",
        code: "CONSTRAINT_FOREIGN_KEY",
        ..CASE
    },
    Case {
        name: "orphans_later",
        before: "create table parents (name text primary key); insert into parents values ('ok');",
        new: "text references parents (name) deferrable initially deferred",
        code: "CONSTRAINT_FOREIGN_KEY",
        ..CASE
    },
    Case {
        name: "overlapping",
        new: "text, exclude using btree (value with =)",
        good: "'ok ' || no",
        bad: "'ok 1'",
        code: "CONSTRAINT_UNIQUE",
        field: "-",
        ..CASE
    },
];

/// Twenty rows, of which the thirteenth is bad.
fn world(case: &Case, ends: Ends) -> World {
    let (name, value) = (case.name, format!("case when no = 13 then {} else {} end", case.bad, case.good));
    let schema = format!("{} create table {name} (id bigint primary key, value {})", case.before, case.new);
    let world = one_table(ends, name, &schema, &["value"]);
    let cast = if ends.is_from_postgres() { format!("({value})::{}", case.old) } else { value };
    world.source().execute(&format!(
        "create table old_{name} (no bigint primary key, value {});
         insert into old_{name} select no, {cast} from (
             with recursive n (no) as (select 1 union all select no + 1 from n where no < 20) select no from n) as numbers",
        case.old
    ));
    world
}

fn check(case: &Case, ends: Ends) {
    let world = world(case, ends);

    let first = told(&world, "run");

    assert_eq!(first.code, 0, "{}: {first:?}", case.name);
    let row = format!("{} 13 {} {}", case.name, case.code, case.field);
    assert_eq!(world.quarantine(), [row], "{} {ends:?}", case.name);
    assert_eq!(world.destination().count(case.name), 19, "{}", case.name);
    let good = format!("{} where value = ({})", case.name, case.good.replace("no", "id"));
    assert_eq!(world.destination().count(&good), 19, "{}: the good values", case.name);
    assert_told_without_value(&world, case);
    let rows = format!("select md5(string_agg(t::text, ' ' order by id)) from {} t", case.name);
    let before = world.destination().texts(&rows);
    assert_eq!(told(&world, "run").code, 0, "{}", case.name);
    assert_eq!(world.destination().texts(&rows), before, "{}: a second run", case.name);
}

fn assert_told_without_value(world: &World, case: &Case) {
    let listed = told(world, "quarantine");
    assert_eq!(listed.code, 0, "{}: {listed:?}", case.name);
    let messages = world.destination().texts("select message from transload.quarantine");
    for secret in super::SECRETS {
        assert!(!messages[0].contains(secret), "{}: {secret} is in {messages:?}", case.name);
    }
}

#[test]
fn a_value_that_the_server_refuses_sets_its_row_aside_and_no_other() {
    for_all(CASES, |case| check(case, Ends::PostgresToPostgres));
}

#[test]
fn a_value_from_a_file_that_the_server_refuses_sets_its_row_aside_and_no_other() {
    for_all(CASES, |case| check(case, Ends::SqliteToPostgres));
}

/// A row that is changed to what does not fit keeps its first version in the destination.
#[test]
fn a_later_value_that_the_server_refuses_leaves_the_loaded_row_as_it_was() {
    for_all(CASES, check_later);
}

fn check_later(case: &Case) {
    let world = world(case, Ends::PostgresToPostgres);
    let heal = format!("update old_{0} set value = {1} where no = 13", case.name, case.good);
    world.source().execute(&heal);
    assert_eq!(told(&world, "run").code, 0, "{}", case.name);
    assert_eq!(world.destination().count(case.name), 20, "{}", case.name);
    world.source().execute(&format!("update old_{} set value = {} where no = 13", case.name, case.bad));

    assert_eq!(told(&world, "run").code, 0, "{}", case.name);

    assert_eq!(world.quarantine(), [format!("{} 13 {} {}", case.name, case.code, case.field)], "{}", case.name);
    assert_eq!(world.destination().count(case.name), 20, "{}: the row is gone", case.name);
    assert_told_without_value(&world, case);
    world.source().execute(&heal);
    assert_eq!(told(&world, "run").code, 0, "{}", case.name);
    assert_eq!(world.quarantine(), [""; 0], "{}", case.name);
}

#[test]
fn a_text_with_a_zero_byte_is_set_aside() {
    let schema = "create table texts (id bigint primary key, value text)";
    let world = one_table(Ends::SqliteToPostgres, "texts", schema, &["value"]);
    world.source().execute(
        "create table old_texts (no bigint primary key, value text);
         insert into old_texts values (1, 'ok'), (2, 'geheim' || char(0) || 'er'), (3, '')",
    );

    let told = told(&world, "run");

    assert_eq!(told.code, 0, "{told:?}");
    assert_silent(&world, &told, &SECRETS);
    assert_eq!(world.quarantine(), ["texts 2 VALUE_ENCODING value"]);
    assert_eq!(world.destination().texts("select id || ' ' || value from texts order by id"), ["1 ok", "3 "]);
    world.assert_as_expected();
}
