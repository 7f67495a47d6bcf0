//! Conditions in SQL: what stands in a `where` must be one.
//!
//! The database checks what it means. But it sees the condition in parentheses, and text that closes those would be no condition any more: it
//! could go on with anything, such as a union with other rows.

/// Why a text is no condition by its parentheses alone.
pub(crate) fn unbalanced(sql: &str) -> Option<&'static str> {
    let mut depth = 0_u32;
    let mut rest = sql;
    while let Some(first) = rest.chars().next() {
        rest = match first {
            '\'' | '"' | '`' => behind(rest.get(1..)?, &first.to_string()),
            '-' if rest.starts_with("--") => behind(rest, "\n"),
            '/' if rest.starts_with("/*") => behind(rest.get(2..)?, "*/"),
            '$' => behind_dollars(rest),
            _ => rest.get(first.len_utf8()..)?,
        };
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

/// What stands behind a text in PostgreSQL's dollar quotes, or behind a dollar that is none.
fn behind_dollars(text: &str) -> &str {
    let after = text.get(1..).unwrap_or_default();
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
            "a /* ) */ = 1",
            "a = $$)$$ or b = $t$ ) $ $t$ or c = $1",
            "",
        ] {
            assert_eq!(unbalanced(sound), None, "{sound}");
        }
        for (wrong, said) in [
            ("1=1) union select * from secrets where (1=1", "closes a parenthesis that it does not open"),
            ("id = 1) or (1 = 1 -- all", "closes a parenthesis that it does not open"),
            ("(a or b", "opens a parenthesis that it does not close"),
        ] {
            assert_eq!(unbalanced(wrong), Some(said), "{wrong}");
        }
    }
}
