//! What the command line takes.

mod format;
mod global;
mod looking;
mod project;
mod quarantine;
mod running;
mod values;

use std::path::Path;

use clap::builder::{PossibleValuesParser, StyledStr, TypedValueParser as _};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{ArgMatches, CommandFactory as _, FromArgMatches as _, Parser, Subcommand, ValueEnum};
pub(crate) use format::Format;
use format::{formats, one_of};
pub(crate) use global::{Color, Global, Progress};
pub(crate) use looking::{Baseline, Detect, Drift, Verify};
pub(crate) use project::{Demo, Explain, Graph, Infer, Init, Preview, Schema, Test, Validate};
pub(crate) use quarantine::{Quarantine, QuarantineDiscard, QuarantineRetry, QuarantineShow, QuarantineVerb};
pub(crate) use running::{Adopt, Asked, Resume, Run, Status};
pub(crate) use values::Limited;

/// Moves data from an old database schema to a new one, again and again until the cut-over.
#[derive(Debug, Parser)]
#[command(
    name = "transload",
    version,
    max_term_width = 100,
    arg_required_else_help = true,
    after_help = "Examples:\n  transload demo\n  transload validate -C path/to/project\n  transload explain TL0203"
)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

impl Args {
    /// Reads the command line; a wrong one ends the process, as clap does it.
    pub(crate) fn read() -> Self {
        let matches = command().try_get_matches().unwrap_or_else(|error| advised(error).exit());
        let args = Self::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
        let (format, formats) = (args.global.format, formats(verb(&matches)));
        // Before the verb any of them is read.
        if !formats.contains(&format) {
            let wrong = format!("this verb answers only with '--format' {}", one_of(formats));
            Self::command().error(ErrorKind::InvalidValue, wrong).exit()
        }
        if let Some(conflict) = args.conflict() {
            Self::command().error(ErrorKind::ArgumentConflict, conflict).exit()
        }
        let Command::Graph(graph) = &args.command else { return args };
        let Some(conflict) = graph.conflict(format) else { return args };
        let mut command = Self::command();
        command.build();
        let verb = command.find_subcommand_mut("graph").expect("the verb that was parsed is among the verbs");
        verb.error(ErrorKind::ArgumentConflict, conflict).exit()
    }
}

impl Args {
    /// A project, or one of its environments, where the verb asks none.
    fn conflict(&self) -> Option<&'static str> {
        let is_named = self.global.project != Path::new(".");
        let has_environment = self.global.env.is_some();
        match &self.command {
            Command::Demo(_) if is_named => {
                Some("'--project' names a project that is there; write 'transload demo DIR'")
            }
            Command::Init(_) if is_named => {
                Some("'--project' names a project that is there; write 'transload init DIR'")
            }
            Command::Init(_) if has_environment => {
                Some("a new project is the same in any environment; leave '--env' out")
            }
            Command::Explain(_) if has_environment => Some("'explain' asks no environment; leave '--env' out"),
            Command::Explain(_) if is_named => Some("'explain' asks no project; leave '--project' out"),
            _ => None,
        }
    }
}

/// The command line, in which each verb lists the forms that it has.
fn command() -> clap::Command {
    let whole = Args::command();
    let every = whole.get_arguments().find(|argument| argument.get_id() == "format").cloned();
    let every = every.expect("`--format` is a flag of every verb");
    whole.mut_subcommands(|verb| with_formats(verb, &every))
}

fn with_formats(verb: clap::Command, every: &clap::Arg) -> clap::Command {
    let words = formats(verb.get_name()).iter().filter_map(ValueEnum::to_possible_value);
    let read = PossibleValuesParser::new(words).try_map(|word| <Format as ValueEnum>::from_str(&word, false));
    let own = every.clone().value_parser(read).help("How the answer is written");
    verb.arg(own).mut_subcommands(|verb| with_formats(verb, every))
}

/// The verb that was given; of one with verbs of its own, that.
fn verb(matches: &ArgMatches) -> &str {
    let mut found = ("", matches);
    while let Some(next) = found.1.subcommand() {
        found = next;
    }
    found.0
}

/// Tells whoever wants a new project what there is today.
fn advised(mut error: clap::Error) -> clap::Error {
    let lacks_demo = |names: &[String]| names.iter().any(|name| name == "--demo");
    if matches!(error.get(ContextKind::InvalidArg), Some(ContextValue::Strings(names)) if lacks_demo(names)) {
        let tips = [
            "'transload init NAME --demo' makes a project to try things with, 'transload demo' makes and migrates it",
            "for your own, write 'transload.yaml' with both connections; then 'transload infer' drafts its specs",
        ];
        let tips = tips.map(StyledStr::from).to_vec();
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(tips));
    }
    error
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make the clinic demo and migrate it; again, and it finds nothing to do
    #[command(after_help = "Examples:\n  transload demo\n  transload demo /tmp/clinic")]
    Demo(Demo),
    /// Make a new project
    #[command(after_help = "Examples:\n  transload init clinic --demo\n  cd clinic && transload run")]
    Init(Init),
    /// Draft specs from what both databases hold; overwrites nothing
    #[command(
        after_help = "Examples:\n  transload infer\n  transload infer -s 'crm_*' --dry-run\n  transload infer --update --entity patients"
    )]
    Infer(Infer),
    /// Check the project, its specs and both databases; writes no row
    #[command(
        after_help = "Examples:\n  transload validate\n  transload validate --offline --format json\n  transload validate --expand patients"
    )]
    Validate(Validate),
    /// Print a JSON Schema for editors, or write all that the project needs
    #[command(
        after_help = "Examples:\n  transload schema --write\n  transload schema patients\n  transload schema project"
    )]
    Schema(Schema),
    /// Show which entity waits for which, and why; looks at specs, not at databases
    #[command(
        after_help = "Examples:\n  transload graph\n  transload graph --format mermaid >> \"$GITHUB_STEP_SUMMARY\"\n  transload graph --format svg > graph.svg"
    )]
    Graph(Graph),
    /// Try the tests of the specs, without a database: against transload.lock
    #[command(after_help = "Examples:\n  transload test\n  transload test patients --format json")]
    Test(Test),
    /// Show what a spec makes of rows, and how each value comes to be; writes nothing
    #[command(
        after_help = "Examples:\n  transload preview patients\n  transload preview patients --key 10442 --against-destination\n  echo '{\"patient_no\": 1}' | transload preview patients --row - --as-test"
    )]
    Preview(Preview),
    /// Count both ends and tell how far the destination is behind; writes nothing
    #[command(
        after_help = "Examples:\n  transload baseline\n  transload baseline patients --mappings\n  transload baseline --exact --format json"
    )]
    Baseline(Baseline),
    /// Find what a run would move, by source and ledger, and keep it; writes no row
    #[command(
        after_help = "Examples:\n  transload detect\n  transload detect patients --format json\n  transload detect --show 3f9c2e1a --from 1000"
    )]
    Detect(Detect),
    /// Compare every row of the destination with what the specs make of the source
    #[command(
        after_help = "Examples:\n  transload verify\n  transload verify patients --columns email,phone --format json\n  transload verify --sample 10000\n  transload verify --repair"
    )]
    Verify(Verify),
    /// Tell what changed since the project was locked, and which specs that touches
    #[command(
        after_help = "Examples:\n  transload drift\n  transload drift patients --suggest\n  transload drift --accept 'legacy.dispatch_orders.note'"
    )]
    Drift(Drift),
    /// Move what is new or changed; goes on where an interrupted run stopped
    #[command(after_help = "Examples:\n  transload run\n  transload run --max-deletes 5% --format json")]
    Run(Run),
    /// Let a run, or one entity of it, halt after the unit in hand
    #[command(after_help = "Examples:\n  transload pause 3f9c2e1a\n  transload pause 3f9c2e1a patients")]
    Pause(Asked),
    /// Go on with a run that was paused or interrupted, or take one entity of it up again
    #[command(after_help = "Examples:\n  transload resume 3f9c2e1a\n  transload resume 3f9c2e1a patients")]
    Resume(Resume),
    /// End a run, or one entity of it, for good; what is loaded stays
    #[command(after_help = "Examples:\n  transload cancel 3f9c2e1a\n  transload cancel 3f9c2e1a patients")]
    Cancel(Asked),
    /// Show past and current runs
    #[command(after_help = "Examples:\n  transload status\n  transload status 3f9c2e1a")]
    Status(Status),
    /// Make a control store that was lost again, from the ledger in the destination
    #[command(after_help = "Examples:\n  transload adopt\n  transload adopt --set-aside --format json")]
    Adopt(Adopt),
    /// List the rows that were set aside, with their reasons; discard them, or try them again
    #[command(
        after_help = "Examples:\n  transload quarantine patients\n  transload quarantine show patients 10442\n  transload quarantine discard patients --code VALUE_FORMAT --reason 'test rows'\n  transload quarantine retry patients --key 10442"
    )]
    Quarantine(Quarantine),
    /// Explain a problem's code, or a function that specs may call
    #[command(after_help = "Examples:\n  transload explain TL0203\n  transload explain trimmed")]
    Explain(Explain),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        command().debug_assert();
    }
}
