"""The Python equivalents of the clinic's functions against the cases that `transforms/` itself is tested with."""

import json
import unittest
from pathlib import Path

import core_yaml
import functions
import functions_clinic
from faults import Thrown

ROOT = Path(__file__).parents[2]


class Clinic(unittest.TestCase):
    """The library's functions that the clinic uses, and no function forgotten."""

    def test_cases_of_the_library(self):
        checked = set()
        for path in sorted((ROOT / "transforms" / "cases").glob("*.json")):
            for case in json.loads(path.read_text(encoding="utf-8")):
                if case["function"] in functions_clinic.FUNCTIONS:
                    checked.add(case["function"])
                    with self.subTest(**case):
                        self.check(case)
        self.assertEqual(checked, {name for name in functions_clinic.FUNCTIONS if "." not in name})

    def check(self, case):
        function = functions_clinic.FUNCTIONS[case["function"]]
        if case.get("throws"):
            self.assertRaises(Thrown, function, case["value"])
        else:
            self.assertEqual(function(case["value"]), case["expect"])

    def test_every_function_that_a_spec_names_is_known(self):
        for path in sorted((ROOT / "specs" / "clinic" / "specs").glob("*.yaml")):
            spec = core_yaml.load(path)
            mappings = spec["field_mappings"]
            for mapping in mappings.values() if isinstance(mappings, dict) else mappings:
                for name in self.names(mapping):
                    self.assertTrue(self.is_known(spec["entity_type"], name), f"{path.name}: {name}")

    def names(self, mapping):
        chain = mapping.get("transformation", []) if isinstance(mapping, dict) else []
        chain = chain if isinstance(chain, list) else [chain]
        return [entry if isinstance(entry, str) else next(iter(entry)) for entry in chain]

    def is_known(self, entity, name):
        return name in functions.BUILT_IN or {name, f"{entity}.{name}"} & functions_clinic.FUNCTIONS.keys()


if __name__ == "__main__":
    unittest.main()
