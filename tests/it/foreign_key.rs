//! The rule `foreign_key`: a value must be in a table of the destination that no entity loads.

use serde_json::Value;

use crate::ends::{Ends, for_each_pair, for_pair};
use crate::world::{World, counts};

const SCHEMA: &str = "
create table countries (code text primary key, name text not null, number integer unique);
create table people (
    id uuid primary key, name text not null, country text references countries (code), born_in integer references countries (number),
    boss_id uuid references people (id)
);
insert into countries values ('GB', 'Britain', 44), ('DE', 'Germany', 49), ('FR', 'France', null);
";

const PEOPLE: &str = "
entity_type: people
source_table: old_people
destination_table: people
version: \"1\"
field_mappings:
  name: nm
  country: { source_field: ctry, transformation: [trimmed, upper] }
  boss_id: { source_field: boss, references: people }
validation_rules:
  - { field_name: country, rule_type: foreign_key, rule_parameters: { table: countries, column: code } }
";

const FILL: &str = "
create table old_people (no integer primary key, nm text not null, ctry text, born integer, boss integer);
insert into old_people (no, nm, ctry, born) values
    (1, 'Ada', 'gb', 44), (2, 'Emmy', ' DE ', 49), (3, 'Zera', 'Qqq', 7), (4, 'Nobody', null, null), (5, 'Grace', 'us', 1);
";

fn world(ends: Ends) -> World {
    let world = World::project(ends, "", SCHEMA, &[("people", PEOPLE)]);
    world.source().execute(FILL);
    world
}

/// The world with another text in the place of the rule's parameters.
fn with_rule(ends: Ends, parameters: &str) -> World {
    let world = world(ends);
    world.replace("specs/people.yaml", "rule_parameters: { table: countries, column: code }", parameters);
    world
}

fn moved(report: &Value) -> [u64; 5] {
    let counts = counts(report, "people");
    ["new", "modified", "unchanged", "quarantined", "warned"].map(|name| counts[name].as_u64().unwrap())
}

fn names(world: &World) -> Vec<String> {
    world.destination().texts("select name from people order by name")
}

fn writes_nothing(world: &World) {
    let before = world.destination().fingerprint();
    let told = world.transload(&["run"]);
    assert!(told.code == 0 && told.stdout.contains("nothing written"), "{told:?}");
    assert_eq!(world.destination().fingerprint(), before);
}

fn a_value_that_is_not_there_waits_until_it_is(ends: Ends) {
    let world = world(ends);
    assert_eq!(moved(&world.run()), [3, 0, 0, 2, 0]);
    assert_eq!(names(&world), ["Ada", "Emmy", "Nobody"]);
    assert_eq!(world.quarantine(), ["people 3 RULE_FOREIGN_KEY country", "people 5 RULE_FOREIGN_KEY country"]);
    let ledger = world.destination().ledger("quarantine");
    let messages = world.destination().texts(&format!("select distinct message from {ledger}"));
    assert_eq!(messages, ["no row of `countries` has the value in `code`"]);
    world.assert_as_expected();
    writes_nothing(&world);

    world.destination().execute("insert into countries values ('US', 'United States', 1)");
    assert_eq!(moved(&world.run()), [1, 0, 3, 1, 0]);
    assert_eq!(world.quarantine(), ["people 3 RULE_FOREIGN_KEY country"]);
    writes_nothing(&world);

    world.source().execute("update old_people set ctry = 'fr' where no = 3");
    assert_eq!(moved(&world.run()), [1, 0, 4, 0, 0]);
    assert_eq!(world.quarantine(), [""; 0]);
    assert_eq!(world.destination().texts("select code from countries order by code"), ["DE", "FR", "GB", "US"]);
    world.assert_as_expected();
    writes_nothing(&world);
}

/// A run that failed judged some rows by a table that has since become what it was before.
fn who_was_judged_by_a_failed_run_is_tried_again(ends: Ends) {
    let world = world(ends);
    // Rows that miss a row of their own entity are tried again in any case.
    world.replace("specs/people.yaml", "  boss_id: { source_field: boss, references: people }\n", "");
    world.replace(
        "specs/people.yaml",
        "field_mappings:",
        "load: { batch_size: 2, checkpoint_interval: 1, max_errors: 4 }\nfield_mappings:",
    );
    world.run();
    let held = world.quarantine();
    world.destination().meddle("people", ("country", "countries"), "delete from countries where code = 'DE'");
    world.source().execute(
        "with recursive n (i) as (select 11 union all select i + 1 from n where i < 60)
         insert into old_people (no, nm, ctry) select i, 'person ' || i, 'de' from n",
    );
    let told = world.transload(&["run"]);
    assert_eq!(told.code, 3, "{told:?}");
    assert!(world.quarantine().len() > held.len());

    world.destination().execute("insert into countries values ('DE', 'Germany', 49)");
    world.run();
    assert_eq!(world.quarantine(), held);
    world.assert_as_expected();
}

/// What a row has stays until it may have another.
fn a_row_that_is_there_keeps_what_it_has(ends: Ends) {
    let world = world(ends);
    world.run();
    world.source().execute("update old_people set ctry = 'it' where no = 1");
    assert_eq!(moved(&world.run()), [0, 0, 2, 3, 0]);
    let country = || world.destination().texts("select country from people where name = 'Ada'");
    assert_eq!(country(), ["GB"]);
    world.destination().execute("insert into countries values ('IT', 'Italy', 39)");
    assert_eq!(moved(&world.run()), [0, 1, 2, 2, 0]);
    assert_eq!(country(), ["IT"]);
}

fn on_failure_says_what_follows(ends: Ends) {
    let world = with_rule(ends, "rule_parameters: { table: countries }, on_failure: fail");
    let told = world.transload(&["run"]);
    assert_eq!(told.code, 1, "{told:?}");
    assert!(told.stderr.contains("TL0429") && !told.stderr.contains("QQQ"), "{told:?}");

    // A column that the database does not keep to the table.
    let world = with_rule(ends, "rule_parameters: { table: countries }, on_failure: warn");
    world.replace("schema.sql", " references countries (code)", "");
    assert_eq!(moved(&world.run()), [5, 0, 0, 0, 2]);
    writes_nothing(&world);
}

fn the_foreign_key_of_the_column_says_where(ends: Ends) {
    let world = with_rule(ends, "rule_parameters: { nulls: reject }");
    world.replace("specs/people.yaml", "  boss_id:", "  born_in: born\n  boss_id:");
    let rule = "  - { field_name: born_in, rule_type: foreign_key, rule_parameters: { nulls: allow } }\n";
    let spec = world.read("specs/people.yaml");
    world.write("specs/people.yaml", &(spec + rule));

    assert_eq!(moved(&world.run()), [2, 0, 0, 3, 0]);

    // A number is there that no country has; a row fails once.
    let held =
        ["people 3 RULE_FOREIGN_KEY country", "people 4 RULE_FOREIGN_KEY country", "people 5 RULE_FOREIGN_KEY country"];
    assert_eq!(world.quarantine(), held);
    world.destination().execute("insert into countries values ('US', 'United States', null), ('QQQ', 'Nowhere', 7)");
    assert_eq!(moved(&world.run()), [1, 0, 2, 2, 0]);
    assert_eq!(world.quarantine(), ["people 4 RULE_FOREIGN_KEY country", "people 5 RULE_FOREIGN_KEY born_in"]);

    let long = world.transload(&["validate", "--expand", "people"]);
    for says in
        ["{ column: code, nulls: reject, table: countries }", "{ column: number, nulls: allow, table: countries }"]
    {
        assert!(long.stdout.contains(says), "{long:?}");
    }
    world.write("specs/people.yaml", &long.stdout);
    let told = world.transload(&["run"]);
    assert!(told.code == 0 && !told.stderr.contains("TL0506"), "{told:?}");
}

/// The row with the lower key would win, were its country there.
fn a_row_that_fails_takes_no_unique_value(ends: Ends) {
    let world = world(ends);
    world.source().execute("insert into old_people (no, nm, ctry) values (0, 'Ada', 'xx')");
    let spec = world.read("specs/people.yaml");
    world.write("specs/people.yaml", &(spec + "  - { field_name: name, rule_type: unique }\n"));
    world.run();
    assert_eq!(names(&world), ["Ada", "Emmy", "Nobody"]);
    world.destination().execute("insert into countries values ('XX', 'Elsewhere', null)");
    world.run();
    assert_eq!(world.quarantine()[0], "people 0 RULE_UNIQUE name");
}

fn who_refers_to_a_row_that_waits_waits_too(ends: Ends) {
    let world = world(ends);
    world.source().execute("update old_people set boss = 5 where no = 2; update old_people set boss = 2 where no = 4");
    assert_eq!(moved(&world.run()), [1, 0, 0, 4, 0]);
    let held = world.quarantine();
    assert_eq!(held[0], "people 2 PARENT_MISSING boss_id");
    assert_eq!(held[3], "people 5 RULE_FOREIGN_KEY country");

    world.destination().execute("insert into countries values ('US', 'United States', 1)");
    // In the order of keys the boss comes behind one of those whom he leads.
    assert_eq!(moved(&world.run()), [3, 0, 1, 1, 0]);

    assert_eq!(world.quarantine(), ["people 3 RULE_FOREIGN_KEY country"]);
    assert_eq!(world.destination().count("people where boss_id is not null"), 2);
    world.assert_as_expected();
}

fn without_its_databases_a_project_is_checked_all_the_same(ends: Ends) {
    for parameters in ["rule_parameters: { table: countries, column: name }", "rule_parameters: {}"] {
        let world = with_rule(ends, parameters);
        assert_eq!(world.transload(&["validate", "--lock"]).code, 0);
        world.take_databases_away();

        let told = world.transload(&["validate", "--offline"]);

        assert_eq!(told.code, 0, "{parameters}: {told:?}");
        world.replace("specs/people.yaml", parameters, "rule_parameters: { table: countries, column: nmae }");
        let told = world.transload(&["validate", "--offline"]);
        assert!(told.code == 1 && told.stdout.contains("did you mean `name`?"), "{told:?}");
        world.replace("specs/people.yaml", "{ table: countries, column: nmae }", "{ table: people, column: name }");
        let told = world.transload(&["validate", "--offline"]);
        assert!(told.code == 1 && told.stdout.contains("write `references: people` on field `country`"), "{told:?}");
    }
}

const TESTS: &str = "tests:
  - name: nobody knows what is there
    given: { row: { no: 3, nm: Zera, ctry: qqq } }
    expect: { row: { country: QQQ } }
";

fn only_who_asks_the_destination_judges(ends: Ends) {
    let world = world(ends);
    let spec = world.read("specs/people.yaml");
    world.write("specs/people.yaml", &(spec + TESTS));
    world.run();
    assert_eq!(world.transload(&["validate", "--lock"]).code, 0);
    assert_eq!(world.transload(&["test"]).code, 0);
    let rule = |flags: &[&str]| {
        let told = world.transload(&[&["preview", "people", "--format", "json"], flags].concat());
        assert_eq!(told.code, 0, "{told:?}");
        let preview: Value = serde_json::from_str(&told.stdout).unwrap();
        preview["rows"][0]["fault"]["rule"].as_str().unwrap_or("-").to_owned()
    };
    assert_eq!(rule(&["--key", "3"]), "RULE_FOREIGN_KEY");
    assert_eq!(rule(&["--key", "3", "--against-destination"]), "RULE_FOREIGN_KEY");
    assert_eq!(rule(&["--key", "1"]), "-");
    let told = world.transload(&["preview", "people", "--key", "3", "--as-test"]);
    assert_eq!(told.stdout, "# row 3: RULE_FOREIGN_KEY, which the destination alone knows, and no test shows\n");
    world.write("row.json", r#"{ "no": 3, "nm": "Zera", "ctry": "Qqq" }"#);
    assert_eq!(rule(&["--row", "row.json"]), "-");
    let told = world.transload(&["preview", "people", "--row", "row.json"]);
    assert!(told.stdout.contains("was not judged"), "{told:?}");
}

fn rows_in_several_streams_are_judged_alike(ends: Ends) {
    let world = world(ends);
    world.replace("specs/people.yaml", "  boss_id: { source_field: boss, references: people }\n", "");
    world.replace("specs/people.yaml", "field_mappings:", "load: { streams: 4, max_errors: 100% }\nfield_mappings:");
    world.source().execute(
        "with recursive n (i) as (select 10 union all select i + 1 from n where i < 4009)
         insert into old_people (no, nm, ctry) select i, 'person ' || i, case i % 4 when 0 then 'xx' else 'fr' end from n",
    );
    assert_eq!(moved(&world.run()), [3003, 0, 0, 1002, 0]);
    world.destination().execute("insert into countries values ('XX', 'Elsewhere', null)");
    assert_eq!(moved(&world.run()), [1000, 0, 3003, 2, 0]);
}

const KINDS: &str = "
create table held (
    day date, amount decimal(8,2), flag boolean, at timestamp, own uuid, old text, word text, share double precision, number bigint
);
create view seen as select word from held where number > 0;
create table things (
    id integer primary key, day date, amount decimal(8,2), flag boolean, at timestamp, own uuid, old uuid, word text, share double precision,
    number bigint
);
insert into held values
    ('2024-02-29', '10.50', true, '2024-02-29 12:00:00', '0b6ff3a2-5d43-4f0e-9a3c-6d8f0f3f2c11', '0B6FF3A2-5D43-4F0E-9A3C-6D8F0F3F2C11', 'é', 0.5,
     9007199254740993),
    (null, null, null, null, null, 'no uuid', '', null, 0);
";

/// The first row has what is there, in other words where there are any; each of the others has one value that is not.
const THINGS: &str = "
create table old_things (
    no integer primary key, day text, amount text, flag text, at text, own text, old text, word text, share text, number bigint
);
insert into old_things
select no, '2024-02-29', '10.5', 'true', '2024-02-29T12:00:00', '0B6FF3A2-5D43-4F0E-9A3C-6D8F0F3F2C11', '0b6ff3a2-5d43-4f0e-9a3c-6d8f0f3f2c11',
       'é', '5e-1', 9007199254740993
from (select 1 as no union all select 2 union all select 3 union all select 4 union all select 5 union all select 6 union all select 7
      union all select 8 union all select 9 union all select 10) n;
update old_things set day = '2024-02-28' where no = 2;
update old_things set amount = '10.51' where no = 3;
update old_things set flag = 'false' where no = 4;
update old_things set at = '2024-02-29T12:00:01' where no = 5;
update old_things set own = '0b6ff3a2-5d43-4f0e-9a3c-6d8f0f3f2c12' where no = 6;
update old_things set old = '0b6ff3a2-5d43-4f0e-9a3c-6d8f0f3f2c12' where no = 7;
update old_things set word = '' where no = 8;
update old_things set share = '0.25' where no = 9;
update old_things set number = 9007199254740992 where no = 10;
";

/// What is there is found whatever its type, and nothing that is only near it.
fn values_of_all_types_are_found(ends: Ends) {
    let columns = ["day", "amount", "flag", "at", "own", "old", "word", "share", "number"];
    let rules = columns.map(|column| {
        let table = if column == "word" { "seen" } else { "held" };
        format!("  - {{ field_name: {column}, rule_type: foreign_key, rule_parameters: {{ table: {table}, column: {column} }} }}\n")
    });
    let spec = format!(
        "entity_type: things\nsource_table: old_things\ndestination_table: things\nversion: \"1\"\n\
         key: {{ source: no, destination: id, strategy: keep }}\nauto_map: true\nfield_mappings: {{ old: {{ data_type: uuid }} }}\n\
         validation_rules:\n{}",
        rules.concat()
    );
    let world = World::project(ends, "", KINDS, &[("things", &spec)]);
    world.source().execute(THINGS);
    world.run();

    assert_eq!(world.destination().texts("select id from things"), ["1"]);
    let mut held: Vec<String> =
        columns.iter().zip(2..).map(|(column, no)| format!("things {no} RULE_FOREIGN_KEY {column}")).collect();
    held.sort();
    assert_eq!(world.quarantine(), held);
}

/// The table of the same name in the connection's own schema is not the one that the key means.
fn a_key_to_another_schema_says_nothing(ends: Ends) {
    let world = with_rule(ends, "rule_parameters: {}");
    world.replace("schema.sql", "country text references", "country text references elsewhere.");
    world.replace("schema.sql", "elsewhere. countries", "elsewhere.countries");
    let elsewhere = "create schema elsewhere; create table elsewhere.countries (code text primary key);\n";
    let schema = world.read("schema.sql");
    world.write("schema.sql", &format!("{elsewhere}{schema}"));
    world.destination().execute(&world.read("schema.sql"));

    let told = world.transload(&["validate"]);

    assert!(told.code == 1 && told.stdout.contains("TL0307"), "{told:?}");
    assert!(told.stdout.contains("nor does one foreign key of `country` alone, within the schema"), "{told:?}");
}

for_pair!(to_another_schema, PostgresToPostgres, a_key_to_another_schema_says_nothing);

/// What the database would say of the whole unit at its end is said of the row alone.
fn a_key_that_is_looked_at_when_all_is_done_refuses_its_row_alone(ends: Ends) {
    let schema = "create table people (id bigint primary key, name text);
        create table notes (id bigint primary key, person bigint references people (id) deferrable initially deferred);
        create table badges (holder bigint references people (id) deferrable initially deferred);";
    let spec = |entity: &str, fields: &str| {
        format!(
            "entity_type: {entity}\nsource_table: old_{entity}\ndestination_table: {entity}\nversion: \"1\"\n\
             deletes: {{ mode: hard, max: 90% }}\nkey: {{ strategy: keep, destination: id }}\nfield_mappings: {{ id: no, {fields} }}\n"
        )
    };
    let specs = [("people", &*spec("people", "name: nm")), ("notes", &*spec("notes", "person: of"))];
    let world = World::project(ends, "", schema, &specs);
    world.source().execute(
        "create table old_people (no integer primary key, nm text); create table old_notes (no integer primary key, \"of\" integer);
         insert into old_people values (1, 'a'), (2, 'b'), (3, 'c'); insert into old_notes values (1, 1), (2, 9), (3, 2), (4, null)",
    );
    world.run();
    assert_eq!(world.quarantine(), ["notes 2 CONSTRAINT_FOREIGN_KEY person"]);
    assert_eq!(world.destination().count("notes"), 3);
    world.destination().execute("insert into badges values (3)");
    world.source().execute("update old_notes set \"of\" = 8 where no = 1");
    world.source().execute("delete from old_people where no = 3");

    world.run();

    let left =
        ["notes 1 CONSTRAINT_FOREIGN_KEY person", "notes 2 CONSTRAINT_FOREIGN_KEY person", "people 3 DELETE_REFUSED -"];
    assert_eq!(world.quarantine(), left);
    assert_eq!(world.destination().texts("select person from notes order by id"), ["1", "2", ""]);
}

for_each_pair!(
    a_key_that_is_looked_at_when_all_is_done_refuses_its_row_alone,
    a_value_that_is_not_there_waits_until_it_is,
    a_row_that_is_there_keeps_what_it_has,
    who_was_judged_by_a_failed_run_is_tried_again,
    on_failure_says_what_follows,
    the_foreign_key_of_the_column_says_where,
    a_row_that_fails_takes_no_unique_value,
    who_refers_to_a_row_that_waits_waits_too,
    without_its_databases_a_project_is_checked_all_the_same,
    only_who_asks_the_destination_judges,
    rows_in_several_streams_are_judged_alike,
    values_of_all_types_are_found,
);
