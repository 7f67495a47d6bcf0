//! What `explain` prints about a function.

use crate::BUILT_IN;
use crate::script::Library;
use crate::transform::{Inputs, Nulls, Returns, Transform, kinds};

/// A function for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionPage {
    /// Its name.
    pub name: String,
    /// Where it comes from: `built in`, or the file that defines it.
    pub origin: String,
    /// What it does, in a line.
    pub summary: String,
    /// The page.
    pub text: String,
}

/// All functions: the built-in ones in the order of their list, then the library's by name.
pub(crate) fn pages(library: &Library) -> Vec<FunctionPage> {
    let built_in = BUILT_IN.iter().map(|transform| FunctionPage {
        name: transform.name.to_owned(),
        origin: "built in".to_owned(),
        summary: transform.summary().to_owned(),
        text: page(transform),
    });
    let library = library.functions().iter().map(|function| FunctionPage {
        name: function.name.clone(),
        origin: function.path.clone(),
        summary: function.comment.lines().next().unwrap_or_default().to_owned(),
        text: function.comment.clone(),
    });
    built_in.chain(library).collect()
}

/// The page as written, and what the declaration says.
fn page(transform: &Transform) -> String {
    let mut text = format!("{}\n\n  takes    {}\n  gives    {}\n", transform.page, takes(transform), gives(transform));
    for argument in transform.args {
        let default = match argument.default {
            Some(default) => format!("; default {default:?}"),
            None => "; required".to_owned(),
        };
        text.push_str(&format!("  {}: {}{default}\n", argument.name, argument.kind.name()));
    }
    if transform.nulls == Nulls::PassThrough {
        text.push_str("  NULL     stays NULL\n");
    }
    for form in transform.script_forms {
        let arguments: String = form.iter().map(|argument| format!(", {argument}")).collect();
        text.push_str(&format!("  scripts  {}(text{arguments})\n", transform.name));
    }
    text
}

fn takes(transform: &Transform) -> String {
    match transform.inputs {
        Inputs::One => kinds(transform.accepts),
        Inputs::Several => format!("one value or more: {}", kinds(transform.accepts)),
        Inputs::Ignored => "anything, or nothing".to_owned(),
    }
}

fn gives(transform: &Transform) -> String {
    match transform.returns {
        Returns::Type(logical) => logical.to_string(),
        Returns::Depends(_) => "depends on its arguments and values".to_owned(),
    }
}
