//! Parameters of rules.

use std::collections::BTreeMap;

use serde_json::Value;
use transload_model::nearest;

/// What a rule was given.
pub(crate) struct Parameters<'a>(pub(crate) &'a BTreeMap<String, Value>);

impl<'a> Parameters<'a> {
    /// Refuses every parameter that is not among `known`.
    pub(crate) fn only(&self, known: &[&str]) -> Result<(), String> {
        let Some(unknown) = self.0.keys().find(|name| !known.contains(&name.as_str())) else {
            return Ok(());
        };
        match (nearest(unknown, known.iter().copied()), known) {
            (_, []) => Err(format!("it takes no parameters, here is `{unknown}`")),
            (Some(near), _) => Err(format!("it takes no `{unknown}`; `{near}` is near")),
            (None, _) => Err(format!("it takes no `{unknown}`; it takes `{}`", known.join("`, `"))),
        }
    }

    /// The parameter, if it is given.
    pub(crate) fn get(&self, name: &str) -> Option<&'a Value> {
        self.0.get(name)
    }

    /// `nulls: allow | reject`: whether NULL breaks the rule.
    pub(crate) fn rejects_nulls(&self) -> Result<bool, String> {
        match self.get("nulls").map(Value::as_str) {
            None | Some(Some("allow")) => Ok(false),
            Some(Some("reject")) => Ok(true),
            Some(_) => Err("`nulls` is `allow` or `reject`".to_owned()),
        }
    }
}
