//! The ends of a text, for whoever has to tell one from another and need not know it.

/// A sign for each character but those at its ends. A text that the ends would fill shows none of them.
pub(super) fn partial(value: &str, (first, last): (usize, usize), with: char) -> String {
    let count = value.chars().count();
    let shows = |at: usize| count > first + last && (at < first || at >= count - last);
    value.chars().enumerate().map(|(at, sign)| if shows(at) { sign } else { with }).collect()
}
