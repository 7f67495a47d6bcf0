//! Names of tables and columns as words.
//!
//! Old schemas shorten what they say (`ord_dt`, `CUSTADDR`), new ones spell it out. Here a name becomes the words that it stands for, each in the
//! singular and spelt out where the abbreviation is one that everybody uses.

use transload_model::snake_case;

/// Abbreviations that everybody uses, and what they stand for.
const SPELT_OUT: &[(&str, &str)] = &[
    ("acct", "account"),
    ("addr", "address"),
    ("adr", "address"),
    ("amt", "amount"),
    ("avg", "average"),
    ("bal", "balance"),
    ("birthday", "birth date"),
    ("birthdate", "birth date"),
    ("cat", "category"),
    ("cd", "code"),
    ("children", "child"),
    ("cnt", "count"),
    ("cre", "created"),
    ("crt", "created"),
    ("crtd", "created"),
    ("cust", "customer"),
    ("dept", "department"),
    ("descr", "description"),
    ("desc", "description"),
    ("dob", "birth date"),
    ("dt", "date"),
    ("dtl", "detail"),
    ("dttm", "time"),
    ("eff", "effective"),
    ("emp", "employee"),
    ("fl", "flag"),
    ("flg", "flag"),
    ("fname", "first name"),
    ("guid", "id"),
    ("hdr", "header"),
    ("hr", "hour"),
    ("img", "image"),
    ("ind", "flag"),
    ("init", "initial"),
    ("inv", "invoice"),
    ("lang", "language"),
    ("lname", "last name"),
    ("loc", "location"),
    ("lvl", "level"),
    ("mbr", "member"),
    ("mgr", "manager"),
    ("mo", "month"),
    ("ms", "millisecond"),
    ("msg", "message"),
    ("nbr", "number"),
    ("nm", "name"),
    ("no", "number"),
    ("nr", "number"),
    ("num", "number"),
    ("ord", "order"),
    ("org", "organization"),
    ("pct", "percent"),
    ("people", "person"),
    ("perc", "percent"),
    ("pmt", "payment"),
    ("prc", "price"),
    ("prod", "product"),
    ("pwd", "password"),
    ("qt", "quantity"),
    ("qty", "quantity"),
    ("rec", "record"),
    ("ref", "reference"),
    ("sec", "second"),
    ("seq", "sequence"),
    ("stat", "status"),
    ("sts", "status"),
    ("sys", "system"),
    ("tel", "phone"),
    ("telephone", "phone"),
    ("tm", "time"),
    ("tot", "total"),
    ("trx", "transaction"),
    ("ts", "time"),
    ("timestamp", "time"),
    ("txn", "transaction"),
    ("txt", "text"),
    ("typ", "type"),
    ("upd", "updated"),
    ("usr", "user"),
    ("uuid", "id"),
    ("wk", "week"),
    ("yr", "year"),
];

/// Words that mean the same in a schema.
const SAME: &[&[&str]] = &[
    &["born", "birth"],
    &["begin", "effective", "from", "start", "valid"],
    &["body", "content", "text"],
    &["client", "customer"],
    &["comment", "note", "remark"],
    &["cost", "price"],
    &["created", "inserted"],
    &["end", "expiry", "term", "thru", "until"],
    &["email", "mail"],
    &["employee", "staff"],
    &["family", "last", "surname"],
    &["first", "forename", "given"],
    &["gender", "sex"],
    &["image", "photo", "picture"],
    &["kind", "type"],
    &["modified", "updated"],
    &["postal", "postcode", "zip"],
];

/// Words that say what kind of value a column holds, or that a table is one. They tell columns apart less than the others do.
const KINDS: &[&str] = &[
    "address", "amount", "code", "data", "date", "flag", "full", "header", "id", "info", "key", "master", "name",
    "number", "percent", "quantity", "record", "table", "text", "time", "type",
];

/// Kinds that stand for one another now and then.
const NEAR_KINDS: &[(&str, &str)] =
    &[("date", "time"), ("id", "number"), ("id", "key"), ("code", "id"), ("code", "number")];

/// What a kind counts beside a word that is none.
const KIND_WEIGHT: u32 = 250;
const WEIGHT: u32 = 1000;

/// A word, with what is compared of it: names are many and words are few, but each is compared with all others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Word {
    text: String,
    /// A bit for each line of [`SAME`] that it is in.
    meanings: u32,
    /// The first letter and all consonants: what abbreviations keep.
    bones: String,
    is_kind: bool,
}

impl Word {
    pub(crate) fn of(text: &str) -> Self {
        let means = |group: &&[&str]| group.iter().any(|known| is_form_of(text, known));
        let meanings = SAME.iter().enumerate().filter(|(_, group)| means(group)).map(|(at, _)| 1 << at);
        Self {
            text: text.to_owned(),
            meanings: meanings.fold(0, |all, one: u32| all | one),
            bones: consonants(text),
            is_kind: KINDS.contains(&text) || text.chars().all(|character| character.is_ascii_digit()),
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it says what kind of value there is, and no more.
    pub(crate) fn is_kind(&self) -> bool {
        self.is_kind
    }
}

/// The words of a column's name. The ends and beginnings that conventions use for a kind of value are kinds.
pub(crate) fn column_words(name: &str) -> Vec<Word> {
    let mut parts = parts(name);
    if parts.len() > 1 {
        if let Some(first) = parts.first_mut().filter(|first| matches!(first.as_str(), "is" | "has")) {
            "flag".clone_into(first);
        }
        match parts.last_mut() {
            Some(last) if last == "on" => "date".clone_into(last),
            Some(last) if last == "at" => "time".clone_into(last),
            _ => {}
        }
    }
    spelt_out(&parts)
}

/// The words of a table's name.
pub(crate) fn table_words(name: &str) -> Vec<Word> {
    spelt_out(&parts(name))
}

/// A name in one piece: what `FIRSTNAME` and `first_name` have in common.
pub(crate) fn squeezed(name: &str) -> String {
    name.chars().filter(|character| character.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// The name at its signs, at the humps of its capitals, and where letters end and digits begin.
fn parts(name: &str) -> Vec<String> {
    let mut parts = Vec::new();
    for part in snake_case(name).split(|character: char| !character.is_alphanumeric()).filter(|part| !part.is_empty()) {
        let digits_at = part.find(|character: char| character.is_ascii_digit()).filter(|at| *at > 0);
        match digits_at.and_then(|at| part.split_at_checked(at)) {
            Some((letters, digits)) => parts.extend([letters.to_owned(), digits.to_owned()]),
            None => parts.push(part.to_owned()),
        }
    }
    parts
}

fn spelt_out(parts: &[String]) -> Vec<Word> {
    let mut words = Vec::new();
    for part in parts {
        let known = SPELT_OUT.iter().find(|(short, _)| short == part);
        match known {
            Some((_, long)) => words.extend(long.split(' ').map(Word::of)),
            None => words.push(Word::of(&singular(part))),
        }
    }
    words
}

/// A word in the singular, by the endings of English.
fn singular(word: &str) -> String {
    let is_one = word.len() < 4 || ["ss", "us", "is", "news"].iter().any(|end| word.ends_with(end));
    if is_one {
        return word.to_owned();
    }
    if let Some(stem) = word.strip_suffix("ies").filter(|stem| stem.len() > 1) {
        return format!("{stem}y");
    }
    let hisses = ["sses", "xes", "ches", "shes", "zes"].iter().any(|end| word.ends_with(end));
    let stem = if hisses { word.strip_suffix("es") } else { word.strip_suffix('s') };
    stem.unwrap_or(word).to_owned()
}

/// How alike two names are, in thousandths: the words that have a counterpart, by their weight.
pub(crate) fn alike(one: &[Word], other: &[Word]) -> u32 {
    let (one_weights, other_weights) = (weights(one), weights(other));
    let mut pairs: Vec<(u32, usize, usize)> = Vec::new();
    for (at, word) in one.iter().enumerate() {
        for (other_at, other_word) in other.iter().enumerate() {
            let score = word_alike(word, other_word);
            if score > 0 {
                pairs.push((score, at, other_at));
            }
        }
    }
    pairs.sort_by_key(|(score, at, other_at)| (u32::MAX - score, *at, *other_at));
    let (mut used, mut other_used) = (vec![false; one.len()], vec![false; other.len()]);
    let mut matched = 0;
    for (score, at, other_at) in pairs {
        if !used[at] && !other_used[other_at] {
            (used[at], other_used[other_at]) = (true, true);
            matched += score * (one_weights[at] + other_weights[other_at]);
        }
    }
    let total: u32 = one_weights.iter().chain(&other_weights).sum();
    matched.checked_div(total).unwrap_or(0)
}

/// What each word counts. Where there is nothing but kinds, they are what tells.
fn weights(words: &[Word]) -> Vec<u32> {
    let has_other = words.iter().any(|word| !word.is_kind);
    words.iter().map(|word| if has_other && word.is_kind { KIND_WEIGHT } else { WEIGHT }).collect()
}

/// How alike two words are, in thousandths.
pub(crate) fn word_alike(one: &Word, other: &Word) -> u32 {
    if one.text == other.text {
        return 1000;
    }
    if one.is_kind && other.is_kind && is_near_kind(&one.text, &other.text) {
        return 700;
    }
    if one.meanings & other.meanings != 0 {
        return 920;
    }
    let (short, long) = if one.text.len() <= other.text.len() { (one, other) } else { (other, one) };
    // Whatever is left begins with the same letter, but for what is wrongly spelt from the start.
    if short.text.chars().next() != long.text.chars().next() {
        return 0;
    }
    if is_form_of(&long.text, &short.text) {
        return 960;
    }
    if short.text.len() >= 3 && long.text.starts_with(&short.text) {
        return 900;
    }
    if short.bones.len() >= 3 && short.text.len() + 1 < long.text.len() {
        if long.bones.starts_with(&short.bones) {
            return 850;
        }
        if short.text == short.bones && is_kept(&short.text, &long.bones) {
            return 820;
        }
    }
    spelling(&short.text, &long.text)
}

fn is_near_kind(one: &str, other: &str) -> bool {
    NEAR_KINDS.iter().any(|(a, b)| (*a == one && *b == other) || (*a == other && *b == one))
}

/// Whether a word is another one with an ending of English: `hired` and `hire`, `opened` and `open`.
fn is_form_of(word: &str, stem: &str) -> bool {
    let base = stem.strip_suffix('e').unwrap_or(stem);
    word == stem
        || (base.len() >= 3
            && word.strip_prefix(base).is_some_and(|ending| matches!(ending, "ed" | "s" | "es" | "ing" | "e" | "t")))
}

fn consonants(word: &str) -> String {
    let is_vowel = |character: char| matches!(character, 'a' | 'e' | 'i' | 'o' | 'u');
    word.char_indices()
        .filter(|(at, character)| *at == 0 || !is_vowel(*character))
        .map(|(_, character)| character)
        .collect()
}

/// Whether all letters of the one are in the other, in their order.
fn is_kept(short: &str, long: &str) -> bool {
    let mut rest = long.chars();
    short.chars().all(|sign| rest.any(|other| other == sign))
}

/// How alike two words are that may be spelt in two ways, or wrongly.
fn spelling(short: &str, long: &str) -> u32 {
    let length = long.chars().count();
    if length < 5 || (long.len() - short.len()) * 4 > long.len() {
        return 0;
    }
    let wrong = strsim::damerau_levenshtein(short, long);
    let right = u32::try_from(length.saturating_sub(wrong) * 1000 / length).unwrap_or(0);
    if right >= 750 { right * 95 / 100 } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(words: &[Word]) -> String {
        words.iter().map(Word::as_str).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn there_is_a_bit_for_every_meaning() {
        assert!(SAME.len() <= 32);
    }

    #[test]
    fn names_become_the_words_they_stand_for() {
        for (name, expected) in [
            ("FirstName", "first name"),
            ("first_nm", "first name"),
            ("crt_ts", "created time"),
            ("created_at", "created time"),
            ("ord_dt", "order date"),
            ("ordered_on", "ordered date"),
            ("dob", "birth date"),
            ("is_active", "flag active"),
            ("actv_fl", "actv flag"),
            ("street_1", "street 1"),
            ("address2", "address 2"),
            ("DISC_PCT", "disc percent"),
            ("on", "on"),
            ("at", "at"),
            ("Größe", "größe"),
            ("a.b c-d", "a b c d"),
            ("__", ""),
        ] {
            assert_eq!(joined(&column_words(name)), expected, "{name}");
        }
    }

    #[test]
    fn tables_are_read_in_the_singular() {
        for (name, expected) in [
            ("dispatch_offices", "dispatch office"),
            ("group_policies", "group policy"),
            ("PlaylistTrack", "playlist track"),
            ("addresses", "address"),
            ("boxes", "box"),
            ("status", "status"),
            ("analysis", "analysis"),
            ("invoice_lines", "invoice line"),
            ("houses", "house"),
        ] {
            assert_eq!(joined(&table_words(name)), expected, "{name}");
        }
    }

    /// Pairs that a person would see at once, and pairs that only look alike.
    #[test]
    fn what_means_the_same_is_alike_and_what_does_not_is_not() {
        let score = |one: &str, other: &str| alike(&column_words(one), &column_words(other));
        for (one, other) in [
            ("first_nm", "first_name"),
            ("crt_ts", "created_at"),
            ("HireDate", "hired_on"),
            ("BirthDate", "born_on"),
            ("dob", "born_on"),
            ("lic_no", "licence_no"),
            ("license", "licence"),
            ("spec_cd", "specialty"),
            ("email_addr", "email"),
            ("disc_pct", "discount_percent"),
            ("actv_fl", "is_active"),
            ("zip_cd", "postal_code"),
            ("total_amt", "total"),
            ("phone_no", "phone"),
            ("InvoiceDate", "invoiced_at"),
            ("elim_days", "elimination_days"),
            ("upd_ts", "updated_at"),
            ("svc_dt", "service_on"),
            ("clm_no", "claim_no"),
            ("pol_no", "policy_no"),
        ] {
            assert!(score(one, other) >= 800, "{one} and {other}: {}", score(one, other));
            assert_eq!(score(one, other), score(other, one), "{one} and {other}");
        }
        for (one, other) in [
            ("phone_no", "record_no"),
            ("order_no", "phone_no"),
            ("crt_ts", "updated_at"),
            ("state_cd", "postal_code"),
            ("first_nm", "last_name"),
            ("open_dt", "due_on"),
            ("is_active", "is_vip"),
            ("city", "country"),
            ("bytes", "milliseconds"),
            ("a", "b"),
        ] {
            assert!(score(one, other) < 600, "{one} and {other}: {}", score(one, other));
        }
    }

    #[test]
    fn a_name_in_one_piece_is_found_again() {
        assert_eq!(squeezed("FIRSTNAME"), squeezed("first_name"));
        assert_eq!(squeezed("_-"), "");
    }
}
