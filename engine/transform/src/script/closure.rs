//! Closures that would be kept.
//!
//! rhai's limits do not count what a closure has captured. One that holds the one before it, in a loop, takes all memory, or all of the
//! stack when the last of them is dropped; one that holds itself is never dropped. So a closure that captures variables may be called, and
//! given to a function of lists that calls it, but it may not become a part of another value.

use std::collections::BTreeSet;

use rhai::{AST, ASTNode, Expr, FnCallExpr, Position, Stmt};

/// What takes a function, calls it, and is done with it.
const CALLERS: &[&str] = &[
    "all",
    "dedup",
    "drain",
    "filter",
    "find",
    "find_map",
    "for_each",
    "index_of",
    "map",
    "order",
    "order_by",
    "reduce",
    "reduce_rev",
    "retain",
    "some",
    "sort",
    "sort_by",
];

/// Where a closure that captures variables would be kept, and where `curry` would make one.
pub(crate) fn kept(ast: &AST) -> Vec<Position> {
    let mut found = Vec::new();
    let mut named = BTreeSet::new();
    let mut read = Vec::new();
    ast.walk(&mut |path| {
        match path {
            // rhai wraps a closure that captures into a block: what is captured, then the closure.
            [.., holder, ASTNode::Expr(block @ Expr::Stmt(_)), _, ASTNode::Expr(Expr::FnCall(call, position))]
                if is_capture(call) =>
            {
                match holder {
                    ASTNode::Stmt(Stmt::Var(definition, _, _)) => {
                        named.insert(definition.0.as_str().to_owned());
                    }
                    holder if is_called_by(holder, block) => {}
                    _ => found.push(*position),
                }
            }
            [.., ASTNode::Expr(Expr::FnCall(call, position) | Expr::MethodCall(call, position))]
            | [.., ASTNode::Stmt(Stmt::FnCall(call, position))]
                if call.name == "curry" =>
            {
                found.push(*position);
            }
            [.., holder, ASTNode::Expr(variable @ Expr::Variable(parts, _, position))]
                if !is_called(holder, variable) && !is_called_by(holder, variable) =>
            {
                read.push((parts.1.to_string(), *position));
            }
            _ => {}
        }
        true
    });
    found.extend(read.into_iter().filter(|(name, _)| named.contains(name)).map(|(_, position)| position));
    found
}

/// Whether this is the call that rhai makes of a closure that captures variables.
pub(crate) fn is_capture(call: &FnCallExpr) -> bool {
    let is_closure = match call.args.first() {
        Some(Expr::DynamicConstant(value, _)) => value.is_fnptr(),
        Some(Expr::Variable(variable, _, _)) => variable.1.starts_with("anon$"),
        _ => false,
    };
    call.name == "curry" && is_closure
}

/// Whether a node gives the closure to a function of lists, or captures a variable, which is looked at inside of the closure.
fn is_called_by(holder: &ASTNode<'_>, closure: &Expr) -> bool {
    let (call, place) = match holder {
        ASTNode::Expr(Expr::FnCall(call, _)) | ASTNode::Stmt(Stmt::FnCall(call, _)) => (call, 1),
        ASTNode::Expr(Expr::MethodCall(call, _)) => (call, 0),
        _ => return false,
    };
    let is_caller = CALLERS.contains(&call.name.as_str());
    is_capture(call) || is_caller && call.args.get(place).is_some_and(|given| std::ptr::eq(given, closure))
}

/// Whether a node calls the closure that a variable holds.
fn is_called(holder: &ASTNode<'_>, variable: &Expr) -> bool {
    match holder {
        ASTNode::Expr(Expr::Dot(chain, _, _)) if std::ptr::eq(&raw const chain.lhs, variable) => match &chain.rhs {
            Expr::Dot(rest, _, _) | Expr::Index(rest, _, _) => is_method_call(&rest.lhs),
            link => is_method_call(link),
        },
        ASTNode::Expr(Expr::FnCall(call, _)) | ASTNode::Stmt(Stmt::FnCall(call, _)) => {
            call.name == "call" && call.args.first().is_some_and(|first| std::ptr::eq(first, variable))
        }
        _ => false,
    }
}

fn is_method_call(link: &Expr) -> bool {
    matches!(link, Expr::MethodCall(call, _) if call.name == "call")
}
