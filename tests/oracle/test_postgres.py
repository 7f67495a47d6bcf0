"""PostgreSQL as an end: what its values mean, what its tables refuse, and which of a project's environments is meant."""

import unittest
from decimal import Decimal

import project
import values
from faults import Fault, OracleError
from postgres_end import PostgresEnd
from world import PROJECT, Server, World, execute


def outcome(compute):
    """A value, or the code of the fault."""
    try:
        return compute()
    except Fault as fault:
        return fault.code


class Ends(Server):
    """A database with one table `t`."""

    def end(self, script):
        url = self.database()
        execute(url, script)
        end = PostgresEnd(url, "public")
        self.addCleanup(end.connection.close)
        return end


class Cells(Ends):
    """Values are read exactly, whatever the server makes of them for people."""

    CASES = [
        ("smallint", "-5", -5), ("bigint", "9007199254740993", 9007199254740993), ("double precision", "0.1", 0.1),
        ("real", "0.1", 0.10000000149011612), ("double precision", "'-Infinity'", float("-inf")),
        ("numeric(10,2)", "99999999.99", Decimal("99999999.99")), ("numeric(38,9)", "1", Decimal("1.000000000")),
        ("numeric(10,2)", "'NaN'", "VALUE_RANGE"), ("numeric", "1.50", "1.50"), ("numeric(40,2)", "1", "1.00"),
        ("text", r"E'a\tb\nc\\N'", "a\tb\nc\\N"), ("char(4)", "'ab'", "ab  "), ("varchar(4)", "'ab '", "ab "), ("text", "''", ""),
        ("bytea", r"'\x00ff5c'", b"\x00\xff\x5c"), ("boolean", "true", True), ("date", "'2024-02-29'", values.parse_date("2024-02-29")),
        ("date", "'infinity'", "VALUE_RANGE"), ("timestamp", "'-infinity'", "VALUE_RANGE"),
        ("timestamp", "'2024-02-29 24:00:00'", values.parse_timestamp("2024-03-01T00:00:00")),
        ("timestamp(3)", "'2024-02-29 12:34:56.25'", values.parse_timestamp("2024-02-29T12:34:56.25")),
        ("timestamptz", "'2024-02-29 23:30:00.000001-05:30'", values.parse_moment("2024-03-01T05:00:00.000001Z")),
        ("uuid", "'0B6FF3A25D434F0E9A3C6D8F0F3F2C11'", values.parse_uuid("0b6ff3a2-5d43-4f0e-9a3c-6d8f0f3f2c11")),
        ("jsonb", """'{"b":1,"a":null}'""", '{"a": null, "b": 1}'), ("integer", "null", None),
    ]

    def test_values_by_type(self):
        columns = ", ".join(f"c{at} {declared}" for at, (declared, _, _) in enumerate(self.CASES))
        end = self.end(f"set timezone = 'Asia/Kathmandu'; create table t ({columns}); "
                       f"insert into t values ({', '.join(literal for _, literal, _ in self.CASES)})")
        known = end.columns("t")
        (row,) = end.rows("t", list(known))
        for (declared, literal, expected), cell, column in zip(self.CASES, row, known.values()):
            with self.subTest(declared=declared, literal=literal):
                found = outcome(lambda: end.value(cell, column))
                self.assertEqual((type(found), str(found)), (type(expected), str(expected)))

    def test_a_year_beyond_the_calendar_is_no_fault_of_the_row(self):
        end = self.end("create table t (d date); insert into t values ('10000-01-01')")
        (row,) = end.rows("t", ["d"])
        with self.assertRaises(OracleError):
            end.value(row[0], end.columns("t")["d"])

    def test_keys_and_requirements(self):
        end = self.end("create table t (a integer, b text not null default '', c date not null, "
                       "d bigint generated always as identity, primary key (c, a))")
        self.assertEqual(end.primary_key("t"), ["c", "a"])
        self.assertEqual([column.name for column in end.columns("t").values() if column.is_required], ["a", "c"])


class Twins(Ends):
    """What a table would refuse, and what it would change without a word."""

    TABLE = """
create table t (id uuid primary key, n integer check (n > 0), u text, v varchar(3), d numeric(5,2), r real, s timestamp(0), m text not null,
    unique (u), unique (v, d))
"""
    SOUND = {"id": "0b6ff3a2-5d43-4f0e-9a3c-6d8f0f3f2c11", "n": "1", "u": "x", "v": None, "d": "1.00", "r": None, "s": None, "m": "m"}
    OTHER = {"id": "1b6ff3a2-5d43-4f0e-9a3c-6d8f0f3f2c11", "u": "y"}

    def test_faults(self):
        end = self.end(self.TABLE)
        cases = [
            ({}, None), ({"n": "0"}, ("CONSTRAINT_CHECK", None)), ({"u": "x"}, ("CONSTRAINT_UNIQUE", "u")),
            ({"m": None}, ("CONSTRAINT_NOT_NULL", "m")), ({"id": self.SOUND["id"]}, ("CONSTRAINT_UNIQUE", "id")),
            ({"v": "abc"}, None), ({"v": "abc "}, ("VALUE_RANGE", "v")), ({"n": "2147483648"}, ("VALUE_RANGE", "n")),
            ({"d": "1.005"}, ("VALUE_RANGE", "d")), ({"r": "0.1"}, ("VALUE_RANGE", "r")), ({"r": "0.5"}, None),
            ({"s": "2024-02-29T12:34:56.5"}, ("VALUE_RANGE", "s")), ({"m": "a\0b"}, ("VALUE_ENCODING", "m")),
        ]
        for over, expected in cases:
            with self.subTest(over=over):
                twin = end.twin("t")
                twin.clear()
                self.assertIsNone(twin.refuses([self.SOUND]))
                self.assertEqual(twin.refuses([self.SOUND | self.OTHER | over]), expected)

    def test_all_or_none_and_nothing_of_it_stays(self):
        end = self.end(self.TABLE)
        twin = end.twin("t")
        other = self.SOUND | self.OTHER
        self.assertEqual(twin.refuses([other, self.SOUND | {"n": "0"}]), ("CONSTRAINT_CHECK", None))
        self.assertIsNone(twin.refuses([other]))
        self.assertEqual(list(end.found("t", ["id"])), [])


class Environments(World):
    """`--env` and `default_environment`."""

    MORE = """
environments:
  plain: {}
  other:
    connections: { platform: { url: "postgres://h/other", schema: new } }
    vars: { prefix: "+2" }
  unset: { connections: { platform: { url: "${TRANSLOAD_TEST_UNSET:?}" } } }
"""

    def load(self, more, environment=None):
        (self.directory / "transload.yaml").write_text(PROJECT + more, encoding="utf-8")
        return project.load(self.directory, environment)

    def test_what_an_environment_says_wins_key_by_key(self):
        found = self.load(self.MORE, "other")
        self.assertEqual(found.destination, project.Connection("postgres", "postgres://h/other", "new"))
        self.assertEqual((found.source.system, found.variables["prefix"], len(found.variables)), ("sqlite", "+2", 2))

    def test_the_default_is_none_or_the_one_that_is_named(self):
        self.assertEqual(self.load(self.MORE).destination.system, "sqlite")
        self.assertEqual(self.load("default_environment: other" + self.MORE).destination.system, "postgres")
        self.assertEqual(self.load("default_environment: other" + self.MORE, "plain").destination.system, "sqlite")

    def test_only_the_environment_that_is_meant_reads_its_variables(self):
        self.load(self.MORE, "other")
        for name in ["unset", "missing"]:
            with self.assertRaises(OracleError):
                self.load(self.MORE, name)


if __name__ == "__main__":
    unittest.main()
