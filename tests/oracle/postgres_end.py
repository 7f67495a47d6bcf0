"""A PostgreSQL database as an end of a migration: cells are the texts that the server itself writes for a value.

Nothing is left to a driver's idea of a value: rows come and go by COPY in its text format. What has to be tried out is tried in temporary
tables of one transaction that never commits.
"""

import io
import math
import re
import struct
import uuid
from datetime import date, datetime
from decimal import Decimal

import psycopg2

import values
from catalog import Column, listed, primary_key, quoted
from faults import Fault, OracleError

# How values look, whatever the server's settings are.
SESSION = """
set datestyle = 'ISO, YMD'; set timezone = 'UTC'; set bytea_output = 'hex'; set extra_float_digits = 3; set intervalstyle = 'postgres';
"""
COLUMNS = """
select a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull and not a.atthasdef and a.attidentity = '',
    coalesce(array_position(k.conkey, a.attnum), 0)
from pg_attribute a left join pg_constraint k on k.conrelid = a.attrelid and k.contype = 'p'
where a.attrelid = %s::regclass and a.attnum > 0 and not a.attisdropped order by a.attnum
"""
FOREIGN_KEYS = """
select k.conrelid::regclass::text, k.confrelid::regclass::text,
    array_agg(c.attname::text order by at), array_agg(p.attname::text order by at)
from pg_constraint k, unnest(k.conkey, k.confkey) with ordinality as pair(child, parent, at), pg_attribute c, pg_attribute p
where k.contype = 'f' and k.connamespace = %s::regnamespace
    and (c.attrelid, c.attnum) = (k.conrelid, child) and (p.attrelid, p.attnum) = (k.confrelid, parent)
group by k.oid order by 1, 2
"""
KINDS = {
    "boolean": values.BOOLEAN, "smallint": values.INTEGER, "integer": values.INTEGER, "bigint": values.INTEGER,
    "real": values.FLOAT, "double precision": values.FLOAT, "text": values.TEXT, "bytea": values.BYTES, "date": values.DATE,
    "timestamp without time zone": values.TIMESTAMP, "timestamp with time zone": values.TIMESTAMPTZ, "uuid": values.UUID,
}
CODES = {
    "23502": "CONSTRAINT_NOT_NULL", "23505": "CONSTRAINT_UNIQUE", "23P01": "CONSTRAINT_UNIQUE", "23514": "CONSTRAINT_CHECK",
    "22001": "VALUE_RANGE", "22003": "VALUE_RANGE", "22008": "VALUE_RANGE", "22021": "VALUE_ENCODING", "22P05": "VALUE_ENCODING",
    "22P02": "VALUE_FORMAT", "22007": "VALUE_FORMAT",
}
ESCAPES = {b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v"}


class PostgresEnd:
    """One schema of a database."""

    def __init__(self, url, schema):
        self.schema = schema
        try:
            self.connection = psycopg2.connect(url, client_encoding="utf8")
        except psycopg2.OperationalError as error:
            raise OracleError(f"PostgreSQL: {error}") from None
        self.cursor = self.connection.cursor()
        self.cursor.execute(SESSION)
        self.views = set()

    def columns(self, table):
        """As the catalog shows them."""
        if not self._is_there(self.name(table)):
            raise OracleError(f"there is no table {table}")
        self.cursor.execute(COLUMNS, [self.name(table)])
        columns = [
            Column(name, declared, declared_type(declared), is_required, position)
            for name, declared, is_required, position in self.cursor.fetchall()
        ]
        return {column.name: column for column in columns}

    def primary_key(self, table):
        """The names of the primary key's columns, in its order."""
        return primary_key(self.columns(table))

    def rows(self, table, names):
        """A cell is a text, or None for NULL."""
        return self._copied_out(f"select {listed(names)} from {self.name(table)}")

    def value(self, cell, column):
        """What the text means."""
        return None if cell is None else read(cell, column)

    def raw(self, cell, column):
        """A date or timestamp with a format of its own is text."""
        return cell if column.type.kind in ("date", "timestamp") else self.value(cell, column)

    def stored(self, value, column):
        """The text that is given to the server."""
        if isinstance(value, uuid.UUID) and column.type == values.BYTES:
            value = value.bytes
        if isinstance(value, bytes):
            return "\\x" + value.hex()
        return None if value is None else values.canonical(value)

    def kept(self, table, names, rows):
        """Kept in columns of the same types."""
        self.cursor.execute("drop table if exists pg_temp.kept")
        self.cursor.execute(f"create temp table kept as select {listed(names)} from {self.name(table)} with no data")
        self.copy_in("pg_temp.kept", names, rows)
        return (tuple(row) for row in self._copied_out("select * from pg_temp.kept"))

    def found(self, table, names):
        """Every row."""
        return (tuple(row) for row in self.rows(table, names))

    def shown(self, cell):
        """The server's text."""
        return "NULL" if cell is None else repr(cell)

    def ledger(self, table, names):
        """A table of the ledger, which has a schema of its own."""
        name = f"transload.{quoted(table)}"
        if not self._is_there(name):
            return None
        return [tuple(row) for row in self._copied_out(f"select {listed(names)} from {name}")]

    def dangling(self):
        """Rows whose foreign key has no parent. The server lets none in, unless someone switched its checks off."""
        self.cursor.execute(FOREIGN_KEYS, [quoted(self.schema)])
        return [line for key in self.cursor.fetchall() for line in self._orphans(*key)]

    def _orphans(self, child, parent, own, others):
        pairs = " and ".join(f"c.{quoted(name)} = p.{quoted(other)}" for name, other in zip(own, others))
        filled = " and ".join(f"c.{quoted(name)} is not null" for name in own)
        self.cursor.execute(f"select c.ctid::text from {child} c where {filled} and not exists (select from {parent} p where {pairs})")
        return [f"{child} {place}: no row of {parent}" for (place,) in self.cursor.fetchall()]

    def twin(self, table):
        """A temporary table."""
        return PostgresTwin(self, table)

    def name(self, table):
        """A table, for SQL."""
        return f"{'pg_temp' if table in self.views else quoted(self.schema)}.{quoted(table)}"

    def view(self, name, query):
        """A view that only this session has, by its name."""
        self.cursor.execute(f"create temp view {quoted(name)} as {query}")
        self.views.add(name)
        return name

    def _is_there(self, name):
        self.cursor.execute("select to_regclass(%s) is not null", [name])
        return self.cursor.fetchone()[0]

    def _copied_out(self, query):
        written = io.BytesIO()
        self.cursor.copy_expert(f"copy ({query}) to stdout", written)
        written.seek(0)
        return ([_cell(field) for field in line[:-1].split(b"\t")] for line in written)

    def copy_in(self, table, names, rows):
        """Writes stored rows into a table."""
        lines = ["\t".join(_field(cell) for cell in row) for row in rows]
        self.cursor.copy_expert(f"copy {table} ({listed(names)}) from stdin", io.StringIO("".join(line + "\n" for line in lines)))


class PostgresTwin:
    """Types, checks, NOT NULLs, unique and exclusion constraints of one table; LIKE leaves references out."""

    def __init__(self, end, table):
        self.end, self.table, self.columns = end, table, end.columns(table)
        end.cursor.execute("drop table if exists pg_temp.twin")
        end.cursor.execute(f"create temp table twin (like {end.name(table)} including all)")

    def clear(self):
        """Forgets all rows."""
        self.end.cursor.execute("truncate pg_temp.twin")

    def refuses(self, rows):
        """Takes all rows, each as stored values by column, and gives None; or takes none, and gives code and field of a fault."""
        for row in rows:
            for name, cell in row.items():
                if cell is not None and (code := _unfit(cell, self.columns[name].declared)):
                    return code, name
        self.end.cursor.execute("savepoint rows")
        try:
            self.end.copy_in("pg_temp.twin", list(rows[0]), [list(row.values()) for row in rows])
        except psycopg2.Error as error:
            self.end.cursor.execute("rollback to rows")
            return self._fault(error)
        self.end.cursor.execute("release rows")
        return None

    def _fault(self, error):
        if error.pgcode not in CODES:
            raise OracleError(f"{self.table}: {error}") from None
        code = CODES[error.pgcode]
        if code == "CONSTRAINT_NOT_NULL":
            return code, error.diag.column_name
        if code == "CONSTRAINT_UNIQUE":
            named = re.match(r'Key \("?([^",]+)"?\)=', error.diag.message_detail or "")
        else:
            named = re.search(r'line \d+, column "?([^:"]+)"?', error.diag.context or "")
        return code, named[1] if named and code != "CONSTRAINT_CHECK" else None


def _unfit(text, declared):
    """The code of a fault that the server would hide by cutting or rounding; it has others of its own."""
    if "\0" in text:
        return "VALUE_ENCODING"
    length = re.fullmatch(r"character(?: varying)?\((\d+)\)", declared)
    places = re.fullmatch(r"timestamp\((\d)\) .*", declared)
    column_type = declared_type(declared)
    is_cut = length and len(text) > int(length[1])
    is_rounded = places and len((re.search(r"\.(\d+)", text) or ["", ""])[1]) > int(places[1])
    is_narrowed = declared == "real" and math.isfinite(float(text)) and _single(float(text)) != float(text)
    if column_type.kind == "decimal" and not fits_decimal(text, column_type):
        return "VALUE_RANGE"
    return "VALUE_RANGE" if is_cut or is_rounded or is_narrowed else None


def fits_decimal(text, decimal_type):
    """Whether nothing of a number is lost in a column."""
    try:
        values.fit_decimal(Decimal(text), decimal_type)
    except Fault:
        return False
    return True


def _single(number):
    """The nearest float of 32 bits."""
    try:
        return struct.unpack("f", struct.pack("f", number))[0]
    except OverflowError:
        return math.inf


def _cell(field):
    if field == rb"\N":
        return None
    if b"\\" in field:
        field = re.sub(rb"\\(.)", lambda found: ESCAPES.get(found[1], found[1]), field, flags=re.DOTALL)
    return field.decode()


def _field(cell):
    if cell is None:
        return r"\N"
    return re.sub(r"[\\\t\n\r]", lambda found: {"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"}[found[0]], cell)


def declared_type(text):
    """The logical type of a column that PostgreSQL shows with this type."""
    found = re.fullmatch(r"numeric\((\d+),(-?\d+)\)", text)
    if found and 0 <= int(found[2]) <= int(found[1]) <= 38:
        return values.Type("decimal", int(found[1]), int(found[2]))
    return KINDS.get(re.sub(r"\(\d+\)", "", text), values.TEXT)


def read(text, column):
    """The value of a cell that is not NULL."""
    kind = column.type.kind
    if kind == "decimal":
        return values.fit_decimal(Decimal(text), column.type)
    if kind in ("date", "timestamp", "timestamptz"):
        return _moment(text, date if kind == "date" else datetime)
    if column.declared == "real":
        return _single(float(text))
    readers = {"boolean": "t".__eq__, "integer": int, "float": float, "text": str, "bytes": _octets, "uuid": uuid.UUID}
    return readers[kind](text)


def _octets(text):
    return bytes.fromhex(text.removeprefix("\\x"))


def _moment(text, calendar):
    if text.endswith("infinity"):
        raise Fault("VALUE_RANGE")
    try:
        return calendar.fromisoformat(text)
    except ValueError:
        raise OracleError(f"{text} is beyond Python's calendar") from None
