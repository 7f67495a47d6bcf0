"""Logical types and their values: how SQLite's cells are read, written as text, and stored.

Values in Python: integer `int`, float `float`, decimal `Decimal` with the type's exponent, text `str`, bytes `bytes`, date `date`,
timestamp `datetime` without zone, timestamptz `datetime` in UTC, uuid `UUID`, boolean `bool`, NULL `None`.
"""

import math
import re
import uuid
from dataclasses import dataclass
from datetime import date, datetime, timezone
from decimal import Context, Decimal

from faults import Fault, OracleError

INTEGER_MIN, INTEGER_MAX = -(2**63), 2**63 - 1
_WIDE = Context(prec=400)


@dataclass(frozen=True)
class Type:
    """A logical type; precision and scale are a decimal's."""

    kind: str
    precision: int = 0
    scale: int = 0


KINDS = ("boolean", "integer", "float", "text", "bytes", "date", "timestamp", "timestamptz", "uuid")
BOOLEAN, INTEGER, FLOAT, TEXT, BYTES, DATE, TIMESTAMP, TIMESTAMPTZ, UUID = (Type(kind) for kind in KINDS)


def parse_type(text):
    """What `data_type` says."""
    if text in KINDS:
        return Type(text)
    found = re.fullmatch(r"decimal\(\s*(\d+)\s*,\s*(\d+)\s*\)", text)
    if not found:
        raise OracleError(f"no type is called {text!r}")
    return Type("decimal", int(found[1]), int(found[2]))


def decode(octets):
    """Text of UTF-8."""
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError:
        raise Fault("VALUE_ENCODING") from None


def number_as_decimal(number):
    """An integer as it is; a float as the shortest decimal that reads back as that float."""
    return Decimal(repr(number)) if isinstance(number, float) else Decimal(number)


def fit_decimal(number, decimal_type):
    """The same number with exactly the type's scale, where the type can hold it."""
    if not number.is_finite() or number.adjusted() >= decimal_type.precision:
        raise Fault("VALUE_RANGE")
    fitted = number.quantize(Decimal(1).scaleb(-decimal_type.scale), context=_WIDE)
    if fitted != number or len(fitted.as_tuple().digits) > decimal_type.precision:
        raise Fault("VALUE_RANGE")
    return abs(fitted) if fitted == 0 else fitted


def parse_date(text):
    """ISO 8601, the canonical form only."""
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        raise Fault("VALUE_FORMAT")
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Fault("VALUE_FORMAT") from None


def parse_timestamp(text):
    """ISO 8601 without a zone, `T` or a space between date and time."""
    found = re.fullmatch(r"([0-9]{4}-[0-9]{2}-[0-9]{2})[T ]([0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.([0-9]{1,6})0*)?", text)
    if not found:
        raise Fault("VALUE_FORMAT")
    try:
        whole = datetime.fromisoformat(f"{found[1]}T{found[2]}")
    except ValueError:
        raise Fault("VALUE_FORMAT") from None
    return whole.replace(microsecond=int((found[3] or "").ljust(6, "0")))


def parse_moment(text):
    """A timestamp with the `Z` of UTC."""
    if not text.endswith("Z"):
        raise Fault("VALUE_FORMAT")
    return parse_timestamp(text[:-1]).replace(tzinfo=timezone.utc)


def parse_uuid(text):
    """32 hexadecimal digits, with the four hyphens or without any, in either case."""
    if not re.fullmatch(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|[0-9a-fA-F]{32}", text):
        raise Fault("VALUE_FORMAT")
    return uuid.UUID(text)


def canonical(value):
    """The one text of a value."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, uuid.UUID)):
        return str(value)
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, float):
        return _float_text(value)
    if isinstance(value, datetime):
        text = value.replace(tzinfo=None).isoformat(timespec="microseconds" if value.microsecond else "seconds")
        return (text.rstrip("0") if value.microsecond else text) + ("Z" if value.tzinfo else "")
    if isinstance(value, date):
        return value.isoformat()
    raise OracleError(f"a {type(value).__name__} has no canonical text")


def _float_text(value):
    """The shortest digits that read back as the float; an exponent without plus sign and leading zeros. No number is `NaN`."""
    if math.isnan(value):
        return "NaN"
    text = re.sub(r"e([-+])0*", lambda sign: "e" + sign[1].strip("+"), repr(value))
    return text[:-2] if text.endswith(".0") else text
