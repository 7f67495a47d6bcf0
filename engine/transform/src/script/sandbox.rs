//! The engine that scripts run in.
//!
//! rhai's own defaults are no sandbox: they read files, print, sleep, know the time, and allow different depths in debug and release builds. So
//! the engine starts empty, gets the packages that are pure, and every limit is said here.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rhai::packages::{
    BasicArrayPackage, BasicBlobPackage, BasicMapPackage, BasicMathPackage, BitFieldPackage, CorePackage, LogicPackage,
    MoreStringPackage, Package as _,
};
use rhai::{Dynamic, Engine, EvalAltResult, ImmutableString, OptimizationLevel};
use rustix::time::{ClockId, clock_gettime};
use serde_json::Value;
use transload_model::Code;

use crate::BUILT_IN;
use crate::argument::Arguments;
use crate::column::Reason;
use crate::convert::Scalar;
use crate::transform::{Batch, Transform};

use super::value::to_dynamic;

/// Steps of one row.
const OPERATIONS_MAX: u64 = 1_000_000;
/// Time of one row. Steps are counted first; this stops the few that are long.
const ROW_TIME_MAX: Duration = Duration::from_millis(800);
/// Steps between two looks at the clock. A step takes some milliseconds at most.
const OPERATIONS_PER_LOOK: u64 = 32;
/// Functions that call functions.
const CALL_LEVELS_MAX: usize = 32;
/// Expressions in expressions, outside and inside of functions.
const EXPRESSION_DEPTH_MAX: (usize, usize) = (64, 32);
/// Bytes of a text that a script makes.
const TEXT_BYTES_MAX: usize = 1 << 20;
/// Items of an array or bytes of a blob.
const ITEMS_MAX: usize = 100_000;
/// Entries of a map.
const ENTRIES_MAX: usize = 10_000;
/// Variables at one time; each may hold a text of the size above.
const VARIABLES_MAX: usize = 64;
/// Functions of one script, closures included.
const FUNCTIONS_MAX: usize = 256;

/// What a script may not call: each would make its result depend on more than the row, or do more than give a result.
pub(crate) const FORBIDDEN: &[&str] = &["eval", "print", "debug", "sleep", "timestamp", "exit", "import"];

/// When the row that is being computed must be done, on the clock of its thread: what else the machine does must not decide about a row.
#[derive(Debug)]
pub(crate) struct Deadline(AtomicU64);

/// The row was not looked at yet. Most are done before.
const NOT_LOOKED_AT: u64 = u64::MAX;

impl Deadline {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self(AtomicU64::new(NOT_LOOKED_AT)))
    }

    /// Starts a row.
    pub(crate) fn start(&self) {
        self.0.store(NOT_LOOKED_AT, Ordering::Relaxed);
    }

    fn is_past(&self) -> bool {
        let now = micros(thread_time());
        match self.0.load(Ordering::Relaxed) {
            NOT_LOOKED_AT => {
                self.0.store(now.saturating_add(micros(ROW_TIME_MAX)), Ordering::Relaxed);
                false
            }
            end => now > end,
        }
    }
}

/// A duration as a number.
pub(crate) fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// Time that this thread has worked.
pub(crate) fn thread_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// An engine that compiles and never runs.
pub(crate) fn checking_engine() -> Engine {
    engine(Deadline::new())
}

/// An engine for scripts, with rhai's pure functions and the built-in ones.
pub(crate) fn engine(deadline: Arc<Deadline>) -> Engine {
    let mut engine = Engine::new_raw();
    CorePackage::new().register_into_engine(&mut engine);
    BitFieldPackage::new().register_into_engine(&mut engine);
    LogicPackage::new().register_into_engine(&mut engine);
    BasicMathPackage::new().register_into_engine(&mut engine);
    BasicArrayPackage::new().register_into_engine(&mut engine);
    BasicBlobPackage::new().register_into_engine(&mut engine);
    BasicMapPackage::new().register_into_engine(&mut engine);
    MoreStringPackage::new().register_into_engine(&mut engine);
    forbid(&mut engine);
    limit(&mut engine);
    // What was checked is what runs: the optimizer would evaluate parts of a script ahead of any row.
    engine.set_optimization_level(OptimizationLevel::None);
    engine.set_strict_variables(true);
    engine.set_fail_on_invalid_map_property(true);
    engine.on_progress(move |operations| {
        (operations % OPERATIONS_PER_LOOK == 0 && deadline.is_past()).then_some(Dynamic::UNIT)
    });
    for transform in BUILT_IN {
        register(&mut engine, transform);
    }
    engine
}

fn limit(engine: &mut Engine) {
    engine.set_max_operations(OPERATIONS_MAX);
    engine.set_max_call_levels(CALL_LEVELS_MAX);
    engine.set_max_expr_depths(EXPRESSION_DEPTH_MAX.0, EXPRESSION_DEPTH_MAX.1);
    engine.set_max_string_size(TEXT_BYTES_MAX);
    engine.set_max_array_size(ITEMS_MAX);
    engine.set_max_map_size(ENTRIES_MAX);
    engine.set_max_variables(VARIABLES_MAX);
    engine.set_max_functions(FUNCTIONS_MAX);
    engine.set_max_modules(0);
    engine.set_max_strings_interned(0);
}

/// The core package has functions that are not pure. A check of the script finds their names; these stand in their place for the calls that no
/// check can see, such as `Fn("sl" + "eep")`.
fn forbid(engine: &mut Engine) {
    engine.set_module_resolver(rhai::module_resolvers::DummyModuleResolver::new());
    engine.disable_symbol("eval");
    engine.on_print(|_| {}).on_debug(|_, _, _| {});
    let refused = || -> Result<Dynamic, Box<EvalAltResult>> {
        Err(refusal(Reason::new(Code::ScriptForbidden, "the script calls a function that scripts may not call")))
    };
    for name in FORBIDDEN {
        engine.register_fn(*name, refused);
        engine.register_fn(*name, move |_: Dynamic| refused());
        engine.register_fn(*name, move |_: i64| refused());
        engine.register_fn(*name, move |_: f64| refused());
        engine.register_fn(*name, move |_: ImmutableString| refused());
    }
}

/// A failure that keeps its code on its way through the script, which may catch it.
pub(crate) fn refusal(reason: Reason) -> Box<EvalAltResult> {
    EvalAltResult::ErrorRuntime(Dynamic::from(reason), rhai::Position::NONE).into()
}

/// Makes the forms of a built-in function that scripts can call. NULL passes through each.
fn register(engine: &mut Engine, transform: &'static Transform) {
    for arguments in transform.script_forms {
        match arguments {
            [] => {
                let preset = read(transform, &[]);
                engine.register_fn(transform.name, |(): ()| {});
                engine.register_fn(transform.name, move |text: ImmutableString| {
                    apply(transform, &text, preset.as_ref().map_err(|reason| refusal(reason.clone()))?)
                });
            }
            [argument] => {
                engine.register_fn(transform.name, |(): (), _: Dynamic| {});
                engine.register_fn(transform.name, move |text: ImmutableString, given: Dynamic| {
                    let given = argument_value(&given).map_err(|problem| wrong_argument(transform, &problem))?;
                    let arguments = read(transform, &[(argument, given)]);
                    apply(transform, &text, &arguments.map_err(refusal)?)
                });
            }
            _ => debug_assert!(false, "a form has one argument at most"),
        }
    }
}

fn read(transform: &Transform, given: &[(&str, Value)]) -> Result<Arguments, Reason> {
    let given = given.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    Arguments::read(transform.args, &given).map_err(|problem| reason_of_argument(transform, &problem))
}

fn reason_of_argument(transform: &Transform, problem: &str) -> Reason {
    Reason::new(Code::ScriptFailed, format!("`{}`: {problem}", transform.name))
}

fn wrong_argument(transform: &Transform, problem: &str) -> Box<EvalAltResult> {
    refusal(reason_of_argument(transform, problem))
}

fn argument_value(given: &Dynamic) -> Result<Value, String> {
    match (given.as_int(), given.as_immutable_string_ref()) {
        (Ok(number), _) => Ok(Value::from(number)),
        (_, Ok(text)) => Ok(Value::from(text.as_str())),
        _ => Err("a text or a whole number is expected".to_owned()),
    }
}

/// The function applied to a batch of one row.
fn apply(transform: &Transform, text: &str, arguments: &Arguments) -> Result<Dynamic, Box<EvalAltResult>> {
    let text = Scalar::Text(text.to_owned());
    let input = [(text.logical(), text.repeated(1))];
    let returns = transform
        .check(&[Some(text.logical())], arguments)
        .map_err(|problem| wrong_argument(transform, &problem))?
        .unwrap_or(text.logical());
    let mut column = transform.run(&Batch { columns: &input, rows: 1 }, arguments);
    match column.faults.pop() {
        Some(fault) => Err(refusal(fault.reason)),
        None => to_dynamic(&column.array, returns, 0).map_err(refusal),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn b01_a_row_that_takes_too_long_is_stopped() {
        let deadline = Deadline::new();
        let engine = engine(Arc::clone(&deadline));
        deadline.start();
        assert!(engine.run("for i in 0..2000 { }").is_ok());
        deadline.0.store(0, Ordering::Relaxed);
        let error = *engine.run("loop { }").unwrap_err();
        assert!(matches!(error, EvalAltResult::ErrorTerminated(..)), "{error}");
    }

    #[test]
    fn limits_are_the_same_in_every_build() {
        let engine = checking_engine();
        assert_eq!((engine.max_call_levels(), engine.max_expr_depth(), engine.max_function_expr_depth()), (32, 64, 32));
        assert_eq!((engine.max_operations(), engine.max_modules()), (OPERATIONS_MAX, 0));
    }
}
