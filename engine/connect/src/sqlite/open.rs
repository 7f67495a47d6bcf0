//! Opening SQLite files.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};
use transload_model::{Code, ConnectionPlan, Diagnostic, Result};

use super::error::{class, failure, is_half_written};
use super::{locked, sql};
use crate::backoff::Class;

/// How long a statement waits for another process's lock.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

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

/// Whether the connection's file exists. One in a folder that is closed to us is said to, so that opening it tells why it cannot be.
pub(crate) fn exists(connection: &ConnectionPlan) -> bool {
    Database::of(connection).is_there().unwrap_or(true)
}

impl Database {
    pub(super) fn of(connection: &ConnectionPlan) -> Self {
        let path = PathBuf::from(connection.url.strip_prefix("sqlite:").unwrap_or(&connection.url));
        Self { name: connection.name.to_string(), path }
    }

    fn is_there(&self) -> Result<bool> {
        self.path.try_exists().map_err(|reason| self.refused("open", &reason))
    }

    /// Finds the connection's file, or creates it with its script.
    pub(super) fn find(connection: &ConnectionPlan) -> Result<Self> {
        let database = Self::of(connection);
        if !database.is_there()? {
            database.create(connection.create_with.as_deref().ok_or_else(|| database.missing())?)?;
        }
        Ok(database)
    }

    /// A connection for looking: at the file, or, where it is missing, at what its script makes in memory.
    pub(super) fn look(connection: &ConnectionPlan) -> Result<Connection> {
        let database = Self::of(connection);
        if database.is_there()? {
            return database.open_for_looking();
        }
        let script = connection.create_with.as_deref().ok_or_else(|| database.missing())?;
        let imagine = || {
            let memory = Connection::open_in_memory()?;
            run_script(&memory, script)?;
            Ok(memory)
        };
        imagine().map_err(|error| database.script_failed(&error))
    }

    /// What tells the file from any other; nothing where there is none.
    pub(super) fn file(&self) -> Option<(u64, u64)> {
        std::fs::metadata(&self.path).ok().map(|file| (file.dev(), file.ino()))
    }

    /// Who goes on writing into a file that was taken away writes for nobody.
    pub(super) fn is_another(&self) -> Box<Diagnostic> {
        let headline = format!("{} is not the file any more that the run began with", self.path.display());
        let help = "put the file back where it was, or run again: then the file that is there now counts";
        Box::new(Diagnostic::new(Code::ServerIdentity, headline).help(help))
    }

    fn missing(&self) -> Box<Diagnostic> {
        let headline = format!("connection `{}` has no database: {} does not exist", self.name, self.path.display());
        let help = "check the path in transload.yaml, or the variable that it comes from; `create_with: schema.sql` creates a file that is missing, but none that is `read_only` and named by a variable of the environment";
        Box::new(Diagnostic::new(Code::CannotConnect, headline).help(help))
    }

    /// Runs the script on a file beside the wanted one, which then takes its place whole.
    fn create(&self, script: &str) -> Result<()> {
        let unfinished = self.path.with_extension(format!("{}.unfinished", std::process::id()));
        if let Some(folder) = self.path.parent() {
            std::fs::create_dir_all(folder).map_err(|error| self.refused("create", &error))?;
        }
        // Empties what a process that was killed left behind. SQLite would not say why it cannot make a file.
        std::fs::File::create(&unfinished).map_err(|error| self.refused("create", &error))?;
        let done = self.fill(&unfinished, script);
        if done.is_err() {
            // What keeps it from being removed as well is not the problem to report.
            drop(std::fs::remove_file(&unfinished));
        }
        done
    }

    fn fill(&self, unfinished: &Path, script: &str) -> Result<()> {
        let run = || -> rusqlite::Result<()> {
            let connection = Connection::open(unfinished)?;
            run_script(&connection, script)?;
            connection.close().map_err(|(_, error)| error)
        };
        run().map_err(|error| self.script_failed(&error))?;
        // Unlike renaming, linking leaves a file alone that another process made meanwhile.
        let linked = std::fs::hard_link(unfinished, &self.path);
        drop(std::fs::remove_file(unfinished));
        match linked {
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
            linked => linked.map_err(|error| self.refused("create", &error)),
        }
    }

    fn script_failed(&self, error: &rusqlite::Error) -> Box<Diagnostic> {
        let mut problem = failure(error, Code::CannotConnect, &format!("`create_with` of `{}` failed", self.name));
        if problem.code == Code::CannotConnect {
            problem.help = Some("correct the script; nothing was created".to_owned());
        }
        problem
    }

    fn refused(&self, doing: &str, reason: &std::io::Error) -> Box<Diagnostic> {
        let headline = format!("connection `{}` cannot {doing} {}: {reason}", self.name, self.path.display());
        let code = match reason.kind() {
            std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::ReadOnlyFilesystem => Code::PermissionDenied,
            std::io::ErrorKind::StorageFull => Code::StorageFull,
            _ => Code::CannotConnect,
        };
        Box::new(Diagnostic::new(code, headline).help(code.info().remedy))
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
            connection.create_collation(sql::BY_UTF_8, str::cmp)?;
            // Says now, and not at the first row, that the file is no database.
            connection.query_row("select count(*) from sqlite_schema", [], |_| Ok(()))?;
            Ok(connection)
        };
        open().map_err(|error| self.not_opened(&error))
    }

    fn not_opened(&self, error: &rusqlite::Error) -> Box<Diagnostic> {
        // SQLite does not say why it cannot open a file; the operating system does.
        if error.sqlite_error_code() == Some(ErrorCode::CannotOpen)
            && let Err(reason) = std::fs::File::open(&self.path)
        {
            return self.refused("open", &reason);
        }
        let doing = format!("connection `{}` cannot open {}", self.name, self.path.display());
        let mut problem = failure(error, Code::CannotConnect, &doing);
        if is_half_written(error) {
            problem.help = Some(self.undoing());
        } else if class(error) == Class::Passing {
            problem.help = Some("another process has locked it: let that one end, then run again".to_owned());
            let holder = locked::holder(&self.path).map(|name| format!("{name} has locked the file"));
            problem.notes.extend(holder);
        } else if problem.code == Code::CannotConnect {
            problem.help = Some("check the path in transload.yaml; what is there is left as it is".to_owned());
        }
        problem
    }

    /// How a transaction is undone whose process is gone.
    fn undoing(&self) -> String {
        let path = self.path.display();
        format!(
            "start the program again that wrote it, or run `sqlite3 \"{path}\" \"pragma user_version\"` as who may write the file and its folder: \
             SQLite undoes it then; do not delete the journal: without it the file stays half-changed"
        )
    }

    /// A connection that sees what is committed and writes nothing, also where the file is in WAL mode and its directory is not ours.
    pub(super) fn open_for_looking(&self) -> Result<Connection> {
        let connection = self.open(Access::Write).or_else(|_| self.open(Access::Read))?;
        let set = connection.pragma_update(None, "query_only", true);
        set.map_err(|error| failure(&error, Code::CannotConnect, &format!("connection `{}`", self.name)))?;
        Ok(connection)
    }
}

fn run_script(connection: &Connection, script: &str) -> rusqlite::Result<()> {
    connection.execute_batch(&format!("begin;\n{script}\n;commit;"))
}

/// Creates the folder of a file.
pub(super) fn make_folder(path: &Path) -> std::io::Result<()> {
    path.parent().map_or(Ok(()), std::fs::create_dir_all)
}

/// Puts the file into WAL mode, however many processes do so at once.
///
/// Going over to it upgrades a lock, and there SQLite answers busy at once instead of waiting for [`BUSY_TIMEOUT`]: of two
/// that hold the lower lock neither could go on.
pub(super) fn write_ahead(connection: &Connection) -> rusqlite::Result<()> {
    const PAUSE: Duration = Duration::from_millis(5);
    let set = || connection.query_row("pragma journal_mode = wal", [], |_| Ok(()));
    let is_busy = |set: &rusqlite::Result<()>| {
        set.as_ref().is_err_and(|error| error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy))
    };
    // Else each try waits itself, where another connection only reads.
    connection.busy_timeout(Duration::ZERO)?;
    let mut waited = Duration::ZERO;
    let mut tried = set();
    while is_busy(&tried) && waited < BUSY_TIMEOUT {
        std::thread::sleep(PAUSE);
        waited += PAUSE;
        tried = set();
    }
    connection.busy_timeout(BUSY_TIMEOUT)?;
    tried
}
