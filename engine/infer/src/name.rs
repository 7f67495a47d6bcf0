//! A column's name in its table.
//!
//! In the table of offices, `office_nm` says no more than `name`. So each name is compared as it stands and without the words of its table.

use transload_model::Table;

use crate::confidence::Confidence;
use crate::words::{Word, alike, column_words, squeezed, word_alike};

/// A name that needs the words of its table taken away to be alike is a little less so.
const WITHOUT_TABLE: u32 = 970;

/// A name, read once and compared often.
#[derive(Debug, Clone)]
pub(crate) struct Name {
    snake: String,
    squeezed: String,
    /// The words in each way that they can be read, as they stand first, and what that is worth.
    forms: Vec<Form>,
    /// The same without the words that say that there is a key.
    as_reference: Vec<Form>,
}

type Form = (Vec<Word>, u32);

/// The words by which a table and its rows are called.
pub(crate) fn own_words(table: &Table, table_words: &[Word]) -> Vec<Word> {
    let mut own = table_words.to_vec();
    if let [key] = table.primary_key.as_slice() {
        own.extend(column_words(key.as_str()).into_iter().filter(|word| !word.is_kind()));
    }
    own
}

impl Name {
    pub(crate) fn of(name: &str, own: &[Word]) -> Self {
        let words = column_words(name);
        let is_own = |word: &Word| own.iter().any(|known| word_alike(word, known) >= 900);
        let bare: Vec<Word> = words.iter().filter(|word| !is_own(word)).cloned().collect();
        let bare = (!bare.is_empty() && bare.len() < words.len()).then_some((bare, WITHOUT_TABLE));
        let forms: Vec<Form> = std::iter::once((words, 1000)).chain(bare).collect();
        let as_reference = forms.iter().map(|(words, share)| (without_key_words(words), *share)).collect();
        Self { snake: transload_model::snake_case(name), squeezed: squeezed(name), forms, as_reference }
    }

    /// Whether `auto_map` takes the two for one name.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.snake == other.snake
    }

    /// Its words, in their order.
    pub(crate) fn words(&self) -> &[Word] {
        self.forms.first().map_or(&[], |(words, _)| words.as_slice())
    }

    /// Its words as one text.
    pub(crate) fn said(&self) -> String {
        self.words().iter().map(Word::as_str).collect::<Vec<_>>().join(" ")
    }

    /// Whether one of its words is this.
    pub(crate) fn says(&self, word: &str) -> bool {
        self.words().iter().any(|own| own.as_str() == word)
    }

    /// Whether it is the whole name of what the table holds: `name`, `full_name`.
    pub(crate) fn is_bare_name(&self) -> bool {
        let words = self.forms.last().map_or(&[][..], |(words, _)| words.as_slice());
        let is_name = |word: &Word| word.as_str() == "name";
        words.iter().any(is_name) && words.iter().all(|word| is_name(word) || word.as_str() == "full")
    }

    /// How alike the two are.
    pub(crate) fn alike(&self, other: &Self) -> Confidence {
        if self.is_same(other) {
            return Confidence::CERTAIN;
        }
        if !self.squeezed.is_empty() && self.squeezed == other.squeezed {
            return Confidence::thousandths(980);
        }
        best(&self.forms, &other.forms)
    }

    /// How alike the two are as references: what says that there is a key is left out.
    pub(crate) fn alike_as_references(&self, other: &Self) -> Confidence {
        best(&self.as_reference, &other.as_reference)
    }
}

fn without_key_words(words: &[Word]) -> Vec<Word> {
    let is_key_word = |word: &&Word| matches!(word.as_str(), "id" | "number" | "code" | "key");
    let others: Vec<Word> = words.iter().filter(|word| !is_key_word(word)).cloned().collect();
    if others.is_empty() { words.to_vec() } else { others }
}

fn best(one: &[Form], other: &[Form]) -> Confidence {
    let scores = one.iter().flat_map(|(words, share)| {
        other
            .iter()
            .map(move |(other_words, other_share)| alike(words, other_words) * (*share).min(*other_share) / 1000)
    });
    Confidence::thousandths(scores.max().unwrap_or(0))
}
