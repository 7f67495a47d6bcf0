"""The expectation against a real destination: rows as they are stored, quarantine, key mappings, foreign keys."""

from collections import Counter

QUARANTINE = "quarantine"
MAPPINGS = "migration_mappings"


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
    report.add("foreign keys that point to nothing", destination.dangling())
    return report


def _compare_table(table, entities, destination, report):
    columns = [name for name in entities[0].columns if all(name in entity.columns for entity in entities)]
    rows = [[row[name] for name in columns] for entity in entities for row in entity.rows]
    wanted = Counter(destination.kept(table, columns, rows))
    found = Counter(destination.found(table, columns))
    report.tables += 1
    report.rows += (wanted & found).total()
    shown = destination.shown
    report.add(f"rows missing from {table}", _shown(wanted - found, columns, shown))
    report.add(f"rows of {table} that are not expected", _shown(found - wanted, columns, shown))


def _shown(counter, columns, shown):
    lines = []
    for row, count in sorted(counter.items(), key=lambda item: repr(item[0])):
        cells = ", ".join(f"{name}={shown(cell)}" for name, cell in zip(columns, row))
        lines.append(cells + (f" ({count} times)" if count > 1 else ""))
    return lines


def _ledger_rows(destination, table, columns, report):
    rows = destination.ledger(table, columns)
    if rows is None:
        report.add("ledger tables that are missing", [table])
    return rows or []


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
