//! The engine: detect, transform, validate, load, and account for every row.
//!
//! It knows ports, never a database. Both faces of Transload start it with [`start`] and listen to its events; neither has a loop of its own.

mod adopt;
mod again;
mod baseline;
mod claim;
mod context;
mod cost;
mod cursor;
mod delete;
mod derive;
mod detect;
mod detection;
mod discard;
mod entries;
mod event;
mod fence;
mod fill;
mod join;
mod keys;
mod load;
mod lookup;
mod marks;
mod mint;
mod overlay;
mod policy;
mod preflight;
mod reach;
mod reading;
mod reference;
mod regressed;
mod report;
mod requests;
mod retry;
mod rows;
mod schedule;
mod segment;
mod settle;
mod stale;
mod start;
mod stop;
mod streams;
mod trial;
mod unique;
mod unit;
mod verify;
mod without_spec;

pub use adopt::{RememberedRun, remembered};
pub use baseline::{Baseline, BaselineOptions, EntityBaseline, Mappings, Standing, baseline, gap};
pub use delete::deletes_refused;
pub use detection::{ChangeSink, Detection, detect};
pub use discard::{Discard, DiscardSelection, Discarded, discard};
pub use event::{Event, EventSink};
pub use lookup::is_looked_up;
pub use reach::{NamedRows, Planned, Reach};
pub use regressed::Mirrored;
pub use report::{EntityReport, RunReport, Spent};
pub use retry::RetrySelection;
pub use start::{Job, Options, start};
pub use stop::{Halt, Stop};
pub use trial::{Difference, Outcome, Parents, Trial, Tried, TriedColumn, Wanted, find, parse_key, through, try_test};
pub use verify::{
    Differences, DifferingRow, REPAIRED_MAX, Reason, RowDifference, Verification, VerifiedEntity, VerifyOptions,
    VerifyState, verify,
};
pub use without_spec::without_spec;
