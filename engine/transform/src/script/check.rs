//! What is wrong with a script, as far as it can be told before a row is there.
//!
//! rhai finds syntax and unknown variables. A walk finds what it would leave to a row: unknown functions, columns that are not there, what a
//! script may not do, and names that would hide what is given.

use rhai::{AST, Engine, LexError, ParseErrorType, Position, Scope};
use transload_model::{Code, ScriptProblem, nearest};

use super::names::Names;
use super::sandbox::FORBIDDEN;
use super::walk::Walk;

/// What every script sees beside `value`. It cannot be changed or hidden.
pub(crate) const GIVEN: [&str; 4] = ["row", "vars", "env", "now"];

/// Bytes of a script.
const SCRIPT_BYTES_MAX: usize = 64 << 10;

/// A script without problems.
pub(crate) struct Checked {
    /// The script.
    pub(crate) ast: AST,
    /// Columns that it reads from `row`, each once.
    pub(crate) columns: Vec<String>,
    /// Variables of the project that it reads: name, line and column.
    pub(crate) vars: Vec<(String, usize, usize)>,
    /// The given names that it uses.
    pub(crate) uses: Vec<&'static str>,
    /// Where it computes with floats: line and column.
    pub(crate) floats: Vec<(usize, usize)>,
}

/// What a script may use.
pub(crate) struct Surroundings<'a> {
    /// The engine that runs it.
    pub(crate) engine: &'a Engine,
    /// Functions of the engine and of the library.
    pub(crate) names: &'a Names,
    /// Functions that the script must not define itself.
    pub(crate) taken: &'a dyn Fn(&str, usize) -> bool,
}

/// Compiles a script that may read `columns` from `row`; `None` where it may read any, because the plan was checked before.
pub(crate) fn check(
    body: &str,
    columns: Option<&[&str]>,
    surroundings: &Surroundings<'_>,
) -> Result<Checked, Vec<ScriptProblem>> {
    let ast = compile(body, &given_scope(), surroundings.engine).map_err(|problem| vec![*problem])?;
    let mut walk = Walk::through(&ast, surroundings);
    walk.check_functions(&ast);
    walk.check_columns(columns);
    if !walk.problems.is_empty() {
        return Err(walk.problems);
    }
    let mut read = Vec::new();
    for (name, _) in walk.columns {
        if !read.contains(&name) {
            read.push(name);
        }
    }
    let place = |position: Position| Some((position.line()?, position.position()?));
    let named = |(name, at): (String, Position)| place(at).map(|(line, column)| (name, line, column));
    let vars = walk.vars.into_iter().filter_map(named).collect();
    let floats = walk.floats.into_iter().filter_map(place).collect();
    Ok(Checked { ast, columns: read, vars, uses: walk.uses, floats })
}

/// What is wrong with a library file, once all functions are known.
pub(crate) fn check_library(ast: &AST, surroundings: &Surroundings<'_>) -> Vec<ScriptProblem> {
    let mut walk = Walk::through(ast, surroundings);
    if let Some(statement) = ast.statements().iter().find(|statement| !statement.is_noop()) {
        let headline = "a library file holds functions and nothing else";
        walk.problems.push(problem(Code::ScriptForbidden, statement.position(), headline, "outside of any function"));
    }
    walk.problems
}

/// Compiles a text and explains what rhai refuses.
pub(crate) fn compile(body: &str, scope: &Scope<'_>, engine: &Engine) -> Result<AST, Box<ScriptProblem>> {
    if body.len() > SCRIPT_BYTES_MAX {
        let headline = format!("the script has {} bytes, the limit is {SCRIPT_BYTES_MAX}", body.len());
        return Err(Box::new(problem(Code::ScriptSyntax, Position::NONE, headline, "this script")));
    }
    engine.compile_with_scope(scope, body).map_err(|error| {
        let position = error.position();
        Box::new(refused(error.err_type(), position, scope))
    })
}

/// The variables that a script sees, without values.
fn given_scope() -> Scope<'static> {
    let mut scope = Scope::new();
    scope.push("value", ());
    for name in GIVEN {
        scope.push_constant(name, ());
    }
    scope
}

/// A problem without help.
pub(crate) fn problem(
    code: Code,
    position: Position,
    headline: impl Into<String>,
    label: impl Into<String>,
) -> ScriptProblem {
    ScriptProblem {
        code,
        headline: headline.into(),
        label: label.into(),
        line: position.line(),
        column: position.position(),
        help: None,
        asks: None,
    }
}

fn refused(error: &ParseErrorType, position: Position, scope: &Scope<'_>) -> ScriptProblem {
    let forbidden = match error {
        ParseErrorType::Reserved(name) | ParseErrorType::BadInput(LexError::ImproperSymbol(name, _)) => {
            FORBIDDEN.iter().find(|forbidden| *forbidden == name)
        }
        _ => None,
    };
    match (error, forbidden) {
        (_, Some(name)) => call_refused(name, position),
        (ParseErrorType::VariableUndefined(name), _) => {
            let headline = format!("a script does not know the variable `{name}`");
            let known: Vec<&str> = scope.iter().map(|(name, _, _)| name).collect();
            let help = match nearest(name, known.iter().copied()) {
                Some(near) => Some(format!("`{near}` is near")),
                None if known.is_empty() => Some("a library function sees its own parameters".to_owned()),
                None => {
                    Some(format!("a script sees `{}`; a `fn` inside it sees its own parameters", known.join("`, `")))
                }
            };
            ScriptProblem { help, ..problem(Code::ScriptUnknownName, position, headline, "not defined here") }
        }
        (ParseErrorType::ModuleUndefined(name), _) => no_module(name, position),
        (error, None) => {
            let words = sentence(&error.to_string());
            problem(Code::ScriptSyntax, position, format!("the script is not rhai: {words}"), "here")
        }
    }
}

/// rhai's sentence in the manner of ours.
fn sentence(text: &str) -> String {
    let mut characters = text.trim_end_matches('.').chars();
    characters.next().map_or_else(String::new, |first| first.to_lowercase().chain(characters).collect())
}

/// A name of a module.
pub(crate) fn no_module(name: &str, position: Position) -> ScriptProblem {
    let headline = format!("scripts have no modules, so there is no `{name}`");
    problem(Code::ScriptUnknownName, position, headline, "not defined")
}

/// A call of what scripts may not do.
pub(crate) fn call_refused(name: &str, position: Position) -> ScriptProblem {
    ScriptProblem {
        help: Some("a script computes its result from the row alone; `now` is the run's start".to_owned()),
        ..problem(Code::ScriptForbidden, position, format!("scripts may not call `{name}`"), "not allowed")
    }
}
