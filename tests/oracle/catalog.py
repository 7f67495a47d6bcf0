"""What a SQLite database says about its tables, and its rows with their storage classes."""

import sqlite3
from dataclasses import dataclass
from pathlib import Path

import values
from faults import OracleError


@dataclass
class Column:
    """A column as `pragma table_info` shows it; `key_position` counts from 1 within the primary key, 0 outside."""

    name: str
    declared: str
    is_required: bool
    key_position: int

    @property
    def type(self):
        """Its logical type."""
        return values.declared_type(self.declared)


class Database:
    """A database that is read and never written; text arrives as bytes."""

    def __init__(self, path):
        if not Path(path).is_file():
            raise OracleError(f"{path} is not there")
        self.connection = sqlite3.connect(f"file:{Path(path).resolve()}?mode=ro", uri=True)
        self.connection.text_factory = bytes

    def has_table(self, table):
        """Whether a table or view of this name is there."""
        return self.connection.execute("select 1 from sqlite_master where name = ?", [table]).fetchone() is not None

    def columns(self, table):
        """Columns by name, in the table's order."""
        rows = self.connection.execute(f"pragma table_info({quoted(table)})").fetchall()
        if not rows:
            raise OracleError(f"there is no table {table}")
        columns = [
            Column(name.decode(), declared.decode(), bool(not_null) and default is None, position)
            for _, name, declared, not_null, default, position in rows
        ]
        return {column.name: column for column in columns}

    def primary_key(self, table):
        """The names of the primary key's columns, in its order."""
        members = [column for column in self.columns(table).values() if column.key_position]
        return [column.name for column in sorted(members, key=lambda column: column.key_position)]

    def cells(self, table, names):
        """Every row as a list of (cell, storage class)."""
        known = self.columns(table)
        for name in names:
            if name not in known:
                raise OracleError(f"{table} has no column {name}")
        selected = ", ".join(f"{quoted(name)}, typeof({quoted(name)})" for name in names)
        for row in self.connection.execute(f"select {selected or 'null, null'} from {quoted(table)}"):
            yield [(row[at], row[at + 1].decode()) for at in range(0, 2 * len(names), 2)]

    def dangling(self):
        """What `pragma foreign_key_check` finds: (table, rowid, parent)."""
        return [
            (table.decode(), rowid, parent.decode())
            for table, rowid, parent, _ in self.connection.execute("pragma foreign_key_check")
        ]


def quoted(name):
    """An identifier for SQL."""
    return '"' + name.replace('"', '""') + '"'
