//! Tables with a will of their own: policies, rules, triggers, numbers that the server gives, and two runs at once.

use super::rights::{Guest, READER, WRITER};
use super::{BOOK_COUNT, Side, assert_arrives, assert_ledger_agrees, assert_refused, awaited, one_table, shop, told};
use crate::alongside::{WAITING, begun, wait_for};
use crate::ends::Ends;
use crate::world::World;

/// What a table is given, and by what code it is refused before the run.
struct Case {
    what: &'static str,
    side: Side,
    /// As whom the side is opened; the owner, where it says nothing.
    rights: Option<&'static str>,
    given: &'static str,
    taken: &'static str,
    code: &'static str,
    says: &'static [&'static str],
}

const POLICY: &str = "create policy few on old_books using (no < 5); alter table old_books enable row level security";

const CASES: &[Case] = &[
    Case {
        what: "a source table whose rows are hidden",
        side: Side::Source,
        rights: Some(READER),
        given: POLICY,
        taken: "alter table old_books disable row level security",
        code: "TL0312",
        says: &["old_books", "BYPASSRLS"],
    },
    Case {
        what: "a source table whose rows are hidden even from its owner",
        side: Side::Source,
        rights: None,
        given: "create policy few on old_books using (no < 5);
                alter table old_books enable row level security; alter table old_books force row level security",
        taken: "alter table old_books no force row level security",
        code: "TL0312",
        says: &["old_books"],
    },
    Case {
        what: "a destination table with policies",
        side: Side::Destination,
        rights: Some(WRITER),
        given: "create policy few on books using (id < 5); alter table books enable row level security",
        taken: "alter table books disable row level security",
        code: "TL0312",
        says: &["books", "BYPASSRLS"],
    },
    Case {
        what: "a rule that swallows rows",
        side: Side::Destination,
        rights: None,
        given: "create rule swallow as on insert to books where new.id > 5 do instead nothing",
        taken: "drop rule swallow on books",
        code: "TL0311",
        says: &["books", "swallow", "drop the rules"],
    },
    Case {
        what: "a rule on update",
        side: Side::Destination,
        rights: None,
        given: "create rule keep as on update to books do instead nothing",
        taken: "drop rule keep on books",
        code: "TL0311",
        says: &["books", "keep"],
    },
];

#[test]
fn tables_that_hide_or_rewrite_rows_are_refused_before_a_run() {
    for case in CASES {
        let world = shop();
        let _guest = case.rights.map(|rights| Guest::at(&world, case.side, rights));
        case.side.of(&world).execute(case.given);

        for verb in ["validate", "run"] {
            assert_refused(case.what, &told(&world, verb), case.code, 1, case.says);
        }

        assert_eq!(world.destination().count("shelves"), 0, "{}", case.what);
        assert_eq!(world.destination().try_number("select count(*) from transload.meta"), None, "{}", case.what);
        case.side.of(&world).execute(case.taken);
        assert_arrives(&world);
    }
}

/// A trigger of `books`, by its body.
fn with_trigger(moment: &str, body: &str) -> World {
    let world = shop();
    world.destination().execute(&format!(
        "create function act() returns trigger language plpgsql as $$ begin {body} return new; end $$;
         create trigger acts {moment} on books for each row execute function act()"
    ));
    world
}

#[test]
fn a_trigger_is_a_warning_and_fires_for_every_row() {
    let world = with_trigger("after insert", "insert into seen values (new.id);");
    world.destination().execute("create table seen (id bigint)");

    let told = told(&world, "run");

    assert_eq!(told.code, 0, "{told:?}");
    for text in ["TL0313", "acts", "books"] {
        assert!(told.stderr.contains(text), "no {text}: {told:?}");
    }
    assert_eq!(world.destination().count("seen"), BOOK_COUNT);
    world.assert_as_expected();
}

#[test]
fn a_table_that_a_crash_empties_is_a_warning() {
    let parts = "create unlogged table few partition of books for values from (1) to (1000)";
    for (what, schema) in [
        ("a table", super::SCHEMA.replace("create table books", "create unlogged table books")),
        ("a part", format!("{} partition by range (id); {parts};", super::SCHEMA.trim_end().trim_end_matches(';'))),
    ] {
        let world = super::shop_of(Ends::PostgresToPostgres, &schema);

        for verb in ["validate", "run"] {
            let told = told(&world, verb);
            assert_eq!(told.code, 0, "{what}: {told:?}");
            let said = format!("{}{}", told.stdout, told.stderr);
            for text in ["TL0326", "books.yaml:4:20", "set logged"] {
                assert!(said.contains(text), "{what}: {verb} does not say {text}: {said}");
            }
            assert_eq!(said.matches("explain TL0326").count(), 1, "{what}: {said}");
        }
        assert_arrives(&world);
    }
}

#[test]
fn a_trigger_that_swallows_rows_is_noticed_and_nothing_of_the_unit_stays() {
    let world = with_trigger("before insert", "if new.id = 7 then return null; end if;");

    let refused = told(&world, "run");

    assert_refused("a swallowed row", &refused, "TL0422", 1, &["books", "triggers, rules or views that swallow rows"]);
    assert_eq!(world.destination().count("books"), 0);
    assert_ledger_agrees(&world, &["shelves", "books"]);
    world.destination().execute("drop trigger acts on books");
    assert_arrives(&world);
}

#[test]
fn a_trigger_that_swallows_a_change_or_a_delete_is_noticed() {
    for (moment, change) in [
        ("before update", "update old_books set title = 'geheim, later' where no = 7"),
        ("before delete", "delete from old_books where no = 7"),
    ] {
        let world = with_trigger(moment, "return null;");
        assert_arrives(&world);
        world.source().execute(change);
        let rows = "select md5(string_agg(books::text, ' ' order by id)) from books";
        let before = world.destination().texts(rows);

        let refused = told(&world, "run");

        assert_refused(moment, &refused, "TL0422", 1, &["books"]);
        assert_eq!(world.destination().texts(rows), before, "{moment}");
        world.destination().execute("drop trigger acts on books");
        assert_arrives(&world);
    }
}

#[test]
fn a_row_for_which_a_trigger_raises_is_set_aside_and_its_words_are_not_shown() {
    let body = "if new.id in (7, 20) then raise exception 'no % here', new.title; end if;";
    let world = with_trigger("before insert", body);

    let told = told(&world, "run");

    assert_eq!(told.code, 0, "{told:?}");
    assert_eq!(world.quarantine(), ["books 20 CONSTRAINT_OTHER -", "books 7 CONSTRAINT_OTHER -"]);
    assert_eq!(world.destination().count("books"), BOOK_COUNT - 2);
    assert_ledger_agrees(&world, &["shelves", "books"]);
    assert_silent_quarantine(&world);
}

/// Neither the table nor the verb shows a value.
fn assert_silent_quarantine(world: &World) {
    told(world, "quarantine");
    let messages = world.destination().texts("select message from transload.quarantine");
    for secret in super::SECRETS {
        assert!(
            messages.iter().all(|message| !message.contains(secret)),
            "{secret} is in the quarantine: {messages:?}"
        );
    }
}

#[test]
fn of_two_runs_at_once_the_second_is_refused_and_the_first_is_not_disturbed() {
    let world = shop();
    world.destination().execute("begin; lock table books in share mode");
    let first = begun(&world);
    wait_for(world.destination(), WAITING);

    let second = told(&world, "run");

    world.destination().execute("commit");
    assert_refused("the second", &second, "TL0503", 5, &["wait for it to end, or stop that process"]);
    let first = awaited(&world, first);
    assert_eq!(first.code, 0, "{first:?}");
    assert_eq!(world.destination().count("books"), BOOK_COUNT);
    assert_arrives(&world);
}

#[test]
fn two_first_runs_that_start_together_load_every_row_once() {
    for _ in 0..5 {
        let world = shop();
        let runs = [begun(&world), begun(&world), begun(&world)];
        let ended = runs.map(|run| awaited(&world, run));
        assert!(ended.iter().any(|told| told.code == 0), "{ended:?}");
        // One that came late finds all done, or that another run holds the table or took it since.
        assert!(ended.iter().all(|told| [0, 5].contains(&told.code)), "{ended:?}");
        assert_eq!(world.destination().count("books"), BOOK_COUNT);
        assert_arrives(&world);
    }
}

/// How a column gets its numbers. The old table has 3, 6, … 30.
const NUMBERED: [(&str, &str); 4] = [
    ("by default", "id bigint generated by default as identity primary key"),
    ("always", "id bigint generated always as identity primary key"),
    ("bigserial", "id bigserial primary key"),
    ("a smaller serial", "id serial primary key"),
];

fn numbered(column: &str) -> World {
    let schema = format!("create table notes ({column}, text text)");
    let world = one_table(Ends::PostgresToPostgres, "notes", &schema, &["text"]);
    world.source().execute(
        "create table old_notes (no bigint primary key, text text);
         insert into old_notes select i * 3, 'geheim' from generate_series(1, 10) i",
    );
    world
}

#[test]
fn numbers_that_the_server_gives_go_on_behind_those_that_were_loaded() {
    for (what, column) in NUMBERED {
        let world = numbered(column);
        let end = world.destination();

        assert_eq!(told(&world, "run").code, 0, "{what}");

        assert_eq!(end.texts("insert into notes (text) values ('own') returning id"), ["31"], "{what}");
        end.execute("delete from notes where text = 'own'");
        world.source().execute("insert into old_notes values (90, 'geheim')");
        assert_eq!(told(&world, "run").code, 0, "{what}");
        assert_eq!(end.texts("insert into notes (text) values ('own') returning id"), ["91"], "{what}");
    }
}

#[test]
fn numbers_that_the_server_gives_never_go_back() {
    for (what, column) in NUMBERED {
        let world = numbered(column);
        let end = world.destination();
        end.execute("select setval(pg_get_serial_sequence('notes', 'id'), 1000)");

        assert_eq!(told(&world, "run").code, 0, "{what}");

        assert_eq!(end.texts("insert into notes (text) values ('own') returning id"), ["1001"], "{what}");
    }
}

#[test]
fn columns_that_cannot_be_filled_are_refused() {
    for (column, code) in [
        ("serial_no bigint generated always as identity", "TL0314"),
        ("serial_no bigint generated always as (id * 2) stored", "TL0304"),
    ] {
        let schema = format!("create table notes (id bigint primary key, {column})");
        let world = one_table(Ends::PostgresToPostgres, "notes", &schema, &["serial_no"]);
        world.source().execute("create table old_notes (no bigint primary key, serial_no bigint)");

        for verb in ["validate", "run"] {
            assert_refused(column, &told(&world, verb), code, 1, &["serial_no"]);
        }
    }
}

#[test]
fn columns_that_the_server_fills_by_itself_are_left_to_it() {
    let schema =
        "create table notes (id bigint primary key, text text, twice bigint generated always as (id * 2) stored,
                  number bigint generated always as identity, at timestamptz not null default now())";
    let world = one_table(Ends::PostgresToPostgres, "notes", schema, &["text"]);
    world.source().execute("create table old_notes (no bigint primary key, text text); insert into old_notes values (4, 'geheim'), (9, 'geheim')");

    assert_eq!(told(&world, "run").code, 0);

    let rows = "select concat_ws(' ', id, twice, number) from notes where at is not null order by id";
    assert_eq!(world.destination().texts(rows), ["4 8 1", "9 18 2"]);
}

#[test]
fn what_passes_is_tried_again_also_where_a_trigger_meets_it() {
    for state in ["40001", "40P01", "55P03", "25P03"] {
        // A sequence keeps what it is set to, whatever is rolled back: here, the first transaction, which never succeeds.
        let body = format!(
            "if (select not is_called from first) then perform setval('first', txid_current()); end if;
             if new.id = 6 and (select last_value from first) = txid_current() then
                 raise exception 'later' using errcode = '{state}';
             end if;"
        );
        let world = with_trigger("before insert", &body);
        world.destination().execute("create sequence first");

        let told = told(&world, "run");

        assert_eq!(told.code, 0, "{state}: {told:?}");
        assert_eq!(world.destination().count("books"), BOOK_COUNT, "{state}: {:?}", world.quarantine());
    }
}
