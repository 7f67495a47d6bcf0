"""Text to date and time by a strftime pattern."""

import re
from datetime import datetime

from faults import Fault, OracleError

_MONTHS = "january february march april may june july august september october november december".split()
_SHORT_MONTHS = [month[:3] for month in _MONTHS]
_COMPOUND = {"%F": "%Y-%m-%d", "%T": "%H:%M:%S", "%R": "%H:%M", "%D": "%m/%d/%y"}
_DIRECTIVES = {
    "Y": r"(?P<Y>[0-9]{4})",
    "y": r"(?P<y>[0-9]{2})",
    "m": r"(?P<m>[0-9]{1,2})",
    "d": r"(?P<d>[0-9]{1,2})",
    "e": r"(?P<d> ?[0-9]{1,2})",
    "H": r"(?P<H>[0-9]{1,2})",
    "I": r"(?P<I>[0-9]{1,2})",
    "M": r"(?P<M>[0-9]{1,2})",
    "S": r"(?P<S>[0-9]{1,2})",
    "p": r"(?P<p>[AaPp][Mm])",
    "b": rf"(?P<b>(?i:{'|'.join(_SHORT_MONTHS)}))",
    "B": rf"(?P<B>(?i:{'|'.join(_MONTHS)}))",
    "%": "%",
}


def parse(text, pattern):
    """The moment a text names; midnight where the pattern has no time."""
    found = re.fullmatch(_expression(pattern), text)
    if not found:
        raise Fault("VALUE_FORMAT")
    parts = found.groupdict()
    try:
        return datetime(_year(parts), _month(parts), int(parts["d"]), _hour(parts), int(parts.get("M") or 0), int(parts.get("S") or 0))
    except ValueError:
        raise Fault("VALUE_FORMAT") from None


def _expression(pattern):
    for short, long in _COMPOUND.items():
        pattern = pattern.replace(short, long)
    pieces = []
    for piece in re.findall(r"%.|[^%]+", pattern):
        if not piece.startswith("%"):
            pieces.append(re.escape(piece))
        elif piece[1] in _DIRECTIVES:
            pieces.append(_DIRECTIVES[piece[1]])
        else:
            raise OracleError(f"the oracle does not know {piece} in {pattern!r}")
    return "".join(pieces)


def _year(parts):
    if "Y" in parts:
        return int(parts["Y"])
    short = int(parts["y"])
    return short + (2000 if short < 70 else 1900)


def _month(parts):
    if "b" in parts:
        return _SHORT_MONTHS.index(parts["b"].lower()) + 1
    if "B" in parts:
        return _MONTHS.index(parts["B"].lower()) + 1
    return int(parts["m"])


def _hour(parts):
    if "I" not in parts:
        return int(parts.get("H") or 0)
    hour = int(parts["I"])
    if not 1 <= hour <= 12:
        raise ValueError(hour)
    return hour % 12 + (12 if parts["p"].lower() == "pm" else 0)
