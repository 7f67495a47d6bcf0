//! What a script uses, found by walking through it.
//!
//! A walk sees every branch, also those that no row takes, and the bodies of functions and closures.

use rhai::{AST, ASTFlags, ASTNode, Expr, FnCallExpr, Position, Stmt};
use transload_model::{Code, ScriptProblem, nearest};

use super::check::{GIVEN, Surroundings, call_refused, no_module, problem};
use super::closure::{is_capture, kept};
use super::names::Names;
use super::sandbox::FORBIDDEN;

/// What the walk through a script found.
pub(crate) struct Walk<'a> {
    surroundings: &'a Surroundings<'a>,
    own: Names,
    /// What is wrong.
    pub(crate) problems: Vec<ScriptProblem>,
    /// Columns that are read from `row`, with their places.
    pub(crate) columns: Vec<(String, Position)>,
    /// Variables of the project that are read by a literal name, with their places.
    pub(crate) vars: Vec<(String, Position)>,
    /// The given names that are used.
    pub(crate) uses: Vec<&'static str>,
    /// Where floats come from.
    pub(crate) floats: Vec<Position>,
}

/// What makes a float of a value.
const FLOAT_MAKERS: [&str; 2] = ["to_float", "parse_float"];

impl<'a> Walk<'a> {
    /// Walks through a script and all its functions.
    pub(crate) fn through(ast: &AST, surroundings: &'a Surroundings<'a>) -> Self {
        let mut own = Names::default();
        for function in ast.iter_functions() {
            own.add(function.name, function.params.len());
        }
        let mut walk = Self {
            surroundings,
            own,
            problems: Vec::new(),
            columns: Vec::new(),
            vars: Vec::new(),
            uses: Vec::new(),
            floats: Vec::new(),
        };
        ast.walk(&mut |path| {
            walk.visit(path);
            true
        });
        for position in kept(ast) {
            let headline = "a closure that uses variables around it can only be called";
            let help = "call it, or give it to a function of lists such as `map`; pass values to it as parameters";
            let label = "it would be kept here";
            let problem = problem(Code::ScriptForbidden, position, headline, label);
            walk.problems.push(ScriptProblem { help: Some(help.to_owned()), ..problem });
        }
        walk
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
            Stmt::Assignment(assignment) => self.assignment(&assignment.1.lhs),
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
            Expr::FloatConstant(_, position) => self.floats.push(*position),
            Expr::FnCall(call, position) => self.call(call, 0, *position),
            Expr::MethodCall(call, position) => self.call(call, 1, *position),
            Expr::Variable(variable, _, position) => {
                let Some(name) = GIVEN.iter().find(|name| **name == variable.1.as_str()) else {
                    return;
                };
                if !self.uses.contains(name) {
                    self.uses.push(name);
                }
                match *name {
                    "row" => self.row(expression, path, *position),
                    "vars" => self.vars.extend(literal_name(expression, path)),
                    _ => {}
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
            return self.problems.push(no_module(&call.namespace.to_string(), position));
        }
        if let Some(name) = FORBIDDEN.iter().find(|name| **name == call.name.as_str()) {
            return self.problems.push(call_refused(name, position));
        }
        if FLOAT_MAKERS.contains(&call.name.as_str()) {
            self.floats.push(position);
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

    /// What is given can be read and not changed, in whole or in part.
    fn assignment(&mut self, to: &Expr) {
        match to {
            Expr::Dot(chain, _, _) | Expr::Index(chain, _, _) => self.assignment(&chain.lhs),
            Expr::Variable(variable, _, position) if GIVEN.contains(&variable.1.as_str()) => {
                let headline = format!("a script cannot change `{}`", variable.1);
                self.problems.push(problem(Code::ScriptForbidden, *position, headline, "it is given"));
            }
            _ => {}
        }
    }

    fn shadowed(&mut self, name: &str, position: Position) {
        let headline = format!("`{name}` is given, so a script cannot define another one");
        self.problems.push(problem(Code::ScriptShadow, position, headline, "take another name"));
    }

    /// Functions that the script defines, closures aside.
    pub(crate) fn check_functions(&mut self, ast: &AST) {
        for function in ast.iter_functions().filter(|function| !function.name.starts_with("anon$")) {
            let count = function.params.len();
            let hidden = std::iter::once(function.name).filter(|name| (self.surroundings.taken)(name, count));
            let hidden = hidden.chain(function.params.iter().copied().filter(|name| GIVEN.contains(name)));
            for name in hidden.map(str::to_owned).collect::<Vec<_>>() {
                self.shadowed(&name, Position::NONE);
            }
            self.check_function(ast, function.name, &function.params);
        }
    }

    /// A function sees its parameters and what it defines itself; rhai would find the rest missing only when a row is there.
    fn check_function(&mut self, ast: &AST, name: &str, params: &[&str]) {
        let mut defined: Vec<String> = params.iter().map(|param| (*param).to_owned()).collect();
        let mut used = Vec::new();
        ast.clone_functions_only_filtered(|_, _, _, other, count| other == name && count == params.len()).walk(
            &mut |path| {
                match path.last() {
                    Some(ASTNode::Stmt(Stmt::Var(definition, _, _))) => defined.push(definition.0.as_str().to_owned()),
                    Some(ASTNode::Stmt(Stmt::For(parts, _))) => defined.push(parts.0.as_str().to_owned()),
                    Some(ASTNode::Expr(Expr::Variable(variable, _, position))) => {
                        used.push((variable.1.to_string(), *position));
                    }
                    _ => {}
                }
                true
            },
        );
        let is_outside = |name: &str| name == "value" || GIVEN.contains(&name);
        for (variable, position) in used {
            if is_outside(&variable) && !defined.contains(&variable) {
                let headline = format!("the function `{name}` does not see `{variable}`");
                self.problems.push(ScriptProblem {
                    help: Some(format!("pass it: `fn {name}(…, {variable})`")),
                    ..problem(Code::ScriptUnknownName, position, headline, "not a parameter")
                });
            }
        }
    }

    /// `row` may only be asked for a column by a literal name, so that the plan knows what to read.
    fn row(&mut self, row: &Expr, path: &[ASTNode<'_>], position: Position) {
        // What a closure sees of `row` is looked at inside of the closure.
        if matches!(parent(path), Some(ASTNode::Expr(Expr::FnCall(call, _))) if is_capture(call)) {
            return;
        }
        match literal_name(row, path) {
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

    pub(crate) fn check_columns(&mut self, known: Option<&[&str]>) {
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
                asks: Some(name.clone()),
                ..problem(Code::ScriptUnknownColumn, *position, headline, "no such column")
            });
        }
    }
}

fn parent<'p, 'a>(path: &'p [ASTNode<'a>]) -> Option<&'p ASTNode<'a>> {
    path.len().checked_sub(2).and_then(|parent| path.get(parent))
}

/// The name that a map at the end of `path` is asked for, if it is a literal.
fn literal_name(map: &Expr, path: &[ASTNode<'_>]) -> Option<(String, Position)> {
    match parent(path) {
        Some(ASTNode::Expr(Expr::Dot(chain, flags, _) | Expr::Index(chain, flags, _)))
            if std::ptr::eq(&raw const chain.lhs, map) =>
        {
            column_name(&chain.rhs, *flags)
        }
        _ => None,
    }
}

/// The first link of the chain behind a map: chains lean to the right.
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
