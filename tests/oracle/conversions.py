"""From one logical type to another: exact, or the row's fault; a pair that no row could convert is the spec's mistake."""

import re
import uuid
from datetime import date, datetime, time
from decimal import Decimal

import dates
import values
from faults import Fault, OracleError

_NUMBER = re.compile(r"[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)")


def convert(value, to, pattern=None):
    """The value as type `to`; `pattern` reads text as a date or a timestamp."""
    if value is None:
        return None
    converters = {
        "boolean": _to_boolean, "integer": to_integer, "float": _to_float, "text": _to_text,
        "bytes": _to_bytes, "timestamptz": _to_moment, "uuid": _to_uuid,
    }
    if to.kind == "decimal":
        return values.fit_decimal(_to_number(value), to)
    if to.kind in ("date", "timestamp"):
        return _to_time(value, to, pattern)
    return converters[to.kind](value)


def _to_boolean(value):
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        if value not in (0, 1):
            raise Fault("VALUE_RANGE")
        return value == 1
    if isinstance(value, str):
        if value not in ("true", "false"):
            raise Fault("VALUE_FORMAT")
        return value == "true"
    raise _impossible(value, "boolean")


def to_integer(value):
    """Text in decimal digits, or a number without fraction."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, str):
        if not re.fullmatch(r"[-+]?[0-9]+", value):
            raise Fault("VALUE_FORMAT")
        number = int(value)
    elif isinstance(value, (int, float, Decimal)):
        exact = Decimal(value)
        if not exact.is_finite() or exact != exact.to_integral_value():
            raise Fault("VALUE_RANGE")
        number = int(exact)
    else:
        raise _impossible(value, "integer")
    if not values.INTEGER_MIN <= number <= values.INTEGER_MAX:
        raise Fault("VALUE_RANGE")
    return number


def _to_float(value):
    if isinstance(value, float):
        return value
    if isinstance(value, str):
        if not re.fullmatch(_NUMBER.pattern + r"(?:[eE][-+]?[0-9]+)?", value):
            raise Fault("VALUE_FORMAT")
        number = Decimal(value)
    else:
        number = _to_number(value)
    converted = float(number)
    if values.number_as_decimal(converted) != number and Decimal(converted) != number:
        raise Fault("VALUE_RANGE")
    return converted


def _to_number(value):
    if isinstance(value, str):
        if not _NUMBER.fullmatch(value):
            raise Fault("VALUE_FORMAT")
        return Decimal(value)
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
        raise _impossible(value, "a number")
    return values.number_as_decimal(value) if not isinstance(value, Decimal) else value


def _to_text(value):
    return values.decode(value) if isinstance(value, bytes) else values.canonical(value)


def _to_bytes(value):
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, uuid.UUID):
        return value.bytes
    raise _impossible(value, "bytes")


def _to_uuid(value):
    if isinstance(value, uuid.UUID):
        return value
    if isinstance(value, str):
        return values.parse_uuid(value)
    if isinstance(value, bytes):
        if len(value) != 16:
            raise Fault("VALUE_FORMAT")
        return uuid.UUID(bytes=value)
    raise _impossible(value, "uuid")


def _to_moment(value):
    """Only text that says `Z` is a moment; a time without a zone would have to be told which."""
    if isinstance(value, str):
        return values.parse_moment(value)
    if _is_moment(value):
        return value
    raise _impossible(value, "timestamptz")


def _is_moment(value):
    return isinstance(value, datetime) and value.tzinfo is not None


def _to_time(value, to, pattern):
    if isinstance(value, str):
        if pattern is not None:
            value = dates.parse(value, pattern)
        else:
            return values.parse_date(value) if to.kind == "date" else values.parse_timestamp(value)
    if not isinstance(value, date) or _is_moment(value):
        raise _impossible(value, to.kind)
    if not isinstance(value, datetime):
        return value if to.kind == "date" else datetime.combine(value, time())
    if to.kind == "timestamp":
        return value
    if value.time() != time():
        raise Fault("VALUE_RANGE")
    return value.date()


def _impossible(value, to):
    return OracleError(f"the language has no way from {type(value).__name__} to {to}")
