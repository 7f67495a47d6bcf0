#!/usr/bin/env python3
"""Changes a legacy Chinook database the way years of use would, and says what changed.

Usage: mutate.py DB --seed N [--count 500]

DB is a SQLite file, or the URL of a PostgreSQL database that `to_postgres.py` filled.

A seeded mix of inserts, updates, changed keys, moved references and deletes over all eleven tables. What comes out satisfies every
foreign key and every rule of the specs in examples/chinook; no table loses half of its rows; the employees stay a forest.
Every change is one that the specs show: blank texts are left alone, because NULL in their place would look the same.

Prints {table: {inserted, updated, deleted}}, the net effect by primary key between before and after: a changed key is one deleted and
one inserted, a row that came and went is nothing, an update that was taken back is nothing. The same seed does the same to the same
database. All or nothing: one transaction.
"""

import argparse
import json
import random
import sys

import new_values
from catalog import listed, quoted
from legacy import open_legacy

TABLES = [
    "Artist", "Album", "Genre", "MediaType", "Track", "Playlist", "PlaylistTrack", "Employee", "Customer", "Invoice", "InvoiceLine",
]
# Below one half, which the specs allow, by a margin.
GONE_MAX_PERCENT = 40
ATTEMPTS_PER_CHANGE = 20
BELOW = """
with recursive below(id) as (
    select cast(? as bigint) union select "EmployeeId" from "Employee" join below on "ReportsTo" = id
)
select id from below
"""


class Refused(Exception):
    """A change that does not fit the rows as they are; another one is tried."""


class Table:
    """What the database says about one table. `sql` is its name for SQL."""

    def __init__(self, legacy, name):
        self.name, self.sql = name, quoted(name)
        columns = legacy.columns(name)
        self.columns = [column for column, _, _ in columns]
        self.key = [column for column, _, position in sorted(columns, key=lambda column: column[2]) if position]
        self.nullable = {column for column, is_nullable, _ in columns if is_nullable}
        self.parents = legacy.parents(name)

    @property
    def plain(self):
        """Columns that are neither key nor reference."""
        return [name for name in self.columns if name not in self.key and name not in self.parents]


class Mutation:
    """One seeded series of changes."""

    def __init__(self, legacy, seed):
        self.legacy = legacy
        self.random = random.Random(seed)
        self.values = new_values.NewValues(self.random, seed)
        self.tables = {name: Table(legacy, name) for name in TABLES}
        self.children = {name: [] for name in TABLES}
        for table in self.tables.values():
            for column, parent in table.parents.items():
                self.children[parent].append((table, column))
        self.overwritten = []
        for table in self.tables.values():
            legacy.execute(f"create temp table before_{table.name} as select {listed(table.key)} from {table.sql}")

    def run(self, count):
        """Applies so many changes."""
        changes = [self.insert, self.rewrite, self.clear_or_fill, self.move, self.rekey, self.delete, self.restore, self.promote]
        weights = [22, 24, 12, 14, 10, 12, 4, 2]
        for _ in range(count):
            for _ in range(ATTEMPTS_PER_CHANGE):
                if self._try(self.random.choices(changes, weights)[0]):
                    break
            else:
                raise SystemExit("mutate: no change fits these rows any more")

    def _try(self, change):
        self.legacy.execute("savepoint change")
        try:
            change()
            if change in (self.move, self.rekey, self.delete):
                self._check_gone()
        except (Refused, *self.legacy.unfit):
            self.legacy.execute("rollback to change")
            return False
        finally:
            self.legacy.execute("release change")
        return True

    def _check_gone(self):
        """Every table keeps most of the rows it had."""
        for table in self.tables.values():
            same = " and ".join(f"now.{quoted(name)} = old.{quoted(name)}" for name in table.key)
            gone, had = self.legacy.execute(
                f"select count(*) filter (where not exists (select 1 from {table.sql} now where {same})), count(*)"
                f" from before_{table.name} old"
            ).fetchone()
            if gone * 100 > had * GONE_MAX_PERCENT:
                raise Refused

    # The changes. Each picks its rows by chance and refuses where there are none.

    def insert(self):
        """A new row with parents that exist."""
        table = self._any_table()
        row = {column: self._parent_for(table, column) for column in table.parents}
        row |= {column: self._new_or_null(table, column) for column in table.plain}
        if len(table.key) == 1:
            row[table.key[0]] = self._free_key(table)
        elif self._exists(table, [row[name] for name in table.key]):
            raise Refused
        marks = ", ".join("?" * len(row))
        self.legacy.execute(f"insert into {table.sql} ({listed(row)}) values ({marks})", list(row.values()))

    def rewrite(self):
        """Another text, price, date or number."""
        table = self._any_table()
        column = self._one_of(table.plain)
        key, old = self._any_cell(table, column)
        new = self.values.new(table.name, column)
        if old is None or new == old:
            raise Refused
        self._set(table, key, column, old, new)

    def clear_or_fill(self):
        """NULL where a value was, or a value where NULL was."""
        table = self._any_table()
        column = self._one_of(sorted(table.nullable - {"ReportsTo"}))
        key, old = self._any_cell(table, column)
        new = None if old is not None else self._filling(table, column)
        self._set(table, key, column, old, new)

    def move(self):
        """Another parent for one reference."""
        table = self._any_table()
        column = self._one_of(sorted(table.parents.keys() - {"ReportsTo"}))
        key, old = self._any_cell(table, column)
        new = self._parent_for(table, column)
        if new is None or new == old:
            raise Refused
        if column in table.key:
            key_after = [new if name == column else part for name, part in zip(table.key, key)]
            if self._exists(table, key_after):
                raise Refused
            self._update(table, key, column, new)
        else:
            self._set(table, key, column, old, new)

    def rekey(self):
        """Another primary key; references follow."""
        table = self._any_table()
        if len(table.key) > 1:
            raise Refused
        (old,) = self._any_key(table)
        new = self._free_key(table)
        self._update(table, [old], table.key[0], new)
        for child, column in self.children[table.name]:
            self.legacy.execute(f"update {child.sql} set {quoted(column)} = ? where {quoted(column)} = ?", [new, old])

    def delete(self):
        """A row less; what refers to it goes first, is moved, or loses its reference."""
        table = self._any_table()
        self._delete(table, self._any_key(table))

    def restore(self):
        """An earlier change of a cell taken back."""
        if not self.overwritten:
            raise Refused
        table, key, column, old = self.overwritten.pop(self.random.randrange(len(self.overwritten)))
        if not self._exists(table, key):
            raise Refused
        parent = table.parents.get(column)
        if parent and old is not None and not self._exists(self.tables[parent], [old]):
            raise Refused
        self._update(table, key, column, old)

    def promote(self):
        """Another manager, or none; never one from below."""
        table = self.tables["Employee"]
        (employee,) = self._any_key(table)
        old = self._cell(table, [employee], "ReportsTo")
        below = self._below(employee)
        others = [key for (key,) in self._keys(table) if key not in below and key != old]
        new = self._one_of([*others, None] if old is not None else others)
        self._update(table, [employee], "ReportsTo", new)

    # What the changes are made of.

    def _delete(self, table, key):
        for child, column in self.children[table.name]:
            self._release(child, column, table, key[0])
        self.legacy.execute(f"delete from {table.sql} where {self._where(table)}", key)

    def _release(self, child, column, table, old):
        """Frees a parent of the rows that refer to it."""
        if column == "ReportsTo":
            heir = self._cell(table, [old], "ReportsTo") if self.random.random() < 0.7 else None
            self.legacy.execute('update "Employee" set "ReportsTo" = ? where "ReportsTo" = ?', [heir, old])
            return
        way = self.random.choice(["delete", "repoint", "null"])
        heirs = [key for (key,) in self._keys(table) if key != old]
        for row in self._keys_where(child, column, old):
            if way == "null" and column in child.nullable:
                self._update(child, row, column, None)
            elif way == "repoint" and heirs and column not in child.key:
                self._update(child, row, column, self.random.choice(heirs))
            else:
                self._delete(child, row)

    def _set(self, table, key, column, old, new):
        if isinstance(old, str) and not old.strip():
            raise Refused
        self.overwritten.append((table, key, column, old))
        self._update(table, key, column, new)

    def _update(self, table, key, column, new):
        self.legacy.execute(f"update {table.sql} set {quoted(column)} = ? where {self._where(table)}", [new, *key])

    def _where(self, table):
        return " and ".join(f"{quoted(name)} = ?" for name in table.key)

    def _any_table(self):
        return self.tables[self.random.choice(TABLES)]

    def _one_of(self, choices):
        if not choices:
            raise Refused
        return self.random.choice(choices)

    def _keys(self, table):
        keys = listed(table.key)
        return self.legacy.execute(f"select {keys} from {table.sql} order by {keys}").fetchall()

    def _keys_where(self, table, column, value):
        keys = listed(table.key)
        return self.legacy.execute(f"select {keys} from {table.sql} where {quoted(column)} = ? order by {keys}", [value]).fetchall()

    def _any_key(self, table):
        return self._one_of(self._keys(table))

    def _any_cell(self, table, column):
        key = self._any_key(table)
        return key, self._cell(table, key, column)

    def _cell(self, table, key, column):
        return self.legacy.execute(f"select {quoted(column)} from {table.sql} where {self._where(table)}", key).fetchone()[0]

    def _exists(self, table, key):
        return self.legacy.execute(f"select 1 from {table.sql} where {self._where(table)}", key).fetchone() is not None

    def _free_key(self, table):
        """Beyond the highest key, or one that is no longer used."""
        used = {key for (key,) in self._keys(table)}
        highest = max(used, default=0)
        gaps = [key for key in range(1, highest) if key not in used]
        if gaps and self.random.random() < 0.3:
            return self.random.choice(gaps)
        return highest + self.random.randint(1, 3)

    def _parent_for(self, table, column):
        if column in table.nullable and self.random.random() < 0.1:
            return None
        return self._any_key(self.tables[table.parents[column]])[0]

    def _new_or_null(self, table, column):
        return None if column in table.nullable and self.random.random() < 0.2 else self.values.new(table.name, column)

    def _filling(self, table, column):
        if column in table.parents:
            return self._any_key(self.tables[table.parents[column]])[0]
        return self.values.new(table.name, column)

    def _below(self, employee):
        rows = self.legacy.execute(BELOW, [employee]).fetchall()
        return {key for (key,) in rows}


def snapshot(legacy):
    """All rows: {table: {key: row}}."""
    found = {}
    for name in TABLES:
        table = Table(legacy, name)
        places = [table.columns.index(column) for column in table.key]
        rows = legacy.execute(f"select {listed(table.columns)} from {table.sql}").fetchall()
        found[name] = {tuple(row[place] for place in places): row for row in rows}
    return found


def summary(before, after):
    """The net effect per table."""
    effect = {}
    for name in TABLES:
        old, new = before[name], after[name]
        effect[name] = {
            "inserted": len(new.keys() - old.keys()),
            "updated": sum(old[key] != new[key] for key in old.keys() & new.keys()),
            "deleted": len(old.keys() - new.keys()),
        }
    return effect


def mutate(place, seed, count):
    """Changes the database at a path or a URL and gives the summary."""
    legacy = open_legacy(place)
    try:
        before = snapshot(legacy)
        Mutation(legacy, seed).run(count)
        dangling = legacy.dangling()
        if dangling:
            raise SystemExit(f"mutate: references to nothing, nothing is changed: {dangling[:5]}")
        effect = summary(before, snapshot(legacy))
        legacy.commit()
        return effect
    finally:
        legacy.close()


def main():
    """Reads the command line and prints the summary."""
    parser = argparse.ArgumentParser(description="Changes a legacy Chinook database and prints the net effect as JSON.")
    parser.add_argument("db")
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--count", type=int, default=500)
    options = parser.parse_args()
    json.dump(mutate(options.db, options.seed, options.count), sys.stdout, indent=2)
    print()


if __name__ == "__main__":
    main()
