//! `baseline`: how far the destination is behind.

use serde_json::{Value, json};

use crate::ends::{Ends, for_each_pair};
use crate::world::World;

const SCHEMA: &str = "create table people (id uuid primary key, name text not null);";

const PEOPLE: &str = "
entity_type: people
source_table: old_people
destination_table: people
version: \"1\"
source: { where: kind <> 'test' }
field_mappings: { name: nm }
";

const FILL: &str = "
create table old_people (no integer primary key, nm text, kind text);
insert into old_people values (1, 'a', 'x'), (2, 'b', 'x'), (3, 'c', 'test'), (4, null, 'x'), (5, 'e', 'x');
";

fn world(ends: Ends) -> World {
    let world = World::project(ends, "", SCHEMA, &[("people", PEOPLE)]);
    world.source().execute(FILL);
    world
}

fn counted(world: &World, flags: &[&str]) -> Value {
    let told = world.transload(&[&["baseline", "--format", "json"], flags].concat());
    assert_eq!(told.code, 0, "{told:?}");
    serde_json::from_str(&told.stdout).unwrap()
}

fn people(data: &Value) -> &Value {
    &data["entitySummary"][0]
}

/// Names, types and figures are those of the REST API's `data`.
fn both_ends_are_counted(ends: Ends) {
    let world = world(ends);
    let data = counted(&world, &[]);
    assert_eq!(
        *people(&data),
        json!({
            "entityType": "people", "sourceCount": 4, "destinationCount": 0, "recordGap": 4, "gapPercentage": 100.0,
            "status": "behind", "lastMigrationTimestamp": null,
        })
    );
    world.run();

    let data = counted(&world, &[]);

    let id = data["analysisId"].as_str().unwrap();
    assert!(id.starts_with("baseline-20") && id.len() > 40, "{id}");
    assert!(data["timestamp"].as_str().unwrap().ends_with('Z'));
    assert_eq!(data["overallStatus"], "gaps_detected");
    assert_eq!(
        data["summary"],
        json!({ "totalSourceRecords": 4, "totalDestinationRecords": 3, "overallGap": 1, "averageGapPercentage": 25.0 })
    );
    let found = people(&data);
    assert_eq!((&found["recordGap"], &found["status"]), (&json!(1), &json!("behind")));
    assert!(found["lastMigrationTimestamp"].as_str().unwrap().starts_with("20"));
    assert_eq!(data.get("mappingValidation"), None);
    let told = world.transload(&["baseline"]);
    assert!(told.stdout.contains("in quarantine   people 1") && told.stdout.contains("25.00 %"), "{told:?}");
    assert_eq!(world.transload(&["baseline", "--exit-code"]).code, 10);

    world.source().execute("delete from old_people where no in (4, 5)");
    let data = counted(&world, &[]);
    assert_eq!((&people(&data)["status"], &people(&data)["recordGap"]), (&json!("ahead"), &json!(-1)));
    world.destination().execute("delete from people where name = 'e'");
    assert_eq!(people(&counted(&world, &[]))["status"], "in_sync");
    assert_eq!(counted(&world, &[])["overallStatus"], "in_sync");
    assert_eq!(world.transload(&["baseline", "--exit-code"]).code, 0);
}

fn mappings_are_compared_with_the_keys_of_the_source(ends: Ends) {
    for strategy in ["uuid_v5", "uuid_v7"] {
        let spec = format!("{PEOPLE}key: {{ strategy: {strategy} }}\n");
        let world = World::project(ends, "", SCHEMA, &[("people", &spec)]);
        if strategy == "uuid_v7" {
            world.replace("transload.yaml", "namespace", "x-namespace");
        }
        world.source().execute(FILL);
        world.run();
        let issues = |world: &World| counted(world, &["--mappings"])["mappingValidation"][0].clone();
        let whole = json!({ "missingMappings": 0, "orphanedMappings": 0, "schemaChanges": 0 });
        assert_eq!(issues(&world)["issues"], whole, "{strategy}");
        world.source().execute("delete from old_people where no = 1; update old_people set kind = 'test' where no = 5");
        let ledger = world.destination().ledger("migration_mappings");
        world.destination().execute(&format!("delete from {ledger} where source_id = '2'"));

        let found = issues(&world);

        assert_eq!(
            found["issues"],
            json!({ "missingMappings": 1, "orphanedMappings": 2, "schemaChanges": 0 }),
            "{strategy}"
        );
        assert_eq!((&found["entityType"], &found["isValid"]), (&json!("people"), &json!(false)));
        let told = world.transload(&["baseline", "--mappings"]);
        assert!(told.stdout.contains("people 1 missing, 2 orphaned"), "{told:?}");
    }
}

fn what_is_not_as_the_lock_says_is_counted(ends: Ends) {
    let world = world(ends);
    world.run();
    assert_eq!(world.transload(&["validate", "--lock"]).code, 0);
    world.destination().execute("alter table people add column note text");
    world.source().execute("alter table old_people add column more text; alter table old_people add column most text");

    let found = counted(&world, &["--mappings"])["mappingValidation"][0].clone();

    assert_eq!((&found["issues"]["schemaChanges"], &found["isValid"]), (&json!(3), &json!(false)));
}

fn nothing_is_written_by_a_look(ends: Ends) {
    let world = world(ends);
    world.run();
    let before = world.destination().fingerprint();
    world.transload(&["baseline", "--mappings", "--exact"]);
    assert_eq!(world.transload(&["verify"]).code, 0);
    assert_eq!(world.destination().fingerprint(), before);
}

fn what_cannot_be_divided_is_told(ends: Ends) {
    let world = world(ends);
    world.source().execute("delete from old_people");
    world.run();
    world.destination().execute("insert into people values ('0b6ff3a2-5d43-4f0e-9a3c-6d8f0f3f2c99', 'x')");
    let data = counted(&world, &[]);
    let found = people(&data);
    assert_eq!(
        (&found["recordGap"], &found["gapPercentage"], &found["status"]),
        (&json!(-1), &json!(-100.0), &json!("ahead"))
    );
}

fn a_destination_may_have_many_times_as_many(ends: Ends) {
    let world = world(ends);
    world.source().execute("delete from old_people where no > 1");
    world.run();
    let ids: Vec<String> = (1..5_000).map(|no| format!("('0b6ff3a2-5d43-4f0e-9a3c-{no:012}', 'x')")).collect();
    world.destination().execute(&format!("insert into people values {}", ids.join(", ")));

    let data = counted(&world, &[]);

    assert_eq!((&people(&data)["recordGap"], &people(&data)["gapPercentage"]), (&json!(-4_999), &json!(-499_900.0)));
    assert_eq!(data["summary"]["averageGapPercentage"], json!(-499_900.0));
    let told = world.transload(&["baseline"]);
    assert!(told.stdout.contains("-499900.00 %"), "{told:?}");
}

/// They share the file of the history.
fn another_environment_was_never_run(ends: Ends) {
    let world = world(ends);
    let project = world.read("transload.yaml");
    world.write("transload.yaml", &format!("{project}environments: {{ other: {{}} }}\n"));
    world.run();
    assert!(people(&counted(&world, &[]))["lastMigrationTimestamp"].is_string());
    assert_eq!(people(&counted(&world, &["--env", "other"]))["lastMigrationTimestamp"], Value::Null);
}

for_each_pair!(
    what_cannot_be_divided_is_told,
    a_destination_may_have_many_times_as_many,
    another_environment_was_never_run,
    both_ends_are_counted,
    mappings_are_compared_with_the_keys_of_the_source,
    what_is_not_as_the_lock_says_is_counted,
    nothing_is_written_by_a_look
);

/// The server is told how many rows there are, and believes it.
#[test]
fn who_asks_for_an_exit_code_is_answered_by_counts() {
    let world = world(Ends::PostgresToPostgres);
    world.source().execute(
        "create function some_people() returns table (no integer, nm text, kind text) language plpgsql rows 20000000
           as $$ begin return query select 1, 'a'::text, 'x'::text; end $$;
         create view all_people as select no, nm, kind from some_people();",
    );
    world.replace("specs/people.yaml", "source_table: old_people", "source_table: all_people\nkey: { source: no }");
    world.replace("specs/people.yaml", "source: { where: kind <> 'test' }\n", "");
    world.run();
    let data = counted(&world, &[]);
    assert_eq!(
        (&people(&data)["sourceCount"], &people(&data)["estimated"]),
        (&json!(20_000_000), &json!(["sourceCount"]))
    );
    let told = world.transload(&["baseline"]);
    assert!(told.stdout.contains("~20,000,000") && told.stdout.contains("`--exact`"), "{told:?}");

    for flag in ["--exit-code", "--exact"] {
        let data = counted(&world, &[flag]);
        assert_eq!(
            (&people(&data)["sourceCount"], people(&data).get("estimated")),
            (&json!(1), None),
            "{flag}: {data}"
        );
        assert_eq!(
            (&people(&data)["status"], &data["overallStatus"]),
            (&json!("in_sync"), &json!("in_sync")),
            "{flag}"
        );
    }
}

/// It has nothing but counts to tell.
#[test]
fn sqlite_counts_whatever_there_is() {
    let world = world(Ends::SqliteToSqlite);
    world.source().execute("delete from old_people");
    world.source().execute(
        "with recursive n (i) as (select 1 union all select i + 1 from n where i < 3200) insert into old_people select i, 'a', 'x' from n",
    );
    world.source().execute("create view all_people as select a.no * 4000 + b.no as no, a.nm as nm, 'x' as kind from old_people a, old_people b");
    world.replace("specs/people.yaml", "source_table: old_people", "source_table: all_people\nkey: { source: no }");

    let data = counted(&world, &[]);

    assert_eq!((&people(&data)["sourceCount"], people(&data).get("estimated")), (&json!(10_240_000), None), "{data}");
}
