#!/usr/bin/env python3
"""Copies a SQLite database into an empty schema of a PostgreSQL database: tables, keys, references, rows.

Usage: to_postgres.py DB URL

Names stay as they are, so names with capital letters must be quoted. A column gets the type that its declared type promises, and `text`
where a cell breaks the promise, because PostgreSQL enforces what SQLite only notes. Text that is not UTF-8 is read as Latin-1.
References are deferrable, so that keys can be changed together with what refers to them.
"""

import argparse
import re
import sqlite3

import psycopg2
import psycopg2.extras

from catalog import listed, quoted

TYPES = {
    "DATETIME": "timestamp", "TIMESTAMP": "timestamp", "DATE": "date", "BOOLEAN": "boolean", "REAL": "double precision", "BLOB": "bytea",
    "UUID": "uuid", "TEXT": "text", "": "text",
}


def main():
    """Reads the command line."""
    parser = argparse.ArgumentParser(description="Copies a SQLite database into PostgreSQL.")
    parser.add_argument("db")
    parser.add_argument("url")
    options = parser.parse_args()
    copy(options.db, options.url)


def copy(path, url):
    """Copies all tables in one transaction."""
    source = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    source.text_factory = _text
    destination = psycopg2.connect(url)
    with destination, destination.cursor() as cursor:
        tables = [name for (name,) in source.execute("select name from sqlite_master where type = 'table' and name not like 'sqlite%' order by rowid")]
        for table in tables:
            _copy_table(source, cursor, table)
        for table in tables:
            for number, parent, child_column, parent_column in _references(source, table):
                cursor.execute(f"alter table {quoted(table)} add constraint {quoted(f'{table}_reference_{number}')} "
                               f"foreign key ({quoted(child_column)}) references {quoted(parent)} ({quoted(parent_column)}) deferrable")
    destination.close()
    source.close()


def _copy_table(source, cursor, table):
    columns = source.execute(f"pragma table_info({quoted(table)})").fetchall()
    rows = source.execute(f"select * from {quoted(table)}").fetchall()
    definitions, converters = [], []
    for at, (_, name, declared, not_null, _, _) in enumerate(columns):
        declared = _type(declared, [row[at] for row in rows])
        definitions.append(f"{quoted(name)} {declared}" + (" not null" if not_null else ""))
        converters.append(_converter(declared))
    key = [name for position, name in sorted((column[5], column[1]) for column in columns if column[5])]
    if key:
        definitions.append(f"primary key ({listed(key)})")
    cursor.execute(f"create table {quoted(table)} ({', '.join(definitions)})")
    converted = [[None if cell is None else convert(cell) for convert, cell in zip(converters, row)] for row in rows]
    psycopg2.extras.execute_values(cursor, f"insert into {quoted(table)} values %s", converted, page_size=1000)


def _references(source, table):
    """References of one column, as (number, parent, column, parent's column)."""
    found = source.execute(f"pragma foreign_key_list({quoted(table)})").fetchall()
    return [(number, parent, column, other) for number, _, parent, column, other, *_ in found]


def _type(declared, cells):
    """The type of a column that holds these cells."""
    name, arguments = re.fullmatch(r"\s*([^(]*?)\s*(\([^)]*\))?\s*", declared.upper()).groups()
    cells = [cell for cell in cells if cell is not None]
    if "INT" in name:
        return "bigint" if all(isinstance(cell, int) for cell in cells) else "text"
    if name in ("NUMERIC", "DECIMAL"):
        return f"numeric{arguments or ''}" if all(isinstance(cell, (int, float)) for cell in cells) else "text"
    if "CHAR" in name:
        fits = arguments and all(len(str(cell)) <= int(arguments[1:-1]) for cell in cells)
        word = "char" if name == "CHAR" else "varchar"
        return f"{word}{arguments}" if fits else "text"
    return TYPES.get(name, "text")


def _converter(declared):
    return {"boolean": bool, "bytea": bytes}.get(declared, str if declared.startswith(("text", "char", "varchar", "numeric")) else lambda cell: cell)


def _text(octets):
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError:
        return octets.decode("latin-1")


if __name__ == "__main__":
    main()
