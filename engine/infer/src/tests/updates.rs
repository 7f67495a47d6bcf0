//! Lines that are added to specs, and everything that stays as it is.

use std::collections::BTreeSet;

use transload_model::{ColumnName, EntityName, TableName};

use super::given::inferred_beside;
use crate::{FieldDraft, KeyDraft, Known, Mappings, Style, added};

fn names(names: &[&str]) -> BTreeSet<ColumnName> {
    names.iter().map(|name| ColumnName::parse(name).unwrap()).collect()
}

/// What a spec of shops that fills `name` could fill besides.
fn fields() -> Vec<FieldDraft> {
    let known = Known {
        entity: EntityName::parse("shops").unwrap(),
        source_table: TableName::parse("shop").unwrap(),
        destination_table: TableName::parse("shops").unwrap(),
        is_active: true,
        settled: names(&["name"]),
        used: names(&["nm", "secret"]),
        key: KeyDraft::Kept(vec![(ColumnName::parse("no").unwrap(), ColumnName::parse("id").unwrap())]),
        parents: BTreeSet::new(),
    };
    let found = inferred_beside(
        "shop: no integer! pk, nm text, secret text, crt_ts timestamp, state_cd text",
        "shops: id integer! pk, name text, secret text, created_at timestamp, state text, rating integer!",
        &[known],
    );
    assert!(found.drafts.is_empty(), "a spec that there is was drafted again");
    let [addition] = found.additions.as_slice() else { panic!("{found:?}") };
    addition.fields.clone()
}

fn block(text: &str, last: &str, style: Style) -> Mappings {
    let start = text.find(last).unwrap();
    let next = text[start..].find("\nnext:").map_or(text.len(), |at| start + at + 1);
    let line = text[..start].rfind('\n').unwrap() + 1;
    Mappings::Block { style, indent: start - line, last: start..next }
}

#[test]
fn new_lines_go_behind_the_last_one_and_nothing_else_moves() {
    let lines =
        "  created_at: crt_ts\n  state: state_cd # TODO(infer): 0.70, a code there: does it need a `value_map`?\n";
    for (before, after) in [
        ("field_mappings:\n  name: nm # the name\n", ""),
        ("field_mappings:\n  name: nm # the name\n  # one more\n", "\n# what follows\nnext: 1\n"),
        ("field_mappings:\n  name:\n    source_field: nm\n\n    is_required: true\n", "\n\n"),
        ("field_mappings:\n  name: nm\n", "# further out\nnext: 1\n"),
    ] {
        let text = format!("{before}{after}");
        let (new, columns) = added(&text, &block(&text, "name:", Style::Map), &fields()).unwrap();
        assert_eq!(new, format!("{before}{lines}{after}"));
        assert_eq!(columns.len(), 2);
    }
}

#[test]
fn lists_and_other_line_ends_keep_their_form() {
    let text = "field_mappings:\r\n- { source_field: nm, destination_field: name }\r\nnext: 1\r\n";
    let (new, _) = added(text, &block(text, "- {", Style::List), &fields()[1..3]).unwrap();
    assert_eq!(
        new,
        "field_mappings:\r\n- { source_field: nm, destination_field: name }\r\n\
         - { source_field: crt_ts, destination_field: created_at }\r\n\
         - { source_field: state_cd, destination_field: state } # TODO(infer): 0.70, a code there: does it need a `value_map`?\r\n\
         next: 1\r\n"
    );
}

#[test]
fn a_last_line_without_an_end_stays_without() {
    let text = "field_mappings:\n  name: nm";
    let (new, _) = added(text, &block(text, "name:", Style::Map), &fields()[1..2]).unwrap();
    assert_eq!(new, "field_mappings:\n  name: nm\n  created_at: crt_ts");
}

#[test]
fn a_spec_without_mappings_gets_some() {
    let text = "auto_map: true # all\n\nnext: 1\n";
    let (new, _) = added(text, &Mappings::None { last: 0..text.find("next").unwrap() }, &fields()[1..2]).unwrap();
    assert_eq!(new, "auto_map: true # all\n\nfield_mappings:\n  created_at: crt_ts\n\nnext: 1\n");
}

#[test]
fn what_was_commented_out_is_not_written_again() {
    for comment in [
        "  # created_at: crt_ts\n  #state: x\n",
        "# created_at: no\n# \"state\": no\n",
        "# - { source_field: crt_ts, destination_field: created_at }\n# state: TODO(infer)\n",
    ] {
        let text = format!("field_mappings:\n  name: nm\n{comment}");
        assert_eq!(added(&text, &block(&text, "name:", Style::Map), &fields()), None, "{comment}");
    }
    // A comment that only speaks of it is none.
    let text = "field_mappings:\n  name: nm # created_at is later\n";
    assert!(added(text, &block(text, "name:", Style::Map), &fields()).is_some());
}

#[test]
fn where_nothing_is_new_nothing_is_written() {
    let text = "field_mappings:\n  name: nm\n";
    assert_eq!(added(text, &block(text, "name:", Style::Map), &[]), None);
    let left: Vec<FieldDraft> = fields().into_iter().filter(FieldDraft::is_unfilled).collect();
    assert_eq!(left.len(), 1);
    assert_eq!(added(text, &block(text, "name:", Style::Map), &left), None);
}
