//! Flags of every verb.

use std::path::PathBuf;

use clap::{Args as Group, ValueEnum};

use super::Format;

/// Flags of every verb.
#[derive(Debug, Group)]
pub(crate) struct Global {
    /// The project's directory
    #[arg(short = 'C', long, global = true, default_value = ".", value_name = "DIR")]
    pub(crate) project: PathBuf,
    /// One of the project's environments; without it TRANSLOAD_ENV, then `default_environment`
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) env: Option<String>,
    /// How the answer is written; which forms there are depends on the verb
    #[arg(long, global = true, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
    /// When to colour
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto)]
    pub(crate) color: Color,
    /// How to show progress
    #[arg(long, global = true, value_enum, default_value_t = Progress::Auto)]
    pub(crate) progress: Progress,
    /// Say only what is wrong
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
}

/// When to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal, unless `NO_COLOR` is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// How to show progress.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Progress {
    /// Bars on a terminal, a line every ten seconds elsewhere
    Auto,
    /// Bars
    Bar,
    /// A line every ten seconds
    Plain,
    /// Not at all
    None,
}
