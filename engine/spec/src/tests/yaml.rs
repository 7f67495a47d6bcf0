//! Scalars on their way into a plan: what is written is what arrives, or it is refused.

use serde_json::{Value, json};

use super::kit::{changed, compiled, places, problems};

/// The constant that `status` gets.
fn constant(text: &str) -> Result<Value, Vec<String>> {
    let files = changed("specs/positions.yaml", "default_value: active", &format!("default_value: {text}"));
    let found = problems(&files);
    if !found.is_empty() {
        return Err(places(&found));
    }
    let plan = compiled(&files).plan.unwrap();
    let fields = plan.entities().iter().flat_map(|entity| &entity.fields);
    Ok(fields.filter(|field| field.destination.as_str() == "status").find_map(|field| field.default.clone()).unwrap())
}

#[test]
fn words_that_other_yaml_takes_for_booleans_are_text() {
    for word in ["no", "NO", "yes", "on", "off", "y", "1_000", "12:30", "2020-01-01"] {
        assert_eq!(constant(word), Ok(json!(word)));
    }
    assert_eq!(constant("TRUE"), Ok(json!(true)));
    assert_eq!(constant("\"true\""), Ok(json!("true")));
    assert_eq!(constant("!!str true"), Ok(json!("true")));
}

#[test]
fn numbers_arrive_as_they_are_written_or_not_at_all() {
    assert_eq!(constant("-5"), Ok(json!(-5)));
    assert_eq!(constant("0.10"), Ok(json!(0.1)));
    assert_eq!(constant("1e3"), Ok(json!(1000.0)));
    for text in ["+5", "007", "0x1F", "0o17", "18446744073709551616", "0.1234567890123456789", ".inf", ".nan"] {
        assert_eq!(constant(text), Err(vec!["TL0108 specs/positions.yaml:11:49".to_owned()]), "{text}");
        assert_eq!(constant(&format!("'{text}'")), Ok(json!(text)));
    }
}

#[test]
fn several_values_are_no_value() {
    for text in ["[1]", "{ a: 1 }"] {
        assert_eq!(constant(text), Err(vec!["TL0106 specs/positions.yaml:11:49".to_owned()]), "{text}");
    }
}
