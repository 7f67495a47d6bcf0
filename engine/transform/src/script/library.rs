//! The functions of `transforms/*.rhai`: the standard library's, and the project's own.
//!
//! A library file holds functions and nothing else. A function of one parameter can be named as a transformation; any can be called from scripts and
//! from other library functions, whatever file they are in.

use std::collections::BTreeSet;
use std::sync::Arc;

use rhai::{AST, Engine, FnAccess, Scope};
use transload_model::{Code, Diagnostic, ScriptProblem, SourceFile};
use twox_hash::XxHash3_64;

use crate::built_in;

use super::check::{Surroundings, check_library, compile};
use super::names::Names;

/// The standard library. A new file is a line here.
const STANDARD: &[(&str, &str)] = &[
    ("transforms/dates.rhai", include_str!("../../../../transforms/dates.rhai")),
    ("transforms/identifiers.rhai", include_str!("../../../../transforms/identifiers.rhai")),
    ("transforms/names.rhai", include_str!("../../../../transforms/names.rhai")),
    ("transforms/phones.rhai", include_str!("../../../../transforms/phones.rhai")),
];

/// All library functions.
pub(crate) struct Library {
    ast: AST,
    names: Names,
    functions: Vec<LibraryFunction>,
    /// Every name that is defined, also of those that cannot be named as a transformation.
    defined: BTreeSet<String>,
    fingerprint: u64,
}

/// A function that can be named as a transformation.
pub(crate) struct LibraryFunction {
    /// Its name.
    pub(crate) name: String,
    /// The file that has it.
    pub(crate) path: String,
    /// The comment before it.
    pub(crate) comment: String,
}

impl Library {
    /// The standard library and the project's files.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub(crate) fn new(project_files: &[Arc<SourceFile>], engine: &Engine) -> Result<Self, Vec<Diagnostic>> {
        let standard = STANDARD.iter().map(|(path, text)| SourceFile::new(*path, *text));
        let files: Vec<Arc<SourceFile>> = standard.map(Arc::new).chain(project_files.iter().cloned()).collect();
        let mut library = Self {
            ast: AST::empty(),
            names: Names::of(engine),
            functions: Vec::new(),
            defined: BTreeSet::new(),
            fingerprint: fingerprint(&files),
        };
        let mut diagnostics = Vec::new();
        let mut compiled = Vec::new();
        for file in &files {
            match compile(&file.text, &Scope::new(), engine) {
                Ok(ast) => {
                    diagnostics.extend(library.define(&ast, file));
                    compiled.push((ast, file));
                }
                Err(problem) => diagnostics.push(diagnostic(file, *problem)),
            }
        }
        // Only now are all functions known that another file may call.
        for (ast, file) in compiled {
            let surroundings = Surroundings { engine, names: &library.names, taken: &|_, _| false };
            diagnostics.extend(check_library(&ast, &surroundings).into_iter().map(|problem| diagnostic(file, problem)));
            library.ast = library.ast.merge(&ast.clone_functions_only());
        }
        // rhai has no order of functions; people read files from the top.
        diagnostics.sort_by_key(|diagnostic| diagnostic.labels.first().map(|label| label.span.start));
        diagnostics.sort_by_key(|diagnostic| diagnostic.labels.first().map(|label| label.file.path.clone()));
        if diagnostics.is_empty() { Ok(library) } else { Err(diagnostics) }
    }

    /// The functions, to be merged into a script.
    pub(crate) fn ast(&self) -> &AST {
        &self.ast
    }

    /// Everything that a script may call.
    pub(crate) fn names(&self) -> &Names {
        &self.names
    }

    /// What can be named as a transformation.
    pub(crate) fn functions(&self) -> &[LibraryFunction] {
        &self.functions
    }

    /// Identity of the text.
    pub(crate) fn fingerprint(&self) -> u64 {
        self.fingerprint
    }

    /// Whether a script must not define a function of that name and count of parameters.
    pub(crate) fn is_taken(&self, name: &str, count: usize) -> bool {
        built_in(name).is_some() || self.defined.contains(name) || self.names.has(name, count)
    }

    /// Whether a library function would stand in the place of one that is built in, here or in rhai.
    fn hides(&self, name: &str, count: usize) -> bool {
        built_in(name).is_some() || (!self.defined.contains(name) && self.names.has(name, count))
    }

    /// Takes the functions of a file. Two of one name, or one with the name of a built-in, would be taken for each other.
    fn define(&mut self, ast: &AST, file: &Arc<SourceFile>) -> Vec<Diagnostic> {
        let mut diagnostics = Vec::new();
        for function in ast.iter_functions().filter(|function| !function.name.starts_with("anon$")) {
            let what = if self.hides(function.name, function.params.len()) {
                Some("is built in")
            } else if !self.defined.insert(function.name.to_owned()) {
                Some("is defined already")
            } else {
                None
            };
            if let Some(what) = what {
                let span = span_of_definition(&file.text, function.name);
                let headline = format!("the function `{}` {what}", function.name);
                let diagnostic = Diagnostic::new(Code::ScriptShadow, headline);
                diagnostics.push(diagnostic.label(file, span, "defined again here").help("take another name"));
                continue;
            }
            self.names.add(function.name, function.params.len());
            if function.params.len() == 1 && function.access == FnAccess::Public {
                let comment = comment_before(&file.text, function.name);
                self.functions.push(LibraryFunction {
                    name: function.name.to_owned(),
                    path: file.path.clone(),
                    comment,
                });
            }
        }
        self.functions.sort_by(|one, other| one.name.cmp(&other.name));
        diagnostics
    }
}

fn fingerprint(files: &[Arc<SourceFile>]) -> u64 {
    let mut bytes = Vec::new();
    for file in files {
        bytes.extend_from_slice(file.text.as_bytes());
        bytes.push(0);
    }
    XxHash3_64::oneshot(&bytes)
}

/// A problem of a script as one of a file.
fn diagnostic(file: &Arc<SourceFile>, problem: ScriptProblem) -> Diagnostic {
    let at = byte_at(&file.text, problem.line, problem.column);
    let rest = file.text.get(at..).unwrap_or_default();
    let word = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
    let first = rest.chars().next().map_or(0, char::len_utf8);
    let diagnostic =
        Diagnostic::new(problem.code, problem.headline).label(file, at..at + word.max(first), problem.label);
    match problem.help {
        Some(help) => diagnostic.help(help),
        None => diagnostic,
    }
}

/// The byte of a line and column, both counted from one.
fn byte_at(text: &str, line: Option<usize>, column: Option<usize>) -> usize {
    let line = line.unwrap_or(1).saturating_sub(1);
    let start: usize = text.split_inclusive('\n').take(line).map(str::len).sum();
    let rest = text.get(start..).unwrap_or_default();
    let column = column.unwrap_or(1).saturating_sub(1);
    start + rest.chars().take(column).map(char::len_utf8).sum::<usize>()
}

/// Where `fn name` stands; the last time, because the first one of two is the one that stays.
fn span_of_definition(text: &str, name: &str) -> std::ops::Range<usize> {
    let start = text.rfind(&format!("fn {name}(")).unwrap_or_default();
    start..(start + "fn ".len() + name.len()).min(text.len())
}

/// The comment on the lines right before `fn name`, without its slashes.
fn comment_before(text: &str, name: &str) -> String {
    let definition = format!("fn {name}(");
    let lines: Vec<&str> = text.lines().collect();
    let Some(at) = lines.iter().position(|line| line.trim_start().starts_with(&definition)) else {
        return String::new();
    };
    let above = lines.iter().take(at).rev().take_while(|line| line.starts_with("//"));
    let mut comment: Vec<&str> = above.map(|line| line.trim_start_matches('/').trim_start()).collect();
    comment.reverse();
    comment.join("\n")
}
