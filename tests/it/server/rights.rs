//! Users who may not do all that a run needs.

use super::{Side, assert_arrives, assert_ledger_agrees, assert_refused, for_all, shop, told};
use crate::ends::End;
use crate::world::World;

/// A role that owns nothing. It is the whole server's, and is dropped with its owner.
pub(super) struct Guest<'a> {
    pub(super) name: String,
    end: &'a End,
}

impl<'a> Guest<'a> {
    /// Opens one side of the project as someone with these rights and no more.
    pub(super) fn at(world: &'a World, side: Side, rights: &str) -> Self {
        let end = side.of(world);
        let name = format!("guest_of_{}", end.texts("select current_database()")[0]);
        end.execute(&format!("create role {name} login password '{}'; grant {name} to current_user", super::PASSWORD));
        let guest = Self { name, end };
        guest.may(rights);
        let url = end.url();
        let own = url.replace("//tester:tested@", &format!("//{}:{}@", guest.name, super::PASSWORD));
        world.replace("transload.yaml", &url, &own);
        guest
    }

    /// Changes rights; `guest` is the role.
    pub(super) fn may(&self, rights: &str) {
        self.end.execute(
            &rights.replace("guest", &self.name).replace("current_db", &self.end.texts("select current_database()")[0]),
        );
    }
}

impl Drop for Guest<'_> {
    fn drop(&mut self) {
        self.end.execute(&format!("drop owned by {0}; drop role {0}", self.name));
    }
}

/// All that a destination needs.
pub(super) const WRITER: &str = "grant select, insert, update, delete on all tables in schema public to guest; grant create on database current_db to guest";

pub(super) const READER: &str = "grant select on all tables in schema public to guest";

/// A right that is taken away, and what must be said.
struct Case {
    what: &'static str,
    side: Side,
    all: &'static str,
    taken: &'static str,
    given: &'static str,
    says: &'static [&'static str],
}

const CASES: &[Case] = &[
    Case {
        what: "a source table that may not be read",
        side: Side::Source,
        all: READER,
        taken: "revoke select on old_books from guest",
        given: "grant select on old_books to guest",
        says: &["permission denied for table old_books"],
    },
    Case {
        what: "a destination table that takes no inserts",
        side: Side::Destination,
        all: WRITER,
        taken: "revoke insert on books from guest",
        given: "grant insert on books to guest",
        says: &["permission denied for table books"],
    },
    Case {
        what: "a destination table that may not be read",
        side: Side::Destination,
        all: WRITER,
        taken: "revoke select on books from guest",
        given: "grant select on books to guest",
        says: &["permission denied for table books"],
    },
    Case {
        what: "a database in which nothing may be created",
        side: Side::Destination,
        all: WRITER,
        taken: "revoke create on database current_db from guest",
        given: "grant create on database current_db to guest",
        says: &["permission denied for database", "grant create on database"],
    },
];

fn check(case: &Case) {
    let world = shop();
    let guest = Guest::at(&world, case.side, case.all);
    guest.may(case.taken);

    for _ in 0..2 {
        let told = told(&world, "run");
        assert_refused(case.what, &told, "TL0006", 4, case.says);
        assert_eq!(world.destination().count("books"), 0, "{}: books were loaded", case.what);
        assert_ledger_agrees(&world, &["shelves", "books"]);
    }

    guest.may(case.given);
    assert_arrives(&world);
}

#[test]
fn a_right_that_is_missing_is_named_and_once_it_is_given_all_arrives() {
    for_all(CASES, check);
}

/// A ledger that somebody else made: the right to create one is not what is missing.
#[test]
fn the_rights_on_a_ledger_that_is_there_are_named_and_once_they_are_given_all_arrives() {
    let world = shop();
    assert_arrives(&world);
    world.source().execute("update old_books set title = 'geheim and new' where no = 7");
    let guest = Guest::at(&world, Side::Destination, WRITER);
    let usage = "grant usage on schema transload to guest";
    let reading = "grant select on all tables in schema transload to guest";
    let writing = "grant insert, update, delete on all tables in schema transload to guest";
    let all = "grant select, insert, update, delete on all tables in schema transload to";
    for given in [usage, reading, writing] {
        let told = told(&world, "run");
        assert_refused(given, &told, "TL0006", 4, &["grant usage on schema transload to", all]);
        for wrong in ["grant create on database", "beside the file"] {
            assert!(!told.stderr.contains(wrong), "{given}: {}", told.stderr);
        }
        guest.may(given);
    }
    assert_arrives(&world);
}

/// What a later run needs beside.
#[test]
fn a_later_run_that_may_not_change_or_delete_leaves_all_as_it_was() {
    let later = [
        ("update", "update old_books set title = 'geheim and new' where no = 7"),
        ("delete", "delete from old_books where no = 7"),
    ];
    for (right, change) in later {
        let world = shop();
        let guest = Guest::at(&world, Side::Destination, WRITER);
        assert_arrives(&world);
        guest.may(&format!("revoke {right} on books from guest"));
        world.source().execute(change);
        let rows = "select md5(string_agg(books::text, ' ' order by id)) from books";
        let before = world.destination().texts(rows);

        let told = told(&world, "run");

        assert_refused(right, &told, "TL0006", 4, &["permission denied for table books"]);
        assert_eq!(world.destination().texts(rows), before, "{right}: rows were changed");
        guest.may(&format!("grant {right} on books to guest"));
        assert_arrives(&world);
    }
}

#[test]
fn a_source_that_may_only_be_read_is_enough() {
    let world = shop();
    let _guest = Guest::at(&world, Side::Source, READER);
    let before = world.source().fingerprint();

    assert_arrives(&world);

    assert!(before == world.source().fingerprint(), "the source was touched");
}

/// No right on a table as a whole, but on what is read of it.
#[test]
fn rights_on_single_columns_are_enough_for_a_source() {
    let world = shop();
    world.source().execute("alter table old_books add secret text; create view seen as select * from old_shelves");
    world.replace("specs/shelves.yaml", "source_table: old_shelves", "source_table: seen");
    let columns = "grant select (no, title, shelf) on old_books to guest; grant select (no, label) on seen to guest";
    let guest = Guest::at(&world, Side::Source, columns);

    for verb in ["run", "run", "verify", "detect", "baseline"] {
        let told = told(&world, verb);
        assert_eq!(told.code, 0, "{verb}: {told:?}");
    }
    assert_eq!(world.destination().count("books"), super::BOOK_COUNT);

    // What is read beside them is named as what can be pasted.
    world.replace("specs/books.yaml", "title: title", "title: secret");
    let told = told(&world, "run");
    let grant =
        format!("grant select (\"no\", \"secret\", \"shelf\") on \"public\".\"old_books\" to \"{}\"", guest.name);
    assert_refused("a column that may not be read", &told, "TL0006", 4, &[&grant]);
    world.replace("specs/books.yaml", "title: secret", "title: title");
    // A condition takes whole rows, and a query may name any table.
    world.replace(
        "specs/books.yaml",
        "source_table: old_books",
        "source_table: old_books\nsource: { where: \"no > 0\" }",
    );
    let told = self::told(&world, "run");
    let grant = format!("grant select on \"public\".\"old_books\" to \"{}\"", guest.name);
    assert_refused("a condition", &told, "TL0006", 4, &[&grant]);
    guest.may(&grant.replace(&guest.name, "guest"));
    assert_eq!(world.transload(&["run"]).code, 0);
    world.replace("specs/books.yaml", "{ where: \"no > 0\" }", "{ query: \"select no, title, shelf from old_books\" }");
    guest.may("revoke select on old_books from guest; grant select (no, title, shelf) on old_books to guest");
    let told = self::told(&world, "run");
    assert_eq!(told.code, 0, "a query: {told:?}");
}
