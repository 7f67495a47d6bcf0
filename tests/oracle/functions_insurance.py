"""The rhai functions of specs/insurance, in Python."""

from functions import digits, title, trimmed
from functions_clinic import collapse_spaces, zero_date_to_null
from faults import Thrown


def open_end(value, _row, _variables):
    """All nines are no date."""
    return None if value is None or trimmed(value, {}) == "99999999" else value


def person_name(value, _row, _variables):
    """Given name, initial with a point, family name."""
    given, initial, family = ("" if part is None else title(trimmed(part, {}), {}) for part in value)
    return " ".join(part for part in (given, initial and f"{initial}.", family) if part)


def last_four(value, _row, _variables):
    """The last four of nine digits; NULL where there are none."""
    number = "" if value is None else digits(value, {})
    if number and len(number) != 9:
        raise Thrown(f"a social security number of {len(number)} digits")
    return number[5:] or None


def icd10_point(value, _row, _variables):
    """A point behind the third character, where there are more and no point."""
    return value if value is None or len(value) <= 3 or "." in value else f"{value[:3]}.{value[3:]}"


def cents(value, _row, _variables):
    """An amount in hundredths."""
    return None if value is None else int(value * 100)


def at_most_billed(value, _row, _variables):
    """The second of two amounts, which is not above the first."""
    billed, paid = value
    if paid is not None and billed is not None and paid > billed:
        raise Thrown("more was paid than was asked for")
    return paid


FUNCTIONS = {
    "collapse_spaces": collapse_spaces,
    "zero_date_to_null": zero_date_to_null,
    "group_policy.open_end": open_end,
    "employee.person_name": person_name,
    "employee.last_four": last_four,
    "disability.icd10_point": icd10_point,
    "disability.cents": cents,
    "claim.at_most_billed": at_most_billed,
}
