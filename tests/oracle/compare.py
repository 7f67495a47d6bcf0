"""The expectation against a real destination: rows with their storage classes, quarantine, key mappings, foreign keys."""

import sqlite3
from collections import Counter

from catalog import quoted

QUARANTINE = "transload_quarantine"
MAPPINGS = "transload_migration_mappings"


class Report:
    """Differences by kind, and what was equal."""

    def __init__(self):
        self.differences = {}
        self.rows = self.tables = self.quarantined = 0

    def add(self, kind, found):
        """Notes differences of one kind."""
        if found:
            self.differences.setdefault(kind, []).extend(found)


def compare(expected, destination):
    """Everything that differs between what was expected and what is there."""
    report = Report()
    for table in sorted({entity.table for entity in expected}):
        _compare_table(table, [entity for entity in expected if entity.table == table], destination, report)
    _compare_quarantine(expected, destination, report)
    _compare_mappings(expected, destination, report)
    dangling = [f"{table} rowid {rowid}: no row of {parent}" for table, rowid, parent in destination.dangling()]
    report.add("foreign keys that point to nothing", dangling)
    return report


def _compare_table(table, entities, destination, report):
    columns = [name for name in entities[0].columns if all(name in entity.columns for entity in entities)]
    rows = [[row[name] for name in columns] for entity in entities for row in entity.rows]
    wanted = Counter(_as_sqlite_keeps(rows, columns, destination.columns(table)))
    found = Counter(tuple(row) for row in destination.cells(table, columns))
    report.tables += 1
    report.rows += (wanted & found).total()
    report.add(f"rows missing from {table}", _shown(wanted - found, columns))
    report.add(f"rows of {table} that are not expected", _shown(found - wanted, columns))


def _as_sqlite_keeps(rows, columns, catalog):
    """The rows as SQLite gives them back from columns of the same declared types, with their storage classes."""
    scratch = sqlite3.connect(":memory:")
    scratch.text_factory = bytes
    definitions = ", ".join(f"{quoted(name)} {catalog[name].declared}" for name in columns)
    scratch.execute(f"create table kept ({definitions})")
    scratch.executemany(f"insert into kept values ({', '.join('?' * len(columns))})", rows)
    selected = ", ".join(f"{quoted(name)}, typeof({quoted(name)})" for name in columns)
    for row in scratch.execute(f"select {selected} from kept"):
        yield tuple((row[at], row[at + 1].decode()) for at in range(0, 2 * len(columns), 2))


def _shown(counter, columns):
    lines = []
    for row, count in sorted(counter.items(), key=lambda item: repr(item[0])):
        cells = ", ".join(f"{name}={_cell(*cell)}" for name, cell in zip(columns, row))
        lines.append(cells + (f" ({count} times)" if count > 1 else ""))
    return lines


def _cell(value, storage_class):
    text = value.decode("utf-8", "backslashreplace") if storage_class == "text" else value
    return f"{text!r}:{storage_class}" if storage_class != "null" else "NULL"


def _ledger_rows(destination, table, columns, report):
    if not destination.has_table(table):
        report.add("ledger tables that are missing", [table])
        return []
    names = ", ".join(columns)
    return [tuple(_text(cell) for cell in row) for row in destination.connection.execute(f"select {names} from {table}")]


def _text(cell):
    return cell.decode("utf-8", "backslashreplace") if isinstance(cell, bytes) else cell


def _compare_quarantine(expected, destination, report):
    wanted = set().union(*(entity.quarantine for entity in expected))
    found = set(_ledger_rows(destination, QUARANTINE, ["entity_type", "source_key", "code", "field"], report))
    report.quarantined = len(wanted & found)
    report.add("quarantine entries missing", _listed(wanted - found))
    report.add("quarantine entries that are not expected", _listed(found - wanted))


def _compare_mappings(expected, destination, report):
    entities = {entity.entity for entity in expected if entity.makes_keys}
    wanted = Counter((entity.entity, old, new) for entity in expected for old, new in entity.mappings)
    rows = _ledger_rows(destination, MAPPINGS, ["entity_type", "source_id", "destination_id"], report)
    found = Counter(row for row in rows if row[0] in entities)
    report.add("key mappings missing", _listed(wanted - found))
    report.add("key mappings that are not expected", _listed(found - wanted))
    for at, end in ((1, "source"), (2, "destination")):
        ends = Counter((row[0], row[at]) for row in found.elements())
        report.add(f"{end} keys mapped more than once", _listed(key for key, count in ends.items() if count > 1))


def _listed(entries):
    return [" · ".join(str(part) for part in entry) for entry in sorted(entries, key=repr)]
