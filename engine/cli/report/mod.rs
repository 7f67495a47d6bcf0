//! What a verb found, for those who read it elsewhere: a problem is data, and each form of it has one file here.
//!
//! A renderer gives the whole of the answer as text; only `render.rs` writes it. No form holds an excerpt of the user's files, so what stands
//! beside a mistake in `transload.yaml` cannot get into a report.

mod base;
mod concise;
mod fingerprint;
mod github;
mod gitlab;
mod json;
mod junit;
mod place;
mod sarif;
mod words;

#[cfg(test)]
mod tests;

use std::path::Path;

use transload_model::{Diagnostic, Exit};

use super::args::Format;

pub(crate) use base::Base;
pub(crate) use github::step_summary;
pub(crate) use json::as_json;
pub(crate) use words::{counted, remedy};

/// What a verb found.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) problems: Vec<Diagnostic>,
    /// The project's files that were looked at, whether anything is wrong in them or not.
    pub(crate) files: Vec<String>,
    /// Tests that passed: the file that each is in, and its name.
    pub(crate) passed: Vec<(String, String)>,
    pub(crate) warnings: Warnings,
    /// What the process answers.
    pub(crate) exit: Exit,
}

impl Report {
    /// What a verb found that tried no tests, and that warnings do not fail.
    pub(crate) fn new(problems: Vec<Diagnostic>, files: Vec<String>, exit: Exit) -> Self {
        Self { problems, files, passed: Vec::new(), warnings: Warnings::Allowed, exit }
    }
}

/// What becomes of a verb that has found nothing but warnings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Warnings {
    /// It succeeds.
    Allowed,
    /// It fails.
    Denied,
}

/// A form of a report that is the same for every verb.
#[derive(Debug)]
pub(crate) struct Renderer {
    /// How it is asked for.
    pub(crate) format: Format,
    /// Where the paths of the project's files are seen from, given the project's directory.
    pub(crate) base: fn(&Path) -> Base,
    pub(crate) render: fn(&Report, &Base) -> String,
}

/// Every form. `text` and `json` are not here: those each verb writes in its own way.
pub(crate) const RENDERERS: &[&Renderer] =
    &[&concise::RENDERER, &github::RENDERER, &gitlab::RENDERER, &junit::RENDERER, &sarif::RENDERER];

/// The file of a project that is always there: the place of what is in no other.
const PROJECT_FILE: &str = "transload.yaml";
