//! The user's text as it may be shown.
//!
//! An excerpt of `transload.yaml` ends up in the log of a build, and a password may stand in it. Whatever looks like one is covered, byte by
//! byte, so that the places of labels stay right.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;
use transload_model::SourceFile;

/// The password of a URL, or what follows the name of one, in quotes or without.
static SECRETS: LazyLock<Regex> = LazyLock::new(|| {
    let in_url = r#"://[^\s:/@]*:(?<url>[^\s"']+)@"#;
    let name = r#"(?i:\w*(?:password|passwd|pwd|secret|token|api_?key))["']?\s*[:=]\s*"#;
    let value = r#"(?:"(?<double>[^"\n]+)"|'(?<single>[^'\n]+)'|(?<plain>(?:\$\{[^\s}]*\}|[^\s"'&,{}\[\]])+))"#;
    Regex::new(&format!("{in_url}|{name}{value}")).expect("the pattern is a constant")
});

/// The file's text with its secrets covered.
pub(crate) fn shown(file: &SourceFile) -> String {
    // Specs hold no connections, and a column may be called `token`.
    if file.path != "transload.yaml" {
        return file.text.clone();
    }
    let mut text = file.text.clone();
    for secret in secrets(&file.text) {
        text.replace_range(secret.clone(), &"*".repeat(secret.len()));
    }
    text
}

fn secrets(text: &str) -> Vec<Range<usize>> {
    let groups = ["url", "double", "single", "plain"];
    let found = SECRETS.captures_iter(text).filter_map(|captures| groups.iter().find_map(|group| captures.name(group)));
    // The name of a variable is no secret; its default may be.
    let is_variable = |value: &str| value.starts_with("${") && !value.contains(":-");
    found.filter(|found| !is_variable(found.as_str())).map(|found| found.range()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown_as(text: &str) -> String {
        shown(&SourceFile { path: "transload.yaml".to_owned(), text: text.to_owned() })
    }

    #[test]
    fn what_looks_like_a_password_is_covered() {
        let covered = [
            ("url: postgres://me:pass/w@rd@host/db", "url: postgres://me:*********@host/db"),
            ("{ url: \"mysql://:x@h\", pool: 3 }", "{ url: \"mysql://:*@h\", pool: 3 }"),
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
        let spec = SourceFile { path: "specs/a.yaml".to_owned(), text: "token: tok_cd".to_owned() };
        assert_eq!(shown(&spec), spec.text);
    }
}
