//! The scripts that make a control store, each of which runs once and in order.
//!
//! Which of them ran stands in the store itself, in `control_migrations`. A store that a newer Transload made is left alone.

use transload_model::{Code, Diagnostic, Result};

/// A numbered script: the first of a list has the number one.
pub(crate) struct Script {
    /// The file's name without its ending.
    pub(crate) name: &'static str,
    pub(crate) sql: &'static str,
}

/// The scripts that a store still needs, with their numbers. `applied` is the highest number that ran in it.
///
/// # Errors
/// `TL0507` where a script ran that this Transload does not know.
pub(crate) fn pending(scripts: &[Script], applied: i64) -> Result<Vec<(i64, &Script)>> {
    let numbered: Vec<(i64, &Script)> = (1..).zip(scripts).collect();
    let known = numbered.last().map_or(0, |(number, _)| *number);
    if applied > known {
        let headline = format!("the control store has version {applied}, this Transload knows {known}");
        let help = "use the Transload that made it, or name another path or URL under `control`";
        return Err(Box::new(Diagnostic::new(Code::ControlStore, headline).help(help)));
    }
    Ok(numbered.into_iter().filter(|(number, _)| *number > applied).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCRIPTS: &[Script] = &[Script { name: "001_one", sql: "" }, Script { name: "002_two", sql: "" }];

    #[test]
    fn each_script_is_wanted_until_it_ran() {
        let wanted = |applied| -> Vec<(i64, &str)> {
            pending(SCRIPTS, applied).unwrap().iter().map(|(number, script)| (*number, script.name)).collect()
        };
        assert_eq!(wanted(0), [(1, "001_one"), (2, "002_two")]);
        assert_eq!(wanted(1), [(2, "002_two")]);
        assert_eq!(wanted(2), []);
    }

    #[test]
    fn a_script_that_is_not_known_is_refused() {
        let problem = pending(SCRIPTS, 3).err().unwrap();
        assert_eq!(problem.code, Code::ControlStore);
        assert_eq!(problem.headline, "the control store has version 3, this Transload knows 2");
    }
}
