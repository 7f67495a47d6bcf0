"""A SQLite database as an end of a migration: cells with their storage classes, and what becomes of them."""

import re
import sqlite3
import uuid
from pathlib import Path

import values
from catalog import Column, listed, primary_key, quoted
from faults import Fault, OracleError

CODES = {
    sqlite3.SQLITE_CONSTRAINT_CHECK: "CONSTRAINT_CHECK",
    sqlite3.SQLITE_CONSTRAINT_NOTNULL: "CONSTRAINT_NOT_NULL",
    sqlite3.SQLITE_CONSTRAINT_UNIQUE: "CONSTRAINT_UNIQUE",
    sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY: "CONSTRAINT_UNIQUE",
    sqlite3.SQLITE_CONSTRAINT_ROWID: "CONSTRAINT_UNIQUE",
}


class SqliteEnd:
    """A database that is read and never written; text arrives as bytes."""

    def __init__(self, path):
        if not Path(path).is_file():
            raise OracleError(f"{path} is not there")
        self.connection = sqlite3.connect(f"file:{Path(path).resolve()}?mode=ro", uri=True)
        self.connection.text_factory = bytes
        self.views = set()

    def columns(self, table):
        """As `pragma table_info` shows them."""
        rows = self._declared(table)
        if not rows:
            raise OracleError(f"there is no table {table}")
        columns = [
            Column(name.decode(), declared.decode(), declared_type(declared.decode()), bool(not_null) and default is None, position)
            for _, name, declared, not_null, default, position in rows
        ]
        return {column.name: column for column in columns}

    def _declared(self, table):
        rows = self.connection.execute(f"pragma table_info({quoted(table)})").fetchall()
        if table not in self.views:
            return rows
        # What an expression gives has the type that a table made of it gets.
        kept = self.connection.execute(f"pragma table_info({quoted(table + ' kept')})").fetchall()
        return [(at, name, declared or made[2], *more) for (at, name, declared, *more), made in zip(rows, kept)]

    def name(self, table):
        """A table, for SQL."""
        return quoted(table)

    def view(self, name, query):
        """A view that only this session has, by its name."""
        self.connection.execute(f"create temp view {quoted(name)} as {query}")
        self.connection.execute(f"create temp table {quoted(name + ' kept')} as select * from {quoted(name)} limit 0")
        self.views.add(name)
        return name

    def primary_key(self, table):
        """The names of the primary key's columns, in its order."""
        return primary_key(self.columns(table))

    def rows(self, table, names):
        """A cell is the pair of a value and its storage class."""
        known = self.columns(table)
        for name in names:
            if name not in known:
                raise OracleError(f"{table} has no column {name}")
        yield from _cells(self.connection, table, names)

    def value(self, cell, column):
        """What the cell means in a column of its declared type."""
        return read(*cell, column.type)

    def raw(self, cell, column):
        """A date or timestamp with a format of its own is text."""
        return read(*cell, values.TEXT if column.type.kind in ("date", "timestamp") else column.type)

    def stored(self, value, column):
        """What is given to SQLite; the column's affinity may still change it."""
        if isinstance(value, bool):
            return int(value)
        if isinstance(value, uuid.UUID) and column.type == values.BYTES:
            return value.bytes
        if value is None or isinstance(value, (int, float, bytes)):
            return value
        return values.canonical(value)

    def kept(self, table, names, rows):
        """Kept in columns of the same declared types."""
        catalog = self.columns(table)
        scratch = sqlite3.connect(":memory:")
        scratch.text_factory = bytes
        definitions = ", ".join(f"{quoted(name)} {catalog[name].declared}" for name in names)
        scratch.execute(f"create table kept ({definitions})")
        scratch.executemany(f"insert into kept values ({', '.join('?' * len(names))})", rows)
        return (tuple(row) for row in _cells(scratch, "kept", names))

    def found(self, table, names):
        """Every row with its storage classes."""
        return (tuple(row) for row in self.rows(table, names))

    def shown(self, cell):
        """The value and its storage class."""
        value, storage_class = cell
        text = value.decode("utf-8", "backslashreplace") if storage_class == "text" else value
        return f"{text!r}:{storage_class}" if storage_class != "null" else "NULL"

    def ledger(self, table, names):
        """A table of the ledger, which has the prefix `transload_`."""
        name = f"transload_{table}"
        if self.connection.execute("select 1 from sqlite_master where name = ?", [name]).fetchone() is None:
            return None
        rows = self.connection.execute(f"select {listed(names)} from {quoted(name)}")
        return [tuple(_text(cell) for cell in row) for row in rows]

    def dangling(self):
        """What `pragma foreign_key_check` finds."""
        found = self.connection.execute("pragma foreign_key_check")
        return [f"{table.decode()} rowid {rowid}: no row of {parent.decode()}" for table, rowid, parent, _ in found]

    def twin(self, table):
        """In memory."""
        return SqliteTwin(self.connection, table)


def _cells(connection, table, names):
    selected = ", ".join(f"{quoted(name)}, typeof({quoted(name)})" for name in names)
    for row in connection.execute(f"select {selected or 'null, null'} from {quoted(table)}"):
        yield [(row[at], row[at + 1].decode()) for at in range(0, 2 * len(names), 2)]


def _text(cell):
    return cell.decode("utf-8", "backslashreplace") if isinstance(cell, bytes) else cell


def declared_type(text):
    """The logical type of a column that SQLite shows with this declared type."""
    name, _, arguments = (text or "").upper().partition("(")
    name = name.strip()
    if name in ("DECIMAL", "NUMERIC"):
        numbers = [int(number) for number in re.findall(r"\d+", arguments)]
        if len(numbers) != 2:
            raise OracleError(f"a decimal column needs precision and scale, found {text!r}")
        return values.Type("decimal", *numbers)
    if "INT" in name:
        return values.INTEGER
    if name in ("REAL", "FLOAT", "DOUBLE", "DOUBLE PRECISION"):
        return values.FLOAT
    by_name = {
        "DATE": values.DATE, "DATETIME": values.TIMESTAMP, "TIMESTAMP": values.TIMESTAMP, "BOOLEAN": values.BOOLEAN, "UUID": values.UUID,
        "BLOB": values.BYTES,
    }
    return by_name.get(name, values.TEXT)


def read(cell, storage_class, column_type):
    """The value of a cell, given as Python's sqlite3 does with `text_factory=bytes` beside SQLite's `typeof`."""
    if storage_class == "null":
        return None
    kind = column_type.kind
    expected = {"integer": "integer", "boolean": "integer", "float": "real", "bytes": "blob"}.get(kind, "text")
    if kind == "decimal":
        if storage_class not in ("integer", "real"):
            raise Fault("VALUE_TYPE")
        return values.fit_decimal(values.number_as_decimal(cell), column_type)
    if kind == "uuid" and storage_class == "blob" and len(cell) == 16:
        return uuid.UUID(bytes=cell)
    if storage_class != expected:
        raise Fault("VALUE_TYPE")
    if kind == "boolean":
        if cell not in (0, 1):
            raise Fault("VALUE_RANGE")
        return cell == 1
    if storage_class != "text":
        return cell
    text = values.decode(cell)
    parsers = {"date": values.parse_date, "timestamp": values.parse_timestamp, "timestamptz": values.parse_moment, "uuid": values.parse_uuid}
    return parsers[kind](text) if kind in parsers else text


class SqliteTwin:
    """Checks, NOT NULLs and unique indexes of one table, in memory; references are not its business."""

    def __init__(self, original, table):
        self.table = table
        self.connection = sqlite3.connect(":memory:", isolation_level=None)
        self.connection.execute("pragma foreign_keys = off")
        found = original.execute(
            "select sql from sqlite_master where tbl_name = ? and type in ('table', 'index') and sql is not null order by type desc", [table]
        )
        for (sql,) in found:
            self.connection.execute(sql.decode())

    def clear(self):
        """Forgets all rows."""
        self.connection.execute(f"delete from {quoted(self.table)}")

    def refuses(self, rows):
        """Takes all rows, each as stored values by column, and gives None; or takes none, and gives code and field of the first fault."""
        names = list(rows[0])
        sql = f"insert into {quoted(self.table)} ({listed(names)}) values ({', '.join('?' * len(names))})"
        self.connection.execute("savepoint rows")
        try:
            self.connection.executemany(sql, [list(row.values()) for row in rows])
        except sqlite3.IntegrityError as error:
            self.connection.execute("rollback to rows")
            return self._fault(error)
        finally:
            self.connection.execute("release rows")
        return None

    def _fault(self, error):
        code = CODES.get(error.sqlite_errorcode)
        if code is None:
            raise OracleError(f"{self.table}: {error.sqlite_errorname}") from None
        named = re.fullmatch(r"[A-Z ]+ constraint failed: [^.,]+\.([^.,]+)", str(error))
        return code, named[1] if named and code != "CONSTRAINT_CHECK" else None
