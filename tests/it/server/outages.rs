//! Servers that cannot just now, or not any more: they start up, have no connection to spare, take no changes, or let somebody in no longer.

use super::rights::{Guest, WRITER};
use serde_json::Value;

use super::{BOOK_COUNT, Side, assert_arrives, assert_ledger_agrees, assert_refused, awaited, shop, told};
use crate::alongside::{WAITING, begun, wait_for, wait_until_alone};
use crate::front::Front;
use crate::world::{Ended, World};

/// What the control store knows of runs.
fn runs(world: &World) -> Vec<Value> {
    let told = world.transload(&["status", "--format", "json"]);
    let document: Value = serde_json::from_str(&told.stdout).unwrap();
    document["runs"].as_array().unwrap().clone()
}

/// The sessions of a run, ended by the server.
const END_SESSIONS: &str = "select count(pg_terminate_backend(pid)) from pg_stat_activity
    where application_name = 'transload' and datname = current_database()";

/// Runs, and while the run waits for the table `books`, does something to the destination and ends all its sessions.
fn while_it_waits(world: &World, does: impl FnOnce()) -> Ended {
    let destination = world.destination();
    destination.execute("begin; lock table books in share mode");
    let run = begun(world);
    wait_for(destination, WAITING);
    does();
    let ended = destination.number(END_SESSIONS);
    destination.execute("commit");
    assert!(ended >= 1, "{ended} sessions");
    awaited(world, run)
}

/// The shop, with the destination behind something that may refuse, and units that are tried so often.
fn shop_behind(tries: u32) -> (World, Front) {
    let world = shop();
    let url = world.destination().url();
    let front = Front::before(&url);
    world.replace("transload.yaml", &url, &front.url(&url));
    world.replace("transload.yaml", "deletes:", &format!("load: {{ max_retry_attempts: {tries} }}\n  deletes:"));
    (world, front)
}

#[test]
fn a_server_that_has_no_time_yet_is_asked_again() {
    for state in ["57P03", "53300"] {
        let (world, front) = shop_behind(10);

        let told = while_it_waits(&world, || front.refuse(3, state));

        assert_eq!(told.code, 0, "{state}: {told:?}");
        assert_eq!(front.still_refused(), 0, "{state}");
        assert_eq!(world.destination().count("books"), BOOK_COUNT, "{state}");
        assert_arrives(&world);
    }
}

#[test]
fn a_server_that_never_has_time_ends_the_run_and_the_next_brings_the_rest() {
    for (state, code) in [("57P03", "TL0442"), ("53300", "TL0022")] {
        let (world, front) = shop_behind(2);

        let told = while_it_waits(&world, || front.refuse(50, state));

        assert_refused(state, &told, code, 4, &["tried again 2 times"]);
        front.refuse(0, state);
        while front.still_refused() > 0 {
            drop(world.transload(&["validate"]));
        }
        assert_ledger_agrees(&world, &["shelves", "books"]);
        assert_arrives(&world);
    }
}

/// What is kept of the attempt that failed is not how the run ended.
#[test]
fn a_run_that_failed_and_went_on_until_it_was_killed_is_interrupted() {
    let (world, front) = shop_behind(1);
    assert_eq!(while_it_waits(&world, || front.refuse(50, "57P03")).code, 4);
    while front.still_refused() > 0 {
        drop(world.transload(&["validate"]));
    }
    let failed = runs(&world).remove(0);
    assert_eq!(failed["status"], "failed", "{failed}");
    world.destination().execute("begin; lock table books in share mode");
    let mut run = begun(&world);
    wait_for(world.destination(), WAITING);

    run.kill().unwrap();
    run.wait().unwrap();

    world.destination().execute("commit");
    let killed = runs(&world).remove(0);
    assert_eq!(killed["run_id"], failed["run_id"], "it is another run");
    assert_eq!((&killed["status"], &killed["alive"]), (&"running".into(), &false.into()), "{killed}");
    wait_until_alone(&world);
    assert_arrives(&world);
}

/// It never took the destination, so there is nothing to go on with.
#[test]
fn a_run_that_may_not_write_at_all_has_failed_and_the_next_begins_anew() {
    let world = shop();
    world.replace("transload.yaml", "deletes:", "load: { max_retry_attempts: 1 }\n  deletes:");
    let guest = Guest::at(&world, Side::Destination, WRITER);
    guest.may("alter role guest set default_transaction_read_only = on");

    let told = told(&world, "run");

    assert_refused("a role that may not write", &told, "TL0440", 4, &["nothing was written", "`transload run`"]);
    assert!(!told.stdout.contains("last committed unit"), "{}", told.stdout);
    let failed = runs(&world).remove(0);
    assert_eq!(failed["status"], "failed", "{failed}");
    assert!(failed["reason"].as_str().unwrap().starts_with("TL0440"), "{failed}");
    let resumed = world.transload(&["resume", failed["run_id"].as_str().unwrap()]);
    assert_refused("resume", &resumed, "TL0508", 2, &["cannot be resumed: it is failed"]);
    guest.may("alter role guest reset default_transaction_read_only");
    assert_arrives(&world);
    let states: Vec<Value> = runs(&world).iter().map(|run| run["status"].clone()).collect();
    assert_eq!(states, ["completed", "failed"]);
}

#[test]
fn a_role_that_may_connect_once_is_told_and_once_it_may_all_arrives() {
    let world = shop();
    let guest = Guest::at(&world, Side::Destination, WRITER);
    guest.may("alter role guest connection limit 1");

    let told = told(&world, "run");

    assert_refused("one connection", &told, "TL0022", 4, &["too many connections for role"]);
    assert_eq!(world.destination().count("books"), 0);
    assert_ledger_agrees(&world, &["shelves", "books"]);
    guest.may("alter role guest connection limit -1");
    assert_arrives(&world);
}

#[test]
fn a_pool_of_two_connections_is_enough() {
    let world = shop();
    world.replace("transload.yaml", "create_with", "pool: 2, create_with");
    world.replace(
        "transload.yaml",
        "deletes:",
        "load: { batch_size: 3, checkpoint_interval: 1, streams: 4 }\n  deletes:",
    );
    let guest = Guest::at(&world, Side::Destination, WRITER);
    // One more for the look at the tables before the run, whose session the server may end a moment later.
    guest.may("alter role guest connection limit 3");

    assert_arrives(&world);

    world
        .source()
        .execute("update old_books set title = 'geheim and new' where no % 2 = 0; delete from old_books where no < 4");
    assert_arrives(&world);
}

#[test]
fn a_destination_that_takes_no_changes_any_more_pauses_the_run() {
    let world = shop();
    world.replace("transload.yaml", "deletes:", "load: { max_retry_attempts: 1 }\n  deletes:");
    let name = world.destination().texts("select current_database()").remove(0);

    let told = while_it_waits(&world, || {
        world.destination().execute(&format!("alter database {name} set default_transaction_read_only = on"));
    });

    assert_refused("the middle of a run", &told, "TL0440", 4, &["books"]);
    assert_ledger_agrees(&world, &["shelves", "books"]);
    // Nor does it at the beginning of the next.
    let again = super::told(&world, "run");
    assert_refused("the beginning of a run", &again, "TL0440", 4, &["read-only transaction"]);
    world.destination().execute(&format!(
        "set default_transaction_read_only = off; alter database {name} reset default_transaction_read_only"
    ));
    assert_arrives(&world);
}

#[test]
fn a_right_that_is_taken_away_in_the_middle_of_a_run_ends_it_and_nothing_is_half_written() {
    let world = shop();
    let guest = Guest::at(&world, Side::Destination, WRITER);

    let told = while_it_waits(&world, || guest.may("revoke insert on books from guest"));

    assert_refused("no insert", &told, "TL0006", 4, &["permission denied for table books"]);
    assert_eq!((world.destination().count("shelves"), world.destination().count("books")), (3, 0));
    assert_ledger_agrees(&world, &["shelves", "books"]);
    guest.may("grant insert on books to guest");
    assert_arrives(&world);
}

#[test]
fn a_password_that_changes_in_the_middle_of_a_run_ends_it_and_the_new_one_brings_the_rest() {
    let world = shop();
    let guest = Guest::at(&world, Side::Destination, WRITER);

    let told = while_it_waits(&world, || guest.may("alter role guest password 'geheimer'"));

    assert_refused("the old password", &told, "TL0020", 4, &["does not let this user in"]);
    assert_eq!(world.destination().count("books"), 0);
    assert_ledger_agrees(&world, &["shelves", "books"]);
    world.replace("transload.yaml", &format!(":{}@", super::PASSWORD), ":geheimer@");
    assert_arrives(&world);
}
