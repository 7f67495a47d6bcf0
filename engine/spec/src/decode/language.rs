//! The keys of the language: those built, and those that belong to it but are not built yet.
//!
//! A key that is in neither list is a mistake; one of the second kind is refused with other words, so that nobody looks for a typo.

/// The keys of one kind of map.
#[derive(Debug)]
pub(crate) struct Keys {
    /// What the map is, for messages, with its article.
    pub(crate) what: &'static str,
    pub(crate) built: &'static [&'static str],
    pub(crate) later: &'static [&'static str],
}

pub(crate) const PROJECT: Keys = Keys {
    what: "a project",
    built: &[
        "project",
        "version",
        "specs",
        "templates",
        "transforms",
        "source",
        "destination",
        "control",
        "connections",
        "vars",
        "defaults",
        "execution",
        "masking",
        "environments",
        "default_environment",
        "confirm",
    ],
    later: &[],
};

/// What may differ between environments: all but what the project is.
pub(crate) const ENVIRONMENT: Keys = Keys {
    what: "an environment",
    built: &[
        "specs",
        "templates",
        "transforms",
        "source",
        "destination",
        "control",
        "connections",
        "vars",
        "defaults",
        "execution",
        "masking",
        "confirm",
    ],
    later: &[],
};

pub(crate) const MASKING: Keys = Keys { what: "`masking`", built: &["key"], later: &[] };

pub(crate) const CONNECTION: Keys = Keys {
    what: "a connection",
    built: &["type", "url", "path", "schema", "read_only", "pool", "create_with", "region"],
    later: &["base_url", "auth", "timeout", "rate_limit", "retry", "options"],
};

pub(crate) const DEFAULTS: Keys = Keys {
    what: "`defaults`",
    built: &[
        "use",
        "version",
        "is_active",
        "tags",
        "source",
        "key",
        "auto_map",
        "field_mappings",
        "validation_rules",
        "transformation_functions",
        "change_detection",
        "deletes",
        "load",
        "residency",
    ],
    later: &[
        "append_only",
        "destination",
        "explode",
        "infinity",
        "max_row_bytes",
        "on_invalid_utf8",
        "on_nul",
        "timezone",
        "zero_date",
    ],
};

pub(crate) const EXECUTION: Keys = Keys {
    what: "`execution`",
    built: &["parallel_entity_limit", "snapshot_max_age"],
    later: &["enable_validation", "validation_sample_size"],
};

pub(crate) const SPEC: Keys = Keys {
    what: "a spec",
    built: &[
        "id",
        "entity_type",
        "source_table",
        "destination_table",
        "version",
        "is_active",
        "description",
        "tags",
        "depends_on",
        "source",
        "key",
        "use",
        "auto_map",
        "field_mappings",
        "validation_rules",
        "transformation_functions",
        "change_detection",
        "deletes",
        "load",
        "residency",
        "tests",
        "created_at",
        "updated_at",
    ],
    later: &[
        "append_only",
        "destination",
        "environments",
        "explode",
        "infinity",
        "max_row_bytes",
        "on_invalid_utf8",
        "on_nul",
        "template",
        "timezone",
        "zero_date",
    ],
};

pub(crate) const SOURCE: Keys = Keys {
    what: "`source`",
    built: &["where", "query"],
    later: &["as", "connection", "joins", "match_on", "options", "prefer", "union"],
};

/// Of the project's `defaults`.
pub(crate) const SHARED_SOURCE: Keys = Keys { what: "`source` of `defaults`", built: &["where"], later: SOURCE.later };

pub(crate) const AUTO_MAP: Keys =
    Keys { what: "`auto_map`", built: &["include", "exclude", "match", "on_new_column"], later: &[] };

pub(crate) const KEY: Keys =
    Keys { what: "`key`", built: &["source", "destination", "strategy", "namespace"], later: &[] };

const FIELD_LATER: &[&str] = &["infinity", "max_length", "on_invalid_utf8", "on_nul", "timezone", "zero_date"];

pub(crate) const LONG_FIELD: Keys = Keys {
    what: "a field mapping",
    built: &[
        "source_field",
        "destination_field",
        "data_type",
        "format",
        "transformation",
        "value_map",
        "on_unmapped",
        "default_value",
        "is_required",
        "references",
        "referenced_column",
        "on_missing",
        "defer",
        "sensitive",
        "mask",
        "expression",
    ],
    later: FIELD_LATER,
};

pub(crate) const SHORT_FIELD: Keys = Keys {
    what: "a field mapping",
    built: &[
        "source_field",
        "data_type",
        "format",
        "transformation",
        "value_map",
        "on_unmapped",
        "default_value",
        "is_required",
        "references",
        "referenced_column",
        "on_missing",
        "defer",
        "sensitive",
        "mask",
        "expression",
    ],
    later: FIELD_LATER,
};

pub(crate) const MASK: Keys = Keys {
    what: "a mask",
    built: &["strategy", "keep", "length", "with", "keep_first", "keep_last", "days", "by", "format", "environments"],
    later: &[],
};

pub(crate) const TEMPLATE: Keys = Keys {
    what: "a template",
    built: &[
        "template",
        "description",
        "tags",
        "use",
        "key",
        "auto_map",
        "field_mappings",
        "validation_rules",
        "transformation_functions",
        "change_detection",
        "deletes",
        "load",
    ],
    later: &["tests"],
};

pub(crate) const RULE: Keys = Keys {
    what: "a validation rule",
    built: &["field_name", "rule_type", "rule_parameters", "on_failure"],
    later: &["description", "message", "when"],
};

pub(crate) const FUNCTION: Keys = Keys {
    what: "a transformation function",
    built: &["name", "description", "function_body", "function_file"],
    later: &[],
};

pub(crate) const TEST: Keys =
    Keys { what: "a test", built: &["name", "given", "expect"], later: &["description", "tags"] };

pub(crate) const GIVEN: Keys =
    Keys { what: "`given`", built: &["row", "rows", "mappings", "now"], later: &["env", "vars"] };

pub(crate) const EXPECT: Keys =
    Keys { what: "`expect`", built: &["row", "rows", "quarantine", "warnings"], later: &[] };

pub(crate) const EXPECTED_FAULT: Keys =
    Keys { what: "an expected fault", built: &["field", "rule"], later: &["message"] };

pub(crate) const CHANGE_DETECTION: Keys =
    Keys { what: "`change_detection`", built: &["strategy", "cursor_field", "overlap", "audit_runs"], later: &[] };

pub(crate) const DELETES: Keys = Keys { what: "`deletes`", built: &["mode", "field", "max"], later: &[] };

pub(crate) const LOAD: Keys = Keys {
    what: "`load`",
    built: &["batch_size", "checkpoint_interval", "max_errors", "max_retry_attempts", "streams"],
    later: &["max_row_bytes"],
};
