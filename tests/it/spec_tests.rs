//! `transload test`: what the tests of specs say where there is no database.

use serde_json::json;

use crate::ends::Ends;
use crate::world::{Ended, World};

const SCHEMA: &str = "
create table cities (id text not null primary key, name text not null);
create table people (
  id text not null primary key, code text not null, name text not null, born date, seen timestamp, height text, score real,
  is_active boolean, photo blob, mail text, city_id text references cities (id), home_id text references cities (id),
  birth_id text references cities (id), boss_id text references people (id)
);
create table grades (person integer not null, course text not null, grade integer not null, primary key (person, course));
create table visits (id text not null primary key, note text);
";

const LEGACY: &str = "
create table old_cities (no integer primary key, nm text);
create table old_people (
  no integer primary key, cd text, nm text, dob text, seen timestamp, cm numeric(6,2), score real, fl text, photo blob, mail text,
  city integer, home integer, birth integer, boss integer
);
create table old_grades (person integer not null, course text not null, grade integer, primary key (person, course));
create table old_visits (person integer, visited_on date, note text, primary key (person, visited_on));
";

const CITIES: &str = "
entity_type: cities
source_table: old_cities
destination_table: cities
version: \"1\"
field_mappings:
  name: nm
";

const PEOPLE: &str = "
entity_type: people
source_table: old_people
destination_table: people
version: \"1\"
field_mappings:
  code: cd
  name: { source_field: nm, transformation: [trimmed, shouted] }
  born: { source_field: dob, format: \"%d.%m.%Y\" }
  seen: seen
  height: { source_field: cm, data_type: \"decimal(6,2)\" }
  score: score
  is_active: { source_field: fl, value_map: { \"Y\": true, \"N\": false } }
  photo: photo
  mail: mail
  city_id: { source_field: city, references: cities }
  home_id: { source_field: home, references: cities, on_missing: \"null\" }
  birth_id: { source_field: birth, references: cities, on_missing: default, default_value: 1 }
  boss_id: { source_field: boss, references: people }
validation_rules:
  - { field_name: code, rule_type: unique }
  - { field_name: mail, rule_type: unique }
  - { field_name: born, rule_type: range, rule_parameters: { max: today } }
  - { field_name: height, rule_type: range, rule_parameters: { max: 250 }, on_failure: warn }
transformation_functions:
  - name: shouted
    function_body: |
      if value == \"NOBODY\" { throw \"nobody has this name\"; }
      if value == () { () } else { upper(value) }
";

const GRADES: &str = "
entity_type: grades
source_table: old_grades
destination_table: grades
version: \"1\"
key: { strategy: keep }
field_mappings:
  grade: grade
";

const VISITS: &str = "
entity_type: visits
source_table: old_visits
destination_table: visits
version: \"1\"
field_mappings:
  note: note
";

const SPECS: [(&str, &str); 4] = [("cities", CITIES), ("people", PEOPLE), ("grades", GRADES), ("visits", VISITS)];

/// A locked project whose databases are gone.
fn world() -> World {
    let world = World::project(Ends::SqliteToSqlite, "", SCHEMA, &SPECS);
    world.source().execute(LEGACY);
    locked(world)
}

fn locked(world: World) -> World {
    let locked = world.transload(&["validate", "--lock"]);
    assert_eq!(locked.code, 0, "{locked:?}");
    world.take_databases_away();
    world
}

/// Gives a spec these tests, in place of those that it has, and tries all tests.
fn tried(world: &World, entity: &str, tests: &str) -> Ended {
    let path = format!("specs/{entity}.yaml");
    let spec = world.read(&path);
    let (spec, _) = spec.split_once("\ntests:\n").unwrap_or((&spec, ""));
    world.write(&path, &format!("{}\ntests:\n{tests}\n", spec.trim_end()));
    world.transload(&["test"])
}

/// One test of `people` whose references are to a city that is given.
fn of_people(given: &str, expect: &str) -> String {
    format!(
        "  - name: it\n    given:\n      {given}\n      mappings: {{ cities: {{ 1: {CITY} }} }}\n    expect: {expect}"
    )
}

fn passes(entity: &str, tests: &str) {
    let told = tried(&world(), entity, tests);
    assert_eq!(told.code, 0, "{tests}\n{}{}", told.stdout, told.stderr);
    assert!(told.stdout.contains(" 1 passed   ("), "{}", told.stdout);
}

/// The test fails, and says so in these lines; blanks do not count.
fn fails(entity: &str, tests: &str, says: &[&str]) {
    let told = tried(&world(), entity, tests);
    assert_eq!(told.code, 1, "{tests}\n{}{}", told.stdout, told.stderr);
    let said: Vec<&str> = told.stdout.split_whitespace().chain(told.stderr.split_whitespace()).collect();
    for line in says {
        assert!(said.join(" ").contains(line), "{line:?} is not said:\n{}{}", told.stdout, told.stderr);
    }
}

const CITY: &str = "51aa7c02-0c39-4d0a-8b0e-6f0d2b1ae207";

/// `uuid5(namespace, "people:1")` and so on, as Python's `uuid` makes them with the namespace of every project here.
const PERSON_1: &str = "4e3dc928-5bed-541d-b773-1ff16102035e";
const PERSON_3: &str = "a6c98483-ddbd-5a76-a7f9-01d7bbee268d";
const PERSON_2: &str = "09f53ac5-d4a6-5279-a41f-22ab33c87e08";
const VISIT: &str = "7c7c4e57-bc79-5eae-88ff-db35b159f827";

#[test]
fn a_row_is_compared_by_the_canonical_text_of_each_field() {
    let given = "row: { no: 1, cd: a, nm: '  ada ', dob: 10.12.1815, seen: '1842-01-02 03:04:05.500', cm: 160.5, score: 0.5, fl: Y,
             photo: '\\x00fF', city: 1 }";
    let all = format!(
        "{{ row: {{ id: {PERSON_1}, code: a, name: ADA, born: 1815-12-10, seen: '1842-01-02T03:04:05.5', height: '160.50', score: 0.5,
             is_active: true, photo: '\\x00ff', mail: null, city_id: {CITY}, home_id: null, birth_id: {CITY}, boss_id: null }} }}"
    );
    passes("people", &of_people(given, &all));
    passes(
        "people",
        &of_people(
            given,
            "{ row: { height: 160.5, seen: '1842-01-02 03:04:05.50', photo: '\\x00FF', is_active: 'true' } }",
        ),
    );
    passes("people", &of_people(given, "{ row: {} }"));
    let no_bytes = "cannot be given `photo` of row 1: bytes are written as `\\x00ff`, two hexadecimal digits for each";
    for text in ["xx", "'\\x0'", "'\\x0g'", "'\\x+1'"] {
        fails("people", &of_people(&format!("row: {{ no: 1, photo: {text} }}"), "{ row: {} }"), &[no_bytes]);
    }
}

#[test]
fn what_differs_is_shown_with_what_it_went_through() {
    let tests = [
        "  - name: every field differs
    given:
      row: { no: 1, cd: a, nm: ' ada ', dob: 10.12.1815, cm: 160.5, fl: Y, mail: a@b.example, photo: '\\x00' }
    expect:
      row: { code: a, name: Ada, born: 1815-12-11, height: 160.51, is_active: false, mail: null, score: 1, id: null }",
        "  - name: one row fails and one is too many
    given:
      rows: [{ no: 1, cd: a, nm: NOBODY }, { no: 2, cd: b, nm: x, cm: 300 }, { no: 3, cd: c, nm: y, city: 7 }, { no: 4, cd: d, nm: z }]
    expect:
      rows: [{ code: a }]
      quarantine: [{ field: code, rule: RULE_UNIQUE }, { field: city_id }]
      warnings: [{ field: mail }]",
        "  - name: what is given is no value
    given: { row: { no: 1, cd: a, nm: x, boss: two } }
    expect: { row: { code: a } }",
        "  - name: what is expected is no value
    given: { row: { no: 1, cd: a, nm: x } }
    expect: { row: { born: soon } }",
        "  - name: what is given is no key
    given: { row: { no: 1, cd: a, nm: x }, mappings: { cities: { 1: paris, 2: null } } }
    expect: { row: { code: a } }",
    ]
    .join("\n");
    let world = world();
    world.replace("specs/people.yaml", ", default_value: 1 }", ", default_value: 7 }");
    world.replace("specs/people.yaml", "on_missing: default, default_value: 7", "on_missing: \"null\"");

    let told = tried(&world, "people", &tests);

    assert_eq!(told.code, 1, "{told:?}");
    assert_eq!(told.stderr, "");
    let (shown, took) = told.stdout.rsplit_once("   (").unwrap();
    assert!(took.ends_with(" ms, no database used)\n"), "{took}");
    insta::assert_snapshot!(shown);
}

#[test]
fn a_row_arrives_or_goes_to_quarantine_and_a_test_says_which() {
    let rows = "rows: [{ no: 1, cd: a, nm: NOBODY }, { no: 2, cd: b, nm: y }]";
    let thrown = "expected, and no row fails { field: name, rule: REQUIRED_MISSING }";

    passes("people", &of_people(rows, "{ rows: [{ code: b }], quarantine: [{ field: name, rule: SCRIPT_THROWN }] }"));
    passes("people", &of_people(rows, "{ row: { code: b }, quarantine: [{ rule: TL0810 }] }"));
    fails(
        "people",
        &of_people(rows, "{ row: { code: b } }"),
        &["fails, and is not expected row 1: { field: name, rule: SCRIPT_THROWN }"],
    );
    fails("people", &of_people(rows, "{ quarantine: [{}] }"), &["arrives, and is not expected { id:"]);
    fails(
        "people",
        &of_people(rows, "{ row: { code: b }, quarantine: [{ field: name, rule: REQUIRED_MISSING }] }"),
        &[thrown],
    );
    fails(
        "people",
        &of_people(rows, "{ rows: [{ code: b }, { code: c }], quarantine: [{}] }"),
        &["expected, and no row arrives { code: \"c\" }"],
    );
    fails("people", &of_people("row: { cd: a, nm: x }", "{ row: { code: a } }"), &["{ rule: KEY_NULL }"]);
}

#[test]
fn a_rule_that_only_warns_is_looked_at_where_warnings_are_expected() {
    let tall = "row: { no: 1, cd: a, nm: x, cm: 300 }";
    let warned = "{ row: { height: 300.00 }, warnings: [{ field: height, rule: RULE_RANGE }] }";

    passes("people", &of_people(tall, warned));
    passes("people", &of_people(tall, "{ row: { height: 300.00 } }"));
    fails(
        "people",
        &of_people(tall, "{ row: { height: 300 }, warnings: [] }"),
        &["warns, and is not expected row 1: { field: height, rule: RULE_RANGE }"],
    );
    fails(
        "people",
        &of_people("row: { no: 1, cd: a, nm: x, cm: 200 }", warned),
        &["expected, and no row warns { field: height, rule: RULE_RANGE }"],
    );
    // A row that fails is not loaded with a warning.
    let both = "row: { no: 1, cd: a, nm: x, cm: 300, dob: 01.01.2130 }";
    passes("people", &of_people(both, "{ quarantine: [{ field: born }], warnings: [] }"));
}

#[test]
fn a_value_is_taken_by_the_given_row_with_the_lowest_key() {
    let rows = "rows: [{ no: 2, cd: a, nm: second }, { no: 1, cd: a, nm: first }]";
    passes("people", &of_people(rows, "{ row: { name: FIRST }, quarantine: [{ field: code, rule: RULE_UNIQUE }] }"));
    // Who fails for its code leaves its mail to others.
    let rows = "rows: [{ no: 1, cd: a, nm: x, mail: m1 }, { no: 2, cd: b, nm: y, mail: m1 }, { no: 3, cd: b, nm: z, mail: m3 }]";
    passes(
        "people",
        &of_people(rows, "{ rows: [{ name: X }, { name: Z }], quarantine: [{ field: mail, rule: RULE_UNIQUE }] }"),
    );
}

#[test]
fn today_is_the_day_that_the_test_says() {
    let row = "row: { no: 1, cd: a, nm: x, dob: 29.02.2024 }";
    let at = |now: &str| format!("{row}\n      now: {now}");
    let early = "{ quarantine: [{ field: born, rule: RULE_RANGE }] }";

    passes("people", &of_people(&at("2024-02-29T00:00:00Z"), "{ row: { born: 2024-02-29 } }"));
    passes("people", &of_people(&at("2024-02-28T23:59:59Z"), early));
    passes("people", &of_people(&at("\"2024-02-29T01:00:00+02:00\""), early));
    // 2100-01-01, as long as it says nothing: a test passes on every day or on none.
    passes("people", &of_people("row: { no: 1, cd: a, nm: x, dob: 02.01.2100 }", early));
    passes("people", &of_people("row: { no: 1, cd: a, nm: x, dob: 01.01.2100 }", "{ row: { born: 2100-01-01 } }"));
}

#[test]
fn references_find_the_keys_that_are_given() {
    let found = format!("{{ row: {{ city_id: {CITY}, home_id: {CITY}, birth_id: {CITY} }} }}");
    passes("people", &of_people("row: { no: 1, cd: a, nm: x, city: 1, home: 1, birth: 1 }", &found));
    let replaced = format!("{{ row: {{ city_id: null, home_id: null, birth_id: {CITY} }} }}");
    passes("people", &of_people("row: { no: 1, cd: a, nm: x, home: 7, birth: 7 }", &replaced));
    let missing = "{ quarantine: [{ field: city_id, rule: PARENT_MISSING }] }";
    passes("people", &of_people("row: { no: 1, cd: a, nm: x, city: 7 }", missing));
    fails(
        "people",
        &of_people("row: { no: 1, cd: a, nm: x, city: 7 }", "{ row: { code: a } }"),
        &["fails, and is not expected row 1: { field: city_id, rule: PARENT_MISSING } it refers to a row of `cities`"],
    );
}

#[test]
fn references_to_the_own_entity_find_the_rows_beside_them() {
    let rows = "rows: [{ no: 1, cd: a, nm: x, boss: 2 }, { no: 2, cd: b, nm: y }, { no: 3, cd: c, nm: z, boss: 3 }]";
    let keys = format!("{{ rows: [{{ boss_id: {PERSON_2} }}, {{ boss_id: null }}, {{ boss_id: {PERSON_3} }}] }}");
    passes("people", &of_people(rows, &keys));

    // A chain that ends nowhere is not loaded, and who fails for a reason of its own keeps that.
    let rows = "rows: [{ no: 1, cd: a, nm: x, boss: 2 }, { no: 2, cd: b, nm: y, boss: 9 }, { no: 3, cd: b, nm: NOBODY, boss: 9 }]";
    let orphans = "{ quarantine: [{ field: boss_id, rule: PARENT_MISSING }, { field: boss_id }, { field: name, rule: SCRIPT_THROWN }] }";
    passes("people", &of_people(rows, orphans));

    let given = format!(
        "row: {{ no: 1, cd: a, nm: x, boss: 9 }}\n      mappings: {{ cities: {{ 1: {CITY} }}, people: {{ 9: {PERSON_1} }} }}"
    );
    let test = format!("  - name: it\n    given:\n      {given}\n    expect: {{ row: {{ boss_id: {PERSON_1} }} }}");
    passes("people", &test);
}

#[test]
fn keys_of_two_columns_are_kept_or_become_one() {
    passes(
        "grades",
        "  - name: it\n    given: { row: { person: 7, course: maths, grade: 3 } }\n    expect: { row: { person: 7, course: maths, grade: 3 } }",
    );
    let key = format!(
        "  - name: it\n    given: {{ row: {{ person: 7, visited_on: 2020-01-31 }} }}\n    expect: {{ row: {{ id: {VISIT}, note: null }} }}"
    );
    passes("visits", &key);
    let no_key = "  - name: it\n    given: { row: { person: 7 } }\n    expect: { quarantine: [{ rule: KEY_NULL }] }";
    passes("visits", no_key);
}

#[test]
fn what_a_test_names_must_be_there() {
    let all = "  - name: it
    given: { row: { nmm: x }, mappings: { citys: { 1: a } } }
    expect: { row: { nam: x }, quarantine: [{ field: bron, rule: RULE_RNGE }] }";
    let said = [
        "did you mean `nm`?",
        "did you mean `cities`?",
        "did you mean `name`?",
        "did you mean `born`?",
        "did you mean `RULE_RANGE`?",
    ];
    fails("people", all, &said);
    fails("people", "  - name: it\n    gven: { row: {} }\n    expect: { row: {} }", &["did you mean `given`?"]);
    let row = "given: { row: { no: 1 } }\n    expect: { quarantine: [{}] }";
    fails("people", &format!("  - name: it\n    {row}\n  - name: it\n    {row}"), &["two tests have the name `it`"]);
    fails("people", "  - name: it\n    given: { row: {} }\n    expect: {}", &["a test expects nothing"]);
    let rule = "  - name: it\n    given: { row: {} }\n    expect: { quarantine: [{ rule: CONSTRAINT_CHECK }] }";
    fails("people", rule, &["no test can show `CONSTRAINT_CHECK`"]);
    fails("people", "  - name: it\n    given: {}\n    expect: { row: {} }", &["a test has no `given`"]);
    fails("people", "  - name: it\n    given: { mappings: {} }\n    expect: { row: {} }", &["`given` has no `row`"]);
    fails(
        "people",
        "  - name: it\n    given: { row: {}, rows: [] }\n    expect: { row: {} }",
        &["`given` has `row` and `rows`"],
    );
    fails(
        "people",
        "  - name: it\n    given: { row: {} }\n    expect: { row: {}, rows: [] }",
        &["`expect` has `row` and `rows`"],
    );
    fails(
        "people",
        "  - name: it\n    given: { row: {}, now: noon }\n    expect: { row: {} }",
        &["`now` is no moment"],
    );
    fails(
        "people",
        "  - name: it\n    given: { row: { nm: [x] } }\n    expect: { row: {} }",
        &["the value of `nm` takes a single value, not a list"],
    );
}

#[test]
fn validate_finds_what_is_wrong_with_tests_too() {
    let world = World::project(Ends::SqliteToSqlite, "", SCHEMA, &SPECS);
    world.source().execute(LEGACY);
    world.write(
        "specs/visits.yaml",
        &format!(
            "{VISITS}tests:\n  - name: it\n    given: {{ row: {{ nte: x }} }}\n    expect: {{ row: {{ note: x }} }}\n"
        ),
    );

    let told = world.transload(&["validate"]);

    assert_eq!(told.code, 1, "{told:?}");
    assert!(told.stdout.contains("did you mean `note`?"), "{told:?}");
}

#[test]
fn the_answer_says_how_it_ended() {
    let world = World::project(Ends::SqliteToSqlite, "", SCHEMA, &SPECS);
    world.source().execute(LEGACY);
    let unlocked = world.transload(&["test"]);
    assert_eq!(unlocked.code, 2, "{unlocked:?}");
    assert!(unlocked.stderr.contains("TL0013") && unlocked.stderr.contains("validate --lock"), "{unlocked:?}");
    let world = locked(world);

    let none = world.transload(&["test"]);
    assert_eq!((none.code, none.stdout.as_str()), (0, "no tests; write some under `tests:` in a spec\n"));

    let good = "  - name: good\n    given: { row: { no: 1, nm: Paris } }\n    expect: { row: { name: Paris } }";
    let bad = "  - name: bad\n    given: { row: { no: 1, nm: Paris } }\n    expect: { row: { name: Rome } }";
    assert_eq!(tried(&world, "cities", good).code, 0);
    assert_eq!(tried(&world, "cities", bad).code, 1);
    assert_eq!(world.transload(&["test", "people"]).code, 0, "the tests of others are not tried");
    let unknown = world.transload(&["test", "citties"]);
    assert_eq!(unknown.code, 2, "{unknown:?}");
    assert!(unknown.stderr.contains("did you mean `cities`?"), "{unknown:?}");
    assert!(
        !world.file("data").join("away_legacy.db").exists() && !world.file("data").join("away_platform.db").exists()
    );
}

#[test]
fn programs_get_each_test_and_each_difference() {
    let world = world();
    let tests = "  - name: good\n    given: { row: { no: 1, nm: Paris } }\n    expect: { row: { name: Paris } }
  - name: bad\n    given: { rows: [{ no: 1, nm: Paris }, { no: 2 }] }\n    expect: { row: { name: Rome } }";
    tried(&world, "cities", tests);

    let told = world.transload(&["test", "--format", "json"]);

    assert_eq!((told.code, told.stderr.as_str()), (1, ""), "{told:?}");
    let answer: serde_json::Value = serde_json::from_str(&told.stdout).unwrap();
    assert_eq!(
        (&answer["schema"], &answer["passed"], &answer["failed"]),
        (&json!("transload.test/1"), &json!(1), &json!(1))
    );
    assert_eq!(
        answer["tests"][0],
        json!({
            "entity_type": "cities", "name": "good", "place": "specs/cities.yaml:9", "passed": true, "differences": [],
        })
    );
    assert_eq!(
        answer["tests"][1]["differences"],
        json!([
            { "kind": "field", "row": 0, "field": "name", "expected": "Rome", "actual": "Paris", "through": [], "place": "specs/cities.yaml:7" },
            { "kind": "extra_fault", "row": 1, "field": "name", "rule": "REQUIRED_MISSING", "message": "the value is NULL" },
        ])
    );
}

#[test]
fn a_lock_of_postgresql_serves_without_it() {
    let schema = "create table people (id uuid primary key, name varchar(5) not null, born date, height numeric(5,1), photo bytea, is_vip boolean not null default false);";
    let spec = "
entity_type: people
source_table: old_people
destination_table: people
version: \"1\"
auto_map: true
field_mappings:
  name: nm
tests:
  - name: it
    given: { row: { no: 1, nm: Ada, born: 1815-12-10, height: 160.5, photo: '\\x00ff' } }
    expect: { row: { id: PERSON, name: Ada, born: 1815-12-10, height: 160.5, photo: '\\x00ff' } }
";
    let world = World::project(Ends::SqliteToPostgres, "", schema, &[("people", &spec.replace("PERSON", PERSON_1))]);
    world.source().execute(
        "create table old_people (no integer primary key, nm text, born date, height numeric(5,1), photo blob)",
    );
    let world = locked(world);

    let told = world.transload(&["test"]);
    assert_eq!(told.code, 0, "{told:?}");

    // The lock is of PostgreSQL: another system would have other types.
    world.write("transload.yaml", &world.read("transload.yaml").replace(&away(&world), "sqlite:data/platform.db"));
    let other = world.transload(&["test"]);
    assert_eq!(other.code, 2, "{other:?}");
    assert!(
        other.stderr.contains("`transload.lock` was written for postgres behind `platform`, and here it is sqlite"),
        "{other:?}"
    );
}

/// The URL of the destination that is not there.
fn away(world: &World) -> String {
    let text = world.read("transload.yaml");
    let from = text.find("postgres:").unwrap();
    text[from..from + text[from..].find('"').unwrap()].to_owned()
}

/// A test is a case of JUnit, and one that failed a problem at its place in all that build servers read.
#[test]
fn build_servers_are_told_each_test() {
    let world = World::clinic();
    let junit = world.transload(&["test", "offices", "doctors", "--format", "junit"]);
    assert_eq!(junit.code, 0, "{junit:?}");
    let cases = junit.stdout.matches("<testcase").count();
    assert!(cases > 4 && !junit.stdout.contains("<failure"), "{junit:?}");

    world.replace("specs/offices.yaml", "city: Cañon City", "city: Somewhere");
    let failed = |format: &str| {
        let told = world.transload(&["test", "offices", "--format", format]);
        assert_eq!(told.code, 1, "{told:?}");
        told.stdout
    };
    assert!(failed("junit").contains("<failure"), "{}", failed("junit"));
    assert!(failed("github").starts_with("::error file=specs/offices.yaml,line="), "{}", failed("github"));
    assert!(failed("concise").contains("error[TL0318]"), "{}", failed("concise"));
    assert!(failed("sarif").contains("TL0318"));
}
