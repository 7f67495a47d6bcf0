//! Rows of the source, drawn by chance.
//!
//! What a sample says of all rows holds only where each was as likely to be drawn as any other.

use std::collections::BTreeSet;
use std::sync::Arc;

use transload_model::{Drawn, EntityPlan, KeyBytes, KeyRange, ReadColumn, Result, RunId};
use twox_hash::XxHash3_64;

use crate::context::Context;
use crate::reading::Reading;
use crate::rows::whole_keys;

/// The source keys of so many rows, or of all where there are fewer: a source that gives too few is read as a whole.
pub(super) async fn drawn(
    context: &Arc<Context>,
    plan: &Arc<EntityPlan>,
    (rows, held): (usize, u64),
) -> Result<Vec<KeyBytes>> {
    let mut lots = Lots::new(context.run, rows);
    let key: Vec<ReadColumn> = plan.key.source.iter().map(|part| plan.reads[*part].clone()).collect();
    let mut reader = context.reader(plan).await?;
    // Twice as many, so that there are seldom too few.
    let drawn = (rows.saturating_mul(2), Drawn::Evenly { seed: lots.seed() });
    if let Some(sample) = reader.sample(&plan.relation(), &key, drawn).await? {
        whole_keys(&sample)?.into_iter().for_each(|key| lots.draw(key));
    }
    drop(reader);
    if (lots.drawn.len() as u64) < held.min(rows as u64) {
        draw_from_all(context, plan, &mut lots).await?;
    }
    let mut keys: Vec<KeyBytes> = lots.drawn.into_iter().map(|(_, key)| key).collect();
    keys.sort();
    Ok(keys)
}

async fn draw_from_all(context: &Arc<Context>, plan: &Arc<EntityPlan>, lots: &mut Lots) -> Result<()> {
    let mut reading = Reading::open(context, plan).await?;
    reading.start_keys(vec![KeyRange::default()], None).await?;
    while let Some(scored) = reading.next().await? {
        let keys = (0..scored.len()).map(|row| scored.identity(row));
        keys.filter(|key| !key.is_unkeyed()).for_each(|key| lots.draw(key));
    }
    Ok(())
}

/// Of all keys, those with the lowest numbers. A key's number is its digest by a salt of the run's own, so that no one can foretell it.
struct Lots {
    salt: u64,
    rows: usize,
    drawn: BTreeSet<(u64, KeyBytes)>,
}

impl Lots {
    fn new(run: RunId, rows: usize) -> Self {
        Self { salt: XxHash3_64::oneshot(run.to_string().as_bytes()), rows, drawn: BTreeSet::new() }
    }

    fn seed(&self) -> u32 {
        u32::try_from(self.salt >> 32).unwrap_or_default()
    }

    fn draw(&mut self, key: KeyBytes) {
        let number = XxHash3_64::oneshot_with_seed(self.salt, key.as_bytes());
        let is_full = self.drawn.len() == self.rows;
        if is_full && self.drawn.last().is_none_or(|(highest, _)| *highest <= number) {
            return;
        }
        self.drawn.insert((number, key));
        if self.drawn.len() > self.rows {
            self.drawn.pop_last();
        }
    }
}

#[cfg(test)]
mod tests {
    use transload_model::KeyValue;

    use super::*;

    #[test]
    fn each_is_drawn_about_as_often_as_any_other() {
        let mut times = [0_u32; 50];
        for salt in 0..400 {
            let mut lots = Lots { salt, rows: 10, drawn: BTreeSet::new() };
            (0..50).for_each(|key| lots.draw(KeyBytes::encode(&[KeyValue::Integer(key)])));
            assert_eq!(lots.drawn.len(), 10);
            for key in 0..50 {
                let encoded = KeyBytes::encode(&[KeyValue::Integer(key)]);
                times[usize::try_from(key).unwrap()] +=
                    u32::from(lots.drawn.iter().any(|(_, drawn)| *drawn == encoded));
            }
        }
        // 80 each on average.
        assert!(times.iter().all(|times| (35..=130).contains(times)), "{times:?}");
    }
}
