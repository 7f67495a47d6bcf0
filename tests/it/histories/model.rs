//! What a destination is after a run, as the documents promise it: a model over maps, which knows nothing of the engine.

use std::collections::{BTreeMap, BTreeSet};

/// A row of the source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Person {
    pub(super) name: Option<String>,
    pub(super) grade: i64,
    pub(super) boss: Option<i64>,
}

/// What the spec says.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules {
    pub(super) upper: bool,
    pub(super) grade_max: i64,
}

/// A row of the destination.
#[derive(Debug, Clone)]
pub(super) struct LoadedPerson {
    pub(super) name: String,
    grade: i64,
    boss: Option<i64>,
    /// The source row that a run saw last; none where that does not stand for what is loaded.
    seen: Option<Person>,
    /// Whether that row failed, and this is an earlier one.
    is_stale: bool,
}

#[derive(Debug, Clone)]
pub(super) struct LoadedPet {
    name: String,
    owner: i64,
    /// A later version failed.
    is_stale: bool,
}

/// Source, destination and spec.
pub(super) struct Model {
    pub(super) rules: Rules,
    pub(super) people: BTreeMap<i64, Person>,
    pub(super) pets: BTreeMap<i64, (String, i64)>,
    pub(super) loaded_people: BTreeMap<i64, LoadedPerson>,
    pub(super) loaded_pets: BTreeMap<i64, LoadedPet>,
    failed_people: BTreeSet<i64>,
    failed_pets: BTreeSet<i64>,
    /// Gone from the source, and still referred to.
    refused: BTreeSet<i64>,
}

impl Model {
    pub(super) fn new(rules: Rules) -> Self {
        Self {
            rules,
            people: BTreeMap::new(),
            pets: BTreeMap::new(),
            loaded_people: BTreeMap::new(),
            loaded_pets: BTreeMap::new(),
            failed_people: BTreeSet::new(),
            failed_pets: BTreeSet::new(),
            refused: BTreeSet::new(),
        }
    }

    /// Whether no run had anything to do.
    pub(super) fn is_empty(&self) -> bool {
        self.loaded_people.is_empty() && self.loaded_pets.is_empty() && self.quarantine().is_empty()
    }

    /// Runs; says whether a guard keeps rows that seem to be gone.
    pub(super) fn run(&mut self, remap: bool) -> bool {
        self.refused.retain(|number| !self.people.contains_key(number));
        self.load_people(remap);
        self.load_pets(remap);
        // Children first.
        let pets_are_guarded = self.pets.is_empty() && !self.loaded_pets.is_empty();
        if !self.pets.is_empty() {
            self.loaded_pets.retain(|number, _| self.pets.contains_key(number));
        }
        pets_are_guarded | self.delete_people()
    }

    fn is_sound(&self, person: &Person) -> bool {
        person.name.is_some() && person.grade <= self.rules.grade_max
    }

    fn load_people(&mut self, remap: bool) {
        // Who can be referred to: who is here and there, and who comes, if whom they refer to does.
        let mut known: BTreeSet<i64> =
            self.people.iter().filter(|(_, person)| self.is_sound(person)).map(|(number, _)| *number).collect();
        known.extend(self.loaded_people.keys().filter(|number| self.people.contains_key(number)));
        loop {
            let is_lost = |number: &&i64| {
                let boss = self.people[*number].boss;
                !self.loaded_people.contains_key(number) && boss.is_some_and(|boss| !known.contains(&boss))
            };
            let lost: Vec<i64> = known.iter().filter(is_lost).copied().collect();
            if lost.is_empty() {
                break;
            }
            known.retain(|number| !lost.contains(number));
        }
        self.failed_people.clear();
        for (number, person) in self.people.clone() {
            let loaded = self.loaded_people.get_mut(&number);
            let is_done = loaded.as_ref().is_some_and(|row| row.seen.as_ref() == Some(&person) && !row.is_stale);
            if is_done && !remap {
                continue;
            }
            let misses = person.boss.is_some_and(|boss| !known.contains(&boss));
            if person.name.is_none() || person.grade > self.rules.grade_max || misses {
                self.failed_people.insert(number);
                if let Some(row) = loaded {
                    (row.seen, row.is_stale) = (Some(person), true);
                }
                continue;
            }
            let name = person.name.clone().unwrap_or_default();
            let name = if self.rules.upper { name.to_uppercase() } else { name };
            let row =
                LoadedPerson { name, grade: person.grade, boss: person.boss, seen: Some(person), is_stale: false };
            self.loaded_people.insert(number, row);
        }
        for (number, row) in &mut self.loaded_people {
            // Were it to come back as it was, it would still not be what is loaded.
            if row.is_stale && !self.people.contains_key(number) {
                row.seen = None;
            }
        }
    }

    fn load_pets(&mut self, remap: bool) {
        self.failed_pets.clear();
        for (number, (name, owner)) in &self.pets {
            let is_there = self.people.contains_key(owner) && self.loaded_people.contains_key(owner);
            let loaded = self.loaded_pets.get_mut(number);
            let is_done =
                loaded.as_ref().is_some_and(|pet| pet.name == *name && pet.owner == *owner && !pet.is_stale && !remap);
            if is_there || is_done {
                self.loaded_pets.insert(*number, LoadedPet { name: name.clone(), owner: *owner, is_stale: false });
                continue;
            }
            self.failed_pets.insert(*number);
            if let Some(pet) = loaded {
                pet.is_stale = true;
            }
        }
    }

    fn delete_people(&mut self) -> bool {
        let mut going: BTreeSet<i64> =
            self.loaded_people.keys().filter(|number| !self.people.contains_key(number)).copied().collect();
        if self.people.is_empty() {
            return !going.is_empty();
        }
        loop {
            let free: Vec<i64> =
                going.iter().filter(|number| !self.is_referred_to(**number, &BTreeSet::new())).copied().collect();
            if free.is_empty() {
                break;
            }
            for number in free {
                going.remove(&number);
                self.loaded_people.remove(&number);
            }
        }
        // Who is left refers to one another, or somebody stays who refers to one of them.
        if going.iter().all(|number| !self.is_referred_to(*number, &going)) {
            self.loaded_people.retain(|number, _| !going.contains(number));
            going.clear();
        }
        self.refused = going;
        false
    }

    /// Whether a row that is not one of `but` refers to it.
    fn is_referred_to(&self, number: i64, but: &BTreeSet<i64>) -> bool {
        let by_others =
            |(other, row): (&i64, &LoadedPerson)| *other != number && !but.contains(other) && row.boss == Some(number);
        self.loaded_people.iter().any(by_others) || self.loaded_pets.values().any(|pet| pet.owner == number)
    }

    pub(super) fn people_rows(&self) -> BTreeSet<String> {
        let text = |(number, row): (&i64, &LoadedPerson)| {
            let boss = row.boss.map_or("-".to_owned(), |boss| boss.to_string());
            format!("{number} {} {} {boss}", row.name, row.grade)
        };
        self.loaded_people.iter().map(text).collect()
    }

    pub(super) fn pets_rows(&self) -> BTreeSet<String> {
        self.loaded_pets.iter().map(|(number, pet)| format!("{number} {} {}", pet.name, pet.owner)).collect()
    }

    /// What is listed, and whether it was tried in vain or could not go.
    pub(super) fn quarantine(&self) -> BTreeSet<String> {
        let people = self.failed_people.union(&self.refused).map(|number| format!("people {number}"));
        people.chain(self.failed_pets.iter().map(|number| format!("pets {number}"))).collect()
    }
}
