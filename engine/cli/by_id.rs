//! Finding what has an id by a part of it: its end, which tables show, the beginning of that, or
//! its own beginning, which copies of a folder's name have.

use transload_model::{Code, Diagnostic, RunId};

use super::failure::Failure;

/// Ids that are told where it is not clear which one is meant.
const TOLD: usize = 5;

/// The one whose id ends, or begins, with what was typed. The newest are first; `kind` is the word for what is looked for.
pub(crate) fn by_id<T>(
    all: Vec<T>,
    id: fn(&T) -> RunId,
    wanted: &str,
    (kind, help): (&str, &str),
) -> Result<T, Failure> {
    let part = wanted.to_lowercase().replace('-', "");
    let is_meant = |one: &T| {
        let (shown, id) = (id(one).short(), id(one).to_string().replace('-', ""));
        !part.is_empty() && (id.ends_with(&part) || id.starts_with(&part) || shown.starts_with(&part))
    };
    let (mut meant, others): (Vec<T>, Vec<T>) = all.into_iter().partition(is_meant);
    let (headline, candidates, help) = match meant.len() {
        1 => return Ok(meant.remove(0)),
        0 => (format!("no {kind} has the id `{wanted}`"), others, help),
        many => (format!("{many} {kind}s have an id with `{wanted}`"), meant, "type the end of the id"),
    };
    let problem = Diagnostic::new(Code::UnknownRun, headline).help(help);
    let told: Vec<String> = candidates.iter().take(TOLD).map(|one| format!("`{}`", id(one).short())).collect();
    let more = if candidates.len() > told.len() { " and older ones" } else { "" };
    Err(match told.is_empty() {
        true => problem.into(),
        false => problem.note(format!("there are {}{more}", told.join(", "))).into(),
    })
}
