//! Scripts of one entity, run row by row.
//!
//! Everything that a script can see is put into a new scope for each row and dropped behind it, so that nothing passes from one row to the next.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rhai::{AST, CallFnOptions, Dynamic, Engine, EvalAltResult, ImmutableString, Map, Scope};
use serde_json::Value;
use transload_model::{Code, ScriptProblem, TransformContext};

use crate::column::Reason;
use crate::convert::canonical::write_timestamp;

use super::check::{Surroundings, check};
use super::failure;
use super::library::Library;
use super::names::Names;
use super::sandbox::{Deadline, engine, micros, thread_time};

/// The engine of one entity and what all its scripts see.
pub(crate) struct Host {
    engine: Engine,
    deadline: Arc<Deadline>,
    library: AST,
    names: Names,
    vars: Map,
    env: ImmutableString,
    now: ImmutableString,
    /// Microseconds that scripts worked.
    spent: AtomicU64,
}

/// A script or a library function, ready to run.
pub(crate) enum Program {
    /// A function of the spec.
    Script {
        /// The script and the library's functions.
        ast: Box<AST>,
        /// The given names that it uses; others are not made.
        uses: Vec<&'static str>,
    },
    /// A function of the library, by name.
    Library(String),
}

/// What a script gets of one row.
pub(crate) struct RowInput {
    /// The value, or an array of several.
    pub(crate) value: Dynamic,
    /// The columns that it reads.
    pub(crate) row: Map,
}

impl Host {
    pub(crate) fn new(library: &Library, context: &TransformContext) -> Self {
        let deadline = Deadline::new();
        let mut now = String::new();
        write_timestamp(context.now.timestamp_micros(), &mut now);
        Self {
            engine: engine(Arc::clone(&deadline)),
            deadline,
            library: library.ast().clone(),
            names: library.names().clone(),
            vars: variables(&context.vars),
            env: context.environment.as_str().into(),
            now: now.into(),
            spent: AtomicU64::new(0),
        }
    }

    /// Compiles a spec's script; it was checked when the spec was.
    pub(crate) fn compile(&self, body: &str, library: &Library) -> Result<Program, Vec<ScriptProblem>> {
        let taken = |name: &str, count| library.is_taken(name, count);
        let surroundings = Surroundings { engine: &self.engine, names: library.names(), taken: &taken };
        let checked = check(body, None, &surroundings)?;
        let ast = Box::new(self.library.merge(&checked.ast));
        Ok(Program::Script { ast, uses: checked.uses })
    }

    /// Does some work of scripts, and counts its time.
    pub(crate) fn timed<T>(&self, work: impl FnOnce() -> T) -> T {
        let started = thread_time();
        let done = work();
        self.spent.fetch_add(micros(thread_time().saturating_sub(started)), Ordering::Relaxed);
        done
    }

    /// The time of all work since it was taken the last time.
    pub(crate) fn take_time(&self) -> Duration {
        Duration::from_micros(self.spent.swap(0, Ordering::Relaxed))
    }

    /// Runs a program on one row. `cell_texts` is asked for the row's texts when the script refuses the row.
    pub(crate) fn run(
        &self,
        program: &Program,
        input: RowInput,
        cell_texts: impl FnOnce() -> Vec<String>,
    ) -> Result<Dynamic, Reason> {
        self.deadline.start();
        // A panic below would be a bug in rhai; it costs this row and no other.
        let outcome = catch_unwind(AssertUnwindSafe(|| self.evaluate(program, input)));
        match outcome {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => Err(failure::reason(*error, &self.names, cell_texts)),
            Err(_) => Err(Reason::new(Code::ScriptFailed, "the script stopped its engine")),
        }
    }

    fn evaluate(&self, program: &Program, input: RowInput) -> Result<Dynamic, Box<EvalAltResult>> {
        let mut scope = Scope::new();
        match program {
            Program::Library(name) => {
                let options = CallFnOptions::new().eval_ast(false);
                self.engine.call_fn_with_options(options, &mut scope, &self.library, name, (input.value,))
            }
            Program::Script { ast, uses } => {
                scope.push_dynamic("value", input.value);
                for name in uses {
                    let given = match *name {
                        "row" => Dynamic::from_map(input.row.clone()),
                        "vars" => Dynamic::from_map(self.vars.clone()),
                        "env" => self.env.clone().into(),
                        _ => self.now.clone().into(),
                    };
                    scope.push_constant_dynamic(*name, given);
                }
                self.engine.eval_ast_with_scope(&mut scope, ast)
            }
        }
    }
}

/// Variables of the project: scalars.
fn variables(vars: &BTreeMap<String, Value>) -> Map {
    let scalar = |value: &Value| match value {
        Value::Bool(value) => (*value).into(),
        Value::String(text) => text.clone().into(),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(number), _) => number.into(),
            (None, Some(number)) => number.into(),
            (None, None) => Dynamic::UNIT,
        },
        Value::Null | Value::Array(_) | Value::Object(_) => Dynamic::UNIT,
    };
    vars.iter().map(|(name, value)| (name.as_str().into(), scalar(value))).collect()
}

#[cfg(test)]
mod tests {
    use super::super::sandbox::checking_engine;
    use super::*;
    use crate::tests::given::context;

    #[test]
    fn b14_a_panic_costs_one_row() {
        let library = Library::new(&[], &checking_engine()).unwrap();
        let mut host = Host::new(&library, &context());
        host.engine.register_fn("boom", |at: i64| assert!(at != 1, "boom"));
        let mut scope = Scope::new();
        scope.push("value", 0_i64);
        let ast = Box::new(host.engine.compile_with_scope(&scope, "boom(value); value").unwrap());
        let program = Program::Script { ast, uses: Vec::new() };
        let run = |value: i64| host.run(&program, RowInput { value: value.into(), row: Map::new() }, Vec::new);
        assert_eq!(run(1).unwrap_err().code, Code::ScriptFailed);
        assert_eq!(run(2).unwrap().as_int(), Ok(2));
    }
}
