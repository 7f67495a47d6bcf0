"""The rhai functions of examples/chinook, in Python."""

from functions import WHITE_SPACE


def postal_address(value, _row, _variables):
    """One line for each part, blanks dropped; NULL where nothing is left."""
    lines = [part.strip(WHITE_SPACE) for part in value if part is not None]
    return "\n".join(line for line in lines if line) or None


FUNCTIONS = {"customers.postal_address": postal_address}
