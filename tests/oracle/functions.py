"""The built-in functions, by the words of the language page: `BUILT_IN[name](value, arguments)`."""

import unicodedata
import uuid
from decimal import ROUND_HALF_UP, Decimal
from itertools import groupby

import conversions
import dates
import values
from faults import Fault, OracleError

# White_Space of Unicode; Python's own `strip` would also take U+001C to U+001F.
WHITE_SPACE = "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"


def trimmed(value, _arguments):
    """Text without white space at both ends."""
    return _text(value).strip(WHITE_SPACE)


def lower(value, _arguments):
    """Unicode lower case."""
    return _text(value).lower()


def upper(value, _arguments):
    """Unicode upper case."""
    return _text(value).upper()


def title(value, _arguments):
    """The first letter of each run of letters upper, the rest lower."""
    runs = groupby(_text(value), key=lambda character: unicodedata.category(character).startswith("L"))
    pieces = []
    for is_letters, characters in runs:
        run = "".join(characters)
        pieces.append(run[0].upper() + run[1:].lower() if is_letters else run)
    return "".join(pieces)


def digits(value, _arguments):
    """The characters 0 to 9 only."""
    return "".join(character for character in _text(value) if character in "0123456789")


def concat(value, arguments):
    """The texts that are neither NULL nor empty, joined; NULL when none is."""
    parts = value if isinstance(value, list) else [value]
    texts = [values.canonical(part) for part in parts if part is not None]
    texts = [text for text in texts if text != ""]
    return arguments.get("separator", " ").join(texts) if texts else None


def coalesce(value, _arguments):
    """The first value that is not NULL."""
    parts = value if isinstance(value, list) else [value]
    return next((part for part in parts if part is not None), None)


def parse_date(value, arguments):
    """Text to date; empty text is NULL."""
    text = _text(value)
    if text == "":
        return None
    return conversions.convert(dates.parse(text, arguments.get("format", "%Y-%m-%d")), values.DATE)


def parse_decimal(value, arguments):
    """Text to decimal without its thousands separators; empty text is NULL."""
    text = _text(value)
    if text == "":
        return None
    decimal_type = values.Type("decimal", arguments.get("precision", 18), arguments.get("scale", 2))
    return conversions.convert(text.replace(arguments.get("separator", ","), ""), decimal_type)


def to_int(value, _arguments):
    """Text, or a number without fraction, to integer; empty text is NULL."""
    return None if value == "" else conversions.to_integer(value)


def rounded(value, arguments):
    """The nearest decimal of a scale; of two that are as near, the one farther from zero."""
    number = values.number_as_decimal(value)
    unit = Decimal(1).scaleb(-arguments.get("scale", 0))
    return number if number.as_tuple().exponent >= unit.as_tuple().exponent else number.quantize(unit, rounding=ROUND_HALF_UP)


def cut(value, arguments):
    """The first characters of a text."""
    return _text(value)[: arguments["length"]]


def day(value, _arguments):
    """The date of a timestamp."""
    return value.date()


def constant(_value, arguments):
    """The same value for every row."""
    return arguments["value"]


def uuid_v5(value, arguments):
    """A UUID made of a namespace and a text."""
    return uuid.uuid5(uuid.UUID(arguments["namespace"]), arguments.get("prefix", "") + values.canonical(value))


def mapped(value, arguments):
    """`value_map`: the value that a text stands for, or what `on_unmapped` says."""
    table = {_key_text(key): entry for key, entry in arguments["map"].items()}
    text = values.canonical(value)
    if text in table:
        return table[text]
    policy = arguments.get("on_unmapped", "quarantine") or "null"
    if policy == "keep":
        return value
    if policy == "null":
        return None
    if policy == "default":
        return arguments.get("default")
    if policy == "quarantine":
        raise Fault("VALUE_UNMAPPED")
    raise OracleError(f"`on_unmapped: {policy}` stops the entity")


def _key_text(key):
    return "null" if key is None else values.canonical(key)


def _text(value):
    if not isinstance(value, str):
        raise OracleError(f"a text function was given a {type(value).__name__}; the language does not say what that means")
    return value


BUILT_IN = {
    "trimmed": trimmed, "lower": lower, "upper": upper, "title": title, "digits": digits, "concat": concat, "coalesce": coalesce,
    "parse_date": parse_date, "parse_decimal": parse_decimal, "to_int": to_int, "value_map": mapped, "constant": constant,
    "uuid_v5": uuid_v5, "rounded": rounded, "cut": cut, "day": day,
}
SEES_NULL = {"concat", "coalesce", "constant"}
