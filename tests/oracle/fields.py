"""One source row through the fields of its spec: source values, transformations, value map, default, conversion."""

import uuid
from collections.abc import Mapping
from datetime import date

import conversions
import functions
import values
from faults import OracleError
from project import UNSET


class SourceRow(Mapping):
    """A row as scripts see it, read column by column: a broken cell is a fault of those fields only that look at it."""

    def __init__(self, cells, columns, end):
        self.cells, self.columns, self.end = cells, columns, end

    def value(self, name, as_text=False):
        """The typed value of a column; `as_text` for a date column whose field has a format of its own."""
        if name not in self.cells:
            raise OracleError(f"the source has no column {name}")
        read = self.end.raw if as_text else self.end.value
        return read(self.cells[name], self.columns[name])

    def __getitem__(self, name):
        return script_view(self.value(name))

    def __iter__(self):
        return iter(self.cells)

    def __len__(self):
        return len(self.cells)


def script_view(value):
    """A value as a script sees it."""
    if isinstance(value, list):
        return [script_view(part) for part in value]
    return values.canonical(value) if isinstance(value, (date, uuid.UUID)) else value


class FieldReader:
    """Computes fields up to their conversion; `scripts` are the functions that are not built in, by name."""

    def __init__(self, entity, scripts, variables):
        self.entity, self.scripts, self.variables = entity, scripts, variables

    def compute(self, field, row, target):
        """The field's value as type `target`."""
        value = self._source(field, row)
        for name, arguments in field.transformations:
            value = self._apply(name, arguments, value, row)
        if isinstance(value, list):
            raise OracleError(f"{self.entity}.{field.destination}: nothing makes one value of the list")
        if field.value_map is not None and value is not None:
            arguments = {"map": field.value_map, "on_unmapped": field.on_unmapped, "default": None}
            value = functions.mapped(value, arguments)
        if value is None and field.default is not UNSET:
            value = field.default
        return conversions.convert(value, target, field.format)

    def columns(self, field, row):
        """The values of several columns side by side; None where one of them is NULL."""
        found = tuple(row.value(name) for name in field.sources)
        return None if None in found else found

    def _source(self, field, row):
        found = [row.value(name, as_text=field.format is not None) for name in field.sources]
        if field.is_list:
            return found if len(found) > 1 or field.transformations else found[0]
        return found[0] if found else None

    def _apply(self, name, arguments, value, row):
        script = self.scripts.get(f"{self.entity}.{name}") or self.scripts.get(name)
        if script is not None:
            return script(script_view(value), row, self.variables)
        if name not in functions.BUILT_IN:
            raise OracleError(f"{self.entity}: no Python equivalent of the function {name} was given")
        if value is None and name not in functions.SEES_NULL:
            return None
        return functions.BUILT_IN[name](value, arguments)
