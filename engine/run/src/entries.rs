//! The ledger's entries of an entity, one segment after the other, while runs may write it.

use std::collections::VecDeque;

use transload_model::{Destination, EntityName, Entry, KeyBytes, Result, SegmentHead};

use crate::segment;

/// How often the ledger is asked again for segments that others stand for meanwhile.
const AGAIN_MAX: u32 = 20;

/// Entries in the order of their keys.
pub(crate) struct Entries<'a> {
    destination: &'a dyn Destination,
    entity: &'a EntityName,
    heads: VecDeque<SegmentHead>,
    /// The last key of what was given.
    behind: Option<KeyBytes>,
    again: u32,
}

impl<'a> Entries<'a> {
    pub(crate) async fn of(destination: &'a dyn Destination, entity: &'a EntityName) -> Result<Self> {
        let heads = destination.segments(entity).await?.into();
        Ok(Self { destination, entity, heads, behind: None, again: 0 })
    }

    /// The entries of the next segment that is meant.
    pub(crate) async fn next(&mut self, is_meant: impl Fn(&SegmentHead) -> bool) -> Result<Option<Vec<Entry>>> {
        while let Some(head) = self.heads.pop_front() {
            let is_given = self.behind.as_ref().is_some_and(|behind| head.last <= *behind);
            if is_given || !is_meant(&head) {
                continue;
            }
            match self.destination.segment(head.id).await.and_then(|parts| segment::unpack(&parts)) {
                Ok(entries) => {
                    let behind = self.behind.replace(head.last);
                    return Ok(Some(entries.into_iter().filter(|entry| Some(&entry.key) > behind.as_ref()).collect()));
                }
                Err(problem) if self.again == AGAIN_MAX => return Err(problem),
                Err(_) => {
                    self.again += 1;
                    self.heads = self.destination.segments(self.entity).await?.into();
                }
            }
        }
        Ok(None)
    }
}
