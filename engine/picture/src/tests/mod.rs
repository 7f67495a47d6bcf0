//! Pictures of some graphs, and what must hold for those of all graphs.

mod formats;
mod given;
mod pictures;
mod properties;
