//! Whether the values of one column can become those of another, and what a mapping has to say for it.

use transload_model::{Column, Conversion, Kind, LogicalType};

use crate::confidence::Confidence;
use crate::observed::{Days, Flags, Observed, YES_AND_NO};

/// What a mapping needs so that a spec with it is accepted.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Fit {
    /// How sure it is that the values arrive as they are meant.
    pub(crate) confidence: Confidence,
    pub(crate) data_type: Option<LogicalType>,
    pub(crate) format: Option<&'static str>,
    pub(crate) flags: Option<Flags>,
    /// Functions to call first.
    pub(crate) calls: Vec<&'static str>,
    /// What speaks against it.
    pub(crate) doubts: Vec<String>,
    /// What speaks for it, or was seen on the way.
    pub(crate) notes: Vec<String>,
    /// Whether rows of the source would tell more.
    pub(crate) asks: bool,
}

/// Below [`Confidence::SETTLED`]: works, but a person should look.
pub(crate) const LOOK: Confidence = Confidence::thousandths(790);
/// A guess that rows may refute.
const MAYBE: Confidence = Confidence::thousandths(700);

impl Fit {
    fn sure(confidence: u32) -> Self {
        let confidence = Confidence::thousandths(confidence);
        Self {
            confidence,
            data_type: None,
            format: None,
            flags: None,
            calls: Vec::new(),
            doubts: Vec::new(),
            notes: Vec::new(),
            asks: false,
        }
    }

    /// Marks a guess that works, and that a person should look at.
    pub(crate) fn look(&mut self, doubt: &str) {
        self.at_most(LOOK, doubt);
    }

    fn at_most(&mut self, most: Confidence, reason: impl Into<String>) {
        self.confidence = self.confidence.min(most);
        self.doubts.push(reason.into());
    }

    /// Whether a copy is all that is needed.
    pub(crate) fn is_plain(&self) -> bool {
        self.data_type.is_none() && self.format.is_none() && self.flags.is_none() && self.calls.is_empty()
    }
}

/// Whether anything may be written to the column again and again.
pub(crate) fn is_writable(column: &Column) -> bool {
    !column.generated && !column.insert_only
}

/// Whether each row must bring a value for the column.
pub(crate) fn needs_value(column: &Column) -> bool {
    !column.nullable && !column.has_default && !column.generated
}

/// What it takes to copy the values of `from` to `to`, or why they cannot be copied.
pub(crate) fn fit(from: &Column, to: &Column, seen: Option<&Observed>) -> Result<Fit, String> {
    let target = target(from, to).ok_or_else(|| format!("the column does not store {} as it is", to.logical))?;
    let mut fit = match from.logical.conversion(target) {
        Conversion::Impossible => return Err(format!("{} cannot become {target}", from.logical)),
        Conversion::Exact if from.logical.kind() == target.kind() => Fit::sure(1000),
        // A number as a text is no mistake, but seldom what is meant.
        Conversion::Exact => Fit::sure(950),
        Conversion::Checked => checked(from, target, seen)?,
    };
    if target != to.logical {
        fit.data_type = Some(target);
    }
    if from.logical == LogicalType::Text {
        fit.asks = true;
        padded(&mut fit, seen);
    }
    missing(&mut fit, from, to, seen);
    Ok(fit)
}

/// The type that values are converted to: the column's own, or else that of the source where the column keeps it.
fn target(from: &Column, to: &Column) -> Option<LogicalType> {
    let keeps =
        |logical: LogicalType| to.stores.contains(&logical.kind()) || (logical == LogicalType::Uuid && to.takes_uuid());
    [to.logical, from.logical].into_iter().find(|logical| keeps(*logical))
}

/// A conversion that rows may fail in.
fn checked(from: &Column, target: LogicalType, seen: Option<&Observed>) -> Result<Fit, String> {
    match (from.logical.kind(), target.kind()) {
        (Kind::Text, Kind::Date) => days(from, seen.filter(|seen| seen.days_told() > 0)),
        (Kind::Text, Kind::Boolean) => flags(seen.filter(|seen| seen.filled() > 0)),
        (Kind::Text, _) => {
            let mut fit = Fit::sure(1000);
            fit.at_most(LOOK, format!("text that must read as {target}"));
            Ok(fit)
        }
        // What does not fit exactly is set aside; nothing is rounded.
        _ => Ok(Fit::sure(930)),
    }
}

fn days(from: &Column, seen: Option<&Observed>) -> Result<Fit, String> {
    let mut fit = Fit::sure(1000);
    let Some(seen) = seen else {
        if has_length(from, 8) {
            fit.format = Some("%Y%m%d");
            fit.at_most(MAYBE, "text of eight characters that must be a day");
        } else {
            fit.at_most(MAYBE, "text that must be a day: does it need a `format`?");
        }
        return Ok(fit);
    };
    let told = seen.days_told();
    let Some(Days { format, fitting, is_ambiguous }) = seen.days else {
        return Err(format!("none of {told} rows spells a day in a way that is known"));
    };
    fit.format = format;
    if is_ambiguous {
        fit.at_most(MAYBE, format!("{told} rows fit more than one `format`"));
    } else if fitting < told {
        fit.at_most(LOOK, format!("{fitting} of {told} rows have this format"));
    } else {
        fit.notes.push(format!("all of {told} rows have this format"));
    }
    if seen.zeros + seen.blank > 0 {
        fit.calls.push("zero_date_to_null");
        fit.notes.push(format!("{} of {} rows say that there is no day", seen.zeros + seen.blank, seen.rows));
    }
    Ok(fit)
}

fn flags(seen: Option<&Observed>) -> Result<Fit, String> {
    let mut fit = Fit::sure(1000);
    match seen {
        None => {
            fit.flags = Some(YES_AND_NO);
            fit.at_most(MAYBE, "a flag: by which letters?");
        }
        Some(seen) => {
            let reason = || format!("{} rows hold other words than those for yes and no", seen.filled());
            fit.flags = Some(seen.flags.ok_or_else(reason)?);
            fit.notes.push(format!("{} rows hold nothing else", seen.filled()));
            if seen.blank > 0 {
                fit.at_most(LOOK, format!("{} of {} rows are blank", seen.blank, seen.rows));
            }
        }
    }
    Ok(fit)
}

/// Old systems pad what is shorter than its column.
fn padded(fit: &mut Fit, seen: Option<&Observed>) {
    if let Some(seen) = seen.filter(|seen| seen.padded > 0) {
        fit.calls.insert(0, "trimmed");
        fit.notes.push(format!("{} of {} rows have white space around", seen.padded, seen.rows));
    }
}

/// NULL that the destination does not take.
fn missing(fit: &mut Fit, from: &Column, to: &Column, seen: Option<&Observed>) {
    let gives_null = fit.calls.contains(&"zero_date_to_null");
    if to.nullable || !(from.nullable || gives_null) {
        return;
    }
    fit.asks = true;
    match seen.filter(|seen| seen.rows > 0) {
        Some(seen) if seen.nulls > 0 => {
            let (nulls, rows) = (seen.nulls, seen.rows);
            fit.at_most(
                LOOK,
                format!("{nulls} of {rows} rows hold nothing, and something must be here: a `default_value`?"),
            );
        }
        Some(_) if gives_null => fit.at_most(LOOK, "something must be here: a `default_value`?"),
        Some(seen) => fit.notes.push(format!("may be NULL there, and is in none of {} rows", seen.rows)),
        None => fit.at_most(LOOK, "may be NULL there, and must not be here"),
    }
}

/// Whether the type is declared with so few characters that they can only be a code.
pub(crate) fn is_short(column: &Column) -> bool {
    column.logical == LogicalType::Text && (1..=3).any(|length| has_length(column, length))
}

/// Whether the type is declared with this length.
fn has_length(column: &Column, length: usize) -> bool {
    column.declared.contains(&format!("({length})"))
}

/// Whether the type is declared for the text of a UUID.
pub(crate) fn is_uuid_text(column: &Column) -> bool {
    column.logical == LogicalType::Text && has_length(column, 36)
}
