//! What a spec may call, as a port.
//!
//! The spec compiler checks functions and scripts without knowing who runs them: the composition root hands it a vocabulary.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::{Code, Function, LogicalType};

/// What the compiler must know of a function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionInfo {
    /// Which it is.
    pub function: Function,
    /// The type it gives for the types it gets; `None` where only the row decides (rhai).
    pub returns: Option<LogicalType>,
}

/// What a script turned out to need.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ScriptCheck {
    /// Columns of `row` that it reads.
    pub columns: Vec<String>,
    /// Variables of the project that it reads by name: name, line and column, from 1.
    pub vars: Vec<(String, usize, usize)>,
    /// Where it computes with floats: line and column, both from one.
    pub floats: Vec<(usize, usize)>,
}

/// What is wrong with a script, and where in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScriptProblem {
    /// The code.
    pub code: Code,
    /// A headline.
    pub headline: String,
    /// What is at the place.
    pub label: String,
    /// Line of the script, from one; none where the whole script is meant.
    pub line: Option<usize>,
    /// Column in characters, from one.
    pub column: Option<usize>,
    /// What to do.
    pub help: Option<String>,
    /// The column of `row` that it asks for and that is not there.
    pub asks: Option<String>,
}

/// What specs may call and which rules they may state.
pub trait Vocabulary: Send + Sync {
    /// Checks a call of the function `name` (built in, or of `transforms/`) with these arguments on values of the types `inputs`; an
    /// input of `None` is a script's result, whose type is not known before a row is there. A call of several inputs gets them all; one of a chain's later links gets one.
    ///
    /// # Errors
    /// `None` where there is no such function; else what does not fit, as a headline and a note.
    fn call(
        &self,
        name: &str,
        inputs: &[Option<LogicalType>],
        arguments: &BTreeMap<String, Value>,
    ) -> Result<FunctionInfo, Option<(String, String)>>;

    /// All names that [`Vocabulary::call`] knows.
    fn function_names(&self) -> Vec<String>;

    /// Compiles a script that may read `columns` from `row`.
    ///
    /// # Errors
    /// Everything that is wrong with it, as far as it can be told before a row is there.
    fn check_script(&self, body: &str, columns: &[&str]) -> Result<ScriptCheck, Vec<ScriptProblem>>;

    /// Checks a rule's parameters against the type of its field.
    ///
    /// # Errors
    /// `None` where there is no such rule; else what does not fit, as a headline and a note.
    fn rule(
        &self,
        rule: &str,
        field: LogicalType,
        parameters: &BTreeMap<String, Value>,
    ) -> Result<(), Option<(String, String)>>;

    /// All names that [`Vocabulary::rule`] knows.
    fn rule_names(&self) -> Vec<String>;

    /// Identity of the library functions' text: it is part of every plan's fingerprint that calls one.
    fn library_fingerprint(&self) -> u64;
}
