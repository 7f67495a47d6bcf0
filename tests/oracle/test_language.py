"""What the oracle expects of the language, page by page of docs/language.md; the expected values are written by hand."""

import unittest
from decimal import Decimal

import auto_map
import conversions
import functions
import sqlite_end
import values
from faults import Fault, OracleError
from world import World


def outcome(compute):
    """A value, or the code of the fault."""
    try:
        return compute()
    except Fault as fault:
        return fault.code


class Functions(unittest.TestCase):
    """The built-in functions."""

    CASES = [
        ("trimmed", "\u2003 Zoé\t\n", {}, "Zoé"),
        ("trimmed", "\x1cx", {}, "\x1cx"),
        ("lower", "ÅSA@X", {}, "åsa@x"),
        ("upper", "straße", {}, "STRASSE"),
        ("title", "SÃO JOÃO d'el-rei 2nd", {}, "São João D'El-Rei 2Nd"),
        ("digits", "(212) 555-0142 ٣", {}, "2125550142"),
        ("concat", ["a", None, "", 7, "b"], {}, "a 7 b"),
        ("concat", ["a", "b"], {"separator": ""}, "ab"),
        ("concat", [None, ""], {}, None),
        ("coalesce", [None, "", "b"], {}, ""),
        ("parse_date", "31/01/2026", {"format": "%d/%m/%Y"}, values.parse_date("2026-01-31")),
        ("parse_date", "", {}, None),
        ("parse_date", "2026-02-30", {}, "VALUE_FORMAT"),
        ("parse_decimal", "1,234.5", {}, Decimal("1234.50")),
        ("parse_decimal", "1 234", {"separator": " ", "scale": 0}, Decimal("1234")),
        ("parse_decimal", "1.005", {}, "VALUE_RANGE"),
        ("parse_decimal", "x", {}, "VALUE_FORMAT"),
        ("to_int", "-07", {}, -7),
        ("to_int", "", {}, None),
        ("to_int", Decimal("7.00"), {}, 7),
        ("to_int", 7.5, {}, "VALUE_RANGE"),
        ("value_map", 1, {"map": {"1": "one"}}, "one"),
        ("value_map", "2", {"map": {"1": "one"}}, "VALUE_UNMAPPED"),
        ("value_map", "2", {"map": {"1": "one"}, "on_unmapped": "keep"}, "2"),
        ("value_map", "2", {"map": {"1": "one"}, "on_unmapped": "null"}, None),
        ("constant", None, {"value": 5}, 5),
    ]

    def test_cases(self):
        for name, value, arguments, expected in self.CASES:
            with self.subTest(name=name, value=value):
                self.assertEqual(outcome(lambda: functions.BUILT_IN[name](value, arguments)), expected)

    def test_uuid_v5_of_the_dns_example(self):
        arguments = {"namespace": "6ba7b810-9dad-11d1-80b4-00c04fd430c8", "prefix": "www."}
        self.assertEqual(str(functions.uuid_v5("example.com", arguments)), "2ed6657d-e927-568b-95e1-2665a8aea6a2")


class Values(unittest.TestCase):
    """Canonical texts, reading and conversions."""

    def test_canonical_texts(self):
        cases = [
            (-5, "-5"), (Decimal("1.50"), "1.50"), (True, "true"), (0.1, "0.1"), (2.0, "2"), ("x", "x"), (float("nan"), "NaN"),
            (values.parse_moment("2031-03-04T10:05:30.250Z"), "2031-03-04T10:05:30.25Z"),
            (values.parse_timestamp("2031-03-04 10:05:30.250"), "2031-03-04T10:05:30.25"),
            (values.parse_timestamp("2031-03-04 10:05:30"), "2031-03-04T10:05:30"),
            (values.parse_moment("2031-03-04 10:05:30.250Z"), "2031-03-04T10:05:30.25Z"),
            (values.parse_uuid("E293314B-98D4-575F-81A1-1B6D3BDB3234"), "e293314b-98d4-575f-81a1-1b6d3bdb3234"),
        ]
        for value, text in cases:
            self.assertEqual(values.canonical(value), text)

    def test_cells_by_declared_type(self):
        cases = [
            ("INTEGER", 5, "integer", 5), ("INTEGER", b"x", "text", "VALUE_TYPE"),
            ("NUMERIC(10,2)", 0.99, "real", Decimal("0.99")), ("NUMERIC(10,2)", 5, "integer", Decimal("5.00")),
            ("NUMERIC(10,2)", 0.999, "real", "VALUE_RANGE"), ("NUMERIC(4,2)", 100, "integer", "VALUE_RANGE"),
            ("DECIMAL(10,2)", b"x", "text", "VALUE_TYPE"), ("DATE", b"2031-02-29", "text", "VALUE_FORMAT"),
            ("DATETIME", b"2031-02-28", "text", "VALUE_FORMAT"), ("DATE", 20310228, "integer", "VALUE_TYPE"),
            ("BOOLEAN", 1, "integer", True), ("BOOLEAN", 2, "integer", "VALUE_RANGE"), ("BLOB", b"\x00", "blob", b"\x00"),
            ("NVARCHAR(20)", b"\xff", "text", "VALUE_ENCODING"), ("NVARCHAR(20)", b"x", "blob", "VALUE_TYPE"), ("TEXT", None, "null", None),
        ]
        for declared, cell, storage_class, expected in cases:
            with self.subTest(declared=declared, cell=cell):
                found = outcome(lambda: sqlite_end.read(cell, storage_class, sqlite_end.declared_type(declared)))
                self.assertEqual((type(found), str(found)), (type(expected), str(expected)))

    def test_conversions(self):
        timestamp = values.parse_timestamp
        cases = [
            ("12", "integer", 12), (" 12", "integer", "VALUE_FORMAT"), ("", "integer", "VALUE_FORMAT"),
            ("9223372036854775808", "integer", "VALUE_RANGE"), (1.5, "integer", "VALUE_RANGE"), (True, "integer", 1),
            ("true", "boolean", True), ("TRUE", "boolean", "VALUE_FORMAT"), (2, "boolean", "VALUE_RANGE"),
            ("1.5", "decimal(4,2)", Decimal("1.50")), ("1.505", "decimal(4,2)", "VALUE_RANGE"), (0.1, "decimal(4,2)", Decimal("0.10")),
            (2**53 + 1, "float", "VALUE_RANGE"), (timestamp("2031-01-01 00:00:00"), "date", values.parse_date("2031-01-01")),
            (timestamp("2031-01-01 00:00:01"), "date", "VALUE_RANGE"),
            (values.parse_date("2031-01-01"), "timestamp", timestamp("2031-01-01 00:00:00")),
            ("2031-01-01T10:00:00Z", "timestamptz", values.parse_moment("2031-01-01 10:00:00Z")),
            ("2031-01-01T10:00:00", "timestamptz", "VALUE_FORMAT"), ("2031-01-01T10:00:00+00:00", "timestamptz", "VALUE_FORMAT"),
            (values.parse_moment("2031-01-01T10:00:00.5Z"), "text", "2031-01-01T10:00:00.5Z"),
            ("2031-01-01T00:00:00Z", "timestamptz", values.parse_moment("2031-01-01T00:00:00Z")),
            ("2031-01-01T00:00:00", "timestamptz", "VALUE_FORMAT"), (Decimal("1E+999"), "decimal(38,9)", "VALUE_RANGE"),
            ("x", "uuid", "VALUE_FORMAT"), (Decimal("0.50"), "text", "0.50"), (b"\xff", "text", "VALUE_ENCODING"),
        ]
        for value, to, expected in cases:
            with self.subTest(value=value, to=to):
                self.assertEqual(str(outcome(lambda: conversions.convert(value, values.parse_type(to)))), str(expected))

    def test_what_no_row_can_convert_is_the_specs_mistake(self):
        moment, timestamp = values.parse_moment("2031-01-01T00:00:00Z"), values.parse_timestamp("2031-01-01T00:00:00")
        pairs = [(5, values.DATE), (moment, values.DATE), (moment, values.TIMESTAMP), (timestamp, values.TIMESTAMPTZ)]
        for value, to in pairs:
            with self.subTest(value=value, to=to), self.assertRaises(OracleError):
                conversions.convert(value, to)


class Language(World):
    """Whole specs."""

    def rows(self, entity, *names):
        found = self.expected()[entity].rows
        return sorted((tuple(row[name] for name in names) for row in found), key=repr)

    def quarantine(self, entity):
        return {(key, code, field) for _, key, code, field in self.expected()[entity].quarantine}

    def test_the_order_within_a_field(self):
        self.spec("a", """
field_mappings:
  kind: { source_field: k, transformation: [trimmed], value_map: { x: ex, gone: null }, on_unmapped: default, default_value: none }
  day: { source_field: d, format: "%d/%m/%Y" }
  always: { default_value: 7 }
  named: {}
""")
        self.legacy("create table old_a (id integer primary key, k text, d date, named text);"
                    "insert into old_a values (1, ' x ', '03/02/2031', 'n'), (2, 'y', null, null), "
                    "(3, 'gone', '2031-02-03', 'n'), (4, null, null, null)")
        self.platform("create table a (id text not null primary key, kind text not null, day date, always integer not null, named text)")
        self.assertEqual(
            self.rows("a", "kind", "day", "always", "named"),
            [("ex", "2031-02-03", 7, "n"), ("none", None, 7, None), ("none", None, 7, None)],
        )
        self.assertEqual(self.quarantine("a"), {("3", "VALUE_FORMAT", "day")})

    def test_the_first_failure_by_stage_then_by_field(self):
        self.spec("p", "field_mappings:\n  n: n\n")
        self.spec("a", """
field_mappings:
  code: code
  parent: { source_field: p, references: p }
  number: { source_field: text_number }
validation_rules:
  - { field_name: number, rule_type: range, rule_parameters: { min: 1 } }
  - { field_name: code, rule_type: format, rule_parameters: { pattern: '^[a-z]+$' } }
""")
        self.legacy("create table old_p (id integer primary key, n text); insert into old_p values (1, 'n');"
                    "create table old_a (id integer primary key, code text, p integer, text_number text);"
                    "insert into old_a values (1, null, 9, 'x'), (2, null, 9, '5'), (3, null, 1, '0'), "
                    "(4, 'A', 1, '0'), (5, 'a\n', 1, '1'), (6, 'a', 1, '1')")
        self.platform("create table p (id text not null primary key, n text);"
                      "create table a (id text not null primary key, code text not null, parent text not null, number integer not null)")
        self.assertEqual(self.quarantine("a"), {
            ("1", "VALUE_FORMAT", "number"), ("2", "PARENT_MISSING", "parent"), ("3", "REQUIRED_MISSING", "code"),
            ("4", "RULE_FORMAT", "code"), ("5", "RULE_FORMAT", "code"),
        })
        self.assertEqual(self.rows("a", "code", "number"), [("a", 1)])

    def test_a_chain_of_parents_that_ends_in_a_missing_row(self):
        self.spec("a", "field_mappings:\n  boss: { source_field: b, references: a }\n  name: nm\n")
        self.legacy("create table old_a (id integer primary key, b integer, nm text);"
                    "insert into old_a values (1, 5, 'n'), (2, 1, 'n'), (5, 99, 'n'), (3, null, 'n'), "
                    "(4, 3, 'n'), (6, 7, 'n'), (7, 3, null), (8, 9, 'n'), (9, 8, 'n')")
        self.platform("create table a (id text not null primary key, boss text references a (id), name text not null)")
        self.assertEqual(self.quarantine("a"), {(key, "PARENT_MISSING", "boss") for key in "1256"} | {("7", "REQUIRED_MISSING", "name")})
        new = dict(self.expected()["a"].mappings)
        bosses = {row["id"]: row["boss"] for row in self.expected()["a"].rows}
        self.assertEqual(bosses, {new["3"]: None, new["4"]: new["3"], new["8"]: new["9"], new["9"]: new["8"]})

    def test_who_fails_otherwise_keeps_that_reason(self):
        self.spec("a", "field_mappings:\n  boss: { source_field: b, references: a }\n  name: nm\n")
        self.legacy("create table old_a (no integer primary key, b integer, nm text); insert into old_a values (1, 9, null), (2, 9, 'x');")
        self.platform("create table a (id text not null primary key, boss text references a (id), name text not null)")
        self.assertEqual(self.quarantine("a"), {("1", "REQUIRED_MISSING", "name"), ("2", "PARENT_MISSING", "boss")})

    def test_keep_with_a_composite_key_of_references(self):
        self.spec("p", 'key: { source: code, destination: code, strategy: keep }\nfield_mappings:\n  code: { transformation: lower }\n')
        self.spec("a", "key: { source: [x, y], destination: [p, y], strategy: keep }\n"
                       "field_mappings:\n  p: { source_field: x, references: p }\n")
        self.legacy("create table old_p (code text primary key); insert into old_p values ('É'), ('B');"
                    "create table old_a (x text, y integer); insert into old_a values ('É', 1), ('B', 2), ('É\"', 3), (null, 4), ('B', 'four')")
        self.platform("create table p (code text not null primary key);"
                      "create table a (p text not null, y integer not null, primary key (p, y))")
        self.assertEqual(self.rows("a", "p", "y"), [("b", 2), ("é", 1)])
        self.assertEqual(self.quarantine("a"), {('["É\\"","3"]', "PARENT_MISSING", "p"), ("NULL", "KEY_NULL", None)})
        self.assertEqual(self.expected()["a"].mappings, [])

    def test_references_of_several_columns_find_the_key_and_take_a_column_of_it(self):
        self.spec("p", "key: { source: [x, y], destination: [u, v], strategy: keep }\nfield_mappings: {}\nauto_map: false\n")
        self.spec("a", "key: { source: no }\nfield_mappings:\n  u: { source_field: [y, x], references: p }\n"
                       "  w: { source_field: [x, y], references: p, referenced_column: v }\n"
                       "  q: { source_field: [x, y], references: p, referenced_column: v, on_missing: null }\n")
        self.legacy("create table old_p (x integer, y integer); insert into old_p values (1, 2), (2, 1), (3, 4);"
                    "create table old_a (no integer primary key, x integer, y integer);"
                    "insert into old_a values (1, 1, 2), (2, 3, 4), (3, 1, null)")
        self.platform("create table p (u integer not null, v integer not null, primary key (u, v));"
                      "create table a (id text not null primary key, u integer, w integer, q integer)")
        self.assertEqual(self.rows("a", "u", "w", "q"), [(2, 2, 2), (None, None, None)])
        self.assertEqual(self.quarantine("a"), {("2", "PARENT_MISSING", "u")})

    def test_the_text_of_a_composite_key_names_the_new_row(self):
        self.spec("a", "field_mappings:\n  n: n\n")
        self.legacy("create table old_a (x integer, d date, n text, primary key (x, d)); insert into old_a values (1, '2031-02-03', 'n')")
        self.platform("create table a (id text not null primary key, n text)")
        self.assertEqual(self.expected()["a"].mappings, [('["1","2031-02-03"]', "a3ec4c5e-5890-5f78-9ff9-7d8865d73938")])

    def test_unique_is_won_by_the_lowest_key_among_rows_that_are_loaded(self):
        self.spec("a", """
field_mappings: { u: u, n: n }
validation_rules:
  - { field_name: u, rule_type: unique, rule_parameters: { scope: destination } }
""")
        self.legacy("create table old_a (id integer primary key, u text, n integer);"
                    "insert into old_a values (10, 'x', 1), (9, 'x', 1), (2, 'x', null), (3, null, 1), (4, null, 1)")
        self.platform("create table a (id text not null primary key, u text, n integer not null)")
        self.assertEqual(self.quarantine("a"), {("2", "REQUIRED_MISSING", "n"), ("10", "RULE_UNIQUE", "u")})

    def test_a_foreign_key_looks_in_a_table_that_no_entity_loads(self):
        self.spec("a", """
field_mappings: { u: u, n: n }
validation_rules:
  - { field_name: u, rule_type: foreign_key, rule_parameters: { table: b } }
  - { field_name: n, rule_type: foreign_key, rule_parameters: { table: b, column: number, nulls: reject } }
""")
        self.legacy("create table old_a (id integer primary key, u text, n integer);"
                    "insert into old_a values (1, 'x', 1), (2, 'y', 1), (3, null, 1), (4, 'x', null), (5, 'x', 2)")
        self.platform("create table a (id text not null primary key, u text, n integer);"
                      "create table b (code text primary key, number integer); insert into b values ('x', 1), ('z', null)")
        refused = {("2", "RULE_FOREIGN_KEY", "u"), ("4", "RULE_FOREIGN_KEY", "n"), ("5", "RULE_FOREIGN_KEY", "n")}
        self.assertEqual(self.quarantine("a"), refused)

    def test_what_only_the_destination_refuses(self):
        self.spec("a", "field_mappings: { u: u, n: { is_required: false } }\n")
        self.legacy("create table old_a (id integer primary key, u text, n integer);"
                    "insert into old_a values (1, 'x', 0), (2, 'x', 1), (3, 'x', 2), (4, 'y', null)")
        self.platform("create table a (id text not null primary key, u text, n integer not null check (n > 0));"
                      "create unique index a_u on a (u)")
        self.functions("CONSTRAINTS = {'a': [('CONSTRAINT_OTHER', 'u', lambda row: row['u'] == 'z')]}")
        refused = {("1", "CONSTRAINT_CHECK", None), ("3", "CONSTRAINT_UNIQUE", "u"), ("4", "CONSTRAINT_NOT_NULL", "n")}
        self.assertEqual(self.quarantine("a"), refused)
        self.legacy("insert into old_a values (5, 'z', 1)")
        self.assertIn(("5", "CONSTRAINT_OTHER", "u"), self.quarantine("a"))

    def test_functions_see_value_row_and_vars_and_may_throw(self):
        self.spec("a", "field_mappings:\n  n: { source_field: [x, d], transformation: [join, upper] }\n")
        self.legacy("create table old_a (id integer primary key, x text, d timestamp, bad integer);"
                    "insert into old_a values (1, 'a', '2031-02-03 04:05:06', 'text'), (2, 'no', null, 5), "
                    "(3, 'look', null, 'text')")
        self.platform("create table a (id text not null primary key, n text)")
        self.functions("""
from faults import Thrown
def join(value, row, variables):
    if value[0] == 'no':
        raise Thrown('no')
    return f"{variables['prefix']} {value[0]} {value[1]} {row['bad'] if value[0] == 'look' else row['id']}"
FUNCTIONS = {'join': join}
""")
        self.assertEqual(self.rows("a", "n"), [("+1 A 2031-02-03T04:05:06 1",)])
        self.assertEqual(self.quarantine("a"), {("2", "SCRIPT_THROWN", "n"), ("3", "VALUE_TYPE", "n")})

    def test_missing_parents_by_policy(self):
        self.spec("p", "field_mappings:\n  n: n\n")
        self.spec("a", "field_mappings:\n"
                       "  x: { source_field: p, references: p, on_missing: null }\n"
                       "  y: { source_field: p, references: p, on_missing: default, default_value: 1 }\n")
        self.legacy("create table old_p (id integer primary key, n text); insert into old_p values (1, 'n');"
                    "create table old_a (id integer primary key, p integer); insert into old_a values (1, 9), (2, null)")
        self.platform("create table p (id text not null primary key, n text);"
                      "create table a (id text not null primary key, x text, y text not null)")
        new = dict(self.expected()["p"].mappings)["1"]
        self.assertEqual(self.rows("a", "x", "y"), [(None, new), (None, new)])

    def test_stored_forms(self):
        self.spec("a", "field_mappings: { f: f, b: b, d: { data_type: \"decimal(5,2)\" }, n: { source_field: d }, t: t, u: u }\n")
        self.legacy("create table old_a (id integer primary key, f boolean, b blob, d numeric(5,2), t datetime, u uuid);"
                    "insert into old_a values "
                    "(1, 1, x'00ff', 1.5, '2031-02-03 04:05:06.500', 'E293314B-98D4-575F-81A1-1B6D3BDB3234')")
        self.platform("create table a (id text not null primary key, f boolean, b blob, d text, n text, t timestamp, u blob)")
        (row,) = self.expected()["a"].rows
        del row["id"]
        self.assertEqual(row, {"f": 1, "b": b"\x00\xff", "d": "1.50", "n": "1.50", "t": "2031-02-03T04:05:06.5",
                               "u": bytes.fromhex("e293314b98d4575f81a11b6d3bdb3234")})

    def test_an_inactive_spec_is_not_run_and_yaml_is_1_2(self):
        self.spec("a", "field_mappings:\n  n: { source_field: n, value_map: { NO: off } }\n")
        self.spec("z", "is_active: false\nfield_mappings: {}\n")
        self.legacy("create table old_a (id integer primary key, n text); insert into old_a values (1, 'NO')")
        self.platform("create table a (id text not null primary key, n text)")
        self.assertEqual(self.rows("a", "n"), [("off",)])
        self.assertEqual(self.expected().keys(), {"a"})


class AutoMap(World):
    """Columns of the same name."""

    def setUp(self):
        super().setUp()
        self.legacy(
            "create table old_notes (no integer primary key, FirstName text, CITY text, tmp_a text, extra text, fax text);"
            "insert into old_notes values (1, 'Ada', 'Rome', 'x', 'y', '5');"
        )
        self.platform("create table notes (id text primary key, city text, first_name text, tmp_a text, fax text, more text)")

    def columns(self, text):
        self.spec("notes", text)
        notes = self.expected()["notes"]
        return notes.columns[1:]

    def test_names_are_the_same_or_the_same_in_snake_case(self):
        self.assertEqual(self.columns("auto_map: true\n"), ["tmp_a", "fax"])
        self.assertEqual(self.columns("auto_map: { match: snake_case }\n"), ["city", "first_name", "tmp_a", "fax"])

    def test_patterns_are_of_source_columns(self):
        self.assertEqual(self.columns("auto_map: { exclude: tmp_*, match: snake_case }\n"), ["city", "first_name", "fax"])
        self.assertEqual(self.columns("auto_map: { include: [F*, fax], match: snake_case }\n"), ["first_name", "fax"])

    def test_a_mapping_comes_first(self):
        self.assertEqual(self.columns("auto_map: true\nfield_mappings:\n  fax: CITY\n"), ["fax", "tmp_a"])

    def test_snake_case(self):
        for name, expected in [("FirstName", "first_name"), ("HTTPStatus", "http_status"), ("Line2Text", "line2_text"), ("a-B", "a_b")]:
            self.assertEqual(auto_map.snake_case(name), expected)

if __name__ == "__main__":
    unittest.main()
