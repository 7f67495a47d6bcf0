//! The sentences that conversions fail with.
//!
//! They name the type and the length of what was found and never what it was: they end up in quarantine tables, logs and reports.

use transload_model::Code;

use crate::column::Reason;

/// Text that is not what it should be read as.
pub(crate) fn not_a(text: &str, wanted: &str) -> Reason {
    Reason::new(Code::ValueFormat, format!("{} is not {wanted}", length(text)))
}

/// Why text is no date or time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// It has another form.
    Form,
    /// It has the form, and the calendar or the clock has no such value.
    Missing,
}

/// Text that is no date; of one with the form of one, that there is no such day. `what` is a day, or a day or time.
pub(crate) fn not_in_calendar(text: &str, wanted: &str, (flaw, what): (Flaw, &str)) -> Reason {
    let reason = not_a(text, wanted);
    match flaw {
        Flaw::Form => reason,
        Flaw::Missing => Reason { message: format!("{}: there is no such {what}", reason.message), ..reason },
    }
}

/// A value that is read well and does not fit.
pub(crate) fn does_not_fit(what: &str, wanted: &str) -> Reason {
    Reason::new(Code::ValueRange, format!("{what} does not fit {wanted}"))
}

/// Bytes that are no text.
pub(crate) fn not_utf8(length: usize) -> Reason {
    Reason::new(Code::ValueEncoding, format!("{length} bytes are not UTF-8"))
}

/// "text of 5 characters".
pub(crate) fn length(text: &str) -> String {
    match text.chars().count() {
        0 => "empty text".to_owned(),
        1 => "text of 1 character".to_owned(),
        count => format!("text of {count} characters"),
    }
}
