//! `deletes` and `load`.

use transload_model::{ColumnName, DeletePolicy, LoadPolicy, Share};

use crate::decode::Reader;
use crate::decode::language::{DELETES, LOAD};
use crate::decode::reader::scalar_of;
use crate::problems::Located;
use crate::yaml::{Atom, Node, resolve};

/// What one file says about deletes.
#[derive(Debug, Clone, Default)]
pub(crate) struct DeletesPart {
    mode: Option<Located<Mode>>,
    max: Option<Located<Share>>,
    /// The column that says when a row went.
    pub(crate) field: Option<Located<ColumnName>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Ignore,
    Hard,
    Soft,
}

/// What one file says about loading.
#[derive(Debug, Clone, Default)]
pub(crate) struct LoadPart {
    batch_size: Option<usize>,
    checkpoint_interval: Option<usize>,
    max_errors: Option<Share>,
    max_retry_attempts: Option<u32>,
    streams: Option<usize>,
}

/// Batches between two checkpoints, where only the batch size is given.
const CHECKPOINT_INTERVAL: usize = 8;

/// Reads `deletes`.
pub(crate) fn deletes(reader: &mut Reader<'_>, node: &Node) -> DeletesPart {
    let Some(map) = reader.map(node, &DELETES) else {
        return DeletesPart::default();
    };
    let modes = [("ignore", Mode::Ignore), ("soft", Mode::Soft), ("hard", Mode::Hard)];
    let mode = map.get("mode").and_then(|entry| reader.word(&entry.value, "`deletes.mode`", &modes, &[]));
    let field = map.get("field").and_then(|entry| reader.name(&entry.value, "`deletes.field`", ColumnName::parse));
    let max = map.get("max").and_then(|entry| share(reader, &entry.value, "`deletes.max`"));
    let is_idle = mode.as_ref().is_some_and(|mode| mode.value == Mode::Ignore);
    if let (true, Some(entry)) = (is_idle, map.get("max")) {
        reader.wrong_value(
            &entry.value,
            "`deletes.max` has no effect with `mode: ignore`",
            "it goes with `mode: hard` or `soft`",
        );
    }
    let is_soft = mode.as_ref().is_none_or(|mode| mode.value == Mode::Soft);
    if let (false, Some(entry)) = (is_soft, map.get("field")) {
        let note = "it goes with `mode: soft`";
        reader.wrong_value(&entry.value, "`deletes.field` has no effect with this mode", note);
    }
    DeletesPart { mode, max, field }
}

impl DeletesPart {
    /// Takes from another file what this one does not say.
    pub(crate) fn or(self, other: &Self) -> Self {
        Self {
            mode: self.mode.or_else(|| other.mode.clone()),
            max: self.max.or_else(|| other.max.clone()),
            field: self.field.or_else(|| other.field.clone()),
        }
    }

    /// The policy of a spec that says this with all that it takes. Gives the `max` that has no effect where a spec or a template limits what
    /// nobody asked for; the defaults may have a limit for those that delete.
    pub(crate) fn policy(&self) -> Result<DeletePolicy, Located<Share>> {
        let max = self.max.as_ref().map(|max| max.value);
        match self.mode.as_ref().map(|mode| mode.value) {
            Some(Mode::Hard) => Ok(DeletePolicy::Hard(max)),
            Some(Mode::Soft) => Ok(DeletePolicy::Soft(max)),
            Some(Mode::Ignore) | None => {
                let is_meant = self.mode.as_ref().is_some_and(|mode| !mode.place.is_default());
                match self.max.as_ref().filter(|max| !is_meant && !max.place.is_default()) {
                    Some(max) => Err(max.clone()),
                    None => Ok(DeletePolicy::Ignore),
                }
            }
        }
    }
}

/// Reads `load`.
pub(crate) fn load(reader: &mut Reader<'_>, node: &Node) -> LoadPart {
    let Some(map) = reader.map(node, &LOAD) else {
        return LoadPart::default();
    };
    let rows = |reader: &mut Reader<'_>, key: &str, most: i64| {
        let entry = map.get(key)?;
        let value = reader.integer(&entry.value, &format!("`load.{key}`"), 1..=most)?;
        usize::try_from(value).ok()
    };
    LoadPart {
        batch_size: rows(reader, "batch_size", 1_000_000),
        checkpoint_interval: rows(reader, "checkpoint_interval", 10_000),
        streams: rows(reader, "streams", 64),
        max_errors: map
            .get("max_errors")
            .and_then(|entry| share(reader, &entry.value, "`load.max_errors`"))
            .map(|share| share.value),
        max_retry_attempts: map.get("max_retry_attempts").and_then(|entry| {
            let value = reader.integer(&entry.value, "`load.max_retry_attempts`", 0..=10)?;
            u32::try_from(value).ok()
        }),
    }
}

impl LoadPart {
    /// Takes from another file what this one does not say.
    pub(crate) fn or(self, other: &Self) -> Self {
        Self {
            batch_size: self.batch_size.or(other.batch_size),
            checkpoint_interval: self.checkpoint_interval.or(other.checkpoint_interval),
            max_errors: self.max_errors.or(other.max_errors),
            max_retry_attempts: self.max_retry_attempts.or(other.max_retry_attempts),
            streams: self.streams.or(other.streams),
        }
    }

    /// The policy of a spec that says this with all that it takes.
    pub(crate) fn policy(&self) -> LoadPolicy {
        let standard = LoadPolicy::default();
        let batch_rows = self.batch_size.unwrap_or(standard.batch_rows);
        let unit_rows = match (self.batch_size, self.checkpoint_interval) {
            (None, None) => standard.unit_rows,
            (_, interval) => batch_rows.saturating_mul(interval.unwrap_or(CHECKPOINT_INTERVAL)),
        };
        LoadPolicy {
            batch_rows,
            unit_rows,
            max_errors: self.max_errors.unwrap_or(standard.max_errors),
            max_retry_attempts: self.max_retry_attempts.unwrap_or(standard.max_retry_attempts),
            streams: self.streams,
        }
    }
}

/// A count of rows, or a percentage.
fn share(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Located<Share>> {
    let place = reader.place(&node.span);
    let Some(scalar) = scalar_of(node) else {
        reader.wrong_type(node, what, "a count or a percentage");
        return None;
    };
    let value = match resolve(&scalar.text) {
        Atom::Integer(rows) => u64::try_from(rows).ok().map(Share::Rows),
        _ => per_million(&scalar.text).map(Share::PerMillion),
    };
    if value.is_none() {
        reader.wrong_value(
            node,
            format!("{what} is no count of rows and no percentage"),
            "a count such as 50, or 0% to 100%",
        );
    }
    value.map(|value| Located { value, place })
}

/// `2%` and `0.5%` as parts of a million.
fn per_million(text: &str) -> Option<u32> {
    let number = text.strip_suffix('%')?.trim_end();
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_digits(whole) || !is_digits(fraction) || fraction.len() > 4 {
        return None;
    }
    let parts: u32 = format!("{whole}{fraction:0<4}").parse().ok()?;
    (parts <= 1_000_000).then_some(parts)
}

#[cfg(test)]
mod tests {
    use super::per_million;

    #[test]
    fn percentages_are_read_exactly() {
        assert_eq!(per_million("2%"), Some(20_000));
        assert_eq!(per_million("0.5%"), Some(5_000));
        assert_eq!(per_million("100 %"), Some(1_000_000));
        for wrong in ["101%", "-1%", "%", "1.00001%", "1e2%", "5", "99999999999%"] {
            assert_eq!(per_million(wrong), None, "{wrong}");
        }
    }
}
