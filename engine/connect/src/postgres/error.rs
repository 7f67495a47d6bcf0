//! What PostgreSQL's errors mean here.
//!
//! The server's own words are kept only where they name objects. Where they would quote a value, as they may while rows are read, or are a
//! trigger's author's, ours stand instead.

use sqlx::postgres::{PgDatabaseError, PgErrorPosition};
use transload_model::{Code, ColumnName, Diagnostic, Refusal, WriteKind};

use crate::backoff::Class;

/// Why no session could be had.
pub(super) fn cannot_connect(error: &sqlx::Error, name: &str) -> Box<Diagnostic> {
    let mut problem = failure(error, Code::CannotConnect, &format!("{name} cannot be opened"));
    if problem.code == Code::CannotConnect {
        problem.help = Some("check host, port and database in the URL, and whether the server runs".to_owned());
    }
    problem
}

/// A failure that is not about one row.
pub(super) fn failure(error: &sqlx::Error, usual: Code, doing: &str) -> Box<Diagnostic> {
    let code = structural(error, usual);
    let mut problem = Diagnostic::new(code, format!("{doing}: {}", words(error)));
    problem.help = Some(if code == Code::PermissionDenied { RIGHTS } else { code.info().remedy }.to_owned());
    Box::new(problem)
}

/// What helps where a right is missing; what the code says beside is about files.
const RIGHTS: &str = "grant the connection's user the right, or connect as one who has it";

/// A failure while rows are read. What the server says of them may quote a value; what it says of a place in the statement quotes that.
pub(super) fn reading_failure(error: &sqlx::Error, usual: Code, doing: &str) -> Box<Diagnostic> {
    let mut problem = failure(error, usual, doing);
    if let Some(found) = database(error).filter(|_| may_quote(error)) {
        problem.headline = format!("{doing}: the server could not give a row (SQLSTATE {})", found.code());
    }
    problem
}

/// Whether the server's words may hold a value of a row. Those about connection, session and resources do not, nor those about a place in the
/// statement: they quote it.
fn may_quote(error: &sqlx::Error) -> bool {
    let is_of_statement = |error: &PgDatabaseError| matches!(error.position(), Some(PgErrorPosition::Original(_)));
    // Who lacks a right is told of what, before any row is read.
    let is_of_rights = sqlstate(error) == Some("42501");
    !is_of_server(error) && !is_of_rights && database(error).is_some_and(|error| !is_of_statement(error))
}

/// What the server or the session met, be it within a trigger: connection, transaction, rights, resources, an operator, a fault of the server.
fn is_of_server(error: &sqlx::Error) -> bool {
    const CLASSES: [&str; 9] = ["08", "25", "28", "40", "53", "55", "57", "58", "XX"];
    sqlstate(error).is_some_and(|state| CLASSES.iter().any(|class| state.starts_with(class)))
}

/// The server's part of an error.
fn database(error: &sqlx::Error) -> Option<&PgDatabaseError> {
    error.as_database_error().and_then(|error| error.try_downcast_ref())
}

/// The five characters of an error, where the server gave them.
pub(super) fn sqlstate(error: &sqlx::Error) -> Option<&str> {
    database(error).map(PgDatabaseError::code)
}

fn structural(error: &sqlx::Error, usual: Code) -> Code {
    match error {
        sqlx::Error::Tls(_) => Code::TlsError,
        // The handshake's errors arrive as the stream's.
        sqlx::Error::Io(error) if error.to_string().contains("certificate") => Code::TlsError,
        sqlx::Error::Database(_) => match sqlstate(error).unwrap_or_default() {
            "28000" | "28P01" => Code::AuthFailed,
            "25006" if matches!(usual, Code::ReadOnly | Code::DestinationFailed) => Code::ReadOnly,
            "42501" | "25006" => Code::PermissionDenied,
            "42P01" | "42703" | "42704" | "42883" | "0A000" if usual != Code::CannotConnect => Code::SchemaDrift,
            // A prepared statement that is there already, or is not there: not the session that it was prepared in.
            "42P05" | "26000" => Code::SharedSession,
            "53100" => Code::StorageFull,
            "53000" | "53200" | "53300" => Code::ServerBusy,
            _ => usual,
        },
        _ => usual,
    }
}

/// Whether the same unit may succeed if it is tried again, on a new connection.
pub(super) fn is_passing(error: &sqlx::Error) -> bool {
    const CONFLICT: [&str; 3] = ["40001", "40P01", "55P03"];
    const STOPS: [&str; 5] = ["57P01", "57P02", "57P03", "53300", "53200"];
    // What sends nothing for too long, such as a machine that slept, loses its session.
    const IDLE: [&str; 2] = ["25P03", "57P05"];
    match error {
        sqlx::Error::Io(_) | sqlx::Error::Protocol(_) => true,
        _ => sqlstate(error).is_some_and(|state| {
            state.starts_with("08") || [&CONFLICT[..], &STOPS, &IDLE].iter().any(|states| states.contains(&state))
        }),
    }
}

/// What may be done about a unit that failed with it.
pub(super) fn class(error: &sqlx::Error) -> Class {
    match sqlstate(error) {
        // No space, and no right to write just now: a replica, or a server that was set so.
        Some("53100" | "25006") => Class::Missing,
        // What is stopped as a whole is not about rows.
        Some(STOPPED) => Class::Passing,
        _ if is_passing(error) => Class::Passing,
        _ => Class::Lasting,
    }
}

/// A statement that the server stopped: it took too long, or an administrator said so.
const STOPPED: &str = "57014";

/// Whether the server stopped the statement.
pub(super) fn is_stopped(error: &sqlx::Error) -> bool {
    sqlstate(error) == Some(STOPPED)
}

/// The code of a unit that failed, where it says more than that the destination did.
pub(super) fn unit_code(error: &sqlx::Error) -> Code {
    match sqlstate(error) {
        Some("25006") => Code::ReadOnly,
        Some(STOPPED) => Code::StatementTimeout,
        _ if is_passing(error) => Code::DestinationBusy,
        _ => Code::DestinationFailed,
    }
}

/// Whether the error is about a row's values.
pub(super) fn is_about_a_row(error: &sqlx::Error) -> bool {
    const VALUES: [&str; 3] = ["22", "23", "44"];
    let is_of_values = sqlstate(error).is_some_and(|state| VALUES.iter().any(|class| state.starts_with(class)));
    // An index or a page that cannot hold so much.
    is_of_values || sqlstate(error) == Some("54000") || (is_raised(error) && !is_of_server(error))
}

/// Whether a trigger's or another function's author said it. Then the words, and the code as well, may be anything.
fn is_raised(error: &sqlx::Error) -> bool {
    database(error).is_some_and(|error| {
        let in_function = |context: &str| context.contains("PL/") || context.contains("function ");
        // What the control store's own triggers say is ours.
        if error.code().starts_with("TL") {
            return false;
        }
        error.code().starts_with("P0")
            || error.routine() == Some("exec_stmt_raise")
            || error.r#where().is_some_and(in_function)
    })
}

fn words(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::Database(_) => match database(error) {
            // A trigger's words may be anything.
            Some(raised) if is_raised(error) => {
                format!("a function or trigger of the server failed (SQLSTATE {})", raised.code())
            }
            // Quotes values.
            Some(refused) if is_about_a_row(error) => {
                format!("the server refused a value (SQLSTATE {})", refused.code())
            }
            Some(error) => match unnamed(error.code()) {
                Some(words) => format!("{words} (SQLSTATE {})", error.code()),
                None => format!("{} (SQLSTATE {})", error.message(), error.code()),
            },
            None => "the server refused the call".to_owned(),
        },
        sqlx::Error::Io(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            "the server closed the connection".to_owned()
        }
        sqlx::Error::Io(error) => about_certificates(error.to_string()),
        sqlx::Error::Tls(error) => about_certificates(error.to_string()),
        sqlx::Error::Protocol(_) => "the connection was lost".to_owned(),
        sqlx::Error::RowNotFound => "what was looked for is not there".to_owned(),
        _ => "the driver refused the call".to_owned(),
    }
}

/// What the server says with the user or the database of the URL, without them.
fn unnamed(state: &str) -> Option<&'static str> {
    match state {
        "28P01" | "28000" => Some("the server does not let this user in with this password, or with none"),
        "3D000" => Some("the server has no database of this name"),
        _ => None,
    }
}

/// A certificate's complaint lists every host that it is for.
fn about_certificates(words: String) -> String {
    match () {
        () if !words.contains("certificate") => words,
        () if words.contains("not valid for name") => "the server's certificate is for another host".to_owned(),
        () if words.contains("UnknownIssuer") => {
            "the server's certificate is signed by an authority that is not trusted (UnknownIssuer)".to_owned()
        }
        () => "the server's certificate is not valid".to_owned(),
    }
}

/// The refusal of one row, where the error is that; else nothing, and the unit fails.
pub(super) fn refusal(error: &sqlx::Error, kind: WriteKind, row: usize) -> Option<Refusal> {
    let raised = is_raised(error);
    let error = database(error).filter(|_| is_about_a_row(error))?;
    let constraint = error.constraint().map(|name| format!("constraint `{name}`"));
    let named = |what: &str| constraint.as_ref().map_or(what.to_owned(), |name| format!("{what}: {name}"));
    let column = error.column().or_else(|| copied_column(error)).and_then(|name| ColumnName::parse(name).ok());
    let (code, field, message) = match error.code() {
        "23505" => (Code::ConstraintUnique, key_column(error), named("another row has this value")),
        "23P01" => (Code::ConstraintUnique, None, named("it conflicts with another row")),
        "23502" => (Code::ConstraintNotNull, column, "NULL where the column takes none".to_owned()),
        "23514" => (Code::ConstraintCheck, None, named("a check refused the row")),
        "23503" | "23001" => (Code::ConstraintForeignKey, key_column(error), named("a reference refused the row")),
        "54000" => (Code::RowTooLarge, None, "the row is too large for the table or one of its indexes".to_owned()),
        _ if raised => (Code::ConstraintOther, None, "a trigger refused the row".to_owned()),
        "22001" => (Code::ValueRange, column, "the text is longer than the column".to_owned()),
        "22003" | "22008" => (Code::ValueRange, column, "the value is outside the column's range".to_owned()),
        "22021" | "22P05" => (Code::ValueEncoding, column, "the text cannot be stored".to_owned()),
        "22P02" | "22P03" | "22007" => {
            (Code::ValueFormat, column, "the value is not one of the column's type".to_owned())
        }
        code => (Code::ConstraintOther, column, format!("the server refused the row (SQLSTATE {code})")),
    };
    Some(Refusal { kind, row, code, field, message })
}

/// `COPY people, line 3, column sex: …`; what follows the name is a value and is not looked at.
fn copied_column(error: &PgDatabaseError) -> Option<&str> {
    let (_, named) = error.r#where()?.split_once(", column ")?;
    named.split([':', '\n']).next()
}

/// `Key (record_no)=(…) already exists.` names one column; what follows is a value and is not looked at.
fn key_column(error: &PgDatabaseError) -> Option<ColumnName> {
    let (columns, _) = error.detail()?.strip_prefix("Key (")?.split_once(")=(")?;
    let name = columns.trim_matches('"');
    if columns.contains(", ") {
        return None;
    }
    ColumnName::parse(name).ok()
}
