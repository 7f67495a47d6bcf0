"""A tiny project with two databases in a directory of its own, for the oracle's tests."""

import contextlib
import io
import sqlite3
import tempfile
import unittest
from pathlib import Path

import oracle
import project
from catalog import Database
from playback import LEDGER

NAMESPACE = "6ba7b811-9dad-11d1-80b4-00c04fd430c8"
PROJECT = f"""
project: tiny
version: 1
source: legacy
destination: platform
connections:
  legacy: {{ type: sqlite, url: "sqlite:legacy.db", read_only: true }}
  platform: {{ type: sqlite, url: "sqlite:platform.db" }}
vars: {{ key_namespace: {NAMESPACE}, prefix: "+1" }}
defaults:
  key: {{ strategy: uuid_v5, namespace: "${{vars.key_namespace}}" }}
"""


class World(unittest.TestCase):
    """Specs are YAML without the lines that are the same everywhere: table names follow the entity unless the spec has its own."""

    def setUp(self):
        self.directory = Path(self.enterContext(tempfile.TemporaryDirectory()))
        (self.directory / "specs").mkdir()
        (self.directory / "transload.yaml").write_text(PROJECT, encoding="utf-8")

    def spec(self, entity, text):
        """Writes a spec from table `old_<entity>` to table `<entity>`."""
        head = f'entity_type: {entity}\nsource_table: old_{entity}\ndestination_table: {entity}\nversion: "1.0"\n'
        (self.directory / "specs" / f"{entity}.yaml").write_text(head + text, encoding="utf-8")

    def legacy(self, script):
        """Runs SQL on the source."""
        self._run("legacy.db", script)

    def platform(self, script):
        """Runs SQL on the destination, which has an empty ledger."""
        self._run("platform.db", LEDGER + script)

    def functions(self, text):
        """Python equivalents of the project's functions."""
        (self.directory / "functions.py").write_text(text, encoding="utf-8")

    def expected(self):
        """The expectation by entity."""
        destination = Database(self.directory / "platform.db")
        given = self.directory / "functions.py"
        found = oracle.expectation(project.load(self.directory), destination, given if given.exists() else None).compute()
        return {entity.entity: entity for entity in found}

    def verdict(self):
        """The oracle's exit code and what it prints."""
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
            code = oracle.main([str(self.directory)])
        return code, printed.getvalue()

    def _run(self, name, script):
        connection = sqlite3.connect(self.directory / name)
        connection.executescript(script)
        connection.close()
