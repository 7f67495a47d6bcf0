//! SQLite files that keep their texts in UTF-16, where their bytes have another order than in UTF-8.

use crate::ends::{Ends, for_pair};
use crate::world::{World, assert_balanced};

const DEFAULTS: &str = "  deletes: { mode: hard, max: 100% }\n  load: { batch_size: 64, checkpoint_interval: 1 }";

const WORDS: &str = "
entity_type: words
source_table: old_words
destination_table: words
version: \"1\"
key: { source: code, destination: code, strategy: keep }
field_mappings: { code: code, name: name }
";

const USES: &str = "
entity_type: uses
source_table: old_uses
destination_table: uses
version: \"1\"
key: { source: [word, place] }
field_mappings: { word: { source_field: word, references: words }, place: place }
";

const SCHEMA: &str = "create table words (code text primary key, name text);
    create table uses (id uuid primary key, word text not null references words (code), place text);";

/// Letters of one to four bytes. Of those of two and more, one comes first here and the other there.
const FILL: &str = "
create table old_words (code text primary key, name text);
create table old_uses (word text, place text, primary key (word, place)) without rowid;
with letters (a) as (values ('a'), ('z'), ('é'), ('Ā'), ('€'), ('漢'), ('ﬀ'), ('😀'), ('\u{ffff}')),
    n (i) as (select 0 union all select i + 1 from n where i < 9)
insert into old_words select x.a || y.a || i, 'word' from letters x, letters y, n;
insert into old_words select code, 'word' from (select substr(code, 1, 1) code from old_words group by 1);
insert into old_uses select code, substr(code, 2) from old_words;
";

fn moved(world: &World) -> [u64; 4] {
    let report = world.run();
    assert_balanced(&report);
    ["new", "modified", "deleted", "quarantined"].map(|name| report["totals"][name].as_u64().unwrap())
}

fn texts_in_utf_16_are_keys(ends: Ends) {
    for encoding in ["UTF-16le", "UTF-16be"] {
        let world = World::project(ends, DEFAULTS, SCHEMA, &[("words", WORDS), ("uses", USES)]);
        world.source().execute(&format!("pragma encoding = '{encoding}'; {FILL}"));
        assert_eq!(world.source().texts("pragma encoding"), [encoding]);

        assert_eq!(moved(&world), [819 * 2, 0, 0, 0], "{encoding}");
        world.assert_as_expected();
        let before = world.destination().fingerprint();
        assert_eq!(moved(&world), [0; 4], "{encoding}");
        assert!(before == world.destination().fingerprint(), "a second run writes");

        world.source().execute(
            "update old_words set name = 'x' where code in ('Āé3', '😀', 'ﬀ漢0'); insert into old_words values ('Ȁ', 'y'), ('😀😁', 'y');
             delete from old_uses where word in ('€', 'a😀7'); delete from old_words where code in ('€', 'a😀7')",
        );
        assert_eq!(moved(&world), [2, 3, 4, 0], "{encoding}");
        world.assert_as_expected();
    }
}

for_pair!(sqlite_to_sqlite, SqliteToSqlite, texts_in_utf_16_are_keys);
for_pair!(sqlite_to_postgres, SqliteToPostgres, texts_in_utf_16_are_keys);
