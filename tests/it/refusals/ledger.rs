//! Destinations whose rows or ledger someone changed between two runs.

use super::{assert_told, assert_whole, library_between};
use crate::ends::{End, Ends, for_each_pair};

/// A change of the ledger, the code, and what is said.
const ALTERED: &[(&str, &str, &[&str])] = &[
    ("drop table LEDGER(segments)", "TL0502", &["lacks its table `segments`"]),
    ("drop table LEDGER(migration_mappings)", "TL0502", &["lacks its table `migration_mappings`"]),
    ("alter table LEDGER(stream_positions) rename column seq to number", "TL0502", &["seq"]),
    ("delete from LEDGER(meta)", "TL0501", &["version none"]),
    ("delete from LEDGER(meta) where name = 'digest_seed'", "TL0502", &["digest seed"]),
    ("update LEDGER(stream_positions) set counts = '{}'", "TL0502", &["cannot be read"]),
    ("delete from LEDGER(segment_parts)", "TL0502", &["segments cannot be read"]),
    (
        "update LEDGER(segment_parts) set content_digest = '0000000000000000' where segment_id in (select segment_id from LEDGER(segments) where entity_type = 'books')",
        "TL0502",
        &["books"],
    ),
];

/// The statement, with the names that tables of the ledger have at this end.
fn statement(end: &End, text: &str) -> String {
    let Some((before, rest)) = text.split_once("LEDGER(") else { return text.to_owned() };
    let (table, after) = rest.split_once(')').unwrap();
    format!("{before}{}{}", end.ledger(table), statement(end, after))
}

fn a_ledger_that_someone_altered_is_refused_and_nothing_is_written(ends: Ends) {
    for (change, code, says) in ALTERED {
        let world = library_between(ends, 2);
        world.run();
        world.destination().execute(&statement(world.destination(), change));
        world.source().execute("update old_books set title = 'another' where no = 3");
        let books = "select id || ' ' || title from books order by 1";
        let before = world.destination().texts(books);

        let told = world.transload(&["run"]);

        assert_ne!(told.code, 0, "{change}: {told:?}");
        assert_told(change, &told, code, told.code, says);
        assert_eq!(world.destination().texts(books), before, "{change}: rows were written");
    }
}

fn a_table_that_someone_emptied_is_missed(ends: Ends) {
    let world = library_between(ends, 2);
    world.run();
    world.destination().execute("create table kept as select * from books; delete from books");
    let before = world.destination().fingerprint();

    let told = world.transload(&["run"]);

    let says = ["`books` holds 0 rows, 20 were loaded into it", "`transload verify --repair` brings them back"];
    assert_told("run", &told, "TL0505", 6, &says);
    assert!(before == world.destination().fingerprint(), "the destination was touched");
    world.destination().execute("insert into books select * from kept; drop table kept");
    world.run();
    assert_whole(world.destination());
    world.assert_as_expected();
}

fn a_value_that_someone_elses_row_holds_sets_its_row_aside(ends: Ends) {
    let world = library_between(ends, 2);
    world.run();
    world.destination().execute(
        "create unique index one_of_each on books (title);
         insert into books (id, title, shelf_id) select 'not ours', 'BOOK 99', min(id) from shelves",
    );
    world.source().execute("insert into old_books values (98, 'book 98', 1), (99, 'book 99', 1)");

    let report = world.run();

    assert_eq!((&report["totals"]["new"], &report["totals"]["quarantined"]), (&1.into(), &1.into()), "{report}");
    assert_eq!(world.quarantine(), ["books 99 CONSTRAINT_UNIQUE title"]);
    assert_eq!(world.destination().texts("select id from books where title = 'BOOK 99'"), ["not ours"]);
    world.destination().execute("delete from books where id = 'not ours'");
    assert_eq!(world.run_with(&["--retry-quarantined"])["totals"]["new"], 1);
    world.assert_as_expected();
}

for_each_pair!(
    a_ledger_that_someone_altered_is_refused_and_nothing_is_written,
    a_table_that_someone_emptied_is_missed,
    a_value_that_someone_elses_row_holds_sets_its_row_aside,
);
