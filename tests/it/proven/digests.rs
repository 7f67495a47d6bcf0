//! Changes that a server's digest of many rows must not pass over.

use super::{assert_same, moved, spec, twins};
use crate::world::World;

const TABLE: &str =
    "create table t (id bigint primary key, seat integer, amount numeric(10,2), flags bigint, at timestamptz,
    doc jsonb, code char(8), mark bpchar, name text)";

const FIELDS: &str = "seat: seat, amount: amount, flags: flags, at: at, doc: doc, code: code, mark: mark, name: name";

/// A change of a few rows.
struct Case {
    what: &'static str,
    /// `$` is the place of the case: the even keys for a while behind it are its own.
    change: &'static str,
    /// Rows that are new, modified and deleted.
    moved: [u64; 3],
}

const fn case(what: &'static str, change: &'static str, moved: [u64; 3]) -> Case {
    Case { what, change, moved }
}

const CASES: &[Case] = &[
    case(
        "the values of one column exchanged between two rows",
        "update t a set seat = b.seat from t b where a.id in ($ + 10, $ + 12) and b.id = $ + $ + 22 - a.id",
        [0, 2, 0],
    ),
    case(
        "the values of one column exchanged between many rows",
        "update t a set name = b.name from t b where a.id between $ + 2 and $ + 100 and b.id = $ + $ + 102 - a.id",
        [0, 50, 0],
    ),
    case(
        "all columns but the key exchanged between two rows",
        "update t a set seat = b.seat, amount = b.amount, flags = b.flags, at = b.at, doc = b.doc, code = b.code,
             mark = b.mark, name = b.name from t b where a.id in ($ + 30, $ + 32) and b.id = $ + $ + 62 - a.id",
        [0, 2, 0],
    ),
    case("another sign", "update t set amount = -amount where id between $ + 2 and $ + 200", [0, 100, 0]),
    case(
        "the upper half of negative integers cleared",
        "update t set flags = flags & 4294967295 where id between $ + 2 and $ + 38",
        [0, 19, 0],
    ),
    case("the lower half of an integer moved up", "update t set flags = flags << 32 where id = $ + 40", [0, 1, 0]),
    case(
        "moments 2^32 microseconds later",
        "update t set at = at + interval '4294.967296 seconds' where id between $ + 2 and $ + 20",
        [0, 10, 0],
    ),
    case(
        "moments 2^32 microseconds earlier",
        "update t set at = at - interval '4294.967296 seconds' where id between $ + 2 and $ + 20",
        [0, 10, 0],
    ),
    case(
        "a document with another spelling of a number",
        "update t set doc = '{\"a\": 1.00}' where id = $ + 20",
        [0, 1, 0],
    ),
    case("a text with a blank at its end", "update t set name = name || ' ' where id = $ + 20", [0, 1, 0]),
    case(
        "a char without a length, with a blank at its end",
        "update t set mark = mark || ' ' where id = $ + 20",
        [0, 1, 0],
    ),
    case("a char with a length", "update t set code = 'other' where id = $ + 20", [0, 1, 0]),
    case("NULL for an empty text", "update t set name = null where id = $ + 202 and name = ''", [0, 1, 0]),
    case("another key", "update t set id = id + 1 where id = $ + 20", [1, 0, 1]),
    case(
        "a row deleted in the middle and another inserted elsewhere",
        "delete from t where id = $ + 200; insert into t values ($ + 101, 1, 1, 1, null, null, null, null, 'new')",
        [1, 0, 1],
    ),
    case(
        "the same row deleted and inserted under another key",
        "with gone as (delete from t where id = $ + 300 returning *)
         insert into t select $ + 11, seat, amount, flags, at, doc, code, mark, name from gone",
        [1, 0, 1],
    ),
];

/// Keys from the place of one case to that of the next.
const PLACE: usize = 2_400;

/// 21,000 rows, whose moments are all within 2^32 microseconds from the server's first, in segments that are small enough for each case to have its own. All have their digest.
fn digested() -> World {
    let small = "  load: { batch_size: 250, checkpoint_interval: 1, streams: 1 }";
    let world = twins(small, TABLE, &[("t", &spec("t", FIELDS))]);
    world.source().execute(
        "insert into t select i * 2, i, i + 0.25, case when i % 20 = 0 then i else -i end,
             timestamptz '2000-01-01 00:00+00' + i * interval '0.1 seconds', '{\"a\": 1.0}',
             'c' || i, 'm' || i, case when i % 100 = 1 then '' else 'n' || i end from generate_series(1, 21000) i",
    );
    assert_eq!(moved(&world.run()), [21_000, 0, 0, 0]);
    assert_eq!(moved(&world.run()), [0; 4]);
    assert!(world.destination().count("transload.segments") > 50);
    assert_eq!(world.destination().count("transload.segments where server_digest is null"), 0);
    world
}

/// Where the segments begin that have no digest.
fn undigested(world: &World) -> Vec<String> {
    world.destination().texts("select first_key::text from transload.segments where server_digest is null order by 1")
}

#[test]
fn a_change_in_a_table_that_was_digested_arrives() {
    let world = digested();
    for (at, case) in CASES.iter().enumerate() {
        let before = undigested(&world);
        world.source().execute(&case.change.replace('$', &(at * PLACE).to_string()));

        let [new, modified, deleted] = case.moved;
        assert_eq!(moved(&world.run()), [new, modified, deleted, 0], "{}", case.what);

        assert_same(&world, "t", case.what);
        let after = undigested(&world);
        let had_digest = !after.is_empty() && after.iter().all(|segment| !before.contains(segment));
        assert!(had_digest, "{}: the change was not in a segment with a digest", case.what);
    }
}
