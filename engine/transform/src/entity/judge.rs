//! Rules that are scripts: each looks at a row as it would be written.

use arrow::array::ArrayRef;
use rhai::{Dynamic, Identifier, Map};
use transload_model::{Code, LogicalType};

use crate::column::Reason;
use crate::script::{Host, Program, RowInput, on_own_stack, to_dynamic};

use super::step::text;

/// A script that says whether a row may be loaded.
pub(crate) struct Judge {
    pub(crate) program: Program,
    /// The field that the rule is about.
    pub(crate) field: (usize, LogicalType),
    /// The fields that it reads from `row`.
    pub(crate) row: Vec<(Identifier, usize, LogicalType)>,
}

impl Judge {
    /// The rows that it does not let pass, each with the reason. A script that cannot run at all lets none pass.
    pub(crate) fn breaches(
        &self,
        host: &Host,
        columns: &[ArrayRef],
        is_judged: impl Fn(usize) -> bool + Sync,
    ) -> Vec<(usize, Reason)> {
        let rows = columns.first().map_or(0, |column| column.len());
        let judged = || (0..rows).filter(|row| is_judged(*row));
        let judge = |row| self.judge(host, columns, row).err().map(|reason| (row, reason));
        let done = on_own_stack(|| host.timed(|| judged().filter_map(judge).collect()));
        done.unwrap_or_else(|error| {
            let message = format!("there is no thread to run the script on: {}", error.kind());
            judged().map(|row| (row, Reason::new(Code::ScriptFailed, message.clone()))).collect()
        })
    }

    fn judge(&self, host: &Host, columns: &[ArrayRef], row: usize) -> Result<(), Reason> {
        let (field, logical) = self.field;
        let mut map = Map::new();
        for (name, index, logical) in &self.row {
            map.insert(name.clone(), to_dynamic(&columns[*index], *logical, row)?);
        }
        let input = RowInput { value: to_dynamic(&columns[field], logical, row)?, row: map };
        let read = self.row.iter().map(|(_, index, logical)| (*index, *logical)).chain([self.field]);
        let texts = || read.filter_map(|(index, logical)| text(&columns[index], logical, row)).collect();
        let given = host.run(&self.program, input, texts).map_err(|reason| match reason.code {
            Code::ScriptThrown => Reason::new(Code::RuleExpression, reason.message),
            _ => reason,
        })?;
        verdict(&given)
    }
}

fn verdict(given: &Dynamic) -> Result<(), Reason> {
    match given.as_bool() {
        Ok(true) => Ok(()),
        Ok(false) => Err(Reason::new(Code::RuleExpression, "the expression is false")),
        Err(kind) => {
            Err(Reason::new(Code::RuleExpression, format!("the expression gave {kind}, and not true or false")))
        }
    }
}
