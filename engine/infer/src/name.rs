//! A column's name in its table.
//!
//! In the table of offices, `office_nm` says no more than `name`. So each name is compared as it stands and without the words of its table.

use transload_model::Table;

use crate::confidence::Confidence;
use crate::words::{alike, column_words, is_kind, squeezed, word_alike};

/// A name that needs the words of its table taken away to be alike is a little less so.
const WITHOUT_TABLE: u32 = 970;

/// A name, read once and compared often.
#[derive(Debug, Clone)]
pub(crate) struct Name {
    snake: String,
    squeezed: String,
    words: Vec<String>,
    /// Without the words of the table; `None` where nothing is left, or nothing goes.
    bare: Option<Vec<String>>,
}

/// The words by which a table and its rows are called.
pub(crate) fn own_words(table: &Table, table_words: &[String]) -> Vec<String> {
    let mut own = table_words.to_vec();
    if let [key] = table.primary_key.as_slice() {
        own.extend(column_words(key.as_str()).into_iter().filter(|word| !is_kind(word)));
    }
    own
}

impl Name {
    pub(crate) fn of(name: &str, own: &[String]) -> Self {
        let words = column_words(name);
        let is_own = |word: &String| own.iter().any(|known| word_alike(word, known) >= 900);
        let bare: Vec<String> = words.iter().filter(|word| !is_own(word)).cloned().collect();
        let bare = (!bare.is_empty() && bare.len() < words.len()).then_some(bare);
        Self { snake: transload_model::snake_case(name), squeezed: squeezed(name), words, bare }
    }

    /// Whether `auto_map` takes the two for one name.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.snake == other.snake
    }

    /// Its words, in their order.
    pub(crate) fn words(&self) -> &[String] {
        &self.words
    }

    /// Whether one of its words is this.
    pub(crate) fn says(&self, word: &str) -> bool {
        self.words.iter().any(|own| own == word)
    }

    /// Whether it is the whole name of what the table holds: `name`, `full_name`.
    pub(crate) fn is_bare_name(&self) -> bool {
        let words = self.bare.as_ref().unwrap_or(&self.words);
        words.iter().any(|word| word == "name") && words.iter().all(|word| matches!(word.as_str(), "full" | "name"))
    }

    /// How alike the two are.
    pub(crate) fn alike(&self, other: &Self) -> Confidence {
        if self.is_same(other) {
            return Confidence::CERTAIN;
        }
        if !self.squeezed.is_empty() && self.squeezed == other.squeezed {
            return Confidence::thousandths(980);
        }
        best(&self.forms(), &other.forms())
    }

    /// How alike the two are as references: what says that there is a key is left out.
    pub(crate) fn alike_as_references(&self, other: &Self) -> Confidence {
        let bare = |forms: Vec<(Vec<String>, u32)>| -> Vec<(Vec<String>, u32)> {
            forms.into_iter().map(|(words, share)| (without_key_words(words), share)).collect()
        };
        best(&bare(self.forms()), &bare(other.forms()))
    }

    /// The words in each way that they can be read, and what that is worth.
    fn forms(&self) -> Vec<(Vec<String>, u32)> {
        let whole = (self.words.clone(), 1000);
        std::iter::once(whole).chain(self.bare.clone().map(|bare| (bare, WITHOUT_TABLE))).collect()
    }
}

fn without_key_words(words: Vec<String>) -> Vec<String> {
    let is_key_word = |word: &String| matches!(word.as_str(), "id" | "number" | "code" | "key");
    if words.iter().all(is_key_word) { words } else { words.into_iter().filter(|word| !is_key_word(word)).collect() }
}

fn best(one: &[(Vec<String>, u32)], other: &[(Vec<String>, u32)]) -> Confidence {
    let scores = one.iter().flat_map(|(words, share)| {
        other
            .iter()
            .map(move |(other_words, other_share)| alike(words, other_words) * (*share).min(*other_share) / 1000)
    });
    Confidence::thousandths(scores.max().unwrap_or(0))
}
