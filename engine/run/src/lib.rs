//! The engine: detect, transform, validate, load, and account for every row.
//!
//! It knows ports, never a database. Both faces of Transload start it with [`start`] and listen to its events; neither has a loop of its own.

mod cost;
mod delete;
mod derive;
mod detect;
mod event;
mod fence;
mod fill;
mod keys;
mod load;
mod lookup;
mod mint;
mod preflight;
mod reading;
mod reference;
mod report;
mod rows;
mod schedule;
mod segment;
mod settle;
mod start;
mod streams;
mod trial;
mod unique;
mod unit;

pub use event::{Event, EventSink};
pub use lookup::is_looked_up;
pub use report::{EntityReport, QuarantineReason, RunReport, Spent};
pub use start::{Job, Options, Stop, start};
pub use trial::{Difference, Outcome, Parents, Trial, Tried, TriedColumn, Wanted, find, parse_key, through, try_test};
