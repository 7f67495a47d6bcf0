#!/usr/bin/env python3
"""Says whether a destination holds exactly what a project's specs ask for.

Usage: oracle.py PROJECT_DIR [--env NAME] [--functions FILE.py]

Computes the end of a run from the source database alone and compares it with the destination and its ledger. It shares nothing with
the engine: the language is implemented here a second time, for clarity and not for speed. Both databases are only read; what has to be
tried out is tried in tables that nobody else sees and that are gone afterwards.

Functions in rhai cannot be run here; their Python equivalents come from FILE.py, by default `functions_<project>.py` beside this file:
`FUNCTIONS` maps a name, or `entity.name`, to a callable of (value, row, vars); a `throw` is `raise Thrown(text)`.
`CONSTRAINTS` maps an entity to a list of (code, field or None, violated(row)) for what only the destination refuses; `row` holds the
values as they are stored.

Exit codes: 0 equal, 1 different, 2 the oracle cannot tell.
"""

import argparse
import runpy
import sys
from pathlib import Path

import compare
import project
from ends import open_end
from expect import Expectation
from faults import OracleError

SHOWN_MAX = 20


def main(arguments=None):
    """Compares, prints and answers with the exit code."""
    options = _options(arguments)
    try:
        report = _report(options)
    except OracleError as error:
        print(f"oracle: cannot tell: {error}", file=sys.stderr)
        return 2
    if not report.differences:
        print(f"oracle: {report.rows} rows in {report.tables} tables equal, {report.quarantined} quarantined equal")
        return 0
    for kind, found in report.differences.items():
        print(f"oracle: {len(found)} {kind}")
        for line in found[:SHOWN_MAX]:
            print(f"  {line}")
        if len(found) > SHOWN_MAX:
            print(f"  and {len(found) - SHOWN_MAX} more")
    return 1


def _options(arguments):
    parser = argparse.ArgumentParser(description="Compares a project's destination with what its specs ask for.")
    parser.add_argument("project_dir", type=Path)
    parser.add_argument("--env", metavar="NAME")
    parser.add_argument("--functions", type=Path, metavar="FILE.py")
    return parser.parse_args(arguments)


def _report(options):
    read = project.load(options.project_dir, options.env)
    destination = open_end(read.destination)
    return compare.compare(expectation(read, destination, options.functions).compute(), destination)


def expectation(read, destination, functions=None):
    """The expectation of a project; `destination` is asked for its tables only."""
    beside = Path(__file__).with_name(f"functions_{read.name}.py")
    path = functions or (beside if beside.is_file() else None)
    given = runpy.run_path(str(path)) if path else {}
    return Expectation(read, open_end(read.source), destination, given.get("FUNCTIONS", {}), given.get("CONSTRAINTS", {}))


if __name__ == "__main__":
    sys.exit(main())
