//! What the YAML reader stumbled over, in words that a person who wrote the file can use.

use granit_parser::ErrorKind;

/// A headline's end and, where there is an obvious one, the way out.
pub(crate) fn explain(kind: &ErrorKind) -> (String, Option<&'static str>) {
    let (text, help) = match kind {
        ErrorKind::TabInBlockIndentation
        | ErrorKind::TabInIndentation
        | ErrorKind::TabNotAllowed
        | ErrorKind::TabAtBlockScalarStart
        | ErrorKind::TabInPlainScalar => ("a tab indents the line", Some("use spaces")),
        ErrorKind::UnclosedFlowCollection { open } => {
            return (format!("`{open}` is not closed"), Some("close it, or indent what follows deeper than its key"));
        }
        ErrorKind::MismatchedFlowCollectionEnd { open, close } => {
            return (format!("`{open}` is closed by `{close}`"), None);
        }
        ErrorKind::UnexpectedCharacter { character } => {
            return (format!("{character:?} cannot stand here"), Some("put the value in quotes"));
        }
        ErrorKind::UnclosedQuotedScalar => ("the quote is not closed", Some("close it on the same line")),
        ErrorKind::InvalidQuotedScalarIndent => {
            ("a quote that is not closed runs into this line", Some("close the quote above"))
        }
        ErrorKind::UnknownAnchor => ("the alias names no anchor before it", Some("quote a value that starts with `*`")),
        ErrorKind::UnknownQuotedScalarEscape => {
            ("double quotes do not know this escape", Some("use single quotes, which know none"))
        }
        ErrorKind::MappingValueNotAllowed => {
            ("a second `:` stands in the line", Some("put a value that holds `: ` in quotes"))
        }
        ErrorKind::SimpleKeyExpected | ErrorKind::InvalidSimpleKey => ("a key without `:`", Some("write `key: value`")),
        ErrorKind::ExpectedBlockMappingKey | ErrorKind::InvalidIndentation => {
            ("the line is not indented like its neighbours", Some("give keys of one map the same indentation"))
        }
        ErrorKind::ExpectedBlockSequenceEntry => ("`- ` was expected here", None),
        ErrorKind::ExpectedFlowMappingSeparator => ("`,` or `}` was expected here", None),
        ErrorKind::ExpectedFlowSequenceSeparator => ("`,` or `]` was expected here", None),
        ErrorKind::BlockSequenceEntryNotAllowed | ErrorKind::BlockEntryInFlowCollection => {
            ("a list cannot start here", Some("start it on a line of its own"))
        }
        ErrorKind::MisplacedFlowCollectionEnd => ("this bracket closes nothing", None),
        ErrorKind::CommentNotSeparated => ("a comment needs a space before `#`", None),
        ErrorKind::InvalidTrailingSingleQuotedScalar | ErrorKind::InvalidTrailingDoubleQuotedScalar => {
            ("text follows a closed quote", Some("put the whole value in quotes"))
        }
        ErrorKind::InvalidBlockScalarIndent
        | ErrorKind::InvalidBlockScalarHeader
        | ErrorKind::ZeroBlockScalarIndent => ("the text block is not indented evenly", None),
        ErrorKind::UndeclaredTagHandle => ("the tag names no declared handle", None),
        ErrorKind::BomInsideDocument => ("a byte-order mark stands inside the file", None),
        _ => ("YAML has no meaning for what stands here", None),
    };
    (text.to_owned(), help)
}
