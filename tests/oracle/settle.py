"""Which rows of an entity are loaded, once every row's own faults are known.

Three things depend on other rows of the same entity: a reference to the entity itself, the rule `unique`, and the unique indexes of the
destination. They are settled together: a row below a missing parent is not loaded, and what is not loaded takes no value away from
another row.
"""

from dataclasses import dataclass, field

TRANSFORM, REFERENCE, REQUIRED, RULE, LOAD = range(5)
# Rows that the twin is given at once.
CHUNK = 4096


@dataclass(order=True)
class Mark:
    """A fault with its rank: stage, then the field's place in the spec, then the rule's."""

    stage: int
    field_index: int
    rule_index: int
    code: str
    field: str = None


@dataclass
class Row:
    """One source row on its way. `parents` holds, per self-referencing field, the old key it points to, as a tuple."""

    key: tuple
    key_text: str
    values: dict = field(default_factory=dict)
    marks: list = field(default_factory=list)
    parents: dict = field(default_factory=dict)


@dataclass
class Self:
    """A field that refers to its own entity."""

    field: str
    index: int


@dataclass
class Unique:
    """A `unique` rule."""

    field: str
    field_index: int
    rule_index: int


class Settlement:
    """The rows of one entity in the order of their keys, and a twin of their table; `stored(row)` is what the table would be given."""

    def __init__(self, rows, selves, uniques, twin, stored):
        self.rows, self.selves, self.uniques = rows, selves, uniques
        self.twin, self.stored = twin, stored

    def settle(self):
        """Adds the marks that depend on other rows."""
        sound = [row for row in self.rows if not row.marks]
        lost = {}
        while True:
            standing = [row for row in sound if row.key not in lost]
            orphans = self._orphans(standing)
            losers = self._losers([row for row in standing if row.key not in orphans])
            if not losers:
                break
            lost |= losers
        loaded = {row.key for row in standing if row.key not in orphans}
        # Who failed before keeps that reason.
        for row in sound:
            if row.key in lost:
                row.marks.append(lost[row.key])
            else:
                row.marks += [_missing(own) for own in self.selves if _is_missing(row, own, loaded)]

    def _orphans(self, rows):
        """Keys of rows whose chain of parents ends outside `rows`."""
        alive = {row.key for row in rows}
        while True:
            fallen = {row.key for row in rows if row.key in alive and any(_is_missing(row, own, alive) for own in self.selves)}
            if not fallen:
                return {row.key for row in rows} - alive
            alive -= fallen

    def _losers(self, rows):
        """Rows whose value belongs to a row with a lower key, by a rule or by the destination, and rows that it refuses by themselves."""
        self.twin.clear()
        taken = {unique.field: set() for unique in self.uniques}
        losers = {}
        for first in range(0, len(rows), CHUNK):
            self._judge(rows[first : first + CHUNK], taken, losers)
        return losers

    def _judge(self, rows, taken, losers):
        """As if row by row: where the twin refuses one of many, the halves are judged one after the other."""
        seen = {name: set() for name in taken}
        beaten, standing = {}, []
        for row in rows:
            mark = self._beaten(row, taken, seen)
            if mark:
                beaten[row.key] = mark
                continue
            standing.append(row)
            for name, found in seen.items():
                if row.values[name] is not None:
                    found.add(row.values[name])
        fault = self.twin.refuses([self._given(row) for row in standing]) if standing else None
        if fault and len(rows) > 1:
            middle = len(rows) // 2
            self._judge(rows[:middle], taken, losers)
            self._judge(rows[middle:], taken, losers)
        elif fault:
            losers[rows[0].key] = Mark(LOAD, 0, 0, *fault)
        else:
            losers.update(beaten)
            for name, found in seen.items():
                taken[name] |= found

    def _beaten(self, row, taken, seen):
        for unique in self.uniques:
            value = row.values[unique.field]
            if value in taken[unique.field] or value in seen[unique.field]:
                return Mark(RULE, unique.field_index, unique.rule_index, "RULE_UNIQUE", unique.field)
        return None

    def _given(self, row):
        """A reference to the entity itself is filled later, so the destination first sees NULL in its place."""
        return self.stored(row) | {own.field: None for own in self.selves}


def _is_missing(row, own, loaded):
    parent = row.parents.get(own.field)
    return parent is not None and parent not in loaded


def _missing(own):
    return Mark(REFERENCE, own.index, 0, "PARENT_MISSING", own.field)
