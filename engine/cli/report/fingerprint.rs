//! What identifies a problem across runs, so that a build server can tell a new one from one it has seen.

use std::collections::HashMap;

use transload_model::Diagnostic;
use twox_hash::XxHash3_64;

/// One for each problem, all different. A problem keeps its own when lines move, because no line counts.
pub(super) fn fingerprints(problems: &[Diagnostic]) -> Vec<String> {
    let mut seen: HashMap<String, usize> = HashMap::new();
    let mut found = Vec::new();
    for problem in problems {
        let words = words(problem);
        let before = seen.entry(words.clone()).or_default();
        found.push(format!("{:016x}", XxHash3_64::oneshot(format!("{words}\0{before}").as_bytes())));
        *before += 1;
    }
    found
}

fn words(problem: &Diagnostic) -> String {
    let (path, label) = problem.labels.first().map_or(("", ""), |label| (&label.file.path, &label.text));
    [problem.code.info().number, path, &problem.headline, label].join("\0")
}
