"""The rhai functions that the clinic's specs use, in Python: those of transforms/ and those of the specs."""

import re

from faults import Thrown
from functions import WHITE_SPACE, digits, trimmed, upper
from values import canonical

# What a doubled digit counts in a Luhn sum.
_DOUBLED = [0, 2, 4, 6, 8, 1, 3, 5, 7, 9]


def _words(text):
    return [word for word in re.split(f"[{WHITE_SPACE}]+", text) if word]


def collapse_spaces(value, _row=None, _variables=None):
    """One space between words and none at the ends."""
    return None if value is None else " ".join(_words(value))


def given_name_first(value, _row=None, _variables=None):
    """`García, María` as `María García`; what follows a second comma stays behind the name."""
    if value is None:
        return None
    family, *given = [trimmed(part, {}) for part in value.split(",")]
    name = trimmed(f"{given[0]} {family}", {}) if given else family
    return ", ".join([name, *given[1:]])


def initials(value, _row=None, _variables=None):
    """The first letter of each word, upper case."""
    return None if value is None else "".join(upper(word[0], {}) for word in _words(value))


def strip_leading_zeros(value, _row=None, _variables=None):
    """Without the zeros that pad a number; all zeros become one."""
    if value is None:
        return None
    text = canonical(value)
    return text.lstrip("0") or text[-1:]


def us_npi(value, _row=None, _variables=None):
    """Ten digits, checked by Luhn behind 80840."""
    if value is None:
        return None
    number = trimmed(canonical(value), {})
    if len(number) != 10 or digits(number, {}) != number:
        raise Thrown("an NPI has ten digits")
    counted = [int(digit) for digit in reversed("80840" + number)]
    if (sum(counted[0::2]) + sum(_DOUBLED[digit] for digit in counted[1::2])) % 10:
        raise Thrown("the NPI's check digit does not fit")
    return number


def phone_digits(value, _row=None, _variables=None):
    """The digits, and NULL where there are none."""
    return None if value is None else digits(canonical(value), {}) or None


def us_phone(value, _row=None, _variables=None):
    """A number of the United States as E.164."""
    number = phone_digits(value)
    if number is None:
        return None
    if len(number) == 11 and number[0] == "1":
        number = number[1:]
    if len(number) != 10:
        raise Thrown(f"a telephone number of {len(number)} digits; 10 are expected")
    return "+1" + number


def zero_date_to_null(value, _row=None, _variables=None):
    """Zeros and separators only are no date."""
    return None if value is None or re.fullmatch("[0/. -]*", value) else value


def join_names(value, _row, _variables):
    """The parts that are not blank, one space between; NULL where all are."""
    parts = [trimmed(part, {}) for part in value if part is not None]
    return " ".join(part for part in parts if part) or None


def normalize_phone(value, _row, variables):
    """Ten digits behind the country's prefix."""
    number = phone_digits(value)
    if number is None:
        return None
    if len(number) != 10:
        raise Thrown(f"phone has {len(number)} digits")
    return variables["country_prefix"] + number


def message_code(value, row, _variables):
    """The system and the number with four digits."""
    padded = "000" + ("" if value is None else canonical(value))
    return f"{row['sys_cd']}-{padded[-4:]}"


FUNCTIONS = {
    "collapse_spaces": collapse_spaces,
    "given_name_first": given_name_first,
    "initials": initials,
    "strip_leading_zeros": strip_leading_zeros,
    "us_npi": us_npi,
    "us_phone": us_phone,
    "zero_date_to_null": zero_date_to_null,
    "patients.join_names": join_names,
    "patients.normalize_phone": normalize_phone,
    "system_messages.message_code": message_code,
}
