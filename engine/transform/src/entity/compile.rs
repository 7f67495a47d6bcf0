//! An entity's plan made executable.
//!
//! The plan was checked against the same functions, so what fails here is a default that does not fit its field, a library that changed in between,
//! or a bug.

use transload_model::{
    Call, Code, Conversion, Diagnostic, EntityPlan, FieldPlan, Function, LogicalType, Result, RulePlan, Script,
    TransformContext,
};

use crate::argument::Arguments;
use crate::built_in;
use crate::convert::{Format, Scalar};
use crate::mask::Masks;
use crate::rule::Rule;
use crate::script::{Host, Library, Program};

use super::field::Field;
use super::judge::Judge;
use super::run::Entity;
use super::step::Step;
use super::validate::RuleOnField;

/// Compiles all fields and rules.
pub(crate) fn compile(plan: &EntityPlan, context: &TransformContext, library: &Library) -> Result<Entity> {
    let is_script = |call: &Call| !matches!(call.function, Function::BuiltIn(_));
    let has_scripts = plan.fields.iter().any(|field| field.calls.iter().any(is_script))
        || plan.rules.iter().any(|rule| rule.script.is_some());
    let host = has_scripts.then(|| Host::new(library, context));
    let compiler = Compiler { plan, library, host: host.as_ref() };
    let fields = plan.fields.iter().map(|field| compiler.field(field)).collect::<Result<Vec<Field>>>()?;
    let rules = plan.rules.iter().map(|rule| compiler.rule(rule, context)).collect::<Result<Vec<RuleOnField>>>()?;
    let destinations = &plan.key.destination;
    let destination = |place: usize| destinations.get(place).or(destinations.first()).cloned();
    let key = plan.key.source.iter().enumerate().map(|(place, column)| (*column, destination(place))).collect();
    Ok(Entity { reads: plan.reads.clone(), masks: Masks::new(plan, context)?, key, fields, rules, host })
}

struct Compiler<'a> {
    plan: &'a EntityPlan,
    library: &'a Library,
    host: Option<&'a Host>,
}

impl Compiler<'_> {
    fn field(&self, field: &FieldPlan) -> Result<Field> {
        let format = field.format.as_deref().map(Format::parse).transpose();
        let format = format.map_err(|problem| self.problem(Code::SpecValue, field, &problem))?;
        let mut types: Vec<Option<LogicalType>> =
            field.sources.iter().map(|index| Some(self.plan.reads[*index].logical)).collect();
        let mut steps = Vec::with_capacity(field.calls.len());
        for call in &field.calls {
            let (step, returns) = self.step(field, call, &types)?;
            steps.push(step);
            types = vec![returns];
        }
        if types.len() > 1 && !field.refers_by_columns() {
            let problem = "several source columns need a transformation that makes one value of them";
            return Err(self.problem(Code::FunctionArgument, field, problem));
        }
        if let Some(Some(last)) = types.first()
            && last.conversion(field.data_type) == Conversion::Impossible
        {
            let problem = format!("{last} cannot become {}", field.data_type);
            return Err(self.problem(Code::ImpossibleConversion, field, &problem));
        }
        let default = field.default.as_ref().map(|value| {
            Scalar::from_json(value).and_then(|scalar| scalar.converted(field.data_type, format.as_ref()))
        });
        let default = default.transpose().map_err(|problem| {
            self.problem(Code::SpecValue, field, &format!("the default does not fit the field: {problem}"))
        })?;
        let reads = self.reads(field);
        Ok(Field {
            destination: field.destination.clone(),
            sources: field.sources.clone(),
            is_masked: self.plan.masks.iter().any(|mask| reads.contains(&mask.read)),
            reads,
            steps,
            default,
            format,
            data_type: field.data_type,
            refers_by_columns: field.refers_by_columns(),
            is_replaced: field.reference.as_ref().is_some_and(|reference| reference.is_made),
            is_required: field.required,
        })
    }

    /// A function, and the type that it gives; `None` where only the row decides.
    fn step(
        &self,
        field: &FieldPlan,
        call: &Call,
        types: &[Option<LogicalType>],
    ) -> Result<(Step, Option<LogicalType>)> {
        match &call.function {
            Function::BuiltIn(name) => {
                let transform = built_in(name).ok_or_else(|| self.unknown(field, name))?;
                let wrong =
                    |problem: String| self.problem(Code::FunctionArgument, field, &format!("`{name}`: {problem}"));
                let arguments = Arguments::read(transform.args, &call.arguments).map_err(wrong)?;
                let returns = transform.check(types, &arguments).map_err(wrong)?;
                Ok((Step::BuiltIn { transform, arguments, returns }, returns))
            }
            Function::Library(name) => {
                let known = self.library.functions().iter().any(|function| function.name == *name);
                if !known {
                    return Err(self.unknown(field, name));
                }
                Ok((Step::Script { program: Program::Library(name.clone()), columns: Vec::new() }, None))
            }
            Function::Script(index) => Ok((self.script(field, *index)?, None)),
        }
    }

    fn script(&self, field: &FieldPlan, index: usize) -> Result<Step> {
        let (Some(script), Some(host)) = (self.plan.scripts.get(index), self.host) else {
            return Err(self.unknown(field, &format!("script {index}")));
        };
        let program = self.program(field, host, script)?;
        let column = |index: &usize| (self.plan.reads[*index].name.as_str().into(), *index);
        Ok(Step::Script { program, columns: script.row.iter().map(column).collect() })
    }

    fn program(&self, field: &FieldPlan, host: &Host, script: &Script) -> Result<Program> {
        host.compile(&script.body, self.library).map_err(|problems| {
            let problem = problems.into_iter().next();
            let code = problem.as_ref().map_or(Code::ScriptSyntax, |problem| problem.code);
            let headline = problem.map_or_else(String::new, |problem| problem.headline);
            self.problem(code, field, &format!("`{}`: {headline}", script.name))
        })
    }

    /// The columns that a field reads, directly or through its scripts.
    fn reads(&self, field: &FieldPlan) -> Vec<usize> {
        let mut reads = field.sources.clone();
        for call in &field.calls {
            if let Function::Script(index) = call.function
                && let Some(script) = self.plan.scripts.get(index)
            {
                reads.extend(&script.row);
            }
        }
        reads.sort_unstable();
        reads.dedup();
        reads
    }

    fn rule(&self, rule: &RulePlan, context: &TransformContext) -> Result<RuleOnField> {
        let field = &self.plan.fields[rule.field];
        let wrong =
            |problem: &str| self.problem(Code::RuleParameter, field, &format!("rule `{}`: {problem}", rule.rule));
        let found = Rule::find(&rule.rule).ok_or_else(|| wrong("there is no such rule"))?;
        let today = Some(context.now.date_naive());
        let check = (found.prepare)(field.written_as, &rule.parameters, today).map_err(|problem| wrong(&problem))?;
        let judge = rule.script.as_ref().map(|script| self.judge(rule, script)).transpose()?;
        Ok(RuleOnField { field: rule.field, code: found.code, check, judge, on_failure: rule.on_failure })
    }

    fn judge(&self, rule: &RulePlan, script: &Script) -> Result<Judge> {
        let field = &self.plan.fields[rule.field];
        let Some(host) = self.host else { return Err(self.unknown(field, &script.name)) };
        let read = |index: &usize| {
            let read = &self.plan.fields[*index];
            (read.destination.as_str().into(), *index, read.written_as)
        };
        Ok(Judge {
            program: self.program(field, host, script)?,
            field: (rule.field, field.written_as),
            row: script.row.iter().map(read).collect(),
        })
    }

    fn unknown(&self, field: &FieldPlan, name: &str) -> Box<Diagnostic> {
        self.problem(Code::UnknownFunction, field, &format!("there is no function `{name}`"))
    }

    fn problem(&self, code: Code, field: &FieldPlan, problem: &str) -> Box<Diagnostic> {
        let headline = format!("{}, field `{}`: {problem}", self.plan.name, field.destination);
        Box::new(Diagnostic::new(code, headline).at(field.place.clone()))
    }
}
