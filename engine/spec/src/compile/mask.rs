//! `mask`: which columns are hidden in this environment, and which cannot be.
//!
//! A mask stands on a field and hides the source columns that the field reads, wherever else the entity reads them. What a row is found by
//! stays as it is, since the ledger keeps it: a mask on it is refused, and not left out.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use transload_model::{Code, ColumnName, EntityPlan, FieldPlan, Keep, LogicalType, Mask, MaskPlan, Severity};

use crate::Project;
use crate::compile::field::line;
use crate::compile::key::ResolvedKey;
use crate::compile::reads::Reads;
use crate::compile::script::Scripts;
use crate::compile::{Scope, default};
use crate::decode::{DetectionSpec, Field, MaskSpec, RuleSpec, Spec};
use crate::problems::{Problems, listed, problem, with_suggestion};

/// What the masks of a spec are compiled against.
pub(crate) struct Masked<'s, 'a> {
    pub(crate) scope: &'s Scope<'a>,
    pub(crate) spec: &'s Spec,
    pub(crate) key: &'s ResolvedKey<'a>,
    pub(crate) scripts: &'s Scripts,
    pub(crate) fields: &'s [FieldPlan],
}

/// The masks that count in this environment. All are checked, wherever they count.
pub(crate) fn masks(masked: &Masked<'_, '_>, reads: &mut Reads, problems: &mut Problems) -> Vec<MaskPlan> {
    let mut found = Vec::new();
    for field in &masked.spec.fields {
        let Some(mask) = &field.mask else { continue };
        check_environments(masked.scope.project, mask, problems);
        // Before any is made, so that a column which says whose days others are is masked as whatever it is read as.
        found.extend(masked.by(mask, reads, problems).map(|by| (field, mask, by)));
    }
    masked.check_days(&found, problems);
    let mut by_column: BTreeMap<&ColumnName, &MaskSpec> = BTreeMap::new();
    let mut plans = Vec::new();
    for &(field, mask, ref by) in &found {
        let columns = masked.columns(field);
        if columns.is_empty() && masked.is_sound(field) {
            let headline = format!("field `{}` reads no column and has a mask", field.destination.value);
            let found = problem(Code::MaskUnfit, headline, &mask.place, "this mask");
            problems.push(found.note("a mask hides what source columns hold").help("take it out"));
        }
        for column in columns {
            if let Some(other) = by_column.insert(column, mask) {
                if !is_same(other, mask) {
                    conflict(column, mask, other, problems);
                }
                continue;
            }
            let found = masked.column((field, mask), column, reads, problems);
            if applies(masked.scope.project, mask) {
                let place = line(masked.spec, &mask.place);
                let plan = |(read, mask)| MaskPlan { read, mask, by: by.clone(), place: place.clone() };
                plans.extend(found.into_iter().map(plan));
            }
        }
    }
    plans
}

/// Whether the mask counts here. Where nobody said which environment this is, it does: it could be any.
fn applies(project: &Project, mask: &MaskSpec) -> bool {
    let here = project.environment();
    let Some(environments) = &mask.environments else { return true };
    here == Project::WITHOUT_ENVIRONMENT || environments.iter().any(|named| named.value == here)
}

fn is_same(one: &MaskSpec, other: &MaskSpec) -> bool {
    let by = |mask: &MaskSpec| mask.by.as_ref().map(|by| by.value.clone());
    one.mask == other.mask && by(one) == by(other) && environments(one) == environments(other)
}

/// The environments that a mask names, in any order and however often.
fn environments(mask: &MaskSpec) -> Option<BTreeSet<&str>> {
    mask.environments.as_ref().map(|named| named.iter().map(|named| named.value.as_str()).collect())
}

/// Whether two masks can count in one environment.
fn meet(one: &MaskSpec, other: &MaskSpec) -> bool {
    match (environments(one), environments(other)) {
        (Some(one), Some(other)) => !one.is_disjoint(&other),
        _ => true,
    }
}

fn conflict(column: &ColumnName, mask: &MaskSpec, other: &MaskSpec, problems: &mut Problems) {
    let headline = format!("column `{column}` has two masks");
    let found = problem(Code::FieldConflict, headline, &mask.place, "this one");
    let found = found.label(&other.place.file, other.place.span.clone(), "and this one");
    problems.push(
        found.note("a mask hides a column from all fields of the entity").help("write the same mask twice, or once"),
    );
}

/// An environment that is not there would be one in which nothing is hidden.
fn check_environments(project: &Project, mask: &MaskSpec, problems: &mut Problems) {
    let names = || project.environments.iter().map(String::as_str);
    for named in mask.environments.iter().flatten() {
        if names().any(|name| name == named.value) {
            continue;
        }
        let headline = format!("the project has no environment `{}`", named.value);
        let found = problem(Code::UnknownEnvironment, headline, &named.place, "the mask is to count there");
        problems.push(match project.environments.is_empty() {
            true => found.note("`transload.yaml` has no `environments`"),
            false => {
                with_suggestion(found, &named.value, names()).note(format!("its environments are {}", listed(names())))
            }
        });
    }
}

impl Masked<'_, '_> {
    /// The columns that a field reads, by itself and by its scripts.
    fn columns<'f>(&'f self, field: &'f Field) -> Vec<&'f ColumnName> {
        let own = field.sources.iter().map(|source| &source.value);
        let scripts = field.calls.iter().flat_map(|call| self.scripts.columns(&call.name.value));
        own.chain(scripts).collect()
    }

    /// Whether it is known what a field's scripts read.
    fn is_sound(&self, field: &Field) -> bool {
        field.calls.iter().all(|call| self.scripts.is_sound(&call.name.value))
    }

    /// The read of the column that says whose day it is. It is read in every environment, so that rows look the same in all of them.
    fn by(&self, mask: &MaskSpec, reads: &mut Reads, problems: &mut Problems) -> Option<Vec<usize>> {
        let Some(by) = &mask.by else { return Some(Vec::new()) };
        let view = self.scope.source_table(self.spec)?;
        if let Some(column) = view.column(&by.value) {
            return Some(vec![reads.index(&column.name, column.logical)]);
        }
        let headline = format!("source column `{}` does not exist", by.value);
        let label = format!("not among the {} columns of {}", view.table.columns.len(), view.table.name);
        let names = view.table.columns.iter().map(|column| column.name.as_str());
        let found = problem(Code::UnknownColumn, headline, &by.place, label);
        problems.push(with_suggestion(found, by.value.as_str(), names));
        None
    }

    /// Refuses dates of one subject that may be moved by different numbers of days: the time between them would be another.
    fn check_days(&self, found: &[(&Field, &MaskSpec, Vec<usize>)], problems: &mut Problems) {
        let mut seen: Vec<(Vec<&ColumnName>, u32, &MaskSpec)> = Vec::new();
        for &(_, mask, _) in found {
            let Mask::ShiftDate { days, .. } = &mask.mask else { continue };
            let subject = match &mask.by {
                Some(by) => vec![&by.value],
                None => self.key.source.iter().map(|column| &column.name).collect(),
            };
            let differs = |(known, other_days, other): &&(Vec<&ColumnName>, u32, &MaskSpec)| {
                *known == subject && other_days != days && meet(mask, other)
            };
            if let Some((_, other_days, other)) = seen.iter().find(differs) {
                let headline = format!("days of one subject are moved by up to {other_days} and by up to {days}");
                let problem = problem(Code::MaskUnfit, headline, &mask.place, "this one");
                let problem = problem.label(&other.place.file, other.place.span.clone(), "and this one");
                let problem = problem.note("the time between them would not stay");
                problems.push(
                    problem.help("write the same `days` for both, or say by `by` that they have different subjects"),
                );
            }
            seen.push((subject, *days, mask));
        }
    }

    /// The reads of a column with what happens to each; none where a problem says why it cannot be masked.
    fn column(
        &self,
        (field, mask): (&Field, &MaskSpec),
        column: &ColumnName,
        reads: &Reads,
        problems: &mut Problems,
    ) -> Vec<(usize, Mask)> {
        let before = problems.seen();
        self.check_use((field, mask), column, problems);
        self.check_null(mask, column, reads, problems);
        let mut found = Vec::new();
        for (read, logical) in reads.of(column) {
            match fitting(field, mask, logical) {
                Ok(fitted) => {
                    self.check_length(&fitted, (read, mask), problems);
                    self.check_conversion(&fitted, ((read, logical), mask), problems);
                    self.check_unique(&fitted, ((read, logical), mask), problems);
                    found.push((read, fitted));
                }
                Err((label, help)) => {
                    let headline = format!("the mask `{}` does not fit column `{column}`", mask.mask.word());
                    problems.push(problem(Code::MaskUnfit, headline, &mask.place, label).help(help));
                }
            }
        }
        if problems.seen() == before { found } else { Vec::new() }
    }

    /// Columns that rows are found by.
    fn check_use(&self, (field, mask): (&Field, &MaskSpec), column: &ColumnName, problems: &mut Problems) {
        let Some((what, help)) = self.found_by(column) else { return };
        let headline = format!("column `{column}` cannot be masked: it {what}");
        let found = problem(Code::MaskUnfit, headline, &mask.place, "this mask");
        let found = match field.sources.iter().any(|source| source.value == *column) {
            true => found,
            false => found.note("a script of the field reads it, so it would be masked"),
        };
        problems.push(found.note("the ledger keeps it as it is, and finds rows by it").help(help));
    }

    /// What is found by a column, and what to do instead of masking it.
    fn found_by(&self, column: &ColumnName) -> Option<(&'static str, &'static str)> {
        let refers = |field: &Field| field.reference.is_some() && self.columns(field).contains(&column);
        if self.key.source.iter().any(|key| key.name == *column) {
            let help = "give rows keys of their own, `key: { strategy: uuid_v5 }`, and map the old key to no column";
            return Some(("is the source's key", help));
        }
        if self.spec.fields.iter().any(refers) {
            let help = "take the mask out: the field gets the new key, and not what the column holds";
            return Some(("refers to another entity", help));
        }
        match &self.spec.detection {
            DetectionSpec::Timestamp { cursor, .. } if cursor.value == *column => {
                Some(("is the `cursor_field`", "take `change_detection: { strategy: hash }`, which needs no cursor"))
            }
            _ => None,
        }
    }

    /// NULL where it would set every row aside.
    fn check_null(&self, mask: &MaskSpec, column: &ColumnName, reads: &Reads, problems: &mut Problems) {
        if mask.mask != Mask::Null {
            return;
        }
        let own: Vec<usize> = reads.of(column).into_iter().map(|(read, _)| read).collect();
        let is_emptied = |field: &&FieldPlan| {
            field.required
                && field.default.is_none()
                && field.calls.is_empty()
                && field.sources.iter().all(|read| own.contains(read))
        };
        let reads_any = |field: &&FieldPlan| !field.sources.is_empty();
        if let Some(field) = self.fields.iter().filter(reads_any).find(is_emptied) {
            let headline = format!("the mask `null` does not fit column `{column}`");
            let label = format!("field `{}` takes no NULL", field.destination);
            let found = problem(Code::MaskUnfit, headline, &mask.place, label);
            problems.push(found.help("take another strategy, or give the field a `default_value`"));
        }
    }

    /// A mask that its destination column would not keep.
    fn check_length(&self, fitted: &Mask, (read, mask): (usize, &MaskSpec), problems: &mut Problems) {
        let length = match fitted {
            Mask::Hash { keep: Keep::Nothing, .. } => fitted.hash_length(),
            Mask::Redact { with } => Some(with.chars().count()),
            _ => None,
        };
        let (Some(length), Some(view)) = (length, self.scope.destination_table(self.spec)) else { return };
        for field in self.fields.iter().filter(|field| field.sources == [read] && field.calls.is_empty()) {
            let limit = view.column(&field.destination).and_then(|column| column.max_length);
            if let Some(limit) = limit.filter(|limit| *limit < length) {
                let headline = format!("the mask `{}` has {length} characters", mask.mask.word());
                let label = format!("column `{}` keeps {limit}", field.destination);
                let found = problem(Code::MaskUnfit, headline, &mask.place, label);
                problems.push(found.help(match fitted {
                    Mask::Hash { .. } if Mask::HASH_LENGTHS.contains(&limit) => format!("write `length: {limit}`"),
                    _ => "take a shorter one, or widen the column".to_owned(),
                }));
            }
        }
    }

    /// A text that its field could not make its type of: every row would be set aside.
    fn check_conversion(
        &self,
        fitted: &Mask,
        ((read, logical), mask): ((usize, LogicalType), &MaskSpec),
        problems: &mut Problems,
    ) {
        let is_own =
            |field: &&FieldPlan| field.sources == [read] && field.calls.is_empty() && field.reference.is_none();
        for field in self.fields.iter().filter(is_own).filter(|_| logical == LogicalType::Text) {
            let format = field.format.as_deref();
            let fits = match (fitted, sample(fitted)) {
                (_, Some(text)) => default::fits(&Value::from(text), field.data_type, format),
                (Mask::Hash { .. }, None) => keeps_form(field.data_type, format),
                (_, None) => true,
            };
            if !fits {
                let headline = format!("the mask `{}` is no {}", mask.mask.word(), field.data_type);
                let label = format!("field `{}` makes one of the text", field.destination);
                let found = problem(Code::MaskUnfit, headline, &mask.place, label);
                problems.push(found.help(match field.data_type {
                    LogicalType::Date | LogicalType::Timestamp | LogicalType::Timestamptz => {
                        "take `{ strategy: shift_date, days: 30 }`, or `null`"
                    }
                    LogicalType::Integer => "take `{ strategy: hash, keep: format }`, or `null`",
                    _ => "take `null`",
                }));
            }
        }
    }

    /// Masks that make equal what must not be, in fields that hold nothing else.
    fn check_unique(
        &self,
        fitted: &Mask,
        ((read, logical), mask): ((usize, LogicalType), &MaskSpec),
        problems: &mut Problems,
    ) {
        let is_own = |field: &&FieldPlan| field.sources == [read] && self.must_be_unique(&field.destination);
        for field in self.fields.iter().filter(is_own) {
            let destination = &field.destination;
            let told = |what: &str| format!("the mask `{}` {what} in column `{destination}`", mask.mask.word());
            let label = "no two rows may have the same there";
            match fitted {
                Mask::Redact { .. } => {
                    let found = problem(Code::MaskUnfit, told("makes all values one"), &mask.place, label);
                    problems.push(found.help("take `hash`, which keeps apart what is different"));
                }
                _ if may_meet(fitted, logical) => {
                    let mut found = problem(Code::MaskUnfit, told("may make two values one"), &mask.place, label);
                    found.severity = Severity::Warning;
                    let found = found.note("rows that have a value which another has are set aside");
                    problems.push(found.help("take `hash` with 16 characters or more, where the type allows it"));
                }
                _ => {}
            }
        }
    }

    /// Whether the destination, or a rule, refuses a column's second row of one value.
    fn must_be_unique(&self, column: &ColumnName) -> bool {
        let keys = self.scope.destination_table(self.spec).into_iter().flat_map(|view| &view.table.unique_keys);
        let by_rule = |rule: &RuleSpec| rule.rule.value == "unique" && rule.field.value == *column;
        keys.into_iter().any(|key| key.as_slice() == std::slice::from_ref(column))
            || self.spec.rules.iter().any(by_rule)
    }
}

/// A text such as a mask leaves; none where the value decides what it looks like.
fn sample(mask: &Mask) -> Option<String> {
    let digits = |length: usize| "0123456789abcdef".chars().cycle().take(length).collect::<String>();
    match mask {
        Mask::Hash { keep: Keep::Nothing, .. } => mask.hash_length().map(digits),
        Mask::Hash { keep: Keep::Domain, .. } => mask.hash_length().map(|length| digits(length) + "@example.org"),
        Mask::Redact { with } => Some(with.clone()),
        Mask::Partial { with, .. } => Some(with.to_string().repeat(8)),
        Mask::Hash { keep: Keep::Format, .. } | Mask::Null | Mask::ShiftDate { .. } => None,
    }
}

/// Whether different values often get the same mask.
fn may_meet(mask: &Mask, logical: LogicalType) -> bool {
    const APART: usize = 16;
    match mask {
        Mask::Partial { .. } | Mask::Hash { keep: Keep::Format, .. } => true,
        Mask::Hash { .. } => logical == LogicalType::Integer || mask.hash_length().is_some_and(|length| length < APART),
        Mask::Redact { .. } | Mask::Null | Mask::ShiftDate { .. } => false,
    }
}

/// Whether other digits and letters in the place of those that are there are still a value of the type.
fn keeps_form(data_type: LogicalType, format: Option<&str>) -> bool {
    let is_number = matches!(data_type, LogicalType::Integer | LogicalType::Decimal { .. } | LogicalType::Float);
    format.is_none() && (is_number || data_type == LogicalType::Text)
}

/// The mask for values of a type; a label and a help where there is none.
fn fitting(field: &Field, mask: &MaskSpec, logical: LogicalType) -> Result<Mask, (String, String)> {
    let refused = |help: &str| Err((format!("its values are {logical}"), help.to_owned()));
    match (&mask.mask, logical) {
        (Mask::Null, _)
        | (Mask::Redact { .. } | Mask::Partial { .. } | Mask::Hash { .. }, LogicalType::Text)
        | (Mask::Hash { keep: Keep::Nothing, length: None }, LogicalType::Uuid)
        | (Mask::Hash { keep: Keep::Nothing | Keep::Format, length: None }, LogicalType::Integer)
        | (
            Mask::ShiftDate { format: None, .. },
            LogicalType::Date | LogicalType::Timestamp | LogicalType::Timestamptz,
        ) => Ok(mask.mask.clone()),
        (Mask::ShiftDate { days, format }, LogicalType::Text) => {
            let own = field.format.as_ref().map(|format| &format.value);
            let Some(format) = format.as_ref().or(own).cloned() else {
                return refused(
                    "say how the text spells days: `mask: { strategy: shift_date, days: 30, format: \"%Y%m%d\" }`",
                );
            };
            if let Err(reason) = crate::compile::format::check(&format, LogicalType::Timestamp) {
                return Err((format!("the format {reason}"), "such as `%Y-%m-%d` or `%d/%m/%Y`".to_owned()));
            }
            Ok(Mask::ShiftDate { days: *days, format: Some(format) })
        }
        (Mask::ShiftDate { .. }, LogicalType::Date | LogicalType::Timestamp | LogicalType::Timestamptz) => {
            refused("take `format` out: it is for text")
        }
        (Mask::ShiftDate { .. }, _) => {
            refused("`shift_date` is for days; `hash` for text, integers and UUIDs; `null` for all")
        }
        (Mask::Hash { .. }, LogicalType::Integer | LogicalType::Uuid) => {
            refused("take out what is for text: `keep`, `length`")
        }
        (Mask::Hash { .. }, LogicalType::Date | LogicalType::Timestamp | LogicalType::Timestamptz) => {
            refused("take `{ strategy: shift_date, days: 30 }`, or `null`")
        }
        (Mask::Hash { .. } | Mask::Redact { .. } | Mask::Partial { .. }, _) => {
            refused("take `null`, which fits all types; `hash` is for text, integers and UUIDs, the others for text")
        }
    }
}

/// Columns that one entity hides and another shows.
pub(crate) fn warn_of_bypasses(scope: &Scope<'_>, entities: &[EntityPlan], problems: &mut Problems) {
    for hider in entities {
        for mask in &hider.masks {
            let column = &hider.reads[mask.read].name;
            let shows = |entity: &&EntityPlan| {
                let hides = |mask: &MaskPlan| entity.reads[mask.read].name == *column;
                let reads = entity.reads.iter().any(|read| read.name == *column);
                entity.source == hider.source && reads && !entity.masks.iter().any(hides)
            };
            for entity in entities.iter().filter(shows) {
                bypassed(scope, (hider, entity), column, problems);
            }
        }
    }
}

fn bypassed(
    scope: &Scope<'_>,
    (hider, shower): (&EntityPlan, &EntityPlan),
    column: &ColumnName,
    problems: &mut Problems,
) {
    let Some(spec) = scope.entity(&shower.name).and_then(|at| scope.specs.get(at)) else { return };
    let reads = |field: &&Field| field.sources.iter().any(|source| source.value == *column);
    let field = spec.fields.iter().find(reads);
    let place = field.map_or(&spec.source_table.place, |field| &field.destination.place);
    let headline = format!("entity `{}` reads column `{column}` as it is, and `{}` masks it", shower.name, hider.name);
    let label = match field {
        Some(field) if field.is_auto => "`auto_map` copies it",
        Some(_) => "this field reads it",
        None => "a key or a script reads it",
    };
    let warning = transload_model::Diagnostic::warning(Code::MaskBypassed, headline);
    let warning = warning.label(&place.file, place.span.clone(), label);
    problems.push(warning.note("what is hidden there is seen here").help("mask it here, too, or take it out"));
}
