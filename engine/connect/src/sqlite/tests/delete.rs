//! Deletes, of rows that refer to one another.

use transload_model::Unit;

use super::given::{Held, columns, rows};

const PEOPLE: &str = "
    create table people (id integer primary key, boss integer references people (id), kind text);
    create table pets (id integer primary key, owner integer not null references people (id));
    insert into people values (1, null, 'x'), (2, 1, 'x'), (3, 2, 'x'), (4, 3, 'x');
    insert into people values (10, null, 'x'), (11, 10, 'x'), (12, 11, 'x'), (20, 20, 'x');
    update people set boss = 12 where id = 10;
";

fn deleting(held: &Held, ids: &[i64]) -> Unit {
    Unit { deletes: vec![rows(ids, &[])], self_references: columns(&["boss"]), ..held.unit() }
}

fn left(held: &Held) -> Vec<String> {
    held.file.texts("select id || ' ' || coalesce(boss, '-') from people order by id")
}

const ALL: [&str; 8] = ["1 -", "2 1", "3 2", "4 3", "10 12", "11 10", "12 11", "20 20"];

#[tokio::test]
async fn a_chain_goes_in_any_order() {
    let orders: [[i64; 4]; 4] = [[1, 2, 3, 4], [4, 3, 2, 1], [2, 4, 1, 3], [3, 1, 4, 2]];
    for order in orders {
        let held = Held::new(PEOPLE).await;

        let refused = held.commit(deleting(&held, &order)).await.unwrap();

        assert_eq!(refused, [] as [&str; 0], "{order:?}");
        assert_eq!(left(&held), ALL[4..], "{order:?}");
    }
}

#[tokio::test]
async fn a_circle_goes_as_a_whole() {
    for order in [[10, 11, 12, 20], [20, 12, 11, 10]] {
        let held = Held::new(PEOPLE).await;

        let refused = held.commit(deleting(&held, &order)).await.unwrap();

        assert_eq!(refused, [] as [&str; 0], "{order:?}");
        assert_eq!(left(&held), ALL[..4], "{order:?}");
    }
}

#[tokio::test]
async fn a_part_of_a_circle_stays_as_it_was() {
    let held = Held::new(PEOPLE).await;

    let refused = held.commit(deleting(&held, &[10, 11])).await.unwrap();

    let expected = ["Delete 0 CONSTRAINT_FOREIGN_KEY -", "Delete 1 CONSTRAINT_FOREIGN_KEY -"];
    assert_eq!(refused, expected, "12 stays, and refers to 11");
    assert_eq!(left(&held), ALL);
}

#[tokio::test]
async fn a_row_that_another_table_refers_to_stays_and_so_do_those_it_needs() {
    let held = Held::new(PEOPLE).await;
    held.file.connect().execute_batch("insert into pets values (1, 3)").unwrap();

    let refused = held.commit(deleting(&held, &[1, 2, 3, 4])).await.unwrap();

    let expected = [0, 1, 2].map(|row| format!("Delete {row} CONSTRAINT_FOREIGN_KEY -"));
    assert_eq!(refused, expected, "4 goes; 3 has a pet, and 2 and 1 are above it");
    assert_eq!(left(&held)[..3], ALL[..3]);
    assert_eq!(held.file.number("select count(*) from people where id = 4"), 0);
}

#[tokio::test]
async fn a_row_that_is_gone_already_needs_no_delete() {
    let held = Held::new(PEOPLE).await;
    let refused = held.commit(deleting(&held, &[77, 4])).await.unwrap();
    assert_eq!(refused, [] as [&str; 0]);
    assert_eq!(held.file.number("select count(*) from people"), 7);
}

#[tokio::test]
async fn a_swallowed_delete_is_noticed() {
    let held = Held::new(PEOPLE).await;
    let trigger = "create trigger keep before delete on people when old.id = 4 begin select raise(ignore); end";
    held.file.connect().execute_batch(trigger).unwrap();

    let failed = held.commit(deleting(&held, &[4, 20])).await;

    assert_eq!(failed.unwrap_err().code, transload_model::Code::RowCountMismatch);
    assert_eq!(left(&held), ALL);
    assert_eq!(held.units(), 0);
}
