//! The user's text as it may be shown.
//!
//! An excerpt of `transload.yaml` ends up in the log of a build, and a password may stand in it. Whatever looks like one is covered, byte by
//! byte, so that the places of labels stay right.

use std::ops::Range;
use std::sync::LazyLock;

use miette::{MietteError, MietteSpanContents, SourceCode, SourceSpan, SpanContents};
use regex::Regex;
use transload_model::{Code, Label, SourceFile};

/// The password of a URL, or what follows the name of one, in quotes or without.
static SECRETS: LazyLock<Regex> = LazyLock::new(|| {
    let in_url = r#"://[^\s:/@]*:(?<url>[^\s"']+)@"#;
    // Of a URL whose scheme is missing.
    let in_part = r#"\b[^\s:/@"'{}\[\],]+:(?<part>[^\s:/@"'{}]+)@[^\s"']"#;
    let name = r#"(?i:\w*(?:password|passwd|pwd|secret|token|api_?key))["']?\s*[:=]\s*"#;
    let value = r#"(?:"(?<double>[^"\n]+)"|'(?<single>[^'\n]+)'|(?<plain>(?:\$\{[^\s}]*\}|[^\s"'&,{}\[\]])+))"#;
    Regex::new(&format!("{in_url}|{in_part}|{name}{value}")).expect("the pattern is a constant")
});

/// Lines before and after the labels, more than are drawn.
const LINES_AROUND: usize = 3;

/// The lines of a file that a problem is about, with their secrets covered. A file may have thousands of problems, so it is not copied whole.
#[derive(Debug)]
pub(crate) struct Excerpt {
    path: String,
    text: String,
    /// Where the excerpt starts in the file: byte, and line from zero.
    start: usize,
    line: usize,
}

impl Excerpt {
    /// What is shown of a file for these labels in it.
    pub(crate) fn new(file: &SourceFile, labels: &[&Label], code: Code) -> Self {
        let first = labels.iter().map(|label| label.span.start).min().unwrap_or_default();
        let last = labels.iter().map(|label| label.span.end).max().unwrap_or_default();
        let starts = file.line_starts();
        let line = file.position(first).0.saturating_sub(1 + LINES_AROUND);
        let start = starts.get(line).copied().unwrap_or_default();
        let end = starts.get(file.position(last).0 + LINES_AROUND).copied().unwrap_or(file.text.len());
        let mut text = file.text.get(start..end).unwrap_or_default().to_owned();
        for secret in secrets(file, start..end, code) {
            text.replace_range(secret.clone(), &"*".repeat(secret.len()));
        }
        Self { path: file.path.clone(), text, start, line }
    }
}

impl SourceCode for Excerpt {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        lines_before: usize,
        lines_after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let offset = span.offset().checked_sub(self.start).ok_or(MietteError::OutOfBounds)?;
        let found = self.text.read_span(&SourceSpan::new(offset.into(), span.len()), lines_before, lines_after)?;
        let own = found.span();
        Ok(Box::new(MietteSpanContents::new_named(
            self.path.clone(),
            found.data(),
            SourceSpan::new((own.offset() + self.start).into(), own.len()),
            found.line() + self.line,
            found.column(),
            found.line_count(),
        )))
    }
}

/// The secrets of an excerpt, as bytes of it.
fn secrets(file: &SourceFile, excerpt: Range<usize>, code: Code) -> Vec<Range<usize>> {
    let text = file.text.get(excerpt.clone()).unwrap_or_default();
    if file.path == "transload.yaml" {
        // A name may stand in a line before.
        let within = |secret: &Range<usize>| excerpt.start <= secret.start && secret.end <= excerpt.end;
        let whole = found(&file.text).into_iter().map(|(_, secret)| secret).filter(within);
        return whole.map(|secret| secret.start - excerpt.start..secret.end - excerpt.start).collect();
    }
    // Specs hold no connections, and a column may be called `token`; but a key of the spec itself may not.
    let is_key = |name: usize| name == 0 || text.as_bytes().get(name - 1) == Some(&b'\n');
    let is_secret = |(name, _): &(usize, Range<usize>)| code == Code::SpecSecret || is_key(*name);
    found(text).into_iter().filter(is_secret).map(|(_, secret)| secret).collect()
}

/// What looks like a secret: where its name or URL starts, and itself.
fn found(text: &str) -> Vec<(usize, Range<usize>)> {
    let groups = ["url", "part", "double", "single", "plain"];
    let found = SECRETS.captures_iter(text).filter_map(|captures| {
        let value = groups.iter().find_map(|group| captures.name(group))?;
        Some((captures.get_match().start(), value))
    });
    // The name of a variable is no secret; its default may be.
    let is_variable = |value: &str| value.starts_with("${") && !value.contains(":-");
    found.filter(|(_, value)| !is_variable(value.as_str())).map(|(name, value)| (name, value.range())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown_in(path: &str, text: &str, code: Code) -> String {
        Excerpt::new(&SourceFile::new(path, text), &[], code).text
    }

    fn shown_as(text: &str) -> String {
        shown_in("transload.yaml", text, Code::SpecType)
    }

    #[test]
    fn what_looks_like_a_password_is_covered() {
        let covered = [
            ("url: postgres://me:pass/w@rd@host/db", "url: postgres://me:*********@host/db"),
            ("{ url: \"mysql://:x@h\", pool: 3 }", "{ url: \"mysql://:*@h\", pool: 3 }"),
            ("url: me:geheim@host/db", "url: me:******@host/db"),
            ("{url: \"me:geheim@host/db\"}", "{url: \"me:******@host/db\"}"),
            ("db_password: \"a b\"", "db_password: \"***\""),
            ("{ api_key: 'k', url: x?token=t&a=b }", "{ api_key: '*', url: x?token=*&a=b }"),
            ("Password=${PW:-default}", "Password=**************"),
        ];
        for (text, expected) in covered {
            assert_eq!(shown_as(text), expected);
        }
    }

    #[test]
    fn all_else_is_shown_as_it_stands() {
        let plain = [
            "url: \"sqlite:data/legacy.db\"",
            "url: postgres://me:${PW}@host/db",
            "url: https://example.com:8080/a?b=c",
            "password: ${PW}",
            "tokens: 3",
            "token: { source: x }",
        ];
        for text in plain {
            assert_eq!(shown_as(text), text);
        }
        let columns = "field_mappings:\n  token: tok_cd";
        assert_eq!(shown_in("specs/a.yaml", columns, Code::UnknownColumn), columns);
    }

    #[test]
    fn secrets_of_a_spec_are_covered_where_no_column_can_be_meant() {
        let shown = |text: &str, code| shown_in("specs/a.yaml", text, code);
        assert_eq!(shown("version: 1\npassword: x\n", Code::UnknownColumn), "version: 1\npassword: *\n");
        assert_eq!(shown("load: { token: x }\n", Code::SpecSecret), "load: { token: * }\n");
    }

    #[test]
    fn an_excerpt_holds_the_lines_around_and_knows_where_they_are() {
        let text: String = (1..=100).map(|line| format!("line {line}\n")).collect();
        let file = std::sync::Arc::new(SourceFile::new("specs/a.yaml", text));
        let at = file.text.find("line 50").unwrap();
        let label = Label { file: std::sync::Arc::clone(&file), span: at..at + 4, text: String::new() };
        let excerpt = Excerpt::new(&file, &[&label], Code::SpecType);
        assert_eq!(excerpt.text.lines().next(), Some("line 47"));
        assert_eq!(excerpt.text.lines().last(), Some("line 53"));
        let contents = excerpt.read_span(&SourceSpan::from(at..at + 4), 1, 1).unwrap();
        assert_eq!((contents.line(), contents.data()), (48, &b"line 49\nline 50\nline 51\n"[..]));
    }
}
