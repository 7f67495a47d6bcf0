//! Why a script failed on a row, without the row's values.
//!
//! rhai's messages quote what they found. Only the kind of the error and its line are taken over, and the text of a `throw`, in which the row's own
//! texts are blotted out.

use rhai::{Dynamic, EvalAltResult, Position};
use transload_model::Code;

use crate::column::Reason;

use super::names::Names;
use super::value::type_name;

/// What stands where a row's text stood.
const BLOT: &str = "‹value›";
/// Texts shorter than this are too common to give anything away.
const BLOTTED_CHARACTERS_MIN: usize = 3;
/// Characters of a thrown text that are kept.
const THROWN_CHARACTERS_MAX: usize = 300;

/// What became of a script that did not give a value.
pub(crate) fn reason(error: EvalAltResult, names: &Names, cell_texts: impl FnOnce() -> Vec<String>) -> Reason {
    let (function, error) = innermost(error);
    let place = Place { function, position: error.position() };
    match error {
        EvalAltResult::ErrorRuntime(thrown, _) => match thrown.try_cast_result::<Reason>() {
            Ok(reason) => Reason::new(reason.code, format!("{} ({place})", reason.message)),
            Err(thrown) => Reason::new(Code::ScriptThrown, thrown_text(&thrown, cell_texts)),
        },
        EvalAltResult::ErrorTooManyOperations(_)
        | EvalAltResult::ErrorTooManyVariables(_)
        | EvalAltResult::ErrorTooManyModules(_)
        | EvalAltResult::ErrorStackOverflow(_)
        | EvalAltResult::ErrorDataTooLarge(..)
        | EvalAltResult::ErrorTerminated(..) => Reason::new(Code::ScriptLimit, format!("{} ({place})", limit(&error))),
        error => Reason::new(Code::ScriptFailed, format!("{} ({place})", kind(&error, names))),
    }
}

/// The error itself, and the function of a library or script that it happened in.
fn innermost(error: EvalAltResult) -> (Option<String>, EvalAltResult) {
    let mut function = None;
    let mut error = error;
    while let EvalAltResult::ErrorInFunctionCall(name, _, inner, _) = error {
        // A closure's name is of rhai's making.
        if !name.starts_with("anon$") {
            function = Some(name);
        }
        error = *inner;
    }
    (function, error)
}

/// "line 3", "line 3 of `us_phone`".
struct Place {
    function: Option<String>,
    position: Position,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.position.line(), &self.function) {
            (Some(line), Some(function)) => write!(f, "line {line}, in `{function}`"),
            (Some(line), None) => write!(f, "line {line}"),
            (None, Some(function)) => write!(f, "in `{function}`"),
            (None, None) => f.write_str("in the script"),
        }
    }
}

fn limit(error: &EvalAltResult) -> &'static str {
    match error {
        EvalAltResult::ErrorTooManyOperations(_) => "the script takes more steps than a row may cost",
        EvalAltResult::ErrorStackOverflow(_) => "the script's functions call one another too deep",
        EvalAltResult::ErrorDataTooLarge(..) => "the script makes a value that is too large",
        EvalAltResult::ErrorTooManyVariables(_) => "the script has too many variables",
        _ => "the script takes more time than a row may cost",
    }
}

/// Names of types are the script's, not the row's.
fn kind(error: &EvalAltResult, names: &Names) -> String {
    match error {
        EvalAltResult::ErrorFunctionNotFound(signature, _) => no_function(signature, names),
        EvalAltResult::ErrorMismatchDataType(wanted, found, _)
        | EvalAltResult::ErrorMismatchOutputType(wanted, found, _) => {
            format!("{} where {} is expected", readable(found), readable(wanted))
        }
        EvalAltResult::ErrorArithmetic(..) => {
            "arithmetic that has no result: an overflow, a division by zero or a text that is no number".to_owned()
        }
        EvalAltResult::ErrorPropertyNotFound(..) | EvalAltResult::ErrorIndexNotFound(..) => {
            "a key that the map does not have".to_owned()
        }
        EvalAltResult::ErrorDotExpr(..) => "a property that the value does not have".to_owned(),
        EvalAltResult::ErrorIndexingType(found, _) => format!("{} has no index", readable(found)),
        EvalAltResult::ErrorArrayBounds(..)
        | EvalAltResult::ErrorStringBounds(..)
        | EvalAltResult::ErrorBitFieldBounds(..) => "an index beyond the end".to_owned(),
        EvalAltResult::ErrorFor(_) => "`for` over a value that is no list".to_owned(),
        EvalAltResult::ErrorNonPureMethodCallOnConstant(..) | EvalAltResult::ErrorAssignmentToConstant(..) => {
            "a change of what cannot be changed: `row`, `vars`, `env` and `now` are given".to_owned()
        }
        EvalAltResult::ErrorDataRace(..) => "a value that is read while it is changed".to_owned(),
        _ => "a run-time error".to_owned(),
    }
}

/// A name that no function has can only be one that the script made up from what it saw, so it is not shown.
fn no_function(signature: &str, names: &Names) -> String {
    let (name, types) = signature.split_once(" (").unwrap_or((signature, ")"));
    let types = readable(types.trim_end_matches(')'));
    let is_operator = !name.is_empty() && name.chars().all(|c| c.is_ascii_punctuation());
    if is_operator || !names.counts(name).is_empty() {
        format!("`{name}` does not take ({types})")
    } else {
        "there is no function of the name that the script made".to_owned()
    }
}

/// rhai's names of types, in the words of the page on scripts.
fn readable(signature: &str) -> String {
    [
        ("i64", "integer"),
        ("f64", "float"),
        ("string", "text"),
        ("()", "NULL"),
        ("&str | ImmutableString | String", "text"),
    ]
    .iter()
    .fold(signature.to_owned(), |text, (from, to)| text.replace(from, to))
}

fn thrown_text(thrown: &Dynamic, cell_texts: impl FnOnce() -> Vec<String>) -> String {
    let Ok(text) = thrown.as_immutable_string_ref() else {
        return format!("the script threw {}", type_name(thrown));
    };
    let blotted = blotted(&text, cell_texts());
    blotted.chars().take(THROWN_CHARACTERS_MAX).collect()
}

/// The text without the texts of the row. Case does not matter, nor white space at a cell's ends: scripts trim and lower what they quote.
fn blotted(text: &str, mut cells: Vec<String>) -> String {
    for cell in &mut cells {
        *cell = cell.trim().to_ascii_lowercase();
    }
    cells.retain(|cell| cell.chars().count() >= BLOTTED_CHARACTERS_MIN);
    // The longest first, so that no part of a text is left where another cell has the rest of it.
    cells.sort_by_key(|cell| std::cmp::Reverse(cell.len()));
    let folded = text.to_ascii_lowercase();
    let mut out = String::new();
    let mut at = 0;
    while let Some(rest) = folded.get(at..).filter(|rest| !rest.is_empty()) {
        if let Some(cell) = cells.iter().find(|cell| rest.starts_with(cell.as_str())) {
            out.push_str(BLOT);
            at += cell.len();
        } else {
            let next = text.get(at..).and_then(|rest| rest.chars().next()).unwrap_or_default();
            out.push(next);
            at += next.len_utf8();
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_the_row_are_blotted_out() {
        let blot = |text: &str, cells: &[&str]| blotted(text, cells.iter().map(|cell| (*cell).to_owned()).collect());
        assert_eq!(blot("no Lovelace here", &["  LOVELACE "]), "no ‹value› here");
        assert_eq!(blot("Ada Lovelace", &["Ada", "Ada Love", "xy"]), "‹value›lace");
        assert_eq!(blot("a phone of 9 digits", &["9", "ab"]), "a phone of 9 digits");
        assert_eq!(blot("naïve é", &["é", "NAïVE"]), "‹value› é");
        assert_eq!(blot("", &["abc"]), "");
    }
}
