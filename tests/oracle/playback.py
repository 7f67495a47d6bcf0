"""Writes an expectation into a destination, as a run without a mistake would leave it. For tests of specs, schema and oracle."""

import sqlite3

from catalog import quoted

LEDGER = """
create table if not exists transload_quarantine (entity_type TEXT, source_key TEXT, stage TEXT, code TEXT, field TEXT, message TEXT, status TEXT not null default 'open');
create table if not exists transload_migration_mappings (entity_type TEXT, source_id TEXT, destination_id TEXT);
"""
# The same in PostgreSQL, where the ledger has a schema of its own.
POSTGRES_LEDGER = "create schema if not exists transload;" + LEDGER.replace("transload_", "transload.")


def create(path, script):
    """A new SQLite database made by an SQL script."""
    connection = sqlite3.connect(path)
    with open(script, encoding="utf-8") as file:
        connection.executescript(file.read())
    connection.close()


def play(expected, path):
    """Rows, mappings and quarantine of all entities, parents first, with foreign keys enforced."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.executescript(LEDGER)
    connection.execute("pragma foreign_keys = on")
    connection.execute("begin")
    connection.execute("pragma defer_foreign_keys = on")
    for entity in expected:
        _insert(connection, entity.table, entity.columns, [[row[name] for name in entity.columns] for row in entity.rows])
        mappings = [[entity.entity, *mapping] for mapping in entity.mappings]
        _insert(connection, "transload_migration_mappings", ["entity_type", "source_id", "destination_id"], mappings)
        _insert(connection, "transload_quarantine", ["entity_type", "source_key", "code", "field"], sorted(entity.quarantine, key=repr))
    connection.execute("commit")
    connection.close()


def _insert(connection, table, columns, rows):
    names = ", ".join(quoted(name) for name in columns)
    connection.executemany(f"insert into {quoted(table)} ({names}) values ({', '.join('?' * len(columns))})", rows)
