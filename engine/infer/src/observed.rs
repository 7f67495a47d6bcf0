//! What the rows of a column look like: how their dates are spelt, by which letters they say yes and no, whether there is NULL.
//!
//! A type says too little of an old column: `char(10)` may be a day in one of many spellings. What is kept of the rows is a shape. No value of a row
//! is ever part of it, so none can come into a spec or a message from here.

use std::collections::BTreeMap;

use transload_model::{ColumnName, TableName};

/// What was seen, by table and column.
pub type Observations = BTreeMap<(TableName, ColumnName), Observed>;

/// What was seen of a column.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Observed {
    /// Rows that were looked at.
    pub rows: usize,
    /// Those of them with NULL.
    pub nulls: usize,
    /// Those with a text of nothing but white space.
    pub blank: usize,
    /// Those with a text that has white space around it.
    pub padded: usize,
    /// Those with the zeros of a form that nobody filled in: `00/00/0000`.
    pub zeros: usize,
    /// How its texts spell days; `None` where they do not.
    pub days: Option<Days>,
    /// The words for yes and no, where all texts are one or the other.
    pub flags: Option<Flags>,
}

/// How a day is spelt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Days {
    /// A format of `strftime`; `None` for that of ISO 8601, which needs none.
    pub format: Option<&'static str>,
    /// How many texts are spelt so.
    pub fitting: usize,
    /// Whether another format fits as many.
    pub is_ambiguous: bool,
}

/// Two words of which one says yes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flags {
    /// Yes.
    pub yes: &'static str,
    /// No.
    pub no: &'static str,
}

/// What is taken for a flag where no row was seen.
pub(crate) const YES_AND_NO: Flags = Flags { yes: "Y", no: "N" };

const FLAGS: &[Flags] = &[
    YES_AND_NO,
    Flags { yes: "y", no: "n" },
    Flags { yes: "T", no: "F" },
    Flags { yes: "t", no: "f" },
    Flags { yes: "J", no: "N" },
    Flags { yes: "1", no: "0" },
    Flags { yes: "YES", no: "NO" },
    Flags { yes: "Yes", no: "No" },
    Flags { yes: "yes", no: "no" },
    Flags { yes: "true", no: "false" },
    Flags { yes: "TRUE", no: "FALSE" },
];

/// In the order in which they are preferred.
const FORMATS: &[&str] =
    &["%Y-%m-%d", "%Y%m%d", "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%Y/%m/%d", "%d-%m-%Y", "%m-%d-%Y", "%d%m%Y", "%m%d%Y"];

impl Observed {
    /// Looks at the texts of a column; `None` is NULL.
    #[must_use]
    pub fn of(texts: &[Option<String>]) -> Self {
        let present: Vec<&str> = texts.iter().flatten().map(String::as_str).collect();
        let words: Vec<&str> = present.iter().map(|text| text.trim()).filter(|text| !text.is_empty()).collect();
        let is_padded = |text: &&&str| text.trim() != **text && !text.trim().is_empty();
        let (zeros, others): (Vec<&str>, Vec<&str>) = words.iter().partition(|word| is_zero(word));
        Self {
            rows: texts.len(),
            nulls: texts.len() - present.len(),
            blank: present.len() - words.len(),
            padded: present.iter().filter(is_padded).count(),
            zeros: zeros.len(),
            days: days(&others),
            flags: flags(&words),
        }
    }

    /// The rows that say something.
    pub(crate) fn filled(&self) -> usize {
        self.rows - self.nulls - self.blank
    }

    /// The rows that say something other than zeros.
    pub(crate) fn days_told(&self) -> usize {
        self.filled() - self.zeros
    }
}

/// Eight zeros, with or without signs between them.
fn is_zero(word: &str) -> bool {
    let is_sign = |sign: char| matches!(sign, '0' | '/' | '-' | '.');
    word.chars().all(is_sign) && word.chars().filter(|sign| *sign == '0').count() == 8
}

fn days(words: &[&str]) -> Option<Days> {
    let counts = FORMATS.iter().map(|format| (words.iter().filter(|word| is_day(word, format)).count(), *format));
    let counts: Vec<(usize, &'static str)> = counts.collect();
    let most = counts.iter().map(|(count, _)| *count).max().filter(|most| *most > 0)?;
    let mut best = counts.iter().filter(|(count, _)| *count == most);
    let (fitting, format) = *best.next()?;
    let format = Some(format).filter(|format| *format != "%Y-%m-%d");
    Some(Days { format, fitting, is_ambiguous: best.next().is_some() })
}

/// Whether a text is a day that is spelt like this. The shape decides: whether February has a thirtieth is not asked.
fn is_day(word: &str, format: &str) -> bool {
    let mut rest = word;
    let mut signs = format.chars();
    while let Some(sign) = signs.next() {
        let (digits, range) = match (sign, sign == '%') {
            (_, true) => match signs.next() {
                Some('Y') => (4, 1000..=9999),
                Some('m') => (2, 1..=12),
                _ => (2, 1..=31),
            },
            (literal, false) => {
                let Some(left) = rest.strip_prefix(literal) else { return false };
                rest = left;
                continue;
            }
        };
        let Some((number, left)) = rest.split_at_checked(digits) else { return false };
        let is_number = number.chars().all(|character| character.is_ascii_digit());
        if !is_number || !number.parse::<u32>().is_ok_and(|number| range.contains(&number)) {
            return false;
        }
        rest = left;
    }
    rest.is_empty()
}

fn flags(words: &[&str]) -> Option<Flags> {
    let fits = |flags: &&Flags| words.iter().all(|word| *word == flags.yes || *word == flags.no);
    FLAGS.iter().find(fits).copied().filter(|_| !words.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(texts: &[&str]) -> Observed {
        let null = |text: &&str| (*text != "NULL").then(|| (*text).to_owned());
        Observed::of(&texts.iter().map(null).collect::<Vec<_>>())
    }

    #[test]
    fn days_are_read_by_their_shape() {
        for (texts, format, fitting, is_ambiguous) in [
            (&["31/12/1999", "01/02/2000"][..], Some("%d/%m/%Y"), 2, false),
            (&["12/31/1999", "01/02/2000"], Some("%m/%d/%Y"), 2, false),
            (&["01/02/2000"], Some("%d/%m/%Y"), 1, true),
            (&["19991231", "NULL", "  "], Some("%Y%m%d"), 1, false),
            (&["1999-12-31 "], None, 1, false),
            (&["00/00/0000", "31/12/1999"], Some("%d/%m/%Y"), 1, false),
        ] {
            assert_eq!(seen(texts).days, Some(Days { format, fitting, is_ambiguous }), "{texts:?}");
        }
        for texts in [&["yesterday"][..], &["1/1/2000"], &["NULL"], &[], &["31/12/1999 10:00"], &["½½/½½/2000"]] {
            assert_eq!(seen(texts).days, None, "{texts:?}");
        }
    }

    #[test]
    fn flags_are_known_pairs_of_words_and_nothing_else() {
        assert_eq!(seen(&["Y", "N ", "NULL"]).flags, Some(YES_AND_NO));
        assert_eq!(seen(&["N", "N"]).flags, Some(YES_AND_NO));
        assert_eq!(seen(&["0"]).flags, Some(Flags { yes: "1", no: "0" }));
        for texts in [&["Y", "?"][..], &[], &["NULL"], &["Smith"]] {
            assert_eq!(seen(texts).flags, None, "{texts:?}");
        }
    }

    #[test]
    fn what_says_nothing_is_counted() {
        let seen = seen(&["NULL", " ", "x", " y", "00/00/0000", "00000000"]);
        assert_eq!((seen.rows, seen.nulls, seen.blank, seen.padded, seen.zeros), (6, 1, 1, 1, 2));
        assert_eq!((seen.filled(), seen.days_told()), (4, 2));
    }
}
