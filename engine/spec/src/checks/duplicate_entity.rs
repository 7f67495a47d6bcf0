//! Two active specs of one entity, or for one destination table.
//!
//! Names are compared without case, because files, URLs and some databases do. Two writers of one table would undo each other's rows.

use transload_model::Code;

use crate::compile::Entities;
use crate::decode::Spec;
use crate::problems::{Place, Problems, problem};

pub(crate) fn check(entities: &Entities<'_>, problems: &mut Problems) {
    let active: Vec<&Spec> = entities.specs.iter().filter(|spec| spec.is_active).collect();
    for (at, spec) in active.iter().enumerate() {
        let earlier = active.get(..at).unwrap_or_default();
        let same_name = |other: &&&Spec| other.entity.value.as_str().eq_ignore_ascii_case(spec.entity.value.as_str());
        if let Some(first) = earlier.iter().find(same_name) {
            let headline = format!("entity `{}` has two active specs", spec.entity.value);
            report(problems, headline, (&spec.entity.place, &first.entity.place));
            continue;
        }
        let same_table = |other: &&&Spec| other.destination_table.value == spec.destination_table.value;
        if let Some(first) = earlier.iter().find(same_table) {
            let headline = format!("table `{}` is the destination of two active specs", spec.destination_table.value);
            report(problems, headline, (&spec.destination_table.place, &first.destination_table.place));
        }
    }
}

fn report(problems: &mut Problems, headline: String, (second, first): (&Place, &Place)) {
    let problem = problem(Code::DuplicateEntity, headline, second, "the second one");
    let problem = problem.label(&first.file, first.span.clone(), "the first one");
    problems.push(problem.help("rename one, or set `is_active: false` on it"));
}
