//! The order of a schema's keys: first what people read, then what holds, the definitions last.

use schemars::Schema;
use schemars::transform::{Transform, transform_subschemas};

/// Puts the keys of each schema in the order in which people read them.
pub(super) struct Ordered;

const ORDER: [&str; 14] = [
    "$schema",
    "title",
    "description",
    "markdownDescription",
    "type",
    "enum",
    "enumDescriptions",
    "markdownEnumDescriptions",
    "default",
    "examples",
    "required",
    "properties",
    "patternProperties",
    "additionalProperties",
];

impl Transform for Ordered {
    fn transform(&mut self, schema: &mut Schema) {
        transform_subschemas(self, schema);
        let Some(schema) = schema.as_object_mut() else { return };
        let mut rest = std::mem::take(schema);
        let definitions = rest.shift_remove_entry("definitions");
        for key in ORDER {
            schema.extend(rest.shift_remove_entry(key));
        }
        schema.extend(rest);
        schema.extend(definitions);
    }
}
