//! Drafts specs from what both databases hold.
//!
//! A person knows at once that `dispatch_offices.office_nm` becomes `offices.name`, and still has to write it down, eighty columns long. This
//! crate writes it down, says how sure it is of each line, and marks what a person must decide. It is pure: catalogs and what was seen of rows are
//! handed to it, texts come back. **Invariant:** the same catalogs give the same drafts, in whatever order they were read. **Invariant:** each
//! table and each column has one counterpart at most. **Invariant:** no value of a row is in a draft.

mod circles;
mod columns;
mod confidence;
mod draft;
mod fit;
mod inferred;
mod key;
mod name;
mod observed;
mod tables;
mod update;
mod words;
mod write;

#[cfg(test)]
mod tests;

pub use confidence::Confidence;
pub use draft::{Asked, Known, Schemas, Selected, infer};
pub use inferred::{Addition, Draft, Fate, FieldDraft, Inferred, Mapping, Unpaired};
pub use key::{KeyDefaults, KeyDraft};
pub use observed::{Days, Flags, Observations, Observed};
pub use update::{Mappings, Style, added};
pub use write::{MARK, spec};
