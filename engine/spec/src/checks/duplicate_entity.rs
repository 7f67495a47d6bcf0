//! Two active specs of one entity, or for one destination table.
//!
//! Names are compared without case, because files, URLs and some databases do. Two writers of one table would undo each other's rows.

use std::collections::BTreeMap;

use transload_model::{Code, TableName};

use crate::compile::Entities;
use crate::decode::Spec;
use crate::problems::{Place, Problems, problem};

pub(crate) fn check(entities: &Entities<'_>, problems: &mut Problems) {
    let mut names: BTreeMap<String, &Spec> = BTreeMap::new();
    let mut tables: BTreeMap<&TableName, &Spec> = BTreeMap::new();
    for spec in entities.specs.iter().filter(|spec| spec.is_active) {
        let same_name = *names.entry(spec.entity.value.as_str().to_ascii_lowercase()).or_insert(spec);
        let same_table = *tables.entry(&spec.destination_table.value).or_insert(spec);
        if !std::ptr::eq(same_name, spec) {
            let headline = format!("entity `{}` has two active specs", spec.entity.value);
            report(problems, headline, (&spec.entity.place, &same_name.entity.place));
        } else if !std::ptr::eq(same_table, spec) {
            let headline = format!("table `{}` is the destination of two active specs", spec.destination_table.value);
            report(problems, headline, (&spec.destination_table.place, &same_table.destination_table.place));
        }
    }
}

fn report(problems: &mut Problems, headline: String, (second, first): (&Place, &Place)) {
    let problem = problem(Code::DuplicateEntity, headline, second, "the second one");
    let problem = problem.label(&first.file, first.span.clone(), "the first one");
    problems.push(problem.help("rename one, or set `is_active: false` on it"));
}
