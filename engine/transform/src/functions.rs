//! The public face: what a spec may call, and how a plan becomes executable.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BinaryArray, new_null_array};
use rhai::Engine;
use serde_json::Value;
use transload_model::{
    Diagnostic, EntityPlan, EntityTransform, Function, FunctionInfo, LogicalType, Result, ScriptCheck, ScriptProblem,
    SourceFile, TransformContext, TransformFactory, Vocabulary,
};

use crate::argument::Arguments;
use crate::convert::{Scalar, canonical};
use crate::page::{FunctionPage, pages};
use crate::rule::{RULES, Rule};
use crate::script::{Library, Surroundings, check, checking_engine};
use crate::{BUILT_IN, built_in, entity};

/// Everything a spec may call: the built-in functions, the standard library, the project's `transforms/*.rhai`, and the rules.
pub struct Functions {
    engine: Engine,
    library: Library,
}

impl Functions {
    /// The built-in functions and the standard library, with the project's files.
    ///
    /// # Errors
    /// Everything that is wrong with the files: syntax, unknown names, two functions of one name, a name that is built in.
    pub fn new(project_files: &[Arc<SourceFile>]) -> Result<Self, Vec<Diagnostic>> {
        let engine = checking_engine();
        let library = Library::new(project_files, &engine)?;
        Ok(Self { engine, library })
    }

    /// A page for each function.
    #[must_use]
    pub fn pages(&self) -> Vec<FunctionPage> {
        pages(&self.library)
    }
}

impl std::fmt::Debug for Functions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Functions").field("names", &self.function_names()).finish_non_exhaustive()
    }
}

impl Vocabulary for Functions {
    fn call(
        &self,
        name: &str,
        inputs: &[Option<LogicalType>],
        arguments: &BTreeMap<String, Value>,
    ) -> Result<FunctionInfo, Option<(String, String)>> {
        if let Some(transform) = built_in(name) {
            let refused = |note| Some((format!("`{name}` cannot be called like this"), note));
            let arguments = Arguments::read(transform.args, arguments).map_err(refused)?;
            let returns = transform.check(inputs, &arguments).map_err(refused)?;
            return Ok(FunctionInfo { function: Function::BuiltIn(name.to_owned()), returns });
        }
        if self.library.functions().iter().all(|function| function.name != name) {
            return Err(None);
        }
        match arguments.keys().next() {
            Some(argument) => {
                let headline = format!("`{name}` cannot be called like this");
                Err(Some((headline, format!("a library function has no arguments, here is `{argument}`"))))
            }
            None => Ok(FunctionInfo { function: Function::Library(name.to_owned()), returns: None }),
        }
    }

    fn function_names(&self) -> Vec<String> {
        let built_in = BUILT_IN.iter().map(|transform| transform.name.to_owned());
        built_in.chain(self.library.functions().iter().map(|function| function.name.clone())).collect()
    }

    fn check_script(&self, body: &str, columns: &[&str]) -> Result<ScriptCheck, Vec<ScriptProblem>> {
        let taken = |name: &str, count| self.library.is_taken(name, count);
        let surroundings = Surroundings { engine: &self.engine, names: self.library.names(), taken: &taken };
        let checked = check(body, Some(columns), &surroundings)?;
        Ok(ScriptCheck { columns: checked.columns, vars: checked.vars, floats: checked.floats })
    }

    fn rule(
        &self,
        rule: &str,
        field: LogicalType,
        parameters: &BTreeMap<String, Value>,
    ) -> Result<(), Option<(String, String)>> {
        let found = Rule::find(rule).ok_or(None)?;
        match (found.prepare)(field, parameters, None) {
            Ok(_) => Ok(()),
            Err(note) => Err(Some((format!("the rule `{rule}` cannot be stated like this"), note))),
        }
    }

    fn rule_names(&self) -> Vec<String> {
        RULES.iter().map(|rule| rule.name.to_owned()).collect()
    }

    fn library_fingerprint(&self) -> u64 {
        self.library.fingerprint()
    }
}

impl TransformFactory for Functions {
    fn compile(&self, entity: &EntityPlan, context: &TransformContext) -> Result<Box<dyn EntityTransform>> {
        entity::compile(entity, context, &self.library).map(|entity| Box::new(entity) as Box<dyn EntityTransform>)
    }

    fn cell(&self, value: &Value, to: LogicalType) -> std::result::Result<ArrayRef, String> {
        if value.is_null() {
            return Ok(new_null_array(&to.arrow(), 1));
        }
        match value {
            Value::String(text) if to == LogicalType::Bytes => {
                Ok(Arc::new(BinaryArray::from(vec![bytes(text)?.as_slice()])))
            }
            _ => Scalar::from_json(value)?.converted(to, None),
        }
    }

    fn texts(&self, column: &ArrayRef, from: LogicalType) -> Vec<Option<String>> {
        if from == LogicalType::Bytes {
            let hex = |bytes: &[u8]| bytes.iter().fold("\\x".to_owned(), |text, byte| format!("{text}{byte:02x}"));
            return column.as_binary::<i32>().iter().map(|bytes| bytes.map(hex)).collect();
        }
        let texts = canonical::texts(column, from).array;
        texts.as_string::<i32>().iter().map(|text| text.map(ToOwned::to_owned)).collect()
    }
}

/// Bytes as `texts` writes them.
fn bytes(text: &str) -> std::result::Result<Vec<u8>, String> {
    let digits = text.strip_prefix("\\x").map(str::as_bytes).filter(|digits| digits.iter().all(u8::is_ascii_hexdigit));
    let pairs = digits.map(|digits| digits.chunks(2).map(byte));
    let bytes: Option<Vec<u8>> = pairs.and_then(Iterator::collect);
    bytes.ok_or_else(|| "bytes are written as `\\x00ff`, two hexadecimal digits for each".to_owned())
}

fn byte(pair: &[u8]) -> Option<u8> {
    let [high, low] = pair else { return None };
    let digit = |digit: u8| char::from(digit).to_digit(16);
    u8::try_from(digit(*high)? * 16 + digit(*low)?).ok()
}
