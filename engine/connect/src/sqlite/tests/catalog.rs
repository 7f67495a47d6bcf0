//! What tables and columns are said to be.

use transload_model::{Catalog, Column, ColumnName, ForeignKey, LogicalType, Table};

use super::given::{File, column, columns, table};
use crate::sqlite::destination::destination_catalog;
use crate::sqlite::open::exists;
use crate::sqlite::source::open_source;

async fn catalog(sql: &str) -> Catalog {
    open_source(&File::new(sql).plan()).unwrap().catalog().await.unwrap()
}

async fn one(sql: &str) -> Table {
    let catalog = catalog(sql).await;
    catalog.table(&table("t")).unwrap().clone()
}

/// `name logical`, and the words that apply.
fn shown(column: &Column) -> String {
    let mut text = format!("{} {}", column.name, column.logical);
    let words = [(column.nullable, "nullable"), (column.has_default, "default"), (column.generated, "generated")];
    for (_, word) in words.iter().filter(|(applies, _)| *applies) {
        text += &format!(" {word}");
    }
    text
}

fn all_shown(table: &Table) -> Vec<String> {
    table.columns.iter().map(shown).collect()
}

#[tokio::test]
async fn a_row_id_is_never_null_and_fills_itself() {
    let t = one("create table t (id integer primary key, a text, b text not null, c int not null default 3)").await;
    assert_eq!(all_shown(&t), ["id integer default", "a text nullable", "b text", "c integer default"]);
    assert_eq!(t.primary_key, columns(&["id"]));
    assert_eq!(t.unique_keys, [columns(&["id"])]);
    assert!(!t.side_effects.secondary_unique);
}

#[tokio::test]
async fn a_primary_key_that_is_no_row_id_may_be_null_and_is_not_unique_then() {
    for declared in ["int", "text", "bigint"] {
        let t = one(&format!("create table t (id {declared} primary key)")).await;
        assert!(t.columns[0].nullable && !t.columns[0].has_default, "{declared}");
        assert_eq!(t.primary_key, columns(&["id"]));
        assert!(!t.is_unique(&columns(&["id"])), "{declared}: several rows may have NULL");
    }
}

#[tokio::test]
async fn without_row_ids_no_key_is_null_and_none_fills_itself() {
    let t = one("create table t (id integer primary key, a text) without rowid").await;
    assert_eq!(all_shown(&t), ["id integer", "a text nullable"]);
    assert!(t.is_unique(&columns(&["id"])));
}

#[tokio::test]
async fn a_composite_key_has_its_own_order() {
    let t = one("create table t (a integer, b text, c text, primary key (c, a)) without rowid").await;
    assert_eq!(all_shown(&t), ["a integer", "b text nullable", "c text"]);
    assert_eq!(t.primary_key, columns(&["c", "a"]));
    assert!(t.is_unique(&columns(&["a", "c"])) && t.is_unique(&columns(&["a", "b", "c"])));
    assert!(!t.is_unique(&columns(&["a"])));
}

#[tokio::test]
async fn an_index_tells_rows_apart_where_it_covers_them_all_and_no_null() {
    let t = one("create table t (a int not null, b int not null, c int, d int not null unique);
         create unique index whole on t (a, b);
         create unique index nullable on t (c);
         create unique index partial on t (a) where b > 3;
         create unique index expression on t (a + b);
         create index plain on t (b)")
    .await;
    assert!(t.is_unique(&columns(&["a", "b"])) && t.is_unique(&columns(&["d"])));
    let listed: Vec<Vec<ColumnName>> = [&["d"] as &[&str], &["a", "b"], &["c"]].map(columns).to_vec();
    let mut unique = t.unique_keys.clone();
    unique.sort_by_key(|set| listed.iter().position(|known| known == set));
    assert_eq!(unique, listed, "what takes NULL refuses rows all the same");
    assert!(t.side_effects.secondary_unique);
    for not_unique in [["a"], ["b"], ["c"]] {
        assert!(!t.is_unique(&columns(&not_unique)), "{not_unique:?}");
    }
    assert_eq!(t.primary_key, []);
}

#[tokio::test]
async fn computed_columns_are_said_to_be() {
    let t = one("create table t (a int, b int as (a + 1), c int generated always as (a * 2) stored)").await;
    assert_eq!(all_shown(&t), ["a integer nullable", "b integer nullable generated", "c integer nullable generated"]);
}

#[tokio::test]
async fn a_default_of_null_fills_nothing() {
    let t = one("create table t (a int default null, b int default NULL, c text default '', d default (1 + 1))").await;
    let filled: Vec<bool> = t.columns.iter().map(|column| column.has_default).collect();
    assert_eq!(filled, [false, false, true, true]);
}

#[tokio::test]
async fn views_are_tables_to_read_and_the_ledger_is_none() {
    let catalog = catalog(
        "create table t (a int primary key, b text);
         create view v as select a, b as name from t;
         create table transload_meta (name text);
         create table \"odd \"\" name\" (\"odd col\" int)",
    )
    .await;
    let names: Vec<&str> = catalog.tables.keys().map(transload_model::TableName::as_str).collect();
    assert_eq!(names, ["odd \" name", "t", "v"]);
    let view = catalog.table(&table("v")).unwrap();
    assert_eq!(all_shown(view), ["a integer nullable", "name text nullable"]);
    assert_eq!((view.primary_key.len(), view.unique_keys.len()), (0, 0));
    assert!(catalog.table(&table("odd \" name")).unwrap().column(&column("odd col")).is_some());
}

#[tokio::test]
async fn foreign_keys_are_listed_with_their_columns() {
    let catalog = catalog(
        "create table p (a int, b int, primary key (a, b));
         create table t (x int, y int, up int references t, foreign key (x, y) references p (a, b))",
    )
    .await;
    let t = catalog.table(&table("t")).unwrap();
    let key = |key: &ForeignKey| (key.columns.clone(), key.table.clone(), key.refers_to.clone());
    let mut keys: Vec<_> = t.foreign_keys.iter().map(key).collect();
    keys.sort();
    let expected = [(&["up"][..], "t", &[][..]), (&["x", "y"], "p", &["a", "b"])];
    let expected = expected.map(|(from, to, refers_to)| (columns(from), table(to), columns(refers_to)));
    assert_eq!(keys, expected);
}

#[test]
fn a_destination_that_is_missing_is_imagined_and_not_made() {
    let file = File::new("");
    std::fs::remove_file(file.path()).unwrap();
    let mut plan = file.plan();
    plan.create_with = Some("create table t (id integer primary key, a decimal(8,2) not null)".to_owned());

    let catalog = destination_catalog(&plan).unwrap();

    let t = catalog.table(&table("t")).unwrap();
    assert_eq!(t.columns[1].logical, LogicalType::Decimal { precision: 8, scale: 2 });
    assert!(!exists(&plan) && !file.path().exists());
}
