//! How an answer is written, and which forms a verb has.

use clap::ValueEnum;

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
pub(super) const PLAIN: &[Format] = &[Format::Text, Format::Json];

pub(super) const REPORTS: &[Format] =
    &[Format::Text, Format::Json, Format::Concise, Format::Github, Format::Gitlab, Format::Junit, Format::Sarif];
pub(super) const PICTURES: &[Format] = &[Format::Text, Format::Json, Format::Mermaid, Format::Dot, Format::Svg];

/// The forms in which a verb answers.
pub(super) fn formats(verb: &str) -> &'static [Format] {
    match verb {
        // Of `quarantine`.
        "validate" | "run" | "test" | "retry" => REPORTS,
        "graph" => PICTURES,
        _ => PLAIN,
    }
}

/// `'text', 'json' or 'svg'`
pub(super) fn one_of(formats: &[Format]) -> String {
    let word = |format: &Format| format.to_possible_value().map(|value| format!("'{}'", value.get_name()));
    let words: Vec<String> = formats.iter().filter_map(word).collect();
    match words.split_last() {
        Some((last, before)) => format!("{} or {last}", before.join(", ")),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_named_as_people_say_them() {
        assert_eq!(one_of(PICTURES), "'text', 'json', 'mermaid', 'dot' or 'svg'");
    }
}
