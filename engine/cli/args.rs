//! What the command line takes.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use clap::builder::{PossibleValuesParser, StyledStr, TypedValueParser as _};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{ArgMatches, Args as Group, CommandFactory, FromArgMatches as _, Parser, Subcommand, ValueEnum};
use transload_model::Share;

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

/// How an answer is written, and the problems in its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    Text,
    /// For programs
    Json,
    /// A line for each problem
    Concise,
    /// Annotations of GitHub, and a table in `$GITHUB_STEP_SUMMARY`
    Github,
    /// Code Quality of GitLab
    Gitlab,
    /// The XML of test runs
    Junit,
    /// SARIF 2.1.0, for code scanning
    Sarif,
    /// A Mermaid flowchart, for READMEs
    Mermaid,
    /// For Graphviz
    Dot,
    /// A picture
    Svg,
}

/// The forms of every verb, of those that report problems, and of the graph.
const PLAIN: &[Format] = &[Format::Text, Format::Json];
const REPORTS: &[Format] =
    &[Format::Text, Format::Json, Format::Concise, Format::Github, Format::Gitlab, Format::Junit, Format::Sarif];
const PICTURES: &[Format] = &[Format::Text, Format::Json, Format::Mermaid, Format::Dot, Format::Svg];

/// The forms in which a verb answers.
fn formats(verb: &str) -> &'static [Format] {
    match verb {
        // Of `quarantine`.
        "validate" | "run" | "test" | "retry" => REPORTS,
        "graph" => PICTURES,
        _ => PLAIN,
    }
}

/// `'text', 'json' or 'svg'`
fn one_of(formats: &[Format]) -> String {
    let word = |format: &Format| format.to_possible_value().map(|value| format!("'{}'", value.get_name()));
    let words: Vec<String> = formats.iter().filter_map(word).collect();
    match words.split_last() {
        Some((last, before)) => format!("{} or {last}", before.join(", ")),
        None => String::new(),
    }
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

/// `demo`
#[derive(Debug, Group)]
pub(crate) struct Demo {
    /// Where to make it
    #[arg(default_value = "clinic-demo", value_name = "DIR")]
    pub(crate) directory: PathBuf,
}

/// `init`
#[derive(Debug, Group)]
pub(crate) struct Init {
    /// The project's directory, which must be new or empty
    #[arg(value_name = "NAME")]
    pub(crate) directory: PathBuf,
    /// Make the clinic, with a legacy database of 61,240 rows
    #[arg(long, required = true)]
    pub(crate) demo: bool,
}

/// `infer`
#[derive(Debug, Group)]
pub(crate) struct Infer {
    /// Only from source tables of this name, in which `*` and `?` stand for others; may be repeated
    #[arg(short, long, value_name = "PATTERN")]
    pub(crate) select: Vec<String>,
    /// Only to these destination tables
    #[arg(long, value_name = "NAME", num_args = 1..)]
    pub(crate) entity: Vec<String>,
    /// List every table that has no counterpart
    #[arg(long)]
    pub(crate) all: bool,
    /// Add what specs that there are do not map yet; everything else in them stays as it is
    #[arg(long)]
    pub(crate) update: bool,
    /// Show what would be written, and write nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Look at no rows: then days and flags that are texts are guessed from their types alone
    #[arg(long)]
    pub(crate) no_rows: bool,
}

/// `validate`
#[derive(Debug, Group)]
pub(crate) struct Validate {
    /// Check against transload.lock, and ask no database
    #[arg(long)]
    pub(crate) offline: bool,
    /// Write transload.lock: what the databases hold now, and what each `auto_map` stands for
    #[arg(long, conflicts_with_all = ["offline", "expand"])]
    pub(crate) lock: bool,
    /// Print specs in their long form, with everything that they leave to defaults, to the tables or to a star. `project` prints
    /// transload.yaml as it is in the environment, each value with its line
    #[arg(long, value_name = "ENTITY", num_args = 0..=1)]
    pub(crate) expand: Option<Option<String>>,
    /// Correct names in the files where only one other can be meant, then check
    #[arg(long, conflicts_with_all = ["lock", "expand"])]
    pub(crate) fix: bool,
    /// Answer 1 where there is a warning
    #[arg(long)]
    pub(crate) deny_warnings: bool,
}

/// `test`
#[derive(Debug, Group)]
pub(crate) struct Test {
    /// Entities whose tests are tried; without any, all
    #[arg(value_name = "ENTITY")]
    pub(crate) entities: Vec<String>,
}

/// `preview`
#[derive(Debug, Group)]
pub(crate) struct Preview {
    /// The entity
    #[arg(value_name = "ENTITY")]
    pub(crate) entity: String,
    /// Rows at most
    #[arg(long, value_name = "ROWS", default_value_t = 3)]
    pub(crate) limit: usize,
    /// The row with this key: its canonical text, or a JSON array of texts
    #[arg(long, value_name = "KEY", conflicts_with_all = ["quarantined", "row"])]
    pub(crate) key: Option<String>,
    /// Rows for which this holds: a condition of the source's SQL
    #[arg(long = "where", value_name = "SQL", conflicts_with_all = ["quarantined", "row", "key"])]
    pub(crate) condition: Option<String>,
    /// Rows that are in quarantine
    #[arg(long, conflicts_with = "row")]
    pub(crate) quarantined: bool,
    /// Rows of a JSON file, or of standard input (`-`); no database is asked, transload.lock says what it holds
    #[arg(long, value_name = "FILE", conflicts_with = "against_destination")]
    pub(crate) row: Option<PathBuf>,
    /// Show what the destination holds now where it differs
    #[arg(long)]
    pub(crate) against_destination: bool,
    /// Show columns that are only copied, too
    #[arg(long)]
    pub(crate) all: bool,
    /// Print an entry of `tests:` that expects what the spec gives now
    #[arg(long)]
    pub(crate) as_test: bool,
    /// Show the values of sensitive fields
    #[arg(long)]
    pub(crate) show_values: bool,
}

/// `schema`
#[derive(Debug, Group)]
pub(crate) struct Schema {
    /// What it is for: `spec` (any spec), `project`, `template`, or an entity, with the columns of its tables
    #[arg(value_name = "WHAT", default_value = "spec")]
    pub(crate) what: String,
    /// Write all of them into the project's `schemas/`: these three, and one for each entity
    #[arg(long, conflicts_with = "what")]
    pub(crate) write: bool,
}

/// `graph`
#[derive(Debug, Group)]
pub(crate) struct Graph {
    /// List every edge, with every line that makes it
    #[arg(long)]
    pub(crate) edges: bool,
    /// Tell of each entity in a sentence for whom it waits and who waits for it
    #[arg(long)]
    pub(crate) explain: bool,
}

impl Graph {
    /// A flag that would have no effect beside the format.
    fn conflict(&self, format: Format) -> Option<&'static str> {
        match format {
            Format::Text => None,
            _ if self.edges => Some("'--edges' is for '--format text'; the other formats have every edge"),
            _ if self.explain => Some("'--explain' is for '--format text'"),
            _ => None,
        }
    }
}

/// `baseline`
#[derive(Debug, Group)]
pub(crate) struct Baseline {
    /// Entities that are counted; without any, all
    #[arg(value_name = "ENTITY")]
    pub(crate) entities: Vec<String>,
    /// Count tables of more than ten million rows, too, of which the databases' estimates are taken else
    #[arg(long)]
    pub(crate) exact: bool,
    /// Look for loaded rows whose new key is not known, or whose source row is gone: reads every key of the source
    #[arg(long)]
    pub(crate) mappings: bool,
    /// Answer 10 where the two ends have different numbers of rows
    #[arg(long)]
    pub(crate) exit_code: bool,
}

/// `detect`
#[derive(Debug, Group)]
pub(crate) struct Detect {
    /// Entities that are looked at; without any, all
    #[arg(value_name = "ENTITY")]
    pub(crate) entities: Vec<String>,
    /// Show changes of a detection that is kept, by the end or the beginning of its id
    #[arg(long, value_name = "DETECTION", conflicts_with_all = ["entities", "exit_code"])]
    pub(crate) show: Option<String>,
    /// With `--show`: begin with the change of this number
    #[arg(long, value_name = "NUMBER", default_value_t = 0, requires = "show")]
    pub(crate) from: u64,
    /// Changes that are shown at most; all of them are kept
    #[arg(long, value_name = "CHANGES", default_value_t = 100)]
    pub(crate) limit: u32,
    /// Answer 10 where there are changes
    #[arg(long)]
    pub(crate) exit_code: bool,
}

/// `verify`
#[derive(Debug, Group)]
pub(crate) struct Verify {
    /// Entities that are compared; without any, all
    #[arg(value_name = "ENTITY")]
    pub(crate) entities: Vec<String>,
    /// Compare only these columns of the destination, beside the keys
    #[arg(long, value_name = "COLUMN", value_delimiter = ',')]
    pub(crate) columns: Vec<String>,
    /// Compare only about so many rows of each entity, drawn by chance
    #[arg(long, value_name = "ROWS", value_parser = drawn)]
    pub(crate) sample: Option<usize>,
    /// Answer 0 where no more rows than this differ without an explanation, as a number or a percentage of those that were compared
    #[arg(long, value_name = "COUNT|PERCENT", value_parser = Limit::from_str)]
    pub(crate) max_different: Option<Limit>,
    /// Write rows that are missing or differ again, by a run about them alone, and compare once more
    #[arg(long, conflicts_with_all = ["sample", "columns"])]
    pub(crate) repair: bool,
    /// Begin the repair without being asked, where the environment has `confirm: true`
    #[arg(long, requires = "repair")]
    pub(crate) yes: bool,
    /// Rows of each entity that are listed at most
    #[arg(long, value_name = "ROWS", default_value_t = 20)]
    pub(crate) limit: usize,
}

/// Rows of a sample: at least one.
fn drawn(text: &str) -> Result<usize, &'static str> {
    text.parse()
        .ok()
        .filter(|rows| (1..=1_000_000).contains(rows))
        .ok_or("a number of rows is expected, from 1 to 1000000")
}

/// `drift`
#[derive(Debug, Group)]
pub(crate) struct Drift {
    /// Entities whose tables are compared; without any, every table that the lock knows
    #[arg(value_name = "ENTITY")]
    pub(crate) entities: Vec<String>,
    /// Print what could be written in the specs, as a diff that `patch -p0` takes; sentences begin with `#`
    #[arg(long, conflicts_with_all = ["accept", "accept_all"])]
    pub(crate) suggest: bool,
    /// Take this change over into transload.lock, and nothing else: CONNECTION.TABLE.COLUMN, or CONNECTION.TABLE for all of it; `*` and
    /// `?` stand for others; may be repeated
    #[arg(long, value_name = "NAME", conflicts_with = "accept_all")]
    pub(crate) accept: Vec<String>,
    /// Take over everything that changed
    #[arg(long)]
    pub(crate) accept_all: bool,
    /// Answer 10 where there is any difference
    #[arg(long, conflicts_with_all = ["accept", "accept_all"])]
    pub(crate) exit_code: bool,
}

/// `pause`, `cancel`, and what `resume` has in common with them
#[derive(Debug, Group)]
pub(crate) struct Asked {
    /// The end of the run's id, as `transload status` lists it, or its beginning
    #[arg(value_name = "RUN")]
    pub(crate) run: String,
    /// Only this entity of it
    #[arg(value_name = "ENTITY")]
    pub(crate) entity: Option<String>,
}

/// `resume`
#[derive(Debug, Group)]
pub(crate) struct Resume {
    #[command(flatten)]
    pub(crate) asked: Asked,
    /// Begin without being asked, where the environment has `confirm: true`
    #[arg(long, conflicts_with = "entity")]
    pub(crate) yes: bool,
    /// Pause the run after so much time (90s, 30m, 2h, 1h30m)
    #[arg(long, value_name = "DURATION", value_parser = Limited::from_str, conflicts_with = "entity")]
    pub(crate) timeout: Option<Limited>,
}

/// `run`
#[derive(Debug, Default, Group)]
pub(crate) struct Run {
    /// Derive every row again and write what differs
    #[arg(long)]
    pub(crate) remap: bool,
    /// Try the rows that are in quarantine again, though nothing that they wait for has changed
    #[arg(long)]
    pub(crate) retry_quarantined: bool,
    /// Delete up to so many rows of each entity, as a number or a percentage, in place of the specs' `deletes.max`
    #[arg(long, value_name = "COUNT|PERCENT", value_parser = Limit::from_str)]
    pub(crate) max_deletes: Option<Limit>,
    /// Take rows that the destination holds already, by the keys that the specs give them, as loaded, and write only what differs
    #[arg(long, conflicts_with = "plan")]
    pub(crate) adopt_existing: bool,
    /// Move exactly what this detection found, by the end or the beginning of its id; what moved since is left alone
    #[arg(long, value_name = "DETECTION", conflicts_with_all = ["remap", "retry_quarantined"])]
    pub(crate) plan: Option<String>,
    /// Begin without being asked, where the environment has `confirm: true`
    #[arg(long)]
    pub(crate) yes: bool,
    /// Answer 3 where any row is in quarantine
    #[arg(long)]
    pub(crate) fail_on_quarantine: bool,
    /// Stop after so much time (90s, 30m, 2h, 1h30m); the next run goes on from there
    #[arg(long, value_name = "DURATION", value_parser = Limited::from_str)]
    pub(crate) timeout: Option<Limited>,
    /// Begin though another run holds the destination: that run's process is stuck, and commits nothing more
    #[arg(long)]
    pub(crate) take_over: bool,
}

/// `status`
#[derive(Debug, Group)]
pub(crate) struct Status {
    /// The end of a run's id, or its beginning; without it, the newest runs are listed
    #[arg(value_name = "RUN")]
    pub(crate) run: Option<String>,
}

/// `adopt`
#[derive(Debug, Group)]
pub(crate) struct Adopt {
    /// Give a control store that is damaged another name, and begin a new one; one that can be read stays
    #[arg(long)]
    pub(crate) set_aside: bool,
}

/// `quarantine`; without a verb of its own it lists.
#[derive(Debug, Group)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Quarantine {
    #[command(subcommand)]
    pub(crate) verb: Option<QuarantineVerb>,
    /// Only of this entity
    #[arg(value_name = "ENTITY")]
    pub(crate) entity: Option<String>,
}

/// The verbs of `quarantine`.
#[derive(Debug, Subcommand)]
pub(crate) enum QuarantineVerb {
    /// List the rows that were set aside, with their reasons
    List(QuarantineList),
    /// Show everything that is known of one row, save its values
    Show(QuarantineShow),
    /// Decide that rows are not to come: they no longer count as failed, and are tried again only when they change at the source, or are
    /// named by `retry`
    Discard(QuarantineDiscard),
    /// Run, and try rows again though nothing that they wait for has changed
    Retry(QuarantineRetry),
}

/// `quarantine list`
#[derive(Debug, Group)]
pub(crate) struct QuarantineList {
    /// Only of this entity
    #[arg(value_name = "ENTITY")]
    pub(crate) entity: Option<String>,
}

/// `quarantine show`
#[derive(Debug, Group)]
pub(crate) struct QuarantineShow {
    /// The entity
    #[arg(value_name = "ENTITY")]
    pub(crate) entity: String,
    /// The row's key: its canonical text, or a JSON array of texts
    #[arg(value_name = "KEY", allow_hyphen_values = true)]
    pub(crate) key: String,
}

/// `quarantine discard`
#[derive(Debug, Group)]
#[command(group = clap::ArgGroup::new("rows").required(true).args(["key", "code", "all"]))]
pub(crate) struct QuarantineDiscard {
    /// The entity
    #[arg(value_name = "ENTITY")]
    pub(crate) entity: String,
    /// The row with this key: its canonical text, or a JSON array of texts; may be repeated
    #[arg(long, value_name = "KEY", allow_hyphen_values = true)]
    pub(crate) key: Vec<String>,
    /// All rows with this code
    #[arg(long, value_name = "CODE")]
    pub(crate) code: Option<String>,
    /// All rows
    #[arg(long)]
    pub(crate) all: bool,
    /// Why they are not to come; it stays beside them
    #[arg(long, value_name = "TEXT", value_parser = reason)]
    pub(crate) reason: String,
    /// Begin without being asked, where the environment has `confirm: true`
    #[arg(long)]
    pub(crate) yes: bool,
}

/// `quarantine retry`
#[derive(Debug, Group)]
pub(crate) struct QuarantineRetry {
    /// Only rows of this entity
    #[arg(value_name = "ENTITY")]
    pub(crate) entity: Option<String>,
    /// Only the row with this key, also where it was discarded: no other is read; may be repeated
    #[arg(long, value_name = "KEY", requires = "entity", allow_hyphen_values = true)]
    pub(crate) key: Vec<String>,
    /// Begin without being asked, where the environment has `confirm: true`
    #[arg(long)]
    pub(crate) yes: bool,
    /// Answer 3 where any row is in quarantine
    #[arg(long)]
    pub(crate) fail_on_quarantine: bool,
}

/// Why rows are discarded: a line that says something.
fn reason(text: &str) -> Result<String, &'static str> {
    let text = text.trim();
    match () {
        () if text.is_empty() => Err("a reason is expected"),
        () if text.contains(char::is_control) => Err("a reason is one line of plain text"),
        () => Ok(text.to_owned()),
    }
}

/// `explain`
#[derive(Debug, Group)]
pub(crate) struct Explain {
    /// A code (`TL0203`), its word (`UNKNOWN_COLUMN`) or a function (`trimmed`); without it, all are listed
    #[arg(value_name = "WHAT")]
    pub(crate) what: Option<String>,
}

/// A number of rows, or a percentage of them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limit(pub(crate) Share);

impl FromStr for Limit {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const EXPECTED: &str = "a number of rows (50) or a percentage (2.5%) is expected";
        let Some(percent) = text.strip_suffix('%') else {
            return text.parse().map(|rows| Self(Share::Rows(rows))).map_err(|_| EXPECTED);
        };
        let (whole, fraction) = percent.split_once('.').unwrap_or((percent, ""));
        let digits = format!("{whole}{fraction:0<4}");
        let parts: u32 = digits.parse().map_err(|_| EXPECTED)?;
        if whole.is_empty() || fraction.len() > 4 || parts > 1_000_000 {
            Err(EXPECTED)
        } else {
            Ok(Self(Share::PerMillion(parts)))
        }
    }
}

/// How long something may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limited(pub(crate) Duration);

impl FromStr for Limited {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const EXPECTED: &str = "a duration is expected: 90s, 30m, 2h, 1h30m";
        let mut seconds: u64 = 0;
        let mut rest = text;
        let mut last = u64::MAX;
        while !rest.is_empty() {
            let at = rest.find(|character: char| !character.is_ascii_digit()).ok_or(EXPECTED)?;
            let (digits, unit) = rest.split_at(at);
            let each = match unit.chars().next() {
                Some('d') => 86_400,
                Some('h') => 3_600,
                Some('m') => 60,
                Some('s') => 1,
                _ => return Err(EXPECTED),
            };
            // From large to small, each once.
            let count: u64 = digits.parse().map_err(|_| EXPECTED)?;
            let part = Some(count).filter(|_| each < last).and_then(|count| count.checked_mul(each));
            seconds = part.and_then(|part| seconds.checked_add(part)).ok_or(EXPECTED)?;
            (last, rest) = (each, unit.trim_start_matches(|character: char| character.is_ascii_alphabetic()));
            if unit.len() - rest.len() != 1 {
                return Err(EXPECTED);
            }
        }
        if seconds == 0 || seconds > 366 * 86_400 { Err(EXPECTED) } else { Ok(Self(Duration::from_secs(seconds))) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        command().debug_assert();
    }

    #[test]
    fn durations_are_read() {
        let seconds = |text: &str| text.parse::<Limited>().ok().map(|limited| limited.0.as_secs());
        for (text, expected) in [("90s", 90), ("30m", 1_800), ("2h", 7_200), ("1h30m", 5_400), ("1d1s", 86_401)] {
            assert_eq!(seconds(text), Some(expected), "{text}");
        }
        for text in ["", "0s", "5", "5x", "m", "1m1h", "1m1m", "1ms", "-1s", "1.5h", "99999999999999999999s", "999999d"]
        {
            assert_eq!(seconds(text), None, "{text}");
        }
    }

    #[test]
    fn a_flag_without_effect_is_refused() {
        let graph = |format, edges, explain| Graph { edges, explain }.conflict(format);
        assert_eq!(graph(Format::Text, true, true), None);
        assert_eq!(graph(Format::Svg, false, false), None);
        assert!(graph(Format::Json, true, false).is_some_and(|conflict| conflict.contains("--edges")));
        assert!(graph(Format::Dot, false, true).is_some_and(|conflict| conflict.contains("--explain")));
    }

    #[test]
    fn formats_are_named_as_people_say_them() {
        assert_eq!(one_of(PICTURES), "'text', 'json', 'mermaid', 'dot' or 'svg'");
    }

    #[test]
    fn a_reason_says_something_in_one_line() {
        assert_eq!(reason(" test rows "), Ok("test rows".to_owned()));
        for wrong in ["", " ", "a\nb", "\u{1b}[31m"] {
            assert!(reason(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_limit_is_a_number_or_a_percentage() {
        let of = |text: &str| text.parse::<Limit>().map(|limit| limit.0);
        assert_eq!(of("50"), Ok(Share::Rows(50)));
        assert_eq!(of("2.5%"), Ok(Share::PerMillion(25_000)));
        assert_eq!(of("100%"), Ok(Share::PerMillion(1_000_000)));
        for wrong in ["", "%", "-1", "101%", "1.23456%", "x"] {
            assert!(of(wrong).is_err(), "{wrong}");
        }
    }
}
