//! Scripts (table B of the fault catalogue): refused when the spec is checked, or one row set aside while the next one is loaded.

use std::collections::BTreeMap;

use super::{document, excesses, first_problem, measured, report, words};
use crate::ends::Ends;
use crate::world::World;

/// The script is in line 9 and those that follow, from column 7.
const SPEC: &str = "entity_type: people
source_table: old_people
destination_table: people
version: \"1\"
field_mappings: { name: { source_field: nm, transformation: made } }
transformation_functions:
  - name: made
    function_body: |
      SCRIPT
";

/// Does what is bad to the first of two rows only.
const TO_ONE_ROW: &str = "if value == \"good\" { return value; }\n      ";

const SECRET: &str = "Quetzalcoatl";

enum Expected {
    /// Number and word, place, and a part of what is said.
    Refused(&'static str, &'static str, &'static str),
    /// The word, and the message.
    SetAside(&'static str, &'static str),
    /// What the first row gets.
    Loaded(&'static str),
}

use Expected::{Loaded, Refused, SetAside};

struct Case {
    id: &'static str,
    script: fn() -> String,
    expected: Expected,
}

macro_rules! case {
    ($id:literal, $script:literal, $expected:expr) => {
        case!($id, $script.to_owned(); $expected)
    };
    ($id:literal, $script:expr; $expected:expr) => {
        Case { id: $id, script: || $script, expected: $expected }
    };
}

const STEPS: &str = "the script takes more steps than a row may cost (line 2)";
const SIZE: &str = "the script makes a value that is too large (line 2)";
const TIME: &str = "the script takes more time than a row may cost (line 2)";
const DEPTH: &str = "the script's functions call one another too deep";
const NO_RESULT: &str =
    "arithmetic that has no result: an overflow, a division by zero or a text that is no number (line 2)";

const CASES: &[Case] = &[
    case!("B01 loop", "loop {}", SetAside("SCRIPT_LIMIT", STEPS)),
    case!("B01 while", "while true { }", SetAside("SCRIPT_LIMIT", STEPS)),
    case!("B01 a loop that catches", "try { loop {} } catch { 1 }", SetAside("SCRIPT_LIMIT", STEPS)),
    case!(
        "B01 long steps",
        "let s = \"\"; s.pad(1000000, 'x'); loop { s.to_upper(); }",
        SetAside("SCRIPT_LIMIT", TIME)
    ),
    case!("B02 recursion", "fn f(x) { f(x + 1) } f(1)", SetAside("SCRIPT_LIMIT", DEPTH)),
    case!("B02 recursion of two", "fn f(x) { g(x) } fn g(x) { f(x) } f(1)", SetAside("SCRIPT_LIMIT", DEPTH)),
    case!("B03 brackets", "(".repeat(10_000); Refused("TL0801 SCRIPT_PARSE", "specs/people.yaml:10:38", "exceeds maximum complexity")),
    case!("B03 a sum", format!("{}1", "1+".repeat(10_000)); Refused("TL0801 SCRIPT_PARSE", "specs/people.yaml:10:130", "exceeds maximum complexity")),
    case!("B03 blocks", "if true {".repeat(5_000); Refused("TL0801 SCRIPT_PARSE", "specs/people.yaml:10:196", "exceeds maximum complexity")),
    case!("B04 a text that doubles", "let x = \"ab\"; loop { x += x; }", SetAside("SCRIPT_LIMIT", SIZE)),
    case!("B04 a list that doubles", "let x = [1]; loop { x += x; }", SetAside("SCRIPT_LIMIT", SIZE)),
    case!(
        "B04 a map that grows",
        "let x = #{}; let i = 0; loop { i += 1; x[`${i}`] = i; }",
        SetAside("SCRIPT_LIMIT", "the script ")
    ),
    case!("B04 a billion characters", "let x = \"\"; x.pad(1000000000, 'a'); x", SetAside("SCRIPT_LIMIT", SIZE)),
    case!("B04 a billion items", "let x = []; x.pad(1000000000, 1); x", SetAside("SCRIPT_LIMIT", SIZE)),
    case!("B04 a list in a list in a list", "let x = [1]; loop { x = [x]; }", SetAside("SCRIPT_LIMIT", TIME)),
    case!("B04 a map in a map in a map", "let x = 1; loop { x = #{a: x}; }", SetAside("SCRIPT_LIMIT", TIME)),
    case!("B05 variables", (0..1_000).map(|i| format!("let v{i} = {i};\n      ")).collect(); SetAside("SCRIPT_LIMIT", "the script has too many variables")),
    case!("B05 functions", (0..1_000).map(|i| format!("fn f{i}(x) {{ x }}\n      ")).collect(); Refused("TL0801 SCRIPT_PARSE", "specs/people.yaml:266:7", "number of functions defined exceeds maximum limit")),
    case!(
        "B05 closures that hold one another",
        "let f = 0; loop { let g = f; f = || { g }; }",
        Refused("TL0805 SCRIPT_FORBIDDEN", "specs/people.yaml:10:40", "such as `map`")
    ),
    case!(
        "B06 import",
        "import \"x\" as y; 1",
        Refused("TL0805 SCRIPT_FORBIDDEN", "specs/people.yaml:10:7", "scripts may not call `import`")
    ),
    case!(
        "B06 eval",
        "eval(\"1\")",
        Refused("TL0805 SCRIPT_FORBIDDEN", "specs/people.yaml:10:7", "scripts may not call `eval`")
    ),
    case!("B06 eval in disguise", "Fn(\"ev\" + \"al\").call(\"1\")", SetAside("SCRIPT_FAILED", "a run-time error")),
    case!(
        "B07 time",
        "timestamp()",
        Refused("TL0805 SCRIPT_FORBIDDEN", "specs/people.yaml:10:7", "`now` is the run's start")
    ),
    case!(
        "B07 chance",
        "rand()",
        Refused("TL0802 SCRIPT_UNKNOWN_NAME", "specs/people.yaml:10:7", "there is no function `rand`")
    ),
    case!(
        "B07 output",
        "print(value)",
        Refused("TL0805 SCRIPT_FORBIDDEN", "specs/people.yaml:10:7", "scripts may not call `print`")
    ),
    case!(
        "B07 a map has an order",
        "let m = #{z: 1, a: 2, k: 3}; let t = \"\"; for k in m.keys() { t += k; } t",
        Loaded("akz")
    ),
    case!("B08 nothing", "()", Loaded("")),
    case!("B08 a list", "[1]", SetAside("SCRIPT_RESULT_TYPE", "the script gave an array, which no field can take")),
    case!("B08 a map", "#{a: 1}", SetAside("SCRIPT_RESULT_TYPE", "the script gave a map, which no field can take")),
    case!(
        "B09 a column misspelt",
        "row.nmae",
        Refused("TL0803 SCRIPT_UNKNOWN_FIELD", "specs/people.yaml:10:11", "`name` is near")
    ),
    case!(
        "B09 a variable misspelt",
        "valeu",
        Refused("TL0802 SCRIPT_UNKNOWN_NAME", "specs/people.yaml:10:7", "`value` is near")
    ),
    case!(
        "B10 another `row`",
        "let row = 1; row",
        Refused("TL0804 SCRIPT_SHADOW", "specs/people.yaml:10:7", "`row` is given")
    ),
    case!(
        "B10 another `trimmed`",
        "fn trimmed(x) { x } trimmed(value)",
        Refused("TL0804 SCRIPT_SHADOW", "specs/people.yaml:9:7", "`trimmed` is given")
    ),
    case!(
        "B10 a change of `row`",
        "row.name = \"x\"; 1",
        Refused("TL0805 SCRIPT_FORBIDDEN", "specs/people.yaml:10:7", "a script cannot change `row`")
    ),
    case!("B11 an overflow", "9223372036854775807 + value.len()", SetAside("SCRIPT_FAILED", NO_RESULT)),
    case!("B11 a division by zero", "1 / 0", SetAside("SCRIPT_FAILED", NO_RESULT)),
    case!("B11 the least number by -1", "(-9223372036854775807 - 1) / -1", SetAside("SCRIPT_FAILED", NO_RESULT)),
    case!("B13 a throw with the row's value", "throw \"no \" + value", SetAside("SCRIPT_THROWN", "no ‹value›")),
    case!(
        "B13 a throw with the row's value, in part",
        "throw \"no \" + value + \"!\"",
        SetAside("SCRIPT_THROWN", "no ‹value›!")
    ),
    case!(
        "B15 what a row leaves behind",
        "if is_def_var(\"left\") { \"left\" } else { let left = 1; \"clean\" }",
        Loaded("clean")
    ),
    case!("B16 5 MB", "x".repeat(900_000); Refused("TL0801 SCRIPT_PARSE", "specs/people.yaml:9:7", "the limit is 65536")),
    case!("B17 a result of 2 MB", "let x = value; x.pad(2000000, '-'); x", SetAside("SCRIPT_LIMIT", SIZE)),
];

fn world(script: &str) -> World {
    let schema = "create table people (id text primary key, name text);";
    let world = World::project(Ends::SqliteToSqlite, "", schema, &[("people", &SPEC.replace("SCRIPT", script))]);
    world.source().execute(&format!(
        "create table old_people (no integer primary key, nm text, name text);
         insert into old_people values (1, '{SECRET}', 'x'), (2, 'good', 'y')"
    ));
    world
}

/// What is wrong with how a case ended.
fn answer(case: &Case, world: &World, told: &crate::world::Ended) -> Vec<String> {
    let mut wrong = Vec::new();
    let document = document(told);
    if let Refused(code, place, says) = case.expected {
        let said = words(&document["problems"][0]);
        let found = first_problem(&document);
        if (found.0.as_str(), found.1.as_str(), told.code) != (code, place, 1) || !said.contains(says) {
            wrong.push(format!("exit {} {found:?}: {said}", told.code));
        }
        return wrong;
    }
    let platform = world.destination();
    let rows = platform.texts("select coalesce(name, '') from people order by name = 'good', name");
    let aside = platform.texts(&format!("select code || ': ' || message from {}", platform.ledger("quarantine")));
    let is_right = match case.expected {
        SetAside(word, message) => {
            rows == ["good"] && aside.len() == 1 && aside[0].starts_with(&format!("{word}: {message}"))
        }
        Loaded(text) => rows == [text, "good"] && aside.is_empty(),
        Refused(..) => false,
    };
    if !is_right || told.code != 0 {
        wrong.push(format!("exit {} {rows:?} {aside:?}", told.code));
    }
    // What the ledger, the screen and the files of the run say holds nothing of the row.
    let logs = world.path().join(".transload");
    let said = format!("{}{}{aside:?}{}", told.stdout, told.stderr, texts_below(&logs));
    if said.contains(SECRET) {
        wrong.push(format!("the row's value is shown: {said}"));
    }
    wrong
}

/// All files below a folder, as text.
fn texts_below(folder: &std::path::Path) -> String {
    let mut texts = String::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            texts += &texts_below(&path);
        } else {
            texts += &String::from_utf8_lossy(&std::fs::read(path).unwrap());
        }
    }
    texts
}

#[test]
fn a_bad_script_is_refused_or_costs_one_row() {
    let (_, sound) = measured(&world("value"), &["run", "--format", "json"]);
    let mut wrong = BTreeMap::new();
    for case in CASES {
        let world = world(&(TO_ONE_ROW.to_owned() + (case.script)().as_str()));
        let (told, cost) = measured(&world, &["run", "--format", "json"]);
        println!("{}: {:.2} s, {:.0} MiB more", case.id, cost.seconds, cost.mib - sound.mib);
        wrong.insert(case.id, [excesses(&told, cost, sound), answer(case, &world, &told)].concat());
    }
    report(&wrong);
}

#[test]
fn b12_floats_for_a_decimal_are_a_warning() {
    let world = world("0.1 + 0.2");
    world.replace("specs/people.yaml", "source_field: nm,", "source_field: nm, data_type: \"decimal(5,2)\",");

    let told = world.transload(&["validate", "--format", "json"]);

    let document = document(&told);
    let wanted = ("TL0806 SCRIPT_LINT".to_owned(), "specs/people.yaml:9:7".to_owned());
    assert_eq!((told.code, first_problem(&document)), (0, wanted), "{document}");
    assert_eq!(document["valid"], true);
}

#[test]
fn b16_a_library_that_is_no_text_is_refused() {
    for (bytes, code) in [(&b"fn f(x) { \"\xFF\" }"[..], "TL0112"), (&b"fn f(x) { \0 }"[..], "TL0801")] {
        let world = world("value");
        std::fs::create_dir_all(world.file("transforms")).unwrap();
        std::fs::write(world.file("transforms/own.rhai"), bytes).unwrap();

        let told = world.transload(&["validate", "--format", "json"]);

        assert_ne!(told.code, 0);
        assert!(told.stdout.contains(code), "{told:?}");
    }
}

#[test]
fn b17_a_row_that_is_too_large_is_set_aside() {
    let world = world("value");
    world.source().execute("update old_people set nm = hex(zeroblob(17 << 20)) where no = 1");

    world.run();

    assert_eq!(world.quarantine(), ["people 1 ROW_TOO_LARGE name"]);
    assert_eq!(world.destination().texts("select name from people"), ["good"]);
}

#[test]
fn b18_a_slow_script_is_told_with_what_it_costs() {
    let world = world("for i in 0..200000 { }\n      value");
    world.source().execute(
        "with recursive more (i) as (select 3 union all select i + 1 from more where i < 100)
         insert into old_people select i, 'more', 'z' from more",
    );

    let report = world.run();

    let warning = &report["warnings"][0];
    assert_eq!(warning["word"], "SCRIPT_SLOW", "{report}");
    assert!(warning["headline"].as_str().unwrap().starts_with("the scripts of `people` take "), "{warning}");
    assert!(words(warning).contains("a million rows take "), "{warning}");
    assert_eq!(world.destination().count("people"), 100);
}
