//! Where the paths of a project's files are seen from.
//!
//! A problem names its file as seen from the project's directory. Whoever follows the path stands elsewhere: a person in the working
//! directory, a build server at the root of the checkout.

use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};

/// What a build server calls the root of the checkout.
const ROOTS: [&str; 2] = ["GITHUB_WORKSPACE", "CI_PROJECT_DIR"];

/// The project's directory, as seen from where a report is read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Base(PathBuf);

impl Base {
    /// From the working directory, the way that was typed.
    pub(crate) fn of_person(project: &Path) -> Self {
        Self(project.components().filter(|part| *part != Component::CurDir).collect())
    }

    /// From the root of the checkout; where no server says what that is, from the working directory.
    pub(crate) fn of_checkout(project: &Path) -> Self {
        let named = ROOTS.iter().filter_map(std::env::var_os).filter(|root| !root.is_empty()).map(PathBuf::from);
        let roots: Vec<PathBuf> = named.chain(std::env::current_dir()).collect();
        Self::below(&roots, project)
    }

    /// From the first of the directories that the project is in.
    fn below(roots: &[PathBuf], project: &Path) -> Self {
        let Ok(real) = project.canonicalize() else { return Self::of_person(project) };
        let below = |root: &PathBuf| Some(real.strip_prefix(root.canonicalize().ok()?).ok()?.to_owned());
        roots.iter().find_map(below).map_or_else(|| Self::of_person(project), Self)
    }

    /// The path of one of the project's files, with `/` between its parts.
    pub(crate) fn path(&self, file: &str) -> String {
        let path = self.0.join(file);
        let parts: Vec<_> = path.iter().map(OsStr::to_string_lossy).collect();
        if path.is_absolute() { path.display().to_string() } else { parts.join("/") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_sees_what_was_typed() {
        for (typed, seen) in [(".", "a.yaml"), ("./x/.", "x/a.yaml"), ("../x", "../x/a.yaml"), ("/x", "/x/a.yaml")] {
            assert_eq!(Base::of_person(Path::new(typed)).path("a.yaml"), seen, "{typed}");
        }
        assert_eq!(Base::of_person(Path::new("x")).path("/elsewhere/a.yaml"), "/elsewhere/a.yaml");
    }

    #[test]
    fn a_build_server_sees_what_is_below_the_checkout() {
        let root = tempfile::tempdir().unwrap();
        let project = root.path().join("apps/clinic");
        std::fs::create_dir_all(&project).unwrap();
        let elsewhere = tempfile::tempdir().unwrap();
        let roots = [elsewhere.path().to_owned(), root.path().to_owned()];

        assert_eq!(Base::below(&roots, &project.join("../clinic")).path("specs/a.yaml"), "apps/clinic/specs/a.yaml");
        assert_eq!(Base::below(&roots, root.path()).path("specs/a.yaml"), "specs/a.yaml");
        // What is in none of them is called what it was called.
        assert_eq!(Base::below(&roots[..1], &project), Base::of_person(&project));
        assert_eq!(Base::below(&roots, Path::new("nowhere")), Base::of_person(Path::new("nowhere")));
    }
}
