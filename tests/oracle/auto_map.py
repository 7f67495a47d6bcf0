"""What `auto_map` stands for: a field for each pair of columns of the same name. The lock is not looked at: all pairs count."""

import re
from fnmatch import fnmatchcase

from project import Field


def fields(spec, source, destination, key):
    """The fields, in the destination's order. Columns that a mapping or the key fills are left alone."""
    if spec.auto_map is None:
        return []
    include, exclude = spec.auto_map["include"], spec.auto_map["exclude"]
    wanted = [name for name in source if (not include or _any(include, name)) and not _any(exclude, name)]
    same = {"exact": str, "snake_case": snake_case}[spec.auto_map["match"]]
    found = {same(name): name for name in wanted}
    filled = {field.destination for field in spec.fields} | set(key)
    return [Field(name, [found[same(name)]]) for name in destination if name not in filled and same(name) in found]


def _any(patterns, name):
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def snake_case(name):
    """`FirstName` as `first_name`, `HTTPStatus` as `http_status`."""
    name = re.sub("([A-Z])([A-Z][a-z])", r"\1_\2", name)
    name = re.sub("([a-z0-9])([A-Z])", r"\1_\2", name)
    return re.sub("[-. ]", "_", name).lower()
