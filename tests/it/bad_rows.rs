//! Bad rows of every kind among good ones: the quarantine holds exactly them, with the code that belongs to each, and the destination holds
//! exactly the others.
//!
//! Each kind has a column of its own, which is sound in all other rows, so a row that is bad is bad for one reason. Places are drawn from a
//! seed that is printed. What is expected is computed from the row's number by SQL, not by the engine's code.
//!
//! `TRANSLOAD_TEST_BAD_ROWS` says how many rows are bad, of a thousand times as many in all; 200 of 20,000 where it says nothing. The long proof:
//!
//! ```sh
//! TRANSLOAD_TEST_BAD_ROWS=1000 tests/run --release --test it bad_rows::
//! ```

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::ends::Ends;
use crate::world::{Random, World, counts};

/// How a kind is mended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mended {
    /// The spec does without the field; the destination holds NULL then.
    Left,
    /// The spec says otherwise; the destination holds this then.
    Spec(&'static str, &'static str),
    /// Something beside the row; the destination holds this then.
    Beside(&'static str),
    /// Nobody can.
    Never,
}

/// A kind of bad row, and the column that shows it.
struct Kind {
    /// The old column's type.
    old: &'static str,
    /// What it holds in row `i`, and in a bad one.
    good: &'static str,
    bad: &'static str,
    /// The rest of the field's mapping.
    field: &'static str,
    /// The new column's type, and its text in row `i`.
    new: &'static str,
    shown: &'static str,
    /// The field's rule, if it has one.
    rule: &'static str,
    code: &'static str,
    mended: Mended,
}

const PLAIN: Kind = Kind {
    old: "text",
    good: "'v' || i",
    bad: "",
    field: "",
    new: "text",
    shown: "'v' || i",
    rule: "",
    code: "",
    mended: Mended::Left,
};

const NUMBER: Kind = Kind { old: "integer", good: "i", new: "bigint", shown: "i", ..PLAIN };
const DAY: &str = "date('2000-01-01', (i % 9000) || ' days')";
const UUID: &str = "printf('00000000-0000-4000-8000-%012x', i)";
const DECIMAL: Kind = Kind { old: "decimal(10,2)", good: "printf('%d.25', i)", shown: "printf('%d.25', i)", ..PLAIN };
const TEXT_NUMBER: Kind = Kind { good: "'' || i", new: "bigint", shown: "i", ..PLAIN };

/// Text that a built-in type is made of.
const fn typed(good: &'static str, shown: &'static str, field: &'static str) -> Kind {
    Kind { good, shown, field, ..PLAIN }
}

/// What a rule judges.
const fn ruled(bad: &'static str, rule: &'static str, code: &'static str) -> Kind {
    Kind { bad, rule, code, ..PLAIN }
}

const KINDS: &[Kind] = &[
    // What the source's column does not promise.
    Kind { bad: "'abc'", code: "VALUE_TYPE", ..NUMBER },
    Kind { bad: "1.5", code: "VALUE_TYPE", ..NUMBER },
    Kind { bad: "x'01'", code: "VALUE_TYPE", ..NUMBER },
    Kind { bad: "x'01'", code: "VALUE_TYPE", ..PLAIN },
    Kind { bad: "cast(x'ff41' as text)", code: "VALUE_ENCODING", ..PLAIN },
    Kind {
        old: "boolean",
        good: "i % 2",
        bad: "'yes'",
        new: "boolean",
        shown: "iif(i % 2, 'true', 'false')",
        code: "VALUE_TYPE",
        ..PLAIN
    },
    Kind { old: "date", good: DAY, bad: "'1990-02-31'", shown: DAY, code: "VALUE_FORMAT", ..PLAIN },
    Kind { old: "date", good: DAY, bad: "x'01'", shown: DAY, code: "VALUE_TYPE", ..PLAIN },
    Kind {
        old: "datetime",
        good: "'2000-01-01 10:00:00'",
        bad: "'noon'",
        shown: "'2000-01-01T10:00:00'",
        code: "VALUE_FORMAT",
        ..PLAIN
    },
    Kind { bad: "'abc'", code: "VALUE_TYPE", ..DECIMAL },
    Kind { bad: "1.125", code: "VALUE_RANGE", ..DECIMAL },
    Kind { old: "uuid", good: UUID, bad: "'no uuid'", shown: UUID, code: "VALUE_FORMAT", ..PLAIN },
    // What a type cannot take.
    Kind { bad: "'12x'", code: "VALUE_FORMAT", ..TEXT_NUMBER },
    Kind { bad: "''", code: "VALUE_FORMAT", ..TEXT_NUMBER },
    Kind { bad: "'99999999999999999999'", code: "VALUE_RANGE", ..TEXT_NUMBER },
    Kind {
        bad: "'31.02.1990'",
        code: "VALUE_FORMAT",
        ..typed("'05.03.1990'", "'1990-03-05'", "data_type: date, format: \"%d.%m.%Y\"")
    },
    Kind { bad: "'12345.67'", code: "VALUE_RANGE", ..typed("'1.50'", "'1.50'", "data_type: \"decimal(6,2)\"") },
    Kind { bad: "'1,5'", code: "VALUE_FORMAT", ..typed("'1.50'", "'1.50'", "data_type: \"decimal(6,2)\"") },
    Kind { bad: "'xyz'", code: "VALUE_FORMAT", ..typed(UUID, UUID, "data_type: uuid") },
    Kind {
        bad: "'25:00'",
        code: "VALUE_FORMAT",
        ..typed("'2000-01-01T10:00:00'", "'2000-01-01T10:00:00'", "data_type: timestamp")
    },
    Kind { good: "'true'", bad: "'maybe'", new: "boolean", shown: "'true'", code: "VALUE_FORMAT", ..PLAIN },
    Kind {
        old: "datetime",
        good: "'2000-01-01 00:00:00'",
        bad: "'2000-01-01 10:00:00'",
        field: "data_type: date",
        shown: "'2000-01-01'",
        code: "VALUE_RANGE",
        ..PLAIN
    },
    Kind { old: "real", good: "i + 0.0", bad: "0.5", new: "bigint", shown: "i", code: "VALUE_RANGE", ..PLAIN },
    // What functions and scripts do not take.
    Kind {
        good: "'m'",
        bad: "'x'",
        field: "value_map: { m: male, f: female }",
        shown: "'male'",
        code: "VALUE_UNMAPPED",
        ..PLAIN
    },
    Kind {
        good: "'1,234.50'",
        bad: "'much'",
        field: "transformation: parse_decimal",
        shown: "'1234.50'",
        code: "VALUE_FORMAT",
        ..PLAIN
    },
    Kind {
        good: "'1990/03/05'",
        bad: "'1990/99/05'",
        field: "transformation: [{ parse_date: { format: \"%Y/%m/%d\" } }]",
        shown: "'1990-03-05'",
        code: "VALUE_FORMAT",
        ..PLAIN
    },
    Kind {
        good: "'' || i",
        bad: "'many'",
        field: "transformation: to_int",
        new: "bigint",
        shown: "i",
        code: "VALUE_FORMAT",
        ..PLAIN
    },
    Kind {
        bad: "'no'",
        field: "expression: 'if value == \"no\" { throw \"refused\" } value'",
        code: "SCRIPT_THROWN",
        ..PLAIN
    },
    Kind { bad: "0", field: "expression: '1 / value * 0 + value'", code: "SCRIPT_FAILED", ..NUMBER },
    Kind { bad: "0", field: "expression: 'if value == 0 { loop { } } value'", code: "SCRIPT_LIMIT", ..NUMBER },
    Kind {
        bad: "0",
        field: "expression: 'if value == 0 { [1] } else { value }'",
        code: "SCRIPT_RESULT_TYPE",
        ..NUMBER
    },
    // What is asked of values.
    Kind { bad: "null", field: "is_required: true", code: "REQUIRED_MISSING", ..PLAIN },
    ruled("''", "required", "RULE_REQUIRED"),
    ruled("'w7'", "format, rule_parameters: { pattern: \"^v[0-9]+$\" }", "RULE_FORMAT"),
    Kind { bad: "-1", rule: "range, rule_parameters: { min: 1 }", code: "RULE_RANGE", ..NUMBER },
    ruled("'v123456789'", "length, rule_parameters: { max: 9 }", "RULE_LENGTH"),
    Kind { good: "'a'", shown: "'a'", ..ruled("'c'", "enum, rule_parameters: { values: [a, b] }", "RULE_ENUM") },
    Kind {
        good: "'{\"a\":1}'",
        shown: "'{\"a\":1}'",
        ..ruled(
            "'{\"a\":true}'",
            "json_schema, rule_parameters: { schema: { properties: { a: { type: integer } } } }",
            "RULE_JSON_SCHEMA",
        )
    },
    ruled("'v'", "expression, rule_parameters: { expression: 'value.len() > 1' }", "RULE_EXPRESSION"),
    ruled("'v1'", "unique, rule_parameters: { scope: destination }", "RULE_UNIQUE"),
    Kind {
        good: "'fr'",
        shown: "'fr'",
        mended: Mended::Beside("zz"),
        ..ruled("'zz'", "foreign_key, rule_parameters: { table: countries, column: code }", "RULE_FOREIGN_KEY")
    },
    // What is not there, or what the destination does not take.
    Kind {
        good: "i % 5 + 1",
        shown: "i % 5 + 1",
        bad: "77",
        field: "references: owners",
        code: "PARENT_MISSING",
        mended: Mended::Beside("77"),
        ..NUMBER
    },
    Kind { new: "text check (length(@) > 1)", bad: "'v'", code: "CONSTRAINT_CHECK", ..PLAIN },
    Kind { new: "text unique", bad: "'v1'", code: "CONSTRAINT_UNIQUE", ..PLAIN },
    Kind {
        new: "text not null",
        bad: "null",
        field: "is_required: false",
        code: "CONSTRAINT_NOT_NULL",
        mended: Mended::Spec("is_required: false", "default_value: none"),
        ..PLAIN
    },
    Kind {
        good: "'at'",
        shown: "'at'",
        new: "text references countries (code)",
        bad: "'yy'",
        code: "CONSTRAINT_FOREIGN_KEY",
        mended: Mended::Beside("yy"),
        ..PLAIN
    },
    Kind { bad: "'trap'", code: "CONSTRAINT_OTHER", mended: Mended::Beside("trap"), ..PLAIN },
    // No key, no row.
    Kind { code: "KEY_NULL", mended: Mended::Never, ..PLAIN },
];

fn column(kind: usize) -> String {
    format!("f{kind:02}")
}

fn of_kinds(text: impl Fn(usize, &Kind) -> String, between: &str) -> String {
    KINDS.iter().enumerate().map(|(at, kind)| text(at, kind)).collect::<Vec<_>>().join(between)
}

fn spec() -> String {
    let field = |at: usize, kind: &Kind| {
        let more = if kind.field.is_empty() { String::new() } else { format!(", {}", kind.field) };
        format!("  {0}: {{ source_field: {0}{more} }}\n", column(at))
    };
    let rule = |at: usize, kind: &Kind| match kind.rule {
        "" => String::new(),
        rule => format!("  - {{ field_name: {}, rule_type: {rule} }}\n", column(at)),
    };
    format!(
        "entity_type: items\nsource_table: items\ndestination_table: items\nversion: \"1\"\n\
         key: {{ source: no, destination: no, strategy: keep }}\nload: {{ max_errors: 50%, streams: 1 }}\n\
         field_mappings:\n{}validation_rules:\n{}",
        of_kinds(field, ""),
        of_kinds(rule, "")
    )
}

const OWNERS: &str = "entity_type: owners
source_table: owners
destination_table: owners
version: \"1\"
key: { source: no, destination: no, strategy: keep }
field_mappings: { name: name }
";

/// What takes no row with a trap in it.
fn trap(ends: Ends) -> String {
    let trapped = KINDS.iter().position(|kind| kind.code == "CONSTRAINT_OTHER").unwrap();
    let name = column(trapped);
    if ends.is_to_postgres() {
        format!(
            "create function trap() returns trigger language plpgsql as
             $$ begin if new.{name} = 'trap' then raise 'a trap'; end if; return new; end $$;
             create trigger trap before insert on items for each row execute function trap();"
        )
    } else {
        format!(
            "create trigger trap before insert on items when new.{name} = 'trap' begin select raise(abort, 'a trap'); end;"
        )
    }
}

fn schema(ends: Ends) -> String {
    let columns = of_kinds(|at, kind| format!("{} {}", column(at), kind.new.replace('@', &column(at))), ", ");
    format!(
        "create table countries (code text primary key); insert into countries values ('fr'), ('at');
         create table owners (no bigint primary key, name text);
         create table items (no bigint primary key, {columns});\n{}",
        trap(ends)
    )
}

/// Bad rows by their number, each of one kind.
fn planted(rows: u64, bad: u64, random: &mut Random) -> BTreeMap<u64, usize> {
    let mut planted = BTreeMap::new();
    let mut kind = 0;
    while (planted.len() as u64) < bad {
        // The first row holds what others may not hold as well.
        let place = random.below(rows - 1) + 2;
        if let std::collections::btree_map::Entry::Vacant(free) = planted.entry(place) {
            free.insert(kind % KINDS.len());
            kind += 1;
        }
    }
    planted
}

fn fill(world: &World, rows: u64, planted: &BTreeMap<u64, usize>) {
    let columns = of_kinds(|at, kind| format!("{} {}", column(at), kind.old), ", ");
    let values = of_kinds(|_, kind| kind.good.to_owned(), ", ");
    let mut sql = format!(
        "create table owners (no integer primary key, name text);
         insert into owners values (1, 'a'), (2, 'b'), (3, 'c'), (4, 'd'), (5, 'e');
         create table items (no integer, {columns});
         with recursive n (i) as (select 1 union all select i + 1 from n where i < {rows})
         insert into items select i, {values} from n;
         create index by_number on items (no); begin;"
    );
    for (number, kind) in planted {
        let set = match KINDS[*kind].mended {
            Mended::Never => "no = null".to_owned(),
            _ => format!("{} = {}", column(*kind), KINDS[*kind].bad),
        };
        sql += &format!("update items set {set} where no = {number};\n");
    }
    world.source().execute(&(sql + "commit"));
}

/// What the quarantine holds where these rows are bad, sorted as text.
fn listed<'a>(bad: impl Iterator<Item = (&'a u64, &'a usize)>) -> Vec<String> {
    let line = |(number, kind): (&u64, &usize)| match KINDS[*kind].mended {
        Mended::Never => format!("items NULL {}", KINDS[*kind].code),
        _ => format!("items {number} {}", KINDS[*kind].code),
    };
    let mut lines: Vec<String> = bad.map(line).collect();
    lines.sort_unstable();
    lines
}

fn held(world: &World) -> Vec<String> {
    let mut lines: Vec<String> =
        world.quarantine().iter().map(|line| line.rsplit_once(' ').unwrap().0.to_owned()).collect();
    lines.sort_unstable();
    lines
}

/// A row as a text, its columns one behind the other.
const BETWEEN: &str = " || '|' || ";

fn arrived(world: &World) -> Vec<String> {
    let shown = |at: usize, kind: &Kind| {
        let name = column(at);
        match kind.new {
            "boolean" => format!("case when {name} then 'true' when not {name} then 'false' else '-' end"),
            _ => format!("coalesce(cast({name} as text), '-')"),
        }
    };
    world.destination().texts(&format!("select no || '|' || {} from items order by no", of_kinds(shown, BETWEEN)))
}

/// What must be there: each row that is not bad, and those that were mended.
fn expected(rows: u64, planted: &BTreeMap<u64, usize>, is_mended: impl Fn(Mended) -> bool) -> Vec<String> {
    let sql = format!(
        "with recursive n (i) as (select 1 union all select i + 1 from n where i < {rows})
         select i || '|' || {} from n",
        of_kinds(|_, kind| format!("({})", kind.shown), BETWEEN)
    );
    let all = rusqlite::Connection::open_in_memory().unwrap();
    let mut all = all.prepare(&sql).unwrap();
    let all = all.query_map([], |row| row.get::<_, String>(0)).unwrap();
    let line = |(at, line): (usize, rusqlite::Result<String>)| {
        let line = line.unwrap();
        let Some(kind) = planted.get(&(at as u64 + 1)) else { return Some(line) };
        let mended = KINDS[*kind].mended;
        let now = match mended {
            Mended::Left => "-",
            Mended::Spec(_, _) => "none",
            Mended::Beside(now) => now,
            Mended::Never => return None,
        };
        let mut cells: Vec<&str> = line.split('|').collect();
        if !matches!(mended, Mended::Beside(_)) {
            // It came by a spec that does without all of these.
            let left = KINDS.iter().enumerate().filter(|(_, kind)| kind.mended == Mended::Left);
            left.for_each(|(at, _)| cells[at + 1] = "-");
        }
        cells[*kind + 1] = now;
        is_mended(mended).then(|| cells.join("|"))
    };
    all.enumerate().filter_map(line).collect()
}

fn assert_same(found: &[String], wanted: &[String], what: &str) {
    let (seen, asked): (BTreeSet<&String>, BTreeSet<&String>) = (found.iter().collect(), wanted.iter().collect());
    let more: Vec<_> = seen.difference(&asked).take(5).collect();
    let less: Vec<_> = asked.difference(&seen).take(5).collect();
    assert!(more.is_empty() && less.is_empty(), "{what}: not expected {more:#?}\nmissing {less:#?}");
    assert_eq!(found.len(), wanted.len(), "{what}");
}

fn retried(world: &World) -> Value {
    let ended = world.transload(&["quarantine", "retry", "items", "--format", "json"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    serde_json::from_str(&ended.stdout).unwrap()
}

/// Does what can be done beside the rows.
fn mend_beside(world: &World, ends: Ends) {
    let dropped = if ends.is_to_postgres() { "drop trigger trap on items" } else { "drop trigger trap" };
    world.destination().execute(&format!("insert into countries values ('zz'), ('yy'); {dropped}"));
    world.source().execute("insert into owners values (77, 'late')");
}

/// Takes the fields out of the spec that rows fail at.
fn mend_spec(world: &World) {
    let mut spec = spec();
    for (at, kind) in KINDS.iter().enumerate() {
        match kind.mended {
            Mended::Left => {
                let is_of_it = |line: &&str| {
                    line.contains(&format!("{}: ", column(at))) || line.contains(&format!(": {},", column(at)))
                };
                spec = spec.lines().filter(|line| !is_of_it(line)).map(|line| format!("{line}\n")).collect();
            }
            Mended::Spec(from, to) => {
                assert!(spec.contains(from), "the spec has no {from}");
                spec = spec.replace(from, to);
            }
            Mended::Beside(_) | Mended::Never => {}
        }
    }
    world.write("specs/items.yaml", &spec);
}

fn bad_rows_are_set_aside_with_their_codes_and_mended_by_retry(ends: Ends) {
    let bad: Option<u64> = std::env::var("TRANSLOAD_TEST_BAD_ROWS").ok().map(|count| count.parse().expect("a number"));
    let (rows, bad) = bad.map_or((20_000, 200), |bad| (bad * 1_000, bad));
    assert!(KINDS.len() >= 40 && bad >= KINDS.len() as u64);
    let mut random = Random::of_seed(20_261_122);
    let planted = planted(rows, bad, &mut random);
    let world = World::project(ends, "", &schema(ends), &[("owners", OWNERS), ("items", &spec())]);
    fill(&world, rows, &planted);

    let ended = world.transload(&["run", "--format", "json"]);
    assert_eq!(ended.code, 0, "{:?} {}", world.quarantine().iter().take(5).collect::<Vec<_>>(), ended.stderr);
    let report: Value = serde_json::from_str(&ended.stdout).unwrap();

    assert_same(&held(&world), &listed(planted.iter()), "the quarantine");
    assert_same(&arrived(&world), &expected(rows, &planted, |_| false), "the destination");
    let counted = counts(&report, "items");
    assert_eq!(
        (&counted["read"], &counted["new"], &counted["quarantined"]),
        (&rows.into(), &(rows - bad).into(), &bad.into())
    );

    mend_beside(&world, ends);
    let report = retried(&world);
    let is_beside = |mended: Mended| matches!(mended, Mended::Beside(_));
    let left = || planted.iter().filter(|(_, kind)| !is_beside(KINDS[**kind].mended));
    assert_same(&held(&world), &listed(left()), "the quarantine, mended beside the rows");
    assert_eq!(counts(&report, "items")["new"], planted.len() - left().count());

    mend_spec(&world);
    retried(&world);
    let left = planted.iter().filter(|(_, kind)| KINDS[**kind].mended == Mended::Never);
    assert_same(&held(&world), &listed(left), "the quarantine, mended in the spec");
    assert_same(
        &arrived(&world),
        &expected(rows, &planted, |mended| mended != Mended::Never),
        "the destination, mended",
    );
}

crate::ends::for_pair!(sqlite_to_sqlite, SqliteToSqlite, bad_rows_are_set_aside_with_their_codes_and_mended_by_retry);
crate::ends::for_pair!(
    sqlite_to_postgres,
    SqliteToPostgres,
    bad_rows_are_set_aside_with_their_codes_and_mended_by_retry
);
