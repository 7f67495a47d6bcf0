//! Conditions in SQL: what stands in a `where` must be one.
//!
//! The database checks what it means, and sees it in parentheses. A slip that closes those would make something else of it, such as a union with
//! other rows. This finds slips; what may be read is decided by the rights of the connection.

/// Why a text is no condition by its parentheses alone.
pub(crate) fn unbalanced(sql: &str) -> Option<&'static str> {
    let mut depth = 0_u32;
    let (mut rest, mut before) = (sql, ' ');
    while let Some(first) = rest.chars().next() {
        let after = rest.get(first.len_utf8()..)?;
        let is_word = before.is_alphanumeric() || before == '_' || before == '$';
        rest = match first {
            '\'' if matches!(before, 'e' | 'E') => behind_escapes(after),
            '\'' | '"' | '`' => behind(after, &first.to_string()),
            '[' => behind(after, "]"),
            '-' if after.starts_with('-') => behind(after, "\n"),
            '/' if after.starts_with('*') => behind(after, "*/"),
            '$' if !is_word => behind_dollars(after),
            _ => after,
        };
        before = first;
        match first {
            '(' => depth += 1,
            ')' if depth == 0 => return Some("closes a parenthesis that it does not open"),
            ')' => depth -= 1,
            _ => {}
        }
    }
    (depth > 0).then_some("opens a parenthesis that it does not close")
}

/// What stands behind the end of a quoted text; nothing where it does not end. A doubled quote is an end and a beginning.
fn behind<'t>(text: &'t str, end: &str) -> &'t str {
    text.split_once(end).map_or("", |(_, rest)| rest)
}

/// The same for PostgreSQL's `E'…'`, in which a backslash takes the next character along.
fn behind_escapes(text: &str) -> &str {
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '\\' => drop(characters.next()),
            '\'' => return text.get(at + 1..).unwrap_or_default(),
            _ => {}
        }
    }
    ""
}

/// What stands behind a text in PostgreSQL's dollar quotes, or behind a dollar that is none.
fn behind_dollars(after: &str) -> &str {
    let tag = after.split_once('$').map(|(tag, _)| tag);
    let is_tag = |tag: &&str| tag.chars().all(|character| character.is_alphanumeric() || character == '_');
    match tag.filter(is_tag) {
        Some(tag) => behind(after.get(tag.len() + 1..).unwrap_or_default(), &format!("${tag}$")),
        None => after,
    }
}

#[cfg(test)]
mod tests {
    use super::unbalanced;

    #[test]
    fn what_is_quoted_or_a_comment_opens_and_closes_nothing() {
        for sound in [
            "not is_test and (a or (b and c))",
            "name = ':)' or name = 'it''s ('",
            "\"odd)name\" = `(` -- a smile :)",
            "[odd)name] = 1 or a[1] = (2)",
            "a /* ) */ = 1",
            "a = $$)$$ or b = $t$ ) $ $t$ or c = $1",
            "(a$b$c = 1)",
            "(name = E'it\\'s :)' or name = e'\\\\')",
            "",
        ] {
            assert_eq!(unbalanced(sound), None, "{sound}");
        }
        for (wrong, said) in [
            ("1=1) union select * from secrets where (1=1", "closes a parenthesis that it does not open"),
            ("id = 1) or (1 = 1 -- all", "closes a parenthesis that it does not open"),
            ("(a or b", "opens a parenthesis that it does not close"),
            ("type = 'e') or (a", "closes a parenthesis that it does not open"),
        ] {
            assert_eq!(unbalanced(wrong), Some(said), "{wrong}");
        }
    }
}
