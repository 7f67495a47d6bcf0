"""The end that a connection names."""

from sqlite_end import SqliteEnd


def open_end(connection):
    """The database of a `project.Connection`."""
    if connection.system == "sqlite":
        return SqliteEnd(connection.place)
    # Here, so that a project without PostgreSQL needs no driver.
    from postgres_end import PostgresEnd

    return PostgresEnd(connection.place, connection.schema)
