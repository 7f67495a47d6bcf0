//! One field: its sources, its chain, its conversion, and whether the destination column keeps the result.

use std::sync::Arc;

use transload_model::{Call, Code, Column, Conversion, FieldPlan, Function, KeyStrategy, LogicalType};

use crate::compile::key::ResolvedKey;
use crate::compile::key_field::is_key_field;
use crate::compile::reads::Reads;
use crate::compile::reference::{self, ResolvedReference};
use crate::compile::script::Scripts;
use crate::compile::{Scope, default, format, width};
use crate::decode::{CallSpec, Field, Spec};
use crate::problems::{Place, Problems, problem};

/// What a field is compiled against.
pub(crate) struct Context<'s, 'a> {
    pub(crate) scope: &'s Scope<'a>,
    pub(crate) keys: &'s [Option<ResolvedKey<'a>>],
    pub(crate) spec: &'s Spec,
    pub(crate) key: Option<&'s ResolvedKey<'a>>,
    pub(crate) scripts: &'s Scripts,
}

/// A field, and what else decides what it gives.
pub(crate) struct CompiledField {
    pub(crate) plan: FieldPlan,
    pub(crate) parent_strategy: Option<KeyStrategy>,
}

/// The type of a value on its way; `None` where it is known only when a row is there.
type Known = Option<LogicalType>;

/// Compiles a field; `None` where a problem says why not.
pub(crate) fn compile_field(
    context: &Context<'_, '_>,
    field: &Field,
    reads: &mut Reads,
    problems: &mut Problems,
) -> Option<CompiledField> {
    if !field.is_sound {
        return None;
    }
    let (sources, inputs) = sources(context, field, reads);
    let (calls, given) = chain(context, field, inputs, reads, problems)?;
    let column = context.scope.destination_table(context.spec)?.column(&field.destination.value)?;
    if column.generated {
        let headline = format!("destination column `{}` is computed by the database", column.name);
        problems.push(problem(Code::UnfitColumn, headline, &field.destination.place, "nothing may be written to it"));
        return None;
    }
    let reference = match &field.reference {
        Some(spec) => Some(reference::resolve(context.scope, context.keys, (field, spec), &given, problems)?),
        None => None,
    };
    let is_key = context.key.is_some_and(|key| is_key_field(key, field));
    let from = given.first().copied().flatten();
    let typed = Typed { field, column, from, reference: reference.as_ref(), is_key };
    if !typed.check(problems) {
        return None;
    }
    if let [only] = field.sources.as_slice()
        && let Some(source) = context.scope.source_table(context.spec).and_then(|view| view.column(&only.value))
        && let Some(from) = from
    {
        width::narrower(field, (source, from), (column, typed.data_type()))
            .into_iter()
            .for_each(|narrow| problems.push(narrow));
    }
    let place = &field.destination.place;
    Some(CompiledField {
        parent_strategy: reference.as_ref().map(|reference| reference.parent_strategy),
        plan: FieldPlan {
            destination: column.name.clone(),
            sources,
            calls,
            default: field.default.as_ref().map(|default| default.value.clone()),
            format: field.format.as_ref().map(|format| format.value.clone()),
            data_type: typed.data_type(),
            written_as: typed.written_as(),
            required: is_required(context, field, column),
            sensitive: field.sensitive,
            reference: reference.map(|reference| reference.reference),
            place: line(context.spec, place),
        },
    })
}

/// `specs/patients.yaml:31`
pub(crate) fn line(spec: &Spec, place: &Place) -> String {
    let line = match Arc::ptr_eq(&place.file, &spec.file) {
        true => spec.lines.line(place.span.start),
        // Of a template.
        false => place.file.position(place.span.start).0,
    };
    format!("{}:{line}", place.file.path)
}

/// The columns to read and their types. One that does not exist has been reported; its type stays open.
fn sources(context: &Context<'_, '_>, field: &Field, reads: &mut Reads) -> (Vec<usize>, Vec<Known>) {
    let view = context.scope.source_table(context.spec);
    let (mut indexes, mut types) = (Vec::new(), Vec::new());
    for source in &field.sources {
        let logical = view.and_then(|view| view.column(&source.value)).map(|column| match column.logical {
            LogicalType::Date | LogicalType::Timestamp if field.format.is_some() => LogicalType::Text,
            logical => logical,
        });
        if let Some(logical) = logical {
            indexes.push(reads.index(&source.value, logical));
        }
        types.push(logical);
    }
    (indexes, types)
}

/// The functions of a field in their order, and the type that the last one gives; without any, those of the source columns.
fn chain(
    context: &Context<'_, '_>,
    field: &Field,
    mut inputs: Vec<Known>,
    reads: &mut Reads,
    problems: &mut Problems,
) -> Option<(Vec<Call>, Vec<Known>)> {
    let mut calls = Vec::new();
    for call in &field.calls {
        let (function, returns) = match context.scripts.index(&call.name.value) {
            Some(index) => {
                read_row(context, &call.name.value, reads);
                (Function::Script(index), None)
            }
            None => library_call(context, call, &inputs, problems)?,
        };
        calls.push(Call { function, arguments: call.arguments.clone() });
        inputs = vec![returns];
    }
    Some((calls, inputs))
}

fn read_row(context: &Context<'_, '_>, function: &str, reads: &mut Reads) {
    let Some(view) = context.scope.source_table(context.spec) else {
        return;
    };
    for name in context.scripts.columns(function) {
        if let Some(column) = view.column(name) {
            reads.index(name, column.logical);
        }
    }
}

fn library_call(
    context: &Context<'_, '_>,
    call: &CallSpec,
    inputs: &[Known],
    problems: &mut Problems,
) -> Option<(Function, Known)> {
    match context.scope.vocabulary.call(&call.name.value, inputs, &call.arguments) {
        Ok(info) => Some((info.function, info.returns)),
        // An unknown name is reported where all names are checked.
        Err(None) => None,
        Err(Some((headline, note))) => {
            let label = format!("this call of `{}`", call.name.value);
            problems.push(problem(Code::FunctionArgument, headline, &call.name.place, label).note(note));
            None
        }
    }
}

fn is_required(context: &Context<'_, '_>, field: &Field, column: &Column) -> bool {
    let is_key = context.key.is_some_and(|key| is_key_field(key, field));
    let is_own = field.reference.as_ref().is_some_and(|reference| reference.entity.value == context.spec.entity.value);
    match &field.required {
        Some(required) => required.value,
        None => is_key || (!is_own && !column.nullable && !column.has_default),
    }
}

/// A field whose types are known.
struct Typed<'f> {
    field: &'f Field,
    column: &'f Column,
    from: Known,
    reference: Option<&'f ResolvedReference>,
    /// Whether it fills a column of the destination's key.
    is_key: bool,
}

impl Typed<'_> {
    /// The type after conversion.
    fn data_type(&self) -> LogicalType {
        match (self.reference, &self.field.data_type) {
            (Some(reference), _) => reference.looked_up,
            (None, Some(data_type)) => data_type.value,
            (None, None) => self.column.logical,
        }
    }

    /// The type of what is written.
    fn written_as(&self) -> LogicalType {
        self.reference.map_or_else(|| self.data_type(), |reference| reference.written_as)
    }

    /// The place that decides the type: what the user wrote about it, or what comes closest.
    fn type_place(&self) -> &Place {
        let reference = self.field.reference.as_ref().map(|reference| &reference.entity.place);
        let own = self.field.data_type.as_ref().map(|data_type| &data_type.place);
        let call = self.field.calls.last().map(|call| &call.name.place);
        let source = self.field.sources.first().map(|source| &source.place);
        reference.or(own).or(call).or(source).unwrap_or(&self.field.destination.place)
    }

    fn check(&self, problems: &mut Problems) -> bool {
        let before = problems.seen();
        self.check_format(problems);
        self.check_conversion(problems);
        self.check_default(problems);
        self.check_mapped(problems);
        self.check_column(problems);
        problems.seen() == before
    }

    fn check_format(&self, problems: &mut Problems) {
        let Some(format) = &self.field.format else {
            return;
        };
        let name = &self.field.destination.value;
        if let Err(reason) = format::check(&format.value, self.data_type()) {
            let headline = format!("the format of field `{name}` {reason}");
            let label = format!("for a {} field", self.data_type());
            let help = match self.data_type() {
                LogicalType::Timestamptz => "take `format` out; text is read as `YYYY-MM-DDTHH:MM:SSZ`",
                _ => "such as `%Y-%m-%d` or `%d/%m/%Y %H:%M:%S`",
            };
            problems.push(problem(Code::SpecValue, headline, &format.place, label).help(help));
        } else if let Some(from) = self.from.filter(|from| *from != LogicalType::Text) {
            let headline = format!("the format of field `{name}` is for text, and its value is {from}");
            problems.push(problem(Code::SpecValue, headline, &format.place, "this format"));
        }
    }

    fn check_conversion(&self, problems: &mut Problems) {
        let to = self.data_type();
        let Some(from) = self.from.filter(|from| from.conversion(to) == Conversion::Impossible) else {
            return;
        };
        let name = &self.field.destination.value;
        let headline = format!("field `{name}` cannot turn {from} into {to}");
        let problem = problem(
            Code::ImpossibleConversion,
            headline,
            self.type_place(),
            format!("{from} comes in, {to} is wanted"),
        );
        let problem = match self.field.data_type {
            None => problem.note(format!("column `{}` is declared `{}`", self.column.name, self.column.declared)),
            Some(_) => problem,
        };
        problems.push(match (from, to) {
            (LogicalType::Timestamptz, LogicalType::Timestamp | LogicalType::Date)
            | (LogicalType::Timestamp | LogicalType::Date, LogicalType::Timestamptz) => {
                problem.help("a time zone would have to be declared, which is not built yet")
            }
            (_, LogicalType::Uuid) if self.is_key => problem.help(
                "give the rows new keys: `key: { strategy: uuid_v7 }`, or `uuid_v5` with a `namespace` of your own",
            ),
            _ => problem.help("write a transformation that makes the value you want"),
        });
    }

    fn check_default(&self, problems: &mut Problems) {
        let Some(default) = &self.field.default else {
            return;
        };
        let format = self.field.format.as_ref().map(|format| format.value.as_str());
        if !default::fits(&default.value, self.data_type(), format) {
            let headline =
                format!("`default_value` of field `{}` is no {}", self.field.destination.value, self.data_type());
            let problem = problem(Code::SpecValue, headline, &default.place, "this value");
            let problem = problem.note("it is converted as a row's value is: nothing is rounded or cut");
            problems.push(match (self.data_type(), format) {
                (LogicalType::Date, None) => problem.help("write it as `YYYY-MM-DD`"),
                (LogicalType::Timestamp, None) => problem.help("write it as `YYYY-MM-DDTHH:MM:SS`"),
                (LogicalType::Timestamptz, None) => problem.help("write it as `YYYY-MM-DDTHH:MM:SSZ`"),
                _ => problem,
            });
        }
        let length = default.value.as_str().map(|text| text.chars().count());
        // That of a reference is an old key.
        if let (None, Some(length), Some(limit)) = (self.reference, length, self.column.max_length)
            && length > limit
        {
            let headline =
                format!("`default_value` of field `{}` has {length} characters", self.field.destination.value);
            let label = format!("column `{}` keeps {limit}", self.column.name);
            problems.push(problem(Code::SpecValue, headline, &default.place, label));
        }
    }

    /// Values of a `value_map` at the end of the chain that the column never keeps.
    fn check_mapped(&self, problems: &mut Problems) {
        let last = self.field.calls.last().filter(|call| call.name.value == "value_map");
        let (Some(call), Some(limit), None) = (last, self.column.max_length, self.reference) else { return };
        let map = call.arguments.get("map").and_then(serde_json::Value::as_object);
        let texts = map.into_iter().flat_map(serde_json::Map::values).filter_map(serde_json::Value::as_str);
        if let Some(long) = texts.map(|text| text.chars().count()).find(|length| *length > limit) {
            let headline = format!("a value of field `{}` has {long} characters", self.field.destination.value);
            let label = format!("column `{}` keeps {limit}", self.column.name);
            problems.push(problem(Code::SpecValue, headline, &call.name.place, label));
        }
    }

    fn check_column(&self, problems: &mut Problems) {
        let written_as = self.written_as();
        let stores = self.column.stores.contains(&written_as.kind())
            || (written_as == LogicalType::Uuid && self.column.takes_uuid());
        if stores {
            return;
        }
        let headline = format!("destination column `{}` does not store {written_as} as it is", self.column.name);
        let label = format!("{written_as} would be written");
        let taken = self.field.reference.as_ref().and_then(|reference| reference.column.as_ref());
        let place = taken.map_or_else(|| self.type_place(), |column| &column.place);
        let problem = problem(Code::UnfitColumn, headline, place, label);
        let problem = problem.note(format!("the column is declared `{}`", self.column.declared));
        problems.push(match self.reference.and_then(|resolved| resolved.reference.column.as_ref()) {
            Some(column) => {
                problem.help(format!("`{column}` is one column of the new key: name the one that is meant"))
            }
            None => problem,
        });
    }
}
