"""A tiny project with two databases of its own, for the oracle's tests: SQLite files in a directory, or databases of PostgreSQL."""

import contextlib
import io
import itertools
import os
import sqlite3
import tempfile
import unittest
from pathlib import Path

import psycopg2

import oracle
import project
from ends import open_end
from playback import LEDGER, POSTGRES_LEDGER

NAMESPACE = "6ba7b811-9dad-11d1-80b4-00c04fd430c8"
PROJECT = f"""
project: tiny
version: 1
source: legacy
destination: platform
connections:
  legacy: {{ url: "sqlite:legacy.db", read_only: true }}
  platform: {{ url: "sqlite:platform.db" }}
vars: {{ key_namespace: {NAMESPACE}, prefix: "+1" }}
defaults:
  key: {{ strategy: uuid_v5, namespace: "${{vars.key_namespace}}" }}
"""


class World(unittest.TestCase):
    """Specs are YAML without the lines that are the same everywhere: table names follow the entity unless the spec has its own."""

    def setUp(self):
        self.directory = Path(self.enterContext(tempfile.TemporaryDirectory()))
        (self.directory / "specs").mkdir()
        (self.directory / "transload.yaml").write_text(self.project_text(), encoding="utf-8")

    def project_text(self):
        """`transload.yaml`."""
        return PROJECT

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
        read = project.load(self.directory)
        given = self.directory / "functions.py"
        found = oracle.expectation(read, open_end(read.destination), given if given.exists() else None).compute()
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


class Server(unittest.TestCase):
    """Databases on the tests' PostgreSQL server, gone when a test is done."""

    numbers = itertools.count(1)

    def database(self):
        """The URL of a new and empty one."""
        name = f"oracle_{os.getpid()}_{next(self.numbers)}"
        server = os.environ.get("TRANSLOAD_TEST_POSTGRES")
        if server is None:
            self.fail("there is no PostgreSQL server to test with: run tests/run, which starts one")
        execute(server, f"create database {name}")
        self.addCleanup(execute, server, f"drop database {name} with (force)")
        return server.replace("/postgres?", f"/{name}?")


class PostgresWorld(World, Server):
    """The same project with PostgreSQL at both ends."""

    def project_text(self):
        self.urls = {"legacy.db": self.database(), "platform.db": self.database()}
        self._run("platform.db", POSTGRES_LEDGER)
        text = PROJECT
        for name, url in self.urls.items():
            text = text.replace(f"sqlite:{name}", url)
        return text

    def platform(self, script):
        self._run("platform.db", script)

    def _run(self, name, script):
        execute(self.urls[name], script)


def execute(url, script):
    """Runs SQL, each statement by itself."""
    connection = psycopg2.connect(url)
    connection.autocommit = True
    if script.strip():
        connection.cursor().execute(script)
    connection.close()
