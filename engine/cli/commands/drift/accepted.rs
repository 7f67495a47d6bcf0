//! Which changes are meant by the names that `--accept` takes.

use glob::Pattern;
use transload_model::{Code, ColumnName, Diagnostic, Presence, TableChange, nearest};
use transload_spec::Drift;

use crate::cli::failure::Failure;

/// Names that are listed where one is unknown.
const LISTED: usize = 10;

/// The changes that bear one of the names. Each name must stand for at least one.
pub(super) fn chosen<'a>(drifts: &[&'a Drift], names: &[String]) -> Result<Vec<&'a Drift>, Failure> {
    let mut chosen = Vec::new();
    for name in names {
        let own: Vec<&Drift> = drifts.iter().copied().filter(|drift| is_meant(name, drift)).collect();
        if own.is_empty() {
            return Err(unknown(drifts, name));
        }
        chosen.extend(own);
    }
    let with_keys = |drift: &&&'a Drift| chosen.contains(*drift) || chosen.iter().any(|column| is_of(drift, column));
    Ok(drifts.iter().filter(with_keys).copied().collect())
}

/// Whether a name stands for the change: for its column, by the old name or the new one; for its table, where it is about no column.
fn is_meant(name: &str, drift: &Drift) -> bool {
    let renamed = match &drift.change {
        TableChange::ColumnRenamed { to, .. } => Some(format!("{}.{}.{}", drift.connection, drift.table, to.name)),
        _ => None,
    };
    // Names may hold brackets: nothing but `*` and `?` stands for others.
    let bare = name.chars().map(|letter| match letter {
        '[' | ']' => format!("[{letter}]"),
        letter => letter.to_string(),
    });
    let pattern = Pattern::new(&bare.collect::<String>()).ok();
    let is_it = |path: &String| path == name || pattern.as_ref().is_some_and(|pattern| pattern.matches(path));
    [drift.path()].iter().chain(&renamed).any(is_it)
}

/// Whether a key that is gone went with an accepted column.
fn is_of(drift: &Drift, column: &Drift) -> bool {
    let TableChange::ColumnGone(gone) = &column.change else { return false };
    let holds = |columns: &[ColumnName]| columns.contains(&gone.name);
    let is_same_table =
        (&drift.connection, &drift.table, &drift.query) == (&column.connection, &column.table, &column.query);
    is_same_table
        && match &drift.change {
            TableChange::PrimaryKey { before, .. } => holds(before),
            TableChange::UniqueKey(columns, Presence::Gone) => holds(columns),
            TableChange::ForeignKey(key, Presence::Gone) => holds(&key.columns),
            _ => false,
        }
}

fn unknown(drifts: &[&Drift], name: &str) -> Failure {
    let problem = Diagnostic::new(Code::UnknownDrift, format!("nothing that changed is called `{name}`"));
    let mut paths: Vec<String> = drifts.iter().map(|drift| drift.path()).collect();
    paths.sort();
    paths.dedup();
    let problem = match nearest(name, paths.iter().map(String::as_str)) {
        Some(near) => problem.help(format!("did you mean `{near}`?")),
        None => problem.help(Code::UnknownDrift.info().remedy),
    };
    let shown: Vec<&str> = paths.iter().map(String::as_str).take(LISTED).collect();
    let more = paths.len() - shown.len();
    Failure::from(match (shown.is_empty(), more) {
        (true, _) => problem.note("nothing changed since the project was locked"),
        (false, 0) => problem.note(format!("what changed is {}", shown.join(", "))),
        (false, more) => problem.note(format!("what changed is {} and {more} more", shown.join(", "))),
    })
}
