//! `confirm: true`: a run that begins only when someone wrote where it is to run.

use std::io::{BufRead, IsTerminal};

use transload_model::{Code, Diagnostic};
use transload_spec::Project;

use super::failure::Failure;
use super::render::Screen;

/// Asks, where the project says so and nobody said yes before.
///
/// # Errors
/// `TL0016` where the answer is another, or there is nobody to ask.
pub(crate) fn confirm(project: &Project, yes: bool, screen: &Screen) -> Result<(), Failure> {
    if yes || !project.confirms() {
        return Ok(());
    }
    let environment = project.environment();
    let refused = |headline: String| {
        let problem = Diagnostic::new(Code::Unconfirmed, headline);
        Failure::from(problem.help(Code::Unconfirmed.info().remedy))
    };
    if !std::io::stdin().is_terminal() {
        return Err(refused(format!(
            "environment `{environment}` asks to be confirmed, and there is no terminal to ask at"
        )));
    }
    screen.hint(&format!(
        "This writes to `{}` in environment `{environment}`. Write its name to go on:",
        project.destination()
    ));
    let mut answer = String::new();
    let read = std::io::stdin().lock().read_line(&mut answer);
    match read {
        Ok(_) if answer.trim() == environment => Ok(()),
        _ => Err(refused(format!("environment `{environment}` was not confirmed"))),
    }
}
