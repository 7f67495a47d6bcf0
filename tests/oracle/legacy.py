"""A source that is changed by SQL, whichever system it is. Statements mark parameters with `?`; one transaction, committed or not at all."""

import sqlite3

from catalog import quoted

COLUMNS = """
select a.attname, not a.attnotnull, coalesce(array_position(k.conkey, a.attnum), 0)
from pg_attribute a left join pg_constraint k on k.conrelid = a.attrelid and k.contype = 'p'
where a.attrelid = ?::regclass and a.attnum > 0 and not a.attisdropped order by a.attnum
"""
PARENTS = """
select a.attname, p.relname from pg_constraint k join pg_class p on p.oid = k.confrelid
join pg_attribute a on a.attrelid = k.conrelid and a.attnum = k.conkey[1]
where k.conrelid = ?::regclass and k.contype = 'f'
"""


def open_legacy(place):
    """The database at a path or a URL."""
    is_server = str(place).startswith(("postgres:", "postgresql:"))
    return PostgresLegacy(place) if is_server else SqliteLegacy(place)


class SqliteLegacy:
    """A file."""

    # What a change fails with that does not fit the columns.
    unfit = ()

    def __init__(self, path):
        self.connection = sqlite3.connect(f"file:{path}?mode=rw", uri=True, isolation_level=None)
        self.connection.execute("begin immediate")

    def execute(self, sql, parameters=()):
        """Runs one statement; gives its cursor."""
        return self.connection.execute(sql, parameters)

    def columns(self, table):
        """Name, whether it takes NULL, and position in the key, of each column."""
        info = self.execute(f"pragma table_info({quoted(table)})")
        return [(name, not not_null and not position, position) for _, name, _, not_null, _, position in info]

    def parents(self, table):
        """The table that a column refers to."""
        return {row[3]: row[2] for row in self.execute(f"pragma foreign_key_list({quoted(table)})")}

    def dangling(self):
        """References to nothing."""
        return self.execute("pragma foreign_key_check").fetchall()

    def commit(self):
        """Keeps what was done."""
        self.connection.execute("commit")

    def close(self):
        """Without `commit`, nothing was done."""
        self.connection.close()


class PostgresLegacy:
    """A database on a server, with deferrable references."""

    def __init__(self, url):
        # Whoever changes a file needs no driver of a server.
        import psycopg2

        self.unfit = (psycopg2.DataError,)
        self.connection = psycopg2.connect(url)
        self.execute("set constraints all deferred")

    def execute(self, sql, parameters=()):
        """Runs one statement; gives its cursor."""
        cursor = self.connection.cursor()
        cursor.execute(sql.replace("%", "%%").replace("?", "%s"), tuple(parameters))
        return cursor

    def columns(self, table):
        """Name, whether it takes NULL, and position in the key, of each column."""
        return self.execute(COLUMNS, [quoted(table)]).fetchall()

    def parents(self, table):
        """The table that a column refers to."""
        return dict(self.execute(PARENTS, [quoted(table)]).fetchall())

    def dangling(self):
        """References to nothing, as an error."""
        self.execute("set constraints all immediate")
        return []

    def commit(self):
        """Keeps what was done."""
        self.connection.commit()

    def close(self):
        """Without `commit`, nothing was done."""
        self.connection.close()
