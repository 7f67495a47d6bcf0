//! `init`: a new project.

use std::path::Path;

use transload_model::{Code, Diagnostic, Exit};

use crate::cli::args::Init;
use crate::cli::commands::schema;
use crate::cli::demo::legacy;
use crate::cli::failure::{Failure, file_error};
use crate::cli::render::Screen;
use crate::cli::text::number;

/// The clinic's files, as they stand in a project.
const FILES: &[(&str, &str)] = &[
    ("transload.yaml", include_str!("../../../specs/clinic/transload.yaml")),
    ("transload.lock", include_str!("../../../specs/clinic/transload.lock")),
    (".env.example", include_str!("../../../specs/clinic/.env.example")),
    (".gitignore", include_str!("../../../specs/clinic/.gitignore")),
    ("schema/legacy.sql", include_str!("../../../specs/clinic/schema/legacy.sql")),
    ("schema/platform.sql", include_str!("../../../specs/clinic/schema/platform.sql")),
    ("schema/platform.postgres.sql", include_str!("../../../specs/clinic/schema/platform.postgres.sql")),
    ("specs/offices.yaml", include_str!("../../../specs/clinic/specs/offices.yaml")),
    ("specs/doctors.yaml", include_str!("../../../specs/clinic/specs/doctors.yaml")),
    ("specs/patients.yaml", include_str!("../../../specs/clinic/specs/patients.yaml")),
    ("specs/orders.yaml", include_str!("../../../specs/clinic/specs/orders.yaml")),
    ("specs/jaw.yaml", include_str!("../../../specs/clinic/specs/jaw.yaml")),
    ("specs/system_messages.yaml", include_str!("../../../specs/clinic/specs/system_messages.yaml")),
];

pub(crate) fn run(init: &Init, screen: &Screen) -> Result<Exit, Failure> {
    create(&init.directory, screen)?;
    let place = init.directory.display();
    screen.hint(&format!("\nnext:   cd {place} && transload run"));
    Ok(Exit::Done)
}

/// Makes the clinic in a directory that is new or empty.
pub(crate) fn create(directory: &Path, screen: &Screen) -> Result<(), Failure> {
    let is_free = match std::fs::read_dir(directory) {
        Ok(mut entries) => entries.next().is_none(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => true,
        Err(error) => return Err(file_error(directory, &error).into()),
    };
    if !is_free {
        let headline = format!("{} is not empty", directory.display());
        return Err(Diagnostic::new(Code::DirectoryNotEmpty, headline)
            .help(Code::DirectoryNotEmpty.info().remedy)
            .into());
    }
    for (name, content) in FILES {
        write(&directory.join(name), content)?;
    }
    schema::write_locked(directory)?;
    let path = directory.join("data").join("legacy.db");
    make_folder(&path)?;
    let facts = legacy::write(&path)
        .map_err(|error| Diagnostic::new(Code::FileError, format!("{} cannot be written: {error}", path.display())))?;
    let place = directory.display();
    screen.hint(&format!(
        "created {place}/transload.yaml       project: connections, defaults\n\
         \x20       {place}/specs/*.yaml         one spec for each entity, with tests\n\
         \x20       {place}/schemas/*.json       what an editor needs to complete and check them\n\
         \x20       {place}/schema/platform.sql  the new schema, created on the first run\n\
         \x20       {place}/data/legacy.db       SQLite, {} tables, {} rows, {} of them broken on purpose",
        facts.table_count,
        number(u64::from(facts.row_count)),
        facts.broken_count
    ));
    Ok(())
}

fn write(path: &Path, content: &str) -> Result<(), Failure> {
    make_folder(path)?;
    std::fs::write(path, content).map_err(|error| file_error(path, &error).into())
}

fn make_folder(path: &Path) -> Result<(), Failure> {
    path.parent()
        .map_or(Ok(()), |folder| std::fs::create_dir_all(folder).map_err(|error| file_error(folder, &error).into()))
}
