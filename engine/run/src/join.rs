//! Small segments that lie side by side become one.
//!
//! Where rows are deleted, units are small or a cursor brings a few rows at a time, segments hold few entries. Each of them is one more row of
//! the ledger that every run looks at and asks the source's server about. The last unit of an entity joins them, of those runs that wrote to the
//! entity anyway: one in which nothing moved writes nothing.

use transload_model::{Result, SegmentHead};

use crate::detect::Rewrite;
use crate::load::{Pass, REWRITTEN_MAX};
use crate::segment::Sizes;

impl Pass<'_> {
    /// What the ledger is to hold instead of small neighbours, to be committed with the step that follows.
    ///
    /// No segment becomes larger than a unit: who asks for small units gets small segments.
    pub(crate) async fn join_segments(&mut self) -> Result<Rewrite> {
        let mut rewrite = Rewrite::default();
        if !self.stream.committed {
            return Ok(rewrite);
        }
        let sizes = Sizes { small: Sizes::STORED.small.min(self.plan.load.unit_rows), ..Sizes::STORED };
        let (_, heads) = self.heads().await?;
        let rows: Vec<u64> = heads.iter().map(|head| head.rows).collect();
        let mut rewritten = 0;
        for group in sizes.joined(&rows) {
            if rewritten >= REWRITTEN_MAX {
                self.stream.commit(std::mem::take(&mut rewrite), None, self.stream.phase()).await?;
                self.stream.check_halt()?;
                rewritten = 0;
            }
            rewritten += self.join(&heads[group], &mut rewrite).await?;
        }
        Ok(rewrite)
    }

    /// Says how many entries they have together.
    async fn join(&self, heads: &[SegmentHead], rewrite: &mut Rewrite) -> Result<usize> {
        let mut entries = Vec::new();
        for head in heads {
            entries.extend(self.segment(head.id).await?);
            rewrite.removed.push(head.id);
        }
        let rows = entries.len();
        rewrite.puts.push(entries);
        Ok(rows)
    }
}
