"""What a run must leave behind: rows, key mappings and quarantine of every active entity, from the source's rows alone."""

import json
import uuid
from dataclasses import dataclass, field

import auto_map
import conversions
import rules
import values
from faults import Fault, OracleError
from fields import FieldReader, SourceRow
from project import Field
from settle import LOAD, REFERENCE, REQUIRED, RULE, TRANSFORM, Mark, Row, Self, Settlement, Unique

# Strategies whose keys are made when a row is loaded, and kept in the ledger.
MINTED = ("uuid_v7", "database")


@dataclass
class Expected:
    """What one entity leaves behind. `parents` maps an old key to its new key, by column, for those who refer to this entity."""

    entity: str
    table: str
    columns: list
    rows: list = field(default_factory=list)
    mappings: list = field(default_factory=list)
    quarantine: set = field(default_factory=set)
    parents: dict = field(default_factory=dict)
    key_types: list = field(default_factory=list)
    key_columns: list = field(default_factory=list)
    makes_keys: bool = False


class Expectation:
    """Computes entity after entity, parents first."""

    def __init__(self, project, source, destination, scripts, constraints):
        self.project, self.source, self.destination = project, source, destination
        self.scripts, self.constraints = scripts, constraints
        self.done = {}

    def compute(self):
        """All active entities, in the order they can be loaded."""
        waiting = {spec.entity: spec for spec in self.project.specs if spec.is_active}
        while waiting:
            ready = [spec for spec in waiting.values() if not (_parents(spec) & waiting.keys())]
            if not ready:
                raise OracleError(f"these entities wait for one another: {', '.join(sorted(waiting))}")
            for spec in ready:
                self.done[spec.entity] = EntityRun(spec, self).run()
                del waiting[spec.entity]
        return list(self.done.values())


def _parents(spec):
    references = {mapping.references for mapping in spec.fields if mapping.references}
    return (references | set(spec.depends_on)) - {spec.entity}


class EntityRun:
    """One entity: every source row through fields, references, requirements and rules."""

    def __init__(self, spec, expectation):
        self.spec, self.all = spec, expectation
        self.source_table = self._selected()
        self.source_columns = expectation.source.columns(self.source_table)
        self.columns = expectation.destination.columns(spec.destination_table)
        self.key_source = spec.key_source or expectation.source.primary_key(spec.source_table)
        self.key_destination = spec.key_destination or expectation.destination.primary_key(spec.destination_table)
        self.fields = self._fields()
        self.minted = None
        self.lookups = {}
        self.discarded = None
        self.places = {mapping.destination: index for index, mapping in enumerate(self.fields)}
        self.reader = FieldReader(spec.entity, expectation.scripts, expectation.project.variables)
        self.constraints = expectation.constraints.get(spec.entity, [])
        self._check()

    def _selected(self):
        """What is read: the table, or a view of what the spec's SQL gives."""
        spec, source = self.spec, self.all.source
        if spec.query:
            return source.view(f"{spec.entity} rows", spec.query)
        if spec.where:
            return source.view(f"{spec.entity} rows", f"select * from {source.name(spec.source_table)} where {spec.where}")
        return spec.source_table

    def _fields(self):
        """The spec's fields, then those of `auto_map`; under `keep`, a key column that no field maps takes the source's at its position."""
        fields = self.spec.fields + auto_map.fields(self.spec, self.source_columns, self.columns, self.key_destination)
        mapped = {mapping.destination for mapping in fields}
        if self.spec.strategy != "keep":
            return fields
        pairs = zip(self.key_destination, self.key_source)
        return [Field(new, [old]) for new, old in pairs if new not in mapped] + fields

    def _check(self):
        spec = self.spec
        if not self.key_source or not self.key_destination:
            raise OracleError(f"{spec.entity} has no key")
        if spec.strategy not in ("keep", "uuid_v5", *MINTED):
            raise OracleError(f"{spec.entity}: no key strategy is called {spec.strategy}")
        if spec.strategy != "keep" and (len(self.key_destination) != 1 or self.key_destination[0] in self.places):
            raise OracleError(f"{spec.entity}: {spec.strategy} fills one column that no field maps")
        for name in [*self.places, *self.key_destination]:
            if name not in self.columns:
                raise OracleError(f"{spec.entity}: {spec.destination_table} has no column {name}")
        for rule in spec.rules:
            if rule.field not in self.places:
                raise OracleError(f"{spec.entity}: a rule names {rule.field}, which no field maps")

    def run(self):
        """The entity's expectation."""
        expected = Expected(self.spec.entity, self.spec.destination_table, list(dict.fromkeys([*self.key_destination, *self.places])))
        expected.key_types = self._key_types()
        expected.key_columns = self.key_destination
        expected.makes_keys = self.spec.strategy != "keep"
        rows = self._rows(expected)
        rows.sort(key=lambda row: row.key)
        self._refuse_duplicates(rows)
        twin = self.all.destination.twin(self.spec.destination_table)
        Settlement(rows, self._selves(), self._uniques(), twin, self._stored).settle()
        self._finish(rows, expected)
        return expected

    def _rows(self, expected):
        rows = []
        names = list(self.source_columns)
        for cells in self.all.source.rows(self.source_table, names):
            source = SourceRow(dict(zip(names, cells)), self.source_columns, self.all.source)
            key = self._key(source)
            if key is None:
                expected.quarantine.add((self.spec.entity, "NULL", "KEY_NULL", None))
                continue
            row = Row(key, key_text(key))
            self._compute(row, source)
            rows.append(row)
        return rows

    def _key(self, source):
        """The typed key; None where a part of it is NULL or not of its column's type."""
        try:
            key = tuple(source.value(name) for name in self.key_source)
        except Fault:
            return None
        return None if None in key else key

    def _refuse_duplicates(self, rows):
        for before, after in zip(rows, rows[1:]):
            if before.key == after.key:
                raise OracleError(f"{self.spec.entity}: two rows have the key {after.key_text}; the language does not say which counts")

    def _compute(self, row, source):
        """The stages in their order; a row stops at the first stage that marks it. One that a person discarded stays where it is."""
        decided = self._discarded().get(row.key_text)
        if decided:
            row.values = {mapping.destination: None for mapping in self.fields}
            row.marks.append(Mark(TRANSFORM, -1, 0, *decided))
            return
        for stage in (self._convert, self._refer, self._require, self._judge, self._constrain):
            stage(row, source)
            if row.marks:
                return

    def _discarded(self):
        """Rows that are not to come, by key, with what was found when they were tried last: nobody but the ledger knows what was decided."""
        if self.discarded is None:
            columns = ["entity_type", "source_key", "code", "field", "status"]
            found = self.all.destination.ledger("quarantine", columns) or []
            listed = [row for row in found if row[0] == self.spec.entity and row[4] == "discarded"]
            self.discarded = {key: (code, field) for _, key, code, field, _ in listed if key != "NULL"}
        return self.discarded

    def _convert(self, row, source):
        for index, mapping in enumerate(self.fields):
            try:
                if _refers_by_columns(mapping):
                    row.values[mapping.destination] = self.reader.columns(mapping, source)
                else:
                    row.values[mapping.destination] = self.reader.compute(mapping, source, self._target(mapping))
            except Fault as fault:
                row.marks.append(Mark(TRANSFORM, index, 0, fault.code, mapping.destination))

    def _target(self, mapping):
        if mapping.references:
            types = self._key_types() if mapping.references == self.spec.entity else self._parent(mapping).key_types
            if len(types) != 1:
                raise OracleError(f"{self.spec.entity}.{mapping.destination}: {mapping.references} has a key of {len(types)} columns")
            return types[0]
        return mapping.data_type or self.columns[mapping.destination].type

    def _parent(self, mapping):
        parent = self.all.done.get(mapping.references)
        if parent is None:
            raise OracleError(f"{self.spec.entity}: {mapping.references} is not an active entity")
        return parent

    def _key_types(self):
        return [self.source_columns[name].type for name in self.key_source]

    def _refer(self, row, _source):
        if self.spec.strategy != "keep":
            row.values[self.key_destination[0]] = self._new_key(row)
        for index, mapping in enumerate(self.fields):
            old = row.values[mapping.destination]
            if not mapping.references or old is None:
                continue
            old = old if _refers_by_columns(mapping) else (old,)
            if mapping.references == self.spec.entity:
                row.parents[mapping.destination] = old
                # Something that is not NULL, until the parent's key is known.
                row.values[mapping.destination] = old[0]
            else:
                self._look_up(row, index, mapping, old)

    def _look_up(self, row, index, mapping, old):
        parent = self._parent(mapping)
        if old not in parent.parents and mapping.on_missing == "default":
            old = (conversions.convert(mapping.default, self._target(mapping)),)
        if old in parent.parents:
            row.values[mapping.destination] = parent.parents[old][_taken(mapping, parent.key_columns)]
        elif mapping.on_missing == "null":
            row.values[mapping.destination] = None
        elif mapping.on_missing == "fail":
            raise OracleError(f"{self.spec.entity}.{mapping.destination}: `on_missing: fail` stops the entity")
        else:
            row.marks.append(Mark(REFERENCE, index, 0, "PARENT_MISSING", mapping.destination))

    def _new_key(self, row):
        if self.spec.strategy in MINTED:
            return self._minted(row)
        return uuid.uuid5(uuid.UUID(self.spec.namespace), f"{self.spec.entity}:{row.key_text}")

    def _minted(self, row):
        """What the ledger says was made for the row: nobody can say what it must be, only that it is a key of its kind."""
        if self.minted is None:
            found = self.all.destination.ledger("migration_mappings", ["entity_type", "source_id", "destination_id"]) or []
            self.minted = {old: new for entity, old, new in found if entity == self.spec.entity}
        is_number = self.columns[self.key_destination[0]].type.kind == "integer"
        text = self.minted.get(row.key_text)
        if text is None:
            # The mapping is missing, which is a difference of its own; no other row has this key.
            return -1 - len(self.minted) if is_number else uuid.uuid5(uuid.NAMESPACE_OID, row.key_text)
        if is_number:
            return int(text)
        key = uuid.UUID(text)
        if str(key) != text or (self.spec.strategy == "uuid_v7" and key.version != 7):
            raise OracleError(f"{self.spec.entity}: {text} is no key of {self.spec.strategy}")
        return key

    def _require(self, row, _source):
        for index, mapping in enumerate(self.fields):
            required = self.columns[mapping.destination].is_required if mapping.is_required is None else mapping.is_required
            if required and row.values[mapping.destination] is None:
                row.marks.append(Mark(REQUIRED, index, 0, "REQUIRED_MISSING", mapping.destination))

    def _judge(self, row, _source):
        for rule_index, rule in enumerate(self.spec.rules):
            if rule.kind == "unique" or rules.passes(rule, row.values[rule.field], self._held):
                continue
            if rule.on_failure == "quarantine":
                row.marks.append(Mark(RULE, self.places[rule.field], rule_index, rules.CODES[rule.kind], rule.field))
            elif rule.on_failure != "warn":
                raise OracleError(f"{self.spec.entity}: the rule {rule.kind} on {rule.field} stops the entity")

    def _held(self, parameters):
        """What is in the column where a rule looks; a run must not have changed it since."""
        destination, table = self.all.destination, parameters.get("table")
        if table is None:
            raise OracleError(f"{self.spec.entity}: the oracle knows foreign keys with a table only")
        column = parameters.get("column") or destination.primary_key(table)[0]
        if (table, column) not in self.lookups:
            declared = destination.columns(table)[column]
            held = (destination.value(cell, declared) for (cell,) in destination.rows(table, [column]))
            self.lookups[table, column] = {values.canonical(value) for value in held if value is not None}
        return self.lookups[table, column]

    def _constrain(self, row, _source):
        stored = self._stored(row)
        for index, (code, name, is_violated) in enumerate(self.constraints):
            if is_violated(stored):
                row.marks.append(Mark(LOAD, 0, index, code, name))

    def _selves(self):
        own = [(index, mapping) for index, mapping in enumerate(self.fields) if mapping.references == self.spec.entity]
        for _, mapping in own:
            if mapping.on_missing != "quarantine":
                place = f"{self.spec.entity}.{mapping.destination}"
                raise OracleError(f"{place}: the oracle knows self references with `on_missing: quarantine` only")
        return [Self(mapping.destination, index) for index, mapping in own]

    def _uniques(self):
        unique = [(at, rule) for at, rule in enumerate(self.spec.rules) if rule.kind == "unique" and rule.on_failure != "warn"]
        return [Unique(rule.field, self.places[rule.field], at) for at, rule in unique]

    def _finish(self, rows, expected):
        new_keys = {row.key: {name: row.values.get(name) for name in self.key_destination} for row in rows if not row.marks}
        taken = {mapping.destination: _taken(mapping, self.key_destination) for mapping in self.fields if mapping.references == self.spec.entity}
        for row in rows:
            if row.marks:
                mark = min(row.marks, key=lambda mark: (mark.stage, mark.field_index, mark.rule_index))
                expected.quarantine.add((self.spec.entity, row.key_text, mark.code, mark.field))
                continue
            for name, parent in row.parents.items():
                row.values[name] = new_keys[parent][taken[name]]
            stored = self._stored(row)
            expected.rows.append(stored)
            expected.parents[row.key] = {name: row.values[name] for name in self.key_destination}
            if self.spec.strategy != "keep":
                expected.mappings.append((row.key_text, str(self._new_key(row))))

    def _stored(self, row):
        return {name: self.all.destination.stored(value, self.columns[name]) for name, value in row.values.items()}


def _refers_by_columns(mapping):
    """Whether the source columns are a key that is looked up."""
    return mapping.references and len(mapping.sources) > 1 and not mapping.transformations


def _taken(mapping, columns):
    """The column of a new key that a reference takes: the named one, the only one, or the one of the field's name."""
    return mapping.referenced_column or (columns[0] if len(columns) == 1 else mapping.destination)


def key_text(key):
    """The text of a source key: the value's own, or a compact JSON array of texts."""
    texts = [values.canonical(part) for part in key]
    return texts[0] if len(texts) == 1 else json.dumps(texts, ensure_ascii=False, separators=(",", ":"))
