//! Scripts: what is found before a row, and what a row can make of them (table B of the fault catalogue).

use serde_json::json;
use transload_model::{Code, ScriptProblem, Vocabulary as _};

use super::given::{Given, functions};

/// What is wrong with a script that may read two columns.
pub(crate) fn problems(body: &str) -> Vec<ScriptProblem> {
    functions().check_script(body, &["first_nm", "last_nm"]).err().unwrap_or_default()
}

/// The one problem of a script: code, place, headline and help.
pub(crate) fn problem(body: &str) -> String {
    let problems = problems(body);
    assert_eq!(problems.len(), 1, "{body}: {problems:#?}");
    let ScriptProblem { code, headline, line, column, help, .. } = &problems[0];
    let place = format!("{}:{}", line.unwrap_or(0), column.unwrap_or(0));
    format!("{} {place} {headline} | {}", code.info().word, help.as_deref().unwrap_or("-"))
}

/// What a script gives for one text.
pub(crate) fn run(body: &str, value: Option<&str>) -> String {
    let mut entity = Given::reading(&[("id", "text")]).field("field", &[0], "text").script(body).compiled();
    let batch = entity.batch(&[&[value]]);
    let done = entity.entity.transform(&batch, &[]);
    match done.faults.first() {
        Some(fault) => format!("{}: {}", fault.code.info().word, fault.message),
        None => {
            super::given::texts(&done.columns[0], super::given::logical("text"))[0].clone().unwrap_or("NULL".to_owned())
        }
    }
}

/// The same, but of a failure only its code.
pub(crate) fn word(body: &str) -> String {
    let outcome = run(body, Some("a"));
    outcome.split(':').next().unwrap_or_default().to_owned()
}

#[test]
fn b08_what_no_field_can_take_is_refused() {
    assert_eq!(run("[1]", None), "SCRIPT_RESULT_TYPE: the script gave an array, which no field can take");
    assert_eq!(run("#{a: 1}", None), "SCRIPT_RESULT_TYPE: the script gave a map, which no field can take");
    assert_eq!(run("|x| x", None), "SCRIPT_RESULT_TYPE: the script gave a function, which no field can take");
    assert_eq!(
        run("0..3", None),
        "SCRIPT_RESULT_TYPE: the script gave a value of another type, which no field can take"
    );
    assert_eq!(run("()", Some("a")), "NULL");
    assert_eq!(run("", Some("a")), "NULL");
    assert_eq!(run("return;", Some("a")), "NULL");
    assert_eq!(run("'x'", None), "x");
    assert_eq!(run("1.5", None), "1.5");
    assert_eq!(run("parse_decimal(\"1.50\")", None), "1.50");
    assert_eq!(run("let x = value; let f = || x; f.call()", Some("a")), "a");
}

#[test]
fn b09_names_that_are_not_there_are_found_with_their_place() {
    assert_eq!(
        problem("let x = 1;\n  row.first_mn"),
        "SCRIPT_UNKNOWN_FIELD 2:7 the source has no column `first_mn` | `first_nm` is near"
    );
    assert_eq!(
        problem("row[\"zzz\"]"),
        "SCRIPT_UNKNOWN_FIELD 1:5 the source has no column `zzz` | the source has first_nm, last_nm"
    );
    assert_eq!(
        problem("valeu"),
        "SCRIPT_UNKNOWN_NAME 1:1 a script does not know the variable `valeu` | `value` is near"
    );
    assert_eq!(problem("trimed(value)"), "SCRIPT_UNKNOWN_NAME 1:1 there is no function `trimed` | `trimmed` is near");
    assert_eq!(problem("value.trimed()"), "SCRIPT_UNKNOWN_NAME 1:7 there is no function `trimed` | `trimmed` is near");
    assert_eq!(
        problem("if false { nope_at_all(1) }"),
        "SCRIPT_UNKNOWN_NAME 1:12 there is no function `nope_at_all` | -"
    );
    assert_eq!(
        problem("Fn(\"trimed\").call(value)"),
        "SCRIPT_UNKNOWN_NAME 1:4 there is no function `trimed` | `trimmed` is near"
    );
    assert_eq!(
        problem("trimmed(value, 1)"),
        "SCRIPT_UNKNOWN_NAME 1:1 the function `trimmed` does not take 2 values | it takes 1, the value before a point included"
    );
    assert_eq!(problem("[1].map(|x| xyzzy_quux(x))"), "SCRIPT_UNKNOWN_NAME 1:13 there is no function `xyzzy_quux` | -");
    assert_eq!(
        problem("fn f(x) { vars.y } f(1)"),
        "SCRIPT_UNKNOWN_NAME 1:11 the function `f` does not see `vars` | pass it: `fn f(…, vars)`"
    );
}

#[test]
fn variables_that_are_read_by_name_are_told_with_their_places() {
    let vars = |body: &str| functions().check_script(body, &[]).map(|check| check.vars);
    let read = |name: &str, line, column| (name.to_owned(), line, column);
    assert_eq!(vars("vars.prefix + vars[\"two\"]"), Ok(vec![read("prefix", 1, 6), read("two", 1, 20)]));
    assert_eq!(
        vars("let a = \n  vars?.prefix.len(); [1].map(|x| vars.one)"),
        Ok(vec![read("prefix", 2, 9), read("one", 2, 40)])
    );
    // What is not named cannot be told.
    assert_eq!(vars("vars.keys().len() + vars[\"a\" + value]"), Ok(Vec::new()));
}

#[test]
fn b09_row_is_only_asked_for_columns_by_name() {
    let columns = |body: &str| functions().check_script(body, &["first_nm", "last_nm"]).map(|check| check.columns);
    assert_eq!(columns("row.first_nm"), Ok(vec!["first_nm".to_owned()]));
    assert_eq!(
        columns("row[\"last_nm\"].len() + row.first_nm.len()"),
        Ok(vec!["last_nm".to_owned(), "first_nm".to_owned()])
    );
    assert_eq!(columns("row.first_nm[0]"), Ok(vec!["first_nm".to_owned()]));
    assert_eq!(columns("row?.first_nm"), Ok(vec!["first_nm".to_owned()]));
    assert_eq!(columns("row[\"first_nm\"][0..2]"), Ok(vec!["first_nm".to_owned()]));
    assert_eq!(
        columns("`${row.first_nm} ${row.last_nm}${row.first_nm}`"),
        Ok(vec!["first_nm".to_owned(), "last_nm".to_owned()])
    );
    assert_eq!(columns("[1].map(|x| row.last_nm)"), Ok(vec!["last_nm".to_owned()]));
    assert_eq!(columns("[[1]].map(|x| x.map(|y| row.last_nm + y))"), Ok(vec!["last_nm".to_owned()]));
    assert_eq!(columns("if row.first_nm == () { return; } trimmed(row.first_nm)"), Ok(vec!["first_nm".to_owned()]));
    assert_eq!(columns("value"), Ok(vec![]));
    for body in [
        "row",
        "row[value]",
        "row[`${value}`]",
        "row.keys()",
        "trimmed(row)",
        "let r = row; r.first_nm",
        "[row]",
        "row[\"first\" + \"_nm\"]",
        "for x in row {}",
        "row[row.first_nm]",
        "row.len",
        "\"first_nm\" in row",
    ] {
        assert!(
            problems(body).iter().all(|problem| problem.code == Code::ScriptUnknownColumn),
            "{body}: {:#?}",
            problems(body)
        );
        assert!(!problems(body).is_empty(), "{body}");
    }
    assert_eq!(
        problem("row"),
        "SCRIPT_UNKNOWN_FIELD 1:1 `row` can only be asked for a column by its literal name | read a column as `row.name` or `row[\"name\"]`"
    );
}

#[test]
fn b10_what_is_given_is_not_hidden() {
    for body in [
        "let row = 1; 1",
        "const vars = 1; 1",
        "for env in [1] {}",
        "for (x, now) in [1] {}",
        "fn trimmed(x) { x } 1",
        "fn us_phone(x) { x } 1",
        "fn to_upper(x) { x } 1",
        "fn f(row) { 1 } 1",
    ] {
        assert!(problem(body).starts_with("SCRIPT_SHADOW"), "{body}: {}", problem(body));
    }
    assert_eq!(problem("vars = 1;"), "SCRIPT_FORBIDDEN 1:1 a script cannot change `vars` | -");
    assert_eq!(problem("vars.limit += 1; value"), "SCRIPT_FORBIDDEN 1:1 a script cannot change `vars` | -");
    assert_eq!(problem("row[\"first_nm\"][0] = 'x'; value"), "SCRIPT_FORBIDDEN 1:1 a script cannot change `row` | -");
    for body in ["vars.clear(); value", "vars.remove(\"limit\"); value"] {
        let mut entity = Given::reading(&[("id", "text")]).field("field", &[0], "text").script(body).compiled();
        let (_, faults) = entity.run(&[&[Some("a"), Some("b")]]);
        assert_eq!(faults, ["0 field transform SCRIPT_FAILED", "1 field transform SCRIPT_FAILED"], "{body}");
    }
    assert_eq!(run("let value = trimmed(value); fn own(x) { x + 1 } value + own(1)", Some(" a ")), "a2");
}

#[test]
fn b12_decimals_stay_decimals() {
    let mut entity = Given::reading(&[("id", "decimal(10,2)"), ("other", "decimal(10,2)")])
        .field("field", &[0, 1], "decimal(12,3)")
        .script("value[0] + value[1] * 2")
        .compiled();
    let (texts, faults) = entity.run(&[&[Some("0.10"), Some("1.05")], &[Some("0.10"), Some("99999999.99")]]);
    assert_eq!((texts[0].clone(), faults), (vec![Some("0.300".to_owned()), Some("200000001.030".to_owned())], vec![]));
    let mut entity =
        Given::reading(&[("id", "decimal(38,2)")]).field("field", &[0], "decimal(38,2)").script("value").compiled();
    let (texts, faults) =
        entity.run(&[&[Some("123456789012345678901234567890.12"), Some("1234567890123456789012345.12")]]);
    assert_eq!(faults, ["0 field transform VALUE_RANGE"]);
    assert_eq!(texts[0][1].as_deref(), Some("1234567890123456789012345.12"));
}

#[test]
fn b13_a_thrown_text_does_not_hold_the_row() {
    assert_eq!(run("throw \"no good\"", Some("a")), "SCRIPT_THROWN: no good");
    assert_eq!(run("throw `cannot read ${value}`", Some("Lovelace")), "SCRIPT_THROWN: cannot read ‹value›");
    assert_eq!(
        run("throw `cannot read ${upper(trimmed(value))}!`", Some(" Lovelace ")),
        "SCRIPT_THROWN: cannot read ‹value›!"
    );
    assert_eq!(run("throw `${value.len()} characters`", Some("ab")), "SCRIPT_THROWN: 2 characters");
    assert_eq!(run("throw 7", None), "SCRIPT_THROWN: the script threw an integer");
    assert_eq!(run("throw", None), "SCRIPT_THROWN: the script threw NULL");
    assert_eq!(
        run("us_phone(value)", Some("555-0142")),
        "SCRIPT_THROWN: a telephone number of 7 digits; 10 are expected"
    );
    assert_eq!(run(&format!("throw \"{}\"", "x".repeat(5_000)), None).len(), "SCRIPT_THROWN: ".len() + 300);
    assert_eq!(run("let r = \"\"; try { throw \"a\" } catch (e) { r = `${e} caught`; } r", None), "a caught");
    let mut entity = Given::reading(&[("id", "integer"), ("name", "text")])
        .field("field", &[0], "text")
        .script("throw `${value} ${row.name}`")
        .compiled();
    let done = entity.entity.transform(&entity.batch(&[&[Some("123456")], &[Some("Ada King")]]), &[]);
    assert_eq!(done.faults[0].message, "‹value› ‹value›");
    let mut entity = Given::reading(&[("id", "text")])
        .field("field", &[0], "text")
        .script("value + \"-suffix\"")
        .script("throw value")
        .compiled();
    let done = entity.entity.transform(&entity.batch(&[&[Some("Lovelace")]]), &[]);
    assert_eq!(done.faults[0].message, "‹value›");
}

#[test]
fn b13_no_run_time_error_holds_the_row() {
    for body in [
        "value.nope",
        "value[99]",
        "value()",
        "let m = #{}; m[value]",
        "value - 1",
        "parse_float(value)",
        "value.to_int()",
        "for x in 5 {}",
        "parse_date(value, \"%d\")",
        "parse_decimal(value, 99)",
        "to_int(value)",
        "parse_json(value)",
        "Fn(value).call()",
        "call(value)",
        "1.call()",
        "value.split(1.5)",
        "throw #{a: value}",
    ] {
        if !problems(body).is_empty() {
            continue;
        }
        let outcome = run(body, Some("lovelace"));
        assert!(outcome.starts_with("SCRIPT_") || outcome.starts_with("VALUE_"), "{body}: {outcome}");
        assert!(!outcome.contains("lovelace"), "{body}: {outcome}");
    }
    assert_eq!(run("\n\n value - 1", Some("lovelace")), "SCRIPT_FAILED: `-` does not take (text, integer) (line 3)");
    assert_eq!(run("vars.nope", None), "SCRIPT_FAILED: a key that the map does not have (line 1)");
}

#[test]
fn scripts_call_built_in_functions() {
    assert_eq!(
        run("trimmed(value) + lower(value) + upper(value) + title(value) + digits(value)", Some(" aB1 ")),
        "aB1 ab1  AB1  Ab1 1"
    );
    assert_eq!(run("value.trimmed()", Some(" a ")), "a");
    assert_eq!(run("trimmed(()) == () && to_int(()) == () && parse_date((), \"%Y\") == ()", None), "true");
    assert_eq!(run("parse_date(value, \"%d/%m/%Y\")", Some("01/10/2020")), "2020-10-01");
    assert_eq!(run("parse_date(value)", Some("2020-10-01")), "2020-10-01");
    assert_eq!(run("parse_date(value)", Some("")), "NULL");
    assert_eq!(
        run("parse_date(value, \"%d/%m/%Y\")", Some("lovelace")),
        "VALUE_FORMAT: text of 8 characters is not a date in the format `%d/%m/%Y` (line 1)"
    );
    assert_eq!(
        run("\nparse_date(value, \"%d\")", Some("a")),
        "SCRIPT_FAILED: `parse_date`: the argument `format` is wrong: `%d` does not make a whole date or timestamp (line 2)"
    );
    assert_eq!(run("parse_decimal(value) * 2", Some("1,234.50")), "2469.00");
    assert_eq!(run("parse_decimal(value, 4)", Some("1.2345")), "1.2345");
    assert_eq!(
        run("parse_decimal(value)", Some("1.2345")),
        "VALUE_RANGE: the number does not fit decimal(18,2) (line 1)"
    );
    assert_eq!(run("to_int(value) + 1", Some("41")), "42");
    assert_eq!(run("to_int(value)", Some("x")), "VALUE_FORMAT: text of 1 character is not an integer (line 1)");
    assert_eq!(run("let n = 0; try { n = to_int(value); } catch { n = -1; } n", Some("x")), "-1");
    assert_eq!(
        run("try { to_int(value) } catch (e) { throw e; }", Some("x")),
        "VALUE_FORMAT: text of 1 character is not an integer (line 1)"
    );
    assert_eq!(run("(parse_decimal(value) * 100).to_int()", Some("1,234.50")), "123450");
    assert_eq!(run("[\" a\", \"b \"].map(|t| trimmed(t)).reduce(|a, b| a + b, \"\")", None), "ab");
}

#[test]
fn a_chain_of_scripts_and_built_in_functions_keeps_types_apart() {
    let body = "switch value { \"1\" => 1, \"2\" => true, \"3\" => \" c \", \"4\" => 2.5, \"5\" => parse_decimal(\"7.50\"), _ => () }";
    let values: Vec<Option<&str>> = vec![Some("1"), Some("2"), Some("3"), Some("4"), Some("5"), Some("6"), None];
    let mut entity = Given::reading(&[("id", "text")])
        .field("plain", &[0], "text")
        .script(body)
        .field("mapped", &[0], "text")
        .script(body)
        .call("value_map", json!({ "map": { "1": "one", "true": "yes", "7.50": "much" }, "on_unmapped": "keep" }))
        .field("constant", &[0], "text")
        .script(body)
        .call("constant", json!({ "value": "x" }))
        .compiled();
    let (texts, faults) = entity.run(&[&values]);
    let lists: Vec<Vec<&str>> =
        texts.iter().map(|list| list.iter().map(|text| text.as_deref().unwrap_or("-")).collect()).collect();
    assert_eq!(lists[0], ["1", "true", " c ", "2.5", "7.50", "-", "-"]);
    assert_eq!(lists[1], ["one", "yes", " c ", "2.5", "much", "-", "-"]);
    assert_eq!(lists[2], ["x"; 7]);
    assert_eq!(faults, [""; 0]);
    let mut entity = Given::reading(&[("id", "text")])
        .field("trimmed", &[0], "text")
        .script(body)
        .call("trimmed", json!({}))
        .script("value.to_upper() + \"!\"")
        .compiled();
    let (texts, faults) = entity.run(&[&values]);
    let refused = |row| format!("{row} trimmed transform SCRIPT_RESULT_TYPE");
    assert_eq!(
        faults,
        [
            refused(0),
            refused(1),
            refused(3),
            refused(4),
            "5 trimmed transform SCRIPT_FAILED".to_owned(),
            "6 trimmed transform SCRIPT_FAILED".to_owned()
        ]
    );
    assert_eq!(texts[0][2].as_deref(), Some("C!"));
}
