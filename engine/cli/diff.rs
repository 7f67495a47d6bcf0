//! Edits of a file as a unified diff, which `patch -p0` and `git apply -p0` take.

use std::ops::Range;

use transload_model::{Fix, SourceFile};

/// Lines that are shown around an edit.
const AROUND: usize = 3;

/// Some lines of a file, and what stands there instead.
struct Edit {
    lines: Range<usize>,
    new: String,
}

/// The diff of a file's edits; they are in order and do not overlap.
pub(crate) fn unified(file: &SourceFile, fixes: &[&Fix]) -> String {
    let lines: Vec<&str> = file.text.split_inclusive('\n').collect();
    let mut text = format!("--- {}\n+++ {}\n", file.path, file.path);
    let (mut added, mut removed) = (0, 0);
    for hunk in hunks(edits(file, fixes)) {
        let (start, end) = span(&hunk, lines.len());
        let began = start + 1 + added - removed;
        let mut body = String::new();
        let mut at = start;
        let (had_added, had_removed) = (added, removed);
        for edit in &hunk {
            put(&mut body, ' ', lines.get(at..edit.lines.start).unwrap_or_default().iter().copied());
            put(&mut body, '-', lines.get(edit.lines.clone()).unwrap_or_default().iter().copied());
            put(&mut body, '+', edit.new.split_inclusive('\n'));
            (added, removed) = (added + edit.new.lines().count(), removed + edit.lines.len());
            at = edit.lines.end;
        }
        put(&mut body, ' ', lines.get(at..end).unwrap_or_default().iter().copied());
        let after = end - start + (added - had_added) - (removed - had_removed);
        text += &format!("@@ -{},{} +{began},{after} @@\n{body}", start + 1, end - start);
    }
    text
}

/// The lines that a hunk shows.
fn span(hunk: &[Edit], lines: usize) -> (usize, usize) {
    let start = hunk.first().map_or(0, |edit| edit.lines.start);
    let end = hunk.last().map_or(0, |edit| edit.lines.end);
    (start.saturating_sub(AROUND), (end + AROUND).min(lines))
}

/// Whole lines for each edit. Edits of one line are one.
fn edits(file: &SourceFile, fixes: &[&Fix]) -> Vec<Edit> {
    let starts = file.line_starts();
    let line_of = |byte: usize| starts.partition_point(|start| *start <= byte).saturating_sub(1);
    let start_of = |line: usize| starts.get(line).copied().unwrap_or(file.text.len());
    let mut edits: Vec<(Range<usize>, Vec<&Fix>)> = Vec::new();
    for fix in fixes {
        let first = line_of(fix.span.start);
        let is_whole =
            fix.span.start == start_of(first) && (fix.span.is_empty() || fix.span.end == start_of(first + 1));
        let last = if is_whole && fix.span.is_empty() { first } else { first + 1 };
        match edits.last_mut() {
            Some((lines, own)) if lines.end > first => {
                lines.end = lines.end.max(last);
                own.push(fix);
            }
            _ => edits.push((first..last, vec![fix])),
        }
    }
    let whole = |(lines, own): (Range<usize>, Vec<&Fix>)| {
        let (mut new, mut at) = (String::new(), start_of(lines.start));
        for fix in own {
            new += file.text.get(at..fix.span.start).unwrap_or_default();
            new += &fix.replacement;
            at = fix.span.end;
        }
        new += file.text.get(at..start_of(lines.end)).unwrap_or_default();
        Edit { lines, new }
    };
    edits.into_iter().map(whole).collect()
}

/// Edits whose surroundings meet belong together.
fn hunks(edits: Vec<Edit>) -> Vec<Vec<Edit>> {
    let mut hunks: Vec<Vec<Edit>> = Vec::new();
    for edit in edits {
        let end = hunks.last().and_then(|hunk| hunk.last()).map(|before| before.lines.end);
        match hunks.last_mut() {
            Some(hunk) if end.is_some_and(|end| edit.lines.start <= end + 2 * AROUND) => hunk.push(edit),
            _ => hunks.push(vec![edit]),
        }
    }
    hunks
}

fn put<'a>(body: &mut String, sign: char, lines: impl Iterator<Item = &'a str>) {
    for line in lines {
        body.push(sign);
        body.push_str(line);
        if !line.ends_with('\n') {
            body.push_str("\n\\ No newline at end of file\n");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn diff(text: &str, edits: &[(&str, &str)]) -> String {
        let file = Arc::new(SourceFile::new("specs/a.yaml", text));
        let fixes = edits.iter().map(|(from, to)| {
            let start = text.find(from).unwrap();
            Fix { file: Arc::clone(&file), span: start..start + from.len(), replacement: (*to).to_owned() }
        });
        let mut fixes: Vec<Fix> = fixes.collect();
        fixes.sort_by_key(|fix| fix.span.start);
        unified(&file, &fixes.iter().collect::<Vec<_>>())
    }

    #[test]
    fn a_word_a_line_and_a_line_that_goes() {
        let text = "a: 1\nb: 2\nc: 3\nd: 4\ne: 5\n";
        assert_eq!(
            diff(text, &[("2", "two"), ("d: 4\n", "")]),
            "--- specs/a.yaml\n+++ specs/a.yaml\n@@ -1,5 +1,4 @@\n a: 1\n-b: 2\n+b: two\n c: 3\n-d: 4\n e: 5\n"
        );
    }

    #[test]
    fn edits_far_from_each_other_are_hunks_of_their_own() {
        let text: String = (1..=20).map(|line| format!("{line:02}\n")).collect();
        assert_eq!(
            diff(&text, &[("02\n", ""), ("18", "eighteen")]),
            "--- specs/a.yaml\n+++ specs/a.yaml\n@@ -1,5 +1,4 @@\n 01\n-02\n 03\n 04\n 05\n\
             @@ -15,6 +14,6 @@\n 15\n 16\n 17\n-18\n+eighteen\n 19\n 20\n"
        );
    }

    #[test]
    fn two_words_of_one_line_are_one_edit_and_a_file_may_lack_its_last_end() {
        assert_eq!(
            diff("a: 1\nb: [x, y]", &[("x", "v"), ("y", "w")]),
            "--- specs/a.yaml\n+++ specs/a.yaml\n@@ -1,2 +1,2 @@\n a: 1\n-b: [x, y]\n\\ No newline at end of file\n\
             +b: [v, w]\n\\ No newline at end of file\n"
        );
    }
}
