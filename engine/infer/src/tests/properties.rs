//! What holds for the drafts of all schemas.

use std::collections::BTreeSet;

use proptest::prelude::*;
use transload_model::{Catalog, Column, ColumnName, ForeignKey, OnDelete, Table, TableName};

use super::given::{KEYS, column, specs};
use crate::{Asked, Confidence, Fate, FieldDraft, Inferred, Observations, Schemas, Selected, infer};

const TYPES: [&str; 9] = ["integer", "text", "date", "timestamp", "uuid", "boolean", "decimal", "char(8)", "integer!"];
const WORDS: [&str; 24] = [
    "id", "office", "offices", "doc", "doctor", "name", "nm", "code", "cd", "first", "last", "date", "dt", "created",
    "crt", "at", "ts", "total", "amt", "patient", "is", "active", "parent", "x",
];

fn any_name() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(WORDS.as_slice()), 1..4).prop_map(|words| words.join("_"))
}

fn any_table() -> impl Strategy<Value = Table> {
    let columns = prop::collection::vec((any_name(), prop::sample::select(TYPES.as_slice())), 1..8);
    (any_name(), columns, 0..3_usize, any::<Option<prop::sample::Index>>(), any_name()).prop_map(
        |(name, columns, keys, reference, parent)| {
            let mut seen = BTreeSet::new();
            let columns: Vec<Column> = columns
                .into_iter()
                .filter(|(name, _)| seen.insert(name.clone()))
                .map(|(name, declared)| column(&name, declared))
                .collect();
            let names: Vec<ColumnName> = columns.iter().map(|column| column.name.clone()).collect();
            let key: Vec<ColumnName> = names.iter().take(keys).cloned().collect();
            let foreign_keys = reference.map(|at| ForeignKey {
                columns: vec![at.get(&names).clone()],
                table: TableName::parse(&parent).unwrap(),
                refers_to: Vec::new(),
                on_delete: OnDelete::Refused,
            });
            let columns = columns
                .into_iter()
                .map(|column| Column { nullable: column.nullable && !key.contains(&column.name), ..column })
                .collect();
            Table {
                name: TableName::parse(&name).unwrap(),
                columns,
                unique_keys: vec![key.clone()].into_iter().filter(|key| !key.is_empty()).collect(),
                primary_key: key,
                foreign_keys: foreign_keys.into_iter().collect(),
                side_effects: transload_model::SideEffects::default(),
            }
        },
    )
}

fn any_catalog() -> impl Strategy<Value = Catalog> {
    prop::collection::vec(any_table(), 0..7).prop_map(|tables| Catalog {
        tables: tables.into_iter().map(|table| (table.name.clone(), table)).collect(),
        ..Catalog::default()
    })
}

fn drafted(source: &Catalog, destination: &Catalog) -> Inferred {
    let (seen, selected) = (Observations::new(), Selected::default());
    infer(&Schemas::of(source, destination), &Asked { known: &[], keys: KEYS, seen: &seen, selected: &selected })
}

/// A schema of `tables` tables with plain names.
fn plain(tables: usize) -> Catalog {
    const NOUNS: [&str; 8] =
        ["customer", "invoice", "track", "warehouse", "employee", "shipment", "contract", "payment"];
    const COLUMNS: [(&str, &str); 9] = [
        ("street", "text"),
        ("city", "text"),
        ("phone", "text"),
        ("created_at", "timestamp"),
        ("due_on", "date"),
        ("total", "decimal"),
        ("is_open", "boolean"),
        ("weight", "decimal"),
        ("quantity", "integer"),
    ];
    let table = |at: usize| {
        let own = [("id", "integer!"), ("serial_no", "text"), ("remark", "text")]
            .into_iter()
            .map(|(name, declared)| column(name, declared));
        let shared = COLUMNS.iter().enumerate().filter(|(place, _)| !(place + at).is_multiple_of(3));
        let id = ColumnName::parse("id").unwrap();
        Table {
            name: TableName::parse(NOUNS[at]).unwrap(),
            columns: own.chain(shared.map(|(_, (name, declared))| column(name, declared))).collect(),
            primary_key: vec![id.clone()],
            unique_keys: vec![vec![id]],
            foreign_keys: Vec::new(),
            side_effects: transload_model::SideEffects::default(),
        }
    };
    Catalog { tables: (0..tables).map(table).map(|table| (table.name.clone(), table)).collect(), ..Catalog::default() }
}

/// A name as an old system, or a new one, may write it.
fn renamed(name: &str, how: u8) -> String {
    match how {
        0 => name.to_uppercase(),
        1 => name.split('_').map(|part| part[..1].to_uppercase() + &part[1..]).collect(),
        2 if name.ends_with("_at") => name.replace("_at", "_ts"),
        2 if name.ends_with("_on") => name.replace("_on", "_dt"),
        2 => name
            .replace("quantity", "qty")
            .replace("total", "total_amt")
            .replace("phone", "phone_no")
            .replace("city", "city_nm"),
        _ => name.replace('_', ""),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

    #[test]
    fn tables_and_columns_have_one_counterpart_at_most(source in any_catalog(), destination in any_catalog()) {
        let found = drafted(&source, &destination);

        let sources: BTreeSet<&TableName> = found.drafts.iter().map(|draft| &draft.source_table).collect();
        let destinations: BTreeSet<&TableName> = found.drafts.iter().map(|draft| &draft.destination_table).collect();
        prop_assert_eq!((sources.len(), destinations.len()), (found.drafts.len(), found.drafts.len()));
        prop_assert_eq!(found.drafts.len() + found.unpaired_sources.len(), source.tables.len());
        prop_assert_eq!(found.drafts.len() + found.unpaired_destinations.len(), destination.tables.len());
        for draft in &found.drafts {
            prop_assert!(draft.score >= Confidence::DRAFTED);
            let read: Vec<&ColumnName> = draft.fields.iter().flat_map(FieldDraft::sources).collect();
            prop_assert_eq!(read.iter().collect::<BTreeSet<_>>().len(), read.len(), "{:?}", draft);
            let filled: BTreeSet<&ColumnName> = draft.fields.iter().map(|field| &field.destination).collect();
            prop_assert_eq!(filled.len(), draft.fields.len());
            for field in draft.fields.iter().filter(|field| !matches!(field.fate, Fate::Left)) {
                prop_assert!(field.confidence >= Confidence::DRAFTED, "{:?}", field);
            }
            let accounted: BTreeSet<&ColumnName> = read.into_iter().chain(draft.key.source()).chain(&draft.unread).collect();
            prop_assert_eq!(accounted.len(), draft.columns.len());
        }
    }

    #[test]
    fn the_same_catalogs_give_the_same_drafts(source in any_catalog(), destination in any_catalog()) {
        prop_assert_eq!(specs(&drafted(&source, &destination)), specs(&drafted(&source, &destination)));
    }

    #[test]
    fn a_schema_goes_to_itself_whole(tables in 1..9_usize) {
        let schema = plain(tables);
        let found = drafted(&schema, &schema);
        prop_assert_eq!(found.drafts.len(), tables);
        for draft in &found.drafts {
            prop_assert_eq!(&draft.source_table, &draft.destination_table);
            prop_assert!(draft.fields.iter().all(|field| matches!(field.fate, Fate::Same(_))), "{:?}", draft);
        }
    }

    /// Each name is changed in one of the ways in which schemas are, some of the tables get a prefix, and nothing says what was what.
    #[test]
    fn a_renamed_schema_is_found_again(tables in 2..9_usize, ways in prop::collection::vec(0..4_u8, 100), has_prefix in any::<bool>()) {
        let schema = plain(tables);
        let mut ways = ways.into_iter().cycle();
        let mut renamings = 0;
        let prefix = if has_prefix { "app_" } else { "" };
        let old = schema.tables.values().map(|table| {
            let mut way = |name: &str| {
                let new = renamed(name, ways.next().unwrap_or(0));
                renamings += usize::from(new != name);
                new
            };
            let name = TableName::parse(&format!("{prefix}{}", way(table.name.as_str()))).unwrap();
            let columns: Vec<Column> = table.columns.iter().map(|column| {
                let name = ColumnName::parse(&way(column.name.as_str())).unwrap();
                Column { name, ..column.clone() }
            }).collect();
            let key = vec![columns[0].name.clone()];
            (name.clone(), Table { name, columns, primary_key: key.clone(), unique_keys: vec![key], ..table.clone() })
        });
        let old = Catalog { tables: old.collect(), ..Catalog::default() };

        let found = drafted(&old, &schema);

        prop_assert_eq!(found.drafts.len(), tables, "{} renamings", renamings);
        let (mut right, mut all) = (0, 0);
        for draft in &found.drafts {
            let (from, to) = (&old.tables[&draft.source_table], &schema.tables[&draft.destination_table]);
            let at = |columns: &[Column], name: &ColumnName| columns.iter().position(|column| column.name == *name);
            for field in &draft.fields {
                all += 1;
                let is_right = field.sources().first().is_some_and(|name| at(&from.columns, name) == at(&to.columns, &field.destination));
                right += usize::from(is_right);
            }
        }
        prop_assert!(right * 100 >= all * 95, "{right} of {all} columns after {renamings} renamings");
    }
}
