//! A vocabulary of a few functions and rules, as strict as the real one where the compiler can tell.

use std::collections::BTreeMap;

use serde_json::Value;
use transload_model::{Code, Function, FunctionInfo, LogicalType, ScriptCheck, ScriptProblem, Vocabulary};

pub(crate) struct FewWords {
    pub(crate) library: u64,
}

type Found<T> = Result<T, Option<(String, String)>>;

fn misfit<T>(headline: &str, note: &str) -> Found<T> {
    Err(Some((headline.to_owned(), note.to_owned())))
}

impl Vocabulary for FewWords {
    fn call(
        &self,
        name: &str,
        inputs: &[Option<LogicalType>],
        arguments: &BTreeMap<String, Value>,
    ) -> Found<FunctionInfo> {
        let known: &[&str] = match name {
            "concat" => &["separator"],
            "value_map" => &["map", "on_unmapped"],
            "trimmed" | "lower" | "to_int" | "us_phone" => &[],
            _ => return Err(None),
        };
        if let Some(argument) = arguments.keys().find(|argument| !known.contains(&argument.as_str())) {
            return misfit(&format!("`{name}` has no argument `{argument}`"), "see its page");
        }
        if name != "concat" && inputs.len() != 1 {
            return misfit(&format!("`{name}` takes one value"), "the field reads several columns");
        }
        let is_text = inputs.iter().all(|input| input.is_none_or(|input| input == LogicalType::Text));
        if matches!(name, "trimmed" | "lower") && !is_text {
            return misfit(&format!("`{name}` takes text"), "the value is of another type");
        }
        let returns = match name {
            "us_phone" => None,
            "to_int" => Some(LogicalType::Integer),
            "value_map" => arguments.get("map").and_then(common_type),
            _ => Some(LogicalType::Text),
        };
        let function = match name {
            "us_phone" => Function::Library(name.to_owned()),
            _ => Function::BuiltIn(name.to_owned()),
        };
        Ok(FunctionInfo { function, returns })
    }

    fn function_names(&self) -> Vec<String> {
        ["concat", "lower", "to_int", "trimmed", "us_phone", "value_map"].map(str::to_owned).to_vec()
    }

    /// `row.name` reads a column, `boom` is a syntax error.
    fn check_script(&self, body: &str, columns: &[&str]) -> Result<ScriptCheck, Vec<ScriptProblem>> {
        let (mut found, mut vars, mut problems) = (Vec::new(), Vec::new(), Vec::new());
        for (index, line) in body.split('\n').enumerate() {
            let at = |byte: usize| {
                (Some(index + 1), Some(line.char_indices().take_while(|(before, _)| *before < byte).count() + 1))
            };
            for (byte, _) in line.match_indices("boom") {
                problems.push(script_problem(Code::ScriptSyntax, "a script is not rhai", at(byte)));
            }
            let name_at = |byte: usize| {
                let rest = line.get(byte..).unwrap_or_default();
                rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default()
            };
            for (byte, _) in line.match_indices("vars.") {
                let (line, column) = at(byte + 5);
                vars.extend(line.zip(column).map(|(line, column)| (name_at(byte + 5).to_owned(), line, column)));
            }
            for (byte, _) in line.match_indices("row.") {
                let name = name_at(byte + 4);
                if columns.contains(&name) {
                    found.push(name.to_owned());
                } else {
                    let headline = format!("column `{name}` does not exist");
                    let problem = script_problem(Code::ScriptUnknownColumn, &headline, at(byte + 4));
                    problems.push(ScriptProblem { asks: Some(name.to_owned()), ..problem });
                }
            }
        }
        if problems.is_empty() { Ok(ScriptCheck { columns: found, vars, floats: Vec::new() }) } else { Err(problems) }
    }

    fn rule(&self, rule: &str, field: LogicalType, parameters: &BTreeMap<String, Value>) -> Found<()> {
        match rule {
            "required" | "foreign_key" => Ok(()),
            "unique" if parameters.get("scope").is_some_and(|scope| scope == "destination") => Ok(()),
            "unique" => misfit("rule `unique` needs `scope: destination`", "there is no other scope"),
            "format" if parameters.get("pattern").is_some_and(Value::is_string) => Ok(()),
            "format" => misfit("rule `format` needs a `pattern`", "a regular expression"),
            "range" if field == LogicalType::Boolean => {
                misfit("rule `range` does not take boolean", "it takes what has an order")
            }
            "range" => Ok(()),
            _ => Err(None),
        }
    }

    fn rule_names(&self) -> Vec<String> {
        ["foreign_key", "format", "range", "required", "unique"].map(str::to_owned).to_vec()
    }

    fn library_fingerprint(&self) -> u64 {
        self.library
    }
}

fn script_problem(code: Code, headline: &str, (line, column): (Option<usize>, Option<usize>)) -> ScriptProblem {
    ScriptProblem {
        code,
        headline: headline.to_owned(),
        label: "here".to_owned(),
        line,
        column,
        help: None,
        asks: None,
    }
}

fn common_type(map: &Value) -> Option<LogicalType> {
    let values = map.as_object()?.values();
    let mut types = values.filter(|value| !value.is_null()).map(|value| match value {
        Value::Bool(_) => LogicalType::Boolean,
        Value::Number(number) if number.is_i64() => LogicalType::Integer,
        Value::Number(_) => LogicalType::Float,
        _ => LogicalType::Text,
    });
    let first = types.next()?;
    types.all(|other| other == first).then_some(first)
}
