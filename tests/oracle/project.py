"""`transload.yaml` and the specs, read into plain records; a key that the language does not have is an error."""

import glob
import os
import re
from dataclasses import dataclass, field
from pathlib import Path

import core_yaml
import values
from faults import OracleError

PROJECT_KEYS = {
    "project", "version", "specs", "transforms", "source", "destination", "control", "connections", "vars", "defaults",
    "execution", "environments", "default_environment",
}
SPEC_KEYS = {
    "entity_type", "source_table", "destination_table", "version", "is_active", "description", "tags", "depends_on", "key",
    "source", "auto_map", "field_mappings", "validation_rules", "transformation_functions", "change_detection", "deletes", "load",
    "tests",
}
FIELD_KEYS = {
    "source_field", "destination_field", "data_type", "format", "transformation", "value_map", "on_unmapped", "default_value",
    "is_required", "references", "referenced_column", "on_missing",
}
RULE_KEYS = {"field_name", "rule_type", "rule_parameters", "on_failure"}
AUTO_MAP_KEYS = {"include", "exclude", "match", "on_new_column"}
SOURCE_KEYS = {"where", "query"}
KEY_KEYS = {"source", "destination", "strategy", "namespace"}
UNSET = object()


@dataclass
class Field:
    """One field mapping in its long form; `sources` is empty for a constant."""

    destination: str
    sources: list
    is_list: bool = False
    transformations: list = field(default_factory=list)
    value_map: dict = None
    on_unmapped: str = "quarantine"
    default: object = UNSET
    data_type: values.Type = None
    format: str = None
    is_required: bool = None
    references: str = None
    referenced_column: str = None
    on_missing: str = "quarantine"


@dataclass
class Rule:
    """One validation rule."""

    field: str
    kind: str
    parameters: dict
    on_failure: str


@dataclass
class Spec:
    """One entity. Key columns are None where the spec leaves them to the primary keys; `auto_map` is None where there is none."""

    entity: str
    source_table: str
    where: str
    query: str
    destination_table: str
    is_active: bool
    key_source: list
    key_destination: list
    strategy: str
    namespace: str
    auto_map: dict
    fields: list
    rules: list
    depends_on: list


@dataclass
class Connection:
    """Where a database is: the path of a file, or a URL and a schema."""

    system: str
    place: object
    schema: str = None


@dataclass
class Project:
    """A project: where its databases are, its variables and its specs."""

    name: str
    source: Connection
    destination: Connection
    variables: dict
    specs: list


def load(directory, environment=None):
    """The project of a directory, as it is in an environment."""
    directory = Path(directory)
    text = core_yaml.load(directory / "transload.yaml")
    _only(text, PROJECT_KEYS, "transload.yaml")
    text = _expand(_in_environment(text, environment), _environment)
    variables = text.get("vars") or {}
    text = _expand(text, lambda reference: _variable(reference, variables))
    defaults = text.get("defaults") or {}
    paths = sorted(glob.glob(str(directory / text.get("specs", "specs/**/*.yaml")), recursive=True))
    specs = [_spec(core_yaml.load(path), defaults, path) for path in paths]
    _check_names(specs)
    connections = text["connections"]
    return Project(
        text["project"],
        _connection(directory, connections[text["source"]]),
        _connection(directory, connections[text["destination"]]),
        text.get("vars") or {},
        specs,
    )


def _check_names(specs):
    names = [spec.entity for spec in specs if spec.is_active]
    for spec in specs:
        if spec.is_active and names.count(spec.entity) > 1:
            raise OracleError(f"two active specs are called {spec.entity}")


def _in_environment(text, environment):
    """The project with what one of its `environments` says merged over it. What the others say is not looked at."""
    environments = text.pop("environments", None) or {}
    name = environment or text.pop("default_environment", None)
    if name is None:
        return text
    if name not in environments:
        raise OracleError(f"transload.yaml has no environment {name}")
    over = environments[name] or {}
    _only(over, PROJECT_KEYS - {"environments", "default_environment"}, f"transload.yaml: environments: {name}")
    return _merged(text, over)


def _merged(under, over):
    if not isinstance(under, dict) or not isinstance(over, dict):
        return over
    return under | {key: _merged(under.get(key), entry) for key, entry in over.items()}


def _connection(directory, connection):
    url = connection["url"]
    if url.startswith("sqlite:"):
        return Connection("sqlite", directory / url.removeprefix("sqlite:"))
    if url.startswith(("postgres:", "postgresql:")):
        return Connection("postgres", url, connection.get("schema", "public"))
    raise OracleError("the oracle reads SQLite and PostgreSQL only")


def _expand(node, replace):
    """Every `${…}` in the values of a tree replaced; `replace` returns None for what is not its to replace."""
    if isinstance(node, dict):
        return {key: _expand(entry, replace) for key, entry in node.items()}
    if isinstance(node, list):
        return [_expand(entry, replace) for entry in node]
    if isinstance(node, str):
        return re.sub(r"\$\{([^}]*)\}", lambda found: _or_kept(replace(found[1]), found[0]), node)
    return node


def _or_kept(replacement, original):
    return original if replacement is None else replacement


def _environment(reference):
    if reference.startswith("vars."):
        return None
    name, mark, rest = re.fullmatch(r"(\w+)(?:(:-|:\?)(.*))?", reference).groups()
    found = os.environ.get(name)
    if found or (found is not None and mark is None):
        return found
    if mark == ":-":
        return rest
    raise OracleError(f"the variable {name} is not set: {rest or 'transload.yaml reads it'}")


def _variable(reference, variables):
    name = reference.removeprefix("vars.")
    if name not in variables:
        raise OracleError(f"`vars` has no {name}")
    return values.canonical(variables[name])


def _only(mapping, allowed, place):
    for key in mapping:
        if key not in allowed and not str(key).startswith("x-"):
            raise OracleError(f"{place}: the language has no key {key!r}")


def _spec(text, defaults, path):
    place = os.path.basename(path)
    _only(text, SPEC_KEYS, place)
    key = {**(defaults.get("key") or {}), **(text.get("key") or {})}
    _only(key, KEY_KEYS, f"{place}: key")
    source = text.get("source") or {}
    _only(source, SOURCE_KEYS, f"{place}: source")
    return Spec(
        entity=text["entity_type"],
        source_table=text["source_table"],
        where=source.get("where"),
        query=_query(source.get("query"), path),
        destination_table=text["destination_table"],
        is_active=text.get("is_active", True),
        key_source=_columns(key.get("source")),
        key_destination=_columns(key.get("destination")),
        strategy=key.get("strategy", "keep"),
        namespace=key.get("namespace"),
        auto_map=_auto_map(text.get("auto_map"), place),
        fields=_fields(text.get("field_mappings") or [], place),
        rules=[_rule(rule, place) for rule in text.get("validation_rules") or []],
        depends_on=_columns(text.get("depends_on")) or [],
    )


def _query(entry, path):
    """A query, or what the file holds that is named in its place."""
    if entry and entry.endswith(".sql"):
        entry = (Path(path).parent / entry).read_text(encoding="utf8")
    return entry and entry.strip().rstrip(";")


def _auto_map(entry, place):
    """The key's map, with lists of patterns; `true` is a map that says nothing."""
    if not entry:
        return None
    entry = {} if entry is True else entry
    _only(entry, AUTO_MAP_KEYS, f"{place}: auto_map")
    patterns = {name: _columns(entry.get(name)) or [] for name in ("include", "exclude")}
    return {"match": entry.get("match", "exact"), **patterns}


def _columns(entry):
    return [entry] if isinstance(entry, str) else entry


def _fields(mappings, place):
    if isinstance(mappings, list):
        return [_field(mapping, place) for mapping in mappings]
    return [_field(_long_form(destination, mapping), place) for destination, mapping in mappings.items()]


def _long_form(destination, mapping):
    if isinstance(mapping, str):
        return {"source_field": mapping, "destination_field": destination}
    mapping = dict(mapping or {})
    if "source_field" not in mapping and set(mapping) != {"default_value"}:
        mapping["source_field"] = destination
    return {**mapping, "destination_field": destination}


def _field(mapping, place):
    place = f"{place}: {mapping.get('destination_field')}"
    _only(mapping, FIELD_KEYS, place)
    data_type = mapping.get("data_type")
    if data_type and mapping.get("references"):
        raise OracleError(f"{place}: a reference has no data_type")
    source = mapping.get("source_field")
    return Field(
        destination=mapping["destination_field"],
        sources=_columns(source) or [],
        is_list=isinstance(source, list),
        transformations=[_transformation(entry) for entry in _listed(mapping.get("transformation"))],
        value_map=mapping.get("value_map"),
        on_unmapped=_policy(mapping, "on_unmapped"),
        default=mapping.get("default_value", UNSET),
        data_type=values.parse_type(data_type) if data_type else None,
        format=mapping.get("format"),
        is_required=mapping.get("is_required"),
        references=mapping.get("references"),
        referenced_column=mapping.get("referenced_column"),
        on_missing=_policy(mapping, "on_missing"),
    )


def _policy(mapping, key):
    """`null` written without quotes is YAML's null."""
    return (mapping[key] or "null") if key in mapping else "quarantine"


def _listed(entry):
    if entry is None:
        return []
    return entry if isinstance(entry, list) else [entry]


def _transformation(entry):
    """A name and its arguments."""
    if isinstance(entry, str):
        return entry, {}
    ((name, arguments),) = entry.items()
    return name, arguments or {}


def _rule(rule, place):
    _only(rule, RULE_KEYS, f"{place}: validation_rules")
    return Rule(rule["field_name"], rule["rule_type"], rule.get("rule_parameters") or {}, rule.get("on_failure", "quarantine"))
