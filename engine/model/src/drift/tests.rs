use super::*;
use crate::{Kind, LogicalType, OnDelete, SideEffects, TableName};

fn name(text: &str) -> ColumnName {
    ColumnName::parse(text).unwrap()
}

fn column(text: &str, declared: &str) -> Column {
    let (logical, kind) = match declared.split('(').next().unwrap() {
        "smallint" | "integer" | "bigint" => (LogicalType::Integer, Kind::Integer),
        "decimal" => {
            let parts: LogicalType = declared.parse().unwrap();
            (parts, Kind::Decimal)
        }
        "date" => (LogicalType::Date, Kind::Date),
        _ => (LogicalType::Text, Kind::Text),
    };
    let length = declared.strip_prefix("varchar(").and_then(|rest| rest.strip_suffix(')'));
    Column {
        name: name(text),
        declared: declared.to_owned(),
        logical,
        max_length: length.map(|length| length.parse().unwrap()),
        stores: vec![kind],
        nullable: true,
        has_default: false,
        generated: false,
        insert_only: false,
    }
}

fn table() -> Table {
    Table {
        name: TableName::parse("orders").unwrap(),
        columns: vec![column("id", "integer"), column("note", "text"), column("at", "date")],
        primary_key: vec![name("id")],
        unique_keys: vec![vec![name("id")]],
        foreign_keys: Vec::new(),
        side_effects: SideEffects::default(),
    }
}

fn to_notes() -> ForeignKey {
    let table = TableName::parse("notes").unwrap();
    ForeignKey { columns: vec![name("note")], table, refers_to: Vec::new(), on_delete: OnDelete::Refused }
}

type Edit = fn(&mut Table);

const CASES: &[(Edit, &[&str])] = &[
    (|table| drop(table.columns.pop()), &["column `at` is gone"]),
    (|table| table.columns.push(column("more", "date")), &["column `more` is new: date"]),
    (
        |table| table.columns.push(Column { nullable: false, ..column("more", "date") }),
        &["column `more` is new: date, which must have a value"],
    ),
    (|table| table.columns[1].name = name("remark"), &["column `note` is gone; `remark` is where it was, and like it"]),
    (
        |table| {
            table.columns[0].name = name("no");
            table.primary_key = vec![name("no")];
            table.unique_keys = vec![vec![name("no")]];
        },
        &["column `id` is gone; `no` is where it was, and like it"],
    ),
    (
        |table| table.columns[1] = column("remark", "varchar(9)"),
        &["column `note` is gone", "column `remark` is new: varchar(9)"],
    ),
    (
        |table| {
            drop(table.columns.remove(1));
            table.columns.push(column("remark", "text"));
        },
        &["column `note` is gone", "column `remark` is new: text"],
    ),
    (|table| table.columns[1] = column("note", "varchar(5)"), &["column `note` was text, is varchar(5)"]),
    (|table| table.columns[1].logical = LogicalType::Uuid, &["column `note` was read as text, is read as uuid"]),
    (|table| table.columns[1].nullable = false, &["that column `note` takes NULL is no longer so"]),
    (|table| table.columns[1].has_default = true, &["column `note` has a default now"]),
    (|table| table.columns[1].generated = true, &["column `note` is computed by the database now"]),
    (|table| table.columns[1].insert_only = true, &["column `note` can only be set by an insert now"]),
    (
        |table| {
            table.primary_key.push(name("note"));
            table.unique_keys = vec![table.primary_key.clone()];
        },
        &["the primary key was (id), is (id, note)"],
    ),
    (|table| table.unique_keys.clear(), &["the unique key (id) is gone"]),
    (
        |table| {
            table.unique_keys.push(vec![name("at")]);
            table.side_effects.secondary_unique = true;
        },
        &["the unique key (at) is new"],
    ),
    (|table| table.side_effects.secondary_unique = true, &["a unique constraint beside the primary key is new"]),
    (|table| table.foreign_keys.push(to_notes()), &["the foreign key (note) to `notes` is new"]),
    (
        |table| table.foreign_keys.push(ForeignKey { on_delete: OnDelete::Deleted, ..to_notes() }),
        &["the foreign key (note) to `notes` on delete cascade is new"],
    ),
    (|table| table.side_effects.triggers.push("audit".to_owned()), &["the trigger `audit` is new"]),
    (|table| table.side_effects.rules.push("log".to_owned()), &["the rule `log` is new"]),
    (|table| table.side_effects.row_security = true, &["row security is new"]),
];

fn told(before: Option<&Table>, now: Option<&Table>) -> Vec<String> {
    table_changes(before, now).iter().map(ToString::to_string).collect()
}

#[test]
fn what_changed_is_told_in_words() {
    for (edit, expected) in CASES {
        let mut now = table();
        edit(&mut now);
        assert_eq!(told(Some(&table()), Some(&now)), *expected);
    }
}

#[test]
fn a_table_that_is_as_it_was_has_no_changes() {
    assert_eq!(told(Some(&table()), Some(&table())), [""; 0]);
    assert_eq!(told(Some(&table()), None), ["the table is gone"]);
    assert_eq!(told(None, Some(&table())), ["there was no such table"]);
}

/// Each change alone, there and back, and each pair of them.
#[test]
fn a_table_to_which_all_changes_are_applied_is_what_it_became() {
    for (first, _) in CASES {
        for (second, _) in CASES {
            let mut now = table();
            first(&mut now);
            if now.columns.len() < 3 || now.columns.iter().all(|column| column.name != name("note")) {
                continue;
            }
            second(&mut now);
            let names: std::collections::BTreeSet<_> = now.columns.iter().map(|column| &column.name).collect();
            if names.len() < now.columns.len() {
                continue;
            }
            for (from, to) in [(table(), now.clone()), (now.clone(), table())] {
                let mut applied = from.clone();
                for change in table_changes(Some(&from), Some(&to)) {
                    change.apply(&mut applied, &to);
                }
                assert_eq!(told(Some(&applied), Some(&to)), [""; 0], "{:?}", told(Some(&from), Some(&to)));
                let names = |table: &Table| table.columns.iter().map(|column| column.name.clone()).collect::<Vec<_>>();
                assert_eq!(names(&applied), names(&to));
            }
        }
    }
}

#[test]
fn what_a_column_takes_is_compared_with_what_it_took() {
    for (before, now, expected) in [
        ("varchar(20)", "varchar(20)", Fit::Same),
        ("varchar(20)", "varchar(60)", Fit::Wider),
        ("varchar(20)", "text", Fit::Wider),
        ("text", "varchar(20)", Fit::Narrower),
        ("varchar(20)", "varchar(10)", Fit::Narrower),
        ("integer", "bigint", Fit::Wider),
        ("bigint", "integer", Fit::Narrower),
        ("decimal(10,2)", "decimal(12,2)", Fit::Wider),
        ("decimal(10,2)", "decimal(12,4)", Fit::Wider),
        ("decimal(10,2)", "decimal(10,4)", Fit::Narrower),
        ("integer", "text", Fit::Other),
        ("text", "date", Fit::Other),
        ("text", "mood", Fit::Unknown),
        ("varchar(20)", "mood", Fit::Unknown),
    ] {
        assert_eq!(fit(&column("x", before), &column("x", now)), expected, "{before} → {now}");
    }
}
