//! What goes to the terminal: the one place that writes there.
//!
//! Standard output is the answer; standard error is progress, hints and problems that are not the answer. Colour is never the only sign.

use std::fs::OpenOptions;
use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan};
use serde_json::{Value, json};
use transload_model::{Diagnostic, Exit, Label, Severity, SourceFile};
use transload_picture::Characters;

use super::args::{Color, Format, Global, Progress};
use super::excerpt::Excerpt;
use super::failure::{Failure, file_error};
use super::report::{Base, RENDERERS, Renderer, Report, as_json, remedy, step_summary};
use super::spelled::Where;

/// The terminal, and how to use it.
pub(crate) struct Screen {
    pub(crate) format: Format,
    pub(crate) progress: Progress,
    project: PathBuf,
    asked: Where,
    /// Problems that a report will hold.
    held: Mutex<Vec<Diagnostic>>,
    quiet: bool,
    color: bool,
    unicode: bool,
}

/// The signs that go with words.
pub(crate) struct Signs {
    pub(crate) done: &'static str,
    pub(crate) failed: &'static str,
    pub(crate) warning: &'static str,
    pub(crate) paused: &'static str,
    pub(crate) cancelled: &'static str,
    pub(crate) dot: &'static str,
    pub(crate) arrow: &'static str,
    pub(crate) more: &'static str,
    /// What a bar is drawn with: done, at, to do.
    pub(crate) bar: &'static str,
}

impl Screen {
    pub(crate) fn new(global: &Global) -> Self {
        let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let terminal = std::io::stderr().is_terminal();
        let color = match global.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => !set("NO_COLOR") && (set("CLICOLOR_FORCE") || terminal),
        };
        let progress = match global.progress {
            _ if global.quiet => Progress::None,
            Progress::Auto if terminal => Progress::Bar,
            Progress::Auto => Progress::Plain,
            chosen => chosen,
        };
        Self {
            format: global.format,
            progress,
            project: global.project.clone(),
            asked: Where::of(global),
            held: Mutex::default(),
            quiet: global.quiet,
            color,
            unicode: speaks_unicode(),
        }
    }

    pub(crate) fn signs(&self) -> Signs {
        if self.unicode {
            Signs {
                done: "✓",
                failed: "✗",
                warning: "!",
                paused: "Ⅱ",
                cancelled: "⊘",
                dot: "·",
                arrow: "→",
                more: "…",
                bar: "━╸─",
            }
        } else {
            Signs {
                done: "ok",
                failed: "x",
                warning: "!",
                paused: "=",
                cancelled: "/",
                dot: "-",
                arrow: "->",
                more: "...",
                bar: "=>-",
            }
        }
    }

    /// What pictures are drawn with.
    pub(crate) fn characters(&self) -> Characters {
        if self.unicode { Characters::Unicode } else { Characters::Ascii }
    }

    /// Writes the answer.
    pub(crate) fn answer(&self, text: &str) {
        let mut out = std::io::stdout().lock();
        // A reader that went away, as `head` does, wants no more.
        drop(writeln!(out, "{text}"));
    }

    /// Writes the answer for people.
    pub(crate) fn tell(&self, text: &str) {
        self.answer(&self.asked.spell(text));
    }

    /// Writes the answer for people, unless they asked for programs or for silence.
    pub(crate) fn say(&self, text: &str) {
        let is_read_by_people = matches!(self.format, Format::Text | Format::Concise | Format::Github);
        if !self.quiet && is_read_by_people {
            self.answer(&self.asked.spell(text));
        }
    }

    /// Writes a hint.
    pub(crate) fn hint(&self, text: &str) {
        if !self.quiet {
            self.note(text);
        }
    }

    fn note(&self, text: &str) {
        self.write_note(&self.asked.spell(text));
    }

    fn write_note(&self, text: &str) {
        let mut out = std::io::stderr().lock();
        drop(writeln!(out, "{text}"));
    }

    /// Shows a problem that is not the answer, or keeps it for the report that is.
    pub(crate) fn problem(&self, problem: &Diagnostic) {
        if self.renderer().is_some() {
            self.held.lock().unwrap_or_else(PoisonError::into_inner).push(problem.clone());
        } else if !(self.quiet && problem.severity == Severity::Warning) {
            self.write_note(&self.render(problem));
        }
    }

    /// Shows why a verb ended, and what the process answers.
    pub(crate) fn fail(&self, failure: &Failure) -> Exit {
        let exit = failure.exit();
        if self.renderer().is_some() {
            let problems = failure.0.clone();
            self.report(Report::new(problems, Vec::new(), exit));
        } else if self.format == Format::Json {
            let problems: Vec<Value> = failure.0.iter().map(as_json).collect();
            self.answer(&pretty(&json!({ "schema": "transload.problems/1", "problems": problems })));
        } else {
            for problem in &failure.0 {
                self.write_note(&self.render(problem));
            }
        }
        exit
    }

    /// Writes a report, together with the problems that were kept for it, in a form that is the same for every verb. Nothing in `text` and
    /// `json`, which each verb writes in its own way.
    pub(crate) fn report(&self, mut report: Report) {
        let Some(renderer) = self.renderer() else { return };
        let mut problems = std::mem::take(&mut *self.held.lock().unwrap_or_else(PoisonError::into_inner));
        problems.append(&mut report.problems);
        report.problems = problems;
        let base = (renderer.base)(&self.project);
        let text = (renderer.render)(&report, &base);
        if !text.is_empty() {
            self.answer(&text);
        }
        if self.format == Format::Github {
            self.append_step_summary(&report, &base);
        }
    }

    fn renderer(&self) -> Option<&'static Renderer> {
        RENDERERS.iter().find(|renderer| renderer.format == self.format).copied()
    }

    /// Appends to the file that GitHub shows on the page of a run.
    fn append_step_summary(&self, report: &Report, base: &Base) {
        let named = std::env::var_os("GITHUB_STEP_SUMMARY").filter(|path| !path.is_empty());
        let (Some(path), Some(text)) = (named.map(PathBuf::from), step_summary(report, base)) else { return };
        let file = OpenOptions::new().create(true).append(true).open(&path);
        if let Err(error) = file.and_then(|mut file| file.write_all(text.as_bytes())) {
            // What it would have said stands in the log.
            let problem = Diagnostic { severity: Severity::Warning, ..file_error(&path, &error) };
            self.write_note(&self.render(&problem));
        }
    }

    /// A problem as a person reads it.
    pub(crate) fn render(&self, problem: &Diagnostic) -> String {
        let theme = match (self.unicode, self.color) {
            (true, true) => GraphicalTheme::unicode(),
            (true, false) => GraphicalTheme::unicode_nocolor(),
            (false, true) => GraphicalTheme::ascii(),
            (false, false) => GraphicalTheme::none(),
        };
        let handler = GraphicalReportHandler::new_themed(theme).with_width(width()).with_links(false);
        let mut text = String::new();
        // Before it is broken into lines.
        let problem = &self.asked.spell_in(problem);
        match handler.render_report(&mut text, &Shown::new(problem)) {
            Ok(()) => without_heads(&text) + "\n",
            Err(_) => problem.to_string(),
        }
    }
}

/// Without the two lines that would make the excerpt of another file look like a problem of its own: `Error:`, and the file's path.
fn without_heads(text: &str) -> String {
    let mut lines = text.lines().peekable();
    let mut kept = String::new();
    while let Some(line) = lines.next() {
        if matches!(line.trim_end(), "Error:" | "Warning:" | "Advice:") {
            lines.next();
            continue;
        }
        kept += line;
        kept.push('\n');
    }
    kept
}

/// Makes a panic say where it happened and not what it met: its words may hold a row's values, as those of a wrong index into a text do.
pub(crate) fn panics_without_values() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map_or_else(String::new, |place| format!(" at {}:{}", place.file(), place.line()));
        let mut out = std::io::stderr().lock();
        drop(writeln!(
            out,
            "transload panicked{place}. This is a bug; its words are not shown, because they may hold values of a row."
        ));
    }));
}

/// Writes lines that tell that a run is alive.
pub(crate) fn heartbeat(lines: &[String]) {
    let mut out = std::io::stderr().lock();
    for line in lines {
        drop(writeln!(out, "{line}"));
    }
}

/// JSON as it is written everywhere.
pub(crate) fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_else(|error| format!("{{\"error\": \"{error}\"}}"))
}

fn speaks_unicode() -> bool {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].iter().filter_map(std::env::var_os).find(|value| !value.is_empty());
    locale.is_none_or(|locale| {
        let name = locale.to_string_lossy().to_lowercase();
        name.contains("utf-8") || name.contains("utf8")
    })
}

/// Columns of the answer: what `COLUMNS` says, else those of the terminal; 120 where there is none.
pub(crate) fn answer_width() -> usize {
    let said = std::env::var_os("COLUMNS").and_then(|value| value.to_string_lossy().parse().ok());
    let terminal = || terminal_size::terminal_size_of(std::io::stdout()).map(|(width, _)| usize::from(width.0));
    said.or_else(terminal).unwrap_or(120)
}

/// Columns of the terminal; 120 where there is none.
fn width() -> usize {
    let is_terminal = std::io::stderr().is_terminal();
    let columns = std::env::var_os("COLUMNS").and_then(|value| value.to_string_lossy().parse().ok());
    if is_terminal { columns.unwrap_or(100) } else { 120 }
}

/// A diagnostic in the shape that miette draws: the labels of one file at a time.
#[derive(Debug)]
struct Shown<'a> {
    problem: &'a Diagnostic,
    help: Option<String>,
    source: Option<Excerpt>,
    labels: Vec<&'a Label>,
    others: Vec<Elsewhere<'a>>,
}

/// Labels in a further file.
#[derive(Debug)]
struct Elsewhere<'a> {
    file: &'a Arc<SourceFile>,
    source: Excerpt,
    labels: Vec<&'a Label>,
    severity: miette::Severity,
}

impl<'a> Elsewhere<'a> {
    fn new(labels: Vec<&'a Label>, problem: &Diagnostic) -> Option<Self> {
        let file = &labels.first()?.file;
        let source = Excerpt::new(file, &labels, problem.code);
        Some(Self { file, source, labels, severity: severity(problem) })
    }
}

impl<'a> Shown<'a> {
    fn new(problem: &'a Diagnostic) -> Self {
        let first = problem.labels.first().map(|label| Arc::clone(&label.file));
        let is_first = |label: &&Label| first.as_ref().is_some_and(|file| Arc::ptr_eq(file, &label.file));
        let mut others: Vec<Vec<&'a Label>> = Vec::new();
        for label in problem.labels.iter().filter(|label| !is_first(label)) {
            match others.iter_mut().find(|labels| Arc::ptr_eq(&labels[0].file, &label.file)) {
                Some(labels) => labels.push(label),
                None => others.push(vec![label]),
            }
        }
        let labels: Vec<&Label> = problem.labels.iter().filter(is_first).collect();
        Self {
            problem,
            help: help(problem),
            source: first.as_ref().map(|file| Excerpt::new(file, &labels, problem.code)),
            labels,
            others: others.into_iter().filter_map(|labels| Elsewhere::new(labels, problem)).collect(),
        }
    }
}

fn drawn(label: &&Label) -> LabeledSpan {
    LabeledSpan::new_with_span(Some(label.text.clone()), label.span.clone())
}

fn severity(problem: &Diagnostic) -> miette::Severity {
    match problem.severity {
        Severity::Error => miette::Severity::Error,
        Severity::Warning => miette::Severity::Warning,
    }
}

fn help(problem: &Diagnostic) -> Option<String> {
    let mut lines: Vec<String> = remedy(problem).map(ToOwned::to_owned).into_iter().collect();
    lines.extend(problem.notes.iter().map(|note| format!("note: {note}")));
    (!lines.is_empty()).then(|| lines.join("\n"))
}

impl std::fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.problem.headline)?;
        self.problem.at.as_ref().map_or(Ok(()), |at| write!(f, "\nat {at}"))
    }
}

impl std::error::Error for Shown<'_> {}

impl miette::Diagnostic for Shown<'_> {
    fn code<'b>(&'b self) -> Option<Box<dyn std::fmt::Display + 'b>> {
        let number = self.problem.code.info().number;
        Some(Box::new(format!("{number} (transload explain {number})")))
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(severity(self.problem))
    }

    fn help<'b>(&'b self) -> Option<Box<dyn std::fmt::Display + 'b>> {
        self.help.as_ref().map(|help| Box::new(help) as Box<dyn std::fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn miette::SourceCode> {
        self.source.as_ref().map(|source| source as &dyn miette::SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Some(Box::new(self.labels.iter().map(drawn)))
    }

    fn related<'b>(&'b self) -> Option<Box<dyn Iterator<Item = &'b dyn miette::Diagnostic> + 'b>> {
        if self.others.is_empty() {
            return None;
        }
        Some(Box::new(self.others.iter().map(|other| other as &dyn miette::Diagnostic)))
    }
}

impl std::fmt::Display for Elsewhere<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.file.path)
    }
}

impl std::error::Error for Elsewhere<'_> {}

impl miette::Diagnostic for Elsewhere<'_> {
    fn severity(&self) -> Option<miette::Severity> {
        Some(self.severity)
    }

    fn source_code(&self) -> Option<&dyn miette::SourceCode> {
        Some(&self.source)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Some(Box::new(self.labels.iter().map(drawn)))
    }
}
