//! What the scripts of each entity cost, and which cost too much.
//!
//! A script that takes a millisecond a row makes a million rows a matter of hours, and nothing else tells so before they are over.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use transload_model::{Code, Diagnostic, EntityName};

/// A row's scripts should take less than this.
const ROW_TIME: Duration = Duration::from_millis(1);
/// Less than this in all is no reason for words: a first row takes longer than others.
const WORTH_TELLING: Duration = Duration::from_millis(100);

/// Rows, and the time that their scripts worked, by entity.
#[derive(Debug, Default)]
pub(crate) struct ScriptCosts(Mutex<BTreeMap<EntityName, (u32, Duration)>>);

impl ScriptCosts {
    /// Adds a batch.
    pub(crate) fn add(&self, entity: &EntityName, rows: usize, time: Duration) {
        if time.is_zero() {
            return;
        }
        let mut costs = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let cost = costs.entry(entity.clone()).or_default();
        *cost = (cost.0.saturating_add(u32::try_from(rows).unwrap_or(u32::MAX)), cost.1 + time);
    }

    /// A warning for each entity whose scripts take long.
    pub(crate) fn warnings(&self) -> Vec<Diagnostic> {
        let costs = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let warning = |(entity, (rows, time)): (&EntityName, &(u32, Duration))| {
            let each = *time / (*rows).max(1);
            (each > ROW_TIME && *time > WORTH_TELLING).then(|| slow(entity, each))
        };
        costs.iter().filter_map(warning).collect()
    }
}

fn slow(entity: &EntityName, each: Duration) -> Diagnostic {
    let tenths = each.as_micros() / 100;
    let headline = format!("the scripts of `{entity}` take {}.{} ms for each row", tenths / 10, tenths % 10);
    let million = each * 1_000_000;
    let note = format!("a million rows take {} minutes on one core", million.as_secs() / 60);
    Diagnostic::warning(Code::ScriptSlow, headline).note(note).help(Code::ScriptSlow.info().remedy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_slow_and_worth_telling_is_told() {
        let costs = ScriptCosts::default();
        let name = |name: &str| EntityName::parse(name).unwrap();
        costs.add(&name("quick"), 1_000_000, Duration::from_secs(5));
        costs.add(&name("short"), 1, Duration::from_millis(50));
        costs.add(&name("slow"), 50, Duration::from_millis(125));
        costs.add(&name("slow"), 50, Duration::from_millis(125));
        let told: Vec<String> = costs.warnings().into_iter().map(|warning| warning.headline).collect();
        assert_eq!(told, ["the scripts of `slow` take 2.5 ms for each row"]);
    }
}
