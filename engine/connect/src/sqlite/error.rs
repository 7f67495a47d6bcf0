//! What SQLite's errors mean here.
//!
//! SQLite's own words are kept where they name objects; they never hold a row's values, save in the text of a user's trigger, which is left out.

use rusqlite::ffi;
use transload_model::{Code, ColumnName, Diagnostic, Refusal, TableName, WriteKind};

use crate::backoff::Class;

/// A failure of the database that is not about one row.
pub(super) fn failure(error: &rusqlite::Error, usual: Code, doing: &str) -> Box<Diagnostic> {
    let code = error.sqlite_error().map_or(usual, |sqlite| structural(sqlite, usual));
    let mut problem = Diagnostic::new(code, format!("{doing}: {}", words(error)));
    problem.help = Some(code.info().remedy.to_owned());
    Box::new(problem)
}

/// Whether a statement names a table or a column that is not there.
pub(super) fn is_missing(error: &rusqlite::Error) -> bool {
    let said = words(error);
    said.starts_with("no such table") || said.starts_with("no such column") || said.contains("has no column named")
}

/// Whether a transaction has to be undone first, which takes who may write.
pub(super) fn is_half_written(error: &rusqlite::Error) -> bool {
    error.sqlite_error().is_some_and(|sqlite| sqlite.extended_code == ffi::SQLITE_READONLY_ROLLBACK)
}

fn structural(error: &ffi::Error, usual: Code) -> Code {
    match error.code {
        ffi::ErrorCode::DiskFull => Code::StorageFull,
        // A full file system shows here first: the shared-memory file beside a WAL cannot grow.
        ffi::ErrorCode::SystemIoFailure if error.extended_code == ffi::SQLITE_IOERR_SHMSIZE => Code::StorageFull,
        // The user may read, and nothing else was asked for.
        ffi::ErrorCode::ReadOnly if error.extended_code == ffi::SQLITE_READONLY_ROLLBACK => usual,
        ffi::ErrorCode::ReadOnly | ffi::ErrorCode::PermissionDenied => Code::PermissionDenied,
        ffi::ErrorCode::CannotOpen | ffi::ErrorCode::NotADatabase => Code::CannotConnect,
        _ => usual,
    }
}

/// The failure of a unit.
pub(super) fn unit_failure(error: &rusqlite::Error, table: &TableName) -> Box<Diagnostic> {
    let code = unit_code(error);
    let mut problem = failure(error, code, &format!("writing `{table}` failed"));
    (problem.code, problem.help) = (code, Some(code.info().remedy.to_owned()));
    problem
}

/// What may be done about a unit that failed with it.
pub(super) fn class(error: &rusqlite::Error) -> Class {
    match unit_code(error) {
        Code::DestinationBusy => Class::Passing,
        Code::StorageFull | Code::ReadOnly => Class::Missing,
        _ => Class::Lasting,
    }
}

/// The code of a unit that failed. The same file took the fences before: where it is read-only now, somebody made it so.
fn unit_code(error: &rusqlite::Error) -> Code {
    let Some(sqlite) = error.sqlite_error() else { return Code::DestinationFailed };
    match sqlite.code {
        ffi::ErrorCode::DatabaseBusy | ffi::ErrorCode::DatabaseLocked => Code::DestinationBusy,
        ffi::ErrorCode::ReadOnly => Code::ReadOnly,
        // The file was there and open: something is wrong with it that does not pass.
        ffi::ErrorCode::CannotOpen | ffi::ErrorCode::NotADatabase => Code::DestinationFailed,
        _ => structural(sqlite, Code::DestinationFailed),
    }
}

fn words(error: &rusqlite::Error) -> String {
    match error {
        rusqlite::Error::SqliteFailure(failure, message) => match failure.extended_code {
            // Here SQLite's own words are "disk I/O error" and "attempt to write a readonly database".
            ffi::SQLITE_IOERR_SHMSIZE => "there is no space for the file beside the database".to_owned(),
            // The text of a trigger is its author's, and may hold anything of the row.
            ffi::SQLITE_CONSTRAINT_TRIGGER => "a trigger refused it".to_owned(),
            ffi::SQLITE_READONLY_ROLLBACK => {
                "who wrote it last was stopped in the middle, and what is to be undone stands in a journal beside it"
                    .to_owned()
            }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_that_failed_is_told_by_its_class() {
        let cases = [
            (ffi::SQLITE_BUSY, Class::Passing, Code::DestinationBusy),
            (ffi::SQLITE_BUSY_SNAPSHOT, Class::Passing, Code::DestinationBusy),
            (ffi::SQLITE_LOCKED, Class::Passing, Code::DestinationBusy),
            (ffi::SQLITE_FULL, Class::Missing, Code::StorageFull),
            (ffi::SQLITE_IOERR_SHMSIZE, Class::Missing, Code::StorageFull),
            (ffi::SQLITE_READONLY, Class::Missing, Code::ReadOnly),
            (ffi::SQLITE_CORRUPT, Class::Lasting, Code::DestinationFailed),
            (ffi::SQLITE_NOTADB, Class::Lasting, Code::DestinationFailed),
            (ffi::SQLITE_CANTOPEN, Class::Lasting, Code::DestinationFailed),
            (ffi::SQLITE_IOERR_WRITE, Class::Lasting, Code::DestinationFailed),
        ];
        for (number, expected, code) in cases {
            let error = rusqlite::Error::SqliteFailure(ffi::Error::new(number), None);
            let told = unit_failure(&error, &TableName::parse("people").unwrap());
            assert_eq!((class(&error), told.code), (expected, code), "{number}");
        }
    }
}
