//! Commands in what people read, spelled so that they can be pasted: whoever asked about another project, or in an environment by name, goes on
//! with that one. The same words without them might write to another database.

use std::borrow::Cow;
use std::path::Path;

use transload_model::Diagnostic;

use super::args::Global;

/// How a text names a command of ours.
const BEGIN: &str = "`transload ";

/// Verbs that are asked about no project.
const ELSEWHERE: [&str; 3] = ["demo", "init", "explain"];

/// The flags that say where.
#[derive(Debug, Default)]
pub(crate) struct Where {
    environment: String,
    project: String,
}

impl Where {
    pub(crate) fn of(global: &Global) -> Self {
        let mut asked = Self::default();
        if let Some(environment) = &global.env {
            asked.environment = format!(" --env {}", quoted(environment));
        }
        if global.project != Path::new(".") {
            asked.project = format!(" -C {}", quoted(&global.project.to_string_lossy()));
        }
        asked
    }

    /// What a command lacks of the flags. One that names a project is about that one, and each flag stands once.
    fn lacking(&self, command: &str) -> String {
        let verb = command.split(' ').next().unwrap_or_default();
        if ELSEWHERE.contains(&verb) || command.contains(" -C ") {
            return String::new();
        }
        let environment = if command.contains(" --env ") { "" } else { &self.environment };
        format!("{environment}{}", self.project)
    }

    /// A text, its commands with the flags.
    pub(crate) fn spell<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if !text.contains(BEGIN) {
            return text.into();
        }
        let mut parts = text.split(BEGIN);
        let mut spelled = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let (command, rest) = part.split_at(part.find('`').unwrap_or(part.len()));
            spelled += &format!("{BEGIN}{command}{}{rest}", self.lacking(command));
        }
        spelled.into()
    }

    /// The same of a problem's words.
    pub(crate) fn spell_in(&self, problem: &Diagnostic) -> Diagnostic {
        let mut problem = problem.clone();
        problem.headline = self.spell(&problem.headline).into_owned();
        problem.notes.iter_mut().for_each(|note| *note = self.spell(note).into_owned());
        problem.help = problem.help.map(|help| self.spell(&help).into_owned());
        problem
    }
}

/// A word of a shell.
fn quoted(text: &str) -> Cow<'_, str> {
    let is_plain = |character: char| character.is_alphanumeric() || "_-./~+:@%".contains(character);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.into();
    }
    format!("'{}'", text.replace('\'', r"'\''")).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_say_where() {
        let told = Where { environment: " --env prod".to_owned(), project: " -C z1".to_owned() };
        let cases = [
            (
                "write them again: `transload verify jaw --repair`",
                "write them again: `transload verify jaw --repair --env prod -C z1`",
            ),
            (
                "`transload run` or `transload detect`.",
                "`transload run --env prod -C z1` or `transload detect --env prod -C z1`.",
            ),
            (
                "see `transload explain TL0203`, `transload demo DIR`",
                "see `transload explain TL0203`, `transload demo DIR`",
            ),
            ("`transload test -C there` and `run --plan`", "`transload test -C there` and `run --plan`"),
            ("`transload run --env test`", "`transload run --env test -C z1`"),
            ("nothing of ours", "nothing of ours"),
        ];
        for (text, expected) in cases {
            assert_eq!(told.spell(text), expected);
            assert_eq!(told.spell(expected), expected, "twice");
            assert_eq!(Where::default().spell(text), text);
        }
    }

    #[test]
    fn words_of_a_shell_are_quoted() {
        for (text, expected) in [("z1/x", "z1/x"), ("a b", "'a b'"), ("it's", r"'it'\''s'"), ("", "''")] {
            assert_eq!(quoted(text), expected);
        }
    }
}
