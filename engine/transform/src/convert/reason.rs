//! The sentences that conversions fail with.
//!
//! They name the type and the length of what was found and never what it was: they end up in quarantine tables, logs and reports.

use transload_model::Code;

use crate::column::Reason;

/// Text that is not what it should be read as.
pub(crate) fn not_a(text: &str, wanted: &str) -> Reason {
    Reason::new(Code::ValueFormat, format!("{} is not {wanted}", length(text)))
}

/// Text that has not the form of a date or time.
pub(crate) fn not_the_format(text: &str, wanted: &str) -> Reason {
    Reason::new(Code::ValueFormat, format!("{} is not {wanted}", length(text)))
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
