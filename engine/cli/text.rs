//! Numbers and times as people read them.

/// `61240` as `61,240`.
pub(crate) fn number(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 row`, `2 rows`.
pub(crate) fn rows(value: u64) -> String {
    if value == 1 { "1 row".to_owned() } else { format!("{} rows", number(value)) }
}

/// `1 entity`, `2 entities`.
pub(crate) fn counted(count: usize, one: &str, many: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{} {many}", number(count as u64)) }
}

/// Milliseconds as `0.4s` or `3m02s`.
pub(crate) fn duration(ms: u64) -> String {
    let seconds = ms / 1000;
    if seconds < 60 {
        format!("{seconds}.{}s", ms % 1000 / 100)
    } else {
        format!("{}m{:02}s", seconds / 60, seconds % 60)
    }
}

/// Rows in a second.
pub(crate) fn rate(rows: u64, ms: u64) -> u64 {
    rows.saturating_mul(1000) / ms.max(1)
}

/// A count with its word: `1 spec`, `2 specs`.
pub(crate) fn some(count: usize, word: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{} {word}{plural}", number(count as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_times_read_well() {
        assert_eq!([0, 999, 1000, 61_240, 1_234_567].map(number), ["0", "999", "1,000", "61,240", "1,234,567"]);
        assert_eq!([0, 450, 12_340, 182_300].map(duration), ["0.0s", "0.4s", "12.3s", "3m02s"]);
        assert_eq!(rows(1), "1 row");
        assert_eq!(
            [0, 1, 1000].map(|count| counted(count, "entity", "entities")),
            ["0 entities", "1 entity", "1,000 entities"]
        );
        assert_eq!(rate(500, 250), 2000);
    }
}
