//! Why a verb ended early.

use transload_model::{Code, Diagnostic, EntityName, Exit, Severity, nearest};

/// Problems that ended a verb; at least one.
#[derive(Debug)]
pub(crate) struct Failure(pub(crate) Vec<Diagnostic>);

impl Failure {
    /// What the process answers: that of the first error.
    pub(crate) fn exit(&self) -> Exit {
        let first = self.0.iter().find(|problem| problem.severity == Severity::Error);
        first.map_or(Exit::Bug, |problem| problem.code.info().exit)
    }
}

impl From<Box<Diagnostic>> for Failure {
    fn from(problem: Box<Diagnostic>) -> Self {
        Self(vec![*problem])
    }
}

impl From<Diagnostic> for Failure {
    fn from(problem: Diagnostic) -> Self {
        Self(vec![problem])
    }
}

impl From<Vec<Diagnostic>> for Failure {
    fn from(problems: Vec<Diagnostic>) -> Self {
        Self(problems)
    }
}

/// The machine gives no threads.
pub(crate) fn no_runtime(error: &std::io::Error) -> Diagnostic {
    Diagnostic::new(Code::FileError, format!("no threads can be started: {error}"))
}

/// A file that cannot be written.
pub(crate) fn file_error(path: &std::path::Path, error: &std::io::Error) -> Diagnostic {
    let (code, help) = match error.kind() {
        std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::ReadOnlyFilesystem => {
            (Code::PermissionDenied, "let this user write there, or run as one who may")
        }
        std::io::ErrorKind::StorageFull => (Code::StorageFull, "free space, then run again"),
        _ => (Code::FileError, "see what is in the way there"),
    };
    Diagnostic::new(code, format!("{} cannot be written: {error}", path.display())).help(help)
}

/// An entity that the project does not have.
pub(crate) fn unknown_entity(text: &str, names: &[&EntityName]) -> Failure {
    let problem = Diagnostic::new(Code::UnknownEntity, format!("the project has no entity `{text}`"));
    let known: Vec<&str> = names.iter().map(|name| name.as_str()).collect();
    let help = match nearest(text, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("it has {}", known.join(", ")),
    };
    Failure::from(problem.help(help))
}
