//! Sources that keep their text in another encoding than UTF-8, where texts have another order.

use super::{ask, content, spec, try_ask};
use crate::ends::End;
use crate::world::World;

/// A database in another encoding. It is dropped with its owner.
struct Foreign {
    server: String,
    name: String,
    url: String,
}

impl Foreign {
    /// Named after this database, on the same server.
    fn named_after(end: &End, encoding: &str) -> Self {
        let server = std::env::var("TRANSLOAD_TEST_POSTGRES").unwrap();
        let name = format!("{}_{}", end.texts("select current_database()")[0], encoding.to_lowercase());
        let url = server.replace("/postgres?", &format!("/{name}?"));
        let made = Self { server, name, url };
        ask(
            &made.server,
            &format!("create database {} encoding '{encoding}' locale 'C' template template0", made.name),
        );
        made
    }
}

impl Drop for Foreign {
    fn drop(&mut self) {
        // Where the server itself is at work in it, it may not be thrown out. Then the database stays until the server goes.
        drop(try_ask(&self.server, &format!("drop database if exists {} with (force)", self.name)));
    }
}

/// An encoding, a letter that many keys begin with, and one of which it is the other way round whether it comes before.
const CASES: [(&str, &str, &str); 3] = [("WIN1252", "é", "€"), ("EUC_JP", "漢", "ｱ"), ("LATIN9", "é", "Œ")];

const TABLE: &str = "create table t (id text primary key, name text)";

fn check((encoding, many, few): (&str, &str, &str)) {
    let destination = End::on_server();
    let foreign = Foreign::named_after(&destination, encoding);
    let defaults = format!("{}  load: {{ streams: 3 }}", super::DELETES);
    let world = World::project_at((None, Some(destination)), &defaults, TABLE, &[("t", &spec("t", "name: name"))]);
    world.replace("transload.yaml", "sqlite:data/legacy.db", &foreign.url);
    ask(
        &foreign.url,
        &format!(
            "{TABLE}; insert into t select '{many}' || lpad(i::text, 6, '0'), 'n' || i from generate_series(1, 20400) i;
             insert into t select '{few}' || i, '{few}' from generate_series(1, 20) i;
             insert into t select 'a' || i, '{many}' from generate_series(1, 20) i; analyze t"
        ),
    );
    world.destination().execute(TABLE);
    let assert_arrived = |what: &str, expected: [u64; 4]| {
        assert_eq!(super::moved(&world.run()), expected, "{encoding}, {what}");
        let content = content("t");
        assert_eq!(world.destination().texts(&content), ask(&foreign.url, &content), "{encoding}, {what}");
    };

    assert_arrived("a first run", [20_440, 0, 0, 0]);
    assert_arrived("a second", [0; 4]);
    assert_arrived("a third", [0; 4]);

    ask(
        &foreign.url,
        &format!(
            "update t set name = 'x' where id in ('{few}7', '{many}000007'); delete from t where id in ('{few}8', '{many}020400');
             insert into t values ('{few}', 'y'), ('{many}', 'y'), ('z', 'y')"
        ),
    );
    assert_arrived("changes", [3, 2, 2, 0]);
    assert_arrived("a last run", [0; 4]);
}

#[test]
fn texts_of_another_encoding_are_keys_of_several_streams() {
    for case in CASES {
        check(case);
    }
}

/// Words, whose keys stay; and people, whose keys are made, with their pets.
const LATIN: [&str; 3] = [
    "create table words (id text primary key, name text)",
    "create table people (id bigint generated always as identity primary key, name text)",
    "create table pets (id uuid primary key, name text, owner_id bigint not null references people (id))",
];

fn into_latin_1(source: Option<End>) {
    let end = End::on_server();
    let foreign = Foreign::named_after(&end, "LATIN1");
    let made = |entity: &str, strategy: &str, mapped: &str| {
        spec(entity, mapped).replace("destination: id, strategy: keep", &format!("strategy: {strategy}"))
    };
    let specs = [
        ("words", spec("words", "name: name")),
        ("people", made("people", "database", "name: name")),
        ("pets", made("pets", "uuid_v5", "name: name, owner_id: { source_field: owner, references: people }")),
    ];
    let specs: Vec<(&str, &str)> = specs.iter().map(|(entity, spec)| (*entity, spec.as_str())).collect();
    let world = World::project_at((source, Some(end)), super::DELETES, &LATIN.join(";"), &specs);
    world.replace("transload.yaml", &world.destination().url(), &foreign.url);
    world.source().execute(
        "create table words (id text primary key, name text); create table people (id text primary key, name text);
         create table pets (id text primary key, name text, owner text);
         insert into words values ('a', 'one'), ('é', 'two'), ('ž', 'three'), ('žluť', 'four'), ('\\u{17e}', 'five');
         insert into people values ('é', 'Eva'), ('ž', 'Bo'), ('\\u{17e}', 'Cy'), ('z', 'Di');
         insert into pets values ('漢', 'Rex', 'ž'), ('m', 'Tom', '\\u{17e}'), ('é', 'Kit', 'é'), ('字', 'Stray', '字')",
    );
    let ask = |sql: &str| ask(&foreign.url, sql);
    let ledger = || ask("select entity_type || ' ' || source_key || ' ' || code from transload.quarantine order by 1");
    let owners = || ask("select p.name || ' ' || o.name from pets p join people o on o.id = p.owner_id order by 1");

    assert_eq!(super::moved(&world.run()), [10, 0, 0, 3]);
    let apart =
        ["pets \\u{5b57} PARENT_MISSING", "words \\u{17e} VALUE_ENCODING", "words \\u{17e}lu\\u{165} VALUE_ENCODING"];
    assert_eq!(ledger(), apart);
    assert_eq!(owners(), ["Kit Eva", "Rex Bo", "Tom Cy"]);
    let shown = world.transload(&["quarantine", "show", "words", "žluť"]);
    assert!(shown.code == 0 && shown.stdout.contains("VALUE_ENCODING"), "{shown:?}");
    let told = world.transload(&["verify"]);
    assert!(told.code == 0 && told.stdout.contains("in quarantine: "), "{told:?}");
    let reason = world.transload(&["quarantine", "discard", "pets", "--key", "字", "--reason", "není"]);
    assert_eq!(reason.code, 0, "{reason:?}");

    assert_eq!(super::moved(&world.run()), [0, 0, 0, 3]);
    assert_eq!(ask("select attempts from transload.quarantine group by 1"), ["1"]);

    world.source().execute(
        "update words set id = 'z' where id = 'ž'; delete from words where id = 'žluť'; update people set name = 'Bob' where id = 'ž';
         update pets set owner = 'z' where id = '字'; delete from pets where id = '漢'",
    );
    assert_eq!(super::moved(&world.run()), [2, 1, 1, 0]);
    assert_eq!(ledger(), [""; 0]);
    assert_eq!(owners(), ["Kit Eva", "Stray Di", "Tom Cy"]);
    assert_eq!(ask("select string_agg(name, ' ' order by name) from people"), ["Bob Cy Di Eva"]);
    let told = world.transload(&["verify"]);
    assert_eq!(told.code, 0, "{told:?}");
    world.source().execute("insert into words values ('ž', 'six')");
    world.write(
        "transload.yaml",
        &format!("{}  change_detection: {{ strategy: full }}\n", world.read("transload.yaml")),
    );
    let found = world.transload(&["detect"]);
    assert_eq!(found.code, 0, "{found:?}");
    assert_eq!(super::moved(&world.run()), [0, 0, 0, 1]);
    assert_eq!(super::moved(&world.run()), [0, 0, 0, 1]);
}

#[test]
fn a_key_that_the_destinations_encoding_lacks_stops_its_row_alone() {
    into_latin_1(None);
    into_latin_1(Some(End::on_server()));
}
