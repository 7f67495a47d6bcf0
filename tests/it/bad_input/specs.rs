//! Specs (table A of the fault catalogue): refused before any work, or read as they are meant.

use std::collections::BTreeMap;

use super::{document, excesses, first_problem, measured, report, words};
use crate::refusals::library;
use crate::schemas::complaints;
use crate::world::World;

struct Case {
    id: &'static str,
    what: &'static str,
    make: fn(&World),
    /// Number and word; empty where the spec is good.
    code: &'static str,
    /// `path:line:column`.
    place: &'static str,
    /// A part of what the problem says.
    says: &'static str,
}

const SPEC: &str = "specs/books.yaml";

fn replace(world: &World, from: &str, to: &str) {
    world.replace(SPEC, from, to);
}

fn append(world: &World, text: &str) {
    world.write(SPEC, &(world.read(SPEC) + text));
}

/// One more line before `field_mappings`, which is line 6.
fn insert(world: &World, line: &str) {
    replace(world, "field_mappings:", &format!("{line}\nfield_mappings:"));
}

fn bytes(world: &World, bytes: &[u8]) {
    std::fs::write(world.file(SPEC), bytes).unwrap();
}

/// A constant in place of a column, which is written in line 7, column 28.
fn constant(world: &World, value: &str) {
    replace(world, "title: { transformation: [trimmed, upper] }", &format!("title: {{ default_value: {value} }}"));
}

fn batch_size(world: &World, value: &str) {
    insert(world, &format!("load: {{ batch_size: {value} }}"));
}

fn pattern(world: &World, pattern: &str) {
    let rule = "  - { field_name: title, rule_type: format, rule_parameters: { pattern: PATTERN } }";
    append(world, &format!("validation_rules:\n{}\n", rule.replace("PATTERN", &format!("'{pattern}'"))));
}

macro_rules! case {
    ($id:literal, $what:literal, $make:expr, $code:literal, $place:literal, $says:literal) => {
        Case { id: concat!($id, " ", $what), what: $what, make: $make, code: $code, place: $place, says: $says }
    };
    ($id:literal, $what:literal, $make:expr) => {
        case!($id, $what, $make, "", "", "")
    };
}

/// Cases that only `validate` refuses: no schema says how a value is written, what a pattern means, or that nothing is mapped.
const BEYOND_SCHEMAS: &[&str] = &[
    "a constant of 40 digits",
    "hexadecimal as a constant",
    "octal as a constant",
    "leading zeros as a constant",
    "an empty list of mappings",
    "a format without a year",
];

const READING: &[Case] = &[
    case!(
        "A01",
        "an empty file",
        |world| world.write(SPEC, ""),
        "TL0102 SPEC_EMPTY",
        "specs/books.yaml:1:1",
        "rite the spec"
    ),
    case!(
        "A01",
        "only a comment",
        |world| world.write(SPEC, "# soon\n"),
        "TL0102 SPEC_EMPTY",
        "specs/books.yaml:2:1",
        "holds no document"
    ),
    case!(
        "A02",
        "a second document",
        |world| append(world, "---\na: 1\n"),
        "TL0103 SPEC_MULTI_DOC",
        "specs/books.yaml:9:1",
        "a file of its own"
    ),
    case!(
        "A03",
        "a tab",
        |world| replace(world, "  title", "\ttitle"),
        "TL0101 SPEC_SYNTAX",
        "specs/books.yaml:7:1",
        "use spaces"
    ),
    case!("A04", "a byte-order mark", |world| world.write(SPEC, &format!("\u{feff}{}", world.read(SPEC)))),
    case!(
        "A05",
        "Latin-1",
        |world| bytes(world, b"entity_type: b\xFCcher\n"),
        "TL0112 SPEC_ENCODING",
        "specs/books.yaml:1:15",
        "byte 14 is 0xFC"
    ),
    case!(
        "A05",
        "UTF-16",
        |world| bytes(world, b"\xFF\xFEe\0n\0"),
        "TL0112 SPEC_ENCODING",
        "specs/books.yaml:1:1",
        "it looks like UTF-16"
    ),
    case!(
        "A06",
        "a key twice",
        |world| insert(world, "version: \"2\""),
        "TL0104 SPEC_DUPLICATE_KEY",
        "specs/books.yaml:6:1",
        "the first one"
    ),
    case!(
        "A07",
        "billions of laughs",
        |world| bytes(world, laughs(9).as_bytes()),
        "TL0110 SPEC_LIMIT",
        "specs/books.yaml:5:42",
        "expands to more than 16777216 bytes"
    ),
    case!("A07", "a few laughs", |world| append(world, &laughs(3))),
    case!(
        "A08",
        "a large text repeated",
        |world| bytes(world, large_alias().as_bytes()),
        "TL0110 SPEC_LIMIT",
        "specs/books.yaml:2:131",
        "expands to more than 16777216 bytes"
    ),
    case!(
        "A08",
        "a file too large",
        |world| bytes(world, "# long\n".repeat(150_000).as_bytes()),
        "TL0110 SPEC_LIMIT",
        "specs/books.yaml:1:1",
        "more than 1048576 bytes"
    ),
    case!(
        "A09",
        "an alias in itself",
        |world| append(world, "x-a: &a [*a]\n"),
        "TL0110 SPEC_LIMIT",
        "specs/books.yaml:9:10",
        "it would repeat itself for ever"
    ),
    case!(
        "A10",
        "10,000 lists in lists",
        |world| append(world, &format!("x-deep: {}\n", "[".repeat(10_000))),
        "TL0110 SPEC_LIMIT",
        "specs/books.yaml:9:264",
        "nests more than 64 deep"
    ),
    case!(
        "A10",
        "1,000 maps in maps",
        |world| append(world, &stairs(1_000)),
        "TL0110 SPEC_LIMIT",
        "specs/books.yaml:72:64",
        "nests more than 64 deep"
    ),
    case!(
        "A11",
        "a merge key",
        |world| insert(world, "<<: { a: 1 }"),
        "TL0111 SPEC_TAG",
        "specs/books.yaml:6:1",
        "merge key `<<`"
    ),
    case!(
        "A12",
        "a key misspelt",
        |world| replace(world, "field_mappings", "feild_mappings"),
        "TL0105 SPEC_UNKNOWN_FIELD",
        "specs/books.yaml:6:1",
        "did you mean `field_mappings`?"
    ),
    case!(
        "A13",
        "yes as a boolean",
        |world| insert(world, "is_active: yes"),
        "TL0106 SPEC_TYPE",
        "specs/books.yaml:6:12",
        "only `true` and `false` are booleans"
    ),
    case!("A13", "NO as a text", |world| constant(world, "NO")),
    case!(
        "A14",
        "a version without quotes",
        |world| replace(world, "\"1\"", "1.10"),
        "TL0106 SPEC_TYPE",
        "specs/books.yaml:5:10",
        "put it in quotes"
    ),
    case!(
        "A15",
        "an integer of 40 digits",
        |world| batch_size(world, &"9".repeat(40)),
        "TL0108 SPEC_VALUE",
        "specs/books.yaml:6:21",
        "an integer from 1 to 1000000"
    ),
    case!(
        "A15",
        "a constant of 40 digits",
        |world| constant(world, &"9".repeat(40)),
        "TL0108 SPEC_VALUE",
        "specs/books.yaml:7:27",
        "more than 64 bits"
    ),
    case!(
        "A16",
        "zero",
        |world| batch_size(world, "0"),
        "TL0108 SPEC_VALUE",
        "specs/books.yaml:6:21",
        "an integer from 1 to 1000000"
    ),
    case!(
        "A16",
        "less than zero",
        |world| batch_size(world, "-1"),
        "TL0108 SPEC_VALUE",
        "specs/books.yaml:6:21",
        "an integer from 1 to 1000000"
    ),
    case!(
        "A16",
        "a billion",
        |world| batch_size(world, "1000000000"),
        "TL0108 SPEC_VALUE",
        "specs/books.yaml:6:21",
        "an integer from 1 to 1000000"
    ),
    case!(
        "A16",
        "infinity",
        |world| batch_size(world, ".inf"),
        "TL0108 SPEC_VALUE",
        "specs/books.yaml:6:21",
        "an integer from 1 to 1000000"
    ),
    case!(
        "A16",
        "no number",
        |world| batch_size(world, ".nan"),
        "TL0108 SPEC_VALUE",
        "specs/books.yaml:6:21",
        "an integer from 1 to 1000000"
    ),
    case!("A17", "hexadecimal where a number is read", |world| batch_size(world, "0x1F")),
    case!(
        "A17",
        "hexadecimal as a constant",
        |world| constant(world, "0x1F"),
        "TL0108 SPEC_VALUE",
        "specs/books.yaml:7:27",
        "put it in quotes"
    ),
    case!(
        "A17",
        "octal as a constant",
        |world| constant(world, "0o17"),
        "TL0108 SPEC_VALUE",
        "specs/books.yaml:7:27",
        "put it in quotes"
    ),
    case!(
        "A17",
        "leading zeros as a constant",
        |world| constant(world, "007"),
        "TL0108 SPEC_VALUE",
        "specs/books.yaml:7:27",
        "put it in quotes"
    ),
    case!(
        "A17",
        "an underscore in a number",
        |world| batch_size(world, "1_000"),
        "TL0106 SPEC_TYPE",
        "specs/books.yaml:6:21",
        "takes an integer"
    ),
    case!(
        "A18",
        "a tag of Python's",
        |world| constant(world, "!!python/object x"),
        "TL0111 SPEC_TAG",
        "specs/books.yaml:7:27",
        "write the value plainly"
    ),
    case!(
        "A18",
        "a tag of one's own",
        |world| constant(world, "!env HOME"),
        "TL0111 SPEC_TAG",
        "specs/books.yaml:7:27",
        "write the value plainly"
    ),
    case!(
        "A19",
        "nothing where something is required",
        |world| replace(world, "source_table: old_books", "source_table:"),
        "TL0107 SPEC_REQUIRED",
        "specs/books.yaml:3:1",
        "`source_table`"
    ),
    case!(
        "A19",
        "an empty list of mappings",
        |world| replace(
            world,
            "field_mappings:\n  title: { transformation: [trimmed, upper] }\n  shelf_id: { source_field: shelf, references: shelves }",
            "field_mappings: []"
        ),
        "TL0107 SPEC_REQUIRED",
        "specs/books.yaml:6:1",
        "`field_mappings`"
    ),
];

const MEANING: &[Case] = &[
    case!(
        "A20",
        "two that wait for each other",
        |world| world.replace("specs/shelves.yaml", "field_mappings:", "depends_on: [books]\nfield_mappings:"),
        "TL0205 SPEC_CYCLE",
        "specs/books.yaml:8:48",
        "books → shelves → books is a cycle"
    ),
    case!(
        "A20",
        "one that waits for itself",
        |world| insert(world, "depends_on: [books]"),
        "TL0205 SPEC_CYCLE",
        "specs/books.yaml:6:14",
        "`books` waits for itself here"
    ),
    case!(
        "A21",
        "an entity that is not there",
        |world| replace(world, "references: shelves", "references: shelfs"),
        "TL0201 SPEC_UNKNOWN_ENTITY",
        "specs/books.yaml:8:48",
        "did you mean `shelves`?"
    ),
    case!(
        "A21",
        "two entities of one name",
        |world| replace(world, "entity_type: books", "entity_type: Shelves"),
        "TL0202 SPEC_DUPLICATE_ENTITY",
        "specs/shelves.yaml:2:14",
        "the first one"
    ),
    case!(
        "A22",
        "two mappings of one column",
        |world| replace(
            world,
            "field_mappings:\n  title: { transformation: [trimmed, upper] }\n  shelf_id: { source_field: shelf, references: shelves }",
            "field_mappings:\n  - { source_field: title, destination_field: title }\n  - { source_field: shelf, destination_field: shelf_id, references: shelves }\n  - { source_field: shelf, destination_field: title }"
        ),
        "TL0207 SPEC_CONFLICT",
        "specs/books.yaml:9:47",
        "the first mapping"
    ),
    case!(
        "A22",
        "two entities for one table",
        |world| world.write("specs/more.yaml", &world.read(SPEC).replace("entity_type: books", "entity_type: more")),
        "TL0202 SPEC_DUPLICATE_ENTITY",
        "specs/more.yaml:4:20",
        "the first one"
    ),
    case!(
        "A23",
        "a quote in a name",
        |world| replace(world, "source_field: shelf", "source_field: 'sh\"; drop table old_books; --'"),
        "TL0203 UNKNOWN_COLUMN",
        "specs/books.yaml:8:29",
        "does not exist"
    ),
    case!(
        "A23",
        "a line break in a name",
        |world| replace(world, "source_field: shelf", "source_field: \"sh\\nelf\""),
        "TL0108 SPEC_VALUE",
        "specs/books.yaml:8:29",
        "it contains '\\n'"
    ),
    case!(
        "A23",
        "a NUL in a name",
        |world| replace(world, "source_field: shelf", "source_field: \"sh\\0elf\""),
        "TL0108 SPEC_VALUE",
        "specs/books.yaml:8:29",
        "it contains '\\0'"
    ),
    case!(
        "A23",
        "a NUL in the file",
        |world| bytes(world, b"entity_type: bo\0ks\n"),
        "TL0101 SPEC_SYNTAX",
        "specs/books.yaml:1:16",
        "is not YAML"
    ),
    case!(
        "A24",
        "no key",
        |world| {
            world
                .source()
                .execute("alter table old_books rename to keyed; create table old_books as select * from keyed");
        },
        "TL0303 SPEC_KEY",
        "specs/books.yaml:3:15",
        "key: { source"
    ),
    case!(
        "A24",
        "a key that is not mapped",
        |world| insert(world, "key: { strategy: keep, source: title, destination: [title, shelf_id] }"),
        "TL0303 SPEC_KEY",
        "specs/books.yaml:9:29",
        "key column `shelf_id` depends on `shelf`"
    ),
    case!(
        "A24",
        "append_only, which is not built",
        |world| insert(world, "append_only: true"),
        "TL0109 NOT_BUILT",
        "specs/books.yaml:6:1",
        "`append_only`"
    ),
    case!(
        "A25",
        "a password in a spec",
        |world| insert(world, "password: hunter2"),
        "TL0113 SPEC_INLINE_SECRET",
        "specs/books.yaml:6:1",
        "${NAME}"
    ),
    case!(
        "A25",
        "a token inside of a part",
        |world| batch_size(world, "5, api_token: hunter2"),
        "TL0113 SPEC_INLINE_SECRET",
        "specs/books.yaml:6:24",
        "${NAME}"
    ),
    case!(
        "A26",
        "a schema from elsewhere",
        |world| append(
            world,
            "validation_rules:\n  - { field_name: title, rule_type: json_schema, rule_parameters: { schema: { $ref: 'http://169.254.169.254/' } } }\n"
        ),
        "TL0307 RULE_PARAMETER",
        "specs/books.yaml:10:50",
        "no JSON Schema"
    ),
    case!(
        "A26",
        "a schema from a file of the machine",
        |world| append(
            world,
            "validation_rules:\n  - { field_name: title, rule_type: json_schema, rule_parameters: { schema: { $ref: 'file:///etc/passwd' } } }\n"
        ),
        "TL0307 RULE_PARAMETER",
        "specs/books.yaml:10:50",
        "no JSON Schema"
    ),
    case!("A27", "a pattern that others need ages for", |world| pattern(world, "(a+)+$")),
    case!(
        "A27",
        "a pattern that is too large once compiled",
        |world| pattern(world, "x{1000}{1000}"),
        "TL0307 RULE_PARAMETER",
        "specs/books.yaml:10:45",
        "size limit"
    ),
    case!(
        "A27",
        "a pattern of 900 KB",
        |world| pattern(world, &"(a|b)".repeat(180_000)),
        "TL0307 RULE_PARAMETER",
        "specs/books.yaml:10:45",
        "the limit is 16384"
    ),
    case!(
        "A27",
        "a pattern that is none",
        |world| pattern(world, "(["),
        "TL0307 RULE_PARAMETER",
        "specs/books.yaml:10:45",
        "is not a regular expression"
    ),
    case!(
        "A28",
        "a duration as a limit",
        |world| insert(world, "deletes: { mode: hard, max: 5 minuts }"),
        "TL0108 SPEC_VALUE",
        "specs/books.yaml:6:29",
        "a count such as 50, or 0% to 100%"
    ),
    case!(
        "A28",
        "a format without a year",
        |world| replace(world, "{ transformation: [trimmed, upper] }", "{ data_type: date, format: '%d/%m' }"),
        "TL0108 SPEC_VALUE",
        "specs/books.yaml:7:37",
        "%Y-%m-%d"
    ),
    case!(
        "A28",
        "a time zone, which is not built",
        |world| insert(world, "timezone: Europe/Atlantis"),
        "TL0109 NOT_BUILT",
        "specs/books.yaml:6:1",
        "`timezone`"
    ),
    case!(
        "A30",
        "5,000 columns that are not there",
        |world| append(world, &(0..5_000).map(|number| format!("  titel_{number}: title\n")).collect::<String>()),
        "TL0203 UNKNOWN_COLUMN",
        "specs/books.yaml:9:3",
        "does not exist"
    ),
];

/// Notes, each of which is ten times the one before it.
fn laughs(levels: usize) -> String {
    let ten = |item: &str| [item; 10].join(", ");
    let names = ["a", "b", "c", "d", "e", "f", "g", "h", "i"];
    let mut text = format!("x-a: &a [{}]\n", ten("x"));
    for pair in names.windows(2).take(levels - 1) {
        text += &*format!("x-{}: &{} [{}]\n", pair[1], pair[1], ten(&format!("*{}", pair[0])));
    }
    text
}

fn large_alias() -> String {
    format!("x-a: &a {}\nx-b: [{}]\n", "x".repeat(500_000), "*a, ".repeat(100_000))
}

fn stairs(steps: usize) -> String {
    (0..steps).map(|step| format!("{}x-{step}:\n", " ".repeat(step))).collect()
}

/// What is wrong with the answer to a case.
fn answer(case: &Case, world: &World, told: &crate::world::Ended) -> Vec<String> {
    let document = document(told);
    let (code, place) = first_problem(&document);
    let (wanted, exit) = if case.code.is_empty() { ("- -", 0) } else { (case.code, 1) };
    let said = words(&document["problems"][0]);
    let mut wrong = Vec::new();
    if (code.as_str(), place.as_str(), told.code) != (wanted, case.place, exit) || !said.contains(case.says) {
        wrong.push(format!("exit {} {code} {place}: {}", told.code, said.chars().take(500).collect::<String>()));
    }
    let for_people = world.transload(&["validate"]);
    if for_people.code != exit || for_people.stderr.contains("panicked") {
        wrong.push(format!("for people: exit {}, {}", for_people.code, for_people.stderr));
    }
    let shown = [&told.stdout, &told.stderr, &for_people.stdout, &for_people.stderr];
    if shown.iter().any(|text| text.contains("hunter2")) {
        wrong.push(format!("a secret is shown: {}", for_people.stdout));
    }
    wrong
}

/// What is wrong with what the JSON Schema says to a case: it refuses what the language does not have, save what a schema cannot see.
fn schema(case: &Case, world: &World) -> Vec<String> {
    let is_of_language =
        ["TL0105", "TL0106", "TL0107", "TL0108", "TL0109", "TL0113"].iter().any(|code| case.code.starts_with(code));
    let is_refused = !complaints(world.path()).is_empty();
    if is_of_language && is_refused == BEYOND_SCHEMAS.contains(&case.what) {
        vec![format!("the schema refuses it: {is_refused}")]
    } else {
        Vec::new()
    }
}

fn check(cases: &'static [Case]) {
    let (_, sound) = measured(&library(1), &["validate", "--format", "json"]);
    let mut wrong = BTreeMap::new();
    for case in cases {
        let world = library(1);
        (case.make)(&world);
        let (told, cost) = measured(&world, &["validate", "--format", "json"]);
        println!("{}: {:.2} s, {:.0} MiB more", case.id, cost.seconds, cost.mib - sound.mib);
        wrong.insert(
            case.id,
            [excesses(&told, cost, sound), answer(case, &world, &told), schema(case, &world)].concat(),
        );
        assert!(!world.file("data/platform.db").exists(), "{}: a destination was made", case.what);
    }
    report(&wrong);
}

#[test]
fn what_cannot_be_read_is_refused_at_its_place() {
    check(READING);
}

#[test]
fn what_cannot_be_meant_is_refused_at_its_place() {
    check(MEANING);
}
