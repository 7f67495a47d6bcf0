//! What SQLite's errors mean here.
//!
//! SQLite's own words are kept where they name objects; they never hold a row's values, save in the text of a user's trigger, which is left out.

use rusqlite::ffi;
use transload_model::{Code, ColumnName, Diagnostic, Refusal, WriteKind};

/// A failure of the database that is not about one row.
pub(super) fn failure(error: &rusqlite::Error, usual: Code, doing: &str) -> Box<Diagnostic> {
    let code = error.sqlite_error().map_or(usual, |sqlite| structural(sqlite, usual));
    let mut problem = Diagnostic::new(code, format!("{doing}: {}", words(error)));
    problem.help = Some(code.info().remedy.to_owned());
    Box::new(problem)
}

fn structural(error: &ffi::Error, usual: Code) -> Code {
    match error.code {
        ffi::ErrorCode::DiskFull => Code::StorageFull,
        // A full file system shows here first: the shared-memory file beside a WAL cannot grow.
        ffi::ErrorCode::SystemIoFailure if error.extended_code == ffi::SQLITE_IOERR_SHMSIZE => Code::StorageFull,
        ffi::ErrorCode::ReadOnly | ffi::ErrorCode::PermissionDenied => Code::PermissionDenied,
        ffi::ErrorCode::CannotOpen | ffi::ErrorCode::NotADatabase => Code::CannotConnect,
        _ => usual,
    }
}

/// Whether the same unit may succeed if it is tried again.
pub(super) fn is_passing(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ffi::ErrorCode::DatabaseBusy | ffi::ErrorCode::DatabaseLocked))
}

fn words(error: &rusqlite::Error) -> String {
    match error {
        rusqlite::Error::SqliteFailure(failure, message) => match failure.extended_code {
            // Here SQLite's own words are "disk I/O error" and "attempt to write a readonly database".
            ffi::SQLITE_IOERR_SHMSIZE => "there is no space for the file beside the database".to_owned(),
            // The text of a trigger is its author's, and may hold anything of the row.
            ffi::SQLITE_CONSTRAINT_TRIGGER => "a trigger refused it".to_owned(),
            ffi::SQLITE_READONLY_DIRECTORY => "the database's folder may not be written".to_owned(),
            code => message.clone().unwrap_or_else(|| ffi::code_to_str(code).to_owned()),
        },
        rusqlite::Error::SqlInputError { msg, .. } => msg.clone(),
        rusqlite::Error::MultipleStatement => "it is more than one statement".to_owned(),
        rusqlite::Error::QueryReturnedNoRows => "what was looked for is not there".to_owned(),
        // The other kinds are about how rusqlite was called; some of them print values.
        _ => "the driver refused the call".to_owned(),
    }
}

/// The refusal of one row, where the error is that; else nothing, and the unit fails.
pub(super) fn refusal(error: &rusqlite::Error, kind: WriteKind, row: usize) -> Option<Refusal> {
    let rusqlite::Error::SqliteFailure(failure, message) = error else { return None };
    let code = match failure.extended_code {
        ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY | ffi::SQLITE_CONSTRAINT_ROWID => {
            Code::ConstraintUnique
        }
        ffi::SQLITE_CONSTRAINT_NOTNULL => Code::ConstraintNotNull,
        ffi::SQLITE_CONSTRAINT_CHECK => Code::ConstraintCheck,
        ffi::SQLITE_CONSTRAINT_FOREIGNKEY => Code::ConstraintForeignKey,
        _ => match failure.code {
            ffi::ErrorCode::ConstraintViolation | ffi::ErrorCode::TypeMismatch => Code::ConstraintOther,
            ffi::ErrorCode::TooBig => Code::RowTooLarge,
            _ => return None,
        },
    };
    let spoken = match code {
        Code::ConstraintOther if failure.extended_code == ffi::SQLITE_CONSTRAINT_TRIGGER => None,
        _ => message.clone(),
    };
    let field = spoken.as_deref().filter(|_| code != Code::ConstraintCheck).and_then(named_column);
    let message = spoken.unwrap_or_else(|| "a trigger refused the row".to_owned());
    Some(Refusal { kind, row, code, field, message })
}

/// `UNIQUE constraint failed: patients.record_no` names one column.
fn named_column(message: &str) -> Option<ColumnName> {
    let (_, named) = message.split_once("failed: ")?;
    if named.contains(", ") {
        return None;
    }
    let (_, column) = named.split_once('.')?;
    ColumnName::parse(column).ok()
}
