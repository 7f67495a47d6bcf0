//! Units: what one row's refusal, a swallowed row and a lost fence do to the others.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array};
use transload_model::{Code, RunId, Unit};

use super::given::{Held, batch, rows, take};

const PEOPLE: &str = "
    create table people (
        id integer primary key, name text not null unique, age text check (age <> 'old'), boss integer references people (id)
    );
    create table log (line text);
    create trigger quiet before insert on people when new.name = 'nobody' begin select raise(ignore); end;
    create trigger loud before insert on people when new.name = 'loud' begin select raise(abort, 'not loud please'); end;
    create trigger deaf before update on people when new.name = 'deaf' begin select raise(ignore); end;
";

type Texts<'a> = &'a [Option<&'a str>];

fn inserting(held: &Held, ids: &[i64], names: Texts<'_>) -> Unit {
    Unit { inserts: vec![rows(ids, &[("name", names)])], ..held.unit() }
}

fn people(held: &Held) -> Vec<String> {
    held.file.texts("select id || ' ' || name from people order by id")
}

#[tokio::test]
async fn a_refused_row_is_undone_alone() {
    let held = Held::new(PEOPLE).await;
    let names = [Some("ada"), None, Some("ada"), Some("bob"), Some("cleo"), Some("loud"), Some("dan"), Some("eve")];
    let ages = [None, None, None, None, Some("old"), None, Some("young"), None];
    let bosses = [None, None, None, Some("1"), None, None, Some("99"), Some("8")];
    let batch = rows(&[1, 2, 3, 4, 5, 6, 7, 8], &[("name", &names), ("age", &ages), ("boss", &bosses)]);

    let refused = held.commit(Unit { inserts: vec![batch], ..held.unit() }).await.unwrap();

    let expected = [
        "Insert 1 CONSTRAINT_NOT_NULL name",
        "Insert 2 CONSTRAINT_UNIQUE name",
        "Insert 4 CONSTRAINT_CHECK -",
        "Insert 5 CONSTRAINT_OTHER -",
        "Insert 6 CONSTRAINT_FOREIGN_KEY -",
    ];
    assert_eq!(refused, expected);
    assert_eq!(people(&held), ["1 ada", "4 bob", "8 eve"]);
    assert_eq!(held.units(), 1);
}

#[tokio::test]
async fn rows_are_numbered_over_all_batches_of_a_kind() {
    let held = Held::new(PEOPLE).await;
    let batches = vec![
        rows(&[1, 2], &[("name", &[Some("ada"), Some("bob")])]),
        rows(&[3, 4], &[("name", &[Some("bob"), Some("cleo")])]),
    ];

    let refused = held.commit(Unit { inserts: batches, ..held.unit() }).await.unwrap();

    assert_eq!(refused, ["Insert 2 CONSTRAINT_UNIQUE name"]);
    assert_eq!(people(&held), ["1 ada", "2 bob", "4 cleo"]);
}

#[tokio::test]
async fn a_key_that_is_there_is_refused() {
    let held = Held::new(PEOPLE).await;
    let refused = held.commit(inserting(&held, &[1, 1], &[Some("ada"), Some("bob")])).await.unwrap();
    assert_eq!(refused, ["Insert 1 CONSTRAINT_UNIQUE id"]);
    assert_eq!(people(&held), ["1 ada"]);
}

#[tokio::test]
async fn a_refused_update_leaves_the_row_as_it_was() {
    let held = Held::new(PEOPLE).await;
    held.commit(inserting(&held, &[1, 2, 3], &[Some("ada"), Some("bob"), Some("cleo")])).await.unwrap();
    let names = [Some("ida"), Some("cleo"), Some("cleo"), Some("dan")];
    let updates = vec![rows(&[1, 2, 3, 4], &[("name", &names)])];

    let refused = held.commit(Unit { after: Some(1), updates, ..held.unit() }).await.unwrap();

    let expected = ["Update 1 CONSTRAINT_UNIQUE name", "Update 3 LEDGER_MISMATCH -"];
    assert_eq!(refused, expected, "2 clashes with 3, 3 is as it was, and there is no 4");
    assert_eq!(people(&held), ["1 ida", "2 bob", "3 cleo"]);
}

#[tokio::test]
async fn only_rows_that_differ_are_written() {
    let held = Held::new(PEOPLE).await;
    held.commit(inserting(&held, &[1, 2], &[Some("ada"), Some("bob")])).await.unwrap();
    let trigger =
        "create trigger watch after update on people begin insert into log values (old.name || new.name); end";
    held.file.connect().execute_batch(trigger).unwrap();
    let updates = vec![rows(&[1, 2], &[("name", &[Some("ada"), Some("bo")]), ("age", &[None, None])])];

    let refused = held.commit(Unit { after: Some(1), updates, ..held.unit() }).await.unwrap();

    assert_eq!(refused, [] as [&str; 0]);
    assert_eq!(held.file.texts("select line from log"), ["bobbo"]);
}

#[tokio::test]
async fn what_is_no_number_is_refused_and_does_not_become_null() {
    let held = Held::new("create table people (id integer primary key, size real)").await;
    let sized = |sizes: &[f64]| {
        let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(1..=i64::try_from(sizes.len()).unwrap()));
        vec![batch(vec![("id", ids), ("size", Arc::new(Float64Array::from(sizes.to_vec())))])]
    };

    let inserts = sized(&[1.5, f64::NAN, f64::INFINITY]);
    let refused = held.commit(Unit { inserts, ..held.unit() }).await.unwrap();
    assert_eq!(refused, ["Insert 1 VALUE_RANGE size"]);
    let updates = sized(&[-f64::NAN]);
    let refused = held.commit(Unit { updates, after: Some(1), ..held.unit() }).await.unwrap();
    assert_eq!(refused, ["Update 0 VALUE_RANGE size"]);

    assert_eq!(held.file.texts("select id || ' ' || size from people order by id"), ["1 1.5", "3 Inf"]);
}

#[tokio::test]
async fn a_swallowed_insert_fails_the_unit_and_nothing_of_it_is_written() {
    let held = Held::new(PEOPLE).await;

    let failed = held.commit(inserting(&held, &[1, 2, 3], &[Some("ada"), Some("nobody"), Some("bob")])).await;

    let problem = failed.unwrap_err();
    assert_eq!(problem.code, Code::RowCountMismatch);
    assert!(problem.headline.contains("`people`"), "{problem}");
    assert_eq!(people(&held), [] as [&str; 0]);
    assert_eq!(held.units(), 0);
}

#[tokio::test]
async fn a_swallowed_update_fails_the_unit_and_nothing_of_it_is_written() {
    let held = Held::new(PEOPLE).await;
    held.commit(inserting(&held, &[1, 2], &[Some("ada"), Some("bob")])).await.unwrap();
    let updates = vec![rows(&[1, 2], &[("name", &[Some("ida"), Some("deaf")])])];

    let failed = held.commit(Unit { after: Some(1), updates, ..held.unit() }).await;

    assert_eq!(failed.unwrap_err().code, Code::RowCountMismatch);
    assert_eq!(people(&held), ["1 ada", "2 bob"]);
    assert_eq!(held.units(), 1);
}

#[tokio::test]
async fn a_lost_fence_keeps_the_unit_out() {
    let held = Held::new(PEOPLE).await;
    held.commit(inserting(&held, &[1], &[Some("ada")])).await.unwrap();
    let newer = take(&*held.destination, RunId::generate(&transload_model::SystemClock::new()), held.epoch).await;
    assert!(newer > held.epoch);

    let failed = held.commit(Unit { after: Some(1), ..inserting(&held, &[2], &[Some("bob")]) }).await;

    assert_eq!(failed.unwrap_err().code, Code::Fenced);
    assert_eq!(people(&held), ["1 ada"]);
    assert_eq!(held.units(), 1);
}

#[tokio::test]
async fn a_unit_that_was_committed_already_is_kept_out() {
    let held = Held::new(PEOPLE).await;
    held.commit(inserting(&held, &[1], &[Some("ada")])).await.unwrap();

    for after in [None, Some(0), Some(2)] {
        let failed = held.commit(Unit { after, ..inserting(&held, &[2], &[Some("bob")]) }).await;
        assert_eq!(failed.unwrap_err().code, Code::Fenced, "{after:?}");
    }

    assert_eq!(people(&held), ["1 ada"]);
    assert_eq!(held.units(), 1);
}

#[tokio::test]
async fn fences_are_taken_over_from_the_epoch_that_was_seen_and_no_other() {
    let held = Held::new(PEOPLE).await;
    let claim = |seen, force| transload_model::Claim {
        run: RunId::generate(&transload_model::SystemClock::new()),
        tables: vec![(super::given::table("people"), seen)],
        at: chrono::Utc::now(),
        digest_seed: 7,
        force,
    };

    let in_progress = held.destination.take_fences(claim(held.epoch, false)).await.unwrap_err();
    let outdated = held.destination.take_fences(claim(held.epoch - 1, true)).await.unwrap_err();
    held.destination.release_fences(held.run).await.unwrap();
    let released = held.destination.take_fences(claim(held.epoch, false)).await.unwrap();

    assert_eq!(in_progress.code, Code::InProgress);
    assert_eq!(outdated.code, Code::Fenced);
    assert_eq!(released[0].epoch, held.epoch + 1);
}
