//! Text to tree, within budgets.
//!
//! A file can be small and still mean gigabytes: aliases repeat what they name. Everything is bounded before it is built: bytes of
//! the file, bytes after aliases, depth. What is wrong but leaves the rest readable is noted and reading goes on; a syntax error ends it.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use granit_parser::{ErrorKind, Event, Options, Parser, ScalarStyle, ScanError, Span, StrInput, Tag};
use transload_model::{Code, Diagnostic, SourceFile};

use crate::problems::{Place, Problems, problem};
use crate::yaml::limits::{DEPTH_MAX, EXPANDED_BYTES_MAX, FILE_BYTES_MAX, REPEATED_NODE_BYTES, too_deep, too_large};
use crate::yaml::syntax::explain;
use crate::yaml::tag::{Tagged, tagged};
use crate::yaml::{Atom, Entry, Kind, Node, Scalar, Style, resolve};

/// The one document of a file, or `None` where the problems say why not.
pub(crate) fn load(file: &Arc<SourceFile>, problems: &mut Problems) -> Option<Node> {
    load_up_to(file, FILE_BYTES_MAX, problems)
}

/// The one document of a file of at most so many bytes.
pub(crate) fn load_up_to(file: &Arc<SourceFile>, bytes_max: usize, problems: &mut Problems) -> Option<Node> {
    if file.text.len() > bytes_max {
        problems.push(too_large(file, bytes_max));
        return None;
    }
    let mut options = Options::default();
    options.set_emit_comments(false);
    let parser = Parser::new_from_str_with_options(&file.text, options);
    let mut composer = Composer { file, parser, anchors: BTreeMap::new(), expanded: 0, problems };
    match composer.document() {
        Ok(node) => Some(node),
        Err(stopped) => {
            problems.push(*stopped);
            None
        }
    }
}

/// What ends the reading of a file.
type Step<T> = Result<T, Box<Diagnostic>>;

/// A node, and what repeating it would cost.
#[derive(Clone)]
struct Composed {
    node: Node,
    bytes: usize,
    height: usize,
}

struct Composer<'a> {
    file: &'a Arc<SourceFile>,
    parser: Parser<'a, StrInput<'a>>,
    anchors: BTreeMap<usize, Composed>,
    expanded: usize,
    problems: &'a mut Problems,
}

impl<'a> Composer<'a> {
    fn document(&mut self) -> Step<Node> {
        let (mut event, mut span) = self.next()?;
        while matches!(event, Event::StreamStart | Event::DocumentStart(..)) {
            (event, span) = self.next()?;
        }
        let place = self.place(span.clone());
        let is_empty = matches!(event, Event::StreamEnd)
            || matches!(&event, Event::Scalar(_, ScalarStyle::Plain, 0, None) if span.is_empty());
        if is_empty {
            let headline = format!("file `{}` holds no document", self.file.path);
            return Err(Box::new(problem(Code::SpecEmpty, headline, &place, "the file ends here")));
        }
        let root = self.compose(event, span, 1)?;
        self.end()?;
        Ok(root.node)
    }

    fn end(&mut self) -> Step<()> {
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::DocumentEnd => {}
                Event::DocumentStart(..) => {
                    let headline = format!("file `{}` holds a second document", self.file.path);
                    let place = self.place(span);
                    return Err(Box::new(
                        problem(Code::SpecMultiDocument, headline, &place, "the second one starts here")
                            .help("put each spec in a file of its own"),
                    ));
                }
                _ => return Ok(()),
            }
        }
    }

    fn next(&mut self) -> Step<(Event<'a>, Range<usize>)> {
        match self.parser.next_event() {
            Some(Ok((event, span))) => {
                let bytes = self.bytes(&span);
                self.check_tag_place(&event, &span);
                Ok((event, bytes))
            }
            Some(Err(error)) => Err(Box::new(self.syntax(&error))),
            None => Ok((Event::StreamEnd, self.file.text.len()..self.file.text.len())),
        }
    }

    fn bytes(&self, span: &Span) -> Range<usize> {
        let end = self.file.text.len();
        span.byte_range().map_or(end..end, |range| range.start.min(end)..range.end.min(end).max(range.start.min(end)))
    }

    fn place(&self, span: Range<usize>) -> Place {
        Place { file: Arc::clone(self.file), span }
    }

    fn syntax(&self, error: &ScanError) -> Diagnostic {
        let text = &self.file.text;
        let start = error.marker().byte_offset().unwrap_or(text.len()).min(text.len());
        let width = text.get(start..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8);
        let place = self.place(start..start + width);
        if *error.kind() == ErrorKind::RecursionLimitExceeded {
            return too_deep(&place);
        }
        if let Some(tab) = self.tab_indentation(start) {
            let headline = format!("file `{}` is not YAML: a tab indents the line", self.file.path);
            let place = self.place(tab..tab + 1);
            return problem(Code::SpecSyntax, headline, &place, "this tab").help("use spaces");
        }
        if let Some((at, space)) = self.foreign_space(start) {
            return self.not_a_space(at, space);
        }
        let (reason, help) = explain(error.kind());
        let headline = format!("file `{}` is not YAML: {reason}", self.file.path);
        let problem = problem(Code::SpecSyntax, headline, &place, "the reader gave up here");
        match help {
            Some(help) => problem.help(help),
            None => problem,
        }
    }

    fn not_a_space(&self, at: usize, space: char) -> Diagnostic {
        let what = if matches!(space, '\u{a0}' | '\u{202f}') { "a no-break space" } else { "what only looks like one" };
        let headline = format!("file `{}` is not YAML: {what} stands in the place of a space", self.file.path);
        let label = format!("U+{:04X}", u32::from(space));
        let place = self.place(at..at + space.len_utf8());
        problem(Code::SpecSyntax, headline, &place, label).help("write a space instead")
    }

    /// What only looks like a space, where YAML needs one: in front of a line, or behind `:` or `-`. It is looked for in the line of a byte and
    /// beside it.
    fn foreign_space(&self, byte: usize) -> Option<(usize, char)> {
        let line_start =
            |end: usize| self.file.text.get(..end).and_then(|text| text.rfind('\n')).map_or(0, |at| at + 1);
        let own = line_start(byte);
        let mut start = line_start(own.saturating_sub(1));
        for line in self.file.text.get(start..)?.split('\n').take(3) {
            let mut before = None;
            for (at, sign) in line.char_indices() {
                let is_needed = matches!(before, None | Some(':' | '-'));
                if is_needed && !sign.is_ascii() && (sign.is_whitespace() || sign == '\u{200b}') {
                    return Some((start + at, sign));
                }
                // Spaces in front of a line are none of what it holds.
                before = if before.is_none() && sign == ' ' { None } else { Some(sign) };
            }
            start += line.len() + 1;
        }
        None
    }

    /// The tab that indents the line of a byte or the next one. A reader without it often gives up somewhere before.
    fn tab_indentation(&self, byte: usize) -> Option<usize> {
        let mut start = self.file.text.get(..byte)?.rfind('\n').map_or(0, |at| at + 1);
        for line in self.file.text.get(start..)?.split('\n').take(2) {
            let indentation = line.find(|c: char| c != ' ' && c != '\t').unwrap_or(0);
            if let Some(tab) = line.get(..indentation)?.find('\t') {
                return Some(start + tab);
            }
            start += line.len() + 1;
        }
        None
    }

    fn compose(&mut self, event: Event<'a>, span: Range<usize>, depth: usize) -> Step<Composed> {
        if depth > DEPTH_MAX {
            return Err(Box::new(too_deep(&self.place(span))));
        }
        let (composed, anchor) = match event {
            Event::Scalar(text, style, anchor, tag) => (scalar(&text, style, span, tag.as_deref()), anchor),
            Event::SequenceStart(_, anchor, tag) => (self.list(span, tag.as_deref(), depth)?, anchor),
            Event::MappingStart(_, anchor, tag) => (self.map(span, tag.as_deref(), depth)?, anchor),
            Event::Alias(anchor) => (self.repeat(anchor, span, depth)?, 0),
            _ => {
                let headline = format!("file `{}` is not YAML: a value is missing", self.file.path);
                return Err(Box::new(problem(
                    Code::SpecSyntax,
                    headline,
                    &self.place(span),
                    "the reader gave up here",
                )));
            }
        };
        if anchor != 0 {
            self.anchors.insert(anchor, composed.clone());
        }
        Ok(composed)
    }

    fn list(&mut self, span: Range<usize>, tag: Option<&Tag>, depth: usize) -> Step<Composed> {
        let mut items = Vec::new();
        let (mut bytes, mut height) = (REPEATED_NODE_BYTES, 0);
        loop {
            let (event, item_span) = self.next()?;
            if event == Event::SequenceEnd {
                let kind = if matches!(tagged(tag), Tagged::Refused) { Kind::Refused } else { Kind::List(items) };
                let span = self.first_line(span.start, item_span.end);
                return Ok(Composed { node: Node { span, kind }, bytes, height: height + 1 });
            }
            let item = self.compose(event, item_span, depth + 1)?;
            bytes = bytes.saturating_add(item.bytes);
            height = height.max(item.height);
            items.push(item.node);
        }
    }

    fn map(&mut self, span: Range<usize>, tag: Option<&Tag>, depth: usize) -> Step<Composed> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut keys = BTreeMap::new();
        let (mut bytes, mut height) = (REPEATED_NODE_BYTES, 0);
        loop {
            let (event, key_span) = self.next()?;
            if event == Event::MappingEnd {
                let kind = if matches!(tagged(tag), Tagged::Refused) { Kind::Refused } else { Kind::Map(entries) };
                let span = self.first_line(span.start, key_span.end);
                return Ok(Composed { node: Node { span, kind }, bytes, height: height + 1 });
            }
            let key = self.compose(event, key_span, depth + 1)?;
            let (event, value_span) = self.next()?;
            let value = self.compose(event, value_span, depth + 1)?;
            bytes = bytes.saturating_add(key.bytes).saturating_add(value.bytes);
            height = height.max(value.height);
            if let Some(entry) = self.entry(key.node, value.node, &keys) {
                keys.insert(entry.key.clone(), entry.key_span.clone());
                entries.push(entry);
            }
        }
    }

    /// An entry whose key may stand here; else the problem is noted.
    fn entry(&mut self, key: Node, value: Node, keys: &BTreeMap<String, Range<usize>>) -> Option<Entry> {
        let place = self.place(key.span.clone());
        let Kind::Scalar(scalar) = key.kind else {
            let label = format!("{} as a key", key.found());
            self.problems
                .push(problem(Code::SpecType, "a key is not text", &place, label).note("keys are single values"));
            return None;
        };
        let is_plain = scalar.style == Style::Plain;
        if is_plain && scalar.text == "<<" {
            let problem = problem(Code::SpecTag, "the merge key `<<` is not part of specs", &place, "this key");
            self.problems.push(problem.help("write the merged keys out"));
            return None;
        }
        if key.span.is_empty() {
            self.problems.push(problem(Code::SpecType, "a key is empty", &place, "a value without a key"));
            return None;
        }
        if let Some(first) = keys.get(&scalar.text) {
            let headline = format!("key `{}` stands twice in one map", scalar.text);
            let problem = problem(Code::SpecDuplicateKey, headline, &place, "the second one");
            self.problems.push(problem.label(self.file, first.clone(), "the first one"));
            return None;
        }
        Some(Entry { key: scalar.text, key_span: key.span, is_plain, value })
    }

    fn repeat(&mut self, anchor: usize, span: Range<usize>, depth: usize) -> Step<Composed> {
        let place = self.place(span);
        let Some(anchored) = self.anchors.get(&anchor) else {
            let headline = "an alias names what it is part of";
            return Err(Box::new(problem(Code::SpecLimit, headline, &place, "it would repeat itself for ever")));
        };
        if depth + anchored.height > DEPTH_MAX {
            return Err(Box::new(too_deep(&place)));
        }
        self.expanded = self.expanded.saturating_add(anchored.bytes);
        if self.expanded + self.file.text.len() > EXPANDED_BYTES_MAX {
            let headline = format!("file `{}` expands to more than {EXPANDED_BYTES_MAX} bytes", self.file.path);
            return Err(Box::new(problem(Code::SpecLimit, headline, &place, "with this alias")));
        }
        Ok(anchored.clone())
    }

    /// Notes a tag that specs do not use.
    fn check_tag_place(&mut self, event: &Event<'a>, span: &Span) {
        let (Event::Scalar(_, _, _, tag) | Event::SequenceStart(_, _, tag) | Event::MappingStart(_, _, tag)) = event
        else {
            return;
        };
        if matches!(tagged(tag.as_deref()), Tagged::Refused) {
            let bytes = span.tag_span().map_or_else(|| self.bytes(span), |tag| self.bytes(&tag));
            let headline = "tags are not part of specs";
            let problem = problem(Code::SpecTag, headline, &self.place(bytes), "this tag");
            self.problems.push(problem.help("write the value plainly, text in quotes"));
        }
    }

    /// From `start` to the end of its line, at most to `end`.
    fn first_line(&self, start: usize, end: usize) -> Range<usize> {
        let text = self.file.text.get(start..end).unwrap_or("");
        let line = text.split('\n').next().unwrap_or("");
        start..start + line.trim_end().len()
    }
}

fn scalar(text: &str, style: ScalarStyle, span: Range<usize>, tag: Option<&Tag>) -> Composed {
    let style = match style {
        ScalarStyle::Plain => Style::Plain,
        ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => Style::Quoted,
        ScalarStyle::Literal => Style::Literal,
        ScalarStyle::Folded => Style::Folded,
    };
    let atom = match (tagged(tag), style) {
        (Tagged::Not, Style::Plain) => resolve(text),
        _ => Atom::Text,
    };
    let kind = match tagged(tag) {
        Tagged::Refused => Kind::Refused,
        Tagged::Not | Tagged::Text => {
            Kind::Scalar(Scalar { text: text.to_owned(), style, atom, is_substituted: false, is_given: false })
        }
    };
    Composed { node: Node { span, kind }, bytes: text.len() + REPEATED_NODE_BYTES, height: 1 }
}
