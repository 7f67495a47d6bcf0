"""The oracle's verdicts: what it accepts, and every kind of difference that it must not overlook.

The right destination is written by hand. The UUIDs are version 5 in the namespace of the tiny world, of `teams:1`, `players:7` and
so on.
"""

import re
import unittest

from world import PostgresWorld, World

KEYS = {
    "TEAM1": "e293314b-98d4-575f-81a1-1b6d3bdb3234",
    "TEAM3": "c7e2a3c2-9dbe-5643-ac8c-bf304e22fc37",
    "PLAYER7": "01da53eb-a1ab-5fe9-9b77-ff5d13bc9da4",
    "PLAYER8": "0ad32c64-924d-509e-8e25-fe7d19d5300c",
}
RIGHT = """
create table teams (id text not null primary key, name text not null, founded integer);
create table players (id text not null primary key, team_id text references teams (id), shirt);
insert into teams values ('TEAM1', 'Ålesund', 1914), ('TEAM3', 'Bø', null);
insert into players values ('PLAYER7', 'TEAM1', 10), ('PLAYER8', 'TEAM3', null);
insert into transload_migration_mappings values
    ('teams', '1', 'TEAM1'), ('teams', '3', 'TEAM3'), ('players', '7', 'PLAYER7'), ('players', '8', 'PLAYER8');
insert into transload_quarantine (entity_type, source_key, code, field) values
    ('teams', '2', 'REQUIRED_MISSING', 'name'), ('players', '9', 'PARENT_MISSING', 'team_id');
"""


class Verdicts(World):
    """Two entities, a reference, a row of each in quarantine; each test spoils one thing. `shirt` is a column without a type."""

    def setUp(self):
        super().setUp()
        self.spec("teams", "field_mappings:\n  name: { source_field: nm, transformation: trimmed }\n")
        self.spec(
            "players",
            "field_mappings:\n"
            "  team_id: { source_field: team_no, references: teams }\n"
            "  shirt: { source_field: shirt_no, data_type: integer }\n",
        )
        self.legacy("""
            create table old_teams (no integer primary key, nm text);
            insert into old_teams values (1, ' Ålesund '), (2, null), (3, 'Bø');
            create table old_players (no integer primary key, team_no integer, shirt_no integer);
            insert into old_players values (7, 1, 10), (8, 3, null), (9, 2, 11);
        """)
        self.platform(re.sub("TEAM[13]|PLAYER[78]", lambda found: KEYS[found[0]], RIGHT))

    def assert_differs(self, spoil, *words):
        self.platform(spoil)
        code, printed = self.verdict()
        self.assertEqual(code, 1, printed)
        for word in words:
            self.assertIn(word, printed)

    def test_accepts_the_right_destination(self):
        self.assertEqual(self.verdict(), (0, "oracle: 4 rows in 2 tables equal, 2 quarantined equal\n"))

    def test_columns_that_no_field_maps_do_not_count(self):
        self.platform("update teams set founded = 2000")
        self.assertEqual(self.verdict()[0], 0)

    def test_finds_a_missing_row(self):
        self.assert_differs("delete from players where shirt = 10", "1 rows missing from players", "shirt=10:integer")

    def test_finds_an_extra_row(self):
        self.assert_differs("insert into teams values ('x', 'Bø', null)", "1 rows of teams that are not expected")

    def test_finds_a_row_of_an_empty_expectation(self):
        self.legacy("delete from old_players")
        self.assert_differs("", "2 rows of players that are not expected", "2 key mappings that are not expected")

    def test_finds_a_changed_value(self):
        self.assert_differs("update teams set name = 'Alesund' where name = 'Ålesund'", "name='Ålesund':text", "name='Alesund':text")

    def test_finds_a_wrong_storage_class(self):
        self.assert_differs("update players set shirt = cast(shirt as text) where shirt = 10", "shirt=10:integer", "shirt='10':text")

    def test_finds_a_missing_quarantine_entry(self):
        spoil = "delete from transload_quarantine where source_key = '9'"
        self.assert_differs(spoil, "quarantine entries missing", "players · 9 · PARENT_MISSING · team_id")

    def test_finds_a_quarantine_entry_too_many(self):
        spoil = "insert into transload_quarantine (entity_type, source_key, code, field) values ('teams', '3', 'VALUE_TYPE', 'name')"
        self.assert_differs(spoil, "1 quarantine entries that are not expected")

    def test_a_discarded_row_is_where_it_was_decided_to_be(self):
        away = "delete from players where id = 'PLAYER8'; delete from transload_migration_mappings where source_id = '8'"
        columns = "entity_type, source_key, code, field, status"
        listed = f"insert into transload_quarantine ({columns}) values ('players', '8', 'PARENT_MISSING', 'team_id', '{{}}')"
        away = away.replace("PLAYER8", KEYS["PLAYER8"])
        self.platform(f"{away}; {listed.format('discarded')}")
        self.assertEqual(self.verdict()[0], 0)
        self.assert_differs("update transload_quarantine set status = 'open' where source_key = '8'", "rows missing from players")

    def test_finds_another_code_or_field(self):
        self.assert_differs("update transload_quarantine set field = null where source_key = '2'", "teams · 2 · REQUIRED_MISSING · None")

    def test_finds_a_wrong_mapping(self):
        self.assert_differs("update transload_migration_mappings set source_id = '2' where source_id = '3'", "key mappings missing")

    def test_finds_a_mapping_written_twice(self):
        spoil = "insert into transload_migration_mappings select * from transload_migration_mappings where source_id = '7'"
        self.assert_differs(spoil, "source keys mapped more than once", "destination keys mapped more than once")

    def test_finds_a_mapping_without_a_row(self):
        self.assert_differs("insert into transload_migration_mappings values ('teams', '2', 'x')", "teams · 2 · x")

    def test_finds_a_reference_to_nothing(self):
        self.assert_differs("delete from teams where name = 'Bø'", "foreign keys that point to nothing", "players rowid 2: no row of teams")

    def test_finds_a_missing_ledger(self):
        self.platform("drop table transload_migration_mappings; alter table transload_quarantine rename to gone")
        code, printed = self.verdict()
        self.assertEqual(code, 1)
        self.assertIn("2 ledger tables that are missing", printed)

    def test_shows_twenty_differences_of_a_kind(self):
        rows = ", ".join(f"('x{number}', 'Bø', null)" for number in range(25))
        self.assert_differs(f"insert into teams values {rows}", "25 rows of teams that are not expected", "and 5 more")

    def test_cannot_tell_what_the_language_does_not_have(self):
        self.spec("teams", "field_mappings:\n  name: { source_field: nm, mask: hash }\n")
        code, printed = self.verdict()
        self.assertEqual(code, 2)
        self.assertIn("the language has no key 'mask'", printed)


class PostgresVerdicts(PostgresWorld, Verdicts):
    """The same between databases of PostgreSQL, where every column has a type and no reference points to nothing."""

    def platform(self, script):
        super().platform(script.replace("transload_", "transload.").replace("shirt)", "shirt integer)"))

    def assert_differs(self, spoil, *words):
        without_classes = [re.sub(r"=(\d+):integer", r"='\1'", word).replace(":text", "") for word in words]
        super().assert_differs(spoil, *without_classes)

    test_finds_a_wrong_storage_class = None

    def test_finds_a_reference_to_nothing(self):
        self.platform("alter table players drop constraint players_team_id_fkey; delete from teams where name = 'Bø';"
                      "alter table players add foreign key (team_id) references teams not valid")
        self.assert_differs("", "foreign keys that point to nothing", "players (0,2): no row of teams")


if __name__ == "__main__":
    unittest.main()
