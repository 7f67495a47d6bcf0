//! What is wrong with a script, as far as it can be told before a row is there.
//!
//! rhai finds syntax and unknown variables. The walk below finds what it would leave to a row: unknown functions, columns that are not there, what a
//! script may not do, and names that would hide what is given.

use rhai::{AST, ASTFlags, ASTNode, Engine, Expr, FnCallExpr, LexError, ParseErrorType, Position, Scope, Stmt};
use transload_model::{Code, ScriptProblem, nearest};

use super::names::Names;
use super::sandbox::FORBIDDEN;

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
    /// The given names that it uses.
    pub(crate) uses: Vec<&'static str>,
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
    let ast = compile(body, &given_scope(), surroundings.engine).map_err(|problem| vec![problem])?;
    let mut walk = Walk::new(surroundings, &ast);
    ast.walk(&mut |path| {
        walk.visit(path);
        true
    });
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
    Ok(Checked { ast, columns: read, uses: walk.uses })
}

/// What is wrong with a library file, once all functions are known.
pub(crate) fn check_library(ast: &AST, surroundings: &Surroundings<'_>) -> Vec<ScriptProblem> {
    let mut walk = Walk::new(surroundings, ast);
    ast.walk(&mut |path| {
        walk.visit(path);
        true
    });
    if let Some(statement) = ast.statements().iter().find(|statement| !statement.is_noop()) {
        let headline = "a library file holds functions and nothing else";
        walk.problems.push(problem(Code::ScriptForbidden, statement.position(), headline, "outside of any function"));
    }
    walk.problems
}

/// Compiles a text and explains what rhai refuses.
pub(crate) fn compile(body: &str, scope: &Scope<'_>, engine: &Engine) -> Result<AST, ScriptProblem> {
    if body.len() > SCRIPT_BYTES_MAX {
        let headline = format!("the script has {} bytes, the limit is {SCRIPT_BYTES_MAX}", body.len());
        return Err(problem(Code::ScriptSyntax, Position::NONE, headline, "this script"));
    }
    engine.compile_with_scope(scope, body).map_err(|error| {
        let position = error.position();
        refused(error.err_type(), position, scope)
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

fn problem(code: Code, position: Position, headline: impl Into<String>, label: impl Into<String>) -> ScriptProblem {
    ScriptProblem {
        code,
        headline: headline.into(),
        label: label.into(),
        line: position.line(),
        column: position.position(),
        help: None,
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
        (ParseErrorType::AssignmentToConstant(name), _) => {
            let headline = format!("a script cannot change `{name}`");
            problem(Code::ScriptForbidden, position, headline, "it is given and the same for all")
        }
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

fn call_refused(name: &str, position: Position) -> ScriptProblem {
    ScriptProblem {
        help: Some("a script computes its result from the row alone; `now` is the run's start".to_owned()),
        ..problem(Code::ScriptForbidden, position, format!("scripts may not call `{name}`"), "not allowed")
    }
}

/// What the walk through a script found.
struct Walk<'a> {
    surroundings: &'a Surroundings<'a>,
    own: Names,
    problems: Vec<ScriptProblem>,
    columns: Vec<(String, Position)>,
    uses: Vec<&'static str>,
}

impl<'a> Walk<'a> {
    fn new(surroundings: &'a Surroundings<'a>, ast: &AST) -> Self {
        let mut own = Names::default();
        for function in ast.iter_functions() {
            own.add(function.name, function.params.len());
        }
        Self { surroundings, own, problems: Vec::new(), columns: Vec::new(), uses: Vec::new() }
    }

    fn visit(&mut self, path: &[ASTNode<'_>]) {
        match path.last() {
            Some(ASTNode::Expr(expression)) => self.visit_expression(expression, path),
            Some(ASTNode::Stmt(statement)) => self.visit_statement(statement),
            _ => {}
        }
    }

    fn visit_statement(&mut self, statement: &Stmt) {
        match statement {
            Stmt::FnCall(call, position) => self.call(call, 0, *position),
            Stmt::Import(_, position) => self.problems.push(call_refused("import", *position)),
            Stmt::Export(_, position) => {
                self.problems.push(problem(Code::ScriptForbidden, *position, "scripts may not export", "not allowed"));
            }
            Stmt::Var(definition, _, position) => self.definition(definition.0.as_str(), *position),
            Stmt::For(parts, position) => {
                self.definition(parts.0.as_str(), *position);
                if let Some(counter) = &parts.1 {
                    self.definition(counter.as_str(), *position);
                }
            }
            _ => {}
        }
    }

    fn visit_expression(&mut self, expression: &Expr, path: &[ASTNode<'_>]) {
        match expression {
            Expr::FnCall(call, position) => self.call(call, 0, *position),
            Expr::MethodCall(call, position) => self.call(call, 1, *position),
            Expr::Variable(variable, _, position) => {
                let Some(name) = GIVEN.iter().find(|name| **name == variable.1.as_str()) else {
                    return;
                };
                if !self.uses.contains(name) {
                    self.uses.push(name);
                }
                if *name == "row" {
                    self.row(expression, path, *position);
                }
            }
            _ => {}
        }
    }

    /// A call; in the manner of a method, the value before the point is one more argument.
    fn call(&mut self, call: &FnCallExpr, object: usize, position: Position) {
        if call.op_token.is_some() {
            return;
        }
        if call.is_qualified() {
            let headline = format!("scripts have no modules, so there is no `{}::{}`", call.namespace, call.name);
            return self.problems.push(problem(Code::ScriptUnknownName, position, headline, "not defined"));
        }
        if let Some(name) = FORBIDDEN.iter().find(|name| **name == call.name.as_str()) {
            return self.problems.push(call_refused(name, position));
        }
        let count = call.args.len() + object;
        if let ("Fn", [Expr::StringConstant(name, place)]) = (call.name.as_str(), &*call.args) {
            return self.pointer(name, *place);
        }
        if !self.knows(&call.name, count) {
            self.unknown(&call.name, count, position);
        }
    }

    fn knows(&self, name: &str, count: usize) -> bool {
        // A function of a script takes the value before the point as `this`, beside its arguments.
        let own = self.own.has(name, count) || count > 0 && self.own.has(name, count - 1);
        own || self.surroundings.names.has(name, count)
    }

    /// `Fn("name")`: how many values it will get is not known here.
    fn pointer(&mut self, name: &str, position: Position) {
        if let Some(name) = FORBIDDEN.iter().find(|forbidden| **forbidden == name) {
            self.problems.push(call_refused(name, position));
        } else if self.surroundings.names.counts(name).is_empty() && self.own.counts(name).is_empty() {
            self.unknown(name, 1, position);
        }
    }

    fn unknown(&mut self, name: &str, count: usize, position: Position) {
        let mut counts = self.surroundings.names.counts(name);
        counts.extend(self.own.counts(name));
        let (headline, help) = if counts.is_empty() {
            let known = self.surroundings.names.words().chain(self.own.words());
            let help = nearest(name, known).map(|near| format!("`{near}` is near"));
            (format!("there is no function `{name}`"), help)
        } else {
            let counts: Vec<String> = counts.iter().map(ToString::to_string).collect();
            let help = format!("it takes {}, the value before a point included", counts.join(" or "));
            (format!("the function `{name}` does not take {count} values"), Some(help))
        };
        let label = "not defined";
        self.problems.push(ScriptProblem { help, ..problem(Code::ScriptUnknownName, position, headline, label) });
    }

    fn definition(&mut self, name: &str, position: Position) {
        if GIVEN.contains(&name) {
            self.shadowed(name, position);
        }
    }

    fn shadowed(&mut self, name: &str, position: Position) {
        let headline = format!("`{name}` is given, so a script cannot define another one");
        self.problems.push(problem(Code::ScriptShadow, position, headline, "take another name"));
    }

    /// Functions that the script defines, closures aside.
    fn check_functions(&mut self, ast: &AST) {
        for function in ast.iter_functions().filter(|function| !function.name.starts_with("anon$")) {
            let count = function.params.len();
            let hidden = std::iter::once(function.name).filter(|name| (self.surroundings.taken)(name, count));
            let hidden = hidden.chain(function.params.iter().copied().filter(|name| GIVEN.contains(name)));
            for name in hidden.map(str::to_owned).collect::<Vec<_>>() {
                self.shadowed(&name, Position::NONE);
            }
        }
    }

    /// `row` may only be asked for a column by a literal name, so that the plan knows what to read.
    fn row(&mut self, row: &Expr, path: &[ASTNode<'_>], position: Position) {
        let parent = path.len().checked_sub(2).and_then(|parent| path.get(parent));
        let column = match parent {
            Some(ASTNode::Expr(Expr::Dot(chain, flags, _) | Expr::Index(chain, flags, _)))
                if std::ptr::eq(&raw const chain.lhs, row) =>
            {
                column_name(&chain.rhs, *flags)
            }
            // What a closure sees of `row` is looked at inside of the closure.
            Some(ASTNode::Expr(Expr::FnCall(call, _))) if is_capture(call) => return,
            _ => None,
        };
        match column {
            Some(column) => self.columns.push(column),
            None => self.problems.push(ScriptProblem {
                help: Some("read a column as `row.name` or `row[\"name\"]`".to_owned()),
                ..problem(
                    Code::ScriptUnknownColumn,
                    position,
                    "`row` can only be asked for a column by its literal name",
                    "which columns this reads cannot be told",
                )
            }),
        }
    }

    fn check_columns(&mut self, known: Option<&[&str]>) {
        let Some(known) = known else { return };
        for (name, position) in &self.columns {
            if known.contains(&name.as_str()) {
                continue;
            }
            let help = match nearest(name, known.iter().copied()) {
                Some(near) => format!("`{near}` is near"),
                None => format!("the source has {}", known.join(", ")),
            };
            let headline = format!("the source has no column `{name}`");
            self.problems.push(ScriptProblem {
                help: Some(help),
                ..problem(Code::ScriptUnknownColumn, *position, headline, "no such column")
            });
        }
    }
}

/// The first link of the chain behind `row`: chains lean to the right.
fn column_name(rest: &Expr, flags: ASTFlags) -> Option<(String, Position)> {
    match rest {
        Expr::Property(property, position) => Some((property.2.to_string(), *position)),
        Expr::StringConstant(name, position) => Some((name.to_string(), *position)),
        Expr::Dot(chain, _, _) | Expr::Index(chain, _, _) if !flags.contains(ASTFlags::BREAK) => {
            column_name(&chain.lhs, ASTFlags::BREAK)
        }
        _ => None,
    }
}

/// The call that rhai makes of a closure that captures variables.
fn is_capture(call: &FnCallExpr) -> bool {
    let is_closure = match call.args.first() {
        Some(Expr::DynamicConstant(value, _)) => value.is_fnptr(),
        Some(Expr::Variable(variable, _, _)) => variable.1.starts_with("anon$"),
        _ => false,
    };
    call.name == "curry" && is_closure
}
