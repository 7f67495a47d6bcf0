"""Validation rules about one value; `unique` is about many rows and is settled in `settle`."""

import re
from datetime import date, datetime, time, timezone
from decimal import Decimal

import values
from faults import OracleError

CODES = {
    "required": "RULE_REQUIRED", "unique": "RULE_UNIQUE", "format": "RULE_FORMAT", "range": "RULE_RANGE", "length": "RULE_LENGTH",
    "enum": "RULE_ENUM", "foreign_key": "RULE_FOREIGN_KEY",
}


def passes(rule, value, held=None):
    """Whether a value passes a rule; `held` gives the canonical texts of the values that a `foreign_key` looks for."""
    if rule.kind == "foreign_key":
        return _null_passes(rule.parameters) if value is None else values.canonical(value) in held(rule.parameters)
    checks = {"required": _required, "format": _format, "range": _range, "length": _length, "enum": _enum}
    if rule.kind not in checks:
        raise OracleError(f"no rule is called {rule.kind}")
    return checks[rule.kind](value, rule.parameters)


def _required(value, _parameters):
    return value is not None and value != ""


def _format(value, parameters):
    if value is None:
        return _null_passes(parameters)
    return re.search(_python_pattern(parameters["pattern"]), values.canonical(value)) is not None


def _null_passes(parameters):
    return parameters.get("nulls", "allow") == "allow"


def _python_pattern(pattern):
    """`$` means the very end, as it does in the language's regular expressions; Python's also stops before a last newline."""
    pieces = re.findall(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|.", pattern, re.DOTALL)
    ends = {"$": r"\Z", r"\z": r"\Z"}
    return "".join(ends.get(piece, piece) for piece in pieces)


def _range(value, parameters):
    if value is None:
        return _null_passes(parameters)
    comparable = _comparable(value)
    low, high = _limit(parameters.get("min"), value), _limit(parameters.get("max"), value, last=True)
    return (low is None or low <= comparable) and (high is None or comparable <= high)


def _length(value, parameters):
    if value is None:
        return _null_passes(parameters)
    return parameters.get("min", 0) <= len(value) <= parameters.get("max", len(value))


def _enum(value, parameters):
    if value is None:
        return _null_passes(parameters)
    return any(value == listed or values.canonical(value) == str(listed) for listed in parameters["values"])


def _comparable(value):
    if isinstance(value, date) and not isinstance(value, datetime):
        return datetime.combine(value, time())
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return values.number_as_decimal(value)
    if isinstance(value, datetime):
        return value.replace(tzinfo=None)
    if isinstance(value, Decimal):
        return value
    raise OracleError(f"a range of {type(value).__name__} is not in the language")


def _limit(limit, value, last=False):
    """A limit to compare with; a day as the upper one means all of that day."""
    if limit is None:
        return None
    if not isinstance(value, date):
        return values.number_as_decimal(limit) if not isinstance(limit, str) else Decimal(limit)
    moment = time.max if last else time()
    if limit == "today":
        return datetime.combine(datetime.now(timezone.utc).date(), moment)
    if len(limit) == 10:
        return datetime.combine(values.parse_date(limit), moment)
    is_moment = isinstance(value, datetime) and value.tzinfo is not None
    return values.parse_moment(limit).replace(tzinfo=None) if is_moment else values.parse_timestamp(limit)
