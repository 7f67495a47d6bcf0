//! `demo`: the main job on a made-up clinic, in one command.

use std::path::Path;

use transload_model::{Code, Diagnostic, Exit};

use crate::cli::args::{Demo, Run};
use crate::cli::commands::{init, run};
use crate::cli::failure::Failure;
use crate::cli::render::Screen;
use crate::cli::wiring::Chosen;

/// Whether the project there is one that this command made.
fn is_demo(directory: &Path) -> bool {
    let project = std::fs::read_to_string(directory.join("transload.yaml")).unwrap_or_default();
    let is_clinic = project.lines().any(|line| line.trim_end() == "project: clinic");
    is_clinic && directory.join("data").join("legacy.db").exists()
}

pub(crate) async fn run(chosen: &Chosen, demo: &Demo, screen: &Screen) -> Result<Exit, Failure> {
    let directory = &demo.directory;
    let is_new = !directory.join("transload.yaml").exists();
    if is_new {
        init::create(directory, screen)?;
    } else if !is_demo(directory) {
        let headline = format!("{} holds a project that is not the demo", directory.display());
        let problem = Diagnostic::new(Code::DirectoryNotEmpty, headline);
        return Err(problem.help("give another directory: transload demo OTHER").into());
    }
    let plainly = Run::default();
    let exit = run::run(&chosen.at(directory), &plainly, screen).await?;
    let place = directory.display();
    if is_new {
        screen.hint(&format!(
            "\nnext:   transload demo {place}            again: it finds nothing to do\n\
             \x20       transload quarantine -C {place}   the rows that are broken on purpose\n\
             \x20       transload status -C {place}       the runs so far\n\
             \x20       transload test -C {place}         the tests of its specs\n\
             \x20       $EDITOR {place}/specs/patients.yaml && transload validate -C {place}"
        ));
    } else {
        screen.hint(&format!(
            "\nnext:   change a row of {place}/data/legacy.db and run it once more, \
             or read `transload quarantine -C {place}`"
        ));
    }
    Ok(exit)
}
