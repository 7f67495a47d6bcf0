"""What the oracle knows of a system's tables, whichever system it is: an `End` of a migration is a `SqliteEnd` or a `PostgresEnd`.

Both have the same methods; the differences between systems stay behind them:

columns(table)        columns by name, in the table's order
name(table)           a table, for SQL
view(name, query)     a view that only this session has, by its name, which is then one of its tables
primary_key(table)    the names of its columns, in its order
rows(table, names)    every row as a list of cells, in a form of the end's own
value(cell, column)   the typed value of a cell, or a Fault
raw(cell, column)     the same, with dates and timestamps as their text
stored(value, column) what the end is given for a value
kept(table, names, rows)   stored rows as the end gives them back, in a form that can be compared
found(table, names)        the rows that are there, in the same form
shown(cell)           such a cell for people
ledger(table, names)  rows of a table of the ledger as texts and numbers; None where there is no such table
dangling()            rows whose foreign key points to nothing, for people
twin(table)           an empty twin of a table that refuses what the table itself would refuse
"""

from dataclasses import dataclass

import values


@dataclass
class Column:
    """A column; `key_position` counts from 1 within the primary key, 0 outside. `declared` is the type as the system shows it."""

    name: str
    declared: str
    type: values.Type
    is_required: bool
    key_position: int


def primary_key(columns):
    """The names of the key's columns, in its order."""
    members = [column for column in columns.values() if column.key_position]
    return [column.name for column in sorted(members, key=lambda column: column.key_position)]


def quoted(name):
    """An identifier for SQL."""
    return '"' + name.replace('"', '""') + '"'


def listed(names):
    """Identifiers for SQL, with commas."""
    return ", ".join(quoted(name) for name in names)
