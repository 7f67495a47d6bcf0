//! Both ends in one file.
//!
//! A run reads one moment of the source while it writes. In WAL mode one file allows that. In any other, whoever commits waits for whoever reads,
//! and the run would wait for itself until it gave up. Which file it is says its number on the disk: it may have several names.

use transload_model::{Code, ConnectionPlan, Diagnostic, Result};

use super::error::failure;
use super::open::Database;

/// Refuses one file as both ends, unless it is in WAL mode. The mode is its owner's to change: it stays with the file.
pub(super) fn check(source: &ConnectionPlan, destination: &ConnectionPlan) -> Result<()> {
    let (source, destination) = (Database::of(source), Database::of(destination));
    let file = source.file();
    if file.is_none() || file != destination.file() || is_write_ahead(&source)? {
        return Ok(());
    }
    let path = source.path.display();
    let headline =
        format!("`{}` and `{}` are one file, and it is not in WAL mode: {path}", source.name, destination.name);
    let help = format!(
        "put it into WAL mode, once: `sqlite3 {path} 'pragma journal_mode = wal'`; or move into a file of its own"
    );
    Err(Box::new(Diagnostic::new(Code::SameFile, headline).note(Code::SameFile.info().sentence).help(help)))
}

fn is_write_ahead(database: &Database) -> Result<bool> {
    let connection = database.open_for_looking()?;
    let mode = connection.query_row("pragma journal_mode", [], |row| row.get::<_, String>(0));
    let doing = format!("connection `{}`", database.name);
    Ok(mode.map_err(|error| failure(&error, Code::CannotConnect, &doing))? == "wal")
}
