//! Who holds the lock of a database file.
//!
//! SQLite only says that a file is locked. The system knows by whom, and a person who waits has to know: that process may have been stopped, and
//! lets go of nothing by itself. Where the system does not tell, nobody is named.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use transload_model::{Code, Diagnostic};

use crate::process;

/// The process that is writing the database of a file, for people.
pub(super) fn holder(path: &Path) -> Option<String> {
    let locks = std::fs::read_to_string("/proc/locks").ok()?;
    // In write-ahead mode the lock is on the file beside it.
    let mut parts = ["-shm", "", "-wal"].into_iter().filter_map(|part| identity(path, part));
    let holder = parts.find_map(|file| writer(&locks, &file, std::process::id()))?;
    Some(process::name_of(holder))
}

/// A problem with a file that stays locked, and who has locked it.
pub(super) fn told(problem: Box<Diagnostic>, path: Option<&str>) -> Box<Diagnostic> {
    match path.and_then(|path| holder(Path::new(path))) {
        Some(name) if problem.code == Code::DestinationBusy => {
            Box::new(problem.note(format!("{name} has locked the file")))
        }
        _ => problem,
    }
}

/// A file as the list of locks names it: its device in hexadecimal digits, and its number there.
fn identity(path: &Path, part: &str) -> Option<String> {
    let mut name = path.as_os_str().to_owned();
    name.push(part);
    let file = std::fs::metadata(name).ok()?;
    let device = file.dev();
    let (major, minor) = ((device >> 8) & 0xfff | (device >> 32) & !0xfff, device & 0xff | (device >> 12) & !0xff);
    Some(format!("{major:02x}:{minor:02x}:{}", file.ino()))
}

/// The process that holds a file for itself, in a list of locks with lines as `1: POSIX  ADVISORY  WRITE 4711 fe:00:1234 120 120`.
fn writer(locks: &str, file: &str, own: u32) -> Option<u32> {
    let of_line = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [_, kind, _, "WRITE", process, held, ..] = fields[..] else { return None };
        let process = process.parse().ok().filter(|process| *process != 0 && *process != own)?;
        // One that waits for a lock has an arrow in the place of its kind.
        (kind == "POSIX" && held == file).then_some(process)
    };
    locks.lines().find_map(of_line)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCKS: &str = "1: POSIX  ADVISORY  READ 11 fe:00:1234 124 124
2: -> POSIX  ADVISORY  WRITE 12 fe:00:1234 120 120
3: FLOCK  ADVISORY  WRITE 13 fe:00:1234 0 EOF
4: POSIX  ADVISORY  WRITE 14 fe:00:9999 120 120
5: POSIX  ADVISORY  WRITE 0 fe:00:1234 120 120
6: POSIX  ADVISORY  WRITE 15 fe:00:1234 120 120
7: POSIX  ADVISORY  WRITE 16 fe:00:1234 128 128
";

    #[test]
    fn who_writes_a_file_is_found_among_those_who_read_it_and_wait_for_it() {
        assert_eq!(writer(LOCKS, "fe:00:1234", 1), Some(15));
        assert_eq!(writer(LOCKS, "fe:00:1234", 15), Some(16), "it does not name itself");
        assert_eq!(writer(LOCKS, "fe:00:7", 1), None);
        assert_eq!(writer("nonsense\n1: POSIX", "fe:00:1234", 1), None);
    }
}
