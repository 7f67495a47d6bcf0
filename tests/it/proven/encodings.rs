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
