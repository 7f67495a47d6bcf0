//! Names of people and places.
//!
//! Many are not ASCII, because most names of the world are not, and a migration that only knows ASCII is found out late.

/// Given names.
#[rustfmt::skip]
pub(super) const GIVEN: [&str; 60] = [
    "Ada", "Agnieszka", "Aisha", "Amélie", "Anh", "Ásta", "Beatriz", "Björn", "Carlos", "Chloé", "Daniel", "Dolores", "Élodie",
    "Emma", "Fatima", "François", "George", "Grace", "Håkon", "Hannah", "Ian", "Inês", "Ivan", "James", "Jean-Luc", "João",
    "José", "Jürgen", "Kaitlyn", "Kenji", "Kofi", "Lars", "Leila", "Linda", "Łukasz", "Maeve", "Malik", "María", "Mei", "Michael",
    "Ngozi", "Nuño", "Olivia", "Oscar", "Patricia", "Priya", "Quinn", "Raúl", "Robert", "Rosalind", "Sanjay", "Siân", "Søren",
    "Tatiana", "Thảo", "Victor", "Wanjiru", "Yusuf", "Zoë", "Žofia",
];

/// Family names.
#[rustfmt::skip]
pub(super) const FAMILY: [&str; 64] = [
    "Adeyemi", "Álvarez", "Andersson", "Baker", "Bianchi", "Brown", "Castañeda", "Çelik", "Chen", "Cooper", "Da Silva", "Davis",
    "Dvořák", "Edwards", "Fernández", "Fischer", "Fitzgerald", "Garcia", "García", "Gonçalves", "Green", "Haddad", "Harris",
    "Hernández", "Ibáñez", "Ito", "Jensen", "Johnson", "Jones", "Kaur", "Kim", "Kowalski", "Krüger", "Lefèvre", "Lee", "Lewis",
    "Lindqvist", "Lopez", "Martin", "Martínez", "Mbeki", "Miller", "Müller", "Murphy", "Nguyễn", "Novák", "Núñez", "O'Brien",
    "O'Connor", "Okafor", "Østergård", "Patel", "Peña", "Pérez", "Robinson", "Sánchez", "Singh", "Smith", "Taylor", "Tran",
    "Van der Berg", "Walker", "Williams", "Wójcik",
];

/// A city with its state, the first three digits of its postal codes and its area code.
#[derive(Clone, Copy)]
pub(super) struct City {
    pub(super) name: &'static str,
    pub(super) state: &'static str,
    pub(super) postal_prefix: i64,
    pub(super) area: i64,
}

const fn city(name: &'static str, state: &'static str, postal_prefix: i64, area: i64) -> City {
    City { name, state, postal_prefix, area }
}

/// Cities, in upper case as the old system has them.
pub(super) const CITIES: [City; 20] = [
    city("ALBUQUERQUE", "NM", 871, 505),
    city("BOSTON", "MA", 21, 617),
    city("CAÑON CITY", "CO", 812, 719),
    city("CHICAGO", "IL", 606, 312),
    city("COEUR D'ALENE", "ID", 838, 208),
    city("DALLAS", "TX", 752, 214),
    city("DENVER", "CO", 802, 303),
    city("EL PASO", "TX", 799, 915),
    city("FORT WAYNE", "IN", 468, 260),
    city("LA CAÑADA FLINTRIDGE", "CA", 910, 818),
    city("LOS ANGELES", "CA", 900, 213),
    city("MIAMI", "FL", 331, 305),
    city("NEW YORK", "NY", 100, 212),
    city("OMAHA", "NE", 681, 402),
    city("PEÑA BLANCA", "NM", 870, 505),
    city("PHILADELPHIA", "PA", 191, 215),
    city("PORTLAND", "OR", 972, 503),
    city("SAN JUAN", "PR", 9, 787),
    city("SEATTLE", "WA", 981, 206),
    city("WINSTON-SALEM", "NC", 271, 336),
];

/// Streets, without a number.
#[rustfmt::skip]
pub(super) const STREETS: [&str; 16] = [
    "Alder Ave", "Birch St", "Cedar Ln", "Harbor Blvd", "Jefferson St", "Lakeview Dr", "Main St", "Maple Ave", "Mill Rd", "Oak St",
    "Orchard Rd", "Park Ave", "Río Grande Blvd", "Sunset Blvd", "Union Sq", "Washington St",
];

/// A name in lower-case ASCII letters, for an e-mail address.
pub(super) fn plain(name: &str) -> String {
    name.to_lowercase().chars().filter_map(plain_letter).collect()
}

fn plain_letter(letter: char) -> Option<char> {
    let plain = match letter {
        'á' | 'ã' | 'â' | 'å' | 'ả' => 'a',
        'ç' => 'c',
        'é' | 'è' | 'ê' | 'ë' | 'ễ' => 'e',
        'í' => 'i',
        'ł' => 'l',
        'ñ' => 'n',
        'ó' | 'ö' | 'ø' => 'o',
        'ř' => 'r',
        'ú' | 'ü' => 'u',
        'ž' => 'z',
        other => other,
    };
    plain.is_ascii_lowercase().then_some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_letter_of_every_name_has_a_plain_form() {
        for name in GIVEN.iter().chain(&FAMILY) {
            let letter_count = name.chars().filter(|letter| letter.is_alphabetic()).count();
            assert_eq!(plain(name).len(), letter_count, "{name}");
        }
    }
}
