"""The project examples/chinook by itself: specs, both schemas, the invented rows, and what `mutate.py` makes of them."""

import contextlib
import io
import os
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import auto_map
import mutate
import oracle
import playback
import project
import to_postgres
from ends import open_end
from legacy import open_legacy
from sqlite_end import SqliteEnd
from world import Server, execute

CHINOOK = Path(__file__).parents[2] / "examples" / "chinook"
SEEDS = range(1, 9)


class Chinook(unittest.TestCase):
    """Each test has its own pair of databases."""

    def setUp(self):
        directory = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.legacy, self.platform = directory / "legacy.db", directory / "platform.db"
        urls = {"CHINOOK_URL": f"sqlite:{self.legacy}", "PLATFORM_URL": f"sqlite:{self.platform}"}
        self.enterContext(mock.patch.dict(os.environ, urls))
        playback.create(self.legacy, CHINOOK / "schema" / "legacy.sql")
        self.empty_platform()

    def empty_platform(self):
        self.platform.unlink(missing_ok=True)
        playback.create(self.platform, CHINOOK / "schema" / "platform.sql")

    def expected(self):
        return oracle.expectation(project.load(CHINOOK), SqliteEnd(self.platform)).compute()

    def verdict(self):
        """The oracle's exit code and first line."""
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            code = oracle.main([str(CHINOOK)])
        return code, printed.getvalue().splitlines()[0]

    def test_every_invented_row_arrives(self):
        playback.play(self.expected(), self.platform)
        rows = sum(len(table) for table in self.snapshot().values())
        self.assertEqual(self.verdict(), (0, f"oracle: {rows} rows in 11 tables equal, 0 quarantined equal"))

    def test_the_specs_map_every_column(self):
        legacy, platform = SqliteEnd(self.legacy), SqliteEnd(self.platform)
        for spec in project.load(CHINOOK).specs:
            there, key = legacy.columns(spec.source_table), platform.primary_key(spec.destination_table)
            fields = spec.fields + auto_map.fields(spec, there, platform.columns(spec.destination_table), key)
            read = {name for field in fields for name in field.sources} | set(legacy.primary_key(spec.source_table))
            self.assertEqual(read, set(there), spec.entity)

    def test_mutated_rows_arrive(self):
        for seed in SEEDS:
            with self.subTest(seed=seed):
                mutate.mutate(self.legacy, seed, 300)
                self.empty_platform()
                expected = self.expected()
                self.assertEqual(set().union(*(entity.quarantine for entity in expected)), set())
                playback.play(expected, self.platform)
                self.assertEqual(self.verdict()[0], 0)

    def test_a_summary_counts_what_the_specs_show(self):
        for seed in SEEDS:
            with self.subTest(seed=seed):
                before = self.by_key()
                effect = mutate.mutate(self.legacy, seed, 300)
                after = self.by_key()
                self.assertEqual(mutate.summary(before, after), effect)

    def test_a_mutation_leaves_more_than_half_of_every_table(self):
        for seed in SEEDS:
            before = self.snapshot()
            effect = mutate.mutate(self.legacy, seed, 500)
            for table, counts in effect.items():
                with self.subTest(seed=seed, table=table):
                    self.assertLess(counts["deleted"] * 2, len(before[table]))

    def test_a_seed_decides_everything(self):
        twin = self.legacy.with_name("twin.db")
        playback.create(twin, CHINOOK / "schema" / "legacy.sql")
        self.assertEqual(mutate.mutate(self.legacy, 7, 200), mutate.mutate(twin, 7, 200))
        self.assertEqual(self.snapshot(), self.snapshot(twin))

    def snapshot(self, path=None):
        legacy = open_legacy(path or self.legacy)
        try:
            return mutate.snapshot(legacy)
        finally:
            legacy.close()

    def by_key(self):
        """What arrives, as {source table: {source key: row}}."""
        tables = {spec.entity: spec.source_table for spec in project.load(CHINOOK).specs}
        found = {}
        for entity in self.expected():
            key = entity.columns[: 2 if entity.entity == "playlist_tracks" else 1]
            found[tables[entity.entity]] = {tuple(row[name] for name in key): row for row in entity.rows}
        return found


class ChinookInPostgres(Server):
    """The same rows and the same changes in PostgreSQL, by the environment that has it at both ends."""

    def setUp(self):
        directory = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.file = directory / "legacy.db"
        playback.create(self.file, CHINOOK / "schema" / "legacy.sql")
        self.urls = {"CHINOOK_URL": self.database(), "PLATFORM_URL": self.database()}
        self.enterContext(mock.patch.dict(os.environ, self.urls))
        to_postgres.copy(self.file, self.urls["CHINOOK_URL"])
        execute(self.urls["PLATFORM_URL"], (CHINOOK / "schema" / "platform.postgres.sql").read_text(encoding="utf-8"))

    def expected(self, environment):
        """What arrives, as sets of rows by entity, and what does not."""
        read = project.load(CHINOOK, environment)
        destination = open_end(read.destination)
        self.addCleanup(destination.connection.close)
        found = oracle.expectation(read, destination).compute()
        rows = {entity.entity: {tuple(row.items()) for row in entity.rows} for entity in found}
        return rows, set().union(*(entity.quarantine for entity in found))

    def test_every_row_is_copied_as_it_is(self):
        with mock.patch.dict(os.environ, {"CHINOOK_URL": f"sqlite:{self.file}"}):
            from_file = self.expected("postgres")
        self.assertEqual(self.expected("postgres_only"), from_file)

    def test_mutated_rows_arrive(self):
        for seed in SEEDS:
            with self.subTest(seed=seed):
                effect = mutate.mutate(self.urls["CHINOOK_URL"], seed, 100)
                self.assertEqual(effect.keys(), set(mutate.TABLES))
                self.assertEqual(self.expected("postgres_only")[1], set())


if __name__ == "__main__":
    unittest.main()
