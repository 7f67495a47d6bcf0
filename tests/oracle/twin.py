"""An empty twin of a destination table, in memory, that refuses what the table itself would refuse."""

import sqlite3

from catalog import quoted
from faults import OracleError

CODES = {
    sqlite3.SQLITE_CONSTRAINT_CHECK: "CONSTRAINT_CHECK",
    sqlite3.SQLITE_CONSTRAINT_NOTNULL: "CONSTRAINT_NOT_NULL",
    sqlite3.SQLITE_CONSTRAINT_UNIQUE: "CONSTRAINT_UNIQUE",
    sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY: "CONSTRAINT_UNIQUE",
    sqlite3.SQLITE_CONSTRAINT_ROWID: "CONSTRAINT_UNIQUE",
}


class Twin:
    """Checks, NOT NULLs and unique indexes of one table; references are not its business."""

    def __init__(self, destination, table):
        self.table = table
        self.connection = sqlite3.connect(":memory:", isolation_level=None)
        self.connection.execute("pragma foreign_keys = off")
        found = destination.connection.execute(
            "select sql from sqlite_master where tbl_name = ? and type in ('table', 'index') and sql is not null order by type desc", [table]
        )
        for (sql,) in found:
            self.connection.execute(sql.decode())

    def clear(self):
        """Forgets all rows."""
        self.connection.execute(f"delete from {quoted(self.table)}")

    def refuses(self, row):
        """Takes a row of stored values by column; the code of the constraint that it breaks, or None."""
        names = ", ".join(quoted(name) for name in row)
        marks = ", ".join("?" * len(row))
        try:
            self.connection.execute(f"insert into {quoted(self.table)} ({names}) values ({marks})", list(row.values()))
        except sqlite3.IntegrityError as error:
            if error.sqlite_errorcode not in CODES:
                raise OracleError(f"{self.table}: {error.sqlite_errorname}") from None
            return CODES[error.sqlite_errorcode]
        return None
