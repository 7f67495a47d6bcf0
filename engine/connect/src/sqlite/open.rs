//! Opening SQLite files.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};
use transload_model::{Code, ConnectionPlan, Diagnostic, Result};

use super::error::failure;

/// How long a statement waits for another process's lock.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// A file that exists, with the connection's name for messages.
#[derive(Clone)]
pub(super) struct Database {
    pub(super) name: String,
    pub(super) path: PathBuf,
}

/// What a connection may do.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    Read,
    Write,
}

impl Database {
    /// Finds the connection's file, or creates it with its script.
    pub(super) fn find(connection: &ConnectionPlan) -> Result<Self> {
        let path = PathBuf::from(connection.url.strip_prefix("sqlite:").unwrap_or(&connection.url));
        let database = Self { name: connection.name.to_string(), path };
        if !database.path.exists() {
            match &connection.create_with {
                Some(script) => database.create(script)?,
                None => return Err(database.missing()),
            }
        }
        Ok(database)
    }

    fn missing(&self) -> Box<Diagnostic> {
        let headline = format!("connection `{}` has no database: {} does not exist", self.name, self.path.display());
        let help = "check the path in transload.yaml; `create_with: schema.sql` creates a file that is missing";
        Box::new(Diagnostic::new(Code::CannotConnect, headline).help(help))
    }

    /// Runs the script on a file beside the wanted one, which then takes its place whole.
    fn create(&self, script: &str) -> Result<()> {
        let unfinished = self.path.with_extension("unfinished");
        if let Some(folder) = self.path.parent() {
            std::fs::create_dir_all(folder).map_err(|error| self.refused(&error))?;
        }
        if unfinished.exists() {
            std::fs::remove_file(&unfinished).map_err(|error| self.refused(&error))?;
        }
        let run = || -> rusqlite::Result<()> {
            let connection = Connection::open(&unfinished)?;
            connection.execute_batch(&format!("begin;\n{script}\n;commit;"))?;
            connection.close().map_err(|(_, error)| error)
        };
        run().map_err(|error| {
            failure(&error, Code::CannotConnect, &format!("`create_with` of `{}` failed", self.name))
        })?;
        std::fs::rename(&unfinished, &self.path).map_err(|error| self.refused(&error))
    }

    fn refused(&self, error: &std::io::Error) -> Box<Diagnostic> {
        let code = match error.kind() {
            std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::ReadOnlyFilesystem => Code::PermissionDenied,
            std::io::ErrorKind::StorageFull => Code::StorageFull,
            _ => Code::CannotConnect,
        };
        let headline = format!("connection `{}` cannot create {}: {error}", self.name, self.path.display());
        Box::new(Diagnostic::new(code, headline))
    }

    pub(super) fn open(&self, access: Access) -> Result<Connection> {
        let mode = match access {
            Access::Read => OpenFlags::SQLITE_OPEN_READ_ONLY,
            Access::Write => OpenFlags::SQLITE_OPEN_READ_WRITE,
        };
        let open = || -> rusqlite::Result<Connection> {
            let connection = Connection::open_with_flags(&self.path, mode | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
            connection.busy_timeout(BUSY_TIMEOUT)?;
            connection.set_prepared_statement_cache_capacity(64);
            connection.pragma_update(None, "foreign_keys", true)?;
            // Says now, and not at the first row, that the file is no database.
            connection.query_row("select count(*) from sqlite_schema", [], |_| Ok(()))?;
            Ok(connection)
        };
        let doing = format!("connection `{}` cannot open {}", self.name, self.path.display());
        open().map_err(|error| failure(&error, Code::CannotConnect, &doing))
    }

    /// A connection that sees what is committed and writes nothing, also where the file is in WAL mode and its directory is not ours.
    pub(super) fn open_for_looking(&self) -> Result<Connection> {
        let connection = self.open(Access::Write).or_else(|_| self.open(Access::Read))?;
        let set = connection.pragma_update(None, "query_only", true);
        set.map_err(|error| failure(&error, Code::CannotConnect, &format!("connection `{}`", self.name)))?;
        Ok(connection)
    }
}

/// Creates the folder of a file.
pub(super) fn make_folder(path: &Path) -> std::io::Result<()> {
    path.parent().map_or(Ok(()), std::fs::create_dir_all)
}
