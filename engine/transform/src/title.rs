//! Title case.
//!
//! Old systems shout names; people do not write their names so.

use transload_model::{Kind, LogicalType};

use crate::transform::{Apply, Inputs, Nulls, Returns, Transform};

pub(crate) const TRANSFORM: Transform = Transform {
    name: "title",
    inputs: Inputs::One,
    accepts: &[Kind::Text],
    returns: Returns::Type(LogicalType::Text),
    args: &[],
    nulls: Nulls::PassThrough,
    script_forms: &[&[]],
    page: "\
Text with the first letter of each run of letters in upper case and the rest in lower case.

Everything that is no letter ends a run: \"JEAN-LUC O'BRIEN\" becomes \"Jean-Luc O'Brien\", and \"it's\" becomes \"It'S\". A combining accent
belongs to the letter before it. Names such as \"McDonald\" and \"van der Berg\" are not known: \"Mcdonald\", \"Van Der Berg\".

    city: { transformation: [trimmed, title] }        \"COEUR D'ALENE\" → \"Coeur D'Alene\"",
    apply: Apply::Text(title),
};

fn title(text: &str, out: &mut String) {
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let in_run = first.is_alphabetic();
        let is_end = |character: char| {
            if in_run { !continues(character) } else { character.is_alphabetic() }
        };
        let end =
            rest.char_indices().skip(1).find(|(_, character)| is_end(*character)).map_or(rest.len(), |(at, _)| at);
        let (run, after) = rest.split_at_checked(end).unwrap_or((rest, ""));
        if in_run {
            capitalized(first, run, out);
        } else {
            out.push_str(run);
        }
        rest = after;
    }
}

/// Lower-cases the run as a whole, because the last letter of a Greek word has a form of its own.
fn capitalized(first: char, run: &str, out: &mut String) {
    let lower = run.to_lowercase();
    let first_length: usize = first.to_lowercase().map(char::len_utf8).sum();
    out.extend(first.to_uppercase());
    out.push_str(lower.get(first_length..).unwrap_or_default());
}

/// A letter, or an accent that combines with the letter before it.
fn continues(character: char) -> bool {
    character.is_alphabetic() || ('\u{300}'..='\u{36f}').contains(&character)
}
